//! The border between the audio thread and the worker: frames go across in order, and what did
//! not fit goes across as a gap at its exact place. The [`Writer`] lives on the audio thread, the
//! [`Reader`] on the worker; neither end allocates, frees, locks, logs, waits or panics once made.
//! Opening devices, metering and resampling are left to others; no clock is read here.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

mod block;

mod clock;

mod counters;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

pub use crate::ring::block::Block;
pub use crate::ring::clock::CaptureClock;
pub use crate::ring::counters::Counters;

/// Most channels that may be analysed; bounds the table of JACK ports that the callback has on its
/// stack.
pub const CHANNELS_MAX: usize = 16;

/// Frames that the ring holds at least: two of JACK's largest blocks (8192 frames), so that a
/// short ring never refuses every block.
const RING_FRAMES_MIN: usize = 16_384;

/// Gaps that may wait for the worker. A gap needs an accepted block before the next one begins, so
/// this many mean that the worker has been hopelessly late for as many blocks; more are merged.
const GAPS_MAX: usize = 64;

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
    channels: usize,
    position: u64,
    /// Frames dropped since the last block that went across.
    missing_frames: u64,
    counters: Arc<Counters>,
}

/// The worker's end.
pub struct Reader {
    samples: HeapCons<f32>,
    gaps: HeapCons<Gap>,
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
    let counters = Arc::new(Counters::default());
    let writer = Writer {
        samples: samples_in,
        gaps: gaps_in,
        channels,
        position: 0,
        missing_frames: 0,
        counters: Arc::clone(&counters),
    };
    let reader = Reader {
        samples: samples_out,
        gaps: gaps_out,
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

    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    fn fits(&self, frames: usize) -> bool {
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
        self.clock.observe(self.counters.offered_frames.load(Ordering::Relaxed), now);
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
fn finite_or_zero(sample: f32) -> f32 {
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
mod tests {
    use super::*;

    const RATE_HZ: u32 = 16_000;
    const CAPACITY: usize = RING_FRAMES_MIN;

    fn mono(samples: &[f32]) -> Block<'_> {
        Block::Interleaved { samples, channels: 1 }
    }

    /// A ramp whose samples are their own frame index; exact in f32 up to 2^24.
    fn ramp(first: usize, frames: usize) -> Vec<f32> {
        (first..first + frames).map(|frame| frame as f32).collect()
    }

    /// All that the reader has, missing frames as NaN.
    fn drain(reader: &mut Reader) -> Vec<f32> {
        let mut heard = Vec::new();
        while let Some(chunk) = reader.read() {
            match chunk {
                Chunk::Frames(samples) => heard.extend_from_slice(samples),
                Chunk::Gap(frames) => heard.extend((0..frames).map(|_| f32::NAN)),
            }
        }
        heard
    }

    fn check(heard: &[f32], missing: std::ops::Range<usize>) {
        for (frame, sample) in heard.iter().enumerate() {
            if missing.contains(&frame) {
                assert!(sample.is_nan(), "frame {frame} should be missing, is {sample}");
            } else {
                assert_eq!(*sample, frame as f32, "frame {frame}");
            }
        }
    }

    #[test]
    fn a_ramp_in_odd_blocks_arrives_exactly() {
        let (mut writer, mut reader) = ring(1, RATE_HZ, 1.0);
        let mut heard = Vec::new();
        let mut sent = 0;
        for frames in [1, 7, 480, 481, 1023, 0, 3, 4096, 13].into_iter().cycle().take(300) {
            writer.write(mono(&ramp(sent, frames)));
            sent += frames;
            heard.append(&mut drain(&mut reader));
        }
        assert_eq!(heard.len(), sent);
        check(&heard, 0..0);
        assert_eq!(reader.position(), sent as u64);
    }

    #[test]
    fn a_full_ring_drops_whole_blocks_and_tells_the_exact_place() {
        let (mut writer, mut reader) = ring(1, RATE_HZ, 1.0);
        let filled = CAPACITY / 1000 * 1000; // blocks of 1000 that fit; the next does not
        for first in (0..filled + 3000).step_by(1000) {
            writer.write(mono(&ramp(first, 1000)));
        }
        let mut heard = drain(&mut reader);
        assert_eq!(heard.len(), filled);
        writer.write(mono(&ramp(filled + 3000, 1000)));
        heard.append(&mut drain(&mut reader));
        assert_eq!(heard.len(), filled + 4000);
        check(&heard, filled..filled + 3000);
        assert_eq!(reader.counters().dropped_frames.load(Ordering::Relaxed), 3000);
        assert_eq!(reader.counters().offered_frames.load(Ordering::Relaxed), heard.len() as u64);
    }

    #[test]
    fn a_smaller_block_behind_a_dropped_one_keeps_its_place() {
        let (mut writer, mut reader) = ring(1, RATE_HZ, 1.0);
        writer.write(mono(&ramp(0, CAPACITY - 100)));
        writer.write(mono(&ramp(CAPACITY - 100, 101))); // one too many
        writer.write(mono(&ramp(CAPACITY + 1, 50)));
        let heard = drain(&mut reader);
        assert_eq!(heard.len(), CAPACITY + 51);
        check(&heard, CAPACITY - 100..CAPACITY + 1);
    }

    #[test]
    fn more_gaps_than_can_wait_are_merged_and_no_frame_is_lost_count_of() {
        let (mut writer, mut reader) = ring(1, RATE_HZ, 1.0);
        let too_large = vec![0.0; CAPACITY + 1];
        let gaps = GAPS_MAX + 10;
        for _ in 0..gaps {
            writer.write(mono(&too_large));
            writer.write(mono(&[1.0]));
        }
        let mut heard = drain(&mut reader);
        writer.write(mono(&[1.0]));
        heard.append(&mut drain(&mut reader));
        assert_eq!(heard.len(), gaps * (CAPACITY + 2) + 1);
        assert_eq!(heard.iter().filter(|sample| **sample == 1.0).count(), GAPS_MAX + 1);
    }

    #[test]
    fn what_the_device_kept_is_a_gap_at_its_place() {
        let (mut writer, mut reader) = ring(1, RATE_HZ, 1.0);
        writer.write(mono(&ramp(0, 100)));
        writer.lose(50);
        writer.lose(6);
        writer.write(mono(&ramp(156, 100)));
        let heard = drain(&mut reader);
        assert_eq!(heard.len(), 256);
        check(&heard, 100..156);
        assert_eq!(reader.counters().dropped_frames.load(Ordering::Relaxed), 56);
    }

    #[test]
    fn only_the_first_channels_of_a_wide_device_are_taken() {
        let (mut writer, mut reader) = ring(2, RATE_HZ, 1.0);
        writer.write(Block::Interleaved { samples: &[1.0, 2.0, 9.0, 3.0, 4.0, 9.0], channels: 3 });
        writer.write(Block::Planar(&[&[5.0, 7.0], &[6.0, 8.0], &[9.0, 9.0]]));
        assert_eq!(drain(&mut reader), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    }

    #[test]
    fn what_is_not_a_number_arrives_as_zero() {
        let (mut writer, mut reader) = ring(1, RATE_HZ, 1.0);
        writer.write(mono(&[f32::NAN, 0.5, f32::INFINITY, f32::NEG_INFINITY]));
        assert_eq!(drain(&mut reader), [0.0, 0.5, 0.0, 0.0]);
    }

    #[test]
    fn a_ramp_crosses_threads_without_loss_or_with_gaps_that_add_up() {
        let (mut writer, mut reader) = ring(1, RATE_HZ, 1.0);
        const FRAMES: usize = 1 << 22;
        let audio = std::thread::spawn(move || {
            let mut sent = 0;
            while sent < FRAMES {
                let frames = 1 + sent % 777;
                writer.write(mono(&ramp(sent, frames)));
                sent += frames;
            }
            // One block that surely fits closes the last gap.
            while !writer.fits(1) {
                std::thread::yield_now();
            }
            writer.write(mono(&ramp(sent, 1)));
            sent + 1
        });
        let mut heard = 0;
        while !audio.is_finished() || heard == 0 || !reader.samples.is_empty() {
            let first = reader.position();
            match reader.read() {
                Some(Chunk::Frames(samples)) => {
                    assert_eq!(samples, ramp(first as usize, samples.len()));
                    heard += samples.len() as u64;
                }
                Some(Chunk::Gap(frames)) => heard += frames,
                None => std::thread::yield_now(),
            }
        }
        assert_eq!(heard, audio.join().expect("the writer does not panic") as u64);
    }
}
