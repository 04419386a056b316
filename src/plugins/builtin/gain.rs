//! The plug-in that makes sound louder or softer, or mutes it. That the gain glides is left to the
//! host; the mute, which is a switch, fades here. Runs on the audio thread, made on the plug-in
//! thread.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use crate::plugins::builtin::parts::{Knob, each_sample, exact_amplitude, frames};
use crate::plugins::processor::Processor;

pub const KNOBS: &[Knob] = &[
    Knob::linear("gain_db", "Gain", "dB", [-60.0, 24.0], 0.0),
    Knob::switch("mute", "Mute", "", &[(0.0, "off"), (1.0, "on")]),
];

/// The host glides in steps of so many frames; within one the amplitude goes on sample by sample.
const STEP_FRAMES: f32 = 16.0;

/// The mute fades over this time, so that it does not click; as the mute of the output does.
const FADE_MS: f32 = 10.0;

pub struct Gain {
    amplitude: f32,
    target: f32,
    amplitude_step: f32,
    is_muted: bool,
    /// 1 is open, 0 is muted.
    opening: f32,
    step: f32,
}

impl Gain {
    pub fn new(rate_hz: u32) -> Self {
        Self {
            amplitude: 1.0,
            target: 1.0,
            amplitude_step: 0.0,
            is_muted: false,
            opening: 1.0,
            step: 1.0 / frames(FADE_MS, rate_hz),
        }
    }

    fn wanted(&self) -> f32 {
        if self.is_muted { 0.0 } else { 1.0 }
    }
}

impl Processor for Gain {
    fn start(&mut self) {
        self.opening = self.wanted();
        self.amplitude = self.target;
    }

    fn process(&mut self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        let wanted = self.wanted();
        each_sample(inputs, outputs, |sample| {
            self.opening += (wanted - self.opening).clamp(-self.step, self.step);
            let way = self.target - self.amplitude;
            self.amplitude += way.clamp(-self.amplitude_step, self.amplitude_step);
            self.opening * self.amplitude * sample
        });
    }

    fn set(&mut self, parameter: usize, value: f32) {
        match parameter {
            0 => {
                self.target = exact_amplitude(value);
                self.amplitude_step = (self.target - self.amplitude).abs() / STEP_FRAMES;
            }
            _ => self.is_muted = value > 0.5,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::plugins::builtin::testing::{Rig, noise};
    use crate::units::db_to_amplitude;

    const URI: &str = "affectd:gain";

    #[test]
    fn at_first_nothing_changes() {
        let samples = noise(1.0, 1000);
        assert!(Rig::new(URI, 48_000).run(&samples, 64) == samples);
    }

    #[test]
    fn twenty_db_are_ten_times_as_much_and_minus_sixty_a_thousandth() {
        for (gain_db, amplitude) in [(20.0, 10.0), (-20.0, 0.1), (-60.0, 0.001)] {
            assert_eq!(db_to_amplitude(gain_db), amplitude);
            let heard = Rig::with(URI, 48_000, &[("gain_db", gain_db)]).run(&[0.5, -0.25], 2);
            assert_eq!(heard, [0.5 * amplitude, -0.25 * amplitude]);
        }
    }

    #[test]
    fn what_is_muted_before_it_starts_is_never_heard() {
        let heard = Rig::with(URI, 48_000, &[("mute", 1.0)]).run(&noise(1.0, 100), 64);
        assert_eq!(heard, [0.0; 100]);
    }

    #[test]
    fn the_mute_fades_out_and_in_within_its_time() {
        let mut rig = Rig::new(URI, 48_000);
        for (mute, end) in [(1.0, 0.0), (0.0, 1.0)] {
            rig.set(&[("mute", mute)]);
            let heard = rig.run(&[1.0; 490], 7); // 10 ms, and rounding
            assert_eq!(heard[489], end);
            for pair in heard.windows(2) {
                assert!((pair[1] - pair[0]).abs() < 1.01 / 480.0, "{pair:?}");
            }
        }
    }
}
