//! Calls into sound servers that may never return, run on a helper thread with a time limit. That
//! is the one exception to "only the daemon starts threads, and joins each": a helper that hangs
//! is left behind, and whatever it opens too late is closed by it. What is opened or closed is
//! left to `jack` and `cpal`.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::audio::AudioError;

/// What opening may take: cpal itself waits 2 s for a PulseAudio server, then tries the next host.
pub(crate) const OPEN_LIMIT: Duration = Duration::from_secs(5);

/// What closing may take before the device is left to its helper.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// Helpers that may hang at once: a server that stays frozen over night is asked again only when it
/// has answered one of them.
const HANGING_MAX: usize = 8;

/// How many hang now.
struct Helpers(AtomicUsize);

static HELPERS: Helpers = Helpers(AtomicUsize::new(0));

const RUNNING: u8 = 0;
const LEFT_BEHIND: u8 = 1;
const DONE: u8 = 2;

/// Runs `work` on a thread of its own and waits for it at most so long; `id` is for the error.
pub(crate) fn with_time_limit<T: Send + 'static>(
    id: &str,
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AudioError> {
    HELPERS.run(id, limit, work)
}

impl Helpers {
    fn run<T: Send + 'static>(
        &'static self,
        id: &str,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AudioError> {
        let hangs = || AudioError::Hangs { id: id.to_owned(), waited_ms: limit.as_millis() };
        if HANGING_MAX <= self.0.load(Ordering::Relaxed) {
            return Err(hangs());
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        let fate = Arc::new(AtomicU8::new(RUNNING));
        let own_fate = Arc::clone(&fate);
        std::thread::Builder::new()
            .name("audio-helper".to_owned())
            .spawn(move || {
                let result = quietly(work);
                if own_fate.swap(DONE, Ordering::Relaxed) == LEFT_BEHIND {
                    self.0.fetch_sub(1, Ordering::Relaxed);
                }
                // Fails when nobody waits any more; the result is dropped, and so closed, here.
                sender.send(result).unwrap_or_default();
            })
            .map_err(|reason| AudioError::Thread { id: id.to_owned(), reason })?;
        receiver.recv_timeout(limit).map_err(|_| {
            // Counted before it can be uncounted.
            self.0.fetch_add(1, Ordering::Relaxed);
            if fate.swap(LEFT_BEHIND, Ordering::Relaxed) == DONE {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
            hangs()
        })
    }
}

/// Drops what keeps a device open: cpal's PulseAudio stream joins a thread that asks the server
/// something, a JACK client says good-bye, and a frozen server answers neither.
pub(crate) fn close<T: Send + 'static>(id: &str, stream: T) {
    if with_time_limit(id, CLOSE_LIMIT, move || drop(stream)).is_err() {
        log::warn!("{id} did not close within {} ms and is left behind", CLOSE_LIMIT.as_millis());
    }
}

/// Runs `work` with what alsa-lib would print on stderr (a dozen lines where there is no card) sent
/// to the log at level debug. The handler is one of this thread.
#[cfg(target_os = "linux")]
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let said = alsa::Output::local_error_handler();
    let result = work();
    if let Ok(said) = said {
        said.borrow().buffer_string(|text| {
            if !text.is_empty() {
                log::debug!("{}", String::from_utf8_lossy(text).trim_end());
            }
        });
    }
    result
}

#[cfg(not(target_os = "linux"))]
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_hangs_is_left_behind() {
        let (_keep, never) = mpsc::channel::<()>();
        let hang = move || never.recv().is_ok();
        let error = with_time_limit("pulse", Duration::from_millis(20), hang).err();
        let text = error.expect("the limit is over").to_string();
        assert!(text.starts_with("pulse did not answer within 20 ms"), "{text}");
    }

    #[test]
    fn a_server_that_stays_frozen_is_asked_again_only_when_it_has_answered() {
        static OWN: Helpers = Helpers(AtomicUsize::new(0));
        let (release, wait) = mpsc::channel::<()>();
        let wait = Arc::new(std::sync::Mutex::new(wait));
        for _ in 0..HANGING_MAX {
            let wait = Arc::clone(&wait);
            let hang = move || wait.lock().is_ok_and(|wait| wait.recv().is_ok());
            assert!(OWN.run("pulse", Duration::ZERO, hang).is_err());
        }
        assert!(OWN.run("pulse", OPEN_LIMIT, || 7).is_err());
        drop(release);
        while OWN.run("pulse", OPEN_LIMIT, || 7).is_err() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn work_that_ends_gives_its_result() {
        assert_eq!(with_time_limit("pulse", OPEN_LIMIT, || 7).ok(), Some(7));
    }
}
