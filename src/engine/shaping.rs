//! From raw predictions to what the streams say: evidence, smoothing, and what holds when nobody
//! speaks. One value per channel; advances once a hop.

use crate::config::checked::{Hold, HoldPolicy, Smooth};
use crate::messages::{ClassScores, Dimensions};
use crate::model::predictor::Prediction;
use crate::units::one_pole_step;

/// Speech that a full say needs, in seconds; below it the rest of the mass stays on `unknown`.
const FULL_EVIDENCE_S: f32 = 0.5;

/// Shape of doubt over the flatness of the posterior (its entropy over that of no knowledge): our
/// choice. 0.6, usual for a clear voice, withholds 13 %; 0.9 withholds 66 %.
const DOUBT_POWER: i32 = 4;

/// The shaped state of one channel.
#[derive(Clone, Debug)]
pub struct Shaping {
    hop_s: f32,
    rise: f32,
    fall: f32,
    hold: Hold,
    labels: usize,
    classes: ClassScores,
    dimensions: Dimensions,
    confidence: f32,
    target: ClassScores,
    target_dimensions: Dimensions,
    /// Hops since the last prediction; none yet.
    age_hops: Option<u32>,
}

impl Shaping {
    pub fn new(labels: usize, hop_s: f32, smooth: &Smooth, hold: &Hold) -> Self {
        Self {
            hop_s,
            rise: one_pole_step(hop_s, smooth.attack_s),
            fall: one_pole_step(hop_s, smooth.release_s),
            hold: hold.clone(),
            labels,
            classes: ClassScores::unknown(labels),
            dimensions: Dimensions::NEUTRAL,
            confidence: 0.0,
            target: ClassScores::unknown(labels),
            target_dimensions: Dimensions::NEUTRAL,
            age_hops: None,
        }
    }

    /// A prediction over `speech_s` seconds of speech becomes the target.
    pub fn observe(&mut self, prediction: &Prediction, speech_s: f32) {
        let probabilities = &prediction.probabilities[..self.labels];
        if probabilities.iter().chain(&prediction.dimensions).any(|value| !value.is_finite()) {
            return; // A network that says no number has said nothing.
        }
        let withheld = unknown_share(probabilities, speech_s);
        let target = self.target.as_mut_slice();
        for (target, probability) in target.iter_mut().zip(probabilities) {
            *target = probability * (1.0 - withheld);
        }
        target[self.labels] = withheld;
        let [arousal, valence, dominance] = prediction.dimensions;
        self.target_dimensions = Dimensions { arousal, valence, dominance };
        self.confidence = probabilities.iter().copied().fold(0.0, f32::max);
        self.age_hops = Some(0);
    }

    /// One hop passes.
    pub fn advance(&mut self) {
        let was_fresh = self.is_fresh();
        let (mut rise, mut fall) = (self.rise, self.fall);
        if !was_fresh && self.hold.policy != HoldPolicy::Hold {
            self.target = ClassScores::unknown(self.labels);
            self.target_dimensions = Dimensions::NEUTRAL;
            self.confidence = 0.0;
            rise = match self.hold.policy {
                HoldPolicy::Zero => 1.0,
                _ => one_pole_step(self.hop_s, self.hold.time_s),
            };
            fall = rise;
        }
        let glide = |value: &mut f32, target: f32| {
            let share = if *value < target { rise } else { fall };
            *value += (target - *value) * share;
        };
        let targets = self.target.as_slice();
        for (value, target) in self.classes.as_mut_slice().iter_mut().zip(targets) {
            glide(value, *target);
        }
        let sum: f32 = self.classes.as_slice().iter().sum();
        for value in self.classes.as_mut_slice() {
            *value /= sum;
        }
        glide(&mut self.dimensions.arousal, self.target_dimensions.arousal);
        glide(&mut self.dimensions.valence, self.target_dimensions.valence);
        glide(&mut self.dimensions.dominance, self.target_dimensions.dominance);
        self.age_hops = self.age_hops.map(|age| age.saturating_add(1));
    }

    /// Younger than the hold time.
    pub fn is_fresh(&self) -> bool {
        self.age_hops.is_some_and(|age| age as f32 * self.hop_s <= self.hold.time_s)
    }

    pub fn classes(&self) -> ClassScores {
        self.classes
    }

    pub fn dimensions(&self) -> Dimensions {
        self.dimensions
    }

    pub fn confidence(&self) -> f32 {
        self.confidence
    }
}

/// Mass withheld from the labels, 0..1: all of it without speech, little of it after enough speech
/// with a clear posterior.
fn unknown_share(probabilities: &[f32], speech_s: f32) -> f32 {
    let entropy: f32 = probabilities
        .iter()
        .filter(|p| **p > 0.0)
        .map(|probability| -probability * probability.ln())
        .sum();
    let flatness = entropy / (probabilities.len() as f32).ln();
    let evidence = (speech_s / FULL_EVIDENCE_S).clamp(0.0, 1.0);
    (1.0 - evidence * (1.0 - flatness.clamp(0.0, 1.0).powi(DOUBT_POWER))).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOP_S: f32 = 0.1;

    fn shaping(policy: HoldPolicy) -> Shaping {
        let smooth = Smooth { attack_s: 0.2, release_s: 0.4 };
        Shaping::new(3, HOP_S, &smooth, &Hold { policy, time_s: 1.0 })
    }

    fn certain() -> Prediction {
        let mut prediction = Prediction { probabilities: [0.0; 15], dimensions: [0.9, 0.2, 0.7] };
        prediction.probabilities[1] = 1.0;
        prediction
    }

    fn run(shaping: &mut Shaping, hops: usize) {
        (0..hops).for_each(|_| shaping.advance());
    }

    #[test]
    fn before_any_result_all_is_unknown_and_nothing_is_fresh() {
        let mut shaping = shaping(HoldPolicy::Hold);
        run(&mut shaping, 5);
        assert_eq!(shaping.classes().top(), (3, 1.0));
        assert_eq!(shaping.dimensions(), Dimensions::NEUTRAL);
        assert!(!shaping.is_fresh());
    }

    #[test]
    fn scores_sum_to_one_on_the_way_and_arrive() {
        let mut shaping = shaping(HoldPolicy::Hold);
        for hop in 0..40 {
            shaping.observe(&certain(), 3.0);
            shaping.advance();
            let sum: f32 = shaping.classes().as_slice().iter().sum();
            assert!((sum - 1.0).abs() < 1e-5, "{sum} in hop {hop}");
        }
        assert_eq!(shaping.classes().top().0, 1);
        assert!((shaping.dimensions().arousal - 0.9).abs() < 1e-3);
    }

    #[test]
    fn an_old_result_is_held_or_let_go_as_the_policy_says() {
        for (policy, arousal) in
            [(HoldPolicy::Hold, 0.9), (HoldPolicy::Decay, 0.5), (HoldPolicy::Zero, 0.5)]
        {
            let mut shaping = shaping(policy);
            for _ in 0..50 {
                shaping.observe(&certain(), 3.0);
                shaping.advance();
            }
            assert!(shaping.is_fresh());
            run(&mut shaping, 100); // ten times the hold time
            assert!(!shaping.is_fresh());
            assert!((shaping.dimensions().arousal - arousal).abs() < 0.01, "{policy:?}");
        }
    }

    #[test]
    fn what_is_no_number_is_not_taken_in() {
        let mut shaping = shaping(HoldPolicy::Hold);
        let mut prediction = certain();
        prediction.dimensions[0] = f32::NAN;
        shaping.observe(&prediction, 3.0);
        run(&mut shaping, 3);
        assert_eq!(shaping.classes().top(), (3, 1.0));
    }

    #[test]
    fn doubt_grows_with_flatness_and_shrinks_with_speech() {
        assert_eq!(unknown_share(&[1.0, 0.0], 1.0), 0.0);
        assert_eq!(unknown_share(&[1.0, 0.0], 0.0), 1.0);
        assert!((unknown_share(&[0.5, 0.5], 1.0) - 1.0).abs() < 1e-6);
        assert!((unknown_share(&[1.0, 0.0], 0.25) - 0.5).abs() < 1e-6);
    }
}
