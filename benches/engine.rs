//! What one hop of 100 ms costs, all stages from 48 kHz samples to the update, while somebody
//! speaks. With a scripted model it is the price of everything but the network.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use affectd::engine::step::Engine;
use affectd::model::card::Card;
use affectd::model::predictor::{Predict, Predictor};
use affectd::wav;
use burn::tensor::Device;
use criterion::{Criterion, criterion_group, criterion_main};

use scripted::Scripted;

#[path = "../tests/suite/scripted.rs"]
mod scripted;

const RATE_HZ: u32 = 48_000;
const HOP_FRAMES: usize = 4800;

/// A sentence of the demo voice without a pause that would close the gate, in frames at 16 kHz;
/// see examples/demo_voice.csv.
const SENTENCE: std::ops::Range<usize> = 105_600..148_800;

fn hop(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engine, one hop of 100 ms");
    let mut scripted = Scripted::default();
    let mut stream = Stream::new(&scripted::card());
    group.bench_function("scripted model", |bencher| {
        bencher.iter(|| stream.step(&mut scripted));
    });
    assert!(0 < scripted.asked, "the sentence is speech");
    if let Some(mut predictor) = shipped() {
        let mut stream = Stream::new(predictor.card());
        group.bench_function("shipped model, CPU", |bencher| {
            bencher.iter(|| stream.step(&mut predictor));
        });
    }
    group.finish();
}

/// None where no model was trained yet.
fn shipped() -> Option<Predictor> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/affectd-3");
    folder.is_dir().then(|| Predictor::load(&folder, &Device::flex()).expect("a whole model"))
}

/// The sentence over and over, through an engine.
struct Stream {
    engine: Engine,
    samples: Vec<f32>,
    next_hop: usize,
}

impl Stream {
    /// Has heard the sentence twice, so that the window is full and all queues have grown.
    fn new(card: &Card) -> Self {
        let voice = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/demo_voice.flac");
        let voice = wav::read_file(&voice).expect("the demo voice").samples;
        // Each sample held for three: the mirror images above 8 kHz fall to the resampler.
        let samples: Vec<f32> = voice[SENTENCE].iter().flat_map(|&sample| [sample; 3]).collect();
        let engine = Engine::new(RATE_HZ, card, &scripted::config()).expect("a usual rate");
        let mut stream = Self { engine, samples, next_hop: 0 };
        for _ in 0..2 * stream.samples.len() / HOP_FRAMES {
            stream.step(&mut Scripted::default());
        }
        stream
    }

    fn step(&mut self, model: &mut dyn Predict) {
        let start = self.next_hop * HOP_FRAMES;
        let hop = &self.samples[start..start + HOP_FRAMES];
        self.engine.step(black_box(hop), model, &mut |update| {
            black_box(update);
        });
        self.next_hop = (self.next_hop + 1) % (self.samples.len() / HOP_FRAMES);
    }
}

criterion_group! {
    name = engine;
    config = Criterion::default().measurement_time(Duration::from_secs(2));
    targets = hop
}
criterion_main!(engine);
