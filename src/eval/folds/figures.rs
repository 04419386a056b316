//! Figures over all folds and seeds of a corpus. Pure functions over answers; which answers belong
//! together is decided in `report`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::eval::folds::crowd::{jensen_shannon, plurality};
use crate::eval::metrics::{
    Answer, Confusion, Signs, brier, calibration_error, deviation, speaker_interval, ua_at_coverage,
};
use crate::train::votes::Votes;

/// Answers of one fold and one seed, all orders or draws together.
pub type Run = Vec<Answer>;

/// One line of the headline, shares as 0..1.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Row {
    pub who: String,
    /// What is known of the speaker, or of the split.
    pub tier: String,
    /// Mean and standard deviation of the UA over folds and seeds.
    pub ua: f64,
    pub ua_deviation: Option<f64>,
    /// UA over all answers together, and 95 % of it over speakers drawn anew.
    pub ua_pooled: Option<f64>,
    pub ua_interval: Option<[f64; 2]>,
    pub wa: Option<f64>,
    /// Only of those who tell probabilities.
    pub sureness: Option<Sureness>,
    pub ms_per_3s: Option<f64>,
    /// Folds times seeds that it is a mean over.
    pub runs: usize,
    pub command: String,
}

/// What the probabilities and coordinates are worth.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Sureness {
    pub ece: f64,
    pub brier: f64,
    pub ua_surest_80: f64,
    pub ua_surest_50: f64,
    #[serde(flatten)]
    pub signs: Signs,
}

impl Row {
    /// None without a run.
    pub fn new(who: &str, tier: &str, runs: &[Run], labels: &[String]) -> Option<Self> {
        let uas: Vec<f64> = runs.iter().map(|run| Confusion::of(run, labels.len()).ua()).collect();
        let all = runs.concat();
        let confusion = Confusion::of(&all, labels.len());
        (!runs.is_empty()).then(|| Self {
            who: who.to_owned(),
            tier: tier.to_owned(),
            ua: mean(&uas),
            ua_deviation: deviation(&uas),
            ua_pooled: Some(confusion.ua()),
            ua_interval: speaker_interval(&all, labels.len()),
            wa: Some(confusion.wa()),
            sureness: None,
            ms_per_3s: None,
            runs: runs.len(),
            command: String::new(),
        })
    }
}

impl Sureness {
    pub fn new(runs: &[Run], labels: &[String]) -> Self {
        let all = runs.concat();
        Self {
            ece: calibration_error(&all),
            brier: brier(&all),
            ua_surest_80: ua_at_coverage(&all, labels.len(), 80),
            ua_surest_50: ua_at_coverage(&all, labels.len(), 50),
            signs: Signs::new(&all, labels),
        }
    }
}

/// Against what most listeners heard.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct CrowdRow {
    pub who: String,
    pub tier: String,
    /// Clips with a single most frequent vote, once each however often they were answered.
    pub clips: usize,
    pub ua: f64,
    pub ua_interval: Option<[f64; 2]>,
    /// Mean Jensen-Shannon divergence to the votes, in bits, over all clips with votes.
    pub divergence: Option<f64>,
}

impl CrowdRow {
    /// From answers with their clips' paths. None if no clip has votes.
    pub fn new(
        [who, tier]: [&str; 2],
        answers: &[(&str, &Answer)],
        votes: &Votes,
        labels: &[String],
        tells_probabilities: bool,
    ) -> Option<Self> {
        let mut heard = Vec::new();
        let mut clips = BTreeSet::new();
        let mut divergences = Vec::new();
        for (path, answer) in answers {
            let Some(shares) = votes.shares(path) else { continue };
            let said: Vec<f64> = answer.probabilities.iter().map(|&p| f64::from(p)).collect();
            divergences.push(jensen_shannon(&said, &shares));
            if let Some(label) = plurality(&shares) {
                clips.insert(*path);
                heard.push(Answer { label, ..(*answer).clone() });
            }
        }
        (!heard.is_empty()).then(|| Self {
            who: who.to_owned(),
            tier: tier.to_owned(),
            clips: clips.len(),
            ua: Confusion::of(&heard, labels.len()).ua(),
            ua_interval: speaker_interval(&heard, labels.len()),
            divergence: tells_probabilities.then(|| mean(&divergences)),
        })
    }
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(speaker: usize, label: usize, said: usize) -> Answer {
        Answer::sure(speaker, label, said, 2)
    }

    fn labels() -> [String; 2] {
        ["angry", "sad"].map(str::to_owned)
    }

    #[test]
    fn folds_count_alike_in_the_mean_and_clips_in_the_pool() {
        // Fold 1: both right, UA 1. Fold 2: 3 of 3 angry right, the sad one wrong, UA 1/2.
        let first = vec![answer(0, 0, 0), answer(0, 1, 1)];
        let second = vec![answer(1, 0, 0), answer(1, 0, 0), answer(1, 0, 0), answer(1, 1, 0)];
        let row = Row::new("ours", "T0", &[first, second], &labels()).unwrap();
        assert_eq!((row.ua, row.ua_pooled), (0.75, Some(0.75))); // pool: (4/4 + 1/2) / 2
        assert_eq!(row.wa, Some(5.0 / 6.0));
        assert!((row.ua_deviation.unwrap() - 0.125f64.sqrt()).abs() < 1e-9);
        assert!(Row::new("ours", "T0", &[], &labels()).is_none());
    }
}
