//! How soon after a voice begins the first label is there: sentences of speakers that the engine
//! has never heard, each alone after a silence.

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use crate::config::Config;
use crate::eval::folds::listening::{Voices, speech_of};
use crate::eval::stream::tally::{quantile, shown};
use crate::model::predictor::Predictor;
use crate::train::bank::progress_bar;

/// Silence before and after each sentence.
const SILENCE_S: usize = 1;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FirstLabel {
    pub sentences: usize,
    /// Share of the sentences that got a label at all.
    pub labelled: f64,
    /// From the onset of speech, over those, in seconds.
    pub median_s: Option<f64>,
    pub p95_s: Option<f64>,
}

pub fn first_label(
    voices: &Voices,
    paths: &[PathBuf],
    model: &mut Predictor,
    config: &Config,
) -> Result<FirstLabel> {
    let card = model.card().clone();
    let (hop, rate_hz) = (card.features.hop, card.features.rate_hz);
    let silence = vec![0.0; SILENCE_S * rate_hz as usize];
    let mut delays_s = Vec::new();
    let progress = progress_bar(voices.clips.len(), "sentences");
    for (spoken, path) in voices.clips.iter().zip(paths) {
        let onset = spoken.voiced.iter().position(|&voiced| voiced).unwrap_or(0);
        let before = silence.len() + onset.saturating_sub(spoken.span.start) * hop;
        let onset_s = before as f64 / f64::from(rate_hz);
        let sentence = [&silence[..], &speech_of(spoken, path, hop)?, &silence].concat();
        let labels = shown(&sentence, &card, config, model)?;
        delays_s.extend(labels.first().map(|(time_s, _)| time_s - onset_s));
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(FirstLabel {
        sentences: voices.clips.len(),
        labelled: delays_s.len() as f64 / voices.clips.len().max(1) as f64,
        median_s: quantile(&delays_s, 50),
        p95_s: quantile(&delays_s, 95),
    })
}
