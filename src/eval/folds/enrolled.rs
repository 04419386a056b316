//! T2 and T3: a speaker who has enrolled clips beforehand, which are not scored. The baseline hears
//! these first; in T2 the lean of the neutral voice is taken off, in T3 a few-shot head learns from
//! the clips. How much an enrolled neutral clip weighs, how much of the lean goes and how tight the
//! head's tether is: all is chosen on validation speakers, by the likelihood of what is right.
//!
//! Each scored clip stands alone against the enrolled baseline, so that T2 and T3 show what
//! enrolment gives and nothing of what T1 gives. A speaker with too few clips of an emotion enrols
//! fewer, so that one at least is left to score.

use std::ops::Range;

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::eval::clips::Tier;
use crate::eval::folds::answers::{Enrolled, Said};
use crate::eval::folds::listening::{Heard, Listening, seeds};
use crate::personal::few_shot::{Example, FewShot};
use crate::personal::lean::{Lean, usual};
use crate::personal::logarithms;
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

/// Shares of the lean that may be taken off.
const SHARES: [f32; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// Tethers of the few-shot head, from hardly any change to a loose one.
const TETHERS: [f32; 5] = [10.0, 1.0, 0.3, 0.1, 0.03];

/// Draws of the validation speakers' clips that a choice rests on: EmoDB has one such speaker.
const CHOICE_DRAWS: Range<u64> = 1..4;

/// T2 on the test speakers, set up on those of validation.
pub fn neutral_enrolled(test: &mut Listening, validation: &mut Listening) -> Result<Enrolled> {
    let labels = &test.model.card().labels;
    let neutral = labels
        .iter()
        .position(|label| label == NEUTRAL)
        .with_context(|| format!("T2 enrols {NEUTRAL} clips, but the labels have none"))?;
    let mut candidates = Vec::new();
    for weight in WEIGHTS {
        let lessons = drawn(|draw| after_neutral(validation, neutral, weight, draw))?;
        let others = usual(lessons.iter().flat_map(Lesson::said_to_enrolled));
        candidates.extend(SHARES.map(|share| {
            let figure = log_likelihood(validation, &upright(&lessons, &others, share));
            (figure, (weight, share, others.clone()))
        }));
    }
    let (weight, share, others) = highest(candidates);
    let draws = seeds(Tier::T2)
        .map(|draw| Ok(upright(&after_neutral(test, neutral, weight, draw)?, &others, share)))
        .collect::<Result<_>>()?;
    Ok(Enrolled { draws, chosen: vec![weight, share] })
}

/// T3 likewise.
pub fn few_shot(test: &mut Listening, validation: &mut Listening) -> Result<Enrolled> {
    let lessons = drawn(|draw| after_all(validation, draw))?;
    let tether =
        highest(TETHERS.map(|tether| {
            (log_likelihood(validation, &taught(&lessons, validation, tether)), tether)
        }));
    let draws = seeds(Tier::T3)
        .map(|draw| Ok(taught(&after_all(test, draw)?, test, tether)))
        .collect::<Result<_>>()?;
    Ok(Enrolled { draws, chosen: vec![tether] })
}

/// The candidate with the highest figure; the first of equals.
fn highest<T>(candidates: impl IntoIterator<Item = (f64, T)>) -> T {
    let higher = |best: (f64, T), next: (f64, T)| if best.0 < next.0 { next } else { best };
    candidates.into_iter().reduce(higher).expect("there is a candidate").1
}

/// The lessons that a choice rests on.
fn drawn(mut lessons: impl FnMut(u64) -> Result<Vec<Lesson>>) -> Result<Vec<Lesson>> {
    Ok(CHOICE_DRAWS.map(&mut lessons).collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// A speaker's enrolled clips as the network hears them, and all others.
struct Lesson {
    enrolled: Vec<Heard>,
    others: Vec<Heard>,
}

impl Lesson {
    fn said_to_enrolled(&self) -> impl Iterator<Item = &[f32]> {
        self.enrolled.iter().map(|heard| heard.said.probabilities.as_slice())
    }
}

/// One lesson a speaker, with so many frames to each enrolled neutral one.
fn after_neutral(
    listening: &mut Listening,
    neutral: usize,
    weight: f32,
    draw: u64,
) -> Result<Vec<Lesson>> {
    lessons(listening, &[neutral], NEUTRAL_CLIPS, weight, draw)
}

/// One lesson a speaker, of clips of each label.
fn after_all(listening: &mut Listening, draw: u64) -> Result<Vec<Lesson>> {
    let labels: Vec<usize> = (0..listening.model.card().labels.len()).collect();
    lessons(listening, &labels, CLIPS_EACH, 1.0, draw)
}

fn lessons(
    listening: &mut Listening,
    labels: &[usize],
    count: usize,
    weight: f32,
    draw: u64,
) -> Result<Vec<Lesson>> {
    let mut rng = StdRng::seed_from_u64(draw);
    let mut lessons = Vec::new();
    let progress = progress_bar(listening.voices.clips.len(), "enrolled speakers");
    for own in &listening.voices.speakers {
        let draw_label = |&label| draw_clips(listening, own, label, count, &mut rng);
        let enrolled: Vec<usize> = labels.iter().flat_map(draw_label).collect();
        let baseline = enrol(listening, &enrolled, weight);
        let mut lesson = Lesson { enrolled: Vec::new(), others: Vec::new() };
        for &clip in own {
            let heard = listening.hear(clip, &mut baseline.clone())?;
            match enrolled.contains(&clip) {
                true => lesson.enrolled.push(heard),
                false => lesson.others.push(heard),
            }
        }
        lessons.push(lesson);
        progress.inc(own.len() as u64);
    }
    progress.finish_and_clear();
    Ok(lessons)
}

/// The answers without a share of each speaker's lean.
fn upright(lessons: &[Lesson], others: &[f32], share: f32) -> Vec<Said> {
    let of_speaker = |lesson: &Lesson| {
        let lean = Lean::new(&usual(lesson.said_to_enrolled()), others);
        changed(&lesson.others, |heard| lean.without(&heard.said.probabilities, share))
    };
    lessons.iter().flat_map(of_speaker).collect()
}

/// The answers after each speaker's head has learnt.
fn taught(lessons: &[Lesson], listening: &Listening, tether: f32) -> Vec<Said> {
    let of_speaker = |lesson: &Lesson| {
        let example = |heard: &Heard| Example {
            label: listening.voices.clips[heard.said.clip].label,
            weight: 1.0,
            probabilities: heard.said.probabilities.clone(),
            embedding: heard.embedding.clone(),
        };
        let examples: Vec<Example> = lesson.enrolled.iter().map(example).collect();
        let head = FewShot::learn(&examples, tether);
        changed(&lesson.others, |heard| head.adapt(&heard.said.probabilities, &heard.embedding))
    };
    lessons.iter().flat_map(of_speaker).collect()
}

/// The answers with other probabilities.
fn changed(heard: &[Heard], probabilities: impl Fn(&Heard) -> Vec<f32>) -> Vec<Said> {
    let said = |heard: &Heard| Said { probabilities: probabilities(heard), ..heard.said.clone() };
    heard.iter().map(said).collect()
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
        let label = listening.voices.clips[said.clip].label;
        f64::from(logarithms(&said.probabilities)[label])
    };
    said.iter().map(of).sum::<f64>() / said.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_candidate_is_chosen_and_the_first_of_equals() {
        let squares = WEIGHTS.map(|weight| (-f64::from((weight - 2.0).powi(2)), weight));
        assert_eq!(highest(squares), 2.0);
        assert_eq!(highest(WEIGHTS.map(|weight| (1.0, weight))), 1.0);
    }
}
