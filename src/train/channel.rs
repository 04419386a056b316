//! What happens to a voice between the microphone and us: noise beside it, a phone line, an
//! amplifier that clips, packets that get lost. Samples in, samples out at the analysis rate, for
//! training and for the robustness card; rooms are left to `rooms`. Pure, seeded functions.

use std::ops::Range;

use rand::Rng;
use rand::rngs::StdRng;

use crate::train::convolver::Convolver;
use crate::units::{ANALYSIS_RATE_HZ, db_to_amplitude, to_count, to_f32};

/// Mean square of a stretch; 0 of none.
pub fn power(samples: &[f32]) -> f64 {
    let sum: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    sum / samples.len().max(1) as f64
}

/// Level of a stretch as a factor to divide by: the root of its mean square, never 0.
pub fn rms(samples: &[f32]) -> f32 {
    to_f32(power(samples).sqrt()).max(f32::MIN_POSITIVE)
}

/// Adds `noise`, as long as `samples`, at a ratio of powers over `span`: where somebody speaks.
/// Noise that is silent there is not added.
pub fn add_noise(samples: &mut [f32], noise: &[f32], span: Range<usize>, snr_db: f32) {
    assert_eq!(samples.len(), noise.len(), "noise is cut to the length of the sound");
    let noise_power = power(&noise[span.clone()]);
    if noise_power <= POWER_MIN {
        return;
    }
    let factor = to_f32((power(&samples[span]) / noise_power).sqrt()) * db_to_amplitude(-snr_db);
    for (sample, noise) in samples.iter_mut().zip(noise) {
        *sample += factor * noise;
    }
}

/// So many samples from a place of a recording by chance, which begins again at its end.
pub fn stretch(recording: &[f32], length: usize, rng: &mut StdRng) -> Vec<f32> {
    let start = rng.random_range(0..recording.len());
    recording.iter().cycle().skip(start).take(length).copied().collect()
}

/// Mean square of what counts as silence: -120 dBFS.
const POWER_MIN: f64 = 1e-12;

/// Louder or softer, through an input that clips at full scale.
pub fn gain(samples: &mut [f32], gain_db: f32) {
    let factor = db_to_amplitude(gain_db);
    samples.iter_mut().for_each(|sample| *sample = (*sample * factor).clamp(-1.0, 1.0));
}

/// Clips the loudest samples, `share` of all, to the level of the loudest that is left.
pub fn clip(samples: &mut [f32], share: f64) {
    let clipped = to_count(share * samples.len() as f64);
    if clipped == 0 || samples.len() <= clipped {
        return;
    }
    let mut levels: Vec<f32> = samples.iter().map(|sample| sample.abs()).collect();
    let rank = levels.len() - 1 - clipped;
    let (_, level, _) = levels.select_nth_unstable_by(rank, f32::total_cmp);
    let level = *level;
    samples.iter_mut().for_each(|sample| *sample = sample.clamp(-level, level));
}

/// Loses packets of 20 ms, the usual length of RTP (RFC 3551), each with the probability `share`;
/// silence takes their place, as without any concealment.
pub fn lose_packets(samples: &mut [f32], share: f64, rng: &mut StdRng) {
    const PACKET: usize = ANALYSIS_RATE_HZ as usize / 50;
    for packet in samples.chunks_mut(PACKET) {
        if rng.random_bool(share) {
            packet.fill(0.0);
        }
    }
}

/// The nearest of the 255 levels of 8-bit µ-law, by the formula behind G.711; beyond full scale
/// it clips. NaN stays NaN.
pub fn mu_law(sample: f32) -> f32 {
    const MU: f32 = 255.0;
    const STEPS: f32 = 127.0;
    let compressed = (MU * sample.abs().min(1.0)).ln_1p() / MU.ln_1p();
    let level = (compressed * STEPS).round() / STEPS;
    (((level * MU.ln_1p()).exp_m1()) / MU).copysign(sample)
}

/// A telephone line: 300 to 3400 Hz at 8 kHz in 8-bit µ-law (G.711), and back.
pub struct Phone {
    convolver: Convolver,
    band: Vec<f32>,
}

impl Default for Phone {
    fn default() -> Self {
        Self { convolver: Convolver::default(), band: band_pass(300.0, 3400.0) }
    }
}

impl Phone {
    /// What comes out at the other end, as long as what went in and in time with it.
    pub fn pass(&mut self, samples: &[f32]) -> Vec<f32> {
        let mut line = self.filter(samples);
        for pair in line.chunks_mut(2) {
            // Every second sample travels; the other is filled in by the filter behind.
            pair[0] = 2.0 * mu_law(pair[0]);
            pair[1..].fill(0.0);
        }
        self.filter(&line)
    }

    fn filter(&mut self, samples: &[f32]) -> Vec<f32> {
        let mut out = self.convolver.convolve(samples, &self.band);
        out.drain(..(self.band.len() / 2).min(out.len()));
        out.truncate(samples.len());
        out
    }
}

/// Ideal band pass under a Hamming window: edges 3.3 / BAND_TAPS of the rate wide, 132 Hz.
fn band_pass(low_hz: f64, high_hz: f64) -> Vec<f32> {
    const BAND_TAPS: usize = 401;
    let low_pass = |hz: f64, time: f64| {
        let width = 2.0 * hz / f64::from(ANALYSIS_RATE_HZ);
        let turn = std::f64::consts::PI * width * time;
        if turn == 0.0 { width } else { width * turn.sin() / turn }
    };
    (0..BAND_TAPS)
        .map(|tap| {
            let time = tap as f64 - (BAND_TAPS / 2) as f64;
            let turn = std::f64::consts::TAU * tap as f64 / (BAND_TAPS - 1) as f64;
            let window = 0.54 - 0.46 * turn.cos();
            to_f32(window * (low_pass(high_hz, time) - low_pass(low_hz, time)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn sine(hz: f32, amplitude: f32) -> Vec<f32> {
        let turn = std::f32::consts::TAU * hz / 16_000.0;
        (0..16_000u16).map(|n| amplitude * (turn * f32::from(n)).sin()).collect()
    }

    fn db(ratio: f64) -> f64 {
        10.0 * ratio.log10()
    }

    #[test]
    fn noise_is_measured_where_somebody_speaks() {
        // Speech of power 1 in the second half only, noise of power 4: 20 dB is a power of 0.01.
        let mut samples = [vec![0.0; 500], vec![1.0; 500]].concat();
        add_noise(&mut samples, &[2.0; 1000], 500..1000, 20.0);
        assert!((samples[0] - 0.1).abs() < 1e-6 && (samples[999] - 1.1).abs() < 1e-6);
        let before = samples.clone();
        add_noise(&mut samples, &[0.0; 1000], 500..1000, 20.0);
        assert_eq!(samples, before);
    }

    #[test]
    fn gain_clips_at_full_scale() {
        let mut samples = [0.1, -0.9];
        gain(&mut samples, 20.0);
        assert_eq!(samples, [1.0, -1.0]);
        gain(&mut samples, -20.0);
        assert!((samples[0] - 0.1).abs() < 1e-7);
    }

    #[test]
    fn as_many_samples_are_clipped_as_asked_for() {
        let ramp: Vec<f32> = (0..1000u16).map(|n| f32::from(n) / 1000.0).collect();
        let mut samples = ramp.clone();
        clip(&mut samples, 0.01);
        assert_eq!(samples.iter().zip(&ramp).filter(|(a, b)| a != b).count(), 10);
        assert_eq!(samples[999], 0.989);
        clip(&mut samples[..50], 0.01); // half a sample: rounded to one
        assert_eq!(samples[49], 0.048);
        clip(&mut [], 0.01);
    }

    #[test]
    fn packets_are_lost_whole_and_at_the_rate_asked_for() {
        let mut samples = vec![1.0; 320 * 1000];
        lose_packets(&mut samples, 0.05, &mut StdRng::seed_from_u64(1));
        let lost = samples.chunks(320).filter(|packet| packet[0] == 0.0).count();
        assert!(samples.chunks(320).all(|packet| packet.iter().all(|s| *s == packet[0])));
        assert!((30..=70).contains(&lost), "{lost}"); // 50 ± 3 · sqrt(1000 · .05 · .95)
    }

    #[test]
    fn mu_law_keeps_38_db_of_a_loud_tone_and_of_a_soft_one() {
        // Bennett's approximation: 4.77 + 20 log10(127) - 20 log10(ln 256) = 32.0 dB for noise
        // far below full scale, and 38 at most where G.711 is measured with tones.
        assert_eq!([0.0, 1.0, -1.0, 3.0].map(mu_law), [0.0, 1.0, -1.0, 1.0]);
        for amplitude in [0.5, 0.05] {
            let tone = sine(997.0, amplitude);
            let error: Vec<f32> = tone.iter().map(|sample| sample - mu_law(*sample)).collect();
            let snr_db = db(power(&tone) / power(&error));
            assert!((34.0..40.0).contains(&snr_db), "{snr_db} dB at {amplitude}");
        }
    }

    fn check_phone(hz: f32, low_db: f64, high_db: f64) {
        let tone = sine(hz, 0.5);
        let heard = Phone::default().pass(&tone);
        assert_eq!(heard.len(), tone.len());
        let steady = 2000..14_000;
        let level_db = db(power(&heard[steady.clone()]) / power(&tone[steady]));
        assert!((low_db..high_db).contains(&level_db), "{hz} Hz comes through at {level_db} dB");
    }

    #[test]
    fn the_phone_passes_300_to_3400_hz() {
        check_phone(1000.0, -0.2, 0.2); // 8 bits move a tone's level by up to 0.15 dB
        check_phone(450.0, -0.5, 0.5);
        check_phone(3200.0, -0.5, 0.5);
        check_phone(120.0, -99.0, -30.0);
        check_phone(3900.0, -99.0, -30.0);
        check_phone(6000.0, -99.0, -30.0);
    }

    #[test]
    fn the_phone_keeps_time() {
        let mut click = vec![0.0; 2000];
        click[1000] = 1.0;
        let heard = Phone::default().pass(&click);
        let loudest = (0..2000).max_by(|&a, &b| heard[a].abs().total_cmp(&heard[b].abs()));
        assert_eq!(loudest, Some(1000));
    }
}
