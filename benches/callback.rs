//! What one callback costs, of the time that its block lasts, and how often it asks for memory or
//! gives some back. The worker's end is emptied in between and not measured.

use std::hint::black_box;

use affectd::audio::Callback;
use affectd::audio::playback::Playback;
use affectd::audio::through::feed;
use affectd::ring::{Block, Reader, ring};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};

#[path = "../tests/suite/counting.rs"]
mod counting;

const RATE_HZ: u32 = 48_000;

fn empty(reader: &mut Reader) {
    while reader.read().is_some() {}
}

/// Blocks as JACK hands them over, with an output for each input.
fn jack(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("callback, JACK with outputs");
    for channels in [1_u16, 2, 8] {
        for frames in [64_usize, 128, 256] {
            let (writer, mut reader) = ring(channels, RATE_HZ, 1.0);
            let mut callback = Callback::new(writer);
            let samples: Vec<f32> = (0_u16..).take(frames).map(|n| f32::from(n).sin()).collect();
            let inputs = vec![samples.as_slice(); usize::from(channels)];
            let mut outputs = vec![samples.clone(); usize::from(channels)];
            let mut outputs: Vec<&mut [f32]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
            let calls = counting::allocations_and_frees(|| {
                (0..100).for_each(|_| {
                    callback.process_through(Block::Planar(&inputs), &mut outputs);
                });
            });
            assert_eq!(calls, 0, "the callback allocates");
            let id = BenchmarkId::new(format!("channels: {channels}"), frames);
            group.bench_function(id, |bencher| {
                bencher.iter_batched(
                    || empty(&mut reader),
                    |()| callback.process_through(Block::Planar(black_box(&inputs)), &mut outputs),
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

/// Interleaved integers as ALSA hands them over, one channel of two analysed.
fn interleaved(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("callback, stereo i16");
    for frames in [128_usize, 256, 1024] {
        let (writer, mut reader) = ring(1, RATE_HZ, 1.0);
        let mut callback = Callback::new(writer);
        let samples: Vec<i16> = (0_i16..).take(2 * frames).collect();
        group.bench_function(BenchmarkId::from_parameter(frames), |bencher| {
            bencher.iter_batched(
                || empty(&mut reader),
                |()| callback.process_samples(black_box(&samples), 2),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// The way to another device: what its audio thread does, resampling included.
fn playback(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("playback, stereo f32");
    for frames in [128_usize, 480] {
        let (writer, mut reader) = ring(2, RATE_HZ, 1.0);
        let (feed, home) = feed(2, RATE_HZ);
        let mut callback = Callback::new(writer).feeding(feed);
        let mut playback = Playback::new(&home, Default::default()).expect("nobody plays it");
        let block = vec![0.1_f32; 2 * frames];
        let mut out = block.clone();
        (0..20).for_each(|_| callback.process_samples(&block, 2));
        group.bench_function(BenchmarkId::from_parameter(frames), |bencher| {
            bencher.iter_batched(
                || {
                    empty(&mut reader);
                    callback.process_samples(&block, 2);
                },
                |()| playback.fill(black_box(&mut out), 2),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, jack, interleaved, playback);
criterion_main!(benches);
