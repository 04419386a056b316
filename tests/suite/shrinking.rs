//! `affectd model shrink` on the shipped model: how small it becomes, how far its answers move, and
//! what its card says of it.

use std::path::{Path, PathBuf};

use affectd::model::card::{Card, sha256_hex};
use affectd::model::predictor::Predictor;
use affectd::model::storage::{self, Storage};
use burn::tensor::Device;

use crate::models::{check, header_of, write};

/// Moves each weight by up to a hundredth of itself, off the steps of int8 that it lies on.
fn loosen(folder: &Path) {
    let mut card = Card::load(folder).expect("the model is whole");
    let mut bytes = card.read_weights(folder).expect("the model is whole");
    let start = 8 + header_of(&bytes).0;
    for (index, value) in bytes[start..].chunks_exact_mut(4).enumerate() {
        let weight = f32::from_le_bytes(value.try_into().expect("four bytes"));
        value.copy_from_slice(&(weight * (1.0 + 0.01 * (index as f32).sin())).to_le_bytes());
    }
    card.sha256 = sha256_hex(&bytes);
    write(folder, &card, bytes);
}

/// Stores the shipped model as f32 and that as `bits`: what share of its size is left, how far a
/// probability may move.
fn check_shrunk(bits: &str, size: std::ops::Range<f64>, moves_max: f32) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let [whole, small] = ["whole", "small"].map(|name| folder.path().join(name));
    let path = |folder: &Path| folder.to_str().expect("a plain path").to_owned();
    let shrink = |from: &str, bits: &str, out: &Path| {
        let out = path(out);
        let arguments = ["model", "shrink", from, "--bits", bits, "--out", &out];
        check(&arguments, 0, &[&format!("{bits} of ")]);
        check(&arguments, 6, &["is there already"]);
    };
    shrink("affectd-3", "f32", &whole);
    loosen(&whole);
    shrink(&path(&whole), bits, &small);
    check(&["model", "verify", &path(&small)], 0, &[&format!("storage: {bits}"), "small is good"]);
    let command = Card::load(&small).expect("the model is whole").training.command;
    assert!(
        command.ends_with(&format!(" && affectd model shrink whole --bits {bits}")),
        "{command}"
    );
    let bytes = |folder: &PathBuf| {
        let card = Card::load(folder).expect("the model is whole");
        card.read_weights(folder).expect("the model is whole").len() as f64
    };
    let left = bytes(&small) / bytes(&whole);
    assert!(size.contains(&left), "{bits}: {left} of the bytes");
    let [before, after] = [whole, small].map(|folder| {
        let predictor = Predictor::load(&folder, &Device::flex()).expect("the model is whole");
        let [frames, _] = predictor.card().window_feature_frames();
        let length = frames * predictor.card().features.rows();
        let features: Vec<f32> = (0..length).map(|index| (index as f32 * 0.37).sin()).collect();
        predictor.answer(&features, frames)
    });
    let pairs = before.probabilities.iter().zip(&after.probabilities);
    let moved = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(moved <= moves_max, "{bits}: a probability moved by {moved}");
}

#[test]
fn a_model_of_f16_is_half_as_large_and_says_the_same() {
    check_shrunk("f16", 0.49..0.53, 0.005);
}

#[test]
fn a_model_of_int8_is_a_quarter_as_large_and_says_nearly_the_same() {
    check_shrunk("int8", 0.24..0.29, 0.05);
}

#[test]
fn a_pruned_model_has_as_many_zeros_as_its_card_says() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("pruned");
    let path = out.to_str().unwrap();
    let base = ["model", "shrink", "affectd-3", "--bits", "f16", "--prune", "0.5", "--out", path];
    check(&base, 0, &["50 % of its weights pruned"]);
    let card = Card::load(&out).unwrap();
    assert_eq!((card.storage, card.pruned, card.scores.len()), (Storage::F16, 0.5, 0));
    let (_, zeros) = storage::look(card.read_weights(&out).unwrap()).unwrap();
    assert!((zeros - 0.5).abs() < 0.001, "{zeros} of the weights are 0");
    check(&["model", "verify", path], 0, &["50 % of the matrices' weights are 0"]);
}
