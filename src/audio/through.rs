//! The signal on its way out again: gain and mute, which may be moved while it runs, and the ring
//! to a device that is not the source's own, which `playback` plays. [`Gain`] and [`Feed`] live on
//! the audio thread of the source; they never allocate, free, lock, log, wait or panic once made.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringbuf::traits::{Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::ring::{Block, finite_or_zero};
use crate::units::{db_to_amplitude, to_count};

/// A change of gain takes so long for one unit of amplitude, so that it does not click.
const RAMP_S: f32 = 0.01;

/// Sound that the ring to another device holds.
const FEED_S: f32 = 0.5;

/// Gain and mute, as they are wanted now.
#[derive(Debug)]
pub struct Fader {
    /// Bits of the amplitude; Relaxed, it guards no other memory.
    amplitude: AtomicU32,
}

impl Default for Fader {
    fn default() -> Self {
        Self { amplitude: AtomicU32::new(1.0_f32.to_bits()) }
    }
}

impl Fader {
    pub fn set(&self, gain_db: f32, is_muted: bool) {
        let amplitude = if is_muted { 0.0 } else { db_to_amplitude(gain_db) };
        self.amplitude.store(amplitude.to_bits(), Ordering::Relaxed);
    }

    fn amplitude(&self) -> f32 {
        f32::from_bits(self.amplitude.load(Ordering::Relaxed))
    }
}

/// The fader followed frame by frame.
pub struct Gain {
    fader: Arc<Fader>,
    now: f32,
    step: f32,
}

impl Gain {
    pub fn new(fader: Arc<Fader>, rate_hz: u32) -> Self {
        // From silence, so that opening does not click either.
        Self { fader, now: 0.0, step: 1.0 / (RAMP_S * rate_hz as f32) }
    }

    pub fn fader(&self) -> &Arc<Fader> {
        &self.fader
    }

    /// Hands each frame's amplitude to `write`.
    pub fn each(&mut self, frames: usize, mut write: impl FnMut(usize, f32)) {
        let wanted = self.fader.amplitude();
        for frame in 0..frames {
            self.now += (wanted - self.now).clamp(-self.step, self.step);
            write(frame, self.now);
        }
    }
}

/// The source's end of the ring to another device.
pub struct Feed {
    samples: HeapProd<f32>,
    channels: usize,
}

/// Where the other end waits while no device plays it.
#[derive(Clone)]
pub struct Home {
    /// Locked where streams are opened and closed, never on an audio thread.
    samples: Arc<Mutex<Option<HeapCons<f32>>>>,
    pub channels: u16,
    pub rate_hz: u32,
}

/// A ring for the sound of a source on its way to another device.
#[expect(clippy::disallowed_methods, reason = "made before the stream starts")]
pub fn feed(channels: u16, rate_hz: u32) -> (Feed, Home) {
    let frames = to_count(f64::from(FEED_S) * f64::from(rate_hz));
    let (samples_in, samples_out) = HeapRb::new(frames * usize::from(channels)).split();
    let samples = Arc::new(Mutex::new(Some(samples_out)));
    let feed = Feed { samples: samples_in, channels: usize::from(channels) };
    (feed, Home { samples, channels, rate_hz })
}

impl Home {
    /// `None` while another device has it.
    pub fn take(&self) -> Option<HeapCons<f32>> {
        self.place().take()
    }

    pub fn put_back(&self, samples: Option<HeapCons<f32>>) {
        *self.place() = samples;
    }

    #[expect(clippy::disallowed_methods, reason = "where streams are opened and closed")]
    fn place(&self) -> MutexGuard<'_, Option<HeapCons<f32>>> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feed {
    /// Whole or not at all: a player that is late loses the newest, as at the ring to the worker.
    pub fn write(&mut self, block: Block, gain: &mut Gain) {
        let frames = block.frames();
        if self.samples.vacant_len() < frames * self.channels {
            return;
        }
        let (samples, channels) = (&mut self.samples, self.channels);
        gain.each(frames, |frame, amplitude| {
            for channel in 0..channels {
                let sample = amplitude * finite_or_zero(block.sample(frame, channel));
                samples.try_push(sample).unwrap_or_default();
            }
        });
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run on threads that may")]
mod tests {
    use super::*;

    #[test]
    fn the_gain_glides_to_where_it_is_wanted_and_mute_is_silence() {
        let mut gain = Gain::new(Arc::default(), 48_000);
        let run = |gain: &mut Gain| {
            let mut amplitudes = Vec::new();
            gain.each(4800, |_, amplitude| amplitudes.push(amplitude));
            assert!(amplitudes.windows(2).all(|pair| (pair[1] - pair[0]).abs() <= 1.0 / 479.0));
            amplitudes[4799]
        };
        assert_eq!(run(&mut gain), 1.0);
        gain.fader().set(-6.0, false);
        assert!((run(&mut gain) - 0.501).abs() < 1e-3);
        gain.fader().set(12.0, true);
        assert_eq!(run(&mut gain), 0.0);
    }
}
