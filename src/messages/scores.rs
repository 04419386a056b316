//! Several values of one kind that live on the stack, so that an update costs no allocation.

/// Most labels a model may have, `unknown` included.
pub const CLASSES_MAX: usize = 16;

/// One value per label in the model's order, then `unknown`; sums to 1. Lives on the stack so that
/// an update costs no allocation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScores {
    values: [f32; CLASSES_MAX],
    count: usize,
}

impl ClassScores {
    /// All mass on `unknown`, for a model with `labels` labels of its own.
    pub fn unknown(labels: usize) -> Self {
        assert!(labels < CLASSES_MAX, "the model card allows at most {} labels", CLASSES_MAX - 1);
        let mut values = [0.0; CLASSES_MAX];
        values[labels] = 1.0;
        Self { values, count: labels + 1 }
    }

    pub fn as_slice(&self) -> &[f32] {
        &self.values[..self.count]
    }

    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.values[..self.count]
    }

    /// Index and value of the largest score; the first of equals.
    pub fn top(&self) -> (usize, f32) {
        let mut best = (0, self.values[0]);
        for (index, &value) in self.as_slice().iter().enumerate() {
            if value > best.1 {
                best = (index, value);
            }
        }
        best
    }
}

/// Most outputs that a person may have taught, `none` included.
pub const TAUGHT_MAX: usize = 33;

/// Outputs that a person taught, in their order, 0..1 each; lives on the stack as [`ClassScores`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Taught {
    values: [f32; TAUGHT_MAX],
    count: usize,
}

impl Taught {
    pub const NOTHING: Self = Self { values: [0.0; TAUGHT_MAX], count: 0 };

    /// So many outputs, all 0.
    pub fn zeros(count: usize) -> Self {
        Self { values: [0.0; TAUGHT_MAX], count: count.min(TAUGHT_MAX) }
    }

    pub fn as_slice(&self) -> &[f32] {
        &self.values[..self.count]
    }

    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.values[..self.count]
    }
}
