//! What a check found, and how it reads. Pure data; how it came about is left to `check`.

use std::fmt;
use std::time::Duration;

use crate::units::{amplitude_to_db, to_f32};

/// Calls to the heap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    pub allocations: u64,
    pub frees: u64,
}

impl Calls {
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    pub fn add(&mut self, other: Self) {
        self.allocations += other.allocations;
        self.frees += other.frees;
    }
}

pub struct Report {
    pub uri: String,
    pub title: String,
    pub channels: usize,
    pub rate_hz: u32,
    pub block_frames: usize,
    /// Until it could run.
    pub built_in: Duration,
    pub parameters: usize,
    /// As it was asked for.
    pub still: Pass,
    /// Of the parameters, those that moved.
    pub moved: usize,
    /// Then once more while they move; `None` if there are none, or it was muted before.
    pub moving: Option<Pass>,
}

/// Once through the sound.
#[derive(Default)]
pub struct Pass {
    pub cost: Cost,
    /// As it tells at the end.
    pub latency_frames: u32,
    pub heap: Option<Calls>,
    pub blocks: u64,
    /// Blocks with at least one of these calls.
    pub heap_blocks: u64,
    /// Samples that were NaN or infinite, and denormal ones, of all outputs.
    pub not_finite: u64,
    pub denormal: u64,
    pub before: Level,
    pub after: Level,
    /// When it gave no sound any more, which ends the pass.
    pub muted_at_s: Option<f64>,
}

/// Of a block, in µs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    pub mean: f64,
    pub p99: f64,
    pub worst: f64,
    pub worst_at_s: f64,
}

impl Cost {
    pub fn of(mut times_us: Vec<f64>, block_s: f64) -> Self {
        let Some(last) = times_us.len().checked_sub(1) else { return Self::default() };
        let mean = times_us.iter().sum::<f64>() / times_us.len() as f64;
        let worst = times_us.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let (worst_block, worst) = worst.map_or((0, 0.0), |(block, time_us)| (block, *time_us));
        times_us.sort_unstable_by(f64::total_cmp);
        let p99 = times_us[last * 99 / 100];
        Self { mean, p99, worst, worst_at_s: block_s * worst_block as f64 }
    }
}

/// How loud all channels together were.
#[derive(Clone, Copy, Debug, Default)]
pub struct Level {
    peak: f32,
    squares: f64,
    samples: u64,
}

impl Level {
    /// Numbers that are none count as silence, as they do in the chain.
    pub fn take(&mut self, samples: &[f32]) {
        for sample in samples.iter().filter(|sample| sample.is_finite()) {
            self.peak = self.peak.max(sample.abs());
            self.squares += f64::from(*sample).powi(2);
        }
        self.samples += samples.len() as u64;
    }

    pub fn peak_db(&self) -> f32 {
        amplitude_to_db(self.peak)
    }

    pub fn rms_db(&self) -> f32 {
        amplitude_to_db(to_f32((self.squares / self.samples.max(1) as f64).sqrt()))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let block_us = 1e6 * self.block_frames as f64 / f64::from(self.rate_hz);
        let channels = if self.channels == 1 { "channel" } else { "channels" };
        writeln!(f, "{} ({})", self.title, self.uri)?;
        writeln!(
            f,
            "  sound       {:.1} s, {} {channels} at {} Hz, blocks of {} frames ({:.2} ms)",
            self.still.blocks as f64 * block_us / 1e6,
            self.channels,
            self.rate_hz,
            self.block_frames,
            block_us / 1e3
        )?;
        writeln!(f, "  built in    {:.1} ms", 1e3 * self.built_in.as_secs_f64())?;
        writeln!(f, "  parameters  {}, of which {} can glide", self.parameters, self.moved)?;
        self.still.write(f, self.block_frames, block_us)?;
        match &self.moving {
            Some(moving) => {
                writeln!(f, "once more, while these glide from end to end:")?;
                moving.write(f, self.block_frames, block_us)
            }
            None if self.moved == 0 => writeln!(f, "no parameter glides, so nothing was moved"),
            None => writeln!(f, "it is muted, so nothing was moved"),
        }
    }
}

impl Pass {
    fn write(&self, f: &mut fmt::Formatter, block_frames: usize, block_us: f64) -> fmt::Result {
        let part = |us: f64| format!("{us:.2} µs ({:.2} %)", 100.0 * us / block_us);
        let Cost { mean, p99, worst, worst_at_s } = self.cost;
        let (mean, p99, worst) = (part(mean), part(p99), part(worst));
        writeln!(f, "  cost        of a block: mean {mean}, p99 {p99}")?;
        writeln!(f, "              worst {worst} at {worst_at_s:.2} s")?;
        let latency_ms = 1e-3 * block_us * f64::from(self.latency_frames) / block_frames as f64;
        writeln!(f, "  latency     {} frames, {latency_ms:.1} ms", self.latency_frames)?;
        writeln!(f, "  heap        {}", self.heap_text())?;
        let level = |level: Level| [level.peak_db(), level.rms_db()];
        let [[peak, rms], [out_peak, out_rms]] = [level(self.before), level(self.after)];
        writeln!(
            f,
            "  level       peak {peak:.1} → {out_peak:.1}, RMS {rms:.1} → {out_rms:.1} dBFS"
        )?;
        let (not_finite, denormal) = (self.not_finite, self.denormal);
        writeln!(f, "  no numbers  {not_finite} samples NaN or infinite, {denormal} denormal")?;
        match self.muted_at_s {
            Some(at_s) if not_finite > 0 => {
                writeln!(f, "  muted       at {at_s:.2} s, as not all samples were numbers")
            }
            Some(at_s) => {
                writeln!(f, "  muted       at {at_s:.2} s, beyond 40 dB above full scale")
            }
            None => writeln!(f, "  muted       no"),
        }
    }

    fn heap_text(&self) -> String {
        let Some(calls) = self.heap else { return "not counted here".to_owned() };
        let (all, some) = (self.blocks, self.heap_blocks);
        if calls.is_none() {
            return format!("no calls in {all} blocks");
        }
        let each = |calls: u64| 1000.0 * calls as f64 / all.max(1) as f64;
        let Calls { allocations, frees } = calls;
        let (per_allocations, per_frees) = (each(allocations), each(frees));
        format!(
            "{allocations} allocations and {frees} frees, in {some} of {all} blocks\n              \
             {per_allocations:.1} and {per_frees:.1} per 1,000 blocks"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_that_of_the_mean_the_99th_and_the_worst_block() {
        // 1 to 100, the largest first: (1 + 100) / 2, and 99 of 100 are no larger than 99.
        let cost = Cost::of((1..=100).rev().map(f64::from).collect(), 0.5);
        assert_eq!(cost, Cost { mean: 50.5, p99: 99.0, worst: 100.0, worst_at_s: 0.0 });
        let cost = Cost::of(vec![1.0, 1.0, 7.0], 0.5);
        assert_eq!(cost, Cost { mean: 3.0, p99: 1.0, worst: 7.0, worst_at_s: 1.0 });
        assert_eq!(Cost::of(Vec::new(), 1.0), Cost::default());
    }

    #[test]
    fn a_square_wave_is_as_loud_as_its_peak_and_nan_is_silence() {
        let mut level = Level::default();
        level.take(&[0.5, -0.5]);
        assert!((level.peak_db() + 6.02).abs() < 0.01 && (level.rms_db() + 6.02).abs() < 0.01);
        level.take(&[f32::NAN, 0.0]);
        assert!((level.peak_db() + 6.02).abs() < 0.01 && (level.rms_db() + 9.03).abs() < 0.01);
    }

    fn heap_text(heap: Option<Calls>) -> String {
        Pass { heap, blocks: 2000, heap_blocks: 3, ..Pass::default() }.heap_text()
    }

    #[test]
    fn calls_to_the_heap_are_told_in_total_and_for_1000_blocks() {
        let calls = Calls { allocations: 5, frees: 4 };
        let expected = "5 allocations and 4 frees, in 3 of 2000 blocks\n              \
                        2.5 and 2.0 per 1,000 blocks";
        assert_eq!(heap_text(Some(calls)), expected);
        assert_eq!(heap_text(Some(Calls::default())), "no calls in 2000 blocks");
        assert_eq!(heap_text(None), "not counted here");
    }
}
