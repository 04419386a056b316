//! When a frame was captured, told from the count of frames and the time of day. Runs on the
//! worker. Reads no clock itself: whoever polls the ring says what time it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An observation counts for one to two of these. Shorter than the
/// drift of a sound card needs to matter (100 ppm over 2 s are 0.2 ms), long enough for hundreds
/// of polls, one of which comes right after a block.
const WINDOW: Duration = Duration::from_secs(1);

const NS_PER_S: i128 = 1_000_000_000;

/// Maps frame index to time of day.
///
/// A poll that sees `n` frames knows that frame `n` was captured now, or up to one block ago: the
/// block may have come just after the poll before. So each observation places the first frame too
/// late by 0 to one block (by one poll interval, if that is shorter, since only polls that see new
/// frames count), never too early. The least-delayed observation of the last one or two
/// `WINDOW`s is kept; letting old ones lapse follows drift, a step of the system clock, and a
/// source that paused. Error: at most the shorter of one block and one poll interval. The latency
/// of the device itself is not seen here.
#[derive(Debug)]
pub struct CaptureClock {
    rate_hz: u32,
    frames_seen: u64,
    window_end: SystemTime,
    /// Nanoseconds since 1970 at frame 0: earliest seen in the window before this one, in this one.
    origin_before_ns: Option<i128>,
    origin_ns: Option<i128>,
}

impl CaptureClock {
    pub fn new(rate_hz: u32) -> Self {
        Self {
            rate_hz,
            frames_seen: 0,
            window_end: UNIX_EPOCH,
            origin_before_ns: None,
            origin_ns: None,
        }
    }

    /// `frames` had been delivered by `now`.
    pub fn observe(&mut self, frames: u64, now: SystemTime) {
        if frames == self.frames_seen {
            return;
        }
        self.frames_seen = frames;
        // The second test is for a system clock that was set back.
        if now >= self.window_end || now + WINDOW < self.window_end {
            self.origin_before_ns = self.origin_ns.take();
            self.window_end = now + WINDOW;
        }
        let origin_ns = since_epoch_ns(now) - self.duration_ns(frames);
        self.origin_ns = Some(self.origin_ns.map_or(origin_ns, |least| least.min(origin_ns)));
    }

    /// Time of capture of the frame with this index; before the first observation it is 1970.
    pub fn time_of(&self, frame: u64) -> SystemTime {
        let Some(origin_ns) = self.origin_ns.into_iter().chain(self.origin_before_ns).min() else {
            return UNIX_EPOCH;
        };
        // Out of u64 only before 1970 or after 2554.
        let ns = u64::try_from(origin_ns + self.duration_ns(frame)).unwrap_or(0);
        UNIX_EPOCH + Duration::from_nanos(ns)
    }

    fn duration_ns(&self, frames: u64) -> i128 {
        i128::from(frames) * NS_PER_S / i128::from(self.rate_hz)
    }
}

fn since_epoch_ns(time: SystemTime) -> i128 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i128::from(since.as_secs()) * NS_PER_S + i128::from(since.subsec_nanos())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run on threads that may")]
#[expect(clippy::cast_possible_truncation, reason = "test numbers are small")]
mod tests {
    use super::*;

    const RATE_HZ: u32 = 48_000;
    const BLOCK: u64 = 1024; // 21.3 ms
    const POLL_MS: u64 = 5;

    fn start() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    /// Polls each [`POLL_MS`] from one time to the other while blocks arrive on time, the first
    /// frame being captured at `start() + late`.
    fn feed(clock: &mut CaptureClock, milliseconds: std::ops::Range<u64>, late: Duration) {
        for ms in milliseconds.step_by(POLL_MS as usize) {
            let now = Duration::from_millis(ms);
            let captured = (now.saturating_sub(late)).as_nanos() as u64 * 48 / 1_000_000;
            clock.observe(captured / BLOCK * BLOCK, start() + now);
        }
    }

    fn check(clock: &CaptureClock, frame: u64, expected: SystemTime) {
        let time = clock.time_of(frame);
        let error = time.duration_since(expected).expect("never too early");
        assert!(error <= Duration::from_millis(POLL_MS), "{error:?}");
    }

    #[test]
    fn frames_are_dated_to_within_one_poll() {
        let mut clock = CaptureClock::new(RATE_HZ);
        feed(&mut clock, 0..3000, Duration::ZERO);
        check(&clock, 96_000, start() + Duration::from_secs(2));
        check(&clock, 0, start());
    }

    #[test]
    fn the_clock_follows_a_source_that_paused() {
        let mut clock = CaptureClock::new(RATE_HZ);
        feed(&mut clock, 0..3000, Duration::ZERO);
        let pause = Duration::from_secs(10);
        feed(&mut clock, 13_000..17_000, pause);
        check(&clock, 5 * 48_000, start() + pause + Duration::from_secs(5));
    }

    #[test]
    fn the_clock_follows_a_system_clock_that_was_set_back() {
        let mut clock = CaptureClock::new(RATE_HZ);
        let back = Duration::from_secs(3600);
        for (index, now) in [start() + back, start()].into_iter().enumerate() {
            let first = index as u64 * 4 * 48_000;
            for ms in (0..4000).step_by(20) {
                clock.observe(first + ms * 48, now + Duration::from_millis(ms));
            }
        }
        check(&clock, 4 * 48_000, start());
    }

    #[test]
    fn a_stalled_source_moves_nothing() {
        let mut clock = CaptureClock::new(RATE_HZ);
        clock.observe(480, start());
        let before = clock.time_of(480);
        clock.observe(480, start() + Duration::from_secs(60));
        assert_eq!(clock.time_of(480), before);
    }
}
