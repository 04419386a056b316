//! A JACK server of the benchmark's own on its dummy driver, and the demo voice played into it.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use jack::{AudioOut, Client, ClientOptions, Control, ProcessScope};
use rosc::{OscMessage, OscType};

use crate::bench::Times;
use crate::bench::watched::{Ended, Watched, ourselves, until_parent_ends};
use crate::wav::Sound;

/// Always the same: JACK has room for 8 names on a machine, and one that is killed keeps its own
/// until another one of that name comes.
const SERVER: &str = "affectd-bench";

const RATE_HZ: u32 = 48_000;

/// How long each block length is listened to.
const LISTEN: Duration = Duration::from_secs(10);

/// A server that leaves in order, so that JACK forgets its name.
pub struct Server {
    process: Child,
}

impl Server {
    /// `None` where there is no jackd.
    pub fn start(block_frames: u32) -> Option<Self> {
        let (rate, block) = (RATE_HZ.to_string(), block_frames.to_string());
        let process = Command::new("jackd")
            .args(["-n", SERVER, "-R", "-d", "dummy", "-r", &rate, "-p", &block])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Some(Self { process: process.ok()? })
    }

    /// As `kill` sends it: -KILL, -STOP, -CONT, -TERM.
    pub fn signal(&self, signal: &str) -> Result<()> {
        let id = self.process.id().to_string();
        let status = Command::new("kill").args([signal, &id]).status()?;
        if !status.success() {
            bail!("kill {signal} {id}: {status}");
        }
        Ok(())
    }

    /// A program that finds this server.
    pub fn point(&self, program: &mut Command) {
        program.env("JACK_DEFAULT_SERVER", SERVER);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended = self.signal("-TERM").and_then(|()| Ok(self.process.wait()?));
        if let Err(error) = ended {
            log::warn!("jackd did not end: {error}");
        }
    }
}

/// Another process of this program that plays the demo voice into the daemon's first channels.
pub fn voice(server: &Server, channels: u16) -> Result<Ended> {
    let mut program = ourselves()?;
    server.point(&mut program);
    program.args(["bench", "--voice", &channels.to_string()]);
    Ok(Ended(program.spawn().context("cannot start the voice")?))
}

/// Body of that process, until it is ended.
pub fn play(voice: &Sound, channels: u16) -> Result<()> {
    let (client, _) = Client::new("voice", ClientOptions::NO_START_SERVER)?;
    let mut port = client.register_port("out", AudioOut::default())?;
    // Each sample held for three; the images fall to the resampler.
    let held = usize::try_from(RATE_HZ / voice.rate_hz)?;
    let samples = voice.samples.clone().into_iter();
    let mut samples = samples.flat_map(move |sample| std::iter::repeat_n(sample, held)).cycle();
    let process = move |_: &Client, scope: &ProcessScope| {
        port.as_mut_slice(scope).fill_with(|| samples.next().unwrap_or(0.0));
        Control::Continue
    };
    let handler = jack::contrib::ClosureProcessHandler::new(process);
    let client = client.activate_async((), handler)?;
    for number in 1..=channels {
        client.as_client().connect_ports_by_name("voice:out", &format!("affectd:in_{number}"))?;
    }
    until_parent_ends(|| std::thread::sleep(Duration::from_millis(100)));
    Ok(())
}

/// A daemon on this server, its first hop heard.
pub fn daemon(server: &Server, backend: &str, options: &[&str]) -> Result<Watched> {
    let begun = Instant::now();
    while begun.elapsed() < LISTEN {
        let mut daemon = Watched::start(|program| {
            server.point(program);
            program.args(["--input", "jack", "--backend", backend]).args(options);
        })?;
        // It leaves at once when the server does not answer yet.
        std::thread::sleep(Duration::from_millis(500));
        if daemon.has_ended() {
            continue;
        }
        while !daemon.hear()?.iter().any(is_time) {}
        return Ok(daemon);
    }
    bail!("jackd does not answer; what does `jackd -d dummy` say?")
}

/// Sequence, seconds, microseconds, age.
pub fn is_time(message: &OscMessage) -> bool {
    message.addr.ends_with("/t") && matches!(message.args.last(), Some(OscType::Float(_)))
}

/// Rows of the report: how old a result is when it leaves, for each block length.
pub fn write_rows(backend: &str, out: &mut dyn Write) -> Result<()> {
    for block_frames in [64, 128, 256, 512, 1024] {
        let Some(server) = Server::start(block_frames) else {
            writeln!(out, "(no jackd is installed: its block lengths are not measured)")?;
            return Ok(());
        };
        let mut daemon = daemon(&server, backend, &[])?;
        let _voice = voice(&server, 1)?;
        let (mut ages_us, begun) = (Vec::new(), Instant::now());
        while begun.elapsed() < LISTEN {
            for message in daemon.hear()?.iter().filter(|message| is_time(message)) {
                if let Some(OscType::Float(age_ms)) = message.args.last() {
                    ages_us.push(1000.0 * f64::from(*age_ms));
                }
            }
        }
        let ages = Times::from(ages_us);
        let [p50, p99] = [50, 99].map(|percent| ages.percentile(percent) / 1000.0);
        writeln!(
            out,
            "| last sample to socket, JACK at 48 kHz, {block_frames} frames, p50 / p99 \
             | {p50:.1} / {p99:.1} ms |"
        )?;
        out.flush()?;
    }
    Ok(())
}
