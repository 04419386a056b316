//! T2 and T3: a speaker who has enrolled clips beforehand. The baseline hears these first, and in
//! T3 a few-shot head learns from them; they are not scored. How much an enrolled neutral clip
//! weighs and how far the head is trusted is chosen on validation speakers, by the likelihood of
//! the right label there.
//!
//! Each scored clip stands alone against the enrolled baseline, so that T2 and T3 show what
//! enrolment gives and nothing of what T1 gives. A speaker with too few clips of an emotion enrols
//! fewer, so that one at least is left to score.

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::eval::clips::Tier;
use crate::eval::folds::answers::{Enrolled, Said};
use crate::eval::folds::listening::{Listening, seeds};
use crate::personal::few_shot::FewShot;
use crate::personal::normaliser::Normaliser;
use crate::train::bank::progress_bar;

/// The label whose clips T2 enrols.
const NEUTRAL: &str = "neutral";

/// Neutral clips that T2 enrols.
const NEUTRAL_CLIPS: usize = 2;

/// Clips of each emotion that T3 enrols.
const CLIPS_EACH: usize = 3;

/// How many frames an enrolled neutral frame may count for; 1 is as if it had been overheard.
const WEIGHTS: [f32; 4] = [1.0, 2.0, 4.0, 8.0];

/// How far a likeness may move the logarithm of a probability.
const SCALES: [f32; 6] = [0.0, 1.0, 2.0, 3.0, 4.0, 6.0];

/// Floor under a probability before its logarithm.
const PROBABILITY_MIN: f32 = 1e-6;

/// T2 on the test speakers, set up on those of validation.
pub fn neutral_enrolled(test: &mut Listening, validation: &mut Listening) -> Result<Enrolled> {
    let labels = &test.model.card().labels;
    let neutral = labels
        .iter()
        .position(|label| label == NEUTRAL)
        .with_context(|| format!("T2 enrols {NEUTRAL} clips, but the labels have none"))?;
    let chosen = choose(&WEIGHTS, |weight| {
        let said = after_neutral(validation, neutral, weight, 1)?;
        Ok(log_likelihood(validation, &said))
    })?;
    let draws = seeds(Tier::T2)
        .map(|draw| after_neutral(test, neutral, chosen, draw))
        .collect::<Result<_>>()?;
    Ok(Enrolled { draws, chosen })
}

/// T3 likewise.
pub fn few_shot(test: &mut Listening, validation: &mut Listening) -> Result<Enrolled> {
    let answers = after_all(validation, 1)?;
    let chosen =
        choose(&SCALES, |scale| Ok(log_likelihood(validation, &adapted(&answers, scale))))?;
    let draws = seeds(Tier::T3)
        .map(|draw| Ok(adapted(&after_all(test, draw)?, chosen)))
        .collect::<Result<_>>()?;
    Ok(Enrolled { draws, chosen })
}

/// The candidate with the highest figure; the first of equals.
fn choose(candidates: &[f32], mut figure: impl FnMut(f32) -> Result<f64>) -> Result<f32> {
    let mut best = (candidates[0], figure(candidates[0])?);
    for &candidate in &candidates[1..] {
        let found = figure(candidate)?;
        if best.1 < found {
            best = (candidate, found);
        }
    }
    Ok(best.0)
}

fn after_neutral(
    listening: &mut Listening,
    neutral: usize,
    weight: f32,
    draw: u64,
) -> Result<Vec<Said>> {
    let mut rng = StdRng::seed_from_u64(draw);
    let mut said = Vec::new();
    let progress = progress_bar(listening.voices.clips.len(), "T2");
    for own in &listening.voices.speakers {
        let enrolled = draw_clips(listening, own, neutral, NEUTRAL_CLIPS, &mut rng);
        let baseline = enrol(listening, &enrolled, weight);
        for &clip in own.iter().filter(|clip| !enrolled.contains(clip)) {
            said.push(listening.hear(clip, &mut baseline.clone())?.said);
        }
        progress.inc(own.len() as u64);
    }
    progress.finish_and_clear();
    Ok(said)
}

/// What the network says to a clip, and what the speaker's enrolled clips make of it.
struct Taught {
    said: Said,
    embedding: Vec<f32>,
    /// One a speaker, shared by the clips; index into it below.
    speaker: usize,
}

struct Lesson {
    heads: Vec<FewShot>,
    taught: Vec<Taught>,
}

fn after_all(listening: &mut Listening, draw: u64) -> Result<Lesson> {
    let labels = listening.model.card().labels.len();
    let mut rng = StdRng::seed_from_u64(draw);
    let mut lesson = Lesson { heads: Vec::new(), taught: Vec::new() };
    let progress = progress_bar(listening.voices.clips.len(), "T3");
    for (speaker, own) in listening.voices.speakers.iter().enumerate() {
        let draw_label = |label| draw_clips(listening, own, label, CLIPS_EACH, &mut rng);
        let enrolled: Vec<usize> = (0..labels).flat_map(draw_label).collect();
        let baseline = enrol(listening, &enrolled, 1.0);
        let examples = enrolled
            .iter()
            .map(|&clip| {
                let heard = listening.hear(clip, &mut baseline.clone())?;
                Ok((listening.voices.clips[clip].label, heard.embedding))
            })
            .collect::<Result<Vec<_>>>()?;
        lesson.heads.push(FewShot::new(&examples, labels));
        for &clip in own.iter().filter(|clip| !enrolled.contains(clip)) {
            let heard = listening.hear(clip, &mut baseline.clone())?;
            lesson.taught.push(Taught { said: heard.said, embedding: heard.embedding, speaker });
        }
        progress.inc(own.len() as u64);
    }
    progress.finish_and_clear();
    Ok(lesson)
}

fn adapted(lesson: &Lesson, scale: f32) -> Vec<Said> {
    let adapt = |taught: &Taught| {
        let Taught { said, embedding, speaker } = taught;
        let probabilities = lesson.heads[*speaker].adapt(&said.probabilities, embedding, scale);
        Said { probabilities, ..said.clone() }
    };
    lesson.taught.iter().map(adapt).collect()
}

/// Up to `count` clips of a label, one at least left over.
fn draw_clips(
    listening: &Listening,
    own: &[usize],
    label: usize,
    count: usize,
    rng: &mut StdRng,
) -> Vec<usize> {
    let mut alike: Vec<usize> = own.to_vec();
    alike.retain(|&clip| listening.voices.clips[clip].label == label);
    alike.shuffle(rng);
    alike.truncate(count.min(alike.len().saturating_sub(1)));
    alike
}

/// The baseline after the voiced frames of these clips, each of which counts `weight` times.
fn enrol(listening: &Listening, clips: &[usize], weight: f32) -> Normaliser {
    let coefficients = listening.model.card().features.rows();
    let mut normaliser = listening.stranger();
    for clip in clips.iter().map(|&clip| &listening.voices.clips[clip]) {
        let rows = clip.rows.chunks_exact(coefficients).zip(&clip.voiced);
        rows.filter(|(_, voiced)| **voiced)
            .for_each(|(row, _)| normaliser.observe_weighted(row, weight));
    }
    normaliser
}

/// Mean over the answers.
fn log_likelihood(listening: &Listening, said: &[Said]) -> f64 {
    let of = |said: &Said| {
        let right = said.probabilities[listening.voices.clips[said.clip].label];
        f64::from(right.max(PROBABILITY_MIN).ln())
    };
    said.iter().map(of).sum::<f64>() / said.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_candidate_is_chosen_and_the_first_of_equals() {
        let squares = |candidate: f32| Ok(-f64::from((candidate - 2.0).powi(2)));
        assert_eq!(choose(&WEIGHTS, squares).unwrap(), 2.0);
        assert_eq!(choose(&WEIGHTS, |_| Ok(0.0)).unwrap(), 1.0);
    }
}
