//! `affectd train` and `affectd eval` on a corpus of ten clips, cut from the demo voice: a run that
//! is killed and resumed ends with the weights of one that was not, and the result can be scored.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use affectd::audio::file::demo_voice;
use affectd::model::card::Card;
use affectd::wav::{self, Sound};

use crate::harness::{Running, affectd, outcome, project, wait_until};

/// Enough that a kill after the first leaves some to be done.
const EPOCHS: &str = "8";

/// One clip of the demo voice.
pub struct DemoClip {
    /// Of its file, with the ending .opus.
    pub name: String,
    pub speaker: String,
    pub emotion: String,
    pub sound: Sound,
}

/// Ten clips: two speakers with five emotions each.
pub fn demo_clips() -> Vec<DemoClip> {
    let voice = demo_voice().expect("it is built in");
    let list = project().join("examples/demo_voice.csv");
    let mut reader = csv::Reader::from_path(list).expect("the list is shipped");
    let rows = reader.records().map(|row| row.expect("a row of text"));
    rows.map(|row| {
        let frame = |second: &str| {
            let seconds: f64 = second.parse().expect("a number of seconds");
            affectd::units::to_count(seconds * f64::from(voice.rate_hz))
        };
        let samples = voice.samples[frame(&row[0])..frame(&row[1])].to_vec();
        DemoClip {
            name: format!("{}.opus", &row[6]),
            speaker: row[2].to_owned(),
            emotion: row[4].to_owned(),
            sound: Sound { rate_hz: voice.rate_hz, channels: 1, samples },
        }
    })
    .collect()
}

/// Clips, manifest and split: speaker 1016 trains, 1008 validates and is scored.
pub struct Corpus {
    pub folder: tempfile::TempDir,
}

impl Corpus {
    pub fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let mut manifest = String::from("path,corpus,speaker,emotion8,licence,exclude\n");
        for DemoClip { name, speaker, emotion, sound } in demo_clips() {
            let path = folder.path().join(&name).with_extension("wav");
            wav::write_file(&path, &sound).expect("the folder is ours");
            writeln!(manifest, "{name},tiny,{speaker},{emotion},ODbL 1.0,").expect("a String");
        }
        fs::write(folder.path().join("manifest.csv"), manifest).expect("the folder is ours");
        let split = "description = \"tiny\"\ntest = []\nvalidation = [\"tiny:1008\"]\n";
        fs::write(folder.path().join("split.toml"), split).expect("the folder is ours");
        Self { folder }
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// The arguments that name corpus and split.
    pub fn arguments(&self, command: &str) -> Vec<String> {
        let root = self.folder.path().display().to_string();
        let (manifest, split) = (self.path("manifest.csv"), self.path("split.toml"));
        [command, &manifest, "--audio-root", &root, "--corpora", "tiny", "--split", &split]
            .map(str::to_owned)
            .to_vec()
    }

    pub fn train(&self, out: &str) -> std::process::Command {
        self.train_for(EPOCHS, out)
    }

    pub fn train_for(&self, epochs: &str, out: &str) -> std::process::Command {
        let mut command = affectd();
        command.args(self.arguments("train")).args(["--out", &self.path(out), "--resume"]);
        command.args(["--labels", "angry,fearful,happy,neutral,sad", "--epochs", epochs]);
        command
    }
}

pub fn finish(mut command: std::process::Command) {
    let output = command.output().expect("the program is built");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
}

pub fn epochs_done(out: &Path) -> usize {
    let text = fs::read_to_string(out.join("checkpoint/history.json")).unwrap_or_default();
    let history: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    history["epochs"].as_array().map_or(0, Vec::len)
}

#[test]
fn a_killed_training_resumes_to_the_same_weights_and_can_be_scored() {
    let corpus = Corpus::make();
    finish(corpus.train("whole"));

    let out = PathBuf::from(corpus.path("killed"));
    let mut killed = Running::start(&mut corpus.train("killed"));
    wait_until("the first epoch", || epochs_done(&out) > 0);
    killed.0.kill().expect("the child is ours");
    killed.0.wait().expect("the child is ours");
    assert!(epochs_done(&out) < 8, "it was killed before it was done");
    finish(corpus.train("killed"));

    let card = |name| Card::load(Path::new(&corpus.path(name))).expect("training writes a card");
    let (whole, killed) = (card("whole"), card("killed"));
    assert_eq!(whole.sha256, killed.sha256);
    assert_eq!(whole.corpora[0].licence, "ODbL 1.0");
    assert!(!whole.training.command.contains("target"), "{}", whole.training.command);

    let mut arguments = corpus.arguments("eval");
    arguments.extend(["--part", "validation", "--model", &corpus.path("whole")].map(str::to_owned));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (code, report, errors) = outcome(&arguments);
    assert_eq!(code, 0, "{errors}");
    for word in ["UA", "WA", "macro F1", "ECE", "precision", "recall", "is \\ said", "5 clips"] {
        assert!(report.contains(word), "{word:?} is missing in {report}");
    }
}

#[test]
fn a_split_with_a_speaker_that_is_not_there_is_refused() {
    let corpus = Corpus::make();
    let split = "description = \"tiny\"\ntest = [\"tiny:108\"]\nvalidation = [\"tiny:1008\"]\n";
    fs::write(corpus.path("split.toml"), split).expect("the folder is ours");
    let output = corpus.train("none").output().expect("the program is built");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && errors.contains("tiny:108"), "{errors}");
}
