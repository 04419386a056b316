//! Where mappings and plug-ins meet in the configuration: a mapping names its slot, so that it
//! finds it when others come and go, and may not move what its own source hears.

use crate::config::checked::Config;
use crate::config::error::Problem;
use crate::config::map::{Map, Slot, Target};
use crate::config::typed::Typed;

impl Typed {
    /// Gives names to the slots without one, and puts them in place of numbers in mappings.
    pub fn settle_names(&mut self) {
        self.plugins.name_slots();
        for map in &mut self.map {
            let Ok(Target::Plugin { slot: Slot::Number(number), symbol }) =
                Target::parse(&map.target)
            else {
                continue;
            };
            let index = usize::from(number).checked_sub(1);
            if let Some(slot) = index.and_then(|index| self.plugins.slots.get(index)) {
                map.target = format!("plugin/{}/{symbol}", slot.name);
            }
        }
    }
}

/// The index of the slot that a mapping moves; `None` for an OSC address.
fn slot_index(config: &Config, map: &Map) -> Option<Result<usize, Problem>> {
    let Target::Plugin { slot, .. } = &map.target else { return None };
    let slots = &config.plugins.slots;
    let index = match slot {
        Slot::Number(number) => usize::from(*number).checked_sub(1).filter(|i| *i < slots.len()),
        Slot::Name(name) => slots.iter().position(|slot| slot.name == *name),
    };
    let names: Vec<_> = slots.iter().map(|slot| slot.name.as_str()).collect();
    let allowed = match names.is_empty() {
        true => "a slot of plugins.slots, which is empty".to_owned(),
        false => format!("a slot of plugins.slots: {}", names.join(", ")),
    };
    let value = format!("{:?} of map {}", map.target.to_string(), map.name);
    Some(index.ok_or(Problem::Value { key: "map.target", value, allowed }))
}

/// Every mapping that moves what is not there, or that would move its own source.
pub fn check(config: &Config) -> Vec<Problem> {
    let channels = usize::from(config.input.channels);
    // What each channel's analysis moves of what the analysis hears, by mappings.
    let mut reaches = vec![vec![false; channels]; channels];
    let mut problems = Vec::new();
    let mut heard = Vec::new();
    for map in &config.maps {
        let source = usize::from(map.source.channel).saturating_sub(1);
        if channels <= source {
            let value = format!("{:?} of map {}", map.source.to_string(), map.name);
            let allowed = format!("a channel 1..{channels}, as input.channels says");
            problems.push(Problem::Value { key: "map.source", value, allowed });
            continue;
        }
        match slot_index(config, map) {
            None => problems.extend(own_address(config, map)),
            Some(Err(problem)) => problems.push(problem),
            Some(Ok(index)) if index < config.plugins.tap => {
                let slot = &config.plugins.slots[index];
                for (channel, is_reached) in reaches[source].iter_mut().enumerate() {
                    *is_reached |= slot.channel.is_none_or(|only| only == channel);
                }
                heard.push((source, map));
            }
            Some(Ok(_)) => {}
        }
    }
    for trigger in &config.triggers {
        if channels < usize::from(trigger.source.channel) {
            let value = format!("{:?} of trigger {}", trigger.source.to_string(), trigger.name);
            let allowed = format!("a channel 1..{channels}, as input.channels says");
            problems.push(Problem::Value { key: "trigger.source", value, allowed });
        }
    }
    // Also by way of other channels.
    for via in 0..channels {
        for from in 0..channels {
            for to in 0..channels {
                let is_reached = reaches[from][via] && reaches[via][to];
                reaches[from][to] |= is_reached;
            }
        }
    }
    for (source, map) in heard.into_iter().filter(|(source, _)| reaches[*source][*source]) {
        let text = format!(
            "map {} would hear itself: the analysis of channel {} hears {}; put that slot behind \
             plugins.tap",
            map.name,
            source + 1,
            map.target
        );
        problems.push(Problem::Loop { key: "map", text });
    }
    problems
}

fn own_address(config: &Config, map: &Map) -> Option<Problem> {
    let Target::Osc { receiver, address } = &map.target else { return None };
    let root = config.osc.root.as_str();
    let below = address.strip_prefix(root);
    let is_root = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let is_listener = receiver.as_ref().is_some_and(|receiver| {
        let receiver = receiver.replace("localhost:", "127.0.0.1:");
        receiver.parse().is_ok_and(|to| crate::config::check::is_heard_by(to, config.osc.listen))
    });
    (is_root || is_listener).then(|| Problem::Loop {
        key: "map",
        text: format!("map {} would come back to us: its target is {}", map.name, map.target),
    })
}

#[cfg(test)]
mod tests {
    use crate::config::{Overrides, parse};

    fn problem(text: &str) -> String {
        let parsed = parse("config.toml".as_ref(), text, &Overrides::default());
        parsed.map(|_| String::new()).unwrap_or_else(|error| error.to_string())
    }

    fn with(tap: usize, target: &str) -> String {
        problem(&format!(
            "[plugins]\ntap = {tap}\n\
             slots = [{{ uri = \"affectd:gate\" }}, {{ uri = \"urn:room\" }}]\n\
             [[map]]\nsource = \"arousal\"\ntarget = \"{target}\"\n"
        ))
    }

    #[test]
    fn a_mapping_may_not_move_what_its_source_hears() {
        assert_eq!(with(1, "plugin/room/mix"), "");
        assert_eq!(with(1, "plugin/2/mix"), "");
        assert!(with(1, "plugin/1/threshold_db").contains("would hear itself"));
        assert!(with(2, "plugin/room/mix").contains("would hear itself"));
    }

    #[test]
    fn a_mapping_of_another_channel_may_as_long_as_it_is_not_answered() {
        let two = |second: &str| {
            problem(&format!(
                "[input]\nchannels = 2\n[plugins]\ntap = 2\nslots = [{{ uri = \"affectd:gain\", \
                 channel = 1 }}, {{ uri = \"affectd:gain\", channel = 2 }}]\n\
                 [[map]]\nsource = \"ch/1/arousal\"\ntarget = \"plugin/2/gain_db\"\n{second}"
            ))
        };
        assert_eq!(two(""), "");
        let back = "[[map]]\nsource = \"ch/2/arousal\"\ntarget = \"plugin/1/gain_db\"\n";
        assert!(two(back).contains("would hear itself"), "{}", two(back));
    }

    #[test]
    fn our_own_addresses_are_no_targets() {
        assert_eq!(with(0, "/light"), "");
        assert_eq!(with(0, "/service"), "");
        assert!(with(0, "/ser/mute").contains("come back to us"));
        assert!(with(0, "127.0.0.1:7370/light").contains("come back to us"));
        assert!(with(0, "localhost:7370/light").contains("come back to us"));
    }

    #[test]
    fn what_is_not_there_cannot_be_moved() {
        assert!(with(0, "plugin/hall/mix").contains("a slot of plugins.slots: gate, room"));
        assert!(with(0, "plugin/3/mix").contains("a slot of plugins.slots: gate, room"));
        let text = problem("[[map]]\nsource = \"ch/2/arousal\"\ntarget = \"/light\"\n");
        assert!(text.contains("a channel 1..1"), "{text}");
    }
}
