//! An engine without weights: a card, the default configuration and a model that answers by
//! script. Shared by tests and benches.

use std::path::Path;

use affectd::config::checked::Config;
use affectd::config::{self, Overrides};
use affectd::model::card::{Card, LABELS_MAX};
use affectd::model::predictor::{Predict, Prediction};

/// Says the first label to all, and keeps what it was asked.
#[derive(Default)]
pub struct Scripted {
    /// Frames and features of the last question; the buffer is used again.
    pub frames: usize,
    pub features: Vec<f32>,
    /// Questions so far.
    pub asked: usize,
}

impl Predict for Scripted {
    fn predict(&mut self, features: &[f32], frames: usize) -> Prediction {
        self.frames = frames;
        self.features.clear();
        self.features.extend_from_slice(features);
        self.asked += 1;
        let mut probabilities = [0.0; LABELS_MAX];
        probabilities[0] = 1.0;
        Prediction { probabilities, ..Prediction::NOTHING }
    }
}

/// The default front end and windows, two labels, and a normaliser that changes nothing at first.
pub fn card() -> Card {
    let mut card: Card = toml::from_str(include_str!("card.toml")).expect("the card beside it");
    let coefficients = card.features.coefficients;
    card.normaliser.mean = vec![0.0; coefficients];
    card.normaliser.deviation = vec![1.0; coefficients];
    card
}

pub fn config() -> Config {
    config::parse(Path::new("config.toml"), "", &Overrides::default()).expect("the defaults")
}
