//! What the audio thread does with one block, by itself.

use std::io::Write;

use anyhow::Result;

use crate::audio::Callback;
use crate::bench::Times;
use crate::ring::{Block, Chunk, ring};

const RATE_HZ: u32 = 48_000;

/// Rows of the report: blocks as JACK hands them over, with the sound going on to outputs.
pub fn write_rows(out: &mut dyn Write) -> Result<()> {
    writeln!(out, "| audio callback at 48 kHz, outputs on | median | p99 | longest | share |")?;
    writeln!(out, "|---|---|---|---|---|")?;
    for frames in [64_u16, 128, 256] {
        for channels in [1, 2, 8] {
            let times = times(frames, channels);
            let [p50, p99, most] = [50, 99, 100].map(|percent| times.percentile(percent));
            let block_us = 1e6 * f64::from(frames) / f64::from(RATE_HZ);
            let shares = [p50, most].map(|time| 100.0 * time / block_us);
            writeln!(
                out,
                "| {frames} frames, channels: {channels} | {p50:.2} µs | {p99:.2} µs \
                 | {most:.2} µs | {:.3} % (longest {:.2} %) |",
                shares[0], shares[1]
            )?;
        }
    }
    writeln!(out)?;
    Ok(())
}

fn times(frames: u16, channels: u16) -> Times {
    const RUNS: usize = 20_000;
    let (writer, mut reader) = ring(channels, RATE_HZ, 1.0);
    let mut callback = Callback::new(writer);
    let samples: Vec<f32> = (0..frames).map(|frame| f32::from(frame).sin()).collect();
    let inputs = vec![samples.as_slice(); usize::from(channels)];
    let mut outputs = vec![samples.clone(); usize::from(channels)];
    let mut outputs: Vec<&mut [f32]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    Times::of(RUNS, || {
        callback.process_through(Block::Planar(&inputs), &mut outputs);
        // Half of it: what the worker does is none of the callback's time.
        let mut left = 2 * usize::from(frames);
        while let Some(Chunk::Frames(read)) = reader.read() {
            left = left.saturating_sub(read.len() / usize::from(channels));
            if left == 0 {
                break;
            }
        }
    })
}
