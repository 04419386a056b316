//! What the built-in plug-ins have in common: rows of parameters, the loop over one channel, a
//! delay and the step of a follower. What they do to the sound is left to their own files. Built on
//! the plug-in thread; [`each_sample`] and [`Delay::next`] run on the audio thread.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use crate::plugins::processor::{Parameter, Scale};
use crate::ring::finite_or_zero;
use crate::units::db_to_amplitude;

/// A [`Parameter`] as a row of a table.
pub struct Knob {
    symbol: &'static str,
    name: &'static str,
    unit: &'static str,
    ends: [f32; 2],
    default: f32,
    scale: Scale,
    labels: &'static [(f32, &'static str)],
}

impl Knob {
    pub const fn linear(
        symbol: &'static str,
        name: &'static str,
        unit: &'static str,
        ends: [f32; 2],
        default: f32,
    ) -> Self {
        Self { symbol, name, unit, ends, default, scale: Scale::Linear, labels: &[] }
    }

    pub const fn logarithmic(
        symbol: &'static str,
        name: &'static str,
        unit: &'static str,
        ends: [f32; 2],
        default: f32,
    ) -> Self {
        Self { scale: Scale::Logarithmic, ..Self::linear(symbol, name, unit, ends, default) }
    }

    /// One of two; the first is the default.
    pub const fn switch(
        symbol: &'static str,
        name: &'static str,
        unit: &'static str,
        labels: &'static [(f32, &'static str); 2],
    ) -> Self {
        let ends = [labels[0].0, labels[1].0];
        Self { symbol, name, unit, ends, default: ends[0], scale: Scale::Stepped(1), labels }
    }

    #[expect(clippy::disallowed_methods, reason = "on the plug-in thread")]
    pub fn parameter(&self) -> Parameter {
        Parameter {
            symbol: self.symbol.to_owned(),
            name: self.name.to_owned(),
            unit: self.unit.to_owned(),
            min: self.ends[0],
            max: self.ends[1],
            default: self.default,
            scale: self.scale,
            labels: self.labels.iter().map(|&(value, text)| (value, text.to_owned())).collect(),
        }
    }
}

/// Writes what `work` makes of each sample; what is not a number reaches it as silence.
pub fn each_sample(
    inputs: &[&[f32]],
    outputs: &mut [&mut [f32]],
    mut work: impl FnMut(f32) -> f32,
) {
    if let ([input, ..], [output, ..]) = (inputs, outputs) {
        for (slot, &sample) in output.iter_mut().zip(*input) {
            *slot = work(finite_or_zero(sample));
        }
    }
}

/// Sound that comes out a fixed number of frames later.
pub struct Delay {
    samples: Box<[f32]>,
    index: usize,
}

impl Delay {
    #[expect(clippy::disallowed_macros, reason = "on the plug-in thread")]
    pub fn new(frames: usize) -> Self {
        Self { samples: vec![0.0; frames].into(), index: 0 }
    }

    /// Swaps the newest sample for the one that is due.
    pub fn next(&mut self, sample: f32) -> f32 {
        let Some(slot) = self.samples.get_mut(self.index) else { return sample };
        let due = std::mem::replace(slot, sample);
        self.index += 1;
        if self.index == self.samples.len() {
            self.index = 0;
        }
        due
    }

    pub fn clear(&mut self) {
        self.samples.fill(0.0);
        self.index = 0;
    }
}

/// How far a one-pole follower moves towards its target within a frame. In f64, because at 768 kHz
/// the steps of slow followers are below what f32 resolves.
pub fn follow_step(time_ms: f32, rate_hz: u32) -> f64 {
    const MS_PER_S: f64 = 1000.0;
    -(-MS_PER_S / (f64::from(time_ms) * f64::from(rate_hz))).exp_m1()
}

/// The same for a time in frames; any part of a frame counts as one.
pub fn frames(time_ms: f32, rate_hz: u32) -> f32 {
    const MS_PER_S: f32 = 1000.0;
    (time_ms * rate_hz as f32 / MS_PER_S).ceil()
}

/// dB to a factor, where 0 dB is 1 to the last bit.
pub fn exact_amplitude(db: f32) -> f32 {
    if db == 0.0 { 1.0 } else { db_to_amplitude(db) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_as_long_as_was_asked_for_and_forgets() {
        let mut delay = Delay::new(2);
        assert_eq!([1.0, 2.0, 3.0].map(|sample| delay.next(sample)), [0.0, 0.0, 1.0]);
        delay.clear();
        assert_eq!([4.0, 5.0, 6.0].map(|sample| delay.next(sample)), [0.0, 0.0, 4.0]);
    }

    #[test]
    fn a_delay_of_nothing_lets_all_through() {
        assert_eq!(Delay::new(0).next(1.0), 1.0);
    }

    #[test]
    fn a_follower_covers_63_percent_in_its_time() {
        for rate_hz in [4000, 768_000] {
            let step = follow_step(100.0, rate_hz);
            let left = (0..rate_hz / 10).fold(1.0, |left, _| left - left * step);
            assert!((left - (-1.0_f64).exp()).abs() < 1e-9, "{rate_hz}: {left}");
        }
    }

    #[test]
    fn outputs_that_are_not_there_harm_nothing() {
        each_sample(&[], &mut [], |sample| sample);
        let mut output = [9.0; 2];
        each_sample(&[&[f32::NAN, 0.5, 0.7]], &mut [&mut output], |sample| 2.0 * sample);
        assert_eq!(output, [0.0, 1.0]);
    }
}
