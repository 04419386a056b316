//! Values of one level of the network, a row per step from the window's start on, kept from window
//! to window; and which of them a new window changes. No allocation after construction.

use std::ops::Range;

/// Rows that differ from those of the window before: the first `head` and all from `tail` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    pub head: usize,
    pub tail: usize,
    /// The window starts later than the one before: there are zeros now where rows were.
    pub is_moved: bool,
}

impl Changed {
    /// Of the outputs of a convolution that looks at `reach` rows to both sides.
    pub fn convolved(self, reach: usize) -> Self {
        let head = if self.is_moved { self.head + reach } else { 0 };
        Self { head, tail: self.tail.saturating_sub(reach), ..self }
    }

    /// Of the larger ones of each two rows.
    pub fn halved(self) -> Self {
        Self { head: self.head.div_ceil(2), tail: self.tail / 2, ..self }
    }

    /// The rows to compute again of `rows` altogether.
    pub fn ranges(self, rows: usize) -> [Range<usize>; 2] {
        if self.tail <= self.head {
            return [0..0, 0..rows];
        }
        [0..self.head.min(rows), self.tail.min(rows)..rows]
    }
}

/// Rows of numbers in a buffer twice as long as needed, so that sliding costs one copy each time
/// that a whole window has gone by.
#[derive(Debug)]
pub struct Track {
    width: usize,
    capacity: usize,
    values: Vec<f32>,
    /// Row that the window starts with.
    first: usize,
}

impl Track {
    /// For windows of up to `capacity` rows.
    pub fn new(width: usize, capacity: usize) -> Self {
        Self { width, capacity, values: vec![0.0; 2 * capacity * width], first: 0 }
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// The window starts `rows` later.
    pub fn slide(&mut self, rows: usize) {
        self.first += rows.min(self.capacity);
        if self.capacity < self.first {
            let begin = self.first * self.width;
            let end = self.values.len().min(begin + self.capacity * self.width);
            self.values.copy_within(begin..end, 0);
            self.first = 0;
        }
    }

    /// Rows of the window, from its start.
    pub fn rows(&self, rows: Range<usize>) -> &[f32] {
        let first = self.first + rows.start;
        &self.values[first * self.width..(self.first + rows.end) * self.width]
    }

    pub fn rows_mut(&mut self, rows: Range<usize>) -> &mut [f32] {
        let first = self.first + rows.start;
        &mut self.values[first * self.width..(self.first + rows.end) * self.width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_grows_changes_its_end_only() {
        let changed = Changed { head: 0, tail: 50, is_moved: false };
        // Two rows look at the zeros behind the old end; as pairs they are one, and two more look.
        let first = changed.convolved(2);
        assert_eq!(first.ranges(60), [0..0, 48..60]);
        let pooled = first.halved();
        assert_eq!(pooled.ranges(30), [0..0, 24..30]);
        assert_eq!(pooled.convolved(2).ranges(30), [0..0, 22..30]);
    }

    #[test]
    fn a_window_that_slides_changes_its_beginning_too() {
        let changed = Changed { head: 0, tail: 288, is_moved: true };
        let pooled = changed.convolved(2).halved();
        assert_eq!(pooled.ranges(149), [0..1, 143..149]);
        assert_eq!(pooled.convolved(2).ranges(149), [0..3, 141..149]);
    }

    #[test]
    fn everything_changes_where_the_two_meet() {
        let changed = Changed { head: 0, tail: 5, is_moved: true }.convolved(3);
        assert_eq!(changed.ranges(9), [0..0, 0..9]);
    }

    #[test]
    fn rows_keep_their_values_however_far_the_window_slides() {
        let mut track = Track::new(2, 10);
        for start in 0..100u8 {
            let newest = f32::from(start + 9);
            track.rows_mut(9..10).copy_from_slice(&[newest, -newest]);
            if start >= 10 {
                assert_eq!(track.rows(0..1), [f32::from(start), -f32::from(start)]);
            }
            track.slide(1);
        }
    }
}
