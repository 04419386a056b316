//! Commands about triggers: they change the configuration, so that it can be taken back and saved.

use rosc::{OscPacket, OscType};

use crate::config::rule::Kind;
use crate::config::trigger::TypedTrigger;
use crate::osc::address::Verb;
use crate::osc::arguments::Arguments;
use crate::osc::encode::text;
use crate::osc::fault::{Code, Fault};
use crate::osc::surface::Surface;
use crate::osc::surface::commands::Outcome;
use crate::osc::surface::maps::{place_of, rule_fault};
use crate::osc::surface::settings::flag;
use crate::osc::surface::verbs::counted;

impl Surface {
    pub(super) fn run_triggers(
        &mut self,
        verb: Verb,
        arguments: &Arguments,
        replies: &mut Vec<OscPacket>,
    ) -> Result<Outcome, Fault> {
        let word = arguments.text(0).unwrap_or_default();
        match verb {
            Verb::TriggerAdd => self.add_trigger(arguments),
            Verb::TriggerRemove => self.edit_trigger(word, |triggers, index| {
                triggers.remove(index);
            }),
            Verb::TriggerEnable => {
                let on = flag("enable", arguments.int(1).unwrap_or_default())?;
                self.edit_trigger(word, |triggers, index| triggers[index].enabled = on)
            }
            Verb::TriggerClear => self.edit("triggers".to_owned(), |typed| typed.trigger.clear()),
            Verb::TriggerList => {
                let triggers = &self.running.state().typed.trigger;
                let items: Vec<_> = triggers.iter().map(|one| self.trigger_item(one)).collect();
                replies.extend(items);
                Ok(Outcome::Done(counted(replies)))
            }
            other => Err(Fault::new(Code::General, format!("{other:?} has no code"))),
        }
    }

    fn add_trigger(&self, arguments: &Arguments) -> Result<Outcome, Fault> {
        let word = |index| arguments.text(index).unwrap_or_default().to_owned();
        let number = |index| arguments.float(index).unwrap_or_default();
        let gate = word(6);
        let trigger = TypedTrigger {
            name: word(0),
            source: word(1),
            on: number(2),
            off: number(3),
            min_s: number(4),
            rearm_s: number(5),
            gate: if gate.is_empty() { "none".to_owned() } else { gate },
            enabled: true,
        };
        let checked = trigger.check().map_err(|error| rule_fault(&error))?;
        let names = self.running.state().typed.trigger.iter().map(TypedTrigger::own_name);
        self.check_new(Kind::Trigger, &checked.name, &checked.source, names)?;
        let name = checked.name;
        self.edit(format!("trigger {name}"), |typed| {
            typed.trigger.push(TypedTrigger { name, ..trigger });
        })
    }

    fn edit_trigger(
        &self,
        name: &str,
        change: impl FnOnce(&mut Vec<TypedTrigger>, usize),
    ) -> Result<Outcome, Fault> {
        let triggers = self.running.state().typed.trigger.iter();
        let index = place_of(Kind::Trigger, name, triggers.map(TypedTrigger::own_name))?;
        self.edit(format!("trigger {name}"), |typed| change(&mut typed.trigger, index))
    }

    fn trigger_item(&self, trigger: &TypedTrigger) -> OscPacket {
        let TypedTrigger { source, on, off, min_s, rearm_s, gate, enabled, .. } = trigger;
        let words = [&trigger.own_name(), source].map(|word| text(word));
        let numbers = [*on, *off, *min_s, *rearm_s].map(OscType::Float);
        let rest = [text(gate), OscType::Int(i32::from(*enabled))];
        self.item("trigger/item", words.into_iter().chain(numbers).chain(rest).collect())
    }
}
