//! The plug-in that lets no sample above a ceiling: a limiter that looks ahead, so that its gain
//! is down before the peak is there (P. Hämäläinen, "Smoothing of the Control Signal without
//! Clipped Output in Digital Peak Limiters", DAFx 2002: the lowest gain of a window, then a filter
//! that is no longer than the window). Peaks between samples are not looked for. Runs on the audio
//! thread, made on the plug-in thread.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use crate::plugins::builtin::parts::{Delay, Knob, each_sample, follow_step};
use crate::plugins::processor::Processor;
use crate::units::{db_to_amplitude, to_count, to_f32};

pub const KNOBS: &[Knob] = &[
    Knob::linear("ceiling_db", "Ceiling", "dB", [-24.0, 0.0], -1.0),
    Knob::logarithmic("release_ms", "Release", "ms", [5.0, 2000.0], 80.0),
];

/// How far it looks ahead, which is its delay. Half a period of 100 Hz: the gain need not ripple
/// with a man's voice.
const LOOK_AHEAD_S: f64 = 0.005;

/// A gain of 1, in whole numbers: their running sum is exact and never drifts.
const ONE: f64 = (1_u32 << 30) as f64;

/// The release has arrived when it is so near: 10^-5 dB.
const ARRIVED: f64 = 1e-6;

pub struct Limiter {
    rate_hz: u32,
    look_ahead_frames: usize,
    ceiling: f32,
    release: f64,
    delay: Delay,
    lowest: Lowest,
    released: f64,
    average: Average,
}

impl Limiter {
    pub fn new(rate_hz: u32) -> Self {
        let look_ahead_frames = to_count(LOOK_AHEAD_S * f64::from(rate_hz)).max(1);
        // The peak itself is part of the window.
        let window = look_ahead_frames + 1;
        Self {
            rate_hz,
            look_ahead_frames,
            ceiling: 1.0,
            release: 1.0,
            delay: Delay::new(look_ahead_frames),
            lowest: Lowest::new(window),
            released: 1.0,
            average: Average::new(window),
        }
    }

    fn next(&mut self, sample: f32) -> f32 {
        let peak = f64::from(sample.abs());
        let ceiling = f64::from(self.ceiling);
        let needed = if peak > ceiling { ceiling / peak } else { 1.0 };
        let lowest = self.lowest.next(needed);
        self.released = if lowest - self.released < ARRIVED {
            lowest
        } else {
            self.released + self.release * (lowest - self.released)
        };
        let gain = self.average.next(self.released);
        let due = f64::from(self.delay.next(sample));
        // Only rounding, and a ceiling that came down meanwhile, are left to clip.
        to_f32(gain * due).clamp(-self.ceiling, self.ceiling)
    }
}

impl Processor for Limiter {
    fn start(&mut self) {
        self.delay.clear();
        self.lowest.clear();
        self.released = 1.0;
        self.average.clear();
    }

    fn process(&mut self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        each_sample(inputs, outputs, |sample| self.next(sample));
    }

    fn set(&mut self, parameter: usize, value: f32) {
        match parameter {
            0 => self.ceiling = db_to_amplitude(value),
            _ => self.release = follow_step(value, self.rate_hz),
        }
    }

    fn latency_frames(&self) -> u32 {
        u32::try_from(self.look_ahead_frames).unwrap_or(u32::MAX)
    }
}

/// The lowest of the newest values, by a queue of those that may still become it (D. Lemire,
/// "Streaming maximum-minimum filter", 2006): under three comparisons a value on average.
struct Lowest {
    /// Frame and value; values rise from the first to the last. A ring.
    candidates: Box<[(u64, f64)]>,
    first: usize,
    n_candidates: usize,
    frame: u64,
}

impl Lowest {
    #[expect(clippy::disallowed_macros, reason = "on the plug-in thread")]
    fn new(window: usize) -> Self {
        Self { candidates: vec![(0, 1.0); window].into(), first: 0, n_candidates: 0, frame: 0 }
    }

    fn next(&mut self, value: f64) -> f64 {
        let window = self.candidates.len();
        if self.n_candidates > 0 && self.candidates[self.first].0 + window as u64 <= self.frame {
            self.first = (self.first + 1) % window;
            self.n_candidates -= 1;
        }
        while self.n_candidates > 0 && self.candidates[self.place(self.n_candidates - 1)].1 >= value
        {
            self.n_candidates -= 1;
        }
        self.candidates[self.place(self.n_candidates)] = (self.frame, value);
        self.n_candidates += 1;
        self.frame += 1;
        self.candidates[self.first].1
    }

    fn place(&self, index: usize) -> usize {
        (self.first + index) % self.candidates.len()
    }

    fn clear(&mut self) {
        self.n_candidates = 0;
    }
}

/// The mean of the newest gains, never above the true one.
struct Average {
    gains: Box<[u32]>,
    index: usize,
    sum: u64,
}

impl Average {
    #[expect(clippy::disallowed_macros, reason = "on the plug-in thread")]
    fn new(window: usize) -> Self {
        let mut average = Self { gains: vec![0; window].into(), index: 0, sum: 0 };
        average.clear();
        average
    }

    fn next(&mut self, gain: f64) -> f64 {
        let newest = whole(gain);
        let oldest = std::mem::replace(&mut self.gains[self.index], newest);
        self.sum = self.sum + u64::from(newest) - u64::from(oldest);
        self.index = (self.index + 1) % self.gains.len();
        self.sum as f64 / (self.gains.len() as f64 * ONE)
    }

    fn clear(&mut self) {
        self.gains.fill(whole(1.0));
        self.sum = self.gains.iter().copied().map(u64::from).sum();
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a gain is within 0 and 1, and is to be rounded down"
)]
fn whole(gain: f64) -> u32 {
    (gain * ONE) as u32
}

#[cfg(test)]
#[expect(clippy::disallowed_macros, reason = "tests run on threads that may")]
mod tests {
    use super::*;
    use crate::plugins::builtin::testing::{Rig, impulse, noise, sine};

    const URI: &str = "affectd:limiter";

    #[test]
    fn no_sample_is_ever_above_the_ceiling() {
        for rate_hz in [4000, 48_000, 192_000] {
            for ceiling_db in [-24.0, -1.0, -0.1] {
                let settings = [("ceiling_db", ceiling_db), ("release_ms", 5.0)];
                let mut samples = noise(1.0, 48_000);
                samples.chunks_mut(1000).step_by(3).for_each(|piece| {
                    piece.iter_mut().for_each(|sample| *sample *= 30.0);
                });
                let heard = Rig::with(URI, rate_hz, &settings).run(&samples, 64);
                let peak = heard.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
                let ceiling = db_to_amplitude(ceiling_db);
                assert!(0.99 * ceiling < peak && peak <= ceiling, "{peak} and {ceiling}");
            }
        }
    }

    /// The gain alone keeps below, so the clip at the end has nothing to do but rounding.
    #[test]
    fn the_gain_is_down_when_the_peak_is_there() {
        let mut limiter = Limiter::new(48_000);
        limiter.set(0, -6.0);
        limiter.set(1, 80.0);
        let samples = noise(4.0, 48_000);
        for (frame, &sample) in samples.iter().enumerate() {
            limiter.next(sample);
            let due = frame.checked_sub(240).map_or(0.0, |index| f64::from(samples[index].abs()));
            let gain = limiter.average.sum as f64 / (241.0 * ONE);
            assert!(gain * due <= f64::from(limiter.ceiling) * (1.0 + 1e-9));
        }
    }

    #[test]
    fn what_is_below_the_ceiling_passes_to_the_last_bit() {
        let samples = noise(0.89, 9600); // -1 dB is 0.8913
        let mut rig = Rig::new(URI, 48_000);
        let heard = rig.run(&samples, 64);
        assert!(heard[rig.latency()..] == samples[..9600 - rig.latency()]);
        rig.run(&[4.0; 480], 64);
        rig.run(&vec![0.0; 96_000], 64); // 2 s are 25 times the release
        let heard = rig.run(&samples, 64);
        assert!(heard[rig.latency()..] == samples[..9600 - rig.latency()]);
    }

    #[test]
    fn an_impulse_comes_out_as_late_as_it_says() {
        for rate_hz in [4000, 11_025, 48_000, 768_000] {
            let mut rig = Rig::new(URI, rate_hz);
            let heard = rig.run(&impulse(0.5, 2 * rig.latency()), 64);
            assert_eq!(heard.iter().position(|&sample| sample == 0.5), Some(rig.latency()));
        }
    }

    /// A step of the level by 12 dB moves the gain evenly over the window, 1/241 a frame at most.
    #[test]
    fn the_gain_glides() {
        let mut rig = Rig::with(URI, 48_000, &[("ceiling_db", -12.0), ("release_ms", 5.0)]);
        let mut samples = vec![0.25; 9600];
        samples[4800..].fill(1.0);
        samples[4800 + 480..].fill(0.25);
        let heard = rig.run(&samples, 64);
        let gains = heard[240..].iter().zip(&samples).map(|(out, sample)| out / sample);
        let gains: Box<[f32]> = Box::from_iter(gains);
        assert!(gains.windows(2).all(|pair| (pair[1] - pair[0]).abs() <= 1.0 / 241.0));
    }

    #[test]
    fn a_steady_loud_sine_keeps_its_shape() {
        let heard = Rig::new(URI, 48_000).run(&sine(48_000, 1000.0, 2.0, 48_000), 64);
        let expected = sine(48_000, 1000.0, f64::from(db_to_amplitude(-1.0)), 48_000);
        // The latency, 240 frames, is 5 whole periods.
        for (sample, wanted) in heard[24_000..].iter().zip(&expected[24_000..]) {
            assert!((sample - wanted).abs() < 1e-3, "{sample}, not {wanted}");
        }
    }

    #[test]
    fn the_lowest_of_a_window_is_what_a_search_finds() {
        let values = noise(1.0, 2000);
        let mut lowest = Lowest::new(9);
        for (index, &value) in values.iter().enumerate() {
            let window = &values[index.saturating_sub(8)..=index];
            let expected = window.iter().copied().fold(f32::INFINITY, f32::min);
            assert_eq!(lowest.next(f64::from(value)), f64::from(expected));
        }
    }
}
