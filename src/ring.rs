//! The border between the audio thread and the worker: frames go across in order, and what did
//! not fit goes across as a gap at its exact place. The [`Writer`] lives on the audio thread, the
//! [`Reader`] on the worker; neither end allocates, frees, locks, logs, waits or panics once made.
//! Opening devices, metering and resampling are left to others; no clock is read here.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

mod block;

mod clock;

mod counters;

mod stamp;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

pub use crate::ring::block::Block;
pub use crate::ring::clock::CaptureClock;
pub use crate::ring::counters::Counters;
pub use crate::ring::stamp::{Stamp, duration_ns};

/// Most channels that may be analysed; bounds the table of JACK ports that the callback has on its
/// stack.
pub const CHANNELS_MAX: usize = 16;

/// Frames that the ring holds at least: two of JACK's largest blocks (8192 frames), so that a
/// short ring never refuses every block.
const RING_FRAMES_MIN: usize = 16_384;

/// Gaps that may wait for the worker. A gap needs an accepted block before the next one begins, so
/// this many mean that the worker has been hopelessly late for as many blocks; more are merged.
const GAPS_MAX: usize = 64;

/// Stamps that may wait for the worker: 1.4 s of JACK's blocks of 64 frames at 48 kHz. What finds
/// no room is left out, as the clock needs a few a second.
const STAMPS_MAX: usize = 1024;

/// Frames handed out at once: 10 ms at 48 kHz, the step that the worker resamples in.
const CHUNK_FRAMES: usize = 480;

/// A run of frames that were dropped.
#[derive(Clone, Copy, Debug)]
struct Gap {
    /// Frames of the source before the gap.
    position: u64,
    frames: u64,
}

/// What the worker reads.
#[derive(Debug, PartialEq)]
pub enum Chunk<'a> {
    /// Interleaved samples of whole frames.
    Frames(&'a [f32]),
    /// So many frames are missing here.
    Gap(u64),
}

/// The audio thread's end.
pub struct Writer {
    samples: HeapProd<f32>,
    gaps: HeapProd<Gap>,
    /// Each with the frames of the source before its block.
    stamps: HeapProd<(u64, Stamp)>,
    channels: usize,
    rate_hz: u32,
    position: u64,
    /// Frames dropped since the last block that went across.
    missing_frames: u64,
    counters: Arc<Counters>,
}

/// The worker's end.
pub struct Reader {
    samples: HeapCons<f32>,
    gaps: HeapCons<Gap>,
    stamps: HeapCons<(u64, Stamp)>,
    channels: usize,
    rate_hz: u32,
    position: u64,
    chunk: Vec<f32>,
    clock: CaptureClock,
    counters: Arc<Counters>,
}

/// A ring for `seconds` of sound of `channels` analysed channels.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "made before the stream starts"
)]
pub fn ring(channels: u16, rate_hz: u32, seconds: f32) -> (Writer, Reader) {
    let channels = usize::from(channels);
    assert!(0 < channels && channels <= CHANNELS_MAX, "1 to {CHANNELS_MAX} channels");
    assert!(rate_hz > 0, "a sample rate above 0");
    // A cast from float saturates and makes NaN 0; config keeps seconds small.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let frames = (f64::from(seconds) * f64::from(rate_hz)) as usize;
    let (samples_in, samples_out) =
        HeapRb::<f32>::new(frames.max(RING_FRAMES_MIN) * channels).split();
    let (gaps_in, gaps_out) = HeapRb::<Gap>::new(GAPS_MAX).split();
    let (stamps_in, stamps_out) = HeapRb::<(u64, Stamp)>::new(STAMPS_MAX).split();
    let counters = Arc::new(Counters::default());
    let writer = Writer {
        samples: samples_in,
        gaps: gaps_in,
        stamps: stamps_in,
        channels,
        rate_hz,
        position: 0,
        missing_frames: 0,
        counters: Arc::clone(&counters),
    };
    let reader = Reader {
        samples: samples_out,
        gaps: gaps_out,
        stamps: stamps_out,
        channels,
        rate_hz,
        position: 0,
        chunk: vec![0.0; CHUNK_FRAMES * channels],
        clock: CaptureClock::new(rate_hz),
        counters,
    };
    (writer, reader)
}

impl Writer {
    /// Takes the block whole, or drops it whole and counts it. NaN and infinities become 0.
    pub fn write(&mut self, block: Block) {
        let frames = block.frames();
        if !self.fits(frames) || !self.close_gap() {
            return self.lose(frames as u64);
        }
        let channels = self.channels;
        self.samples.push_iter((0..frames).flat_map(|frame| {
            (0..channels).map(move |channel| finite_or_zero(block.sample(frame, channel)))
        }));
        self.position += frames as u64;
        self.counters.offered_frames.fetch_add(frames as u64, Ordering::Relaxed);
    }

    /// When the next block was captured.
    pub fn stamp(&mut self, stamp: Stamp) {
        // A full queue keeps the older ones, which do as well.
        self.stamps.try_push((self.position, stamp)).unwrap_or_default();
    }

    /// So many frames were captured but not handed over: a gap like that of a full ring.
    pub fn lose(&mut self, frames: u64) {
        self.missing_frames += frames;
        self.position += frames;
        self.counters.dropped_frames.fetch_add(frames, Ordering::Relaxed);
        self.counters.offered_frames.fetch_add(frames, Ordering::Relaxed);
    }

    pub fn channels(&self) -> usize {
        self.channels
    }

    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Whether a block of so many frames would be taken now.
    pub fn fits(&self, frames: usize) -> bool {
        self.samples.vacant_len() / self.channels >= frames
    }

    /// Sends an open gap ahead of the samples that follow it; false if it cannot be sent, so that
    /// the gap must go on.
    fn close_gap(&mut self) -> bool {
        if self.missing_frames == 0 {
            return true;
        }
        let gap =
            Gap { position: self.position - self.missing_frames, frames: self.missing_frames };
        let sent = self.gaps.try_push(gap).is_ok();
        if sent {
            self.missing_frames = 0;
        }
        sent
    }
}

impl Reader {
    /// The next stretch of sound or of missing sound, in the order of the source; `None` when all
    /// that has arrived is read. A gap is told once sound follows it.
    pub fn read(&mut self) -> Option<Chunk<'_>> {
        // Samples first, gaps second. ringbuf publishes its write index with Release and reads it
        // with Acquire; the writer sends a gap before the samples behind it. So whoever sees those
        // samples here sees the gap below, and never reads past it.
        let waiting_frames = self.samples.occupied_len() / self.channels;
        if waiting_frames == 0 {
            return None;
        }
        let frames_to_gap = match self.gaps.try_peek() {
            Some(gap) => gap.position - self.position,
            None => u64::MAX,
        };
        if frames_to_gap == 0 {
            let frames = self.gaps.try_pop()?.frames;
            self.position += frames;
            return Some(Chunk::Gap(frames));
        }
        let frames = waiting_frames
            .min(CHUNK_FRAMES)
            .min(usize::try_from(frames_to_gap).unwrap_or(usize::MAX));
        let taken = self.samples.pop_slice(&mut self.chunk[..frames * self.channels]);
        self.position += frames as u64;
        Some(Chunk::Frames(&self.chunk[..taken]))
    }

    /// Frames of the source that have been read, gaps included.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// To be called at each poll, with the time of now: the more often, the better the clock.
    pub fn observe(&mut self, now: SystemTime) {
        while let Some((frame, stamp)) = self.stamps.try_pop() {
            self.clock.observe(frame, stamp, now);
        }
    }

    /// When the frame with this index was captured, as [`CaptureClock`] sees it.
    pub fn capture_time(&self, frame: u64) -> SystemTime {
        self.clock.time_of(frame)
    }

    pub fn channels(&self) -> usize {
        self.channels
    }

    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }
}

/// NaN and infinities would poison every filter behind them for good.
pub(crate) fn finite_or_zero(sample: f32) -> f32 {
    if sample.is_finite() { sample } else { 0.0 }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "tests run on threads that may"
)]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "test numbers are small"
)]
mod tests;
