//! The plug-in that takes rumble and handling noise away below a corner frequency: a Butterworth
//! filter of the second or fourth order. Coefficients are left to the crate `biquad`, which has
//! them from the Audio EQ Cookbook of R. Bristow-Johnson. Runs on the audio thread, made on the
//! plug-in thread.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use biquad::{Biquad, Coefficients, DirectForm1, Type};

use crate::plugins::builtin::parts::{Knob, each_sample};
use crate::plugins::processor::Processor;
use crate::units::to_f32;

pub const KNOBS: &[Knob] = &[
    Knob::logarithmic("frequency_hz", "Frequency", "Hz", [10.0, 1000.0], 80.0),
    Knob::switch("slope_db", "Slope", "dB/octave", &[(12.0, "12 dB"), (24.0, "24 dB")]),
];

/// Slopes from here on are the fourth order's.
const STEEP_DB: f32 = 18.0;

/// Quality of the one pair of poles of the second order: 1 / (2 cos π/4).
const QUALITY: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// Those of the fourth order: 1 / (2 cos π/8) and 1 / (2 cos 3π/8).
const QUALITIES: [f64; 2] = [0.541_196_100_146_197, 1.306_562_964_876_376_5];

const THROUGH: Coefficients<f64> = Coefficients { a1: 0.0, a2: 0.0, b0: 1.0, b1: 0.0, b2: 0.0 };

pub struct HighPass {
    rate_hz: f64,
    frequency_hz: f64,
    is_steep: bool,
    /// In direct form 1, whose memory is the sound itself: it fits any coefficients, so that moves
    /// make no noise. In f64, which leaves poles near 1 where they belong. The second lets all
    /// through while the slope is 12 dB.
    stages: [DirectForm1<f64>; 2],
}

impl HighPass {
    pub fn new(rate_hz: u32) -> Self {
        let stages = [DirectForm1::new(THROUGH), DirectForm1::new(THROUGH)];
        Self { rate_hz: f64::from(rate_hz), frequency_hz: 0.0, is_steep: false, stages }
    }

    fn retune(&mut self) {
        let [first, second] = &mut self.stages;
        // Of Nyquist's frequency, at most 0.5: 1000 Hz at 4 kHz.
        let corner = 2.0 * self.frequency_hz / self.rate_hz;
        let tuned = |quality| {
            // Corner and quality are in range, so that this cannot fail.
            Coefficients::from_normalized_params(Type::HighPass, corner, quality).unwrap_or(THROUGH)
        };
        if self.is_steep {
            first.update_coefficients(tuned(QUALITIES[0]));
            second.update_coefficients(tuned(QUALITIES[1]));
        } else {
            first.update_coefficients(tuned(QUALITY));
            second.update_coefficients(THROUGH);
        }
    }
}

impl Processor for HighPass {
    fn start(&mut self) {
        self.stages.iter_mut().for_each(Biquad::reset_state);
    }

    fn process(&mut self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        let [first, second] = &mut self.stages;
        each_sample(inputs, outputs, |sample| to_f32(second.run(first.run(f64::from(sample)))));
    }

    fn set(&mut self, parameter: usize, value: f32) {
        match parameter {
            0 => self.frequency_hz = f64::from(value),
            _ => self.is_steep = value >= STEEP_DB,
        }
        self.retune();
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run on threads that may")]
mod tests {
    use crate::plugins::builtin::testing::{Rig, rms_db, sine};

    const URI: &str = "affectd:high_pass";

    /// Level of a sine behind the filter, against before, once it has settled.
    fn response_db(rate_hz: u32, corner_hz: f32, slope_db: f32, hz: f64) -> f64 {
        let settings = [("frequency_hz", corner_hz), ("slope_db", slope_db)];
        let samples = sine(rate_hz, hz, 0.5, 2 * rate_hz as usize);
        let heard = Rig::with(URI, rate_hz, &settings).run(&samples, 64);
        let steady = rate_hz as usize..; // whole periods of whole hertz
        rms_db(&heard[steady.clone()]) - rms_db(&samples[steady])
    }

    /// Butterworth: -10 log10(1 + (corner / f)^(2 order)), both warped by the bilinear transform
    /// to tan(π f / rate).
    fn check(rate_hz: u32, corner_hz: f32, slope_db: f32, hz: f64) {
        let warp = |hz: f64| (std::f64::consts::PI * hz / f64::from(rate_hz)).tan();
        let order = f64::from(slope_db) / 6.0;
        let ratio = warp(f64::from(corner_hz)) / warp(hz);
        let expected = -10.0 * (1.0 + ratio.powf(2.0 * order)).log10();
        let measured = response_db(rate_hz, corner_hz, slope_db, hz);
        assert!((measured - expected).abs() < 0.01, "{hz} Hz: {measured}, not {expected}");
    }

    #[test]
    fn the_corner_is_three_db_down_at_every_rate_and_slope() {
        for rate_hz in [4000, 44_100, 192_000] {
            for (corner_hz, hz) in [(10.0, 10.0), (80.0, 80.0), (1000.0, 1000.0)] {
                for slope_db in [12.0, 24.0] {
                    check(rate_hz, corner_hz, slope_db, hz);
                    let at_corner = response_db(rate_hz, corner_hz, slope_db, hz);
                    assert!((at_corner + 3.01).abs() < 0.01, "{at_corner}");
                }
            }
        }
    }

    #[test]
    fn an_octave_more_is_twelve_or_twenty_four_db_less() {
        for slope_db in [12.0, 24.0] {
            check(48_000, 200.0, slope_db, 400.0);
            check(48_000, 200.0, slope_db, 25.0);
            let octave = response_db(48_000, 800.0, slope_db, 100.0)
                - response_db(48_000, 800.0, slope_db, 50.0);
            assert!((octave - f64::from(slope_db)).abs() < 0.1, "{octave}");
        }
    }

    #[test]
    fn a_voice_goes_through() {
        assert!(response_db(48_000, 80.0, 24.0, 1000.0).abs() < 0.01);
    }

    #[test]
    fn moves_make_no_noise() {
        let mut rig = Rig::new(URI, 48_000);
        let mut heard = Vec::new();
        for (index, piece) in sine(48_000, 1000.0, 0.5, 48_000).chunks(480).enumerate() {
            let slope_db = if index % 2 == 0 { 12.0 } else { 24.0 };
            rig.set(&[("frequency_hz", 40.0 + index as f32), ("slope_db", slope_db)]);
            heard.append(&mut rig.run(piece, 480));
        }
        // The sine's own steps are at most 0.5 · 2π / 48 = 0.0654.
        assert!(heard.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.08));
    }
}
