//! Plays the sound of a source on a device whose clock is another one. Lives on that device's audio
//! thread: never allocates, frees, locks, logs, waits or panics once made. Opening the device is
//! left to `cpal`.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cpal::FromSample;
use ringbuf::HeapCons;
use ringbuf::traits::{Consumer, Observer};

use crate::audio::through::Home;
use crate::ring::CHANNELS_MAX;
use crate::units::to_count;

/// What waits in it at first: two of the usual blocks of 10 ms at either end.
const WAITING_S: f32 = 0.04;

/// And what it may grow to where that runs dry, by so much each time.
const WAITING_S_MAX: f32 = 0.2;
const WAITING_STEP_S: f32 = 0.01;

/// How much faster the player runs for each second too much that waits: 10 ms are caught up within
/// half a minute, and two cards 100 ppm apart end 1 ms beside the mark.
const PULL_PER_S: f32 = 0.1;

/// And at most: a twelfth of a semitone, which a voice hides.
const PULL_MAX: f32 = 0.005;

/// How slowly it looks at what waits: blocks at both ends make that jump.
const LOOK_S: f32 = 1.0;

/// What the other device's audio thread counts. Relaxed, as everywhere.
#[derive(Debug, Default)]
pub struct Played {
    pub callbacks: AtomicU64,
    /// Times that the ring ran dry.
    pub underruns: AtomicU64,
}

/// The other device's end. Its clock is another one, so it reads a little faster or slower than it
/// plays (cubic interpolation), after how much waits in the ring.
pub struct Playback {
    /// Taken out when the device is closed.
    samples: Option<HeapCons<f32>>,
    home: Home,
    played: Arc<Played>,
    is_running: bool,
    /// The last four frames read, and how far between the inner two the next one lies.
    last: [[f32; CHANNELS_MAX]; 4],
    phase: f32,
    wanted_frames: f32,
    waiting_frames: f32,
}

impl Playback {
    /// `None` while another device plays it.
    pub fn new(home: &Home, played: Arc<Played>) -> Option<Self> {
        let samples = home.take()?;
        let wanted_frames = WAITING_S * home.rate_hz as f32;
        Some(Self {
            samples: Some(samples),
            home: home.clone(),
            played,
            is_running: false,
            last: [[0.0; CHANNELS_MAX]; 4],
            phase: 0.0,
            wanted_frames,
            waiting_frames: wanted_frames,
        })
    }

    /// Fills a block of the device. One channel is played on all of the device's, several on as
    /// many of its first.
    #[cfg_attr(feature = "rtsan", rtsan_standalone::nonblocking)]
    pub fn fill<T: FromSample<f32>>(&mut self, out: &mut [T], device_channels: usize) {
        self.played.callbacks.fetch_add(1, Ordering::Relaxed);
        let frames = out.len() / device_channels.max(1);
        let pull = self.pull(frames as f32 / self.home.rate_hz as f32);
        let channels = usize::from(self.home.channels);
        for frame in out.chunks_mut(device_channels.max(1)) {
            let between = if self.advance(pull) { cubic(self.phase) } else { [0.0; 4] };
            for (index, slot) in frame.iter_mut().enumerate() {
                let channel = if channels == 1 { 0 } else { index };
                let samples = self.last.iter().map(|frame| frame.get(channel).unwrap_or(&0.0));
                let sample = samples.zip(between).map(|(sample, weight)| sample * weight).sum();
                *slot = T::from_sample_(sample);
            }
        }
    }

    /// Frames of the source for each that is played, around 1.
    fn pull(&mut self, block_s: f32) -> f32 {
        if !self.is_running {
            self.start();
        }
        let waiting = self.waiting() as f32;
        self.waiting_frames += (waiting - self.waiting_frames) * (block_s / LOOK_S).min(1.0);
        let too_much_s = (self.waiting_frames - self.wanted_frames) / self.home.rate_hz as f32;
        1.0 + (PULL_PER_S * too_much_s).clamp(-PULL_MAX, PULL_MAX)
    }

    /// Once enough waits; what is more has waited for a device that was not there.
    fn start(&mut self) {
        let (waiting, wanted) = (self.waiting(), to_count(f64::from(self.wanted_frames)));
        let Some(too_many) = waiting.checked_sub(wanted) else { return };
        if let Some(samples) = &mut self.samples {
            samples.skip(too_many * usize::from(self.home.channels));
        }
        self.waiting_frames = self.wanted_frames;
        self.is_running = true;
    }

    fn waiting(&self) -> usize {
        let samples = self.samples.as_ref().map_or(0, |samples| samples.occupied_len());
        samples / usize::from(self.home.channels).max(1)
    }

    /// To the next frame to be played; false for silence.
    fn advance(&mut self, pull: f32) -> bool {
        if !self.is_running {
            return false;
        }
        self.phase += pull;
        while 1.0 <= self.phase {
            self.phase -= 1.0;
            self.last.rotate_left(1);
            let slots = self.last[3].iter_mut().take(usize::from(self.home.channels));
            for slot in slots {
                let Some(sample) = self.samples.as_mut().and_then(|samples| samples.try_pop())
                else {
                    return self.run_dry();
                };
                *slot = sample;
            }
        }
        true
    }

    fn run_dry(&mut self) -> bool {
        let rate_hz = self.home.rate_hz as f32;
        self.is_running = false;
        self.last = [[0.0; CHANNELS_MAX]; 4];
        self.wanted_frames =
            (self.wanted_frames + WAITING_STEP_S * rate_hz).min(WAITING_S_MAX * rate_hz);
        self.played.underruns.fetch_add(1, Ordering::Relaxed);
        false
    }
}

impl Drop for Playback {
    fn drop(&mut self) {
        self.home.put_back(self.samples.take());
    }
}

/// Weights of four frames in a row for a point between the inner two (Catmull and Rom 1974).
fn cubic(phase: f32) -> [f32; 4] {
    let (square, cube) = (phase * phase, phase * phase * phase);
    [
        0.5 * (2.0 * square - cube - phase),
        0.5 * (3.0 * cube - 5.0 * square + 2.0),
        0.5 * (4.0 * square - 3.0 * cube + phase),
        0.5 * (cube - square),
    ]
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "tests run on any")]
mod tests {
    use super::*;
    use crate::audio::through::{Feed, Gain, feed};
    use crate::ring::Block;

    const RATE_HZ: u32 = 48_000;
    const BLOCK: usize = 480;

    /// A source and a device whose clocks may differ.
    struct Rig {
        feed: Feed,
        gain: Gain,
        home: Home,
        playback: Playback,
        played: Arc<Played>,
        sent: usize,
        heard: Vec<f32>,
    }

    impl Rig {
        fn new(channels: u16) -> Self {
            let (feed, home) = feed(channels, RATE_HZ);
            let gain = Gain::new(Arc::default(), RATE_HZ);
            let played = Arc::new(Played::default());
            let playback = Playback::new(&home, Arc::clone(&played)).expect("nobody plays it");
            Self { feed, gain, home, playback, played, sent: 0, heard: Vec::new() }
        }

        /// 1 kHz at half scale.
        fn send(&mut self, frames: usize) {
            let wave =
                |frame: usize| 0.5 * (std::f32::consts::TAU * (frame % 48) as f32 / 48.0).sin();
            let samples: Vec<f32> = (self.sent..self.sent + frames).map(wave).collect();
            self.sent += frames;
            self.feed.write(Block::Planar(&[&samples, &samples]), &mut self.gain);
        }

        fn play(&mut self, frames: usize) {
            let mut out = vec![0.0_f32; 2 * frames];
            self.playback.fill(&mut out, 2);
            self.heard.extend(out.chunks(2).map(|frame| frame[0]));
        }

        fn underruns(&self) -> u64 {
            self.played.underruns.load(Ordering::Relaxed)
        }
    }

    /// The largest step between neighbours; that of the sine is 0.065.
    fn roughness(samples: &[f32]) -> f32 {
        samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn clocks_that_run_apart_are_bridged_without_a_click() {
        for device_frames in [479, 481] {
            // 0.2 % apart: ten times what cards are.
            let mut rig = Rig::new(1);
            for _ in 0..100 * 60 {
                rig.send(BLOCK);
                rig.play(device_frames);
            }
            assert_eq!(rig.underruns(), 0);
            let settled = &rig.heard[rig.heard.len() / 10..];
            assert!(roughness(settled) < 0.07, "{device_frames}: {}", roughness(settled));
            let peak = settled.iter().copied().fold(0.0, f32::max);
            assert!((0.49..0.51).contains(&peak), "{peak}");
        }
    }

    #[test]
    fn a_player_that_runs_dry_waits_for_more_and_goes_on() {
        let mut rig = Rig::new(1);
        for _ in 0..10 {
            rig.send(BLOCK);
        }
        rig.play(20 * BLOCK);
        assert_eq!(rig.underruns(), 1);
        rig.play(BLOCK);
        assert!(rig.heard[rig.heard.len() - BLOCK..].iter().all(|sample| *sample == 0.0));
        for _ in 0..10 {
            rig.send(BLOCK);
        }
        rig.play(BLOCK);
        assert!(rig.heard[rig.heard.len() - BLOCK..].iter().any(|sample| *sample > 0.4));
    }

    #[test]
    fn a_full_ring_loses_what_is_newest() {
        let mut rig = Rig::new(1);
        for _ in 0..100 {
            rig.send(BLOCK);
        }
        assert_eq!(rig.playback.waiting(), RATE_HZ as usize / 2);
    }

    #[test]
    fn a_device_that_was_closed_leaves_the_ring_to_the_next() {
        let Rig { playback, home, played, .. } = Rig::new(2);
        assert!(Playback::new(&home, Arc::clone(&played)).is_none());
        drop(playback);
        assert!(Playback::new(&home, played).is_some());
    }

    #[test]
    fn two_channels_stay_two_and_one_is_played_on_both() {
        for (channels, right) in [(2, 0.5), (1, 1.0)] {
            let mut rig = Rig::new(channels);
            let (left, other) = (vec![1.0; 9600], vec![0.5; 9600]);
            rig.feed.write(Block::Planar(&[&left, &other]), &mut rig.gain);
            let mut out = vec![9.0_f32; 3 * 1900]; // of the 1920 that were kept
            rig.playback.fill(&mut out, 3);
            let third = if channels == 1 { 1.0 } else { 0.0 };
            for (sample, expected) in out[out.len() - 3..].iter().zip([1.0, right, third]) {
                assert!((sample - expected).abs() < 1e-6, "{channels}: {sample}");
            }
        }
    }
}
