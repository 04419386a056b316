//! The network followed step by step on the CPU: what it made of a frame in one window holds in the
//! next, so that a hop costs its own frames, the edges of the window and the recurrent layer, not a
//! whole window. The answers are those of `Network::forward` on the same window. Our own loops over
//! burn's weights; no allocation after construction. Runs on the worker.
//!
//! What is kept, and what a zero beyond the window's edges makes be computed again:
//!
//! - the convolutions' outputs, but for those that look beyond the old or the new edges;
//! - the recurrent layer's input projections of the same steps;
//! - its forward state while the window's start stays; the backward state begins with the window's
//!   end, so it is computed again, as are the pooling and the heads.

pub mod vector;

pub mod activation;

pub mod matrix;

pub mod track;

pub mod convolution;

pub mod recurrent;

pub mod pooling;

pub mod layers;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::model::outlier::{Moves, VOICE};
use crate::model::predictor::{Prediction, Window};
use crate::model::stream::convolution::Kept;
use crate::model::stream::layers::Layers;
use crate::model::stream::matrix::{Finish, Given, Matrix};
use crate::model::stream::pooling::{Scratch, softmax};
use crate::model::stream::recurrent::Standing;
use crate::model::stream::track::{Changed, Track};

/// Follows one channel.
#[derive(Debug)]
pub struct Stream {
    layers: Arc<Layers>,
    temperature: f32,
    frames_max: usize,
    /// Frames in a row of what each convolution leaves; the last is a step of the network.
    spans: Vec<usize>,
    /// The last window: number of its first frame, and frames.
    start: u64,
    frames: usize,
    kept: Vec<Kept>,
    halves: [HalfKept; 2],
    /// A row per step of what is pooled: `[2, hidden]` and, where the network skips the recurrent
    /// layer, what goes into it; each filled up.
    states: Vec<f32>,
    scratch: Scratch,
    pooled: Vec<f32>,
    embedding: Vec<f32>,
    logits: Vec<f32>,
    dimensions: Vec<f32>,
    /// What says whether it is a voice; the network follows the same channel.
    outlier: Option<(Box<Self>, Moves)>,
}

#[derive(Debug)]
struct HalfKept {
    projected: Track,
    standing: Standing,
}

impl Stream {
    /// For windows of up to `frames_max` frames; the logits are divided by `temperature`.
    pub fn new(layers: Arc<Layers>, frames_max: usize, temperature: f32) -> Self {
        let (mut rows, mut span) = (frames_max, 1);
        let (mut kept, mut spans) = (Vec::new(), Vec::new());
        for layer in &layers.convolutions {
            kept.push(layer.keep(rows));
            rows = layer.rows_out(rows);
            span *= if layer.is_pooled { 2 } else { 1 };
            spans.push(span);
        }
        let halves = layers.halves.each_ref().map(|half| HalfKept {
            projected: Track::new(half.projection.outputs(), rows),
            standing: half.recurrent.stand(rows),
        });
        let width = layers.pooling.hidden.inputs();
        Self {
            temperature,
            frames_max,
            spans,
            start: 0,
            frames: 0,
            kept,
            halves,
            states: vec![0.0; rows * width],
            scratch: layers.pooling.scratch(rows),
            pooled: vec![0.0; 2 * width],
            embedding: vec![0.0; layers.embedding.outputs()],
            logits: vec![0.0; layers.classes.outputs()],
            dimensions: vec![0.0; layers.dimensions.outputs()],
            outlier: None,
            layers,
        }
    }

    /// What tells a voice from other sounds from now on.
    pub fn set_outlier(&mut self, network: Self, moves: Moves) {
        self.outlier = Some((Box::new(network), moves));
    }

    /// What the network says about this window. A row that is no number makes the answers none
    /// about the windows that hold it, and no others.
    pub fn predict(&mut self, window: Window) -> Prediction {
        let layers = Arc::clone(&self.layers);
        let changed = self.turn_to(&window);
        self.follow(&layers, window.rows, changed);
        let given = |rows, matrix: &Matrix| Given { rows, stride: 0, taken: 0..matrix.inputs() };
        let pooled = given(&self.pooled, &layers.embedding);
        layers.embedding.product(pooled, Finish::Relu, &mut self.embedding);
        let embedding = given(&self.embedding, &layers.classes);
        layers.classes.product(embedding.clone(), Finish::Plain, &mut self.logits);
        layers.dimensions.product(embedding, Finish::Plain, &mut self.dimensions);

        let mut prediction = Prediction::NOTHING;
        let probabilities = &mut prediction.probabilities[..layers.labels];
        for (probability, logit) in probabilities.iter_mut().zip(&self.logits) {
            *probability = logit / self.temperature;
        }
        softmax(probabilities);
        for (dimension, value) in prediction.dimensions.iter_mut().zip(&self.dimensions) {
            *dimension = 1.0 / (1.0 + (-value).exp());
        }
        if let Some((network, moves)) = &mut self.outlier {
            let voice = network.predict(window).probabilities[VOICE];
            prediction.outlier = moves.probability(window.rows).max(1.0 - voice);
        }
        prediction
    }

    /// What the heads saw of the last window.
    pub fn embedding(&self) -> &[f32] {
        &self.embedding[..self.layers.embedding_width]
    }

    /// Moves what is kept to where the window begins; says which of its frames are new. All are,
    /// unless it begins whole steps after the one before, within it.
    fn turn_to(&mut self, window: &Window) -> Changed {
        let frames = window.rows.len() / self.layers.coefficients;
        let step = self.spans.last().copied().unwrap_or(1);
        assert!(step <= frames && frames <= self.frames_max, "the rule of windows says so");
        let later = window.start.checked_sub(self.start).and_then(|by| usize::try_from(by).ok());
        let later = later.filter(|later| *later < self.frames && later.is_multiple_of(step));
        let held = self.frames;
        (self.start, self.frames) = (window.start, frames);
        let Some(later) = later else {
            return Changed { head: 0, tail: 0, is_moved: true };
        };
        for (kept, span) in self.kept.iter_mut().zip(&self.spans) {
            kept.track.slide(later / span);
        }
        self.halves.iter_mut().for_each(|half| half.projected.slide(later / step));
        Changed { head: 0, tail: (held - later).min(frames), is_moved: 0 < later }
    }

    /// From the frames to the pooled statistics.
    fn follow(&mut self, layers: &Layers, frames: &[f32], mut changed: Changed) {
        let (mut input, mut width) = (frames, layers.coefficients);
        for (layer, kept) in layers.convolutions.iter().zip(&mut self.kept) {
            changed = layer.update(input, changed, kept);
            let rows = layer.rows_out(input.len() / width);
            input = kept.track.rows(0..rows);
            width = layer.taps.outputs();
        }
        let steps = input.len() / width;
        let states_width = self.pooled.len() / 2;
        let states = &mut self.states[..steps * states_width];
        for (layer, kept) in layers.halves.iter().zip(&mut self.halves) {
            for range in changed.ranges(steps) {
                let rows = &input[range.start * width..range.end * width];
                let given = Given { rows, stride: width, taken: 0..width };
                layer.projection.product(given, Finish::Plain, kept.projected.rows_mut(range));
            }
            let from = if changed.is_moved { 0 } else { changed.tail.min(steps) };
            let projected = kept.projected.rows(0..steps);
            layer.recurrent.walk(&mut kept.standing, projected, from, states_width, states);
        }
        if layers.skip {
            let rows = states.chunks_exact_mut(states_width).zip(input.chunks_exact(width));
            rows.for_each(|(row, step)| row[states_width - width..].copy_from_slice(step));
        }
        layers.pooling.pool(&mut self.scratch, states, states_width, &mut self.pooled);
    }
}
