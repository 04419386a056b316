//! What the tests of the whole program share: the program as a child process, an ear that decodes
//! what it sends, and waiting with a limit.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rosc::{OscBundle, OscMessage, OscPacket, OscTime, OscType};

/// No wait in here ends later, even on a machine that is busy training.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The root of the project.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The program, to be given arguments; it stands in the project's root, where the model is.
pub fn affectd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_affectd"));
    command.current_dir(project()).env("RUST_LOG", "warn,affectd=debug").stdin(Stdio::null());
    command
}

/// Runs a command of ours to its end: exit code, standard output, standard error.
pub fn outcome(arguments: &[&str]) -> (i32, String, String) {
    let output = affectd().args(arguments).output().expect("the program is built");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

pub fn wait_until(what: &str, mut is_done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_done() {
        assert!(Instant::now() < deadline, "{what} took more than {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A child that is ended with the test, in order if it listens.
pub struct Running(pub Child);

impl Running {
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.0.id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "the child is ours");
    }

    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|status| status.is_some())
    }

    /// What it wrote to the pipe of its standard output, once it has ended.
    pub fn output(mut self) -> String {
        if !self.has_ended() {
            self.terminate();
        }
        let mut bytes = Vec::new();
        let pipe = self.0.stdout.as_mut().expect("its output is piped");
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        self.terminate();
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.has_ended() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        if !self.has_ended() {
            self.0.kill().expect("the child is ours");
            self.0.wait().expect("the child is ours");
        }
    }
}

/// A running daemon with the test as its receiver and client.
pub struct Daemon {
    pub process: Running,
    pub ear: Ear,
    pub address: SocketAddr,
}

impl Daemon {
    /// With its own ports; `arguments` are those of `run`.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, |_| {})
    }

    pub fn start_with(arguments: &[&str], adjust: impl FnOnce(&mut Command)) -> Self {
        Self::start_at(free_address(), arguments, adjust)
    }

    pub fn start_at(
        address: SocketAddr,
        arguments: &[&str],
        adjust: impl FnOnce(&mut Command),
    ) -> Self {
        let ear = Ear::new();
        let mut command = affectd();
        command.arg("run").args(arguments).args(["--listen", &address.to_string()]);
        command.args(["--osc", &ear.address().to_string()]);
        adjust(&mut command);
        Self { process: Running::start(&mut command), ear, address }
    }

    pub fn send(&self, address: &str, arguments: Vec<OscType>) {
        let message = OscMessage { addr: address.to_owned(), args: arguments };
        let packet = rosc::encoder::encode(&OscPacket::Message(message)).expect("it is short");
        self.send_bytes(&packet);
    }

    pub fn send_bytes(&self, packet: &[u8]) {
        self.ear.socket.send_to(packet, self.address).expect("loopback takes a datagram");
    }

    /// The `ok` or `error` to the command just sent.
    pub fn reply(&mut self, address: &str) -> OscMessage {
        self.ear.wait_for(&format!("an answer to {address}"), |heard| {
            ["/ser/ok", "/ser/error"].contains(&heard.message.addr.as_str())
                && heard.message.args.first() == Some(&OscType::String(address.to_owned()))
        })
    }

    /// From where on streams come: the model is loaded, the source runs.
    pub fn wait_for_streams(&mut self) {
        self.ear.wait_for("the first hop", |heard| heard.message.addr == "/ser/ch/1/t");
    }
}

/// A port that nobody has just now, neither for datagrams nor for connections.
pub fn free_address() -> SocketAddr {
    loop {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = socket.local_addr().expect("it is bound");
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// One message, with the time tag of the bundle that it came in.
#[derive(Clone, Debug)]
pub struct Heard {
    pub time: Option<OscTime>,
    pub message: OscMessage,
}

impl Heard {
    pub fn float(&self) -> f32 {
        self.message.args[0].clone().float().unwrap_or_else(|| panic!("{self:?} is no float"))
    }

    pub fn int(&self) -> i32 {
        self.message.args[0].clone().int().unwrap_or_else(|| panic!("{self:?} is no int"))
    }
}

/// Receives and keeps everything.
pub struct Ear {
    socket: UdpSocket,
    pub heard: Vec<Heard>,
    pub longest_datagram: usize,
}

impl Ear {
    pub fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
        let limit = Some(Duration::from_millis(50));
        socket.set_read_timeout(limit).expect("a limit can be set");
        Self { socket, heard: Vec::new(), longest_datagram: 0 }
    }

    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("it is bound")
    }

    /// Takes one datagram if one comes soon; whether one came.
    pub fn listen(&mut self) -> bool {
        let mut packet = [0; 65_536];
        let Ok((length, _)) = self.socket.recv_from(&mut packet) else { return false };
        self.longest_datagram = self.longest_datagram.max(length);
        let (_, packet) = rosc::decoder::decode_udp(&packet[..length]).expect("it sends OSC");
        keep(packet, None, &mut self.heard);
        true
    }

    /// Takes all that waits: a socket that is full of streams drops the answer to a command.
    pub fn catch_up(&mut self) {
        self.socket.set_nonblocking(true).expect("a socket may not wait");
        while self.listen() {}
        self.socket.set_nonblocking(false).expect("a socket may wait");
    }

    pub fn listen_until(&mut self, what: &str, mut is_done: impl FnMut(&[Heard]) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_done(&self.heard) {
            assert!(Instant::now() < deadline, "{what} did not come within {PATIENCE:?}");
            self.listen();
        }
    }

    /// The next message of this kind from now on.
    pub fn wait_for(&mut self, what: &str, is_it: impl Fn(&Heard) -> bool) -> OscMessage {
        self.wait_from(self.heard.len(), what, is_it)
    }

    /// The same, of all that came after the first `seen`.
    pub fn wait_from(
        &mut self,
        seen: usize,
        what: &str,
        is_it: impl Fn(&Heard) -> bool,
    ) -> OscMessage {
        self.listen_until(what, |heard| heard[seen..].iter().any(&is_it));
        let found = self.heard[seen..].iter().find(|heard| is_it(heard));
        found.expect("waited for").message.clone()
    }

    /// All messages of one address so far.
    pub fn of(&self, address: &str) -> impl Iterator<Item = &Heard> {
        self.heard.iter().filter(move |heard| heard.message.addr == address)
    }
}

pub fn keep(packet: OscPacket, time: Option<OscTime>, heard: &mut Vec<Heard>) {
    match packet {
        OscPacket::Message(message) => heard.push(Heard { time, message }),
        OscPacket::Bundle(OscBundle { timetag, content }) => {
            content.into_iter().for_each(|packet| keep(packet, Some(timetag), heard));
        }
    }
}

/// Hops with all that came in their bundles: sequence number, and the value of each address.
pub fn hops(heard: &[Heard]) -> Vec<(i32, Vec<&Heard>)> {
    let mut hops: Vec<(i32, Vec<&Heard>)> = Vec::new();
    for one in heard.iter().filter(|one| one.message.addr.starts_with("/ser/ch/1/")) {
        if one.message.addr == "/ser/ch/1/t" {
            hops.push((one.int(), Vec::new()));
        } else if let Some((_, values)) = hops.last_mut() {
            values.push(one);
        }
    }
    hops
}

/// A folder with a copy of the shipped model, to be spoiled.
pub fn copy_of_the_model() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    copy_the_model_to(folder.path());
    let path = folder.path().to_owned();
    (folder, path)
}

/// Card and weights into a folder that is there.
pub fn copy_the_model_to(folder: &Path) {
    let shipped = std::fs::read_dir(project().join("models/affectd-3")).expect("it is shipped");
    for file in shipped.map(|file| file.expect("it can be read").path()) {
        let name = file.file_name().expect("a file has a name");
        std::fs::copy(&file, folder.join(name)).expect("the folder is ours");
    }
}

pub fn is_device(heard: &Heard) -> bool {
    heard.message.addr == "/ser/event/device"
}

/// The device of a daemon is lost: pulled by `pull`, told, given back by `give_back`, told; and the
/// sequence goes on. While it is away, commands are answered.
pub fn check_outage<S>(
    daemon: &mut Daemon,
    id: &str,
    rig: &mut S,
    pull: impl FnOnce(&mut S),
    give_back: impl FnOnce(&mut S),
) {
    let last = hops(&daemon.ear.heard).last().map(|(sequence, _)| *sequence);
    let pulled = daemon.ear.heard.len();
    pull(rig);
    let lost = daemon.ear.wait_for("the loss", is_device);
    assert_eq!(lost.args[..2], [OscType::Int(0), id.into()]);
    daemon.ear.listen_until("the state", |heard| {
        heard.iter().any(|h| h.message.addr == "/ser/health/state" && h.int() == 5)
    });
    assert_eq!(daemon.ear.of("/ser/ch/1/fresh").last().map(Heard::int), Some(0));
    daemon.send("/ser/version", vec![]);
    assert_eq!(daemon.reply("/ser/version").addr, "/ser/ok");
    give_back(rig);
    let back = daemon.ear.wait_for("the return", is_device);
    assert_eq!(back.args[..2], [OscType::Int(1), id.into()]);
    let since = daemon.ear.heard[pulled..].iter();
    let losses = since.filter(|heard| is_device(heard) && heard.int() == 0);
    assert_eq!(losses.count(), 1, "one outage is told once");
    daemon.ear.heard.clear();
    daemon.wait_for_streams();
    let next = hops(&daemon.ear.heard).last().map(|(sequence, _)| *sequence);
    assert!(last < next, "the sequence goes on: {last:?}, then {next:?}");
}

/// The third clip of the demo voice is angry and lasts from 6.6 to 9.3 s.
pub fn wait_for_anger(daemon: &mut Daemon) {
    daemon.ear.listen_until("an angry voice", |heard| {
        heard.iter().any(|h| h.message.addr == "/ser/ch/1/class/angry" && h.float() > 0.5)
    });
    assert!(daemon.ear.of("/ser/ch/1/voice/on").any(|heard| heard.int() == 1));
}
