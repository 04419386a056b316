//! Corpora as manifests say them: one CSV with a row per clip, and a split that says which
//! speakers are for test and validation. Reading the sound is left to `wav`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// One row of a manifest; its other columns are not needed here.
#[derive(Clone, Debug)]
pub struct Clip {
    /// Below the audio root; the ending may differ (see `ENDINGS`).
    pub path: PathBuf,
    pub corpus: String,
    pub speaker: String,
    /// Column `emotion8`; empty for noise.
    pub emotion: String,
    pub licence: String,
}

impl Clip {
    /// A speaker's name is unique within a corpus only.
    pub fn speaker_key(&self) -> String {
        format!("{}:{}", self.corpus, self.speaker)
    }
}

/// Endings tried for a clip in this order, its own last.
const ENDINGS: [&str; 4] = ["wav", "flac", "ogg", "mp3"];

/// Where a clip's sound lies.
pub fn sound_path(root: &Path, clip: &Path) -> Option<PathBuf> {
    let whole = root.join(clip);
    let others = ENDINGS.iter().map(|ending| whole.with_extension(ending));
    others.chain([whole.clone()]).find(|path| path.is_file())
}

/// Where a manifest keeps what we need.
struct Columns {
    path: usize,
    corpus: usize,
    speaker: usize,
    emotion: usize,
    licence: usize,
    /// A reason in one of these leaves the clip out; a manifest may have several, or none.
    exclude: Vec<usize>,
}

impl Columns {
    fn find(headers: &csv::StringRecord) -> Result<Self> {
        let column = |name: &str| {
            let found = headers.iter().position(|header| header == name);
            found.with_context(|| format!("the column {name} is missing"))
        };
        Ok(Self {
            path: column("path")?,
            corpus: column("corpus")?,
            speaker: column("speaker")?,
            emotion: column("emotion8")?,
            licence: column("licence")?,
            exclude: (0..headers.len()).filter(|&index| &headers[index] == "exclude").collect(),
        })
    }
}

/// All clips of the corpora asked for that need not be left out.
pub fn read_manifest(path: &Path, corpora: &[String]) -> Result<Vec<Clip>> {
    let context = || format!("cannot read the manifest {}", path.display());
    let mut reader = csv::Reader::from_path(path).with_context(context)?;
    let columns = Columns::find(reader.headers().with_context(context)?).with_context(context)?;
    let mut clips = Vec::new();
    for row in reader.records() {
        let row = row.with_context(context)?;
        let excluded = columns.exclude.iter().any(|&index| !row[index].is_empty());
        if excluded || !corpora.iter().any(|corpus| *corpus == row[columns.corpus]) {
            continue;
        }
        clips.push(Clip {
            path: PathBuf::from(&row[columns.path]),
            corpus: row[columns.corpus].to_owned(),
            speaker: row[columns.speaker].to_owned(),
            emotion: row[columns.emotion].to_owned(),
            licence: row[columns.licence].to_owned(),
        });
    }
    for corpus in corpora {
        if !clips.iter().any(|clip| clip.corpus == *corpus) {
            bail!("the manifest {} has no clips of the corpus {corpus:?}", path.display());
        }
    }
    Ok(clips)
}

/// Which speakers a model must not see, and why.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    pub description: String,
    /// `corpus:speaker`.
    pub test: BTreeSet<String>,
    /// Chooses epoch and temperature.
    pub validation: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Train,
    Validation,
    Test,
}

impl Split {
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the split {}", path.display()))?;
        let split: Self =
            toml::from_str(&text).with_context(|| format!("in the split {}", path.display()))?;
        if let Some(speaker) = split.test.intersection(&split.validation).next() {
            bail!("in the split {}: {speaker} is in test and validation", path.display());
        }
        Ok(split)
    }

    pub fn part_of(&self, clip: &Clip) -> Part {
        let speaker = clip.speaker_key();
        if self.test.contains(&speaker) {
            Part::Test
        } else if self.validation.contains(&speaker) {
            Part::Validation
        } else {
            Part::Train
        }
    }

    /// Refuses a split with a speaker that no clip has: a typing error would leak that speaker
    /// into training.
    pub fn check_against(&self, clips: &[Clip]) -> Result<()> {
        let known: BTreeSet<String> = clips.iter().map(Clip::speaker_key).collect();
        let named = self.test.iter().chain(&self.validation);
        let corpora: BTreeSet<&str> = clips.iter().map(|clip| clip.corpus.as_str()).collect();
        for speaker in named {
            let corpus = speaker.split(':').next().unwrap_or_default();
            if corpora.contains(corpus) && !known.contains(speaker) {
                bail!("the split names {speaker}, but no clip of {corpus} has this speaker");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(speaker: &str) -> Clip {
        Clip {
            path: PathBuf::from("a.opus"),
            corpus: "cremad".to_owned(),
            speaker: speaker.to_owned(),
            emotion: "sad".to_owned(),
            licence: String::new(),
        }
    }

    fn split(test: &str, validation: &str) -> Split {
        let list = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        Split { description: String::new(), test: list(test), validation: list(validation) }
    }

    #[test]
    fn each_speaker_is_in_one_part() {
        let split = split("cremad:1001", "cremad:1019");
        assert_eq!(split.part_of(&clip("1001")), Part::Test);
        assert_eq!(split.part_of(&clip("1019")), Part::Validation);
        assert_eq!(split.part_of(&clip("1020")), Part::Train);
    }

    #[test]
    fn a_speaker_that_does_not_exist_is_refused() {
        let clips = [clip("1001")];
        assert!(split("cremad:1001", "emodb:03").check_against(&clips).is_ok());
        assert!(split("cremad:101", "").check_against(&clips).is_err());
    }
}
