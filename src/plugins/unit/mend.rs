//! What is heard when a plug-in fails, and when it is back: no click either way. Runs on the audio
//! thread; never allocates, frees, locks, logs, waits or panics once made.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use crate::plugins::unit::{Planes, planes};

/// Sound that is kept to fade out from when the plug-in fails: 5 ms at 48 kHz.
pub const MEND_FRAMES: usize = 256;

const WET_STEP: f32 = 1.0 / MEND_FRAMES as f32;

/// One for all channels of a unit.
pub struct Mender {
    /// Share of the plug-in in what the channels get; the rest is the sound before it.
    wet: f32,
    /// Frames since it failed, 0 while it sounds, [`MEND_FRAMES`] when nothing of it is heard.
    failed_frames: usize,
    /// The last of what was heard, the newest at the end.
    history: Planes,
    /// The same as it was when the plug-in failed.
    past: Planes,
}

impl Mender {
    pub fn new(channels: usize) -> Self {
        Self {
            // The slot fades it in, so it gives all that it has.
            wet: 1.0,
            failed_frames: MEND_FRAMES,
            history: planes(channels, MEND_FRAMES),
            past: planes(channels, MEND_FRAMES),
        }
    }

    /// Nothing has been heard.
    pub fn reset(&mut self) {
        (self.wet, self.failed_frames) = (1.0, MEND_FRAMES);
    }

    /// What has begun to go comes back only when it has gone.
    pub fn is_going(&self) -> bool {
        (1..MEND_FRAMES).contains(&self.failed_frames)
    }

    /// After a failure the plug-in comes in slowly.
    pub fn blend(&mut self, out: &mut [Box<[f32]>], dry: &[&[f32]], frames: usize) {
        self.failed_frames = 0;
        if self.wet < 1.0 {
            for (out, dry) in out.iter_mut().zip(dry) {
                let mut wet = self.wet;
                for (out, dry) in out.iter_mut().zip(*dry).take(frames) {
                    wet = (wet + WET_STEP).min(1.0);
                    *out = dry + wet * (*out - dry);
                }
            }
            self.wet = (self.wet + WET_STEP * frames as f32).min(1.0);
        }
        self.remember(out, frames);
    }

    /// No sound came: what was heard before, played backwards and fading, goes over into the sound
    /// before the plug-in. It begins with the value that was heard last, so that nothing clicks.
    pub fn mend(&mut self, out: &mut [Box<[f32]>], dry: &[&[f32]], frames: usize) {
        let gone = self.failed_frames;
        if gone == 0 {
            // Of one length; the other is filled again before it is needed.
            std::mem::swap(&mut self.past, &mut self.history);
        }
        for ((out, dry), past) in out.iter_mut().zip(dry).zip(&self.past) {
            let past = past.iter().rev().skip(gone).chain(std::iter::repeat(&0.0));
            let pairs = out.iter_mut().zip(*dry).take(frames);
            for (frame, ((out, dry), past)) in pairs.zip(past).enumerate() {
                let left = MEND_FRAMES.saturating_sub(gone + frame + 1);
                let share = left as f32 * WET_STEP;
                *out = dry + share * (past - dry);
            }
        }
        self.wet = 0.0;
        self.failed_frames = (gone + frames).min(MEND_FRAMES);
        self.remember(out, frames);
    }

    /// Keeps what may be needed when the plug-in fails.
    fn remember(&mut self, out: &[Box<[f32]>], frames: usize) {
        for (history, out) in self.history.iter_mut().zip(out) {
            let taken = frames.min(MEND_FRAMES);
            history.copy_within(taken.., 0);
            history[MEND_FRAMES - taken..].copy_from_slice(&out[frames - taken..frames]);
        }
    }
}
