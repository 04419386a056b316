//! Corpora as manifests say them: one CSV with a row per clip, and a split that says which
//! speakers are for test and validation. Reading the sound is left to `wav`, a user's own folder
//! to `folder`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::train::left_out::{LeftOut, Trouble};

/// One row of a manifest; its other columns are not needed here.
#[derive(Clone, Debug)]
pub struct Clip {
    /// Below the audio root; the ending may differ (see `ENDINGS`).
    pub path: PathBuf,
    pub corpus: String,
    pub speaker: String,
    /// Column `emotion8`; where that is empty the corpus's own word, if there is such a column.
    pub emotion: String,
    pub licence: String,
}

impl Clip {
    /// A speaker's name is unique within a corpus only.
    pub fn speaker_key(&self) -> String {
        format!("{}:{}", self.corpus, self.speaker)
    }
}

/// What a run trains and validates on; nothing of it has been heard yet.
#[derive(Debug)]
pub struct Material {
    /// Where the clips' paths start.
    pub root: PathBuf,
    pub train: Vec<Clip>,
    /// Chooses epoch and temperature.
    pub validation: Vec<Clip>,
    pub noise: Vec<Clip>,
    pub labels: Vec<String>,
    /// What the card says about who validates.
    pub split: String,
}

/// Endings tried for a clip in this order, unless its own is among them and there.
const ENDINGS: [&str; 4] = ["wav", "flac", "ogg", "mp3"];

/// Where a clip's sound lies. A manifest may say .opus where the clip was decoded to .wav.
pub fn sound_path(root: &Path, clip: &Path) -> Option<PathBuf> {
    let whole = root.join(clip);
    let ending = whole.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if ENDINGS.contains(&ending) && whole.is_file() {
        return Some(whole);
    }
    let others = ENDINGS.iter().map(|ending| whole.with_extension(ending));
    others.chain([whole.clone()]).find(|path| path.is_file())
}

/// A list of clips: its rows that are whole, and its columns by name.
pub struct Table {
    path: PathBuf,
    headers: csv::StringRecord,
    pub rows: Vec<csv::StringRecord>,
}

impl Table {
    /// Rows with more or fewer columns than the header, or with no text, are noted and left out.
    pub fn read(path: &Path, left_out: &mut LeftOut) -> Result<Self> {
        let context = || format!("cannot read the list {}", path.display());
        let mut builder = csv::ReaderBuilder::new();
        builder.flexible(true).trim(csv::Trim::All);
        let mut reader = builder.from_path(path).with_context(context)?;
        let headers = reader.headers().with_context(context)?;
        // Spreadsheets write a byte order mark.
        let headers: csv::StringRecord =
            headers.iter().map(|name| name.trim_start_matches('\u{feff}')).collect();
        let mut rows = Vec::new();
        for row in reader.records() {
            let trouble = match row {
                Ok(row) if row.len() == headers.len() => {
                    rows.push(row);
                    continue;
                }
                Ok(row) => {
                    let line = row.position().map_or(0, csv::Position::line);
                    let (has, wanted) = (row.len(), headers.len());
                    format!("line {line} of {} has {has} columns, not {wanted}", path.display())
                }
                Err(error) if error.is_io_error() => return Err(error).with_context(context),
                Err(error) => format!("{}: {error}", path.display()),
            };
            left_out.note(Trouble::Row, trouble);
        }
        Ok(Self { path: path.to_owned(), headers, rows })
    }

    pub fn column(&self, name: &str) -> Result<usize> {
        let found = self.headers.iter().position(|header| header == name);
        found.with_context(|| {
            let has = self.headers.iter().collect::<Vec<_>>().join(", ");
            format!("the column {name} is missing in {}, which has {has}", self.path.display())
        })
    }
}

/// Where a manifest keeps what we need.
struct Columns {
    path: usize,
    corpus: usize,
    speaker: usize,
    emotion: usize,
    own_emotion: Option<usize>,
    licence: usize,
    /// A reason in one of these leaves the clip out; a manifest may have several, or none.
    exclude: Vec<usize>,
}

impl Columns {
    fn find(table: &Table) -> Result<Self> {
        let headers = &table.headers;
        Ok(Self {
            path: table.column("path")?,
            corpus: table.column("corpus")?,
            speaker: table.column("speaker")?,
            emotion: table.column("emotion8")?,
            own_emotion: table.column("emotion").ok(),
            licence: table.column("licence")?,
            exclude: (0..headers.len()).filter(|&index| &headers[index] == "exclude").collect(),
        })
    }

    fn emotion_of<'a>(&self, row: &'a csv::StringRecord) -> &'a str {
        match self.own_emotion {
            Some(own) if row[self.emotion].is_empty() => &row[own],
            _ => &row[self.emotion],
        }
    }
}

/// All clips of the corpora asked for that need not be left out.
pub fn read_manifest(path: &Path, corpora: &[String]) -> Result<Vec<Clip>> {
    let mut left_out = LeftOut::default();
    let table = Table::read(path, &mut left_out)?;
    left_out.tell();
    let columns = Columns::find(&table)?;
    let mut clips = Vec::new();
    for row in &table.rows {
        let excluded = columns.exclude.iter().any(|&index| !row[index].is_empty());
        if excluded || !corpora.iter().any(|corpus| *corpus == row[columns.corpus]) {
            continue;
        }
        clips.push(Clip {
            path: PathBuf::from(&row[columns.path]),
            corpus: row[columns.corpus].to_owned(),
            speaker: row[columns.speaker].to_owned(),
            emotion: columns.emotion_of(row).to_owned(),
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
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
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
    fn a_row_that_is_not_whole_is_left_out_and_the_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.csv");
        let text = "path,corpus,speaker,emotion8,licence\na.wav,tiny,1,sad,CC0\nb.wav,tiny,1\n\
                    c.wav,tiny,1,sad,CC0,more\nd.wav,tiny,2,happy,CC0\n";
        std::fs::write(&path, text).unwrap();
        let clips = read_manifest(&path, &["tiny".to_owned()]).unwrap();
        let speakers: Vec<&str> = clips.iter().map(|clip| clip.speaker.as_str()).collect();
        assert_eq!(speakers, ["1", "2"]);
        std::fs::write(&path, "path,speaker\na.wav,1\n").unwrap();
        let error = read_manifest(&path, &["tiny".to_owned()]).unwrap_err().to_string();
        assert!(error.starts_with("the column corpus is missing in"), "{error}");
    }

    #[test]
    fn a_clip_is_itself_before_it_is_another_of_its_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.wav", "a.mp3", "b.wav"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = |name: &str| {
            let path = sound_path(folder.path(), Path::new(name))?;
            path.file_name()?.to_str().map(str::to_owned)
        };
        assert_eq!(found("a.mp3").as_deref(), Some("a.mp3"));
        assert_eq!(found("b.opus").as_deref(), Some("b.wav"));
        assert_eq!(found("c.wav"), None);
    }

    #[test]
    fn a_speaker_that_does_not_exist_is_refused() {
        let clips = [clip("1001")];
        assert!(split("cremad:1001", "emodb:03").check_against(&clips).is_ok());
        assert!(split("cremad:101", "").check_against(&clips).is_err());
    }
}
