//! Whether what passed the gate is one voice that speaks at all: a logistic regression on how a
//! window moves, learnt from speech, in noise too, against noise, music and other sounds (see
//! `train::outlier`). The network itself always names an emotion, whatever it hears. It stands in
//! the card, not in the weights: it depends on the features alone. Runs on the worker; no
//! allocation after construction.

use serde::{Deserialize, Serialize};

use crate::features::statistics::{add_statistics, add_steps, statistics_of};
use crate::features::{FeatureSpec, pitch};
use crate::model::card::Corpus;

/// The card's part of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutlierSpec {
    /// What made it.
    pub command: String,
    pub commit: String,
    /// One per measure, then the bias. Their sum is the logarithm of the odds against a voice.
    pub weights: Vec<f32>,
    /// What it heard: voices and other sounds.
    pub corpora: Vec<Corpus>,
}

/// Weights and the room to apply them.
#[derive(Clone, Debug)]
pub struct Outlier {
    features: FeatureSpec,
    weights: Vec<f32>,
    measures: Vec<f32>,
}

/// Measures of a window.
pub fn width(features: &FeatureSpec) -> usize {
    2 * features.rows() + pitch_rows(features)
}

fn pitch_rows(features: &FeatureSpec) -> usize {
    if features.pitch { pitch::ROWS } else { 0 }
}

/// Measures `rows`, normalised, `[frames, coefficients]`: deviations and mean steps of all rows,
/// and the means of the pitch. Means of the cepstra say which microphone and which voice it is, so
/// they stay out.
pub fn measure(rows: &[f32], features: &FeatureSpec, out: &mut Vec<f32>) {
    let (width, pitch_rows) = (features.rows(), pitch_rows(features));
    out.clear();
    add_statistics(rows, width, out);
    add_steps(rows, width, out);
    out.copy_within(width - pitch_rows..width, 0);
    out.copy_within(width.., pitch_rows);
    out.truncate(2 * width + pitch_rows);
}

impl OutlierSpec {
    pub fn build(&self, features: &FeatureSpec) -> Outlier {
        let rows = features.rows();
        Outlier {
            features: features.clone(),
            weights: self.weights.clone(),
            measures: Vec::with_capacity(statistics_of(rows) + rows),
        }
    }
}

impl Outlier {
    /// Probability that the window, as [`measure`] takes it, is no voice; no number where the
    /// window holds none.
    pub fn probability(&mut self, rows: &[f32]) -> f32 {
        measure(rows, &self.features, &mut self.measures);
        1.0 / (1.0 + (-log_odds(&self.weights, &self.measures)).exp())
    }
}

/// Of one measured window.
pub fn log_odds(weights: &[f32], measures: &[f32]) -> f32 {
    let sum: f32 = weights.iter().zip(measures).map(|(weight, value)| weight * value).sum();
    sum + weights.last().copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features() -> FeatureSpec {
        FeatureSpec { coefficients: 1, ..FeatureSpec::default() }
    }

    #[test]
    fn pitch_comes_first_then_deviations_and_steps() {
        let mut out = Vec::new();
        // Two frames: a cepstrum, how periodic, how high.
        measure(&[1.0, 0.5, 0.2, 3.0, 0.7, 0.2], &features(), &mut out);
        let expected = [0.6, 0.2, 1.0, 0.1, 0.0, 2.0, 0.2, 0.0];
        assert_eq!(out.len(), width(&features()));
        assert!(out.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{out:?}");
    }

    #[test]
    fn what_moves_may_be_none_and_room_is_made_once() {
        let mut weights = vec![0.0; width(&features()) + 1];
        weights[5] = 10.0; // steps of the cepstrum
        weights[8] = -5.0;
        let (command, commit) = (String::new(), String::new());
        let spec = OutlierSpec { command, commit, weights, corpora: Vec::new() };
        let mut outlier = spec.build(&features());
        let still = [1.0, 0.5, 0.2, 1.0, 0.5, 0.2];
        assert!(outlier.probability(&still) < 0.01);
        let room = outlier.measures.capacity();
        assert!(0.99 < outlier.probability(&[1.0, 0.5, 0.2, 3.0, 0.7, 0.2]));
        assert_eq!(outlier.measures.capacity(), room);
        assert!(outlier.probability(&[f32::NAN; 6]).is_nan());
    }
}
