//! What plug-ins cost: in our process, in one of their own, and in jalv, which hosts one plug-in a
//! process on JACK. The same plug-in in each, its blocks as often as at 48 kHz.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::audio::Callback;
use crate::bench::Times;
use crate::bench::jack::{Server, voice};
use crate::bench::watched::Ended;
use crate::config::slots::{Plugins, Slot};
use crate::plugins::chain::chains;
use crate::plugins::rack::Rack;
use crate::ring::{Block, ring};

/// A stereo reverb of Debian's mda-lv2: the plug-in that a voice meets most often.
const PLUGIN: &str = "http://drobilla.net/plugins/mda/Ambience";

const RATE_HZ: u32 = 48_000;
const FRAMES: [u32; 3] = [64, 128, 256];
const SLOTS: [usize; 3] = [1, 4, 16];

/// How long each arrangement runs.
const RUN: Duration = Duration::from_secs(3);

/// One arrangement, per block and slot.
struct Cost {
    /// Of the callback.
    callback_us: f64,
    /// All processor time, where another process has a part in it.
    elsewhere_us: Option<f64>,
}

pub fn write_rows(out: &mut dyn Write) -> Result<()> {
    let mut probe = Rack::new(std::env::current_exe()?, Plugins::default());
    let (_chains, ends) = chains(1, RATE_HZ);
    probe.attach(ends);
    if let Err((_, error)) = probe.prepare(&slots(1, true)) {
        writeln!(out, "(plug-ins are not measured: {error})\n")?;
        return Ok(());
    }
    drop(probe);
    writeln!(
        out,
        "| mda Ambience, per block and slot | in our process | in one of its own: the callback \
         | that process | jalv | ours / jalv |\n|---|---|---|---|---|---|"
    )?;
    for frames in FRAMES {
        for count in SLOTS {
            let here = run(count, frames, true)?.callback_us;
            let there = run(count, frames, false)?;
            let process_us = there.elsewhere_us.unwrap_or_default();
            let jalv = jalv(count, frames).map_or_else(
                |error| {
                    log::warn!("jalv is not measured: {error:#}");
                    "not measured | ".to_owned()
                },
                |jalv_us| format!("{jalv_us:.1} µs | {:.2}", here / jalv_us),
            );
            writeln!(
                out,
                "| {frames} frames, slots: {count} | {here:.2} µs | {:.2} µs | {process_us:.2} µs \
                 | {jalv} |",
                there.callback_us
            )?;
        }
    }
    writeln!(out)?;
    write_wake_rows(out)
}

fn slots(count: usize, trusted: bool) -> Plugins {
    let slot = |number: usize| Slot {
        uri: PLUGIN.to_owned(),
        name: format!("room_{number}"),
        channel: None,
        bypass: false,
        trusted,
        preset: None,
        set: Vec::new(),
        state: None,
    };
    Plugins { tap: 0, slots: (0..count).map(slot).collect() }
}

/// The callback as a sound card would call it, on two channels.
fn run(count: usize, frames: u32, trusted: bool) -> Result<Cost> {
    let (writer, mut reader) = ring(2, RATE_HZ, 1.0);
    let (chain, ends) = chains(2, RATE_HZ);
    let mut callback = Callback::new(writer).through(chain);
    let mut rack = Rack::new(std::env::current_exe()?, slots(count, trusted));
    rack.attach(ends);
    let block_s = f64::from(frames) / f64::from(RATE_HZ);
    let frames = usize::try_from(frames)?;
    let sound: Vec<f32> = (0..frames).map(|frame| 0.3 * (0.05 * frame as f32).sin()).collect();
    let mut outputs = [vec![0.0; frames], vec![0.0; frames]];
    let (begun, mut times, mut blocks) = (Instant::now(), Vec::new(), 0_u32);
    let mut process_s = None;
    while begun.elapsed() < RUN {
        let due = begun + Duration::from_secs_f64(block_s * f64::from(blocks));
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        blocks += 1;
        let [left, right] = &mut outputs;
        let called = Instant::now();
        callback.process_through(Block::Planar(&[&sound, &sound]), &mut [left, right]);
        times.push(1e6 * called.elapsed().as_secs_f64());
        while reader.read().is_some() {}
        if blocks.is_multiple_of(64) {
            rack.tend(Instant::now());
        }
        if blocks == 256 {
            process_s = rack.processes().first().and_then(|id| cpu_s(*id)).map(|s| (s, blocks));
        }
    }
    let spent = process_s.zip(rack.processes().first().and_then(|id| cpu_s(*id)));
    let elsewhere = spent.map(|((before, since), now)| {
        1e6 * (now - before) / f64::from(blocks - since) / count as f64
    });
    let callback_us = Times::from(times).percentile(50) / count as f64;
    Ok(Cost { callback_us, elsewhere_us: elsewhere })
}

/// What it would cost the callback to wake a thread once a block, as `unpark` does by a futex;
/// and so what it saves that the process looks by itself.
fn write_wake_rows(out: &mut dyn Write) -> Result<()> {
    writeln!(out, "| waking a thread once a block | median | p99 | share |\n|---|---|---|---|")?;
    for frames in FRAMES {
        let block_s = f64::from(frames) / f64::from(RATE_HZ);
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        let sleeper = std::thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                std::thread::park();
            }
        });
        let (begun, mut times) = (Instant::now(), Vec::new());
        while begun.elapsed() < RUN {
            std::thread::sleep(Duration::from_secs_f64(block_s));
            let called = Instant::now();
            sleeper.thread().unpark();
            times.push(1e6 * called.elapsed().as_secs_f64());
        }
        is_over.store(true, Ordering::Relaxed);
        sleeper.thread().unpark();
        ensure!(sleeper.join().is_ok(), "a thread that only sleeps has failed");
        Times::from(times).write(out, &format!("{frames} frames"), 1e6 * block_s)?;
    }
    writeln!(out)?;
    Ok(())
}

/// As many jalv in a row on a server of the benchmark's own: processor time per block and plug-in.
fn jalv(count: usize, frames: u32) -> Result<f64> {
    let server = Server::start(frames).context("no jackd is installed")?;
    std::thread::sleep(Duration::from_secs(1));
    let mut hosts: Vec<Ended> = Vec::new();
    for number in 0..count {
        hosts.push(Ended(start_jalv(&server, number)?));
    }
    std::thread::sleep(Duration::from_secs(2));
    let _voice = voice(&server, 0)?;
    std::thread::sleep(Duration::from_millis(500));
    let wires = (1..count)
        .map(|number| (format!("jalv_{}:left_out", number - 1), format!("jalv_{number}:left_in")));
    let first = ("voice:out".to_owned(), "jalv_0:left_in".to_owned());
    for (from, to) in std::iter::once(first).chain(wires) {
        let mut connect = Command::new("jack_connect");
        server.point(&mut connect);
        ensure!(connect.args([&from, &to]).status()?.success(), "no wire from {from} to {to}");
    }
    let spent = || hosts.iter().map(|host| cpu_s(host.0.id())).sum::<Option<f64>>();
    let before = spent().context("the system does not tell processor times")?;
    std::thread::sleep(2 * RUN);
    let after = spent().context("a jalv has ended")?;
    let blocks = 2.0 * RUN.as_secs_f64() * f64::from(RATE_HZ) / f64::from(frames);
    Ok(1e6 * (after - before) / blocks / count as f64)
}

/// With its standard input kept open, at whose end it leaves.
fn start_jalv(server: &Server, number: usize) -> Result<Child> {
    let mut program = Command::new("jalv");
    server.point(&mut program);
    program.args(["-x", "-n", &format!("jalv_{number}"), PLUGIN]);
    program.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    program.spawn().context("no jalv is installed")
}

/// Processor time of all threads that a process has now; `None` where the system does not tell.
/// Finer than the ticks of /proc/PID/stat (Linux, Documentation/scheduler/sched-stats.rst).
fn cpu_s(process: u32) -> Option<f64> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let one = |thread: std::fs::DirEntry| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    Some(threads.flatten().filter_map(one).sum::<f64>() / 1e9)
}
