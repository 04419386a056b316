//! config.toml as text: into [`Typed`], with the line of every key, so that a problem found later
//! can still say where it was typed. Reads no file.

use std::collections::HashMap;
use std::ops::Range;

use serde::Deserialize;
use toml::de::{DeTable, DeValue, Deserializer, Error};

use crate::config::error::Problem;
use crate::config::typed::Typed;

pub struct Document {
    pub typed: Typed,
    /// Lines, counted from 1, of the keys that the text holds, written `section.key`.
    pub lines: HashMap<String, usize>,
    /// Keys that are unknown or of the wrong type, each with its line; `typed` has their defaults.
    pub problems: Vec<(usize, Problem)>,
}

#[derive(Debug, PartialEq)]
pub struct SyntaxError {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

impl Document {
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut table = DeTable::parse(text).map_err(|error| syntax_error(text, &error))?;
        let lines = key_lines(text, table.get_ref());
        let mut problems = Vec::new();
        // serde stops at the first key that it cannot take: note that one, leave it out, go on.
        loop {
            match Typed::deserialize(Deserializer::from(table.clone())) {
                Ok(mut typed) => {
                    typed.settle_names();
                    return Ok(Self { typed, lines, problems });
                }
                Err(error) => {
                    let span = error.span().expect("an error about a parsed table has its span");
                    let Some(key) = remove(table.get_mut(), &span) else {
                        return Err(syntax_error(text, &error)); // of no key that could be left out
                    };
                    problems.push((position(text, span.start).0, problem(key, &error)));
                }
            }
        }
    }
}

fn syntax_error(text: &str, error: &Error) -> SyntaxError {
    let (line, column) = position(text, error.span().map_or(0, |span| span.start));
    SyntaxError { line, column, message: error.message().replace('\n', ", ") }
}

/// Line and column, counted from 1.
fn position(text: &str, byte_index: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..byte_index.min(text.len())];
    let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |index| index + 1);
    let newlines = before.iter().filter(|&&byte| byte == b'\n').count();
    (newlines + 1, before.len() - line_start + 1)
}

fn key_lines(text: &str, table: &DeTable) -> HashMap<String, usize> {
    let mut lines = HashMap::new();
    for (section, value) in table {
        if value.get_ref().is_array() {
            lines.insert(section.get_ref().to_string(), position(text, section.span().start).0);
        }
        let Some(entries) = value.get_ref().as_table() else { continue };
        for key in entries.keys() {
            let name = format!("{}.{}", section.get_ref(), key.get_ref());
            lines.insert(name, position(text, key.span().start).0);
        }
    }
    lines
}

/// Takes out the innermost key or section that the span lies in and gives its name.
fn remove(table: &mut DeTable, span: &Range<usize>) -> Option<String> {
    for (key, value) in table.iter_mut() {
        let inner = match value.get_mut() {
            DeValue::Table(entries) => remove(entries, span),
            DeValue::Array(rows) => rows.iter_mut().find_map(|row| match row.get_mut() {
                DeValue::Table(entries) => remove(entries, span),
                _ => None,
            }),
            _ => None,
        };
        if let Some(inner) = inner {
            return Some(format!("{}.{inner}", key.get_ref()));
        }
    }
    remove_entry(table, span)
}

fn remove_entry(table: &mut DeTable, span: &Range<usize>) -> Option<String> {
    let holds = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    let found = table.iter().find(|(key, value)| holds(key.span()) || holds(value.span()));
    let key = found?.0.clone();
    table.remove(&key);
    Some(key.into_inner().into_owned())
}

/// serde names the keys that exist between backticks, after the one it does not know.
fn problem(key: String, error: &Error) -> Problem {
    let message = error.message();
    if !message.starts_with("unknown field") {
        let message = message.replace("expected i64", "expected a whole number");
        return Problem::Type {
            key,
            message: message.replace("expected f32", "expected a number"),
        };
    }
    let known = message.split('`').skip(3).step_by(2).map(str::to_owned).collect();
    Problem::Unknown { key, known }
}
