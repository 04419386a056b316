//! How a mapping's value follows its source along a curve. Plain values for any thread;
//! `engine::mapping` works them out.

use std::fmt::{self, Display, Formatter};

use crate::config::rule::Fault::{OutOfRange, Unknown};
use crate::config::rule::{RuleError, name_of, refuse, share};

const TABLE_MAX: usize = 32;
const CURVES: &str = "linear, exp, log, s, or table: and 2 to 32 numbers 0..1, as table:0,0.2,1";

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

/// The curves without numbers.
const SHAPES: [(&str, Curve); 4] =
    [("linear", Curve::Linear), ("exp", Curve::Exp), ("log", Curve::Log), ("s", Curve::S)];

impl Curve {
    pub fn parse(text: &str) -> Result<Self, RuleError> {
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

impl Display for Curve {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self::Table(values) = self else { return f.write_str(name_of(self, &SHAPES)) };
        let values: Vec<String> = values.iter().map(f32::to_string).collect();
        write!(f, "table:{}", values.join(","))
    }
}
