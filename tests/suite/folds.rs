//! `affectd eval folds` on a corpus of four speakers cut from the demo voice, two of them slowed
//! down: a study that is killed goes on where it was, by two processes, and ends in a report.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use affectd::wav::{self, Sound};

use crate::harness::{Running, affectd, wait_until};
use crate::training::{DemoClip, demo_clips};

/// Enough that a kill after the first leaves some to be done.
const EPOCHS: &str = "6";

/// Below the voice's own: a clip of this rate lasts a ninth longer and is another voice.
const SLOW_HZ: u32 = 14_400;

const TABLE: &str = "description = \"a tiny corpus\"\ncorpora = [\"tiny\"]\n\
    labels = [\"angry\", \"fearful\", \"happy\", \"neutral\", \"sad\"]\n\
    [rename]\nglum = \"sad\"\n\
    [[humans]]\nwho = \"one listener\"\ntarget = \"intended\"\nua = 12.3\n";

struct Study {
    folder: tempfile::TempDir,
}

impl Study {
    fn make() -> Self {
        let study = Self { folder: tempfile::tempdir().expect("a folder for the test") };
        let mut manifest = String::from("path,corpus,speaker,emotion8,licence,exclude\n");
        for DemoClip { name, speaker, emotion, sound } in demo_clips() {
            let emotion = if emotion == "sad" { "glum" } else { &emotion };
            let slow = Sound { rate_hz: SLOW_HZ, ..sound.clone() };
            for (mark, sound) in [("", sound), ("slow", slow)] {
                let path = study.path(&format!("{name}{mark}.wav"));
                wav::write_file(&path, &sound).expect("the folder is ours");
                let row = format!("{name}{mark}.opus,tiny,{speaker}{mark},{emotion},ODbL 1.0,");
                writeln!(manifest, "{row}").expect("a String");
            }
        }
        study.write("manifest.csv", &manifest);
        study.write("folds/tiny/folds.toml", TABLE);
        study.fold("1", "1016", "1008");
        study.fold("2", "1008slow", "1016slow");
        study
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the folder is ours");
        fs::write(path, text).expect("the folder is ours");
    }

    fn fold(&self, name: &str, test: &str, validation: &str) {
        let text = format!(
            "description = \"{name}\"\ntest = [\"tiny:{test}\"]\n\
             validation = [\"tiny:{validation}\"]\n"
        );
        self.write(&format!("folds/tiny/{name}.toml"), &text);
    }

    fn command(&self, options: &str) -> Command {
        let mut command = affectd();
        command.args("eval folds --tier t0,t1,t2,t3 --seeds 1".split_whitespace());
        command.args(options.split_whitespace());
        if !options.contains("--epochs") {
            command.args(["--epochs", EPOCHS]);
        }
        for (option, place) in [
            ("--manifest", "manifest.csv"),
            ("--audio-root", ""),
            ("--folds", "folds"),
            ("--work", "work"),
            ("--out", "out"),
        ] {
            if !options.contains(option) {
                command.arg(option).arg(self.path(place));
            }
        }
        command
    }

    fn check_refused(&self, options: &str, expected: &str) {
        let output = self.command(options).output().expect("the program is built");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && errors.contains(expected), "{expected}\n{errors}");
    }

    fn finish(&self, options: &str) {
        let output = self.command(options).output().expect("the program is built");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
    }
}

fn text_of(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_study_that_was_killed_is_finished_by_others_and_reported() {
    let study = Study::make();
    let mut killed = Running::start(&mut study.command("--corpus tiny"));
    let checkpoint = study.path("work/tiny/1-seed1/model.unfinished/checkpoint/history.json");
    wait_until("the first epoch", || checkpoint.is_file());
    killed.0.kill().expect("the child is ours");
    killed.0.wait().expect("the child is ours");
    assert!(!study.path("work/tiny/1-seed1/answers.json").exists(), "it was killed in training");

    study.finish("--corpus tiny --jobs 0");
    let text = text_of(&study.path("out/tiny.md"));
    assert!(text.contains("**Not in these figures yet:** fold 1 with seed 1; fold 2"), "{text}");

    study.finish("--corpus tiny --jobs 2");
    let logs = ["1", "2"].map(|n| text_of(&study.path(&format!("work/tiny/worker-{n}.log"))));
    assert!(logs.concat().contains("resuming after epoch"), "{logs:?}");

    let report: serde_json::Value =
        serde_json::from_str(&text_of(&study.path("out/tiny.json"))).expect("it is JSON");
    assert_eq!(report["missing"].as_array().map(Vec::len), Some(0), "{report}");
    let rows: Vec<(&str, u64)> = report["rows"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| (row["tier"].as_str().unwrap_or(""), row["runs"].as_u64().unwrap_or(0)))
        .collect();
    let control = "T0, random split, leaky, for reference";
    let humans = ("humans, the voice only", 0);
    assert_eq!(rows, [("T0", 2), ("T1", 2), ("T2", 2), ("T3", 2), (control, 1), humans]);
    // One clip of each emotion and speaker: five a fold, ten in the matrix of T0.
    let confusion = report["tiers"][0]["confusion"].as_array().expect("a matrix").clone();
    let counts = confusion.iter().flat_map(|row| row.as_array().cloned().unwrap_or_default());
    assert_eq!(counts.filter_map(|count| count.as_u64()).sum::<u64>(), 10);

    let markdown = text_of(&study.path("out/tiny.md"));
    let command = "affectd eval folds --corpus tiny --tier t0,t1,t2,t3 --seeds 1";
    for words in [command, "Protocol: ", "| one listener |", "0.5 s", "tiny-t3.svg", "| sad |"] {
        assert!(markdown.contains(words), "{words:?} is missing in {markdown}");
    }
    assert!(text_of(&study.path("out/tiny-t0.svg")).ends_with("</svg>\n"));

    let written =
        || fs::metadata(study.path("work/tiny/2-seed1/answers.json")).and_then(|m| m.modified());
    let before = written().expect("it is there");
    study.finish("--corpus tiny");
    assert_eq!(written().expect("it is there"), before, "what is done is not done again");
    study.check_refused(
        "--corpus tiny --epochs 7",
        "was trained for 6 epochs, asked for is 7 epochs",
    );
}

#[test]
fn models_of_another_run_teach_those_of_the_same_fold() {
    let study = Study::make();
    let [work, taught] = ["work", "taught"].map(|name| study.path(name).display().to_string());
    let again = format!("--corpus tiny --set soft_weight=0.5 --teachers {work} --work {taught}");
    fs::create_dir_all(study.path("work/tiny")).expect("the folder is ours");
    study.check_refused(&again, "work/tiny has no model of the fold 1 to learn from");
    study.finish("--corpus tiny");
    study.finish(&again);
    for fold in ["1", "2"] {
        let card = |work: &str| {
            text_of(&study.path(&format!("{work}/tiny/{fold}-seed1/model/model.toml")))
        };
        let hash =
            |card: String| card.lines().find(|line| line.starts_with("sha256")).map(str::to_owned);
        assert!(hash(card("work")).is_some() && hash(card("work")) != hash(card("taught")));
    }
    let markdown = text_of(&study.path("out/tiny.md"));
    assert!(markdown.contains("--set soft_weight=0.5") && markdown.contains("--teachers FOLDER"));
}

#[test]
fn wrong_folds_are_refused_before_anything_is_trained() {
    let study = Study::make();
    study.check_refused("--corpus huge", "there are no folds of \"huge\"");
    study.check_refused("--corpus huge", "known are tiny");
    study.fold("2", "108", "1016slow");
    study.check_refused("--corpus tiny", "the split names tiny:108");
    study.fold("2", "1008slow", "1008slow");
    study.check_refused("--corpus tiny", "tiny:1008slow is in test and validation");
    study.write("folds/tiny/2.toml", "description = \"2\"\ntest = []\nvalidation = []\n");
    study.check_refused("--corpus tiny", "2.toml has no speaker in test");
    study
        .write("folds/tiny/2.toml", "description = \"2\"\ntest = [\"large:1\"]\nvalidation = []\n");
    study.check_refused("--corpus tiny", "names large:1; its corpora are tiny");
    fs::remove_file(study.path("folds/tiny/2.toml")).expect("the file is ours");
    let manifest = text_of(&study.path("manifest.csv"));
    let one: Vec<&str> =
        manifest.lines().filter(|row| row.contains(",1016,") || row.contains("emotion8")).collect();
    study.write("manifest.csv", &one.join("\n"));
    study.write(
        "folds/tiny/1.toml",
        "description = \"1\"\ntest = [\"tiny:1016\"]\nvalidation = []\n",
    );
    study
        .check_refused("--corpus tiny", "leaves no clip to train on; three speakers are the least");
    assert!(!study.path("work").exists(), "nothing was begun");
}
