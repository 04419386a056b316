//! What the tests of the built-in plug-ins share: a plug-in at work, and signals with known
//! answers. On the threads of tests.

use crate::plugins::builtin::build;
use crate::plugins::processor::{Built, Order};
use crate::units::to_f32;

/// A plug-in that has started.
pub struct Rig {
    pub built: Built,
}

impl Rig {
    pub fn new(uri: &str, rate_hz: u32) -> Self {
        let mut built = build(&Order { uri, rate_hz, state: None, preset: None }).unwrap();
        built.processor.start();
        Self { built }
    }

    /// With these parameters, by symbol.
    pub fn with(uri: &str, rate_hz: u32, settings: &[(&str, f32)]) -> Self {
        let mut rig = Self::new(uri, rate_hz);
        rig.set(settings);
        rig.built.processor.start();
        rig
    }

    pub fn set(&mut self, settings: &[(&str, f32)]) {
        for &(symbol, value) in settings {
            let mut parameters = self.built.parameters.iter();
            let index = parameters.position(|parameter| parameter.symbol == symbol).unwrap();
            assert_eq!(self.built.parameters[index].nearest(value), value, "{symbol}");
            self.built.processor.set(index, value);
        }
    }

    /// In pieces of so many frames; the outputs hold rubbish before.
    pub fn run(&mut self, samples: &[f32], piece: usize) -> Vec<f32> {
        let mut heard = vec![9.0; samples.len()];
        for (input, output) in samples.chunks(piece).zip(heard.chunks_mut(piece)) {
            self.built.processor.process(&[input], &mut [output]);
        }
        heard
    }

    pub fn latency(&self) -> usize {
        self.built.processor.latency_frames() as usize
    }
}

pub fn sine(rate_hz: u32, hz: f64, amplitude: f64, frames: usize) -> Vec<f32> {
    let turn = std::f64::consts::TAU * hz / f64::from(rate_hz);
    (0..frames).map(|frame| to_f32(amplitude * (turn * frame as f64).sin())).collect()
}

/// White, evenly distributed between plus and minus the peak; always the same.
pub fn noise(peak: f32, frames: usize) -> Vec<f32> {
    // The generator of Knuth's MMIX; its high bits are the random ones.
    let mut seed = 1_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        peak * ((seed >> 40) as f32 / (1 << 23) as f32 - 1.0)
    };
    (0..frames).map(|_| next()).collect()
}

pub fn impulse(amplitude: f32, frames: usize) -> Vec<f32> {
    let mut samples = vec![0.0; frames];
    samples[0] = amplitude;
    samples
}

pub fn rms_db(samples: &[f32]) -> f64 {
    let power: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    10.0 * (power / samples.len() as f64).log10()
}
