//! The network on a real wgpu adapter (Mesa's lavapipe where there is no GPU) says what it says on
//! the CPU, and the choice of backend is told.

use std::path::Path;

use affectd::model::backend::{self, BackendError, Choice};

use crate::harness::{affectd, free_address, project};

fn model() -> std::path::PathBuf {
    project().join("models/affectd-3")
}

#[test]
fn wgpu_and_the_cpu_give_the_same_answers() {
    let cpu = backend::load(&model(), Choice::Cpu).expect("the shipped model loads");
    let gpu = match backend::load(&model(), Choice::Wgpu) {
        Ok(loaded) => loaded,
        Err(error) => panic!("`make test` installs an adapter, but: {error}"),
    };
    assert!(gpu.gpu && !cpu.gpu);
    let card = cpu.predictor.card();
    let [shortest, longest] = card.window_feature_frames();
    for frames in [shortest, longest] {
        let features: Vec<f32> =
            (0..frames * card.features.rows()).map(|index| (index as f32 * 0.37).sin()).collect();
        let (one, other) =
            (cpu.predictor.answer(&features, frames), gpu.predictor.answer(&features, frames));
        let pairs = one.probabilities.iter().zip(&other.probabilities);
        let worst = pairs
            .chain(one.dimensions.iter().zip(&other.dimensions))
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(worst < 1e-3, "{worst} at {frames} frames");
    }
}

#[test]
fn auto_never_takes_a_software_adapter() {
    let loaded = backend::load(&model(), Choice::Auto).expect("the CPU is always there");
    assert!(!loaded.reason.is_empty());
    if loaded.reason.contains("software") {
        assert!(!loaded.gpu, "{}", loaded.reason);
    }
}

#[test]
fn a_missing_model_is_a_model_error_on_every_backend() {
    for choice in [Choice::Auto, Choice::Cpu, Choice::Wgpu] {
        let error = backend::load(Path::new("no-such-folder"), choice).err();
        assert!(matches!(error, Some(BackendError::Model(_))), "{choice:?}: {error:?}");
    }
}

#[test]
fn a_gpu_that_was_asked_for_and_is_not_there_has_its_own_exit_code() {
    let output = affectd()
        .args(["run", "--input", "demo", "--backend", "wgpu"])
        .args(["--listen", &free_address().to_string()])
        // The Vulkan loader then finds no driver at all.
        .env("VK_DRIVER_FILES", "none.json")
        .env("VK_ICD_FILENAMES", "none.json")
        .output()
        .expect("the program is built");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{errors}");
    assert!(errors.contains("no Vulkan"), "{errors}");
}
