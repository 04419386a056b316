//! Commands about mappings: they change the configuration, so that it can be taken back and saved.

use rosc::{OscPacket, OscType};

use crate::config::map::TypedMap;
use crate::config::rule::{Fault as RuleFault, Kind, RuleError, Source};
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
        let checked = map.check().map_err(|error| rule_fault(&error))?;
        let maps = self.running.state().typed.map.iter().map(TypedMap::own_name);
        self.check_new(Kind::Map, &checked.name, &checked.source, maps)?;
        let name = checked.name;
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
        place_of(Kind::Map, name, typed.map.iter().map(TypedMap::own_name))
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

impl Surface {
    /// A rule that is to come: its name is free, there is room, and the model has its label.
    pub(super) fn check_new(
        &self,
        kind: Kind,
        name: &str,
        source: &Source,
        names: impl ExactSizeIterator<Item = String>,
    ) -> Result<(), Fault> {
        let labels = &self.knowledge.identity.labels;
        if let Some(label) = source.label()
            && !labels.iter().any(|known| known == label)
        {
            let text = format!("label {label:?} is not there, allowed: {}", labels.join(", "));
            return Err(Fault::new(Code::NoSuchThing, text));
        }
        if kind.most() <= names.len() {
            return Err(rule_fault(&RuleError::TooMany { kind }));
        }
        match names.into_iter().any(|other| other == name) {
            true => Err(rule_fault(&RuleError::Exists { kind, name: name.to_owned() })),
            false => Ok(()),
        }
    }
}

/// Of a rule among those with these names.
pub(super) fn place_of(
    kind: Kind,
    name: &str,
    mut names: impl Iterator<Item = String>,
) -> Result<usize, Fault> {
    let missing = || rule_fault(&RuleError::Missing { kind, name: name.to_owned() });
    names.position(|other| other == name).ok_or_else(missing)
}

pub(super) fn rule_fault(error: &RuleError) -> Fault {
    let code = match error {
        RuleError::Value { fault: RuleFault::OutOfRange | RuleFault::Wrong, .. } => {
            Code::OutOfRange
        }
        RuleError::Value { fault: RuleFault::Unknown, .. } | RuleError::Missing { .. } => {
            Code::NoSuchThing
        }
        RuleError::NotBuiltIn { .. } => Code::NotBuiltIn,
        RuleError::Exists { .. } => Code::Exists,
        RuleError::TooMany { .. } => Code::Limit,
    };
    Fault::new(code, error.to_string())
}
