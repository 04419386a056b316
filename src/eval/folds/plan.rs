//! What is to be trained and scored: the folds of a corpus as their files say, the clips that they
//! are about, and the control split. Reading manifests is left to `train::corpus`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::model::card::LABELS_MAX;
use crate::train::corpus::{Clip, Part, Split, read_manifest};

/// The file of a folder of folds that is no fold.
const TABLE: &str = "folds.toml";

/// Name of the control: a random split of clips, the same speakers on all sides.
pub const LEAKY: &str = "random-clips";

/// Folds of one corpus, or of several together.
#[derive(Clone, Debug)]
pub struct Plan {
    pub name: String,
    pub table: Table,
    pub folds: Vec<Fold>,
}

/// `folds.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    pub description: String,
    /// Corpora whose speakers the folds divide.
    pub corpora: Vec<String>,
    pub labels: Vec<String>,
    /// Other corpora that may teach beforehand; they serve all folds.
    #[serde(default)]
    pub pretrain: Vec<String>,
    /// The manifest's word, and the label that it counts as.
    #[serde(default)]
    pub rename: BTreeMap<String, String>,
    #[serde(default)]
    pub humans: Vec<Human>,
}

/// What people reach, to stand beside.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Human {
    pub who: String,
    pub target: Target,
    /// In percent.
    pub ua: f64,
}

/// What counts as right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The emotion that the speaker was asked for.
    Intended,
    /// What most listeners heard.
    Crowd,
}

#[derive(Clone, Debug)]
pub struct Fold {
    pub name: String,
    pub split: Split,
}

/// One training: a fold, or the control, with one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub fold: String,
    pub seed: u64,
}

/// The clips of a job and who is on which side.
#[derive(Clone, Debug)]
pub struct Material {
    pub clips: Vec<Clip>,
    pub split: Split,
}

impl Plan {
    /// Reads the folder `corpus` below `folds`.
    pub fn read(folds: &Path, corpus: &str) -> Result<Self> {
        let folder = folds.join(corpus);
        let path = folder.join(TABLE);
        if !path.is_file() {
            bail!("there are no folds of {corpus:?}: {} is not there; {}", path.display(), {
                let known = known(folds);
                match known.is_empty() {
                    true => format!("{} holds none at all", folds.display()),
                    false => format!("known are {}", known.join(", ")),
                }
            });
        }
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let table: Table =
            toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        table.check().with_context(|| format!("in {}", path.display()))?;
        let folds = read_folds(&folder, &table)?;
        if folds.is_empty() {
            bail!("{} has no fold beside its {TABLE}", folder.display());
        }
        Ok(Self { name: corpus.to_owned(), table, folds })
    }

    /// All clips of the plan's corpora with one of its labels, renamed.
    pub fn clips(&self, manifest: &Path) -> Result<Vec<Clip>> {
        let all = read_manifest(manifest, &self.table.corpora)?;
        for fold in &self.folds {
            fold.split.check_against(&all).with_context(|| format!("in the fold {}", fold.name))?;
        }
        let clips: Vec<Clip> = self.relabelled(all).collect();
        for fold in &self.folds {
            self.check_parts(fold, &clips)?;
        }
        Ok(clips)
    }

    /// The clips that have a label, under that label.
    pub fn relabelled(&self, clips: Vec<Clip>) -> impl Iterator<Item = Clip> {
        clips.into_iter().filter_map(|clip| {
            let emotion = self.label_of(&clip.emotion)?.to_owned();
            Some(Clip { emotion, ..clip })
        })
    }

    /// The label that a word of the manifest counts as.
    pub fn label_of<'a>(&'a self, word: &'a str) -> Option<&'a str> {
        let label = self.table.rename.get(word).map_or(word, String::as_str);
        self.table.labels.iter().any(|known| known == label).then_some(label)
    }

    /// Smallest informative experiment first: all folds with the first seed, their control, then
    /// the next seed.
    pub fn jobs(&self, seeds: &[u64]) -> Vec<Job> {
        let names = || self.folds.iter().map(|fold| fold.name.as_str()).chain([LEAKY]);
        let of_seed = |&seed| names().map(move |fold| Job { fold: fold.to_owned(), seed });
        seeds.iter().flat_map(of_seed).collect()
    }

    /// What a job trains and is scored on.
    pub fn material(&self, job: &Job, clips: &[Clip]) -> Material {
        match self.folds.iter().find(|fold| fold.name == job.fold) {
            Some(fold) => Material { clips: clips.to_vec(), split: fold.split.clone() },
            None => self.leaky(job.seed, clips),
        }
    }

    /// Clips dealt at random, as many to each side as the folds have on average. The splits name
    /// speakers, so each speaker becomes three.
    fn leaky(&self, seed: u64, clips: &[Clip]) -> Material {
        let mean = |part: Part| {
            let count =
                |fold: &Fold| clips.iter().filter(|c| fold.split.part_of(c) == part).count();
            self.folds.iter().map(count).sum::<usize>() / self.folds.len()
        };
        let (test, validation) = (mean(Part::Test).max(1), mean(Part::Validation).max(1));
        let mut order: Vec<usize> = (0..clips.len()).collect();
        order.shuffle(&mut StdRng::seed_from_u64(seed));
        let mut clips = clips.to_vec();
        let mut split = Split {
            description: format!("{}, control: clips dealt at random, seed {seed}", self.name),
            test: BTreeSet::new(),
            validation: BTreeSet::new(),
        };
        for (place, index) in order.into_iter().enumerate() {
            let clip = &mut clips[index];
            if place < test {
                clip.speaker.push_str("-test");
                split.test.insert(clip.speaker_key());
            } else if place < test + validation {
                clip.speaker.push_str("-validation");
                split.validation.insert(clip.speaker_key());
            }
        }
        Material { clips, split }
    }

    /// Every side of a fold needs clips, or there is nothing to train, choose or score on.
    fn check_parts(&self, fold: &Fold, clips: &[Clip]) -> Result<()> {
        for (part, what) in [
            (Part::Train, "to train on"),
            (Part::Validation, "to fit the temperature on"),
            (Part::Test, "to score"),
        ] {
            if !clips.iter().any(|clip| fold.split.part_of(clip) == part) {
                bail!(
                    "the fold {} of {} leaves no clip {what}; three speakers are the least",
                    fold.name,
                    self.name
                );
            }
        }
        Ok(())
    }
}

impl Table {
    fn check(&self) -> Result<()> {
        if !(2..=LABELS_MAX).contains(&self.labels.len()) {
            bail!("labels has {} names; 2 to {LABELS_MAX} are possible", self.labels.len());
        }
        if let Some(label) = self.rename.values().find(|label| !self.labels.contains(label)) {
            bail!("rename leads to {label:?}, which is none of the labels");
        }
        if let Some(corpus) = self.pretrain.iter().find(|corpus| self.corpora.contains(corpus)) {
            bail!("pretrain names {corpus}, whose speakers are under test");
        }
        Ok(())
    }
}

/// The folders below `folds` that have a table.
fn known(folds: &Path) -> Vec<String> {
    let folders = fs::read_dir(folds).into_iter().flatten().flatten();
    let mut names: Vec<String> = folders
        .filter(|folder| folder.path().join(TABLE).is_file())
        .map(|folder| folder.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn read_folds(folder: &Path, table: &Table) -> Result<Vec<Fold>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.retain(|path| path.file_name().is_some_and(|name| name != TABLE));
    paths.sort();
    let read = |path: PathBuf| {
        let split = Split::read(&path)?;
        if split.test.is_empty() {
            bail!("the fold {} has no speaker in test", path.display());
        }
        let foreign = |speaker: &&String| {
            let corpus = speaker.split(':').next().unwrap_or_default();
            !table.corpora.iter().any(|known| known == corpus)
        };
        if let Some(speaker) = split.test.iter().chain(&split.validation).find(foreign) {
            let corpora = table.corpora.join(", ");
            bail!("the fold {} names {speaker}; its corpora are {corpora}", path.display());
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Fold { name, split })
    };
    paths.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(speaker: &str, emotion: &str) -> Clip {
        Clip {
            path: PathBuf::from(format!("{speaker}-{emotion}.wav")),
            corpus: "tiny".to_owned(),
            speaker: speaker.to_owned(),
            emotion: emotion.to_owned(),
            licence: String::new(),
        }
    }

    fn clips() -> Vec<Clip> {
        let speakers = ["a", "b", "c"].into_iter();
        let of = |speaker| ["calm", "sad", "bored"].map(|emotion| clip(speaker, emotion));
        speakers.flat_map(of).collect()
    }

    fn fold(name: &str, test: &str, validation: &str) -> Fold {
        let set = |speaker: &str| [format!("tiny:{speaker}")].into();
        let split =
            Split { description: String::new(), test: set(test), validation: set(validation) };
        Fold { name: name.to_owned(), split }
    }

    fn plan() -> Plan {
        let table = toml::from_str(
            "description = \"\"\ncorpora = [\"tiny\"]\nlabels = [\"neutral\", \"sad\"]\n\
             rename = { calm = \"neutral\" }",
        );
        let folds = vec![fold("1", "a", "b"), fold("2", "b", "c")];
        Plan { name: "tiny".to_owned(), table: table.unwrap(), folds }
    }

    #[test]
    fn words_become_labels_and_other_emotions_are_left_out() {
        let clips: Vec<Clip> = plan().relabelled(clips()).collect();
        let emotions: Vec<&str> = clips.iter().map(|clip| clip.emotion.as_str()).collect();
        assert_eq!(emotions, ["neutral", "sad"].repeat(3));
    }

    #[test]
    fn all_folds_come_before_the_next_seed() {
        let jobs = plan().jobs(&[1, 2]);
        let names: Vec<String> =
            jobs.iter().map(|job| format!("{} {}", job.fold, job.seed)).collect();
        assert_eq!(
            names,
            ["1 1", "2 1", "random-clips 1", "1 2", "2 2", "random-clips 2"].map(str::to_owned)
        );
    }

    #[test]
    fn the_control_has_sides_of_the_same_size_and_every_clip_once() {
        let plan = plan();
        let clips: Vec<Clip> = plan.relabelled(clips()).collect();
        let leaky = plan.material(&Job { fold: LEAKY.to_owned(), seed: 7 }, &clips);
        let count = |part| leaky.clips.iter().filter(|c| leaky.split.part_of(c) == part).count();
        assert_eq!([Part::Train, Part::Validation, Part::Test].map(count), [2, 2, 2]);
        let again = plan.material(&Job { fold: LEAKY.to_owned(), seed: 7 }, &clips);
        assert_eq!(leaky.split, again.split);
    }

    #[test]
    fn a_fold_without_a_side_is_refused() {
        let mut plan = plan();
        plan.folds = vec![fold("1", "a", "a")];
        plan.folds[0].split.validation = ["tiny:b".to_owned()].into();
        let two: Vec<Clip> = clips().into_iter().filter(|clip| clip.speaker != "c").collect();
        let two: Vec<Clip> = plan.relabelled(two).collect();
        let error = plan.check_parts(&plan.folds[0], &two).unwrap_err().to_string();
        assert!(error.contains("no clip to train on"), "{error}");
    }

    #[test]
    fn every_shipped_plan_can_be_read() {
        let folds = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/folds");
        for (name, count) in [
            ("ravdess", 5),
            ("ravdess-emobox", 6),
            ("cremad", 5),
            ("emodb", 10),
            ("banglaser", 5),
            ("loco", 4),
        ] {
            assert_eq!(Plan::read(&folds, name).unwrap().folds.len(), count, "{name}");
        }
        let error = Plan::read(&folds, "iemocap").unwrap_err().to_string();
        assert!(error.contains("\"iemocap\"") && error.contains("known are banglaser"), "{error}");
    }
}
