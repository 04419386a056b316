//! The audio thread's side of a process: writes each piece into the shared memory and takes out the
//! one before it, without ever waiting. What is not there in time is no output; what is heard
//! instead is left to the unit. Never allocates, frees, locks, logs, waits or panics once made.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::sync::Arc;

use crate::plugins::isolated::memory::{Memory, RING_FRAMES, Way};
use crate::plugins::processor::{FRAMES_MAX, Processor};

/// Late so often among [`LATE_AMONG`] pieces, it gets twice the time.
const LATE_MAX: u32 = 4;
const LATE_AMONG: u32 = 256;

/// Most delay that is given to a slow process; JACK's longest block.
const DELAY_MAX: u32 = 8192;

pub struct RemoteProcessor {
    memory: Arc<Memory>,
    /// Frames that went there, wrapping.
    position: u32,
    /// The same, but it ends at the highest number.
    sent: u32,
    /// Frames that what comes back is behind: one block.
    delay: u32,
    has_output: bool,
    is_late: bool,
    /// Of the last so many pieces.
    late: u32,
    pieces: u32,
}

impl RemoteProcessor {
    pub fn new(memory: Arc<Memory>) -> Self {
        Self {
            memory,
            position: 0,
            sent: 0,
            delay: 0,
            has_output: false,
            is_late: false,
            late: 0,
            pieces: 0,
        }
    }

    /// More time for a process that is late again and again, or for longer blocks.
    fn next_delay(&mut self, frames: u32) -> u32 {
        let mut delay = self.delay;
        self.pieces += 1;
        self.late += u32::from(self.is_late);
        if LATE_MAX < self.late {
            delay = (2 * delay).min(DELAY_MAX);
            self.late = 0;
        }
        if LATE_AMONG <= self.pieces {
            (self.pieces, self.late) = (0, 0);
        }
        delay.max(frames)
    }
}

impl Processor for RemoteProcessor {
    fn process(&mut self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        // At most FRAMES_MAX, as all pieces.
        let frames = inputs.first().map_or(0, |input| input.len()).min(FRAMES_MAX);
        let frames = u32::try_from(frames).unwrap_or(0);
        let delay = self.next_delay(frames);
        // Where the delay grows, sound would repeat; a gap is mended without a click.
        let has_grown = delay != self.delay;
        self.delay = delay;
        for (channel, input) in inputs.iter().enumerate() {
            self.memory.write(Way::There, channel, self.position, input);
        }
        let from = self.position.wrapping_sub(delay);
        // Before that nothing went there that could be back.
        let is_filled = delay <= self.sent;
        self.position = self.position.wrapping_add(frames);
        self.sent = self.sent.saturating_add(frames);
        self.memory.set_end(Way::There, self.position);
        let ahead = self.memory.end(Way::Back).wrapping_sub(from.wrapping_add(frames));
        // A ring and more ahead is behind.
        self.is_late = is_filled && RING_FRAMES <= ahead;
        self.has_output = is_filled && !has_grown && !self.is_late;
        for (channel, output) in outputs.iter_mut().enumerate() {
            self.memory.read(Way::Back, channel, from, output);
        }
    }

    fn has_output(&self) -> bool {
        self.has_output
    }

    fn set(&mut self, parameter: usize, value: f32) {
        self.memory.set_value(parameter, value);
    }

    fn smooths_itself(&self) -> bool {
        true
    }

    fn latency_frames(&self) -> u32 {
        self.delay
    }
}
