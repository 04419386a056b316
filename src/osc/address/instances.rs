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
    /// Index of the label for rows with `<label>`, else 0.
    pub label_index: usize,
    /// Of rows with `<id>`, else 0.
    pub receiver: i32,
}

/// The rows of one channel.
pub fn instances(root: &str, channel: u16, labels: &[String]) -> Vec<Instance> {
    let mut found = Vec::new();
    for row in TABLE.iter().filter(|row| row.path.contains("/N/")) {
        let count = if row.path.contains("<label>") { labels.len() } else { 1 };
        for label_index in 0..count {
            let label = labels.get(label_index).map_or("", String::as_str);
            let name = row.full(root, channel, label, 0);
            found.push(Instance { name, row, channel, label_index, receiver: 0 });
        }
    }
    found
}

/// Every address that a daemon of this identity with these receivers knows.
pub fn all_instances(root: &str, identity: &Identity, receivers: &[i32]) -> Vec<Instance> {
    let mut found = Vec::new();
    for row in TABLE.iter().filter(|row| !row.path.contains("/N/")) {
        let receivers = if row.path.contains("<id>") { receivers } else { &[0] };
        found.extend(receivers.iter().map(|&receiver| {
            let name = row.full(root, 0, "", receiver);
            Instance { name, row, channel: 0, label_index: 0, receiver }
        }));
    }
    let channels = 1..=identity.channels;
    found.extend(channels.flat_map(|channel| instances(root, channel, &identity.labels)));
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

    #[test]
    fn a_channel_has_one_class_address_per_label() {
        let labels = ["sad".to_string(), "unknown".to_string()];
        let names: Vec<_> = instances("/ser", 3, &labels).into_iter().map(|i| i.name).collect();
        assert!(names.contains(&"/ser/ch/3/class/sad".to_string()));
        assert!(names.contains(&"/ser/ch/3/class/unknown".to_string()));
    }

    #[test]
    fn each_receiver_has_its_settings() {
        let identity = Identity {
            labels: [].into(),
            card: [].into(),
            channels: 1,
            names: [].into(),
            hop_s: 0.1,
        };
        let found = all_instances("/ser", &identity, &[3, 12]);
        let hz: Vec<_> = found.iter().filter(|i| i.name.ends_with("/hz")).collect();
        assert_eq!((hz[0].name.as_str(), hz[0].receiver), ("/ser/sub/3/hz", 3));
        assert_eq!((hz[1].name.as_str(), hz[1].receiver), ("/ser/sub/12/hz", 12));
    }
}
