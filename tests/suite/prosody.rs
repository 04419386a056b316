//! Prosody against openSMILE's eGeMAPSv02 on the demo voice, ten people's clips of real speech.
//! tests/golden/make_prosody.py made what it says. The tolerances are the measured figures
//! (2026-11) with a margin; openSMILE finds pitch and cycles by other means than we do, so equal
//! they are not.

use affectd::features::FeatureSpec;
use affectd::features::prosody::ProsodyMeter;
use affectd::features::tilt::Tilt;
use affectd::messages::Prosody;
use affectd::units::{amplitude_to_db, one_pole_step};
use affectd::wav;

use crate::golden::path;

/// openSMILE's frames of 60 ms for the pitch are dated by their beginning, ours by their end.
const LAG_FRAMES: usize = 4;

/// Frames between two comparisons: a hop.
const HOP_FRAMES: usize = 10;

/// One frame of openSMILE; pitch 0 is unvoiced.
#[derive(Clone, Copy)]
struct Theirs {
    f0_hz: f32,
    /// jitter, shimmer, harmonicity, tilt.
    means: [f32; 4],
}

fn theirs() -> Vec<Theirs> {
    let file = path("tests/golden/demo.egemaps.csv");
    let text = std::fs::read_to_string(file).expect("made by the script");
    let row = |line: &str| {
        let values: Vec<f32> =
            line.split(',').map(|value| value.parse().expect("numbers")).collect();
        Theirs { f0_hz: values[0], means: [values[1], values[2], values[3], values[4]] }
    };
    text.lines().skip(1).map(row).collect()
}

/// After each frame.
fn ours() -> Vec<Prosody> {
    let spec = FeatureSpec::default();
    let sound = wav::read_file(&path("examples/demo_voice.flac")).expect("a sound of ours");
    let mut meter = ProsodyMeter::new(&spec);
    let mut frames = Vec::new();
    for hop in sound.samples.chunks_exact(spec.hop) {
        let squares: f32 = hop.iter().map(|x| x * x).sum();
        meter.process(hop, amplitude_to_db((squares / hop.len() as f32).sqrt()), true, None);
        frames.push(meter.values());
    }
    frames
}

fn median(values: &mut [f32]) -> f32 {
    values.sort_unstable_by(f32::total_cmp);
    values[values.len() / 2]
}

fn correlation(pairs: &[(f32, f32)]) -> f32 {
    let count = pairs.len() as f32;
    let mean = |of: fn(&(f32, f32)) -> f32| pairs.iter().map(of).sum::<f32>() / count;
    let (x, y) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let sums = pairs.iter().fold([0.0_f32; 3], |[xy, xx, yy], (a, b)| {
        [xy + (a - x) * (b - y), xx + (a - x).powi(2), yy + (b - y).powi(2)]
    });
    sums[0] / (sums[1] * sums[2]).sqrt()
}

#[test]
fn pitch_is_opensmiles() {
    let (ours, theirs) = (ours(), theirs());
    // Where both are in the middle of a voiced stretch.
    let is_steady = |at: usize| theirs[at - 3..=at + 3].iter().all(|frame| 0.0 < frame.f0_hz);
    let mut errors: Vec<f32> = (3..theirs.len() - LAG_FRAMES - 3)
        .filter(|&at| is_steady(at))
        .map(|at| (12.0 * (ours[at + LAG_FRAMES].f0_hz / theirs[at].f0_hz).log2()).abs())
        .collect();
    assert!(500 < errors.len(), "{}", errors.len());
    let near = errors.iter().filter(|error| **error < 1.0).count() as f32 / errors.len() as f32;
    let median = median(&mut errors);
    println!("pitch: median error {median} semitones, {near} within one, {} frames", errors.len());
    assert!(median < 0.3, "{median} semitones");
    assert!(0.85 < near, "{near} within a semitone");
}

#[test]
fn the_tilt_of_a_frame_is_opensmiles() {
    let spec = FeatureSpec::default();
    let sound = wav::read_file(&path("examples/demo_voice.flac")).expect("a sound of ours");
    let (theirs, mut tilt) = (theirs(), Tilt::new(&spec));
    let mut pairs = Vec::new();
    for (at, hop) in sound.samples.chunks_exact(spec.hop).enumerate() {
        tilt.listen(hop);
        // Its frames of 20 ms for this begin a hop before ours end.
        let their_frame = at.checked_sub(1).and_then(|at| theirs.get(at));
        if let Some(frame) = their_frame.filter(|frame| 0.0 < frame.f0_hz) {
            pairs.push((tilt.ratio_db(), frame.means[3]));
        }
    }
    let mut errors: Vec<f32> = pairs.iter().map(|(a, b)| (a - b).abs()).collect();
    let (r, error) = (correlation(&pairs), median(&mut errors));
    println!("tilt of frames: r {r}, median error {error} dB, {} frames", pairs.len());
    assert!(0.95 < r && error < 1.5, "r {r}, {error} dB");
}

#[test]
fn jitter_shimmer_harmonicity_and_tilt_go_with_opensmiles() {
    let (ours, theirs) = (ours(), theirs());
    let step = one_pole_step(0.01, 1.0);
    let mut means: Option<[f32; 4]> = None;
    let mut pairs = [const { Vec::new() }; 4];
    for (at, frame) in theirs.iter().enumerate().take(ours.len() - LAG_FRAMES) {
        if frame.f0_hz == 0.0 {
            continue;
        }
        // As ours: a mean over a second of voice.
        let means = means.get_or_insert(frame.means);
        means.iter_mut().zip(frame.means).for_each(|(mean, value)| *mean += (value - *mean) * step);
        let own = ours[at + LAG_FRAMES];
        let own = [own.jitter, own.shimmer_db, own.hnr_db, own.tilt_db];
        if at % HOP_FRAMES == 0 {
            let all = pairs.iter_mut().zip(own.into_iter().zip(*means));
            all.for_each(|(pairs, pair)| pairs.push(pair));
        }
    }
    // Mean tilts of ten clips differ by less than what is voiced does; frames are compared above.
    let expected = [
        ("jitter, %", Some(0.6), 1.5),
        ("shimmer, dB", Some(0.85), 0.5),
        ("harmonicity, dB", Some(0.7), 2.5),
        ("tilt, dB", None, 3.0),
    ];
    for (pairs, (name, correlation_min, error_max)) in pairs.iter().zip(expected) {
        let mut errors: Vec<f32> = pairs.iter().map(|(a, b)| (a - b).abs()).collect();
        let (r, error) = (correlation(pairs), median(&mut errors));
        println!("{name}: r {r}, median error {error}, {} hops", pairs.len());
        assert!(correlation_min.is_none_or(|least| least < r), "{name}: r {r}");
        assert!(error < error_max, "{name}: {error}");
    }
}
