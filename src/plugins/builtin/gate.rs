//! The plug-in that closes while nobody speaks: a noise gate with hold and hysteresis, as Zölzer's
//! "DAFX" (2nd edition, 2011, section 4.2) has it. It decides by peaks and knows nothing of voices.
//! Runs on the audio thread, made on the plug-in thread.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use crate::plugins::builtin::parts::{Knob, each_sample, exact_amplitude, follow_step, frames};
use crate::plugins::processor::Processor;
use crate::units::db_to_amplitude;

pub const KNOBS: &[Knob] = &[
    Knob::linear("threshold_db", "Threshold", "dB", [-90.0, 0.0], -45.0),
    Knob::linear("hysteresis_db", "Hysteresis", "dB", [0.0, 24.0], 6.0),
    Knob::logarithmic("attack_ms", "Attack", "ms", [0.1, 100.0], 2.0),
    Knob::linear("hold_ms", "Hold", "ms", [0.0, 2000.0], 100.0),
    Knob::logarithmic("release_ms", "Release", "ms", [1.0, 2000.0], 150.0),
    Knob::linear("range_db", "Range", "dB", [0.0, 90.0], 60.0),
];

/// Time constant of the envelope's fall: more than half a period of the lowest voice, 60 Hz.
const ENVELOPE_MS: f32 = 10.0;

pub struct Gate {
    rate_hz: u32,
    threshold_db: f32,
    hysteresis_db: f32,
    attack_frames: f32,
    hold_frames: f32,
    release_frames: f32,
    range_db: f32,
    /// Amplitudes: from the first on it opens, below the second it closes.
    opens_at: f64,
    closes_below: f64,
    fall: f64,
    envelope: f64,
    is_open: bool,
    held_frames: f32,
    /// How far it is closed now, and the factor that this is.
    closed_db: f32,
    amplitude: f32,
}

impl Gate {
    pub fn new(rate_hz: u32) -> Self {
        Self {
            rate_hz,
            threshold_db: 0.0,
            hysteresis_db: 0.0,
            attack_frames: 1.0,
            hold_frames: 0.0,
            release_frames: 1.0,
            range_db: 0.0,
            opens_at: 1.0,
            closes_below: 1.0,
            fall: follow_step(ENVELOPE_MS, rate_hz),
            envelope: 0.0,
            is_open: false,
            held_frames: 0.0,
            closed_db: 0.0,
            amplitude: 1.0,
        }
    }

    fn next(&mut self, sample: f32) -> f32 {
        let peak = f64::from(sample.abs());
        self.envelope = peak.max(self.envelope - self.envelope * self.fall);
        self.decide();
        self.slide();
        self.amplitude * sample
    }

    fn decide(&mut self) {
        let limit = if self.is_open { self.closes_below } else { self.opens_at };
        if self.envelope >= limit {
            self.is_open = true;
            self.held_frames = 0.0;
        } else if self.held_frames < self.hold_frames {
            self.held_frames += 1.0;
        } else {
            self.is_open = false;
        }
    }

    /// Evenly in dB: attack and release are the times from one end to the other.
    fn slide(&mut self) {
        let wanted_db = if self.is_open { 0.0 } else { self.range_db };
        if self.closed_db == wanted_db {
            return;
        }
        let opening = self.range_db / self.attack_frames;
        let closing = self.range_db / self.release_frames;
        let moved_db = self.closed_db + (wanted_db - self.closed_db).clamp(-opening, closing);
        // The host moves the range smoothly, so the gain may follow it at once.
        self.closed_db = moved_db.min(self.range_db);
        self.amplitude = exact_amplitude(-self.closed_db);
    }
}

impl Processor for Gate {
    /// Closed.
    fn start(&mut self) {
        self.envelope = 0.0;
        self.is_open = false;
        self.held_frames = self.hold_frames;
        self.closed_db = self.range_db;
        self.amplitude = exact_amplitude(-self.closed_db);
    }

    fn process(&mut self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        each_sample(inputs, outputs, |sample| self.next(sample));
    }

    fn set(&mut self, parameter: usize, value: f32) {
        match parameter {
            0 => self.threshold_db = value,
            1 => self.hysteresis_db = value,
            2 => self.attack_frames = frames(value, self.rate_hz),
            3 => self.hold_frames = frames(value, self.rate_hz),
            4 => self.release_frames = frames(value, self.rate_hz),
            _ => self.range_db = value,
        }
        self.opens_at = f64::from(db_to_amplitude(self.threshold_db));
        self.closes_below = f64::from(db_to_amplitude(self.threshold_db - self.hysteresis_db));
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_macros, reason = "tests run on threads that may")]
mod tests {
    use crate::plugins::builtin::testing::{Rig, noise, rms_db};
    use crate::units::to_count;

    const URI: &str = "affectd:gate";

    /// At -40 dB, with times that differ.
    fn rig(rate_hz: u32) -> Rig {
        let times = [("attack_ms", 5.0), ("hold_ms", 40.0), ("release_ms", 80.0)];
        let mut rig = Rig::with(URI, rate_hz, &[("threshold_db", -40.0), ("range_db", 60.0)]);
        rig.set(&times);
        rig
    }

    #[test]
    fn what_is_open_passes_to_the_last_bit() {
        let samples = noise(0.5, 9600);
        let heard = rig(48_000).run(&samples, 64);
        assert!(heard[480..] == samples[480..]);
    }

    #[test]
    fn noise_below_the_threshold_is_lowered_by_the_range() {
        let samples = noise(0.009, 4800);
        let heard = rig(48_000).run(&samples, 64);
        assert!((rms_db(&heard) - rms_db(&samples) + 60.0).abs() < 0.01);
    }

    #[test]
    fn a_range_of_nothing_changes_nothing() {
        let samples = noise(0.009, 4800);
        let mut rig = rig(48_000);
        rig.set(&[("range_db", 0.0)]);
        assert!(rig.run(&samples, 64) == samples);
    }

    #[test]
    fn it_opens_within_the_attack_evenly_in_db() {
        for rate_hz in [8000, 48_000, 384_000] {
            let attack = to_count(0.005 * f64::from(rate_hz));
            let heard = rig(rate_hz).run(&vec![0.5; 2 * attack], 64);
            let middle_db = 20.0 * (heard[attack / 2 - 1] / 0.5).log10();
            assert!((middle_db + 30.0).abs() < 0.1, "{middle_db}");
            assert!(heard[attack - 2] < 0.5 && heard[attack + 1] == 0.5);
        }
    }

    /// A full scale falls to the -46 dB that close it in 10 ms · ln(10^(46/20)) = 52.96 ms; then
    /// come 40 ms of hold and 80 ms of release.
    #[test]
    fn it_closes_after_envelope_hold_and_release() {
        for rate_hz in [8000, 48_000, 384_000] {
            let at = |ms: f64| to_count(ms / 1000.0 * f64::from(rate_hz));
            let mut rig = rig(rate_hz);
            rig.run(&vec![1.0; at(10.0)], 64);
            // Too soft to keep it open, loud enough to read the gain from.
            let gains: Vec<f32> = rig.run(&vec![0.001; at(200.0)], 64);
            let db = |ms| 20.0 * (gains[at(ms)] / 0.001).log10();
            assert_eq!(db(92.5), 0.0);
            assert!((db(92.96 + 40.0) + 30.0).abs() < 0.5, "{}", db(132.96));
            assert!(db(172.4) > -60.0 && (db(173.5) + 60.0).abs() < 1e-3);
        }
    }

    #[test]
    fn between_the_two_thresholds_it_stays_as_it_is() {
        let between = [0.007; 9600]; // -43 dB
        let mut rig = rig(48_000);
        assert!(rig.run(&between, 64)[9599] < 1e-5);
        rig.run(&[0.5; 480], 64);
        assert_eq!(rig.run(&between, 64)[9599], 0.007);
    }
}
