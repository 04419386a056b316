//! Sex and language of the speakers, where a manifest tells them; training needs neither.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

/// What a manifest says of a speaker; empty where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    pub sex: String,
    pub language: String,
}

/// By `corpus:speaker`.
pub fn read(manifest: &Path) -> Result<BTreeMap<String, Person>> {
    let file = std::fs::File::open(manifest)
        .with_context(|| format!("cannot read the manifest {}", manifest.display()))?;
    parse(file).with_context(|| format!("in the manifest {}", manifest.display()))
}

fn parse(text: impl std::io::Read) -> Result<BTreeMap<String, Person>> {
    let mut reader = csv::Reader::from_reader(text);
    let headers = reader.headers()?.clone();
    let column = |name: &str| headers.iter().position(|header| header == name);
    let (corpus, speaker) = (column("corpus"), column("speaker"));
    let (sex, language) = (column("gender"), column("language"));
    let mut people = BTreeMap::new();
    for row in reader.records() {
        let row = row?;
        let value = |column: Option<usize>| column.and_then(|c| row.get(c)).unwrap_or("");
        let key = format!("{}:{}", value(corpus), value(speaker));
        let person = Person { sex: value(sex).to_owned(), language: value(language).to_owned() };
        people.insert(key, person);
    }
    Ok(people)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_may_tell_sex_and_language_or_not() {
        let person = |sex: &str, language: &str| Person {
            sex: sex.to_owned(),
            language: language.to_owned(),
        };
        let people = parse(&b"speaker,gender,corpus,language\n03,male,emodb,de\n"[..]).unwrap();
        assert_eq!(people["emodb:03"], person("male", "de"));
        let people = parse(&b"speaker,corpus\n03,emodb\n"[..]).unwrap();
        assert_eq!(people["emodb:03"], person("", ""));
    }
}
