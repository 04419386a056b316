//! Any device rate to the analysis rate, in fixed chunks so that the result does not depend on
//! how the device cuts its blocks. A synchronous FFT resampler (rubato); allocates only at
//! construction and when its output queue first grows.

use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _};

use crate::units::{ANALYSIS_RATE_HZ, is_usual_rate, to_count};

/// Length of the chunks: 10 ms keeps the delay of the filter at 5 ms (measured 2026-11).
const CHUNK_S: f64 = 0.01;

/// One channel's resampler.
pub struct Resampler {
    /// None when the device already runs at the analysis rate.
    fft: Option<Fft<f32>>,
    pending: Vec<f32>,
    output: Vec<f32>,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot resample {rate_hz} Hz to 16000 Hz: {reason}")]
pub struct ResampleError {
    pub rate_hz: u32,
    pub reason: String,
}

impl Resampler {
    pub fn new(rate_hz: u32) -> Result<Self, ResampleError> {
        if rate_hz == ANALYSIS_RATE_HZ {
            return Ok(Self { fft: None, pending: Vec::new(), output: Vec::new() });
        }
        if !is_usual_rate(rate_hz) {
            let reason = "no usual rate, it would take blocks of more than 50 ms".to_owned();
            return Err(ResampleError { rate_hz, reason });
        }
        let chunk = to_count(f64::from(rate_hz) * CHUNK_S);
        let fft =
            Fft::<f32>::new(rate_hz as usize, ANALYSIS_RATE_HZ as usize, chunk, 1, FixedSync::Both)
                .map_err(|error| ResampleError { rate_hz, reason: error.to_string() })?;
        let output = vec![0.0; fft.output_frames_max()];
        let pending = Vec::with_capacity(2 * fft.input_frames_next());
        Ok(Self { fft: Some(fft), pending, output })
    }

    /// Delay of the filter in samples at the analysis rate.
    pub fn delay(&self) -> usize {
        self.fft.as_ref().map_or(0, |fft| fft.output_delay())
    }

    /// Appends what `samples` complete to `resampled`.
    pub fn process(&mut self, samples: &[f32], resampled: &mut Vec<f32>) {
        let Some(fft) = &mut self.fft else {
            resampled.extend_from_slice(samples);
            return;
        };
        self.pending.extend_from_slice(samples);
        let mut used = 0;
        while self.pending.len() - used >= fft.input_frames_next() {
            let chunk = fft.input_frames_next();
            let room = self.output.len();
            let input = InterleavedSlice::new(&self.pending[used..used + chunk], 1, chunk)
                .expect("the slice holds one chunk of one channel");
            let mut output = InterleavedSlice::new_mut(&mut self.output, 1, room)
                .expect("the slice holds the resampler's own maximum");
            let (_, written) = fft
                .process_into_buffer(&input, &mut output, None)
                .expect("both slices have the lengths that the resampler asked for");
            resampled.extend_from_slice(&self.output[..written]);
            used += chunk;
        }
        self.pending.drain(..used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(rate_hz: u32, hz: f32, seconds: f64) -> Vec<f32> {
        let count = to_count(f64::from(rate_hz) * seconds);
        let turn = std::f32::consts::TAU * hz / rate_hz as f32;
        (0..count).map(|index| 0.5 * (turn * index as f32).sin()).collect()
    }

    fn resample(rate_hz: u32, samples: &[f32], block: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(rate_hz).expect("a usual rate");
        let mut out = Vec::new();
        samples.chunks(block).for_each(|chunk| resampler.process(chunk, &mut out));
        out
    }

    #[test]
    fn the_block_size_does_not_change_the_result() {
        let samples = sine(48_000, 440.0, 0.5);
        let whole = resample(48_000, &samples, samples.len());
        for block in [1, 7, 128, 1021] {
            assert_eq!(resample(48_000, &samples, block), whole, "blocks of {block}");
        }
    }

    #[test]
    fn a_sine_keeps_its_level_at_every_usual_rate() {
        for rate_hz in [8_000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000] {
            let out = resample(rate_hz, &sine(rate_hz, 440.0, 1.0), 333);
            let steady = &out[4000..12_000];
            let power: f32 = steady.iter().map(|x| x * x).sum::<f32>() / steady.len() as f32;
            assert!((power - 0.125).abs() < 2e-3, "{rate_hz} Hz: {power}"); // 0.5² / 2
        }
    }
}
