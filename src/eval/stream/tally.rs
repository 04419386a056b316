//! A speaker whose emotion changes at known times, through the live engine: clips of one emotion
//! one after the other, then clips of the next. How restless the label is inside one emotion, and
//! how late it follows a change, for several settings of the smoothing. The network is asked once;
//! other settings hear the same answers again.

use std::path::PathBuf;

use anyhow::Result;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde::Serialize;

use crate::config::Config;
use crate::config::checked::Smooth;
use crate::engine::step::Engine;
use crate::eval::folds::listening::{Voices, speech_of};
use crate::messages::Update;
use crate::model::card::Card;
use crate::model::predictor::{Predict, Prediction, Predictor};
use crate::train::bank::progress_bar;

/// Clips of one emotion that follow each other.
const CLIPS_EACH: usize = 3;

/// Silence at the end, so that the last speech is finished.
const TAIL_S: usize = 1;

/// What all streams together came to with one smoothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Changes of the label inside one emotion, without the one that follows the voice.
    pub flips: usize,
    /// Time over which they were counted.
    pub seconds: f64,
    /// Times at which the emotion changed.
    pub switches: usize,
    /// Seconds until the label was right, for those switches after which it ever was.
    pub delays_s: Vec<f64>,
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
    }
}

/// How the label follows a voice whose emotion changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Following {
    pub flips_per_minute: f64,
    pub switches: usize,
    /// Share of the switches after which the label was right at any time.
    pub found: f64,
    /// Over those found.
    pub delay_median_s: Option<f64>,
    pub delay_p95_s: Option<f64>,
}

impl Following {
    pub fn new(tally: &Tally) -> Self {
        Self {
            flips_per_minute: tally.flips as f64 / (tally.seconds / 60.0).max(f64::MIN_POSITIVE),
            switches: tally.switches,
            found: tally.delays_s.len() as f64 / tally.switches.max(1) as f64,
            delay_median_s: quantile(&tally.delays_s, 50),
            delay_p95_s: quantile(&tally.delays_s, 95),
        }
    }
}

/// The smallest value that `percent` of the values do not exceed; none of none.
pub fn quantile(values: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() * percent).div_ceil(100);
    sorted.get(place.saturating_sub(1)).copied()
}

/// What all speakers came to, for each of these settings; all else as `defaults` has it.
pub fn tallies(
    voices: &Voices,
    paths: &[PathBuf],
    model: &mut Predictor,
    defaults: &Config,
    settings: &[Smooth],
) -> Result<Vec<Tally>> {
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
pub fn shown(
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
        let delays_s = delays_s.to_vec();
        let expected = Tally { flips, seconds: 7.0, switches: 1, delays_s };
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

    #[test]
    fn a_quantile_is_a_value_that_was_there() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(quantile(&values, 50), Some(3.0));
        assert_eq!(quantile(&values, 95), Some(5.0));
        assert_eq!(quantile(&[], 50), None);
    }

    #[test]
    fn streams_tell_flips_by_the_minute_and_delays_of_what_was_found() {
        let tally = Tally { flips: 6, seconds: 120.0, switches: 4, delays_s: vec![0.5, 1.5, 1.0] };
        let row = Following::new(&tally);
        assert_eq!((row.flips_per_minute, row.found), (3.0, 0.75));
        assert_eq!((row.delay_median_s, row.delay_p95_s), (Some(1.0), Some(1.5)));
    }
}
