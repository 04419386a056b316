//! How the folds of a corpus are trained: once on other corpora, which serves them all, then fold
//! by fold from there. The clips are heard once and stay in memory for all jobs of a process.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::eval::folds::job::trained_once;
use crate::eval::folds::plan::{Job, Material};
use crate::model::backend::training_device;
use crate::model::card::FILE_NAME;
use crate::train::affect;
use crate::train::bank::{Bank, Prepared, Take};
use crate::train::corpus::{Clip, Part};
use crate::train::course::Course;
use crate::train::fit::Settings;
use crate::train::noise::load_noise;
use crate::train::publish;
use crate::train::recipe::Recipe;
use crate::train::selection::Selection;
use crate::train::votes::Votes;

/// Seed of what serves all seeds.
const SEED: u64 = 1;

pub struct Teacher<'a> {
    pub recipe: &'a Recipe,
    pub labels: &'a [String],
    /// Of the corpora under test.
    pub clips: &'a [Clip],
    /// Of other corpora that may teach beforehand, and of those mixed in as noise.
    pub pretrain: &'a [Clip],
    /// What listeners heard, where the recipe heeds it.
    pub votes: Option<&'a Votes>,
    pub noise: &'a [Clip],
    pub audio_root: &'a Path,
    /// Where what serves all folds is kept.
    pub shared: PathBuf,
    /// The same of another run, whose models teach; none is usual.
    pub teachers: Option<PathBuf>,
    /// Name of the folds, and the command that leads here, for the card.
    pub name: &'a str,
    pub command: String,
    pub heard: OnceCell<Heard>,
}

/// What is in memory.
pub struct Heard {
    bank: Bank,
    noise: Vec<Vec<Prepared>>,
}

impl Teacher<'_> {
    /// Trains one fold into `out`, or goes on where the last run was killed; leaves card and
    /// weights there.
    pub fn teach(&self, material: &Material, job: &Job, out: &Path) -> Result<()> {
        let from = self.pretrained()?;
        let heard = self.heard()?;
        let parts: BTreeMap<&Path, Part> = material
            .clips
            .iter()
            .map(|clip| (clip.path.as_path(), material.split.part_of(clip)))
            .collect();
        // What has no part is there to be rehearsed.
        let part = |clip: &Clip| parts.get(clip.path.as_path()).copied();
        let select = |is_wanted: &dyn Fn(Option<Part>) -> bool| {
            Selection::new(&heard.bank, self.labels, |clip| is_wanted(part(clip)))
        };
        let validation = select(&|part| part == Some(Part::Validation));
        let mut train = select(&|part| part.is_none_or(|part| part == Part::Train));
        train.rehearse(|clip| part(clip).is_some());
        let [own, _] = train.own_and_rehearsed();
        let trained_on: Vec<&Clip> =
            own.into_iter().map(|member| &train.example(member).clip).collect();
        let recipe = match from {
            Some(_) => &self.recipe.fine_tuning(),
            None => self.recipe,
        };
        let course = Course {
            recipe,
            noise: &heard.noise,
            labels: self.labels,
            from: from.as_deref(),
            votes: self.votes.filter(|_| 0.0 < self.recipe.soft_weight),
            teachers: &self.teachers(job)?,
            settings: &settings(job.seed, out)?,
            name: self.name,
            command: &self.command,
            split: &material.split.description,
            corpora: publish::corpora(trained_on.into_iter().chain(self.pretrain)),
        };
        course.run(&train, &validation).map(|_| ())
    }

    /// The other run's models of the same fold.
    fn teachers(&self, job: &Job) -> Result<Vec<PathBuf>> {
        let Some(folder) = &self.teachers else { return Ok(Vec::new()) };
        let context = || format!("cannot read {}", folder.display());
        let mut models = Vec::new();
        for entry in fs::read_dir(folder).with_context(context)? {
            let path = entry.with_context(context)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let is_same = name.rsplit_once("-seed").is_some_and(|(fold, _)| fold == job.fold);
            if is_same && path.join("model").join(FILE_NAME).is_file() {
                models.push(path.join("model"));
            }
        }
        if models.is_empty() {
            bail!("{} has no model of the fold {} to learn from", folder.display(), job.fold);
        }
        models.sort();
        Ok(models)
    }

    fn is_rehearsing(&self) -> bool {
        0.0 < self.recipe.rehearsal_share
    }

    fn heard(&self) -> Result<&Heard> {
        if self.heard.get().is_none() {
            let features = &self.recipe.features;
            let rehearsed = if self.is_rehearsing() { self.pretrain } else { &[] };
            let clips = [self.clips, rehearsed].concat();
            let bank = Bank::load(
                &clips,
                self.audio_root,
                features,
                &Take::all(&self.recipe.degraded_by),
                None,
            )?;
            let noise = load_noise(self.noise, self.audio_root, features)?;
            // Nobody else was here: the cell belongs to one thread.
            return Ok(self.heard.get_or_init(|| Heard { bank, noise }));
        }
        Ok(self.heard.get().expect("it was there a moment ago"))
    }

    /// The model that all folds start from; the first process that comes trains it, others wait.
    fn pretrained(&self) -> Result<Option<PathBuf>> {
        if self.pretrain.is_empty() || self.recipe.pretrain_epochs == 0 {
            return Ok(None);
        }
        fs::create_dir_all(&self.shared)
            .with_context(|| format!("cannot write {}", self.shared.display()))?;
        let lock = self.shared.join("pretrained.lock");
        let lock =
            File::create(&lock).with_context(|| format!("cannot write {}", lock.display()))?;
        lock.lock().context("no lock on the pretraining")?;
        trained_once(&self.shared, "pretrained", |out| self.pretrain(out)).map(Some)
    }

    fn pretrain(&self, out: &Path) -> Result<()> {
        let recipe = Recipe { epochs: self.recipe.pretrain_epochs, ..self.recipe.clone() };
        let mut labels: Vec<String> = self
            .pretrain
            .iter()
            .map(|clip| clip.emotion.clone())
            .filter(|emotion| affect::coordinates(emotion).is_some())
            .collect();
        labels.sort();
        labels.dedup();
        let features = &recipe.features;
        let bank = Bank::load(
            self.pretrain,
            self.audio_root,
            features,
            &Take::all(&recipe.degraded_by),
            None,
        )?;
        let noise = load_noise(self.noise, self.audio_root, features)?;
        let train = Selection::new(&bank, &labels, |_| true);
        let nobody = Selection::new(&bank, &labels, |_| false);
        log::info!("pretraining on {} clips of other corpora", train.members.len());
        let course = Course {
            recipe: &recipe,
            noise: &noise,
            labels: &labels,
            from: None,
            votes: None,
            teachers: &[],
            settings: &settings(SEED, out)?,
            name: self.name,
            command: &self.command,
            split: "pretraining on all speakers of other corpora",
            corpora: publish::corpora(self.pretrain),
        };
        course.run(&train, &nobody).map(|_| ())
    }
}

fn settings(seed: u64, out: &Path) -> Result<Settings> {
    Ok(Settings { seed, out: out.to_owned(), resume: true, device: training_device("cpu")? })
}
