//! The plug-in that brings loud and soft speech closer together: a feed-forward compressor with a
//! soft knee, after D. Giannoulis, M. Massberg, J. D. Reiss, "Digital Dynamic Range Compressor
//! Design", J. Audio Eng. Soc. 60 (2012) 399-408: gain computer in dB (equation 4), then a smooth
//! decoupled peak detector on its result (equation 17). Knows one channel. Runs on the audio
//! thread, made on the plug-in thread.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use crate::plugins::builtin::parts::{Knob, each_sample, exact_amplitude, follow_step};
use crate::plugins::processor::Processor;
use crate::units::{amplitude_to_db, to_f32};

pub const KNOBS: &[Knob] = &[
    Knob::linear("threshold_db", "Threshold", "dB", [-60.0, 0.0], -18.0),
    Knob::logarithmic("ratio", "Ratio", "", [1.0, 20.0], 3.0),
    Knob::logarithmic("attack_ms", "Attack", "ms", [0.1, 200.0], 5.0),
    Knob::logarithmic("release_ms", "Release", "ms", [5.0, 2000.0], 120.0),
    Knob::linear("knee_db", "Knee", "dB", [0.0, 24.0], 6.0),
    Knob::linear("makeup_db", "Make-up gain", "dB", [0.0, 24.0], 0.0),
];

/// The followers arrive when they are so near, so that what needs no gain gets none to the bit.
const ARRIVED_DB: f64 = 1e-4;

pub struct Compressor {
    rate_hz: u32,
    curve: Curve,
    attack: f64,
    release: f64,
    makeup_db: f32,
    /// The detector's two followers, in dB of reduction.
    held_db: f64,
    reduction_db: f64,
}

#[derive(Clone, Copy)]
struct Curve {
    threshold_db: f32,
    ratio: f32,
    knee_db: f32,
}

impl Curve {
    /// By how much a level is lowered in the end.
    fn reduction_db(self, level_db: f32) -> f32 {
        let slope = 1.0 - 1.0 / self.ratio;
        let over_db = level_db - self.threshold_db;
        if 2.0 * over_db <= -self.knee_db {
            0.0
        } else if 2.0 * over_db < self.knee_db {
            slope * (over_db + self.knee_db / 2.0).powi(2) / (2.0 * self.knee_db)
        } else {
            slope * over_db
        }
    }
}

impl Compressor {
    pub fn new(rate_hz: u32) -> Self {
        Self {
            rate_hz,
            curve: Curve { threshold_db: 0.0, ratio: 1.0, knee_db: 0.0 },
            attack: 1.0,
            release: 1.0,
            makeup_db: 0.0,
            held_db: 0.0,
            reduction_db: 0.0,
        }
    }

    fn next(&mut self, sample: f32) -> f32 {
        let wanted_db = f64::from(self.curve.reduction_db(amplitude_to_db(sample)));
        self.held_db = wanted_db.max(followed(self.held_db, wanted_db, self.release));
        self.reduction_db = followed(self.reduction_db, self.held_db, self.attack);
        exact_amplitude(self.makeup_db - to_f32(self.reduction_db)) * sample
    }
}

fn followed(from: f64, to: f64, step: f64) -> f64 {
    if (to - from).abs() < ARRIVED_DB { to } else { from + step * (to - from) }
}

impl Processor for Compressor {
    fn start(&mut self) {
        self.held_db = 0.0;
        self.reduction_db = 0.0;
    }

    fn process(&mut self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        each_sample(inputs, outputs, |sample| self.next(sample));
    }

    fn set(&mut self, parameter: usize, value: f32) {
        match parameter {
            0 => self.curve.threshold_db = value,
            1 => self.curve.ratio = value,
            2 => self.attack = follow_step(value, self.rate_hz),
            3 => self.release = follow_step(value, self.rate_hz),
            4 => self.curve.knee_db = value,
            _ => self.makeup_db = value,
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_macros, reason = "tests run on threads that may")]
mod tests {
    use crate::plugins::builtin::testing::{Rig, noise, rms_db, sine};
    use crate::units::{amplitude_to_db, db_to_amplitude, to_count};

    const URI: &str = "affectd:compressor";

    fn rig(rate_hz: u32, knee_db: f32) -> Rig {
        let curve = [("threshold_db", -20.0), ("ratio", 4.0), ("knee_db", knee_db)];
        let mut rig = Rig::with(URI, rate_hz, &curve);
        rig.set(&[("attack_ms", 5.0), ("release_ms", 100.0)]);
        rig
    }

    /// Where a steady level ends, by a square wave, whose every sample is its peak.
    fn steady_db(rig: &mut Rig, level_db: f32) -> f32 {
        let mut samples = vec![db_to_amplitude(level_db); 48_000];
        samples.chunks_mut(25).step_by(2).for_each(|half| half.iter_mut().for_each(|s| *s = -*s));
        amplitude_to_db(rig.run(&samples, 64)[47_999])
    }

    fn check(knee_db: f32, level_db: f32, expected_db: f32) {
        let measured_db = steady_db(&mut rig(48_000, knee_db), level_db);
        assert!((measured_db - expected_db).abs() < 0.01, "{level_db}: {measured_db}");
    }

    /// Above -20 dB a quarter is left: -20 + 20/4 = -15, -20 + 12/4 = -17.
    #[test]
    fn the_hard_curve_is_the_formula() {
        check(0.0, 0.0, -15.0);
        check(0.0, -8.0, -17.0);
        check(0.0, -20.0, -20.0);
        check(0.0, -60.0, -60.0);
    }

    /// Within ±5 dB of the threshold x + (1/4 - 1)(x + 20 + 5)² / 20: at -20 -20.9375, at -17.5
    /// -19.609; outside as without a knee.
    #[test]
    fn the_soft_knee_is_the_formula() {
        check(10.0, -25.0, -25.0);
        check(10.0, -20.0, -20.9375);
        check(10.0, -17.5, -19.609_375);
        check(10.0, -15.0, -18.75);
        check(10.0, 0.0, -15.0);
    }

    #[test]
    fn soft_sound_passes_to_the_last_bit_and_makeup_is_added() {
        let samples = noise(0.05, 4800);
        assert!(rig(48_000, 0.0).run(&samples, 64) == samples);
        let mut rig = rig(48_000, 0.0);
        rig.set(&[("makeup_db", 10.0)]);
        assert!((steady_db(&mut rig, 0.0) + 5.0).abs() < 0.01);
    }

    #[test]
    fn a_sine_is_lowered_as_its_peak_would_be() {
        let samples = sine(48_000, 200.0, 1.0, 48_000);
        let heard = rig(48_000, 0.0).run(&samples, 64);
        let lowered_db = rms_db(&heard[24_000..]) - rms_db(&samples[24_000..]);
        assert!((lowered_db + 15.0).abs() < 0.5, "{lowered_db}");
    }

    /// 15 dB of reduction come in 5 ms to 1 - 1/e: 9.482 dB. They go by two followers in a row,
    /// e(t) = (100 e^(-t/100) - 5 e^(-t/5)) / 95 of them left after t ms: 0.38724 after 100.
    #[test]
    fn attack_and_release_take_their_times_at_every_rate() {
        for rate_hz in [8000, 48_000, 768_000] {
            let at = |ms: f64| to_count(ms / 1000.0 * f64::from(rate_hz));
            let mut rig = rig(rate_hz, 0.0);
            let attack = rig.run(&vec![1.0; at(200.0)], 1000);
            let attacked_db = amplitude_to_db(attack[at(5.0) - 1]);
            assert!((attacked_db + 9.482).abs() < 0.05, "{rate_hz}: {attacked_db}");
            let release = rig.run(&vec![0.01; at(100.0)], 1000);
            let left_db = -40.0 - amplitude_to_db(release[at(100.0) - 1]);
            assert!((left_db - 15.0 * 0.387_24).abs() < 0.05, "{rate_hz}: {left_db}");
        }
    }
}
