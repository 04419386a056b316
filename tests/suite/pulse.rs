//! cpal on a real PulseAudio server of the test's own: the monitor of a null sink is a paced
//! microphone, whose cable is pulled by unloading the sink. `make test` installs the server.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use rosc::OscType;

use crate::harness::{Daemon, Heard, Running, hops, project, wait_until};

const SINK: &str = "sink_name=room";
const SOURCE: &str = "cpal:pulseaudio:room.monitor";

/// A server with one sink, in a folder of its own, that nobody else's programs find.
struct Server {
    folder: tempfile::TempDir,
    process: Option<Running>,
}

impl Server {
    /// None on a machine whose PipeWire takes PulseAudio's place: `make test` leaves it there.
    #[expect(clippy::print_stderr, reason = "what was not tested must not go unseen")]
    fn new() -> Option<Self> {
        let has = |name: &str| Command::new(name).arg("--version").output().is_ok();
        if !has("pulseaudio") && has("pipewire-pulse") {
            eprintln!("NOT TESTED: PipeWire is here instead of PulseAudio, see .ci/install");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder for the test");
        let mut server = Self { folder, process: None };
        server.start();
        Some(server)
    }

    fn socket(&self) -> String {
        format!("unix:{}", self.folder.path().join("socket").display())
    }

    /// Programs that find this server and no other.
    fn point(&self, command: &mut Command) {
        let folder = self.folder.path();
        command.env("PULSE_SERVER", self.socket());
        // cpal's client looks for the cookie of `pactl` below HOME alone.
        command.env_remove("XDG_CONFIG_HOME");
        for home in ["XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH", "HOME"] {
            command.env(home, folder);
        }
    }

    fn start(&mut self) {
        let socket = self.folder.path().join("socket");
        // A server that was killed leaves its socket behind.
        std::fs::remove_file(&socket).unwrap_or_default();
        let mut pulseaudio = Command::new("pulseaudio");
        self.point(&mut pulseaudio);
        pulseaudio.args(["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"]);
        let protocol = format!("module-native-protocol-unix socket={}", socket.display());
        pulseaudio.args(["-L", &format!("{protocol} auth-anonymous=1")]);
        pulseaudio.args(["-L", &format!("module-null-sink {SINK} rate=48000 channels=2")]);
        pulseaudio.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(Running::start(&mut pulseaudio));
        wait_until("PulseAudio to answer", || !self.control(&["info"]).is_empty());
    }

    fn signal(&self, signal: &str) {
        self.process.as_ref().expect("it runs").signal(signal);
    }

    /// As if the power went.
    fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.signal("-KILL");
        wait_until("PulseAudio to be gone", || process.has_ended());
    }

    fn control(&self, arguments: &[&str]) -> String {
        let mut pactl = Command::new("pactl");
        self.point(&mut pactl);
        let output = pactl.args(arguments).output().expect("`make test` installs it");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn daemon(&self) -> Daemon {
        let mut daemon =
            Daemon::start_with(&["--input", SOURCE, "--backend", "cpu"], |c| self.point(c));
        daemon.wait_for_streams();
        daemon
    }

    /// Plays a sound file into the room.
    fn play(&self, file: &Path) -> Running {
        let mut paplay = Command::new("paplay");
        self.point(&mut paplay);
        Running::start(paplay.arg("--device=room").arg(file).stdin(Stdio::null()))
    }
}

fn is_device(heard: &Heard) -> bool {
    heard.message.addr == "/ser/event/device"
}

/// The device is lost: pulled by `pull`, told, given back by `give_back`, told; and the sequence
/// goes on.
fn check_outage(pull: impl FnOnce(&mut Server), give_back: impl FnOnce(&mut Server)) {
    let Some(mut server) = Server::new() else { return };
    let mut daemon = server.daemon();
    let last = hops(&daemon.ear.heard).last().map(|(sequence, _)| *sequence);
    pull(&mut server);
    let lost = daemon.ear.wait_for("the loss", is_device);
    assert_eq!(lost.args[..2], [OscType::Int(0), "pulseaudio:room.monitor".into()]);
    daemon.ear.listen_until("the state", |heard| {
        heard.iter().any(|h| h.message.addr == "/ser/health/state" && h.int() == 5)
    });
    assert_eq!(daemon.ear.of("/ser/ch/1/fresh").last().map(Heard::int), Some(0));
    give_back(&mut server);
    let back = daemon.ear.wait_for("the return", is_device);
    assert_eq!(back.args[..2], [OscType::Int(1), "pulseaudio:room.monitor".into()]);
    daemon.wait_for_streams();
    let next = hops(&daemon.ear.heard).last().map(|(sequence, _)| *sequence);
    assert!(last < next, "the sequence goes on: {last:?}, then {next:?}");
}

#[test]
fn a_voice_in_the_room_moves_the_numbers() {
    let Some(server) = Server::new() else { return };
    let mut daemon = server.daemon();
    let _voice = server.play(&project().join("examples/demo_voice.flac"));
    // The third clip of the demo voice is angry and lasts from 6.6 to 9.3 s.
    daemon.ear.listen_until("an angry voice", |heard| {
        heard.iter().any(|h| h.message.addr == "/ser/ch/1/class/angry" && h.float() > 0.5)
    });
    assert!(daemon.ear.of("/ser/ch/1/voice/on").any(|heard| heard.int() == 1));
}

#[test]
fn a_sink_that_is_unloaded_is_told_and_found_again_and_no_other_is_taken_meanwhile() {
    check_outage(
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
    check_outage(Server::kill, Server::start);
}

#[test]
fn a_frozen_sound_server_is_told_and_found_again_when_it_thaws() {
    check_outage(|server| server.signal("-STOP"), |server| server.signal("-CONT"));
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
