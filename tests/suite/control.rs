//! The daemon under command: settings, models, devices and the configuration, all while sound goes
//! on. Nothing may be lost on the way, and what is refused changes nothing.

use std::fs;
use std::path::Path;

use rosc::{OscMessage, OscType};

use crate::harness::{Daemon, Ear, copy_the_model_to, free_address, hops, project, wait_until};

fn demo(arguments: &[&str]) -> Daemon {
    let mut daemon = Daemon::start(&[&["--input", "demo", "--backend", "cpu"], arguments].concat());
    daemon.wait_for_streams();
    daemon
}

impl Daemon {
    /// The answer to one command.
    pub fn ask(&mut self, address: &str, arguments: &[OscType]) -> OscMessage {
        self.ear.catch_up();
        self.send(address, arguments.to_vec());
        self.reply(address)
    }

    /// The value of an address.
    pub fn value(&mut self, address: &str) -> Vec<OscType> {
        self.ear.catch_up();
        self.send(address, vec![]);
        self.ear.wait_for(address, |heard| heard.message.addr == address).args
    }

    /// The code of the error that a command gets.
    pub fn code(&mut self, address: &str, arguments: &[OscType]) -> i32 {
        let answer = self.ask(address, arguments);
        assert_eq!(answer.addr, "/ser/error", "{answer:?}");
        answer.args[2].clone().int().expect("errors have a code")
    }

    /// Some more hops, and none of them missing since the start.
    fn check_that_no_hop_is_missing(&mut self) {
        let before = hops(&self.ear.heard).len();
        self.ear.listen_until("ten more hops", |heard| hops(heard).len() > before + 10);
        for pair in hops(&self.ear.heard).windows(2) {
            assert_eq!(pair[0].0 + 1, pair[1].0, "a hop is missing");
        }
    }
}

fn float(value: f32) -> OscType {
    OscType::Float(value)
}

#[test]
fn a_setting_holds_is_saved_and_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stage.toml");
    fs::write(&path, "# ours\n[smooth]\nattack_s = 0.1 # quick\n").unwrap();
    let config = ["--config", path.to_str().unwrap()];
    let mut daemon = demo(&config);
    assert_eq!(daemon.value("/ser/smooth/attack_s"), [float(0.1)]);
    assert_eq!(daemon.ask("/ser/smooth/attack_s", &[float(0.75)]).addr, "/ser/ok");
    assert_eq!(daemon.ask("/ser/model/hop_s", &[float(0.05)]).addr, "/ser/ok");
    assert_eq!(daemon.ask("/ser/config/save", &[]).addr, "/ser/ok");
    daemon.check_that_no_hop_is_missing();
    drop(daemon);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# ours\n[smooth]\nattack_s = 0.75 # quick\n"), "{text}");
    let mut daemon = demo(&config);
    assert_eq!(daemon.value("/ser/smooth/attack_s"), [float(0.75)]);
    assert_eq!(daemon.value("/ser/model/hop_s"), [float(0.05)]);
}

#[test]
fn a_reload_holds_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stage.toml");
    fs::write(&path, "[hold]\ntime_s = 3.0\n").unwrap();
    let mut daemon = demo(&["--config", path.to_str().unwrap()]);
    fs::write(&path, "[hold]\ntime_s = 4.0\n[voice]\nthreshold = 7\n").unwrap();
    let refused = daemon.ask("/ser/config/reload", &[]);
    let OscType::String(text) = &refused.args[3] else { panic!("{refused:?}") };
    assert_eq!(refused.args[2], OscType::Int(-16));
    assert!(text.contains("stage.toml:4: voice.threshold = 7"), "{text}");
    assert_eq!(daemon.value("/ser/hold/time_s"), [float(3.0)]);
    fs::write(&path, "[hold]\ntime_s = 4.0\n").unwrap();
    assert_eq!(daemon.ask("/ser/config/validate", &["stage.toml".into()]).addr, "/ser/ok");
    assert_eq!(daemon.code("/ser/config/validate", &["../stage.toml".into()]), -6);
    assert_eq!(daemon.code("/ser/config/validate", &["none.toml".into()]), -7);
    assert_eq!(daemon.ask("/ser/config/reload", &[]).addr, "/ser/ok");
    assert_eq!(daemon.value("/ser/hold/time_s"), [float(4.0)]);
    assert_eq!(daemon.ask("/ser/config/rollback", &[]).addr, "/ser/ok");
    assert_eq!(daemon.value("/ser/hold/time_s"), [float(3.0)]);
    daemon.check_that_no_hop_is_missing();
}

#[test]
fn a_hang_up_signal_reloads_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stage.toml");
    fs::write(&path, "").unwrap();
    let mut daemon = demo(&["--config", path.to_str().unwrap()]);
    fs::write(&path, "[hold]\ntime_s = 5.0\n").unwrap();
    daemon.process.signal("-HUP");
    daemon.ear.wait_for("the event", |heard| heard.message.addr == "/ser/event/config");
    assert_eq!(daemon.value("/ser/hold/time_s"), [float(5.0)]);
}

/// A folder of models: the shipped one, and the same under another name with one label renamed.
fn two_models() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for name in ["first", "second"] {
        let target = folder.path().join(name);
        fs::create_dir(&target).expect("the folder is ours");
        copy_the_model_to(&target);
    }
    let card = folder.path().join("second/model.toml");
    let text = fs::read_to_string(&card).expect("the folder is ours").replacen(
        "\"angry\"",
        "\"furious\"",
        1,
    );
    fs::write(card, text).expect("the folder is ours");
    folder
}

#[test]
fn a_model_is_swapped_without_a_lost_hop() {
    let folder = two_models();
    let first = folder.path().join("first");
    let mut daemon = demo(&["--model", first.to_str().unwrap()]);
    let listed = daemon.ask("/ser/model/list", &[]);
    assert_eq!(listed.args[2], OscType::Int(2));
    let items = daemon.ear.of("/ser/model/item").map(|heard| heard.message.args[0].clone());
    assert_eq!(items.collect::<Vec<_>>(), ["first".into(), "second".into()]);
    assert_eq!(daemon.ask("/ser/model/load", &["second".into()]).addr, "/ser/ok");
    assert_eq!(daemon.value("/ser/model/current"), ["second".into()]);
    daemon.ear.wait_for("the new label", |h| h.message.addr == "/ser/ch/1/class/furious");
    daemon.check_that_no_hop_is_missing();
    assert_eq!(daemon.code("/ser/model/load", &["third".into()]), -11);
    assert_eq!(daemon.code("/ser/model/load", &["../first".into()]), -6);
    assert_eq!(daemon.value("/ser/model/current"), ["second".into()]);
    daemon.check_that_no_hop_is_missing();
}

#[test]
fn a_source_is_chosen_and_one_that_cannot_be_had_changes_nothing() {
    let mut daemon = demo(&[]);
    daemon.ask("/ser/device/list", &[]);
    let ids: Vec<_> =
        daemon.ear.of("/ser/device/item").map(|heard| heard.message.args[0].clone()).collect();
    assert!(ids.contains(&"demo".into()), "{ids:?}");
    assert_eq!(daemon.code("/ser/device/select", &["alsa:no-such-card".into()]), -12);
    daemon.check_that_no_hop_is_missing();
    assert_eq!(daemon.code("/ser/device/retry", &[]), -5);
    // The demo voice once more, now on two channels: opened anew, and the sequence goes on.
    let last = hops(&daemon.ear.heard).last().map(|(sequence, _)| *sequence);
    let two = ["input.channels".into(), OscType::Int(2)];
    assert_eq!(daemon.ask("/ser/config/set", &two).addr, "/ser/ok");
    let heard = daemon.ear.wait_for("channel 2", |heard| heard.message.addr == "/ser/ch/2/t");
    let names = ["input.names".into(), "left".into(), "right".into()];
    assert_eq!(daemon.ask("/ser/config/set", &names).addr, "/ser/ok");
    assert_eq!(daemon.value("/ser/ch/2/name"), ["right".into()]);
    assert!(heard.args[0].clone().int() > last, "{heard:?} comes after {last:?}");
}

#[test]
fn permanent_receivers_are_there_after_a_restart_and_others_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let listen = free_address();
    let start = || {
        let arguments = ["--input", "demo", "--backend", "cpu"];
        let mut daemon = Daemon::start_at(listen, &arguments, |command| {
            command.env("XDG_STATE_HOME", folder.path());
        });
        daemon.wait_for_streams();
        daemon
    };
    let (mut kept, mut passing) = (Ear::new(), Ear::new());
    let mut daemon = start();
    let subscribe = |ear: &Ear, lease: f32| {
        let port = i32::from(ear.address().port());
        ["".into(), port.into(), "core".into(), float(0.0), float(lease), "flat".into()]
    };
    assert_eq!(daemon.ask("/ser/subscribe", &subscribe(&kept, -1.0)).addr, "/ser/ok");
    assert_eq!(daemon.ask("/ser/subscribe", &subscribe(&passing, 75.0)).addr, "/ser/ok");
    let file = folder.path().join(format!("affectd/receivers-{}.toml", listen.port()));
    wait_until("the file of receivers", || file.is_file());
    drop(daemon);
    let mut daemon = start();
    kept.heard.clear();
    kept.wait_for("a hop at the permanent receiver", |heard| heard.message.addr == "/arousal");
    assert_eq!(daemon.ask("/ser/subscribers", &[]).args[2], OscType::Int(2));
    passing.heard.clear();
    passing.listen();
    assert_eq!(daemon.ask("/ser/unsubscribe", &[OscType::Int(2)]).addr, "/ser/ok");
    wait_until("the file to be empty", || {
        fs::read_to_string(&file).is_ok_and(|text| !text.contains("host"))
    });
}

#[test]
fn consent_that_is_taken_back_stops_the_status_and_the_streams() {
    let mut daemon = demo(&[]);
    assert_eq!(daemon.ask("/ser/consent", &[OscType::Int(0)]).addr, "/ser/ok");
    daemon.ear.heard.clear();
    daemon.ear.listen_until("two heartbeats", |heard| {
        heard.iter().filter(|heard| heard.message.addr == "/ser/heartbeat").count() > 1
    });
    let told: Vec<_> = daemon.ear.heard.iter().map(|heard| heard.message.addr.as_str()).collect();
    let is_allowed = |name: &&str| name.starts_with("/ser/health") || *name == "/ser/heartbeat";
    assert!(told.iter().all(is_allowed), "{told:?}");
    assert_eq!(daemon.value("/ser/health/state"), [OscType::Int(3)]);
}

#[test]
fn the_reference_is_printed() {
    let (code, text, _) = crate::harness::outcome(&["osc-reference"]);
    assert_eq!(code, 0);
    assert_eq!(text, affectd::osc::address::markdown("/ser"));
    assert!(Path::new(project()).join("README.md").is_file());
}
