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

pub mod space;

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

/// Sums run side by side, so that a processor adds several at once.
const LANES: usize = 8;

/// Over the places that both have.
fn dot(one: &[f32], other: &[f32]) -> f32 {
    sum_of(one, other, |a, b| a * b)
}

/// Square of the distance over the places that both have.
fn square(one: &[f32], other: &[f32]) -> f32 {
    sum_of(one, other, |a, b| (a - b) * (a - b))
}

fn sum_of(one: &[f32], other: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let length = one.len().min(other.len());
    let (one, other) = (one[..length].chunks_exact(LANES), other[..length].chunks_exact(LANES));
    let rest = one.remainder().iter().zip(other.remainder()).map(|(a, b)| term(*a, *b));
    let rest: f32 = rest.sum();
    let mut sums = [0.0; LANES];
    for (one, other) in one.zip(other) {
        sums.iter_mut().zip(one.iter().zip(other)).for_each(|(sum, (a, b))| *sum += term(*a, *b));
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_over_all_places_that_both_have() {
        let ones = [1.0; 21];
        let counted: Vec<f32> = (1..=20_u8).map(f32::from).collect();
        assert_eq!(dot(&ones, &counted), 210.0);
        assert_eq!(square(&ones[..3], &[1.0, 3.0, 4.0, 9.0]), 13.0);
    }
}
