//! What one person's neutral voice is like, in numbers: where the features lie, where the network
//! puts it, and how far that person moves from there. Plain values; runs on the worker.

use serde::{Deserialize, Serialize};

use crate::model::predictor::DIMENSIONS;
use crate::personal::normaliser::{Heard, Normaliser};

/// Root mean square distance from the neutral voice, of which nothing is known yet: that of
/// affectd-3's answers to all emotions of eight of its validation speakers, November 2026.
const SPREADS: [f32; DIMENSIONS] = [0.11, 0.11, 0.06];

/// Hops that this counts for, a minute of speech, and after which older ones are forgotten, ten.
const SPREAD_HOPS: f32 = 600.0;
const MEMORY_HOPS: f32 = 6000.0;

/// So many times the spread is as far as a relative coordinate goes.
const REACH: f32 = 2.0;

/// A voice that never moves has some spread all the same.
const SPREAD_MIN: f32 = 0.02;

/// From 20 to 60 s of neutral speech.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Voiced frames of 10 ms that it stands for, and those with a pitch among them.
    pub frames: f32,
    pub periodic_frames: f32,
    /// Arousal, valence, dominance of the neutral voice, 0..1.
    pub neutral: [f32; DIMENSIONS],
    /// Mean square distance of these from it while the person speaks.
    pub squares: [f32; DIMENSIONS],
    /// Hops that the distance stands for.
    pub hops: f32,
    /// Mean of each feature over the voiced frames.
    pub mean: Vec<f32>,
}

impl Baseline {
    /// Of a person whose spread is not known yet.
    pub fn new(heard: Heard, neutral: [f32; DIMENSIONS]) -> Self {
        Self {
            frames: heard.frames,
            periodic_frames: heard.periodic_frames,
            neutral,
            squares: SPREADS.map(|spread| spread * spread),
            hops: SPREAD_HOPS,
            mean: heard.mean.to_vec(),
        }
    }

    /// What is wrong with it for a network that sees so many features; nothing if it fits.
    pub fn check(&self, features: usize) -> Result<(), String> {
        let numbers = self.mean.iter().chain(&self.neutral).chain(&self.squares);
        let counts = [self.frames, self.periodic_frames, self.hops];
        if self.mean.len() != features {
            return Err(format!("mean has {} values, {features} are needed", self.mean.len()));
        }
        if numbers.chain(&counts).any(|value| !value.is_finite()) {
            return Err("a value is no number".to_owned());
        }
        if counts.iter().chain(&self.squares).any(|value| *value < 0.0) {
            return Err("frames, periodic_frames, hops and squares may not be negative".to_owned());
        }
        Ok(())
    }

    /// The normaliser hears this person's neutral voice and nobody else's.
    pub fn enrol(&self, normaliser: &mut Normaliser) {
        let Self { mean, frames, periodic_frames, .. } = self;
        let (frames, periodic_frames) = (*frames, *periodic_frames);
        normaliser.reset();
        normaliser.observe_many(Heard { mean, frames, periodic_frames });
    }

    /// The person speaks: one hop more to know the spread by.
    pub fn observe(&mut self, dimensions: [f32; DIMENSIONS]) {
        self.hops = (self.hops + 1.0).min(MEMORY_HOPS);
        let places = self.squares.iter_mut().zip(dimensions.iter().zip(&self.neutral));
        for (square, (value, neutral)) in places {
            *square += ((value - neutral).powi(2) - *square) / self.hops;
        }
    }

    /// The coordinates as this person means them: 0.5 is their neutral, 0 and 1 lie twice their
    /// spread away.
    pub fn relative(&self, dimensions: [f32; DIMENSIONS]) -> [f32; DIMENSIONS] {
        let mut relative = dimensions;
        let places = relative.iter_mut().zip(self.neutral.iter().zip(&self.squares));
        for (value, (neutral, square)) in places {
            let spread = square.sqrt().max(SPREAD_MIN);
            *value = (0.5 + (*value - neutral) / (2.0 * REACH * spread)).clamp(0.0, 1.0);
        }
        relative
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::card::NormaliserSpec;

    fn baseline() -> Baseline {
        let heard = Heard { mean: &[3.0, 20.0], frames: 1000.0, periodic_frames: 600.0 };
        Baseline::new(heard, [0.4, 0.5, 0.6])
    }

    fn check(baseline: &Baseline, dimensions: [f32; 3], expected: [f32; 3]) {
        let found = baseline.relative(dimensions);
        let is_near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-4;
        assert!(found.iter().zip(&expected).all(is_near), "{found:?} is not {expected:?}");
    }

    #[test]
    fn half_is_this_persons_neutral_and_the_ends_are_twice_the_spread_away() {
        check(&baseline(), [0.4, 0.5, 0.6], [0.5; 3]);
        check(&baseline(), [0.62, 0.39, 0.66], [1.0, 0.25, 0.75]);
        check(&baseline(), [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]);
    }

    #[test]
    fn who_moves_little_is_heard_finely_and_who_stays_away_is_not_neutral() {
        let mut calm = baseline();
        (0..60_000).for_each(|hop| calm.observe([0.4 + 0.05 * [1.0, -1.0][hop % 2], 0.5, 0.6]));
        check(&calm, [0.45, 0.5, 0.6], [0.75, 0.5, 0.5]);
        let mut excited = baseline();
        (0..60_000).for_each(|_| excited.observe([0.8, 0.5, 0.6]));
        check(&excited, [0.8, 0.5, 0.6], [0.75, 0.5, 0.5]);
    }

    #[test]
    fn the_normaliser_knows_the_person_from_the_start() {
        let mut normaliser = Normaliser::new(&NormaliserSpec {
            mean: vec![0.0, 10.0],
            deviation: vec![1.0, 1.0],
            prior_frames: 1000.0,
            prior_level_frames: 0.0,
            memory_frames: 6000.0,
            prior_pitch_frames: 0.0,
        });
        normaliser.observe(&[90.0, 90.0]);
        baseline().enrol(&mut normaliser);
        let mut out = [9.0; 2];
        normaliser.apply(&[3.0, 15.0], &mut out);
        assert_eq!(out, [0.0, 0.0]); // the second: halfway from 10 to 20
    }

    #[test]
    fn what_does_not_fit_is_told() {
        assert_eq!(baseline().check(2), Ok(()));
        assert!(baseline().check(42).unwrap_err().contains("42 are needed"));
        let damaged = Baseline { frames: f32::NAN, ..baseline() };
        assert!(damaged.check(2).unwrap_err().contains("no number"));
        let damaged = Baseline { hops: -1.0, ..baseline() };
        assert!(damaged.check(2).unwrap_err().contains("negative"));
    }
}
