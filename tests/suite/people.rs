//! Who speaks: a baseline by OSC while the voice plays, kept as a file, there again after a
//! restart; and the same from sound files.

use std::fs;
use std::path::Path;

use rosc::OscType;

use crate::harness::{Daemon, outcome, project};

const REL: &str = "/ser/ch/1/rel/arousal";

fn text(word: &str) -> OscType {
    OscType::String(word.to_owned())
}

fn at(verb: &str) -> String {
    format!("/ser/ch/1/calibrate/{verb}")
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
        let hops = |heard: &[crate::harness::Heard]| {
            heard[seen..].iter().filter(|one| one.message.addr == "/ser/ch/1/t").count()
        };
        self.ear.listen_until("ten hops", |heard| 10 <= hops(heard));
        assert!(self.ear.heard[seen..].iter().all(|heard| heard.message.addr != REL));
    }
}

#[test]
fn a_person_is_calibrated_saved_and_there_again_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let config = folder.path().join("stage.toml");
    fs::write(&config, "").expect("ours");
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
    let folder = tempfile::tempdir().expect("a folder for the test");
    let config = folder.path().join("stage.toml");
    fs::write(&config, "").expect("ours");
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
