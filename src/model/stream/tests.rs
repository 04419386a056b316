//! The stream against burn's forward pass over the same windows: the shipped weights and random
//! networks, windows that grow, slide and jump.

use std::path::Path;
use std::sync::Arc;

use burn::module::RunningState;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::model::network::{Network, NetworkSpec};
use crate::model::predictor::{Predict, Predictor, Window};
use crate::model::stream::Stream;
use crate::model::stream::layers::Layers;
use crate::model::stream::vector::Processor;
use crate::model::window::WindowRule;

/// Largest difference of a probability, a dimension or, of the embedding, relative to its largest.
const ERROR_MAX: f32 = 1e-4;

/// A normal-like number: the sum of uniform ones has the variance that three of them add up to.
fn noise(rng: &mut StdRng) -> f32 {
    (0..3).map(|_| rng.random_range(-1.0f32..1.0)).sum()
}

/// Weights are drawn by burn; what it begins with 0 and 1 is drawn here, so that a normalisation
/// that is folded wrongly shows.
fn random_network(spec: &NetworkSpec, coefficients: usize, labels: usize, seed: u64) -> Network {
    struct Shake(StdRng);
    impl ModuleMapper for Shake {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| {
                let shape = tensor.dims();
                let count = shape.iter().product();
                let values: Vec<f32> = (0..count).map(|_| 0.1 * noise(&mut self.0)).collect();
                let added =
                    Tensor::<D>::from_data(TensorData::new(values, shape), &tensor.device());
                tensor + added
            })
        }
    }
    let device = Device::flex();
    let mut shake = Shake(StdRng::seed_from_u64(seed));
    let mut network = spec.init(coefficients, labels, &device).map(&mut shake);
    for stage in &mut network.stages {
        let width = stage.norm.gamma.val().dims()[0];
        let mut draw = |low: f32, high: f32| {
            let values: Vec<f32> = (0..width).map(|_| shake.0.random_range(low..high)).collect();
            Tensor::<1>::from_data(TensorData::new(values, [width]), &device)
        };
        stage.norm.running_mean = RunningState::new(draw(-0.5, 0.5));
        stage.norm.running_var = RunningState::new(draw(0.2, 2.0));
    }
    network.valid()
}

/// What is compared: probabilities, dimensions, embedding.
fn said_by_burn(network: &Network, temperature: f32, rows: &[f32], width: usize) -> [Vec<f32>; 3] {
    let shape = [1, rows.len() / width, width];
    let rows = Tensor::<3>::from_data(TensorData::new(rows.to_vec(), shape), &Device::flex());
    let output = network.forward(rows.swap_dims(1, 2));
    let probabilities = softmax(output.logits.div_scalar(temperature), 1);
    [probabilities, output.dimensions, output.embedding]
        .map(|tensor| tensor.into_data().iter::<f32>().collect())
}

struct Pair {
    network: Network,
    stream: Stream,
    temperature: f32,
    rows: Vec<f32>,
    width: usize,
    labels: usize,
}

impl Pair {
    fn new(network: Network, spec: (usize, usize), frames_max: usize, temperature: f32) -> Self {
        let (width, labels) = spec;
        let layers = Arc::new(Layers::new(&network, Processor::detect()));
        let stream = Stream::new(layers, frames_max, temperature);
        let mut rng = StdRng::seed_from_u64(1);
        let rows = (0..1000 * width).map(|_| noise(&mut rng)).collect();
        Self { network, stream, temperature, rows, width, labels }
    }

    /// Largest difference about one window.
    fn difference(&mut self, window: std::ops::Range<usize>) -> f32 {
        let rows = &self.rows[window.start * self.width..window.end * self.width];
        let expected = said_by_burn(&self.network, self.temperature, rows, self.width);
        let prediction = self.stream.predict(Window { rows, start: window.start as u64 });
        let largest = expected[2].iter().fold(1.0, |most: f32, value| most.max(value.abs()));
        let scaled = |values: &[f32]| values.iter().map(|value| value / largest).collect();
        let embedding: [Vec<f32>; 2] = [scaled(&expected[2]), scaled(self.stream.embedding())];
        assert_eq!(embedding[0].len(), embedding[1].len());
        let pairs = prediction.probabilities[..self.labels].iter().zip(&expected[0]);
        let pairs = pairs.chain(prediction.dimensions.iter().zip(&expected[1]));
        let pairs = pairs.chain(embedding[1].iter().zip(&embedding[0]));
        pairs.map(|(one, other)| (one - other).abs()).fold(0.0, |most, difference| {
            if difference.is_nan() { f32::INFINITY } else { f32::max(most, difference) }
        })
    }

    fn check(&mut self, windows: impl IntoIterator<Item = std::ops::Range<usize>>) {
        for window in windows {
            let difference = self.difference(window.clone());
            assert!(difference <= ERROR_MAX, "{window:?}: {difference}");
        }
    }
}

/// Windows of speech that begins at frame 40 and is asked about every `hop` frames.
fn live(rule: WindowRule, hop: usize, hops: usize) -> Vec<std::ops::Range<usize>> {
    let windows = (1..=hops).filter_map(|count| rule.window(40..(40 + count * hop) as u64));
    let index = |row: u64| usize::try_from(row).expect("a small number");
    windows.map(|window| index(window.start)..index(window.end)).collect()
}

fn shipped() -> Pair {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/affectd-3");
    let predictor = Predictor::load(&folder, &Device::flex()).expect("the shipped model");
    let card = predictor.card();
    let shape = (card.features.rows(), card.labels.len());
    let (rows_max, temperature) = (card.window_rule().rows_max(), card.temperature);
    Pair::new(predictor.network.clone(), shape, rows_max, temperature)
}

#[test]
fn the_shipped_model_followed_says_what_it_says_of_whole_windows() {
    let rule = WindowRule { shortest: 50, longest: 300, step: 8 };
    for hop in [10, 2, 7] {
        let mut pair = shipped();
        pair.check(live(rule, hop, 420 / hop).into_iter().step_by(if hop == 2 { 9 } else { 1 }));
    }
}

#[test]
fn other_vector_instructions_say_the_same() {
    let mut pair = shipped();
    for processor in Processor::all() {
        let layers = Arc::new(Layers::new(&pair.network, processor));
        pair.stream = Stream::new(layers, 304, pair.temperature);
        pair.check([0..100, 0..110, 12..122, 100..400]);
    }
}

#[test]
fn every_length_and_every_jump_is_right() {
    let mut pair = shipped();
    pair.check([0..300, 0..300, 0..120, 100..251, 108..251, 103..252, 500..508, 500..509]);
    pair.check([800..1000, 780..1000, 992..1000, 700..1000, 708..1000, 708..1000, 716..716 + 9]);
    let mut rng = StdRng::seed_from_u64(3);
    for _ in 0..60 {
        let start = rng.random_range(0..690);
        pair.check(std::iter::once(start..start + rng.random_range(8..=300)));
    }
}

#[test]
fn networks_of_any_shape_are_followed_right() {
    for seed in 0..12 {
        let mut rng = StdRng::seed_from_u64(seed);
        let stages = rng.random_range(2..=4);
        let spec = NetworkSpec {
            // Often as wide as the one before, so that residual layers are among them.
            channels: (0..stages).map(|_| rng.random_range(1..4) * 15).collect(),
            pooled: rng.random_range(1..=stages.min(3)),
            kernel: 1 + 2 * rng.random_range(0..4),
            lstm: rng.random_range(3..40),
            attention: rng.random_range(1..20),
            embedding: rng.random_range(2..40),
            dropout: 0.3,
            residual: rng.random_bool(0.5),
            skip: rng.random_bool(0.5),
        };
        let shape = (rng.random_range(5..50), rng.random_range(2..=15));
        let network = random_network(&spec, shape.0, shape.1, seed);
        let step = spec.step_frames();
        let rule = WindowRule { shortest: 20, longest: 90, step };
        let mut pair = Pair::new(network, shape, rule.rows_max(), 0.9);
        let hop = rng.random_range(1..=10);
        for window in live(rule, hop, 200 / hop) {
            let difference = pair.difference(window.clone());
            assert!(difference <= ERROR_MAX, "{spec:?}, hop {hop}, {window:?}: {difference}");
        }
    }
}

#[test]
fn a_row_that_is_no_number_spoils_the_windows_that_hold_it_and_no_others() {
    let mut pair = shipped();
    pair.rows[pair.width * 200] = f32::NAN;
    for (window, is_spoilt) in
        [(0..200, false), (0..210, true), (100..400, true), (200..500, true), (204..504, false)]
    {
        let rows = &pair.rows[window.start * pair.width..window.end * pair.width];
        let prediction = pair.stream.predict(Window { rows, start: window.start as u64 });
        let values = prediction.probabilities[..pair.labels].iter().chain(&prediction.dimensions);
        let is_right = |value: &f32| value.is_nan() == is_spoilt && value.is_finite() != is_spoilt;
        assert!(values.into_iter().all(is_right), "{window:?}: {prediction:?}");
    }
    pair.check([204..504, 208..508]);
}

#[test]
fn a_model_on_the_cpu_is_followed_and_says_of_a_voice_what_it_says_of_whole_windows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/affectd-3");
    let mut predictor = Predictor::load(&folder, &Device::flex()).expect("the shipped model");
    let mut stream = Predict::open(&predictor).expect("it is on the CPU");
    let width = predictor.card().features.rows();
    let mut rng = StdRng::seed_from_u64(4);
    let rows: Vec<f32> = (0..600 * width).map(|_| noise(&mut rng)).collect();
    let rule = predictor.card().window_rule();
    let mut outliers = Vec::new();
    for window in live(rule, 10, 50) {
        let rows = &rows[window.start * width..window.end * width];
        let followed = stream.predict(Window { rows, start: window.start as u64 }).outlier;
        let whole = predictor.predict(rows, window.len()).outlier;
        assert!((followed - whole).abs() <= ERROR_MAX, "{window:?}: {followed}, not {whole}");
        outliers.push(whole);
    }
    outliers.dedup();
    assert!(20 < outliers.len(), "it depends on what it hears");
    let rows = [&rows[..100 * width], &[f32::NAN], &rows[..width - 1]].concat();
    assert!(stream.predict(Window { rows: &rows, start: 9000 }).outlier.is_nan());
}
