//! Sound in, and on its way out again: opens what the configuration names and says whether it
//! still lives. What runs on the audio thread is in `callback`, `through` and `playback`; watching
//! and opening again is left to the supervisor, and starting the thread of a file player to the
//! daemon. Runs on the thread that calls it, which may wait for some seconds here.

pub mod callback;

pub mod through;

pub mod playback;

pub(crate) mod denormals;

pub mod priority;

pub mod jack;

pub mod cpal;

pub mod file;

mod error;

pub(crate) mod helper;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub use crate::audio::callback::{Callback, Meters};
pub use crate::audio::cpal::Output;
pub use crate::audio::error::AudioError;
pub use crate::audio::file::FilePlayer;
pub use crate::audio::jack::Connect;
use crate::audio::priority::Priority;
use crate::audio::through::{Fader, Home};
use crate::config::checked::{Input, Source, ThroughTo};
use crate::plugins::chain::{Ends, chains};
use crate::ring::{CHANNELS_MAX, Counters, Reader, ring};
use crate::units::is_usual_rate;

/// How long a device may take from opening to its first block. A USB card or a woken PulseAudio
/// source needs some tenths of a second; a card that is none never calls.
const FIRST_BLOCK_LIMIT: Duration = Duration::from_millis(1500);

/// The same for a device that was asked for by name: a Bluetooth headset takes seconds.
const FIRST_BLOCK_LIMIT_NAMED: Duration = Duration::from_secs(5);

/// Callbacks a second that no sound device makes: 32 frames at 192 kHz are 6000. ALSA's null device
/// makes 600,000, and takes a whole core for it.
pub const UNPACED_PER_S: f64 = 20_000.0;

/// How long a new device is listened to for that.
const PACE_WAIT: Duration = Duration::from_millis(50);

/// Flags that the audio thread sets and the supervisor reads. They guard no other memory, so every
/// access is Relaxed.
#[derive(Debug, Default)]
pub struct Liveness {
    /// The device is gone: drop the stream and open again. A frozen device does not set this;
    /// `Counters::callbacks` stands still then.
    pub lost: AtomicBool,
    /// A file was played to its end.
    pub finished: AtomicBool,
    /// Whether the audio thread got the real-time class, where it had to ask.
    pub priority: Priority,
}

/// What the audio thread has in common with the others.
#[derive(Clone)]
pub struct Shared {
    pub counters: Arc<Counters>,
    pub meters: Arc<Meters>,
    pub fader: Arc<Fader>,
}

impl Shared {
    fn of(callback: &Callback) -> Self {
        Self {
            counters: Arc::clone(callback.counters()),
            meters: Arc::clone(callback.meters()),
            fader: Arc::clone(callback.fader()),
        }
    }
}

/// A source that is running, or that runs once its player does.
pub struct Opened {
    pub reader: Reader,
    pub rate_hz: u32,
    /// Channels analysed.
    pub channels: u16,
    /// What the configuration would name to get the same: `jack`, a device id, a path, `demo`.
    pub id: String,
    /// For a person.
    pub description: String,
    pub shared: Shared,
    /// What its plug-ins are steered by.
    pub plugins: Ends,
    pub liveness: Arc<Liveness>,
    /// Where the sound waits for an output that is to be opened with [`open_output`].
    pub feed: Option<Home>,
    /// Dropped to close the device.
    pub stream: Stream,
    /// For a file: the body of a thread that the daemon starts.
    pub player: Option<FilePlayer>,
}

/// Keeps the device open.
pub enum Stream {
    Jack(jack::JackStream),
    Cpal(cpal::CpalStream),
    /// The player is all there is.
    Player,
}

/// Which way a device's sound goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Input,
    Output,
}

/// A line of `affectd devices`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceLine {
    /// What the configuration takes.
    pub id: String,
    pub name: String,
    pub host: String,
    pub channels: u16,
    pub rate_hz: u32,
    pub is_default: bool,
}

/// What every source needs before it runs; made here so that all of them mean the same.
pub(crate) struct Parts {
    pub callback: Callback,
    pub plugins: Ends,
    pub reader: Reader,
    pub liveness: Arc<Liveness>,
    pub home: Option<Home>,
}

impl Parts {
    pub(crate) fn new(input: &Input, rate_hz: u32) -> Self {
        let (writer, reader) = ring(input.channels, rate_hz, input.ring_s);
        let (plugins_in, plugins) = chains(writer.channels(), rate_hz);
        let callback = Callback::picking(writer, input.map.clone()).through(plugins_in);
        Self { callback, plugins, reader, liveness: Arc::default(), home: None }
    }

    /// For a source that has no outputs itself.
    pub(crate) fn feeding(input: &Input, rate_hz: u32) -> Self {
        let parts = Self::new(input, rate_hz);
        if input.through == ThroughTo::Nothing {
            return parts;
        }
        let (feed, home) = through::feed(input.channels, rate_hz);
        Self { callback: parts.callback.feeding(feed), home: Some(home), ..parts }
    }
}

/// Opens the configured source. `connect` is for JACK alone.
pub fn open(input: &Input, connect: Connect) -> Result<Opened, AudioError> {
    let wanted = input.channels;
    if !(1..=CHANNELS_MAX).contains(&usize::from(wanted)) {
        return Err(AudioError::ChannelCount { wanted });
    }
    jack::hush();
    let opened = match &input.source {
        Source::Auto => open_any(input, connect),
        Source::Jack => jack::open(input, connect),
        Source::Cpal(None) => open_device(input, None, FIRST_BLOCK_LIMIT),
        Source::Cpal(Some(id)) => open_device(input, Some(id), FIRST_BLOCK_LIMIT_NAMED),
        Source::File(path) => file::open(input, path),
        Source::Demo => file::open_demo(input),
    }?;
    check_rate(&opened.id, opened.rate_hz)?;
    Ok(opened)
}

fn check_rate(id: &str, rate_hz: u32) -> Result<(), AudioError> {
    if is_usual_rate(rate_hz) {
        return Ok(());
    }
    Err(AudioError::Rate { id: id.to_owned(), rate_hz })
}

/// The output that the sound of a source goes on to, if the source has not outputs itself.
pub fn open_output(home: &Home, to: &ThroughTo) -> Result<Output, AudioError> {
    let id = match to {
        ThroughTo::Device(id) => Some(id.as_str()),
        ThroughTo::Default | ThroughTo::Nothing => None,
    };
    let output = cpal::open_output(home, id)?;
    check_pace(&output.id, &output.played.callbacks)?;
    Ok(output)
}

/// Waits for what a device that was just started does.
fn check_pace(id: &str, callbacks: &AtomicU64) -> Result<(), AudioError> {
    let before = callbacks.load(Ordering::Relaxed);
    std::thread::sleep(PACE_WAIT);
    let more = callbacks.load(Ordering::Relaxed) - before;
    if UNPACED_PER_S * PACE_WAIT.as_secs_f64() < more as f64 {
        return Err(AudioError::Unpaced { id: id.to_owned() });
    }
    Ok(())
}

/// Whether a device that plays or listens is not there any more, which its stream may not tell.
pub fn is_gone(id: &str, direction: Direction) -> bool {
    cpal::is_gone(id, direction)
}

/// All inputs that can be opened now. Hosts that are not there are left out.
pub fn list_inputs() -> Vec<DeviceLine> {
    jack::hush();
    let mut lines: Vec<_> = jack::device_line().into_iter().collect();
    lines.extend(cpal::device_lines(Direction::Input));
    lines
}

/// All outputs that can be opened now.
pub fn list_outputs() -> Vec<DeviceLine> {
    jack::hush();
    cpal::device_lines(Direction::Output)
}

/// What `auto` would take of these and why, for a person. Opens nothing, so a device that is there
/// but delivers nothing is not seen.
pub fn auto_choice(lines: &[DeviceLine]) -> String {
    if lines.iter().any(|line| line.id == "jack") {
        return "auto takes jack: a JACK server runs".to_owned();
    }
    match lines.iter().find(|line| line.is_default) {
        Some(line) => format!(
            "auto takes cpal:{}, the default input, if it delivers sound within {:.1} s; \
             no JACK server runs",
            line.id,
            FIRST_BLOCK_LIMIT.as_secs_f32()
        ),
        None => "auto plays the demo voice: no JACK server runs and there is no default input"
            .to_owned(),
    }
}

/// JACK if a server runs, else the default input if it delivers sound, else the demo voice.
fn open_any(input: &Input, connect: Connect) -> Result<Opened, AudioError> {
    let no_jack = match jack::open(input, connect) {
        Ok(opened) => return Ok(opened),
        Err(error) => error,
    };
    if !matches!(no_jack, AudioError::NoJackServer | AudioError::NoJackLibrary { .. }) {
        log::warn!("JACK is there but not usable: {no_jack}");
    }
    let no_device = match open_device(input, None, FIRST_BLOCK_LIMIT) {
        Ok(opened) => return Ok(opened),
        Err(error) => error,
    };
    log::warn!(
        "NO MICROPHONE: playing the built-in demo voice instead, what goes out is not live \
         ({no_jack}; {no_device})"
    );
    file::open_demo(input)
}

fn open_device(
    input: &Input,
    id: Option<&str>,
    first_block_limit: Duration,
) -> Result<Opened, AudioError> {
    let opened = cpal::open(input, id)?;
    let deadline = Instant::now() + first_block_limit;
    while opened.shared.counters.callbacks.load(Ordering::Relaxed) == 0 {
        if Instant::now() > deadline || opened.liveness.lost.load(Ordering::Relaxed) {
            let waited_ms = first_block_limit.as_millis();
            return Err(AudioError::NoSound { id: opened.id, waited_ms });
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    check_pace(&opened.id, &opened.shared.counters.callbacks)?;
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, is_default: bool) -> DeviceLine {
        let [id, name, host] = [id, "a name", "a host"].map(str::to_owned);
        DeviceLine { id, name, host, channels: 2, rate_hz: 48_000, is_default }
    }

    #[test]
    fn auto_says_what_it_takes_and_why() {
        for (lines, start) in [
            (vec![line("jack", false), line("alsa:hw", true)], "auto takes jack"),
            (vec![line("alsa:other", false), line("alsa:hw", true)], "auto takes cpal:alsa:hw,"),
            (vec![line("alsa:other", false)], "auto plays the demo voice"),
            (vec![], "auto plays the demo voice"),
        ] {
            assert!(auto_choice(&lines).starts_with(start), "{lines:?}");
        }
    }
}
