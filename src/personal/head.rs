//! A head that a person taught: labels by logistic regression, sliders by ridge regression, both on
//! what a window comes to: the network's embedding, which stays as it is, and the statistics of
//! what it saw; and `none` for what is far from every example of a label. Training is
//! deterministic, so that a lesson that is loaded gives the same answers. Pure; trained on a thread
//! that may wait, applied on the worker without allocation.

use crate::model::stream::pooling::softmax;
use crate::personal::few_shot::{self, FewShot};
use crate::personal::lesson::{Example, Kind, Lesson, NONE, Output};
use crate::personal::space::Space;
use crate::personal::{dot, square};

/// Examples that a label or slider needs, 2.5 s of speech.
pub const EXAMPLES_MIN: usize = 5;

/// Prior's precision of both regressions, an example counting 1. On RAVDESS, three labels, ten
/// times as much costs a point (EXPERIMENTS.md, Q8).
const TETHER: f32 = 0.02;

/// Groups of recordings that are left out in turn for the score, at most.
const GROUPS_MAX: usize = 5;

/// Targets of a slider must lie so far apart.
const TARGETS_APART: f32 = 0.1;

/// Share of the examples that lie within reach of another recording; what is twice as far is none
/// of the labels.
const WITHIN_REACH: f32 = 0.95;

/// Floor under a length.
const LENGTH_MIN: f32 = 1e-6;

/// Why nothing can be learnt yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two labels with {EXAMPLES_MIN} examples each are needed, or a slider with as many; {0}")]
pub struct TooFew(String);

/// What a lesson came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    labels: Vec<String>,
    sliders: Vec<String>,
    classes: FewShot,
    lines: Vec<Line>,
    space: Space,
    /// Where all examples of labels lie, one after the other.
    known: Vec<f32>,
    /// Square of the distance that counts as near.
    reach: f32,
    /// Where the present window lies.
    here: Vec<f32>,
}

/// How well the head does on recordings that it was not trained on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    /// Mean recall over the labels; of sliders alone, 1 less the mean error. 0..1.
    pub share: f32,
    /// Examples of each label, by the label that was found.
    pub confusion: Vec<Vec<u32>>,
    /// Each label was shown once: halves of a recording stand for recordings.
    pub is_of_halves: bool,
}

/// A slider: a weight for each input, the bias last.
#[derive(Clone, Debug, PartialEq)]
struct Line(Vec<f32>);

impl Head {
    /// Learns all of a lesson.
    pub fn train(lesson: &Lesson) -> Result<Self, TooFew> {
        check(lesson)?;
        let mut head = Self::of(lesson, &|_, _| true);
        let shown = lesson.of(Kind::Label).flat_map(|output| &output.examples);
        let placed: Vec<Example> = shown.map(|example| head.space.placed(example)).collect();
        head.reach = reach(&placed);
        head.known = placed.into_iter().flat_map(|one| one.embedding).collect();
        Ok(head)
    }

    /// Learns those examples of an output, by their places, that `keep` wants; nothing is far.
    fn of(lesson: &Lesson, keep: &dyn Fn(&Output, usize) -> bool) -> Self {
        let kept = |output: &'_ Output| -> Vec<Example> {
            let examples = output.examples.iter().enumerate();
            examples.filter(|(place, _)| keep(output, *place)).map(|(_, one)| one.clone()).collect()
        };
        let space = Space::of(&lesson.outputs.iter().map(&kept).collect::<Vec<_>>());
        let placed = |output: &'_ Output| -> Vec<Example> {
            kept(output).iter().map(|example| space.placed(example)).collect()
        };
        let labels: Vec<(String, Vec<Example>)> =
            lesson.of(Kind::Label).map(|one| (one.name.clone(), placed(one))).collect();
        let lines = lesson.of(Kind::Slider).map(|one| Line::fit(&placed(one), space.width()));
        Self {
            classes: classes(&labels),
            lines: lines.collect(),
            sliders: lesson.of(Kind::Slider).map(|one| one.name.clone()).collect(),
            known: Vec::new(),
            reach: f32::INFINITY,
            labels: labels.into_iter().map(|(name, _)| name).collect(),
            here: Vec::with_capacity(space.width()),
            space,
        }
    }

    /// Of the outputs in their order: labels, `none` behind them, sliders.
    pub fn names(&self) -> Vec<String> {
        let none = (!self.labels.is_empty()).then(|| NONE.to_owned());
        self.labels.iter().cloned().chain(none).chain(self.sliders.iter().cloned()).collect()
    }

    /// What nobody says: `none` is 1, all else 0.
    pub fn silence(&self, out: &mut [f32]) {
        out.fill(0.0);
        if let Some(none) = out.get_mut(self.labels.len()).filter(|_| !self.labels.is_empty()) {
            *none = 1.0;
        }
    }

    /// Writes the outputs, 0..1 each, labels and `none` together 1. Nothing is written where the
    /// embedding is no number.
    pub fn apply(&mut self, embedding: &[f32], out: &mut [f32]) {
        let is_number = embedding.iter().all(|value| value.is_finite());
        if embedding.len() != self.space.width() || !is_number {
            return;
        }
        self.space.place(embedding, &mut self.here);
        let labels = self.labels.len();
        let (scores, rest) = out.split_at_mut(labels.min(out.len()));
        let mut rest = rest.iter_mut();
        if 0 < labels {
            scores.fill(0.0);
            self.classes.add_to(scores, &self.here);
            softmax(scores);
            let none = self.none();
            scores.iter_mut().for_each(|score| *score *= 1.0 - none);
            rest.next().into_iter().for_each(|out| *out = none);
        }
        for (out, line) in rest.zip(&self.lines) {
            *out = line.at(&self.here).clamp(0.0, 1.0);
        }
    }

    /// 0 within reach of an example, 1 twice as far from all.
    fn none(&self) -> f32 {
        if self.known.is_empty() {
            return 0.0;
        }
        let known = self.known.chunks_exact(self.here.len().max(1));
        let nearest = known.map(|known| square(known, &self.here)).fold(f32::INFINITY, f32::min);
        ((nearest / self.reach.max(LENGTH_MIN)).sqrt() - 1.0).clamp(0.0, 1.0)
    }
}

/// How well it does where recordings are left out in turn.
pub fn score(lesson: &Lesson) -> Result<Score, TooFew> {
    check(lesson)?;
    let labels: Vec<&Output> = lesson.of(Kind::Label).collect();
    let fewest = lesson.outputs.iter().map(Output::recordings).min().unwrap_or(0);
    let is_of_halves = fewest < 2;
    let groups = if is_of_halves { 2 } else { fewest.min(GROUPS_MAX) };
    let group = |output: &Output, place: usize| match is_of_halves {
        true => 2 * place / output.examples.len(),
        false => rank(output, place) % groups,
    };
    let mut confusion = vec![vec![0; labels.len()]; labels.len()];
    let (mut errors, mut count) = (0.0_f32, 0.0_f32);
    for left_out in 0..groups {
        let mut head = Head::of(lesson, &|output, place| group(output, place) != left_out);
        let mut out = vec![0.0; head.names().len()];
        let sliders_at = out.len() - head.sliders.len();
        let of = |output: &'_ Output| -> Vec<Example> {
            let examples = output.examples.iter().enumerate();
            let left_out = examples.filter(|(place, _)| group(output, *place) == left_out);
            left_out.map(|(_, example)| example.clone()).collect()
        };
        for (label, output) in labels.iter().enumerate() {
            for example in of(output) {
                head.apply(&example.embedding, &mut out);
                // Near or far: which of the labels it is.
                let best = (0..labels.len()).max_by(|&a, &b| out[a].total_cmp(&out[b]));
                best.into_iter().for_each(|best| confusion[label][best] += 1);
            }
        }
        for (index, output) in lesson.of(Kind::Slider).enumerate() {
            for example in of(output) {
                head.apply(&example.embedding, &mut out);
                errors += (out[sliders_at + index] - example.target).abs();
                count += 1.0;
            }
        }
    }
    let share = if labels.is_empty() { 1.0 - errors / count.max(1.0) } else { recall(&confusion) };
    Ok(Score { share, confusion, is_of_halves })
}

fn recall(confusion: &[Vec<u32>]) -> f32 {
    let of = |(label, row): (usize, &Vec<u32>)| {
        row[label] as f32 / row.iter().sum::<u32>().max(1) as f32
    };
    confusion.iter().enumerate().map(of).sum::<f32>() / confusion.len().max(1) as f32
}

/// Place of an example's recording among those of its output.
fn rank(output: &Output, place: usize) -> usize {
    let own = output.examples[place].recording;
    let mut before: Vec<u32> = output.examples.iter().map(|one| one.recording).collect();
    before.sort_unstable();
    before.dedup();
    before.iter().filter(|recording| **recording < own).count()
}

/// Labels count alike however many examples they have.
fn classes(labels: &[(String, Vec<Example>)]) -> FewShot {
    let uniform = vec![1.0 / labels.len().max(1) as f32; labels.len()];
    let count: usize = labels.iter().map(|(_, examples)| examples.len()).sum();
    let mut shown = Vec::with_capacity(count);
    for (label, (_, examples)) in labels.iter().enumerate() {
        let weight = count as f32 / (labels.len() * examples.len().max(1)) as f32;
        shown.extend(examples.iter().map(|example| few_shot::Example {
            label,
            weight,
            probabilities: uniform.clone(),
            embedding: example.embedding.clone(),
        }));
    }
    FewShot::learn(&shown, TETHER)
}

/// Square of the distance within which most examples have one of another recording; of another
/// moment where there is one recording.
fn reach(examples: &[Example]) -> f32 {
    let nearest = |own: &(usize, &Example), is_other: &dyn Fn(&Example) -> bool| {
        let (place, own) = own;
        let others = examples.iter().enumerate().filter(|(other, _)| other != place);
        let others = others.filter(|(_, other)| is_other(other));
        others.map(|(_, other)| square(&own.embedding, &other.embedding)).reduce(f32::min)
    };
    let of = |own: (usize, &Example)| {
        let elsewhere = nearest(&own, &|other| other.recording != own.1.recording);
        elsewhere.or_else(|| nearest(&own, &|_| true))
    };
    let mut distances: Vec<f32> = examples.iter().enumerate().filter_map(of).collect();
    distances.sort_by(f32::total_cmp);
    let place = crate::units::to_count(f64::from(WITHIN_REACH) * distances.len() as f64);
    distances.get(place.min(distances.len().saturating_sub(1))).copied().unwrap_or(f32::INFINITY)
}

impl Line {
    /// By conjugate gradients on the normal equations (Hestenes and Stiefel 1952).
    fn fit(examples: &[Example], width: usize) -> Self {
        let lengths: f32 = examples.iter().flat_map(|one| &one.embedding).map(|v| v * v).sum();
        let scale = 1.0 / (lengths / examples.len().max(1) as f32).sqrt().max(LENGTH_MIN);
        let rows: Vec<Vec<f32>> = examples
            .iter()
            .map(|one| one.embedding.iter().map(|value| scale * value).chain([1.0]).collect())
            .collect();
        let times = |weights: &[f32]| -> Vec<f32> {
            let mut product: Vec<f32> = weights.iter().map(|weight| TETHER * weight).collect();
            for row in &rows {
                let along = dot(row, weights);
                product.iter_mut().zip(row).for_each(|(sum, value)| *sum += along * value);
            }
            product
        };
        let mut weights = vec![0.0; width + 1];
        let mut left = vec![0.0; width + 1];
        for (row, example) in rows.iter().zip(examples) {
            left.iter_mut().zip(row).for_each(|(sum, value)| *sum += example.target * value);
        }
        let (mut way, mut length) = (left.clone(), dot(&left, &left));
        let small = 1e-10 * length;
        for _ in 0..=width {
            if length <= small {
                break;
            }
            let product = times(&way);
            let step = length / dot(&way, &product).max(f32::MIN_POSITIVE);
            weights.iter_mut().zip(&way).for_each(|(weight, way)| *weight += step * way);
            left.iter_mut().zip(&product).for_each(|(left, product)| *left -= step * product);
            let next = dot(&left, &left);
            way.iter_mut().zip(&left).for_each(|(way, left)| *way = left + next / length * *way);
            length = next;
        }
        weights.iter_mut().take(width).for_each(|weight| *weight *= scale);
        Self(weights)
    }

    fn at(&self, embedding: &[f32]) -> f32 {
        dot(&self.0, embedding) + self.0.last().copied().unwrap_or(0.0)
    }
}

fn check(lesson: &Lesson) -> Result<(), TooFew> {
    let labels = lesson.of(Kind::Label).count();
    let few = |output: &&Output| output.examples.len() < EXAMPLES_MIN;
    if let Some(output) = lesson.outputs.iter().find(few) {
        let Output { name, examples, .. } = output;
        return Err(TooFew(format!("{name} has {}", examples.len())));
    }
    if labels == 1 || lesson.is_empty() {
        let known = lesson.of(Kind::Label).map(|one| one.name.as_str()).collect::<Vec<_>>();
        return Err(TooFew(match known.as_slice() {
            [] => "nothing was shown".to_owned(),
            known => format!("there is {} alone", known.join(", ")),
        }));
    }
    for output in lesson.of(Kind::Slider) {
        let targets = output.examples.iter().map(|example| example.target);
        let [low, high] = [f32::min, f32::max].map(|best| targets.clone().reduce(best));
        if high.unwrap_or(0.0) - low.unwrap_or(0.0) < TARGETS_APART {
            return Err(TooFew(format!("{} was shown at one place only", output.name)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
