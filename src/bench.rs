//! `affectd bench`: what the analysis costs on this machine, as a table. The daemon itself is
//! started on the demo voice and listened to, so its figures are those that a patch would see.

pub mod network;

pub mod signals;

pub mod osc;

pub mod sound;

pub mod watched;

pub mod jack;

pub mod outage;

pub mod plugins;

pub mod endurance;

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::Result;
use rosc::OscType;

use crate::bench::osc::Jitter;
use crate::bench::watched::{Ended, Watched};
use crate::config::checked::Config;
use crate::features::front_end::front_end;
use crate::model::predictor::Predictor;
use crate::wav::Sound;

/// How long the daemon is listened to: once around the demo voice.
const LISTEN: Duration = Duration::from_secs(33);

/// Time budget of one hop, against which shares are given.
const HOP_MS: f64 = 100.0;
const HOP: Duration = Duration::from_millis(100);

/// Times of one kind of work, in microseconds.
struct Times(Vec<f64>);

impl From<Vec<f64>> for Times {
    fn from(times: Vec<f64>) -> Self {
        Self(times)
    }
}

impl Times {
    /// Runs `work` often enough for a 99th percentile.
    fn of(runs: usize, mut work: impl FnMut()) -> Self {
        let times = (0..runs).map(|_| {
            let begun = Instant::now();
            work();
            1e6 * begun.elapsed().as_secs_f64()
        });
        Self(times.collect())
    }

    fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted[(sorted.len() - 1) * percent / 100]
    }

    fn write(&self, out: &mut dyn Write, what: &str, budget_us: f64) -> Result<()> {
        let (p50, p99) = (self.percentile(50), self.percentile(99));
        let share = 100.0 * p50 / budget_us;
        writeln!(out, "| {what} | {p50:.1} µs | {p99:.1} µs | {share:.3} % |")?;
        Ok(())
    }
}

/// The parts of one hop on `voice`, then the whole daemon started as `program` with `arguments`.
pub fn run(
    predictor: &mut Predictor,
    backend: &str,
    config: &Config,
    voice: &Sound,
    out: &mut dyn Write,
) -> Result<()> {
    sound::write_rows(out)?;
    writeln!(out, "| per frame or hop | median | p99 | share of its time |")?;
    writeln!(out, "|---|---|---|---|")?;
    feature_times(predictor, voice)?.write(out, "MFCC and pitch of one 10 ms frame", 10_000.0)?;
    let hop_us = 1000.0 * HOP_MS;
    signals::write_row(predictor.card(), config, voice, out, hop_us)?;
    network::measure(predictor, config, voice)?.write_rows(out, backend, hop_us)?;
    osc::write_rows(out, hop_us)?;
    daemon(backend, out)?;
    jack::write_rows(backend, out)?;
    outage::write_rows(backend, out)?;
    plugins::write_rows(out)
}

fn feature_times(predictor: &Predictor, voice: &Sound) -> Result<Times> {
    let spec = &predictor.card().features;
    let mut front_end = front_end(spec)?;
    let mut row = vec![0.0; spec.rows()];
    let mut frames = voice.samples.chunks_exact(spec.hop).cycle();
    Ok(Times::of(5000, || {
        if let Some(frame) = frames.next() {
            front_end.process(frame, &mut row);
        }
    }))
}

/// What a receiver sees of a daemon that has just been started.
struct Seen {
    first_bundle: Duration,
    /// Last value of each health address.
    latency_ms: [f32; 2],
    memory_mb: f32,
    loads: Vec<f32>,
    dropped: i32,
    /// Alone, with bad receivers beside us, and with a flood of commands as well.
    jitter: [Jitter; 3],
}

fn daemon(backend: &str, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "\nthe daemon on the demo voice for {} s …", LISTEN.as_secs())?;
    out.flush()?;
    let seen = listen(backend)?;
    let [p50, p99] = seen.latency_ms;
    let load = 100.0 * seen.loads.iter().sum::<f32>() / seen.loads.len().max(1) as f32;
    writeln!(out, "| the daemon, as its receiver sees it | |")?;
    writeln!(out, "|---|---|")?;
    writeln!(out, "| start to first bundle | {:.0} ms |", seen.first_bundle.as_secs_f64() * 1e3)?;
    writeln!(out, "| last sample to socket, p50 / p99 | {p50:.1} / {p99:.1} ms |")?;
    writeln!(out, "| worker's share of one core while speaking | {load:.1} % |")?;
    writeln!(out, "| memory | {:.0} MB |", seen.memory_mb)?;
    writeln!(out, "| hops dropped | {} |", seen.dropped)?;
    let jitter = seen.jitter.map(Jitter::p99_ms);
    writeln!(out, "| off an even stream of hops, p99 | {:.1} ms |", jitter[0])?;
    let beside = "… beside a dead receiver and a TCP client that never reads";
    writeln!(out, "| {beside} | {:.1} ms |", jitter[1])?;
    writeln!(out, "| … and a flood of 50,000 commands a second | {:.1} ms |", jitter[2])?;
    Ok(())
}

fn listen(backend: &str) -> Result<Seen> {
    let begun = Instant::now();
    let mut daemon = Watched::start(|program| {
        program.args(["--input", "demo", "--backend", backend]);
    })?;
    let mut seen = Seen {
        first_bundle: Duration::ZERO,
        latency_ms: [0.0; 2],
        memory_mb: 0.0,
        loads: Vec::new(),
        dropped: 0,
        jitter: Default::default(),
    };
    let (mut trouble, mut flood) = (None, None);
    let mut is_speaking = false;
    while seen.first_bundle.is_zero() || begun.elapsed() < seen.first_bundle + LISTEN {
        let messages = daemon.hear()?;
        let now = Instant::now();
        let share =
            begun.elapsed().saturating_sub(seen.first_bundle).as_secs_f64() / LISTEN.as_secs_f64();
        if !seen.first_bundle.is_zero() && 0.33 < share && trouble.is_none() {
            trouble = Some(osc::trouble(daemon.address)?);
        }
        if 0.66 < share && flood.is_none() {
            flood = Some(Ended(osc::flood(daemon.address)?));
        }
        for message in messages {
            let Some(value) = message.args.into_iter().next() else { continue };
            match (message.addr.as_str(), value) {
                ("/ser/ch/1/t", _) => {
                    if seen.first_bundle.is_zero() {
                        seen.first_bundle = begun.elapsed();
                    }
                    let phase = usize::from(trouble.is_some()) + usize::from(flood.is_some());
                    seen.jitter[phase].note(now, HOP);
                }
                ("/ser/ch/1/voice/on", OscType::Int(on)) => is_speaking = on == 1,
                ("/ser/health/lat_p50", OscType::Float(ms)) => seen.latency_ms[0] = ms,
                ("/ser/health/lat_p99", OscType::Float(ms)) => seen.latency_ms[1] = ms,
                ("/ser/health/mem_mb", OscType::Float(mb)) => seen.memory_mb = mb,
                ("/ser/health/load", OscType::Float(load)) if is_speaking && flood.is_none() => {
                    seen.loads.push(load);
                }
                ("/ser/health/dropped", OscType::Int(count)) => seen.dropped = count,
                _ => {}
            }
        }
    }
    Ok(seen)
}
