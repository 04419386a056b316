//! Clips that cannot be trained on, and why: each is noted while clips are read and told after, a
//! handful of lines a kind and then a count. Training goes on without them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::train::bank::read_sound;
use crate::train::corpus::sound_path;
use crate::units::db_to_amplitude;

/// Lines told of each kind; the rest is counted.
const LINES_MAX: usize = 5;

/// A clip whose loudest sample stays below holds at most the noise of a microphone: twenty steps of
/// 16 bits. Ours.
const SILENT_DB: f32 = -64.0;

/// What is wrong with a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Its row in the list has too few or too many columns, or is no text.
    Row,
    Missing,
    Unreadable,
    Silent,
    TooShort,
    UnknownLabel,
}

impl Trouble {
    /// Follows a count.
    fn name(self) -> &'static str {
        match self {
            Self::Row => "with a row that cannot be read",
            Self::Missing => "missing",
            Self::Unreadable => "unreadable",
            Self::Silent => "silent",
            Self::TooShort => "too short",
            Self::UnknownLabel => "with a label that nobody knows",
        }
    }
}

#[derive(Debug, Default)]
pub struct LeftOut {
    kinds: BTreeMap<Trouble, Kind>,
}

#[derive(Debug, Default)]
struct Kind {
    count: usize,
    /// The first of them.
    lines: Vec<String>,
}

impl LeftOut {
    pub fn note(&mut self, trouble: Trouble, line: String) {
        let kind = self.kinds.entry(trouble).or_default();
        kind.count += 1;
        if kind.lines.len() < LINES_MAX && !kind.lines.contains(&line) {
            kind.lines.push(line);
        }
    }

    /// A clip whose label is none of the model's and has no coordinates either.
    pub fn note_label(&mut self, label: &str) {
        let line = format!("the label {label:?} is none of the model's and has no coordinates");
        self.note(Trouble::UnknownLabel, line);
    }

    /// The clip's sound at the analysis rate, or a note why there is none.
    pub fn read(&mut self, root: &Path, clip: &Path) -> Option<Vec<f32>> {
        let Some(path) = sound_path(root, clip) else {
            let line = format!("{} is missing in {}", clip.display(), root.display());
            self.note(Trouble::Missing, line);
            return None;
        };
        let samples = match read_sound(&path) {
            Ok(samples) => samples,
            Err(error) => {
                self.note(Trouble::Unreadable, format!("{error:#}"));
                return None;
            }
        };
        if samples.iter().any(|sample| !sample.is_finite()) {
            let line = format!("{} has samples that are no numbers", path.display());
            self.note(Trouble::Unreadable, line);
            return None;
        }
        let loudest = samples.iter().fold(0.0f32, |loudest, sample| loudest.max(sample.abs()));
        if loudest < db_to_amplitude(SILENT_DB) {
            let line = format!("{} is silent: nothing reaches {SILENT_DB} dBFS", path.display());
            self.note(Trouble::Silent, line);
            return None;
        }
        Some(samples)
    }

    /// Logs what was noted.
    pub fn tell(&self) {
        for line in self.lines() {
            log::warn!("{line}");
        }
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        self.kinds.iter().flat_map(|(trouble, kind)| {
            let first = kind.lines.iter().map(|line| format!("left out: {line}"));
            let more = (kind.lines.len() < kind.count).then(|| {
                format!("left out: in all {} clips that are {}", kind.count, trouble.name())
            });
            first.chain(more)
        })
    }

    /// `3 missing, 1 silent`, or `none`.
    pub fn summary(&self) -> String {
        if self.kinds.is_empty() {
            return "none".to_owned();
        }
        let counts =
            self.kinds.iter().map(|(what, kind)| format!("{} {}", kind.count, what.name()));
        counts.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wav::{Sound, write_file};

    #[test]
    fn a_handful_of_lines_is_told_and_then_a_count() {
        let mut left_out = LeftOut::default();
        (0..8).for_each(|index| left_out.note(Trouble::Missing, format!("{index}.wav is missing")));
        (0..3).for_each(|_| left_out.note_label("smug"));
        let lines: Vec<String> = left_out.lines().collect();
        assert_eq!(lines[..2], ["left out: 0.wav is missing", "left out: 1.wav is missing"]);
        assert_eq!(lines[5], "left out: in all 8 clips that are missing");
        assert!(lines[6].contains("\"smug\""), "{lines:?}");
        assert_eq!(lines[7], "left out: in all 3 clips that are with a label that nobody knows");
        assert_eq!(lines.len(), 8);
        assert_eq!(left_out.summary(), "8 missing, 3 with a label that nobody knows");
    }

    #[test]
    fn each_bad_clip_is_noted_by_its_kind_and_a_good_one_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, value: f32| {
            let sound = Sound { rate_hz: 16_000, channels: 1, samples: vec![value; 8000] };
            write_file(&folder.path().join(name), &sound).unwrap();
        };
        write("good.wav", 0.1);
        write("silent.wav", 0.0);
        std::fs::write(folder.path().join("letter.wav"), "Dear Sir or Madam").unwrap();
        std::fs::write(folder.path().join("empty.wav"), "").unwrap();
        let mut left_out = LeftOut::default();
        let mut read = |name: &str| left_out.read(folder.path(), Path::new(name)).is_some();
        assert!(read("good.wav"));
        for name in ["silent.wav", "letter.wav", "empty.wav", "none.wav"] {
            assert!(!read(name), "{name}");
        }
        assert_eq!(left_out.summary(), "1 missing, 2 unreadable, 1 silent");
    }
}
