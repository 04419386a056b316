//! Which plug-ins of a configuration share a slot of the audio thread. On the plug-in thread.

use crate::config::slots::{Plugins, Slot};
use crate::plugins::chain::Place;
use crate::plugins::formats::is_builtin;
use crate::plugins::isolated::MEMBERS_MAX;

/// What is to be one element.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub place: Place,
    pub is_here: bool,
    pub members: Vec<Slot>,
}

/// The elements of a configuration: each plug-in of ours, and each run of untrusted ones that
/// follow each other in one chain on one side of the tap.
/// Those that are left out are not there.
pub fn plan(wanted: &Plugins, channels: usize, left_out: impl Fn(&Slot) -> bool) -> Vec<Plan> {
    let mut plans: Vec<Plan> = Vec::new();
    for (index, slot) in wanted.slots.iter().enumerate() {
        let place = Place { channel: slot.channel, is_heard: index < wanted.tap };
        // A channel may be one that this source does not have.
        if left_out(slot) || slot.channel.is_some_and(|channel| channels <= channel) {
            continue;
        }
        let is_here = slot.trusted || is_builtin(&slot.uri);
        let last = plans.iter_mut().rfind(|plan| plan.place == place);
        match last.filter(|last| !last.is_here && last.members.len() < MEMBERS_MAX) {
            Some(last) if !is_here => last.members.push(slot.clone()),
            _ => plans.push(Plan { place, is_here, members: vec![slot.clone()] }),
        }
    }
    plans
}

impl Plan {
    /// Whether the audio thread passes the whole of it by; a process does so with each plug-in.
    pub fn is_bypassed(&self) -> bool {
        self.is_here && self.members[0].bypass
    }
}

/// The same plug-in, whatever its place, values, state and bypass.
pub fn is_same(one: &Slot, other: &Slot) -> bool {
    one.name == other.name && one.uri == other.uri && one.preset == other.preset
}
