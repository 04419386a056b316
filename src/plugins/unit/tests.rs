//! A unit with plug-ins of known answers. On the threads of tests.

use super::*;
use crate::plugins::unit::mend::MEND_FRAMES;
use crate::plugins::unit::testing::{Halves, RATE_HZ, Shows, Works, each, sine, steepest, unit};

/// The steepest that the sine is, and what a fade of [`MEND_FRAMES`] over 1 adds.
const STEP_MAX: f32 = 0.5 * std::f32::consts::TAU / 100.0 + 1.0 / MEND_FRAMES as f32;

const BLOCKS: [usize; 5] = [1, 7, 64, 480, FRAMES_MAX];

fn run(unit: &mut Unit, samples: &[f32], block: usize) -> Vec<f32> {
    let piece = |piece: &[f32]| {
        unit.render(&[piece], piece.len());
        unit.out()[0][..piece.len()].to_vec()
    };
    samples.chunks(block).flat_map(piece).collect()
}

/// Each output is the input of its number, times its number and one.
fn check_channels(ports: [usize; 2], dry: &[f32], expected: &[f32]) {
    let make = || -> Box<dyn Processor> {
        Box::new(Works(|inputs: &[&[f32]], outputs: &mut [&mut [f32]]| {
            for (index, output) in outputs.iter_mut().enumerate() {
                let input = inputs[index % inputs.len()].iter();
                let factor = (index + 1) as f32;
                output.iter_mut().zip(input).for_each(|(output, input)| *output = factor * input);
            }
        }))
    };
    let mut unit = unit(dry.len(), ports, make);
    let planes: Vec<[f32; 3]> = dry.iter().map(|&sample| [sample; 3]).collect();
    let planes: Vec<&[f32]> = planes.iter().map(<[f32; 3]>::as_slice).collect();
    unit.render(&planes, 3);
    let heard: Vec<f32> = unit.out().iter().map(|plane| plane[2]).collect();
    assert_eq!(heard, expected, "{ports:?}");
}

#[test]
fn there_are_as_many_copies_as_the_channels_need() {
    check_channels([1, 1], &[1.0, 2.0], &[1.0, 2.0]);
    check_channels([2, 2], &[1.0, 2.0, 3.0, 4.0], &[1.0, 4.0, 3.0, 8.0]);
}

#[test]
fn where_the_channels_do_not_come_out_even_they_are_averaged() {
    check_channels([2, 2], &[1.0], &[1.5]); // (1 · 1 + 2 · 1) / 2
    check_channels([1, 3], &[1.0], &[2.0]);
    check_channels([2, 2], &[1.0, 2.0, 3.0], &[2.0, 4.0, 2.0]); // (1 + 3) / 2, 2
    check_channels([1, 2], &[1.0, 3.0], &[2.0, 4.0]);
    check_channels([2, 1], &[1.0, 3.0], &[1.0, 1.0]);
}

#[test]
fn a_process_takes_all_channels_that_there_can_be() {
    let numbers: Vec<f32> = (1..=16_u8).map(f32::from).collect();
    check_channels([16, 16], &[0.5; 16], &numbers.iter().map(|one| 0.5 * one).collect::<Vec<_>>());
    check_channels([8, 16], &[0.5; 16], &numbers.iter().map(|one| 0.5 * one).collect::<Vec<_>>());
}

#[test]
fn a_parameter_glides_in_steps_and_ends_on_its_target_whatever_the_blocks() {
    for block in BLOCKS {
        let mut unit = unit(1, [1, 1], || Box::new(Shows(0.0)));
        unit.set(0, 1.0, 160);
        let heard = run(&mut unit, &[0.0; 200], block);
        for (frame, value) in heard.iter().enumerate() {
            let expected = ((frame / 16 + 1) as f32 / 10.0).min(1.0);
            assert!((value - expected).abs() < 1e-6, "{block}: {frame} is {value}");
        }
        assert_eq!(heard[144..], [1.0; 56]);
    }
}

#[test]
fn a_glide_goes_on_from_where_it_is() {
    let mut unit = unit(1, [1, 1], || Box::new(Shows(0.0)));
    unit.set(0, 1.0, 160);
    run(&mut unit, &[0.0; 80], 7); // half way
    unit.set(0, 0.0, 80);
    let heard = run(&mut unit, &[0.0; 80], 7);
    assert!((heard[0] - 0.4).abs() < 1e-6 && heard[64..] == [0.0; 16], "{heard:?}");
}

#[test]
fn a_value_out_of_range_goes_to_its_end() {
    let mut unit = unit(1, [1, 1], || Box::new(Shows(0.0)));
    for (value, expected) in [(-60.0, 0.0), (11.0, 10.0), (f32::NAN, 0.0)] {
        unit.set(0, value, 0);
        assert_eq!(run(&mut unit, &[0.0; 2], 2), [expected; 2]);
    }
    unit.set(7, 1.0, 0); // is not there
}

#[test]
fn all_values_at_once_are_there_with_the_next_sample() {
    let mut unit = unit(1, [1, 1], || Box::new(Shows(0.0)));
    unit.set_all(&[3.0, 4.0]);
    assert_eq!(run(&mut unit, &[0.0; 2], 2), [3.0; 2]);
}

/// Half as loud for so many frames, and then this.
fn check_muted(bad: f32) {
    for block in BLOCKS {
        let mut unit = unit(1, [1, 1], move || {
            let mut frames = 0;
            each(move |sample| {
                frames += 1;
                if frames <= 960 { 0.5 * sample } else { bad }
            })
        });
        let (dry, status) = (sine(20_000), Arc::clone(unit.status()));
        let heard = run(&mut unit, &dry[..960], block.min(960));
        assert!(!status.is_muted.load(Ordering::Relaxed));
        let rest = run(&mut unit, &dry[960..], block);
        assert!(status.is_muted.load(Ordering::Relaxed));
        assert!(steepest(&[heard, rest.clone()].concat()) < STEP_MAX, "{block}");
        assert!(rest[MEND_FRAMES..] == dry[960 + MEND_FRAMES..], "{block}");
    }
}

#[test]
fn what_is_no_sound_mutes_the_plug_in_and_the_sound_before_it_goes_on_without_a_click() {
    check_muted(f32::NAN);
    check_muted(f32::NEG_INFINITY);
    check_muted(1.01 * RUNAWAY);
}

/// The plug-in has output in the blocks where it says so.
fn heard_with(has_output: &[bool], block: usize) -> (Vec<f32>, Vec<f32>) {
    let switch = Arc::new(AtomicBool::new(true));
    let mut unit = unit(1, [1, 1], || Box::new(Halves(Arc::clone(&switch))));
    let dry = sine(has_output.len() * block);
    let mut heard = Vec::new();
    for (piece, &on) in dry.chunks(block).zip(has_output) {
        switch.store(on, Ordering::Relaxed);
        heard.extend(run(&mut unit, piece, block));
    }
    (dry, heard)
}

#[test]
fn without_output_the_sound_before_it_is_heard_from_the_start() {
    let (dry, heard) = heard_with(&[false; 4], 100);
    assert!(heard == dry);
}

#[test]
fn a_plug_in_without_output_goes_and_comes_without_a_click() {
    for block in [1, 64, 100, 480] {
        let blocks = |frames: usize| frames.div_ceil(block);
        // Gone for long, for a moment, and again while it comes back.
        let mut on = vec![true; blocks(480)];
        for (away, there) in [(960, 960), (1, 960), (1, 300), (1, 960)] {
            on.extend(vec![false; blocks(away)]);
            on.extend(vec![true; blocks(there)]);
        }
        let (dry, heard) = heard_with(&on, block);
        assert!(steepest(&heard) < STEP_MAX, "{block}: {}", steepest(&heard));
        let wet = |at: usize| (heard[at] - 0.5 * dry[at]).abs() < 1e-6;
        assert!((0..480).all(wet) && (heard.len() - 100..heard.len()).all(wet), "{block}");
        let away = blocks(480) * block + MEND_FRAMES;
        assert!(heard[away..away + 600] == dry[away..away + 600], "{block}");
    }
}

#[test]
fn nothing_to_do_harms_nothing() {
    let mut none = unit(0, [1, 1], || each(|sample| sample));
    none.render(&[], 64);
    let mut one = unit(1, [1, 1], || each(|sample| sample));
    one.render(&[&[]], 0);
    one.render(&[&[0.0; 64]], 64);
    assert!(one.status().load().is_finite() && f64::from(RATE_HZ) > 0.0);
}

#[test]
fn it_is_started_before_its_first_sound_and_stopped_once() {
    #[derive(Default)]
    struct Told(Arc<AtomicU32>);
    impl Processor for Told {
        fn start(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        fn process(&mut self, _: &[&[f32]], outputs: &mut [&mut [f32]]) {
            outputs[0].fill(self.0.load(Ordering::Relaxed) as f32);
        }
        fn set(&mut self, _: usize, _: f32) {}
        fn stop(&mut self) {
            self.0.fetch_add(10, Ordering::Relaxed);
        }
    }
    let mut unit = unit(1, [1, 1], || Box::new(Told::default()));
    unit.stop(); // was never started
    assert_eq!(run(&mut unit, &[0.0; 3], 1), [1.0; 3]);
    unit.stop();
    unit.stop();
    assert_eq!(run(&mut unit, &[0.0; 3], 1), [12.0; 3]);
}
