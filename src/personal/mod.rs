//! What is particular to one speaker: the causal baseline that is taken out of the features, the
//! lean that a few neutral clips show, and what a few labelled examples teach. Training, evaluation
//! and the live engine use the same code.

pub mod normaliser;

pub mod baseline;

pub mod calibration;

pub mod profile;

pub mod lean;

pub mod few_shot;

pub mod enrolment;

pub mod lesson;

pub mod head;

/// Floor under a probability before its logarithm: a class that the network rules out can come
/// back.
const PROBABILITY_MIN: f32 = 1e-6;

/// Natural logarithms of probabilities.
pub fn logarithms(probabilities: &[f32]) -> Vec<f32> {
    probabilities.iter().copied().map(logarithm).collect()
}

fn logarithm(probability: f32) -> f32 {
    probability.max(PROBABILITY_MIN).ln()
}
