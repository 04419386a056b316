//! Languages in which people write their own patches talk with the daemon both ways, and hear it
//! without `--osc`: SuperCollider and Node subscribe themselves, Pure Data names a port for the
//! answers. The peers are in tests/peers; `make test` installs what runs them.

use std::process::{Command, Stdio};

use crate::harness::{Daemon, Running, free_address, project, wait_until};

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

#[test]
fn supercollider_subscribes_and_is_answered() {
    let daemon = daemon();
    let folder = tempfile::tempdir().unwrap();
    let mut sclang = Command::new("sclang");
    for home in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"] {
        sclang.env(home, folder.path());
    }
    // The web engine of its help wants a screen, and a sandbox that root cannot have.
    sclang.env("QT_QPA_PLATFORM", "offscreen").env("QTWEBENGINE_DISABLE_SANDBOX", "1");
    let port = free_address().port(); // its usual one may hear somebody else's daemon
    sclang.args(["-D", "-u", &port.to_string()]).arg(project().join("tests/peers/listen.scd"));
    check(sclang.arg(daemon.address.port().to_string()));
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
