//! What a person teaches by example: outputs of their own, labels or sliders, each with what the
//! network's embedding was while they showed it. Plain values; runs on the worker.

use serde::{Deserialize, Serialize};

/// Outputs at most, and examples of all of them: half an hour of speech.
pub const OUTPUTS_MAX: usize = 32;
pub const EXAMPLES_MAX: usize = 4000;

const NAME_CHARS_MAX: usize = 32;

/// Names that commands have, and the one of what is none of the labels.
const RESERVED: [&str; 11] =
    ["label", "undo", "delete", "count", "train", "cancel", "enrol", "save", "load", "list", NONE];

/// Output for what is far from all examples.
pub const NONE: &str = "none";

/// What an output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One of those that exclude each other.
    Label,
    /// A number 0..1 of its own.
    Slider,
}

/// Half a second of speech.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Counted from 1 over the lesson: examples of one recording are more alike than others.
    pub recording: u32,
    /// Of a slider, 0..1; 1 of a label.
    pub target: f32,
    /// Probabilities that the network gave its own classes.
    pub said: Vec<f32>,
    pub embedding: Vec<f32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    pub name: String,
    pub kind: Kind,
    #[serde(rename = "example")]
    pub examples: Vec<Example>,
}

/// All that was shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// Labels that are called as classes of the model are change these too.
    #[serde(default)]
    pub enrols: bool,
    #[serde(rename = "output")]
    pub outputs: Vec<Output>,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LessonError {
    #[error("label is {name:?}, allowed are 1 to {NAME_CHARS_MAX} of a-z, 0-9, _ but {reserved}")]
    Name { name: String, reserved: String },
    #[error("{name} is a {is}; a {is} cannot become a {wanted}")]
    Kind { name: String, is: &'static str, wanted: &'static str },
    #[error("{0} is there, {OUTPUTS_MAX} labels and sliders are allowed")]
    TooMany(usize),
    #[error("{EXAMPLES_MAX} examples are there, more are not allowed; delete some")]
    Full,
    #[error("nothing of the name {0:?} was taught; there is {1}")]
    Missing(String, String),
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Slider => "slider",
        }
    }
}

impl Lesson {
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Number of the next recording.
    pub fn next_recording(&self) -> u32 {
        let recordings = self.outputs.iter().flat_map(|one| &one.examples).map(|one| one.recording);
        recordings.max().unwrap_or(0).saturating_add(1)
    }

    /// Whether this can be shown.
    pub fn check(&self, name: &str, kind: Kind) -> Result<(), LessonError> {
        let is_good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let is_name = (1..=NAME_CHARS_MAX).contains(&name.len()) && name.chars().all(is_good);
        if !is_name || RESERVED.contains(&name) {
            let (name, reserved) = (name.to_owned(), RESERVED.join(", "));
            return Err(LessonError::Name { name, reserved });
        }
        if let Some(output) = self.outputs.iter().find(|output| output.name == name) {
            if output.kind != kind {
                let (name, is, wanted) = (name.to_owned(), output.kind.name(), kind.name());
                return Err(LessonError::Kind { name, is, wanted });
            }
        } else if self.outputs.len() == OUTPUTS_MAX {
            return Err(LessonError::TooMany(OUTPUTS_MAX));
        }
        if self.examples() == EXAMPLES_MAX { Err(LessonError::Full) } else { Ok(()) }
    }

    /// What is wrong with a lesson that was read, for a network of so many classes and with such
    /// embeddings.
    pub fn check_all(&self, classes: usize, width: usize) -> Result<(), String> {
        let mut known = Self::default();
        for Output { name, kind, examples } in &self.outputs {
            if known.outputs.iter().any(|output| output.name == *name) {
                return Err(format!("{name} is there twice"));
            }
            for example in examples {
                known.check(name, *kind).map_err(|error| error.to_string())?;
                let Example { target, said, embedding, .. } = example;
                for (values, needed) in [(said, classes), (embedding, width)] {
                    let found = values.len();
                    if found != needed {
                        return Err(format!(
                            "{name} has an example of {found} values, {needed} are needed"
                        ));
                    }
                }
                let is_number = said.iter().chain(embedding).all(|value| value.is_finite());
                if !is_number || !(0.0..=1.0).contains(target) {
                    return Err(format!("{name} has a value that is no number, or none 0..1"));
                }
                known.add(name, *kind, example.clone());
            }
        }
        Ok(())
    }

    /// One example more of an output that was checked; nothing where there is no room.
    pub fn add(&mut self, name: &str, kind: Kind, example: Example) {
        if self.examples() == EXAMPLES_MAX {
            return;
        }
        match self.outputs.iter_mut().find(|output| output.name == name) {
            Some(output) => output.examples.push(example),
            None => {
                let examples = vec![example];
                self.outputs.push(Output { name: name.to_owned(), kind, examples });
            }
        }
    }

    /// Takes the last recording back; its output's name, if there was one.
    pub fn undo(&mut self) -> Option<String> {
        let last = self.next_recording().checked_sub(1).filter(|last| 0 < *last)?;
        let index = self
            .outputs
            .iter()
            .position(|output| output.examples.iter().any(|example| example.recording == last))?;
        self.outputs[index].examples.retain(|example| example.recording != last);
        let name = self.outputs[index].name.clone();
        self.outputs.retain(|output| !output.examples.is_empty());
        Some(name)
    }

    /// Forgets one output.
    pub fn delete(&mut self, name: &str) -> Result<(), LessonError> {
        let Some(index) = self.outputs.iter().position(|output| output.name == name) else {
            let names: Vec<&str> = self.outputs.iter().map(|one| one.name.as_str()).collect();
            return Err(LessonError::Missing(name.to_owned(), names.join(", ")));
        };
        self.outputs.remove(index);
        Ok(())
    }

    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Output> {
        self.outputs.iter().filter(move |output| output.kind == kind)
    }

    fn examples(&self) -> usize {
        self.outputs.iter().map(|output| output.examples.len()).sum()
    }
}

impl Output {
    /// How many times it was shown.
    pub fn recordings(&self) -> usize {
        let mut recordings: Vec<u32> = self.examples.iter().map(|one| one.recording).collect();
        recordings.sort_unstable();
        recordings.dedup();
        recordings.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(recording: u32) -> Example {
        Example { recording, target: 1.0, said: vec![1.0], embedding: vec![0.0; 2] }
    }

    /// calm twice in one recording and once in another, tense once.
    fn lesson() -> Lesson {
        let mut lesson = Lesson::default();
        for (name, recording) in [("calm", 1), ("calm", 1), ("tense", 2), ("calm", 3)] {
            lesson.check(name, Kind::Label).expect("a good name");
            lesson.add(name, Kind::Label, example(recording));
        }
        lesson
    }

    fn counts(lesson: &Lesson) -> Vec<(&str, usize, usize)> {
        let count = |one: &'_ Output| (one.examples.len(), one.recordings());
        let outputs = lesson.outputs.iter().map(|one| (one.name.as_str(), count(one)));
        outputs.map(|(name, (examples, recordings))| (name, examples, recordings)).collect()
    }

    #[test]
    fn recordings_are_taken_back_one_by_one_and_outputs_with_them() {
        let mut lesson = lesson();
        assert_eq!(counts(&lesson), [("calm", 3, 2), ("tense", 1, 1)]);
        assert_eq!(lesson.undo(), Some("calm".to_owned()));
        assert_eq!(counts(&lesson), [("calm", 2, 1), ("tense", 1, 1)]);
        assert_eq!(lesson.undo(), Some("tense".to_owned()));
        assert_eq!(lesson.undo(), Some("calm".to_owned()));
        assert_eq!(lesson.undo(), None);
        assert!(lesson.is_empty());
    }

    #[test]
    fn what_cannot_be_taught_is_told() {
        let mut lesson = lesson();
        for name in ["", "Calm", "a*b", "train", "none", &"a".repeat(33)] {
            let error = lesson.check(name, Kind::Label).expect_err(name).to_string();
            assert!(error.contains("allowed are 1 to 32 of a-z"), "{error}");
        }
        let error = lesson.check("calm", Kind::Slider).expect_err("a label").to_string();
        assert_eq!(error, "calm is a label; a label cannot become a slider");
        let error = lesson.delete("clam").expect_err("misspelt").to_string();
        assert_eq!(error, "nothing of the name \"clam\" was taught; there is calm, tense");
        lesson.delete("calm").expect("it is there");
        assert_eq!(counts(&lesson), [("tense", 1, 1)]);
        for index in 1..OUTPUTS_MAX {
            lesson.add(&format!("x{index}"), Kind::Label, example(9));
        }
        assert_eq!(lesson.check("more", Kind::Label), Err(LessonError::TooMany(32)));
        (0..EXAMPLES_MAX).for_each(|_| lesson.add("tense", Kind::Label, example(10)));
        assert_eq!(lesson.check("tense", Kind::Label), Err(LessonError::Full));
    }
}
