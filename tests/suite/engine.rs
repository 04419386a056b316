//! The engine with a scripted model: when the model is asked, and what becomes of lost sound.

use affectd::audio::file::demo_voice;
use affectd::engine::step::Engine;
use affectd::messages::Update;
use affectd::model::predictor::{Batch, Predict, Prediction};

use crate::scripted::{Scripted, card, config};

const RATE_HZ: usize = 16_000;
const HOP: usize = RATE_HZ / 10;

struct Run {
    engine: Engine,
    model: Scripted,
    updates: Vec<Update>,
}

impl Run {
    fn new() -> Self {
        let engine = Engine::new(16_000, &card(), &config()).expect("a usual rate");
        Self { engine, model: Scripted::default(), updates: Vec::new() }
    }

    fn hear(&mut self, samples: &[f32]) {
        self.engine.step(samples, &mut self.model, &mut |update| self.updates.push(*update));
    }

    fn sequences(&self) -> Vec<u32> {
        self.updates.iter().map(|update| update.sequence).collect()
    }
}

/// The demo voice from its third clip on, which is loud.
fn speech() -> Vec<f32> {
    demo_voice().expect("it is built in").samples[65 * HOP..].to_vec()
}

/// Answers batches, and keeps how large they were.
#[derive(Default)]
struct Batches {
    model: Scripted,
    sizes: Vec<usize>,
}

impl Predict for Batches {
    fn predict(&mut self, features: &[f32], frames: usize) -> Prediction {
        self.model.predict(features, frames)
    }

    fn predict_batch(&mut self, batch: Batch, answers: &mut Vec<Prediction>) {
        self.sizes.push(batch.count);
        answers.extend(batch.each().map(|window| self.predict(window, batch.frames)));
    }
}

/// Doubts that it is a voice by so much, and by so much at each fifth window.
struct Doubting([f32; 2], Scripted);

impl Predict for Doubting {
    fn predict(&mut self, features: &[f32], frames: usize) -> Prediction {
        let prediction = self.1.predict(features, frames);
        let is_fifth = self.1.asked.is_multiple_of(5);
        Prediction { outlier: self.0[usize::from(is_fifth)], ..prediction }
    }
}

/// Hops of a voice that begin to be known, and those that no longer are.
fn known_and_lost(doubts: [f32; 2]) -> [usize; 2] {
    let mut run = Run::new();
    let mut known = vec![false];
    let mut model = Doubting(doubts, Scripted::default());
    run.engine.step(&speech()[..100 * HOP], &mut model, &mut |update| {
        known.extend(update.inferred.then_some(update.classes.as_slice()[2] <= 0.5));
    });
    assert!(30 < known.len(), "asked {} times", known.len());
    let turns = |to: bool| known.windows(2).filter(|pair| pair[0] != to && pair[1] == to).count();
    [turns(true), turns(false)]
}

#[test]
fn one_window_that_passes_begins_nothing_and_one_that_does_not_ends_nothing() {
    assert_eq!(known_and_lost([0.95, 0.05]), [0, 0]);
    assert_eq!(known_and_lost([0.05, 0.95]), [1, 0]);
}

#[test]
fn channels_that_speak_at_once_are_asked_about_at_once_and_each_as_if_alone() {
    let mut config = config();
    config.input.channels = 3;
    let mut engine = Engine::new(16_000, &card(), &config).expect("a usual rate");
    let voice = speech();
    // The third channel is silent.
    let frames: Vec<f32> = voice.iter().flat_map(|&sample| [sample, sample, 0.0]).collect();
    let (mut model, mut updates) = (Batches::default(), Vec::new());
    for block in frames.chunks(3 * 777) {
        engine.step(block, &mut model, &mut |update| updates.push(*update));
    }
    assert!(!model.sizes.is_empty() && model.sizes.iter().all(|&size| size == 2));
    let mut alone = Run::new();
    alone.hear(&voice);
    for channel in [1, 2] {
        let of = updates.iter().filter(|update| update.channel == channel);
        let of: Vec<_> = of.map(|update| Update { channel: 1, ..*update }).collect();
        assert_eq!(of, alone.updates, "channel {channel}");
    }
    assert!(updates.iter().filter(|update| update.channel == 3).all(|update| !update.voice_on));
}

#[test]
fn the_network_answers_a_batch_as_it_answers_one_by_one() {
    let folder = crate::harness::project().join("models/affectd-3");
    let device = burn::tensor::Device::flex();
    let model = affectd::model::predictor::Predictor::load(&folder, &device).expect("shipped");
    let frames = 150;
    let values = 3 * frames * model.card().features.rows();
    let windows: Vec<f32> =
        (0..values).map(|index| ((index * 7919 % 1000) as f32 / 500.0) - 1.0).collect();
    let mut together = Vec::new();
    let batch = Batch { windows: &windows, count: 3, frames };
    model.answer_batch(batch, &mut together);
    assert_eq!(together.len(), 3);
    for (window, batched) in batch.each().zip(&together) {
        let alone = model.answer(window, frames);
        let pairs = alone.probabilities.iter().zip(&batched.probabilities);
        let pairs = pairs.chain(alone.dimensions.iter().zip(&batched.dimensions));
        for (one, other) in pairs {
            assert!((one - other).abs() < 1e-5, "{alone:?} {batched:?}");
        }
    }
}

#[test]
fn silence_is_never_put_to_the_model() {
    let mut run = Run::new();
    run.hear(&vec![0.0; 50 * HOP]);
    assert_eq!((run.model.asked, run.updates.len()), (0, 50));
    assert!(run.updates.iter().all(|update| !update.voice_on && !update.fresh));
}

/// earshot takes the first three seconds of white noise for a voice (seen here, 2026-11).
#[test]
fn steady_noise_is_no_voice_once_the_detector_has_settled() {
    const SETTLED: usize = 50;
    // Marsaglia's xorshift: white, at -31 dBFS.
    let mut state = 2_463_534_242_u32;
    let noise: Vec<f32> = (0..300 * HOP)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            affectd::units::to_f32(0.1 * f64::from(state) / f64::from(u32::MAX) - 0.05)
        })
        .collect();
    let mut run = Run::new();
    run.hear(&noise);
    assert!(run.updates[SETTLED..].iter().all(|update| !update.voice_on && !update.inferred));
}

#[test]
fn speech_is_put_to_the_model_within_half_a_second_of_its_onset() {
    let mut run = Run::new();
    run.hear(&vec![0.0; 10 * HOP]);
    run.hear(&speech()[..20 * HOP]);
    let onset = run.updates.iter().position(|update| update.voice_on).expect("a voice");
    let answer = run.updates.iter().position(|update| update.inferred).expect("an answer");
    assert!(onset <= answer && answer <= onset + 5, "voice in hop {onset}, answer in {answer}");
}

#[test]
fn a_short_gap_keeps_the_time_and_the_voice_and_is_counted() {
    let mut run = Run::new();
    let speech = speech();
    run.hear(&speech[..15 * HOP]);
    run.engine.skip(HOP as u64, &mut run.model);
    run.hear(&speech[16 * HOP..20 * HOP]);
    let expected: Vec<u32> = (1..=15).chain(17..=20).collect();
    assert_eq!(run.sequences(), expected);
    assert_eq!(run.engine.lost_hops(), 1);
    assert!(run.updates[15].voice_on, "100 ms are no reason to close the gate");
    assert_eq!(run.updates.last().map(|update| update.end_frame), Some(20 * HOP as u64));
}

#[test]
fn an_hour_of_lost_sound_is_jumped_over() {
    let mut run = Run::new();
    run.hear(&vec![0.0; 5 * HOP]);
    run.engine.skip(36_000 * HOP as u64, &mut run.model);
    run.hear(&vec![0.0; HOP]);
    assert_eq!(run.sequences(), [1, 2, 3, 4, 5, 36_006]);
    assert_eq!(run.engine.lost_hops(), 36_000);
    assert_eq!(run.updates.last().map(|update| update.end_frame), Some(36_006 * HOP as u64));
}

#[test]
fn a_source_opened_again_goes_on_in_the_sequence_at_its_own_rate() {
    let mut run = Run::new();
    run.hear(&vec![0.0; 5 * HOP]);
    run.engine.reopen(48_000).expect("a usual rate");
    run.hear(&vec![0.0; 3 * 2 * HOP + 3 * HOP]);
    assert_eq!(run.sequences()[..7], [1, 2, 3, 4, 5, 6, 7]);
    assert!(run.updates[5].end_frame <= 4800, "frames count from the opening");
}
