//! Commands about plug-ins and mappings. What changes the chain or the mappings changes the
//! configuration, so that it can be taken back and saved; what moves or asks is for those who have
//! the plug-ins.

use rosc::{OscPacket, OscType};

use crate::config::map::{Fault as MapFault, MapError, TypedMap};
use crate::config::running::State;
use crate::config::slots::{SLOTS_MAX, TypedSlot};
use crate::config::typed::Typed;
use crate::osc::address::Verb;
use crate::osc::arguments::Arguments;
use crate::osc::encode::text;
use crate::osc::fault::{Code, Fault};
use crate::osc::surface::Surface;
use crate::osc::surface::commands::Outcome;
use crate::osc::surface::request::{Cause, Comparison, PluginRequest, Request};
use crate::osc::surface::settings::{fault, flag};
use crate::osc::surface::tickets::Caller;
use crate::osc::surface::verbs::counted;

impl Surface {
    pub(super) fn run_plugins(
        &mut self,
        caller: &Caller,
        verb: Verb,
        arguments: &Arguments,
        replies: &mut Vec<OscPacket>,
    ) -> Result<Outcome, Fault> {
        let word = arguments.text(0).unwrap_or_default();
        let later = |request| Ok(Outcome::Later(Request::Plugin(request)));
        match verb {
            Verb::PluginList => later(PluginRequest::List),
            Verb::PluginScan => later(PluginRequest::Scan),
            Verb::PluginAdd => self.add_plugin(arguments),
            Verb::PluginRemove => self.edit_slot(arguments, "removed", |typed, slot| {
                typed.plugins.remove(slot);
                Ok(())
            }),
            Verb::PluginMove => self.move_plugin(arguments),
            Verb::PluginBypass => {
                let on = flag("bypass", arguments.int(1).unwrap_or_default())?;
                self.edit_slot(arguments, "bypass", |typed, slot| {
                    typed.plugins.slots[slot].bypass = on;
                    Ok(())
                })
            }
            Verb::PluginTrust => {
                self.only_trusted(caller, "plugin/trust")?;
                let on = flag("trust", arguments.int(1).unwrap_or_default())?;
                self.edit_slot(arguments, "trusted", |typed, slot| {
                    typed.plugins.slots[slot].trusted = on;
                    Ok(())
                })
            }
            Verb::PluginPreset => {
                let preset = arguments.text(1).unwrap_or_default().to_owned();
                self.edit_slot(arguments, "preset", move |typed, slot| {
                    let slot = &mut typed.plugins.slots[slot];
                    (slot.preset, slot.state) = (preset, String::new());
                    slot.set.clear();
                    Ok(())
                })
            }
            Verb::PluginStateSave => {
                self.only_trusted(caller, "plugin/state/save")?;
                later(PluginRequest::SaveChain { file: self.chain_file(word)? })
            }
            Verb::PluginStateLoad => {
                later(PluginRequest::LoadChain { file: self.chain_file(word)? })
            }
            Verb::MapAdd => self.add_map(arguments),
            Verb::MapRemove => self.edit_map(word, |maps, index| {
                maps.remove(index);
            }),
            Verb::MapEnable => {
                let on = flag("enable", arguments.int(1).unwrap_or_default())?;
                self.edit_map(word, |maps, index| maps[index].enabled = on)
            }
            Verb::MapSolo => {
                if !word.is_empty() {
                    self.map_index(&self.running.state().typed, word)?;
                }
                let name = (!word.is_empty()).then(|| word.to_owned());
                later(PluginRequest::Solo { name })
            }
            Verb::MapList => {
                let maps = &self.running.state().typed.map;
                let items: Vec<_> = maps.iter().map(|map| self.map_item(map)).collect();
                replies.extend(items);
                Ok(Outcome::Done(counted(replies)))
            }
            _ => self.ask_plugin(verb, arguments),
        }
    }

    /// What asks or moves one slot.
    fn ask_plugin(&self, verb: Verb, arguments: &Arguments) -> Result<Outcome, Fault> {
        let slot = self.slot(arguments.int(0).unwrap_or_default())?;
        let name = match arguments.all().get(1) {
            Some(OscType::String(symbol)) => symbol.clone(),
            Some(OscType::Int(number)) => number.to_string(),
            Some(OscType::Float(number)) => number.to_string(),
            _ => String::new(),
        };
        let request = match verb {
            Verb::PluginParameters => PluginRequest::Parameters { slot },
            Verb::PluginPresets => PluginRequest::Presets { slot },
            Verb::PluginParameterGet => PluginRequest::Get { slot, name },
            Verb::PluginParameter => {
                let value = arguments.float(2).unwrap_or_default();
                PluginRequest::Set { slot, name, value }
            }
            Verb::PluginWatch => {
                let value = arguments.float(3).unwrap_or_default();
                let comparison = Comparison::parse(arguments.text(2).unwrap_or_default())?;
                PluginRequest::Watch { slot, name, condition: Some((comparison, value)) }
            }
            Verb::PluginUnwatch => PluginRequest::Watch { slot, name, condition: None },
            other => return Err(Fault::new(Code::General, format!("{other:?} has no code"))),
        };
        Ok(Outcome::Later(Request::Plugin(request)))
    }

    /// Counted from 0 from here on.
    fn slot(&self, number: i32) -> Result<usize, Fault> {
        let count = self.running.state().typed.plugins.slots.len();
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        index.filter(|index| *index < count).ok_or_else(|| {
            let text = match count {
                0 => format!("there is no slot {number}, nor any other"),
                _ => format!("there is no slot {number}, allowed are 1 to {count}"),
            };
            Fault::new(Code::NoSuchThing, text)
        })
    }

    fn add_plugin(&self, arguments: &Arguments) -> Result<Outcome, Fault> {
        let uri = arguments.text(0).unwrap_or_default().to_owned();
        if uri.starts_with("clap:/") || uri.starts_with("clap:\\") {
            let text = "a plug-in is named by its id; name its file in the configuration";
            return Err(Fault::new(Code::NotAllowed, text));
        }
        let count = self.running.state().typed.plugins.slots.len();
        if SLOTS_MAX <= count {
            let text = format!("{count} slots are there, more are not allowed");
            return Err(Fault::new(Code::Limit, text));
        }
        let number = arguments.int(1).unwrap_or_default();
        let place = match usize::try_from(number) {
            Ok(0) => count,
            Ok(number) if number <= count + 1 => number - 1,
            _ => {
                let text = format!("slot is {number}, allowed are 1 to {}, 0 the last", count + 1);
                return Err(Fault::new(Code::OutOfRange, text));
            }
        };
        let channel = i64::from(arguments.int(2).unwrap_or_default());
        let subject = format!("{uri} added");
        self.edit(subject, |typed| {
            typed.plugins.insert(place, TypedSlot { uri, channel, ..TypedSlot::default() });
            Ok(())
        })
    }

    fn move_plugin(&self, arguments: &Arguments) -> Result<Outcome, Fault> {
        let to = self.slot(arguments.int(1).unwrap_or_default())?;
        self.edit_slot(arguments, "moved", move |typed, from| {
            let slot = typed.plugins.remove(from);
            typed.plugins.insert(to, slot);
            Ok(())
        })
    }

    fn edit_slot(
        &self,
        arguments: &Arguments,
        what: &str,
        change: impl FnOnce(&mut Typed, usize) -> Result<(), Fault>,
    ) -> Result<Outcome, Fault> {
        let slot = self.slot(arguments.int(0).unwrap_or_default())?;
        let name = &self.running.state().typed.plugins.slots[slot].name;
        self.edit(format!("{name} {what}"), |typed| change(typed, slot))
    }

    fn add_map(&self, arguments: &Arguments) -> Result<Outcome, Fault> {
        let word = |index| arguments.text(index).unwrap_or_default().to_owned();
        let number = |index| arguments.float(index).unwrap_or_default();
        let gate = word(9);
        let map = TypedMap {
            name: word(0),
            source: word(1),
            target: word(2),
            input: [number(3), number(4)],
            output: [number(5), number(6)],
            curve: word(7),
            slew_s: number(8),
            gate: if gate.is_empty() { "none".to_owned() } else { gate },
            enabled: true,
        };
        let checked = map.check().map_err(|error| map_fault(&error))?;
        if let Some(label) = checked.source.label()
            && !self.knowledge.identity.labels.iter().any(|known| known == label)
        {
            let labels = self.knowledge.identity.labels.join(", ");
            let text = format!("label {label:?} is not there, allowed: {labels}");
            return Err(Fault::new(Code::NoSuchThing, text));
        }
        let maps = &self.running.state().typed.map;
        let name = checked.name;
        if maps.iter().any(|other| other.own_name() == name) {
            return Err(map_fault(&MapError::Exists { name }));
        }
        if crate::config::map::MAPS_MAX <= maps.len() {
            return Err(map_fault(&MapError::TooMany));
        }
        self.edit(format!("map {name}"), |typed| {
            typed.map.push(TypedMap { name, ..map });
            Ok(())
        })
    }

    fn edit_map(
        &self,
        name: &str,
        change: impl FnOnce(&mut Vec<TypedMap>, usize),
    ) -> Result<Outcome, Fault> {
        let index = self.map_index(&self.running.state().typed, name)?;
        self.edit(format!("map {name}"), |typed| {
            change(&mut typed.map, index);
            Ok(())
        })
    }

    fn map_index(&self, typed: &Typed, name: &str) -> Result<usize, Fault> {
        let found = typed.map.iter().position(|map| map.own_name() == name);
        found.ok_or_else(|| map_fault(&MapError::Missing { name: name.to_owned() }))
    }

    fn map_item(&self, map: &TypedMap) -> OscPacket {
        let words = [&map.own_name(), &map.source, &map.target].map(|word| text(word));
        let ends = map.input.into_iter().chain(map.output).map(OscType::Float);
        let rest = [
            text(&map.curve),
            OscType::Float(map.slew_s),
            text(&map.gate),
            OscType::Int(i32::from(map.enabled)),
        ];
        self.item("map/item", words.into_iter().chain(ends).chain(rest).collect())
    }

    /// The configuration with this change, to be adopted if all agree.
    fn edit(
        &self,
        subject: String,
        change: impl FnOnce(&mut Typed) -> Result<(), Fault>,
    ) -> Result<Outcome, Fault> {
        let mut typed = self.running.state().typed.clone();
        change(&mut typed)?;
        typed.settle_names();
        let config = typed.check_with(self.running.config().osc.clone());
        let config = config.map_err(|problems| fault(&problems))?;
        let state = Box::new(State { typed, config });
        Ok(Outcome::Later(Request::Adopt { state, cause: Cause::Set(subject) }))
    }

    /// A chain's file lies beside the configuration.
    fn chain_file(&self, name: &str) -> Result<std::path::PathBuf, Fault> {
        let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_good) {
            let text = format!("chain is {name:?}, allowed are 1 to 64 of a-z, A-Z, 0-9, _ and -");
            return Err(Fault::new(Code::NotAllowed, text));
        }
        Ok(self.running.folder().join(format!("{name}.chain.toml")))
    }
}

fn map_fault(error: &MapError) -> Fault {
    let code = match error {
        MapError::Value { fault: MapFault::OutOfRange, .. } => Code::OutOfRange,
        MapError::Value { fault: MapFault::Unknown, .. } | MapError::Missing { .. } => {
            Code::NoSuchThing
        }
        MapError::Value { fault: MapFault::Wrong, .. } => Code::OutOfRange,
        MapError::NotBuiltIn { .. } => Code::NotBuiltIn,
        MapError::Exists { .. } => Code::Exists,
        MapError::TooMany => Code::Limit,
    };
    Fault::new(code, error.to_string())
}
