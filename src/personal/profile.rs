//! A person as a file: numbers only, no sound, of one model. Reading and writing files is left to
//! others.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::features::statistics::statistics_of;
use crate::model::card::Card;
use crate::personal::baseline::Baseline;
use crate::personal::lesson::Lesson;

const FORMAT: u32 = 1;

/// Feature frames of all our models.
const FRAMES_PER_S: f32 = 100.0;

/// Of a model's weights, for people.
const HASH_DIGITS: usize = 8;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub format: u32,
    /// The model that the numbers are of, and its weights.
    pub model: String,
    pub sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    #[serde(default, skip_serializing_if = "Lesson::is_empty")]
    pub lesson: Lesson,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProfileError {
    #[error("{0} is no profile: {1}")]
    Syntax(String, String),
    #[error("{name} has format {found}; this program reads format {FORMAT}")]
    Format { name: String, found: u32 },
    #[error("{name} was made with {theirs}, {ours} answers now: calibrate again, or load {theirs}")]
    Model { name: String, theirs: String, ours: String },
}

/// Numbers of an example: the network's embedding and the statistics of its window.
fn example_width(card: &Card) -> usize {
    card.network.embedding + statistics_of(card.features.rows())
}

impl Profile {
    pub fn new(card: &Card, baseline: Option<Baseline>, lesson: Lesson) -> Self {
        let (model, sha256) = (card.name.clone(), card.sha256.clone());
        Self { format: FORMAT, model, sha256, baseline, lesson }
    }

    /// Of what a file says; `name` is for the errors.
    pub fn read(name: &str, text: &str) -> Result<Self, ProfileError> {
        let syntax = |error: toml::de::Error| {
            ProfileError::Syntax(name.to_owned(), error.message().to_owned())
        };
        let table: toml::Table = text.parse().map_err(syntax)?;
        // Another format may have other keys: it is told first.
        if let Some(found) = table.get("format").and_then(toml::Value::as_integer)
            && found != i64::from(FORMAT)
        {
            let found = u32::try_from(found).unwrap_or(0);
            return Err(ProfileError::Format { name: name.to_owned(), found });
        }
        table.try_into().map_err(syntax)
    }

    /// The same, for this model.
    pub fn parse(name: &str, text: &str, card: &Card) -> Result<Self, ProfileError> {
        let profile = Self::read(name, text)?;
        if profile.sha256 != card.sha256 {
            let weights = |model: &str, sha256: &str| {
                format!("{model} ({})", sha256.get(..HASH_DIGITS).unwrap_or(sha256))
            };
            let theirs = weights(&profile.model, &profile.sha256);
            let ours = weights(&card.name, &card.sha256);
            return Err(ProfileError::Model { name: name.to_owned(), theirs, ours });
        }
        let syntax = |reason: String| ProfileError::Syntax(name.to_owned(), reason);
        if let Some(baseline) = &profile.baseline {
            baseline.check(card.features.rows()).map_err(syntax)?;
        }
        profile.lesson.check_all(card.labels.len(), example_width(card)).map_err(syntax)?;
        Ok(profile)
    }

    /// Name of the model that a file's numbers are of.
    pub fn model_of(text: &str) -> Option<String> {
        let table: toml::Table = text.parse().ok()?;
        Some(table.get("model")?.as_str()?.to_owned())
    }

    /// As a file.
    pub fn text(&self) -> String {
        toml::to_string(self).expect("numbers and words are TOML")
    }
}

impl Display for Profile {
    /// For people: without the means of the features, which say nothing to them.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "model {}", self.model)?;
        if let Some(Baseline { frames, neutral, squares, .. }) = &self.baseline {
            writeln!(f, "baseline of {:.1} s of speech", frames / FRAMES_PER_S)?;
            let names = ["arousal", "valence", "dominance"];
            for ((name, neutral), square) in names.iter().zip(neutral).zip(squares) {
                writeln!(f, "{name:<10} neutral {neutral:.2}, spread {:.2}", square.sqrt())?;
            }
        }
        for output in &self.lesson.outputs {
            let (examples, recordings) = (output.examples.len(), output.recordings());
            writeln!(f, "{:<10} {examples} examples of {recordings} recordings", output.name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::personal::lesson::{Example, Kind};
    use crate::personal::normaliser::Heard;

    fn card() -> Card {
        Card::load("models/affectd-3".as_ref()).expect("the shipped model")
    }

    fn profile(card: &Card) -> Profile {
        let mean = &card.normaliser.mean;
        let heard = Heard { mean, frames: 2000.0, periodic_frames: 1200.0 };
        let baseline = Baseline::new(heard, [0.4, 0.5, 0.6]);
        let embedding = (0..212_u8).map(|index| f32::from(index) / 3.0).collect();
        let mut lesson = Lesson::default();
        let said = vec![0.5; card.labels.len()];
        lesson.add("calm", Kind::Label, Example { recording: 1, target: 1.0, said, embedding });
        Profile::new(card, Some(baseline), lesson)
    }

    fn check(change: (&str, &str), expected: &str) {
        let card = card();
        let text = profile(&card).text().replace(change.0, change.1);
        let error = Profile::parse("anna", &text, &card).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_profile_reads_back_as_it_was_written() {
        let card = card();
        let text = profile(&card).text();
        assert_eq!(Profile::parse("anna", &text, &card), Ok(profile(&card)));
        assert_eq!(Profile::model_of(&text), Some("affectd-3".to_owned()));
    }

    #[test]
    fn what_is_no_profile_of_this_model_is_refused() {
        check(("format = 1", "format = 2"), "anna has format 2; this program reads format 1");
        check(("sha256 = \"", "sha256 = \"0"), "was made with affectd-3 (0");
        check(("frames = 2000.0", "frames = nan"), "anna is no profile: a value is no number");
        check(("mean = [", "mean = [0.0, "), "values, 42 are needed");
        check(("neutral", "netural"), "anna is no profile: ");
        check(("embedding = [0.0, ", "embedding = ["), "calm has an example of 211 values, 212");
        check(("name = \"calm\"", "name = \"c*lm\""), "label is \"c*lm\", allowed are");
    }
}
