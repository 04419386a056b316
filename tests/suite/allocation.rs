//! What the worker runs for every frame leaves the allocator alone once it is warm: each stage by
//! itself, and all of them in the engine, the network on the CPU included.

use std::time::SystemTime;

use affectd::bench::osc::{Receivers, sample_surface, sample_update};
use affectd::config::trigger::TypedTrigger;
use affectd::engine::reading::Names;
use affectd::engine::segments::Segments;
use affectd::engine::step::Engine;
use affectd::engine::triggers::Triggers;
use affectd::features::FeatureSpec;
use affectd::features::front_end::front_end;
use affectd::features::prosody::ProsodyMeter;
use affectd::features::resample::Resampler;
use affectd::model::card::NormaliserSpec;
use affectd::model::predictor::{Predictor, Window};
use affectd::osc::surface::Moment;
use affectd::personal::normaliser::Normaliser;
use affectd::voice::activity::Activity;
use affectd::voice::floor::Floor;
use affectd::voice::gate::{Gate, GateSpec};
use affectd::wav;
use burn::tensor::Device;

use crate::counting::allocations_and_frees;
use crate::golden::{path, speech};
use crate::scripted::{Scripted, card, config};

fn check(work: impl FnOnce()) {
    assert_eq!(allocations_and_frees(work), 0);
}

#[test]
fn the_front_end_never_allocates() {
    let spec = FeatureSpec::default();
    let samples = speech();
    let mut row = vec![0.0; spec.rows()];
    let mut front_end = front_end(&spec).expect("the default front end");
    check(|| {
        for hop in samples.chunks_exact(spec.hop) {
            front_end.process(hop, &mut row);
        }
        front_end.reset();
    });
}

#[test]
fn the_resampler_allocates_until_its_queue_has_grown() {
    for (rate_hz, block) in [(16_000, 160), (44_100, 441), (48_000, 128), (48_000, 1021)] {
        let samples = speech();
        let mut resampler = Resampler::new(rate_hz).expect("a usual rate");
        let mut out = Vec::new();
        let mut pass = || {
            for block in samples.chunks(block) {
                out.clear();
                resampler.process(block, &mut out);
            }
        };
        pass();
        check(pass);
    }
}

#[test]
fn activity_floor_and_gate_never_allocate() {
    let samples = speech();
    let mut activity = Activity::default();
    let mut floor = Floor::new(100.0);
    let mut gate = Gate::new(GateSpec {
        threshold: 0.5,
        floor_db: -60.0,
        margin_db: 6.0,
        on_frames: 3,
        off_frames: 30,
    });
    check(|| {
        for samples in samples.chunks(160) {
            floor.observe(-20.0);
            gate.process(activity.process(samples), -20.0, floor.level_db());
        }
        activity.reset();
        gate.close();
    });
}

#[test]
fn prosody_never_allocates() {
    let spec = FeatureSpec::default();
    let samples = speech();
    let mut meter = ProsodyMeter::new(&spec);
    check(|| {
        for hop in samples.chunks_exact(spec.hop) {
            meter.process(hop, -20.0, true, None);
            meter.values();
        }
        meter.reset();
    });
}

#[test]
fn triggers_and_segments_never_allocate() {
    let typed = TypedTrigger { source: "arousal".into(), ..TypedTrigger::default() };
    let mut triggers = Triggers::default();
    triggers.set_all(vec![typed.check().expect("the defaults")]).expect("one");
    let (mut segments, voice) = (Segments::new(1), config().voice);
    let mut told = 0;
    check(|| {
        for index in 0..1000 {
            let mut update = sample_update(index);
            update.voice_on = index % 100 < 70;
            update.voice_known = update.voice_on;
            triggers.advance(&update, Names::default(), 0.1);
            segments.advance(&update, &voice, &mut |_| told += 1);
        }
    });
    assert!(20 <= told, "{told}");
}

#[test]
fn the_normaliser_never_allocates() {
    let spec = NormaliserSpec {
        mean: vec![0.0; 40],
        deviation: vec![1.0; 40],
        prior_frames: 500.0,
        prior_level_frames: 50.0,
        memory_frames: 6000.0,
        prior_pitch_frames: 0.0,
    };
    let mut normaliser = Normaliser::new(&spec);
    let (row, mut out) = (vec![1.0; 40], vec![0.0; 40]);
    check(|| {
        normaliser.observe(&row);
        normaliser.apply(&row, &mut out);
        normaliser.reset();
    });
}

#[test]
fn the_network_followed_never_allocates_once_it_is_built() {
    let model = shipped();
    let (rule, width) = (model.card().window_rule(), model.card().features.rows());
    let rows: Vec<f32> = (0..600 * width).map(|index| (index as f32 * 0.37).sin()).collect();
    let mut stream = model.stream().expect("it is on the CPU");
    let mut said = 0;
    check(|| {
        for end in (50..600).step_by(10) {
            let window = rule.window(0..end).expect("long enough");
            let [first, end] =
                [window.start, window.end].map(|row| usize::try_from(row).expect("small") * width);
            stream.predict(Window { rows: &rows[first..end], start: window.start });
            said += stream.embedding().len();
        }
    });
    assert!(0 < said);
}

#[test]
fn the_engine_with_the_network_allocates_until_its_queues_have_grown() {
    let voice = wav::read_file(&path("examples/demo_voice.flac")).expect("the demo voice");
    let mut model = shipped();
    let mut engine = Engine::new(voice.rate_hz, model.card(), &config()).expect("a usual rate");
    let mut answers = 0;
    let mut pass = || {
        for block in voice.samples.chunks(333) {
            engine.step(block, &mut model, &mut |update| answers += usize::from(update.inferred));
        }
    };
    pass();
    check(pass);
    assert!(0 < answers, "the voice was heard");
}

fn shipped() -> Predictor {
    Predictor::load(&path("models/affectd-3"), &Device::flex()).expect("the shipped model")
}

#[test]
fn the_engine_allocates_until_its_queues_have_grown() {
    let voice = wav::read_file(&path("examples/demo_voice.flac")).expect("the demo voice");
    let mut engine = Engine::new(voice.rate_hz, &card(), &config()).expect("a usual rate");
    let mut model = Scripted::default();
    let mut updates = 0;
    let mut pass = |model: &mut Scripted| {
        for block in voice.samples.chunks(333) {
            engine.step(block, model, &mut |_| updates += 1);
        }
    };
    pass(&mut model);
    let asked = model.asked;
    check(|| pass(&mut model));
    assert!(asked < model.asked, "the voice was heard");
    assert_eq!(updates, 2 * voice.frames() / 1600); // hops of 0.1 s
}

#[test]
fn a_hop_is_encoded_and_sent_without_allocating_however_many_receive_it() {
    for (count, receivers) in [(1, Receivers::Alike), (32, Receivers::Alike), (7, Receivers::Mixed)]
    {
        let mut stage = sample_surface(count, receivers).expect("loopback has free ports");
        let mut hop = |sequence| {
            let update = sample_update(sequence);
            stage.surface.update(&update, SystemTime::now(), Moment::now());
        };
        (0..20).for_each(&mut hop);
        check(|| (20..60).for_each(&mut hop));
    }
}
