//! The command from the folds to the report: who works on what, and what is written in the end.
//! Several processes may run it on the same folder; each takes the jobs that nobody has.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::eval::clips::Tier;
use crate::eval::folds::answers::{Answers, write_whole};
use crate::eval::folds::confusion_svg;
use crate::eval::folds::earlier::BY;
use crate::eval::folds::markdown::Markdown;
use crate::eval::folds::peers::{Condition, Peer, Rules};
use crate::eval::folds::plan::{Fold, Job, LEAKY, Plan, Target};
use crate::eval::folds::report::{Report, Source, Speakers};
use crate::eval::folds::scoring::{Wanted, score};
use crate::eval::folds::teacher::Teacher;
use crate::eval::folds::workers;
use crate::train::corpus::{Clip, Part, read_manifest};
use crate::train::recipe::Recipe;
use crate::train::votes::Votes;

/// What the command line says.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of folds.
    pub corpus: String,
    pub folds: PathBuf,
    pub tiers: Vec<Tier>,
    pub seeds: Vec<u64>,
    pub recipe: Recipe,
    /// How the recipe was changed, as typed.
    pub changes: Vec<String>,
    pub manifest: PathBuf,
    pub audio_root: PathBuf,
    pub noise_corpora: Vec<String>,
    /// Where trainings and answers are kept.
    pub work: PathBuf,
    /// Where the report goes.
    pub out: PathBuf,
    /// Work folder of a run of the same folds whose models teach.
    pub teachers: Option<PathBuf>,
    /// Processes that share the work; none only writes the report.
    pub jobs: usize,
    pub votes: Option<PathBuf>,
    pub peers: Option<PathBuf>,
    /// A report whose figures stand where this run has none.
    pub earlier: Option<PathBuf>,
    /// One of the children that `jobs` asks for: it works and writes no report.
    pub is_worker: bool,
}

/// The options with all that they name read and checked.
struct Study<'a> {
    options: &'a Options,
    plan: Plan,
    clips: Vec<Clip>,
    pretrain: Vec<Clip>,
    noise: Vec<Clip>,
    votes: Option<Votes>,
    peers: Vec<Peer>,
    speakers: Speakers,
    wanted: Wanted,
}

/// Does what is left to do and writes the report; says where it is. A worker writes none.
pub fn run(options: &Options) -> Result<Option<PathBuf>> {
    let study = Study::read(options)?;
    if options.is_worker {
        workers::end_with_parent()?;
        study.work()?;
        return Ok(None);
    }
    let worked = match options.jobs {
        0 => Ok(()),
        1 => study.work(),
        jobs => study.watch(jobs),
    };
    // What is done is reported even where the rest failed.
    let path = study.write_report()?;
    worked.with_context(|| format!("{} tells of what was done before", path.display()))?;
    Ok(Some(path))
}

impl<'a> Study<'a> {
    fn read(options: &'a Options) -> Result<Self> {
        let plan = Plan::read(&options.folds, &options.corpus)?;
        let clips = plan.clips(&options.manifest)?;
        let votes = options.votes.as_ref().map(|path| Votes::read(path, &plan.table.labels));
        let mut speakers = Speakers::default();
        let peers = match &options.peers {
            Some(folder) => {
                Rules::new(&plan, &clips).read(folder, &mut |name| speakers.number(name))?
            }
            None => Vec::new(),
        };
        Ok(Self {
            pretrain: read_manifest(&options.manifest, &plan.table.pretrain)?,
            noise: read_manifest(&options.manifest, &options.noise_corpora)?,
            votes: votes.transpose()?,
            wanted: Wanted { tiers: sorted(&options.tiers), length: options.recipe.length() },
            options,
            plan,
            clips,
            peers,
            speakers,
        })
    }

    fn folder(&self) -> PathBuf {
        self.options.work.join(&self.plan.name)
    }

    fn jobs(&self) -> Vec<Job> {
        self.plan.jobs(&sorted(&self.options.seeds))
    }

    /// The answers of a job, if they are all that is wanted.
    fn done(&self, job: &Job) -> Result<Option<Answers>> {
        let folder = job.folder(&self.folder());
        let Some(answers) = Answers::load(&folder)? else { return Ok(None) };
        Ok(self.wanted.is_met_by(job, &answers, &folder)?.then_some(answers))
    }

    /// Every job that is neither done nor in other hands.
    fn work(&self) -> Result<()> {
        let jobs = self.jobs();
        let teacher = Teacher {
            recipe: &self.options.recipe,
            labels: &self.plan.table.labels,
            clips: &self.clips,
            pretrain: &self.pretrain,
            noise: &self.noise,
            votes: self.votes.as_ref(),
            audio_root: &self.options.audio_root,
            shared: self.folder(),
            teachers: self.options.teachers.as_ref().map(|work| work.join(&self.plan.name)),
            name: &self.plan.name,
            command: self.command(),
            heard: OnceCell::new(),
        };
        for (index, job) in jobs.iter().enumerate() {
            let Some(claim) = job.claim(&self.folder())? else { continue };
            if self.done(job)?.is_some() {
                continue;
            }
            let name = format!("{} {}, seed {}", self.plan.name, job.fold, job.seed);
            log::info!("job {} of {}: {name}", index + 1, jobs.len());
            let material = self.plan.material(job, &self.clips);
            claim
                .model(|out| teacher.teach(&material, job, out))
                .and_then(|model| {
                    let folders = [model.as_path(), claim.folder.as_path()];
                    score(job, &self.wanted, &material, &self.options.audio_root, folders)
                })
                .with_context(|| format!("in {name}"))?;
        }
        Ok(())
    }

    /// Children do the work.
    fn watch(&self, count: usize) -> Result<()> {
        let folder = self.folder();
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot write {}", folder.display()))?;
        let mut left = self.jobs();
        let jobs = left.len();
        workers::watch(&folder, count, jobs, &mut || {
            // What cannot be read is told by whoever works on it.
            left.retain(|job| !matches!(self.done(job), Ok(Some(_))));
            jobs - left.len()
        })
    }

    /// As one would type it, without the folders of this machine.
    fn command(&self) -> String {
        let Options { corpus, seeds, recipe, changes, noise_corpora, .. } = self.options;
        let tiers = self.wanted.tiers.iter();
        let tiers: Vec<String> = tiers.map(|tier| format!("{tier:?}").to_lowercase()).collect();
        let seeds: Vec<String> = sorted(seeds).iter().map(u64::to_string).collect();
        let mut command = format!(
            "affectd eval folds --corpus {corpus} --tier {} --seeds {} \
             --manifest MANIFEST --audio-root FOLDER",
            tiers.join(","),
            seeds.join(","),
        );
        if recipe.steps == 0 {
            command += &format!(" --epochs {}", recipe.epochs);
        }
        for change in changes {
            command += " --set ";
            command += change;
        }
        for (option, is_given, value) in [
            (" --noise-corpora ", !noise_corpora.is_empty(), noise_corpora.join(",")),
            (" --votes ", self.votes.is_some(), "FILE".to_owned()),
            (" --teachers ", self.options.teachers.is_some(), "FOLDER".to_owned()),
            (" --peers ", self.options.peers.is_some(), "FOLDER".to_owned()),
        ] {
            if is_given {
                command += option;
                command += &value;
            }
        }
        command
    }

    /// Report, figures of confusion, and the same as JSON.
    fn write_report(self) -> Result<PathBuf> {
        let (mut answers, mut missing) = (Vec::new(), Vec::new());
        for job in self.jobs() {
            // A job of which some tiers are there is in their tables already.
            match Answers::load(&job.folder(&self.folder()))? {
                Some(found) if found.length == self.wanted.length => {
                    let lacks: Vec<String> = self
                        .wanted
                        .of(&job)
                        .filter(|&tier| !found.has(tier))
                        .map(|tier| format!("{tier:?}"))
                        .collect();
                    if !lacks.is_empty() {
                        missing.push(format!("{} of {}", lacks.join(" and "), told(&job)));
                    }
                    answers.push(found);
                }
                _ => missing.push(told(&job)),
            }
        }
        missing.extend(self.peers.iter().flat_map(|peer| self.unheard(peer)));
        let out = &self.options.out;
        fs::create_dir_all(out).with_context(|| format!("cannot write {}", out.display()))?;
        let (name, command) = (self.plan.name.clone(), self.command());
        let mut report = Report::new(Source {
            plan: &self.plan,
            command,
            seeds: sorted(&self.options.seeds),
            length: self.wanted.length,
            tiers: self.wanted.tiers,
            answers,
            missing,
            votes: self.votes.as_ref(),
            peers: self.peers,
            speakers: self.speakers,
        });
        if let Some(path) = &self.options.earlier {
            report = report.after(Report::read(path)?)?;
        }
        for tier in &report.tiers {
            let title = format!("{name}, {:?}: % of each row", tier.tier);
            let svg = confusion_svg::draw(&title, &report.labels, &tier.confusion);
            write_whole(&out.join(tier.picture(&name)), &svg)?;
        }
        write_whole(&out.join(format!("{name}.json")), &serde_json::to_string_pretty(&report)?)?;
        let path = out.join(format!("{name}.md"));
        write_whole(&path, &Markdown(&report).to_string())?;
        Ok(path)
    }

    /// Folds of which a peer has not answered each clip, and folds that it has not answered at all.
    /// Not asked where some clips are not to be scored.
    fn unheard(&self, peer: &Peer) -> Vec<String> {
        let of_some = [Tier::T2, Tier::T3].map(Condition::Tier).contains(&peer.condition);
        if of_some || peer.target == Target::Crowd {
            return Vec::new();
        }
        let of_fold = |fold: &Fold| {
            let clips = self.clips.iter().filter(|clip| fold.split.part_of(clip) == Part::Test);
            let wanted = clips.count();
            let answered: BTreeSet<&str> = peer
                .runs
                .iter()
                .filter(|((name, _), _)| *name == fold.name)
                .flat_map(|(_, answers)| answers.iter().map(|(path, _)| path.as_str()))
                .collect();
            let lacks = wanted.saturating_sub(answered.len());
            (0 < lacks).then(|| {
                format!(
                    "{lacks} of {wanted} clips of fold {}{BY}{} at {}",
                    fold.name, peer.who, peer.condition
                )
            })
        };
        self.plan.folds.iter().filter_map(of_fold).collect()
    }
}

/// In order, each once.
fn sorted<T: Ord + Copy>(values: &[T]) -> Vec<T> {
    values.iter().copied().collect::<BTreeSet<T>>().into_iter().collect()
}

fn told(job: &Job) -> String {
    match job.fold.as_str() {
        LEAKY => format!("the control with seed {}", job.seed),
        fold => format!("fold {fold} with seed {}", job.seed),
    }
}
