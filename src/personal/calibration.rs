//! Calibration: collects a person's neutral voice and makes a [`Baseline`] of it. Live frame by
//! frame, or from files; the same either way. Runs on the worker; allocates while it collects.

use std::ops::Range;

use crate::features::pitch::PERIODIC;
use crate::model::card::Card;
use crate::model::predictor::{DIMENSIONS, Predict, Window};
use crate::personal::baseline::Baseline;
use crate::personal::normaliser::{Heard, Normaliser};

/// Speech that a baseline needs at least, in seconds.
pub const SPEECH_S_MIN: f32 = 5.0;

/// Rows kept at most for each frame of speech that is wanted: a voice pauses.
const ROWS_A_FRAME: usize = 4;

/// A person's voice so far.
#[derive(Clone, Debug)]
pub struct Calibration {
    /// Frames of speech that are wanted.
    wanted: usize,
    speech: usize,
    width: usize,
    frames_per_s: f32,
    /// Features as they were measured, row after row, and which of them are speech.
    rows: Vec<f32>,
    is_speech: Vec<bool>,
    /// Stretches without a pause, in rows.
    stretches: Vec<Range<usize>>,
}

/// There was too little speech.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{heard_s:.1} s of speech were heard, a baseline needs {SPEECH_S_MIN} s at least")]
pub struct TooLittleSpeech {
    heard_s: f32,
}

impl Calibration {
    /// For so much speech, in seconds.
    pub fn new(card: &Card, wanted_s: f32) -> Self {
        let frames_per_s = card.features.frames_per_s();
        Self {
            wanted: crate::units::to_count(f64::from(wanted_s * frames_per_s)),
            speech: 0,
            width: card.features.rows(),
            frames_per_s,
            rows: Vec::new(),
            is_speech: Vec::new(),
            stretches: Vec::new(),
        }
    }

    /// A frame while somebody speaks, a hang-over included; `None` ends the stretch.
    pub fn push(&mut self, frame: Option<(&[f32], bool)>) {
        let end = self.is_speech.len();
        let is_full = ROWS_A_FRAME * self.wanted <= end;
        let Some((row, is_speech)) = frame.filter(|_| !is_full) else {
            if self.stretches.last().is_none_or(|last| last.end < end) {
                let start = self.stretches.last().map_or(0, |last| last.end);
                self.stretches.push(start..end);
            }
            return;
        };
        self.rows.extend_from_slice(row);
        self.is_speech.push(is_speech);
        self.speech += usize::from(is_speech);
    }

    /// Speech so far, in seconds.
    pub fn heard_s(&self) -> f32 {
        self.speech as f32 / self.frames_per_s
    }

    /// 0..1 of what is wanted.
    pub fn share(&self) -> f32 {
        (self.speech as f32 / self.wanted.max(1) as f32).min(1.0)
    }

    pub fn is_complete(&self) -> bool {
        self.wanted <= self.speech || ROWS_A_FRAME * self.wanted <= self.is_speech.len()
    }

    /// Means over the speech; where the network puts it once it knows these. May take a tenth of a
    /// second, as the network goes through all of it again.
    pub fn finish(
        mut self,
        card: &Card,
        model: &mut dyn Predict,
    ) -> Result<Baseline, TooLittleSpeech> {
        self.push(None);
        if self.heard_s() < SPEECH_S_MIN {
            return Err(TooLittleSpeech { heard_s: self.heard_s() });
        }
        let (mean, periodic) = self.means(0.0 < card.normaliser.prior_pitch_frames);
        let frames = self.speech as f32;
        let heard = Heard { mean: &mean, frames, periodic_frames: periodic };
        let mut normaliser = Normaliser::new(&card.normaliser);
        normaliser.observe_many(heard);
        let neutral = self.neutral(card, model, &normaliser);
        Ok(Baseline::new(heard, neutral))
    }

    /// Of each feature; that of the pitch over the periodic frames, whose number it tells.
    fn means(&self, has_pitch: bool) -> (Vec<f32>, f32) {
        let (mut sums, mut periodic) = (vec![0.0_f64; self.width], 0.0_f64);
        let octaves = self.width - 1;
        let rows = self.rows.chunks_exact(self.width).zip(&self.is_speech);
        for (row, _) in rows.filter(|(_, is_speech)| **is_speech) {
            let is_periodic = has_pitch && PERIODIC <= row[octaves.saturating_sub(1)];
            periodic += f64::from(u8::from(is_periodic));
            for (index, (sum, value)) in sums.iter_mut().zip(row).enumerate() {
                if !has_pitch || index != octaves || is_periodic {
                    *sum += f64::from(*value);
                }
            }
        }
        let mean = |(index, sum): (usize, &f64)| {
            let is_pitch = has_pitch && index == octaves;
            let count = if is_pitch { periodic } else { self.speech as f64 };
            crate::units::to_f32(sum / count.max(1.0))
        };
        (sums.iter().enumerate().map(mean).collect(), crate::units::to_f32(periodic))
    }

    /// Mean of what the network says at each hop; the middle where no stretch is long enough.
    fn neutral(
        &self,
        card: &Card,
        model: &mut dyn Predict,
        normaliser: &Normaliser,
    ) -> [f32; DIMENSIONS] {
        let (rule, hop) = (card.window_rule(), card.hop_feature_frames().max(1));
        let mut normalised = vec![0.0; self.rows.len()];
        let rows = self.rows.chunks_exact(self.width);
        for (row, out) in rows.zip(normalised.chunks_exact_mut(self.width)) {
            normaliser.apply(row, out);
        }
        let mut stream = model.open();
        let (mut sums, mut count) = ([0.0_f32; DIMENSIONS], 0.0_f32);
        for stretch in &self.stretches {
            let mut end = stretch.start + rule.shortest;
            while end <= stretch.end {
                let Some(window) = rule.window(stretch.start as u64..end as u64) else { break };
                let start = usize::try_from(window.start).unwrap_or(0);
                let rows = &normalised[start * self.width..end * self.width];
                let said = match &mut stream {
                    Some(stream) => model.follow(stream, Window { rows, start: window.start }),
                    None => model.predict(rows, end - start),
                };
                if said.dimensions.iter().all(|value| value.is_finite()) {
                    sums.iter_mut().zip(said.dimensions).for_each(|(sum, value)| *sum += value);
                    count += 1.0;
                }
                end += hop;
            }
        }
        if count == 0.0 { [0.5; DIMENSIONS] } else { sums.map(|sum| sum / count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::predictor::Prediction;

    /// Says as arousal what the mean of the first feature is.
    struct Echo;

    impl Predict for Echo {
        fn predict(&mut self, features: &[f32], frames: usize) -> Prediction {
            let width = features.len() / frames;
            let sum: f32 = features.iter().step_by(width).sum();
            let dimensions = [sum / frames as f32, 0.5, 0.5];
            Prediction { dimensions, ..Prediction::NOTHING }
        }
    }

    fn card() -> Card {
        Card::load("models/affectd-3".as_ref()).expect("the shipped model")
    }

    /// The corpora's mean, its first feature so many deviations higher.
    fn row(card: &Card, deviations: f32) -> Vec<f32> {
        let mut row = card.normaliser.mean.clone();
        row[0] += deviations * card.normaliser.deviation[0];
        row
    }

    #[test]
    fn a_baseline_is_the_mean_of_the_speech_alone() {
        let card = card();
        let mut calibration = Calibration::new(&card, 6.0);
        let (speech, breath) = (row(&card, 1.0), row(&card, -9.0));
        for _ in 0..3 {
            (0..200).for_each(|_| calibration.push(Some((&speech, true))));
            (0..30).for_each(|_| calibration.push(Some((&breath, false))));
            (0..100).for_each(|_| calibration.push(None));
        }
        assert!(calibration.is_complete());
        assert_eq!((calibration.heard_s(), calibration.share()), (6.0, 1.0));
        let baseline = calibration.finish(&card, &mut Echo).expect("6 s of speech");
        assert_eq!(baseline.frames, 600.0);
        let wrong = baseline.mean.iter().zip(&speech).filter(|(a, b)| 1e-3 < (*a - *b).abs());
        assert_eq!(wrong.count(), 0);
        // 50 frames of the corpora's level to 600 of this: 1/13 of a deviation is left, and the
        // breath of each stretch, at its end, lies far below.
        let level = baseline.neutral[0];
        assert!((-1.0..1.0 / 13.0 + 0.01).contains(&level), "{level}");
    }

    #[test]
    fn too_little_speech_is_told_and_endless_noise_ends() {
        let card = card();
        let mut calibration = Calibration::new(&card, 20.0);
        (0..400).for_each(|_| calibration.push(Some((&row(&card, 0.0), true))));
        let error = calibration.clone().finish(&card, &mut Echo).expect_err("4 s").to_string();
        assert!(error.starts_with("4.0 s of speech were heard"), "{error}");
        assert!(!calibration.is_complete());
        (0..8000).for_each(|_| calibration.push(Some((&row(&card, 0.0), false))));
        assert!(calibration.is_complete());
    }
}
