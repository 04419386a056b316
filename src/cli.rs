//! The command line as clap sees it: what may be typed, its help, and no more. Values that also
//! stand in config.toml are checked where config.toml is, so both are refused in the same words.

mod plugins;

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

pub use crate::cli::plugins::{PluginsArgs, PluginsCommand};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  another failure
  2  usage: the command line is wrong
  3  the configuration is wrong
  4  the audio device cannot be used
  5  the OSC port is taken
  6  the model cannot be used
  7  a GPU was asked for and there is none

Example:
  affectd --input jack --osc 192.168.1.20:9000
  affectd analyze voice.wav --format csv > voice.csv";

/// Most epochs and clips in a batch that `train` accepts; a slip of one key is caught, no real run
/// is.
const EPOCHS_MAX: u32 = 10_000;
const BATCH_SIZE_MAX: u32 = 4096;

/// Listens to a voice and tells other programs over OSC how it feels.
///
/// Without a subcommand it runs: the default input is analysed and streams go to 127.0.0.1:7371.
#[derive(Debug, Parser)]
#[command(version, after_long_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    run: RunArgs,
    #[command(subcommand)]
    command: Option<Command>,
    /// Says more; twice says all
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
}

impl Cli {
    /// The subcommand, which is `run` when none was typed. Options of `run` before another
    /// subcommand are an error rather than lost; `main` exits with it.
    pub fn into_command(self) -> Result<Command, clap::Error> {
        match self.command {
            None => Ok(Command::Run(self.run)),
            Some(command) if self.run == RunArgs::default() => Ok(command),
            Some(_) => Err(Self::command().error(
                ErrorKind::ArgumentConflict,
                "options stand after the subcommand that they belong to",
            )),
        }
    }
}

#[derive(Debug, PartialEq, Subcommand)]
pub enum Command {
    /// Listens and streams until it is stopped (the default)
    #[command(after_help = "Example:\n  affectd run --input file:voice.wav --osc touch.local:9000")]
    Run(RunArgs),
    /// Writes what the analysis says about sound files
    #[command(after_help = "Example:\n  affectd analyze a.wav b.mp3 --format json > voices.json")]
    Analyze(AnalyzeArgs),
    /// Lists the inputs that --input can name
    #[command(after_help = "Example:\n  affectd devices\n  affectd run --input cpal:ID")]
    Devices,
    /// Checks the configuration and the model, and opens nothing
    #[command(after_help = "Example:\n  affectd check --config gallery.toml")]
    Check(CheckArgs),
    /// Trains a model from corpora of labelled speech
    #[command(after_help = "Example:\n  affectd train manifest.csv --audio-root corpora \
                            --corpora cremad,emodb --labels angry,happy,neutral,sad \
                            --split models/splits/shipped.toml --out models/mine")]
    Train(TrainArgs),
    /// Scores a model on speakers that it was not trained on
    #[command(after_help = "Example:\n  affectd eval manifest.csv --audio-root corpora \
                            --corpora cremad --split models/splits/shipped.toml --tier t1")]
    Eval(EvalArgs),
    /// Measures what the analysis costs on this machine and prints the report
    #[command(after_help = "Example:\n  affectd bench --backend cpu")]
    Bench(BenchArgs),
    /// Lists the plug-ins that are installed, or tells more of one
    #[command(after_help = "Example:\n  affectd plugins\n  affectd plugins show affectd:gate\n  \
                            affectd plugins check http://drobilla.net/plugins/mda/Ambience")]
    Plugins(PluginsArgs),
    /// Hosts untrusted plug-ins for another affectd
    #[command(hide = true)]
    PluginHost,
    /// Looks at all plug-ins for another affectd
    #[command(hide = true)]
    PluginScan,
    /// Prints the reference of all OSC addresses, as the README has it
    #[command(after_help = "Example:\n  affectd osc-reference > addresses.md")]
    OscReference,
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct RunArgs {
    /// Configuration; else ./config.toml, then $XDG_CONFIG_HOME/affectd/config.toml, then defaults
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Sound: auto, jack, cpal, cpal:ID, file:PATH, demo
    #[arg(long, value_name = "SOURCE")]
    pub input: Option<String>,
    /// Receiver of the streams, instead of those configured; may be given again
    #[arg(long, value_name = "HOST:PORT")]
    pub osc: Vec<String>,
    /// Where OSC commands are heard
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: Option<String>,
    /// Listens on every network interface, on the same port
    #[arg(long)]
    pub lan: bool,
    /// Folder of the model
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// Inference on: auto, cpu, wgpu
    #[arg(long, value_name = "BACKEND")]
    pub backend: Option<String>,
}

#[derive(Args, Debug, PartialEq, Eq)]
pub struct AnalyzeArgs {
    /// Sound files of any common kind
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// One row or object a hop, or a summary a file
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Folder of the model, instead of the one configured
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// Configuration, found as for `run`
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Comma-separated, a header, one row a hop
    Csv,
    /// One object a hop, one a line
    Json,
    /// For people: one line a file
    Table,
}

#[derive(Args, Debug, PartialEq, Eq)]
pub struct CheckArgs {
    /// Configuration, found as for `run`
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the model, instead of the one configured
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
}

/// Clips of a manifest.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct CorpusArgs {
    /// CSV with the columns path, corpus, speaker, emotion8, exclude
    #[arg(value_name = "MANIFEST")]
    pub manifest: PathBuf,
    /// Folder that the manifest's paths start from; a clip may be .wav, .flac, .ogg
    #[arg(long, value_name = "FOLDER")]
    pub audio_root: PathBuf,
    /// Corpora to take, by the manifest's names
    #[arg(long, required = true, value_name = "NAME,…", value_delimiter = ',')]
    pub corpora: Vec<String>,
    /// TOML with the speakers that are for test and validation; all others train
    #[arg(long, value_name = "FILE")]
    pub split: PathBuf,
}

#[derive(Args, Debug, PartialEq)]
pub struct TrainArgs {
    #[command(flatten)]
    pub corpus: CorpusArgs,
    /// Labels of the model, in this order, as the manifest's column emotion8 spells them
    #[arg(long, required = true, value_name = "LABEL,…", value_delimiter = ',')]
    pub labels: Vec<String>,
    /// Corpora of the same manifest that are mixed in as noise
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub noise_corpora: Vec<String>,
    /// Name of the model in its card
    #[arg(long, value_name = "NAME", default_value = "mine")]
    pub name: String,
    /// Passes over the clips
    #[arg(long, value_name = "N", default_value_t = 40,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(EPOCHS_MAX)))]
    pub epochs: u32,
    /// Clips that one step of the training sees
    #[arg(long, value_name = "N", default_value_t = 64,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(BATCH_SIZE_MAX)))]
    pub batch_size: u32,
    /// Peak of the learning rate, up to 1
    #[arg(long, value_name = "RATE", default_value_t = 0.0015, value_parser = learning_rate)]
    pub learning_rate: f64,
    /// Start of the random numbers: weights, order, augmentation
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Folder that the model is written to
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Goes on from the last epoch that --out holds
    #[arg(long)]
    pub resume: bool,
}

#[derive(Args, Debug, PartialEq, Eq)]
pub struct EvalArgs {
    #[command(flatten)]
    pub corpus: CorpusArgs,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HeldOut {
    /// Speakers that nothing was chosen on
    Test,
    /// Speakers that chose the epoch and the temperature
    Validation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tier {
    /// Nothing
    T0,
    /// The running mean of the speaker's earlier clips, in five random orders
    T1,
}

#[derive(Args, Debug, PartialEq, Eq)]
pub struct BenchArgs {
    /// Folder of the model, instead of the one configured
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// Inference on: auto, cpu, wgpu
    #[arg(long, value_name = "BACKEND")]
    pub backend: Option<String>,
    /// Instead, eight channels on a JACK server for so many minutes while all cores are busy
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub endurance: Option<u32>,
    /// Instead, what plug-ins cost
    #[arg(long)]
    pub plugins: bool,
    /// Only plays the demo voice into so many channels of a daemon on JACK
    #[arg(long, value_name = "CHANNELS", hide = true)]
    pub voice: Option<u16>,
    /// Only keeps a core busy
    #[arg(long, hide = true)]
    pub busy: bool,
    /// Only sends a flood of commands there: what the benchmark runs beside the daemon
    #[arg(long, value_name = "HOST:PORT", hide = true)]
    pub flood: Option<std::net::SocketAddr>,
}

fn learning_rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if 0.0 < rate && rate <= 1.0 => Ok(rate),
        _ => Err("allowed is a number above 0, up to 1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    fn command(line: &str) -> Command {
        parsed(line).unwrap().into_command().unwrap()
    }

    fn check_refused(line: &str, expected: ErrorKind) {
        let error = parsed(line).and_then(Cli::into_command).unwrap_err();
        assert_eq!(error.kind(), expected, "{line}");
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn run_is_the_default_and_its_options_need_no_name() {
        assert_eq!(command("affectd"), Command::Run(RunArgs::default()));
        let line = "--config a --input demo --osc a:1 --osc b:2 --listen c:3 --lan --model m \
                    --backend cpu";
        let expected = Command::Run(RunArgs {
            config: Some("a".into()),
            input: Some("demo".into()),
            osc: vec!["a:1".into(), "b:2".into()],
            listen: Some("c:3".into()),
            lan: true,
            model: Some("m".into()),
            backend: Some("cpu".into()),
        });
        assert_eq!(command(&format!("affectd {line}")), expected);
        assert_eq!(command(&format!("affectd run {line}")), expected);
    }

    #[test]
    fn verbose_is_counted_before_and_after_the_subcommand() {
        assert_eq!(parsed("affectd -vv").unwrap().verbose, 2);
        assert_eq!(parsed("affectd -v run").unwrap().verbose, 1);
        assert_eq!(command("affectd -v run"), Command::Run(RunArgs::default()));
        assert_eq!(parsed("affectd run -v").unwrap().verbose, 1);
        assert_eq!(parsed("affectd devices --verbose").unwrap().verbose, 1);
    }

    #[test]
    fn options_before_a_subcommand_are_refused_not_lost() {
        check_refused("affectd --lan devices", ErrorKind::ArgumentConflict);
        check_refused("affectd --lan run", ErrorKind::ArgumentConflict);
    }

    #[test]
    fn files_are_analyzed_in_the_format_asked_for() {
        let Command::Analyze(args) = command("affectd analyze a.wav b.wav --format csv") else {
            panic!("another subcommand")
        };
        assert_eq!(args.files, [PathBuf::from("a.wav"), "b.wav".into()]);
        assert_eq!(args.format, Format::Csv);
        check_refused("affectd analyze", ErrorKind::MissingRequiredArgument);
        check_refused("affectd analyze a.wav --format xml", ErrorKind::InvalidValue);
    }

    #[test]
    fn training_takes_lists_and_says_who_is_kept_out() {
        let base = "affectd train m.csv --audio-root r --corpora cremad,emodb --labels calm,angry \
                    --split s.toml --out o";
        let Command::Train(args) = command(base) else { panic!("another subcommand") };
        assert_eq!(args.corpus.corpora, ["cremad", "emodb"]);
        assert_eq!(args.corpus.split, PathBuf::from("s.toml"));
        assert_eq!(args.labels, ["calm", "angry"]);
        assert_eq!((args.seed, args.epochs, args.batch_size), (1, 40, 64));
        assert_eq!((args.learning_rate, args.name.as_str()), (0.0015, "mine"));
        assert!(args.noise_corpora.is_empty());
        check_refused(&format!("{base} --epochs 0"), ErrorKind::ValueValidation);
        check_refused(&format!("{base} --batch-size 0"), ErrorKind::ValueValidation);
        for rate in ["0", "NaN", "2", "fast"] {
            let line = format!("{base} --learning-rate {rate}");
            check_refused(&line, ErrorKind::ValueValidation);
        }
        for option in ["--corpora cremad,emodb", "--labels calm,angry", "--split s.toml"] {
            let line = base.replace(option, "");
            check_refused(&line, ErrorKind::MissingRequiredArgument);
        }
    }

    #[test]
    fn evaluation_names_its_part_and_tier() {
        let base = "affectd eval m.csv --audio-root r --corpora cremad --split s.toml";
        let Command::Eval(args) = command(base) else { panic!("another subcommand") };
        assert_eq!((args.part, args.tier), (HeldOut::Test, Tier::T0));
        assert_eq!((args.json, args.write_card), (false, false));
        let line = format!("{base} --part validation --tier t1 --json --write-card");
        let Command::Eval(args) = command(&line) else { panic!("another subcommand") };
        assert_eq!((args.part, args.tier), (HeldOut::Validation, Tier::T1));
        assert_eq!((args.json, args.write_card), (true, true));
        check_refused(&format!("{base} --tier t2"), ErrorKind::InvalidValue);
        check_refused(&format!("{base} --part train"), ErrorKind::InvalidValue);
    }

    #[test]
    fn every_subcommand_shows_an_example_and_the_exit_codes_are_told() {
        let help = Cli::command().render_long_help().to_string();
        assert!(help.contains("7  a GPU was asked for"), "{help}");
        for subcommand in Cli::command().get_subcommands_mut().filter(|one| !one.is_hide_set()) {
            let name = subcommand.get_name().to_owned();
            let help = subcommand.render_long_help().to_string();
            assert!(help.contains(&format!("\n  affectd {name}")), "{help}");
        }
    }
}
