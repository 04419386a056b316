//! The same samples give the same updates, bit for bit on the CPU, however the device cuts its
//! blocks and whatever its rate: from the callback through the ring to the network.

use std::path::Path;

use affectd::audio::Callback;
use affectd::audio::file::demo_voice;
use affectd::config::checked::Config;
use affectd::engine::step::Engine;
use affectd::messages::Update;
use affectd::model::backend::{self, Choice, Loaded};
use affectd::ring::{Block, Chunk, ring};
use proptest::prelude::*;

use crate::harness::project;
use crate::scripted::config;

/// Two channels of it, so that windows are asked about in batches; 3 s with an onset and speech.
fn voice() -> Vec<f32> {
    let voice = demo_voice().expect("it is built in").samples;
    let (first, second) = (&voice[63 * 1600..93 * 1600], &voice[65 * 1600..95 * 1600]);
    first.iter().zip(second).flat_map(|(&first, &second)| [first, second]).collect()
}

fn stereo() -> Config {
    let mut config = config();
    config.input.channels = 2;
    config
}

fn load() -> Loaded {
    let folder = project().join(Path::new("models/affectd-3"));
    backend::load(&folder, Choice::Cpu).expect("the model is shipped")
}

/// All of it at once, as `analyze` does.
fn offline(rate_hz: u32, samples: &[f32], model: &mut Loaded) -> Vec<Update> {
    let card = model.predictor.card().clone();
    let mut engine = Engine::new(rate_hz, &card, &stereo()).expect("a usual rate");
    let mut updates = Vec::new();
    engine.step(samples, &mut model.predictor, &mut |update| updates.push(*update));
    updates
}

/// In blocks of these lengths, again and again, through the audio thread's code and the ring; the
/// worker looks after each `looks`-th block.
fn live(rate_hz: u32, samples: &[f32], blocks: &[usize], looks: usize) -> Vec<Update> {
    let mut model = load();
    let card = model.predictor.card().clone();
    let mut engine = Engine::new(rate_hz, &card, &stereo()).expect("a usual rate");
    let (writer, mut reader) = ring(2, rate_hz, 4.0);
    let mut callback = Callback::new(writer);
    let (mut updates, mut rest) = (Vec::new(), samples);
    for (number, &frames) in (1..).zip(blocks.iter().cycle()) {
        let (block, after) = rest.split_at(rest.len().min(2 * frames));
        callback.process(Block::Interleaved { samples: block, channels: 2 });
        rest = after;
        if number % looks != 0 && !rest.is_empty() {
            continue;
        }
        while let Some(chunk) = reader.read() {
            match chunk {
                Chunk::Frames(frames) => {
                    let emit = &mut |update: &Update| updates.push(*update);
                    engine.step(frames, &mut model.predictor, emit);
                }
                Chunk::Gap(frames) => panic!("{frames} frames are missing"),
            }
        }
        if rest.is_empty() {
            return updates;
        }
    }
    updates
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 12,
        ..Default::default()
    })]

    #[test]
    fn any_cut_of_the_same_sound_gives_the_same_bits(
        rate_hz in prop::sample::select(vec![16_000_u32, 44_100, 48_000, 96_000]),
        blocks in prop::collection::vec(1_usize..4000, 1..20),
        looks in 1_usize..8,
    ) {
        let samples = voice();
        let expected = offline(rate_hz, &samples, &mut load());
        prop_assert!(rate_hz != 16_000 || expected.iter().any(|update| update.inferred));
        prop_assert_eq!(live(rate_hz, &samples, &blocks, looks), expected);
    }
}
