//! CNN + BiLSTM with attentive statistics pooling, and its two heads. From Mel-frequency cepstra
//! to class logits and affect coordinates.
//!
//! Attentive statistics pooling: Okabe, Koshinaka and Shinoda, Interspeech 2018.

use burn::module::Param;
use burn::nn::conv::{Conv1d, Conv1dConfig};
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
    /// Convolutions, the first ones, after which the frame rate is halved. With two, 10 ms frames
    /// become 40 ms steps, as long as a short phone.
    #[serde(default = "pooled_by_default")]
    pub pooled: usize,
    /// Taps of each convolution; odd.
    pub kernel: usize,
    /// A convolution as wide as its input is added to it (He et al., CVPR 2016).
    #[serde(default)]
    pub residual: bool,
    /// The pooling over time sees the last convolution too, beside the recurrent layer.
    #[serde(default)]
    pub skip: bool,
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
            channels: vec![96, 128, 128, 128],
            pooled: 3,
            kernel: 5,
            residual: true,
            skip: true,
            lstm: 64,
            attention: 64,
            embedding: 128,
            dropout: 0.2,
        }
    }
}

/// Cards without the key mean two.
fn pooled_by_default() -> usize {
    2
}

/// Floor under the variance of the pooling: keeps the root's gradient finite.
pub const VARIANCE_MIN: f64 = 1e-5;

#[derive(Module, Debug)]
pub struct Stage {
    pub(in crate::model) convolution: Conv1d,
    pub(in crate::model) norm: BatchNorm,
}

impl Stage {
    /// Channels that it takes.
    pub fn inputs(&self) -> usize {
        self.convolution.weight.dims()[1]
    }

    /// Channels that it gives.
    pub fn outputs(&self) -> usize {
        self.convolution.weight.dims()[0]
    }

    /// Input `[batch, frames, inputs]`, output `[batch, frames, outputs]`. The convolution is one
    /// matmul over what its taps see side by side: the gradient of burn's own `conv1d` by its
    /// weights takes a quarter of a training (measured with flex, 2026-11).
    fn forward(&self, frames: Tensor<3>) -> Tensor<3> {
        let [batch, count, inputs] = frames.dims();
        let [outputs, _, taps] = self.convolution.weight.dims();
        let edge = Tensor::zeros([batch, taps / 2, inputs], &frames.device());
        let padded = Tensor::cat(vec![edge.clone(), frames, edge], 1);
        let seen = (0..taps).map(|tap| padded.clone().narrow(1, tap, count)).collect();
        let seen = Tensor::<3>::cat(seen, 2).reshape([batch * count, taps * inputs]);
        let weight = self.convolution.weight.val().permute([2, 1, 0]);
        let mut out = seen.matmul(weight.reshape([taps * inputs, outputs]));
        if let Some(bias) = &self.convolution.bias {
            out = out + bias.val().unsqueeze();
        }
        relu(self.norm.forward(out)).reshape([batch, count, outputs])
    }
}

/// The greater of each two frames in a row, `[batch, frames, channels]`; an odd last one goes.
fn halved(frames: Tensor<3>) -> Tensor<3> {
    let [batch, count, channels] = frames.dims();
    let half = count / 2;
    let pairs = frames.narrow(1, 0, 2 * half).reshape([batch * half, 2 * channels]);
    let [first, second] = [0, channels].map(|start| pairs.clone().narrow(1, start, channels));
    first.max_pair(second).reshape([batch, half, channels])
}

/// The network; `model::stream` computes the same step by step. Input are normalised coefficients;
/// see `personal::normaliser`.
#[derive(Module, Debug)]
pub struct Network {
    pub(in crate::model) stages: Vec<Stage>,
    pub(in crate::model) pooled: usize,
    pub(in crate::model) residual: bool,
    pub(in crate::model) skip: bool,
    pub(in crate::model) recurrent: FusedBiLstm,
    pub(in crate::model) attention_hidden: Linear,
    pub(in crate::model) attention: Linear,
    pub(in crate::model) embedding: Linear,
    pub(in crate::model) classes: Linear,
    pub(in crate::model) dimensions: Linear,
    dropout: Dropout,
}

/// What the network says about a batch.
#[derive(Debug)]
pub struct NetworkOutput {
    /// `[batch, labels]`, before the temperature and the softmax.
    pub logits: Tensor<2>,
    /// `[batch, 3]`: arousal, valence, dominance, 0..1.
    pub dimensions: Tensor<2>,
    /// `[batch, embedding]`, what the heads see.
    pub embedding: Tensor<2>,
}

impl NetworkSpec {
    /// Feature frames in one step of the recurrent layer; also the fewest that the network takes.
    pub fn step_frames(&self) -> usize {
        1 << self.pooled
    }

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
        let steps = 2 * self.lstm + if self.skip { last } else { 0 };
        Network {
            stages,
            pooled: self.pooled,
            residual: self.residual,
            skip: self.skip,
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
    /// The same network for other labels: those that it knew keep their weights, others start anew.
    pub fn relabelled(mut self, from: &[String], to: &[String]) -> Self {
        let weight = self.classes.weight.val();
        let ([inputs, known], device) = (weight.dims(), weight.device());
        let fresh = LinearConfig::new(inputs, to.len()).init(&device);
        let values = |tensor: Tensor<2>| tensor.into_data().iter::<f32>().collect::<Vec<f32>>();
        let rows = |linear: &Linear| {
            let bias = linear.bias.as_ref().expect("our heads have one").val();
            values(Tensor::cat(vec![linear.weight.val(), bias.unsqueeze()], 0))
        };
        let (old, mut new) = (rows(&self.classes), rows(&fresh));
        for (place, label) in to.iter().enumerate() {
            let Some(source) = from.iter().position(|known| known == label) else { continue };
            for row in 0..=inputs {
                new[row * to.len() + place] = old[row * known + source];
            }
        }
        let data = TensorData::new(new, [inputs + 1, to.len()]);
        let joined = Tensor::<2>::from_data(data, &device);
        let weight = joined.clone().narrow(0, 0, inputs);
        let bias = joined.narrow(0, inputs, 1).squeeze_dim::<1>(0);
        self.classes =
            Linear { weight: Param::from_tensor(weight), bias: Some(Param::from_tensor(bias)) };
        self
    }

    /// The same network, to which a label is more likely by so much, in logarithms of the odds.
    pub fn favouring(mut self, label: usize, by: f32) -> Self {
        if let Some(bias) = self.classes.bias.take() {
            self.classes.bias = Some(bias.map(|bias| {
                let mut values: Vec<f32> = bias.clone().into_data().iter::<f32>().collect();
                values[label] += by;
                Tensor::from_data(TensorData::new(values, bias.dims()), &bias.device())
            }));
        }
        self
    }

    /// Input `[batch, coefficients, frames]` with at least
    /// [`NetworkSpec::step_frames`] frames.
    pub fn forward(&self, features: Tensor<3>) -> NetworkOutput {
        let mut signal = features.swap_dims(1, 2);
        for (index, stage) in self.stages.iter().enumerate() {
            let out = stage.forward(signal.clone());
            let adds = self.residual && out.dims() == signal.dims();
            signal = if adds { out + signal } else { out };
            if index < self.pooled {
                signal = halved(signal);
            }
        }
        let steps = self.dropout.forward(signal);
        let mut heard = self.recurrent.forward(steps.clone());
        if self.skip {
            heard = Tensor::cat(vec![heard, steps], 2);
        }
        let pooled = self.pool_statistics(heard);
        let embedding = relu(self.embedding.forward(self.dropout.forward(pooled)));
        let embedding = self.dropout.forward(embedding);
        NetworkOutput {
            logits: self.classes.forward(embedding.clone()),
            dimensions: sigmoid(self.dimensions.forward(embedding.clone())),
            embedding,
        }
    }

    /// Input `[batch, steps, features]`, output `[batch, 2·features]`: weighted mean and standard
    /// deviation over the steps.
    fn pool_statistics(&self, steps: Tensor<3>) -> Tensor<2> {
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
    fn known_labels_keep_their_weights_and_others_start_anew() {
        let device = Device::flex();
        let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let (from, to) = (names(&["angry", "calm", "sad"]), names(&["sad", "bored"]));
        let before = NetworkSpec::default().init(40, 3, &device);
        let after = before.clone().relabelled(&from, &to);
        let features = Tensor::<3>::ones([1, 40, 60], &device);
        let logits = |network: &Network| {
            let logits = network.forward(features.clone()).logits;
            logits.into_data().iter::<f32>().collect::<Vec<f32>>()
        };
        let (before, after) = (logits(&before), logits(&after));
        assert_eq!(after.len(), 2);
        assert!((before[2] - after[0]).abs() < 1e-5, "{before:?} {after:?}");
    }

    #[test]
    fn any_length_from_the_minimum_up_gives_one_answer_per_example() {
        let device = Device::flex();
        let network = NetworkSpec::default().init(40, 6, &device);
        for frames in [NetworkSpec::default().step_frames(), 50, 299, 300] {
            let output = network.forward(Tensor::zeros([2, 40, frames], &device));
            assert_eq!(output.logits.dims(), [2, 6]);
            assert_eq!(output.dimensions.dims(), [2, 3]);
            assert_eq!(output.embedding.dims(), [2, NetworkSpec::default().embedding]);
        }
    }
}
