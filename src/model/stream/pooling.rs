//! Attentive statistics pooling: one row for all steps of a window. No allocation after
//! construction.

use pulp::{Simd, WithSimd};

use crate::model::network::VARIANCE_MIN;
use crate::model::stream::activation::tanh;
use crate::model::stream::matrix::{Finish, Given, Matrix};
use crate::model::stream::vector::Processor;
use crate::units::to_f32;

/// The layer.
#[derive(Debug)]
pub struct Pooling {
    pub processor: Processor,
    /// From a step to the hidden layer of the attention.
    pub hidden: Matrix,
    /// From that to the score, filled up with zeros. Its bias is the same for every step, so the
    /// weights do not depend on it.
    pub score: Vec<f32>,
}

/// What it writes on.
#[derive(Debug)]
pub struct Scratch {
    hidden: Vec<f32>,
    weights: Vec<f32>,
}

impl Pooling {
    /// For windows of up to so many steps.
    pub fn scratch(&self, steps_max: usize) -> Scratch {
        let hidden = vec![0.0; steps_max * self.hidden.outputs()];
        Scratch { hidden, weights: vec![0.0; steps_max] }
    }

    /// `steps` is `[steps, width]`; writes the means and then the deviations of all `width`.
    pub fn pool(&self, scratch: &mut Scratch, steps: &[f32], width: usize, pooled: &mut [f32]) {
        let count = steps.len() / width;
        let hidden = &mut scratch.hidden[..count * self.hidden.outputs()];
        let given = Given { rows: steps, stride: width, taken: 0..width };
        self.hidden.product(given, Finish::Plain, hidden);
        let weights = &mut scratch.weights[..count];
        self.processor.run(Score { layer: self, hidden, weights });
        softmax(weights);
        let (mean, deviation) = pooled.split_at_mut(width);
        self.processor.run(Statistics { steps, weights, mean, deviation });
    }
}

/// In place. What is no number makes all of them none.
pub fn softmax(values: &mut [f32]) {
    let most = values.iter().fold(f32::NEG_INFINITY, |most, &value| most.max(value));
    values.iter_mut().for_each(|value| *value = (*value - most).exp());
    let sum: f32 = values.iter().sum();
    values.iter_mut().for_each(|value| *value /= sum);
}

struct Score<'a> {
    layer: &'a Pooling,
    hidden: &'a [f32],
    weights: &'a mut [f32],
}

impl WithSimd for Score<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (score, _) = S::as_simd_f32s(&self.layer.score);
        let rows = self.hidden.chunks_exact(self.layer.score.len());
        for (weight, row) in self.weights.iter_mut().zip(rows) {
            let mut sum = simd.splat_f32s(0.0);
            for (hidden, score) in S::as_simd_f32s(row).0.iter().zip(score) {
                sum = simd.mul_add_e_f32s(tanh(simd, *hidden), *score, sum);
            }
            *weight = simd.reduce_sum_f32s(sum);
        }
    }
}

struct Statistics<'a> {
    steps: &'a [f32],
    weights: &'a [f32],
    mean: &'a mut [f32],
    deviation: &'a mut [f32],
}

impl WithSimd for Statistics<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.mean.len();
        let (mean, _) = S::as_mut_simd_f32s(self.mean);
        let (deviation, _) = S::as_mut_simd_f32s(self.deviation);
        mean.fill(simd.splat_f32s(0.0));
        deviation.fill(simd.splat_f32s(0.0));
        let steps = || self.steps.chunks_exact(width).map(|row| S::as_simd_f32s(row).0);
        for (row, weight) in steps().zip(self.weights) {
            let weight = simd.splat_f32s(*weight);
            for (mean, value) in mean.iter_mut().zip(row) {
                *mean = simd.mul_add_e_f32s(weight, *value, *mean);
            }
        }
        for (row, weight) in steps().zip(self.weights) {
            let weight = simd.splat_f32s(*weight);
            for ((deviation, mean), value) in deviation.iter_mut().zip(&*mean).zip(row) {
                let away = simd.sub_f32s(*value, *mean);
                let square = simd.mul_f32s(away, away);
                *deviation = simd.mul_add_e_f32s(weight, square, *deviation);
            }
        }
        let floor = simd.splat_f32s(to_f32(VARIANCE_MIN));
        for deviation in deviation.iter_mut() {
            let is_below = simd.less_than_f32s(*deviation, floor);
            *deviation = simd.sqrt_f32s(simd.select_f32s(is_below, floor, *deviation));
        }
    }
}
