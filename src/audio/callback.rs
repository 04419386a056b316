//! THE real-time file: all that runs on the audio thread, as one struct that is built elsewhere
//! and moved in whole. Runs the plug-ins, meters what the analysis hears and pushes it into the
//! ring, and hands the sound on to the outputs. Which device calls it is left to `jack`, `cpal` and
//! `file`. Never allocates, frees, locks, logs, waits or panics: clippy bans the calls here, tests
//! count allocations, and `make rtsan` runs all of it under a sanitizer.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cpal::FromSample;

use crate::audio::denormals::without_denormals;
use crate::audio::through::{Fader, Feed, Gain};
use crate::plugins::chain::{Chains, chains};
use crate::ring::{Block, Counters, Stamp, Writer, finite_or_zero};

/// Samples converted to f32 at a time; longer blocks are cut between frames. 16 kB stay in the
/// first-level cache.
const CONVERTED_SAMPLES: usize = 4096;

/// Highest absolute sample of each analysed channel since somebody last asked.
#[derive(Debug)]
pub struct Meters {
    /// Bits of f32. Those of positive floats are ordered like the floats, so an integer maximum is
    /// the maximum. Relaxed: a number that guards no other memory.
    peaks: Box<[AtomicU32]>,
}

impl Meters {
    #[expect(clippy::disallowed_methods, reason = "made before the stream starts")]
    fn new(channels: usize) -> Self {
        Self { peaks: (0..channels).map(|_| AtomicU32::new(0)).collect() }
    }

    /// The peak since the last call, 1 being full scale; 0 for a channel that is not there.
    pub fn take_peak(&self, channel: usize) -> f32 {
        self.peaks.get(channel).map_or(0.0, |peak| f32::from_bits(peak.swap(0, Ordering::Relaxed)))
    }
}

/// Everything that lives on the audio thread.
pub struct Callback {
    chains: Chains,
    ways: Ways,
    /// The device's channel for each that is analysed.
    picked: Box<[usize]>,
    converted: Box<[f32]>,
}

/// Where the sound goes: to the analysis, and on.
struct Ways {
    writer: Writer,
    meters: Arc<Meters>,
    gain: Gain,
    /// To a device that is not the source's own.
    feed: Option<Feed>,
}

impl Callback {
    #[expect(clippy::disallowed_methods, reason = "made before the stream starts")]
    pub fn new(writer: Writer) -> Self {
        let first = (0..writer.channels()).collect();
        Self::picking(writer, first)
    }

    /// Takes these channels of interleaved sound, counted from 0, one for each of the ring's; those
    /// that the device does not have are silent.
    #[expect(
        clippy::disallowed_methods,
        clippy::disallowed_macros,
        reason = "made before the stream starts"
    )]
    pub fn picking(writer: Writer, picked: Vec<usize>) -> Self {
        assert_eq!(picked.len(), writer.channels(), "one for each channel of the ring");
        let meters = Arc::new(Meters::new(writer.channels()));
        let gain = Gain::new(Arc::default(), writer.rate_hz());
        // Without the other ends nothing ever comes into them.
        let (chains, _) = chains(writer.channels(), writer.rate_hz());
        let converted = vec![0.0; CONVERTED_SAMPLES].into_boxed_slice();
        let ways = Ways { writer, meters, gain, feed: None };
        Self { chains, ways, picked: picked.into_boxed_slice(), converted }
    }

    /// Hands the sound on to another device too.
    pub fn feeding(mut self, feed: Feed) -> Self {
        self.ways.feed = Some(feed);
        self
    }

    /// Runs the sound through these plug-ins.
    pub fn through(self, chains: Chains) -> Self {
        Self { chains, ..self }
    }

    pub fn meters(&self) -> &Arc<Meters> {
        &self.ways.meters
    }

    pub fn counters(&self) -> &Arc<Counters> {
        self.ways.writer.counters()
    }

    pub fn fader(&self) -> &Arc<Fader> {
        self.ways.gain.fader()
    }

    /// Whether so many frames would be taken now; for a source that can wait.
    pub fn has_room(&self, frames: usize) -> bool {
        self.ways.writer.fits(frames)
    }

    /// When the block that is taken next was captured.
    pub fn stamp(&mut self, stamp: Stamp) {
        self.ways.writer.stamp(stamp);
    }

    /// Takes one block from the device.
    #[cfg_attr(feature = "rtsan", rtsan_standalone::nonblocking)]
    pub fn process(&mut self, block: Block) {
        self.process_through(block, &mut []);
    }

    /// The same, with an output for each channel; what an output is longer than the block stays.
    #[cfg_attr(feature = "rtsan", rtsan_standalone::nonblocking)]
    pub fn process_through(&mut self, block: Block, outputs: &mut [&mut [f32]]) {
        self.run(block, outputs, Ways::analyse);
    }

    /// Sound that goes through and is not analysed: a JACK server that runs free renders faster
    /// than time, which is no live voice.
    #[cfg_attr(feature = "rtsan", rtsan_standalone::nonblocking)]
    pub fn pass(&mut self, block: Block, outputs: &mut [&mut [f32]]) {
        self.run(block, outputs, |_, _| {});
    }

    /// Piece by piece: the plug-ins that the analysis hears, the analysis, the others, the outputs.
    fn run(
        &mut self,
        block: Block,
        outputs: &mut [&mut [f32]],
        analyse: impl Fn(&mut Ways, Block),
    ) {
        // The device called: a watchdog sees that it lives.
        self.counters().callbacks.fetch_add(1, Ordering::Relaxed);
        let Self { chains, ways, .. } = self;
        without_denormals(|| {
            if !chains.obey() {
                analyse(ways, block);
                return ways.hand_on(block, outputs, 0);
            }
            ways.count_repaired(block);
            let mut from = 0;
            while from < block.frames() {
                let frames = chains.load(block, from);
                chains.run(true, frames);
                chains.with_sound(frames, |heard| analyse(ways, heard));
                chains.run(false, frames);
                chains.with_sound(frames, |sound| ways.hand_on(sound, outputs, from));
                from += frames;
            }
            chains.settle();
        });
    }

    /// The same as [`Self::process`] for the picked channels of interleaved samples of any type,
    /// converted to -1..1.
    #[cfg_attr(feature = "rtsan", rtsan_standalone::nonblocking)]
    pub fn process_samples<T: Copy>(&mut self, samples: &[T], channels: usize)
    where
        f32: FromSample<T>,
    {
        let (channels, wanted) = (channels.max(1), self.picked.len());
        // Moved out and back so that `process` may borrow the rest; an empty box allocates nothing.
        let mut converted = std::mem::take(&mut self.converted);
        for piece in samples.chunks(CONVERTED_SAMPLES / wanted * channels) {
            let frames = piece.chunks_exact(channels);
            let taken = frames.len() * wanted;
            for (slots, frame) in converted.chunks_exact_mut(wanted).zip(frames) {
                for (slot, &channel) in slots.iter_mut().zip(&self.picked) {
                    *slot = frame.get(channel).map_or(0.0, |&sample| f32::from_sample_(sample));
                }
            }
            self.process(Block::Interleaved { samples: &converted[..taken], channels: wanted });
        }
        self.converted = converted;
    }

    /// The device captured so many frames that no callback got.
    pub fn lose(&mut self, frames: u64) {
        self.ways.writer.lose(frames);
    }
}

impl Ways {
    /// Meters the channels and hands them to the worker.
    fn analyse(&mut self, block: Block) {
        self.meter(block, |meter, peak| {
            meter.fetch_max(peak.to_bits(), Ordering::Relaxed);
        });
        self.writer.write(block);
    }

    /// How much of what the device brought is no number; behind the plug-ins everything is.
    fn count_repaired(&self, block: Block) {
        self.meter(block, |_, _| {});
    }

    /// One pass for both: each channel's peak, and the samples that are no numbers.
    fn meter(&self, block: Block, keep: impl Fn(&AtomicU32, f32)) {
        let mut repaired = 0;
        for (channel, meter) in self.meters.peaks.iter().enumerate() {
            let mut peak = 0.0_f32;
            for frame in 0..block.frames() {
                let amplitude = block.sample(frame, channel).abs();
                if amplitude.is_finite() {
                    peak = peak.max(amplitude);
                } else {
                    repaired += 1;
                }
            }
            keep(meter, peak);
        }
        if repaired > 0 {
            let counter = &self.writer.counters().repaired_samples;
            counter.fetch_add(repaired, Ordering::Relaxed);
        }
    }

    /// To the outputs, `from` frames into them, and to the other device.
    fn hand_on(&mut self, block: Block, outputs: &mut [&mut [f32]], from: usize) {
        if let Some(feed) = &mut self.feed {
            return feed.write(block, &mut self.gain);
        }
        self.gain.each(block.frames(), |frame, amplitude| {
            for (channel, output) in outputs.iter_mut().enumerate() {
                if let Some(slot) = output.get_mut(from + frame) {
                    *slot = amplitude * finite_or_zero(block.sample(frame, channel));
                }
            }
        });
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run on threads that may")]
mod tests {
    use super::*;
    use crate::ring::{Chunk, Reader, ring};

    fn callback(channels: u16) -> (Callback, Reader) {
        let (writer, reader) = ring(channels, 16_000, 1.0);
        (Callback::new(writer), reader)
    }

    fn read(reader: &mut Reader) -> Vec<f32> {
        let mut heard = Vec::new();
        while let Some(Chunk::Frames(samples)) = reader.read() {
            heard.extend_from_slice(samples);
        }
        heard
    }

    #[test]
    fn each_channel_has_a_peak_that_is_taken_once() {
        let (mut callback, _reader) = callback(2);
        callback.process(Block::Interleaved { samples: &[0.1, -0.5, -0.3, 0.2], channels: 2 });
        let meters = Arc::clone(callback.meters());
        assert_eq!([meters.take_peak(0), meters.take_peak(1), meters.take_peak(2)], [0.3, 0.5, 0.]);
        assert_eq!(meters.take_peak(0), 0.0);
    }

    #[test]
    fn what_is_not_a_number_is_counted_and_heard_as_silence() {
        let (mut callback, mut reader) = callback(1);
        callback.process(Block::Planar(&[&[0.5, f32::NAN, f32::INFINITY]]));
        assert_eq!(callback.counters().repaired_samples.load(Ordering::Relaxed), 2);
        assert_eq!(callback.meters().take_peak(0), 0.5);
        assert_eq!(read(&mut reader), [0.5, 0.0, 0.0]);
    }

    #[test]
    fn integers_of_any_width_become_the_same_floats() {
        let (mut callback, mut reader) = callback(1);
        callback.process_samples(&[i16::MIN, 0, 1 << 14], 1);
        callback.process_samples(&[i32::MIN, 0, 1 << 30], 1);
        callback.process_samples(&[0_u8, 128, 192], 1);
        callback.process_samples(&[-1.0_f64, 0.0, 0.5], 1);
        assert_eq!(read(&mut reader), [-1.0, 0.0, 0.5].repeat(4));
    }

    #[test]
    fn a_long_block_of_three_channels_is_cut_between_frames() {
        let (mut callback, mut reader) = callback(3);
        let samples: Vec<f32> = (0..15_000_u16).map(f32::from).collect();
        callback.process_samples(&samples, 3);
        assert_eq!(read(&mut reader), samples);
    }

    #[test]
    fn channels_are_picked_in_the_order_that_was_asked_for() {
        let (writer, mut reader) = ring(2, 16_000, 1.0);
        let mut callback = Callback::picking(writer, [2, 0].into());
        callback.process_samples(&[0.1_f32, 0.2, 0.3, 0.4, 0.5, 0.6], 3);
        callback.process_samples(&[0.7_f32, 0.8], 2); // has no third
        callback.process_samples(&[0.9_f32], 3); // a frame that is cut short
        assert_eq!(read(&mut reader), [0.3, 0.1, 0.6, 0.4, 0.0, 0.7]);
        assert_eq!(callback.meters().take_peak(1), 0.7);
    }

    #[test]
    fn sound_goes_through_with_its_gain_and_what_is_no_number_is_silent() {
        let (mut callback, mut reader) = callback(2);
        let (left, right) = ([0.5; 480], [f32::NAN; 480]);
        let mut outputs = [[9.0; 480]; 2];
        let [out_left, out_right] = &mut outputs;
        let block = Block::Planar(&[&left, &right]);
        callback.process_through(block, &mut [out_left, out_right]);
        let [out_left, out_right] = outputs;
        assert!((out_left[0], out_left[479]) < (0.01, 0.51) && 0.49 < out_left[479]);
        assert_eq!(out_right, [0.0; 480]);
        assert_eq!(read(&mut reader).len(), 960);
    }

    #[test]
    fn outputs_of_other_sizes_than_the_block_harm_nothing() {
        let (mut callback, _reader) = callback(1);
        let (mut short, mut long, mut more) = ([9.0; 2], [9.0; 6], [9.0; 4]);
        let block = Block::Planar(&[&[0.5; 4]]);
        callback.process_through(block, &mut [&mut short, &mut long, &mut more]);
        assert_eq!((&long[4..], more), ([9.0; 2].as_slice(), [0.0; 4]));
        callback.process_through(Block::Planar(&[]), &mut [&mut short]);
        callback.process_through(block, &mut []);
    }

    #[test]
    fn what_only_passes_shows_life_and_moves_no_time() {
        let (mut callback, mut reader) = callback(1);
        let mut output = [9.0; 4];
        callback.pass(Block::Planar(&[&[0.0; 4]]), &mut [&mut output]);
        assert_eq!(output, [0.0; 4]);
        assert_eq!(callback.counters().callbacks.load(Ordering::Relaxed), 1);
        assert_eq!(callback.counters().offered_frames.load(Ordering::Relaxed), 0);
        assert_eq!(reader.read(), None);
    }
}
