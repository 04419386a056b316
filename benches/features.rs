//! What one feature frame costs: our front end beside the crate `mfcc`, the resampler and the
//! voice activity. All on 10 ms of sound.

use std::hint::black_box;
use std::time::Duration;

use affectd::features::front_end::front_end;
use affectd::features::resample::Resampler;
use affectd::features::{FeatureSpec, FrontEndKind};
use affectd::units::ANALYSIS_RATE_HZ;
use affectd::voice::activity::Activity;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

#[cfg(not(feature = "crate-mfcc"))]
const FRONT_ENDS: &[(&str, FrontEndKind, usize)] = &[("ours, 40", FrontEndKind::Mfcc, 40)];

/// Name, kind and coefficients.
#[cfg(feature = "crate-mfcc")]
const FRONT_ENDS: &[(&str, FrontEndKind, usize)] = &[
    ("ours, 40", FrontEndKind::Mfcc, 40),
    ("ours, 16", FrontEndKind::Mfcc, 16),
    ("crate mfcc, 16", FrontEndKind::CrateMfcc, 16),
];

fn cepstra(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cepstra of one frame");
    for &(name, front_end_kind, coefficients) in FRONT_ENDS {
        let spec = FeatureSpec {
            front_end: front_end_kind,
            coefficients,
            pitch: false,
            ..Default::default()
        };
        let mut front_end = front_end(&spec).expect("a front end of this build");
        let hop = noise(spec.hop);
        let mut row = vec![0.0; coefficients];
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                front_end.process(black_box(&hop), &mut row);
                black_box(row[0])
            });
        });
    }
    group.finish();
}

fn resampler(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("10 ms to 16 kHz");
    for rate_hz in [44_100_usize, 48_000, 96_000] {
        let mut resampler = Resampler::new(rate_hz.try_into().expect("u32")).expect("usual rate");
        let samples = noise(rate_hz / 100);
        let mut out = Vec::new();
        group.bench_function(BenchmarkId::from_parameter(rate_hz), |bencher| {
            bencher.iter(|| {
                out.clear();
                resampler.process(black_box(&samples), &mut out);
                black_box(out.len())
            });
        });
    }
    group.finish();
}

fn activity(criterion: &mut Criterion) {
    let mut activity = Activity::default();
    let samples = noise(ANALYSIS_RATE_HZ as usize / 100);
    criterion.bench_function("voice activity of 10 ms", |bencher| {
        bencher.iter(|| activity.process(black_box(&samples)));
    });
}

/// White, 0.1 of full scale, the same each time: a linear congruential generator (Numerical
/// Recipes, 7.1).
fn noise(samples: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state as f32 / u32::MAX as f32 - 0.5) * 0.2
    };
    (0..samples).map(|_| next()).collect()
}

criterion_group! {
    name = features;
    config = Criterion::default().measurement_time(Duration::from_secs(2));
    targets = cepstra, resampler, activity
}
criterion_main!(features);
