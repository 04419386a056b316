//! Exponential moving average of a network's parameters and running statistics; the averaged
//! weights generalise better than the last ones (Polyak and Juditsky 1992).

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Tensor, TensorData};

use crate::units::to_f32;

/// The average, by parameter.
#[derive(Default)]
pub struct Average {
    values: HashMap<ParamId, Vec<f32>>,
    steps: usize,
}

impl Average {
    /// An average that stands where `network` stands after `steps` steps.
    pub fn resume<M: Module>(network: &M, steps: usize) -> Self {
        let mut average = Self::default();
        average.observe(network, 0.0);
        average.steps = steps;
        average
    }

    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Moves towards `network`, with a memory of so many steps; in the first steps the plain mean,
    /// so that the start is forgotten.
    pub fn observe<M: Module>(&mut self, network: &M, memory: f64) {
        let steps = (self.steps as f64).min(memory);
        let keep = to_f32(steps / (steps + 1.0));
        self.steps += 1;
        network.visit(&mut Observe { average: self, keep });
    }

    /// `network` with the averaged values in place of its own.
    pub fn apply<M: Module>(&self, network: M) -> M {
        network.map(&mut Replace { average: self })
    }
}

struct Observe<'a> {
    average: &'a mut Average,
    keep: f32,
}

impl ModuleVisitor for Observe<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().into_data();
        let current = data.iter::<f32>();
        match self.average.values.get_mut(&param.id) {
            Some(values) => {
                for (value, current) in values.iter_mut().zip(current) {
                    *value += (current - *value) * (1.0 - self.keep);
                }
            }
            None => {
                self.average.values.insert(param.id, current.collect());
            }
        }
    }
}

struct Replace<'a> {
    average: &'a Average,
}

impl ModuleMapper for Replace<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(values) = self.average.values.get(&param.id) else { return param };
        param.map(|tensor| {
            let data = TensorData::new(values.clone(), tensor.dims());
            let same = Tensor::<D>::from_data(data, &tensor.device());
            if tensor.is_require_grad() { same.require_grad() } else { same }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    fn filled(like: &Linear, value: f32) -> Linear {
        struct Fill(f32);
        impl ModuleMapper for Fill {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                param.map(|tensor| tensor.full_like(self.0))
            }
        }
        like.clone().map(&mut Fill(value))
    }

    #[test]
    fn the_first_steps_are_a_plain_mean() {
        let linear = LinearConfig::new(2, 2).init(&Device::flex());
        let mut average = Average::default();
        for value in [1.0, 2.0, 6.0] {
            average.observe(&filled(&linear, value), 10.0);
        }
        let weights = average.apply(linear).weight.val().into_data();
        assert!(weights.iter::<f32>().all(|value| (value - 3.0).abs() < 1e-6)); // (1 + 2 + 6) / 3
    }
}
