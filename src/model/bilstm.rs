//! Bidirectional LSTM that walks both directions in one loop: the input projection of the whole
//! sequence is one matmul, and each step is one batched matmul `[2, batch, hidden] × [2, hidden,
//! 4·hidden]`. burn's own `BiLstm` does eight small ones a step and direction.

use burn::module::{Initializer, Param};
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::activation::{sigmoid, tanh};

#[derive(Config, Debug)]
pub struct FusedBiLstmConfig {
    pub input: usize,
    /// Per direction; the output has twice as many features.
    pub hidden: usize,
}

/// Gates in the order input, forget, output, candidate.
#[derive(Module, Debug)]
pub struct FusedBiLstm {
    pub(in crate::model) forward_input: Linear,
    pub(in crate::model) backward_input: Linear,
    /// `[2, hidden, 4·hidden]`, forward then backward.
    pub(in crate::model) recurrent: Param<Tensor<3>>,
    pub(in crate::model) hidden: usize,
}

impl FusedBiLstmConfig {
    pub fn init(&self, device: &Device) -> FusedBiLstm {
        let project = || LinearConfig::new(self.input, 4 * self.hidden).init(device);
        let bound = 1.0 / (self.hidden as f64).sqrt();
        let uniform = Initializer::Uniform { min: -bound, max: bound };
        FusedBiLstm {
            forward_input: project(),
            backward_input: project(),
            recurrent: uniform.init([2, self.hidden, 4 * self.hidden], device),
            hidden: self.hidden,
        }
    }
}

impl FusedBiLstm {
    /// Input `[batch, steps, input]`, output `[batch, steps, 2·hidden]`.
    pub fn forward(&self, sequence: Tensor<3>) -> Tensor<3> {
        let [batch, steps, _] = sequence.dims();
        let hidden = self.hidden;
        let device = sequence.device();
        let forward = self.forward_input.forward(sequence.clone());
        let backward = self.backward_input.forward(sequence).flip([1]);
        // [steps, 2, batch, 4·hidden]: what a step needs lies together.
        let projected = Tensor::stack::<4>(vec![forward, backward], 0).permute([2, 0, 1, 3]);
        let recurrent = self.recurrent.val();

        let mut state = Tensor::<3>::zeros([2, batch, hidden], &device);
        let mut cell = Tensor::<3>::zeros([2, batch, hidden], &device);
        let mut outputs = Vec::with_capacity(steps);
        for step in projected.iter_dim(0) {
            let gates = step.squeeze_dim::<3>(0) + state.matmul(recurrent.clone());
            let opened = sigmoid(gates.clone().narrow(2, 0, 3 * hidden));
            let input = opened.clone().narrow(2, 0, hidden);
            let forget = opened.clone().narrow(2, hidden, hidden);
            let output = opened.narrow(2, 2 * hidden, hidden);
            let candidate = tanh(gates.narrow(2, 3 * hidden, hidden));
            cell = forget * cell + input * candidate;
            state = output * tanh(cell.clone());
            outputs.push(state.clone());
        }
        // [2, batch, steps, hidden], the backward half turned round again.
        let outputs = Tensor::stack::<4>(outputs, 2);
        let forward = outputs.clone().narrow(0, 0, 1).squeeze_dim::<3>(0);
        let backward = outputs.narrow(0, 1, 1).squeeze_dim::<3>(0).flip([1]);
        Tensor::cat(vec![forward, backward], 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{BiLstm, BiLstmConfig, GateController, Lstm};

    const INPUT: usize = 5;
    const HIDDEN: usize = 3;

    /// burn's gates in our order, side by side.
    fn joined(part: impl Fn(&GateController) -> Tensor<2>, lstm: &Lstm) -> Tensor<2> {
        let forget_gate = lstm.forget_gate.as_ref().expect("not coupled to the input gate");
        let gates = [&lstm.input_gate, forget_gate, &lstm.output_gate, &lstm.cell_gate];
        Tensor::cat(gates.map(part).to_vec(), 1)
    }

    fn copy_of(reference: &BiLstm, device: &Device) -> FusedBiLstm {
        let mut ours = FusedBiLstmConfig::new(INPUT, HIDDEN).init(device);
        let input = |lstm| joined(|gate| gate.input_transform.weight.val(), lstm);
        let bias = |lstm| {
            joined(
                |gate| {
                    let part = |linear: &Linear| linear.bias.as_ref().expect("asked for").val();
                    (part(&gate.input_transform) + part(&gate.hidden_transform)).unsqueeze()
                },
                lstm,
            )
        };
        let recurrent = |lstm| joined(|gate| gate.hidden_transform.weight.val(), lstm);
        let linear = |lstm| Linear {
            weight: Param::from_tensor(input(lstm)),
            bias: Some(Param::from_tensor(bias(lstm).squeeze_dim::<1>(0))),
        };
        ours.forward_input = linear(&reference.forward);
        ours.backward_input = linear(&reference.reverse);
        let both = vec![recurrent(&reference.forward), recurrent(&reference.reverse)];
        ours.recurrent = Param::from_tensor(Tensor::stack::<3>(both, 0));
        ours
    }

    #[test]
    fn it_says_what_burns_own_bilstm_says() {
        let device = Device::flex();
        let reference = BiLstmConfig::new(INPUT, HIDDEN, true).init(&device);
        let ours = copy_of(&reference, &device);
        let values: Vec<f32> = (0..2 * 7 * INPUT).map(|index| (index as f32 * 0.7).sin()).collect();
        let sequence = Tensor::<3>::from_data(TensorData::new(values, [2, 7, INPUT]), &device);
        let expected = reference.forward(sequence.clone(), None).0.into_data();
        let actual = ours.forward(sequence).into_data();
        let pairs = expected.iter::<f32>().zip(actual.iter::<f32>());
        let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-6, "largest difference {worst}");
    }
}
