//! The cepstra of the last seconds of one channel, and how much of them is the present speech.
//! No allocation after construction.

use crate::personal::normaliser::Normaliser;

/// Last rows of coefficients, oldest first, in a buffer twice as long as needed so that sliding
/// costs one copy every `capacity` rows.
pub struct History {
    coefficients: usize,
    capacity: usize,
    rows: Vec<f32>,
    normalised: Vec<f32>,
}

impl History {
    /// Holds `capacity` rows.
    pub fn new(coefficients: usize, capacity: usize) -> Self {
        Self {
            coefficients,
            capacity,
            rows: Vec::with_capacity(2 * capacity * coefficients),
            normalised: vec![0.0; coefficients],
        }
    }

    /// Rows held.
    pub fn len(&self) -> usize {
        (self.rows.len() / self.coefficients).min(self.capacity)
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

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
    }

    /// Writes `count` rows that end `ago` rows before the newest into `features`, normalised, as
    /// `[coefficients, count]`.
    pub fn window(
        &mut self,
        count: usize,
        ago: usize,
        normaliser: &Normaliser,
        features: &mut Vec<f32>,
    ) {
        assert!(count + ago <= self.len(), "the caller asks for what is there");
        features.clear();
        features.resize(count * self.coefficients, 0.0);
        let total = self.rows.len() / self.coefficients;
        let first = total - count - ago;
        let rows = self.rows.chunks_exact(self.coefficients).skip(first).take(count);
        for (time, row) in rows.enumerate() {
            normaliser.apply(row, &mut self.normalised);
            for (coefficient, value) in self.normalised.iter().enumerate() {
                features[coefficient * count + time] = *value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::card::NormaliserSpec;

    fn plain() -> Normaliser {
        Normaliser::new(&NormaliserSpec {
            mean: vec![0.0; 2],
            deviation: vec![1.0; 2],
            prior_frames: 1.0,
            prior_level_frames: 1.0,
            memory_frames: 1.0,
        })
    }

    #[test]
    fn the_newest_rows_come_out_coefficient_by_coefficient() {
        let mut history = History::new(2, 5);
        for value in 0..23u8 {
            history.push(&[f32::from(value), -f32::from(value)]);
        }
        let mut features = Vec::new();
        history.window(3, 0, &plain(), &mut features);
        assert_eq!(features, [20.0, 21.0, 22.0, -20.0, -21.0, -22.0]);
        history.window(2, 3, &plain(), &mut features);
        assert_eq!(features, [18.0, 19.0, -18.0, -19.0]);
        assert_eq!(history.len(), 5);
    }
}
