//! What a channel knows of the person who speaks on it: a baseline, or one in the making. One value
//! per channel; the worker's thread.

use crate::messages::Dimensions;
use crate::model::card::Card;
use crate::model::predictor::Predict;
use crate::personal::baseline::Baseline;
use crate::personal::calibration::{Calibration, TooLittleSpeech};

pub struct Person {
    baseline: Option<Baseline>,
    calibration: Option<Calibration>,
    /// How fast the normaliser goes on learning: 1 as it was trained, 0 not at all.
    adapt: f32,
}

impl Default for Person {
    /// Somebody unknown.
    fn default() -> Self {
        Self { baseline: None, calibration: None, adapt: 1.0 }
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
