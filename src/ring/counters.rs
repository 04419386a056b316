//! The numbers that leave the audio thread without a queue.

use std::sync::atomic::AtomicU64;

/// Numbers that the audio thread keeps and anybody may read. All of them only ever rise and none
/// guards other memory, so every access is Relaxed.
#[derive(Debug, Default)]
pub struct Counters {
    /// Frames that the device captured, the dropped ones included.
    pub offered_frames: AtomicU64,
    /// Those that found no room, or that the device kept because a callback came too late.
    pub dropped_frames: AtomicU64,
    /// A watchdog sees by this one that the source lives.
    pub callbacks: AtomicU64,
    pub xruns: AtomicU64,
    /// Samples that were NaN or infinite and were replaced by 0.
    pub repaired_samples: AtomicU64,
}
