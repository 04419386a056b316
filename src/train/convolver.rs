//! Fast convolution of whole sounds, through the FFT. Streams are left to others: here both sounds
//! are in memory. Runs on the thread of training or evaluation.

use realfft::RealFftPlanner;

/// Convolves; keeps the plans of the lengths that it has met.
pub struct Convolver {
    planner: RealFftPlanner<f32>,
}

impl Default for Convolver {
    fn default() -> Self {
        Self { planner: RealFftPlanner::new() }
    }
}

impl Convolver {
    /// All of `samples` through `response`, with its tail: one less than both lengths together.
    /// Nothing if either is empty.
    pub fn convolve(&mut self, samples: &[f32], response: &[f32]) -> Vec<f32> {
        if samples.is_empty() || response.is_empty() {
            return Vec::new();
        }
        let length = samples.len() + response.len() - 1;
        let padded = length.next_power_of_two();
        let mut product = self.spectrum(samples, padded);
        for (bin, other) in product.iter_mut().zip(self.spectrum(response, padded)) {
            *bin *= other;
        }
        let inverse = self.planner.plan_fft_inverse(padded);
        let mut out = inverse.make_output_vec();
        // The first and the last bin of a real signal are real; rounding may have left a trace.
        product[0].im = 0.0;
        product[padded / 2].im = 0.0;
        inverse.process(&mut product, &mut out).expect("the buffers come from the plan itself");
        out.truncate(length);
        let scale = 1.0 / padded as f32;
        out.iter_mut().for_each(|value| *value *= scale);
        out
    }

    fn spectrum(&mut self, samples: &[f32], padded: usize) -> Vec<realfft::num_complex::Complex32> {
        let forward = self.planner.plan_fft_forward(padded);
        let mut input = forward.make_input_vec();
        input[..samples.len()].copy_from_slice(samples);
        let mut spectrum = forward.make_output_vec();
        forward.process(&mut input, &mut spectrum).expect("the buffers come from the plan itself");
        spectrum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(samples: &[f32], response: &[f32], expected: &[f32]) {
        let found = Convolver::default().convolve(samples, response);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
        }
    }

    #[test]
    fn an_impulse_delays_and_scales() {
        check(&[1.0, 2.0, 3.0], &[0.0, 0.5], &[0.0, 0.5, 1.0, 1.5]);
    }

    #[test]
    fn the_result_is_the_sum_of_shifted_copies() {
        // (1 + 2x + 3x²)(4 + 5x) = 4 + 13x + 22x² + 15x³
        check(&[1.0, 2.0, 3.0], &[4.0, 5.0], &[4.0, 13.0, 22.0, 15.0]);
        check(&[2.0], &[3.0], &[6.0]);
        check(&[], &[3.0], &[]);
    }
}
