//! `affectd eval` from the manifest to the report.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::eval::clips::{Tier, Voices};
use crate::eval::folds::answers::write_whole;
use crate::eval::report::{Protocol, Report, Section};
use crate::model::backend::{self, Choice};
use crate::model::card::Card;
use crate::model::folder;
use crate::model::predictor::Predictor;
use crate::train::corpus::{Clip, Part, Split, read_manifest};

/// Which clips of a manifest are heard, and by which model.
#[derive(Clone, Debug)]
pub struct Scope {
    pub manifest: PathBuf,
    pub audio_root: PathBuf,
    pub corpora: Vec<String>,
    pub split: PathBuf,
    /// Folder of the model.
    pub model: PathBuf,
}

/// What the command line says.
#[derive(Clone, Debug)]
pub struct Options {
    pub scope: Scope,
    pub part: HeldOut,
    pub tier: Tier,
    /// Keeps the scores in the model's card.
    pub write_card: bool,
}

/// Speakers that the weights have not seen; those of training are never scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldOut {
    Test,
    /// These fitted the temperature.
    Validation,
}

/// Digits of the weights' hash that tell models apart for people.
pub const HASH_DIGITS: usize = 12;

/// What a run of `eval` begins with.
pub struct Opened {
    pub split: Split,
    pub model: Predictor,
    pub card: Card,
    /// Of all parts of the split.
    pub clips: Vec<Clip>,
}

/// Reads split, model and manifest; refused if the model may have been trained on those to score.
pub fn open(scope: &Scope) -> Result<Opened> {
    let split = Split::read(&scope.split)?;
    let model = backend::load(&scope.model, Choice::Cpu)?.predictor;
    let card = model.card().clone();
    check_leak(&card, &split, &scope.corpora)?;
    let clips = read_manifest(&scope.manifest, &scope.corpora)?;
    split.check_against(&clips)?;
    Ok(Opened { split, model, card, clips })
}

/// As one would type it, without the folders of this machine.
pub fn command(verb: &str, scope: &Scope, part: HeldOut) -> String {
    format!(
        "affectd eval {verb} MANIFEST --audio-root FOLDER --corpora {} --split {} --part {}",
        scope.corpora.join(","),
        scope.split.display(),
        part.name()
    )
}

/// A report as files of one name, by their endings; each is there whole or not at all.
pub fn write_report<const N: usize>(
    out: &Path,
    name: &str,
    files: [(&str, String); N],
) -> Result<()> {
    fs::create_dir_all(out).with_context(|| format!("cannot write {}", out.display()))?;
    let mut files = files.iter();
    files.try_for_each(|(ending, text)| write_whole(&out.join(format!("{name}.{ending}")), text))
}

/// Scores each corpus on its own, on the CPU: the reference that other backends are held against.
pub fn run(options: &Options) -> Result<Report> {
    let Opened { split, mut model, card, clips } = open(&options.scope)?;
    let sections = options
        .scope
        .corpora
        .iter()
        .map(|corpus| {
            let wanted =
                |clip: &&Clip| clip.corpus == *corpus && split.part_of(clip) == options.part.part();
            score(corpus, &clips.iter().filter(wanted).collect::<Vec<_>>(), options, &mut model)
        })
        .collect::<Result<Vec<_>>>()?;
    if options.write_card {
        write_card(&options.scope.model, card, &sections)?;
    }
    Ok(Report { split: split.description, sections })
}

fn score(
    corpus: &str,
    clips: &[&Clip],
    options: &Options,
    model: &mut Predictor,
) -> Result<Section> {
    let card = model.card().clone();
    let voices = Voices::load(clips, &options.scope.audio_root, &card)?;
    let (part, split) = (options.part.name(), file_name(&options.scope.split));
    if voices.clips() == 0 {
        bail!("the {part} part of {split} has no clip of {corpus} with a label of the model");
    }
    let protocol = Protocol {
        corpus: corpus.to_owned(),
        is_corpus_trained_on: is_trained_on(&card, corpus),
        part: part.to_owned(),
        split,
        speakers: voices.speakers(),
        clips: voices.clips(),
        classes: 0, // the section counts them
        tier: options.tier,
        known: options.tier.what_is_known(),
        model: card.name.clone(),
        sha256: card.sha256.chars().take(HASH_DIGITS).collect(),
    };
    let orders = voices.score(model, &card, options.tier)?;
    Ok(Section::new(protocol, voices.left_out, &card.labels, &orders))
}

impl HeldOut {
    pub fn part(self) -> Part {
        match self {
            Self::Test => Part::Test,
            Self::Validation => Part::Validation,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Validation => "validation",
        }
    }
}

fn is_trained_on(card: &Card, corpus: &str) -> bool {
    card.corpora.iter().any(|known| known.name == corpus)
}

/// Under another split than that of training, the speakers to score may have been trained on.
fn check_leak(card: &Card, split: &Split, corpora: &[String]) -> Result<()> {
    let trained_on = corpora.iter().find(|corpus| is_trained_on(card, corpus));
    if let Some(corpus) = trained_on.filter(|_| card.training.split != split.description) {
        bail!(
            "the model {} was trained on {corpus} under the split {:?}, not {:?}; its speakers may \
             have been trained on, so give the split of the training",
            card.name,
            card.training.split,
            split.description,
        );
    }
    Ok(())
}

/// Enters the sections' scores; those found by the same method give way, all else stays.
fn write_card(model: &Path, mut card: Card, sections: &[Section]) -> Result<()> {
    for score in sections.iter().map(Section::score) {
        card.scores.retain(|old| old.protocol != score.protocol);
        card.scores.push(score);
    }
    Ok(folder::write_card(model, &card)?)
}

/// The end of a path: reports travel, folders do not.
pub fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}
