//! Figures over a model's answers: recalls, calibration, how much its confidence is worth, and how
//! far other speakers might have moved the result. Pure functions; which clips and under which
//! protocol is left to others.
//!
//! A class without a clip has no recall, and means over classes leave it out.

use std::cmp::Ordering;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::messages::Dimensions;
use crate::train::affect::coordinates;

/// What the model says about one clip, and what is right.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub speaker: usize,
    /// Index of the right label.
    pub label: usize,
    /// One per label; they sum to 1.
    pub probabilities: Vec<f32>,
    pub dimensions: Dimensions,
    /// Probability that it was no voice.
    pub outlier: f32,
}

impl Answer {
    /// The label said and its probability; the first of equals.
    pub fn top(&self) -> (usize, f32) {
        let mut best = (0, self.probabilities[0]);
        for (label, &probability) in self.probabilities.iter().enumerate() {
            if best.1 < probability {
                best = (label, probability);
            }
        }
        best
    }
}

#[cfg(test)]
impl Answer {
    /// One that says one of `labels` labels and is sure of it.
    pub fn sure(speaker: usize, label: usize, said: usize, labels: usize) -> Self {
        let mut probabilities = vec![0.0; labels];
        probabilities[said] = 1.0;
        Self { speaker, label, probabilities, dimensions: Dimensions::NEUTRAL, outlier: 0.0 }
    }
}

/// How often a clip of one class was taken for another.
#[derive(Clone, Debug, PartialEq)]
pub struct Confusion {
    /// A row per right class, in it a count per class said.
    counts: Vec<Vec<u32>>,
}

impl Confusion {
    pub fn new(classes: usize) -> Self {
        Self { counts: vec![vec![0; classes]; classes] }
    }

    /// The labels that `answers` say.
    pub fn of<'a>(answers: impl IntoIterator<Item = &'a Answer>, labels: usize) -> Self {
        let mut confusion = Self::new(labels);
        for answer in answers {
            confusion.add(answer.label, answer.top().0);
        }
        confusion
    }

    pub fn add(&mut self, right: usize, said: usize) {
        self.counts[right][said] += 1;
    }

    fn add_all(&mut self, other: &Self) {
        for (own, other) in self.counts.iter_mut().flatten().zip(other.counts.iter().flatten()) {
            *own += other;
        }
    }

    pub fn counts(&self) -> &[Vec<u32>] {
        &self.counts
    }

    /// Clips of a class.
    pub fn support(&self, class: usize) -> u32 {
        self.counts[class].iter().sum()
    }

    /// Clips that were said to be of a class.
    fn said(&self, class: usize) -> u32 {
        self.counts.iter().map(|row| row[class]).sum()
    }

    /// Share of a class's clips that were found.
    pub fn recall(&self, class: usize) -> Option<f64> {
        share(self.counts[class][class], self.support(class))
    }

    /// Share of what was said to be a class that is one; none if it was never said.
    pub fn precision(&self, class: usize) -> Option<f64> {
        share(self.counts[class][class], self.said(class))
    }

    /// Harmonic mean of recall and precision.
    pub fn f1(&self, class: usize) -> Option<f64> {
        let support = self.support(class);
        let found = self.counts[class][class];
        (0 < support).then(|| f64::from(2 * found) / f64::from(support + self.said(class)))
    }

    /// Classes that have a clip.
    pub fn present(&self) -> usize {
        (0..self.counts.len()).filter(|&class| 0 < self.support(class)).count()
    }

    /// Unweighted average recall.
    pub fn ua(&self) -> f64 {
        self.mean(Self::recall)
    }

    /// Share of all clips that are right.
    pub fn wa(&self) -> f64 {
        let right = (0..self.counts.len()).map(|class| self.counts[class][class]).sum();
        share(right, self.counts.iter().flatten().sum()).unwrap_or(0.0)
    }

    pub fn macro_f1(&self) -> f64 {
        self.mean(Self::f1)
    }

    fn mean(&self, figure: impl Fn(&Self, usize) -> Option<f64>) -> f64 {
        let sum: f64 = (0..self.counts.len()).filter_map(|class| figure(self, class)).sum();
        sum / self.present().max(1) as f64
    }
}

fn share(part: u32, whole: u32) -> Option<f64> {
    (0 < whole).then(|| f64::from(part) / f64::from(whole))
}

/// Bins of the calibration error.
pub const ECE_BINS: usize = 15;

/// Expected calibration error (Guo et al. 2017): how far confidence and share of right answers
/// lie apart, over bins of equal width that include their upper edge.
pub fn calibration_error(answers: &[Answer]) -> f64 {
    let mut bins = [[0.0f64; 2]; ECE_BINS];
    for answer in answers {
        let (said, confidence) = answer.top();
        let confidence = f64::from(confidence);
        let bin =
            (1..ECE_BINS).filter(|&edge| edge as f64 / (ECE_BINS as f64) < confidence).count();
        bins[bin][0] += confidence;
        bins[bin][1] += f64::from(u8::from(said == answer.label));
    }
    let apart: f64 = bins.iter().map(|[confidence, right]| (confidence - right).abs()).sum();
    apart / answers.len().max(1) as f64
}

/// Brier's score over all labels (1950): 0 is perfect, 2 is sure and wrong.
pub fn brier(answers: &[Answer]) -> f64 {
    let of_clip = |answer: &Answer| -> f64 {
        let wanted = |label| f64::from(u8::from(label == answer.label));
        let pairs = answer.probabilities.iter().enumerate();
        pairs.map(|(label, &said)| (f64::from(said) - wanted(label)).powi(2)).sum()
    };
    answers.iter().map(of_clip).sum::<f64>() / answers.len().max(1) as f64
}

/// UA over the answers that the model is surest of, `percent` of them; over the classes that are
/// left among these.
pub fn ua_at_coverage(answers: &[Answer], labels: usize, percent: usize) -> f64 {
    let mut surest: Vec<&Answer> = answers.iter().collect();
    surest.sort_by(|a, b| b.top().1.total_cmp(&a.top().1));
    surest.truncate((answers.len() * percent).div_ceil(100));
    Confusion::of(surest, labels).ua()
}

/// How well the halves of the category-derived coordinates are told apart, as `sign_ua` has it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Signs {
    pub arousal_sign_ua: Option<f64>,
    pub valence_sign_ua: Option<f64>,
    pub dominance_sign_ua: Option<f64>,
}

impl Signs {
    pub fn new(answers: &[Answer], labels: &[String]) -> Self {
        let right: Vec<_> = labels.iter().map(|label| coordinates(label)).collect();
        let of = |coordinate: fn(&Dimensions) -> f32| {
            let right: Vec<_> = right.iter().map(|right| right.as_ref().map(coordinate)).collect();
            sign_ua(answers, &right, coordinate)
        };
        Self {
            arousal_sign_ua: of(|at| at.arousal),
            valence_sign_ua: of(|at| at.valence),
            dominance_sign_ua: of(|at| at.dominance),
        }
    }
}

/// UA of telling the upper half of a coordinate from the lower. `right` is the coordinate of each
/// label, 0..1; labels in the middle, and those without, are left out. None if no clip remains.
pub fn sign_ua(
    answers: &[Answer],
    right: &[Option<f32>],
    said: impl Fn(&Dimensions) -> f32,
) -> Option<f64> {
    const MIDDLE: f32 = 0.5;
    let mut confusion = Confusion::new(2);
    for answer in answers {
        let Some(right) = right[answer.label].filter(|&right| right != MIDDLE) else { continue };
        let is_upper = |value: f32| usize::from(MIDDLE <= value);
        confusion.add(is_upper(right), is_upper(said(&answer.dimensions)));
    }
    (0 < confusion.present()).then(|| confusion.ua())
}

/// Share of the pairs of one clip with label `upper` and one with label `lower` in which the first
/// is the more aroused: the area under the ROC curve; a tie is half a pair. None without pairs.
pub fn arousal_above(answers: &[Answer], upper: usize, lower: usize) -> Option<f64> {
    let of = |label| answers.iter().filter(move |answer| answer.label == label);
    let (mut above, mut pairs) = (0.0, 0.0);
    for high in of(upper) {
        for low in of(lower) {
            pairs += 1.0;
            above += match high.dimensions.arousal.total_cmp(&low.dimensions.arousal) {
                Ordering::Greater => 1.0,
                Ordering::Equal => 0.5,
                Ordering::Less => 0.0,
            };
        }
    }
    (0.0 < pairs).then(|| above / pairs)
}

/// 95 % of the UAs over as many speakers drawn with replacement (percentile bootstrap). None for
/// a single speaker, who says nothing about others.
pub fn speaker_interval(answers: &[Answer], labels: usize) -> Option<[f64; 2]> {
    const DRAWS: usize = 2000;
    const TAIL: usize = DRAWS / 40; // 2.5 %
    let speakers = answers.iter().map(|answer| answer.speaker + 1).max().unwrap_or(0);
    if speakers < 2 {
        return None;
    }
    let mut own = vec![Confusion::new(labels); speakers];
    for answer in answers {
        own[answer.speaker].add(answer.label, answer.top().0);
    }
    let mut rng = StdRng::seed_from_u64(1);
    let mut uas: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let mut drawn = Confusion::new(labels);
            (0..speakers).for_each(|_| drawn.add_all(&own[rng.random_range(0..speakers)]));
            drawn.ua()
        })
        .collect();
    uas.sort_by(f64::total_cmp);
    Some([uas[TAIL], uas[DRAWS - 1 - TAIL]])
}

/// Standard deviation of a sample; none of fewer than two.
pub fn deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(speaker: usize, label: usize, probabilities: &[f32]) -> Answer {
        let dimensions = Dimensions { arousal: probabilities[0], ..Dimensions::NEUTRAL };
        let probabilities = probabilities.to_vec();
        Answer { speaker, label, probabilities, dimensions, outlier: 0.0 }
    }

    fn check(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    }

    /// Three classes and one that has no clip: 3 + 1 + 0 | 0 + 2 + 2 | 0 + 0 + 2.
    fn confusion() -> Confusion {
        let mut confusion = Confusion::new(4);
        for (right, said, times) in [(0, 0, 3), (0, 1, 1), (1, 1, 2), (1, 2, 2), (2, 2, 2)] {
            (0..times).for_each(|_| confusion.add(right, said));
        }
        confusion
    }

    #[test]
    fn recalls_count_alike_and_a_class_without_clips_not_at_all() {
        check(confusion().ua(), (0.75 + 0.5 + 1.0) / 3.0);
        check(confusion().wa(), 7.0 / 10.0);
        assert_eq!(confusion().recall(3), None);
        assert_eq!(confusion().precision(3), None);
        assert_eq!(confusion().present(), 3);
    }

    #[test]
    fn f1_lies_between_recall_and_precision() {
        check(confusion().precision(1).unwrap(), 2.0 / 3.0);
        check(confusion().f1(1).unwrap(), 4.0 / 7.0); // 2 · 2 / (4 clips + 3 said)
        check(confusion().macro_f1(), (6.0 / 7.0 + 4.0 / 7.0 + 4.0 / 6.0) / 3.0);
    }

    #[test]
    fn calibration_compares_confidence_with_success_bin_by_bin() {
        // In (12/15, 13/15]: confidence 0.85, one of two right: |1.7 - 1| = 0.7.
        // In (8/15, 9/15]: confidence 0.6, right: |0.6 - 1| = 0.4. Over three clips: 1.1 / 3.
        let answers =
            [answer(0, 0, &[0.85, 0.15]), answer(0, 1, &[0.85, 0.15]), answer(0, 1, &[0.4, 0.6])];
        check(calibration_error(&answers), 1.1 / 3.0);
        check(calibration_error(&[answer(0, 0, &[1.0, 0.0])]), 0.0);
    }

    #[test]
    fn brier_goes_from_perfect_to_sure_and_wrong() {
        check(brier(&[answer(0, 0, &[1.0, 0.0])]), 0.0);
        check(brier(&[answer(0, 1, &[1.0, 0.0])]), 2.0);
        // (0.75 - 1)² + 0.25² = 0.125, (0.5 - 1)² + 0.5² = 0.5.
        check(brier(&[answer(0, 0, &[0.75, 0.25]), answer(0, 1, &[0.5, 0.5])]), 0.3125);
    }

    #[test]
    fn coverage_keeps_the_surest() {
        let answers = [
            answer(0, 0, &[0.6, 0.4]),
            answer(0, 1, &[0.7, 0.3]),
            answer(0, 0, &[0.9, 0.1]),
            answer(0, 1, &[0.2, 0.8]),
        ];
        check(ua_at_coverage(&answers, 2, 50), 1.0);
        check(ua_at_coverage(&answers, 2, 75), 0.75); // (1/1 + 1/2) / 2
        check(ua_at_coverage(&answers, 2, 100), 0.75); // (2/2 + 1/2) / 2
    }

    #[test]
    fn the_sign_of_a_coordinate_leaves_the_middle_out() {
        let right = [Some(0.8), Some(0.2), Some(0.5), None];
        let answers = [
            answer(0, 0, &[0.9, 0.1, 0.0, 0.0]), // arousal 0.9: found
            answer(0, 0, &[0.4, 0.6, 0.0, 0.0]), // 0.4: not found
            answer(0, 1, &[0.1, 0.9, 0.0, 0.0]), // 0.1: found
            answer(0, 2, &[0.9, 0.1, 0.0, 0.0]),
            answer(0, 3, &[0.9, 0.1, 0.0, 0.0]),
        ];
        check(sign_ua(&answers, &right, |said| said.arousal).unwrap(), 0.75); // (1/2 + 1/1) / 2
        assert_eq!(sign_ua(&answers[3..], &right, |said| said.arousal), None);
    }

    #[test]
    fn arousal_is_compared_in_pairs_and_a_tie_is_half() {
        let answers = [
            answer(0, 0, &[0.9, 0.1]), // the answers' arousal is their first probability
            answer(0, 0, &[0.5, 0.5]),
            answer(0, 1, &[0.5, 0.5]),
            answer(0, 1, &[0.7, 0.3]),
        ];
        check(arousal_above(&answers, 0, 1).unwrap(), 0.625); // (1 + 1 + ½ + 0) / 4
        assert_eq!(arousal_above(&answers, 0, 2), None);
    }

    #[test]
    fn speakers_who_differ_make_the_interval_wide() {
        // Two speakers, one all right and one all wrong: a quarter of the draws has the first
        // only (UA 1), a quarter the second only (UA 0).
        let answers = [answer(0, 0, &[1.0, 0.0]), answer(1, 0, &[0.0, 1.0])];
        assert_eq!(speaker_interval(&answers, 2), Some([0.0, 1.0]));
        assert_eq!(speaker_interval(&answers[..1], 2), None);
    }

    #[test]
    fn deviation_is_that_of_a_sample() {
        check(deviation(&[1.0, 2.0, 3.0]).unwrap(), 1.0); // sqrt((1 + 0 + 1) / 2)
        assert_eq!(deviation(&[1.0]), None);
    }

    #[test]
    fn who_says_the_coordinates_of_the_right_label_has_all_signs_right() {
        let labels = ["angry", "sad"].map(str::to_owned);
        let answer = |label: usize| Answer {
            dimensions: coordinates(&labels[label]).expect("in the table"),
            ..answer(0, label, &[0.5, 0.5])
        };
        let signs = Signs::new(&[answer(0), answer(1)], &labels);
        let right = [signs.arousal_sign_ua, signs.valence_sign_ua, signs.dominance_sign_ua];
        assert_eq!(right, [Some(1.0); 3]);
    }
}
