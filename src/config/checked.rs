//! The configuration as the rest of the program sees it: every value is within its range, every
//! address parsed. Made only by `Typed::check`; nothing here can fail.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use crate::config::map::Map;
use crate::config::personal::Personal;
use crate::config::slots::Plugins;
use crate::config::trigger::Trigger;

#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub input: Input,
    pub through: Through,
    pub osc: Osc,
    pub voice: Voice,
    pub hold: Hold,
    pub smooth: Smooth,
    pub output: Output,
    pub model: Model,
    pub privacy: Privacy,
    pub personal: Personal,
    pub plugins: Plugins,
    pub maps: Vec<Map>,
    pub triggers: Vec<Trigger>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    pub source: Source,
    /// Channels analysed, each apart.
    pub channels: u16,
    /// The device's channel for each of them, counted from 0.
    pub map: Vec<usize>,
    /// What each is called; empty, or one for each.
    pub names: Vec<String>,
    /// Sound that the ring between the audio thread and the worker can hold.
    pub ring_s: f32,
    /// A lost device may be replaced by the default one.
    pub follow_default: bool,
    /// A sound file takes its time.
    pub paced: bool,
    /// Where its sound goes on to.
    pub through: ThroughTo,
}

impl Input {
    /// The first channels of the device, without names.
    pub fn plain(source: Source, channels: u16) -> Self {
        Self {
            source,
            channels,
            map: (0..usize::from(channels)).collect(),
            names: Vec::new(),
            ring_s: 5.0,
            follow_default: false,
            paced: true,
            through: ThroughTo::Nothing,
        }
    }

    /// Channels that the device must have.
    pub fn channels_needed(&self) -> u16 {
        let highest = self.map.iter().max().map_or(0, |&highest| highest + 1);
        u16::try_from(highest).unwrap_or(u16::MAX)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// JACK if a server runs, else the default input, else the demo voice.
    Auto,
    Jack,
    /// The default input, or the device with this id.
    Cpal(Option<String>),
    File(PathBuf),
    Demo,
}

/// Where the sound goes on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThroughTo {
    Nothing,
    /// Ports of our own where the source is JACK, else the default output.
    Default,
    /// The output with this id.
    Device(String),
}

/// How it sounds there; moves while it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Through {
    pub gain_db: f32,
    pub mute: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Osc {
    /// Where commands are heard; replies and streams leave from here too.
    pub listen: SocketAddr,
    /// Receivers that are there from the start and never lapse.
    pub send: Vec<SocketAddr>,
    /// First part of every address, with its slash.
    pub root: String,
    /// Networks whose machines may do what this machine may.
    pub allow: Vec<IpNet>,
    /// What a sender says for the same right.
    pub token: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Voice {
    /// Speech probability from which on a voice is assumed, 0..1.
    pub threshold: f32,
    /// Sound below this level is never a voice.
    pub floor_db: f32,
    /// Nor is what stands less than this above the noise.
    pub margin_db: f32,
    /// Speech must last this long to switch on …
    pub on_ms: u32,
    /// … and be gone this long to switch off.
    pub off_ms: u32,
    /// Segments that are shorter are flagged …
    pub min_ms: u32,
    /// … and longer ones cut in two.
    pub max_s: f32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    pub policy: HoldPolicy,
    /// Age of a result from which on it is no longer fresh.
    pub time_s: f32,
    /// An answer with more `unknown` is none.
    pub unknown_max: f32,
}

/// What the streams do once a result is no longer fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldPolicy {
    /// Keep the last value.
    Hold,
    /// Glide to neutral and `unknown`.
    Decay,
    /// Jump there.
    Zero,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Smooth {
    pub mode: SmoothMode,
    /// Time constant of rising values; 0 follows at once.
    pub attack_s: f32,
    /// Time constant of falling values.
    pub release_s: f32,
    /// Of the one-euro filter, in Hz.
    pub min_cutoff: f32,
    /// Of the one-euro filter, in Hz per 1/s.
    pub beta: f32,
    /// How long an emotion lasts on average.
    pub stay_s: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmoothMode {
    Off,
    /// Attack and release.
    Release,
    OneEuro,
    /// A hidden Markov model whose classes last.
    Hmm,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Labels kept; all if empty. Whether the model has them is for the model to say.
    pub mask: Vec<String>,
    /// How far another label must be ahead to become the likeliest one.
    pub lead: f32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Privacy {
    /// False: nothing leaves but health, events and replies.
    pub consent: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Folder with `model.toml` and its weights.
    pub folder: PathBuf,
    pub backend: Backend,
    /// Longest stretch of speech that one inference sees; `None` takes the card's.
    pub window_s: Option<f32>,
    /// Time between two results; `None` takes the card's.
    pub hop_s: Option<f32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A real GPU if it beats the CPU on this network at start, else the CPU.
    Auto,
    Cpu,
    Wgpu,
}
