//! What a CLAP plug-in may call us for: [`Ear`] answers on whichever thread it calls, and leaves
//! what has to wait in [`Notes`] for the plug-in thread. On the audio thread it only touches
//! atomics. Acting on the notes is left to `control`.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clack_extensions::latency::{HostLatency, HostLatencyImpl};
use clack_extensions::log::{HostLog, HostLogImpl, LogSeverity};
use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamRescanFlags,
};
use clack_extensions::state::{HostState, HostStateImpl};
use clack_extensions::thread_check::{HostThreadCheck, HostThreadCheckImpl};
use clack_host::prelude::{ClapId, HostExtensions, HostHandlers, MainThreadHandler, SharedHandler};

/// Messages that are kept between two looks; what a plug-in says beyond that is a flood.
const MESSAGES_MAX: usize = 64;

/// No thread has this mark.
const NO_THREAD: usize = 0;

/// What one plug-in left for the plug-in thread.
#[derive(Debug)]
pub struct Notes {
    /// Released by the thread that asks, acquired by `take_callback`: what the plug-in wrote before
    /// it asked is there when it is called.
    wants_callback: AtomicBool,
    // Relaxed from here on: they guard no other memory.
    wants_restart: AtomicBool,
    did_not_start: AtomicBool,
    latency_changed: AtomicBool,
    pub latency_frames: AtomicU32,
    main_thread: usize,
    /// Changes whenever another thread processes.
    audio_thread: AtomicUsize,
    /// Locked on all threads but the audio thread.
    messages: Mutex<Vec<(log::Level, String)>>,
    lost_messages: AtomicU64,
}

impl Notes {
    /// On the plug-in thread.
    pub fn new() -> Self {
        Self {
            wants_callback: AtomicBool::new(false),
            wants_restart: AtomicBool::new(false),
            did_not_start: AtomicBool::new(false),
            latency_changed: AtomicBool::new(false),
            latency_frames: AtomicU32::new(0),
            main_thread: thread_mark(),
            audio_thread: AtomicUsize::new(NO_THREAD),
            messages: Mutex::default(),
            lost_messages: AtomicU64::new(0),
        }
    }

    /// This thread is the plug-in's audio thread from now on.
    pub fn enter_audio(&self) {
        self.audio_thread.store(thread_mark(), Ordering::Relaxed);
    }

    pub fn leave_audio(&self) {
        self.audio_thread.store(NO_THREAD, Ordering::Relaxed);
    }

    pub fn take_callback(&self) -> bool {
        self.wants_callback.swap(false, Ordering::Acquire)
    }

    pub fn take_restart(&self) -> bool {
        self.wants_restart.swap(false, Ordering::Relaxed)
    }

    /// Its sound is missing from now on.
    pub fn give_up_start(&self) {
        self.did_not_start.store(true, Ordering::Relaxed);
    }

    pub fn take_failed_start(&self) -> bool {
        self.did_not_start.swap(false, Ordering::Relaxed)
    }

    pub fn take_latency_changed(&self) -> bool {
        self.latency_changed.swap(false, Ordering::Relaxed)
    }

    /// Hands the plug-in's messages to the log, on the plug-in thread.
    pub fn report(&self, uri: &str) {
        let messages = std::mem::take(&mut *self.messages());
        for (level, message) in messages {
            log::log!(level, "plug-in {uri}: {message}");
        }
        let lost = self.lost_messages.swap(0, Ordering::Relaxed);
        if lost > 0 {
            log::debug!("plug-in {uri}: {lost} more messages, from its audio thread or too many");
        }
    }

    fn messages(&self) -> MutexGuard<'_, Vec<(log::Level, String)>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_audio_thread(&self) -> bool {
        self.audio_thread.load(Ordering::Relaxed) == thread_mark()
    }
}

/// Tells running threads apart without a system call: the address of something of the thread's own.
fn thread_mark() -> usize {
    thread_local! {
        static MARK: Cell<u8> = const { Cell::new(0) };
    }
    MARK.with(|mark| std::ptr::from_ref(mark).addr())
}

/// The host as its plug-ins see it.
pub struct Host;

impl HostHandlers for Host {
    type Shared<'a> = Ear;
    type MainThread<'a> = Ear;
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _: &Ear) {
        builder
            .register::<HostLatency>()
            .register::<HostLog>()
            .register::<HostParams>()
            .register::<HostState>()
            .register::<HostThreadCheck>();
    }
}

/// Takes the plug-in's calls.
#[derive(Clone)]
pub struct Ear(pub Arc<Notes>);

impl SharedHandler<'_> for Ear {
    fn request_restart(&self) {
        self.0.wants_restart.store(true, Ordering::Relaxed);
    }

    /// It processes for as long as it is there.
    fn request_process(&self) {}

    fn request_callback(&self) {
        self.0.wants_callback.store(true, Ordering::Release);
    }
}

impl MainThreadHandler<'_> for Ear {}

impl HostLatencyImpl for Ear {
    fn changed(&self) {
        self.0.latency_changed.store(true, Ordering::Relaxed);
    }
}

impl HostLogImpl for Ear {
    fn log(&self, severity: LogSeverity, message: &str) {
        if self.0.is_audio_thread() {
            self.0.lost_messages.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let level = match severity {
            LogSeverity::Debug => log::Level::Debug,
            LogSeverity::Info => log::Level::Info,
            LogSeverity::Error | LogSeverity::Fatal => log::Level::Error,
            _ => log::Level::Warn,
        };
        let mut messages = self.0.messages();
        if messages.len() < MESSAGES_MAX {
            messages.push((level, message.to_owned()));
        } else {
            self.0.lost_messages.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl HostThreadCheckImpl for Ear {
    fn is_main_thread(&self) -> bool {
        self.0.main_thread == thread_mark()
    }

    fn is_audio_thread(&self) -> bool {
        self.0.is_audio_thread()
    }
}

impl HostParamsImplShared for Ear {
    /// The next `process` does it.
    fn request_flush(&self) {}
}

// Values that a plug-in moves by itself are not followed: we show it no window to move them in.
impl HostParamsImplMainThread for Ear {
    fn rescan(&self, _: ParamRescanFlags) {}

    fn clear(&self, _: ClapId, _: ParamClearFlags) {}
}

impl HostStateImpl for Ear {
    /// The state is asked for whenever it is saved.
    fn mark_dirty(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ear() -> Ear {
        Ear(Arc::new(Notes::new()))
    }

    #[test]
    fn each_thread_is_told_truthfully_what_it_is() {
        let ear = ear();
        assert!(ear.is_main_thread() && !HostThreadCheckImpl::is_audio_thread(&ear));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                ear.0.enter_audio();
                assert!(!ear.is_main_thread() && HostThreadCheckImpl::is_audio_thread(&ear));
            });
        });
        ear.0.leave_audio();
        ear.0.enter_audio();
        assert!(ear.is_main_thread() && HostThreadCheckImpl::is_audio_thread(&ear));
    }

    #[test]
    fn the_audio_threads_messages_are_counted_and_a_flood_is_cut() {
        let ear = ear();
        (0..=MESSAGES_MAX).for_each(|_| ear.log(LogSeverity::Info, "hello"));
        assert_eq!(ear.0.messages().len(), MESSAGES_MAX);
        ear.0.enter_audio();
        ear.log(LogSeverity::Info, "hello");
        assert_eq!(ear.0.lost_messages.load(Ordering::Relaxed), 2);
        ear.0.report("clap:test");
        assert_eq!(ear.0.messages().len(), 0);
        assert_eq!(ear.0.lost_messages.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_is_asked_for_is_done_once() {
        let ear = ear();
        assert!(!ear.0.take_callback() && !ear.0.take_restart() && !ear.0.take_latency_changed());
        ear.request_callback();
        ear.request_restart();
        ear.changed();
        assert!(ear.0.take_callback() && ear.0.take_restart() && ear.0.take_latency_changed());
        assert!(!ear.0.take_callback() && !ear.0.take_restart() && !ear.0.take_latency_changed());
    }
}
