//! `[personal]`: who speaks. Plain values for any thread.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::config::error::Problem;

/// Longest name of a profile or chain.
const NAME_CHARS_MAX: usize = 64;

/// What [`is_name`] allows.
pub const NAMES: &str = "1 to 64 of a-z, A-Z, 0-9, _ and -";

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Personal {
    /// The profile that each channel starts with, from NAME.profile.toml beside the configuration;
    /// an empty name is somebody unknown. Default empty: all are unknown.
    pub profiles: Vec<String>,
}

impl Personal {
    pub(super) fn check(&self, channels: i64) -> Result<Self, Problem> {
        let channels = usize::try_from(channels).unwrap_or(0);
        let is_good = |name: &String| name.is_empty() || is_name(name);
        if self.profiles.len() <= channels && self.profiles.iter().all(is_good) {
            return Ok(self.clone());
        }
        Err(Problem::Value {
            key: "personal.profiles",
            value: format!("{:?}", self.profiles),
            allowed: format!("one name for each of input.channels, empty or {NAMES}"),
        })
    }
}

/// What the file of a profile is called after its name.
pub const SUFFIX: &str = ".profile.toml";

/// The file of a profile, beside the configuration.
pub fn profile_file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{SUFFIX}"))
}

/// Names of the profiles in a folder, sorted.
pub fn profile_names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let file = entry?.file_name();
        let name = file.to_str().and_then(|file| file.strip_suffix(SUFFIX));
        names.extend(name.filter(|name| is_name(name)).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// Whether a profile or chain can be called so; its file is called the same.
pub fn is_name(name: &str) -> bool {
    let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (1..=NAME_CHARS_MAX).contains(&name.len()) && name.chars().all(is_good)
}
