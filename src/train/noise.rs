//! What is mixed in beside a voice, or takes its place: recordings by their kind, and crowds made
//! of the clips themselves.

use std::path::Path;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::features::FeatureSpec;
use crate::features::pitch::Voicing;
use crate::train::bands::{Bands, has_bands};
use crate::train::bank::{Prepared, prepare, progress_bar};
use crate::train::corpus::Clip;
use crate::train::held_out::is_test_noise;
use crate::train::left_out::LeftOut;
use crate::train::recipe::Recipe;
use crate::train::selection::Selection;

/// Voices of a crowd, as in babble noise: one alone is not to be followed any more.
const VOICES: std::ops::RangeInclusive<usize> = 4..=8;

/// Frames of a crowd: 10 s.
const CROWD_FRAMES: usize = 1000;

/// How far below the loudest a voice of a crowd is.
const BELOW_DB: std::ops::Range<f32> = 0.0..6.0;

/// Crowds are the same in each run of the same clips.
const SEED: u64 = 1;

/// Recordings of noise by their kind, without those that are kept for testing.
pub fn load_noise(clips: &[Clip], root: &Path, spec: &FeatureSpec) -> Result<Vec<Vec<Prepared>>> {
    let progress = progress_bar(clips.len(), "reading noise");
    let mut kinds: Vec<(&str, Vec<Prepared>)> = Vec::new();
    let mut left_out = LeftOut::default();
    for clip in clips.iter().filter(|clip| !is_test_noise(clip)) {
        progress.inc(1);
        let Some(samples) = left_out.read(root, &clip.path) else { continue };
        let prepared = prepare(&samples, spec)?;
        if prepared.bands.values.iter().sum::<f32>() <= 0.0 {
            continue;
        }
        match kinds.iter_mut().find(|(kind, _)| *kind == clip.corpus) {
            Some((_, recordings)) => recordings.push(prepared),
            None => kinds.push((&clip.corpus, vec![prepared])),
        }
    }
    progress.finish();
    left_out.tell();
    Ok(kinds.into_iter().map(|(_, recordings)| recordings).collect())
}

/// All there is to draw from.
#[derive(Clone, Default)]
pub struct Noise<'a> {
    kinds: Vec<&'a [Prepared]>,
    /// 0 draws recordings alike, 1 kinds alike.
    balance: f64,
}

impl<'a> Noise<'a> {
    pub fn new(recordings: &'a [Vec<Prepared>], crowds: &'a [Prepared], balance: f64) -> Self {
        let kinds = recordings.iter().map(Vec::as_slice).chain([crowds]);
        Self { kinds: kinds.filter(|kind| !kind.is_empty()).collect(), balance }
    }

    pub fn draw(&self, rng: &mut StdRng) -> Option<&'a Prepared> {
        let count: usize = self.kinds.iter().map(|kind| kind.len()).sum();
        if count == 0 {
            return None;
        }
        if rng.random_bool(self.balance) {
            let kind = self.kinds[rng.random_range(0..self.kinds.len())];
            return Some(&kind[rng.random_range(0..kind.len())]);
        }
        self.kinds.iter().copied().flatten().nth(rng.random_range(0..count))
    }
}

/// As many crowds as the recipe wants, of the selection's speakers.
pub fn crowds(selection: &Selection, recipe: &Recipe) -> Vec<Prepared> {
    if selection.speakers.is_empty() || !has_bands(&recipe.features) {
        return Vec::new();
    }
    let mut rng = StdRng::seed_from_u64(SEED);
    (0..recipe.crowds).map(|_| crowd(selection, recipe.features.mels, &mut rng)).collect()
}

/// Several speakers at once. Powers add up; of the pitch what is left of the loudest one's.
fn crowd(selection: &Selection, mels: usize, rng: &mut StdRng) -> Prepared {
    let mut values = vec![0.0; CROWD_FRAMES * mels];
    let mut loudest = vec![(0.0, Voicing::default()); CROWD_FRAMES];
    let mut level = None;
    for _ in 0..rng.random_range(VOICES) {
        let own = &selection.speakers[rng.random_range(0..selection.speakers.len())];
        let below = 10f32.powf(-rng.random_range(BELOW_DB) / 10.0);
        let mut time = 0;
        while time < CROWD_FRAMES {
            let clip = &selection.example(own[rng.random_range(0..own.len())]).takes[0];
            let level = *level.get_or_insert(clip.speech_power);
            let gain = below * level / clip.speech_power.max(f32::MIN_POSITIVE);
            for frame in clip.span.clone().take(CROWD_FRAMES - time) {
                let mut power = 0.0;
                let sums = &mut values[time * mels..][..mels];
                for (sum, value) in sums.iter_mut().zip(clip.bands.frame(frame)) {
                    *sum += gain * value;
                    power += gain * value;
                }
                if loudest[time].0 < power {
                    loudest[time] = (power, clip.voicing(frame));
                }
                time += 1;
            }
        }
    }
    let bands = Bands { mels, values };
    let mut all = 0.0;
    let mut left = |(frame, (own, pitch)): (&[f32], &(f32, Voicing))| {
        let power: f32 = frame.iter().sum();
        all += power;
        Voicing { strength: pitch.strength * own / power.max(f32::MIN_POSITIVE), ..*pitch }
    };
    let pitch = bands.values.chunks_exact(mels).zip(&loudest).map(&mut left).collect();
    let speech_power = all / CROWD_FRAMES as f32;
    let voiced = vec![true; CROWD_FRAMES];
    Prepared { bands, pitch, voiced, span: 0..CROWD_FRAMES, speech_power }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::bank::{Bank, Example};

    const MELS: usize = 8;

    fn sound(power: f32, frames: usize) -> Prepared {
        Prepared {
            bands: Bands { mels: MELS, values: vec![power; frames * MELS] },
            pitch: vec![Voicing { strength: 0.8, octaves: 0.5 }; frames],
            voiced: vec![true; frames],
            span: 0..frames,
            speech_power: power * MELS as f32,
        }
    }

    /// Of 1000 draws those that are of the first kind, which has one recording of ten.
    fn first(balance: f64) -> usize {
        let kinds = [vec![sound(1.0, 1)], vec![sound(2.0, 1); 9]];
        let noise = Noise::new(&kinds, &[], balance);
        let mut rng = StdRng::seed_from_u64(1);
        let drawn = (0..1000).filter_map(|_| noise.draw(&mut rng));
        drawn.filter(|drawn| drawn.bands.values[0] < 1.5).count()
    }

    #[test]
    fn recordings_or_kinds_come_alike() {
        assert!((70..130).contains(&first(0.0)), "{}", first(0.0));
        assert!((450..550).contains(&first(1.0)), "{}", first(1.0));
        assert!(Noise::default().draw(&mut StdRng::seed_from_u64(1)).is_none());
    }

    #[test]
    fn a_crowd_has_the_power_of_several_and_the_pitch_of_none() {
        // A soft speaker and a loud one: each is brought to the level of the first.
        let example = |speaker: usize, power| Example {
            clip: Clip {
                path: format!("{speaker}.wav").into(),
                corpus: "corpus".to_owned(),
                speaker: speaker.to_string(),
                emotion: "angry".to_owned(),
                licence: String::new(),
            },
            speaker,
            takes: vec![sound(power, 70)],
        };
        let bank = Bank {
            examples: vec![example(0, 1.0), example(1, 100.0)],
            speakers: vec!["0".to_owned(), "1".to_owned()],
            ..Bank::default()
        };
        let selection = Selection::new(&bank, &["angry".to_owned()], |_| true);
        let features = FeatureSpec { mels: MELS, coefficients: 4, ..FeatureSpec::default() };
        let recipe = Recipe { features, crowds: 20, ..Recipe::default() };
        let crowds = crowds(&selection, &recipe);
        assert_eq!(crowds.len(), 20);
        for crowd in &crowds {
            assert_eq!(crowd.bands.frames(), CROWD_FRAMES);
            let own = if 50.0 < crowd.speech_power { 800.0 } else { 8.0 };
            let voices = crowd.speech_power / own;
            assert!((1.0..=8.0).contains(&voices), "{voices} times the power of one");
            assert!(crowd.pitch.iter().all(|pitch| 0.05 < pitch.strength && pitch.strength < 0.6));
        }
    }
}
