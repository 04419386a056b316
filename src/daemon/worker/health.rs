//! The numbers of the daemon, once a second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::daemon::worker::{HEALTH_PERIOD, Worker};
use crate::messages::{Event, EventKind, Health, HealthState};
use crate::ring::Counters;

/// Without a voice for so long, the daemon counts as paused.
const PAUSE_AFTER: Duration = Duration::from_secs(2);

/// Counters since the start.
#[derive(Default)]
pub struct Tally {
    pub late: i32,
    pub restarts: i32,
    /// Of sources that are gone.
    pub xruns: u64,
    pub repaired: u64,
    pub plugin_faults: i32,
    /// What the last events about overload said.
    told_dropped: u32,
    told_overrun: u64,
}

impl Worker {
    pub(super) fn tell_health(&mut self, now: Instant) {
        let health = self.health(None);
        self.surface.health(&health);
        self.surface.tick(now);
        self.tell_overload();
    }

    pub(super) fn health(&mut self, state: Option<HealthState>) -> Health {
        let [p50, p95, p99] = self.latencies.percentiles([0.5, 0.95, 0.99]);
        let counters = self.live.as_ref().map(|live| live.reader.counters());
        let of = |counter: fn(&Counters) -> &AtomicU64| {
            counters.map_or(0, |counters| counter(counters).load(Ordering::Relaxed))
        };
        let (xruns, repaired) = (of(|c| &c.xruns), of(|c| &c.repaired_samples));
        let clamp = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
        let health = Health {
            state: state.unwrap_or_else(|| self.state()),
            load: self.busy.as_secs_f32() / HEALTH_PERIOD.as_secs_f32(),
            infer_ms: 1000.0 * self.model.spent.as_secs_f32() / self.model.count.max(1) as f32,
            latency_p50_ms: p50,
            latency_p95_ms: p95,
            latency_p99_ms: p99,
            memory_mb: resident_mb(),
            uptime_s: self.started.elapsed().as_secs_f32(),
            xruns: clamp(self.tally.xruns + xruns),
            repaired: clamp(self.tally.repaired + repaired),
            plugin_faults: self.tally.plugin_faults,
            dropped: clamp(u64::from(self.lost_hops())),
            late: self.tally.late,
            restarts: self.tally.restarts,
            gpu: i32::from(self.gpu),
        };
        self.busy = Duration::ZERO;
        self.model.spent = Duration::ZERO;
        self.model.count = 0;
        health
    }

    fn lost_hops(&self) -> u32 {
        let engine = self.live.as_ref().map(|live| &live.engine).or(self.resting.as_ref());
        engine.map_or(0, |engine| engine.lost_hops())
    }

    /// At most one event a second of each kind, whatever goes on.
    fn tell_overload(&mut self) {
        let dropped = self.lost_hops();
        let overrun = self.surface.counters().overrun.load(Ordering::Relaxed);
        let sound = u64::from(dropped.saturating_sub(self.tally.told_dropped));
        let commands = overrun - self.tally.told_overrun;
        self.tally.told_dropped = dropped;
        self.tally.told_overrun = overrun;
        for (code, count, what) in
            [(1, sound, "hops of sound were lost"), (2, commands, "packets were thrown away")]
        {
            if 0 < count {
                let (subject, text) = (count.to_string(), format!("{count} {what} in a second"));
                self.surface.event(&Event { kind: EventKind::Overload, code, subject, text });
            }
        }
    }

    fn state(&self) -> HealthState {
        if self.surface.is_silent() {
            HealthState::Muted
        } else if self.live.is_none() {
            self.without_source
        } else if PAUSE_AFTER < self.last_voice.elapsed() {
            HealthState::Paused
        } else {
            HealthState::Running
        }
    }
}

/// Memory that the process holds, in MB; 0 where the system does not tell.
fn resident_mb() -> f32 {
    const KB_PER_MB: f32 = 1024.0;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb = line.and_then(|line| line.split_whitespace().next()).and_then(|kb| kb.parse().ok());
    kb.unwrap_or(0.0) / KB_PER_MB
}
