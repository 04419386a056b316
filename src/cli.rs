//! The command line as clap sees it: what may be typed, its help, and no more. Values that also
//! stand in config.toml are checked where config.toml is, so both are refused in the same words.

mod bench;

mod eval;

mod model;

mod people;

mod plugins;

mod train;

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

pub use crate::cli::bench::BenchArgs;
pub use crate::cli::eval::{
    EvalArgs, EvalCommand, FoldsArgs, HeldOut, RobustnessArgs, StreamArgs, TeachingArgs, Tier,
};
pub use crate::cli::model::{Bits, ModelArgs, ModelCommand};
pub use crate::cli::people::{CalibrateArgs, ProfileArgs, ProfileCommand, TeachArgs};
pub use crate::cli::plugins::{PluginsArgs, PluginsCommand};
pub use crate::cli::train::TrainArgs;

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
    Check(SetupArgs),
    /// Trains a model from a folder of labelled speech, or from corpora
    #[command(after_help = "Example:\n  affectd train --data recordings --out models/mine\n  \
                            affectd train manifest.csv --audio-root corpora \
                            --corpora cremad,emodb --labels angry,happy,neutral,sad \
                            --split models/splits/shipped.toml --out models/mine")]
    Train(TrainArgs),
    /// Scores a model on speakers that it was not trained on
    #[command(after_help = "Example:\n  affectd eval manifest.csv --audio-root corpora \
                            --corpora cremad --split models/splits/shipped.toml --tier t1\n  \
                            affectd eval folds --corpus emodb --tier t0,t1 \
                            --manifest manifest.csv --audio-root corpora\n  \
                            affectd eval robustness manifest.csv --audio-root corpora \
                            --corpora cremad --split models/splits/shipped.toml")]
    Eval(EvalArgs),
    /// Lists the models, shows one's card, checks one, makes one smaller
    #[command(after_help = "Example:\n  affectd model list\n  affectd model verify affectd-3\n  \
                            affectd model shrink affectd-3 --bits f32 --out models/large")]
    Model(ModelArgs),
    /// Makes a profile of a person from files with the neutral voice
    #[command(after_help = "Example:\n  affectd calibrate anna neutral-1.wav neutral-2.wav")]
    Calibrate(CalibrateArgs),
    /// Teaches labels of your own from files in which a person shows them
    #[command(after_help = "Example:\n  affectd teach anna calm=calm/ tense=one.wav tense=two.wav")]
    Teach(TeachArgs),
    /// Lists, shows, exports, renames and deletes profiles of people
    #[command(after_help = "Example:\n  affectd profile list\n  affectd profile delete anna")]
    Profile(ProfileArgs),
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
    #[command(flatten)]
    pub setup: SetupArgs,
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

/// Which configuration and model.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct SetupArgs {
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
    fn a_person_is_calibrated_for_a_model_beside_a_configuration() {
        let line = "affectd calibrate anna a.wav b.wav --config c --model m";
        let Command::Calibrate(args) = command(line) else { panic!("another subcommand") };
        assert_eq!((args.name.as_str(), args.files.len()), ("anna", 2));
        let setup = SetupArgs { config: Some("c".into()), model: Some("m".into()) };
        assert_eq!(args.setup, setup);
        check_refused("affectd calibrate anna", ErrorKind::MissingRequiredArgument);
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
    fn a_model_is_named_and_shrunk_within_reason() {
        let base = "affectd model shrink a --bits int8 --out o";
        let Command::Model(args) = command(base) else { panic!("another subcommand") };
        let expected = ModelCommand::Shrink {
            name: "a".to_owned(),
            bits: Bits::Int8,
            prune: 0.0,
            out: "o".into(),
        };
        assert_eq!(args.command, expected);
        for share in ["1", "-0.1", "NaN", "half"] {
            check_refused(&format!("{base} --prune={share}"), ErrorKind::ValueValidation);
        }
        check_refused("affectd model card", ErrorKind::MissingRequiredArgument);
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
