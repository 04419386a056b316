//! How values follow what the network says: at once, with an attack and a release, by the one-euro
//! filter, or by a filter that knows that emotions last. All of them are causal and work in
//! seconds, so that another hop changes nothing but the steps. No allocation.

use crate::config::checked::{Smooth, SmoothMode};
use crate::messages::{CLASSES_MAX, ClassScores, Dimensions};
use crate::units::one_pole_step;

/// Cutoff for the speed of a value, as its authors have it (Casiez, Roussel, Vogel 2012).
const SPEED_CUTOFF_HZ: f32 = 1.0;

/// Posteriors of overlapping windows say nearly the same: so many seconds of them count as one
/// observation (our choice; the window is 3 s, but its end weighs most).
const OBSERVATION_S: f32 = 0.5;

/// Doubt goes quickly, so that smoothing does not put off the first label (our choice, by `affectd
/// eval stream`).
const DOUBT_FALL_S: f32 = 0.1;

/// Less than this of all mass says nothing of how the labels share it.
const MASS_MIN: f32 = 1e-6;

/// A class is never quite impossible, or it could not come back.
const LIKELIHOOD_MIN: f32 = 1e-3;

/// The filter of one channel.
#[derive(Clone, Debug)]
pub struct Smoothing {
    hop_s: f32,
    smooth: Smooth,
    rise: f32,
    fall: f32,
    doubt_fall: f32,
    class_speeds: [f32; CLASSES_MAX],
    dimension_speeds: [f32; 3],
}

impl Smoothing {
    pub fn new(hop_s: f32, smooth: &Smooth) -> Self {
        Self {
            hop_s,
            rise: one_pole_step(hop_s, smooth.attack_s),
            fall: one_pole_step(hop_s, smooth.release_s),
            doubt_fall: match smooth.mode {
                SmoothMode::Off => 1.0,
                _ => one_pole_step(hop_s, DOUBT_FALL_S),
            },
            smooth: smooth.clone(),
            class_speeds: [0.0; CLASSES_MAX],
            dimension_speeds: [0.0; 3],
        }
    }

    /// Other settings from now on.
    pub fn configure(&mut self, hop_s: f32, smooth: &Smooth) {
        let Self { class_speeds, dimension_speeds, .. } = *self;
        *self = Self { class_speeds, dimension_speeds, ..Self::new(hop_s, smooth) };
    }

    /// One hop. `is_new`: the network said this just now. How the labels share what is not
    /// `unknown` is smoothed, and `unknown` beside it. The classes sum to 1 as before.
    pub fn classes(&mut self, values: &mut ClassScores, target: &ClassScores, is_new: bool) {
        if self.smooth.mode == SmoothMode::Hmm {
            if is_new {
                self.believe(values.as_mut_slice(), target.as_slice());
            }
            return;
        }
        let mut speeds = self.class_speeds;
        let [values @ .., doubt] = values.as_mut_slice() else { return };
        let [targets @ .., doubt_target] = target.as_slice() else { return };
        let [speeds_of_labels @ .., speed] = &mut speeds[..=values.len()] else { return };
        let (mass, mass_target) = (values.iter().sum::<f32>(), targets.iter().sum::<f32>());
        if MASS_MIN < mass_target {
            for ((value, target), speed) in values.iter_mut().zip(targets).zip(speeds_of_labels) {
                let target = target / mass_target;
                *value = if mass < MASS_MIN { target } else { *value / mass };
                self.follow(value, target, speed);
            }
        }
        if *doubt < *doubt_target {
            self.follow(doubt, *doubt_target, speed);
        } else {
            *doubt += (doubt_target - *doubt) * self.doubt_fall;
        }
        let known = (1.0 - *doubt) / values.iter().sum::<f32>().max(MASS_MIN);
        values.iter_mut().for_each(|value| *value *= known);
        self.class_speeds = speeds;
    }

    /// The same for the coordinates; where the classes are filtered by what lasts, these have an
    /// attack and a release.
    pub fn dimensions(&mut self, values: &mut Dimensions, target: Dimensions) {
        let mut speeds = self.dimension_speeds;
        let [arousal, valence, dominance] = &mut speeds;
        self.follow(&mut values.arousal, target.arousal, arousal);
        self.follow(&mut values.valence, target.valence, valence);
        self.follow(&mut values.dominance, target.dominance, dominance);
        self.dimension_speeds = speeds;
    }

    fn follow(&self, value: &mut f32, target: f32, speed: &mut f32) {
        let share = match self.smooth.mode {
            SmoothMode::Off => 1.0,
            SmoothMode::Release | SmoothMode::Hmm if *value < target => self.rise,
            SmoothMode::Release | SmoothMode::Hmm => self.fall,
            SmoothMode::OneEuro => {
                let now = (target - *value) / self.hop_s;
                *speed += (now - *speed) * cutoff_step(self.hop_s, SPEED_CUTOFF_HZ);
                let cutoff_hz = self.smooth.min_cutoff + self.smooth.beta * speed.abs();
                cutoff_step(self.hop_s, cutoff_hz)
            }
        };
        *value += (target - *value) * share;
    }

    /// Each state lasts `stay_s` on average; the posterior stands in for the likelihood, for
    /// training balances the classes.
    fn believe(&self, belief: &mut [f32], posterior: &[f32]) {
        let stays = (-self.hop_s / self.smooth.stay_s).exp();
        let weight = self.hop_s / OBSERVATION_S;
        let said = posterior.iter().map(|said| said.max(LIKELIHOOD_MIN).powf(weight));
        forward_step(belief, stays, said);
    }
}

/// The forward step of a hidden Markov model (Rabiner 1989) whose states stay with this probability
/// and are followed by any other alike; `said` are their likelihoods.
pub(in crate::engine) fn forward_step(
    belief: &mut [f32],
    stays: f32,
    said: impl Iterator<Item = f32>,
) {
    let others = (1.0 - stays) / (belief.len() - 1).max(1) as f32;
    for (value, said) in belief.iter_mut().zip(said) {
        *value = (*value * stays + (1.0 - *value) * others) * said;
    }
    let sum: f32 = belief.iter().sum();
    belief.iter_mut().for_each(|value| *value /= sum);
}

fn cutoff_step(hop_s: f32, cutoff_hz: f32) -> f32 {
    one_pole_step(hop_s, 1.0 / (std::f32::consts::TAU * cutoff_hz))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::typed::Typed;
    use proptest::prelude::*;

    fn smooth(mode: SmoothMode) -> Smooth {
        Smooth { mode, ..Typed::default().check().unwrap().smooth }
    }

    fn scores(values: [f32; 3]) -> ClassScores {
        let mut scores = ClassScores::unknown(2);
        scores.as_mut_slice().copy_from_slice(&values);
        scores
    }

    /// The classes after this many seconds of one target.
    fn after(mode: SmoothMode, hop_s: f32, seconds: f32, target: [f32; 3]) -> ClassScores {
        let mut smoothing = Smoothing::new(hop_s, &smooth(mode));
        let mut values = scores([0.9, 0.05, 0.05]);
        for _ in 0..crate::units::to_count(f64::from(seconds / hop_s)) {
            smoothing.classes(&mut values, &scores(target), true);
            let sum: f32 = values.as_slice().iter().sum();
            assert!((sum - 1.0).abs() < 1e-5, "{mode:?} {sum}");
        }
        values
    }

    proptest! {
        /// Whatever the network says and however quickly it changes its mind.
        #[test]
        fn classes_stay_shares_of_one(
            said in prop::collection::vec((0.0..1.0_f32, 0.0..1.0_f32), 1..80),
        ) {
            for mode in MODES {
                let mut smoothing = Smoothing::new(0.1, &smooth(mode));
                let mut values = ClassScores::unknown(2);
                for (known, share) in &said {
                    let target = scores([known * share, known * (1.0 - share), 1.0 - known]);
                    smoothing.classes(&mut values, &target, true);
                    let sum: f32 = values.as_slice().iter().sum();
                    prop_assert!((sum - 1.0).abs() < 1e-4, "{mode:?} {sum}");
                    let is_share = |value: &f32| (0.0..=1.0 + 1e-5).contains(value);
                    prop_assert!(values.as_slice().iter().all(is_share), "{mode:?}");
                }
            }
        }
    }

    const MODES: [SmoothMode; 4] =
        [SmoothMode::Off, SmoothMode::Release, SmoothMode::OneEuro, SmoothMode::Hmm];

    #[test]
    fn every_filter_arrives_and_only_one_at_once() {
        for mode in MODES {
            assert_eq!(after(mode, 0.1, 10.0, [0.1, 0.8, 0.1]).top().0, 1, "{mode:?}");
            let is_there = 0.79 < after(mode, 0.1, 0.1, [0.1, 0.8, 0.1]).as_slice()[1];
            assert_eq!(is_there, mode == SmoothMode::Off, "{mode:?}");
        }
    }

    #[test]
    fn another_hop_changes_next_to_nothing() {
        for mode in [SmoothMode::Release, SmoothMode::Hmm] {
            let coarse = after(mode, 0.1, 0.6, [0.2, 0.7, 0.1]).as_slice()[1];
            let fine = after(mode, 0.02, 0.6, [0.2, 0.7, 0.1]).as_slice()[1];
            assert!((coarse - fine).abs() < 0.05, "{mode:?} {coarse} {fine}");
        }
    }

    #[test]
    fn what_lasts_outlives_a_glitch_and_yields_to_a_change() {
        let mut smoothing = Smoothing::new(0.1, &smooth(SmoothMode::Hmm));
        let mut values = scores([0.1, 0.1, 0.8]);
        let [sad, angry] = [[0.7, 0.2, 0.1], [0.2, 0.7, 0.1]].map(scores);
        let mut run = |target: &ClassScores, hops: usize| {
            (0..hops).for_each(|_| smoothing.classes(&mut values, target, true));
            values.top().0
        };
        assert_eq!(run(&sad, 30), 0);
        assert_eq!(run(&angry, 2), 0, "a fifth of a second");
        assert_eq!(run(&sad, 10), 0);
        assert_eq!(run(&angry, 30), 1);
    }

    #[test]
    fn without_a_new_word_of_the_network_belief_stays() {
        let mut smoothing = Smoothing::new(0.1, &smooth(SmoothMode::Hmm));
        let mut values = scores([0.6, 0.3, 0.1]);
        smoothing.classes(&mut values, &scores([0.0, 1.0, 0.0]), false);
        assert_eq!(values, scores([0.6, 0.3, 0.1]));
    }
}
