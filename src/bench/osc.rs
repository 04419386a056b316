//! The OSC surface by itself, with receivers that take what comes and read nothing; and what a
//! receiver of a whole daemon sees while others are dead or slow. Shared by `affectd bench` and
//! benches/osc.rs.

use std::io::Write;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use rosc::{OscMessage, OscPacket, OscType};

use crate::bench::Times;
use crate::config::Overrides;
use crate::config::running::{Origin, Running};
use crate::messages::{ClassScores, Dimensions, Identity, UNKNOWN, Update};
use crate::osc::decode::decode;
use crate::osc::endpoint::Endpoint;
use crate::osc::receive::Inbound;
use crate::osc::surface::{Knowledge, Moment, Setup, Surface};

/// The profiles that receivers of the mixed kind have in turn.
const PROFILES: [&str; 7] = ["plain", "touchdesigner", "max", "pd", "vrchat", "wekinator", "flat"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receivers {
    /// All of one shape: encoded once.
    Alike,
    /// Of seven profiles in turn.
    Mixed,
}

/// A surface and its receivers, whose sockets stay open but unread.
pub struct Stage {
    pub surface: Surface,
    _sockets: Vec<UdpSocket>,
}

/// With the labels of the shipped model on one channel, and so many receivers on loopback.
pub fn sample_surface(count: usize, receivers: Receivers) -> Result<Stage> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let listen = socket.local_addr()?;
    let overrides = Overrides { listen: Some(listen.to_string()), ..Overrides::default() };
    let labels = ["angry", "disgust", "fearful", "happy", "neutral", "sad", UNKNOWN];
    let knowledge = Knowledge {
        identity: Identity {
            labels: labels.map(str::to_owned).into(),
            card: [].into(),
            channels: 1,
            names: [].into(),
            triggers: [].into(),
            taught: [].into(),
            hop_s: 0.1,
        },
        model: "sample".to_owned(),
        window_s: 3.0,
        hop_s: 0.1,
        window_allowed_s: 0.5..=3.0,
    };
    let running = defaults(&overrides)?;
    let setup = Setup { socket, waker: None, running, knowledge, saved: Vec::new() };
    let mut surface = Surface::new(setup)?;
    let mut sockets = Vec::new();
    for index in 0..count {
        let receiver = UdpSocket::bind("127.0.0.1:0")?;
        let profile = match receivers {
            Receivers::Alike => PROFILES[0],
            Receivers::Mixed => PROFILES[index % PROFILES.len()],
        };
        subscribe(&mut surface, receiver.local_addr()?, profile);
        sockets.push(receiver);
    }
    Ok(Stage { surface, _sockets: sockets })
}

/// The defaults, whatever configuration lies around.
fn defaults(overrides: &Overrides) -> Result<Running> {
    let nowhere = Path::new("no-such-folder").join("config.toml");
    let loaded = crate::config::file::load(&nowhere, overrides);
    let (state, saved) = loaded.context("the defaults are wrong")?;
    let origin = Origin { file: nowhere, overrides: overrides.clone() };
    Ok(Running::new(state, origin, saved))
}

fn subscribe(surface: &mut Surface, receiver: SocketAddr, profile: &str) {
    let arguments = vec![
        OscType::from(""),
        OscType::Int(0),
        OscType::from("core"),
        OscType::Float(0.0),
        OscType::Float(3600.0),
        OscType::from(profile),
    ];
    let message = OscMessage { addr: "/ser/subscribe".to_owned(), args: arguments };
    let from = Endpoint::Udp(receiver);
    surface.handle(Inbound::Packet { from, bytes: 64, messages: vec![message] }, Instant::now());
}

/// A hop in which every number is another one than before.
pub fn sample_update(sequence: u32) -> Update {
    let phase = f64::from(sequence) * 0.1;
    let wave = |offset: f64| crate::units::to_f32(0.5 + 0.4 * (phase + offset).sin());
    let mut classes = ClassScores::unknown(6);
    for (index, value) in classes.as_mut_slice().iter_mut().enumerate() {
        *value = wave(index as f64) / 7.0;
    }
    Update {
        channel: 1,
        sequence,
        end_frame: u64::from(sequence) * 1600,
        time_s: phase,
        voice_on: true,
        voice_probability: wave(0.3),
        fresh: true,
        level_db: -30.0 * wave(0.7),
        clipped: false,
        classes,
        raw: classes,
        dimensions: Dimensions { arousal: wave(0.1), valence: wave(0.2), dominance: wave(0.4) },
        confidence: wave(0.9),
        inferred: true,
        ..Update::nothing(1, 3)
    }
}

/// Rows of the report.
pub fn write_rows(out: &mut dyn Write, hop_us: f64) -> Result<()> {
    const RUNS: usize = 2000;
    for count in [1, 8, 32] {
        let mut stage = sample_surface(count, Receivers::Alike)?;
        let mut sequence = 0;
        let times = Times::of(RUNS, || {
            sequence += 1;
            stage.surface.update(&sample_update(sequence), SystemTime::now(), Moment::now());
        });
        let what = format!("OSC: one hop encoded and sent, receivers: {count}");
        times.write(out, &what, hop_us)?;
    }
    let mut stage = sample_surface(1, Receivers::Alike)?;
    let patch = UdpSocket::bind("127.0.0.1:0")?;
    let from = Endpoint::Udp(patch.local_addr()?);
    let packet = b"/ser/version\0\0\0\0,\0\0\0";
    let times = Times::of(RUNS, || {
        if let Ok(messages) = decode(packet) {
            let inbound = Inbound::Packet { from, bytes: packet.len(), messages };
            stage.surface.handle(inbound, Instant::now());
        }
    });
    times.write(out, "OSC: one command, from bytes to answer", hop_us)
}

/// Arrival of hops at a receiver: how far each is from where an even stream would have it.
#[derive(Debug, Default)]
pub struct Jitter {
    last: Option<Instant>,
    off_us: Vec<f64>,
}

impl Jitter {
    /// A hop has arrived.
    pub fn note(&mut self, now: Instant, hop: Duration) {
        if let Some(last) = self.last.replace(now) {
            let gap = now.duration_since(last);
            self.off_us.push(1e6 * gap.abs_diff(hop).as_secs_f64());
        }
    }

    pub fn p99_ms(self) -> f64 {
        if self.off_us.is_empty() { 0.0 } else { Times::from(self.off_us).percentile(99) / 1000.0 }
    }
}

/// Makes one receiver dead and one TCP client so slow that it never reads; the connection is to be
/// kept open meanwhile.
pub fn trouble(daemon: SocketAddr) -> Result<TcpStream> {
    let encode = |arguments| {
        let message = OscMessage { addr: "/ser/subscribe".to_owned(), args: arguments };
        rosc::encoder::encode(&OscPacket::Message(message)).context("encoding")
    };
    let dead = UdpSocket::bind("127.0.0.1:0")?.local_addr()?; // closed at once
    let to_dead = encode(vec!["".into(), i32::from(dead.port()).into(), "core".into()])?;
    UdpSocket::bind("127.0.0.1:0")?.send_to(&to_dead, daemon)?;
    let mut slow = TcpStream::connect(daemon)?;
    let to_itself = encode(Vec::new())?;
    slow.write_all(&u32::try_from(to_itself.len())?.to_be_bytes())?;
    slow.write_all(&to_itself)?;
    Ok(slow)
}

/// Another process of this program that sends commands to the daemon, 50,000 a second, until it is
/// ended: in this one it would take time from who measures.
pub fn flood(daemon: SocketAddr) -> Result<Child> {
    let mut program = Command::new(std::env::current_exe()?);
    program.args(["bench", "--flood", &daemon.to_string()]);
    program.stdin(Stdio::null()).stdout(Stdio::null()).spawn().context("cannot start the flood")
}

/// Body of that process.
pub fn pour(daemon: SocketAddr) -> Result<()> {
    const PACKETS_A_MS: u128 = 50;
    /// Ends by itself should its parent be killed.
    const LONGEST: Duration = Duration::from_secs(60);
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let (begun, mut sent) = (Instant::now(), 0);
    while begun.elapsed() < LONGEST {
        while sent < PACKETS_A_MS * begun.elapsed().as_millis() {
            // A full buffer of the system is part of a flood.
            socket.send_to(b"/ser/version\0\0\0\0,\0\0\0", daemon).unwrap_or_default();
            sent += 1;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}
