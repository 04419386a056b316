//! Augmentation in the mel power domain: gain, equaliser, another throat, another speaker's
//! timbre, noise, masks. Drawn once per example and applied alike to the example and to what the
//! speaker said before.

use rand::Rng;
use rand::rngs::StdRng;

use crate::features::pitch::Voicing;
use crate::train::bands::Bands;
use crate::train::bank::Prepared;
use crate::train::recipe::Recipe;

/// Ranges that the plans are drawn from. Ours, within what benchmark rooms and microphones show.
mod range {
    use std::ops::Range;
    pub const SNR_DB: Range<f32> = 0.0..30.0;
    pub const FLOOR_DB: Range<f32> = 25.0..60.0;
    pub const EQUALISER_BANDS: usize = 6;
    pub const MASK_BANDS: usize = 8;
    pub const MASK_FRAMES: usize = 20;
}

/// Mean of a speaker's voice: the filter and the source that a conversion exchanges.
#[derive(Clone, Debug)]
pub struct Timbre {
    /// Mean of each band's logarithm (natural) over the voiced frames, their mean level taken off.
    pub bands: Vec<f32>,
    /// Mean octaves of the periodic frames.
    pub octaves: f32,
}

/// One example's augmentation.
pub struct Plan<'a> {
    /// Power factor of each band: gain, equaliser, timbre.
    shape: Vec<f32>,
    /// Where each band's power comes from: a band and the share of the next one.
    throat: Vec<(usize, f32)>,
    /// Added to the fundamental frequency.
    octaves: f32,
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
    /// `noise` is mixed in as often as the recipe says.
    pub fn draw(
        rng: &mut StdRng,
        recipe: &Recipe,
        clip: &Prepared,
        noise: Option<&'a Prepared>,
    ) -> Self {
        let mels = clip.bands.mels;
        let gain_db = rng.random_range(-recipe.gain_db..=0.5 * recipe.gain_db);
        let tilt_db = rng.random_range(-recipe.tilt_db..=recipe.tilt_db);
        let equaliser: Vec<f32> =
            (0..range::EQUALISER_BANDS).map(|_| recipe.equaliser_db * normal(rng)).collect();
        let shape = (0..mels)
            .map(|band| {
                let place = band as f32 / (mels - 1) as f32;
                power(gain_db + tilt_db * (2.0 * place - 1.0) + between(&equaliser, place))
            })
            .collect();
        let floor_db = gain_db - rng.random_range(range::FLOOR_DB);
        let floor = clip.speech_power / mels as f32 * power(floor_db);
        let noise = noise.filter(|_| rng.random_bool(recipe.noise_share)).map(|noise| {
            let bands = &noise.bands;
            let mean = bands.values.iter().sum::<f32>() / bands.frames() as f32;
            let snr_db = rng.random_range(range::SNR_DB);
            let factor = power(gain_db - snr_db) * clip.speech_power / mean;
            Noise { bands, start: rng.random_range(0..bands.frames()), factor }
        });
        let throat = throat(mels, 1.0 + rng.random_range(-recipe.throat..=recipe.throat));
        Self { shape, throat, octaves: 0.0, floor, noise }
    }

    /// Leaves everything as it is.
    pub fn none(mels: usize) -> Self {
        let (shape, throat) = (vec![1.0; mels], (0..mels).map(|band| (band, 0.0)).collect());
        Self { shape, throat, octaves: 0.0, floor: 0.0, noise: None }
    }

    /// As if another speaker said it, with the same movement of pitch and timbre: source-filter
    /// conversion by the speakers' means.
    pub fn convert(&mut self, from: &Timbre, to: &Timbre) {
        for ((shape, from), to) in self.shape.iter_mut().zip(&from.bands).zip(&to.bands) {
            *shape *= (to - from).exp();
        }
        self.octaves = to.octaves - from.octaves;
    }

    /// Writes `frame` as the microphone would have heard it `time` frames after the start, and says
    /// what is left of its pitch.
    pub fn apply(&self, frame: &[f32], pitch: Voicing, time: usize, out: &mut [f32]) -> Voicing {
        let mut clean = 0.0;
        for ((out, &(band, next)), shape) in out.iter_mut().zip(&self.throat).zip(&self.shape) {
            let after = frame.get(band + 1).copied().unwrap_or(frame[band]);
            let value = (frame[band] * (1.0 - next) + after * next) * shape;
            clean += value;
            *out = value + self.floor;
        }
        let mut all = clean + self.floor * out.len() as f32;
        if let Some(noise) = &self.noise {
            let index = (noise.start + time) % noise.bands.frames();
            for (out, value) in out.iter_mut().zip(noise.bands.frame(index)) {
                *out += value * noise.factor;
                all += value * noise.factor;
            }
        }
        // What is not the voice does not repeat with its period.
        let strength = if 0.0 < all { pitch.strength * clean / all } else { 0.0 };
        Voicing { strength, octaves: pitch.octaves + self.octaves }
    }
}

/// Approximately normal, deviation 1: the sum of twelve uniform numbers (central limit).
fn normal(rng: &mut StdRng) -> f32 {
    (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0
}

/// The value at `place`, 0..1, on the line through evenly spaced points.
fn between(points: &[f32], place: f32) -> f32 {
    let at = place * (points.len() - 1) as f32;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..1 of a few")]
    let index = (at as usize).min(points.len() - 2);
    let share = at - index as f32;
    points[index] * (1.0 - share) + points[index + 1] * share
}

/// Where each mel band's power comes from when all frequencies are `factor` times as high: vocal
/// tract length perturbation (Jaitly and Hinton 2013). Bands are even on the HTK mel scale up to
/// 8 kHz; a frequency scales by the factor below the last band.
fn throat(mels: usize, factor: f32) -> Vec<(usize, f32)> {
    const MEL_MAX: f32 = 2840.0;
    let step = MEL_MAX / (mels + 1) as f32;
    (0..mels)
        .map(|band| {
            let mel = (band + 1) as f32 * step;
            let hz = 700.0 * (10f32.powf(mel / 2595.0) - 1.0);
            let from = 2595.0 * (1.0 + hz / factor / 700.0).log10() / step - 1.0;
            let from = from.clamp(0.0, (mels - 1) as f32);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            let below = from as usize;
            (below, from - below as f32)
        })
        .collect()
}

/// SpecAugment (Park et al., Interspeech 2019): one stretch of bands and one of frames, replaced
/// by the bands' means. Says which frames.
pub fn mask(rng: &mut StdRng, frames: &mut [f32], mels: usize) -> std::ops::Range<usize> {
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
    start..start + length
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    const VOICE: Voicing = Voicing { strength: 0.8, octaves: 0.5 };

    fn clip() -> Prepared {
        let bands = Bands { mels: 4, values: vec![1.0; 40] };
        let pitch = vec![VOICE; 10];
        Prepared { bands, pitch, voiced: vec![true; 10], span: 0..10, speech_power: 4.0 }
    }

    #[test]
    fn no_plan_changes_nothing() {
        let mut out = [0.0; 4];
        let pitch = Plan::none(4).apply(&[1.0, 2.0, 3.0, 4.0], VOICE, 7, &mut out);
        assert_eq!(out, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(pitch, VOICE);
    }

    #[test]
    fn noise_stays_within_the_signal_to_noise_range_and_covers_the_pitch() {
        let bands = Bands { mels: 4, values: vec![0.5; 400] };
        let noise = Prepared { bands, ..clip() };
        let recipe = Recipe { equaliser_db: 0.0, noise_share: 1.0, ..Recipe::default() };
        let mut rng = StdRng::seed_from_u64(1);
        for _ in 0..200 {
            let plan = Plan::draw(&mut rng, &recipe, &clip(), Some(&noise));
            let noise = plan.noise.as_ref().expect("a share of 1");
            let gain: f32 = (plan.shape[0] * plan.shape[3]).sqrt(); // the tilt cancels
            let snr_db = 10.0 * (4.0 * gain / (2.0 * noise.factor)).log10();
            assert!((-0.01..30.01).contains(&snr_db), "{snr_db} dB");
            let pitch = plan.apply(&[1.0; 4], VOICE, 0, &mut [0.0; 4]);
            assert!(0.0 < pitch.strength && pitch.strength < VOICE.strength);
        }
    }

    #[test]
    fn a_longer_throat_moves_power_to_lower_bands() {
        let mut frame = [0.0; 64];
        frame[40] = 1.0;
        let plan = |factor| Plan { throat: throat(64, factor), ..Plan::none(64) };
        let peak = |factor: f32| {
            let mut out = [0.0; 64];
            plan(factor).apply(&frame, VOICE, 0, &mut out);
            (0..64).max_by(|&a, &b| out[a].total_cmp(&out[b])).expect("64 bands")
        };
        assert_eq!(peak(1.0), 40);
        // Band 40 is mel 41 · 2840/65 = 1791.4, 2731 Hz; 10 % lower, 2458 Hz, is mel 1696.7 or
        // band 37.8; 10 % higher, 3004 Hz, mel 1878.1 or band 42.0.
        assert_eq!(peak(0.9), 38);
        assert_eq!(peak(1.1), 42);
    }

    #[test]
    fn a_conversion_gives_one_speaker_the_mean_of_another() {
        let timbre = |level: f32, octaves| Timbre { bands: vec![level, -level], octaves };
        let mut plan = Plan::none(2);
        plan.convert(&timbre(0.5, -0.5), &timbre(-0.5, 0.5));
        let mut out = [0.0; 2];
        let pitch = plan.apply(&[1.0, 1.0], VOICE, 0, &mut out);
        assert!((out[0] - (-1f32).exp()).abs() < 1e-6 && (out[1] - 1f32.exp()).abs() < 1e-5);
        assert_eq!(pitch.octaves, VOICE.octaves + 1.0);
    }

    #[test]
    fn a_mask_keeps_the_bands_means() {
        let mut rng = StdRng::seed_from_u64(3);
        let mut frames: Vec<f32> = vec![2.0; 4 * 50];
        for _ in 0..20 {
            mask(&mut rng, &mut frames, 4);
        }
        assert!(frames.iter().all(|value| (value - 2.0).abs() < 1e-4));
    }
}
