//! Whether what passed the gate is one voice that speaks at all: a small network of the same kind,
//! on the same windows, learnt from single voices, in noise too, against crowds, music and other
//! sounds (see `train::outlier`). The network for emotions always names one, whatever it hears. It
//! lies in a file of its own, so that the model's weights and their hash stay what they are.

use serde::{Deserialize, Serialize};

use crate::model::card::Corpus;
use crate::model::network::NetworkSpec;

/// What it tells apart; the first is what the model is about.
pub const SOUNDS: [&str; 3] = ["voice", "crowd", "other"];

/// Place of the voice among them.
pub const VOICE: usize = 0;

/// Name of its file inside a model's folder.
pub const FILE_NAME: &str = "outlier.safetensors";

/// The card's part of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutlierSpec {
    /// What made it.
    pub command: String,
    pub commit: String,
    /// File with the weights, beside the card.
    pub weights: String,
    /// SHA-256 of that file, in hex.
    pub sha256: String,
    pub parameters: usize,
    pub network: NetworkSpec,
    /// What it heard: voices and other sounds.
    pub corpora: Vec<Corpus>,
}
