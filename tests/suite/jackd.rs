//! A real JACK server on its dummy driver, one server and one process per test: libjack takes the
//! server's name from the environment, which is one per process. And clients that play into it.

use std::fs::{File, OpenOptions};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use affectd::audio::{self, AudioError, Connect, Opened, Stream};
use affectd::config::checked::{Input, Source};
use jack::{AudioIn, AudioOut, Client, ClientOptions, Control, ProcessScope};

use crate::harness::{Daemon, PATIENCE, wait_until};

const SERVER_VARIABLE: &str = "JACK_DEFAULT_SERVER";

/// One name for all of them: JACK has room for 8 on a machine, and a server that is killed keeps
/// its own until another one of that name comes.
const SERVER_NAME: &str = "affectd-test";

/// A server that leaves in order when dropped.
pub struct Server(Child);

impl Server {
    pub fn start() -> Self {
        Self::start_with(&[], [48_000, 256])
    }

    /// At real-time priority where that is allowed; jackd goes on without where it is not. `device`
    /// is its rate in Hz and its block in frames.
    pub fn start_with(options: &[&str], device: [u32; 2]) -> Self {
        let name = std::env::var(SERVER_VARIABLE).expect("set for the test's own process");
        let jackd = Command::new("jackd")
            .args(["-n", &name, "-R"])
            .args(options)
            .args(["-d", "dummy", "-r", &device[0].to_string(), "-p", &device[1].to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(jackd.expect("`make test` installs jackd"))
    }

    pub fn kill(&mut self) {
        self.0.kill().expect("the server is our child");
        self.0.wait().expect("the server is our child");
    }

    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.0.id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "the server is our child");
    }

    fn is_gone(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|status| status.is_some())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.is_gone() {
            return;
        }
        self.signal("-TERM");
        let deadline = Instant::now() + PATIENCE;
        while !self.is_gone() {
            if Instant::now() > deadline {
                return self.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A server that takes clients already.
pub fn running_server() -> Server {
    taking_clients(Server::start())
}

/// Waits until it does.
pub fn taking_clients(server: Server) -> Server {
    drop(open(1, Connect::Nothing));
    server
}

/// A daemon on the server, its first hop heard.
pub fn daemon() -> Daemon {
    let mut daemon = Daemon::start(&["--input", "jack", "--backend", "cpu"]);
    daemon.wait_for_streams();
    daemon
}

/// Runs `body`, a closure of a test, in a process of its own that finds our server: this test once
/// more.
pub fn in_own_process<F: FnOnce()>(body: F) {
    if std::env::var(SERVER_VARIABLE).is_ok_and(|name| name == SERVER_NAME) {
        return body();
    }
    // One at a time, whichever process tests: the name is one, and servers that start or end at the
    // same moment spoil each other's shared memory.
    let path = std::env::temp_dir().join("affectd-test-jack.lock");
    let made = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let lock = made.or_else(|_| File::open(&path)).expect("temporary files can be made");
    lock.lock().expect("a file can be locked");
    // The closure's own path: binary, modules, test, closure.
    let path = std::any::type_name::<F>();
    let path = path.split_once("::").map_or(path, |(_, path)| path);
    let test = path.rsplit_once("::").map_or(path, |(test, _)| test);
    let output = Command::new(std::env::current_exe().expect("a test is a program"))
        .args(["--exact", test, "--nocapture"])
        .env(SERVER_VARIABLE, SERVER_NAME)
        .output()
        .expect("the test starts once more");
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

pub fn open(channels: u16, connect: Connect) -> Opened {
    let input = Input::plain(Source::Jack, channels);
    let mut opened = None;
    wait_until("connecting to the server", || {
        opened = match audio::open(&input, connect) {
            Ok(opened) => Some(opened),
            Err(AudioError::NoJackServer | AudioError::Hangs { .. }) => None,
            Err(error) => panic!("{error}"),
        };
        opened.is_some()
    });
    opened.expect("waited for")
}

pub fn client_name(opened: &Opened) -> String {
    match &opened.stream {
        Stream::Jack(stream) => stream.client_name.clone(),
        _ => panic!("JACK was asked for"),
    }
}

/// What a [`recorder`] heard: the samples of each of its ports, all of the same frames.
pub type Tape = Arc<Mutex<Vec<Vec<f32>>>>;

/// A client with inputs `in_1` … that keeps all that it hears.
pub fn recorder(ports: usize) -> (jack::AsyncClient<(), impl jack::ProcessHandler>, Tape) {
    let (client, _) = Client::new("tape", ClientOptions::NO_START_SERVER).expect("the server runs");
    let port = |number| client.register_port(&format!("in_{number}"), AudioIn::default());
    let inputs: Vec<_> = (1..=ports).map(|number| port(number).expect("a port")).collect();
    let tape: Tape = Arc::new(Mutex::new(vec![Vec::new(); ports]));
    let heard = Arc::clone(&tape);
    let process = move |_: &Client, scope: &ProcessScope| {
        let mut heard = heard.lock().expect("nobody panics with it");
        for (track, input) in heard.iter_mut().zip(&inputs) {
            track.extend_from_slice(input.as_slice(scope));
        }
        Control::Continue
    };
    let handler = jack::contrib::ClosureProcessHandler::new(process);
    (client.activate_async((), handler).expect("the client runs"), tape)
}

/// A client with one output that plays what `next` gives, sample by sample.
pub fn player(
    name: &str,
    mut next: impl FnMut() -> f32 + Send + 'static,
) -> jack::AsyncClient<(), impl jack::ProcessHandler> {
    let (client, _) = Client::new(name, ClientOptions::NO_START_SERVER).expect("the server runs");
    let mut port = client.register_port("out", AudioOut::default()).expect("a port");
    let process = move |_: &Client, scope: &ProcessScope| {
        port.as_mut_slice(scope).fill_with(&mut next);
        Control::Continue
    };
    let handler = jack::contrib::ClosureProcessHandler::new(process);
    client.activate_async((), handler).expect("the client runs")
}

/// Plays the server's own frame time, counted from `go` on and modulo [`RAMP_FRAMES`], and silence
/// before: whatever a busy machine makes the server skip, each sample says which frame it is.
pub fn ramp(go: Arc<AtomicBool>) -> jack::AsyncClient<(), impl jack::ProcessHandler> {
    let (client, _) = Client::new("ramp", ClientOptions::NO_START_SERVER).expect("the server runs");
    let mut port = client.register_port("out", AudioOut::default()).expect("a port");
    let process = move |_: &Client, scope: &ProcessScope| {
        let first = scope.last_frame_time();
        let is_on = go.load(Ordering::Relaxed);
        for (frame, sample) in (first..).zip(port.as_mut_slice(scope)) {
            *sample = if is_on { (1 + frame % RAMP_FRAMES) as f32 } else { 0.0 };
        }
        Control::Continue
    };
    let handler = jack::contrib::ClosureProcessHandler::new(process);
    client.activate_async((), handler).expect("the client runs")
}

/// Exact in f32.
pub const RAMP_FRAMES: u32 = 1 << 20;

pub fn wait_for_a_callback(opened: &Opened) {
    wait_until("a callback", || opened.shared.counters.callbacks.load(Ordering::Relaxed) > 0);
}

/// Plays a sound at the server's rate, once from the moment `go` is set, and silence around it.
pub fn voice(
    samples: Vec<f32>,
    go: Arc<AtomicBool>,
) -> jack::AsyncClient<(), impl jack::ProcessHandler> {
    let mut samples = samples.into_iter();
    player("voice", move || match go.load(Ordering::Relaxed) {
        true => samples.next().unwrap_or(0.0),
        false => 0.0,
    })
}

/// The demo voice at 48 kHz; each sample held for three, the images fall to the resampler.
pub fn demo_voice_at_48_khz() -> Vec<f32> {
    let voice = audio::file::demo_voice().expect("it is built in");
    voice.samples.iter().flat_map(|&sample| [sample; 3]).collect()
}
