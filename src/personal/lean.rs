//! How a speaker's neutral voice leans: towards which classes the network is drawn by it further
//! than by the neutral voices of others. Taken off what it says of the same speaker, since a voice
//! that sounds sad at rest sounds sad all the time. Pure; runs on the worker.

use crate::model::stream::pooling::softmax;
use crate::personal::logarithms;

/// Mean logarithms of probability; what a few clips say.
pub fn usual<'a>(said: impl IntoIterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut sum: Vec<f32> = Vec::new();
    let mut count = 0.0;
    for probabilities in said {
        sum.resize(probabilities.len(), 0.0);
        sum.iter_mut().zip(logarithms(probabilities)).for_each(|(sum, value)| *sum += value);
        count += 1.0;
    }
    sum.iter().map(|sum| sum / count).collect()
}

/// A speaker's lean, a logarithm per class.
#[derive(Clone, Debug, PartialEq)]
pub struct Lean(Vec<f32>);

impl Lean {
    /// From the speaker's own neutral clips and those of many others, as `usual` has them.
    /// None leans where the speaker has none.
    pub fn new(own: &[f32], others: &[f32]) -> Self {
        Self(own.iter().zip(others).map(|(own, others)| own - others).collect())
    }

    /// `probabilities` without a share of the lean, 0 for nothing and 1 for all of it; sums to 1.
    pub fn without(&self, probabilities: &[f32], share: f32) -> Vec<f32> {
        if self.0.is_empty() {
            return probabilities.to_vec();
        }
        let mut scores = logarithms(probabilities);
        scores.iter_mut().zip(&self.0).for_each(|(score, lean)| *score -= share * lean);
        softmax(&mut scores);
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: &[f32], expected: &[f32]) {
        let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5 && found.len() == expected.len(), "{found:?} is not {expected:?}");
    }

    #[test]
    fn a_voice_that_always_sounds_sad_is_heard_as_others_are() {
        let others = usual([[0.5, 0.5].as_slice()]);
        let sad = [0.2, 0.8];
        let lean = Lean::new(&usual([sad.as_slice(), &sad]), &others);
        check(&lean.without(&sad, 1.0), &[0.5, 0.5]);
        check(&lean.without(&sad, 0.0), &sad);
        // Half of it: 0.2 / 0.4^½ to 0.8 / 1.6^½ is 1 to 2.
        check(&lean.without(&sad, 0.5), &[1.0 / 3.0, 2.0 / 3.0]);
    }

    #[test]
    fn a_speaker_without_clips_leans_nowhere() {
        let lean = Lean::new(&usual([]), &[-1.0, -2.0]);
        check(&lean.without(&[0.3, 0.7], 1.0), &[0.3, 0.7]);
    }
}
