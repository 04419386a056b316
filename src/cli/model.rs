//! What may be typed after `affectd model`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::CorpusArgs;

/// Two hours of melodies, five of crowds, and as many batches as it takes to know them.
const MELODIES: u32 = 1000;
const CROWDS: u32 = 1400;
const STEPS: u32 = 3000;

#[derive(Args, Debug, PartialEq)]
pub struct ModelArgs {
    #[command(subcommand)]
    pub command: ModelCommand,
    /// Folder that the models lie in, instead of that of the one configured
    #[arg(long, value_name = "FOLDER", global = true)]
    pub root: Option<PathBuf>,
}

#[derive(Debug, PartialEq, Subcommand)]
pub enum ModelCommand {
    /// The models beside the one configured: score, size, labels
    List,
    /// A model's card: labels, corpora and licences, scores with their protocol, training
    Card {
        /// Name of its folder, or a path to it
        name: String,
    },
    /// Whether a model is whole and what its card says; ends with 6 if it is not
    Verify {
        /// Name of its folder, or a path to it
        name: String,
    },
    /// Learns what tells one voice from crowds, noise and music, and enters it in the model's card;
    /// the weights for emotions stay
    Outlier {
        /// Name of its folder, or a path to it
        name: String,
        #[command(flatten)]
        corpus: CorpusArgs,
        /// Corpora of the same manifest that are no voice
        #[arg(long, required = true, value_name = "NAME,…", value_delimiter = ',')]
        noise_corpora: Vec<String>,
        /// Melodies that are made beside them, as there is little music to be had
        #[arg(long, value_name = "N", default_value_t = MELODIES,
              value_parser = clap::value_parser!(u32).range(1..=100_000))]
        melodies: u32,
        /// Crowds that are made of the speakers
        #[arg(long, value_name = "N", default_value_t = CROWDS,
              value_parser = clap::value_parser!(u32).range(1..=100_000))]
        crowds: u32,
        /// Batches that it learns from
        #[arg(long, value_name = "N", default_value_t = STEPS,
              value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        steps: u32,
    },
    /// Writes a smaller copy: weights as f16 or int8, the least of them pruned
    Shrink {
        /// Name of its folder, or a path to it
        name: String,
        /// What matrices and convolutions are stored as
        #[arg(long, value_enum)]
        bits: Bits,
        /// Share of the weights that is set to 0, the smallest first; from 0 up to 0.99
        #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
        prune: f64,
        /// Folder that the copy is written to
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bits {
    F32,
    F16,
    Int8,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=0.99).contains(&share) => Ok(share),
        _ => Err("allowed is a number from 0 to 0.99".to_owned()),
    }
}
