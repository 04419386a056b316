//! How a mapping's value follows its source: along a curve, and only while a gate is open. Plain
//! values for any thread; `engine::mapping` works them out.

use std::fmt::{self, Display, Formatter};

use crate::config::map::Fault::{OutOfRange, Unknown};
use crate::config::map::{Key, MapError, name_of, refuse};

const TABLE_MAX: usize = 32;
const CURVES: &str = "linear, exp, log, s, or table: and 2 to 32 numbers 0..1, as table:0,0.2,1";
const GATES: &str = "none, voice, conf:NUMBER or voice,conf:NUMBER, the number 0..1";

/// How far along the output the target is when the source is at x, 0..1, of the input.
#[derive(Clone, Debug, PartialEq)]
pub enum Curve {
    Linear,
    /// Equal steps of the source are equal ratios of the target, if both ends of the output have
    /// one sign and neither is 0. Else (e^kx - 1) / (e^k - 1), k = ln 100: ever steeper.
    Exp,
    /// ln(1 + 99x) / ln 100, whatever the output: undoes the second form of `Exp`.
    Log,
    /// 3x² - 2x³: flat at both ends.
    S,
    /// 2 to 32 values 0..1, evenly spaced, with straight lines between.
    Table(Vec<f32>),
}

/// When the source is followed; else the target keeps its last value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gate {
    pub needs_voice: bool,
    pub confidence_min: Option<f32>,
}

/// The curves without numbers.
const SHAPES: [(&str, Curve); 4] =
    [("linear", Curve::Linear), ("exp", Curve::Exp), ("log", Curve::Log), ("s", Curve::S)];

impl Curve {
    pub fn parse(text: &str) -> Result<Self, MapError> {
        if let Some((_, shape)) = SHAPES.into_iter().find(|(name, _)| *name == text) {
            return Ok(shape);
        }
        let Some(values) = text.strip_prefix("table:") else {
            return refuse(Unknown, "map.curve", text, CURVES);
        };
        let values = values.split(',').map(|value| share("map.curve", text, value, CURVES));
        let values: Vec<f32> = values.collect::<Result<_, _>>()?;
        if !(2..=TABLE_MAX).contains(&values.len()) {
            return refuse(OutOfRange, "map.curve", text, CURVES);
        }
        Ok(Self::Table(values))
    }
}

impl Gate {
    pub fn parse(text: &str) -> Result<Self, MapError> {
        let mut gate = Self::default();
        for part in text.split(',').map(str::trim).filter(|_| text != "none") {
            match (part, part.strip_prefix("conf:")) {
                ("voice", _) if !gate.needs_voice => gate.needs_voice = true,
                (_, Some(least)) if gate.confidence_min.is_none() => {
                    gate.confidence_min = Some(share("map.gate", text, least, GATES)?);
                }
                _ => return refuse(Unknown, "map.gate", text, GATES),
            }
        }
        Ok(gate)
    }
}

impl Display for Curve {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self::Table(values) = self else { return f.write_str(name_of(self, &SHAPES)) };
        let values: Vec<String> = values.iter().map(f32::to_string).collect();
        write!(f, "table:{}", values.join(","))
    }
}

impl Display for Gate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.needs_voice, self.confidence_min) {
            (false, None) => write!(f, "none"),
            (true, None) => write!(f, "voice"),
            (false, Some(least)) => write!(f, "conf:{least}"),
            (true, Some(least)) => write!(f, "voice,conf:{least}"),
        }
    }
}

/// A number 0..1 within a longer text.
fn share(key: Key, text: &str, number: &str, allowed: &str) -> Result<f32, MapError> {
    let share = number.trim().parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.map_or_else(|| refuse(OutOfRange, key, text, allowed), Ok)
}
