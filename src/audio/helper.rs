//! Calls into sound servers that may never return, run on a helper thread with a time limit. That
//! is the one exception to "only the daemon starts threads, and joins each": a helper that hangs
//! is left behind, and whatever it opens too late is closed by it. What is opened or closed is
//! left to `jack` and `cpal`.

use std::sync::mpsc;
use std::time::Duration;

use crate::audio::AudioError;

/// What opening may take: cpal itself waits 2 s for a PulseAudio server, then tries the next host.
pub(crate) const OPEN_LIMIT: Duration = Duration::from_secs(5);

/// What closing may take before the device is left to its helper.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// Runs `work` on a thread of its own and waits for it at most so long; `id` is for the error.
pub(crate) fn with_time_limit<T: Send + 'static>(
    id: &str,
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AudioError> {
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("audio-helper".to_owned())
        // Sending fails when nobody waits any more; the result is dropped, and so closed, here.
        .spawn(move || sender.send(quietly(work)).unwrap_or_default())
        .map_err(|reason| AudioError::Thread { id: id.to_owned(), reason })?;
    receiver
        .recv_timeout(limit)
        .map_err(|_| AudioError::Hangs { id: id.to_owned(), waited_ms: limit.as_millis() })
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
    fn work_that_ends_gives_its_result() {
        assert_eq!(with_time_limit("pulse", OPEN_LIMIT, || 7).ok(), Some(7));
    }
}
