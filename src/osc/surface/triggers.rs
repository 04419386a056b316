//! Commands about triggers: they change the configuration, so that it can be taken back and saved.

use rosc::{OscPacket, OscType};

use crate::config::rule::Rule;
use crate::config::trigger::TypedTrigger;
use crate::osc::address::Verb;
use crate::osc::arguments::Arguments;
use crate::osc::encode::text;
use crate::osc::fault::{Code, Fault};
use crate::osc::surface::Surface;
use crate::osc::surface::commands::Outcome;
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
            Verb::TriggerRemove => self.remove_rule::<TypedTrigger>(word),
            Verb::TriggerEnable => self.enable_rule::<TypedTrigger>(arguments),
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
        self.add_rule(TypedTrigger {
            name: word(0),
            source: word(1),
            on: number(2),
            off: number(3),
            min_s: number(4),
            rearm_s: number(5),
            gate: if gate.is_empty() { "none".to_owned() } else { gate },
            enabled: true,
        })
    }

    fn trigger_item(&self, trigger: &TypedTrigger) -> OscPacket {
        let TypedTrigger { source, on, off, min_s, rearm_s, gate, enabled, .. } = trigger;
        let words = [&trigger.own_name(), source].map(|word| text(word));
        let numbers = [*on, *off, *min_s, *rearm_s].map(OscType::Float);
        let rest = [text(gate), OscType::Int(i32::from(*enabled))];
        self.item("trigger/item", words.into_iter().chain(numbers).chain(rest).collect())
    }
}
