//! The JACK source against a real server on its dummy driver, one server and one process per test:
//! libjack takes the server's name from the environment, which is one per process. `make
//! test` installs it.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use affectd::audio::{self, AudioError, Connect, Opened, Stream};
use affectd::config::checked::{Input, Source};
use affectd::ring::Chunk;
use affectd::units::to_count;
use jack::{AudioOut, Client, ClientOptions, Control, ProcessScope};
use rosc::OscType;

use crate::harness::{Daemon, Heard, PATIENCE, wait_until};

const SERVER_VARIABLE: &str = "JACK_DEFAULT_SERVER";
const SERVER_PREFIX: &str = "affectd-test";

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A server that leaves in order when dropped. JACK has room for 8 names on a machine and a server
/// that is killed keeps its own, until another one of that name leaves in order: so a test that
/// kills one starts the next.
struct Server(Child);

impl Server {
    fn start() -> Self {
        Self::start_with(&[], [48_000, 256])
    }

    /// At real-time priority where that is allowed; jackd goes on without where it is not. `device`
    /// is its rate in Hz and its block in frames.
    fn start_with(options: &[&str], device: [u32; 2]) -> Self {
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

    fn kill(&mut self) {
        self.0.kill().expect("the server is our child");
        self.0.wait().expect("the server is our child");
    }

    fn signal(&self, signal: &str) {
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
fn running_server() -> Server {
    let server = Server::start();
    drop(open(1, Connect::Nothing));
    server
}

/// Runs `body` in a process of its own, with a server name of its own: this test once more.
fn in_own_process(test: &str, body: fn()) {
    if std::env::var(SERVER_VARIABLE).is_ok_and(|name| name.starts_with(SERVER_PREFIX)) {
        return body();
    }
    // Servers that start or end at the same moment spoil each other's shared memory.
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    // The path of this module within the binary, whichever binary it ended up in.
    let path =
        module_path!().split_once("::").map_or(String::new(), |(_, path)| format!("{path}::"));
    let output = Command::new(std::env::current_exe().expect("a test is a program"))
        .args(["--exact", &format!("{path}{test}"), "--nocapture"])
        .env(SERVER_VARIABLE, format!("{SERVER_PREFIX}-{}-{test}", std::process::id()))
        .output()
        .expect("the test starts once more");
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn open(channels: u16, connect: Connect) -> Opened {
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

fn client_name(opened: &Opened) -> String {
    match &opened.stream {
        Stream::Jack(stream) => stream.client_name.clone(),
        _ => panic!("JACK was asked for"),
    }
}

/// A client with one output that plays what `next` gives, sample by sample.
fn player(
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
fn ramp(go: Arc<AtomicBool>) -> jack::AsyncClient<(), impl jack::ProcessHandler> {
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
const RAMP_FRAMES: u32 = 1 << 20;

#[test]
fn a_ramp_through_a_real_server_arrives_with_every_frame_in_its_place() {
    in_own_process("a_ramp_through_a_real_server_arrives_with_every_frame_in_its_place", || {
        // Synchronous: a cycle that a busy machine holds up ends before the next begins, so that
        // our client never hears the ramp's block of the cycle before.
        let _server = Server::start_with(&["-S"], [48_000, 256]);
        let mut opened = open(2, Connect::Nothing);
        assert_eq!((opened.rate_hz, opened.channels), (48_000, 2));
        let go = Arc::new(AtomicBool::new(false));
        let source = ramp(Arc::clone(&go));
        let port = format!("{}:in_2", client_name(&opened));
        source.as_client().connect_ports_by_name("ramp:out", &port).expect("both ports are there");
        go.store(true, Ordering::Relaxed);
        // What the next frame must say; unknown before the ramp.
        let mut next: Option<u64> = None;
        let (mut heard, mut missing) = (0, 0);
        wait_until("three seconds of ramp", || {
            while let Some(chunk) = opened.reader.read() {
                match chunk {
                    Chunk::Frames(samples) => {
                        for frame in samples.chunks_exact(2) {
                            assert_eq!(frame[0], 0.0, "in_1 is not connected");
                            heard += u64::from(check_ramp(frame[1], &mut next));
                        }
                    }
                    // The server skips a client that a busy machine held up. It must be told.
                    Chunk::Gap(frames) => {
                        next = next.map(|next| next + frames);
                        missing += frames;
                    }
                }
            }
            heard >= 3 * 48_000
        });
        assert_eq!(opened.shared.counters.dropped_frames.load(Ordering::Relaxed), missing);
        assert!(!opened.liveness.lost.load(Ordering::Relaxed));
    });
}

/// True once the ramp runs; each of its frames must be the one that is due.
fn check_ramp(sample: f32, next: &mut Option<u64>) -> bool {
    let Some(due) = next else {
        // 1 of 2^20 blocks begins with it; then the ramp counts from the next frame on.
        *next = (sample != 0.0).then_some(to_count(f64::from(sample)) as u64 + 1);
        return sample != 0.0;
    };
    let expected = (*due - 1) % u64::from(RAMP_FRAMES) + 1;
    assert_eq!(sample, expected as f32, "a frame is out of its place");
    *due += 1;
    true
}

#[test]
fn the_ports_find_the_physical_inputs_and_the_server_is_listed() {
    in_own_process("the_ports_find_the_physical_inputs_and_the_server_is_listed", || {
        let _server = Server::start();
        let opened = open(2, Connect::Physical);
        let crossed = Input { map: vec![1, 0], ..Input::plain(Source::Jack, 2) };
        let crossed = audio::open(&crossed, Connect::Physical).expect("the server takes another");
        let (watcher, _) =
            Client::new("watcher", ClientOptions::NO_START_SERVER).expect("the server runs");
        for (opened, number, source) in
            [(&opened, 1, 1), (&opened, 2, 2), (&crossed, 1, 2), (&crossed, 2, 1)]
        {
            let port = watcher.port_by_name(&format!("{}:in_{number}", client_name(opened)));
            let source = format!("system:capture_{source}");
            assert!(port.expect("our port").is_connected_to(&source).expect("it can be asked"));
        }
        let line = audio::list_inputs().into_iter().next().expect("JACK is the first line");
        assert_eq!((line.id.as_str(), line.channels, line.rate_hz), ("jack", 2, 48_000));
    });
}

#[test]
fn auto_takes_a_running_server_and_a_killed_one_sets_the_lost_flag() {
    in_own_process("auto_takes_a_running_server_and_a_killed_one_sets_the_lost_flag", || {
        let mut server = Server::start();
        drop(open(1, Connect::Nothing));
        let input = Input::plain(Source::Auto, 1);
        let opened = audio::open(&input, Connect::Nothing).expect("something is always there");
        assert_eq!(opened.id, "jack");
        wait_for_a_callback(&opened);
        server.kill();
        wait_until("the lost flag", || opened.liveness.lost.load(Ordering::Relaxed));
        drop(opened);
        let jack = Input { source: Source::Jack, ..input };
        let error = audio::open(&jack, Connect::Nothing).err().expect("the server is gone");
        assert_eq!(
            error.to_string(),
            "no JACK server is running; start one, or choose another source"
        );
        find_the_next_server();
    });
}

#[test]
fn a_frozen_server_holds_nobody_up_and_is_found_again_when_it_thaws() {
    in_own_process("a_frozen_server_holds_nobody_up_and_is_found_again_when_it_thaws", || {
        let server = Server::start();
        let opened = open(1, Connect::Nothing);
        wait_for_a_callback(&opened);
        server.signal("-STOP");
        let start = Instant::now();
        drop(opened);
        let input = Input::plain(Source::Jack, 1);
        let error = audio::open(&input, Connect::Nothing).err();
        // Before anything may fail: a server that stays frozen cannot be ended in order.
        server.signal("-CONT");
        assert!(error.is_some(), "the server answers nothing");
        assert!(start.elapsed() < PATIENCE);
        wait_for_a_callback(&open(1, Connect::Nothing));
    });
}

/// A new server under the name of one that was killed is found by the same process.
fn find_the_next_server() {
    let _next = Server::start();
    wait_for_a_callback(&open(1, Connect::Nothing));
}

fn wait_for_a_callback(opened: &Opened) {
    wait_until("a callback", || opened.shared.counters.callbacks.load(Ordering::Relaxed) > 0);
}

/// Plays a sound at the server's rate, once from the moment `go` is set, and silence around it.
fn voice(
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
fn demo_voice_at_48_khz() -> Vec<f32> {
    let voice = audio::file::demo_voice().expect("it is built in");
    voice.samples.iter().flat_map(|&sample| [sample; 3]).collect()
}

#[test]
fn a_voice_through_jack_moves_the_numbers_of_the_daemon() {
    in_own_process("a_voice_through_jack_moves_the_numbers_of_the_daemon", || {
        let _server = running_server();
        let mut daemon = Daemon::start(&["--input", "jack", "--backend", "cpu"]);
        daemon.wait_for_streams();
        let go = Arc::new(AtomicBool::new(false));
        let source = voice(demo_voice_at_48_khz(), Arc::clone(&go));
        let client = source.as_client();
        client.connect_ports_by_name("voice:out", "affectd:in_1").expect("both ports are there");
        go.store(true, Ordering::Relaxed);
        // The third clip of the demo voice is angry and lasts from 6.6 to 9.3 s.
        daemon.ear.listen_until("an angry voice", |heard| {
            heard.iter().any(|h| h.message.addr == "/ser/ch/1/class/angry" && h.float() > 0.5)
        });
        assert!(daemon.ear.of("/ser/ch/1/voice/on").any(|heard| heard.int() == 1));
    });
}

#[test]
fn a_killed_server_is_told_and_the_daemon_comes_back_with_the_next_one() {
    in_own_process("a_killed_server_is_told_and_the_daemon_comes_back_with_the_next_one", || {
        let mut server = running_server();
        let mut daemon = Daemon::start(&["--input", "jack", "--backend", "cpu"]);
        daemon.wait_for_streams();
        let last = daemon.ear.of("/ser/ch/1/t").last().map(Heard::int);
        server.kill();
        let event = |heard: &Heard| heard.message.addr == "/ser/event/device";
        assert_eq!(daemon.ear.wait_for("device lost", event).args[0], OscType::Int(0));
        let lost = |heard: &Heard| heard.message.addr == "/ser/health/state" && heard.int() == 5;
        daemon.ear.listen_until("the state", |heard| heard.iter().any(lost));
        // The next one has another rate and block size.
        let _next = Server::start_with(&[], [44_100, 512]);
        assert_eq!(daemon.ear.wait_for("device back", event).args[0], OscType::Int(1));
        daemon.wait_for_streams();
        let next = daemon.ear.of("/ser/ch/1/t").last().map(Heard::int);
        assert!(last < next, "the sequence goes on: {last:?}, then {next:?}");
    });
}
