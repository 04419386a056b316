//! Music that nobody wrote: notes and drums by chance, as what a voice is not. There is little
//! music that may be shared, and a check that learns from five recordings knows these five. Pure,
//! seeded functions.

use rand::Rng;
use rand::rngs::StdRng;

use crate::train::channel::power;
use crate::train::convolver::Convolver;
use crate::train::rooms::Room;
use crate::units::{ANALYSIS_RATE_HZ, to_count, to_f32};

const RATE: f32 = ANALYSIS_RATE_HZ as f32;

/// Semitones of the scales that notes are taken from: major, minor pentatonic, minor.
const SCALES: [&[u8]; 3] = [&[0, 2, 4, 5, 7, 9, 11], &[0, 3, 5, 7, 10], &[0, 2, 3, 5, 7, 8, 10]];

/// Semitones above the first of the notes that sound together.
const CHORD: [u8; 4] = [0, 4, 7, 12];

/// Above it no partial sounds.
const HIGHEST_HZ: f32 = 7600.0;

/// Shares of the melodies that have notes, drums beside them, and a room around them.
const WITH_NOTES: f64 = 0.9;
const WITH_DRUMS: f64 = 0.45;
const IN_ROOM: f64 = 0.4;

/// Something that plays notes.
struct Instrument {
    partials: u16,
    /// Amplitude of a partial is its number to the power of minus this.
    slope: f32,
    /// Like a clarinet: every second partial is missing.
    is_hollow: bool,
    vibrato: f32,
    vibrato_hz: f32,
    attack_s: f32,
    decay_s: f32,
}

/// So many samples, of no particular level.
pub fn melody(length: usize, rng: &mut StdRng) -> Vec<f32> {
    let mut out = vec![0.0; length];
    let has_notes = rng.random_bool(WITH_NOTES);
    if has_notes {
        notes(&mut out, rng);
    }
    if !has_notes || rng.random_bool(WITH_DRUMS) {
        let level = if has_notes { to_f32(power(&out).sqrt()) } else { 0.1 };
        drums(&mut out, level, rng);
    }
    if rng.random_bool(IN_ROOM) {
        let response = Room::draw(rng).response(rng.random_range(0.2..0.9));
        out = Convolver::default().convolve(&out, &response);
        out.truncate(length);
    }
    out
}

fn samples(seconds: f32) -> usize {
    to_count(f64::from(seconds * RATE))
}

fn one_of<T: Copy>(choices: &[T], rng: &mut StdRng) -> T {
    choices[rng.random_range(0..choices.len())]
}

fn notes(out: &mut [f32], rng: &mut StdRng) {
    let instrument = Instrument::draw(rng);
    let scale = one_of(&SCALES, rng);
    let (beat_s, key_hz) = (rng.random_range(0.1..0.6), rng.random_range(80.0..500.0));
    let together = rng.random_range(1..=CHORD.len());
    let mut start = 0;
    while start < out.len() {
        let length_s = beat_s * one_of(&[0.5, 1.0, 1.0, 2.0, 4.0], rng);
        if rng.random_bool(0.88) {
            let root = one_of(scale, rng) + one_of(&[0, 0, 12], rng);
            let end = (start + samples(length_s * rng.random_range(0.8..1.6))).min(out.len());
            for above in &CHORD[..rng.random_range(1..=together)] {
                let hz = key_hz * (f32::from(root + above) / 12.0).exp2();
                instrument.play(hz, &mut out[start..end], rng);
            }
        }
        start += samples(length_s).max(1);
    }
}

impl Instrument {
    fn draw(rng: &mut StdRng) -> Self {
        Self {
            partials: rng.random_range(1..=20),
            slope: rng.random_range(0.3..1.6),
            is_hollow: rng.random_bool(0.25),
            vibrato: one_of(&[0.0, 0.0, 0.003, 0.01], rng),
            vibrato_hz: rng.random_range(4.0..7.0),
            attack_s: one_of(&[0.003, 0.02, 0.08], rng),
            decay_s: one_of(&[0.15, 0.5, 2.0, 5.0], rng),
        }
    }

    fn play(&self, hz: f32, out: &mut [f32], rng: &mut StdRng) {
        const RELEASE_S: f32 = 0.025;
        let step = if self.is_hollow { 2 } else { 1 };
        let partials: Vec<(f32, f32, f32)> = (1..=self.partials)
            .step_by(step)
            .map(f32::from)
            .filter(|partial| partial * hz < HIGHEST_HZ)
            .map(|partial| (partial, partial.powf(-self.slope), rng.random_range(0.0..TURN)))
            .collect();
        let length_s = out.len() as f32 / RATE;
        for (index, sample) in out.iter_mut().enumerate() {
            let time_s = index as f32 / RATE;
            let sway = (TURN * self.vibrato_hz * time_s).sin() / self.vibrato_hz;
            let phase = TURN * hz * time_s + hz * self.vibrato * sway;
            let tone: f32 =
                partials.iter().map(|(n, amplitude, at)| amplitude * (n * phase + at).sin()).sum();
            let attack = (time_s / self.attack_s).min(1.0);
            let release = ((length_s - time_s) / RELEASE_S).min(1.0);
            *sample += tone * attack * release * (-time_s / self.decay_s).exp();
        }
    }
}

const TURN: f32 = std::f32::consts::TAU;

/// Bass drum, snare and pauses, one after the other.
fn drums(out: &mut [f32], level: f32, rng: &mut StdRng) {
    const LENGTH_S: f32 = 0.25;
    let beat = samples(rng.random_range(0.12..0.4));
    for start in (0..out.len()).step_by(beat.max(1)) {
        let end = (start + samples(LENGTH_S)).min(out.len());
        let loudness = level * rng.random_range(0.5..3.0);
        let decay_s = one_of(&[0.02, 0.05, 0.12], rng);
        let kind = rng.random_range(0..4);
        for (index, sample) in out[start..end].iter_mut().enumerate() {
            let time_s = index as f32 / RATE;
            // The skin slackens from 130 Hz to 50 Hz.
            let fall = 1.0 - (-30.0 * time_s).exp();
            *sample += loudness
                * match kind {
                    0 => (TURN * (50.0 * time_s + 2.7 * fall)).sin() * (-time_s / 0.1).exp(),
                    1 | 2 => rng.random_range(-1.7..1.7) * (-time_s / decay_s).exp(),
                    _ => 0.0,
                };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn each_seed_has_its_own_melody_that_sounds_and_is_a_number() {
        let of = |seed| melody(16_000, &mut StdRng::seed_from_u64(seed));
        for seed in 0..8 {
            let sound = of(seed);
            assert_eq!(sound.len(), 16_000);
            assert!(sound.iter().all(|sample| sample.is_finite()), "seed {seed}");
            assert!(1e-6 < power(&sound), "seed {seed}");
        }
        assert_eq!(of(3), of(3));
        assert_ne!(of(3), of(4));
    }

    #[test]
    fn a_note_has_its_pitch() {
        let (vibrato, is_hollow) = (0.0, false);
        let instrument = Instrument {
            partials: 5,
            slope: 1.0,
            is_hollow,
            vibrato,
            vibrato_hz: 5.0,
            attack_s: 0.003,
            decay_s: 5.0,
        };
        let mut out = vec![0.0; 1600];
        instrument.play(200.0, &mut out, &mut StdRng::seed_from_u64(1));
        // A period is 80 samples; 0.1 s of decay and the edges are all that differ.
        let (once, later) = (&out[400..800], &out[480..880]);
        let apart: f32 = once.iter().zip(later).map(|(a, b)| (a - b).powi(2)).sum();
        let whole: f32 = once.iter().map(|a| a * a).sum();
        assert!(apart < 0.01 * whole, "{apart} of {whole}");
    }
}
