//! Models as parts: listed, shown, verified, swapped under a running daemon, made from a user's
//! own folder. And what training does with bad clips and full disks.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use affectd::model::card::{Card, Corpus as CorpusCard, sha256_hex};
use affectd::model::network::NetworkSpec;
use affectd::model::predictor::Predictor;
use affectd::model::storage::Storage;
use affectd::train::publish::publish;
use affectd::wav::{self, Sound};
use burn::tensor::Device;
use rosc::OscType;

use crate::harness::{
    Daemon, Running, copy_of_the_model, copy_the_model_to, hops, outcome, project, wait_until,
};
use crate::training::{Corpus, demo_clips, epochs_done, finish};

fn shipped() -> PathBuf {
    project().join("models/affectd-3")
}

/// Runs a command; it must end with this code and say all of these.
pub fn check(arguments: &[&str], code: i32, says: &[&str]) -> String {
    let (actual, out, errors) = outcome(arguments);
    let text = format!("{out}{errors}");
    assert_eq!(actual, code, "{arguments:?}: {text}");
    assert!(!text.contains("panicked"), "{text}");
    for words in says {
        assert!(text.contains(words), "{words:?} is missing in {text}");
    }
    text
}

#[test]
fn models_are_listed_and_a_card_tells_corpora_scores_and_training() {
    let card = Card::load(&shipped()).unwrap();
    let ua = format!("UA {:.1} %", 100.0 * card.scores[0].ua);
    let parameters = format!("{} parameters", card.parameters);
    let labels = card.labels.join(" ");
    check(&["model", "list"], 0, &["* affectd-3", &ua, &parameters, &labels, " MB"]);
    let mut says = vec![card.training.command.as_str(), &card.training.split, &ua, &card.sha256];
    for corpus in &card.corpora {
        says.extend([corpus.name.as_str(), &corpus.licence, &corpus.credit]);
    }
    says.extend(card.scores.iter().map(|score| score.protocol.as_str()));
    check(&["model", "card", "affectd-3"], 0, &says);
    let root = project().join("models");
    let root = ["model", "list", "--root", root.to_str().unwrap()];
    check(&root, 0, &["* affectd-3", &ua]);
    check(&["model", "list", "--root", "no-such"], 6, &["cannot read no-such"]);
    check(&["model", "card", "none"], 6, &["there is no model \"none\" in", "affectd-3"]);
}

pub fn write(folder: &Path, card: &Card, weights: Vec<u8>) {
    fs::write(folder.join(&card.weights), weights).expect("the folder is ours");
    let card = toml::to_string(card).expect("a card is TOML");
    fs::write(folder.join("model.toml"), card).expect("the folder is ours");
}

/// Verifies a copy of the shipped model that was changed.
fn check_verified(code: i32, says: &[&str], change: impl FnOnce(&mut Card, &mut Vec<u8>)) {
    let (_folder, path) = copy_of_the_model();
    let mut card = Card::load(&path).expect("the model is whole");
    let mut bytes = card.read_weights(&path).expect("the model is whole");
    change(&mut card, &mut bytes);
    write(&path, &card, bytes);
    check(&["model", "verify", path.to_str().expect("a plain path")], code, says);
}

/// Length of a safetensors file's header and the header; eight bytes lie before it, the tensors
/// behind it.
pub fn header_of(bytes: &[u8]) -> (usize, serde_json::Value) {
    let (length, rest) = bytes.split_at(8);
    let length = u64::from_le_bytes(length.try_into().expect("eight bytes"));
    let length = usize::try_from(length).expect("it fits the file");
    (length, serde_json::from_slice(&rest[..length]).expect("it is JSON"))
}

/// Where the classes' bias ends; biases are f32 whatever the rest is stored as.
fn end_of_a_bias(bytes: &[u8]) -> usize {
    let (length, header) = header_of(bytes);
    let bias = &header["classes.bias"];
    assert_eq!(bias["dtype"], "F32");
    let end = bias["data_offsets"][1].as_u64().expect("a place");
    8 + length + usize::try_from(end).expect("it fits the file")
}

#[test]
fn a_model_is_verified_and_each_fault_of_a_bad_one_is_told() {
    check(&["model", "verify", "affectd-3"], 0, &["ok   hash", "affectd-3 is good"]);
    check_verified(6, &["BAD  hash", "BAD  loading"], |_, bytes| {
        *bytes.last_mut().unwrap() ^= 1;
    });
    check_verified(6, &["ok   hash", "BAD  inference", "is no number"], |card, bytes| {
        let end = end_of_a_bias(bytes);
        bytes[end - 4..end].copy_from_slice(&f32::NAN.to_le_bytes());
        card.sha256 = sha256_hex(bytes);
    });
    check_verified(6, &["BAD  parameters: the card says 3"], |card, _| card.parameters = 3);
    check_verified(6, &["BAD  storage: the card says f32, it is int8"], |card, _| {
        card.storage = Storage::F32;
    });
    check_verified(6, &["BAD  card: says nothing about training.command, corpora"], |card, _| {
        card.training.command.clear();
        card.corpora.clear();
    });
    check_verified(0, &["note licences", "ravdess (CC BY-NC-SA 4.0)"], |card, _| {
        let licence = "CC BY-NC-SA 4.0".to_owned();
        let (name, credit) = ("ravdess".to_owned(), "Livingstone and Russo".to_owned());
        card.corpora.push(CorpusCard { name, clips: 1, speakers: 1, licence, credit });
    });
}

/// A model that nobody trained: other widths than the shipped one, two labels.
fn make_small(folder: &Path) {
    let spec = NetworkSpec { lstm: 16, embedding: 24, ..NetworkSpec::default() };
    let card = Card::load(&shipped()).expect("the model is whole");
    let labels = ["loud", "quiet"].map(str::to_owned).to_vec();
    let network = spec.init(card.features.rows(), labels.len(), &Device::flex());
    let card = Card { labels, network: spec, name: "small".to_owned(), ..card };
    publish(folder, &network, card).expect("the folder is ours");
}

#[test]
fn another_network_with_other_labels_takes_over_and_back_without_a_lost_hop() {
    let root = tempfile::tempdir().unwrap();
    let first = root.path().join("first");
    fs::create_dir(&first).unwrap();
    copy_the_model_to(&first);
    make_small(&root.path().join("small"));
    let arguments = ["--input", "demo", "--backend", "cpu", "--model", first.to_str().unwrap()];
    let mut daemon = Daemon::start(&arguments);
    daemon.wait_for_streams();
    for (name, label) in [("small", "loud"), ("first", "angry"), ("small", "quiet")] {
        daemon.send("/ser/model/load", vec![OscType::String(name.to_owned())]);
        assert_eq!(daemon.reply("/ser/model/load").addr, "/ser/ok");
        let address = format!("/ser/ch/1/class/{label}");
        daemon.ear.wait_for(&address, |heard| heard.message.addr == address);
    }
    let before = hops(&daemon.ear.heard).len();
    daemon.ear.listen_until("ten more hops", |heard| hops(heard).len() > before + 10);
    for pair in hops(&daemon.ear.heard).windows(2) {
        assert_eq!(pair[0].0 + 1, pair[1].0, "a hop is missing");
    }
}

/// Writes the clips of the demo voice below a folder of their own, each where `place` says.
fn own_folder(place: impl Fn(&str, &str) -> PathBuf) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for clip in demo_clips() {
        let name = Path::new(&clip.name).with_extension("wav");
        let path = folder.path().join("mine").join(place(&clip.speaker, &clip.emotion)).join(name);
        fs::create_dir_all(path.parent().expect("it lies in a folder"))
            .expect("the folder is ours");
        wav::write_file(&path, &clip.sound).expect("the folder is ours");
    }
    folder
}

/// Trains on `folder/mine` into `folder/out`: exit code and what was said.
fn train(folder: &Path, more: &[&str]) -> (i32, String) {
    let [data, out] = ["mine", "out"].map(|name| folder.join(name).display().to_string());
    let mut arguments = vec!["train", "--data", &data, "--out", &out, "--epochs", "1"];
    arguments.extend(more);
    let (code, _, errors) = outcome(&arguments);
    assert!(!errors.contains("panicked"), "{errors}");
    (code, errors)
}

#[test]
fn a_folder_of_ones_own_becomes_a_model_with_its_labels() {
    let folder = own_folder(|speaker, emotion| match emotion {
        "angry" => Path::new(speaker).join("Very Smug"),
        other => Path::new(speaker).join(other),
    });
    let (code, errors) = train(folder.path(), &["--licence", "mine alone"]);
    assert_eq!(code, 0, "{errors}");
    let out = folder.path().join("out");
    let card = Card::load(&out).unwrap();
    assert_eq!(card.labels, ["fearful", "happy", "neutral", "sad", "very_smug"]);
    assert!(card.training.split.starts_with("1 of 2 speakers validate"), "{}", card.training.split);
    assert!(card.dimensions.ends_with("very_smug have none and trained none"));
    assert_eq!((card.corpora[0].name.as_str(), card.corpora[0].clips), ("mine", 5));
    assert_eq!(card.corpora[0].licence, "mine alone");
    check(&["model", "verify", out.to_str().unwrap()], 0, &["note scores", "mine is good"]);
}

#[test]
fn one_speaker_with_labels_that_nobody_knows_trains_with_a_warning() {
    let folder = own_folder(|_, emotion| match emotion {
        "angry" | "happy" => PathBuf::from("loud"),
        _ => PathBuf::from("quiet"),
    });
    let (code, errors) = train(folder.path(), &[]);
    assert_eq!(code, 0, "{errors}");
    assert!(errors.contains("all clips are of one speaker"), "{errors}");
    assert!(errors.contains("NOT speaker-independent"), "{errors}");
    let card = Card::load(&folder.path().join("out")).unwrap();
    assert!(card.dimensions.starts_with("none: "), "{}", card.dimensions);
}

#[test]
fn a_list_names_clips_labels_and_speakers() {
    let folder = own_folder(|_, _| PathBuf::from("clips"));
    let mut list = String::from("path,label,speaker\n");
    for clip in demo_clips() {
        let name = Path::new(&clip.name).with_extension("wav");
        list.push_str(&format!("clips/{},{},{}\n", name.display(), clip.emotion, clip.speaker));
    }
    fs::write(folder.path().join("mine/labels.csv"), list).unwrap();
    let (code, errors) = train(folder.path(), &[]);
    assert_eq!(code, 0, "{errors}");
    let card = Card::load(&folder.path().join("out")).unwrap();
    assert_eq!((card.labels.len(), card.corpora[0].clips), (5, 5));
}

/// Adds to a manifest a clip of each kind that is not as it should be.
fn spoil(corpus: &Corpus) {
    let silence = Sound { rate_hz: 16_000, channels: 1, samples: vec![0.0; 32_000] };
    let instant = Sound { rate_hz: 16_000, channels: 1, samples: vec![0.3; 800] };
    wav::write_file(Path::new(&corpus.path("silent.wav")), &silence).expect("the folder is ours");
    wav::write_file(Path::new(&corpus.path("short.wav")), &instant).expect("the folder is ours");
    fs::write(corpus.path("letter.wav"), "Dear Sir or Madam").expect("the folder is ours");
    fs::write(corpus.path("empty.wav"), "").expect("the folder is ours");
    let mut manifest = fs::read_to_string(corpus.path("manifest.csv")).expect("the folder is ours");
    let good = demo_clips()[0].name.clone();
    for name in ["silent", "short", "letter", "empty", "missing"] {
        manifest.push_str(&format!("{name}.wav,tiny,1016,sad,ODbL 1.0,\n"));
    }
    for index in 0..9 {
        manifest.push_str(&format!("gone{index}.wav,tiny,1016,sad,ODbL 1.0,\n"));
    }
    manifest.push_str(&format!("{good},tiny,1016,smug,ODbL 1.0,\nsilent.wav,tiny\n"));
    fs::write(corpus.path("manifest.csv"), manifest).expect("the folder is ours");
}

fn run(mut command: Command) -> (bool, String) {
    let output = command.output().expect("the program is built");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!errors.contains("panicked"), "{errors}");
    (output.status.success(), errors)
}

#[test]
fn bad_clips_are_told_by_kind_and_training_goes_on_without_them() {
    let corpus = Corpus::make();
    spoil(&corpus);
    let (is_done, errors) = run(corpus.train_for("1", "out"));
    assert!(is_done, "{errors}");
    for words in [
        "silent.wav is silent",
        "short.wav has hardly any speech",
        "letter.wav as sound",
        "empty.wav",
        "missing.wav is missing",
        "in all 10 clips that are missing",
        "the label \"smug\" is none of the model's",
        "manifest.csv has 2 columns, not 6",
        "5 clips of 1 speakers train",
        "of one speaker",
    ] {
        assert!(errors.contains(words), "{words:?} is missing in {errors}");
    }
    assert!(!errors.contains("gone8.wav"), "a handful is enough: {errors}");
}

#[test]
fn what_cannot_be_trained_stops_before_it_starts() {
    let corpus = Corpus::make();
    let check_with = |options: &[&str], says: &str| {
        let mut command = corpus.train("out");
        command.args(options);
        let (is_done, errors) = run(command);
        assert!(!is_done && errors.contains(says), "{says:?} is missing in {errors}");
        assert!(!Path::new(&corpus.path("out")).exists(), "nothing was begun");
    };
    let check = |says: &str| check_with(&[], says);
    check_with(&["--backend", "cuda"], "--backend wgpu takes NVIDIA GPUs too");
    check_with(&["--backend", "abacus"], "there are cpu and wgpu");
    check_with(&["--set", "mixpu_share=1"], "there is no mixpu_share; there is");
    let split = fs::read_to_string(corpus.path("split.toml")).unwrap();
    fs::write(corpus.path("split.toml"), split.replace("\"tiny:1008\"", "")).unwrap();
    check("no clip is there to validate on");
    fs::write(corpus.path("split.toml"), split.replace("test = []", "test = [\"tiny:1016\"]"))
        .unwrap();
    check("clips of 0 of the 5 labels are there to train on");
    fs::write(corpus.path("split.toml"), split).unwrap();
    for clip in demo_clips() {
        fs::remove_file(Path::new(&corpus.path(&clip.name)).with_extension("wav")).unwrap();
    }
    check("5 missing");
}

/// The bytes of every file of a checkpoint.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).expect("a checkpoint is there").flatten();
    let read = |path: PathBuf| (path.display().to_string(), fs::read(&path).expect("it is ours"));
    files.map(|file| read(file.path())).collect()
}

/// The same command where no file may grow beyond what a checkpoint needs. A disk that is full and
/// a limit on files fail the same write, and the limit needs no rights. The signal that comes with
/// it is ignored, as it is on a full disk.
#[cfg(unix)]
fn with_little_room(command: &Command) -> Command {
    const BLOCKS: u32 = 200; // of 512 or 1024 bytes, by the shell; the weights are ten times that
    let script = format!("trap '' XFSZ; ulimit -f {BLOCKS}; exec \"$0\" \"$@\"");
    let mut limited = Command::new("sh");
    limited.arg("-c").arg(script).arg(command.get_program()).args(command.get_args());
    limited.current_dir(project()).env("RUST_LOG", "info").stdin(Stdio::null());
    limited
}

#[cfg(unix)]
#[test]
fn a_disk_that_is_full_leaves_the_last_checkpoint_whole_and_the_run_goes_on_from_it() {
    let corpus = Corpus::make();
    let (is_done, errors) = run(with_little_room(&corpus.train("new")));
    assert!(!is_done && errors.contains("there is no earlier one"), "{errors}");

    let out = PathBuf::from(corpus.path("out"));
    let mut killed = Running::start(&mut corpus.train("out"));
    wait_until("the first epoch", || epochs_done(&out) > 0);
    killed.0.kill().expect("the child is ours");
    killed.0.wait().expect("the child is ours");
    // It may have been killed between two renames; that is put right by the next start.
    let (is_done, errors) = run(with_little_room(&corpus.train("out")));
    assert!(!is_done, "{errors}");
    let epochs = epochs_done(&out);
    let whole = format!("that of epoch {epochs} is whole; make room and give the same command");
    assert!(errors.contains(&whole) && errors.contains("--resume"), "{errors}");
    let before = contents(&out.join("checkpoint"));
    let (is_done, errors) = run(with_little_room(&corpus.train("out")));
    assert!(!is_done, "{errors}");
    assert_eq!(contents(&out.join("checkpoint")), before);
    assert!(!out.join("checkpoint.new").exists(), "what is half written is in the way");
    finish(corpus.train("out"));
    assert_eq!(epochs_done(&out), 8);
    Predictor::load(&out, &Device::flex()).expect("the model is whole");
}
