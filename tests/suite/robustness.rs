//! `affectd eval robustness` on ten clips cut from the demo voice: the shipped model may not become
//! less robust than the marks in tests/golden/robustness.toml say. After a change of the model that
//! is meant, AFFECTD_UPDATE_ROBUSTNESS=1 makes this test measure them anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::harness::{outcome, project};
use crate::training::Corpus;

/// What was measured, means over the rows of a kind; shares as 0..1.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Marks {
    /// How much less a later run may have. One of ten clips moves a row's figures by 0.1.
    margin: f64,
    clean_ua: f64,
    kinds: BTreeMap<String, Kind>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    unchanged: f64,
    delta_ua: f64,
}

const MARGIN: f64 = 0.1;
const HEADER: &str = "# The shipped model on the demo voice, as tests/suite/robustness.rs measures \
                      it; AFFECTD_UPDATE_ROBUSTNESS=1 writes it anew.\n";

fn golden() -> PathBuf {
    project().join("tests/golden/robustness.toml")
}

/// Runs the command and reads its card.
fn measure() -> Marks {
    let corpus = Corpus::make();
    let split = "description = \"tiny\"\ntest = [\"tiny:1008\", \"tiny:1016\"]\nvalidation = []\n";
    fs::write(corpus.path("split.toml"), split).expect("the folder is ours");
    let mut arguments = corpus.arguments("eval");
    arguments.insert(1, "robustness".to_owned());
    arguments.extend(["--out".to_owned(), corpus.path("card")]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (code, text, errors) = outcome(&arguments);
    assert_eq!(code, 0, "{errors}");
    for part in ["10 clips of 2 test speakers", "| white | 20 dB |", "music: the manifest has no"] {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
    let files: Vec<PathBuf> = fs::read_dir(corpus.path("card"))
        .expect("it was written")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    let file = |ending: &str| {
        let path = files.iter().find(|path| path.extension().is_some_and(|e| e == ending));
        fs::read_to_string(path.expect("one file of each kind")).expect("it was written")
    };
    assert_eq!(file("md").trim(), text.trim());
    assert!(file("svg").starts_with("<svg") && file("svg").contains("white"));
    means(&serde_json::from_str(&file("json")).expect("it is JSON"))
}

fn means(card: &serde_json::Value) -> Marks {
    let number = |value: &serde_json::Value| value.as_f64().expect("a number");
    let mut rows: BTreeMap<String, Vec<Kind>> = BTreeMap::new();
    for row in card["rows"].as_array().expect("rows") {
        let kind = row["kind"].as_str().expect("a name").to_owned();
        let (unchanged, delta_ua) = (number(&row["unchanged"]), number(&row["delta_ua"]));
        rows.entry(kind).or_default().push(Kind { unchanged, delta_ua });
    }
    let mean = |rows: &[Kind], figure: fn(&Kind) -> f64| -> f64 {
        let mean = rows.iter().map(figure).sum::<f64>() / rows.len() as f64;
        (1e4 * mean).round() / 1e4 // for people to read
    };
    let kind = |rows: Vec<Kind>| Kind {
        unchanged: mean(&rows, |row| row.unchanged),
        delta_ua: mean(&rows, |row| row.delta_ua),
    };
    let kinds = rows.into_iter().map(|(name, rows)| (name, kind(rows))).collect();
    Marks { margin: MARGIN, clean_ua: number(&card["clean"]["ua"]), kinds }
}

/// What `found` has less than `marks` allow.
fn regressions(marks: &Marks, found: &Marks) -> Vec<String> {
    const ROUNDING: f64 = 1e-3;
    let is_worse = |mark: f64, found: f64| found < mark - marks.margin - ROUNDING;
    let mut worse = Vec::new();
    if is_worse(marks.clean_ua, found.clean_ua) {
        worse.push(format!("clean UA: {:.3}, was {:.3}", found.clean_ua, marks.clean_ua));
    }
    for (name, mark) in &marks.kinds {
        let Some(kind) = found.kinds.get(name) else {
            worse.push(format!("{name} is no longer measured"));
            continue;
        };
        for (what, mark, found) in
            [("unchanged", mark.unchanged, kind.unchanged), ("ΔUA", mark.delta_ua, kind.delta_ua)]
        {
            if is_worse(mark, found) {
                worse.push(format!("{name}, {what}: {found:.3}, was {mark:.3}"));
            }
        }
    }
    for name in found.kinds.keys().filter(|name| !marks.kinds.contains_key(*name)) {
        worse.push(format!("{name} has no mark yet"));
    }
    worse
}

#[test]
fn the_shipped_model_is_as_robust_as_its_marks_say() {
    let found = measure();
    if std::env::var_os("AFFECTD_UPDATE_ROBUSTNESS").is_some() {
        let text = toml::to_string(&found).expect("marks are tables");
        fs::write(golden(), format!("{HEADER}{text}")).expect("the marks can be written");
        return;
    }
    let text = fs::read_to_string(golden()).expect("the marks are there");
    let marks: Marks = toml::from_str(&text).expect("the marks are whole");
    let worse = regressions(&marks, &found);
    assert!(
        worse.is_empty(),
        "{worse:#?}\nif the model was changed on purpose, AFFECTD_UPDATE_ROBUSTNESS=1 measures anew"
    );
}

#[test]
fn a_model_that_became_less_robust_is_caught() {
    let kind = |unchanged: f64, delta_ua: f64| Kind { unchanged, delta_ua };
    let marks = |clean_ua: f64, phone: Kind| Marks {
        margin: 0.1,
        clean_ua,
        kinds: [("phone".to_owned(), phone)].into(),
    };
    let set = marks(0.6, kind(0.8, -0.1));
    let found = |clean_ua, phone| regressions(&set, &marks(clean_ua, phone)).len();
    assert_eq!(found(0.5, kind(0.7, -0.2)), 0); // one clip of ten each
    assert_eq!(found(0.7, kind(0.9, 0.0)), 0);
    assert_eq!(found(0.4, kind(0.8, -0.1)), 1);
    assert_eq!(found(0.6, kind(0.6, -0.3)), 2);
    let mut other = set.clone();
    other.kinds = [("rooms".to_owned(), kind(1.0, 0.0))].into();
    assert_eq!(regressions(&set, &other).len(), 2);
}
