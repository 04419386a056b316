//! What can be wrong with a configuration, in words for the one who has to mend it.

use std::fmt;
use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{}: cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },

    #[error("{}: cannot be written: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },

    #[error("{name:?} is no file of the configuration's folder {}", folder.display())]
    Outside { name: String, folder: PathBuf },

    #[error("{}:{line}: column {column}: not TOML: {message}", path.display())]
    Syntax { path: PathBuf, line: usize, column: usize, message: String },

    /// All that was found, in the order of the lines; never empty.
    #[error("{}", Lines(.0))]
    Invalid(Vec<Located>),
}

/// A problem, and where the value was typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    pub origin: Origin,
    pub problem: Problem,
}

/// In the order in which problems are told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Line counted from 1.
    File { path: PathBuf, line: usize },
    /// The command-line option, with its dashes.
    Option(&'static str),
    /// A default that does not fit a value which was typed elsewhere.
    Default,
}

/// Keys are written `section.key`.
#[derive(Clone, Debug, PartialEq)]
pub enum Problem {
    Unknown {
        key: String,
        known: Vec<String>,
    },
    Type {
        key: String,
        message: String,
    },
    Value {
        key: &'static str,
        value: String,
        allowed: String,
    },
    /// What would move itself.
    Loop {
        key: &'static str,
        text: String,
    },
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::File { path, line } => write!(f, "{}:{line}: {}", path.display(), self.problem),
            Origin::Option(name) => write!(f, "{name}: {}", self.problem),
            Origin::Default => write!(f, "default: {}", self.problem),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Unknown { key, known } => {
                write!(f, "{key}: unknown")?;
                if let Some(name) = nearest(key.rsplit('.').next().unwrap_or(key), known) {
                    write!(f, ", did you mean {name}?")?;
                }
                write!(f, " (there is {})", known.join(", "))
            }
            Problem::Type { key, message } => write!(f, "{key}: {message}"),
            Problem::Value { key, value, allowed } => {
                write!(f, "{key} = {value}: allowed is {allowed}")
            }
            Problem::Loop { key, text } => write!(f, "{key}: {text}"),
        }
    }
}

struct Lines<'a>(&'a [Located]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, located) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{located}")?;
        }
        Ok(())
    }
}

/// The known name that takes the fewest keystrokes to reach, if that is at most half its letters.
fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let close = |known: &&String| edit_distance(name, known) * 2 <= known.len();
    let best = known.iter().filter(close).min_by_key(|known| edit_distance(name, known));
    best.map(String::as_str)
}

/// Letters to insert, delete or change (Levenshtein 1966), one row at a time.
fn edit_distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.chars().enumerate() {
            let change = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_of_the_textbook_pair_is_three() {
        assert_eq!(edit_distance("kitten", "sitting"), 3); // two changes, one insertion
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("abc", "abc"), 0);
    }

    #[test]
    fn a_slip_finds_its_key_and_nonsense_finds_none() {
        let known = ["source".to_string(), "channels".into(), "ring_s".into()];
        assert_eq!(nearest("sorce", &known), Some("source"));
        assert_eq!(nearest("chanels", &known), Some("channels"));
        assert_eq!(nearest("volume", &known), None);
    }
}
