//! The exponential function, the gates and tanh on vectors of numbers. Errors are absolute and
//! measured against f64 in the tests below. What is no number stays no number.

use pulp::Simd;

/// Arguments of a sigmoid or of twice a tanh are held to this: beyond it both are 1 or 0 to within
/// e^-25, 1.4e-11, and three such exponentials multiplied still are an f32.
const ARGUMENT_MAX: f32 = 25.0;

/// 1.5 · 2^23: added to a number below 2^22, it leaves the nearest integer in the last bits.
const ROUNDER: f32 = 12_582_912.0;

/// ln 2 in two parts: the first has few enough bits that its product with an exponent is exact.
const LN_2_HIGH: f32 = 355.0 / 512.0;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// 1/k!, from the 6th down: the series of the exponential. At ln 2 / 2, the farthest point, what is
/// left out is (ln 2 / 2)^7 / 7! = 1.2e-7 of the whole, and a quarter of it in a sigmoid.
const SERIES: [f32; 7] = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];

/// Bits of an f32's mantissa, and the bias of its exponent at that place.
const MANTISSA_BITS: u32 = 23;
const EXPONENT_BIAS: u32 = 127 << MANTISSA_BITS;

/// e^-x for x held to ±[`ARGUMENT_MAX`].
#[inline(always)]
fn exp_of_minus<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let (low, high) = (simd.splat_f32s(-ARGUMENT_MAX), simd.splat_f32s(ARGUMENT_MAX));
    // Comparisons with what is no number are false, so it gets through both.
    let x = simd.select_f32s(simd.greater_than_f32s(x, high), high, x);
    let x = simd.neg_f32s(simd.select_f32s(simd.less_than_f32s(x, low), low, x));
    let rounder = simd.splat_f32s(ROUNDER);
    let rounded = simd.mul_add_e_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E), rounder);
    let exponent = simd.sub_f32s(rounded, rounder);
    let rest = simd.mul_add_e_f32s(exponent, simd.splat_f32s(-LN_2_HIGH), x);
    let rest = simd.mul_add_e_f32s(exponent, simd.splat_f32s(-LN_2_LOW), rest);
    let mut sum = simd.splat_f32s(SERIES[0]);
    for term in &SERIES[1..] {
        sum = simd.mul_add_e_f32s(sum, rest, simd.splat_f32s(*term));
    }
    let bits = simd.transmute_u32s_f32s(rounded);
    let bits = simd.wrapping_dyn_shl_u32s(bits, simd.splat_u32s(MANTISSA_BITS));
    let power = simd.transmute_f32s_u32s(simd.add_u32s(bits, simd.splat_u32s(EXPONENT_BIAS)));
    simd.mul_f32s(sum, power)
}

/// (1 - e) / (1 + e) is tanh(x) where e is e^-2x. Error at most 2e-7.
#[inline(always)]
pub fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    let e = exp_of_minus(simd, simd.add_f32s(x, x));
    simd.div_f32s(simd.sub_f32s(one, e), simd.add_f32s(one, e))
}

/// The gates of a step of an LSTM before their functions.
#[derive(Clone, Copy)]
pub struct Gates<S: Simd> {
    pub input: S::f32s,
    pub forget: S::f32s,
    pub output: S::f32s,
    pub candidate: S::f32s,
}

/// The cell after the step, and the state: σ(forget) · cell + σ(input) · tanh(candidate), and
/// σ(output) · tanh of that. Over one denominator each, so that there are two divisions, not five.
/// Error of the state at most 2e-7, of the cell 3e-7 times its size or 1.
#[inline(always)]
pub fn lstm_step<S: Simd>(simd: S, gates: Gates<S>, cell: S::f32s) -> [S::f32s; 2] {
    let one = simd.splat_f32s(1.0);
    // One by one: a closure would be compiled without the vector instructions.
    let input = exp_of_minus(simd, gates.input);
    let forget = exp_of_minus(simd, gates.forget);
    let output = exp_of_minus(simd, gates.output);
    let candidate = exp_of_minus(simd, simd.add_f32s(gates.candidate, gates.candidate));
    let (forget, below) = (simd.add_f32s(one, forget), simd.add_f32s(one, candidate));
    let below = simd.mul_f32s(simd.add_f32s(one, input), below);
    let kept = simd.mul_f32s(cell, below);
    let above = simd.mul_add_e_f32s(simd.sub_f32s(one, candidate), forget, kept);
    let cell = simd.div_f32s(above, simd.mul_f32s(below, forget));
    let e = exp_of_minus(simd, simd.add_f32s(cell, cell));
    let below = simd.mul_f32s(simd.add_f32s(one, output), simd.add_f32s(one, e));
    [cell, simd.div_f32s(simd.sub_f32s(one, e), below)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stream::vector::Processor;
    use pulp::WithSimd;

    /// One after the other: input, forget, output, candidate, cell. Answers with the cells and the
    /// states, and the tanh of the candidates.
    struct Each<'a>([&'a [f32]; 5]);

    impl WithSimd for Each<'_> {
        type Output = [Vec<f32>; 3];

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            let mut out = [(); 3].map(|()| vec![0.0; self.0[0].len()]);
            let given = self.0.map(|values| S::as_simd_f32s(values).0);
            let [cells, states, tanhs] = &mut out;
            let [cells, states, tanhs] =
                [cells, states, tanhs].map(|values| S::as_mut_simd_f32s(values).0);
            for index in 0..given[0].len() {
                let [input, forget, output, candidate, cell] = given.map(|values| values[index]);
                let gates = Gates::<S> { input, forget, output, candidate };
                [cells[index], states[index]] = lstm_step(simd, gates, cell);
                tanhs[index] = tanh(simd, candidate);
            }
            out
        }
    }

    /// As the functions say.
    const ERROR: f64 = 2e-7;
    const CELL_ERROR: f64 = 3e-7;

    fn sigmoid(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    #[test]
    fn they_err_by_less_than_they_say() {
        Processor::all().into_iter().for_each(check_errors);
    }

    fn check_errors(processor: Processor) {
        let spread = |step: f32| (0..40_000u16).map(move |n| (f32::from(n) * step) % 60.0 - 30.0);
        let steps = [0.001_5, 0.013, 0.111, 0.001_7, 0.007];
        let given = steps.map(|step| spread(step).collect::<Vec<f32>>());
        let cells: Vec<f32> = given[4].iter().map(|cell| cell / 10.0).collect();
        let all = [&given[0], &given[1], &given[2], &given[3], &cells].map(Vec::as_slice);
        let [new_cells, states, tanhs] = processor.run(Each(all));
        let mut worst = [0.0; 3];
        for index in 0..cells.len() {
            let [i, f, o, g, c] = all.map(|values| f64::from(values[index]));
            let cell = sigmoid(f) * c + sigmoid(i) * g.tanh();
            let right = [cell / cell.abs().max(1.0), sigmoid(o) * cell.tanh(), g.tanh()];
            let said = [new_cells[index], states[index], tanhs[index]].map(f64::from);
            let said = [said[0] / cell.abs().max(1.0), said[1], said[2]];
            for ((worst, said), right) in worst.iter_mut().zip(said).zip(right) {
                *worst = f64::max(*worst, (said - right).abs());
            }
        }
        assert!(worst[0] < CELL_ERROR && worst[1] < ERROR && worst[2] < ERROR, "{worst:?}");
    }

    #[test]
    fn no_number_stays_none_and_infinity_is_the_end_of_the_range() {
        let one = [1.0; 16];
        for place in 0..5 {
            let mut all = [one; 5];
            all[place] = [f32::NAN; 16];
            let all = [0, 1, 2, 3, 4].map(|index: usize| all[index].as_slice());
            let [_, states, _] = Processor::detect().run(Each(all));
            assert!(states.iter().all(|state| state.is_nan()), "place {place}");
        }
        let all = [[f32::INFINITY; 16], [f32::NEG_INFINITY; 16], one, [f32::NEG_INFINITY; 16], one];
        let all = [0, 1, 2, 3, 4].map(|index: usize| all[index].as_slice());
        let [cells, _, tanhs] = Processor::detect().run(Each(all));
        assert!((cells[0] + 1.0).abs() < 1e-6 && (tanhs[0] + 1.0).abs() < 1e-6);
    }
}
