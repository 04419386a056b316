//! What crosses threads between the engine and those who speak for it. Plain values without
//! behaviour beyond reading them; no sockets, devices or clocks.

mod scores;

use std::sync::Arc;

use serde::Serialize;

pub use crate::messages::scores::{CLASSES_MAX, ClassScores, TAUGHT_MAX, Taught};
use crate::units::SILENCE_DB;

/// Label of the probability mass that the engine withholds for want of evidence.
pub const UNKNOWN: &str = "unknown";

/// Category-derived affect coordinates, each 0..1 with 0.5 neutral.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dimensions {
    pub arousal: f32,
    pub valence: f32,
    pub dominance: f32,
}

impl Dimensions {
    pub const NEUTRAL: Self = Self { arousal: 0.5, valence: 0.5, dominance: 0.5 };
}

/// Where arousal and valence lie; the names are ours for the quadrants of Russell (1980).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Quadrant {
    Neutral = 0,
    Excited = 1,
    Tense = 2,
    Gloomy = 3,
    Calm = 4,
}

impl Quadrant {
    pub fn name(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Excited => "excited",
            Self::Tense => "tense",
            Self::Gloomy => "gloomy",
            Self::Calm => "calm",
        }
    }
}

/// Prosody as measured; values hold while nobody speaks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Prosody {
    /// Fundamental frequency, of the last voiced frame.
    pub f0_hz: f32,
    /// Semitones between the lower and the upper fifth of the last 3 s of voiced frames.
    pub f0_range: f32,
    /// Syllables a second, over the last 3 s of speech.
    pub rate: f32,
    /// Mean difference of neighbouring cycles' lengths, % of the length, over a second of voice.
    pub jitter: f32,
    /// The same of their heights, in dB.
    pub shimmer_db: f32,
    /// Harmonics to noise, in dB, over a second of voice.
    pub hnr_db: f32,
    /// Energy from 1 to 5 kHz to that below, in dB, over a second of voice.
    pub tilt_db: f32,
    /// EBU R128, momentary (0.4 s), in LUFS.
    pub loudness: f32,
}

impl Prosody {
    /// Before anybody spoke.
    pub const NOTHING: Self = Self {
        f0_hz: 0.0,
        f0_range: 0.0,
        rate: 0.0,
        jitter: 0.0,
        shimmer_db: 0.0,
        hnr_db: 0.0,
        tilt_db: 0.0,
        loudness: SILENCE_DB,
    };

    pub fn all(&self) -> [f32; 8] {
        let Self { f0_hz, f0_range, rate, jitter, shimmer_db, hnr_db, tilt_db, loudness } = *self;
        [f0_hz, f0_range, rate, jitter, shimmer_db, hnr_db, tilt_db, loudness]
    }
}

/// What the engine says about one channel at the end of one hop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update {
    /// Counted from 1.
    pub channel: u16,
    /// Rises by one per hop of stream time; numbers skipped are hops lost to a full ring.
    pub sequence: u32,
    /// Frames of the source, since its start, at the window's end.
    pub end_frame: u64,
    /// The same in seconds.
    pub time_s: f64,
    pub voice_on: bool,
    /// The network has heard the present voice and `unknown` fell to `hold.unknown_max`.
    pub voice_known: bool,
    pub voice_probability: f32,
    /// False when the scores are older than the hold time, or the source is gone.
    pub fresh: bool,
    /// Time since the present voice began, at the hop's end; 0 without one.
    pub since_onset_s: f32,
    /// Time since the last frame of speech.
    pub since_speech_s: f32,
    /// How far the level of the last speech stands above the noise between, 0 before any.
    pub snr_db: f32,
    /// RMS of the hop in dBFS.
    pub level_db: f32,
    /// A sample of this hop reached full scale.
    pub clipped: bool,
    /// Masked and smoothed probabilities.
    pub classes: ClassScores,
    /// Index of the label that leads: another one must be ahead of it by `output.lead`.
    pub top: usize,
    pub quadrant: Quadrant,
    /// What the network said last, before mask and smoothing.
    pub raw: ClassScores,
    pub dimensions: Dimensions,
    /// The same against the baseline of the person who speaks, where there is one.
    pub relative: Option<Dimensions>,
    /// Calibrated probability of the winning label before smoothing, 0 before the first result.
    pub confidence: f32,
    /// The network ran for this hop.
    pub inferred: bool,
    pub prosody: Prosody,
    pub taught: Taught,
    pub triggers: TriggerStates,
}

impl Update {
    /// What a channel says of which nothing is known; `labels` counts `unknown` too.
    pub fn nothing(channel: u16, labels: usize) -> Self {
        let classes = ClassScores::unknown(labels.saturating_sub(1));
        Self {
            channel,
            sequence: 0,
            end_frame: 0,
            time_s: 0.0,
            voice_on: false,
            voice_known: false,
            voice_probability: 0.0,
            fresh: false,
            since_onset_s: 0.0,
            since_speech_s: 0.0,
            snr_db: 0.0,
            level_db: SILENCE_DB,
            clipped: false,
            classes,
            top: labels.saturating_sub(1),
            quadrant: Quadrant::Neutral,
            raw: classes,
            dimensions: Dimensions::NEUTRAL,
            relative: None,
            confidence: 0.0,
            inferred: false,
            prosody: Prosody::NOTHING,
            taught: Taught::NOTHING,
            triggers: TriggerStates::default(),
        }
    }
}

/// Which triggers of a channel are on, a bit each in the order of the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TriggerStates(u32);

impl TriggerStates {
    pub fn set(&mut self, index: usize, is_on: bool) {
        self.0 = self.0 & !(1 << index) | u32::from(is_on) << index;
    }

    pub fn is_on(self, index: usize) -> bool {
        self.0 >> index & 1 == 1
    }
}

/// A stretch of speech and what was felt meanwhile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    pub channel: u16,
    /// Counted from 1, channel by channel.
    pub id: u32,
    pub duration_s: f32,
    /// Over the hops in which the network said something; neutral without one.
    pub mean: Dimensions,
    /// The largest of each.
    pub peak: Dimensions,
    /// The likeliest label over all of it; none before the first result.
    pub top: Option<usize>,
    pub confidence: f32,
    pub level_peak_db: f32,
    /// Mean distance to the noise.
    pub snr_db: f32,
    pub flags: SegmentFlags,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SegmentEvent {
    /// The voice began so long ago.
    Start {
        channel: u16,
        id: u32,
        ago_s: f32,
    },
    /// Once a second.
    Part(Segment),
    End(Segment),
}

impl Segment {
    /// Nothing is known of it but that it is there.
    pub fn just_begun(channel: u16, id: u32) -> Self {
        Self {
            channel,
            id,
            duration_s: 0.0,
            mean: Dimensions::NEUTRAL,
            peak: Dimensions::NEUTRAL,
            top: None,
            confidence: 0.0,
            level_peak_db: SILENCE_DB,
            snr_db: 0.0,
            flags: SegmentFlags::default(),
        }
    }
}

impl SegmentEvent {
    pub fn channel(&self) -> u16 {
        match self {
            Self::Start { channel, .. } => *channel,
            Self::Part(segment) | Self::End(segment) => segment.channel,
        }
    }
}

/// What is doubtful about a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentFlags(i32);

impl SegmentFlags {
    /// Shorter than `voice.min_ms`.
    pub const SHORT: Self = Self(1);
    pub const CLIPPED: Self = Self(2);
    /// It ended before the voice did: by a stop, or `voice.max_s`.
    pub const CUT: Self = Self(4);
    pub const LOW_SNR: Self = Self(8);

    pub fn with(self, other: Self, is_so: bool) -> Self {
        if is_so { Self(self.0 | other.0) } else { self }
    }

    pub fn bits(self) -> i32 {
        self.0
    }
}

/// `/ser/health/state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum HealthState {
    Starting = 0,
    Running = 1,
    Paused = 2,
    Muted = 3,
    Stalled = 4,
    DeviceLost = 5,
    Degraded = 6,
    Stopping = 7,
}

/// Once a second; counters since start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Health {
    pub state: HealthState,
    /// Share of one core that the worker used in the last second, 0..1.
    pub load: f32,
    /// Mean time of one inference in the last second.
    pub infer_ms: f32,
    /// From capture of the hop's last sample to the socket, over the last 30 s.
    pub latency_p50_ms: f32,
    pub latency_p95_ms: f32,
    pub latency_p99_ms: f32,
    pub memory_mb: f32,
    pub uptime_s: f32,
    pub xruns: i32,
    /// Samples that were NaN or infinite.
    pub repaired: i32,
    /// Times a plug-in crashed, hung or was muted.
    pub plugin_faults: i32,
    /// Hops lost because the ring was full.
    pub dropped: i32,
    /// Hops whose result came later than one hop after the sound.
    pub late: i32,
    /// Times the source was opened again.
    pub restarts: i32,
    /// 1 when the network runs on a GPU.
    pub gpu: i32,
}

/// What a running daemon is, for those who ask: fixed until the model or the configuration changes.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Labels in the order of [`ClassScores`], `unknown` last.
    pub labels: Arc<[String]>,
    /// The model's card as key and value, in the order of the file.
    pub card: Arc<[(String, String)]>,
    pub channels: u16,
    /// What the channels are called; empty, or one for each.
    pub names: Arc<[String]>,
    /// Channel and name of each trigger, in the order of the configuration.
    pub triggers: Arc<[(u16, String)]>,
    /// Channel and name of each output that was taught, channel by channel in the order of
    /// [`Taught`].
    pub taught: Arc<[(u16, String)]>,
    /// Time between two updates.
    pub hop_s: f32,
}

/// One line of `/ser/device/item`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceItem {
    pub id: String,
    pub name: String,
    pub channels: u16,
    pub rate_hz: u32,
    pub is_default: bool,
}

/// One line of `/ser/model/item`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelItem {
    /// Name of its folder.
    pub name: String,
    pub description: String,
    pub parameters: usize,
}

/// Something changed; goes out as `/ser/event/<subject>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub kind: EventKind,
    pub code: i32,
    pub subject: String,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    Device,
    Model,
    Config,
    Overload,
    Consent,
    Client,
    Record,
    Plugin,
}
