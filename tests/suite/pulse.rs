//! cpal on a real PulseAudio server: sinks are unloaded, the server is killed and frozen.

use std::io::Read;
use std::process::{Command, Stdio};

use rosc::OscType;

use crate::harness::{
    Daemon, Heard, Running, check_outage, hops, is_device, project, wait_for_anger, wait_until,
};
use crate::pulseaudio::{SINK, Server};

const SOURCE: &str = "cpal:pulseaudio:room.monitor";

fn daemon(server: &Server) -> Daemon {
    let mut daemon = Daemon::start_with(&["--input", SOURCE, "--backend", "cpu"], |command| {
        server.point(command);
    });
    daemon.wait_for_streams();
    daemon
}

fn check_pulled(pull: impl FnOnce(&mut Server), give_back: impl FnOnce(&mut Server)) {
    let Some(mut server) = Server::new() else { return };
    let mut daemon = daemon(&server);
    check_outage(&mut daemon, "pulseaudio:room.monitor", &mut server, pull, give_back);
}

#[test]
fn a_voice_in_the_room_moves_the_numbers() {
    let Some(server) = Server::new() else { return };
    let mut daemon = daemon(&server);
    let _voice = server.play(&project().join("examples/demo_voice.flac"));
    wait_for_anger(&mut daemon);
}

#[test]
fn a_sink_that_is_unloaded_is_told_and_found_again_and_no_other_is_taken_meanwhile() {
    check_pulled(
        |server| {
            // PulseAudio moves the stream of a device that goes to this one.
            server.control(&STAGE);
            let modules = server.control(&["list", "short", "modules"]);
            let room = modules.lines().find(|line| line.contains(SINK)).expect("it is loaded");
            server.control(&["unload-module", room.split('\t').next().unwrap_or_default()]);
        },
        |server| {
            server.control(&["load-module", "module-null-sink", SINK, "rate=44100", "channels=1"]);
        },
    );
}

#[test]
fn a_killed_sound_server_is_told_and_the_next_one_is_found() {
    check_pulled(Server::kill, Server::start);
}

#[test]
fn a_frozen_sound_server_is_told_and_found_again_when_it_thaws() {
    check_pulled(|server| server.signal("-STOP"), |server| server.signal("-CONT"));
}

/// Whether anything sounds on a sink, as a recorder hears it.
fn is_loud(server: &Server, sink: &str) -> bool {
    let mut parec = Command::new("parec");
    server.point(&mut parec);
    parec.args([&format!("--device={sink}.monitor"), "--format=float32le", "--latency-msec=20"]);
    let mut recorder = Running::start(parec.stdin(Stdio::null()).stdout(Stdio::piped()));
    let mut pipe = recorder.0.stdout.take().expect("its output is piped");
    let mut second = vec![0; 48_000 * 2 * 4];
    pipe.read_exact(&mut second).expect("a recorder records");
    let floats = second.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    0.01 < floats.map(f32::abs).fold(0.0, f32::max)
}

const STAGE: [&str; 4] = ["load-module", "module-null-sink", "sink_name=stage", "rate=48000"];

#[test]
fn sound_goes_on_to_another_sink_which_may_be_pulled_while_the_analysis_goes_on() {
    let Some(server) = Server::new() else { return };
    let module = server.control(&STAGE);
    let mut daemon = Daemon::start_with(&["--input", "demo", "--backend", "cpu"], |command| {
        server.point(command);
    });
    daemon.wait_for_streams();
    daemon.send("/ser/through/list", vec![]);
    assert_eq!(daemon.reply("/ser/through/list").addr, "/ser/ok");
    let is_stage = |heard: &Heard| heard.message.args.first() == Some(&"pulseaudio:stage".into());
    assert!(daemon.ear.of("/ser/device/item").any(is_stage));

    daemon.send("/ser/through/to", vec!["cpal:pulseaudio:no-such".into()]);
    let refused = daemon.reply("/ser/through/to");
    assert_eq!(refused.args[2], OscType::Int(-12));
    daemon.send("/ser/through/to", vec!["cpal:pulseaudio:stage".into()]);
    assert_eq!(daemon.reply("/ser/through/to").addr, "/ser/ok");
    wait_until("the voice on the stage", || is_loud(&server, "stage"));

    let last = hops(&daemon.ear.heard).last().map(|(sequence, _)| *sequence);
    server.control(&["unload-module", module.trim()]);
    let is_event = |heard: &Heard, code| {
        is_device(heard)
            && heard.message.args[..2] == [OscType::Int(code), "pulseaudio:stage".into()]
    };
    daemon.ear.wait_for("the loss of the output", |heard| is_event(heard, 0));
    server.control(&STAGE);
    daemon.ear.wait_for("the return of the output", |heard| is_event(heard, 1));
    wait_until("the voice on the stage again", || is_loud(&server, "stage"));
    // Meanwhile every hop was told.
    daemon.ear.heard.clear();
    daemon.wait_for_streams();
    let next = hops(&daemon.ear.heard).last().map(|(sequence, _)| *sequence);
    assert!(last < next, "{last:?}, then {next:?}");
    assert!(daemon.ear.of("/ser/health/dropped").all(|dropped| dropped.int() == 0));
}
