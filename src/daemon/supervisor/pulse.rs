//! Whether a stream lives: its callbacks come, neither too seldom nor far too often, and its device
//! is still there. Runs on the main thread, at each look of the supervisor.

use std::sync::Once;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::audio::priority::HINT;
use crate::audio::{self, Direction, Liveness, UNPACED_PER_S};
use crate::daemon::worker::Outage;

/// A stream whose callback stands still for so long is closed and opened again. A block is 10 ms,
/// a swapping machine stops for half a second; receivers are to know within one.
const STALL_LIMIT: Duration = Duration::from_millis(800);

/// The same for an output, and before the first block: an idle PulseAudio sink works in blocks of
/// 2 s until a stream that wants shorter ones is well on its way.
const PATIENT_LIMIT: Duration = Duration::from_secs(5);

/// Between two looks for the device itself.
const PRESENCE: Duration = Duration::from_millis(500);

/// The hint is given once, not with each stream that is opened again.
static TOLD: Once = Once::new();

pub struct Pulse {
    id: String,
    direction: Direction,
    callbacks: u64,
    /// When they last became more, and when they were last looked at.
    alive: Instant,
    looked: Instant,
    presence_due: Instant,
}

impl Pulse {
    /// Of a stream that was just started.
    pub fn new(id: String, direction: Direction) -> Self {
        let now = Instant::now();
        let presence_due = now + PRESENCE;
        Self { id, direction, callbacks: 0, alive: now, looked: now, presence_due }
    }

    /// What is the matter, if anything is. May wait some tenths of a second for a sound server.
    pub fn trouble(&mut self, callbacks: u64, liveness: &Liveness) -> Option<Outage> {
        if liveness.priority.take() == Some(false) {
            TOLD.call_once(|| log::info!("{HINT}"));
        }
        if liveness.lost.load(Ordering::Relaxed) {
            return Some(Outage::Lost);
        }
        self.heard(callbacks, Instant::now()).or_else(|| self.missed())
    }

    fn heard(&mut self, callbacks: u64, now: Instant) -> Option<Outage> {
        let (more, since) = (callbacks - self.callbacks, now - self.looked);
        let is_patient = callbacks == 0 || self.direction == Direction::Output;
        let limit = if is_patient { PATIENT_LIMIT } else { STALL_LIMIT };
        self.looked = now;
        if 0 < more {
            self.callbacks = callbacks;
            self.alive = now;
        }
        if UNPACED_PER_S * since.as_secs_f64().max(0.1) < more as f64 {
            return Some(Outage::Unpaced);
        }
        (limit < now - self.alive).then_some(Outage::Stalled)
    }

    /// PulseAudio moves the stream of a device that was pulled to another one, without a word.
    fn missed(&mut self) -> Option<Outage> {
        if Instant::now() < self.presence_due {
            return None;
        }
        let gone = audio::is_gone(&self.id, self.direction);
        self.presence_due = Instant::now() + PRESENCE;
        gone.then_some(Outage::Lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(steps: &[(u64, u64, Option<Outage>)]) {
        let mut pulse = Pulse::new("jack".to_owned(), Direction::Input);
        let start = pulse.looked;
        for &(ms, callbacks, expected) in steps {
            let now = start + Duration::from_millis(ms);
            assert_eq!(pulse.heard(callbacks, now), expected, "after {ms} ms");
        }
    }

    #[test]
    fn a_stream_lives_while_callbacks_come() {
        check(&[(100, 10, None), (200, 20, None), (900, 21, None), (1600, 22, None)]);
    }

    #[test]
    fn a_stream_that_stops_is_stalled_and_one_that_starts_is_given_time() {
        check(&[(100, 10, None), (800, 10, None), (901, 10, Some(Outage::Stalled))]);
        check(&[(4900, 0, None), (5001, 0, Some(Outage::Stalled))]);
    }

    #[test]
    fn a_stream_that_runs_away_is_told_from_one_that_catches_up() {
        check(&[(100, 10, None), (200, 600, None), (300, 30_000, Some(Outage::Unpaced))]);
        // Looked at twice in a millisecond, as when a command came.
        check(&[(100, 10, None), (101, 30, None)]);
    }
}
