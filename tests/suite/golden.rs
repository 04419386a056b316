//! The front end against librosa on real speech, alone and as the model sees it through the
//! engine. tests/golden/make_golden.py made the files and says what is in them.

use std::path::{Path, PathBuf};

use affectd::engine::step::Engine;
use affectd::features::FeatureSpec;
use affectd::features::front_end::front_end;
use affectd::messages::Update;
use affectd::units::ANALYSIS_RATE_HZ;
use affectd::wav;

use crate::scripted::{Scripted, card, config};

/// Largest error, as a share of the Euclidean norm of the frame's coefficients. f32 holds 6e-8;
/// 3.0e-7 was measured (2026-11).
const ERROR_OF_FRAME_MAX: f64 = 1e-6;

/// Largest error, as a share of the coefficient's standard deviation over the speech, which is
/// about what the network sees as 1; 6.6e-6 was measured (2026-11).
const ERROR_OF_DEVIATION_MAX: f64 = 1e-5;

#[test]
fn every_coefficient_of_every_frame_is_librosas() {
    let spec = FeatureSpec::default();
    let expected = golden("speech.cepstra.f32", spec.coefficients);
    let actual = cepstra(&spec);
    assert_eq!((actual.len(), expected.len()), (210, 210));
    for coefficient in 0..spec.coefficients {
        let deviation = deviation(&column(&expected, coefficient));
        for (frame, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
            let error = f64::from(actual[coefficient]) - f64::from(expected[coefficient]);
            let norm = expected.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
            let place = format!("frame {frame}, coefficient {coefficient}: {error}");
            assert!(error.abs() <= ERROR_OF_FRAME_MAX * norm, "{place}, norm {norm}");
            assert!(error.abs() <= ERROR_OF_DEVIATION_MAX * deviation, "{place}, {deviation}");
        }
    }
}

#[test]
fn the_model_is_asked_about_what_librosa_says() {
    let (model, _) = through_engine(4800);
    let coefficients = FeatureSpec::default().coefficients;
    let expected = golden("speech.cepstra.f32", coefficients);
    assert!(50 <= model.frames, "asked about {} frames", model.frames);
    // The engine decides which frames; somewhere in the file they must be.
    let is_at = |first: usize| {
        (0..model.frames).all(|frame| {
            (0..coefficients).all(|coefficient| {
                let actual = model.features[frame * coefficients + coefficient];
                (actual - expected[first + frame][coefficient]).abs() < 1e-3 // dB
            })
        })
    };
    assert!((0..=expected.len() - model.frames).any(is_at));
}

#[test]
fn how_the_device_cuts_its_blocks_changes_nothing() {
    let (model, updates) = through_engine(160);
    assert_eq!(updates.len(), 21); // 2.1 s in hops of 0.1 s
    assert!(0 < model.asked);
    for block in [1, 7, 128, 1021, 33_600] {
        let (other_model, other_updates) = through_engine(block);
        assert_eq!(other_model.features, model.features, "blocks of {block}");
        assert_eq!(other_updates, updates, "blocks of {block}");
    }
}

/// The speech in blocks through an engine whose baseline stays at zero.
fn through_engine(block: usize) -> (Scripted, Vec<Update>) {
    const FOR_EVER: f32 = 1e30;
    let mut card = card();
    card.normaliser.prior_frames = FOR_EVER;
    card.normaliser.prior_level_frames = FOR_EVER;
    card.normaliser.memory_frames = FOR_EVER;
    let mut engine = Engine::new(ANALYSIS_RATE_HZ, &card, &config()).expect("the defaults");
    let (mut model, mut updates) = (Scripted::default(), Vec::new());
    for block in speech().chunks(block) {
        engine.step(block, &mut model, &mut |update| updates.push(*update));
    }
    (model, updates)
}

/// The golden speech, through the front end of `spec`.
fn cepstra(spec: &FeatureSpec) -> Vec<Vec<f32>> {
    let mut front_end = front_end(spec).expect("a front end of this build");
    let row = |hop: &[f32]| {
        let mut row = vec![0.0; spec.rows()];
        front_end.process(hop, &mut row);
        row
    };
    speech().chunks_exact(spec.hop).map(row).collect()
}

pub fn speech() -> Vec<f32> {
    wav::read_file(&path("tests/golden/speech.wav")).expect("made by the script").samples
}

/// From the root of the project.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// One row a frame.
fn golden(name: &str, coefficients: usize) -> Vec<Vec<f32>> {
    let bytes = std::fs::read(path("tests/golden").join(name)).expect("made by the script");
    let (values, rest) = bytes.as_chunks();
    assert!(rest.is_empty(), "{name} is made of 4-byte floats");
    let values: Vec<f32> = values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    values.chunks_exact(coefficients).map(<[f32]>::to_vec).collect()
}

fn column(rows: &[Vec<f32>], index: usize) -> Vec<f64> {
    rows.iter().map(|row| f64::from(row[index])).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares = values.iter().map(|value| (value - mean).powi(2));
    (squares.sum::<f64>() / values.len() as f64).sqrt()
}

#[cfg(feature = "crate-mfcc")]
mod crate_mfcc {
    //! What src/features/crate_mfcc.rs says about the crate `mfcc`, measured. librosa has here the
    //! crate's own window, length and number of bands, so that only its faults are left.

    use affectd::features::FrontEndKind;
    use affectd::features::crate_mfcc::COEFFICIENTS;

    use super::*;
    use crate::counting::allocations;

    /// Mel bands of the crate.
    const BANDS: usize = 40;

    /// Frames over which the crate takes its mean.
    const MEAN_FRAMES: usize = 5;

    /// Digital silence, and the frames in whose mean it is; the crate's floor is not librosa's.
    const SILENT_FRAMES: usize = 11 + MEAN_FRAMES;

    fn spec() -> FeatureSpec {
        let front_end = FrontEndKind::CrateMfcc;
        FeatureSpec {
            front_end,
            coefficients: COEFFICIENTS,
            pitch: false,
            ..FeatureSpec::default()
        }
    }

    fn librosa() -> Vec<Vec<f32>> {
        golden("speech.crate.f32", BANDS)
    }

    /// Largest and smallest correlation of the crate's coefficients with these, over the frames of
    /// speech.
    fn extremes(librosa: &[Vec<f32>], column_of: impl Fn(&[f64]) -> Vec<f64>) -> [f64; 2] {
        let actual = cepstra(&spec());
        let one = |index| {
            let expected = column_of(&column(librosa, index));
            correlation(&expected[SILENT_FRAMES..], &column(&actual, index)[SILENT_FRAMES..])
        };
        let correlations: Vec<f64> = (0..COEFFICIENTS).map(one).collect();
        let all = || correlations.iter().copied();
        [all().fold(f64::MIN, f64::max), all().fold(f64::MAX, f64::min)]
    }

    fn correlation(a: &[f64], b: &[f64]) -> f64 {
        let (mean_a, mean_b) = (mean(a), mean(b));
        let products: Vec<f64> =
            a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).collect();
        mean(&products) / (deviation(a) * deviation(b))
    }

    /// The orthonormal DCT-III, which undoes the DCT-II.
    fn inverse_dct(values: &[f32]) -> Vec<f32> {
        let count = values.len() as f32;
        let at = |place: usize| {
            let turn = std::f32::consts::PI / count * (place as f32 + 0.5);
            let waves = values.iter().enumerate().skip(1);
            let sum: f32 = waves.map(|(index, value)| value * (turn * index as f32).cos()).sum();
            values[0] / count.sqrt() + (2.0 / count).sqrt() * sum
        };
        (0..values.len()).map(at).collect()
    }

    /// Each value without the mean of itself and those before it, as the crate does it.
    fn without_running_mean(values: &[f64]) -> Vec<f64> {
        let window = |index: usize| &values[(index + 1).saturating_sub(MEAN_FRAMES)..=index];
        values.iter().enumerate().map(|(index, value)| value - mean(window(index))).collect()
    }

    #[test]
    fn no_coefficient_is_librosas() {
        let [best, _] = extremes(&librosa(), <[f64]>::to_vec);
        assert!(best < 0.7, "{best}");
    }

    #[test]
    fn nor_are_they_when_the_mean_is_taken_from_librosas_too() {
        let [best, worst] = extremes(&librosa(), without_running_mean);
        assert!(best < 0.995 && worst < 0.7, "{best} {worst}");
    }

    #[test]
    fn it_applies_the_inverse_of_the_transform_that_it_should() {
        // Back to librosa's bands, and once more the same way.
        let twice: Vec<_> = librosa().iter().map(|row| inverse_dct(&inverse_dct(row))).collect();
        let [best, worst] = extremes(&twice, without_running_mean);
        assert!(0.995 < best && 0.7 < worst, "{best} {worst}");
    }

    #[test]
    fn a_steady_voice_fades_to_zero_within_five_frames() {
        // A sine of 100 Hz has a whole period in each hop: all frames are the same.
        let turn = std::f32::consts::TAU / 160.0;
        let hop: Vec<f32> = (0..160).map(|index| 0.5 * (turn * index as f32).sin()).collect();
        let mut front_end = front_end(&spec()).expect("built with the feature");
        let mut row = [0.0; COEFFICIENTS];
        (0..2 * MEAN_FRAMES).for_each(|_| front_end.process(&hop, &mut row));
        assert!(row.iter().all(|value| value.abs() < 1e-4), "{row:?}");
    }

    #[test]
    fn every_frame_allocates() {
        let samples = speech();
        let mut front_end = front_end(&spec()).expect("built with the feature");
        let mut row = [0.0; COEFFICIENTS];
        let mut pass =
            || samples.chunks_exact(160).for_each(|hop| front_end.process(hop, &mut row));
        pass();
        assert_eq!(allocations(pass), 210); // one a frame
    }
}
