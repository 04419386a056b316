//! The network's weights, taken out of burn and laid out for the vector instructions: the
//! normalisation goes into the convolutions before it, and every row is filled up with zeros.

use burn::nn::Linear;
use burn::tensor::Tensor;

use crate::model::network::{Network, Stage};
use crate::model::stream::convolution::Convolution;
use crate::model::stream::matrix::Matrix;
use crate::model::stream::pooling::Pooling;
use crate::model::stream::recurrent::{Direction, Recurrent};
use crate::model::stream::vector::{Processor, padded};
use crate::units::to_f32;

/// One direction of the recurrent layer.
#[derive(Debug)]
pub struct Half {
    pub projection: Matrix,
    pub recurrent: Recurrent,
}

/// All layers; the same for every channel.
#[derive(Debug)]
pub struct Layers {
    pub coefficients: usize,
    pub convolutions: Vec<Convolution>,
    pub halves: [Half; 2],
    pub pooling: Pooling,
    /// The pooling sees what goes into the recurrent layer too.
    pub skip: bool,
    pub embedding: Matrix,
    pub classes: Matrix,
    pub dimensions: Matrix,
    /// Without filling.
    pub embedding_width: usize,
    pub labels: usize,
}

impl Layers {
    pub fn new(network: &Network, processor: Processor) -> Self {
        let mut convolutions: Vec<Convolution> = Vec::with_capacity(network.stages.len());
        for (index, stage) in network.stages.iter().enumerate() {
            let width = convolutions.last().map(|before| before.taps.outputs());
            let is_pooled = index < network.pooled;
            let mut layer = convolution(processor, stage, width, is_pooled);
            if network.residual && stage.inputs() == stage.outputs() {
                layer.added = stage.inputs();
            }
            convolutions.push(layer);
        }
        let lstm = &network.recurrent;
        let steps = convolutions.last().map(|last| last.taps.outputs());
        let half = |input: &Linear, direction: Direction| {
            let hidden = lstm.hidden;
            let rows = Rows::of(input);
            let steps = steps.unwrap_or(rows.count());
            let projection = rows.placed(&[(rows.count(), steps)]).spread(hidden);
            let both = values(lstm.recurrent.val());
            let own = both.len() / 2 * usize::from(direction == Direction::Backward);
            let own = both[own..][..both.len() / 2].to_vec();
            let state = Rows { weights: own, width: 4 * hidden, bias: Vec::new() }.spread(hidden);
            let matrix = state.matrix(processor);
            let recurrent = Recurrent { processor, direction, hidden, matrix };
            Half { projection: projection.matrix(processor), recurrent }
        };
        let halves = [
            half(&lstm.forward_input, Direction::Forward),
            half(&lstm.backward_input, Direction::Backward),
        ];
        let hidden = lstm.hidden;
        // The states of both directions are filled up each; so are their statistics.
        let linear = |linear: &Linear, parts: &[usize]| {
            let filled: Vec<_> = parts.iter().map(|part| (*part, padded(*part))).collect();
            Rows::of(linear).placed(&filled).matrix(processor)
        };
        let mut heard = vec![hidden; 2];
        heard.extend(network.stages.last().filter(|_| network.skip).map(Stage::outputs));
        let score = values(network.attention.weight.val());
        let pooling = Pooling {
            processor,
            hidden: linear(&network.attention_hidden, &heard),
            score: filled(&score, padded(score.len())),
        };
        let embedding_width = Rows::of(&network.embedding).width;
        let head = |head: &Linear| linear(head, &[embedding_width]);
        Self {
            coefficients: network.stages.first().map_or(0, |stage| stage.inputs()),
            convolutions,
            halves,
            pooling,
            skip: network.skip,
            embedding: linear(&network.embedding, &heard.repeat(2)),
            classes: head(&network.classes),
            dimensions: head(&network.dimensions),
            embedding_width,
            labels: Rows::of(&network.classes).width,
        }
    }
}

/// A matrix `[inputs, outputs]`, an input's weights together, and the bias.
struct Rows {
    weights: Vec<f32>,
    width: usize,
    bias: Vec<f32>,
}

impl Rows {
    fn of(linear: &Linear) -> Self {
        let weights = values(linear.weight.val());
        let [_, width] = linear.weight.dims();
        let bias = linear.bias.as_ref().map(|bias| values(bias.val())).unwrap_or_default();
        Self { weights, width, bias }
    }

    fn count(&self) -> usize {
        self.weights.len() / self.width
    }

    /// Inputs that come in `parts`, each filled up with zeros to a length.
    fn placed(&self, parts: &[(usize, usize)]) -> Self {
        let mut weights = Vec::new();
        let mut rest = self.weights.as_slice();
        for (part, length) in parts {
            let (own, later) = rest.split_at(part * self.width);
            weights.extend(filled(own, length * self.width));
            rest = later;
        }
        Self { weights, width: self.width, bias: self.bias.clone() }
    }

    /// Outputs that are four gates, each filled up with zeros by itself.
    fn spread(&self, hidden: usize) -> Self {
        let length = padded(hidden);
        let spread =
            |row: &[f32]| row.chunks(hidden).flat_map(|gate| filled(gate, length)).collect();
        let weights: Vec<Vec<f32>> = self.weights.chunks(self.width).map(spread).collect();
        Self { weights: weights.concat(), width: 4 * length, bias: spread(&self.bias) }
    }

    fn matrix(&self, processor: Processor) -> Matrix {
        Matrix::new(processor, &self.weights, self.count(), &self.bias)
    }
}

/// Input rows of `width` numbers, or as many as there are channels.
fn convolution(
    processor: Processor,
    stage: &Stage,
    width: Option<usize>,
    is_pooled: bool,
) -> Convolution {
    let [outputs, inputs, taps] = stage.convolution.weight.dims();
    let width = width.unwrap_or(inputs);
    let given = values(stage.convolution.weight.val());
    let bias = stage.convolution.bias.as_ref().map(|bias| values(bias.val()));
    let bias = bias.unwrap_or_else(|| vec![0.0; outputs]);
    // (x - mean) / deviation · γ + β is a factor and a constant, taken in f64.
    let norm = &stage.norm;
    let [gamma, beta] = [&norm.gamma, &norm.beta].map(|part| values(part.val()));
    let [mean, variance] = [&norm.running_mean, &norm.running_var].map(|part| values(part.value()));
    let factor = |output: usize| {
        f64::from(gamma[output]) / (f64::from(variance[output]) + norm.epsilon).sqrt()
    };
    let mut weights = vec![0.0; taps * width * outputs];
    for output in 0..outputs {
        for input in 0..inputs {
            for tap in 0..taps {
                let weight = f64::from(given[(output * inputs + input) * taps + tap]);
                weights[(tap * width + input) * outputs + output] = to_f32(weight * factor(output));
            }
        }
    }
    let bias: Vec<f32> = (0..outputs)
        .map(|output| {
            let away = f64::from(bias[output]) - f64::from(mean[output]);
            to_f32(away * factor(output) + f64::from(beta[output]))
        })
        .collect();
    let taps_matrix = Matrix::new(processor, &weights, taps * width, &bias);
    Convolution { taps: taps_matrix, width, reach: taps / 2, is_pooled, added: 0 }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn filled(values: &[f32], length: usize) -> Vec<f32> {
    let mut filled = values.to_vec();
    filled.resize(length, 0.0);
    filled
}
