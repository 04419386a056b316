//! The normalised features of the last seconds of one channel. Rows are numbered from the first
//! that it was ever given, so that a number means the same row for as long as the channel lives.
//! No allocation after construction.

use std::ops::Range;

/// Last rows of coefficients, oldest first, in a buffer twice as long as needed so that sliding
/// costs one copy every `capacity` rows.
pub struct History {
    coefficients: usize,
    capacity: usize,
    rows: Vec<f32>,
    /// Number that the next row gets.
    end: u64,
}

impl History {
    /// Holds `capacity` rows.
    pub fn new(coefficients: usize, capacity: usize) -> Self {
        let rows = Vec::with_capacity(2 * capacity * coefficients);
        Self { coefficients, capacity, rows, end: 0 }
    }

    /// Rows held.
    pub fn len(&self) -> usize {
        (self.rows.len() / self.coefficients).min(self.capacity)
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Number of the oldest row held.
    pub fn start(&self) -> u64 {
        self.end - self.len() as u64
    }

    /// Number that the next row gets.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Forgets the rows; their numbers are not given again.
    pub fn clear(&mut self) {
        self.rows.clear();
    }

    pub fn push(&mut self, row: &[f32]) {
        if self.rows.len() == 2 * self.capacity * self.coefficients {
            let kept = self.rows.len() / 2;
            self.rows.copy_within(kept.., 0);
            self.rows.truncate(kept);
        }
        self.rows.extend_from_slice(row);
        self.end += 1;
    }

    /// The rows with these numbers, one after the other.
    pub fn rows(&self, numbers: Range<u64>) -> &[f32] {
        let held = self.start() <= numbers.start && numbers.end <= self.end;
        assert!(held, "the caller asks for what is there");
        let ago = |number: u64| usize::try_from(self.end - number).unwrap_or(usize::MAX);
        let index = |number: u64| self.rows.len() - ago(number) * self.coefficients;
        &self.rows[index(numbers.start)..index(numbers.end)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(count: u8) -> History {
        let mut history = History::new(2, 5);
        (0..count).for_each(|value| history.push(&[f32::from(value), -f32::from(value)]));
        history
    }

    #[test]
    fn a_number_finds_its_row_however_often_the_buffer_slid() {
        let history = filled(23);
        assert_eq!((history.start(), history.end(), history.len()), (18, 23, 5));
        assert_eq!(history.rows(20..23), [20.0, -20.0, 21.0, -21.0, 22.0, -22.0]);
        assert_eq!(history.rows(18..19), [18.0, -18.0]);
    }

    #[test]
    fn what_is_forgotten_keeps_its_numbers() {
        let mut history = filled(3);
        history.clear();
        history.push(&[7.0, -7.0]);
        assert_eq!((history.start(), history.end(), history.len()), (3, 4, 1));
        assert_eq!(history.rows(3..4), [7.0, -7.0]);
    }
}
