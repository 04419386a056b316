//! What an address can be: the words that the table is written in. No state, any thread.

use crate::messages::EventKind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Value of a channel that leaves by itself and can be asked.
    Stream(Stream),
    /// Value of the daemon that leaves once a second and can be asked.
    Health(HealthValue),
    /// Value that can be asked and never leaves by itself.
    Fact(Fact),
    /// Value that can be asked and set.
    Setting(Setting),
    /// Command; it has no value.
    Verb(Verb),
    /// Leaves when something happens; cannot be asked.
    Event(EventKind),
    /// Of a channel; leaves when a segment begins, goes on or ends, and cannot be asked.
    Segment(SegmentPart),
    /// Answer to a command. Never answered itself, or two daemons could talk for ever.
    Reply,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Time,
    VoiceOn,
    VoiceProbability,
    Fresh,
    Level,
    LevelNorm,
    LevelClip,
    Class,
    TopIndex,
    TopProbability,
    TopLabel,
    Quadrant,
    QuadrantName,
    Arousal,
    Valence,
    Dominance,
    RelativeArousal,
    RelativeValence,
    RelativeDominance,
    Confidence,
    /// All classes in one list.
    Classes,
    /// One class before mask and smoothing.
    RawClass,
    F0,
    F0Range,
    Rate,
    Jitter,
    Shimmer,
    Hnr,
    Tilt,
    Loudness,
    Snr,
    /// One output that a person taught.
    Taught,
    Trigger,
}

impl Stream {
    /// Leaves only when it changed, and once a second.
    pub fn is_state(self) -> bool {
        use Stream::{
            Fresh, Quadrant, QuadrantName, TopIndex, TopLabel, TopProbability, Trigger, VoiceOn,
        };
        let is_named = matches!(self, TopIndex | TopProbability | TopLabel);
        is_named || matches!(self, VoiceOn | Fresh | Quadrant | QuadrantName | Trigger)
    }

    /// 0.5 is its neutral, so that a receiver may want it from -1 to 1.
    pub fn is_centred(self) -> bool {
        matches!(self, Self::Arousal | Self::Valence | Self::Dominance) || self.is_relative()
    }

    /// Against a person's baseline: silent without one.
    pub fn is_relative(self) -> bool {
        matches!(self, Self::RelativeArousal | Self::RelativeValence | Self::RelativeDominance)
    }

    /// 0 or 1.
    pub fn is_flag(self) -> bool {
        matches!(self, Self::VoiceOn | Self::Fresh | Self::LevelClip | Self::Trigger)
    }

    /// Something happened: no cap holds it back.
    pub fn is_event(self) -> bool {
        matches!(self, Self::VoiceOn | Self::Trigger)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentPart {
    Start,
    Part,
    Peak,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthValue {
    State,
    StateText,
    Load,
    InferMs,
    LatencyP50,
    LatencyP95,
    LatencyP99,
    MemoryMb,
    Uptime,
    Xruns,
    Repaired,
    PluginFaults,
    Dropped,
    Late,
    Restarts,
    Clients,
    Gpu,
    Malformed,
    Overrun,
    Refused,
    Withheld,
    Heartbeat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Name of the model that answers.
    ModelCurrent,
    ChannelName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A key of the configuration, `section.key`: set here, it is what `config/save` would write.
    Config(&'static str),
    Mute,
    /// Each sender has its own.
    ReplyPort,
    Dump,
    /// Of one receiver, `<id>` in the address.
    Receiver(ReceiverField),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiverField {
    Groups,
    Hz,
    Deadband,
    Range,
    Profile,
    Root,
    Enabled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Request,
    Sync,
    Subscribe,
    Unsubscribe,
    Subscribers,
    SubscribersClear,
    Ping,
    /// TouchOSC's, without our root.
    PlainPing,
    Token,
    Version,
    List,
    Labels,
    Quit,
    DeviceList,
    DeviceSelect,
    DeviceRetry,
    ThroughList,
    ModelList,
    ModelLoad,
    ModelCard,
    ConfigGet,
    ConfigSet,
    ConfigValidate,
    ConfigReload,
    ConfigRollback,
    ConfigSave,
    ConfigDiff,
    ConsentNotice,
    CalibrateStart,
    CalibrateStop,
    CalibrateReset,
    CalibrateAdapt,
    ProfileSave,
    ProfileLoad,
    ProfileList,
    TeachLabel,
    TeachUndo,
    TeachDelete,
    TeachCount,
    TeachTrain,
    TeachEnrol,
    TeachCancel,
    TeachSave,
    TeachLoad,
    TeachList,
    PluginList,
    PluginScan,
    PluginAdd,
    PluginRemove,
    PluginMove,
    PluginBypass,
    PluginTrust,
    PluginPreset,
    PluginPresets,
    PluginParameter,
    PluginParameterGet,
    PluginParameters,
    PluginWatch,
    PluginUnwatch,
    PluginStateSave,
    PluginStateLoad,
    MapAdd,
    MapRemove,
    MapList,
    MapEnable,
    MapSolo,
    TriggerAdd,
    TriggerRemove,
    TriggerList,
    TriggerEnable,
    TriggerClear,
}

impl Verb {
    pub fn is_of_people(self) -> bool {
        (Self::CalibrateStart as u8..Self::PluginList as u8).contains(&(self as u8))
    }

    pub fn is_of_plugins(self) -> bool {
        Self::PluginList as u8 <= self as u8 && !self.is_of_maps() && !self.is_of_triggers()
    }

    pub fn is_of_maps(self) -> bool {
        Self::MapAdd as u8 <= self as u8 && !self.is_of_triggers()
    }

    pub fn is_of_triggers(self) -> bool {
        Self::TriggerAdd as u8 <= self as u8
    }

    /// No pattern may run these by accident.
    pub fn is_kept_from_patterns(self) -> bool {
        use Verb::{
            ConfigDiff, ConfigGet, ConfigReload, ConfigRollback, ConfigSave, ConfigSet,
            ConfigValidate, Quit, SubscribersClear,
        };
        matches!(
            self,
            ConfigDiff
                | ConfigGet
                | ConfigReload
                | ConfigRollback
                | ConfigSave
                | ConfigSet
                | ConfigValidate
                | Quit
                | SubscribersClear
        )
    }
}

/// What a receiver may choose by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Core,
    /// Segments.
    Seg,
    /// Triggers.
    Trig,
    Event,
    Health,
    Vec,
    Raw,
    /// Prosody.
    Feat,
    Text,
}

impl Group {
    pub const ALL: [Self; 9] = [
        Self::Core,
        Self::Seg,
        Self::Trig,
        Self::Event,
        Self::Health,
        Self::Vec,
        Self::Raw,
        Self::Feat,
        Self::Text,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Seg => "seg",
            Self::Trig => "trig",
            Self::Event => "event",
            Self::Health => "health",
            Self::Vec => "vec",
            Self::Raw => "raw",
            Self::Feat => "feat",
            Self::Text => "text",
        }
    }
}
