//! Augmentation in the mel power domain: gain, tilt of the microphone, noise, masks. Drawn once
//! per example and applied alike to the example and to what the speaker said before.

use rand::Rng;
use rand::rngs::StdRng;

use crate::train::bank::{Bands, Prepared};

/// Ranges that the plans are drawn from. Ours, within what benchmark rooms and microphones show.
mod range {
    use std::ops::Range;
    pub const GAIN_DB: Range<f32> = -20.0..10.0;
    pub const TILT_DB: Range<f32> = -6.0..6.0;
    pub const SNR_DB: Range<f32> = 0.0..30.0;
    pub const FLOOR_DB: Range<f32> = 25.0..60.0;
    pub const NOISE_SHARE: f64 = 0.6;
    pub const MASK_SHARE: f64 = 0.5;
    pub const MASK_BANDS: usize = 8;
    pub const MASK_FRAMES: usize = 20;
}

/// One example's augmentation.
pub struct Plan<'a> {
    /// Power factor of each band: gain and tilt.
    shape: Vec<f32>,
    /// Power in each band of a steady floor.
    floor: f32,
    noise: Option<Noise<'a>>,
}

struct Noise<'a> {
    bands: &'a Bands,
    start: usize,
    factor: f32,
}

fn power(db: f32) -> f32 {
    10f32.powf(db / 10.0)
}

impl<'a> Plan<'a> {
    pub fn draw(rng: &mut StdRng, clip: &Prepared, noise: &'a [Bands]) -> Self {
        let mels = clip.bands.mels;
        let gain_db = rng.random_range(range::GAIN_DB);
        let tilt_db = rng.random_range(range::TILT_DB);
        let shape = (0..mels)
            .map(|band| power(gain_db + tilt_db * (2.0 * band as f32 / (mels - 1) as f32 - 1.0)))
            .collect();
        let floor_db = gain_db - rng.random_range(range::FLOOR_DB);
        let floor = clip.speech_power / mels as f32 * power(floor_db);
        let noise = (!noise.is_empty() && rng.random_bool(range::NOISE_SHARE)).then(|| {
            let bands = &noise[rng.random_range(0..noise.len())];
            let mean = bands.values.iter().sum::<f32>() / bands.frames() as f32;
            let snr_db = rng.random_range(range::SNR_DB);
            let factor = power(gain_db - snr_db) * clip.speech_power / mean;
            Noise { bands, start: rng.random_range(0..bands.frames()), factor }
        });
        Self { shape, floor, noise }
    }

    /// Leaves everything as it is.
    pub fn none(mels: usize) -> Self {
        Self { shape: vec![1.0; mels], floor: 0.0, noise: None }
    }

    /// Writes `frame` as the microphone would have heard it `time` frames after the start.
    pub fn apply(&self, frame: &[f32], time: usize, out: &mut [f32]) {
        for ((out, value), shape) in out.iter_mut().zip(frame).zip(&self.shape) {
            *out = value * shape + self.floor;
        }
        if let Some(noise) = &self.noise {
            let index = (noise.start + time) % noise.bands.frames();
            for (out, value) in out.iter_mut().zip(noise.bands.frame(index)) {
                *out += value * noise.factor;
            }
        }
    }
}

/// SpecAugment (Park et al., Interspeech 2019): one stretch of bands and one of frames, replaced
/// by the bands' means.
pub fn mask(rng: &mut StdRng, frames: &mut [f32], mels: usize) {
    if !rng.random_bool(range::MASK_SHARE) {
        return;
    }
    let count = frames.len() / mels;
    let mut mean = vec![0.0; mels];
    for frame in frames.chunks_exact(mels) {
        for (mean, value) in mean.iter_mut().zip(frame) {
            *mean += value / count as f32;
        }
    }
    let width = rng.random_range(0..=range::MASK_BANDS.min(mels / 4));
    let first = rng.random_range(0..=mels - width);
    for frame in frames.chunks_exact_mut(mels) {
        frame[first..first + width].copy_from_slice(&mean[first..first + width]);
    }
    let length = rng.random_range(0..=range::MASK_FRAMES.min(count / 5));
    let start = rng.random_range(0..=count - length);
    for frame in frames[start * mels..(start + length) * mels].chunks_exact_mut(mels) {
        frame.copy_from_slice(&mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn clip() -> Prepared {
        let bands = Bands { mels: 4, values: vec![1.0; 40] };
        Prepared { bands, voiced: vec![true; 10], span: 0..10, speech_power: 4.0 }
    }

    #[test]
    fn no_plan_changes_nothing() {
        let mut out = [0.0; 4];
        Plan::none(4).apply(&[1.0, 2.0, 3.0, 4.0], 7, &mut out);
        assert_eq!(out, [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn noise_stays_within_the_signal_to_noise_range() {
        let noise = [Bands { mels: 4, values: vec![0.5; 400] }];
        let mut rng = StdRng::seed_from_u64(1);
        for _ in 0..200 {
            let plan = Plan::draw(&mut rng, &clip(), &noise);
            let Some(noise) = &plan.noise else { continue };
            let gain: f32 = (plan.shape[0] * plan.shape[3]).sqrt(); // the tilt cancels
            let snr_db = 10.0 * (4.0 * gain / (2.0 * noise.factor)).log10();
            assert!((-0.01..30.01).contains(&snr_db), "{snr_db} dB");
        }
    }

    #[test]
    fn a_mask_keeps_the_bands_means() {
        let mut rng = StdRng::seed_from_u64(3);
        let mut frames: Vec<f32> = vec![2.0; 4 * 50];
        (0..20).for_each(|_| mask(&mut rng, &mut frames, 4));
        assert!(frames.iter().all(|value| (value - 2.0).abs() < 1e-4));
    }
}
