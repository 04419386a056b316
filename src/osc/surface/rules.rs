//! What commands about mappings and triggers have in common: they change the configuration, so that
//! it can be taken back and saved.

use crate::config::rule::{Fault as RuleFault, Rule, RuleError};
use crate::osc::arguments::Arguments;
use crate::osc::fault::{Code, Fault};
use crate::osc::surface::Surface;
use crate::osc::surface::commands::Outcome;
use crate::osc::surface::settings::flag;

impl Surface {
    /// One more, if its name is free, there is room, and the model has its label.
    pub(super) fn add_rule<R: Rule>(&self, mut rule: R) -> Result<Outcome, Fault> {
        let checked = rule.check().map_err(|error| rule_fault(&error))?;
        let (name, source) = R::name_and_source(&checked);
        let labels = &self.knowledge.identity.labels;
        if let Some(label) = source.label()
            && !labels.iter().any(|known| known == label)
        {
            let text = format!("label {label:?} is not there, allowed: {}", labels.join(", "));
            return Err(Fault::new(Code::NoSuchThing, text));
        }
        let (kind, rules) = (R::KIND, R::list(&self.running.state().typed));
        if rules.iter().any(|other| other.own_name() == name) {
            return Err(rule_fault(&RuleError::Exists { kind, name: name.to_owned() }));
        }
        if kind.most() <= rules.len() {
            return Err(rule_fault(&RuleError::TooMany { kind }));
        }
        rule.rename(name.to_owned());
        self.edit(format!("{kind} {name}"), |typed| R::list_mut(typed).push(rule))
    }

    pub(super) fn remove_rule<R: Rule>(&self, name: &str) -> Result<Outcome, Fault> {
        let index = self.place_of::<R>(name)?;
        self.edit(format!("{} {name}", R::KIND), |typed| {
            R::list_mut(typed).remove(index);
        })
    }

    /// Name, 1 or 0.
    pub(super) fn enable_rule<R: Rule>(&self, arguments: &Arguments) -> Result<Outcome, Fault> {
        let name = arguments.text(0).unwrap_or_default();
        let is_enabled = flag("enable", arguments.int(1).unwrap_or_default())?;
        let index = self.place_of::<R>(name)?;
        self.edit(format!("{} {name}", R::KIND), |typed| {
            R::list_mut(typed)[index].enable(is_enabled);
        })
    }

    pub(super) fn place_of<R: Rule>(&self, name: &str) -> Result<usize, Fault> {
        let missing = || RuleError::Missing { kind: R::KIND, name: name.to_owned() };
        let rules = R::list(&self.running.state().typed);
        let place = rules.iter().position(|other| other.own_name() == name);
        place.ok_or_else(|| rule_fault(&missing()))
    }
}

fn rule_fault(error: &RuleError) -> Fault {
    let code = match error {
        RuleError::Value { fault: RuleFault::OutOfRange | RuleFault::Wrong, .. } => {
            Code::OutOfRange
        }
        RuleError::Value { fault: RuleFault::Unknown, .. } | RuleError::Missing { .. } => {
            Code::NoSuchThing
        }
        RuleError::Exists { .. } => Code::Exists,
        RuleError::TooMany { .. } => Code::Limit,
    };
    Fault::new(code, error.to_string())
}
