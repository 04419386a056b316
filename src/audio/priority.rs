//! What keeps the audio thread on time where the system lets us: the real-time class for a thread
//! that the sound system did not put there itself, and memory that is never swapped out. Failing is
//! no error: sound goes on, and a hint says what would help.

use std::sync::atomic::{AtomicU8, Ordering};

/// What came of asking for the real-time class, left for who may log.
#[derive(Debug, Default)]
pub struct Priority(AtomicU8);

const NOT_ASKED: u8 = 0;
const GRANTED: u8 = 1;
const REFUSED: u8 = 2;

impl Priority {
    /// Puts the calling thread into the real-time class (SCHED_FIFO on Linux). A few system calls,
    /// so only before its first block.
    pub fn raise(&self, block_frames: usize, rate_hz: u32) {
        let frames = u32::try_from(block_frames).unwrap_or(0);
        let result = audio_thread_priority::promote_current_thread_to_real_time(frames, rate_hz);
        // The handle would only be of use for going back.
        let outcome = if result.is_ok() { GRANTED } else { REFUSED };
        self.0.store(outcome, Ordering::Relaxed);
    }

    /// Whether it was granted, once after each attempt.
    pub fn take(&self) -> Option<bool> {
        match self.0.swap(NOT_ASKED, Ordering::Relaxed) {
            NOT_ASKED => None,
            outcome => Some(outcome == GRANTED),
        }
    }
}

/// For who runs without it.
pub const HINT: &str = "the audio thread has no real-time priority, so a busy machine may make it \
     late; on Debian: `sudo dpkg-reconfigure -p high jackd2`, put this user into the group audio \
     and log in again";

/// Keeps all memory that the process has touched, now or later, from being swapped out; false where
/// the user's limit does not allow that.
#[cfg(target_os = "linux")]
pub fn lock_memory() -> bool {
    use rustix::mm::{MlockAllFlags, mlockall};
    use rustix::process::{Resource, geteuid, getrlimit};
    // Below a limit, later allocations would fail where they now swap.
    let is_unlimited = getrlimit(Resource::Memlock).current.is_none() || geteuid().is_root();
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    is_unlimited && mlockall(flags).is_ok()
}

#[cfg(not(target_os = "linux"))]
pub fn lock_memory() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_told_once_whatever_comes_of_it() {
        let priority = Priority::default();
        assert_eq!(priority.take(), None);
        let told = std::thread::scope(|scope| {
            // Its own thread, which keeps the class until it ends.
            scope.spawn(|| priority.raise(256, 48_000)).join().expect("it does not panic");
            priority.take()
        });
        assert!(told.is_some());
        assert_eq!(priority.take(), None);
    }
}
