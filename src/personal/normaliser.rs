//! Causal speaker normalisation: a running mean of the voiced frames that starts at the training
//! corpora's mean and moves to the speaker's own. Means only; a running variance would flatten a
//! speaker who is always excited. Runs on the worker, no allocation after construction.

use crate::features::pitch;
use crate::model::card::NormaliserSpec;

/// The baseline of one speaker.
#[derive(Clone, Debug)]
pub struct Normaliser {
    mean: Vec<f32>,
    scale: Vec<f32>,
    /// Frames that the mean of each row stands for.
    weights: Vec<f32>,
    prior_mean: Vec<f32>,
    prior_weights: Vec<f32>,
    memory_frames: f32,
    /// First of the two rows of pitch, where there are any.
    strength: Option<usize>,
}

/// Floor under a standard deviation; a coefficient that never moves carries nothing.
const DEVIATION_MIN: f32 = 1e-3;

/// Below this strength the fundamental frequency is a guess and is not shown to the network: its
/// octaves would be noise (Talkin 1995 calls frames voiced from 0.3 to 0.5).
const STRENGTH_MIN: f32 = 0.35;

/// What was heard of a speaker, as means.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// A value per row; that of the fundamental frequency over the periodic frames alone.
    pub mean: &'a [f32],
    pub frames: f32,
    pub periodic_frames: f32,
}

impl Normaliser {
    pub fn new(spec: &NormaliserSpec) -> Self {
        let prior_weights = prior_weights(spec);
        Self {
            mean: spec.mean.clone(),
            scale: spec.deviation.iter().map(|value| 1.0 / value.max(DEVIATION_MIN)).collect(),
            weights: prior_weights.clone(),
            prior_mean: spec.mean.clone(),
            prior_weights,
            memory_frames: spec.memory_frames,
            strength: (0.0 < spec.prior_pitch_frames)
                .then(|| spec.mean.len().saturating_sub(pitch::ROWS)),
        }
    }

    /// A voiced frame moves the baseline. Frames with a value that is no number are left out.
    pub fn observe(&mut self, row: &[f32]) {
        self.observe_weighted(row, 1.0);
    }

    /// A voiced frame that counts as `frames`.
    pub fn observe_weighted(&mut self, row: &[f32], frames: f32) {
        let is_periodic = self.strength.is_some_and(|index| pitch::PERIODIC <= row[index]);
        let periodic_frames = if is_periodic { frames } else { 0.0 };
        self.observe_many(Heard { mean: row, frames, periodic_frames });
    }

    /// As many voiced frames at once.
    pub fn observe_many(&mut self, heard: Heard) {
        if heard.mean.iter().any(|value| !value.is_finite()) {
            return;
        }
        let rows = self.mean.iter_mut().zip(&mut self.weights).zip(heard.mean);
        for (index, ((own, weight), value)) in rows.enumerate() {
            // How periodic speech is depends on no person; its scale stays where it is.
            let frames = match self.strength {
                Some(strength) if index == strength => continue,
                Some(strength) if index == strength + 1 => heard.periodic_frames,
                _ => heard.frames,
            };
            if 0.0 < frames {
                *weight = (*weight + frames).min(self.memory_frames);
                *own += (value - *own) * (frames / *weight).min(1.0);
            }
        }
    }

    /// Writes `(row - baseline) / deviation`; the fundamental frequency is weighed by how periodic
    /// the frame is and 0 where it is not.
    pub fn apply(&self, row: &[f32], normalised: &mut [f32]) {
        let values = row.iter().zip(&self.mean).zip(&self.scale);
        for (out, ((value, mean), scale)) in normalised.iter_mut().zip(values) {
            *out = (value - mean) * scale;
        }
        if let Some(index) = self.strength {
            let strength = if row[index] < STRENGTH_MIN { 0.0 } else { row[index] };
            normalised[index + 1] *= strength;
        }
    }

    /// Back to the corpora's mean, as for a new speaker.
    pub fn reset(&mut self) {
        self.mean.copy_from_slice(&self.prior_mean);
        self.weights.copy_from_slice(&self.prior_weights);
    }
}

fn prior_weights(spec: &NormaliserSpec) -> Vec<f32> {
    let mut weights = vec![spec.prior_frames; spec.mean.len()];
    if let Some(level) = weights.first_mut() {
        *level = spec.prior_level_frames;
    }
    if let Some(octaves) = weights.last_mut().filter(|_| 0.0 < spec.prior_pitch_frames) {
        *octaves = spec.prior_pitch_frames;
    }
    weights
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
            prior_pitch_frames: 0.0,
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
        normaliser.reset();
        normaliser.apply(&[0.0, 10.0], &mut out);
        assert_eq!(out, [0.0, 0.0]);
    }

    #[test]
    fn pitch_is_seen_against_the_speakers_own_where_there_is_one() {
        let spec = NormaliserSpec {
            mean: vec![0.0, 0.5, 0.25],
            deviation: vec![1.0, 0.5, 0.5],
            prior_pitch_frames: 1.0,
            ..spec()
        };
        let mut normaliser = Normaliser::new(&spec);
        normaliser.observe(&[0.0, 0.9, 0.75]);
        normaliser.observe(&[0.0, 0.1, 9.0]); // not periodic: no pitch to learn from
        let mut out = [9.0; 3];
        normaliser.apply(&[0.0, 1.0, 1.0], &mut out);
        assert_eq!(out, [0.0, 1.0, 1.0]); // (1 - 0.5) / 0.5, (1 - (0.25 + 0.75) / 2) / 0.5
        normaliser.apply(&[0.0, 0.3, 1.0], &mut out);
        assert_eq!(out[2], 0.0);
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
