//! When a frame was captured, as time of day: the stamps of the blocks, smoothed. Runs on the
//! worker. Reads no clock itself: whoever polls the ring says what time it is.

use std::f64::consts::{SQRT_2, TAU};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::ring::Stamp;

/// How long the nearest pair of the source's clock and the time of day counts, at least and half
/// of at most. Long enough for a hundred blocks, one of which is seen as soon as it has come; short
/// enough that two clocks drift apart by some 10 µs.
const WINDOW: Duration = Duration::from_secs(1);

/// Bandwidth of the loop that smooths the stamps: wide at first, so that it is right within a
/// second; then narrow, so that stamps which are off by milliseconds move it by a tenth of that.
const BANDWIDTH_HZ: std::ops::RangeInclusive<f64> = 0.1..=2.0;

/// A source whose blocks come so far from where they are due was paused, or skipped some: the loop
/// begins anew. More than the jitter of any stamp (PulseAudio's, the worst: 10 ms).
const JUMP_NS: f64 = 50e6;

/// No sound card is so far off its rate; bounds what nonsense can do to the loop.
const RATE_ERROR_MAX: f64 = 0.005;

const NS_PER_S: f64 = 1e9;

/// Maps frame index to time of day in two steps.
///
/// A delay-locked loop (Adriaensen, "Using a DLL to filter time", LAC 2005) learns from the stamps
/// when frames are captured on the clock of their source, and at which rate. That clock is related
/// to the time of day by the stamp that took least from the call of the callback until the worker
/// saw it: never too early, and too late by the shortest such delay of the last one or two
/// seconds, some 0.1 ms. Both follow drift without end; a step of the system's clock is followed
/// within two seconds.
#[derive(Debug)]
pub struct CaptureClock {
    nominal_ns: f64,
    line: Option<Line>,
    offset: Offset,
}

impl CaptureClock {
    pub fn new(rate_hz: u32) -> Self {
        let nominal_ns = NS_PER_S / f64::from(rate_hz);
        Self { nominal_ns, line: None, offset: Offset::default() }
    }

    /// The block that begins with this frame was stamped so, and seen at `now`. Frames rise.
    pub fn observe(&mut self, frame: u64, stamp: Stamp, now: SystemTime) {
        self.offset.observe(stamp.called_ns, now);
        let nominal_ns = self.nominal_ns;
        let line = self.line.as_mut();
        let is_followed =
            line.is_some_and(|line| line.follow(frame, stamp.captured_ns, nominal_ns));
        if !is_followed {
            self.line = Some(Line::new(frame, stamp.captured_ns, nominal_ns));
        }
    }

    /// Time of capture of the frame with this index; before the first observation it is 1970.
    pub fn time_of(&self, frame: u64) -> SystemTime {
        let (Some(line), Some(offset_ns)) = (&self.line, self.offset.least_ns()) else {
            return UNIX_EPOCH;
        };
        // Out of u64 only before 1970 or after 2554.
        let ns = u64::try_from(line.time_of(frame) + offset_ns).unwrap_or(0);
        UNIX_EPOCH + Duration::from_nanos(ns)
    }
}

/// The loop: a straight line from frames to nanoseconds of the source's clock.
#[derive(Debug)]
struct Line {
    /// Times are kept relative to this one, within the 2^53 that f64 has exactly.
    origin_ns: u64,
    start_frame: u64,
    frame: u64,
    time_ns: f64,
    period_ns: f64,
}

impl Line {
    fn new(frame: u64, captured_ns: u64, nominal_ns: f64) -> Self {
        let (start_frame, time_ns) = (frame, 0.0);
        Self { origin_ns: captured_ns, start_frame, frame, time_ns, period_ns: nominal_ns }
    }

    /// False if this stamp does not belong to the line.
    fn follow(&mut self, frame: u64, captured_ns: u64, nominal_ns: f64) -> bool {
        let frames = distance(self.frame, frame);
        if frames <= 0.0 {
            return frames == 0.0;
        }
        let expected_ns = self.time_ns + frames * self.period_ns;
        let error_ns = distance(self.origin_ns, captured_ns) - expected_ns;
        if JUMP_NS < error_ns.abs() {
            return false;
        }
        let age_s = distance(self.start_frame, frame) * nominal_ns / NS_PER_S;
        let bandwidth_hz = (1.0 / age_s).clamp(*BANDWIDTH_HZ.start(), *BANDWIDTH_HZ.end());
        // At most 1 radian: a block of seconds would make the loop swing.
        let omega = (TAU * bandwidth_hz * frames * nominal_ns / NS_PER_S).min(1.0);
        self.time_ns = expected_ns + (SQRT_2 * omega).min(1.0) * error_ns;
        let period_ns = self.period_ns + omega * omega * error_ns / frames;
        let allowed = nominal_ns * (1.0 - RATE_ERROR_MAX)..=nominal_ns * (1.0 + RATE_ERROR_MAX);
        self.period_ns = period_ns.clamp(*allowed.start(), *allowed.end());
        self.frame = frame;
        true
    }

    fn time_of(&self, frame: u64) -> i128 {
        let relative_ns = self.time_ns + distance(self.frame, frame) * self.period_ns;
        i128::from(self.origin_ns) + whole(relative_ns)
    }
}

/// From the clock of the source to the time of day, in nanoseconds.
#[derive(Debug, Default)]
struct Offset {
    window_end: Option<SystemTime>,
    /// Least of the window before this one, and of this one.
    before_ns: Option<i128>,
    now_ns: Option<i128>,
}

impl Offset {
    fn observe(&mut self, called_ns: u64, now: SystemTime) {
        // The second test is for a system clock that was set back.
        if self.window_end.is_none_or(|end| end <= now || now + WINDOW < end) {
            self.before_ns = self.now_ns.take();
            self.window_end = Some(now + WINDOW);
        }
        let offset_ns = since_epoch_ns(now) - i128::from(called_ns);
        self.now_ns = Some(self.now_ns.map_or(offset_ns, |least| least.min(offset_ns)));
    }

    fn least_ns(&self) -> Option<i128> {
        self.now_ns.into_iter().chain(self.before_ns).min()
    }
}

/// From one count to another, exact for what is less than 2^53 apart.
fn distance(from: u64, to: u64) -> f64 {
    let magnitude = |count: u64| {
        #[expect(clippy::cast_precision_loss, reason = "told above")]
        let count = count as f64;
        count
    };
    if from <= to { magnitude(to - from) } else { -magnitude(from - to) }
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates and makes NaN 0")]
fn whole(ns: f64) -> i128 {
    ns.round() as i128
}

fn since_epoch_ns(time: SystemTime) -> i128 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i128::try_from(since.as_nanos()).unwrap_or(i128::MAX)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run on threads that may")]
mod tests {
    use super::*;

    const RATE_HZ: u32 = 48_000;
    const BLOCK: u64 = 480; // 10 ms
    const BLOCK_NS: f64 = 10e6;
    const SECOND: u64 = 1_000_000_000;

    fn start() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    /// A card that counts its own nanoseconds from 77 s on, `ppm` off its rate, and says when each
    /// block was captured with an error of up to `jitter_ns`.
    struct Card {
        clock: CaptureClock,
        ppm: f64,
        jitter_ns: f64,
        blocks: u64,
        /// What the source stood still for so far.
        paused: Duration,
        /// Where the system's clock was set to, against the true time.
        set_by: Duration,
    }

    impl Card {
        const ZERO: u64 = 77 * SECOND;
        /// From the last frame to the callback.
        const LATENCY_NS: u64 = 3_000_000;

        fn new(ppm: f64, jitter_ns: f64) -> Self {
            let (paused, set_by) = (Duration::ZERO, Duration::ZERO);
            let clock = CaptureClock::new(RATE_HZ);
            Self { clock, ppm, jitter_ns, blocks: 0, paused, set_by }
        }

        /// True time since the start at which this frame is captured.
        fn captured(&self, frame: u64) -> Duration {
            let seconds = frame as f64 / f64::from(RATE_HZ) * (1.0 - 1e-6 * self.ppm);
            Duration::from_secs_f64(seconds) + self.paused
        }

        fn run(&mut self, seconds: u64) {
            for _ in 0..100 * seconds {
                let number = self.blocks;
                self.blocks += 1;
                let end = self.captured(self.blocks * BLOCK).as_nanos();
                let called_ns = Self::ZERO + u64::try_from(end).expect("short") + Self::LATENCY_NS;
                // Off by a triangle wave, whose mean is 0.
                let wave = (number % 20) as f64 / 5.0 - 2.0;
                let off_ns = self.jitter_ns * (wave.abs() - 1.0);
                let said_ns = called_ns as f64 - Self::LATENCY_NS as f64 - BLOCK_NS + off_ns;
                let captured_ns = u64::try_from(whole(said_ns)).expect("after 0");
                // The worker looks each 2 ms.
                let seen =
                    Duration::from_nanos(called_ns - Self::ZERO + number * 37 % 20 * 100_000);
                let now = start() + seen + self.set_by;
                self.clock.observe(number * BLOCK, Stamp { called_ns, captured_ns }, now);
            }
        }

        /// How far the newest frame's time is off, in milliseconds.
        fn error_ms(&self) -> f64 {
            let frame = self.blocks * BLOCK;
            let told = since_epoch_ns(self.clock.time_of(frame));
            let truth = since_epoch_ns(start() + self.captured(frame) + self.set_by);
            (told - truth) as f64 / 1e6
        }
    }

    #[test]
    fn a_good_card_is_dated_at_once() {
        let mut card = Card::new(0.0, 0.0);
        card.run(1);
        assert!((0.0..0.2).contains(&card.error_ms()), "{} ms", card.error_ms());
        let first = since_epoch_ns(card.clock.time_of(0)) - since_epoch_ns(start());
        assert!((0..200_000).contains(&first), "{first} ns");
    }

    #[test]
    fn half_an_hour_of_a_card_that_runs_fast_and_stamps_badly_adds_up_to_nothing() {
        for ppm in [200.0, -200.0] {
            let mut card = Card::new(ppm, 5e6);
            card.run(10);
            for _ in 0..180 {
                card.run(10);
                assert!(card.error_ms().abs() < 1.0, "{} ms", card.error_ms());
            }
        }
    }

    #[test]
    fn a_source_that_paused_is_dated_anew_at_once() {
        let mut card = Card::new(0.0, 0.0);
        card.run(5);
        card.paused = Duration::from_secs(10);
        card.run(1);
        assert!(card.error_ms().abs() < 0.2, "{} ms", card.error_ms());
    }

    #[test]
    fn a_system_clock_that_was_set_is_followed() {
        for hour in [1, 3] {
            let mut card = Card::new(0.0, 0.0);
            card.set_by = Duration::from_secs(2 * 3600);
            card.run(5);
            card.set_by = Duration::from_secs(hour * 3600);
            card.run(3);
            assert!(card.error_ms().abs() < 0.2, "{hour}: {} ms", card.error_ms());
        }
    }

    #[test]
    fn before_the_first_stamp_it_is_1970() {
        assert_eq!(CaptureClock::new(RATE_HZ).time_of(7), UNIX_EPOCH);
    }

    #[test]
    fn nonsense_moves_it_by_no_more_than_nonsense() {
        let mut card = Card::new(0.0, 0.0);
        card.run(1);
        for (frame, stamp) in [
            (0, Stamp { called_ns: 0, captured_ns: 0 }),
            (u64::MAX, Stamp { called_ns: u64::MAX, captured_ns: u64::MAX }),
            (5, Stamp { called_ns: 1, captured_ns: u64::MAX }),
        ] {
            card.clock.observe(frame, stamp, start());
            std::hint::black_box(card.clock.time_of(frame / 2));
        }
        card.run(5);
        assert!(card.error_ms().abs() < 0.2, "{} ms", card.error_ms());
    }
}
