//! The JACK client: ports `in_1` … `in_N`, wired to the callback. Does not start a server and does
//! not come back by itself after the server went: it sets the lost flag. `process` runs on JACK's
//! real-time thread, the notifications on another, opening and closing on a `helper`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jack::{AudioIn, Client, ClientOptions, Control, Port, PortFlags, PortSpec, ProcessScope};

use crate::audio::helper::{self, OPEN_LIMIT, with_time_limit};
use crate::audio::{AudioError, Callback, DeviceLine, Liveness, Opened, Parts, Stream};
use crate::config::checked::Input;
use crate::ring::{Block, CHANNELS_MAX, Counters};

const CLIENT_NAME: &str = "affectd";

/// What to do with the ports once they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connect {
    /// Wire the first physical capture ports to them, in order.
    Capture,
    /// Leave them to the user's patch bay.
    Nothing,
}

/// An active client; dropping it closes the client.
pub struct JackStream {
    /// The name that the server gave: `affectd-01` when there is another `affectd`.
    pub client_name: String,
    client: Option<jack::AsyncClient<Notifications, Process>>,
}

impl Drop for JackStream {
    fn drop(&mut self) {
        helper::close("the JACK client", self.client.take());
    }
}

pub fn open(input: &Input, connect: Connect) -> Result<Opened, AudioError> {
    let input = input.clone();
    with_time_limit("the JACK server", OPEN_LIMIT, move || open_here(&input, connect))?
}

fn open_here(input: &Input, connect: Connect) -> Result<Opened, AudioError> {
    let client = new_client()?;
    let rate_hz = client.sample_rate();
    let parts = Parts::new(input, rate_hz);
    let (counters, meters) =
        (Arc::clone(parts.callback.counters()), Arc::clone(parts.callback.meters()));
    let mut ports = Vec::new();
    for number in 1..=input.channels {
        let port = client
            .register_port(&format!("in_{number}"), AudioIn::default())
            .map_err(|reason| AudioError::Jack { step: "an input port", reason })?;
        ports.push(port);
    }
    let freewheels = Arc::new(AtomicBool::new(false));
    let notifications = Notifications {
        rate_hz,
        liveness: Arc::clone(&parts.liveness),
        counters: Arc::clone(&counters),
        freewheels: Arc::clone(&freewheels),
    };
    let process = Process { ports, callback: parts.callback, freewheels, next_frame: None };
    let client = client
        .activate_async(notifications, process)
        .map_err(|reason| AudioError::Jack { step: "to run the client", reason })?;
    if connect == Connect::Capture {
        connect_capture(client.as_client(), &input.map);
    }
    let client_name = client.as_client().name().to_owned();
    Ok(Opened {
        reader: parts.reader,
        rate_hz,
        channels: input.channels,
        id: "jack".to_owned(),
        description: format!("JACK client {client_name}"),
        counters,
        meters,
        liveness: parts.liveness,
        stream: Stream::Jack(JackStream { client_name, client: Some(client) }),
        player: None,
    })
}

/// The line for `affectd devices`, when a server runs.
pub fn device_line() -> Option<DeviceLine> {
    with_time_limit("the JACK server", OPEN_LIMIT, device_line_here).ok()?
}

fn device_line_here() -> Option<DeviceLine> {
    let client = new_client().ok()?;
    let channels = capture_ports(&client).len();
    Some(DeviceLine {
        id: "jack".to_owned(),
        name: "JACK server".to_owned(),
        host: "jack".to_owned(),
        channels: u16::try_from(channels).unwrap_or(u16::MAX),
        rate_hz: client.sample_rate(),
        is_default: false,
    })
}

/// Keeps libjack from printing "cannot connect to server socket" and the like, also when an ALSA
/// plug-in uses it: our errors say what is the matter.
pub(crate) fn hush() {
    // Without the library `set_logger` panics.
    if jack_sys::library().is_ok() {
        jack::set_logger(jack::LoggerType::None);
    }
}

fn new_client() -> Result<Client, AudioError> {
    match Client::new(CLIENT_NAME, ClientOptions::NO_START_SERVER) {
        Ok((client, _status)) => Ok(client),
        Err(jack::Error::LibraryError(reason)) => Err(AudioError::NoJackLibrary { reason }),
        Err(jack::Error::ClientError(status))
            if status.contains(jack::ClientStatus::SERVER_FAILED) =>
        {
            Err(AudioError::NoJackServer)
        }
        Err(reason) => Err(AudioError::Jack { step: "a client", reason }),
    }
}

fn capture_ports(client: &Client) -> Vec<String> {
    let audio = AudioIn::default();
    client.ports(
        None,
        Some(audio.jack_port_type()),
        // Physical outputs of the server's driver are what a microphone comes in by.
        PortFlags::IS_OUTPUT | PortFlags::IS_PHYSICAL,
    )
}

/// `map` says which capture port each channel hears, counted from 0.
fn connect_capture(client: &Client, map: &[usize]) {
    let sources = capture_ports(client);
    for (number, &channel) in (1..).zip(map) {
        let port = format!("{}:in_{number}", client.name());
        let Some(source) = sources.get(channel) else {
            log::warn!(
                "JACK has {} capture ports, no number {}; {port} stays silent until something is \
                 connected to it",
                sources.len(),
                channel + 1
            );
            continue;
        };
        if let Err(reason) = client.connect_ports_by_name(source, &port) {
            log::warn!("cannot connect {source} to {port}: {reason}");
        }
    }
}

/// The real-time thread's part.
struct Process {
    ports: Vec<Port<AudioIn>>,
    callback: Callback,
    freewheels: Arc<AtomicBool>,
    /// JACK's frame time at which the next cycle begins if none is missed.
    next_frame: Option<jack::Frames>,
}

impl jack::ProcessHandler for Process {
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> Control {
        let start = scope.last_frame_time();
        let missed = self.next_frame.map_or(0, |next| missed_frames(next, start));
        self.next_frame = Some(start.wrapping_add(scope.n_frames()));
        // Relaxed: a block too many or too few at the border is harmless.
        if self.freewheels.load(Ordering::Relaxed) {
            self.callback.idle();
            return Control::Continue;
        }
        if missed > 0 {
            self.callback.lose(u64::from(missed));
        }
        let mut slices: [&[f32]; CHANNELS_MAX] = [&[]; CHANNELS_MAX];
        for (slice, port) in slices.iter_mut().zip(&self.ports) {
            *slice = port.as_slice(scope);
        }
        let channels = self.ports.len().min(CHANNELS_MAX);
        self.callback.process(Block::Planar(&slices[..channels]));
        Control::Continue
    }
}

/// Frames between where a cycle was to begin and where it did. The server skips a client that is
/// late, and its clock wraps around and may be set back after an xrun, which loses nothing.
fn missed_frames(expected: jack::Frames, start: jack::Frames) -> jack::Frames {
    let ahead = start.wrapping_sub(expected);
    if ahead <= jack::Frames::MAX / 2 { ahead } else { 0 }
}

/// What the server tells outside the real-time thread.
struct Notifications {
    rate_hz: u32,
    liveness: Arc<Liveness>,
    counters: Arc<Counters>,
    freewheels: Arc<AtomicBool>,
}

impl jack::NotificationHandler for Notifications {
    // The trait says unsafe because the server calls this like a signal handler: a store is all
    // that is done here.
    #[expect(unsafe_code, reason = "the trait declares this method unsafe")]
    unsafe fn shutdown(&mut self, _: jack::ClientStatus, _: &str) {
        self.liveness.lost.store(true, Ordering::Relaxed);
    }

    /// The server renders as fast as it can, some 28 times real time here: not a live voice, and
    /// it would flood the ring.
    fn freewheel(&mut self, _: &Client, is_on: bool) {
        self.freewheels.store(is_on, Ordering::Relaxed);
    }

    fn sample_rate(&mut self, _: &Client, rate_hz: jack::Frames) -> Control {
        if rate_hz != self.rate_hz {
            self.liveness.lost.store(true, Ordering::Relaxed);
        }
        Control::Continue
    }

    fn xrun(&mut self, _: &Client) -> Control {
        self.counters.xruns.fetch_add(1, Ordering::Relaxed);
        Control::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_that_was_missed_is_told_by_the_frame_time() {
        for (expected, start, missed) in [
            (512, 512, 0),
            (512, 768, 256),
            (512, 500, 0),                     // set back
            (jack::Frames::MAX - 255, 0, 256), // wrapped around
        ] {
            assert_eq!(missed_frames(expected, start), missed, "{expected} {start}");
        }
    }
}
