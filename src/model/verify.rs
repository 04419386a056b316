//! Whether a model is what its card says: hash, network, an answer, licences, completeness.
//! Runs on the main thread.

use std::fmt::{self, Display, Formatter};
use std::path::Path;
use std::time::Instant;

use burn::tensor::Device;

use crate::model::card::{Card, ModelError};
use crate::model::predictor::{Prediction, Predictor};
use crate::model::storage;

/// What was looked at, and what was found.
pub struct Verdict {
    pub name: String,
    checks: Vec<(&'static str, Found)>,
}

enum Found {
    Good(String),
    /// Not wrong, but worth knowing.
    Note(String),
    Bad(String),
}

use Found::{Bad, Good, Note};

/// Looks at the model in `folder`. Without a card that can be read there is nothing to look at.
pub fn verify(folder: &Path) -> Result<Verdict, ModelError> {
    let card = Card::load(folder)?;
    let mut checks = vec![("hash", hash(folder, &card))];
    match load(folder) {
        Ok((predictor, found)) => {
            checks.push(("loading", found));
            checks.push(("parameters", parameters(&predictor)));
            checks.push(("inference", inference(&predictor)));
            checks.push(("storage", stored(folder, &card)));
        }
        Err(error) => checks.push(("loading", Bad(error.to_string()))),
    }
    checks.push(("licences", licences(&card)));
    checks.push(("card", completeness(&card)));
    checks.push(("scores", scores(&card)));
    Ok(Verdict { name: card.name, checks })
}

impl Verdict {
    pub fn is_good(&self) -> bool {
        !self.checks.iter().any(|(_, found)| matches!(found, Bad(_)))
    }
}

impl Display for Verdict {
    fn fmt(&self, out: &mut Formatter) -> fmt::Result {
        for (what, found) in &self.checks {
            let (mark, text) = match found {
                Good(text) => ("ok  ", text),
                Note(text) => ("note", text),
                Bad(text) => ("BAD ", text),
            };
            writeln!(out, "{mark} {what}: {text}")?;
        }
        writeln!(out, "{} is {}", self.name, if self.is_good() { "good" } else { "BAD" })
    }
}

fn hash(folder: &Path, card: &Card) -> Found {
    match card.read_weights(folder) {
        Ok(bytes) => Good(format!("{} bytes with SHA-256 {}", bytes.len(), card.sha256)),
        Err(error) => Bad(error.to_string()),
    }
}

fn load(folder: &Path) -> Result<(Predictor, Found), ModelError> {
    let begun = Instant::now();
    let predictor = Predictor::load(folder, &Device::flex())?;
    let load_ms = 1000.0 * begun.elapsed().as_secs_f32();
    Ok((predictor, Good(format!("the weights fit the network, in {load_ms:.1} ms"))))
}

fn parameters(predictor: &Predictor) -> Found {
    let (said, counted) = (predictor.card().parameters, predictor.parameters());
    if said == counted {
        return Good(counted.to_string());
    }
    Bad(format!("the card says {said}, the network has {counted}"))
}

/// Asks about the shortest and the longest window, of silence and of a steady pattern.
fn inference(predictor: &Predictor) -> Found {
    let card = predictor.card();
    for frames in card.window_feature_frames() {
        let length = frames * card.features.rows();
        let pattern = (0u8..=250).cycle().map(|index| f32::from(index) / 125.0 - 1.0);
        for features in [vec![0.0; length], pattern.take(length).collect()] {
            if let Some(text) = fault(&predictor.answer(&features, frames), card.labels.len()) {
                return Bad(format!("on a window of {frames} frames {text}"));
            }
        }
    }
    Good("finite, and probabilities that sum to 1, on the shortest and the longest window".into())
}

fn fault(prediction: &Prediction, labels: usize) -> Option<&'static str> {
    /// Rounding of as many f32 as there can be labels.
    const SUM_ERROR_MAX: f32 = 1e-3;
    let probabilities = &prediction.probabilities[..labels];
    if probabilities.iter().chain(&prediction.dimensions).any(|value| !value.is_finite()) {
        return Some("it answers with what is no number");
    }
    let sum: f32 = probabilities.iter().sum();
    (SUM_ERROR_MAX < (sum - 1.0).abs()).then_some("its probabilities do not sum to 1")
}

/// A share of zeros that is off by this much is another one.
const SHARE_ERROR_MAX: f64 = 0.01;

fn stored(folder: &Path, card: &Card) -> Found {
    let looked = card.read_weights(folder).map(storage::look);
    let (found, zeros) = match looked {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return Bad(error.to_string()),
        Err(error) => return Bad(error.to_string()),
    };
    if found != card.storage {
        return Bad(format!("the card says {}, it is {}", card.storage.name(), found.name()));
    }
    // Rounding to int8 makes further zeros, so there may be more.
    if zeros + SHARE_ERROR_MAX < card.pruned {
        let (said, counted) = (100.0 * card.pruned, 100.0 * zeros);
        return Bad(format!("the card says {said:.0} % pruned, {counted:.0} % are 0"));
    }
    Good(format!("{}, {:.0} % of the matrices' weights are 0", found.name(), 100.0 * zeros))
}

/// Words of licences that forbid to sell or to change, as Creative Commons and academic licences
/// spell them.
const LIMITS: [&str; 7] =
    ["nc", "nd", "noncommercial", "commercial", "noderivatives", "research", "academic"];

fn licences(card: &Card) -> Found {
    let is_limited = |licence: &str| {
        let licence = licence.to_lowercase();
        licence.split(|c: char| !c.is_alphanumeric()).any(|word| LIMITS.contains(&word))
    };
    let limited: Vec<String> = card
        .corpora
        .iter()
        .filter(|corpus| is_limited(&corpus.licence))
        .map(|corpus| format!("{} ({})", corpus.name, corpus.licence))
        .collect();
    if !limited.is_empty() {
        let text = "trained on what may not be sold or changed freely (NC, ND, research only): ";
        return Note(format!("{text}{}", limited.join(", ")));
    }
    let unknown = |licence: &str| licence.trim().is_empty() || licence == UNSTATED;
    let unstated: Vec<&str> = card
        .corpora
        .iter()
        .filter(|corpus| unknown(&corpus.licence))
        .map(|corpus| corpus.name.as_str())
        .collect();
    if !unstated.is_empty() {
        return Note(format!("the card states none for {}", unstated.join(", ")));
    }
    Good(format!("none of the {} corpora forbids to sell or to change", card.corpora.len()))
}

/// Licence of a corpus that nobody has said anything about.
pub const UNSTATED: &str = "not stated";

fn completeness(card: &Card) -> Found {
    let training = &card.training;
    let mut missing: Vec<String> = [
        ("name", &card.name),
        ("description", &card.description),
        ("dimensions", &card.dimensions),
        ("training.command", &training.command),
        ("training.commit", &training.commit),
        ("training.split", &training.split),
    ]
    .iter()
    .filter(|(_, text)| text.trim().is_empty())
    .map(|(key, _)| (*key).to_owned())
    .collect();
    if card.corpora.is_empty() {
        missing.push("corpora".to_owned());
    }
    for corpus in &card.corpora {
        for (key, text) in [("licence", &corpus.licence), ("credit", &corpus.credit)] {
            if text.trim().is_empty() {
                missing.push(format!("{key} of {}", corpus.name));
            }
        }
    }
    if missing.is_empty() {
        return Good("says how the model came to be and on what".to_owned());
    }
    Bad(format!("says nothing about {}", missing.join(", ")))
}

fn scores(card: &Card) -> Found {
    if card.scores.is_empty() {
        return Note("none; affectd eval … --write-card enters them".to_owned());
    }
    Good(format!("{}, each with its protocol", card.scores.len()))
}
