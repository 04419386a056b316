//! Clips as the live engine hears them: its front end, its causal baseline, its window lengths.
//! An answer about a clip is the mean over its windows. Knows nothing of figures.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde::Serialize;

use crate::engine::history::History;
use crate::eval::metrics::Answer;
use crate::features::FeatureSpec;
use crate::features::front_end::front_end;
use crate::messages::Dimensions;
use crate::model::card::Card;
use crate::model::predictor::{Predict, window_frames};
use crate::personal::normaliser::Normaliser;
use crate::train::bank::{prepare, progress_bar, read_sound};
use crate::train::corpus::{Clip, sound_path};

/// Longest time between the ends of two windows of a clip.
const STEP_S: f32 = 0.5;

/// What is known of a speaker beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Tier {
    /// Nothing: each clip comes from a new speaker.
    T0,
    /// The running mean of the same speaker's earlier clips.
    T1,
}

impl Tier {
    /// Random orders of the clips that the scores are a mean over.
    pub fn orders(self) -> usize {
        match self {
            Self::T0 => 1, // the order changes nothing
            Self::T1 => 5,
        }
    }

    pub fn what_is_known(self) -> &'static str {
        match self {
            Self::T0 => "nothing is known of the speaker, each clip stands alone",
            Self::T1 => "the causal running mean of the speaker's earlier clips, 5 random orders",
        }
    }
}

/// A clip as feature frames.
#[derive(Clone, Debug)]
struct Spoken {
    label: usize,
    /// Coefficients of one frame after the other.
    rows: Vec<f32>,
    voiced: Vec<bool>,
    /// From the first to the last voiced frame, with the live margin.
    span: Range<usize>,
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
            let spoken = Spoken::read(&path, &card.features, label)
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
                        normaliser.reset(&card.normaliser);
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
    fn read(path: &Path, spec: &FeatureSpec, label: usize) -> Result<Self> {
        let samples = read_sound(path)?;
        let prepared = prepare(&samples, spec);
        let mut front_end = front_end(spec)?;
        let mut rows = vec![0.0; prepared.voiced.len() * spec.coefficients];
        let hops = samples.chunks_exact(spec.hop);
        for (hop, row) in hops.zip(rows.chunks_exact_mut(spec.coefficients)) {
            front_end.process(hop, row);
        }
        Ok(Self { label, rows, voiced: prepared.voiced, span: prepared.span })
    }
}

/// Windows of a clip, all of one length.
#[derive(Debug, PartialEq)]
struct Windows {
    length: usize,
    /// Frame after each window's last.
    ends: Vec<usize>,
}

/// Hears clips frame by frame and asks the model at each window's end.
struct Listener {
    coefficients: usize,
    labels: usize,
    shortest: usize,
    longest: usize,
    step: usize,
    features: Vec<f32>,
}

impl Listener {
    fn new(card: &Card) -> Self {
        let [shortest, longest] = card.window_feature_frames();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "half of the frames per second, which the card's check keeps small"
        )]
        let step = (STEP_S * card.features.frames_per_s()).round() as usize;
        Self {
            coefficients: card.features.coefficients,
            labels: card.labels.len(),
            shortest,
            longest,
            step: step.max(1),
            features: Vec::new(),
        }
    }

    /// The baseline hears the clip's voiced frames as they pass, so each window is seen against
    /// what was heard up to its end and no more.
    fn answer(
        &mut self,
        clip: &Spoken,
        speaker: usize,
        normaliser: &mut Normaliser,
        model: &mut dyn Predict,
    ) -> Result<Answer> {
        let windows = self.windows(&clip.span);
        let mut history = History::new(self.coefficients, windows.length);
        let mut probabilities = vec![0.0; self.labels];
        let mut dimensions = [0.0; 3];
        let mut ends = windows.ends.iter().copied().peekable();
        for (index, row) in clip.rows.chunks_exact(self.coefficients).enumerate() {
            history.push(row);
            if clip.voiced[index] {
                normaliser.observe(row);
            }
            if ends.next_if_eq(&(index + 1)).is_none() {
                continue;
            }
            history.window(windows.length, 0, normaliser, &mut self.features);
            let prediction = model.predict(&self.features, windows.length);
            let share = 1.0 / windows.ends.len() as f32;
            for (sum, value) in probabilities.iter_mut().zip(&prediction.probabilities) {
                *sum += share * value;
            }
            for (sum, value) in dimensions.iter_mut().zip(&prediction.dimensions) {
                *sum += share * value;
            }
        }
        if probabilities.iter().chain(&dimensions).any(|value| !value.is_finite()) {
            bail!("the model's answer to a clip is no number; its weights are damaged");
        }
        let [arousal, valence, dominance] = dimensions;
        let dimensions = Dimensions { arousal, valence, dominance };
        Ok(Answer { speaker, label: clip.label, probabilities, dimensions })
    }

    /// As long as the live engine would ask about at the end of `span`, from its beginning to its
    /// end, a step apart at most. Speech shorter than the shortest window is filled up with what
    /// came before, as live, or else with what follows.
    fn windows(&self, span: &Range<usize>) -> Windows {
        let Some(length) = window_frames(span.len(), self.shortest, self.longest) else {
            let end = span.end.max(self.shortest);
            return Windows { length: self.shortest, ends: vec![end] };
        };
        let mut ends: Vec<usize> = (span.start + length..span.end).step_by(self.step).collect();
        ends.push(span.end);
        Windows { length, ends }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::card::{LABELS_MAX, NormaliserSpec};
    use crate::model::predictor::Prediction;

    /// Keeps what it was asked and always says the same.
    #[derive(Default)]
    struct Recorder(Vec<Vec<f32>>);

    impl Predict for Recorder {
        fn predict(&mut self, features: &[f32], _: usize) -> Prediction {
            self.0.push(features.to_vec());
            let mut probabilities = [0.0; LABELS_MAX];
            probabilities[..2].copy_from_slice(&[0.25, 0.75]);
            Prediction { probabilities, dimensions: [0.5; 3] }
        }
    }

    fn listener() -> Listener {
        let features = Vec::new();
        Listener { coefficients: 1, labels: 2, shortest: 5, longest: 30, step: 5, features }
    }

    fn normaliser() -> Normaliser {
        Normaliser::new(&NormaliserSpec {
            mean: vec![0.0],
            deviation: vec![1.0],
            prior_frames: 10.0,
            prior_level_frames: 10.0,
            memory_frames: 1000.0,
        })
    }

    fn spoken(rows: Vec<f32>, span: Range<usize>) -> Spoken {
        let voiced = (0..rows.len()).map(|index| span.contains(&index)).collect();
        Spoken { label: 0, rows, voiced, span }
    }

    fn check(span: Range<usize>, length: usize, ends: &[usize]) {
        assert_eq!(listener().windows(&span), Windows { length, ends: ends.to_vec() }, "{span:?}");
    }

    #[test]
    fn windows_reach_from_the_first_frame_of_speech_to_the_last() {
        check(10..40, 30, &[40]);
        check(10..34, 20, &[30, 34]);
        check(10..52, 30, &[40, 45, 50, 52]);
    }

    #[test]
    fn short_speech_is_filled_up_with_what_came_before() {
        check(10..13, 5, &[13]);
        check(0..3, 5, &[5]);
    }

    #[test]
    fn nothing_after_its_end_changes_a_window() {
        let ask = |rows: Vec<f32>| {
            let mut model = Recorder::default();
            listener().answer(&spoken(rows, 0..34), 0, &mut normaliser(), &mut model).unwrap();
            model.0
        };
        let rows: Vec<f32> = (0..34u8).map(f32::from).collect();
        let mut changed = rows.clone();
        changed[30..].fill(-99.0);
        let (before, after) = (ask(rows), ask(changed));
        assert_eq!(before.len(), 2); // ends at 30 and 34
        assert_eq!(before[0], after[0]);
        assert_ne!(before[1], after[1]);
    }

    #[test]
    fn the_baseline_stays_with_the_speaker_and_hears_speech_only() {
        let mut model = Recorder::default();
        let mut baseline = normaliser();
        let mut rows = vec![500.0; 40];
        rows[10..20].fill(4.0);
        let clip = spoken(rows, 10..20);
        for _ in 0..2 {
            let answer = listener().answer(&clip, 0, &mut baseline, &mut model).unwrap();
            assert_eq!(answer.top(), (1, 0.75));
        }
        // Ten frames of prior 0, ten of 4: baseline 2. Twenty of 4: 8/3.
        assert!((model.0[0][0] - 2.0).abs() < 1e-5);
        assert!((model.0[1][0] - 4.0 / 3.0).abs() < 1e-5);
    }
}
