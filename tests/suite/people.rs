//! Who speaks: a baseline by OSC while the voice plays, kept as a file, there again after a
//! restart; and the same from sound files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use affectd::wav::{self, Sound};
use rosc::OscType;

use crate::examples::{python, run, rust};
use crate::harness::{Daemon, Heard, Running, outcome, project, wait_until};

const REL: &str = "/ser/ch/1/rel/arousal";

fn text(word: &str) -> OscType {
    OscType::String(word.to_owned())
}

fn at(verb: &str) -> String {
    format!("/ser/ch/1/calibrate/{verb}")
}

/// A folder of its own, and an empty configuration in it.
fn stage() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let config = folder.path().join("stage.toml");
    fs::write(&config, "").expect("ours");
    (folder, config)
}

fn demo(config: &Path) -> Daemon {
    let config = config.to_str().expect("a plain path");
    let mut daemon = Daemon::start(&["--config", config, "--input", "demo", "--backend", "cpu"]);
    daemon.wait_for_streams();
    daemon
}

impl Daemon {
    fn wait_for_relative(&mut self) -> f32 {
        let heard = self.ear.wait_for(REL, |heard| heard.message.addr == REL);
        heard.args[0].clone().float().expect("a number")
    }

    /// Nothing relative comes for ten hops.
    fn check_that_nothing_is_relative(&mut self) {
        let seen = self.ear.heard.len();
        let hops = |heard: &[Heard]| {
            heard[seen..].iter().filter(|one| one.message.addr == "/ser/ch/1/t").count()
        };
        self.ear.listen_until("ten hops", |heard| 10 <= hops(heard));
        assert!(self.ear.heard[seen..].iter().all(|heard| heard.message.addr != REL));
    }
}

#[test]
fn a_person_is_calibrated_saved_and_there_again_after_a_restart() {
    let (folder, config) = stage();
    let mut daemon = demo(&config);
    daemon.check_that_nothing_is_relative();
    assert_eq!(daemon.value(REL), [OscType::Float(0.5)]);
    for (verb, argument, code) in [
        ("start", Some(OscType::Float(4.9)), -4),
        ("start", Some(OscType::Float(f32::NAN)), -4),
        ("start", None, -3),
        ("stop", None, -5),
        ("adapt", Some(OscType::Float(1.5)), -4),
        ("profile/save", Some(text("anna")), -5),
        ("profile/save", Some(text("../anna")), -6),
        ("profile/load", Some(text("an*a")), -6),
        ("profile/load", Some(text("nobody")), -7),
    ] {
        let arguments: Vec<OscType> = argument.into_iter().collect();
        assert_eq!(daemon.code(&at(verb), &arguments), code, "{verb} {arguments:?}");
    }

    daemon.send(&at("start"), vec![OscType::Float(6.0)]);
    let progress = daemon.ear.wait_for("progress", |heard| heard.message.addr == "/ser/progress");
    assert_eq!(progress.args[0], text(&at("start")));
    let answer = daemon.reply(&at("start"));
    assert_eq!(answer.addr, "/ser/ok", "{answer:?}");
    let heard_s = answer.args[2].clone().float().expect("seconds");
    assert!((6.0..6.2).contains(&heard_s), "{heard_s}");
    assert!((0.0..=1.0).contains(&daemon.wait_for_relative()));

    assert_eq!(daemon.ask(&at("profile/save"), &[text("anna")]).addr, "/ser/ok");
    daemon.send(&at("profile/list"), vec![]);
    let item = daemon.ear.wait_for("an item", |heard| heard.message.addr == "/ser/profile/item");
    assert_eq!(item.args, [text("anna"), text("affectd-3")]);
    assert_eq!(daemon.ask(&at("adapt"), &[OscType::Float(0.0)]).addr, "/ser/ok");
    assert_eq!(daemon.ask(&at("reset"), &[]).addr, "/ser/ok");
    daemon.check_that_nothing_is_relative();
    assert_eq!(daemon.ask(&at("profile/load"), &[text("anna")]).addr, "/ser/ok");
    daemon.wait_for_relative();

    let anna = fs::read_to_string(folder.path().join("anna.profile.toml")).expect("saved");
    for (damage, with) in [("sha256 = \"", "sha256 = \"0"), ("format = 1", "format = 9"), ("[", "")]
    {
        let damaged = anna.replacen(damage, with, 1);
        fs::write(folder.path().join("other.profile.toml"), damaged).expect("ours");
        assert_eq!(daemon.code(&at("profile/load"), &[text("other")]), -10, "{damage}");
        daemon.wait_for_relative();
    }
    drop(daemon);

    fs::write(&config, "[personal]\nprofiles = [\"anna\"]\n").expect("ours");
    let mut daemon = demo(&config);
    daemon.wait_for_relative();
    let key = [text("personal.profiles"), text("")];
    assert_eq!(daemon.ask("/ser/config/set", &key).addr, "/ser/ok");
    daemon.check_that_nothing_is_relative();
}

#[test]
fn profiles_are_made_of_files_shown_renamed_and_deleted() {
    let (folder, config) = stage();
    let voice = project().join("examples/demo_voice.flac");
    let run = |arguments: &[&str]| {
        let config = ["--config", config.to_str().expect("a plain path")];
        outcome(&[arguments, &config].concat())
    };
    let voice = voice.to_str().expect("a plain path");
    let (code, out, log) = run(&["calibrate", "anna", voice]);
    assert_eq!(code, 0, "{log}");
    assert!(out.contains("s of speech, for affectd-3"), "{out}");
    let file = folder.path().join("anna.profile.toml");
    let once = fs::read(&file).expect("written");
    assert_eq!(run(&["calibrate", "anna", voice]).0, 0);
    assert_eq!(fs::read(&file).expect("written"), once, "the same files make the same profile");

    let (_, list, _) = run(&["profile", "list"]);
    assert_eq!(list.split_whitespace().collect::<Vec<_>>(), ["anna", "affectd-3"]);
    let (_, shown, _) = run(&["profile", "show", "anna"]);
    assert!(shown.contains("arousal    neutral 0."), "{shown}");
    assert_eq!(run(&["profile", "export", "anna"]).1.as_bytes(), once);
    assert_eq!(run(&["profile", "rename", "anna", "bert"]).0, 0);
    for (arguments, expected) in [
        (&["profile", "show", "anna"][..], "there is no profile \"anna\""),
        (&["profile", "rename", "bert", "b/ert"][..], "allowed are 1 to 64 of"),
        (&["calibrate", "carl", "tests/suite/card.toml"][..], "card.toml"),
    ] {
        let (code, _, log) = run(arguments);
        assert!(code == 1 && log.contains(expected), "{arguments:?}: {log}");
    }
    assert_eq!(run(&["profile", "delete", "bert"]).0, 0);
    assert_eq!(run(&["profile", "list"]).1, "");
}

/// Values of what was taught, by hop, from the tenth second of the stream on.
fn taught(daemon: &mut Daemon, hops: usize) -> Vec<(i32, String, OscType)> {
    let found = |heard: &[Heard]| {
        let (mut seq, mut found) = (0, Vec::new());
        for heard in heard {
            let message = &heard.message;
            match message.addr.strip_prefix("/ser/ch/1/") {
                Some("t") => seq = message.args[0].clone().int().expect("a number"),
                Some(name) if name.starts_with("teach/") && 100 <= seq => {
                    found.push((seq, name.to_owned(), message.args[0].clone()));
                }
                _ => {}
            }
        }
        found
    };
    daemon.ear.listen_until("what was taught", |heard| 4 * hops < found(heard).len());
    found(&daemon.ear.heard).into_iter().take(4 * hops).collect()
}

/// Neutral, sad and angry were taught: a restarted daemon knows the profile and says the same of
/// the same sound, each time.
fn check_restarted(config: &Path, mut taught_it: Daemon, name: &str) {
    let trained = |daemon: &mut Daemon| daemon.ask("/ser/teach/train", &[]).args[2].clone();
    let score = trained(&mut taught_it);
    for address in ["teach/neutral", "teach/sad", "teach/angry", "teach/none"] {
        let value = taught_it.value(&format!("/ser/ch/1/{address}"))[0].clone().float();
        assert!((0.0..=1.0).contains(&value.expect("a number")), "{address}");
    }
    drop(taught_it);

    fs::write(config, format!("[personal]\nprofiles = [{name:?}]\n")).expect("ours");
    let [(mut one, once), (_, again)] = [(); 2].map(|()| {
        let mut daemon = demo(config);
        let said = taught(&mut daemon, 50);
        (daemon, said)
    });
    for (one, other) in once.iter().zip(&again) {
        let [a, b] = [one, other].map(|(_, _, value)| value.clone().float().expect("a number"));
        let is_same = (one.0, &one.1) == (other.0, &other.1) && (a - b).abs() < 1e-6;
        assert!(is_same, "{one:?} {other:?}");
    }
    let sums = once.chunks_exact(4).map(|hop| {
        hop.iter().map(|(_, _, value)| value.clone().float().expect("a number")).sum::<f32>()
    });
    sums.for_each(|sum| assert!((sum - 1.0).abs() < 1e-3, "{sum}"));
    assert_eq!(trained(&mut one), score, "nothing of the lesson is lost");
}

#[test]
fn a_script_teaches_three_labels_and_a_restarted_daemon_says_the_same() {
    let (folder, config) = stage();
    let mut daemon = demo(&config);
    let (code, printed) = run(python("teach"), &[&daemon.address.to_string(), "duo"]);
    assert!(code == 0 && printed.contains("% right on recordings left out"), "{printed}");
    let on = [OscType::Int(1)];
    assert_eq!(daemon.ask("/ser/teach/enrol", &on).addr, "/ser/ok", "all three are classes");
    assert_eq!(daemon.ask("/ser/teach/save", &[text("duo")]).addr, "/ser/ok");
    check_restarted(&config, daemon, "duo");
    let saved = fs::read_to_string(folder.path().join("duo.profile.toml")).expect("saved");
    assert!(saved.contains("enrols = true"), "what was wished is kept");
}

#[test]
fn the_script_in_rust_does_the_same() {
    let (folder, config) = stage();
    let daemon = demo(&config);
    let (code, printed) = run(rust("teach"), &[&daemon.address.to_string(), "trio"]);
    assert!(code == 0 && printed.contains("% right on recordings left out"), "{printed}");
    let saved = fs::read_to_string(folder.path().join("trio.profile.toml")).expect("saved");
    assert!(["neutral", "sad", "angry"].iter().all(|label| saved.contains(label)));
}

#[test]
fn a_pure_data_patch_teaches_three_labels_and_a_restarted_daemon_says_the_same() {
    let (_folder, config) = stage();
    let daemon = demo(&config);
    let port = daemon.address.port();
    let wishes = format!("teach-connect list 127.0.0.1 {port}; teach-demo bang");
    let log = tempfile::NamedTempFile::new().expect("a file for the test");
    let mut pd = Command::new("pd");
    pd.current_dir(project())
        .args(["-nogui", "-noaudio", "-nomidi", "-stderr", "-nrt"])
        .args(["-open", "patches/pd/teach.pd", "-send", &wishes])
        .stderr(log.reopen().expect("ours"));
    let pd = Running::start(&mut pd);
    let printed = || fs::read_to_string(log.path()).expect("ours");
    wait_until("the baseline", || printed().contains("ok: /ser/ch/1/calibrate/start"));
    wait_until("the first label", || printed().contains("ok: /ser/teach/label"));
    wait_until("the profile", || printed().contains("saved as demo"));
    let printed = printed();
    assert!(printed.contains("score: ") && !printed.contains("error: "), "{printed}");
    drop(pd);
    check_restarted(&config, daemon, "demo");
}

#[test]
fn what_cannot_be_taught_is_refused_and_nothing_is_lost() {
    let (_folder, config) = stage();
    let mut daemon = demo(&config);
    let (on, off) = (OscType::Int(1), OscType::Int(0));
    for (verb, arguments, code) in [
        ("label", vec![text("cal*"), on.clone()], -6),
        ("label", vec![text("train"), on.clone()], -6),
        ("label", vec![text("calm"), OscType::Int(2)], -4),
        ("label", vec![text("loud"), on.clone(), OscType::Float(1.5)], -4),
        ("label", vec![text("calm"), off.clone()], -5),
        ("label", vec![text("calm")], -3),
        ("undo", vec![], -5),
        ("delete", vec![text("calm")], -7),
        ("train", vec![], -5),
    ] {
        let address = format!("/ser/teach/{verb}");
        assert_eq!(daemon.code(&address, &arguments), code, "{verb} {arguments:?}");
    }
    // Shown at once and ended at once: there was no time for speech.
    daemon.ask("/ser/teach/label", &[text("calm"), on.clone()]);
    assert_eq!(daemon.code("/ser/teach/label", &[text("calm"), off.clone()]), -5);
    daemon.ask("/ser/teach/label", &[text("calm"), on]);
    daemon.ear.wait_for("a voice", |heard| heard.message.addr == "/ser/ch/1/seg/part");
    let shown = daemon.ask("/ser/teach/label", &[text("calm"), off]);
    assert_eq!(shown.addr, "/ser/ok", "{shown:?}");
    let slider = [text("calm"), OscType::Int(1), OscType::Float(0.5)];
    assert_eq!(daemon.code("/ser/teach/label", &slider), -8);
    assert_eq!(daemon.code("/ser/teach/train", &[]), -5);
    assert_eq!(daemon.ask("/ser/teach/count", &[]).args[2], OscType::Int(1));
    assert_eq!(daemon.ask("/ser/teach/undo", &[]).args[2], text("calm"));
    assert_eq!(daemon.code("/ser/teach/cancel", &[]), -5);
    assert_eq!(daemon.code("/ser/teach/enrol", &[OscType::Int(1)]), -5);
    assert_eq!(daemon.code("/ser/teach/save", &[text("anna")]), -5);
    assert_eq!(daemon.code("/ser/teach/load", &[text("nobody")]), -7);
    assert_eq!(daemon.ask("/ser/teach/count", &[]).args[2], OscType::Int(0));
}

#[test]
fn labels_are_taught_from_folders_of_files() {
    let (folder, config) = stage();
    let voice = wav::read_file(&project().join("examples/demo_voice.flac")).expect("bundled");
    let table = fs::read_to_string(project().join("examples/demo_voice.csv")).expect("bundled");
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [start, end] = [0, 1].map(|index| {
            let seconds: f64 = fields[index].parse().expect("seconds");
            affectd::units::to_count(seconds * f64::from(voice.rate_hz))
        });
        let label = folder.path().join(fields[4]);
        fs::create_dir_all(&label).expect("ours");
        let sound = Sound { samples: voice.samples[start..end].to_vec(), ..voice.clone() };
        wav::write_file(&label.join(format!("{start}.wav")), &sound).expect("ours");
    }
    let run = |arguments: &[&str]| {
        let config = ["--config", config.to_str().expect("a plain path")];
        outcome(&[arguments, &config].concat())
    };
    let shown: Vec<String> = ["neutral", "sad", "angry"]
        .map(|label| format!("{label}={}", folder.path().join(label).display()))
        .into();
    let arguments: Vec<&str> =
        ["teach", "duo"].into_iter().chain(shown.iter().map(String::as_str)).collect();
    let (code, out, log) = run(&arguments);
    assert!(code == 0 && out.contains("% right on recordings left out"), "{out}{log}");
    assert!(out.contains("of 2 recordings"), "{out}");
    for (arguments, expected) in [
        (["teach", "carl", "calm"], "is not LABEL=PATH"),
        (["teach", "carl", "cal*=examples/demo_voice.flac"], "allowed are 1 to 32 of"),
        (["teach", "carl", "calm=examples/demo_voice.flac"], "there is calm alone"),
    ] {
        let (code, _, log) = run(&arguments);
        assert!(code == 1 && log.contains(expected), "{arguments:?}: {log}");
    }
}

#[test]
fn a_profile_outlives_a_kill_while_it_is_saved() {
    let (_folder, config) = stage();
    let path = config.to_str().expect("a plain path");
    let voice = project().join("examples/demo_voice.flac");
    let voice = voice.to_str().expect("a plain path");
    assert_eq!(outcome(&["calibrate", "anna", voice, "--config", path]).0, 0);
    fs::write(&config, "[personal]\nprofiles = [\"anna\"]\n").expect("ours");
    for delay_ms in [0, 1, 3, 9] {
        let mut daemon = demo(&config);
        daemon.wait_for_relative();
        (0..30).for_each(|_| daemon.send("/ser/teach/save", vec![text("anna")]));
        std::thread::sleep(Duration::from_millis(delay_ms));
        daemon.process.signal("-KILL");
        drop(daemon);
        let (code, shown, log) = outcome(&["profile", "show", "anna", "--config", path]);
        assert!(code == 0 && shown.contains("baseline of "), "{shown}{log}");
        let (_, list, _) = outcome(&["profile", "list", "--config", path]);
        assert_eq!(list.lines().count(), 1, "{list}");
    }
}
