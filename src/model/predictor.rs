//! A loaded model that answers: normalised cepstra in, calibrated probabilities and affect
//! coordinates out. The one place where inference happens, live, offline and in evaluation.

use std::path::Path;

use burn::module::Module;
use burn::store::{ModuleSnapshot, SafetensorsStore};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};

use crate::model::card::{Card, LABELS_MAX, ModelError};
use crate::model::network::{FRAMES_MIN, Network};

/// What the model says about one stretch of speech.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// In the card's order; zeros behind the last label.
    pub probabilities: [f32; LABELS_MAX],
    /// Arousal, valence, dominance, 0..1.
    pub dimensions: [f32; DIMENSIONS],
}

/// Arousal, valence and dominance.
const DIMENSIONS: usize = 3;

/// Several windows of one length.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// `[count, coefficients, frames]`, each normalised.
    pub windows: &'a [f32],
    pub count: usize,
    pub frames: usize,
}

impl Batch<'_> {
    /// Each window by itself, `[coefficients, frames]`.
    pub fn each(&self) -> impl Iterator<Item = &[f32]> {
        self.windows.chunks_exact(self.windows.len() / self.count.max(1))
    }
}

/// Whatever answers the engine: a [`Predictor`], or one that is timed or scripted.
pub trait Predict {
    /// `features` is `[coefficients, frames]`, row after row, normalised.
    fn predict(&mut self, features: &[f32], frames: usize) -> Prediction;

    /// The same for channels that speak at once; adds an answer for each window.
    fn predict_batch(&mut self, batch: Batch, answers: &mut Vec<Prediction>) {
        for window in batch.each() {
            answers.push(self.predict(window, batch.frames));
        }
    }
}

impl Predict for Predictor {
    fn predict(&mut self, features: &[f32], frames: usize) -> Prediction {
        self.answer(features, frames)
    }

    fn predict_batch(&mut self, batch: Batch, answers: &mut Vec<Prediction>) {
        self.answer_batch(batch, answers);
    }
}

/// Length of the window to ask about when `available` frames of speech are there: whole steps of
/// the shortest, so that a GPU compiles few shapes. None if there is too little.
pub fn window_frames(available: usize, shortest: usize, longest: usize) -> Option<usize> {
    let steps = available.min(longest) / shortest;
    (0 < steps).then_some(steps * shortest)
}

/// Network and card on one device.
pub struct Predictor {
    card: Card,
    network: Network,
    device: Device,
}

impl Predictor {
    /// Reads and checks the weights that the card in `folder` names.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, ModelError> {
        let card = Card::load(folder)?;
        let bytes = card.read_weights(folder)?;
        let refuse =
            |reason: String| ModelError::Weights { path: folder.join(&card.weights), reason };
        let mut network = card.network.init(card.features.coefficients, card.labels.len(), device);
        let mut store = SafetensorsStore::from_bytes(Some(bytes)).allow_partial(true);
        let result = network.load_from(&mut store).map_err(|error| refuse(error.to_string()))?;
        if let Some(first) = result.errors.first() {
            return Err(refuse(first.to_string()));
        }
        if let Some((missing, _)) = result.missing.first() {
            return Err(refuse(format!("{missing} is missing")));
        }
        if let Some(unused) = result.unused.first() {
            return Err(refuse(format!("{unused} has no place in it")));
        }
        Ok(Self { card, network: network.valid(), device: device.clone() })
    }

    pub fn card(&self) -> &Card {
        &self.card
    }

    /// `features` is `[coefficients, frames]`, row after row, normalised; at least
    /// [`FRAMES_MIN`] frames. Allocates, and blocks until the device has answered.
    pub fn answer(&self, features: &[f32], frames: usize) -> Prediction {
        let mut answers = Vec::with_capacity(1);
        self.answer_batch(Batch { windows: features, count: 1, frames }, &mut answers);
        answers[0]
    }

    /// The same for several windows at once; adds an answer for each.
    pub fn answer_batch(&self, batch: Batch, answers: &mut Vec<Prediction>) {
        let Batch { windows, count, frames } = batch;
        assert!(FRAMES_MIN <= frames, "the caller waits for the card's shortest window");
        let shape = [count, self.card.features.coefficients, frames];
        let data = TensorData::new(windows.to_vec(), shape);
        let output = self.network.forward(Tensor::<3>::from_data(data, &self.device));
        let calibrated = softmax(output.logits.div_scalar(self.card.temperature), 1);
        // One transfer for both heads.
        let joined = Tensor::cat(vec![calibrated, output.dimensions], 1).into_data();
        let labels = self.card.labels.len();
        let values: Vec<f32> = joined.iter::<f32>().collect();
        for row in values.chunks_exact(labels + DIMENSIONS) {
            let mut prediction =
                Prediction { probabilities: [0.0; LABELS_MAX], dimensions: [0.5; DIMENSIONS] };
            let (probabilities, dimensions) = row.split_at(labels);
            prediction.probabilities[..labels].copy_from_slice(probabilities);
            prediction.dimensions.copy_from_slice(dimensions);
            answers.push(prediction);
        }
    }

    /// Runs every window length once, so that no later call pays for compilation.
    pub fn warm_up(&self) {
        let [shortest, longest] = self.card.window_feature_frames();
        for frames in (shortest..=longest).step_by(shortest) {
            self.answer(&vec![0.0; frames * self.card.features.coefficients], frames);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_grow_in_steps_of_the_shortest_up_to_the_longest() {
        for (available, expected) in
            [(49, None), (50, Some(50)), (149, Some(100)), (300, Some(300)), (999, Some(300))]
        {
            assert_eq!(window_frames(available, 50, 300), expected, "{available} frames");
        }
    }
}
