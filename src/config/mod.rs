//! The configuration: `config.toml` and the command line as typed ([`typed`]), and as checked
//! ([`checked`]); only the step between can fail, and it says all that is wrong at once. Runs on
//! the main thread, at start and at reload. The model's own settings are not here: they ride in its
//! card.

pub mod checked;
pub mod typed;

pub mod error;

mod check;
mod document;

use std::collections::HashMap;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use crate::config::checked::{Config, Osc};
use crate::config::document::Document;
pub use crate::config::error::ConfigError;
use crate::config::error::{Located, Origin, Problem};
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
    match path {
        Some(path) => parse(path, &read(path)?, overrides),
        None => load_first(&search_paths(), overrides),
    }
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
    let document = Document::parse(text).map_err(|error| ConfigError::Syntax {
        path: path.to_owned(),
        line: error.line,
        column: error.column,
        message: error.message,
    })?;
    let mut typed = document.typed;
    let options = apply(&mut typed, overrides);
    let at = |line| Origin::File { path: path.to_owned(), line };
    let origin = |key: &str| match (options.get(key), document.lines.get(key)) {
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
        Ok(config) if found.is_empty() => Ok(config),
        _ => Err(ConfigError::Invalid(found)),
    }
}

fn load_first(paths: &[PathBuf], overrides: &Overrides) -> Result<Config, ConfigError> {
    for path in paths {
        match read(path) {
            Ok(text) => return parse(path, &text, overrides),
            Err(ConfigError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    parse(Path::new(FILE_NAME), "", overrides)
}

fn read(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
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
        Problem::Value { key, .. } => key,
        Problem::Unknown { key, .. } | Problem::Type { key, .. } => key.as_str(),
    };
    Located { origin: origin(key), problem }
}

#[cfg(test)]
mod tests;
