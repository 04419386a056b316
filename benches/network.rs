//! What an answer of the network costs on the CPU, followed from hop to hop and about whole
//! windows, and what of the latter the recurrent layer: ours beside burn's own. The weights are
//! random; their values do not change the work.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use affectd::model::bilstm::FusedBiLstmConfig;
use affectd::model::network::NetworkSpec;
use affectd::model::predictor::Window;
use affectd::model::stream::Stream;
use affectd::model::stream::layers::Layers;
use affectd::model::stream::vector::Processor;
use affectd::model::window::WindowRule;
use burn::module::Module;
use burn::nn::BiLstmConfig;
use burn::tensor::{Device, Distribution, Tensor};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

const COEFFICIENTS: usize = 40;
const LABELS: usize = 6;

/// A window of 3 s: 75 steps of 40 ms after the convolutions.
const STEPS: usize = 75;
const WIDTH: usize = 128;

fn answer(criterion: &mut Criterion) {
    let device = Device::flex();
    let network = NetworkSpec::default().init(COEFFICIENTS, LABELS, &device).valid();
    let mut group = criterion.benchmark_group("answer of the network, CPU");
    let rule =
        WindowRule { shortest: 50, longest: 300, step: NetworkSpec::default().step_frames() };
    let rows = random([1, 1000, COEFFICIENTS], &device).into_data();
    let rows: Vec<f32> = rows.iter::<f32>().collect();
    let layers = Arc::new(Layers::new(&network, Processor::detect()));
    let mut stream = Stream::new(layers, rule.rows_max(), 1.0);
    // Speech that goes on: after 10 s it begins again, with one whole window among seventy hops.
    let mut ends = (300..=1000).step_by(10).cycle();
    group.bench_function("hop of 3 s, followed", |bencher| {
        bencher.iter(|| {
            let end = ends.next().unwrap_or(300);
            let start = rule.window(0..end).map_or(0, |window| window.start);
            let [first, end] =
                [start, end].map(|row| usize::try_from(row).unwrap_or(0) * COEFFICIENTS);
            stream.predict(Window { rows: black_box(&rows[first..end]), start })
        });
    });
    for (name, frames) in [("0.5 s", 50), ("3 s", 300)] {
        let features = random([1, COEFFICIENTS, frames], &device);
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| network.forward(black_box(features.clone())).logits.into_data());
        });
    }
    group.finish();
}

fn recurrent(criterion: &mut Criterion) {
    let device = Device::flex();
    let ours = FusedBiLstmConfig::new(WIDTH, WIDTH).init(&device).valid();
    let burns = BiLstmConfig::new(WIDTH, WIDTH, true).init(&device).valid();
    let steps = random([1, STEPS, WIDTH], &device);
    let mut group = criterion.benchmark_group("BiLSTM over 75 steps, CPU");
    group.bench_function("ours", |bencher| {
        bencher.iter(|| ours.forward(black_box(steps.clone())).into_data());
    });
    group.bench_function("burn's", |bencher| {
        bencher.iter(|| burns.forward(black_box(steps.clone()), None).0.into_data());
    });
    group.finish();
}

fn random(shape: [usize; 3], device: &Device) -> Tensor<3> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}

criterion_group! {
    name = network;
    config = Criterion::default().measurement_time(Duration::from_secs(2));
    targets = answer, recurrent
}
criterion_main!(network);
