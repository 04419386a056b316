//! What can go wrong when sound is opened, told to the person who can mend it. No thread of its
//! own; what goes wrong later is a flag or a counter, not an error.

use crate::ring::CHANNELS_MAX;
use crate::units::RATES_HZ;
use crate::wav::SoundError;

#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    #[error("{wanted} channels are to be analysed; 1 to {CHANNELS_MAX} are possible")]
    ChannelCount { wanted: u16 },
    #[error(
        "{id} has {present} channels, but {wanted} are to be analysed; \
         set channels to {present} or less"
    )]
    TooFewChannels { id: String, wanted: u16, present: u16 },
    #[error(
        "{id} runs at {rate_hz} Hz, which is not supported; usual are 8000, 16000, 22050, 44100, \
         48000, 96000 and their multiples up to {} Hz",
        RATES_HZ.end()
    )]
    Rate { id: String, rate_hz: u32 },
    #[error("no JACK server is running; start one, or choose another source")]
    NoJackServer,
    #[error("the JACK library is not installed ({reason}); install JACK, or choose another source")]
    NoJackLibrary { reason: String },
    #[error("JACK refused {step}: {reason}")]
    Jack { step: &'static str, reason: jack::Error },
    #[error("no input device is known to {host}; `affectd devices` lists all inputs")]
    NoInput { host: String },
    #[error("no {kind} device has the id {id:?}; there are: {}", list(known))]
    UnknownDevice { kind: &'static str, id: String, known: Vec<String> },
    #[error("no output device is known to {host}; `affectd devices` lists all outputs")]
    NoOutput { host: String },
    #[error(
        "{id} does not play at {wanted_hz} Hz, the rate of the source; it plays at {own_hz} Hz: \
         choose another output, or set the source to that rate"
    )]
    OutputRate { id: String, wanted_hz: u32, own_hz: u32 },
    #[error("{id} cannot take the sound: the output before it has not closed yet")]
    OutputBusy { id: String },
    #[error("cannot {step} {id}: {reason}")]
    Device { id: String, step: &'static str, reason: cpal::Error },
    #[error("{id} delivers samples as {format}, which is not supported; choose another device")]
    SampleFormat { id: String, format: String },
    #[error(
        "{id} was opened but delivered no sound within {waited_ms} ms; \
         is it plugged in, or held by another program?"
    )]
    NoSound { id: String, waited_ms: u128 },
    #[error("{id} gives or takes sound without end, far faster than time: it is no sound device")]
    Unpaced { id: String },
    #[error("{id} did not answer within {waited_ms} ms; the sound server hangs: restart it")]
    Hangs { id: String, waited_ms: u128 },
    #[error("{id} could not be opened: no thread can be started ({reason})")]
    Thread { id: String, reason: std::io::Error },
    #[error(transparent)]
    Sound(#[from] SoundError),
}

fn list(ids: &[String]) -> String {
    if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
}
