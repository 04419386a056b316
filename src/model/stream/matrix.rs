//! A matrix laid out for the vector instructions, and its product with rows of numbers: what every
//! layer of the network is made of. No allocation after construction.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::model::stream::vector::{Aligned, Processor, padded};

/// Vectors of outputs that are summed up side by side. With as many rows or two halves of a row at
/// once they fill the 16 registers of AVX2, and hide that a product takes four cycles.
pub const PANEL: usize = 4;

/// Rows that go through a panel at once.
const ROWS: usize = 3;

/// What becomes of the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    Plain,
    /// Nothing below 0; what is no number stays so.
    Relu,
}

/// Weights and bias. The outputs are filled up with zeros.
#[derive(Debug)]
pub struct Matrix {
    processor: Processor,
    inputs: usize,
    outputs: usize,
    /// Panel after panel; in each, input after input, the weights of its outputs.
    panels: Aligned,
    bias: Aligned,
}

impl Matrix {
    /// `weights` is `[inputs, outputs]`; `bias` may be empty.
    pub fn new(processor: Processor, weights: &[f32], inputs: usize, bias: &[f32]) -> Self {
        let given = weights.len() / inputs;
        let outputs = padded(given);
        let width = PANEL * processor.lanes();
        let mut panels = Aligned::zeros(inputs * outputs);
        let mut places = panels.as_mut_slice().iter_mut();
        for first in (0..outputs).step_by(width) {
            for input in 0..inputs {
                for output in first..outputs.min(first + width) {
                    let Some(place) = places.next() else { break };
                    *place = if output < given { weights[input * given + output] } else { 0.0 };
                }
            }
        }
        let mut padded_bias = Aligned::zeros(outputs);
        padded_bias.as_mut_slice()[..bias.len()].copy_from_slice(bias);
        Self { processor, inputs, outputs, panels, bias: padded_bias }
    }

    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// With their filling.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Writes a row of outputs for each row of inputs; these begin `stride` apart. Of the matrix's
    /// inputs only `taken` are there, the others count as 0.
    pub fn product(&self, given: Given, finish: Finish, output: &mut [f32]) {
        self.processor.run(Product { matrix: self, given, finish, output });
    }

    /// Weights of the panel that begins with this vector of outputs, an array per input.
    #[inline(always)]
    pub fn panel<S: Simd, const V: usize>(&self, first: usize) -> &[[S::f32s; V]] {
        let begin = first * S::F32_LANES * self.inputs;
        let panel = &self.panels.as_slice()[begin..][..self.inputs * V * S::F32_LANES];
        pulp::as_arrays(S::as_simd_f32s(panel).0).0
    }
}

/// Rows of inputs.
#[derive(Clone, Debug)]
pub struct Given<'a> {
    pub rows: &'a [f32],
    /// From the beginning of one to that of the next.
    pub stride: usize,
    /// Those of the matrix's inputs that a row has.
    pub taken: Range<usize>,
}

struct Product<'a> {
    matrix: &'a Matrix,
    given: Given<'a>,
    finish: Finish,
    output: &'a mut [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let vectors = self.matrix.outputs / S::F32_LANES;
        for first in (0..vectors).step_by(PANEL) {
            match vectors - first {
                1 => self.panel::<S, 1>(simd, first),
                2 => self.panel::<S, 2>(simd, first),
                3 => self.panel::<S, 3>(simd, first),
                _ => self.panel::<S, PANEL>(simd, first),
            }
        }
    }
}

impl Product<'_> {
    #[inline(always)]
    fn panel<S: Simd, const V: usize>(&mut self, simd: S, first: usize) {
        let Given { rows, stride, taken } = self.given.clone();
        let weights = &self.matrix.panel::<S, V>(first)[taken];
        let start = load::<S, V>(&self.matrix.bias.as_slice()[first * S::F32_LANES..]);
        let row = |index: usize| &rows[index * stride..][..weights.len()];
        let count = self.output.len() / self.matrix.outputs;
        let mut index = 0;
        while index + ROWS <= count {
            let block = [row(index), row(index + 1), row(index + 2)];
            let sums = sums_of_rows::<S, V>(simd, weights, block, start);
            for (place, sums) in sums.into_iter().enumerate() {
                self.store(simd, index + place, first, sums);
            }
            index += ROWS;
        }
        while index < count {
            let sums = sums_of_row::<S, V>(simd, weights, row(index), start);
            self.store(simd, index, first, sums);
            index += 1;
        }
    }

    #[inline(always)]
    fn store<S: Simd, const V: usize>(
        &mut self,
        simd: S,
        row: usize,
        first: usize,
        mut sums: [S::f32s; V],
    ) {
        if self.finish == Finish::Relu {
            let zero = simd.splat_f32s(0.0);
            for sum in &mut sums {
                *sum = simd.select_f32s(simd.less_than_f32s(*sum, zero), zero, *sum);
            }
        }
        let begin = row * self.matrix.outputs + first * S::F32_LANES;
        store::<S, V>(sums, &mut self.output[begin..]);
    }
}

/// The first V vectors of `values`.
#[inline(always)]
pub fn load<S: Simd, const V: usize>(values: &[f32]) -> [S::f32s; V] {
    pulp::as_arrays(S::as_simd_f32s(&values[..V * S::F32_LANES]).0).0[0]
}

#[inline(always)]
pub fn store<S: Simd, const V: usize>(vectors: [S::f32s; V], values: &mut [f32]) {
    let places = S::as_mut_simd_f32s(&mut values[..V * S::F32_LANES]).0;
    places.copy_from_slice(&vectors);
}

#[inline(always)]
fn sums_of_rows<S: Simd, const V: usize>(
    simd: S,
    weights: &[[S::f32s; V]],
    rows: [&[f32]; ROWS],
    start: [S::f32s; V],
) -> [[S::f32s; V]; ROWS] {
    let [mut a, mut b, mut c] = [start; ROWS];
    let values = rows[0].iter().zip(rows[1]).zip(rows[2]);
    for (weights, ((x, y), z)) in weights.iter().zip(values) {
        let (x, y, z) = (simd.splat_f32s(*x), simd.splat_f32s(*y), simd.splat_f32s(*z));
        for (place, &weight) in weights.iter().enumerate() {
            a[place] = simd.mul_add_e_f32s(x, weight, a[place]);
            b[place] = simd.mul_add_e_f32s(y, weight, b[place]);
            c[place] = simd.mul_add_e_f32s(z, weight, c[place]);
        }
    }
    [a, b, c]
}

/// Even and odd inputs are summed apart, so that twice as many sums are under way.
#[inline(always)]
pub fn sums_of_row<S: Simd, const V: usize>(
    simd: S,
    weights: &[[S::f32s; V]],
    row: &[f32],
    start: [S::f32s; V],
) -> [S::f32s; V] {
    let (mut even, mut odd) = (start, [simd.splat_f32s(0.0); V]);
    let (pairs, last_weights) = pulp::as_arrays::<2, _>(weights);
    let (values, last) = pulp::as_arrays::<2, _>(row);
    for (weights, values) in pairs.iter().zip(values) {
        let (x, y) = (simd.splat_f32s(values[0]), simd.splat_f32s(values[1]));
        for place in 0..V {
            even[place] = simd.mul_add_e_f32s(x, weights[0][place], even[place]);
            odd[place] = simd.mul_add_e_f32s(y, weights[1][place], odd[place]);
        }
    }
    for (weights, value) in last_weights.iter().zip(last) {
        let x = simd.splat_f32s(*value);
        for place in 0..V {
            even[place] = simd.mul_add_e_f32s(x, weights[place], even[place]);
        }
    }
    for (even, odd) in even.iter_mut().zip(odd) {
        *even = simd.add_f32s(*even, odd);
    }
    even
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against sums in f64, term by term.
    fn check(inputs: usize, outputs: usize, rows: usize, stride: usize, taken: Range<usize>) {
        for processor in Processor::all() {
            check_on(processor, [inputs, outputs, rows, stride], taken.clone());
        }
    }

    fn check_on(processor: Processor, shape: [usize; 4], taken: Range<usize>) {
        let [inputs, outputs, rows, stride] = shape;
        let number = |index: usize| ((index * 37 % 101) as f32 - 50.0) / 50.0;
        let weights: Vec<f32> = (0..inputs * outputs).map(number).collect();
        let bias: Vec<f32> = (0..outputs).map(|index| number(index + 5)).collect();
        let given: Vec<f32> = (0..rows * stride + inputs).map(|i| number(3 * i + 1)).collect();
        let matrix = Matrix::new(processor, &weights, inputs, &bias);
        let mut actual = vec![f32::NAN; rows * matrix.outputs()];
        let rows_given = Given { rows: &given, stride, taken: taken.clone() };
        matrix.product(rows_given, Finish::Relu, &mut actual);
        for (row, actual) in actual.chunks_exact(matrix.outputs()).enumerate() {
            for (output, &actual) in actual.iter().enumerate() {
                let term = |(place, input): (usize, usize)| {
                    let weight = f64::from(weights[input * outputs + output]);
                    f64::from(given[row * stride + place]) * weight
                };
                let expected = match output < outputs {
                    true => {
                        taken.clone().enumerate().map(term).sum::<f64>() + f64::from(bias[output])
                    }
                    false => 0.0,
                };
                let error = (f64::from(actual) - expected.max(0.0)).abs();
                assert!(error < 1e-4, "row {row}, output {output}: {actual}, not {expected}");
            }
        }
    }

    #[test]
    fn products_are_sums_of_products_whatever_the_shape() {
        check(1, 1, 1, 1, 0..1);
        check(5, 16, 2, 5, 0..5);
        check(40, 33, 7, 40, 0..40);
        check(200, 96, 12, 40, 0..200); // rows that overlap: a convolution
        check(200, 130, 1, 40, 80..200); // the beginning is cut off
        check(129, 512, 4, 129, 0..128);
    }

    #[test]
    fn no_number_gets_through() {
        let matrix = Matrix::new(Processor::detect(), &[1.0; 3], 3, &[]);
        let mut out = vec![0.0; matrix.outputs()];
        let given = Given { rows: &[1.0, f32::NAN, 1.0], stride: 3, taken: 0..3 };
        matrix.product(given, Finish::Relu, &mut out);
        assert!(out[0].is_nan());
    }
}
