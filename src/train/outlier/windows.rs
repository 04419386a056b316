//! Windows of one kind of sound, as the live engine cut them. Plain memory.

use rand::Rng;
use rand::rngs::StdRng;

/// So often a window is drawn anew that is too short.
const TRIES: usize = 50;

#[derive(Clone, Debug, Default)]
pub struct Windows {
    coefficients: usize,
    /// One window after the other, `[frames, coefficients]`, normalised.
    rows: Vec<f32>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Windows {
    pub fn new(coefficients: usize) -> Self {
        Self { coefficients, ..Self::default() }
    }

    pub fn push(&mut self, rows: &[f32]) {
        self.rows.extend_from_slice(rows);
        self.ends.push(self.rows.len());
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &[f32]> {
        (0..self.len()).map(|index| self.get(index))
    }

    fn get(&self, index: usize) -> &[f32] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.rows[start..self.ends[index]]
    }

    /// Adds so many frames of a window by chance, from a place by chance. A window that is shorter
    /// begins again at its end; there must be one.
    pub fn draw(&self, frames: usize, rng: &mut StdRng, out: &mut Vec<f32>) {
        let length = frames * self.coefficients;
        let mut drawn = || self.get(rng.random_range(0..self.len()));
        let mut window = drawn();
        for _ in 0..TRIES {
            if length <= window.len() {
                break;
            }
            window = drawn();
        }
        let places = window.len().saturating_sub(length) / self.coefficients;
        let start = rng.random_range(0..=places) * self.coefficients;
        let whole = &window[start..window.len().min(start + length)];
        out.extend(whole.iter().cycle().take(length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_window_that_is_long_enough_is_cut_and_a_short_one_begins_again() {
        let mut windows = Windows::new(2);
        windows.push(&[1.0, 2.0, 3.0, 4.0]);
        let (mut rng, mut out) = (StdRng::seed_from_u64(1), Vec::new());
        windows.draw(3, &mut rng, &mut out);
        assert_eq!(out, [1.0, 2.0, 3.0, 4.0, 1.0, 2.0]);
        windows.push(&[7.0; 8]);
        out.clear();
        windows.draw(3, &mut rng, &mut out);
        assert_eq!(out, [7.0; 6]);
        assert_eq!((windows.len(), windows.iter().last().unwrap().len()), (2, 8));
        let mut starts = Vec::new();
        for _ in 0..50 {
            out.clear();
            windows.draw(1, &mut rng, &mut out);
            starts.push(out[0]);
        }
        assert!([1.0, 3.0, 7.0].iter().all(|start| starts.contains(start)), "{starts:?}");
    }
}
