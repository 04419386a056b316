//! A real PulseAudio server of the test's own: the monitor of its null sink is a paced microphone.
//! `make test` installs it.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::{Running, wait_until};

pub const SINK: &str = "sink_name=room";

/// A server with one sink, in a folder of its own, that nobody else's programs find.
pub struct Server {
    folder: tempfile::TempDir,
    process: Option<Running>,
}

impl Server {
    /// None on a machine whose PipeWire takes PulseAudio's place: `make test` leaves it there.
    #[expect(clippy::print_stderr, reason = "what was not tested must not go unseen")]
    pub fn new() -> Option<Self> {
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

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn socket(&self) -> String {
        format!("unix:{}", self.folder.path().join("socket").display())
    }

    /// Programs that find this server and no other.
    pub fn point(&self, command: &mut Command) {
        let folder = self.folder.path();
        command.env("PULSE_SERVER", self.socket());
        // cpal's client looks for the cookie of `pactl` below HOME alone.
        command.env_remove("XDG_CONFIG_HOME");
        for home in ["XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH", "HOME"] {
            command.env(home, folder);
        }
    }

    pub fn start(&mut self) {
        let socket = self.folder.path().join("socket");
        // A server that was killed leaves its socket behind.
        std::fs::remove_file(&socket).unwrap_or_default();
        let mut pulseaudio = Command::new("pulseaudio");
        self.point(&mut pulseaudio);
        pulseaudio.args(["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"]);
        // A client that shares memory with a server that is killed waits for it for ever.
        pulseaudio.arg("--disable-shm=yes");
        let protocol = format!("module-native-protocol-unix socket={}", socket.display());
        pulseaudio.args(["-L", &format!("{protocol} auth-anonymous=1")]);
        pulseaudio.args(["-L", &format!("module-null-sink {SINK} rate=48000 channels=2")]);
        pulseaudio.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(Running::start(&mut pulseaudio));
        wait_until("PulseAudio to answer", || !self.control(&["info"]).is_empty());
    }

    pub fn signal(&self, signal: &str) {
        self.process.as_ref().expect("it runs").signal(signal);
    }

    /// As if the power went.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.signal("-KILL");
        wait_until("PulseAudio to be gone", || process.has_ended());
    }

    pub fn control(&self, arguments: &[&str]) -> String {
        let mut pactl = Command::new("pactl");
        self.point(&mut pactl);
        let output = pactl.args(arguments).output().expect("`make test` installs it");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Plays a sound file into the room.
    pub fn play(&self, file: &Path) -> Running {
        let mut paplay = Command::new("paplay");
        self.point(&mut paplay);
        Running::start(paplay.arg("--device=room").arg(file).stdin(Stdio::null()))
    }
}
