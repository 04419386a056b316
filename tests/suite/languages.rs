//! Languages in which people write their own patches talk with the daemon both ways, and hear it
//! without `--osc`: SuperCollider and Node subscribe themselves, Pure Data names a port for the
//! answers. The peers are in tests/peers; `make test` installs what runs them.

use std::path::Path;
use std::process::{Command, Stdio};

use rosc::OscType;

use crate::examples::run;
use crate::harness::{Daemon, Heard, Running, free_address, project, wait_until};

fn daemon() -> Daemon {
    Daemon::start(&["--input", "demo", "--backend", "cpu"])
}

/// Runs a peer to its end and looks at its lines: enough of arousal, and the answer.
fn check(peer: &mut Command) -> String {
    let mut peer = Running::start(peer.stdin(Stdio::null()).stdout(Stdio::piped()));
    wait_until("the peer to hear enough", || peer.has_ended());
    let text = peer.output();
    let arousal = text.lines().filter_map(|line| line.strip_prefix("arousal "));
    let arousal: Vec<f32> = arousal.filter_map(|value| value.parse().ok()).collect();
    assert!(arousal.len() >= 20, "{text}");
    assert!(arousal.iter().all(|value| (0.0..=1.0).contains(value)), "{text}");
    let mut lines = text.lines();
    assert!(lines.any(|line| line.starts_with("answered /ser/version affectd ")), "{text}");
    text
}

/// SuperCollider's language on a script, with a home of its own and without a screen.
fn sclang(home: &Path, script: &str) -> Command {
    let mut sclang = Command::new("sclang");
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"] {
        sclang.env(name, home);
    }
    // The web engine of its help wants a screen, and a sandbox that root cannot have.
    sclang.env("QT_QPA_PLATFORM", "offscreen").env("QTWEBENGINE_DISABLE_SANDBOX", "1");
    let port = free_address().port(); // its usual one may hear somebody else's daemon
    sclang.args(["-D", "-u", &port.to_string()]).arg(project().join(script));
    sclang
}

#[test]
fn supercollider_subscribes_and_is_answered() {
    let daemon = daemon();
    let folder = tempfile::tempdir().unwrap();
    let mut sclang = sclang(folder.path(), "tests/peers/listen.scd");
    check(sclang.arg(daemon.address.port().to_string()));
}

#[test]
fn the_shipped_supercollider_patch_moves_calibrates_and_teaches() {
    let mut daemon = daemon();
    let folder = tempfile::tempdir().unwrap();
    let mut sclang = sclang(folder.path(), "tests/peers/patch.scd");
    sclang.arg(daemon.address.port().to_string());
    sclang.arg(project().join("patches/supercollider/affectd.scd"));
    let mut sclang = Running::start(sclang.stdin(Stdio::null()).stdout(Stdio::piped()));
    wait_until("the patch to have taught", || sclang.has_ended());
    let text = sclang.output();
    let has_line = |start: &str| text.lines().any(|line| line.starts_with(start));
    for line in [
        "arousal from ",
        "told progress /ser/ch/1/calibrate/start",
        "told ok /ser/ch/1/calibrate/start 5",
        "told item calm label 1 ",
        "told ok /ser/ch/1/teach/count 1",
        "done",
    ] {
        assert!(has_line(line), "{line} is missing in {text}");
    }
    assert_eq!(text.matches("affectd: no sound:").count(), 1, "told once: {text}");

    // The daemon says the same.
    let relative = |heard: &Heard| heard.message.addr == "/ser/ch/1/rel/arousal";
    daemon.ear.wait_for("the baseline's streams", relative);
    assert_eq!(daemon.ask("/ser/teach/count", &[]).args[2], OscType::Int(1));
    let taught = daemon.ear.of("/ser/teach/item").last().expect("one was counted");
    assert_eq!(taught.message.args[0], "calm".into());
    assert_eq!(daemon.ask("/ser/trigger/list", &[]).args[2], OscType::Int(1));
    let trigger = daemon.ear.of("/ser/trigger/item").last().expect("one was counted");
    assert_eq!(trigger.message.args[..2], ["excited".into(), "dim/arousal".into()]);
    let excited = |heard: &Heard| heard.message.addr == "/ser/ch/1/trig/excited";
    daemon.ear.wait_for("the trigger's state, told once a second", excited);
}

#[test]
fn node_subscribes_and_is_answered() {
    let daemon = daemon();
    let mut node = Command::new("node");
    node.env("NODE_PATH", project().join("target/peers/node/node_modules"));
    node.arg(project().join("tests/peers/listen.js"));
    let text = check(node.arg(daemon.address.port().to_string()));
    for address in ["/ser/ch/1/classes 0", "/ser/ch/1/top/label "] {
        assert!(text.contains(address), "the profile max has {address}: {text}");
    }
}

#[test]
fn a_pure_data_patch_is_answered_at_the_port_that_it_names() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let daemon = daemon();
    let (listen, daemon_port) = (free_address().port(), daemon.address.port());
    let ports = format!("listen-port {listen}; daemon-port {daemon_port}");
    let mut pd = Command::new("pd");
    pd.current_dir(project())
        .args(["-nogui", "-noaudio", "-nomidi", "-stderr", "-nrt"])
        .args(["-open", "tests/peers/command.pd", "-send", &ports])
        .stderr(log.reopen().unwrap());
    let pd = Running::start(&mut pd);
    let has_line = |start: &str| {
        let text = std::fs::read_to_string(log.path()).unwrap();
        text.lines().any(|line| line.starts_with(start))
    };
    wait_until("the answer in the patch", || has_line("answered: /ser/version 0 affectd"));
    assert!(has_line("answered: /ser/reply_port 0"));
    drop((pd, daemon));
}

/// TouchDesigner cannot run here, its script can: on a stub that knows the operators, parameters
/// and menus of TouchDesigner's documentation and no others. The network that it builds subscribes
/// to a live daemon, and its shape must move.
#[test]
fn the_touchdesigner_script_builds_a_network_that_the_demo_voice_moves() {
    let mut daemon = Daemon::start(&["--input", "demo", "--backend", "cpu"]);
    daemon.wait_for_streams();
    let mut python = Command::new(project().join("target/peers/bin/python"));
    python.env("PYTHONDONTWRITEBYTECODE", "1").arg(project().join("tests/peers/touchdesigner.py"));
    let (code, text) = run(python, &[&daemon.address.to_string()]);
    assert_eq!((code, text.trim()), (0, "TouchDesigner's network is as it should be"));
}
