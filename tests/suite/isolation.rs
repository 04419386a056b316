//! Plug-ins that misbehave, in a process of their own: the sound and the analysis go on, and it is
//! told who did what. The plug-in of tests/clap/naughty.rs does it on command.

use std::process::Command;

use rosc::{OscMessage, OscType};

use crate::harness::{Daemon, Heard, hops};
use crate::jackd::in_own_process;
use crate::plugins::{int, order, track, with_sine};

const NAUGHTY: &str = "[plugins]\nslots = [{ uri = \"clap:org.affectd.test.naughty\" }]\n";

fn plugin_event(daemon: &mut Daemon, what: &str, code: i32) -> OscMessage {
    plugin_event_from(daemon.ear.heard.len(), daemon, what, code)
}

/// Of what came after the first `seen` messages.
fn plugin_event_from(seen: usize, daemon: &mut Daemon, what: &str, code: i32) -> OscMessage {
    let is_it = |heard: &Heard| heard.message.addr == "/ser/event/plugin" && heard.int() == code;
    daemon.ear.wait_from(seen, what, is_it)
}

fn text(message: &OscMessage) -> String {
    message.args.get(2).and_then(|text| text.clone().string()).unwrap_or_default()
}

fn mode(daemon: &mut Daemon, mode: usize) {
    let arguments = vec![OscType::Int(1), "mode".into(), OscType::Float(mode as f32)];
    order(daemon, "/ser/plugin/param", arguments);
}

/// Brings it out of order, hears of it, maybe before the answer, and brings it back.
fn check(daemon: &mut Daemon, wrong: usize, code: i32, expected: &str) {
    let seen = daemon.ear.heard.len();
    mode(daemon, wrong);
    let event = plugin_event_from(seen, daemon, expected, code);
    assert!(text(&event).contains(expected), "{event:?}");
    let before = hops(&daemon.ear.heard).len();
    let seen = daemon.ear.heard.len();
    mode(daemon, 0); // its values come back with it
    plugin_event_from(seen, daemon, "its return", 1);
    assert!(before < hops(&daemon.ear.heard).len(), "the analysis goes on");
}

#[test]
fn a_crash_a_hang_and_bad_sound_end_nothing_but_the_plug_in() {
    in_own_process(|| {
        with_sine(NAUGHTY, |daemon, tape| {
            check(daemon, 1, 0, "crashed, signal");
            check(daemon, 2, 0, "hangs");
            check(daemon, 3, 2, "gave NaN or far too loud a sound");
            check(daemon, 5, 2, "gave NaN or far too loud a sound");
            let track = track(tape);
            // The sine or what stands in for it, all the while: never silence for long.
            let is_quiet = |piece: &&[f32]| piece.iter().all(|x| x.abs() < 0.02);
            let quiet = track.chunks(480).filter(is_quiet).count();
            assert_eq!(quiet, 0, "of {} pieces of 10 ms", track.len() / 480);
        });
    });
}

#[test]
fn a_process_that_is_killed_in_mid_note_leaves_no_jump() {
    in_own_process(|| {
        with_sine(NAUGHTY, |daemon, tape| {
            let host = child_of(daemon.process.0.id());
            let killed = Command::new("kill").args(["-KILL", &host.to_string()]).status();
            assert!(killed.is_ok_and(|status| status.success()), "it is the daemon's child");
            let event = plugin_event(daemon, "the loss", 0);
            assert!(text(&event).contains("signal 9 (killed)"), "{event:?}");
            plugin_event(daemon, "its return", 1);
            let track = track(tape);
            let steps = track.windows(2).map(|pair| (pair[1] - pair[0]).abs());
            // The steepest that the sine itself is: 0.25 × 2π / 64.
            let steepest = steps.fold(0.0_f32, f32::max);
            assert!(steepest < 1.1 * 0.0245, "{steepest}");
            assert_ne!(child_of(daemon.process.0.id()), host);
        });
    });
}

/// The process that hosts its plug-ins.
fn child_of(parent: u32) -> u32 {
    let arguments = ["-P", &parent.to_string(), "-f", "plugin-host"];
    let output = Command::new("pgrep").args(arguments).output().expect("pgrep is there");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().and_then(|line| line.parse().ok()).expect("it has such a child")
}

#[test]
fn what_cannot_be_built_is_refused_whole_and_said_why() {
    let mut daemon = Daemon::start(&["--input", "demo", "--backend", "cpu"]);
    daemon.wait_for_streams();
    for (uri, code) in [
        ("http://no.such/plug-in", -7),
        ("affectd:nothing", -7),
        ("clap:no.such.plug-in", -7),
        ("clap:/etc/passwd", -6),
        ("", -4),
    ] {
        daemon.send("/ser/plugin/add", vec![uri.into()]);
        let reply = daemon.reply("/ser/plugin/add");
        assert_eq!(reply.args[2], OscType::Int(code), "{reply:?}");
    }
    daemon.send("/ser/plugin/list", vec![]);
    assert_eq!(daemon.reply("/ser/plugin/list").args[2], int(0));
}
