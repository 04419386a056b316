//! To 48 kHz and back, for plug-ins that know that rate alone: whole frames of 10 ms go through
//! two synchronous FFT resamplers (rubato). What happens at 48 kHz is left to the caller. Made on
//! the plug-in thread; [`RoundTrip::process`] runs on the audio thread.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _};

use crate::plugins::builtin::parts::Delay;
use crate::ring::finite_or_zero;

pub const INNER_RATE_HZ: u32 = 48_000;

/// Frames of 10 ms.
const FRAMES_PER_S: u32 = 100;

/// Longest chunk, 50 ms, to be made of whole samples on both sides.
const CHUNK_FRAMES_MAX: u32 = 5;

pub struct RoundTrip {
    /// `None` at 48 kHz.
    resamplers: Option<[Fft<f32>; 2]>,
    /// The chunk at 48 kHz.
    inner: Box<[f32]>,
    /// Makes the delay of all a whole number of outer frames.
    padding: Delay,
    chunk: usize,
    delay: usize,
}

impl RoundTrip {
    /// For work that comes out so many frames late at 48 kHz. The error is the reason for a person.
    #[expect(
        clippy::disallowed_methods,
        clippy::disallowed_macros,
        reason = "on the plug-in thread"
    )]
    pub fn new(rate_hz: u32, work_delay: usize) -> Result<Self, String> {
        let is_whole = |&frames: &u32| (frames * rate_hz).is_multiple_of(FRAMES_PER_S);
        let frames = (1..=CHUNK_FRAMES_MAX).find(is_whole).ok_or_else(|| {
            format!("it works at {INNER_RATE_HZ} Hz, which {rate_hz} Hz cannot reach within 50 ms")
        })?;
        let (outer, inner) = (rate_hz as usize, INNER_RATE_HZ as usize);
        let chunk = (frames * rate_hz / FRAMES_PER_S) as usize;
        let inner_chunk = (frames * INNER_RATE_HZ / FRAMES_PER_S) as usize;
        let resampler = |from, to, chunk| {
            Fft::new(from, to, chunk, 1, FixedSync::Both).map_err(|error| error.to_string())
        };
        let (resamplers, padding, delay) = if outer == inner {
            (None, 0, work_delay)
        } else {
            let there_and_back =
                [resampler(outer, inner, chunk)?, resampler(inner, outer, inner_chunk)?];
            let (padding, delay) = whole_delay(outer, chunk, inner_chunk, work_delay);
            (Some(there_and_back), padding, delay)
        };
        let inner = vec![0.0; inner_chunk].into();
        Ok(Self { resamplers, inner, padding: Delay::new(padding), chunk, delay })
    }

    /// Samples of the outer rate that `process` takes and gives.
    pub fn chunk(&self) -> usize {
        self.chunk
    }

    /// From input to output, with that of the work, at the outer rate.
    pub fn delay(&self) -> usize {
        self.delay
    }

    /// One chunk; `work` changes it at 48 kHz.
    pub fn process(&mut self, input: &[f32], output: &mut [f32], work: impl FnOnce(&mut [f32])) {
        match &mut self.resamplers {
            None => {
                self.inner.copy_from_slice(input);
                work(&mut self.inner);
                output.copy_from_slice(&self.inner);
            }
            Some([there, back]) => {
                resample(there, input, &mut self.inner);
                work(&mut self.inner);
                let padding = &mut self.padding;
                self.inner.iter_mut().for_each(|sample| *sample = padding.next(*sample));
                resample(back, &self.inner, output);
            }
        }
    }

    /// Forgets the sound before.
    pub fn clear(&mut self) {
        self.resamplers.iter_mut().flatten().for_each(Fft::reset);
        self.padding.clear();
    }
}

/// Frames to add at 48 kHz, and the outer frames that all then takes. A filter is as long as its
/// chunk and late by half of it, rounded down in its own frames: those of a chunk at 48 kHz are
/// even, those of the other may be odd.
fn whole_delay(
    outer: usize,
    chunk: usize,
    inner_chunk: usize,
    work_delay: usize,
) -> (usize, usize) {
    // In half frames of the outer rate.
    let filters = chunk / 2 * 2 + chunk;
    let inner_half_frames = INNER_RATE_HZ as usize / 2;
    let halves = |padding: usize| {
        let scaled = (work_delay + padding) * outer;
        let halves = filters + scaled / inner_half_frames;
        let is_whole = scaled.is_multiple_of(inner_half_frames) && halves.is_multiple_of(2);
        is_whole.then_some((padding, halves / 2))
    };
    // One is always found: half a chunk makes the half that an odd chunk lacks.
    (0..=inner_chunk).find_map(halves).unwrap_or((0, chunk))
}

fn resample(resampler: &mut Fft<f32>, input: &[f32], output: &mut [f32]) {
    let (n_in, n_out) = (input.len(), output.len());
    let adapters =
        (InterleavedSlice::new(input, 1, n_in), InterleavedSlice::new_mut(output, 1, n_out));
    // The lengths are the resampler's own, so that it cannot fail; if it did, silence is safe.
    let is_done = match adapters {
        (Ok(from), Ok(mut to)) => resampler.process_into_buffer(&from, &mut to, None).is_ok(),
        _ => false,
    };
    if is_done {
        output.iter_mut().for_each(|sample| *sample = finite_or_zero(*sample));
    } else {
        output.fill(0.0);
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_macros, clippy::disallowed_methods, reason = "tests may")]
mod tests {
    use super::*;
    use crate::plugins::builtin::testing::sine;

    /// A sine comes back as it was, and no earlier or later than was said: at 1 kHz a tenth of a
    /// sample of 48 kHz would be off by 0.0065.
    fn check(rate_hz: u32, hz: f64) {
        let mut trip = RoundTrip::new(rate_hz, 0).unwrap();
        let chunk = trip.chunk();
        let samples = sine(rate_hz, hz, 0.5, 40 * chunk);
        let mut heard = vec![0.0; samples.len()];
        for (input, output) in samples.chunks(chunk).zip(heard.chunks_mut(chunk)) {
            trip.process(input, output, |_| ());
        }
        for (sample, wanted) in heard[trip.delay()..].iter().zip(&samples).skip(2 * chunk) {
            assert!((sample - wanted).abs() < 1e-3, "{rate_hz} Hz: {sample}, not {wanted}");
        }
    }

    #[test]
    fn a_voice_comes_back_as_it_was_and_as_late_as_it_says() {
        for rate_hz in [8000, 11_025, 16_000, 22_050, 37_800, 44_100, 48_000, 96_000, 768_000] {
            for hz in [100.0, 1000.0, 2800.0] {
                check(rate_hz, hz);
            }
        }
        check(4000, 800.0); // its chunks are short, so that the filters begin at 900 Hz
        check(44_100, 19_500.0);
    }

    #[test]
    fn a_rate_that_never_meets_48_khz_is_refused_with_its_reason() {
        let reason = RoundTrip::new(44_101, 0).err().unwrap_or_default();
        assert!(reason.contains("48000 Hz") && reason.contains("44101 Hz"), "{reason}");
    }
}
