//! The configuration as it is typed, in config.toml and on the command line: every key with its
//! default, nothing trusted. `check.rs` turns it into [`crate::config::Config`], the only step that
//! can fail. An absent key has its default; an unknown one is an error.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::map::TypedMap;
use crate::config::personal::Personal;
use crate::config::slots::TypedPlugins;
use crate::config::trigger::TypedTrigger;

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Typed {
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
    pub plugins: TypedPlugins,
    /// `[[map]]`: which stream moves what. Default none, at most 64.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub map: Vec<TypedMap>,
    /// `[[trigger]]`: what switches at a threshold. Default none, at most 32.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trigger: Vec<TypedTrigger>,
}

/// `[input]`: where the voice comes from.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Input {
    /// `auto`, `jack`, `cpal`, `cpal:ID`, `file:PATH` or `demo`. Default `auto`.
    pub source: String,
    /// Channels analysed, each apart. Default 1, range 1..8.
    pub channels: i64,
    /// Which channels of the device they are, counted from 1, in this order. Default empty: the
    /// first ones; else as many as `channels`, each 1..64.
    pub map: Vec<i64>,
    /// What they are called. Default empty; else as many as `channels`, at most 32 characters each.
    pub names: Vec<String>,
    /// Seconds of sound between the audio thread and the analysis. Default 4, range 0.5..30.
    pub ring_s: f32,
    /// A lost device may be replaced by the default one. Default false.
    pub follow_default: bool,
    /// A sound file is played in real time, not as fast as it can be analysed. Default true.
    pub paced: bool,
}

/// `[through]`: the sound on its way out again.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Through {
    /// `off`; `on`: JACK's ports `out_1` … where the source is JACK, else the default output; or
    /// `cpal:ID`, a certain output. Default `off`.
    pub to: String,
    /// Gain in dB. Default 0, range -60..12.
    pub gain_db: f32,
    /// Silence. Default false.
    pub mute: bool,
}

/// `[osc]`: who is told, and who may ask.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Osc {
    /// HOST:PORT where commands are heard. Default `127.0.0.1:7370`, port 1..65535.
    pub listen: String,
    /// HOST:PORT of each receiver. Default `["127.0.0.1:7371"]`, at most 32; may be empty.
    pub send: Vec<String>,
    /// First part of every address. Default `/ser`: `/`, then a-z, 0-9 and `_`, at most 32.
    pub root: String,
    /// Networks, ADDRESS/BITS, whose machines may do what this machine may. Default none.
    pub allow: Vec<String>,
    /// What a sender says by `/ser/token` for the same right. Default empty: nobody can.
    pub token: String,
}

/// `[voice]`: when somebody speaks.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Voice {
    /// Speech probability from which on a voice is assumed. Default 0.8, range 0..1.
    pub threshold: f32,
    /// Sound below this level in dBFS is never a voice. Default -60, range -120..0.
    pub floor_db: f32,
    /// Nor is what stands less than so many dB above the noise of the room. Default 9, range
    /// 0..60.
    pub margin_db: f32,
    /// Milliseconds of speech that switch on. Default 100, range 0..10000.
    pub on_ms: i64,
    /// Milliseconds without speech that switch off. Default 400, range 0..10000.
    pub off_ms: i64,
    /// Segments shorter than so many milliseconds are flagged. Default 300, range 0..10000.
    pub min_ms: i64,
    /// Segments longer than so many seconds are cut in two. Default 30, range 1..3600.
    pub max_s: f32,
}

/// `[hold]`: what the streams do when nobody speaks.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hold {
    /// `hold`, `decay` or `zero`. Default `decay`.
    pub policy: String,
    /// Age in seconds from which on a result is no longer fresh. Default 2, range 0.1..600.
    pub time_s: f32,
    /// An answer with more `unknown` than this is no result, and a voice of which there is none no
    /// segment. Default 0.5, range 0..1.
    pub unknown_max: f32,
}

/// `[smooth]`: how quickly the streams move.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Smooth {
    /// `off`, `release` (attack and release), `one_euro` or `hmm` (classes that last). Default
    /// `release`.
    pub mode: String,
    /// Time constant of rising values in seconds, 0 follows at once. Default 0.4, range 0..60.
    pub attack_s: f32,
    /// Time constant of falling values in seconds. Default 0.4, range 0..60.
    pub release_s: f32,
    /// `one_euro`: cutoff in Hz of a value at rest. Default 0.3, range 0..50.
    pub min_cutoff: f32,
    /// `one_euro`: how much the cutoff grows with the speed, in Hz per 1/s. Default 0.5, range
    /// 0..100.
    pub beta: f32,
    /// `hmm`: how long an emotion lasts on average, in seconds. Default 5, range 0.1..600.
    pub stay_s: f32,
}

/// `[output]`: what is told.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// Labels kept; the others are 0 and those kept share their mass. Default empty: all.
    pub mask: Vec<String>,
    /// How far another label must be ahead to become the likeliest one. Default 0.05, range 0..1.
    pub lead: f32,
}

/// `[privacy]`: what the people in the room agreed to.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Privacy {
    /// False: nothing leaves but health, events and replies. Default true.
    pub consent: bool,
}

/// `[model]`: which network, and what it runs on.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Model {
    /// Folder with `model.toml` and its weights. Default `models/affectd-3`.
    pub folder: PathBuf,
    /// `auto`, `cpu` or `gpu` (`wgpu` is the same). Default `auto`.
    pub backend: String,
    /// Longest stretch of speech in seconds that one inference sees. Absent, the default: the
    /// model's own. Range 0.5..10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_s: Option<f32>,
    /// Seconds between two results, rounded to hundredths. Absent, the default: the model's
    /// own. Range 0.02..1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hop_s: Option<f32>,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            source: "auto".into(),
            channels: 1,
            map: Vec::new(),
            names: Vec::new(),
            ring_s: 4.0,
            follow_default: false,
            paced: true,
        }
    }
}

impl Default for Through {
    fn default() -> Self {
        Self { to: "off".into(), gain_db: 0.0, mute: false }
    }
}

impl Default for Osc {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:7370".into(),
            send: vec!["127.0.0.1:7371".into()],
            root: "/ser".into(),
            allow: Vec::new(),
            token: String::new(),
        }
    }
}

impl Default for Voice {
    fn default() -> Self {
        Self {
            threshold: 0.8,
            floor_db: -60.0,
            margin_db: 9.0,
            on_ms: 100,
            off_ms: 400,
            min_ms: 300,
            max_s: 30.0,
        }
    }
}

impl Default for Hold {
    fn default() -> Self {
        Self { policy: "decay".into(), time_s: 2.0, unknown_max: 0.5 }
    }
}

impl Default for Smooth {
    fn default() -> Self {
        Self {
            mode: "release".into(),
            attack_s: 0.4,
            release_s: 0.4,
            min_cutoff: 0.3,
            beta: 0.5,
            stay_s: 5.0,
        }
    }
}

impl Default for Output {
    fn default() -> Self {
        Self { mask: Vec::new(), lead: 0.05 }
    }
}

impl Default for Model {
    fn default() -> Self {
        Self {
            folder: "models/affectd-3".into(),
            backend: "auto".into(),
            window_s: None,
            hop_s: None,
        }
    }
}

impl Default for Privacy {
    fn default() -> Self {
        Self { consent: true }
    }
}
