//! CNN + BiLSTM with attentive statistics pooling, and its two heads. From Mel-frequency cepstra
//! to class logits and affect coordinates.
//!
//! Attentive statistics pooling: Okabe, Koshinaka and Shinoda, Interspeech 2018.

use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::pool::{MaxPool1d, MaxPool1dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig, PaddingConfig1d,
};
use burn::prelude::*;
use burn::tensor::activation::{relu, sigmoid, softmax, tanh};
use serde::{Deserialize, Serialize};

use crate::model::bilstm::{FusedBiLstm, FusedBiLstmConfig};

/// Widths of the network; stored in the card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// Output channels of the convolutions.
    pub channels: Vec<usize>,
    /// Taps of each convolution; odd.
    pub kernel: usize,
    /// Units of the BiLSTM per direction.
    pub lstm: usize,
    /// Width of the attention's hidden layer.
    pub attention: usize,
    /// Width of the embedding, the layer below both heads.
    pub embedding: usize,
    pub dropout: f64,
}

impl Default for NetworkSpec {
    fn default() -> Self {
        Self {
            channels: vec![96, 128, 128],
            kernel: 5,
            lstm: 128,
            attention: 64,
            embedding: 128,
            dropout: 0.3,
        }
    }
}

/// Convolutions after which the frame rate is halved: 10 ms frames become 40 ms steps, as long as
/// a short phone.
pub const POOLED_STAGES: usize = 2;

/// Fewest feature frames that the network takes: one step after pooling.
pub const FRAMES_MIN: usize = 1 << POOLED_STAGES;

#[derive(Module, Debug)]
struct Stage {
    convolution: Conv1d,
    norm: BatchNorm,
}

/// The network. Input are normalised coefficients; see `personal::normaliser`.
#[derive(Module, Debug)]
pub struct Network {
    stages: Vec<Stage>,
    pool: MaxPool1d,
    recurrent: FusedBiLstm,
    attention_hidden: Linear,
    attention: Linear,
    embedding: Linear,
    classes: Linear,
    dimensions: Linear,
    dropout: Dropout,
}

/// What the network says about a batch.
#[derive(Debug)]
pub struct NetworkOutput {
    /// `[batch, labels]`, before the temperature and the softmax.
    pub logits: Tensor<2>,
    /// `[batch, 3]`: arousal, valence, dominance, 0..1.
    pub dimensions: Tensor<2>,
}

impl NetworkSpec {
    pub fn init(&self, coefficients: usize, labels: usize, device: &Device) -> Network {
        let inputs = std::iter::once(coefficients).chain(self.channels.iter().copied());
        let same = self.kernel / 2;
        let stages = inputs
            .zip(&self.channels)
            .map(|(input, &output)| Stage {
                convolution: Conv1dConfig::new(input, output, self.kernel)
                    .with_padding(PaddingConfig1d::Explicit(same, same))
                    .init(device),
                norm: BatchNormConfig::new(output).init(device),
            })
            .collect();
        let last = self.channels.last().copied().unwrap_or(coefficients);
        let steps = 2 * self.lstm;
        Network {
            stages,
            pool: MaxPool1dConfig::new(2).with_stride(2).init(),
            recurrent: FusedBiLstmConfig::new(last, self.lstm).init(device),
            attention_hidden: LinearConfig::new(steps, self.attention).init(device),
            attention: LinearConfig::new(self.attention, 1).init(device),
            embedding: LinearConfig::new(2 * steps, self.embedding).init(device),
            classes: LinearConfig::new(self.embedding, labels).init(device),
            dimensions: LinearConfig::new(self.embedding, 3).init(device),
            dropout: DropoutConfig::new(self.dropout).init(),
        }
    }
}

impl Network {
    /// Input `[batch, coefficients, frames]` with at least [`FRAMES_MIN`] frames.
    pub fn forward(&self, features: Tensor<3>) -> NetworkOutput {
        let mut signal = features;
        for (index, stage) in self.stages.iter().enumerate() {
            signal = relu(stage.norm.forward(stage.convolution.forward(signal)));
            if index < POOLED_STAGES {
                signal = self.pool.forward(signal);
            }
        }
        let steps = self.dropout.forward(signal.swap_dims(1, 2));
        let pooled = self.pool_statistics(self.recurrent.forward(steps));
        let embedding = relu(self.embedding.forward(self.dropout.forward(pooled)));
        let embedding = self.dropout.forward(embedding);
        NetworkOutput {
            logits: self.classes.forward(embedding.clone()),
            dimensions: sigmoid(self.dimensions.forward(embedding)),
        }
    }

    /// Input `[batch, steps, features]`, output `[batch, 2·features]`: weighted mean and standard
    /// deviation over the steps.
    fn pool_statistics(&self, steps: Tensor<3>) -> Tensor<2> {
        /// Floor under the variance: keeps the root's gradient finite.
        const VARIANCE_MIN: f64 = 1e-5;
        let scores = self.attention.forward(tanh(self.attention_hidden.forward(steps.clone())));
        let weights = softmax(scores, 1);
        let mean = (steps.clone() * weights.clone()).sum_dim(1);
        let variance = ((steps - mean.clone()).powi_scalar(2) * weights).sum_dim(1);
        let deviation = variance.clamp_min(VARIANCE_MIN).sqrt();
        Tensor::cat(vec![mean, deviation], 2).squeeze_dim::<2>(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_below_a_million_parameters() {
        let network = NetworkSpec::default().init(40, 6, &Device::flex());
        assert!(network.num_params() < 1_000_000, "{}", network.num_params());
    }

    #[test]
    fn any_length_from_the_minimum_up_gives_one_answer_per_example() {
        let device = Device::flex();
        let network = NetworkSpec::default().init(40, 6, &device);
        for frames in [FRAMES_MIN, 50, 299, 300] {
            let output = network.forward(Tensor::zeros([2, 40, frames], &device));
            assert_eq!(output.logits.dims(), [2, 6]);
            assert_eq!(output.dimensions.dims(), [2, 3]);
        }
    }
}
