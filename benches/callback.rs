//! What one callback costs, of the time that its block lasts. The worker's end is emptied in
//! between and not measured.

use std::hint::black_box;

use affectd::audio::Callback;
use affectd::ring::{Block, ring};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};

const RATE_HZ: u32 = 48_000;

fn callback(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("callback");
    for channels in [1_u16, 2] {
        for frames in [128_usize, 256, 1024] {
            let (writer, mut reader) = ring(channels, RATE_HZ, 1.0);
            let mut callback = Callback::new(writer);
            let samples: Vec<f32> = (0_u16..).take(frames).map(|n| f32::from(n).sin()).collect();
            let slices = vec![samples.as_slice(); usize::from(channels)];
            group.bench_function(
                BenchmarkId::new(format!("jack x{channels}"), frames),
                |bencher| {
                    bencher.iter_batched(
                        || while reader.read().is_some() {},
                        |()| callback.process(black_box(Block::Planar(&slices))),
                        BatchSize::PerIteration,
                    );
                },
            );
        }
    }
    for frames in [128_usize, 256, 1024] {
        let (writer, mut reader) = ring(1, RATE_HZ, 1.0);
        let mut callback = Callback::new(writer);
        let samples: Vec<i16> = (0_i16..).take(2 * frames).collect();
        group.bench_function(BenchmarkId::new("stereo i16 x1", frames), |bencher| {
            bencher.iter_batched(
                || while reader.read().is_some() {},
                |()| callback.process_samples(black_box(&samples), 2),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, callback);
criterion_main!(benches);
