//! The daemon for as long as one likes: eight channels on a JACK server while every core is busy
//! with something else. Nothing may be lost.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rosc::OscType;

use crate::bench::Times;
use crate::bench::jack::{Server, daemon, is_time, voice};
use crate::bench::watched::{Ended, Watched, ourselves, until_parent_ends};

const CHANNELS: u16 = 8;
const BLOCK_FRAMES: u32 = 256;

/// How long silence and speech are listened to, to compare their cost.
const COMPARED: Duration = Duration::from_secs(30);

/// What its receiver heard during one part of the run.
#[derive(Default)]
struct Heard {
    hops: u64,
    missing: u64,
    ages_us: Vec<f64>,
    /// Newest value of each number of its health.
    health: HashMap<String, f64>,
    cpu_percent: f64,
    first_memory_mb: f64,
}

/// Prints a table when all is over, and says each minute how far it is.
pub fn run(minutes: u32, backend: &str, out: &mut dyn Write) -> Result<()> {
    let Some(server) = Server::start(BLOCK_FRAMES) else {
        bail!("the endurance run needs jackd; on Debian: apt install jackd2")
    };
    let folder = std::env::temp_dir().join(format!("affectd-endurance-{}", std::process::id()));
    let config = configure(&folder)?;
    let mut daemon = daemon(&server, backend, &["--config", &config.display().to_string()])?;
    let mut sequences = HashMap::new();
    log::info!("{CHANNELS} channels of silence, {} s", COMPARED.as_secs());
    let silence = listen(&mut daemon, COMPARED, &mut sequences)?;
    let _voice = voice(&server, CHANNELS)?;
    log::info!("{CHANNELS} channels of speech, {} s", COMPARED.as_secs());
    let speech = listen(&mut daemon, COMPARED, &mut sequences)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let _load = (0..cores).map(|_| busy()).collect::<Result<Vec<_>>>()?;
    let mut loaded = Heard::default();
    for minute in 1..=minutes {
        let heard = listen(&mut daemon, Duration::from_secs(60), &mut sequences)?;
        loaded.add(heard, minute);
        log::info!(
            "minute {minute} of {minutes}: {} of {} hops missing",
            loaded.missing,
            loaded.hops
        );
    }
    std::fs::remove_dir_all(&folder)?;
    write_table(&[silence, speech, loaded], minutes, cores, out)
}

fn configure(folder: &PathBuf) -> Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join("config.toml");
    std::fs::write(&path, format!("[input]\nchannels = {CHANNELS}\n"))?;
    Ok(path)
}

/// A process that keeps one core busy at normal priority.
fn busy() -> Result<Ended> {
    let mut program = ourselves()?;
    program.args(["bench", "--busy"]);
    Ok(Ended(program.spawn()?))
}

/// Body of that process.
pub fn be_busy() {
    /// Some milliseconds of work between two looks for the parent.
    const ROUNDS: u32 = 1 << 22;
    let mut number = 1_u64;
    until_parent_ends(|| {
        for _ in 0..ROUNDS {
            number = std::hint::black_box(number.wrapping_mul(6_364_136_223_846_793_005));
        }
    });
}

fn listen(
    daemon: &mut Watched,
    span: Duration,
    sequences: &mut HashMap<String, i32>,
) -> Result<Heard> {
    let (begun, cpu_s) = (Instant::now(), daemon.cpu_s());
    let mut heard = Heard::default();
    while begun.elapsed() < span {
        for message in daemon.hear()? {
            match message.args.as_slice() {
                [OscType::Int(sequence), _, _, OscType::Float(age_ms)] if is_time(&message) => {
                    heard.hops += 1;
                    heard.ages_us.push(1000.0 * f64::from(*age_ms));
                    let last = sequences.insert(message.addr, *sequence);
                    let missing = last.map_or(0, |last| sequence - last - 1);
                    heard.missing += u64::try_from(missing).unwrap_or(0);
                }
                [OscType::Int(value)] if message.addr.starts_with("/ser/health/") => {
                    heard.health.insert(message.addr, f64::from(*value));
                }
                [OscType::Float(value)] if message.addr.starts_with("/ser/health/") => {
                    heard.health.insert(message.addr, f64::from(*value));
                }
                _ => {}
            }
        }
    }
    let spent = daemon.cpu_s().zip(cpu_s).map_or(f64::NAN, |(now, before)| now - before);
    heard.cpu_percent = 100.0 * spent / begun.elapsed().as_secs_f64();
    Ok(heard)
}

impl Heard {
    /// `minute` is the number of this part, from 1.
    fn add(&mut self, part: Self, minute: u32) {
        self.hops += part.hops;
        self.missing += part.missing;
        self.ages_us.extend(part.ages_us);
        self.health.extend(part.health);
        if minute == 1 {
            self.first_memory_mb = self.of("mem_mb");
        }
        self.cpu_percent += (part.cpu_percent - self.cpu_percent) / f64::from(minute);
    }

    fn of(&self, name: &str) -> f64 {
        self.health.get(&format!("/ser/health/{name}")).copied().unwrap_or(0.0)
    }
}

fn write_table(parts: &[Heard; 3], minutes: u32, cores: usize, out: &mut dyn Write) -> Result<()> {
    let [silence, speech, loaded] = parts;
    writeln!(out, "| {CHANNELS} channels on JACK, {BLOCK_FRAMES} frames at 48 kHz | |")?;
    writeln!(out, "|---|---|")?;
    let (idle, speaking) = (silence.cpu_percent, speech.cpu_percent);
    writeln!(out, "| share of one core, silence / all speak | {idle:.1} / {speaking:.1} % |")?;
    writeln!(out, "| under load on {cores} cores for | {minutes} min |")?;
    writeln!(out, "| hops told / missing | {} / {} |", loaded.hops, loaded.missing)?;
    let counts = ["dropped", "late", "xruns", "restarts"].map(|name| loaded.of(name));
    let [dropped, late, xruns, restarts] = counts;
    writeln!(out, "| hops dropped / late | {dropped} / {late} |")?;
    writeln!(out, "| interruptions that JACK reported / restarts | {xruns} / {restarts} |")?;
    for (name, part) in [("without load", speech), ("under load", loaded)] {
        let ages = Times::from(part.ages_us.clone());
        let [p50, p99, most] = [50, 99, 100].map(|percent| ages.percentile(percent) / 1000.0);
        let what = format!("last sample to socket {name}, p50 / p99 / longest");
        writeln!(out, "| {what} | {p50:.1} / {p99:.1} / {most:.1} ms |")?;
    }
    let (first, last) = (loaded.first_memory_mb, loaded.of("mem_mb"));
    writeln!(out, "| memory after a minute / at the end | {first:.1} / {last:.1} MB |")?;
    Ok(())
}
