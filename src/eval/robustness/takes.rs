//! Which clips the card is about: chosen evenly over speakers and emotions, in memory, with the
//! stretch in which somebody speaks. Also whose voices babble instead of being scored.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::features::FeatureSpec;
use crate::train::bank::{Speech, read_sound};
use crate::train::corpus::{Clip, sound_path};

/// A clip in memory.
#[derive(Clone, Debug)]
pub struct Take {
    /// `corpus:speaker`.
    pub speaker: String,
    pub label: usize,
    /// At the analysis rate.
    pub samples: Vec<f32>,
    /// Samples from the first to the last voiced frame, with the live margin.
    pub span: Range<usize>,
}

impl Take {
    pub fn read(clip: &Clip, label: usize, root: &Path, spec: &FeatureSpec) -> Result<Self> {
        let Some(path) = sound_path(root, &clip.path) else {
            bail!("{} has no {} in any format read", root.display(), clip.path.display());
        };
        let samples = read_sound(&path).with_context(|| format!("in {}", path.display()))?;
        let frames = Speech::of(&samples, spec).span;
        let span = frames.start * spec.hop..frames.end * spec.hop;
        Ok(Self { speaker: clip.speaker_key(), label, samples, span })
    }
}

/// At most `count` clips, as evenly as can be from each speaker and emotion.
pub fn choose<'a>(clips: &[&'a Clip], count: usize, seed: u64) -> Vec<&'a Clip> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut groups: BTreeMap<(String, &str), Vec<&Clip>> = BTreeMap::new();
    for clip in clips {
        groups.entry((clip.speaker_key(), &clip.emotion)).or_default().push(clip);
    }
    let mut groups: Vec<Vec<&Clip>> = groups.into_values().collect();
    groups.iter_mut().for_each(|group| group.shuffle(&mut rng));
    groups.shuffle(&mut rng);
    let longest = groups.iter().map(Vec::len).max().unwrap_or(0);
    let rounds = (0..longest).flat_map(|round| groups.iter().filter_map(move |g| g.get(round)));
    rounds.take(count).copied().collect()
}

/// Voices of a babble.
pub const BABBLE_SPEAKERS: usize = 6;

/// Speakers that must be left to be scored.
const SCORED_MIN: usize = 6;

/// Six speakers of the corpus that has most, evenly spaced by name; they are not scored. None if
/// too few would be left.
pub fn babble_speakers(clips: &[&Clip]) -> BTreeSet<String> {
    let mut corpora: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for clip in clips {
        corpora.entry(&clip.corpus).or_default().insert(clip.speaker_key());
    }
    let Some(speakers) = corpora.into_values().max_by_key(BTreeSet::len) else {
        return BTreeSet::new();
    };
    let count = speakers.len();
    if count < BABBLE_SPEAKERS + SCORED_MIN {
        return BTreeSet::new();
    }
    let is_taken = |index: &usize| {
        (0..BABBLE_SPEAKERS).any(|place| (place + 1) * count / BABBLE_SPEAKERS == index + 1)
    };
    speakers.into_iter().enumerate().filter(|(index, _)| is_taken(index)).map(|(_, s)| s).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(speaker: usize, emotion: &str, take: usize) -> Clip {
        Clip {
            path: format!("{speaker}/{emotion}{take}.opus").into(),
            corpus: "cremad".to_owned(),
            speaker: format!("{speaker:02}"),
            emotion: emotion.to_owned(),
            licence: String::new(),
        }
    }

    /// Three speakers with four clips of each emotion, but a single sad one of the last.
    fn clips() -> Vec<Clip> {
        let pairs = (0..3).flat_map(|speaker| ["angry", "sad"].map(|emotion| (speaker, emotion)));
        let takes = |pair: &(usize, &str)| if *pair == (2, "sad") { 1 } else { 4 };
        pairs
            .flat_map(|pair| (0..takes(&pair)).map(move |take| clip(pair.0, pair.1, take)))
            .collect()
    }

    #[test]
    fn each_speaker_and_emotion_has_its_share() {
        let clips = clips();
        let all: Vec<&Clip> = clips.iter().collect();
        let chosen = choose(&all, 11, 1);
        for speaker in ["00", "01", "02"] {
            for emotion in ["angry", "sad"] {
                let own = chosen.iter().filter(|c| c.speaker == speaker && c.emotion == emotion);
                let expected = if (speaker, emotion) == ("02", "sad") { 1 } else { 2 };
                assert_eq!(own.count(), expected, "{speaker} {emotion}");
            }
        }
        let paths = |clips: &[&Clip]| clips.iter().map(|c| c.path.clone()).collect::<Vec<_>>();
        assert_eq!(paths(&choose(&all, 11, 1)), paths(&chosen));
        assert_ne!(paths(&choose(&all, 11, 2)), paths(&chosen));
        assert_eq!(choose(&all, 100, 1).len(), clips.len());
    }

    #[test]
    fn every_third_of_eighteen_speakers_babbles() {
        let clips: Vec<Clip> = (1..=18).map(|speaker| clip(speaker, "sad", 0)).collect();
        let all: Vec<&Clip> = clips.iter().collect();
        let expected = ["03", "06", "09", "12", "15", "18"].map(|name| format!("cremad:{name}"));
        assert_eq!(babble_speakers(&all), expected.into());
        assert!(babble_speakers(&all[..11]).is_empty());
        assert!(babble_speakers(&[]).is_empty());
    }
}
