//! Profiles: how one kind of receiver wants names and types. A name for every stream below a root,
//! and a few habits. No state, any thread.

use crate::osc::address::{Address, Group, Instance, Role, Stream};
use crate::osc::fault::{Code, Fault};
use crate::osc::groups::Groups;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// The addresses of the reference.
    #[default]
    Plain,
    /// Numbers only: a CHOP takes no strings, so events lose theirs.
    TouchDesigner,
    /// With lists and texts.
    Max,
    /// Every hop leaves with its `t`, moved or not.
    Pd,
    /// Avatar parameters: flags as true and false, each message by itself, only what moved.
    VrChat,
    /// One list of floats a hop.
    Wekinator,
    /// Short names for patches of one line.
    Flat,
}

impl Profile {
    pub const ALL: [Self; 7] = [
        Self::Plain,
        Self::TouchDesigner,
        Self::Max,
        Self::Pd,
        Self::VrChat,
        Self::Wekinator,
        Self::Flat,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::TouchDesigner => "touchdesigner",
            Self::Max => "max",
            Self::Pd => "pd",
            Self::VrChat => "vrchat",
            Self::Wekinator => "wekinator",
            Self::Flat => "flat",
        }
    }

    /// An empty name is the plain one.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let found = Self::ALL.into_iter().find(|profile| profile.name() == text);
        found.or_else(|| text.is_empty().then_some(Self::Plain)).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.into_iter().map(Self::name).collect();
            let text = format!("profile {text:?} does not exist, allowed: {}", names.join(", "));
            Fault::new(Code::NoSuchThing, text)
        })
    }

    /// First part of its addresses where the receiver has not said; `ours` is the daemon's.
    pub fn root(self, ours: &str) -> &str {
        match self {
            Self::Plain | Self::TouchDesigner | Self::Max | Self::Pd => ours,
            Self::VrChat => "/avatar/parameters/SER",
            Self::Wekinator => "/wek",
            Self::Flat => "",
        }
    }

    /// What a subscriber gets who names no groups.
    pub fn groups(self) -> Groups {
        use Group::{Core, Event, Seg, Text, Trig};
        match self {
            Self::Plain | Self::Pd => Groups::of(&[Core, Seg, Trig, Event]),
            Self::TouchDesigner | Self::Flat => Groups::of(&[Core, Trig, Event]),
            Self::Max => Groups::of(&[Core, Seg, Trig, Event, Group::Vec, Text]),
            Self::VrChat => Groups::of(&[Core, Trig]),
            Self::Wekinator => Groups::of(&[Core]),
        }
    }

    /// Strings are left out, and with them what is nothing else.
    pub fn has_strings(self) -> bool {
        matches!(self, Self::Plain | Self::Max | Self::Pd)
    }

    /// Flags as true and false.
    pub fn has_bools(self) -> bool {
        self == Self::VrChat
    }

    /// Each message in a packet of its own.
    pub fn is_unbundled(self) -> bool {
        matches!(self, Self::VrChat | Self::Wekinator)
    }

    /// Only what has changed leaves.
    pub fn is_changes_only(self) -> bool {
        self == Self::VrChat
    }

    /// `t` leaves with every hop, also alone.
    pub fn has_time_always(self) -> bool {
        self == Self::Pd
    }

    /// The address of a channel's stream below the root; `None` if this profile has none.
    pub fn stream(self, instance: &Instance, channel: u16, label: &str) -> Option<String> {
        let Role::Stream(stream) = instance.row.role else { return None };
        match self {
            Self::Plain | Self::TouchDesigner | Self::Max | Self::Pd => {
                Some(instance.row.full("", channel, label, 0))
            }
            Self::Wekinator => None, // `inputs` alone
            Self::VrChat if stream == Stream::Time => None,
            Self::VrChat | Self::Flat => {
                Some(format!("{}/{}", place(channel), short(stream, label)))
            }
        }
    }

    /// The address of what is told of a channel's segments below the root; `None` if this profile
    /// has none.
    pub fn segment(self, row: &Address, channel: u16) -> Option<String> {
        let plain = row.full("", channel, "", 0);
        match self {
            Self::Plain | Self::TouchDesigner | Self::Max | Self::Pd => Some(plain),
            Self::VrChat | Self::Wekinator => None,
            Self::Flat => {
                let name = plain.rsplit('/').next().unwrap_or_default();
                Some(format!("{}/seg_{name}", place(channel)))
            }
        }
    }

    /// The address of the list of a channel's inputs, for who learns from them.
    pub fn inputs(self, channel: u16) -> Option<String> {
        (self == Self::Wekinator).then(|| format!("/inputs{}", place(channel)))
    }
}

/// The first channel is plain.
fn place(channel: u16) -> String {
    if channel == 1 { String::new() } else { format!("/{channel}") }
}

/// Name of a stream in one word.
fn short(stream: Stream, label: &str) -> String {
    let name = match stream {
        Stream::Time => "t",
        Stream::VoiceOn => "voice",
        Stream::VoiceProbability => "voice_prob",
        Stream::Fresh => "fresh",
        Stream::Level => "level_db",
        Stream::LevelNorm => "level",
        Stream::LevelClip => "clip",
        Stream::Class => label,
        Stream::TopIndex => "top",
        Stream::TopProbability => "top_prob",
        Stream::TopLabel => "top_label",
        Stream::Quadrant => "quadrant",
        Stream::QuadrantName => "quadrant_name",
        Stream::Arousal => "arousal",
        Stream::Valence => "valence",
        Stream::Dominance => "dominance",
        Stream::RelativeArousal => "rel_arousal",
        Stream::RelativeValence => "rel_valence",
        Stream::RelativeDominance => "rel_dominance",
        Stream::Confidence => "conf",
        Stream::F0 => "f0",
        Stream::F0Range => "f0_range",
        Stream::Rate => "rate",
        Stream::Jitter => "jitter",
        Stream::Shimmer => "shimmer",
        Stream::Hnr => "hnr",
        Stream::Tilt => "tilt",
        Stream::Loudness => "loudness",
        Stream::Snr => "snr",
        Stream::Classes => "classes",
        Stream::RawClass => return format!("raw_{label}"),
        Stream::Taught => return format!("teach_{label}"),
        Stream::Trigger => return format!("trig_{label}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_found_by_name_and_nothing_is_plain() {
        for profile in Profile::ALL {
            assert_eq!(Profile::parse(profile.name()), Ok(profile));
        }
        assert_eq!(Profile::parse(""), Ok(Profile::Plain));
        assert_eq!(Profile::parse("lamp").expect_err("unknown").code, Code::NoSuchThing);
    }

    #[test]
    fn default_groups_of_a_profile_without_strings_have_no_text() {
        for profile in Profile::ALL.into_iter().filter(|profile| !profile.has_strings()) {
            assert!(!profile.groups().has(Group::Text), "{profile:?}");
        }
    }
}
