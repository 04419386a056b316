//! Commands about plug-ins. What changes the chain changes the configuration, so that it can be
//! taken back and saved; what moves or asks is for those who have the plug-ins.

use rosc::OscType;

use crate::config::personal::{NAMES, is_name};
use crate::config::running::State;
use crate::config::slots::{SLOTS_MAX, TypedSlot};
use crate::config::typed::Typed;
use crate::osc::address::Verb;
use crate::osc::arguments::Arguments;
use crate::osc::fault::{Code, Fault};
use crate::osc::surface::Surface;
use crate::osc::surface::commands::Outcome;
use crate::osc::surface::request::{Cause, Comparison, PluginRequest, Request};
use crate::osc::surface::settings::{fault, flag};
use crate::osc::surface::tickets::Caller;

impl Surface {
    pub(super) fn run_plugins(
        &mut self,
        caller: &Caller,
        verb: Verb,
        arguments: &Arguments,
    ) -> Result<Outcome, Fault> {
        let word = arguments.text(0).unwrap_or_default();
        let later = |request| Ok(Outcome::Later(Request::Plugin(request)));
        match verb {
            Verb::PluginList => later(PluginRequest::List),
            Verb::PluginScan => later(PluginRequest::Scan),
            Verb::PluginAdd => self.add_plugin(arguments),
            Verb::PluginRemove => self.edit_slot(arguments, "removed", |typed, slot| {
                typed.plugins.remove(slot);
            }),
            Verb::PluginMove => self.move_plugin(arguments),
            Verb::PluginBypass => {
                let on = flag("bypass", arguments.int(1).unwrap_or_default())?;
                self.edit_slot(arguments, "bypass", |typed, slot| {
                    typed.plugins.slots[slot].bypass = on;
                })
            }
            Verb::PluginTrust => {
                self.only_trusted(caller, "plugin/trust")?;
                let on = flag("trust", arguments.int(1).unwrap_or_default())?;
                self.edit_slot(arguments, "trusted", |typed, slot| {
                    typed.plugins.slots[slot].trusted = on;
                })
            }
            Verb::PluginPreset => {
                let preset = arguments.text(1).unwrap_or_default().to_owned();
                self.edit_slot(arguments, "preset", move |typed, slot| {
                    let slot = &mut typed.plugins.slots[slot];
                    (slot.preset, slot.state) = (preset, String::new());
                    slot.set.clear();
                })
            }
            Verb::PluginStateSave => {
                self.only_trusted(caller, "plugin/state/save")?;
                later(PluginRequest::SaveChain { file: self.chain_file(word)? })
            }
            Verb::PluginStateLoad => {
                later(PluginRequest::LoadChain { file: self.chain_file(word)? })
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
        })
    }

    fn move_plugin(&self, arguments: &Arguments) -> Result<Outcome, Fault> {
        let to = self.slot(arguments.int(1).unwrap_or_default())?;
        self.edit_slot(arguments, "moved", move |typed, from| {
            let slot = typed.plugins.remove(from);
            typed.plugins.insert(to, slot);
        })
    }

    fn edit_slot(
        &self,
        arguments: &Arguments,
        what: &str,
        change: impl FnOnce(&mut Typed, usize),
    ) -> Result<Outcome, Fault> {
        let slot = self.slot(arguments.int(0).unwrap_or_default())?;
        let name = &self.running.state().typed.plugins.slots[slot].name;
        self.edit(format!("{name} {what}"), |typed| change(typed, slot))
    }

    /// The configuration with this change, to be adopted if all agree.
    pub(super) fn edit(
        &self,
        subject: String,
        change: impl FnOnce(&mut Typed),
    ) -> Result<Outcome, Fault> {
        let mut typed = self.running.state().typed.clone();
        change(&mut typed);
        typed.settle_names();
        let config = typed.check_with(self.running.config().osc.clone());
        let config = config.map_err(|problems| fault(&problems))?;
        let state = Box::new(State { typed, config });
        Ok(Outcome::Later(Request::Adopt { state, cause: Cause::Set(subject) }))
    }

    /// A chain's file lies beside the configuration.
    fn chain_file(&self, name: &str) -> Result<std::path::PathBuf, Fault> {
        if !is_name(name) {
            let text = format!("chain is {name:?}, allowed are {NAMES}");
            return Err(Fault::new(Code::NotAllowed, text));
        }
        Ok(self.running.folder().join(format!("{name}.chain.toml")))
    }
}
