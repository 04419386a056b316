//! What crosses threads between the engine and those who speak for it. Plain values without
//! behaviour beyond reading them; no sockets, devices or clocks.

use std::sync::Arc;

/// Most labels a model may have, `unknown` included.
pub const CLASSES_MAX: usize = 16;

/// Label of the probability mass that the engine withholds for want of evidence.
pub const UNKNOWN: &str = "unknown";

/// One value per label in the model's order, then `unknown`; sums to 1. Lives on the stack so that
/// an update costs no allocation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScores {
    values: [f32; CLASSES_MAX],
    count: usize,
}

impl ClassScores {
    /// All mass on `unknown`, for a model with `labels` labels of its own.
    pub fn unknown(labels: usize) -> Self {
        assert!(labels < CLASSES_MAX, "the model card allows at most {} labels", CLASSES_MAX - 1);
        let mut values = [0.0; CLASSES_MAX];
        values[labels] = 1.0;
        Self { values, count: labels + 1 }
    }

    pub fn as_slice(&self) -> &[f32] {
        &self.values[..self.count]
    }

    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.values[..self.count]
    }

    /// Index and value of the largest score; the first of equals.
    pub fn top(&self) -> (usize, f32) {
        let mut best = (0, self.values[0]);
        for (index, &value) in self.as_slice().iter().enumerate() {
            if value > best.1 {
                best = (index, value);
            }
        }
        best
    }
}

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
    pub voice_probability: f32,
    /// False when the scores are older than the hold time, or the source is gone.
    pub fresh: bool,
    /// RMS of the hop in dBFS.
    pub level_db: f32,
    /// A sample of this hop reached full scale.
    pub clipped: bool,
    /// Masked and smoothed probabilities.
    pub classes: ClassScores,
    /// What the network said last, before mask and smoothing.
    pub raw: ClassScores,
    pub dimensions: Dimensions,
    /// Calibrated probability of the winning label before smoothing, 0 before the first result.
    pub confidence: f32,
    /// The network ran for this hop.
    pub inferred: bool,
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
