//! Triggers: a stream that goes beyond one threshold switches on, back behind another it switches
//! off. What `[[trigger]]` and `trigger/add` say ([`TypedTrigger`]) and what holds once it is
//! checked ([`Trigger`]); `engine::triggers` works them out. Plain values for any thread.

use serde::{Deserialize, Serialize};

use crate::config::rule::Fault::{OutOfRange, Wrong};
use crate::config::rule::{Gate, Kind, Rule, RuleError, Source, SourceStream, refuse};
use crate::config::typed::Typed;

const NAME_CHARS_MAX: usize = 32;

/// Longest `min_s` and `rearm_s`: an hour, for a room that shall rest after it has been loud.
const TIME_MAX_S: f32 = 3600.0;

/// `[[trigger]]`: one trigger as it is typed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TypedTrigger {
    /// Last part of its address: 1 to 32 of a-z, 0-9, `_`. Default empty: the source, with `_` for
    /// each `/`.
    pub name: String,
    /// A stream, as of a mapping.
    pub source: String,
    /// Switches on from this value on. Default 0.7.
    pub on: f32,
    /// Switches off from this value back; less than `on`, or greater for a trigger that waits for
    /// small values. Default 0.5.
    pub off: f32,
    /// Seconds that the value must stay beyond `on`. Default 0, range 0..3600.
    pub min_s: f32,
    /// Seconds after it went off before it may go on again. Default 0, range 0..3600.
    pub rearm_s: f32,
    /// `none` or any of `voice`, `known` and `conf:0.6`, with commas: else it is off. Default
    /// `none`.
    pub gate: String,
    /// Default true.
    pub enabled: bool,
}

/// One trigger that is in order; made only by [`TypedTrigger::check`].
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    pub name: String,
    pub source: Source,
    pub on: f32,
    pub off: f32,
    pub min_s: f32,
    pub rearm_s: f32,
    pub gate: Gate,
    pub is_enabled: bool,
}

impl Default for TypedTrigger {
    fn default() -> Self {
        Self {
            name: String::new(),
            source: String::new(),
            on: 0.7,
            off: 0.5,
            min_s: 0.0,
            rearm_s: 0.0,
            gate: "none".into(),
            enabled: true,
        }
    }
}

impl Rule for TypedTrigger {
    const KIND: Kind = Kind::Trigger;
    type Checked = Trigger;

    fn check(&self) -> Result<Trigger, RuleError> {
        self.check()
    }

    fn name_and_source(checked: &Trigger) -> (&str, &Source) {
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
        &typed.trigger
    }

    fn list_mut(typed: &mut Typed) -> &mut Vec<Self> {
        &mut typed.trigger
    }
}

impl TypedTrigger {
    /// Tells the first value that is wrong.
    pub fn check(&self) -> Result<Trigger, RuleError> {
        let source = Source::parse("trigger.source", &self.source)?; // the name may be made of it
        if let SourceStream::Trigger(..) = source.stream {
            return refuse(Wrong, "trigger.source", &self.source, "a stream that is no trigger");
        }
        let name = self.own_name();
        let is_good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !(1..=NAME_CHARS_MAX).contains(&name.len()) || !name.chars().all(is_good) {
            return refuse(Wrong, "trigger.name", name, "1 to 32 of a-z, 0-9, _");
        }
        if !self.on.is_finite() {
            return refuse(OutOfRange, "trigger.on", self.on, "a finite number");
        }
        if !self.off.is_finite() || self.off == self.on {
            let allowed = format!(
                "a finite number other than on, {}: between them nothing \
                                   switches, so that noise cannot",
                self.on
            );
            return refuse(OutOfRange, "trigger.off", self.off, &allowed);
        }
        for (key, value) in [("trigger.min_s", self.min_s), ("trigger.rearm_s", self.rearm_s)] {
            if !(0.0..=TIME_MAX_S).contains(&value) {
                return refuse(OutOfRange, key, value, &format!("0..{TIME_MAX_S}"));
            }
        }
        Ok(Trigger {
            name,
            source,
            on: self.on,
            off: self.off,
            min_s: self.min_s,
            rearm_s: self.rearm_s,
            gate: Gate::parse("trigger.gate", &self.gate)?,
            is_enabled: self.enabled,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::rule::Fault;

    fn typed() -> TypedTrigger {
        TypedTrigger { source: "arousal".into(), ..TypedTrigger::default() }
    }

    fn check(typed: &TypedTrigger, fault: Fault, text: &str) {
        let error = typed.check().expect_err(text);
        let RuleError::Value { fault: found, .. } = error else { panic!("{error}") };
        assert!(found == fault && error.to_string().starts_with(text), "{found:?} {error}");
    }

    #[test]
    fn a_trigger_is_called_like_its_source_unless_it_is_named() {
        let source = "ch/2/dim/arousal".to_owned();
        let trigger = TypedTrigger { source, ..typed() }.check().unwrap();
        assert_eq!((trigger.name.as_str(), trigger.source.channel), ("ch_2_dim_arousal", 2));
        let trigger = TypedTrigger { name: "loud_2".into(), ..typed() }.check().unwrap();
        assert_eq!(trigger.name, "loud_2");
    }

    #[test]
    fn what_is_wrong_says_which_value_and_what_is_allowed() {
        let with = |change: fn(&mut TypedTrigger)| {
            let mut typed = typed();
            change(&mut typed);
            typed
        };
        check(&with(|t| t.name = "Loud".into()), Wrong, "trigger.name = \"Loud\": allowed is 1 to");
        check(&with(|t| t.on = f32::NAN), OutOfRange, "trigger.on = NaN");
        check(&with(|t| t.off = 0.7), OutOfRange, "trigger.off = 0.7: allowed is a finite number");
        check(&with(|t| t.min_s = -1.0), OutOfRange, "trigger.min_s = -1.0: allowed is 0..3600");
        check(&with(|t| t.rearm_s = 1e9), OutOfRange, "trigger.rearm_s");
        check(&with(|t| t.gate = "often".into()), Fault::Unknown, "trigger.gate = \"often\"");
        check(&with(|t| t.source = "mood/1".into()), Fault::Unknown, "trigger.source");
    }
}
