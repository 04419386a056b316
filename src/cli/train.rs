//! What may be typed after `affectd train`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

/// Most epochs; a slip of one key is caught, no real run is.
pub const EPOCHS_MAX: u32 = 10_000;

#[derive(Args, Debug, PartialEq)]
#[command(group = ArgGroup::new("source").required(true).args(["manifest", "data"]))]
pub struct TrainArgs {
    /// CSV with the columns path, corpus, speaker, emotion8, licence, exclude
    #[arg(requires_all = ["audio_root", "corpora", "labels", "split"])]
    pub manifest: Option<PathBuf>,
    /// Instead of a manifest, a folder of your own: DIR/label/*.wav, DIR/speaker/label/*.wav, or
    /// DIR/labels.csv with the columns path, label and, if known, speaker
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Licence of the clips in --data, for the card
    #[arg(long, value_name = "TEXT", conflicts_with = "manifest")]
    pub licence: Option<String>,
    /// Folder that the manifest's paths start from; a clip may be .wav, .flac, .ogg, .mp3
    #[arg(long, value_name = "FOLDER", conflicts_with = "data")]
    pub audio_root: Option<PathBuf>,
    /// Corpora to take, by the manifest's names
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', conflicts_with = "data")]
    pub corpora: Vec<String>,
    /// TOML with the speakers that are for test and validation; all others train
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    pub split: Option<PathBuf>,
    /// Labels of the model, in this order, as the manifest's column emotion8 spells them
    #[arg(long, value_name = "LABEL,…", value_delimiter = ',', conflicts_with = "data")]
    pub labels: Vec<String>,
    /// Corpora of the same manifest that are mixed in as noise
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', conflicts_with = "data")]
    pub noise_corpora: Vec<String>,
    /// Name of the model in its card
    #[arg(long, value_name = "NAME", default_value = "mine")]
    pub name: String,
    /// Passes over the clips, instead of the recipe's
    #[arg(long, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(EPOCHS_MAX)))]
    pub epochs: Option<u32>,
    /// Changes the recipe; may be given again: --set mixup_share=0.3 --set network.lstm=64
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Goes on from the weights of another model, whatever its labels
    #[arg(long, value_name = "FOLDER")]
    pub from: Option<PathBuf>,
    /// What listeners heard, as CREMA-D's tabulatedVotes.csv has it: soft labels of the voice alone
    #[arg(long, value_name = "FILE")]
    pub votes: Option<PathBuf>,
    /// Models of other seeds, whose mean answer is learnt beside the labels
    #[arg(long, value_name = "FOLDER,…", value_delimiter = ',')]
    pub teachers: Vec<PathBuf>,
    /// Folder that keeps what the clips become: minutes less for the next run on the same ones
    #[arg(long, value_name = "FOLDER")]
    pub keep: Option<PathBuf>,
    /// Train on: cpu, wgpu
    #[arg(long, value_name = "BACKEND", default_value = "cpu")]
    pub backend: String,
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use clap::error::ErrorKind;

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        train: TrainArgs,
    }

    fn parsed(line: &str) -> Result<TrainArgs, clap::Error> {
        Only::try_parse_from(line.split_whitespace()).map(|only| only.train)
    }

    fn check_refused(line: &str, expected: ErrorKind) {
        assert_eq!(parsed(line).unwrap_err().kind(), expected, "{line}");
    }

    const MANIFEST: &str = "train m.csv --audio-root r --corpora cremad,emodb --labels calm,angry \
                            --split s.toml --out o";

    #[test]
    fn training_takes_lists_and_says_who_is_kept_out() {
        let args = parsed(MANIFEST).unwrap();
        assert_eq!(args.corpora, ["cremad", "emodb"]);
        assert_eq!(args.split, Some(PathBuf::from("s.toml")));
        assert_eq!(args.labels, ["calm", "angry"]);
        assert_eq!((args.seed, args.epochs, args.name.as_str()), (1, None, "mine"));
        assert!(args.noise_corpora.is_empty());
        check_refused(&format!("{MANIFEST} --epochs 0"), ErrorKind::ValueValidation);
        for option in ["--corpora cremad,emodb", "--labels calm,angry", "--split s.toml"] {
            let line = MANIFEST.replace(option, "");
            check_refused(&line, ErrorKind::MissingRequiredArgument);
        }
    }

    #[test]
    fn a_folder_stands_for_the_manifest_and_all_that_belongs_to_one() {
        let args = parsed("train --data mine --out o").unwrap();
        assert_eq!((args.data, args.manifest), (Some(PathBuf::from("mine")), None));
        check_refused("train --out o", ErrorKind::MissingRequiredArgument);
        check_refused(&format!("{MANIFEST} --data mine"), ErrorKind::ArgumentConflict);
        check_refused("train --data mine --out o --labels a,b", ErrorKind::ArgumentConflict);
        check_refused("train --data mine --out o --split s", ErrorKind::ArgumentConflict);
        check_refused(&format!("{MANIFEST} --licence CC0"), ErrorKind::ArgumentConflict);
    }
}
