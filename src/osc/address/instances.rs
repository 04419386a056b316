//! The table's rows made concrete: one name per channel, label and receiver; and the reference that
//! the README shows. No state, any thread.

use crate::messages::Identity;
use crate::osc::address::{Address, Group, TABLE};

/// One row of the table made concrete.
#[derive(Clone, Debug)]
pub struct Instance {
    pub name: String,
    pub row: &'static Address,
    /// Of rows with `N`, counted from 1, else 0.
    pub channel: u16,
    /// Of the label for rows with `<label>`, of the trigger for those with `<trigger>`; among those
    /// of the channel for what was taught; else 0.
    pub index: usize,
    /// Of rows with `<id>`, else 0.
    pub receiver: i32,
}

impl Instance {
    /// What stands in place of `<label>`, `<trigger>` or `<taught>`, else a label that nobody asks
    /// for.
    pub fn word<'a>(&self, identity: &'a Identity) -> &'a str {
        if self.row.path.contains("<taught>") {
            taught(identity, self.channel).nth(self.index).unwrap_or("")
        } else if self.row.path.contains("<trigger>") {
            identity.triggers.get(self.index).map_or("", |(_, name)| name)
        } else {
            identity.labels.get(self.index).map_or("", String::as_str)
        }
    }
}

/// The rows of one channel.
pub fn instances(root: &str, channel: u16, identity: &Identity) -> Vec<Instance> {
    let mut found = Vec::new();
    for row in TABLE.iter().filter(|row| row.path.contains("/N/")) {
        let mut add = |index: usize, label: &str| {
            let name = row.full(root, channel, label, 0);
            found.push(Instance { name, row, channel, index, receiver: 0 });
        };
        if row.path.contains("<label>") {
            identity.labels.iter().enumerate().for_each(|(index, label)| add(index, label));
        } else if row.path.contains("<taught>") {
            taught(identity, channel).enumerate().for_each(|(index, name)| add(index, name));
        } else if row.path.contains("<trigger>") {
            let all = identity.triggers.iter().enumerate();
            let ours = all.filter(|(_, (its_channel, _))| *its_channel == channel);
            ours.for_each(|(index, (_, name))| add(index, name));
        } else {
            add(0, "");
        }
    }
    found
}

/// Names of what was taught on a channel.
fn taught(identity: &Identity, channel: u16) -> impl Iterator<Item = &str> {
    let ours = identity.taught.iter().filter(move |(its_channel, _)| *its_channel == channel);
    ours.map(|(_, name)| name.as_str())
}

/// Every address that a daemon of this identity with these receivers knows.
pub fn all_instances(root: &str, identity: &Identity, receivers: &[i32]) -> Vec<Instance> {
    let mut found = Vec::new();
    for row in TABLE.iter().filter(|row| !row.path.contains("/N/")) {
        let receivers = if row.path.contains("<id>") { receivers } else { &[0] };
        found.extend(receivers.iter().map(|&receiver| {
            let name = row.full(root, 0, "", receiver);
            Instance { name, row, channel: 0, index: 0, receiver }
        }));
    }
    let channels = 1..=identity.channels;
    found.extend(channels.flat_map(|channel| instances(root, channel, identity)));
    found
}

/// The reference table of the README.
pub fn markdown(root: &str) -> String {
    let mut page = String::from("| address | types | access | group | range | unit | meaning |\n");
    page += "|---|---|---|---|---|---|---|\n";
    for row in TABLE {
        let access = ["sent", "read", "run", "read, set"][row.access().unsigned_abs() as usize];
        let range = row.range.map_or(String::new(), |(low, high)| format!("{low}..{high}"));
        page += &format!(
            "| `{}` | `{}` | {access} | {} | {range} | {} | {} |\n",
            row.template(root),
            row.types,
            row.group.map_or("", Group::name),
            row.unit,
            row.text,
        );
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_has_one_line_per_address() {
        let page = markdown("/ser");
        assert_eq!(page.lines().count(), TABLE.len() + 2);
        assert!(page.contains("| `/ser/ch/N/dim/arousal` | `f` | read | core | 0..1 |"));
    }

    fn identity() -> Identity {
        Identity {
            labels: ["sad".to_string(), "unknown".to_string()].into(),
            card: [].into(),
            channels: 3,
            names: [].into(),
            triggers: [(1, "loud".to_string()), (3, "upset".to_string())].into(),
            taught: [].into(),
            hop_s: 0.1,
        }
    }

    #[test]
    fn a_channel_has_an_address_per_label_and_per_trigger_of_its_own() {
        let found = instances("/ser", 3, &identity());
        let index = |name: &str| found.iter().find(|i| i.name == name).map(|i| i.index);
        assert_eq!(index("/ser/ch/3/class/sad"), Some(0));
        assert_eq!(index("/ser/ch/3/class/unknown"), Some(1));
        assert_eq!(index("/ser/ch/3/trig/upset"), Some(1));
        assert_eq!(index("/ser/ch/3/trig/loud"), None);
    }

    #[test]
    fn each_receiver_has_its_settings() {
        let found = all_instances("/ser", &identity(), &[3, 12]);
        let hz: Vec<_> = found.iter().filter(|i| i.name.ends_with("/hz")).collect();
        assert_eq!((hz[0].name.as_str(), hz[0].receiver), ("/ser/sub/3/hz", 3));
        assert_eq!((hz[1].name.as_str(), hz[1].receiver), ("/ser/sub/12/hz", 12));
    }
}
