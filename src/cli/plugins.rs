//! What may be typed after `affectd plugins`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Args, Debug, PartialEq)]
pub struct PluginsArgs {
    #[command(subcommand)]
    pub command: Option<PluginsCommand>,
}

#[derive(Debug, PartialEq, Subcommand)]
pub enum PluginsCommand {
    /// Its parameters and presets
    Show {
        /// affectd:NAME, clap:ID, or that of an LV2 plug-in
        uri: String,
    },
    /// Runs a sound through it: what that costs, its delay, its use of memory, what came out
    ///
    /// It runs in this process: a plug-in that crashes ends the command.
    Check {
        /// affectd:NAME, clap:ID, or that of an LV2 plug-in
        uri: String,
        /// A sound file, else the voice that comes with affectd
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// Frames of a block
        #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=8192))]
        frames: u32,
        /// A parameter as SYMBOL=VALUE; may be given again
        #[arg(long, value_name = "SYMBOL=VALUE")]
        set: Vec<String>,
    },
}
