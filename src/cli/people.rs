//! What may be typed after `affectd calibrate`, `teach` and `profile`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::SetupArgs;

#[derive(Args, Debug, PartialEq, Eq)]
pub struct CalibrateArgs {
    /// What the profile is called: 1 to 64 of a-z, A-Z, 0-9, _ and -
    pub name: String,
    /// Sound files with the neutral voice of this person alone, 5 s of speech at least
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The profile lies beside the configuration.
    #[command(flatten)]
    pub setup: SetupArgs,
}

#[derive(Args, Debug, PartialEq, Eq)]
pub struct TeachArgs {
    /// What the profile is called; one that is there is taught more
    pub name: String,
    /// A label of your own and a sound file, or folder of sound files, in which it is shown
    #[arg(required = true, value_name = "LABEL=PATH")]
    pub shown: Vec<String>,
    /// Labels that are called as classes of the model are change these too
    #[arg(long)]
    pub enrol: bool,
    #[command(flatten)]
    pub setup: SetupArgs,
}

#[derive(Args, Debug, PartialEq, Eq)]
pub struct ProfileArgs {
    #[command(subcommand)]
    pub command: ProfileCommand,
    /// Configuration, found as for `run`; the profiles lie beside it
    // The option of `run` has the id `config`; a global one of the same id would be both.
    #[arg(id = "beside", long = "config", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
}

#[derive(Debug, PartialEq, Eq, Subcommand)]
pub enum ProfileCommand {
    /// Names of all, and the models that they are of
    List,
    /// What one holds
    Show { name: String },
    /// Prints one, to be kept elsewhere
    Export { name: String },
    /// Calls one otherwise
    Rename { name: String, new: String },
    /// Forgets a person
    Delete { name: String },
}
