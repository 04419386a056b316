//! Values that can be set: keys of the configuration under their own addresses, what belongs to one
//! sender, and what belongs to one receiver. Several at once are set all or none.

use std::time::Instant;

use rosc::{OscMessage, OscType};
use toml::Value;

use crate::config::error::Problem;
use crate::config::running::{Running, State};
use crate::messages::EventKind;
use crate::osc::address::{Fact, Instance, ReceiverField, Role, Setting};
use crate::osc::arguments::Arguments;
use crate::osc::encode::text;
use crate::osc::endpoint::Endpoint;
use crate::osc::fault::{Code, Fault};
use crate::osc::groups::Groups;
use crate::osc::profile::Profile;
use crate::osc::receivers::Terms;
use crate::osc::surface::Surface;
use crate::osc::surface::commands::Outcome;
use crate::osc::surface::request::{Cause, Request};
use crate::osc::surface::tickets::Caller;

/// What is set at once, having been found allowed.
enum Change {
    Mute(bool),
    ReplyPort(u16),
    Dump(u8),
    Receiver(i32, Terms),
}

impl Surface {
    /// All of these get the same arguments. What the configuration holds is asked of the engine.
    pub(super) fn set(
        &mut self,
        caller: &Caller,
        wanted: &[Instance],
        message: &OscMessage,
        now: Instant,
    ) -> Result<Outcome, Fault> {
        let mut changes = Vec::new();
        let mut state: Option<State> = None;
        let mut keys = Vec::new();
        for instance in wanted {
            let arguments = Arguments::check(message.clone(), instance.row.types)?;
            let Role::Setting(setting) = instance.row.role else { continue };
            if let Setting::Config(key) = setting {
                let before = state.as_ref().unwrap_or(self.running.state());
                state = Some(self.changed(before, key, arguments.all())?);
                keys.push(key);
            } else {
                changes.push(self.change(caller, setting, instance.receiver, &arguments)?);
            }
        }
        changes.into_iter().for_each(|change| self.apply(caller, change, now));
        Ok(match state {
            None => Outcome::Done(Vec::new()),
            Some(state) => {
                let cause = Cause::Set(keys.join(", "));
                Outcome::Later(Request::Adopt { state: Box::new(state), cause })
            }
        })
    }

    /// The configuration with this key set, if that and the model allow it.
    pub(super) fn changed(
        &self,
        before: &State,
        key: &str,
        values: &[OscType],
    ) -> Result<State, Fault> {
        let old = crate::config::running::value(&before.typed, key);
        let value = toml_value(key, old.as_ref(), values)?;
        let state = Running::changed(before, key, value).map_err(|problems| fault(&problems))?;
        self.check_with_model(&state)?;
        Ok(state)
    }

    /// What only the model can say about a configuration.
    pub(super) fn check_with_model(&self, state: &State) -> Result<(), Fault> {
        let config = &state.config;
        let allowed = &self.knowledge.window_allowed_s;
        if let Some(window_s) = config.model.window_s.filter(|window_s| !allowed.contains(window_s))
        {
            let (low, high) = (allowed.start(), allowed.end());
            let text = format!("window is {window_s} s, allowed are {low} to {high} s");
            return Err(Fault::new(Code::OutOfRange, text));
        }
        let labels = &self.knowledge.identity.labels;
        if let Some(label) = config.output.mask.iter().find(|label| !labels.contains(label)) {
            let text = format!("label {label:?} is not there, allowed: {}", labels.join(", "));
            return Err(Fault::new(Code::NoSuchThing, text));
        }
        Ok(())
    }

    fn change(
        &mut self,
        caller: &Caller,
        setting: Setting,
        receiver: i32,
        arguments: &Arguments,
    ) -> Result<Change, Fault> {
        let whole = arguments.int(0).unwrap_or_default();
        match setting {
            Setting::Mute => Ok(Change::Mute(flag("mute", whole)?)),
            Setting::ReplyPort => {
                self.destinations.resolve(caller.from, true, "", whole)?;
                // `resolve` has refused what does not fit.
                Ok(Change::ReplyPort(u16::try_from(whole).unwrap_or_default()))
            }
            Setting::Dump if !self.is_trusted(caller.from) => {
                let text = "traces show what others send; from this machine or with the token only";
                Err(Fault::new(Code::NotAllowed, text))
            }
            Setting::Dump => match u8::try_from(whole) {
                Ok(level @ 0..=2) => Ok(Change::Dump(level)),
                _ => {
                    let text = format!("dump is {whole}, allowed are 0, 1 and 2");
                    Err(Fault::new(Code::OutOfRange, text))
                }
            },
            Setting::Receiver(field) => {
                let is_trusted = self.is_trusted(caller.from);
                let known = self.receivers.owned(caller.from, is_trusted, receiver)?;
                let mut terms = known.terms.clone();
                change_terms(&mut terms, field, arguments)?;
                Ok(Change::Receiver(receiver, terms))
            }
            Setting::Config(key) => {
                Err(Fault::new(Code::General, format!("{key} is set by the configuration")))
            }
        }
    }

    fn apply(&mut self, caller: &Caller, change: Change, now: Instant) {
        match change {
            Change::Mute(muted) => {
                let was_silent = self.is_silent();
                self.muted = muted;
                self.fall_silent(was_silent);
            }
            Change::ReplyPort(port) => self.peers.set_reply_port(caller.from, port, now),
            Change::Dump(level) => {
                self.peers.set_trace(caller.from, level, now);
                self.renew_traces();
            }
            Change::Receiver(id, terms) => {
                if let Some(receiver) = self.receivers.get_mut(id) {
                    receiver.terms = terms;
                    receiver.pace.reset();
                    self.is_unsaved |= receiver.is_saved();
                    self.build_views();
                }
            }
        }
    }

    /// Says once that nobody speaks, when the streams end.
    fn fall_silent(&mut self, was_silent: bool) {
        if !was_silent && self.is_silent() {
            self.silence();
        }
    }

    /// From now on this configuration holds.
    pub(super) fn adopt(&mut self, state: State, cause: Cause, now: Instant) {
        let was_silent = self.is_silent();
        let before = self.running.config().clone();
        match cause {
            Cause::RollBack => self.running.roll_back(),
            Cause::Set(_) | Cause::Reload => self.running.adopt(state),
        }
        let config = self.running.config().clone();
        self.destinations.set_trust(config.osc.allow.clone(), config.osc.token.clone());
        if config.osc.send != before.osc.send {
            self.configure_receivers(now);
        }
        self.knowledge.identity.hop_s = config.model.hop_s.unwrap_or(self.knowledge.hop_s);
        self.channels
            .iter_mut()
            .for_each(|channel| channel.set_hop_s(self.knowledge.identity.hop_s));
        self.fall_silent(was_silent);
        let (code, subject, what) = match cause {
            Cause::Set(keys) => (1, keys, "set"),
            Cause::Reload => (2, self.running.origin().file.display().to_string(), "reloaded"),
            Cause::RollBack => (3, String::new(), "rolled back"),
        };
        let needs_restart =
            config.osc.listen != before.osc.listen || config.osc.root != before.osc.root;
        let note = if needs_restart { "; osc.listen and osc.root with the next start" } else { "" };
        self.tell(EventKind::Config, code, subject, format!("{what}{note}"));
        if config.privacy.consent != before.privacy.consent {
            let consent = config.privacy.consent;
            let what = if consent { "given" } else { "taken back: nothing leaves but health" };
            self.tell(EventKind::Consent, i32::from(consent), String::new(), what.to_owned());
        }
    }

    /// `channel` is counted from 1, or 0 for what belongs to none.
    pub(super) fn fact(&self, fact: Fact, channel: u16) -> Vec<OscType> {
        let name = || {
            let index = usize::from(channel).checked_sub(1)?;
            self.knowledge.identity.names.get(index).map(String::as_str)
        };
        let word = match fact {
            Fact::ModelCurrent => self.knowledge.model.as_str(),
            Fact::ChannelName => name().unwrap_or_default(),
        };
        vec![text(word)]
    }

    /// The value of a setting as this sender sees it.
    pub(super) fn setting(&self, from: Endpoint, setting: Setting, receiver: i32) -> Vec<OscType> {
        match setting {
            Setting::Mute => vec![OscType::Int(i32::from(self.muted))],
            Setting::ReplyPort => vec![OscType::Int(i32::from(self.peers.reply_port(from)))],
            Setting::Dump => vec![OscType::Int(i32::from(self.peers.trace(from)))],
            Setting::Config("model.window_s") => {
                let window_s = self.running.config().model.window_s;
                vec![OscType::Float(window_s.unwrap_or(self.knowledge.window_s))]
            }
            Setting::Config("model.hop_s") => vec![OscType::Float(self.knowledge.identity.hop_s)],
            Setting::Config("output.mask") if self.running.config().output.mask.is_empty() => {
                vec![text(NO_MASK)]
            }
            Setting::Config(key) => {
                let value = self.running.get(key).ok().flatten();
                value.map(|value| osc_values(&value)).unwrap_or_default()
            }
            Setting::Receiver(field) => {
                let receiver = self.receivers.get(receiver);
                receiver.map(|receiver| self.term(&receiver.terms, field)).into_iter().collect()
            }
        }
    }

    fn term(&self, terms: &Terms, field: ReceiverField) -> OscType {
        match field {
            ReceiverField::Groups => text(&terms.groups.names()),
            ReceiverField::Hz => OscType::Float(terms.limits.max_hz),
            ReceiverField::Deadband => OscType::Float(terms.limits.deadband),
            ReceiverField::Range => text(if terms.is_bipolar { "bipolar" } else { "unipolar" }),
            ReceiverField::Profile => text(terms.profile.name()),
            ReceiverField::Root => text(&terms.shape(&self.root).root),
            ReceiverField::Enabled => OscType::Int(i32::from(terms.is_enabled)),
        }
    }
}

/// The word that takes a mask off.
const NO_MASK: &str = "all";

fn change_terms(
    terms: &mut Terms,
    field: ReceiverField,
    arguments: &Arguments,
) -> Result<(), Fault> {
    let word = arguments.text(0).unwrap_or_default();
    let number = arguments.float(0).unwrap_or_default();
    match field {
        ReceiverField::Groups => {
            terms.groups = Groups::parse(word)?.unwrap_or(terms.profile.groups());
        }
        ReceiverField::Hz => terms.limits.max_hz = max_hz(number)?,
        ReceiverField::Deadband => {
            terms.limits.deadband = within("deadband", number, 0.0..=1.0)?;
        }
        ReceiverField::Range => {
            terms.is_bipolar = match word {
                "unipolar" => false,
                "bipolar" => true,
                other => {
                    let text = format!("range is {other:?}, allowed are unipolar and bipolar");
                    return Err(Fault::new(Code::OutOfRange, text));
                }
            };
        }
        ReceiverField::Profile => terms.profile = Profile::parse(word)?,
        ReceiverField::Root if word.is_empty() => terms.root.clear(),
        ReceiverField::Root => {
            let root = crate::config::check_root("root", word);
            terms.root =
                root.map_err(|problem| Fault::new(Code::OutOfRange, problem.to_string()))?;
        }
        ReceiverField::Enabled => {
            terms.is_enabled = flag("enabled", arguments.int(0).unwrap_or_default())?;
        }
    }
    Ok(())
}

/// 0 is no cap.
pub(super) fn max_hz(max_hz: f32) -> Result<f32, Fault> {
    within("max_hz", max_hz, 0.0..=1000.0)
}

fn within(name: &str, value: f32, allowed: std::ops::RangeInclusive<f32>) -> Result<f32, Fault> {
    // -0 is within 0 and prints oddly; adding 0 makes it 0.
    if allowed.contains(&value) {
        return Ok(value + 0.0);
    }
    let text = format!("{name} is {value}, allowed are {} to {}", allowed.start(), allowed.end());
    Err(Fault::new(Code::OutOfRange, text))
}

pub(super) fn flag(name: &str, value: i32) -> Result<bool, Fault> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        other => {
            let text = format!("{name} is {other}, allowed are 0 and 1");
            Err(Fault::new(Code::OutOfRange, text))
        }
    }
}

/// The configuration's words for a problem, under the code that fits.
pub(super) fn fault(problems: &[Problem]) -> Fault {
    let code = match problems.first() {
        Some(Problem::Unknown { .. }) => Code::NoSuchThing,
        Some(Problem::Type { .. }) => Code::WrongTypes,
        Some(Problem::Loop { .. }) => Code::Loop,
        Some(Problem::Value { .. }) | None => Code::OutOfRange,
    };
    let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
    Fault::new(code, texts.join("; "))
}

/// Arguments as the configuration would type them, after the value that the key has; none for no
/// argument. Numbers and flags are taken in any form that is exact.
fn toml_value(key: &str, old: Option<&Value>, values: &[OscType]) -> Result<Option<Value>, Fault> {
    if let Some(Value::Array(_)) = old {
        // Lists hold strings or whole numbers.
        let whole = Some(Value::Integer(0));
        let list: Option<Vec<Value>> = values.iter().map(|v| plain(v, whole.as_ref())).collect();
        let wrong = || Fault::new(Code::WrongTypes, format!("{key} takes strings or numbers"));
        let list = list.ok_or_else(wrong)?;
        let is_no_mask = key == "output.mask" && list == [Value::from(NO_MASK)];
        return Ok(Some(Value::Array(if is_no_mask { Vec::new() } else { list })));
    }
    match values {
        [] => Ok(None),
        [value] => plain(value, old).map(Some).ok_or_else(|| {
            Fault::new(Code::WrongTypes, format!("{key} takes a number, a flag or a string"))
        }),
        _ => Err(Fault::new(Code::WrongTypes, format!("{key} takes one value"))),
    }
}

fn plain(value: &OscType, old: Option<&Value>) -> Option<Value> {
    // A key without a value is a number of the model's own.
    let is_float = matches!(old, None | Some(Value::Float(_)));
    let number = match value {
        OscType::String(text) => return Some(Value::from(text.as_str())),
        OscType::Int(number) => f64::from(*number),
        OscType::Float(number) => f64::from(*number),
        OscType::Double(number) => *number,
        OscType::Bool(flag) => f64::from(u8::from(*flag)),
        _ => return None,
    };
    match old {
        Some(Value::Boolean(_)) if number == 0.0 || number == 1.0 => Some((number == 1.0).into()),
        _ if is_float || number.fract() != 0.0 || number.abs() > f64::from(i32::MAX) => {
            Some(number.into())
        }
        // Whole and within i32, as was just checked.
        #[expect(clippy::cast_possible_truncation, reason = "whole and within i32")]
        _ => Some((number as i64).into()),
    }
}

/// A value of the configuration as OSC says it.
pub(super) fn osc_values(value: &Value) -> Vec<OscType> {
    match value {
        Value::String(word) => vec![text(word)],
        Value::Integer(number) => vec![OscType::Int(i32::try_from(*number).unwrap_or(i32::MAX))],
        Value::Float(number) => vec![OscType::Float(crate::units::to_f32(*number))],
        Value::Boolean(flag) => vec![OscType::Int(i32::from(*flag))],
        Value::Array(values) => values.iter().flat_map(osc_values).collect(),
        Value::Datetime(_) | Value::Table(_) => Vec::new(),
    }
}
