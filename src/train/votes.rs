//! What listeners heard: CREMA-D's votes of people who had the voice only. They are soft labels to
//! train on; how close a model comes to them is left to `eval`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Column of the votes, and the label that it stands for.
const COLUMNS: [(&str, &str); 6] = [
    ("A", "angry"),
    ("D", "disgust"),
    ("F", "fearful"),
    ("H", "happy"),
    ("N", "neutral"),
    ("S", "sad"),
];

/// Rows of the voice alone have six digits that begin with this one; 2 is the face, 3 both.
const VOICE_ROWS: &str = "1";

/// Votes by the clip's file name without its ending, one count a label; 0 for labels that nobody
/// could vote for.
#[derive(Clone, Debug, Default)]
pub struct Votes(BTreeMap<String, Vec<f64>>);

impl Votes {
    pub fn read(path: &Path, labels: &[String]) -> Result<Self> {
        let context = || format!("cannot read the votes {}", path.display());
        let mut reader = csv::Reader::from_path(path).with_context(context)?;
        let headers = reader.headers().with_context(context)?.clone();
        let column = |name: &str| {
            let found = headers.iter().position(|header| header == name);
            found.with_context(|| format!("the column {name} is missing")).with_context(context)
        };
        let name = column("fileName")?;
        let letter = |label: &String| COLUMNS.iter().find(|(_, known)| known == label);
        let columns = labels
            .iter()
            .map(|label| letter(label).map(|(letter, _)| column(letter)).transpose())
            .collect::<Result<Vec<_>>>()?;
        if columns.iter().all(Option::is_none) {
            bail!("nobody could vote for any of {}", labels.join(", "));
        }
        let mut votes = BTreeMap::new();
        for row in reader.records() {
            let row = row.with_context(context)?;
            if !row[0].starts_with(VOICE_ROWS) {
                continue;
            }
            let count = |column: &Option<usize>| column.map_or(Ok(0.0), |c| row[c].parse::<f64>());
            let counts = columns.iter().map(count);
            let counts = counts.collect::<Result<Vec<_>, _>>().with_context(|| {
                format!("{}: the row {} has a vote that is no number", path.display(), &row[0])
            })?;
            votes.insert(row[name].to_owned(), counts);
        }
        if votes.is_empty() {
            bail!("{} has no row of the voice alone (1xxxxx)", path.display());
        }
        Ok(Self(votes))
    }

    /// Shares of the votes about a clip; none if nobody voted.
    pub fn shares(&self, clip: &str) -> Option<Vec<f64>> {
        let stem = Path::new(clip).file_stem()?.to_str()?;
        let counts = self.0.get(stem)?;
        let sum: f64 = counts.iter().sum();
        (0.0 < sum).then(|| counts.iter().map(|count| count / sum).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_votes_about_the_voice_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("votes.csv");
        let text = "\"\",\"A\",\"S\",\"fileName\"\n\"100001\",1,3,\"a\"\n\"200001\",9,0,\"a\"\n\
                    \"100002\",0,0,\"b\"\n";
        std::fs::write(&path, text).unwrap();
        let labels = ["sad", "angry"].map(str::to_owned);
        let votes = Votes::read(&path, &labels).unwrap();
        assert_eq!(votes.shares("cremad/1001/a.opus"), Some(vec![0.75, 0.25]));
        assert_eq!(votes.shares("b.opus"), None);
        let error = Votes::read(&path, &["calm".to_owned()]).unwrap_err();
        assert!(format!("{error:#}").contains("nobody could vote for any of calm"), "{error:#}");
    }
}
