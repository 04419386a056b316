//! Mappings: a stream of the analysis moves a plug-in's parameter or an OSC address. What `[[map]]`
//! and `map/add` say ([`TypedMap`]), what holds once it is checked ([`Map`]), and the texts of
//! both. Whether the model has the label and the chain the parameter is for others to say;
//! `engine::mapping` makes the values. Plain values for any thread.

mod shape;

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::config::error::Problem;
pub use crate::config::map::shape::Curve;
use crate::config::rule::Fault::{OutOfRange, Unknown, Wrong};
use crate::config::rule::{Gate, Kind, Rule, RuleError, Source, SourceStream, is_made_of, refuse};
use crate::config::trigger::Trigger;
use crate::config::typed::Typed;

const ADDRESS_BYTES_MAX: usize = 128;

const TARGETS: &str = "plugin/SLOT/SYMBOL, /an/osc/address or HOST:PORT/an/osc/address";
const ADDRESSES: &str = "an OSC address of at most 128 characters without spaces and #*,?[]{}, \
                         no part of it empty, after IP:PORT, localhost:PORT or nothing";
const SLOTS: &str = "a slot counted from 1 or its name, then a symbol of A-Z, a-z, 0-9, _";
/// `[[map]]`: one mapping as it is typed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TypedMap {
    /// 1 to 32 of A-Z, a-z, 0-9, `_`, `-`. Default empty: the source, with `_` for each `/`.
    pub name: String,
    /// A stream: `dim/arousal`, `ch/2/class/angry`; a dimension or label may stand alone.
    pub source: String,
    /// `plugin/SLOT/SYMBOL`, `/an/address` (all receivers) or `HOST:PORT/an/address`.
    pub target: String,
    /// Values of the source that become the ends of `output`. Default [0, 1]; different.
    pub input: [f32; 2],
    /// In the target's unit; may descend. Default [0, 1].
    pub output: [f32; 2],
    /// `linear`, `exp`, `log`, `s` or `table:0,0.2,0.9,1`. Default `linear`.
    pub curve: String,
    /// Seconds for the whole of `output` at the fastest. Default 0: at once. Range 0..60.
    pub slew_s: f32,
    /// `none` or any of `voice`, `known` and `conf:0.6`, with commas. Default `none`.
    pub gate: String,
    /// Default true.
    pub enabled: bool,
}

/// One mapping that is in order; made only by [`TypedMap::check`].
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    pub name: String,
    pub source: Source,
    pub target: Target,
    pub input: [f32; 2],
    pub output: [f32; 2],
    pub curve: Curve,
    pub slew_s: f32,
    pub gate: Gate,
    pub is_enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Plugin {
        slot: Slot,
        symbol: String,
    },
    /// `receiver` is HOST:PORT, not resolved; without it all receivers.
    Osc {
        receiver: Option<String>,
        address: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Counted from 1.
    Number(u16),
    Name(String),
}

impl Default for TypedMap {
    fn default() -> Self {
        Self {
            name: String::new(),
            source: String::new(),
            target: String::new(),
            input: [0.0, 1.0],
            output: [0.0, 1.0],
            curve: "linear".into(),
            slew_s: 0.0,
            gate: "none".into(),
            enabled: true,
        }
    }
}

impl Rule for TypedMap {
    const KIND: Kind = Kind::Map;
    type Checked = Map;

    fn check(&self) -> Result<Map, RuleError> {
        self.check()
    }

    fn name_and_source(checked: &Map) -> (&str, &Source) {
        (&checked.name, &checked.source)
    }

    fn own_name(&self) -> String {
        if self.name.is_empty() { self.source.replace('/', "_") } else { self.name.clone() }
    }

    fn rename(&mut self, name: String) {
        self.name = name;
    }

    fn enable(&mut self, is_enabled: bool) {
        self.enabled = is_enabled;
    }

    fn list(typed: &Typed) -> &[Self] {
        &typed.map
    }

    fn list_mut(typed: &mut Typed) -> &mut Vec<Self> {
        &mut typed.map
    }
}

impl TypedMap {
    /// Tells the first value that is wrong.
    pub fn check(&self) -> Result<Map, RuleError> {
        let source = Source::parse("map.source", &self.source)?; // the name may be made of it
        let name = self.own_name();
        if !is_made_of(&name, "_-") || 32 < name.len() {
            return refuse(Wrong, "map.name", name, "1 to 32 of A-Z, a-z, 0-9, _, -");
        }
        if !self.input.iter().all(|end| end.is_finite()) || self.input[0] == self.input[1] {
            return refuse(OutOfRange, "map.input", self.input, "two finite, different numbers");
        }
        if !self.output.iter().all(|end| end.is_finite()) {
            return refuse(OutOfRange, "map.output", self.output, "two finite numbers");
        }
        if !(0.0..=60.0).contains(&self.slew_s) {
            return refuse(OutOfRange, "map.slew_s", self.slew_s, "0..60");
        }
        Ok(Map {
            name,
            source,
            target: Target::parse(&self.target)?,
            input: self.input,
            output: self.output,
            curve: Curve::parse(&self.curve)?,
            slew_s: self.slew_s,
            gate: Gate::parse("map.gate", &self.gate)?,
            is_enabled: self.enabled,
        })
    }
}

impl Target {
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let (head, address) = text.split_at(text.find('/').unwrap_or(text.len()));
        if text.starts_with('/') || head.contains(':') {
            if !is_address(address) || !head.is_empty() && !is_host_and_port(head) {
                return refuse(Wrong, "map.target", text, ADDRESSES);
            }
            let receiver = (!head.is_empty()).then(|| head.to_owned());
            return Ok(Self::Osc { receiver, address: address.to_owned() });
        }
        let Some(parameter) = text.strip_prefix("plugin/") else {
            return refuse(Unknown, "map.target", text, TARGETS);
        };
        let (slot, symbol) = parameter.split_once('/').unwrap_or_default();
        let Some(slot) = Slot::named(slot).filter(|_| is_made_of(symbol, "_")) else {
            return refuse(Wrong, "map.target", text, SLOTS);
        };
        Ok(Self::Plugin { slot, symbol: symbol.into() })
    }
}

impl Slot {
    fn named(text: &str) -> Option<Self> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().filter(|&number| 0 < number).map(Self::Number);
        }
        is_made_of(text, "_-").then(|| Self::Name(text.to_owned()))
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plugin { slot, symbol } => write!(f, "plugin/{slot}/{symbol}"),
            Self::Osc { receiver: None, address } => write!(f, "{address}"),
            Self::Osc { receiver: Some(receiver), address } => write!(f, "{receiver}{address}"),
        }
    }
}

impl Display for Slot {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => write!(f, "{name}"),
        }
    }
}

/// As OSC 1.0 has it.
fn is_address(text: &str) -> bool {
    let is_good = |c: char| c.is_ascii_graphic() && !"#*,?[]{}".contains(c);
    let is_part = |part: &str| !part.is_empty() && part.chars().all(is_good);
    let parts = text.strip_prefix('/').filter(|_| text.len() <= ADDRESS_BYTES_MAX);
    parts.is_some_and(|parts| parts.split('/').all(is_part))
}

/// A receiver as its packets come: names are for `osc.send`.
fn is_host_and_port(text: &str) -> bool {
    let address = text.replacen("localhost:", "127.0.0.1:", 1).parse();
    address.is_ok_and(|address: std::net::SocketAddr| 0 < address.port())
}

/// The same, each map that follows a trigger with its place.
pub fn settled(
    mut maps: Vec<Map>,
    triggers: Vec<Trigger>,
) -> Result<(Vec<Map>, Vec<Trigger>), Vec<Problem>> {
    let mut problems = Vec::new();
    for map in &mut maps {
        let SourceStream::Trigger(name, place) = &mut map.source.stream else { continue };
        if let Some(found) = triggers.iter().position(|trigger| trigger.name == *name) {
            *place = found;
            continue;
        }
        let names: Vec<&str> = triggers.iter().map(|trigger| trigger.name.as_str()).collect();
        problems.push(Problem::Value {
            key: "map.source",
            value: format!("\"trig/{name}\" of {:?}", map.name),
            allowed: format!("a trigger that is there: {}", names.join(", ")),
        });
    }
    if problems.is_empty() { Ok((maps, triggers)) } else { Err(problems) }
}

#[cfg(test)]
mod tests;
