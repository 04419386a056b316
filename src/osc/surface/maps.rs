//! Commands about mappings: they change the configuration, so that it can be taken back and saved.

use rosc::{OscPacket, OscType};

use crate::config::map::{Fault as MapFault, MAPS_MAX, MapError, TypedMap};
use crate::config::typed::Typed;
use crate::osc::address::Verb;
use crate::osc::arguments::Arguments;
use crate::osc::encode::text;
use crate::osc::fault::{Code, Fault};
use crate::osc::surface::Surface;
use crate::osc::surface::commands::Outcome;
use crate::osc::surface::request::{PluginRequest, Request};
use crate::osc::surface::settings::flag;
use crate::osc::surface::verbs::counted;

impl Surface {
    pub(super) fn run_maps(
        &mut self,
        verb: Verb,
        arguments: &Arguments,
        replies: &mut Vec<OscPacket>,
    ) -> Result<Outcome, Fault> {
        let word = arguments.text(0).unwrap_or_default();
        match verb {
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
                Ok(Outcome::Later(Request::Plugin(PluginRequest::Solo { name })))
            }
            Verb::MapList => {
                let maps = &self.running.state().typed.map;
                let items: Vec<_> = maps.iter().map(|map| self.map_item(map)).collect();
                replies.extend(items);
                Ok(Outcome::Done(counted(replies)))
            }
            other => Err(Fault::new(Code::General, format!("{other:?} has no code"))),
        }
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
        if MAPS_MAX <= maps.len() {
            return Err(map_fault(&MapError::TooMany));
        }
        self.edit(format!("map {name}"), |typed| {
            typed.map.push(TypedMap { name, ..map });
        })
    }

    fn edit_map(
        &self,
        name: &str,
        change: impl FnOnce(&mut Vec<TypedMap>, usize),
    ) -> Result<Outcome, Fault> {
        let index = self.map_index(&self.running.state().typed, name)?;
        self.edit(format!("map {name}"), |typed| change(&mut typed.map, index))
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
