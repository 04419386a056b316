//! The examples in Rust and Python against the live daemon: what they print, and how they end.

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::harness::{Daemon, project};

/// An example as `cargo test` builds it, beside the tests.
pub fn rust(name: &str) -> Command {
    let tests = std::env::current_exe().expect("a test is a program");
    let target: PathBuf = tests.ancestors().skip(2).take(1).collect();
    Command::new(target.join("examples").join(name))
}

pub fn python(name: &str) -> Command {
    let mut python = Command::new(project().join("target/peers/bin/python"));
    python.arg(project().join(format!("examples/{name}.py")));
    python
}

fn daemon() -> Daemon {
    let mut daemon = Daemon::start(&["--input", "demo", "--backend", "cpu"]);
    daemon.wait_for_streams();
    daemon
}

pub fn run(mut command: Command, arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } =
        command.args(arguments).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    (status.code().unwrap_or(-1), text)
}

fn check_control(command: fn(&str) -> Command) {
    let daemon = daemon();
    let to = daemon.address.to_string();
    let (code, text) = run(command("control"), &["--to", &to, "/ser/labels"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("ok angry disgust fearful"), "{text}");
    let (code, text) = run(command("control"), &["--to", &to, "/ser/smooth/attack_s", "0.25"]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = run(command("control"), &["--to", &to, "/ser/smooth/attack_s"]);
    assert!(code == 0 && text.contains("0.25"), "{text}");
    let (code, text) = run(command("control"), &["--to", &to, "/ser/smooth/attack_s", "-1"]);
    assert!(code == 1 && text.contains("allowed is 0..60"), "{text}");
}

fn check_listen(command: fn(&str) -> Command) {
    let daemon = daemon();
    let (code, text) = run(command("listen"), &[&daemon.address.to_string(), "2"]);
    assert_eq!(code, 0, "{text}");
    let hops = text.lines().filter(|line| line.starts_with("voice ") && line.contains("arousal"));
    assert!(hops.count() > 10, "{text}");
}

#[test]
fn control_in_rust() {
    check_control(rust);
}

#[test]
fn control_in_python() {
    check_control(python);
}

#[test]
fn listen_in_rust() {
    check_listen(rust);
}

#[test]
fn listen_in_python() {
    check_listen(python);
}

#[test]
fn listen_in_node() {
    let daemon = daemon();
    let mut node = Command::new("node");
    node.env("NODE_PATH", project().join("target/peers/node/node_modules"));
    node.arg(project().join("examples/listen.js"));
    let (code, text) = run(node, &[&daemon.address.to_string(), "2"]);
    assert_eq!(code, 0, "{text}");
    let hops = text.lines().filter(|line| line.starts_with("voice ") && line.contains("arousal"));
    assert!(hops.count() > 10, "{text}");
}
