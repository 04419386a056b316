//! The model's own classes, adapted to a person (T3): labels that are called as classes are become
//! examples of them. Pure; learnt on a thread that may wait, applied on the worker without
//! allocation.

use crate::personal::few_shot::{self, FewShot};
use crate::personal::lesson::{Kind, Lesson, Output};
use crate::personal::space::Space;

/// Prior's precision, a recording counting 1: between those that T3 chose on the validation
/// speakers of RAVDESS (0.1) and CREMA-D (0.3).
const TETHER: f32 = 0.2;

/// What a person's examples change.
#[derive(Clone, Debug, PartialEq)]
pub struct Enrolment {
    few_shot: FewShot,
    space: Space,
    /// Where the present window lies.
    here: Vec<f32>,
    classes: usize,
}

impl Enrolment {
    /// `None` where fewer than two labels are called as classes are. Recordings count alike,
    /// however long: as the clips of T3 do.
    pub fn learn(lesson: &Lesson, classes: &[String]) -> Option<Self> {
        let of_class = |output: &'_ Output| {
            let label = classes.iter().position(|class| *class == output.name)?;
            Some((label, output.examples.clone()))
        };
        let shown: Vec<_> = lesson.of(Kind::Label).filter_map(of_class).collect();
        if shown.len() < 2 {
            return None;
        }
        let space = Space::of(&shown.iter().map(|(_, own)| own.clone()).collect::<Vec<_>>());
        let mut examples = Vec::new();
        for (label, own) in &shown {
            for one in own {
                let alike = own.iter().filter(|other| other.recording == one.recording);
                examples.push(few_shot::Example {
                    label: *label,
                    weight: 1.0 / alike.count() as f32,
                    probabilities: one.said.clone(),
                    embedding: space.placed(one).embedding,
                });
            }
        }
        Some(Self {
            few_shot: FewShot::learn(&examples, TETHER),
            here: Vec::with_capacity(space.width()),
            space,
            classes: classes.len(),
        })
    }

    /// Changes what the network says, in the order of its classes; sums to 1 as before. What is
    /// behind the last class stays.
    pub fn adapt(&mut self, probabilities: &mut [f32], embedding: &[f32]) {
        if embedding.len() == self.space.width() {
            self.space.place(embedding, &mut self.here);
            self.few_shot.adapt_in_place(&mut probabilities[..self.classes], &self.here);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::personal::lesson;

    /// One whose anger the network takes for joy.
    fn lesson(label: &str) -> Lesson {
        let mut lesson = Lesson::default();
        for index in 0..12_u32 {
            let (name, embedding) =
                if index < 6 { (label, vec![1.0, 0.0]) } else { ("happy", vec![0.0, 1.0]) };
            let (recording, said) = (1 + index / 3, vec![0.2, 0.7, 0.1]);
            let example = lesson::Example { recording, target: 1.0, said, embedding };
            lesson.add(name, Kind::Label, example);
        }
        lesson
    }

    #[test]
    fn classes_learn_from_labels_of_their_names() {
        let classes = ["angry", "happy", "sad"].map(str::to_owned);
        let mut enrolment = Enrolment::learn(&lesson("angry"), &classes).expect("two of them");
        let mut said = [0.2, 0.7, 0.1, 0.0];
        enrolment.adapt(&mut said, &[1.0, 0.0]);
        assert!(0.6 < said[0] && (said.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{said:?}");
        let mut said = [0.2, 0.7, 0.1];
        enrolment.adapt(&mut said, &[0.0, 1.0]);
        assert!(0.7 < said[1], "{said:?}");
        assert_eq!(Enrolment::learn(&lesson("furious"), &classes), None, "happy alone");
    }
}
