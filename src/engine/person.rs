//! What a channel knows of the person who speaks on it: a baseline, or one in the making; what the
//! person teaches, and the head that learnt it. One value per channel; the worker's thread.

use crate::features::statistics::add_statistics;
use crate::messages::{Dimensions, Taught};
use crate::model::card::Card;
use crate::model::predictor::{Predict, Prediction};
use crate::personal::baseline::Baseline;
use crate::personal::calibration::{Calibration, TooLittleSpeech};
use crate::personal::enrolment::Enrolment;
use crate::personal::head::Head;
use crate::personal::lesson::{Example, Kind, Lesson, LessonError};
use crate::units::one_pole_step;

/// Speech between two examples of one recording.
pub const EXAMPLE_S: f32 = 0.3;

pub struct Person {
    baseline: Option<Baseline>,
    calibration: Option<Calibration>,
    /// How fast the normaliser goes on learning: 1 as it was trained, 0 not at all.
    adapt: f32,
    lesson: Lesson,
    showing: Option<Showing>,
    head: Option<Head>,
    enrolment: Option<Enrolment>,
    /// What the network's heads saw of the last window, then its statistics; kept while somebody
    /// wants it.
    embedding: Vec<f32>,
    target: Taught,
    taught: Taught,
}

/// What is being shown.
struct Showing {
    name: String,
    kind: Kind,
    target: f32,
    recording: u32,
    examples: usize,
    /// Hops of speech, and of those clipped ones.
    hops: u32,
    clipped: u32,
    /// Speech since the last example.
    since_s: f32,
}

/// What a recording came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    pub examples: usize,
    pub clipped: u32,
    pub hops: u32,
}

/// One hop as a person's part of the lane sees it.
#[derive(Clone, Copy)]
pub(super) struct Hop<'a> {
    pub hop_s: f32,
    /// What the network answered while somebody speaks, known for a voice or not: what is taught
    /// may be strange to it.
    pub said: Option<&'a [f32]>,
    pub is_clipped: bool,
    /// What was said still holds.
    pub is_held: bool,
    /// Time constant of the outputs, in seconds.
    pub smooth_s: f32,
}

impl Default for Person {
    /// Somebody unknown.
    fn default() -> Self {
        Self {
            baseline: None,
            calibration: None,
            adapt: 1.0,
            lesson: Lesson::default(),
            showing: None,
            head: None,
            enrolment: None,
            embedding: Vec::new(),
            target: Taught::NOTHING,
            taught: Taught::NOTHING,
        }
    }
}

impl Person {
    pub fn baseline(&self) -> Option<&Baseline> {
        self.baseline.as_ref()
    }

    /// Somebody unknown is learnt as the normaliser was trained to: nothing else would be known of
    /// them.
    pub(super) fn set_baseline(&mut self, baseline: Option<Baseline>) {
        if baseline.is_none() {
            self.adapt = 1.0;
        }
        self.baseline = baseline;
    }

    pub fn adapt(&self) -> f32 {
        self.adapt
    }

    pub fn set_adapt(&mut self, rate: f32) {
        self.adapt = rate;
    }

    /// Listens to the neutral voice from now on; what was collected before is forgotten.
    pub fn calibrate(&mut self, calibration: Calibration) {
        self.calibration = Some(calibration);
    }

    /// What was collected is forgotten.
    pub fn give_up(&mut self) {
        self.calibration = None;
    }

    pub fn calibration(&self) -> Option<&Calibration> {
        self.calibration.as_ref()
    }

    /// The baseline of what was collected, if anything was to be; see [`Calibration::finish`].
    pub fn finish_calibration(
        &mut self,
        card: &Card,
        model: &mut dyn Predict,
    ) -> Option<Result<Baseline, TooLittleSpeech>> {
        self.calibration.take().map(|calibration| calibration.finish(card, model))
    }

    /// A frame of 10 ms; see [`Calibration::push`].
    pub(super) fn hear(&mut self, frame: Option<(&[f32], bool)>) {
        if let Some(calibration) = &mut self.calibration {
            calibration.push(frame);
        }
    }

    /// One hop: the coordinates against the baseline, if there is one. `is_said` while the person
    /// speaks and is heard for a voice.
    pub(super) fn relative(&mut self, dimensions: Dimensions, is_said: bool) -> Option<Dimensions> {
        let baseline = self.baseline.as_mut()?;
        let Dimensions { arousal, valence, dominance } = dimensions;
        let dimensions = [arousal, valence, dominance];
        if is_said {
            baseline.observe(dimensions);
        }
        let [arousal, valence, dominance] = baseline.relative(dimensions);
        Some(Dimensions { arousal, valence, dominance })
    }

    pub fn lesson(&self) -> &Lesson {
        &self.lesson
    }

    pub fn lesson_mut(&mut self) -> &mut Lesson {
        &mut self.lesson
    }

    /// Another lesson; what the old one taught is no longer told.
    pub fn set_lesson(&mut self, lesson: Lesson) {
        (self.lesson, self.showing) = (lesson, None);
        self.set_head(None, None);
    }

    /// The person shows this from now on, until [`Self::shown`]; of a slider, at `target`.
    pub fn show(&mut self, name: &str, kind: Kind, target: f32) -> Result<(), LessonError> {
        self.lesson.check(name, kind)?;
        self.showing = Some(Showing {
            name: name.to_owned(),
            kind,
            target,
            recording: self.lesson.next_recording(),
            examples: 0,
            hops: 0,
            clipped: 0,
            since_s: f32::INFINITY,
        });
        Ok(())
    }

    /// The end of what is being shown; `None` if it is not that.
    pub fn shown(&mut self, name: &str) -> Option<Shown> {
        let Showing { examples, hops, clipped, .. } =
            self.showing.take_if(|showing| showing.name == name)?;
        Some(Shown { examples, clipped, hops })
    }

    /// Answer from now on; `None`: nobody does.
    pub fn set_head(&mut self, head: Option<Head>, enrolment: Option<Enrolment>) {
        let mut silence = Taught::zeros(head.as_ref().map_or(0, |head| head.names().len()));
        head.iter().for_each(|head| head.silence(silence.as_mut_slice()));
        (self.target, self.taught) = (silence, silence);
        (self.head, self.enrolment) = (head, enrolment);
    }

    /// Labels that are called as classes of the model are change these too, or no longer; false
    /// where too few of them were learnt.
    pub fn enrol_classes(&mut self, is_wanted: bool) -> bool {
        if is_wanted && self.enrolment.is_none() {
            return false;
        }
        self.lesson.enrols = is_wanted;
        true
    }

    /// What the network says of the window of this hop, as this person means it.
    pub(super) fn mean(&mut self, prediction: Prediction) -> Prediction {
        let mut meant = prediction;
        let enrolment = self.enrolment.as_mut().filter(|_| self.lesson.enrols);
        let Some(enrolment) = enrolment else { return meant };
        enrolment.adapt(&mut meant.probabilities, &self.embedding);
        meant
    }

    /// Names of the taught numbers of an update.
    pub fn outputs(&self) -> Vec<String> {
        self.head.as_ref().map(Head::names).unwrap_or_default()
    }

    pub(super) fn wants_embedding(&self) -> bool {
        self.head.is_some() || self.showing.is_some()
    }

    /// Of the window of the hop that is being finished, and its rows of so many coefficients.
    pub(super) fn take_embedding(&mut self, embedding: &[f32], rows: &[f32], coefficients: usize) {
        self.embedding.clear();
        self.embedding.extend_from_slice(embedding);
        add_statistics(rows, coefficients, &mut self.embedding);
    }

    /// One hop of what is shown, and of what was taught. While nobody speaks the outputs stay, and
    /// glide to `none` once what was said holds no longer.
    pub(super) fn hop(&mut self, hop: Hop) -> Taught {
        if let Some(showing) = &mut self.showing
            && let Some(said) = hop.said
        {
            showing.hops += 1;
            showing.clipped += u32::from(hop.is_clipped);
            showing.since_s += hop.hop_s;
            let is_sound = self.embedding.iter().all(|value| value.is_finite());
            if EXAMPLE_S <= showing.since_s && is_sound && !hop.is_clipped {
                showing.since_s = 0.0;
                showing.examples += 1;
                let Showing { recording, target, kind, .. } = *showing;
                let (said, embedding) = (said.to_vec(), self.embedding.clone());
                let example = Example { recording, target, said, embedding };
                self.lesson.add(&showing.name, kind, example);
            }
        }
        if let Some(head) = &mut self.head {
            if hop.said.is_some() {
                head.apply(&self.embedding, self.target.as_mut_slice());
            } else if !hop.is_held {
                head.silence(self.target.as_mut_slice());
            }
            let step = one_pole_step(hop.hop_s, hop.smooth_s);
            let targets = self.target.as_slice().iter();
            for (value, target) in self.taught.as_mut_slice().iter_mut().zip(targets) {
                *value += (target - *value) * step;
            }
        }
        self.taught
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::personal::normaliser::Heard;

    #[test]
    fn somebody_unknown_is_learnt_again_and_somebody_known_as_was_set() {
        let heard = Heard { mean: &[0.0], frames: 1000.0, periodic_frames: 0.0 };
        let mut person = Person::default();
        person.set_adapt(0.0);
        person.set_baseline(Some(Baseline::new(heard, [0.5; 3])));
        assert_eq!(person.adapt(), 0.0);
        person.set_baseline(None);
        assert_eq!(person.adapt(), 1.0);
    }
}
