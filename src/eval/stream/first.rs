//! How soon after a voice begins the first label is there: sentences of speakers that the engine
//! has never heard, each alone after a silence, and the same in noise that no training heard.

use std::path::PathBuf;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;

use crate::config::Config;
use crate::engine::step::Engine;
use crate::eval::folds::listening::{Voices, speech_of};
use crate::eval::stream::tally::quantile;
use crate::model::predictor::Predictor;
use crate::train::bank::progress_bar;
use crate::train::channel::{add_noise, stretch};

/// Silence, or noise alone, before and after each sentence.
const SILENCE_S: usize = 1;

/// Of voice to noise; none is no noise.
const SNRS_DB: [Option<f32>; 5] = [None, Some(20.0), Some(10.0), Some(5.0), Some(0.0)];

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FirstLabel {
    pub snr_db: Option<f32>,
    pub sentences: usize,
    /// Share of the sentences that were taken for a voice: a segment began.
    pub heard: f64,
    /// Share of the sentences that got a label at all.
    pub labelled: f64,
    /// From the onset of speech, over those, in seconds.
    pub median_s: Option<f64>,
    pub p95_s: Option<f64>,
}

/// One row without noise; one for each ratio where there are recordings of `noises`, by their kind.
pub fn first_labels(
    voices: &Voices,
    paths: &[PathBuf],
    model: &mut Predictor,
    config: &Config,
    noises: &[Vec<Vec<f32>>],
) -> Result<Vec<FirstLabel>> {
    let ratios = SNRS_DB.iter().filter(|snr_db| snr_db.is_none() || !noises.is_empty());
    ratios.map(|&snr_db| first_label(voices, paths, model, config, noises, snr_db)).collect()
}

fn first_label(
    voices: &Voices,
    paths: &[PathBuf],
    model: &mut Predictor,
    config: &Config,
    noises: &[Vec<Vec<f32>>],
    snr_db: Option<f32>,
) -> Result<FirstLabel> {
    let card = model.card().clone();
    let (hop, rate_hz) = (card.features.hop, card.features.rate_hz);
    let silence = vec![0.0; SILENCE_S * rate_hz as usize];
    let (mut delays_s, mut heard) = (Vec::new(), 0_usize);
    let mut rng = StdRng::seed_from_u64(1); // the same noise at each ratio
    let progress = progress_bar(voices.clips.len(), "sentences");
    for (spoken, path) in voices.clips.iter().zip(paths) {
        let speech = speech_of(spoken, path, hop)?;
        let span = silence.len()..silence.len() + speech.len();
        let onset = spoken.voiced.iter().position(|&voiced| voiced).unwrap_or(0);
        let before = silence.len() + onset.saturating_sub(spoken.span.start) * hop;
        let onset_s = before as f64 / f64::from(rate_hz);
        let mut sentence = [&silence[..], &speech, &silence].concat();
        if let Some(snr_db) = snr_db {
            add_noise(
                &mut sentence,
                &piece(noises, span.end + silence.len(), &mut rng),
                span,
                snr_db,
            );
        }
        let (mut label_s, mut is_heard) = (None, false);
        let mut engine = Engine::new(rate_hz, &card, config)?;
        engine.step(&sentence, model, &mut |update| {
            if update.time_s < onset_s {
                return;
            }
            is_heard |= update.voice_known;
            if update.top != card.labels.len() {
                label_s = label_s.or(Some(update.time_s));
            }
        });
        delays_s.extend(label_s.map(|time_s| time_s - onset_s));
        heard += usize::from(is_heard);
        progress.inc(1);
    }
    progress.finish_and_clear();
    let share = |count: usize| count as f64 / voices.clips.len().max(1) as f64;
    Ok(FirstLabel {
        snr_db,
        sentences: voices.clips.len(),
        heard: share(heard),
        labelled: share(delays_s.len()),
        median_s: quantile(&delays_s, 50),
        p95_s: quantile(&delays_s, 95),
    })
}

/// Kinds alike, from a place of a recording by chance.
fn piece(noises: &[Vec<Vec<f32>>], length: usize, rng: &mut StdRng) -> Vec<f32> {
    let kind = &noises[rng.random_range(0..noises.len())];
    stretch(&kind[rng.random_range(0..kind.len())], length, rng)
}
