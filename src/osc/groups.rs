//! Sets of groups of addresses, as a receiver names them. No state, any thread.

use crate::osc::address::Group;
use crate::osc::fault::{Code, Fault};

/// Groups that the contract names and a later version brings.
const TO_COME: [&str; 2] = ["emb", "x"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups(u16);

impl Groups {
    pub const NONE: Self = Self(0);

    pub const fn of(groups: &[Group]) -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < groups.len() {
            bits |= 1 << groups[index] as u16;
            index += 1;
        }
        Self(bits)
    }

    /// Names divided by commas or spaces; `None` for no name at all.
    pub fn parse(text: &str) -> Result<Option<Self>, Fault> {
        let mut groups = Self::NONE;
        for name in text.split([',', ' ']).filter(|name| !name.is_empty()) {
            let Some(group) = Group::ALL.into_iter().find(|group| group.name() == name) else {
                let code =
                    if TO_COME.contains(&name) { Code::NotBuiltIn } else { Code::NoSuchThing };
                let known = Self::of(&Group::ALL).names();
                return Err(Fault::new(
                    code,
                    format!("group {name:?} is not there, allowed: {known}"),
                ));
            };
            groups.0 |= Self::of(&[group]).0;
        }
        Ok((groups != Self::NONE).then_some(groups))
    }

    pub fn has(self, group: Group) -> bool {
        self.0 & Self::of(&[group]).0 != 0
    }

    /// As [`Groups::parse`] reads it.
    pub fn names(self) -> String {
        let chosen = Group::ALL.into_iter().filter(|&group| self.has(group));
        chosen.map(Group::name).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_read_by_name() {
        let read = |text| Groups::parse(text).map(|groups| groups.map(Groups::names));
        let code = |text| read(text).map_err(|fault| fault.code);
        assert_eq!(code(""), Ok(None));
        assert_eq!(code("health, core"), Ok(Some("core,health".to_string())));
        assert_eq!(code("core trig"), Ok(Some("core,trig".to_string())));
        assert_eq!(code("core,emb"), Err(Code::NotBuiltIn));
        assert_eq!(code("kore"), Err(Code::NoSuchThing));
    }
}
