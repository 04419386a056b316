//! The one table of every OSC address. The dispatcher, `/ser/list`, the streams' encoder and the
//! README's reference are made from it, so that they cannot disagree. No state, any thread.

use crate::messages::{EventKind, Identity};
use crate::units::SILENCE_DB;

/// Version of the contract: an address changes meaning only with a new major.
pub const CONTRACT_MAJOR: i32 = 1;
pub const CONTRACT_MINOR: i32 = 0;

/// One address, or one per channel (`N`) and label (`<label>`).
#[derive(Debug)]
pub struct Address {
    /// Below the root.
    pub path: &'static str,
    /// OSC type tags; what stands in brackets may be left out from the right, `*` is anything.
    pub types: &'static str,
    pub role: Role,
    pub group: Option<Group>,
    pub range: Option<(f32, f32)>,
    pub unit: &'static str,
    pub text: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Value of a channel that leaves by itself and can be asked.
    Stream(Stream),
    /// Value of the daemon that leaves once a second and can be asked.
    Health(HealthValue),
    /// Value that can be asked and set.
    Setting(Setting),
    /// Command; it has no value.
    Verb(Verb),
    /// Leaves when something happens; cannot be asked.
    Event(EventKind),
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
    Arousal,
    Valence,
    Dominance,
    Confidence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthValue {
    State,
    Load,
    InferMs,
    LatencyP50,
    LatencyP95,
    LatencyP99,
    MemoryMb,
    Uptime,
    Xruns,
    Dropped,
    Late,
    Restarts,
    Clients,
    Gpu,
    Heartbeat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    Mute,
    WindowS,
    ReplyPort,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Request,
    Sync,
    Subscribe,
    Unsubscribe,
    Subscribers,
    Ping,
    /// TouchOSC's, without our root.
    PlainPing,
    Version,
    List,
    Labels,
    ModelCard,
    Quit,
}

/// What a receiver may choose by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Core,
    Event,
    Health,
}

impl Group {
    pub const ALL: [Self; 3] = [Self::Core, Self::Event, Self::Health];

    pub fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Event => "event",
            Self::Health => "health",
        }
    }
}

const UNIT: Option<(f32, f32)> = Some((0.0, 1.0));

/// Every address of this version, in the order of the reference. One row a line, to be read as a
/// table.
#[rustfmt::skip]
pub const TABLE: &[Address] = &[
    stream(Stream::Time, "/ch/N/t", "iiif", None, "", T_TEXT),
    stream(Stream::VoiceOn, "/ch/N/voice/on", "i", UNIT, "", "1 while somebody speaks, after the hang-over"),
    stream(Stream::VoiceProbability, "/ch/N/voice/prob", "f", UNIT, "", "probability of speech"),
    stream(Stream::Fresh, "/ch/N/fresh", "i", UNIT, "", "0 when the result is too old or the device is gone"),
    stream(Stream::Level, "/ch/N/level", "f", Some((SILENCE_DB, 0.0)), "dBFS", "level of the hop (RMS)"),
    stream(Stream::LevelNorm, "/ch/N/level/norm", "f", UNIT, "", "the same, -60 dBFS is 0 and full scale 1"),
    stream(Stream::LevelClip, "/ch/N/level/clip", "i", UNIT, "", "1 when a sample reached full scale"),
    stream(Stream::Class, "/ch/N/class/<label>", "f", UNIT, "", "smoothed probability; all and unknown sum to 1"),
    stream(Stream::TopIndex, "/ch/N/top/index", "i", Some((0.0, 15.0)), "", "the likeliest label, counted from 0 in labels"),
    stream(Stream::TopProbability, "/ch/N/top/prob", "f", UNIT, "", "its probability"),
    stream(Stream::Arousal, "/ch/N/dim/arousal", "f", UNIT, "", "calm 0 to excited 1, neutral 0.5"),
    stream(Stream::Valence, "/ch/N/dim/valence", "f", UNIT, "", "unpleasant 0 to pleasant 1, neutral 0.5"),
    stream(Stream::Dominance, "/ch/N/dim/dominance", "f", UNIT, "", "yielding 0 to in control 1, neutral 0.5"),
    stream(Stream::Confidence, "/ch/N/conf", "f", UNIT, "", "how far to trust the result"),
    health(HealthValue::State, "/health/state", "i", Some((0.0, 7.0)), "", STATE_TEXT),
    health(HealthValue::Load, "/health/load", "f", UNIT, "", "share of one core that the analysis uses"),
    health(HealthValue::InferMs, "/health/infer_ms", "f", None, "ms", "mean time of one inference"),
    health(HealthValue::LatencyP50, "/health/lat_p50", "f", None, "ms", "sound to socket, median"),
    health(HealthValue::LatencyP95, "/health/lat_p95", "f", None, "ms", "sound to socket, 95 of 100 are faster"),
    health(HealthValue::LatencyP99, "/health/lat_p99", "f", None, "ms", "sound to socket, 99 of 100 are faster"),
    health(HealthValue::MemoryMb, "/health/mem_mb", "f", None, "MB", "memory in use"),
    health(HealthValue::Uptime, "/health/uptime", "f", None, "s", "time since start"),
    health(HealthValue::Xruns, "/health/xruns", "i", None, "", "interruptions that the sound system reported"),
    health(HealthValue::Dropped, "/health/dropped", "i", None, "", "hops lost because the analysis was too slow"),
    health(HealthValue::Late, "/health/late", "i", None, "", "results that came more than a hop late"),
    health(HealthValue::Restarts, "/health/restarts", "i", None, "", "times the source was opened again"),
    health(HealthValue::Clients, "/health/clients", "i", Some((0.0, 32.0)), "", "receivers at present"),
    health(HealthValue::Gpu, "/health/gpu", "i", UNIT, "", "1 when the network runs on a GPU"),
    health(HealthValue::Heartbeat, "/heartbeat", "i", None, "", "counter, once a second to every receiver, whatever its groups"),
    event(EventKind::Device, "/event/device", "0 lost, 1 back, 2 list changed, 3 rate changed; id; text"),
    event(EventKind::Model, "/event/model", EVENT_TEXT),
    event(EventKind::Config, "/event/config", EVENT_TEXT),
    event(EventKind::Overload, "/event/overload", EVENT_TEXT),
    event(EventKind::Consent, "/event/consent", EVENT_TEXT),
    event(EventKind::Client, "/event/client", EVENT_TEXT),
    event(EventKind::Record, "/event/record", EVENT_TEXT),
    event(EventKind::Plugin, "/event/plugin", EVENT_TEXT),
    setting(Setting::Mute, "/mute", "i", UNIT, "", "1: no stream leaves; health, events and replies do"),
    setting(Setting::WindowS, "/model/window_s", "f", None, "s", "longest stretch of speech that one inference sees"),
    setting(Setting::ReplyPort, "/reply_port", "i", Some((0.0, 65535.0)), "", "where replies to this sender go; 0: where it sends from"),
    verb(Verb::Subscribe, "/subscribe", "[sisffs]", "host, port, groups, max_hz, lease_s, profile: receive the streams for 75 s"),
    verb(Verb::Unsubscribe, "/unsubscribe", "[i]", "end my subscription, or that one"),
    verb(Verb::Subscribers, "/subscribers", "", "one subscriber message each, then ok with their number"),
    verb(Verb::Ping, "/ping", "[*]", "renew my subscription; answered by pong"),
    verb(Verb::PlainPing, "/ping", "[*]", "the same without the root, as TouchOSC sends it"),
    verb(Verb::Version, "/version", "", "ok with the program's name, and major and minor of this contract"),
    verb(Verb::List, "/list", "[s]", "one item each for the addresses that start so, then ok with their number"),
    verb(Verb::Labels, "/labels", "", "ok with the labels in the order of top/index"),
    verb(Verb::ModelCard, "/model/card", "", "one model/card/item each, then ok with their number"),
    verb(Verb::Sync, "/sync", "i", "synced with the same number once all earlier commands of this sender are answered"),
    verb(Verb::Request, "/req", "is[*]", "request id, address, arguments: a command whose answer bears the id"),
    verb(Verb::Quit, "/quit", "", "leave in order; from this machine only"),
    reply("/ok", "si[*]", "address, request id, results: the command was carried out"),
    reply("/error", "siis", "address, request id, code, text: it was not, and why"),
    reply("/progress", "sifs", "address, request id, 0..1, text"),
    reply("/pong", "if", "subscription, seconds left; 0 0 without one, -1 when permanent"),
    reply("/synced", "i", "answer to sync"),
    reply("/item", "ssis", "address, types, access (1 read, 2 run, 3 read and set, 0 sent only), text"),
    reply("/subscriber", "isisffs", "id, host, port, groups, max_hz (0: no cap), lease left, profile"),
    reply("/model/card/item", "ss", "key, value"),
];

const T_TEXT: &str =
    "sequence number, unix seconds, microseconds of the window's end, age in ms at send";
const STATE_TEXT: &str =
    "0 starting, 1 running, 2 paused, 3 muted, 4 stalled, 5 device lost, 6 degraded, 7 stopping";
const EVENT_TEXT: &str = "code, subject, text";

impl Address {
    /// The address as it is on the wire, for one channel (from 1) and label.
    pub fn full(&self, root: &str, channel: u16, label: &str) -> String {
        if self.role == Role::Verb(Verb::PlainPing) {
            return self.path.to_string();
        }
        let path = self.path.replace("/N/", &format!("/{channel}/")).replace("<label>", label);
        format!("{root}{path}")
    }

    /// The address as the reference shows it.
    pub fn template(&self, root: &str) -> String {
        let root = if self.role == Role::Verb(Verb::PlainPing) { "" } else { root };
        format!("{root}{}", self.path)
    }

    /// OSCQuery's ACCESS: 1 read, 2 write, 3 both, 0 neither.
    pub fn access(&self) -> i32 {
        match self.role {
            Role::Stream(_) | Role::Health(_) => 1,
            Role::Verb(_) => 2,
            Role::Setting(_) => 3,
            Role::Event(_) | Role::Reply => 0,
        }
    }

    /// Leaves only when it changed, and once a second.
    pub fn is_state(&self) -> bool {
        use Stream::{Fresh, TopIndex, TopProbability, VoiceOn};
        matches!(self.role, Role::Stream(VoiceOn | Fresh | TopIndex | TopProbability))
    }
}

/// One row of the table made concrete.
#[derive(Clone, Debug)]
pub struct Instance {
    pub name: String,
    pub row: &'static Address,
    /// Index of the label for rows with `<label>`, else 0.
    pub label_index: usize,
}

/// The rows of one channel, or with `channel` 0 those that belong to none.
pub fn instances(root: &str, channel: u16, labels: &[String]) -> Vec<Instance> {
    let mut found = Vec::new();
    for row in TABLE {
        if row.path.contains("/N/") != (channel > 0) {
            continue;
        }
        let count = if row.path.contains("<label>") { labels.len() } else { 1 };
        for label_index in 0..count {
            let label = labels.get(label_index).map_or("", String::as_str);
            found.push(Instance { name: row.full(root, channel, label), row, label_index });
        }
    }
    found
}

/// Every address that a daemon of this identity knows.
pub fn all_instances(root: &str, identity: &Identity) -> Vec<Instance> {
    (0..=identity.channels).flat_map(|channel| instances(root, channel, &identity.labels)).collect()
}

/// The reference table of the README.
pub fn markdown(root: &str) -> String {
    let mut page = String::from(
        "| address | types | access | group | range | unit | meaning |\n|---|---|---|---|---|---|---|\n",
    );
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

const fn stream(
    stream: Stream,
    path: &'static str,
    types: &'static str,
    range: Option<(f32, f32)>,
    unit: &'static str,
    text: &'static str,
) -> Address {
    Address { path, types, role: Role::Stream(stream), group: Some(Group::Core), range, unit, text }
}

const fn health(
    value: HealthValue,
    path: &'static str,
    types: &'static str,
    range: Option<(f32, f32)>,
    unit: &'static str,
    text: &'static str,
) -> Address {
    Address {
        path,
        types,
        role: Role::Health(value),
        group: Some(Group::Health),
        range,
        unit,
        text,
    }
}

const fn setting(
    setting: Setting,
    path: &'static str,
    types: &'static str,
    range: Option<(f32, f32)>,
    unit: &'static str,
    text: &'static str,
) -> Address {
    Address { path, types, role: Role::Setting(setting), group: None, range, unit, text }
}

const fn event(kind: EventKind, path: &'static str, text: &'static str) -> Address {
    let group = Some(Group::Event);
    Address { path, types: "iss", role: Role::Event(kind), group, range: None, unit: "", text }
}

const fn verb(verb: Verb, path: &'static str, types: &'static str, text: &'static str) -> Address {
    Address { path, types, role: Role::Verb(verb), group: None, range: None, unit: "", text }
}

const fn reply(path: &'static str, types: &'static str, text: &'static str) -> Address {
    Address { path, types, role: Role::Reply, group: None, range: None, unit: "", text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_lower_case_without_pattern_characters() {
        for row in TABLE {
            let plain = row.path.replace("/N/", "/1/").replace("<label>", "label");
            let allowed =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "/_".contains(c);
            assert!(plain.starts_with('/') && plain.chars().all(allowed), "{plain}");
        }
    }

    #[test]
    fn no_address_stands_twice_in_the_table() {
        let mut names: Vec<String> = TABLE.iter().map(|row| row.template("/ser")).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }

    #[test]
    fn streams_carry_floats_and_ints_only() {
        for row in TABLE.iter().filter(|row| row.access() & 1 == 1) {
            assert!(row.types.chars().all(|tag| tag == 'f' || tag == 'i'), "{}", row.path);
        }
    }

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
}
