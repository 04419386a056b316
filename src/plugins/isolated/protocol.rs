//! What a chain and the process of its untrusted plug-ins say to each other beside the sound: one
//! line of JSON each, over the process's standard input and output.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::plugins::error::PluginError;
use crate::plugins::processor::Parameter;

#[derive(Debug, Deserialize, Serialize)]
pub enum Ask {
    /// The first line.
    Build(Wanted),
    /// What the plug-ins keep beside their parameters.
    Save,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct Wanted {
    /// The shared memory's file.
    pub memory: PathBuf,
    pub channels: usize,
    pub rate_hz: u32,
    pub members: Vec<WantedMember>,
}

/// One plug-in.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct WantedMember {
    pub uri: String,
    pub preset: Option<String>,
    pub state: Option<Vec<u8>>,
    /// Parameters by symbol.
    pub set: Vec<(String, f32)>,
}

#[derive(Debug, Deserialize, Serialize)]
pub enum Answer {
    /// All run.
    Built(Vec<BuiltMember>),
    /// This one cannot, counted from 0.
    Refused { member: usize, error: PluginError },
    /// One for each.
    Saved(Vec<Option<Vec<u8>>>),
}

#[derive(Debug, Deserialize, Serialize)]
pub struct BuiltMember {
    pub title: String,
    pub parameters: Vec<Parameter>,
    pub values: Vec<f32>,
    /// The values that preset and state gave it.
    pub base: Vec<f32>,
}
