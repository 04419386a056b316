//! The space that a person's examples lie in: each number as its distance from their mean, in
//! standard deviations, so that what moves little counts as much as what moves far. Pure.

use crate::personal::lesson::Example;

/// What differs less among the examples says nothing of them, and is left out.
const DEVIATION_MIN: f32 = 1e-3;

#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    means: Vec<f32>,
    /// One over the standard deviations.
    scales: Vec<f32>,
}

impl Space {
    /// Of the examples of each output; outputs count alike, however many examples they have.
    pub fn of(outputs: &[Vec<Example>]) -> Self {
        let share = |own: &[Example]| 1.0 / (outputs.len() * own.len()) as f32;
        let all = || outputs.iter().flat_map(|own| own.iter().map(move |one| (share(own), one)));
        let width = all().next().map_or(0, |(_, one)| one.embedding.len());
        let (mut means, mut squares) = (vec![0.0; width], vec![0.0; width]);
        for (share, one) in all() {
            means.iter_mut().zip(&one.embedding).for_each(|(mean, value)| *mean += share * value);
        }
        for (share, one) in all() {
            let places = squares.iter_mut().zip(&one.embedding).zip(&means);
            places.for_each(|((sum, value), mean)| *sum += share * (value - mean).powi(2));
        }
        let scale = |square: &f32| match square.sqrt() {
            deviation if deviation < DEVIATION_MIN => 0.0,
            deviation => 1.0 / deviation,
        };
        Self { means, scales: squares.iter().map(scale).collect() }
    }

    pub fn width(&self) -> usize {
        self.means.len()
    }

    /// Where an embedding lies. No allocation where `out` has the room.
    pub fn place(&self, embedding: &[f32], out: &mut Vec<f32>) {
        out.clear();
        let places = embedding.iter().zip(&self.means).zip(&self.scales);
        out.extend(places.map(|((value, mean), scale)| (value - mean) * scale));
    }

    pub fn placed(&self, example: &Example) -> Example {
        let mut placed = Vec::with_capacity(self.width());
        self.place(&example.embedding, &mut placed);
        Example { embedding: placed, ..example.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_mean_0_and_deviation_1() {
        let example = |embedding: [f32; 3]| {
            let (said, embedding) = (Vec::new(), embedding.to_vec());
            Example { recording: 1, target: 1.0, said, embedding }
        };
        let examples = [example([1.0, 100.0, 7.0]), example([3.0, 300.0, 7.0])];
        let space = Space::of(&[examples.to_vec()]);
        assert_eq!(space.placed(&examples[0]).embedding, [-1.0, -1.0, 0.0]);
        assert_eq!(space.placed(&examples[1]).embedding, [1.0, 1.0, 0.0]);
    }
}
