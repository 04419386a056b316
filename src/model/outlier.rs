//! Whether what passed the gate is one voice that speaks at all. The network for emotions always
//! names one, whatever it hears. Two look, and the one with more doubt counts: a small network of
//! the same kind, on the same windows, learnt from single voices, in noise too, against crowds,
//! music and other sounds; and a logistic regression on how a window moves, which knows less but
//! does not mistake a song that it never heard (see `train::outlier`; EXPERIMENTS.md, Q12). What
//! they say is weighed over time in `engine::presence`. Both lie beside the model's weights, so
//! that these and their hash stay what they are. Runs on the worker; no allocation after
//! construction.

use serde::{Deserialize, Serialize};

use crate::features::statistics::{add_statistics, add_steps, statistics_of};
use crate::features::{FeatureSpec, pitch};
use crate::model::card::Corpus;
use crate::model::network::NetworkSpec;

/// What the network tells apart; the first is what the model is about.
pub const SOUNDS: [&str; 3] = ["voice", "crowd", "other"];

/// Place of the voice among them.
pub const VOICE: usize = 0;

/// Name of the network's file inside a model's folder.
pub const FILE_NAME: &str = "outlier.safetensors";

/// The card's part of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutlierSpec {
    /// What made it.
    pub command: String,
    pub commit: String,
    /// One per measure, then the bias. Their sum is the logarithm of the odds against a voice.
    pub moves: Vec<f32>,
    /// File with the network's weights, beside the card.
    pub weights: String,
    /// SHA-256 of that file, in hex.
    pub sha256: String,
    pub parameters: usize,
    pub network: NetworkSpec,
    /// What it heard: voices and other sounds.
    pub corpora: Vec<Corpus>,
}

/// The logistic regression, and the room to apply it.
#[derive(Clone, Debug)]
pub struct Moves {
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

impl Moves {
    pub fn new(features: &FeatureSpec, weights: &[f32]) -> Self {
        let rows = features.rows();
        Self {
            features: features.clone(),
            weights: weights.to_vec(),
            measures: Vec::with_capacity(statistics_of(rows) + rows),
        }
    }

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
        let mut outlier = Moves::new(&features(), &weights);
        let still = [1.0, 0.5, 0.2, 1.0, 0.5, 0.2];
        assert!(outlier.probability(&still) < 0.01);
        let room = outlier.measures.capacity();
        assert!(0.99 < outlier.probability(&[1.0, 0.5, 0.2, 3.0, 0.7, 0.2]));
        assert_eq!(outlier.measures.capacity(), room);
        assert!(outlier.probability(&[f32::NAN; 6]).is_nan());
    }
}
