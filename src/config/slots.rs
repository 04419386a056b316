//! `[plugins]`: the plug-ins that the voice runs through, as typed and as checked. Which there are
//! is for the plug-in host to say; nothing here loads one.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::config::error::Problem;

/// As many as the audio thread has room for.
pub const SLOTS_MAX: usize = 64;

const NAME_CHARS_MAX: usize = 32;

/// `[plugins]` as typed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TypedPlugins {
    /// The analysis hears what the first so many slots do, if there are as many. Default 0: the
    /// clean voice. Range 0..64.
    pub tap: i64,
    /// In the order in which the voice runs through them. Default none, at most 64.
    pub slots: Vec<TypedSlot>,
}

/// One slot as typed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TypedSlot {
    /// `affectd:NAME` for a built-in one, `clap:ID`, or the URI of an LV2 plug-in. Required.
    pub uri: String,
    /// What mappings call it: 1 to 32 of a-z, A-Z, 0-9, `_`, `-`, and no number. Default: the end
    /// of the URI.
    pub name: String,
    /// The channel that it works on, 0 for all together. Default 0, range 0..`input.channels`.
    #[serde(skip_serializing_if = "is_default")]
    pub channel: i64,
    /// The sound passes it by. Default false.
    #[serde(skip_serializing_if = "is_default")]
    pub bypass: bool,
    /// It runs in our process: no delay, but a crash of it is ours. Default false; built-in ones
    /// always do.
    #[serde(skip_serializing_if = "is_default")]
    pub trusted: bool,
    /// Label or URI of a factory preset to begin with. Default none.
    #[serde(skip_serializing_if = "is_default")]
    pub preset: String,
    /// Parameters by symbol. Default: the plug-in's own values.
    #[serde(skip_serializing_if = "is_default")]
    pub set: BTreeMap<String, f32>,
    /// What the plug-in keeps beside its parameters, in Base64; written by `config/save`.
    #[serde(skip_serializing_if = "is_default")]
    pub state: String,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// `[plugins]` as checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plugins {
    pub tap: usize,
    pub slots: Vec<Slot>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    pub uri: String,
    /// Unlike those of all others.
    pub name: String,
    /// Counted from 0; `None` for all channels.
    pub channel: Option<usize>,
    pub bypass: bool,
    pub trusted: bool,
    pub preset: Option<String>,
    pub set: Vec<(String, f32)>,
    pub state: Option<Vec<u8>>,
}

impl TypedPlugins {
    /// Gives a name to each slot that has none, so that it keeps it when others come and go.
    pub fn name_slots(&mut self) {
        for index in 0..self.slots.len() {
            if self.slots[index].name.is_empty() {
                self.slots[index].name = self.free_name(&self.slots[index].uri);
            }
        }
    }

    /// The end of the URI, with a number if another slot is called so.
    fn free_name(&self, uri: &str) -> String {
        let end =
            uri.trim_end_matches(['/', '#']).rsplit(['/', '#', ':', '.']).next().unwrap_or("");
        let is_good = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let mut name: String = end.chars().filter(is_good).take(NAME_CHARS_MAX - 3).collect();
        if check_name(&name).is_err() {
            name = format!("plugin{name}").chars().take(NAME_CHARS_MAX - 3).collect();
        }
        let is_free = |name: &str| self.slots.iter().all(|slot| slot.name != name);
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        names.find(|name| is_free(name)).unwrap_or(name)
    }

    /// One more in this place, heard if those around it are.
    pub fn insert(&mut self, place: usize, slot: TypedSlot) {
        let is_heard = self.is_heard(place);
        self.tap += i64::from(is_heard && self.has_rest());
        self.slots.insert(place, slot);
    }

    /// The slots behind it keep their side of the tap.
    pub fn remove(&mut self, place: usize) -> TypedSlot {
        self.tap -= i64::from(self.is_heard(place) && self.has_rest());
        self.slots.remove(place)
    }

    fn is_heard(&self, place: usize) -> bool {
        usize::try_from(self.tap).is_ok_and(|tap| place < tap)
    }

    /// Some are not heard; a tap behind all of them stays there.
    fn has_rest(&self) -> bool {
        usize::try_from(self.tap).is_ok_and(|tap| tap <= self.slots.len())
    }

    /// All that is wrong.
    pub fn check(&self, channels: i64) -> Result<Plugins, Vec<Problem>> {
        let mut named = self.clone();
        named.name_slots();
        let mut problems = Vec::new();
        if named.slots.len() > SLOTS_MAX {
            let count = format!("{} slots", named.slots.len());
            return Err(vec![wrong("plugins.slots", count, format!("at most {SLOTS_MAX}"))]);
        }
        let tap = usize::try_from(self.tap).ok().filter(|&tap| tap <= SLOTS_MAX);
        if tap.is_none() {
            problems.push(wrong("plugins.tap", self.tap, format!("0..{SLOTS_MAX}")));
        }
        let mut slots: Vec<Slot> = Vec::new();
        for slot in &named.slots {
            match slot.check(channels) {
                Ok(slot) if slots.iter().any(|other| other.name == slot.name) => {
                    let value = format!("{:?} twice", slot.name);
                    problems.push(wrong("plugins.slots", value, "another name for each slot"));
                }
                Ok(slot) => slots.push(slot),
                Err(problem) => problems.push(problem),
            }
        }
        match (tap, problems.is_empty()) {
            (Some(tap), true) => Ok(Plugins { tap, slots }),
            _ => Err(problems),
        }
    }
}

impl TypedSlot {
    fn check(&self, channels: i64) -> Result<Slot, Problem> {
        let of = |what: &str| format!("{:?} {what}", self.name);
        if self.uri.is_empty() || self.uri.len() > 512 || self.uri.chars().any(char::is_control) {
            let allowed = "a uri: affectd:NAME, clap:ID or that of an LV2 plug-in";
            return Err(wrong("plugins.slots", of(&format!("uri {:?}", self.uri)), allowed));
        }
        check_name(&self.name)
            .map_err(|allowed| wrong("plugins.slots", format!("name {:?}", self.name), allowed))?;
        if !(0..=channels).contains(&self.channel) {
            let allowed = format!("0..{channels}, 0 being all channels");
            let value = of(&format!("channel {}", self.channel));
            return Err(wrong("plugins.slots", value, allowed));
        }
        if let Some((symbol, value)) = self.set.iter().find(|(_, value)| !value.is_finite()) {
            let value = of(&format!("{symbol} = {value}"));
            return Err(wrong("plugins.slots", value, "a finite number"));
        }
        let state = BASE64.decode(&self.state).map_err(|error| {
            wrong(
                "plugins.slots",
                of(&format!("state: {error}")),
                "Base64, as config/save wrote it",
            )
        })?;
        Ok(Slot {
            uri: self.uri.clone(),
            name: self.name.clone(),
            channel: usize::try_from(self.channel - 1).ok(),
            bypass: self.bypass,
            trusted: self.trusted,
            preset: (!self.preset.is_empty()).then(|| self.preset.clone()),
            set: self.set.iter().map(|(symbol, value)| (symbol.clone(), *value)).collect(),
            state: (!state.is_empty()).then_some(state),
        })
    }

    /// What the plug-in keeps, to be written.
    pub fn set_state(&mut self, state: Option<&[u8]>) {
        self.state = BASE64.encode(state.unwrap_or_default());
    }
}

/// What is allowed, if it is not.
fn check_name(name: &str) -> Result<(), &'static str> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let is_number = name.chars().all(|c| c.is_ascii_digit());
    if (1..=NAME_CHARS_MAX).contains(&name.len()) && name.chars().all(is_good) && !is_number {
        return Ok(());
    }
    Err("1 to 32 of a-z, A-Z, 0-9, _ and -, not a number")
}

fn wrong(key: &'static str, value: impl ToString, allowed: impl Into<String>) -> Problem {
    Problem::Value { key, value: value.to_string(), allowed: allowed.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(uris: &[&str]) -> TypedPlugins {
        let slot = |uri: &&str| TypedSlot { uri: (*uri).to_owned(), ..TypedSlot::default() };
        TypedPlugins { tap: 0, slots: uris.iter().map(slot).collect() }
    }

    #[test]
    fn a_slot_without_a_name_gets_one_of_its_own() {
        let mut plugins = slots(&["affectd:gate", "http://x.org/mda/Ambience", "affectd:gate"]);
        plugins.slots.push(TypedSlot { uri: "urn:a#7".to_owned(), ..TypedSlot::default() });
        plugins.name_slots();
        let names: Vec<_> = plugins.slots.iter().map(|slot| slot.name.as_str()).collect();
        assert_eq!(names, ["gate", "Ambience", "gate_2", "plugin7"]);
    }

    #[test]
    fn what_is_wrong_is_told_with_what_is_allowed() {
        let check = |change: fn(&mut TypedPlugins), text: &str| {
            let mut plugins = slots(&["affectd:gate", "affectd:gain"]);
            change(&mut plugins);
            let told = plugins.check(1).expect_err(text)[0].to_string();
            assert!(told.contains(text), "{told}");
        };
        check(|plugins| plugins.tap = 65, "plugins.tap = 65: allowed is 0..64");
        check(|plugins| plugins.slots[0].uri.clear(), "a uri");
        check(|plugins| plugins.slots[0].name = "7".to_owned(), "not a number");
        check(|plugins| plugins.slots[0].channel = 2, "channel 2: allowed is 0..1");
        let twice = |plugins: &mut TypedPlugins| {
            plugins.slots.iter_mut().for_each(|slot| slot.name = "gate".to_owned());
        };
        check(twice, "twice");
        check(|plugins| plugins.slots[1].state = "?".to_owned(), "Base64");
        check(
            |plugins| plugins.slots = vec![plugins.slots[0].clone(); SLOTS_MAX + 1],
            "65 slots: allowed is at most 64",
        );
        check(
            |plugins| plugins.slots[1].set = [("gain_db".to_owned(), f32::NAN)].into(),
            "a finite number",
        );
    }

    #[test]
    fn a_state_comes_back_as_it_was() {
        let mut plugins = slots(&["urn:x"]);
        plugins.slots[0].set_state(Some(&[0, 255, 7]));
        assert_eq!(plugins.check(1).expect("good").slots[0].state, Some(vec![0, 255, 7]));
    }
}
