//! A clip as the live engine hears it: its front end, its causal baseline, its windows. An answer
//! about a clip is the mean over its windows.

use std::ops::Range;

use anyhow::{Result, bail};

use crate::engine::history::History;
use crate::eval::clips::Spoken;
use crate::eval::metrics::Answer;
use crate::messages::Dimensions;
use crate::model::card::Card;
use crate::model::predictor::{Predict, Window};
use crate::model::stream::Stream;
use crate::model::window::WindowRule;
use crate::personal::normaliser::Normaliser;

/// Longest time between the ends of two windows of a clip.
const STEP_S: f32 = 0.5;

/// Hears clips frame by frame and asks the model at each window's end.
pub struct Listener {
    coefficients: usize,
    labels: usize,
    windows: WindowRule,
    step: usize,
    history: History,
    normalised: Vec<f32>,
    /// What the model follows the clips with; not asked for yet, or none.
    stream: Option<Option<Stream>>,
}

impl Listener {
    pub fn new(card: &Card) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "half of the frames per second, which the card's check keeps small"
        )]
        let step = (STEP_S * card.features.frames_per_s()).round() as usize;
        let (coefficients, windows) = (card.features.rows(), card.window_rule());
        Self {
            coefficients,
            labels: card.labels.len(),
            windows,
            step: step.max(1),
            history: History::new(coefficients, windows.rows_max()),
            normalised: vec![0.0; coefficients],
            stream: None,
        }
    }

    /// The mean over the clip's windows.
    pub fn answer(
        &mut self,
        clip: &Spoken,
        speaker: usize,
        normaliser: &mut Normaliser,
        model: &mut dyn Predict,
    ) -> Result<Answer> {
        let windows = self.windows(&clip.span);
        let share = 1.0 / windows.len() as f32;
        let mut probabilities = vec![0.0; self.labels];
        let (mut dimensions, mut outlier) = ([0.0; 3], 0.0);
        let width = self.coefficients;
        let mut stream = self.stream.take().unwrap_or_else(|| model.open());
        self.walk(clip, &windows, normaliser, &mut |window| {
            let prediction = match &mut stream {
                Some(stream) => model.follow(stream, window),
                None => model.predict(window.rows, window.rows.len() / width),
            };
            for (sum, value) in probabilities.iter_mut().zip(&prediction.probabilities) {
                *sum += share * value;
            }
            for (sum, value) in dimensions.iter_mut().zip(&prediction.dimensions) {
                *sum += share * value;
            }
            outlier += share * prediction.outlier;
        });
        self.stream = Some(stream);
        if probabilities.iter().chain(&dimensions).any(|value| !value.is_finite()) {
            bail!("the model's answer to a clip is no number; its weights are damaged");
        }
        let [arousal, valence, dominance] = dimensions;
        let dimensions = Dimensions { arousal, valence, dominance };
        Ok(Answer { speaker, label: clip.label, probabilities, dimensions, outlier })
    }

    /// What the live engine would ask about: one window of the whole `span`, or where that is too
    /// long one after the other from its beginning to its end, a step apart at most. Speech shorter
    /// than the shortest window is filled up with what came before, as live, or else with what
    /// follows.
    pub fn windows(&self, span: &Range<usize>) -> Vec<Range<u64>> {
        let (start, end) = (span.start as u64, span.end as u64);
        let ends = (span.start + self.windows.longest..span.end).step_by(self.step);
        let ends = ends.map(|end| end as u64).chain([end]);
        let windows: Option<Vec<_>> = ends.map(|end| self.windows.window(start..end)).collect();
        windows
            .unwrap_or_else(|| std::iter::once(0..end.max(self.windows.shortest as u64)).collect())
    }

    /// Goes through the clip and hands over each window. The baseline hears the clip's voiced
    /// frames as they pass, and each frame is normalised as it passes, so that no answer knows what
    /// came after it.
    pub fn walk(
        &mut self,
        clip: &Spoken,
        windows: &[Range<u64>],
        normaliser: &mut Normaliser,
        ask: &mut dyn FnMut(Window),
    ) {
        let mut pending = windows.iter().peekable();
        self.history.clear();
        let first = self.history.end();
        for (index, row) in clip.rows.chunks_exact(self.coefficients).enumerate() {
            if clip.voiced[index] {
                normaliser.observe(row);
            }
            normaliser.apply(row, &mut self.normalised);
            self.history.push(&self.normalised);
            let Some(window) = pending.next_if(|window| window.end == index as u64 + 1) else {
                continue;
            };
            let start = first + window.start;
            ask(Window { rows: self.history.rows(start..first + window.end), start });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::card::{LABELS_MAX, NormaliserSpec};
    use crate::model::predictor::Prediction;

    /// Keeps what it was asked and always says the same.
    #[derive(Default)]
    struct Recorder(Vec<Vec<f32>>);

    impl Predict for Recorder {
        fn predict(&mut self, features: &[f32], _: usize) -> Prediction {
            self.0.push(features.to_vec());
            let mut probabilities = [0.0; LABELS_MAX];
            probabilities[..2].copy_from_slice(&[0.25, 0.75]);
            Prediction { probabilities, ..Prediction::NOTHING }
        }
    }

    fn listener() -> Listener {
        let windows = WindowRule { shortest: 5, longest: 30, step: 2 };
        Listener {
            coefficients: 1,
            labels: 2,
            windows,
            step: 5,
            history: History::new(1, windows.rows_max()),
            normalised: vec![0.0],
            stream: None,
        }
    }

    fn normaliser() -> Normaliser {
        Normaliser::new(&NormaliserSpec {
            mean: vec![0.0],
            deviation: vec![1.0],
            prior_frames: 10.0,
            prior_level_frames: 10.0,
            memory_frames: 1000.0,
            prior_pitch_frames: 0.0,
        })
    }

    fn spoken(rows: Vec<f32>, span: Range<usize>) -> Spoken {
        let voiced = (0..rows.len()).map(|index| span.contains(&index)).collect();
        Spoken { label: 0, rows, voiced, span }
    }

    fn check(span: Range<usize>, expected: &[Range<u64>]) {
        assert_eq!(listener().windows(&span), expected, "{span:?}");
    }

    #[test]
    fn windows_reach_from_the_first_frame_of_speech_to_the_last() {
        check(10..40, std::slice::from_ref(&(10..40)));
        check(10..33, std::slice::from_ref(&(10..33)));
        // The second and third leave out 5 and 12 frames, rounded up to steps of 2.
        check(10..52, &[10..40, 16..45, 20..50, 22..52]);
    }

    #[test]
    fn short_speech_is_filled_up_with_what_came_before() {
        check(10..13, std::slice::from_ref(&(8..13)));
        check(0..3, std::slice::from_ref(&(0..5)));
    }

    #[test]
    fn nothing_after_its_end_changes_a_window() {
        let ask = |rows: Vec<f32>| {
            let mut model = Recorder::default();
            listener().answer(&spoken(rows, 0..34), 0, &mut normaliser(), &mut model).unwrap();
            model.0
        };
        let rows: Vec<f32> = (0..34u8).map(f32::from).collect();
        let mut changed = rows.clone();
        changed[30..].fill(-99.0);
        let (before, after) = (ask(rows), ask(changed));
        assert_eq!(before.len(), 2); // ends at 30 and 34
        assert_eq!(before[0], after[0]);
        assert_ne!(before[1], after[1]);
    }

    #[test]
    fn the_baseline_stays_with_the_speaker_and_hears_speech_only() {
        let mut model = Recorder::default();
        let mut baseline = normaliser();
        let mut rows = vec![500.0; 40];
        rows[10..20].fill(4.0);
        let clip = spoken(rows, 10..20);
        for _ in 0..2 {
            let answer = listener().answer(&clip, 0, &mut baseline, &mut model).unwrap();
            assert_eq!(answer.top(), (1, 0.75));
        }
        // Ten frames of prior 0, then k of 4: each is seen against 4·k / (10 + k).
        let expected: Vec<f32> = (1..=20u8).map(|k| 40.0 / (10.0 + f32::from(k))).collect();
        let seen: Vec<f32> = model.0.concat();
        assert_eq!(seen.len(), 20);
        let pairs = seen.iter().zip(&expected);
        assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-5), "{seen:?}");
    }
}
