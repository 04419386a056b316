//! Clips by speaker, and what is known of a speaker beforehand. What a model says about one clip
//! is left to `listener`; knows nothing of figures.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::eval::listener::Listener;
use crate::eval::metrics::Answer;
use crate::features::FeatureSpec;
use crate::features::front_end::front_end;
use crate::model::card::Card;
use crate::model::predictor::Predict;
use crate::personal::normaliser::Normaliser;
use crate::train::bank::{Speech, progress_bar, read_sound};
use crate::train::corpus::{Clip, sound_path};

/// What is known of a speaker beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub enum Tier {
    /// Nothing: each clip comes from a new speaker.
    T0,
    /// The running mean of the same speaker's earlier clips.
    T1,
    /// Two neutral clips.
    T2,
    /// Three labelled clips of each emotion.
    T3,
}

impl Tier {
    /// Random orders of the clips, or draws of those enrolled, that the scores are a mean over.
    pub fn orders(self) -> usize {
        match self {
            Self::T0 => 1, // the order changes nothing
            Self::T1 | Self::T2 | Self::T3 => 5,
        }
    }

    pub fn what_is_known(self) -> &'static str {
        match self {
            Self::T0 => "nothing is known of the speaker, each clip stands alone",
            Self::T1 => "the causal running mean of the speaker's earlier clips, 5 random orders",
            Self::T2 => "two neutral clips of the speaker, not scored, 5 random draws",
            Self::T3 => "three labelled clips of each emotion, not scored, 5 random draws",
        }
    }
}

/// A clip as feature frames.
#[derive(Clone, Debug)]
pub struct Spoken {
    pub label: usize,
    /// Coefficients of one frame after the other.
    pub rows: Vec<f32>,
    pub voiced: Vec<bool>,
    /// From the first to the last voiced frame, with the live margin.
    pub span: Range<usize>,
}

/// Clips that are not scored, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Emotions that the model has no label for, with their clips.
    pub other_emotions: BTreeMap<String, usize>,
    /// Clips shorter than the shortest window.
    pub too_short: usize,
}

/// Clips to score, by speaker.
#[derive(Debug, Default)]
pub struct Voices {
    speakers: Vec<Vec<Spoken>>,
    pub left_out: LeftOut,
}

impl Voices {
    /// Reads `clips` as the model of `card` wants them; which of them cannot be scored is counted.
    pub fn load(clips: &[&Clip], root: &Path, card: &Card) -> Result<Self> {
        let [shortest, _] = card.window_feature_frames();
        let mut left_out = LeftOut::default();
        let mut speakers: BTreeMap<String, Vec<Spoken>> = BTreeMap::new();
        let progress = progress_bar(clips.len(), "reading clips");
        for clip in clips {
            progress.inc(1);
            let Some(label) = card.labels.iter().position(|label| *label == clip.emotion) else {
                *left_out.other_emotions.entry(clip.emotion.clone()).or_default() += 1;
                continue;
            };
            let Some(path) = sound_path(root, &clip.path) else {
                bail!("{} has no {} in any format read", root.display(), clip.path.display());
            };
            let spoken = read_sound(&path)
                .and_then(|samples| Spoken::from_samples(&samples, &card.features, label))
                .with_context(|| format!("in {}", path.display()))?;
            if spoken.voiced.len() < shortest {
                left_out.too_short += 1;
                continue;
            }
            speakers.entry(clip.speaker_key()).or_default().push(spoken);
        }
        progress.finish_and_clear();
        Ok(Self { speakers: speakers.into_values().collect(), left_out })
    }

    /// Sounds that are in memory: speaker, label and samples at the analysis rate, each at least as
    /// long as the shortest window. Answers come in the order of the speakers' names; sounds of the
    /// same speakers in the same order are answered in the same order.
    pub fn from_samples<'a>(
        sounds: impl IntoIterator<Item = (&'a str, usize, Vec<f32>)>,
        card: &Card,
    ) -> Result<Self> {
        let mut speakers: BTreeMap<&str, Vec<Spoken>> = BTreeMap::new();
        for (speaker, label, samples) in sounds {
            let spoken = Spoken::from_samples(&samples, &card.features, label)?;
            speakers.entry(speaker).or_default().push(spoken);
        }
        let left_out = LeftOut::default();
        Ok(Self { speakers: speakers.into_values().collect(), left_out })
    }

    pub fn speakers(&self) -> usize {
        self.speakers.len()
    }

    pub fn clips(&self) -> usize {
        self.speakers.iter().map(Vec::len).sum()
    }

    /// Answers about all clips, once per order of the tier.
    pub fn score(
        &self,
        model: &mut dyn Predict,
        card: &Card,
        tier: Tier,
    ) -> Result<Vec<Vec<Answer>>> {
        if !matches!(tier, Tier::T0 | Tier::T1) {
            bail!("{tier:?} needs clips to be enrolled; `affectd eval folds` scores it");
        }
        let mut listener = Listener::new(card);
        let progress = progress_bar(self.clips() * tier.orders(), "scoring clips");
        let mut orders = Vec::with_capacity(tier.orders());
        for order in 1..=tier.orders() {
            let mut rng = StdRng::seed_from_u64(order as u64);
            let mut answers = Vec::with_capacity(self.clips());
            for (speaker, clips) in self.speakers.iter().enumerate() {
                let mut shuffled: Vec<&Spoken> = clips.iter().collect();
                shuffled.shuffle(&mut rng);
                let mut normaliser = Normaliser::new(&card.normaliser);
                for clip in shuffled {
                    if tier == Tier::T0 {
                        normaliser.reset();
                    }
                    answers.push(listener.answer(clip, speaker, &mut normaliser, model)?);
                    progress.inc(1);
                }
            }
            orders.push(answers);
        }
        progress.finish_and_clear();
        Ok(orders)
    }
}

impl Spoken {
    pub fn from_samples(samples: &[f32], spec: &FeatureSpec, label: usize) -> Result<Self> {
        let Speech { voiced, span } = Speech::of(samples, spec);
        let mut front_end = front_end(spec)?;
        let mut rows = vec![0.0; voiced.len() * spec.rows()];
        let hops = samples.chunks_exact(spec.hop);
        for (hop, row) in hops.zip(rows.chunks_exact_mut(spec.rows())) {
            front_end.process(hop, row);
        }
        Ok(Self { label, rows, voiced, span })
    }

    /// What is shorter goes on as it ends, unvoiced.
    pub fn fill_up_to(&mut self, frames: usize) {
        let coefficients = self.rows.len() / self.voiced.len().max(1);
        while self.voiced.len() < frames && 0 < coefficients {
            self.rows.extend_from_within(self.rows.len() - coefficients..);
            self.voiced.push(false);
        }
    }
}
