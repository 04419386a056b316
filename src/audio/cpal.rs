//! The system's own sound devices through cpal: ALSA, PulseAudio and PipeWire, CoreAudio, WASAPI.
//! Noticing that a device froze is left to the supervisor. The data callback runs on the host's
//! audio thread, opening and closing on a `helper`.

mod output;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, Device, ErrorKind, FromSample, InputCallbackInfo, SizedSample, StreamConfig,
    StreamInstant,
};

pub use crate::audio::cpal::output::{Output, open_output};
use crate::audio::helper::{self, OPEN_LIMIT, with_time_limit};
use crate::audio::{
    AudioError, Callback, DeviceLine, Direction, Liveness, Opened, Parts, Shared, Stream,
};
use crate::config::checked::Input;
use crate::plugins::builtin::denoise::prepare_thread;
use crate::ring::{Counters, Stamp};

/// Block length asked for where the host's own choice is seconds, in frames a second: 10 ms.
const BLOCKS_PER_S: u32 = 100;

/// A running stream; dropping it closes the device.
pub struct CpalStream {
    stream: Option<cpal::Stream>,
}

impl Drop for CpalStream {
    fn drop(&mut self) {
        helper::close("the sound device", self.stream.take());
    }
}

/// Opens the default input, or the device with this id, and starts it.
pub fn open(input: &Input, id: Option<&str>) -> Result<Opened, AudioError> {
    let name = id.unwrap_or("the default input").to_owned();
    let (input, id) = (input.clone(), id.map(str::to_owned));
    with_time_limit(&name, OPEN_LIMIT, move || open_here(&input, id.as_deref()))?
}

/// All inputs or outputs of all hosts. A host that hangs is left out with a warning.
pub fn device_lines(direction: Direction) -> Vec<DeviceLine> {
    let mut lines = Vec::new();
    for id in cpal::available_hosts() {
        let ask = move || {
            cpal::host_from_id(id).map(|host| lines_of(&host, direction)).unwrap_or_default()
        };
        match with_time_limit(&id.to_string(), OPEN_LIMIT, ask) {
            Ok(found) => lines.extend(found),
            Err(error) => log::warn!("{error}"),
        }
    }
    lines
}

/// What a sound server may take to say whether a device is there.
const PRESENCE_LIMIT: Duration = Duration::from_millis(300);

/// Asks PulseAudio, which moves a stream on to another device when its own is pulled. The other
/// hosts end the stream. A server that gives no answer has lost nothing yet.
pub fn is_gone(id: &str, direction: Direction) -> bool {
    let Ok(device) = id.parse::<cpal::DeviceId>() else { return false };
    if !is_pulseaudio(&device) {
        return false;
    }
    let look = move || {
        let host = cpal::host_from_id(device.host()).ok()?;
        let lines = lines_of(&host, direction);
        Some(!lines.is_empty() && lines.iter().all(|line| line.id != device.to_string()))
    };
    with_time_limit(id, PRESENCE_LIMIT, look).ok().flatten().unwrap_or(false)
}

fn is_pulseaudio(id: &cpal::DeviceId) -> bool {
    id.host().to_string().eq_ignore_ascii_case("pulseaudio")
}

fn open_here(input: &Input, id: Option<&str>) -> Result<Opened, AudioError> {
    let device = match id {
        Some(id) => device_by_id(id, Direction::Input)?,
        None => default_device()?,
    };
    let id = device.id().map_or_else(|_| "the default input".to_owned(), |id| id.to_string());
    let supported = input_config(&device, &id, input.channels_needed())?;
    let mut config = supported.config();
    config.buffer_size = buffer_size(&device, config.sample_rate);
    let rate_hz = config.sample_rate;
    let parts = Parts::feeding(input, rate_hz);
    let shared = Shared::of(&parts.callback);
    let Parts { callback, plugins, reader, liveness, home } = parts;
    let wiring = Wiring { device: &device, id: &id, config, liveness: Arc::clone(&liveness) };
    let stream = wiring.build(supported.sample_format(), callback)?;
    stream.play().map_err(|reason| AudioError::Device { id: id.clone(), step: "start", reason })?;
    let description = format!("{}, {} channels at {rate_hz} Hz", name_of(&device), config.channels);
    Ok(Opened {
        reader,
        rate_hz,
        channels: input.channels,
        id,
        description,
        shared,
        plugins,
        feed: home,
        liveness,
        stream: Stream::Cpal(CpalStream { stream: Some(stream) }),
        player: None,
    })
}

fn default_device() -> Result<Device, AudioError> {
    let host = cpal::default_host();
    host.default_input_device().ok_or_else(|| AudioError::NoInput { host: host.id().to_string() })
}

fn device_by_id(id: &str, direction: Direction) -> Result<Device, AudioError> {
    let find = || {
        let id: cpal::DeviceId = id.parse().ok()?;
        cpal::host_from_id(id.host()).ok()?.device_by_id(&id)
    };
    let (kind, fits) = match direction {
        Direction::Input => ("input", Device::supports_input as fn(&Device) -> bool),
        Direction::Output => ("output", Device::supports_output as fn(&Device) -> bool),
    };
    find().filter(fits).ok_or_else(|| {
        let hosts = cpal::available_hosts().into_iter();
        let known = hosts
            .filter_map(|host| cpal::host_from_id(host).ok())
            .flat_map(|host| lines_of(&host, direction))
            .map(|line| line.id)
            .collect();
        AudioError::UnknownDevice { kind, id: id.to_owned(), known }
    })
}

/// The device's own choice if it has enough channels, else the first of its others that does.
fn input_config(
    device: &Device,
    id: &str,
    wanted: u16,
) -> Result<cpal::SupportedStreamConfig, AudioError> {
    let refused = |reason| AudioError::Device { id: id.to_owned(), step: "query", reason };
    let own = device.default_input_config().map_err(refused)?;
    if own.channels() >= wanted {
        return Ok(own);
    }
    device
        .supported_input_configs()
        .map_err(refused)?
        .filter(|range| range.channels() >= wanted)
        .find_map(|range| range.try_with_sample_rate(own.sample_rate()))
        .ok_or_else(|| AudioError::TooFewChannels {
            id: id.to_owned(),
            wanted,
            present: own.channels(),
        })
}

/// PulseAudio's own choice is 2 s; the other hosts choose some tens of milliseconds.
fn buffer_size(device: &Device, rate_hz: u32) -> BufferSize {
    if device.id().is_ok_and(|id| is_pulseaudio(&id)) {
        BufferSize::Fixed((rate_hz / BLOCKS_PER_S).max(1))
    } else {
        BufferSize::Default
    }
}

/// What a stream is built from, whatever the type of its samples.
struct Wiring<'a> {
    device: &'a Device,
    id: &'a str,
    config: StreamConfig,
    liveness: Arc<Liveness>,
}

impl Wiring<'_> {
    fn build(
        &self,
        format: cpal::SampleFormat,
        callback: Callback,
    ) -> Result<cpal::Stream, AudioError> {
        use cpal::SampleFormat::{F32, F64, I8, I16, I24, I32, I64, U8, U16, U24, U32, U64};
        match format {
            I8 => self.build_for::<i8>(callback),
            I16 => self.build_for::<i16>(callback),
            I24 => self.build_for::<cpal::I24>(callback),
            I32 => self.build_for::<i32>(callback),
            I64 => self.build_for::<i64>(callback),
            U8 => self.build_for::<u8>(callback),
            U16 => self.build_for::<u16>(callback),
            U24 => self.build_for::<cpal::U24>(callback),
            U32 => self.build_for::<u32>(callback),
            U64 => self.build_for::<u64>(callback),
            F32 => self.build_for::<f32>(callback),
            F64 => self.build_for::<f64>(callback),
            other => {
                Err(AudioError::SampleFormat { id: self.id.to_owned(), format: other.to_string() })
            }
        }
    }

    fn build_for<T: SizedSample>(&self, mut callback: Callback) -> Result<cpal::Stream, AudioError>
    where
        f32: FromSample<T>,
    {
        let (channels, rate_hz) = (usize::from(self.config.channels), self.config.sample_rate);
        let (liveness, counters) = (Arc::clone(&self.liveness), Arc::clone(callback.counters()));
        let (flags, mut is_prepared) = (Arc::clone(&liveness), false);
        let has_priority = has_priority(self.device);
        let data = move |samples: &[T], info: &InputCallbackInfo| {
            let frames = samples.len() / channels.max(1);
            if !std::mem::replace(&mut is_prepared, true) {
                prepare_thread();
                if !has_priority {
                    flags.priority.raise(frames, rate_hz);
                }
            }
            callback.stamp(stamp(info, frames, rate_hz));
            callback.process_samples(samples, channels);
        };
        self.device
            .build_input_stream(
                self.config,
                data,
                move |error| note(&error, &liveness, &counters),
                Some(OPEN_LIMIT),
            )
            .map_err(|reason| AudioError::Device { id: self.id.to_owned(), step: "open", reason })
    }
}

/// PipeWire and CoreAudio put their threads into the real-time class themselves.
fn has_priority(device: &Device) -> bool {
    let has = |host: &str| ["pipewire", "coreaudio"].contains(&host.to_lowercase().as_str());
    device.id().is_ok_and(|id| has(&id.host().to_string()))
}

fn stamp(info: &InputCallbackInfo, frames: usize, rate_hz: u32) -> Stamp {
    let ns = |instant: StreamInstant| u64::try_from(instant.as_nanos()).unwrap_or(u64::MAX);
    let cpal::InputStreamTimestamp { callback, capture } = info.timestamp();
    Stamp::new(ns(callback), ns(capture), frames, rate_hz)
}

/// A lost ALSA device calls this some 480,000 times a second, on the audio thread: atomics only.
fn note(error: &cpal::Error, liveness: &Liveness, counters: &Counters) {
    match error.kind() {
        ErrorKind::Xrun => {
            counters.xruns.fetch_add(1, Ordering::Relaxed);
        }
        // Sound goes on: without priority, or from another device.
        ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged => {}
        _ => liveness.lost.store(true, Ordering::Relaxed),
    }
}

fn lines_of(host: &cpal::Host, direction: Direction) -> Vec<DeviceLine> {
    let default = match direction {
        Direction::Input => host.default_input_device(),
        Direction::Output => host.default_output_device(),
    };
    let default_id = default.and_then(|device| device.id().ok());
    let fits = |device: &Device| match direction {
        Direction::Input => device.default_input_config().ok(),
        Direction::Output => device.default_output_config().ok(),
    };
    let devices = host.devices().into_iter().flatten();
    devices
        .filter_map(|device| {
            let id = device.id().ok()?;
            let config = fits(&device)?;
            Some(DeviceLine {
                is_default: default_id.as_ref() == Some(&id),
                id: id.to_string(),
                name: name_of(&device),
                host: host.id().to_string(),
                channels: config.channels(),
                rate_hz: config.sample_rate(),
            })
        })
        .collect()
}

fn name_of(device: &Device) -> String {
    device.description().map_or_else(|_| "sound device".to_owned(), |text| text.name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Connect;
    use crate::config::checked::Source;

    #[test]
    fn an_unknown_device_is_named_with_those_that_exist() {
        let source = Source::Cpal(Some("alsa:no such card".to_owned()));
        let input = Input::plain(source, 1);
        let opened = crate::audio::open(&input, Connect::Nothing);
        let error = opened.err().expect("there is no such card");
        let text = error.to_string();
        assert!(text.starts_with("no input device has the id \"alsa:no such card\"; there are: "));
    }

    #[test]
    fn errors_only_move_flags_and_counters() {
        let (liveness, counters) = (Liveness::default(), Counters::default());
        for kind in [ErrorKind::Xrun, ErrorKind::RealtimeDenied, ErrorKind::DeviceChanged] {
            note(&cpal::Error::new(kind), &liveness, &counters);
        }
        assert!(!liveness.lost.load(Ordering::Relaxed));
        assert_eq!(counters.xruns.load(Ordering::Relaxed), 1);
        note(&cpal::Error::new(ErrorKind::DeviceNotAvailable), &liveness, &counters);
        assert!(liveness.lost.load(Ordering::Relaxed));
    }
}
