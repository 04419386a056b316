//! cpal on a real PipeWire of the test's own: the monitor of its null sink is a paced microphone.
//! `make test` installs it; the feature `pipewire` speaks to it.

use std::process::{Command, Stdio};

use crate::harness::{Daemon, Running, check_outage, project, wait_for_anger, wait_until};

/// Server and session manager, in a folder of their own that nobody else's programs find.
struct Server {
    folder: tempfile::TempDir,
    processes: Vec<Running>,
}

impl Server {
    /// None where another WirePlumber is installed: 0.5 reads no configuration of 0.4.
    #[expect(clippy::print_stderr, reason = "what was not tested must not go unseen")]
    fn new() -> Option<Self> {
        let version = Command::new("wireplumber").arg("--version").output().expect("installed");
        if !String::from_utf8_lossy(&version.stdout).contains(" 0.4.") {
            eprintln!("NOT TESTED: PipeWire needs WirePlumber 0.4 for its tests");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder for the test");
        let mut server = Self { folder, processes: Vec::new() };
        server.start();
        Some(server)
    }

    /// Programs that find this server and no other.
    fn point(&self, command: &mut Command) {
        for name in ["CONFIG_HOME", "STATE_HOME", "DATA_HOME"] {
            command.env_remove(format!("XDG_{name}"));
        }
        for name in ["PIPEWIRE_REMOTE", "PIPEWIRE_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"] {
            command.env_remove(name);
        }
        command.env("HOME", self.folder.path()).env("XDG_RUNTIME_DIR", self.folder.path());
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        self.point(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn start(&mut self) {
        for program in ["pipewire", "wireplumber"] {
            let config = project().join(format!("tests/peers/{program}.conf"));
            self.processes.push(Running::start(self.command(program).arg("-c").arg(config)));
            wait_until("PipeWire to answer", || {
                self.command("pw-cli").args(["info", "0"]).status().is_ok_and(|s| s.success())
            });
        }
        wait_until("WirePlumber to be ready", || {
            let mut list = self.command("pw-link");
            let ports = list.arg("-o").stdout(Stdio::piped()).output().expect("it is installed");
            String::from_utf8_lossy(&ports.stdout).contains("room:monitor_FL")
        });
    }

    /// As if the power went. A session manager goes with its server.
    fn kill(&mut self) {
        for mut process in self.processes.drain(..) {
            if !process.has_ended() {
                process.signal("-KILL");
            }
            wait_until("PipeWire to be gone", || process.has_ended());
        }
    }

    fn daemon(&self) -> Daemon {
        let arguments = ["--input", "cpal:pipewire:room", "--backend", "cpu"];
        let mut daemon = Daemon::start_with(&arguments, |command| self.point(command));
        daemon.wait_for_streams();
        daemon
    }
}

#[test]
fn a_voice_in_the_room_moves_the_numbers() {
    let Some(server) = Server::new() else { return };
    let mut daemon = server.daemon();
    let voice = project().join("examples/demo_voice.flac");
    let _voice = Running::start(server.command("pw-play").arg("--target=room").arg(voice));
    wait_for_anger(&mut daemon);
}

#[test]
fn a_killed_server_is_told_and_the_next_one_is_found() {
    let Some(mut server) = Server::new() else { return };
    let mut daemon = server.daemon();
    check_outage(&mut daemon, "pipewire:room", &mut server, Server::kill, Server::start);
}

#[test]
fn a_frozen_server_is_told_and_found_again_when_it_thaws() {
    let Some(mut server) = Server::new() else { return };
    let mut daemon = server.daemon();
    let (stop, thaw) = (
        |server: &mut Server| server.processes[0].signal("-STOP"),
        |server: &mut Server| server.processes[0].signal("-CONT"),
    );
    check_outage(&mut daemon, "pipewire:room", &mut server, stop, thaw);
}
