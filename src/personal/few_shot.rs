//! Learns a speaker's own way from a few labelled examples: the last layer goes on learning from
//! them alone, tied to where the training left it. The network itself stays as it is. Which clips
//! are examples is left to others. Pure; runs on the worker.
//!
//! It is a logistic regression on the embedding whose offsets are the network's own logarithms of
//! probability, with a Gaussian prior around no change (maximum a posteriori; Chelba and Acero,
//! EMNLP 2004), found by accelerated gradient steps (Nesterov 1983). On RAVDESS, three clips of
//! each emotion, it finds seven points more than nearest class means (EXPERIMENTS.md, Q5).

use crate::model::stream::pooling::softmax;
use crate::personal::{dot, logarithm, logarithms};

/// Steps at most; a few hundred examples need far fewer.
const STEPS: usize = 500;

/// Where no weight moves by more in a step, learning ends.
const MOVE_MIN: f32 = 1e-5;

/// Floor under the root mean square of the examples' lengths.
const LENGTH_MIN: f32 = 1e-6;

/// A clip of the speaker whose label is known.
#[derive(Clone, Debug)]
pub struct Example {
    pub label: usize,
    /// How much it counts; 1 as a rule.
    pub weight: f32,
    /// What the network says to it.
    pub probabilities: Vec<f32>,
    pub embedding: Vec<f32>,
}

impl Example {
    fn is_finite(&self) -> bool {
        self.probabilities.iter().chain(&self.embedding).all(|value| value.is_finite())
    }
}

/// What the examples of one speaker change.
#[derive(Clone, Debug, PartialEq)]
pub struct FewShot {
    /// Of the embedding, so that its length is about 1.
    scale: f32,
    /// Weights of one label: the embedding's, then the bias.
    inputs: usize,
    /// `[labels, inputs]`; empty where there was nothing to learn from.
    weights: Vec<f32>,
}

/// An example as learning goes over it again and again.
struct Prepared {
    label: usize,
    weight: f32,
    offsets: Vec<f32>,
    inputs: Vec<f32>,
}

impl FewShot {
    /// The stronger the `tether`, greater than 0, the less the examples may change: the prior's
    /// precision, where one example of weight 1 counts 1. Examples with a value that is no number
    /// are left out.
    pub fn learn(examples: &[Example], tether: f32) -> Self {
        let examples: Vec<&Example> = examples.iter().filter(|one| one.is_finite()).collect();
        let Some(first) = examples.first() else {
            return Self { scale: 1.0, inputs: 0, weights: Vec::new() };
        };
        let labels = first.probabilities.len();
        let squares: f32 = examples.iter().flat_map(|one| &one.embedding).map(|v| v * v).sum();
        let scale = 1.0 / (squares / examples.len() as f32).sqrt().max(LENGTH_MIN);
        let prepared: Vec<Prepared> = examples.iter().map(|one| one.prepared(scale)).collect();
        let inputs = first.embedding.len() + 1;
        let mut here = Self { scale, inputs, weights: vec![0.0; inputs * labels] };
        let mut ahead = here.clone();
        // The examples' inputs have a mean square of 2, and a softmax bends by a half at most.
        let step = 1.0 / (examples.iter().map(|one| one.weight).sum::<f32>() + tether);
        let mut pace = 1.0_f32;
        for _ in 0..STEPS {
            let slope = ahead.slope(&prepared, tether);
            let next_pace = f32::midpoint(1.0, (1.0 + 4.0 * pace * pace).sqrt());
            let mut farthest = 0.0_f32;
            let weights = here.weights.iter_mut().zip(&mut ahead.weights).zip(slope);
            for ((own, ahead), slope) in weights {
                let next = *ahead - step * slope;
                farthest = farthest.max((next - *own).abs());
                *ahead = next + (pace - 1.0) / next_pace * (next - *own);
                *own = next;
            }
            if farthest < MOVE_MIN {
                break;
            }
            pace = next_pace;
        }
        here
    }

    /// Gradient of what is made small: the examples' cross entropy and the tether's pull.
    fn slope(&self, examples: &[Prepared], tether: f32) -> Vec<f32> {
        let mut slope: Vec<f32> = self.weights.iter().map(|weight| tether * weight).collect();
        let mut error = Vec::new();
        for example in examples {
            error.clone_from(&example.offsets);
            let rows = self.weights.chunks_exact(self.inputs);
            error.iter_mut().zip(rows).for_each(|(sum, row)| *sum += dot(row, &example.inputs));
            softmax(&mut error);
            error[example.label] -= 1.0;
            for (row, error) in slope.chunks_exact_mut(self.inputs).zip(&error) {
                let pull = example.weight * error;
                row.iter_mut().zip(&example.inputs).for_each(|(sum, input)| *sum += pull * input);
            }
        }
        slope
    }

    /// What the speaker's examples make of the network's `probabilities`; sums to 1. Nothing
    /// changes where nothing was learnt or the embedding is no number.
    pub fn adapt(&self, probabilities: &[f32], embedding: &[f32]) -> Vec<f32> {
        let mut adapted = probabilities.to_vec();
        self.adapt_in_place(&mut adapted, embedding);
        adapted
    }

    /// The same without allocation.
    pub fn adapt_in_place(&self, probabilities: &mut [f32], embedding: &[f32]) {
        if self.weights.is_empty() || embedding.iter().any(|value| !value.is_finite()) {
            return;
        }
        probabilities.iter_mut().for_each(|value| *value = logarithm(*value));
        self.add_to(probabilities, embedding);
        softmax(probabilities);
    }

    /// The same before the softmax, on scores that are there.
    pub fn add_to(&self, scores: &mut [f32], embedding: &[f32]) {
        let rows = self.weights.chunks_exact(self.inputs.max(1));
        for (score, row) in scores.iter_mut().zip(rows) {
            *score += self.scale * dot(row, embedding) + row.last().copied().unwrap_or(0.0);
        }
    }
}

impl FewShot {
    /// Of two labels that nothing was said about before: the weights of an embedding, and the bias,
    /// that sum to the logarithm of the second's odds.
    pub fn odds(&self) -> (Vec<f32>, f32) {
        let (first, second) = self.weights.split_at(self.inputs.min(self.weights.len()));
        let mut odds: Vec<f32> = second.iter().zip(first).map(|(to, from)| to - from).collect();
        let bias = odds.pop().unwrap_or(0.0);
        odds.iter_mut().for_each(|weight| *weight *= self.scale);
        (odds, bias)
    }
}

impl Example {
    fn prepared(&self, scale: f32) -> Prepared {
        Prepared {
            label: self.label,
            weight: self.weight,
            offsets: logarithms(&self.probabilities),
            inputs: self.embedding.iter().map(|value| scale * value).chain([1.0]).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: usize = 3;
    const UNSURE: [f32; LABELS] = [1.0 / 3.0; LABELS];

    fn example(label: usize, embedding: [f32; 2]) -> Example {
        let (probabilities, embedding) = (UNSURE.to_vec(), embedding.to_vec());
        Example { label, weight: 1.0, probabilities, embedding }
    }

    /// Class 0 lies along the first axis and class 1 along the second.
    fn examples() -> Vec<Example> {
        vec![example(0, [2.0, 0.0]), example(1, [0.0, 2.0])]
    }

    fn check(found: &[f32], expected: &[f32]) {
        let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5 && found.len() == expected.len(), "{found:?} is not {expected:?}");
    }

    #[test]
    fn it_learns_who_is_who_and_less_of_it_on_a_shorter_tether() {
        let sure = |tether| FewShot::learn(&examples(), tether).adapt(&UNSURE, &[2.0, 0.0]);
        let [loose, tight] = [0.01, 1.0].map(sure);
        assert!(
            0.9 < loose[0] && tight[0] < loose[0] && 1.0 / 3.0 < tight[0],
            "{loose:?} {tight:?}"
        );
    }

    #[test]
    fn an_example_of_twice_the_weight_is_one_that_is_there_twice() {
        let [one, other] = [example(0, [2.0, 0.0]), example(1, [1.0, 1.5])];
        let twice = vec![one.clone(), one.clone(), other.clone()];
        let heavy = vec![Example { weight: 2.0, ..one }, other];
        let said = |examples: &[Example]| FewShot::learn(examples, 0.1).adapt(&UNSURE, &[1.0, 1.0]);
        let (twice, heavy) = (said(&twice), said(&heavy));
        let worst = twice.iter().zip(&heavy).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 0.02, "{twice:?} {heavy:?}");
    }

    #[test]
    fn what_it_finds_is_the_lowest_point() {
        let learnt = FewShot::learn(&examples(), 0.1);
        let prepared: Vec<_> = examples().iter().map(|one| one.prepared(learnt.scale)).collect();
        let slope = learnt.slope(&prepared, 0.1);
        let steepest = slope.iter().map(|slope| slope.abs()).fold(0.0, f32::max);
        assert!(steepest < 1e-3, "{steepest}");
    }

    #[test]
    fn nothing_learnt_changes_nothing() {
        let said = [0.2, 0.5, 0.3];
        check(&FewShot::learn(&[], 0.1).adapt(&said, &[4.0, 0.0]), &said);
        check(&FewShot::learn(&examples(), 1e9).adapt(&said, &[4.0, 0.0]), &said);
    }

    #[test]
    fn what_is_no_number_is_not_learnt_and_moves_nothing() {
        let said = [0.2, 0.5, 0.3];
        let learnt = FewShot::learn(&examples(), 0.1);
        check(&learnt.adapt(&said, &[f32::NAN, 0.0]), &said);
        let mut damaged = examples();
        damaged.push(example(2, [f32::INFINITY, 0.0]));
        assert_eq!(FewShot::learn(&damaged, 0.1), learnt);
    }
}
