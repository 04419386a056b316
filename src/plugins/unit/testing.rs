//! Plug-ins with known answers for the tests of units and chains, and a signal. On the threads of
//! tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::plugins::instance::new_serial;
use crate::plugins::processor::{Parameter, Processor, Scale};
use crate::plugins::unit::{Parts, Unit, copies};
use crate::units::to_f32;

pub const RATE_HZ: u32 = 48_000;

/// Does this to each piece.
pub struct Works<F>(pub F);

impl<F: FnMut(&[&[f32]], &mut [&mut [f32]]) + Send> Processor for Works<F> {
    fn process(&mut self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        (self.0)(inputs, outputs);
    }

    fn set(&mut self, _: usize, _: f32) {}
}

/// One input and one output: does this to each sample.
pub fn each(mut work: impl FnMut(f32) -> f32 + Send + 'static) -> Box<dyn Processor> {
    Box::new(Works(move |inputs: &[&[f32]], outputs: &mut [&mut [f32]]| {
        for (output, input) in outputs[0].iter_mut().zip(inputs[0]) {
            *output = work(*input);
        }
    }))
}

/// Gives the value of its parameter, which is 0 at first.
pub struct Shows(pub f32);

impl Processor for Shows {
    fn process(&mut self, _: &[&[f32]], outputs: &mut [&mut [f32]]) {
        outputs[0].fill(self.0);
    }

    fn set(&mut self, _: usize, value: f32) {
        self.0 = value;
    }
}

/// Half as loud while it has output.
pub struct Halves(pub Arc<AtomicBool>);

impl Processor for Halves {
    fn process(&mut self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        for (output, input) in outputs[0].iter_mut().zip(inputs[0]) {
            *output = 0.5 * input;
        }
    }

    fn set(&mut self, _: usize, _: f32) {}

    fn has_output(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// With one parameter from 0 to 10.
pub fn unit(
    channels: usize,
    [inputs, outputs]: [usize; 2],
    make: impl Fn() -> Box<dyn Processor>,
) -> Unit {
    let processors = (0..copies(channels, inputs, outputs)).map(|_| make()).collect();
    let parameter = Parameter {
        symbol: "knob".to_owned(),
        name: String::new(),
        unit: String::new(),
        min: 0.0,
        max: 10.0,
        default: 0.0,
        scale: Scale::Linear,
        labels: Vec::new(),
    };
    Unit::new(Parts {
        serial: new_serial(),
        channels,
        rate_hz: RATE_HZ,
        inputs,
        outputs,
        parameters: &[parameter],
        values: &[0.0],
        processors,
    })
}

/// For one channel.
pub fn boxed(work: Box<dyn Processor>) -> Box<Unit> {
    let work = std::cell::Cell::new(Some(work));
    Box::new(unit(1, [1, 1], || work.take().expect("one channel has one copy")))
}

pub fn times(factor: f32) -> Box<dyn Processor> {
    each(move |sample| factor * sample)
}

pub fn plus(number: f32) -> Box<dyn Processor> {
    each(move |sample| sample + number)
}

/// Puts its number behind the point of what comes, in base 16: a 24 bit mantissa holds six.
pub fn digit(slot: u32) -> Box<dyn Processor> {
    let digit = slot as f32;
    each(move |sample| (sample + digit) / 16.0)
}

/// A hundred frames a turn, half of full scale.
pub fn sine(frames: usize) -> Vec<f32> {
    let turn = std::f64::consts::TAU / 100.0;
    (0..frames).map(|frame| to_f32(0.5 * (turn * frame as f64).sin())).collect()
}

/// The largest step from one sample to the next.
pub fn steepest(samples: &[f32]) -> f32 {
    samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}
