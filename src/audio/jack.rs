//! The JACK client: ports `in_1` … `in_N`, and `out_1` … `out_N` where the sound goes on, wired to
//! the callback. Does not start a server and does not come back by itself after the server went: it
//! sets the lost flag. `process` runs on JACK's real-time thread, the notifications on another,
//! opening and closing on a `helper`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jack::{
    AudioIn, AudioOut, Client, ClientOptions, Control, LatencyType, Port, PortFlags, PortSpec,
    ProcessScope,
};

use crate::audio::helper::{self, OPEN_LIMIT, with_time_limit};
use crate::audio::{AudioError, Callback, DeviceLine, Liveness, Opened, Parts, Shared, Stream};
use crate::config::checked::{Input, ThroughTo};
use crate::plugins::builtin::denoise::prepare_thread;
use crate::ring::{Block, CHANNELS_MAX, Counters, Stamp, duration_ns};

const CLIENT_NAME: &str = "affectd";

const NS_PER_US: u64 = 1000;

/// What to do with the ports once they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connect {
    /// Wire the physical ports to them, in order.
    Physical,
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
    let parts = match input.through {
        // The sound goes on by ports of our own.
        ThroughTo::Nothing | ThroughTo::Default => Parts::new(input, rate_hz),
        ThroughTo::Device(_) => Parts::feeding(input, rate_hz),
    };
    let shared = Shared::of(&parts.callback);
    let inputs = register::<AudioIn>(&client, "in", input.channels)?;
    let outputs = match input.through {
        ThroughTo::Default => register::<AudioOut>(&client, "out", input.channels)?,
        ThroughTo::Nothing | ThroughTo::Device(_) => Vec::new(),
    };
    let freewheels = Arc::new(AtomicBool::new(false));
    let notifications = Notifications {
        rate_hz,
        liveness: Arc::clone(&parts.liveness),
        counters: Arc::clone(&shared.counters),
        freewheels: Arc::clone(&freewheels),
    };
    let callback = parts.callback;
    let process = Process { inputs, outputs, callback, rate_hz, freewheels, next_frame: None };
    let client = client
        .activate_async(notifications, process)
        .map_err(|reason| AudioError::Jack { step: "to run the client", reason })?;
    if connect == Connect::Physical {
        connect_capture(client.as_client(), &input.map);
        if input.through == ThroughTo::Default {
            connect_playback(client.as_client(), input.channels);
        }
    }
    let client_name = client.as_client().name().to_owned();
    Ok(Opened {
        reader: parts.reader,
        rate_hz,
        channels: input.channels,
        id: "jack".to_owned(),
        description: format!("JACK client {client_name}"),
        shared,
        plugins: parts.plugins,
        liveness: parts.liveness,
        feed: parts.home,
        stream: Stream::Jack(JackStream { client_name, client: Some(client) }),
        player: None,
    })
}

fn register<S: PortSpec + Default>(
    client: &Client,
    kind: &str,
    channels: u16,
) -> Result<Vec<Port<S>>, AudioError> {
    let refused = |reason| AudioError::Jack { step: "a port", reason };
    let port = |number| client.register_port(&format!("{kind}_{number}"), S::default());
    (1..=channels).map(|number| port(number).map_err(refused)).collect()
}

/// The line for `affectd devices`, when a server runs.
pub fn device_line() -> Option<DeviceLine> {
    with_time_limit("the JACK server", OPEN_LIMIT, device_line_here).ok()?
}

fn device_line_here() -> Option<DeviceLine> {
    let client = new_client().ok()?;
    let channels = physical_ports(&client, PortFlags::IS_OUTPUT).len();
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

/// Those of the server's driver: its outputs are what a microphone comes in by, its inputs lead to
/// loudspeakers.
fn physical_ports(client: &Client, direction: PortFlags) -> Vec<String> {
    let audio = AudioIn::default();
    client.ports(None, Some(audio.jack_port_type()), direction | PortFlags::IS_PHYSICAL)
}

/// `map` says which capture port each channel hears, counted from 0.
fn connect_capture(client: &Client, map: &[usize]) {
    let sources = physical_ports(client, PortFlags::IS_OUTPUT);
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
        wire(client, source, &port);
    }
}

/// One channel to the first two, several to as many.
fn connect_playback(client: &Client, channels: u16) {
    let speakers = physical_ports(client, PortFlags::IS_INPUT);
    let name = client.name();
    if channels == 1 {
        let both = speakers.iter().take(2);
        return both.for_each(|speaker| wire(client, &format!("{name}:out_1"), speaker));
    }
    for (number, speaker) in (1..=channels).zip(&speakers) {
        wire(client, &format!("{name}:out_{number}"), speaker);
    }
}

fn wire(client: &Client, from: &str, to: &str) {
    if let Err(reason) = client.connect_ports_by_name(from, to) {
        log::warn!("cannot connect {from} to {to}: {reason}");
    }
}

/// The real-time thread's part.
struct Process {
    inputs: Vec<Port<AudioIn>>,
    /// None, or one for each input.
    outputs: Vec<Port<AudioOut>>,
    callback: Callback,
    rate_hz: u32,
    freewheels: Arc<AtomicBool>,
    /// JACK's frame time at which the next cycle begins if none is missed.
    next_frame: Option<jack::Frames>,
}

impl jack::ProcessHandler for Process {
    #[cfg_attr(feature = "rtsan", rtsan_standalone::nonblocking)]
    fn process(&mut self, client: &Client, scope: &ProcessScope) -> Control {
        let start = scope.last_frame_time();
        let missed = self.next_frame.map_or(0, |next| missed_frames(next, start));
        self.next_frame = Some(start.wrapping_add(scope.n_frames()));
        // Relaxed: a block too many or too few at the border is harmless.
        let freewheels = self.freewheels.load(Ordering::Relaxed);
        if !freewheels {
            if missed > 0 {
                self.callback.lose(u64::from(missed));
            }
            let stamp = self.stamp(client, scope);
            self.callback.stamp(stamp);
        }
        let mut inputs: [&[f32]; CHANNELS_MAX] = [&[]; CHANNELS_MAX];
        for (slice, port) in inputs.iter_mut().zip(&self.inputs) {
            *slice = port.as_slice(scope);
        }
        let block = Block::Planar(&inputs[..self.inputs.len().min(CHANNELS_MAX)]);
        let mut outputs: [&mut [f32]; CHANNELS_MAX] = Default::default();
        let carried = self.outputs.len().min(CHANNELS_MAX);
        for (slice, port) in outputs.iter_mut().zip(&mut self.outputs) {
            *slice = port.as_mut_slice(scope);
        }
        let outputs = &mut outputs[..carried];
        if freewheels {
            self.callback.pass(block, outputs);
        } else {
            self.callback.process_through(block, outputs);
        }
        Control::Continue
    }
}

impl Process {
    /// JACK's own smoothed clock: when the cycle began, and how long before that the first port's
    /// sound had been in the air.
    fn stamp(&self, client: &Client, scope: &ProcessScope) -> Stamp {
        let called_us = client.time();
        let begun_us = scope.cycle_times().map_or(called_us, |times| times.current_usecs);
        let latency = |port: &Port<AudioIn>| port.get_latency_range(LatencyType::Capture).1;
        let latency_frames = self.inputs.first().map_or(0, latency);
        let latency_ns = duration_ns(u64::from(latency_frames), self.rate_hz);
        let frames = usize::try_from(scope.n_frames()).unwrap_or(0);
        // Not the time of the call: a cycle may be called late, and what it brings is no later.
        let begun_ns = NS_PER_US * begun_us.min(called_us);
        let heard = Stamp::new(begun_ns, begun_ns.saturating_sub(latency_ns), frames, self.rate_hz);
        Stamp { called_ns: NS_PER_US * called_us, ..heard }
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
    /// On each of JACK's threads for us, the audio thread among them, before it runs.
    fn thread_init(&self, _: &Client) {
        prepare_thread();
    }

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
