//! What may be typed after `affectd eval`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, value_parser};

use crate::cli::CorpusArgs;
use crate::cli::train::EPOCHS_MAX;

/// Most processes; a slip of one key is caught.
const JOBS_MAX: u32 = 256;

/// Most clips that `eval robustness` accepts; a slip of one key is caught, no real run is.
const CLIPS_MAX: u32 = 100_000;

/// Without a subcommand the model is scored as it is.
#[derive(Args, Debug, PartialEq, Eq)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct EvalArgs {
    #[command(subcommand)]
    pub command: Option<EvalCommand>,
    /// Always there where there is no subcommand.
    #[command(flatten)]
    pub corpus: Option<CorpusArgs>,
    /// Which of the split's speakers are scored
    #[arg(long, value_enum, default_value_t = HeldOut::Test)]
    pub part: HeldOut,
    /// Folder of the model, instead of the one configured
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// What is known of a speaker beforehand
    #[arg(long, value_enum, default_value_t = Tier::T0)]
    pub tier: Tier,
    /// Prints JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Keeps the scores in the model's card, in place of older ones found the same way
    #[arg(long)]
    pub write_card: bool,
}

#[derive(Debug, PartialEq, Eq, Subcommand)]
pub enum EvalCommand {
    /// Measures what noise, rooms, phones and levels cost, and writes the robustness card
    #[command(
        after_help = "Example:\n  affectd eval robustness manifest.csv --audio-root corpora \
                            --corpora cremad --split models/splits/shipped.toml --clips 120"
    )]
    Robustness(RobustnessArgs),
    /// Measures how restless and how late the streams are, and what noise does, and writes a report
    #[command(after_help = "Example:\n  affectd eval stream manifest.csv --audio-root corpora \
                            --corpora cremad --split models/splits/shipped.toml \
                            --noise-corpora noise:kitchen,noise:music")]
    Stream(StreamArgs),
    /// Lets speakers teach three of their emotions by a few clips, and writes a report
    #[command(after_help = "Example:\n  affectd eval teach manifest.csv --audio-root corpora \
                            --corpora ravdess --split models/splits/ravdess-all.toml")]
    Teach(TeachingArgs),
    /// Trains and scores every fold of a corpus and writes a report; goes on where it was killed
    #[command(after_help = "Example:\n  affectd eval folds --corpus ravdess --tier t0,t1,t2,t3 \
                            --manifest manifest.csv --audio-root corpora --jobs 2")]
    Folds(FoldsArgs),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HeldOut {
    /// Speakers that nothing was chosen on
    Test,
    /// Speakers that fitted the temperature
    Validation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tier {
    /// Nothing
    T0,
    /// The running mean of the speaker's earlier clips, in five random orders
    T1,
    /// Two neutral clips, which are not scored; five random draws
    T2,
    /// Three labelled clips of each emotion, which are not scored; five random draws
    T3,
}

#[derive(Args, Debug, PartialEq, Eq)]
pub struct RobustnessArgs {
    #[command(flatten)]
    pub corpus: CorpusArgs,
    /// Folder of the model, instead of the one configured
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// What is known of a speaker beforehand
    #[arg(long, value_enum, default_value_t = Tier::T0)]
    pub tier: Tier,
    /// Clips that are scored, chosen evenly over speakers and emotions
    #[arg(long, value_name = "N", default_value_t = 300,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(CLIPS_MAX)))]
    pub clips: u32,
    /// Start of the random numbers: which clips
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Folder that the card is written to, as Markdown, JSON and SVG named for the model
    #[arg(long, value_name = "FOLDER", default_value = "models/reports/robustness")]
    pub out: PathBuf,
}

#[derive(Args, Debug, PartialEq, Eq)]
pub struct StreamArgs {
    #[command(flatten)]
    pub corpus: CorpusArgs,
    /// Which of the split's speakers are heard
    #[arg(long, value_enum, default_value_t = HeldOut::Test)]
    pub part: HeldOut,
    /// Folder of the model, instead of the one configured
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// Corpora of the same manifest that are heard alone, as noise
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub noise_corpora: Vec<String>,
    /// Folder that the report is written to, as Markdown, JSON and SVG named for the model
    #[arg(long, value_name = "FOLDER", default_value = "models/reports/stream")]
    pub out: PathBuf,
}

#[derive(Args, Debug, PartialEq, Eq)]
pub struct TeachingArgs {
    #[command(flatten)]
    pub corpus: CorpusArgs,
    /// Which of the split's speakers teach
    #[arg(long, value_enum, default_value_t = HeldOut::Test)]
    pub part: HeldOut,
    /// Folder of the model, instead of the one configured
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// Folder that the report is written to, as Markdown and JSON named for the model
    #[arg(long, value_name = "FOLDER", default_value = "models/reports/teach")]
    pub out: PathBuf,
}

#[derive(Args, Debug, PartialEq, Eq)]
pub struct FoldsArgs {
    /// Folder below --folds: ravdess, ravdess-emobox, cremad, emodb, banglaser, loco
    #[arg(long, value_name = "NAME")]
    pub corpus: String,
    /// What is known of a speaker beforehand
    #[arg(long, value_enum, value_delimiter = ',', default_value = "t0,t1")]
    pub tier: Vec<Tier>,
    /// A training of each fold for each
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,2,3")]
    pub seeds: Vec<u64>,
    /// CSV with the columns path, corpus, speaker, emotion8, exclude
    #[arg(long, value_name = "FILE")]
    pub manifest: PathBuf,
    /// Folder that the manifest's paths start from; a clip may be .wav, .flac, .ogg
    #[arg(long, value_name = "FOLDER")]
    pub audio_root: PathBuf,
    /// Corpora of the same manifest that are mixed in as noise while training
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub noise_corpora: Vec<String>,
    /// Passes over the clips in each training, instead of the recipe's
    #[arg(long, value_name = "N",
          value_parser = value_parser!(u32).range(1..=i64::from(EPOCHS_MAX)))]
    pub epochs: Option<u32>,
    /// Changes the recipe; may be given again: --set mixup_share=0.3 --set network.lstm=64
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Folder of trainings and answers; what is done there is not done again
    #[arg(long, value_name = "FOLDER", default_value = "out/folds")]
    pub work: PathBuf,
    /// Processes that share the work; 0 writes the report on what is done and no more
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = value_parser!(u32).range(..=i64::from(JOBS_MAX)))]
    pub jobs: u32,
    /// Folder that the report is written to
    #[arg(long, value_name = "FOLDER", default_value = "models/reports")]
    pub out: PathBuf,
    /// Folder of the folds
    #[arg(long, value_name = "FOLDER", default_value = "models/folds")]
    pub folds: PathBuf,
    /// Votes of listeners, as CREMA-D's tabulatedVotes.csv has them
    #[arg(long, value_name = "FILE")]
    pub votes: Option<PathBuf>,
    /// The --work folder of a run of the same folds: its models, of whatever seeds, teach beside
    /// the labels (--set soft_weight=0.5)
    #[arg(long, value_name = "FOLDER")]
    pub teachers: Option<PathBuf>,
    /// Folder with the answers of other programs
    #[arg(long, value_name = "FOLDER")]
    pub peers: Option<PathBuf>,
    /// A report of the same folds, models/reports/CORPUS.json: what this run has no figures of is
    /// taken from it, peers, other seeds or all of ours
    #[arg(long, value_name = "FILE")]
    pub earlier: Option<PathBuf>,
    /// One of the processes that --jobs asks for
    #[arg(long, hide = true)]
    pub worker: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;
    use clap::error::ErrorKind;

    fn parsed(line: &str) -> Result<EvalArgs, clap::Error> {
        let command = Cli::try_parse_from(line.split_whitespace()).and_then(Cli::into_command)?;
        let Command::Eval(args) = command else { panic!("another subcommand") };
        Ok(args)
    }

    fn score(line: &str) -> EvalArgs {
        let args = parsed(line).unwrap();
        assert!(args.command.is_none() && args.corpus.is_some(), "{args:?}");
        args
    }

    fn check_refused(line: &str, expected: ErrorKind) {
        assert_eq!(parsed(line).unwrap_err().kind(), expected, "{line}");
    }

    const CORPUS: &str = "m.csv --audio-root r --corpora cremad --split s.toml";

    #[test]
    fn evaluation_names_its_part_and_tier() {
        let base = format!("affectd eval {CORPUS}");
        let args = score(&base);
        assert_eq!((args.part, args.tier), (HeldOut::Test, Tier::T0));
        assert_eq!((args.json, args.write_card), (false, false));
        let args = score(&format!("{base} --part validation --tier t1 --json --write-card"));
        assert_eq!((args.part, args.tier), (HeldOut::Validation, Tier::T1));
        assert_eq!((args.json, args.write_card), (true, true));
        check_refused(&format!("{base} --tier t4"), ErrorKind::InvalidValue);
        check_refused(&format!("{base} --part train"), ErrorKind::InvalidValue);
        check_refused("affectd eval m.csv --audio-root r", ErrorKind::MissingRequiredArgument);
        check_refused("affectd eval --json", ErrorKind::MissingRequiredArgument);
        check_refused("affectd eval", ErrorKind::MissingRequiredArgument);
    }

    #[test]
    fn robustness_has_its_own_options() {
        let base = format!("affectd eval robustness {CORPUS}");
        let Some(EvalCommand::Robustness(args)) = parsed(&base).unwrap().command else {
            panic!("another subcommand")
        };
        assert_eq!((args.clips, args.seed, args.tier), (300, 1, Tier::T0));
        assert_eq!(args.out, PathBuf::from("models/reports/robustness"));
        assert_eq!(args.corpus.corpora, ["cremad"]);
        check_refused(&format!("{base} --clips 0"), ErrorKind::ValueValidation);
        check_refused(&format!("{base} --json"), ErrorKind::UnknownArgument);
        let line = format!("affectd eval --json robustness {CORPUS}");
        check_refused(&line, ErrorKind::ArgumentConflict);
    }

    #[test]
    fn folds_take_lists_of_tiers_and_seeds_and_no_manifest_before_them() {
        let base = "affectd eval folds --corpus emodb --manifest m.csv --audio-root r";
        let folds = |line: &str| match parsed(line).unwrap().command {
            Some(EvalCommand::Folds(args)) => args,
            _ => panic!("another subcommand"),
        };
        let args = folds(base);
        assert_eq!((args.tier, args.seeds), (vec![Tier::T0, Tier::T1], vec![1, 2, 3]));
        assert_eq!((args.epochs, args.jobs, args.worker), (None, 1, false));
        let args = folds(&format!("{base} --tier t2,t3 --seeds 7 --jobs 2 --worker"));
        assert_eq!((args.tier, args.seeds), (vec![Tier::T2, Tier::T3], vec![7]));
        assert_eq!((args.jobs, args.worker), (2, true));
        check_refused(&format!("{base} --tier t4"), ErrorKind::InvalidValue);
        check_refused(&format!("{base} --jobs 257"), ErrorKind::ValueValidation);
        check_refused("affectd eval folds --corpus emodb", ErrorKind::MissingRequiredArgument);
        check_refused(&base.replace("folds", "--json folds"), ErrorKind::UnknownArgument);
    }
}
