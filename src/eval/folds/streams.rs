//! A speaker whose emotion changes at known times, through the live engine: clips of one emotion
//! one after the other, then clips of the next. How restless the label is inside one emotion, and
//! how late it follows a change, for several settings of the smoothing. The network is asked once;
//! other settings hear the same answers again.

use std::path::PathBuf;

use anyhow::Result;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::config::checked::Smooth;
use crate::config::{self, Config, Overrides};
use crate::engine::step::Engine;
use crate::eval::folds::listening::{Voices, speech_of};
use crate::messages::Update;
use crate::model::card::Card;
use crate::model::predictor::{Predict, Prediction, Predictor};
use crate::train::bank::progress_bar;

/// Clips of one emotion that follow each other.
const CLIPS_EACH: usize = 3;

/// Time constants of attack and release that the curve is drawn over, in seconds.
const SMOOTHING_S: [f32; 6] = [0.0, 0.1, 0.2, 0.4, 0.8, 1.6];

/// Silence at the end, so that the last speech is finished.
const TAIL_S: usize = 1;

/// What all streams together came to with one smoothing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct CurvePoint {
    pub attack_s: f32,
    pub release_s: f32,
    /// The default of config.toml.
    pub is_default: bool,
    pub tally: Tally,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Tally {
    /// Changes of the label inside one emotion, without the one that follows the voice.
    pub flips: usize,
    /// Time over which they were counted.
    pub seconds: f64,
    /// Times at which the emotion changed.
    pub switches: usize,
    /// Seconds until the label was right, for those switches after which it ever was.
    pub delays_s: Vec<f64>,
    /// Seconds from the onset of each stream to its first label.
    #[serde(default)]
    pub first_s: Vec<f64>,
}

/// A stretch of one emotion.
#[derive(Clone, Debug, PartialEq)]
struct Block {
    label: usize,
    /// Onset of its first speech, and of the next block's or the end, in seconds.
    start_s: f64,
    end_s: f64,
}

impl Tally {
    /// Takes over another stream.
    pub fn add(&mut self, other: &Self) {
        self.flips += other.flips;
        self.seconds += other.seconds;
        self.switches += other.switches;
        self.delays_s.extend_from_slice(&other.delays_s);
        self.first_s.extend_from_slice(&other.first_s);
    }
}

/// All speakers of `voices`, whose clips lie at `paths`, with attack and release.
pub fn curve(voices: &Voices, paths: &[PathBuf], model: &mut Predictor) -> Result<Vec<CurvePoint>> {
    let default = config::parse("config.toml".as_ref(), "", &Overrides::default())?.smooth;
    let alike = |time_s| Smooth { attack_s: time_s, release_s: time_s, ..default.clone() };
    let mut settings = vec![default.clone()];
    settings.extend(SMOOTHING_S.map(alike));
    let tallies = tallies(voices, paths, model, &settings)?;
    let point = |(index, (smooth, tally)): (usize, (&Smooth, Tally))| CurvePoint {
        attack_s: smooth.attack_s,
        release_s: smooth.release_s,
        is_default: index == 0,
        tally,
    };
    Ok(settings.iter().zip(tallies).enumerate().map(point).collect())
}

/// What all speakers came to, for each of these settings.
pub fn tallies(
    voices: &Voices,
    paths: &[PathBuf],
    model: &mut Predictor,
    settings: &[Smooth],
) -> Result<Vec<Tally>> {
    let defaults = config::parse("config.toml".as_ref(), "", &Overrides::default())?;
    let mut tallies = vec![Tally::default(); settings.len()];
    let card = model.card().clone();
    let mut rng = StdRng::seed_from_u64(1);
    let progress = progress_bar(voices.speakers.len(), "streams");
    for own in &voices.speakers {
        let (samples, blocks) = stream(voices, own, paths, &card, &mut rng)?;
        let mut answers = Vec::new();
        for (tally, smooth) in tallies.iter_mut().zip(settings) {
            let config = Config { smooth: smooth.clone(), ..defaults.clone() };
            let shown = match answers.is_empty() {
                true => {
                    shown(&samples, &card, &config, &mut Recording { model, kept: &mut answers })
                }
                false => shown(&samples, &card, &config, &mut Replay(answers.iter())),
            }?;
            tally.add(&judge(&shown, &blocks));
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(tallies)
}

/// One speaker's stream at the analysis rate, and what is right in it.
fn stream(
    voices: &Voices,
    own: &[usize],
    paths: &[PathBuf],
    card: &Card,
    rng: &mut StdRng,
) -> Result<(Vec<f32>, Vec<Block>)> {
    let features = &card.features;
    let seconds = |samples: usize| samples as f64 / f64::from(features.rate_hz);
    let mut labels: Vec<usize> = (0..card.labels.len()).collect();
    labels.shuffle(rng);
    let (mut samples, mut blocks) = (Vec::new(), Vec::<Block>::new());
    for label in labels {
        let mut alike: Vec<usize> = own.to_vec();
        alike.retain(|&clip| voices.clips[clip].label == label);
        alike.shuffle(rng);
        for (place, &clip) in alike.iter().take(CLIPS_EACH).enumerate() {
            let spoken = &voices.clips[clip];
            if place == 0 {
                let onset = spoken.voiced.iter().position(|&voiced| voiced).unwrap_or(0);
                let before = onset.saturating_sub(spoken.span.start) * features.hop;
                let start_s = seconds(samples.len() + before);
                blocks.last_mut().into_iter().for_each(|last| last.end_s = start_s);
                blocks.push(Block { label, start_s, end_s: start_s });
            }
            samples.extend(speech_of(spoken, &paths[clip], features.hop)?);
        }
    }
    blocks.last_mut().into_iter().for_each(|last| last.end_s = seconds(samples.len()));
    samples.resize(samples.len() + TAIL_S * features.rate_hz as usize, 0.0);
    Ok((samples, blocks))
}

/// The label shown at the end of each hop from the first one on, with its time; while the engine
/// says `unknown`, the last label stands.
fn shown(
    samples: &[f32],
    card: &Card,
    config: &Config,
    model: &mut dyn Predict,
) -> Result<Vec<(f64, usize)>> {
    let mut config = config.clone();
    config.input.channels = 1;
    let unknown = card.labels.len();
    let mut engine = Engine::new(card.features.rate_hz, card, &config)?;
    let mut shown: Vec<(f64, usize)> = Vec::new();
    engine.step(samples, model, &mut |update: &Update| {
        let last = shown.last().map(|(_, label)| *label);
        let label = Some(update.top).filter(|&top| top != unknown).or(last);
        shown.extend(label.map(|label| (update.time_s, label)));
    });
    Ok(shown)
}

fn judge(shown: &[(f64, usize)], blocks: &[Block]) -> Tally {
    let mut tally = Tally::default();
    for (index, block) in blocks.iter().enumerate() {
        let inside = |time: f64| block.start_s <= time && time < block.end_s;
        let own: Vec<(f64, usize)> = shown.iter().copied().filter(|(t, _)| inside(*t)).collect();
        let before = shown.iter().rev().find(|(time, _)| *time < block.start_s);
        let mut last = before.map(|(_, label)| *label);
        let mut has_arrived = last == Some(block.label);
        for (_, label) in &own {
            let arrives = !has_arrived && *label == block.label;
            has_arrived |= arrives;
            tally.flips += usize::from(last.is_some_and(|last| last != *label) && !arrives);
            last = Some(*label);
        }
        tally.seconds += block.end_s - block.start_s;
        if index == 0 {
            tally.first_s.extend(shown.first().map(|(time_s, _)| time_s - block.start_s));
            continue; // nothing was there to switch from
        }
        tally.switches += 1;
        let found = own.iter().find(|(_, label)| *label == block.label);
        tally.delays_s.extend(found.map(|(time, _)| time - block.start_s));
    }
    tally
}

/// Keeps what the network says.
struct Recording<'a> {
    model: &'a mut Predictor,
    kept: &'a mut Vec<Prediction>,
}

impl Predict for Recording<'_> {
    fn predict(&mut self, features: &[f32], frames: usize) -> Prediction {
        let prediction = self.model.predict(features, frames);
        self.kept.push(prediction);
        prediction
    }
}

/// Says it again; the engine asks at the same times whatever the smoothing.
struct Replay<'a>(std::slice::Iter<'a, Prediction>);

impl Predict for Replay<'_> {
    fn predict(&mut self, _: &[f32], _: usize) -> Prediction {
        *self.0.next().expect("the engine asks as often as it did before")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Emotion 0 from 1 s to 4 s, emotion 1 from 4 s to 8 s.
    fn blocks() -> [Block; 2] {
        [Block { label: 0, start_s: 1.0, end_s: 4.0 }, Block { label: 1, start_s: 4.0, end_s: 8.0 }]
    }

    fn check(labels: &[usize], flips: usize, delays_s: &[f64]) {
        let shown: Vec<(f64, usize)> =
            labels.iter().enumerate().map(|(second, label)| (second as f64, *label)).collect();
        let first_s = vec![-1.0]; // the hop at 0 s
        let delays_s = delays_s.to_vec();
        let expected = Tally { flips, seconds: 7.0, switches: 1, delays_s, first_s };
        assert_eq!(judge(&shown, &blocks()), expected, "{labels:?}");
    }

    #[test]
    fn a_label_that_follows_the_voice_does_not_flip() {
        check(&[0, 0, 0, 0, 1, 1, 1, 1], 0, &[0.0]);
        check(&[0, 0, 0, 0, 0, 0, 1, 1], 0, &[2.0]);
    }

    #[test]
    fn every_other_change_is_a_flip() {
        check(&[0, 0, 2, 0, 0, 1, 1, 1], 2, &[1.0]);
        check(&[0, 0, 0, 0, 2, 1, 0, 1], 3, &[1.0]); // to 2, back to 0, to 1 again
    }

    #[test]
    fn a_change_that_is_never_heard_has_no_delay() {
        check(&[0, 0, 0, 0, 0, 0, 0, 0], 0, &[]);
        check(&[2, 2, 2, 2, 2, 2, 2, 2], 0, &[]);
    }
}
