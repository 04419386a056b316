//! An output of the system for the sound of a source that has none itself. The data callback runs
//! on the host's audio thread, opening and closing on a `helper`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{Device, FromSample, SampleFormat, SizedSample, StreamConfig};

use crate::audio::cpal::{CpalStream, buffer_size, device_by_id, has_priority, note};
use crate::audio::helper::{OPEN_LIMIT, with_time_limit};
use crate::audio::playback::{Playback, Played};
use crate::audio::through::Home;
use crate::audio::{AudioError, Direction, Liveness};
use crate::ring::Counters;

/// A running output; dropping it closes the device.
pub struct Output {
    pub id: String,
    pub played: Arc<Played>,
    pub liveness: Arc<Liveness>,
    _stream: CpalStream,
}

/// Opens the default output, or the device with this id, at the rate of the source.
pub fn open_output(home: &Home, id: Option<&str>) -> Result<Output, AudioError> {
    let name = id.unwrap_or("the default output").to_owned();
    let (home, id) = (home.clone(), id.map(str::to_owned));
    with_time_limit(&name, OPEN_LIMIT, move || open_here(&home, id.as_deref()))?
}

fn open_here(home: &Home, id: Option<&str>) -> Result<Output, AudioError> {
    let device = match id {
        Some(id) => device_by_id(id, Direction::Output)?,
        None => default_device()?,
    };
    let id = device.id().map_or_else(|_| "the default output".to_owned(), |id| id.to_string());
    let supported = output_config(&device, &id, home.rate_hz)?;
    let mut config = supported.config();
    config.buffer_size = buffer_size(&device, config.sample_rate);
    let (played, liveness) = (Arc::new(Played::default()), Arc::new(Liveness::default()));
    let Some(playback) = Playback::new(home, Arc::clone(&played)) else {
        return Err(AudioError::OutputBusy { id });
    };
    let wiring = Wiring { device: &device, id: &id, config, liveness: &liveness };
    let stream = wiring.build(supported.sample_format(), playback)?;
    stream.play().map_err(|reason| AudioError::Device { id: id.clone(), step: "start", reason })?;
    Ok(Output { id, played, liveness, _stream: CpalStream { stream: Some(stream) } })
}

fn default_device() -> Result<Device, AudioError> {
    let host = cpal::default_host();
    host.default_output_device().ok_or_else(|| AudioError::NoOutput { host: host.id().to_string() })
}

/// The device's own choice of channels and samples at the source's rate.
fn output_config(
    device: &Device,
    id: &str,
    rate_hz: u32,
) -> Result<cpal::SupportedStreamConfig, AudioError> {
    let refused = |reason| AudioError::Device { id: id.to_owned(), step: "query", reason };
    let own = device.default_output_config().map_err(refused)?;
    if own.sample_rate() == rate_hz {
        return Ok(own);
    }
    let mut others: Vec<_> = device
        .supported_output_configs()
        .map_err(refused)?
        .filter_map(|range| range.try_with_sample_rate(rate_hz))
        .collect();
    others.sort_by_key(|config| {
        (config.channels() != own.channels(), config.sample_format() != own.sample_format())
    });
    others.into_iter().next().ok_or_else(|| AudioError::OutputRate {
        id: id.to_owned(),
        wanted_hz: rate_hz,
        own_hz: own.sample_rate(),
    })
}

/// What a stream is built from, whatever the type of its samples.
struct Wiring<'a> {
    device: &'a Device,
    id: &'a str,
    config: StreamConfig,
    liveness: &'a Arc<Liveness>,
}

impl Wiring<'_> {
    fn build(&self, format: SampleFormat, playback: Playback) -> Result<cpal::Stream, AudioError> {
        match format {
            SampleFormat::I16 => self.build_for::<i16>(playback),
            SampleFormat::I24 => self.build_for::<cpal::I24>(playback),
            SampleFormat::I32 => self.build_for::<i32>(playback),
            SampleFormat::U8 => self.build_for::<u8>(playback),
            SampleFormat::U16 => self.build_for::<u16>(playback),
            SampleFormat::F32 => self.build_for::<f32>(playback),
            SampleFormat::F64 => self.build_for::<f64>(playback),
            other => {
                let (id, format) = (self.id.to_owned(), other.to_string());
                Err(AudioError::SampleFormat { id, format })
            }
        }
    }

    fn build_for<T: SizedSample + FromSample<f32>>(
        &self,
        mut playback: Playback,
    ) -> Result<cpal::Stream, AudioError> {
        let (channels, rate_hz) = (usize::from(self.config.channels), self.config.sample_rate);
        let (flags, mut is_raised) = (Arc::clone(self.liveness), has_priority(self.device));
        let data = move |out: &mut [T], _: &_| {
            if !std::mem::replace(&mut is_raised, true) {
                flags.priority.raise(out.len() / channels.max(1), rate_hz);
            }
            playback.fill(out, channels);
        };
        // Xruns of an output are none of the analysis: they are counted and forgotten.
        let (liveness, unheard) = (Arc::clone(self.liveness), Counters::default());
        self.device
            .build_output_stream(
                self.config,
                data,
                move |error| note(&error, &liveness, &unheard),
                Some(OPEN_LIMIT),
            )
            .map_err(|reason| AudioError::Device { id: self.id.to_owned(), step: "open", reason })
    }
}

impl Output {
    /// Blocks that the device took so far.
    pub fn callbacks(&self) -> u64 {
        self.played.callbacks.load(Ordering::Relaxed)
    }
}
