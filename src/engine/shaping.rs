//! From raw predictions to what the streams say: evidence, smoothing, and what holds when nobody
//! speaks. One value per channel; advances once a hop.

use crate::config::checked::{Hold, HoldPolicy, Smooth};
use crate::engine::presence::Presence;
use crate::engine::smoothing::Smoothing;
use crate::messages::{CLASSES_MAX, ClassScores, Dimensions};
use crate::model::predictor::Prediction;
use crate::units::{one_pole_step, to_count};

/// Speech that a full say needs, in seconds; below it the rest of the mass stays on `unknown`.
const FULL_EVIDENCE_S: f32 = 0.5;

/// Shape of doubt over the flatness of the posterior (its entropy over that of no knowledge): our
/// choice. 0.6, usual for a clear voice, withholds 13 %; 0.9 withholds 66 %.
const DOUBT_POWER: i32 = 4;

/// The shaped state of one channel.
#[derive(Clone, Debug)]
pub struct Shaping {
    hop_s: f32,
    smoothing: Smoothing,
    presence: Presence,
    hold: Hold,
    labels: usize,
    classes: ClassScores,
    dimensions: Dimensions,
    confidence: f32,
    /// Labels kept; the others have no mass.
    mask: [bool; CLASSES_MAX],
    target: ClassScores,
    target_dimensions: Dimensions,
    raw: ClassScores,
    /// Hops since the last prediction and since the last that is a result; none yet.
    heard: Age,
    known: Age,
}

#[derive(Clone, Copy, Debug)]
struct Age(Option<u32>);

impl Age {
    fn is_within(self, hold: &Hold, hop_s: f32) -> bool {
        self.0.is_some_and(|hops| hops as f32 * hop_s <= hold.time_s)
    }

    /// The same time in hops of another length.
    fn in_hops_of(self, hop_s: f32, before_s: f32) -> Self {
        let hops = |hops: u32| u32::try_from(to_count(f64::from(hops as f32 * before_s / hop_s)));
        Self(self.0.map(|age| hops(age).unwrap_or(u32::MAX)))
    }

    fn grow(&mut self) {
        self.0 = self.0.map(|hops| hops.saturating_add(1));
    }
}

impl Shaping {
    pub fn new(labels: usize, hop_s: f32, smooth: &Smooth, hold: &Hold) -> Self {
        Self {
            hop_s,
            smoothing: Smoothing::new(hop_s, smooth),
            presence: Presence::new(hop_s),
            hold: hold.clone(),
            labels,
            classes: ClassScores::unknown(labels),
            dimensions: Dimensions::NEUTRAL,
            confidence: 0.0,
            mask: [true; CLASSES_MAX],
            target: ClassScores::unknown(labels),
            target_dimensions: Dimensions::NEUTRAL,
            raw: ClassScores::unknown(labels),
            heard: Age(None),
            known: Age(None),
        }
    }

    /// Other time constants and another hop from now on; the values stay where they are.
    pub fn configure(&mut self, hop_s: f32, smooth: &Smooth, hold: &Hold) {
        self.smoothing.configure(hop_s, smooth);
        self.presence.configure(hop_s);
        self.hold = hold.clone();
        self.heard = self.heard.in_hops_of(hop_s, self.hop_s);
        self.known = self.known.in_hops_of(hop_s, self.hop_s);
        self.hop_s = hop_s;
    }

    /// Labels to be kept from the next prediction on.
    pub fn set_mask(&mut self, mask: [bool; CLASSES_MAX]) {
        self.mask = mask;
    }

    /// A prediction over `speech_s` seconds of speech becomes the target; of the classes alone
    /// where it is mostly `unknown`.
    pub fn observe(&mut self, prediction: &Prediction, speech_s: f32) {
        let probabilities = &prediction.probabilities[..self.labels];
        let outlier = prediction.outlier;
        let said = probabilities.iter().chain(&prediction.dimensions).chain([&outlier]);
        if said.into_iter().any(|value| !value.is_finite()) {
            return; // A network that says no number has said nothing.
        }
        let raw = self.raw.as_mut_slice();
        raw[..self.labels].copy_from_slice(probabilities);
        raw[self.labels] = 0.0;
        let mut kept = [0.0; CLASSES_MAX];
        let kept = &mut kept[..self.labels];
        keep(probabilities, &self.mask, kept);
        self.presence.hear(outlier);
        let withheld = unknown_share(kept, speech_s, self.presence.doubt());
        let target = self.target.as_mut_slice();
        for (target, probability) in target.iter_mut().zip(&*kept) {
            *target = probability * (1.0 - withheld);
        }
        target[self.labels] = withheld;
        self.confidence = kept.iter().copied().fold(0.0, f32::max);
        if !self.heard.is_within(&self.hold, self.hop_s) {
            self.classes = self.target; // what was before is over
        }
        self.heard = Age(Some(0));
        if withheld <= self.hold.unknown_max {
            let [arousal, valence, dominance] = prediction.dimensions;
            self.target_dimensions = Dimensions { arousal, valence, dominance };
            self.known = Age(Some(0));
        }
    }

    /// One hop passes.
    pub fn advance(&mut self) {
        if self.heard.0 != Some(0) {
            self.presence.pass();
        }
        let holds = self.hold.policy == HoldPolicy::Hold;
        if holds || self.heard.is_within(&self.hold, self.hop_s) {
            let is_new = self.heard.0 == Some(0);
            self.smoothing.classes(&mut self.classes, &self.target, is_new);
        } else {
            self.target = ClassScores::unknown(self.labels);
            self.confidence = 0.0;
            let share = self.share_let_go();
            let targets = self.target.as_slice().iter();
            for (value, target) in self.classes.as_mut_slice().iter_mut().zip(targets) {
                *value += (target - *value) * share;
            }
        }
        if holds || self.is_fresh() {
            self.smoothing.dimensions(&mut self.dimensions, self.target_dimensions);
        } else {
            self.target_dimensions = Dimensions::NEUTRAL;
            let share = self.share_let_go();
            let Dimensions { arousal, valence, dominance } = &mut self.dimensions;
            for value in [arousal, valence, dominance] {
                *value += (0.5 - *value) * share;
            }
        }
        self.heard.grow();
        self.known.grow();
    }

    /// Of the way to neutral and `unknown`, in one hop.
    fn share_let_go(&self) -> f32 {
        match self.hold.policy {
            HoldPolicy::Zero => 1.0,
            _ => one_pole_step(self.hop_s, self.hold.time_s),
        }
    }

    /// The last result is younger than the hold time.
    pub fn is_fresh(&self) -> bool {
        self.known.is_within(&self.hold, self.hop_s)
    }

    /// The last result still holds: by its age, or because it is held for ever.
    pub fn is_held(&self) -> bool {
        self.hold.policy == HoldPolicy::Hold || self.is_fresh()
    }

    /// `unknown` is so small that what is heard is a voice.
    pub fn is_known(&self) -> bool {
        self.classes.as_slice()[self.labels] <= self.hold.unknown_max
    }

    pub fn classes(&self) -> ClassScores {
        self.classes
    }

    /// What the network said last.
    pub fn raw(&self) -> ClassScores {
        self.raw
    }

    pub fn dimensions(&self) -> Dimensions {
        self.dimensions
    }

    pub fn confidence(&self) -> f32 {
        self.confidence
    }
}

/// The probabilities of the kept labels, as if there were no others; where those have next to no
/// mass, the kept ones are equally likely.
fn keep(probabilities: &[f32], mask: &[bool], kept: &mut [f32]) {
    /// Below this nothing can be told from the quotient of two roundings.
    const MASS_MIN: f32 = 1e-6;
    let is_kept = |index: usize| mask[index];
    let count = (0..kept.len()).filter(|&index| is_kept(index)).count();
    let mass: f32 = (0..kept.len()).filter(|&i| is_kept(i)).map(|i| probabilities[i]).sum();
    for (index, kept) in kept.iter_mut().enumerate().filter(|(index, _)| is_kept(*index)) {
        *kept = if mass < MASS_MIN { 1.0 / count as f32 } else { probabilities[index] / mass };
    }
}

/// Mass withheld from the labels, 0..1: all of it without speech, little of it after enough speech
/// with a clear posterior; at least the probability that this was no voice.
pub fn unknown_share(probabilities: &[f32], speech_s: f32, outlier: f32) -> f32 {
    let entropy: f32 = probabilities
        .iter()
        .filter(|p| **p > 0.0)
        .map(|probability| -probability * probability.ln())
        .sum();
    let flatness = entropy / (probabilities.len() as f32).ln();
    let evidence = (speech_s / FULL_EVIDENCE_S).clamp(0.0, 1.0);
    let doubt = 1.0 - evidence * (1.0 - flatness.clamp(0.0, 1.0).powi(DOUBT_POWER));
    doubt.max(outlier).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::typed::Typed;

    const HOP_S: f32 = 0.1;

    fn smooth() -> Smooth {
        Typed::default().check().unwrap().smooth
    }

    fn shaping(policy: HoldPolicy) -> Shaping {
        Shaping::new(3, HOP_S, &smooth(), &Hold { policy, time_s: 1.0, unknown_max: 0.5 })
    }

    fn certain() -> Prediction {
        let mut prediction = Prediction { dimensions: [0.9, 0.2, 0.7], ..Prediction::NOTHING };
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
    fn what_is_mostly_unknown_moves_the_classes_and_no_coordinate() {
        let mut shaping = shaping(HoldPolicy::Decay);
        let flat = Prediction { probabilities: [1.0 / 3.0; 15], ..certain() };
        for _ in 0..50 {
            shaping.observe(&flat, 3.0);
            shaping.advance();
            assert_eq!(shaping.dimensions(), Dimensions::NEUTRAL);
            assert!(!shaping.is_fresh() && !shaping.is_known());
        }
        for _ in 0..50 {
            shaping.observe(&certain(), 3.0);
            shaping.advance();
        }
        assert!(shaping.is_fresh() && shaping.is_known());
        assert!((shaping.dimensions().arousal - 0.9).abs() < 0.01);
        for _ in 0..100 {
            shaping.observe(&flat, 3.0); // ten times the hold time
            shaping.advance();
        }
        assert!(!shaping.is_fresh() && !shaping.is_known());
        assert!((shaping.dimensions().arousal - 0.5).abs() < 0.01);
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
        let share =
            |probabilities: [f32; 2], speech_s| unknown_share(&probabilities, speech_s, 0.0);
        assert_eq!(share([1.0, 0.0], 1.0), 0.0);
        assert_eq!(share([1.0, 0.0], 0.0), 1.0);
        assert!((share([0.5, 0.5], 1.0) - 1.0).abs() < 1e-6);
        assert!((share([1.0, 0.0], 0.25) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn what_is_no_voice_is_unknown_however_sure_the_network_is() {
        assert_eq!(unknown_share(&[1.0, 0.0], 1.0, 0.9), 0.9);
        let mut shaping = shaping(HoldPolicy::Decay);
        for _ in 0..50 {
            shaping.observe(&Prediction { outlier: 0.9, ..certain() }, 3.0);
            shaping.advance();
            assert_eq!(shaping.dimensions(), Dimensions::NEUTRAL);
            assert!(!shaping.is_fresh() && !shaping.is_known());
        }
        assert!(0.9 < shaping.classes().top().1, "it says so again and again");
        shaping.observe(&Prediction { outlier: f32::NAN, ..certain() }, 3.0);
        assert!(!shaping.is_fresh(), "a measure that is no number says nothing");
    }

    #[test]
    fn a_mask_gives_the_mass_of_the_others_to_those_kept() {
        let mut shaping = shaping(HoldPolicy::Hold);
        let mut mask = [true; CLASSES_MAX];
        mask[1] = false;
        shaping.set_mask(mask);
        let mut prediction = certain();
        prediction.probabilities[..3].copy_from_slice(&[0.3, 0.6, 0.1]);
        for _ in 0..100 {
            shaping.observe(&prediction, 3.0);
            shaping.advance();
        }
        let classes = shaping.classes();
        let [first, masked, third, unknown] = classes.as_slice() else { panic!("3 and unknown") };
        assert_eq!(*masked, 0.0);
        assert!((first / third - 3.0).abs() < 1e-3, "0.3 to 0.1");
        assert!((first + third + unknown - 1.0).abs() < 1e-5);
        assert_eq!(shaping.raw().as_slice(), [0.3, 0.6, 0.1, 0.0]);
        assert!((shaping.confidence() - 0.75).abs() < 1e-6);
    }

    #[test]
    fn a_mask_without_mass_knows_nothing() {
        let mut kept = [0.0; 3];
        keep(&[0.0, 1.0, 0.0], &[true, false, true], &mut kept);
        assert_eq!(kept, [0.5, 0.0, 0.5]);
    }

    #[test]
    fn another_hop_leaves_time_constants_in_seconds() {
        let smooth = smooth();
        let hold = Hold { policy: HoldPolicy::Hold, time_s: 1.0, unknown_max: 0.5 };
        let mut shaping = shaping(HoldPolicy::Hold);
        shaping.observe(&certain(), 3.0);
        run(&mut shaping, 5);
        let mut finer = shaping.clone();
        finer.configure(0.02, &smooth, &hold);
        run(&mut shaping, 4);
        run(&mut finer, 20);
        let (coarse, fine) = (shaping.dimensions().arousal, finer.dimensions().arousal);
        assert!((coarse - fine).abs() < 1e-5, "{coarse} {fine}");
        assert_eq!((shaping.is_fresh(), finer.is_fresh()), (true, true));
        run(&mut finer, 10);
        assert!(!finer.is_fresh());
    }
}
