//! `affectd train` from the manifest, or a user's own folder, to the model's.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::model::card::{Card, LABELS_MAX, is_label, label_rule};
use crate::train::bank::{Bank, Take};
use crate::train::corpus::{Clip, Material, Part, Split, read_manifest};
use crate::train::course::Course;
use crate::train::fit::Settings;
use crate::train::noise::load_noise;
use crate::train::recipe::Recipe;
use crate::train::selection::Selection;
use crate::train::votes::Votes;
use crate::train::{folder, publish};

/// What the command line says.
#[derive(Clone, Debug)]
pub struct Options {
    pub source: Source,
    pub name: String,
    pub recipe: Recipe,
    /// A model to go on from.
    pub from: Option<PathBuf>,
    /// What listeners heard, as CREMA-D's tabulatedVotes.csv has it.
    pub votes: Option<PathBuf>,
    /// Models whose mean answer is learnt beside the labels.
    pub teachers: Vec<PathBuf>,
    /// Folder that may keep what the clips become, for the next run.
    pub keep: Option<PathBuf>,
    pub settings: Settings,
    /// The command as typed, for the card.
    pub command: String,
}

/// Where the clips come from.
#[derive(Clone, Debug)]
pub enum Source {
    Manifest {
        manifest: PathBuf,
        audio_root: PathBuf,
        corpora: Vec<String>,
        /// Corpora of the same manifest whose clips are mixed in as noise.
        noise_corpora: Vec<String>,
        labels: Vec<String>,
        split: PathBuf,
    },
    /// A user's own; see `folder`.
    Folder { folder: PathBuf, licence: Option<String> },
}

impl Source {
    fn read(&self) -> Result<Material> {
        match self {
            Self::Folder { folder, licence } => folder::read(folder, licence.as_deref()),
            Self::Manifest { manifest, audio_root, corpora, noise_corpora, labels, split } => {
                let split = Split::read(split)?;
                let clips = read_manifest(manifest, corpora)?;
                split.check_against(&clips)?;
                let part = |part| {
                    clips.iter().filter(|clip| split.part_of(clip) == part).cloned().collect()
                };
                Ok(Material {
                    root: audio_root.clone(),
                    train: part(Part::Train),
                    validation: part(Part::Validation),
                    noise: read_manifest(manifest, noise_corpora)?,
                    labels: labels.clone(),
                    split: split.description,
                })
            }
        }
    }
}

pub fn run(options: &Options) -> Result<Card> {
    let material = options.source.read()?;
    let labels = &material.labels;
    if !(2..=LABELS_MAX).contains(&labels.len()) {
        bail!("{} labels were given; 2 to {LABELS_MAX} are possible", labels.len());
    }
    if let Some(label) = labels.iter().find(|label| !is_label(label)) {
        bail!("{label:?} cannot be a label; allowed is {}", label_rule());
    }
    let Material { root, train, validation, noise, split, .. } = &material;
    let features = &options.recipe.features;
    let load = |clips: &[Clip], takes: &[Take]| {
        Bank::load(clips, root, features, takes, options.keep.as_deref())
    };
    let validation_bank = load(validation, &Take::PLAIN)?;
    let validation_part = Selection::new(&validation_bank, labels, |_| true);
    if validation_part.is_empty() {
        let (count, left_out) = (validation.len(), validation_bank.left_out.summary());
        bail!("no clip is there to validate on; of the {count} meant for it, left out: {left_out}");
    }
    let bank = load(train, &Take::all(&options.recipe.degraded_by))?;
    let train_part = Selection::new(&bank, labels, |_| true);
    check(&train_part, labels)?;
    let noise = load_noise(noise, root, features)?;
    log::info!(
        "{} clips of {} speakers train, {} clips of {} speakers validate, {} recordings of noise",
        train_part.members.len(),
        train_part.speakers.len(),
        validation_part.members.len(),
        validation_part.speakers.len(),
        noise.iter().map(Vec::len).sum::<usize>(),
    );
    let votes = options.votes.as_ref().map(|path| Votes::read(path, labels)).transpose()?;
    let recipe = match options.from {
        Some(_) => &options.recipe.fine_tuning(),
        None => &options.recipe,
    };
    let course = Course {
        recipe,
        noise: &noise,
        labels,
        from: options.from.as_deref(),
        votes: votes.as_ref(),
        teachers: &options.teachers,
        settings: &options.settings,
        name: &options.name,
        command: &options.command,
        split,
        corpora: publish::corpora(train),
    };
    course.run(&train_part, &validation_part)
}

/// Refuses, before it begins, a training that could not come to anything.
fn check(train: &Selection, labels: &[String]) -> Result<()> {
    let counts = train.counts();
    let found = counts.iter().filter(|&&count| 0 < count).count();
    if found < 2 {
        bail!(
            "clips of {found} of the {} labels are there to train on, at least 2 are needed; left \
             out: {}",
            labels.len(),
            train.bank.left_out.summary(),
        );
    }
    for (label, _) in labels.iter().zip(&counts).filter(|(_, count)| **count == 0) {
        log::warn!("no clip of the label {label} is there to train on");
    }
    if train.speakers.len() == 1 {
        log::warn!("all clips to train on are of one speaker; others may fare much worse");
    }
    Ok(())
}
