//! The configuration: `config.toml` and the command line as typed ([`typed`]), and as checked
//! ([`checked`]); only the step between can fail, and it says all that is wrong at once. What holds
//! while the daemon runs is [`running`], what lies on the disk [`mod@file`]. The model's own
//! settings are not here: they ride in its card.

pub mod checked;
pub mod typed;

pub mod map;
pub mod personal;
pub mod rule;
pub mod slots;
pub mod trigger;

pub mod running;

pub mod file;

pub mod error;

mod check;
mod document;
mod routes;

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};

pub(crate) use crate::config::check::root as check_root;
pub use crate::config::checked::{Config, Osc};
use crate::config::document::Document;
pub use crate::config::error::ConfigError;
use crate::config::error::{Located, Origin, Problem};
use crate::config::file::read;
use crate::config::running::{Running, State};
use crate::config::typed::Typed;

const FILE_NAME: &str = "config.toml";

/// What the command line says; an absent one leaves the file's value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--input`, as `input.source`.
    pub input: Option<String>,
    /// `--listen`, as `osc.listen`.
    pub listen: Option<String>,
    /// `--lan`: listen on every interface, on the same port.
    pub lan: bool,
    /// `--osc`, each HOST:PORT; they take the place of `osc.send`. None leaves that as it is.
    pub send: Vec<String>,
    /// `--model`, as `model.folder`.
    pub model: Option<PathBuf>,
    /// `--backend`, as `model.backend`.
    pub backend: Option<String>,
}

/// With a path that file, which must be there. Without one the first of [`search_paths`] that is
/// there, else the defaults.
pub fn load(path: Option<&Path>, overrides: &Overrides) -> Result<Config, ConfigError> {
    load_running(path, overrides).map(|running| running.config().clone())
}

/// The same, to be changed later.
pub fn load_running(path: Option<&Path>, overrides: &Overrides) -> Result<Running, ConfigError> {
    let file = match path {
        Some(path) => path.to_owned(),
        None => first_of(&search_paths()),
    };
    let (state, saved) = match path {
        Some(path) => parse_state(path, &read(path)?, overrides)?,
        None => file::load(&file, overrides)?,
    };
    let origin = running::Origin { file, overrides: overrides.clone() };
    Ok(Running::new(state, origin, saved))
}

/// The first that is there; if none is, the first, where a saved one would go.
fn first_of(paths: &[PathBuf]) -> PathBuf {
    let found = paths.iter().find(|path| path.exists()).or(paths.first());
    found.cloned().unwrap_or_else(|| PathBuf::from(FILE_NAME))
}

/// Where a configuration is looked for when none is named.
pub fn search_paths() -> Vec<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")));
    let user = home.map(|folder| folder.join("affectd").join(FILE_NAME));
    [Some(PathBuf::from(FILE_NAME)), user].into_iter().flatten().collect()
}

/// As [`load`], from text; errors name `path`.
pub fn parse(path: &Path, text: &str, overrides: &Overrides) -> Result<Config, ConfigError> {
    parse_state(path, text, overrides).map(|(state, _)| state.config)
}

/// The state, and what the text says without the command line.
pub(crate) fn parse_state(
    path: &Path,
    text: &str,
    overrides: &Overrides,
) -> Result<(State, Typed), ConfigError> {
    let document = Document::parse(text).map_err(|error| ConfigError::Syntax {
        path: path.to_owned(),
        line: error.line,
        column: error.column,
        message: error.message,
    })?;
    let saved = document.typed;
    let mut typed = saved.clone();
    let options = apply(&mut typed, overrides);
    let at = |line| Origin::File { path: path.to_owned(), line };
    // A mapping's problem is told at the first [[map]]; its text names the mapping.
    let line = |key: &str| {
        let section = key.split_once('.').map_or(key, |(section, _)| section);
        document.lines.get(key).or_else(|| document.lines.get(section))
    };
    let origin = |key: &str| match (options.get(key), line(key)) {
        (Some(option), _) => Origin::Option(option),
        (None, Some(&line)) => at(line),
        (None, None) => Origin::Default,
    };

    let unread = document.problems.into_iter();
    let mut found: Vec<Located> =
        unread.map(|(line, problem)| Located { origin: at(line), problem }).collect();
    let checked = typed.check().map_err(|problems| {
        found.extend(problems.into_iter().map(|problem| locate(problem, origin)));
    });
    found.sort_by(|a, b| a.origin.cmp(&b.origin));
    match checked {
        Ok(config) if found.is_empty() => Ok((State { typed, config }, saved)),
        _ => Err(ConfigError::Invalid(found)),
    }
}

/// Puts the command line's values in place of the file's; gives the option of each key it changed.
fn apply(typed: &mut Typed, overrides: &Overrides) -> HashMap<&'static str, &'static str> {
    let mut options = HashMap::new();
    if let Some(input) = &overrides.input {
        typed.input.source.clone_from(input);
        options.insert("input.source", "--input");
    }
    if let Some(listen) = &overrides.listen {
        typed.osc.listen.clone_from(listen);
        options.insert("osc.listen", "--listen");
    }
    if overrides.lan {
        typed.osc.listen = on_every_interface(&typed.osc.listen);
        options.entry("osc.listen").or_insert("--lan");
    }
    if !overrides.send.is_empty() {
        typed.osc.send.clone_from(&overrides.send);
        options.insert("osc.send", "--osc");
    }
    if let Some(model) = &overrides.model {
        typed.model.folder.clone_from(model);
        options.insert("model.folder", "--model");
    }
    if let Some(backend) = &overrides.backend {
        typed.model.backend.clone_from(backend);
        options.insert("model.backend", "--backend");
    }
    options
}

/// The same port on all interfaces of the family; what has no port stays for `check` to refuse.
fn on_every_interface(listen: &str) -> String {
    let Some((_, port)) = listen.rsplit_once(':') else { return listen.to_owned() };
    let every = if listen.starts_with('[') { "[::]" } else { "0.0.0.0" };
    format!("{every}:{port}")
}

fn locate(problem: Problem, origin: impl Fn(&str) -> Origin) -> Located {
    let key = match &problem {
        Problem::Value { key, .. } | Problem::Loop { key, .. } => key,
        Problem::Unknown { key, .. } | Problem::Type { key, .. } => key.as_str(),
    };
    Located { origin: origin(key), problem }
}

#[cfg(test)]
mod tests;
