//! What mappings and triggers have in common: the stream that they watch, the gate that they wait
//! for, and what can be wrong with them. Plain values for any thread.

use std::fmt::{self, Debug, Display, Formatter};

use crate::config::error::Problem;
use crate::config::rule::Fault::{OutOfRange, Unknown};
use crate::config::typed::Typed;

const CHANNELS_MAX: u16 = 8; // of `input.channels`

const NAMED: &str = "class/LABEL, raw/class/LABEL, LABEL, trig/NAME or teach/NAME";
const GATES: &str = "none, voice, known, conf:NUMBER or some of them with commas, the number 0..1";

/// `section.key` of what is typed.
pub type Key = &'static str;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Map,
    Trigger,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Counted from 1.
    pub channel: u16,
    pub stream: SourceStream,
}

/// The streams that are one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceStream {
    VoiceOn,
    VoiceProbability,
    Fresh,
    Level,
    LevelNorm,
    LevelClip,
    TopIndex,
    Class(String),
    RawClass(String),
    /// What the person on the channel taught.
    Taught(String),
    /// A trigger, and its place among them.
    Trigger(String, usize),
    TopProbability,
    Arousal,
    Valence,
    Dominance,
    RelativeArousal,
    RelativeValence,
    RelativeDominance,
    Confidence,
    F0,
    F0Range,
    Rate,
    Jitter,
    Shimmer,
    Hnr,
    Tilt,
    Loudness,
    Snr,
}

/// When the source is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gate {
    pub needs_voice: bool,
    /// A voice that the network knows for one, see [`crate::messages::Update::voice_known`].
    pub needs_known: bool,
    pub confidence_min: Option<f32>,
}

/// Why there is no such rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("{key} = {value}: allowed is {allowed}")]
    Value { fault: Fault, key: Key, value: String, allowed: String },
    #[error("there is a {kind} {name:?} already; remove it, or give this one another name")]
    Exists { kind: Kind, name: String },
    #[error("there is no {kind} {name:?}; {kind}/list tells which there are")]
    Missing { kind: Kind, name: String },
    #[error("there would be more than {} {kind}s, the most that are allowed", kind.most())]
    TooMany { kind: Kind },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    OutOfRange,
    Unknown,
    Wrong,
}

impl Kind {
    /// Bounds what a hop costs. Maps: four plug-ins with sixteen parameters each; triggers: the
    /// bits of one word.
    pub const fn most(self) -> usize {
        match self {
            Self::Map => 64,
            Self::Trigger => 32,
        }
    }
}

/// The streams without a label, as their addresses name them.
const STREAMS: [(&str, SourceStream); 24] = [
    ("voice/on", SourceStream::VoiceOn),
    ("voice/prob", SourceStream::VoiceProbability),
    ("fresh", SourceStream::Fresh),
    ("level", SourceStream::Level),
    ("level/norm", SourceStream::LevelNorm),
    ("level/clip", SourceStream::LevelClip),
    ("top/index", SourceStream::TopIndex),
    ("top/prob", SourceStream::TopProbability),
    ("dim/arousal", SourceStream::Arousal),
    ("dim/valence", SourceStream::Valence),
    ("dim/dominance", SourceStream::Dominance),
    ("rel/arousal", SourceStream::RelativeArousal),
    ("rel/valence", SourceStream::RelativeValence),
    ("rel/dominance", SourceStream::RelativeDominance),
    ("conf", SourceStream::Confidence),
    ("feat/f0", SourceStream::F0),
    ("feat/f0_range", SourceStream::F0Range),
    ("feat/rate", SourceStream::Rate),
    ("feat/jitter", SourceStream::Jitter),
    ("feat/shimmer", SourceStream::Shimmer),
    ("feat/hnr", SourceStream::Hnr),
    ("feat/tilt", SourceStream::Tilt),
    ("feat/loudness", SourceStream::Loudness),
    ("feat/snr", SourceStream::Snr),
];

impl Source {
    /// `dim/arousal`, `ch/2/class/angry`; a dimension or label may stand alone.
    pub fn parse(key: Key, text: &str) -> Result<Self, RuleError> {
        let (channel, name) = split_channel(key, text)?;
        let is_it = |known: &str| known == name || known.strip_prefix("dim/") == Some(name);
        let (branch, label) = name.rsplit_once('/').unwrap_or(("class", name));
        let stream = match (STREAMS.into_iter().find(|(known, _)| is_it(known)), branch) {
            (Some((_, stream)), _) => stream,
            (None, "class") if is_made_of(label, "_") => SourceStream::Class(label.into()),
            (None, "raw/class") if is_made_of(label, "_") => SourceStream::RawClass(label.into()),
            (None, "teach") if is_made_of(label, "_") => SourceStream::Taught(label.into()),
            // The place is not known before all triggers are.
            (None, "trig") if is_made_of(label, "_") => SourceStream::Trigger(label.into(), 0),
            _ => {
                let known = STREAMS.map(|(known, _)| known).join(", ");
                return refuse(Unknown, key, text, &format!("{known}, {NAMED}"));
            }
        };
        Ok(Self { channel: channel.unwrap_or(1), stream })
    }

    /// The label that the model must have.
    pub fn label(&self) -> Option<&str> {
        match &self.stream {
            SourceStream::Class(label) | SourceStream::RawClass(label) => Some(label),
            _ => None,
        }
    }
}

impl Gate {
    pub fn parse(key: Key, text: &str) -> Result<Self, RuleError> {
        let mut gate = Self::default();
        for part in text.split(',').map(str::trim).filter(|_| text != "none") {
            match (part, part.strip_prefix("conf:")) {
                ("voice", _) if !gate.needs_voice => gate.needs_voice = true,
                ("known", _) if !gate.needs_known => gate.needs_known = true,
                (_, Some(least)) if gate.confidence_min.is_none() => {
                    gate.confidence_min = Some(share(key, text, least, GATES)?);
                }
                _ => return refuse(Unknown, key, text, GATES),
            }
        }
        Ok(gate)
    }
}

impl Display for Kind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Map => "map",
            Self::Trigger => "trigger",
        })
    }
}

impl Display for Source {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "ch/{}/", self.channel)?;
        match &self.stream {
            SourceStream::Class(label) => write!(f, "class/{label}"),
            SourceStream::RawClass(label) => write!(f, "raw/class/{label}"),
            SourceStream::Taught(name) => write!(f, "teach/{name}"),
            SourceStream::Trigger(name, _) => write!(f, "trig/{name}"),
            plain => f.write_str(name_of(plain, &STREAMS)),
        }
    }
}

impl Display for Gate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let least = self.confidence_min.map(|least| format!("conf:{least}"));
        let words = [self.needs_voice.then_some("voice"), self.needs_known.then_some("known")];
        let words: Vec<&str> = words.into_iter().chain([least.as_deref()]).flatten().collect();
        if words.is_empty() { f.write_str("none") } else { f.write_str(&words.join(",")) }
    }
}

/// What is typed as a list of tables, each with a name of its own.
pub trait Rule: Sized {
    const KIND: Kind;
    type Checked;

    fn check(&self) -> Result<Self::Checked, RuleError>;

    /// Of what was checked.
    fn name_and_source(checked: &Self::Checked) -> (&str, &Source);

    /// What it is called, named or not.
    fn own_name(&self) -> String;

    fn rename(&mut self, name: String);

    fn enable(&mut self, is_enabled: bool);

    fn list(typed: &Typed) -> &[Self];

    fn list_mut(typed: &mut Typed) -> &mut Vec<Self>;
}

/// Every wrong one at once.
pub fn check_rules<R: Rule>(typed: &[R]) -> Result<Vec<R::Checked>, Vec<Problem>> {
    let (kind, mut problems) = (R::KIND, Vec::new());
    let mut problem = |text: String| {
        problems.push(Problem::Type { key: kind.to_string(), message: text });
    };
    if typed.len() > kind.most() {
        problem(format!("{} {kind}s, allowed are at most {}", typed.len(), kind.most()));
    }
    let mut rules: Vec<R::Checked> = Vec::new();
    for rule in typed {
        let checked = match rule.check() {
            Ok(checked) => checked,
            Err(error) => {
                problem(error.to_string());
                continue;
            }
        };
        let (name, _) = R::name_and_source(&checked);
        if rules.iter().any(|other| R::name_and_source(other).0 == name) {
            problem(format!("{name:?} is there twice, each needs its own name"));
        } else {
            rules.push(checked);
        }
    }
    if problems.is_empty() { Ok(rules) } else { Err(problems) }
}

/// A number 0..1 within a longer text.
pub(super) fn share(key: Key, text: &str, number: &str, allowed: &str) -> Result<f32, RuleError> {
    let share = number.trim().parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.map_or_else(|| refuse(OutOfRange, key, text, allowed), Ok)
}

pub(super) fn name_of<T: PartialEq>(value: &T, names: &[(&'static str, T)]) -> &'static str {
    names.iter().find(|(_, named)| named == value).map_or("", |(name, _)| name)
}

/// Letters, digits and these.
pub(super) fn is_made_of(text: &str, others: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

pub(super) fn refuse<T>(
    fault: Fault,
    key: Key,
    value: impl Debug,
    allowed: &str,
) -> Result<T, RuleError> {
    Err(RuleError::Value { fault, key, value: format!("{value:?}"), allowed: allowed.into() })
}

/// N of a leading `ch/N/`, and what follows.
fn split_channel(key: Key, text: &str) -> Result<(Option<u16>, &str), RuleError> {
    let Some(rest) = text.strip_prefix("ch/") else { return Ok((None, text)) };
    let (number, rest) = rest.split_once('/').unwrap_or((rest, ""));
    match number.parse() {
        Ok(channel) if (1..=CHANNELS_MAX).contains(&channel) => Ok((Some(channel), rest)),
        _ => refuse(OutOfRange, key, text, &format!("a channel 1..{CHANNELS_MAX} after ch/")),
    }
}
