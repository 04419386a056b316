//! Commands about mappings: they change the configuration, so that it can be taken back and saved.

use rosc::{OscPacket, OscType};

use crate::config::map::TypedMap;
use crate::config::rule::Rule;
use crate::osc::address::Verb;
use crate::osc::arguments::Arguments;
use crate::osc::encode::text;
use crate::osc::fault::{Code, Fault};
use crate::osc::surface::Surface;
use crate::osc::surface::commands::Outcome;
use crate::osc::surface::request::{PluginRequest, Request};
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
            Verb::MapRemove => self.remove_rule::<TypedMap>(word),
            Verb::MapEnable => self.enable_rule::<TypedMap>(arguments),
            Verb::MapSolo => {
                if !word.is_empty() {
                    self.place_of::<TypedMap>(word)?;
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
        self.add_rule(TypedMap {
            name: word(0),
            source: word(1),
            target: word(2),
            input: [number(3), number(4)],
            output: [number(5), number(6)],
            curve: word(7),
            slew_s: number(8),
            gate: if gate.is_empty() { "none".to_owned() } else { gate },
            enabled: true,
        })
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
