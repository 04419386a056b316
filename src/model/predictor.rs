//! A loaded model that answers: normalised cepstra in, calibrated probabilities and affect
//! coordinates out. The one place where inference happens, live, offline and in evaluation.

use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use burn::store::{ModuleSnapshot, SafetensorsStore};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};

use crate::model::card::{Card, LABELS_MAX, ModelError};
use crate::model::network::{Network, NetworkOutput};
use crate::model::outlier::{Moves, SOUNDS, VOICE};
use crate::model::storage;
use crate::model::stream::Stream;
use crate::model::stream::layers::Layers;
use crate::model::stream::vector::Processor;

/// What the model says about one stretch of speech.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// In the card's order; zeros behind the last label.
    pub probabilities: [f32; LABELS_MAX],
    /// Arousal, valence, dominance, 0..1.
    pub dimensions: [f32; DIMENSIONS],
    /// Probability that this was no voice; 0 where the card has nothing to tell it by.
    pub outlier: f32,
}

impl Prediction {
    /// That nothing is known.
    pub const NOTHING: Self =
        Self { probabilities: [0.0; LABELS_MAX], dimensions: [0.5; DIMENSIONS], outlier: 0.0 };
}

/// Arousal, valence and dominance.
pub const DIMENSIONS: usize = 3;

/// A window of one channel.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// `[frames, coefficients]`, normalised.
    pub rows: &'a [f32],
    /// Number of its first row; within a channel a number always means the same row.
    pub start: u64,
}

/// Several windows of one length.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// `[count, frames, coefficients]`, normalised.
    pub windows: &'a [f32],
    pub count: usize,
    pub frames: usize,
}

impl Batch<'_> {
    /// Each window by itself, `[frames, coefficients]`.
    pub fn each(&self) -> impl Iterator<Item = &[f32]> {
        self.windows.chunks_exact(self.windows.len() / self.count.max(1))
    }
}

/// Whatever answers the engine: a [`Predictor`], or one that is timed or scripted.
pub trait Predict {
    /// What follows one channel from window to window, where that is cheaper than each window by
    /// itself. Without it the channel's windows are asked about with [`Self::predict_batch`].
    fn open(&self) -> Option<Stream> {
        None
    }

    /// The next window of a channel that is followed.
    fn follow(&mut self, stream: &mut Stream, window: Window) -> Prediction {
        stream.predict(window)
    }

    /// `features` is `[frames, coefficients]`, row after row, normalised.
    fn predict(&mut self, features: &[f32], frames: usize) -> Prediction;

    /// What the heads see of one window; nothing where nobody can say.
    fn embedding(&mut self, _features: &[f32], _frames: usize) -> Vec<f32> {
        Vec::new()
    }

    /// The same for channels that speak at once; adds an answer for each window.
    fn predict_batch(&mut self, batch: Batch, answers: &mut Vec<Prediction>) {
        for window in batch.each() {
            answers.push(self.predict(window, batch.frames));
        }
    }
}

impl Predict for Predictor {
    fn open(&self) -> Option<Stream> {
        self.stream()
    }

    fn predict(&mut self, features: &[f32], frames: usize) -> Prediction {
        self.answer(features, frames)
    }

    fn embedding(&mut self, features: &[f32], frames: usize) -> Vec<f32> {
        let rows = self.rows(Batch { windows: features, count: 1, frames });
        embedding_of(&self.network.forward(rows))
    }

    fn predict_batch(&mut self, batch: Batch, answers: &mut Vec<Prediction>) {
        self.answer_batch(batch, answers);
    }
}

/// What the heads saw.
fn embedding_of(output: &NetworkOutput) -> Vec<f32> {
    output.embedding.clone().into_data().iter::<f32>().collect()
}

/// Card and network of the model in `folder`; on an autodiff device it can be trained on.
pub fn load_network(folder: &Path, device: &Device) -> Result<(Card, Network), ModelError> {
    let card = Card::load(folder)?;
    let network = card.network.init(card.features.rows(), card.labels.len(), device);
    let path = folder.join(&card.weights);
    let network = filled(network, card.read_weights(folder)?, &path)?;
    Ok((card, network))
}

/// What tells a voice from other sounds, if the model has it.
fn load_outlier(
    folder: &Path,
    card: &Card,
    device: &Device,
) -> Result<Option<Network>, ModelError> {
    let (Some(spec), Some(bytes)) = (&card.outlier, card.read_outlier(folder)?) else {
        return Ok(None);
    };
    let network = spec.network.init(card.features.rows(), SOUNDS.len(), device);
    filled(network, bytes, &folder.join(&spec.weights)).map(Some)
}

/// With the weights of the file at `path`.
fn filled(mut network: Network, bytes: Vec<u8>, path: &Path) -> Result<Network, ModelError> {
    let refuse = |reason: String| ModelError::Weights { path: path.to_owned(), reason };
    let bytes = storage::expand(bytes).map_err(|error| refuse(error.to_string()))?;
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
    Ok(network)
}

/// Networks and card on one device.
pub struct Predictor {
    card: Card,
    pub(in crate::model) network: Network,
    outlier: Option<Network>,
    device: Device,
    /// Those of both networks; on the CPU only.
    layers: Option<(Arc<Layers>, Option<Arc<Layers>>)>,
}

impl Predictor {
    /// Reads and checks the weights that the card in `folder` names.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, ModelError> {
        let (card, network) = load_network(folder, device)?;
        let outlier = load_outlier(folder, &card, device)?.map(|network| network.valid());
        let network = network.valid();
        let is_cpu = *device == Device::flex();
        let laid_out = |network| Arc::new(Layers::new(network, Processor::detect()));
        let layers = is_cpu.then(|| (laid_out(&network), outlier.as_ref().map(laid_out)));
        Ok(Self { card, network, outlier, device: device.clone(), layers })
    }

    /// Follows a channel; none on a GPU, which looks at whole windows faster than at single steps.
    pub fn stream(&self) -> Option<Stream> {
        let (layers, outlier) = self.layers.clone()?;
        let frames_max = self.card.window_rule().rows_max();
        let mut stream = Stream::new(layers, frames_max, self.card.temperature);
        if let (Some(layers), Some(moves)) = (outlier, self.moves()) {
            stream.set_outlier(Stream::new(layers, frames_max, 1.0), moves);
        }
        Some(stream)
    }

    fn moves(&self) -> Option<Moves> {
        let outlier = self.card.outlier.as_ref();
        outlier.map(|outlier| Moves::new(&self.card.features, &outlier.moves))
    }

    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Weights in the network, learnt or not.
    pub fn parameters(&self) -> usize {
        self.network.num_params()
    }

    /// `features` is `[frames, coefficients]`, row after row, normalised; at least one step of the
    /// network. Allocates, and blocks until the device has answered.
    pub fn answer(&self, features: &[f32], frames: usize) -> Prediction {
        let mut answers = Vec::with_capacity(1);
        self.answer_batch(Batch { windows: features, count: 1, frames }, &mut answers);
        answers[0]
    }

    /// The same for several windows at once; adds an answer for each.
    pub fn answer_batch(&self, batch: Batch, answers: &mut Vec<Prediction>) {
        let rows = self.rows(batch);
        let outliers = self.outliers(&rows);
        self.read(batch, self.network.forward(rows), outliers, answers);
    }

    /// The answer to one window, and the embedding that its heads saw.
    pub fn embed(&self, features: &[f32], frames: usize) -> (Prediction, Vec<f32>) {
        let batch = Batch { windows: features, count: 1, frames };
        let rows = self.rows(batch);
        let outliers = self.outliers(&rows);
        let output = self.network.forward(rows);
        let embedding = embedding_of(&output);
        let mut answers = Vec::with_capacity(1);
        self.read(batch, output, outliers, &mut answers);
        (answers[0], embedding)
    }

    /// `[count, coefficients, frames]`.
    fn rows(&self, batch: Batch) -> Tensor<3> {
        let Batch { windows, count, frames } = batch;
        let shortest = self.card.network.step_frames();
        assert!(shortest <= frames, "the caller waits for the card's shortest window");
        let shape = [count, frames, self.card.features.rows()];
        let data = TensorData::new(windows.to_vec(), shape);
        let rows = Tensor::<3>::from_data(data, &self.device);
        rows.swap_dims(1, 2)
    }

    /// Probability of each window that it is no voice, by the network that looks at that;
    /// `[count, 1]`.
    fn outliers(&self, rows: &Tensor<3>) -> Tensor<2> {
        let Some(network) = &self.outlier else {
            return Tensor::zeros([rows.dims()[0], 1], &self.device);
        };
        let sounds = softmax(network.forward(rows.clone()).logits, 1);
        sounds.narrow(1, VOICE, 1).neg().add_scalar(1.0)
    }

    /// Adds the answer of each window of the batch.
    fn read(
        &self,
        batch: Batch,
        output: NetworkOutput,
        outliers: Tensor<2>,
        answers: &mut Vec<Prediction>,
    ) {
        let calibrated = softmax(output.logits.div_scalar(self.card.temperature), 1);
        // One transfer for all.
        let joined = Tensor::cat(vec![calibrated, output.dimensions, outliers], 1).into_data();
        let labels = self.card.labels.len();
        let values: Vec<f32> = joined.iter::<f32>().collect();
        let mut moves = self.moves();
        for (row, window) in values.chunks_exact(labels + DIMENSIONS + 1).zip(batch.each()) {
            let mut prediction = Prediction::NOTHING;
            let (probabilities, rest) = row.split_at(labels);
            prediction.probabilities[..labels].copy_from_slice(probabilities);
            prediction.dimensions.copy_from_slice(&rest[..DIMENSIONS]);
            if let Some(moves) = &mut moves {
                prediction.outlier = moves.probability(window).max(rest[DIMENSIONS]);
            }
            answers.push(prediction);
        }
    }

    /// Runs once on the CPU. On a GPU it runs every window length that hops of the card's length
    /// lead to, so that no later call pays for compilation; with another hop that is set while it
    /// runs, lengths that are new cost it once each.
    pub fn warm_up(&self) {
        let rule = self.card.window_rule();
        let zeros = vec![0.0; rule.rows_max() * self.card.features.rows()];
        let rows = |frames: usize| &zeros[..frames * self.card.features.rows()];
        if let Some(mut stream) = self.stream() {
            stream.predict(Window { rows: rows(rule.longest), start: 0 });
            return;
        }
        for frames in rule.lengths(self.card.hop_feature_frames().max(1)) {
            self.answer(rows(frames), frames);
        }
    }
}
