//! The subcommands that make models, score them and look after them: what was typed becomes the
//! options of `train`, `eval` and `model`. Runs on the main thread.

use std::io::{Write, stdout};
use std::path::PathBuf;

use affectd::cli::{
    self, Bits, CorpusArgs, EvalArgs, EvalCommand, FoldsArgs, ModelArgs, ModelCommand,
    RobustnessArgs, StreamArgs, TeachingArgs, TrainArgs,
};
use affectd::config::{self, Overrides};
use affectd::model::backend::training_device;
use affectd::model::card::{Card, ModelError};
use affectd::model::storage::Storage;
use affectd::model::{folder, show, shrink, verify};
use affectd::{daemon, eval, train};
use anyhow::Result;

pub fn train(args: TrainArgs) -> Result<()> {
    // Nothing of the machine, so that the card can be shared: the program's name, not its path.
    let command: Vec<String> = std::env::args().skip(1).collect();
    let source = match args.data {
        Some(folder) => train::run::Source::Folder { folder, licence: args.licence },
        None => train::run::Source::Manifest {
            // clap asks for all of them.
            manifest: args.manifest.unwrap_or_default(),
            audio_root: args.audio_root.unwrap_or_default(),
            corpora: args.corpora,
            noise_corpora: args.noise_corpora,
            labels: args.labels,
            split: args.split.unwrap_or_default(),
        },
    };
    let options = train::run::Options {
        source,
        name: args.name,
        recipe: recipe(args.epochs, &args.set)?,
        from: args.from,
        votes: args.votes,
        teachers: args.teachers,
        keep: args.keep,
        settings: train::fit::Settings {
            seed: args.seed,
            out: args.out.clone(),
            resume: args.resume,
            device: training_device(&args.backend)?,
        },
        command: format!("affectd {}", command.join(" ")),
    };
    let card = train::run::run(&options)?;
    let folder = args.out.display();
    writeln!(stdout(), "{} with {} parameters is in {folder}", card.name, card.parameters)?;
    Ok(())
}

/// The recipe with what the command line changes.
fn recipe(epochs: Option<u32>, set: &[String]) -> Result<train::recipe::Recipe> {
    let mut recipe = train::recipe::Recipe::with(set)?;
    if let Some(epochs) = epochs {
        recipe.epochs = usize::try_from(epochs)?;
        recipe.steps = 0;
    }
    Ok(recipe)
}

pub fn eval(args: EvalArgs) -> Result<()> {
    let corpus = match (args.command, args.corpus) {
        (Some(EvalCommand::Robustness(args)), _) => return robustness(args),
        (Some(EvalCommand::Folds(args)), _) => return folds(args),
        (Some(EvalCommand::Stream(args)), _) => return stream(args),
        (Some(EvalCommand::Teach(args)), _) => return teach(args),
        (None, Some(corpus)) => corpus,
        (None, None) => anyhow::bail!("eval needs a manifest, folds, robustness, stream or teach"),
    };
    let options = eval::run::Options {
        scope: scope(corpus, args.model)?,
        part: held_out(args.part),
        tier: tier(args.tier),
        write_card: args.write_card,
    };
    let report = eval::run::run(&options)?;
    let mut out = stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        write!(out, "{report}")?;
    }
    Ok(())
}

/// With the configured model where none is named.
fn scope(corpus: CorpusArgs, model: Option<PathBuf>) -> Result<eval::run::Scope> {
    let config = config::load(None, &Overrides { model, ..Overrides::default() })?;
    Ok(eval::run::Scope {
        manifest: corpus.manifest,
        audio_root: corpus.audio_root,
        corpora: corpus.corpora,
        split: corpus.split,
        model: daemon::model_folder(&config.model.folder),
    })
}

fn robustness(args: RobustnessArgs) -> Result<()> {
    let options = eval::robustness::run::Options {
        scope: scope(args.corpus, args.model)?,
        tier: tier(args.tier),
        clips: usize::try_from(args.clips)?,
        seed: args.seed,
        out: args.out,
    };
    let card = eval::robustness::run::run(&options)?;
    let picture = format!("{}.svg", card.protocol.model);
    let text = eval::robustness::markdown::Markdown { card: &card, picture: &picture };
    writeln!(stdout(), "{text}")?;
    log::info!("the card is in {}", options.out.display());
    Ok(())
}

fn tier(tier: cli::Tier) -> eval::clips::Tier {
    match tier {
        cli::Tier::T0 => eval::clips::Tier::T0,
        cli::Tier::T1 => eval::clips::Tier::T1,
        cli::Tier::T2 => eval::clips::Tier::T2,
        cli::Tier::T3 => eval::clips::Tier::T3,
    }
}

fn held_out(part: cli::HeldOut) -> eval::run::HeldOut {
    match part {
        cli::HeldOut::Test => eval::run::HeldOut::Test,
        cli::HeldOut::Validation => eval::run::HeldOut::Validation,
    }
}

fn stream(args: StreamArgs) -> Result<()> {
    let report = eval::stream::run::run(&eval::stream::run::Options {
        scope: scope(args.corpus, args.model)?,
        part: held_out(args.part),
        noise_corpora: args.noise_corpora,
        out: args.out,
    })?;
    writeln!(stdout(), "the report is {}", report.display())?;
    Ok(())
}

fn teach(args: TeachingArgs) -> Result<()> {
    let report = eval::teach::run::run(&eval::teach::run::Options {
        scope: scope(args.corpus, args.model)?,
        part: held_out(args.part),
        out: args.out,
    })?;
    writeln!(stdout(), "the report is {}", report.display())?;
    Ok(())
}

fn folds(args: FoldsArgs) -> Result<()> {
    let report = eval::folds::run::run(&eval::folds::run::Options {
        corpus: args.corpus,
        folds: args.folds,
        tiers: args.tier.into_iter().map(tier).collect(),
        seeds: args.seeds,
        recipe: recipe(args.epochs, &args.set)?,
        changes: args.set,
        manifest: args.manifest,
        audio_root: args.audio_root,
        noise_corpora: args.noise_corpora,
        work: args.work,
        out: args.out,
        jobs: usize::try_from(args.jobs)?,
        votes: args.votes,
        teachers: args.teachers,
        peers: args.peers,
        earlier: args.earlier,
        is_worker: args.worker,
    })?;
    if let Some(report) = report {
        writeln!(stdout(), "the report is {}", report.display())?;
    }
    Ok(())
}

pub fn model(args: ModelArgs) -> Result<()> {
    let config = config::load(None, &Overrides::default())?;
    let configured = daemon::model_folder(&config.model.folder);
    let root = args.root.unwrap_or_else(|| folder::root_of(&configured).to_owned());
    let find = |name: &str| folder::find(&root, name);
    let mut out = stdout().lock();
    match args.command {
        ModelCommand::List => write!(out, "{}", show::list(&root, &configured)?)?,
        ModelCommand::Card { name } => {
            write!(out, "{}", show::Readable(Card::load(&find(&name)?)?))?;
        }
        ModelCommand::Verify { name } => {
            let verdict = verify::verify(&find(&name)?)?;
            write!(out, "{verdict}")?;
            if !verdict.is_good() {
                return Err(ModelError::Bad { name: verdict.name }.into());
            }
        }
        ModelCommand::Outlier { name, corpus, noise_corpora, melodies, crowds, steps } => {
            let options = train::outlier::Options {
                model: find(&name)?,
                command: format!(
                    "affectd model outlier {} MANIFEST --audio-root FOLDER --corpora {} \
                     --split {} --noise-corpora {} --melodies {melodies} --crowds {crowds} \
                     --steps {steps}",
                    eval::run::file_name(name.as_ref()),
                    corpus.corpora.join(","),
                    corpus.split.display(),
                    noise_corpora.join(","),
                ),
                manifest: corpus.manifest,
                audio_root: corpus.audio_root,
                corpora: corpus.corpora,
                split: corpus.split,
                noise_corpora,
                melodies: usize::try_from(melodies)?,
                crowds: usize::try_from(crowds)?,
                steps: usize::try_from(steps)?,
            };
            for kind in train::outlier::run(&options)? {
                let percent = 100.0 * kind.passing;
                writeln!(out, "{percent:5.1} % of {} windows pass: {}", kind.windows, kind.name)?;
            }
        }
        ModelCommand::Shrink { name, bits, prune, out: folder } => {
            let storage = match bits {
                Bits::F32 => Storage::F32,
                Bits::F16 => Storage::F16,
                Bits::Int8 => Storage::Int8,
            };
            let card = shrink::shrink(&find(&name)?, storage, prune, &folder)?;
            writeln!(out, "{}: {} is in {}", card.name, card.description, folder.display())?;
        }
    }
    Ok(())
}
