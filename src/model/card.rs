//! The model's card, `model.toml`: all that is needed to use the weights right and to train them
//! again. Reading it checks it; nothing of a wrong card reaches the network.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::features::{FeatureError, FeatureSpec};
use crate::model::network::NetworkSpec;
use crate::model::outlier::{self, OutlierSpec};
use crate::model::storage::Storage;
use crate::model::window::WindowRule;
use crate::units::to_count;

/// Version of the card's format that this program writes and reads.
pub const FORMAT: u32 = 1;

/// Name of the card inside a model's folder.
pub const FILE_NAME: &str = "model.toml";

/// Most labels that a card may name; one place of the update's scores is kept for `unknown`.
pub const LABELS_MAX: usize = 15;

/// Most halvings of the frame rate: steps of 80 ms, as long as a syllable is short.
const POOLED_MAX: usize = 3;

/// Longest label: with it, fifteen labels of one hop still fit two datagrams.
const LABEL_BYTES_MAX: usize = 24;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    pub format: u32,
    pub name: String,
    pub description: String,
    /// File with the weights, beside the card.
    pub weights: String,
    /// SHA-256 of that file, in hex.
    pub sha256: String,
    pub parameters: usize,
    pub labels: Vec<String>,
    /// The logits are divided by it before the softmax; fitted on validation speakers.
    pub temperature: f32,
    /// Time between two results.
    pub hop_s: f32,
    /// Longest and shortest stretch of speech that one inference sees.
    pub window_s: f32,
    pub window_min_s: f32,
    /// Says that the coordinates follow from the categories, and by which table.
    pub dimensions: String,
    /// What the weights' file holds the matrices as.
    #[serde(default, skip_serializing_if = "Storage::is_f32")]
    pub storage: Storage,
    /// Share of the matrices' weights that were set to 0 to see whether they are needed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pruned: f64,
    pub features: FeatureSpec,
    pub network: NetworkSpec,
    pub training: Training,
    #[serde(default)]
    pub corpora: Vec<Corpus>,
    #[serde(default)]
    pub scores: Vec<Score>,
    pub normaliser: NormaliserSpec,
    /// What tells a voice from other sounds; without it nothing does but the network's doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlier: Option<OutlierSpec>,
}

/// Constants of the normalisation; see `personal::normaliser`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NormaliserSpec {
    /// Mean of each coefficient over the voiced frames of the training speakers.
    pub mean: Vec<f32>,
    /// Standard deviation of the same about each speaker's own mean.
    pub deviation: Vec<f32>,
    /// Voiced frames that the mean above counts for; about 5 s of speech.
    pub prior_frames: f32,
    /// The same for the 0th coefficient (level), which depends on the microphone more than on
    /// the speaker and so has to move sooner.
    pub prior_level_frames: f32,
    /// Voiced frames after which the baseline moves no slower.
    pub memory_frames: f32,
    /// Periodic frames that the mean of the fundamental frequency counts for. If it is not 0, the
    /// last two rows are the pitch.
    #[serde(default)]
    pub prior_pitch_frames: f32,
}

impl NormaliserSpec {
    /// Weights of the prior and length of the memory, in frames of 10 ms.
    pub const PRIOR_FRAMES: f32 = 500.0;
    pub const PRIOR_LEVEL_FRAMES: f32 = 50.0;
    pub const MEMORY_FRAMES: f32 = 6000.0;
    pub const PRIOR_PITCH_FRAMES: f32 = 200.0;
}

/// How the weights came to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    pub command: String,
    pub commit: String,
    pub seed: u64,
    /// The weights are the averaged ones after the last.
    pub epochs: usize,
    pub split: String,
}

/// A corpus that the weights were trained on, with its licence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corpus {
    pub name: String,
    pub clips: usize,
    pub speakers: usize,
    pub licence: String,
    pub credit: String,
}

/// A result of `affectd eval`, with its protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    pub protocol: String,
    pub clips: usize,
    pub ua: f32,
    pub wa: f32,
    pub macro_f1: f32,
    pub ece: f32,
}

#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("cannot read {path}: {reason}")]
    Read { path: PathBuf, reason: std::io::Error },
    #[error("{path} is no model card: {reason}")]
    Syntax { path: PathBuf, reason: Box<toml::de::Error> },
    #[error("{path}: format is {found}; this program reads format {FORMAT}")]
    Format { path: PathBuf, found: u32 },
    #[error("{path}: {key} is {value}; allowed is {allowed}")]
    OutOfRange { path: PathBuf, key: &'static str, value: String, allowed: String },
    #[error("{path}: {reason}")]
    Features { path: PathBuf, reason: FeatureError },
    #[error(
        "{path} has SHA-256 {found}, its card says {expected}; the file is damaged or belongs to \
         another card"
    )]
    Hash { path: PathBuf, found: String, expected: String },
    #[error("{path} does not fit the network in its card: {reason}")]
    Weights { path: PathBuf, reason: String },
    #[error("there is no model {name:?} in {root}; there is {known}")]
    NoSuch { name: String, root: PathBuf, known: String },
    #[error("the model {name} is bad; the lines that begin with BAD say why")]
    Bad { name: String },
    #[error("{path} is there already; give another --out")]
    Taken { path: PathBuf },
    #[error("cannot write {path}: {reason}")]
    Write { path: PathBuf, reason: std::io::Error },
}

impl Card {
    /// Reads and checks `model.toml` in `folder`.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join(FILE_NAME);
        let text = std::fs::read_to_string(&path)
            .map_err(|reason| ModelError::Read { path: path.clone(), reason })?;
        let card: Self = toml::from_str(&text).map_err(|reason| ModelError::Syntax {
            path: path.clone(),
            reason: Box::new(reason),
        })?;
        card.check(&path)?;
        Ok(card)
    }

    fn check(&self, path: &Path) -> Result<(), ModelError> {
        if self.format != FORMAT {
            return Err(ModelError::Format { path: path.to_owned(), found: self.format });
        }
        self.features
            .check()
            .map_err(|reason| ModelError::Features { path: path.to_owned(), reason })?;
        let refuse = |key, value: String, allowed: String| {
            Err(ModelError::OutOfRange { path: path.to_owned(), key, value, allowed })
        };
        let labels = self.labels.len();
        if !(2..=LABELS_MAX).contains(&labels) {
            return refuse("labels", format!("{labels} names"), format!("2 to {LABELS_MAX}"));
        }
        if let Some(label) = self.labels.iter().find(|label| !is_label(label)) {
            return refuse("labels", format!("{label:?}"), label_rule());
        }
        if !(0.05..=20.0).contains(&self.temperature) {
            return refuse("temperature", self.temperature.to_string(), "0.05 to 20".to_owned());
        }
        if !(0.0..1.0).contains(&self.pruned) {
            return refuse("pruned", self.pruned.to_string(), "0 up to, but not, 1".to_owned());
        }
        if !(0.02..=0.1).contains(&self.hop_s) {
            return refuse("hop_s", self.hop_s.to_string(), "0.02 to 0.1".to_owned());
        }
        if !(0.1..=3.0).contains(&self.window_min_s) {
            return refuse("window_min_s", self.window_min_s.to_string(), "0.1 to 3".to_owned());
        }
        if !(self.window_min_s..=10.0).contains(&self.window_s) {
            let allowed = format!("window_min_s ({}) to 10", self.window_min_s);
            return refuse("window_s", self.window_s.to_string(), allowed);
        }
        for (key, list, wanted) in self.lists() {
            if list.len() != wanted || list.iter().any(|value| !value.is_finite()) {
                let value = format!("{} values, or one that is no number", list.len());
                return refuse(key, value, format!("{wanted} numbers"));
            }
        }
        let outlier = self.outlier.as_ref().map(|outlier| {
            (&outlier.network, ["outlier.network.kernel", "outlier.network.pooled"])
        });
        let networks = [(&self.network, ["network.kernel", "network.pooled"])];
        for (network, [kernel, pooled]) in networks.into_iter().chain(outlier) {
            if network.kernel.is_multiple_of(2) || 31 < network.kernel {
                return refuse(kernel, network.kernel.to_string(), "odd, up to 31".to_owned());
            }
            let most = network.channels.len().min(POOLED_MAX);
            if most < network.pooled {
                return refuse(pooled, network.pooled.to_string(), format!("0 to {most}"));
            }
            let ([shortest, _], step) = (self.window_feature_frames(), network.step_frames());
            if shortest < step {
                let allowed = format!("at least the {step} frames of one step of the network");
                return refuse("window_min_s", self.window_min_s.to_string(), allowed);
            }
        }
        Ok(())
    }

    /// Lists of numbers, and how long they have to be.
    fn lists(&self) -> impl Iterator<Item = (&'static str, &[f32], usize)> {
        let rows = self.features.rows();
        let normaliser = [
            ("normaliser.mean", &self.normaliser.mean[..], rows),
            ("normaliser.deviation", &self.normaliser.deviation[..], rows),
        ];
        let outlier = self.outlier.as_ref();
        let width = outlier::width(&self.features) + 1;
        let outlier = outlier.map(|outlier| ("outlier.moves", &outlier.moves[..], width));
        normaliser.into_iter().chain(outlier)
    }

    /// Reads the weights' bytes and holds them against the hash.
    pub fn read_weights(&self, folder: &Path) -> Result<Vec<u8>, ModelError> {
        read_hashed(folder.join(&self.weights), &self.sha256)
    }

    /// The same of what tells a voice from other sounds, if the model has it.
    pub fn read_outlier(&self, folder: &Path) -> Result<Option<Vec<u8>>, ModelError> {
        let read = |spec: &OutlierSpec| read_hashed(folder.join(&spec.weights), &spec.sha256);
        self.outlier.as_ref().map(read).transpose()
    }

    /// Samples at the analysis rate between two results, a whole number of feature hops.
    pub fn hop_feature_frames(&self) -> usize {
        to_count(f64::from(self.hop_s * self.features.frames_per_s()))
    }

    /// Shortest and longest window in feature frames.
    pub fn window_feature_frames(&self) -> [usize; 2] {
        [self.window_min_s, self.window_s]
            .map(|seconds| to_count(f64::from(seconds * self.features.frames_per_s())))
    }

    /// Which frames the model is asked about.
    pub fn window_rule(&self) -> WindowRule {
        let [shortest, longest] = self.window_feature_frames();
        WindowRule { shortest, longest, step: self.network.step_frames() }
    }

    /// The card as key and value, for people.
    pub fn items(&self) -> Vec<(String, String)> {
        let mut items: Vec<(String, String)> = [
            ("name", self.name.clone()),
            ("description", self.description.clone()),
            ("labels", self.labels.join(" ")),
            ("dimensions", self.dimensions.clone()),
            ("parameters", self.parameters.to_string()),
            ("sha256", self.sha256.clone()),
            ("hop_s", self.hop_s.to_string()),
            ("window_s", self.window_s.to_string()),
            ("training.commit", self.training.commit.clone()),
            ("training.seed", self.training.seed.to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .to_vec();
        for corpus in &self.corpora {
            let text = format!("{} clips, {}, {}", corpus.clips, corpus.licence, corpus.credit);
            items.push((format!("corpus.{}", corpus.name), text));
        }
        for score in &self.scores {
            let text = format!("UA {:.1} %, ECE {:.3}", 100.0 * score.ua, score.ece);
            items.push((format!("score.{}", score.protocol), text));
        }
        items
    }
}

fn read_hashed(path: PathBuf, expected: &str) -> Result<Vec<u8>, ModelError> {
    let bytes =
        std::fs::read(&path).map_err(|reason| ModelError::Read { path: path.clone(), reason })?;
    let found = sha256_hex(&bytes);
    if found != expected {
        return Err(ModelError::Hash { path, found, expected: expected.to_owned() });
    }
    Ok(bytes)
}

/// SHA-256 in lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a model may have this label: it becomes a part of an OSC address.
pub fn is_label(label: &str) -> bool {
    let allowed =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    let length = 1..=LABEL_BYTES_MAX;
    length.contains(&label.len()) && label.chars().all(allowed) && label != "unknown"
}

/// The same for people.
pub fn label_rule() -> String {
    format!("a-z, 0-9 and _, up to {LABEL_BYTES_MAX}, not unknown")
}

fn is_zero(share: &f64) -> bool {
    *share == 0.0
}
