//! Causal speaker normalisation: a running mean of the voiced frames that starts at the training
//! corpora's mean and moves to the speaker's own. Means only; a running variance would flatten a
//! speaker who is always excited. Runs on the worker, no allocation after construction.

use crate::model::card::NormaliserSpec;

/// The baseline of one speaker.
#[derive(Clone, Debug)]
pub struct Normaliser {
    mean: Vec<f32>,
    scale: Vec<f32>,
    prior_mean: Vec<f32>,
    /// Frames that the mean of the coefficients, and of the level, stand for.
    weight: f32,
    weight_level: f32,
    memory_frames: f32,
}

/// Floor under a standard deviation; a coefficient that never moves carries nothing.
const DEVIATION_MIN: f32 = 1e-3;

impl Normaliser {
    pub fn new(spec: &NormaliserSpec) -> Self {
        Self {
            mean: spec.mean.clone(),
            scale: spec.deviation.iter().map(|value| 1.0 / value.max(DEVIATION_MIN)).collect(),
            prior_mean: spec.mean.clone(),
            weight: spec.prior_frames,
            weight_level: spec.prior_level_frames,
            memory_frames: spec.memory_frames,
        }
    }

    /// A voiced frame moves the baseline. Frames with a value that is no number are left out.
    pub fn observe(&mut self, coefficients: &[f32]) {
        self.observe_many(coefficients, 1.0);
    }

    /// As many voiced frames at once, given by their mean.
    pub fn observe_many(&mut self, mean: &[f32], frames: f32) {
        if mean.iter().any(|value| !value.is_finite()) {
            return;
        }
        self.weight = (self.weight + frames).min(self.memory_frames);
        self.weight_level = (self.weight_level + frames).min(self.memory_frames);
        for (index, (own, value)) in self.mean.iter_mut().zip(mean).enumerate() {
            let weight = if index == 0 { self.weight_level } else { self.weight };
            *own += (value - *own) * (frames / weight).min(1.0);
        }
    }

    /// Writes `(coefficients - baseline) / deviation`.
    pub fn apply(&self, coefficients: &[f32], normalised: &mut [f32]) {
        let pairs = coefficients.iter().zip(&self.mean).zip(&self.scale);
        for (out, ((value, mean), scale)) in normalised.iter_mut().zip(pairs) {
            *out = (value - mean) * scale;
        }
    }

    /// Back to the corpora's mean, as for a new speaker.
    pub fn reset(&mut self, spec: &NormaliserSpec) {
        self.mean.copy_from_slice(&self.prior_mean);
        self.weight = spec.prior_frames;
        self.weight_level = spec.prior_level_frames;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> NormaliserSpec {
        NormaliserSpec {
            mean: vec![0.0, 10.0],
            deviation: vec![2.0, 5.0],
            prior_frames: 4.0,
            prior_level_frames: 1.0,
            memory_frames: 100.0,
        }
    }

    #[test]
    fn a_new_speaker_is_seen_against_the_corpora() {
        let mut out = [0.0; 2];
        Normaliser::new(&spec()).apply(&[4.0, 20.0], &mut out);
        assert_eq!(out, [2.0, 2.0]); // (4 - 0) / 2, (20 - 10) / 5
    }

    #[test]
    fn the_prior_weighs_as_many_frames_as_it_says() {
        let mut normaliser = Normaliser::new(&spec());
        normaliser.observe(&[8.0, 20.0]);
        // Level: (1·0 + 8) / 2 = 4. The other: (4·10 + 20) / 5 = 12.
        let mut out = [0.0; 2];
        normaliser.apply(&[4.0, 12.0], &mut out);
        assert_eq!(out, [0.0, 0.0]);
    }

    #[test]
    fn a_speaker_who_stays_becomes_the_baseline() {
        let mut normaliser = Normaliser::new(&spec());
        (0..2000).for_each(|_| normaliser.observe(&[-30.0, 50.0]));
        let mut out = [9.0; 2];
        normaliser.apply(&[-30.0, 50.0], &mut out);
        assert!(out.iter().all(|value| value.abs() < 1e-3), "{out:?}");
        normaliser.reset(&spec());
        normaliser.apply(&[0.0, 10.0], &mut out);
        assert_eq!(out, [0.0, 0.0]);
    }

    #[test]
    fn no_number_leaves_the_baseline_alone() {
        let mut normaliser = Normaliser::new(&spec());
        normaliser.observe(&[f32::NAN, 50.0]);
        let mut out = [9.0; 2];
        normaliser.apply(&[0.0, 10.0], &mut out);
        assert_eq!(out, [0.0, 0.0]);
    }
}
