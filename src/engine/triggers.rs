//! The triggers at work: which of them are on after a hop. Time is the hops' length; nothing is
//! allocated per hop. The worker's thread.

use crate::config::rule::{Kind, RuleError};
use crate::config::trigger::Trigger;
use crate::engine::reading::{Names, is_open, read};
use crate::messages::{TriggerStates, Update};

/// Times are sums of hops: this much of one may be lost to rounding.
const ROUNDING: f32 = 0.01;

/// Triggers of different names, in the order of the configuration.
#[derive(Debug, Default)]
pub struct Triggers {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    trigger: Trigger,
    is_on: bool,
    /// How long the value has been beyond `on`.
    beyond_s: f32,
    /// How long it has been off.
    off_s: f32,
}

impl Triggers {
    /// All or, with an error, none. One that is as it was goes on as it was.
    pub fn set_all(&mut self, triggers: Vec<Trigger>) -> Result<(), RuleError> {
        if Kind::Trigger.most() < triggers.len() {
            return Err(RuleError::TooMany { kind: Kind::Trigger });
        }
        let mut old = std::mem::take(&mut self.entries);
        self.entries = triggers
            .into_iter()
            .map(|trigger| match old.iter().position(|entry| entry.trigger == trigger) {
                Some(index) => old.swap_remove(index),
                None => Entry { trigger, is_on: false, beyond_s: 0.0, off_s: f32::INFINITY },
            })
            .collect();
        Ok(())
    }

    /// One hop of one channel; the states of its triggers afterwards.
    pub fn advance(&mut self, update: &Update, names: Names, hop_s: f32) -> TriggerStates {
        let mut states = TriggerStates::default();
        for (index, entry) in self.entries.iter_mut().enumerate() {
            if entry.trigger.source.channel == update.channel {
                entry.advance(update, names, hop_s);
                states.set(index, entry.is_on);
            }
        }
        states
    }

    /// All are off: nothing is heard any more.
    pub fn release(&mut self) {
        for entry in &mut self.entries {
            entry.switch(false);
        }
    }
}

impl Entry {
    fn advance(&mut self, update: &Update, names: Names, hop_s: f32) {
        let Trigger { source, on, off, min_s, rearm_s, gate, is_enabled, .. } = &self.trigger;
        let value = read(&source.stream, update, names).filter(|_| is_open(*gate, update));
        // How far towards `on`: 0 at `off`, 1 at `on`.
        let place = value.map(|value| (value - off) / (on - off)).filter(|_| *is_enabled);
        let is_beyond = place.is_some_and(|place| 1.0 <= place);
        self.beyond_s = if is_beyond { self.beyond_s + hop_s } else { 0.0 };
        if self.is_on {
            if place.is_none_or(|place| place <= 0.0) {
                self.switch(false);
            }
            return;
        }
        self.off_s += hop_s;
        let rounding = ROUNDING * hop_s;
        if is_beyond && *min_s <= self.beyond_s + rounding && *rearm_s <= self.off_s + rounding {
            self.switch(true);
        }
    }

    fn switch(&mut self, is_on: bool) {
        if self.is_on && !is_on {
            self.off_s = 0.0;
        }
        self.is_on = is_on;
        if !is_on {
            self.beyond_s = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::trigger::TypedTrigger;
    use proptest::prelude::*;

    const HOP_S: f32 = 0.1;

    fn typed() -> TypedTrigger {
        TypedTrigger { source: "arousal".into(), ..TypedTrigger::default() }
    }

    fn with(typed: &TypedTrigger) -> Triggers {
        let mut triggers = Triggers::default();
        triggers.set_all(vec![typed.check().unwrap()]).unwrap();
        triggers
    }

    fn update(arousal: f32) -> Update {
        let mut update = Update { voice_on: true, ..Update::nothing(1, 1) };
        update.dimensions.arousal = arousal;
        update
    }

    fn step(triggers: &mut Triggers, update: &Update) -> bool {
        triggers.advance(update, Names::default(), HOP_S).is_on(0)
    }

    /// `1` for on, after each value.
    fn check(typed: &TypedTrigger, values: &[f32], expected: &str) {
        let mut triggers = with(typed);
        let states = values.iter().map(|&value| step(&mut triggers, &update(value)));
        let states: String = states.map(|is_on| if is_on { '1' } else { '0' }).collect();
        assert_eq!(states, expected);
    }

    #[test]
    fn it_switches_on_beyond_one_threshold_and_off_behind_the_other() {
        check(&typed(), &[0.6, 0.7, 0.6, 0.51, 0.5, 0.6, 0.8], "0111001");
        let falling = TypedTrigger { on: 0.3, off: 0.4, ..typed() };
        check(&falling, &[0.35, 0.3, 0.39, 0.4, 0.35, 0.1], "011001");
    }

    #[test]
    fn it_waits_for_its_least_time_and_until_it_is_armed_again() {
        let slow = TypedTrigger { min_s: 0.3, ..typed() };
        check(&slow, &[0.8, 0.8, 0.6, 0.8, 0.8, 0.8], "000001");
        let rare = TypedTrigger { rearm_s: 0.3, ..typed() };
        check(&rare, &[0.8, 0.4, 0.8, 0.8, 0.8], "10001");
    }

    #[test]
    fn a_closed_gate_a_value_that_is_no_number_and_silence_switch_it_off() {
        let mut triggers = with(&TypedTrigger { gate: "voice".into(), ..typed() });
        assert!(step(&mut triggers, &update(0.9)));
        assert!(!step(&mut triggers, &Update { voice_on: false, ..update(0.9) }));
        assert!(step(&mut triggers, &update(0.9)));
        assert!(!step(&mut triggers, &update(f32::NAN)));
        assert!(step(&mut triggers, &update(0.9)));
        triggers.release();
        assert!(!step(&mut triggers, &update(0.6)));
    }

    #[test]
    fn a_trigger_that_is_switched_off_or_changed_is_off() {
        let mut triggers = with(&typed());
        assert!(step(&mut triggers, &update(0.9)));
        triggers.set_all(vec![typed().check().unwrap()]).unwrap();
        assert!(step(&mut triggers, &update(0.6)), "the same goes on");
        let off = TypedTrigger { enabled: false, ..typed() };
        triggers.set_all(vec![off.check().unwrap()]).unwrap();
        assert!(!step(&mut triggers, &update(0.9)));
    }

    proptest! {
        /// Noise that is smaller than the distance of the thresholds never makes it chatter: it
        /// switches at most once while the value underneath goes one way.
        #[test]
        fn a_dithered_ramp_switches_once(noise in prop::collection::vec(-0.09_f32..0.09, 200)) {
            let mut triggers = with(&typed());
            let mut states = Vec::new();
            for (index, noise) in noise.iter().enumerate() {
                states.push(step(&mut triggers, &update(index as f32 / 199.0 + noise)));
            }
            let switches = states.windows(2).filter(|pair| pair[0] != pair[1]).count();
            prop_assert_eq!(switches, 1);
        }
    }
}
