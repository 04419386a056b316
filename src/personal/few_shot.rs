//! Learns a speaker's own way from a few labelled examples: the network's probabilities are moved
//! towards the classes whose examples lie in the same direction in the embedding. The network
//! itself stays as it is. Which clips are examples is left to others. Pure; runs on the worker.
//!
//! The directions are those of nearest class means (Snell, Swersky and Zemel, NeurIPS 2017), taken
//! from the middle of the speaker's own examples.

/// Floor under a probability before its logarithm: a class that the network rules out can come
/// back.
const PROBABILITY_MIN: f32 = 1e-6;

/// Floor under a length; what is shorter has no direction.
const LENGTH_MIN: f32 = 1e-6;

/// What the examples of one speaker say.
#[derive(Clone, Debug, PartialEq)]
pub struct FewShot {
    /// Mean of the class means.
    centre: Vec<f32>,
    /// Direction of each class's mean from the centre, of length 1; none without an example.
    directions: Vec<Option<Vec<f32>>>,
}

impl FewShot {
    /// From examples as label and embedding. Examples with a value that is no number are left out.
    pub fn new(examples: &[(usize, Vec<f32>)], labels: usize) -> Self {
        let means: Vec<Option<Vec<f32>>> = (0..labels)
            .map(|label| {
                let own = examples.iter().filter(|(its, _)| *its == label).map(|(_, e)| e);
                mean(own.filter(|embedding| embedding.iter().all(|value| value.is_finite())))
            })
            .collect();
        let centre = mean(means.iter().flatten()).unwrap_or_default();
        let directions =
            means.into_iter().map(|mean| direction(&mean?, &centre)).collect::<Vec<_>>();
        Self { centre, directions }
    }

    /// Cosine between the embedding and each class's examples as seen from their middle; 0 for a
    /// class without examples, and for all where the embedding is no number.
    pub fn similarities(&self, embedding: &[f32]) -> Vec<f32> {
        let own = direction(embedding, &self.centre);
        let cosine = |class: &Option<Vec<f32>>| match (class, &own) {
            (Some(class), Some(own)) => class.iter().zip(own).map(|(a, b)| a * b).sum(),
            _ => 0.0,
        };
        self.directions.iter().map(cosine).collect()
    }

    /// `probabilities` times `exp(scale · similarity)`, brought back to a sum of 1. A scale of 0
    /// changes nothing.
    pub fn adapt(&self, probabilities: &[f32], embedding: &[f32], scale: f32) -> Vec<f32> {
        let scores: Vec<f32> = probabilities
            .iter()
            .zip(self.similarities(embedding))
            .map(|(probability, similarity)| {
                probability.max(PROBABILITY_MIN).ln() + scale * similarity
            })
            .collect();
        let top = scores.iter().copied().fold(f32::MIN, f32::max);
        let shares: Vec<f32> = scores.iter().map(|score| (score - top).exp()).collect();
        let sum: f32 = shares.iter().sum();
        shares.iter().map(|share| share / sum).collect()
    }
}

fn mean<'a>(vectors: impl Iterator<Item = &'a Vec<f32>>) -> Option<Vec<f32>> {
    let mut sum: Vec<f32> = Vec::new();
    let mut count = 0.0;
    for vector in vectors {
        sum.resize(vector.len(), 0.0);
        sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
        count += 1.0;
    }
    (0.0 < count).then(|| sum.iter().map(|sum| sum / count).collect())
}

/// Of length 1; none where the two points are the same, or no numbers.
fn direction(to: &[f32], from: &[f32]) -> Option<Vec<f32>> {
    let way: Vec<f32> = to.iter().zip(from).map(|(to, from)| to - from).collect();
    let length = way.iter().map(|value| value * value).sum::<f32>().sqrt();
    (LENGTH_MIN < length && length.is_finite())
        .then(|| way.iter().map(|value| value / length).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two classes on a line, 0 at (1, 0) and 1 at (3, 0), and one without examples: centre (2, 0).
    fn speaker() -> FewShot {
        let examples =
            [(0, vec![0.0, 0.0]), (0, vec![2.0, 0.0]), (1, vec![3.0, 0.0]), (1, vec![3.0, 0.0])];
        FewShot::new(&examples, 3)
    }

    fn check(found: &[f32], expected: &[f32]) {
        let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5 && found.len() == expected.len(), "{found:?} is not {expected:?}");
    }

    #[test]
    fn likeness_is_the_cosine_from_the_middle_of_the_examples() {
        check(&speaker().similarities(&[5.0, 0.0]), &[-1.0, 1.0, 0.0]);
        check(&speaker().similarities(&[2.0, 7.0]), &[0.0, 0.0, 0.0]);
        check(&speaker().similarities(&[5.0, 4.0]), &[-0.6, 0.6, 0.0]); // 3 of 5
    }

    #[test]
    fn an_embedding_like_a_class_lifts_that_class() {
        // 1/3 each, times e^-2, e^2 and 1: over e^-2 + e^2 + 1 = 8.524391.
        let adapted = speaker().adapt(&[1.0 / 3.0; 3], &[5.0, 0.0], 2.0);
        check(&adapted, &[0.015_876, 0.866_813, 0.117_310]);
    }

    #[test]
    fn no_scale_and_no_direction_leave_the_network_alone() {
        let said = [0.2, 0.5, 0.3];
        check(&speaker().adapt(&said, &[5.0, 0.0], 0.0), &said);
        check(&speaker().adapt(&said, &[2.0, 0.0], 9.0), &said);
        check(&FewShot::new(&[], 3).adapt(&said, &[5.0, 0.0], 9.0), &said);
        check(&FewShot::new(&[(1, vec![4.0, 4.0])], 3).adapt(&said, &[5.0, 0.0], 9.0), &said);
    }

    #[test]
    fn what_is_no_number_is_not_learnt_and_moves_nothing() {
        let said = [0.2, 0.5, 0.3];
        check(&speaker().adapt(&said, &[f32::NAN, 0.0], 9.0), &said);
        let examples = [(0, vec![0.0]), (0, vec![f32::NAN]), (1, vec![2.0])];
        check(&FewShot::new(&examples, 2).similarities(&[9.0]), &[-1.0, 1.0]);
    }
}
