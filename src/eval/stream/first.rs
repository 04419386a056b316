//! How soon after a voice begins the first label is there: sentences of speakers that the engine
//! has never heard, each alone after a silence, right after noise that no training heard, and in
//! it.

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
use crate::train::channel::{add_noise, rms, stretch};

/// Silence, or noise alone, before and after each sentence.
const SILENCE_S: usize = 1;

/// Noise as loud as the sentence that follows it.
const NOISE_S: usize = 5;

/// Of voice to noise.
const SNRS_DB: [f32; 4] = [20.0, 10.0, 5.0, 0.0];

/// Where a sentence stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scene {
    AfterSilence,
    AfterNoise,
    /// At this ratio of voice to noise, in dB.
    InNoise(f32),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FirstLabel {
    pub scene: Scene,
    pub sentences: usize,
    /// Share of the sentences that were taken for a voice: a segment began.
    pub heard: f64,
    /// Share of the sentences that got a label at all.
    pub labelled: f64,
    /// From the onset of speech, over those, in seconds.
    pub median_s: Option<f64>,
    pub p95_s: Option<f64>,
}

/// A row for each scene; without recordings of `noises`, by their kind, for silence alone.
pub fn first_labels(
    voices: &Voices,
    paths: &[PathBuf],
    model: &mut Predictor,
    config: &Config,
    noises: &[Vec<Vec<f32>>],
) -> Result<Vec<FirstLabel>> {
    let noisy = SNRS_DB.map(Scene::InNoise);
    let noisy = [Scene::AfterNoise].into_iter().chain(noisy).filter(|_| !noises.is_empty());
    let scenes = [Scene::AfterSilence].into_iter().chain(noisy);
    scenes.map(|scene| first_label(voices, paths, model, config, noises, scene)).collect()
}

fn first_label(
    voices: &Voices,
    paths: &[PathBuf],
    model: &mut Predictor,
    config: &Config,
    noises: &[Vec<Vec<f32>>],
    scene: Scene,
) -> Result<FirstLabel> {
    let card = model.card().clone();
    let (hop, rate_hz) = (card.features.hop, card.features.rate_hz);
    let silence = vec![0.0; SILENCE_S * rate_hz as usize];
    let (mut delays_s, mut heard) = (Vec::new(), 0_usize);
    let mut rng = StdRng::seed_from_u64(1); // the same noise at each ratio
    let progress = progress_bar(voices.clips.len(), "sentences");
    for (spoken, path) in voices.clips.iter().zip(paths) {
        let speech = speech_of(spoken, path, hop)?;
        let mut sentence = silence.clone();
        if scene == Scene::AfterNoise {
            let noise = piece(noises, NOISE_S * rate_hz as usize, &mut rng);
            let factor = rms(&speech) / rms(&noise);
            sentence.extend(noise.iter().map(|sample| factor * sample));
        }
        let start = sentence.len();
        sentence.extend(&speech);
        sentence.extend(&silence);
        if let Scene::InNoise(snr_db) = scene {
            let noise = piece(noises, sentence.len(), &mut rng);
            add_noise(&mut sentence, &noise, start..start + speech.len(), snr_db);
        }
        let onset = spoken.voiced.iter().position(|&voiced| voiced).unwrap_or(0);
        let onset = start + onset.saturating_sub(spoken.span.start) * hop;
        let onset_s = onset as f64 / f64::from(rate_hz);
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
        scene,
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
