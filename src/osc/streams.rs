//! The current value of every stream, kept as the OSC message that carries it: a hop sets numbers
//! in place, and the same message answers whoever asks. No sockets, no clocks; the worker's thread.

use std::time::{Duration, SystemTime};

use rosc::{OscPacket, OscType};

use crate::messages::{ClassScores, Dimensions, Health, HealthState, Update};
use crate::osc::address::{Address, HealthValue, Instance, Role, Stream, instances};
use crate::osc::encode::{Datagrams, message, time_tag};
use crate::units::{SILENCE_DB, level_to_norm};

/// A state that was not heard because the packet was lost is repeated so often.
const REPEAT_S: f64 = 1.0;

/// Streams of one channel.
#[derive(Debug)]
pub struct ChannelStreams {
    slots: Vec<Slot>,
    hop_s: f64,
    /// Stream time from which on states are repeated.
    repeat_at_s: f64,
}

#[derive(Debug)]
struct Slot {
    row: &'static Address,
    stream: Stream,
    label_index: usize,
    /// Leaves with the next bundle.
    due: bool,
    packet: OscPacket,
}

impl ChannelStreams {
    pub fn new(root: &str, channel: u16, labels: &[String], hop_s: f32) -> Self {
        let slots = instances(root, channel, labels).into_iter().filter_map(Slot::new).collect();
        let mut streams = Self { slots, hop_s: f64::from(hop_s), repeat_at_s: 0.0 };
        streams.reset(labels.len());
        streams
    }

    /// Takes over a hop. `sent` is now; the packet tells how old the sound is.
    pub fn set(&mut self, update: &Update, captured: SystemTime, sent: SystemTime) {
        let is_repeat = self.is_repeat(update.time_s);
        for slot in &mut self.slots {
            if slot.stream == Stream::Time {
                slot.set_time(update.sequence, captured, sent);
                continue;
            }
            let changed = slot.set(reading(slot.stream, slot.label_index, update));
            slot.due = changed || is_repeat || !slot.row.is_state();
        }
    }

    /// Back to "nobody speaks": what is heard while muted and before the first hop. Only the two
    /// flags that say so are due.
    pub fn reset(&mut self, labels: usize) {
        let silence = silence(labels);
        for slot in self.slots.iter_mut().filter(|slot| slot.stream != Stream::Time) {
            slot.set(reading(slot.stream, slot.label_index, &silence));
            slot.due = matches!(slot.stream, Stream::VoiceOn | Stream::Fresh);
        }
        self.slots.iter_mut().filter(|s| s.stream == Stream::Time).for_each(|s| s.due = false);
        self.repeat_at_s = f64::NEG_INFINITY;
    }

    /// Bundles what is due under the time of its sound.
    pub fn write_due(&self, captured: SystemTime, datagrams: &mut Datagrams) {
        let due = self.slots.iter().filter(|slot| slot.due).map(|slot| &slot.packet);
        datagrams.push_bundle(time_tag(captured), due);
    }

    /// All current values, `t` too.
    pub fn packets(&self) -> impl Iterator<Item = &OscPacket> {
        self.slots.iter().map(|slot| &slot.packet)
    }

    /// All current values but `t`, whose sequence number must not come twice.
    pub fn snapshot(&self) -> impl Iterator<Item = &OscPacket> {
        self.slots.iter().filter(|slot| slot.stream != Stream::Time).map(|slot| &slot.packet)
    }

    fn is_repeat(&mut self, time_s: f64) -> bool {
        // Half a hop early, so that rounding does not turn ten hops into eleven. Time that jumped
        // back is a source that started again.
        let has_restarted = time_s < self.repeat_at_s - REPEAT_S;
        let is_repeat = self.repeat_at_s <= time_s + self.hop_s / 2.0 || has_restarted;
        if is_repeat {
            self.repeat_at_s = time_s + REPEAT_S;
        }
        is_repeat
    }
}

impl Slot {
    fn new(instance: Instance) -> Option<Self> {
        let Role::Stream(stream) = instance.row.role else { return None };
        let (row, label_index) = (instance.row, instance.label_index);
        let packet = blank(instance.name, row.types);
        Some(Self { row, stream, label_index, due: false, packet })
    }

    /// True when the value is another one than before.
    fn set(&mut self, reading: Reading) -> bool {
        set_value(&mut self.packet, reading, self.row.range)
    }

    fn set_time(&mut self, sequence: u32, captured: SystemTime, sent: SystemTime) {
        let OscPacket::Message(message) = &mut self.packet else { return };
        let since_1970 = captured.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let age = sent.duration_since(captured).unwrap_or(Duration::ZERO);
        let values = [
            OscType::Int(sequence.cast_signed()),
            OscType::Int(i32::try_from(since_1970.as_secs()).unwrap_or(i32::MAX)),
            OscType::Int(since_1970.subsec_micros().cast_signed()), // below a million
            OscType::Float(age.as_secs_f32() * 1000.0),
        ];
        self.due = true;
        message.args.clear();
        message.args.extend(values);
    }
}

/// Numbers of the whole daemon, once a second.
#[derive(Debug)]
pub struct HealthStreams(Vec<(HealthValue, &'static Address, OscPacket)>);

impl HealthStreams {
    pub fn new(root: &str) -> Self {
        let rows = instances(root, 0, &[]).into_iter().filter_map(|instance| {
            let Role::Health(value) = instance.row.role else { return None };
            Some((value, instance.row, blank(instance.name, instance.row.types)))
        });
        Self(rows.collect())
    }

    /// True when the state is another one than before.
    pub fn set(&mut self, health: &Health, clients: i32) -> bool {
        let mut has_state_changed = false;
        for (value, row, packet) in &mut self.0 {
            if let Some(reading) = health_reading(*value, health, clients) {
                let changed = set_value(packet, reading, row.range);
                has_state_changed |= changed && *value == HealthValue::State;
            }
        }
        has_state_changed
    }

    pub fn count_heartbeat(&mut self) {
        let heartbeat = self.0.iter_mut().find(|(value, ..)| *value == HealthValue::Heartbeat);
        if let Some((_, _, OscPacket::Message(message))) = heartbeat
            && let [OscType::Int(count)] = message.args.as_mut_slice()
        {
            *count = count.wrapping_add(1);
        }
    }

    /// All values but the heartbeat, which everyone gets apart.
    pub fn snapshot(&self) -> impl Iterator<Item = &OscPacket> {
        self.0.iter().filter(|(v, ..)| *v != HealthValue::Heartbeat).map(|(.., packet)| packet)
    }

    pub fn packets(&self) -> impl Iterator<Item = &OscPacket> {
        self.0.iter().map(|(.., packet)| packet)
    }

    pub fn only(&self, wanted: HealthValue) -> impl Iterator<Item = &OscPacket> {
        self.0.iter().filter(move |(v, ..)| *v == wanted).map(|(.., packet)| packet)
    }
}

#[derive(Clone, Copy)]
enum Reading {
    Int(i32),
    Float(f32),
}

/// A message with zeros for arguments.
fn blank(name: String, types: &str) -> OscPacket {
    let zero = |tag| if tag == 'i' { OscType::Int(0) } else { OscType::Float(0.0) };
    message(name, types.chars().map(zero).collect())
}

/// Puts the value in place, within its range; NaN leaves the value before, for a receiver could not
/// use it. True when it is another one than before.
fn set_value(packet: &mut OscPacket, reading: Reading, range: Option<(f32, f32)>) -> bool {
    let OscPacket::Message(message) = packet else { return false };
    let Some(place) = message.args.first_mut() else { return false };
    let (low, high) = range.unwrap_or((f32::MIN, f32::MAX));
    let value = match reading {
        Reading::Int(value) => OscType::Int(value),
        Reading::Float(value) if value.is_nan() => return false,
        Reading::Float(value) => OscType::Float(value.clamp(low, high)),
    };
    let changed = *place != value;
    *place = value;
    changed
}

fn reading(stream: Stream, label_index: usize, update: &Update) -> Reading {
    use Reading::{Float, Int};
    match stream {
        Stream::Time => Int(0), // has four values; `set_time` writes them
        Stream::VoiceOn => Int(i32::from(update.voice_on)),
        Stream::VoiceProbability => Float(update.voice_probability),
        Stream::Fresh => Int(i32::from(update.fresh)),
        Stream::Level => Float(update.level_db),
        Stream::LevelNorm => Float(level_to_norm(update.level_db)),
        Stream::LevelClip => Int(i32::from(update.clipped)),
        Stream::Class => Float(update.classes.as_slice().get(label_index).copied().unwrap_or(0.0)),
        Stream::TopIndex => Int(i32::try_from(update.classes.top().0).unwrap_or(0)), // at most 15
        Stream::TopProbability => Float(update.classes.top().1),
        Stream::Arousal => Float(update.dimensions.arousal),
        Stream::Valence => Float(update.dimensions.valence),
        Stream::Dominance => Float(update.dimensions.dominance),
        Stream::Confidence => Float(update.confidence),
    }
}

fn health_reading(value: HealthValue, health: &Health, clients: i32) -> Option<Reading> {
    use Reading::{Float, Int};
    Some(match value {
        HealthValue::State => Int(state_number(health.state)),
        HealthValue::Load => Float(health.load),
        HealthValue::InferMs => Float(health.infer_ms),
        HealthValue::LatencyP50 => Float(health.latency_p50_ms),
        HealthValue::LatencyP95 => Float(health.latency_p95_ms),
        HealthValue::LatencyP99 => Float(health.latency_p99_ms),
        HealthValue::MemoryMb => Float(health.memory_mb),
        HealthValue::Uptime => Float(health.uptime_s),
        HealthValue::Xruns => Int(health.xruns),
        HealthValue::Dropped => Int(health.dropped),
        HealthValue::Late => Int(health.late),
        HealthValue::Restarts => Int(health.restarts),
        HealthValue::Clients => Int(clients),
        HealthValue::Gpu => Int(health.gpu),
        HealthValue::Heartbeat => return None,
    })
}

fn state_number(state: HealthState) -> i32 {
    state as i32 // the enum is made of these numbers
}

fn silence(labels: usize) -> Update {
    Update {
        channel: 0,
        sequence: 0,
        end_frame: 0,
        time_s: 0.0,
        voice_on: false,
        voice_probability: 0.0,
        fresh: false,
        level_db: SILENCE_DB,
        clipped: false,
        classes: ClassScores::unknown(labels.saturating_sub(1)), // `unknown` is one of them
        dimensions: Dimensions::NEUTRAL,
        confidence: 0.0,
        inferred: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::osc::encode::DATAGRAM_BYTES_MAX;

    fn labels(count: usize) -> Vec<String> {
        (0..count).map(|index| format!("label_{index:02}_of_24_letters__")).collect()
    }

    fn spoken(sequence: u32, time_s: f64) -> Update {
        Update { channel: 1, sequence, time_s, voice_on: true, fresh: true, ..silence(3) }
    }

    /// Names of what leaves for one more hop.
    fn leaving(streams: &mut ChannelStreams, update: &Update) -> Vec<String> {
        streams.set(update, SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH);
        let due = streams.slots.iter().filter(|slot| slot.due);
        due.map(|slot| slot.row.path.replace("/ch/N/", "")).collect()
    }

    #[test]
    fn a_flag_leaves_when_it_changes_and_once_a_second() {
        let mut streams = ChannelStreams::new("/ser", 1, &labels(3), 0.1);
        let mut hops_with_flag = Vec::new();
        for hop in 0..25u32 {
            let mut update = spoken(hop, f64::from(hop) * 0.1);
            update.voice_on = hop < 14;
            if leaving(&mut streams, &update).contains(&"voice/on".to_string()) {
                hops_with_flag.push(hop);
            }
        }
        assert_eq!(hops_with_flag, [0, 10, 14, 20]);
    }

    #[test]
    fn numbers_leave_every_hop_and_time_is_first() {
        let mut streams = ChannelStreams::new("/ser", 1, &labels(3), 0.1);
        leaving(&mut streams, &spoken(1, 0.1));
        let names = leaving(&mut streams, &spoken(2, 0.2));
        assert_eq!(names[0], "t");
        // 14 rows, one of them for 3 labels, less the 4 that did not change.
        assert_eq!(names.len(), 12);
    }

    #[test]
    fn time_carries_sequence_capture_and_age() {
        let mut streams = ChannelStreams::new("/ser", 1, &labels(3), 0.1);
        let captured = SystemTime::UNIX_EPOCH + Duration::new(1_790_000_000, 250_000_000);
        streams.set(&spoken(4711, 0.0), captured, captured + Duration::from_millis(38));
        let Some(OscPacket::Message(time)) = streams.packets().next() else { panic!("no t") };
        let (ints, age) = time.args.split_at(3);
        assert_eq!(ints, [4711, 1_790_000_000, 250_000].map(OscType::Int));
        assert_eq!(age, [OscType::Float(38.0)]);
    }

    #[test]
    fn fifteen_long_labels_and_a_long_root_stay_within_the_datagram() {
        let mut streams =
            ChannelStreams::new("/a_root_of_thirty_two_letters___", 999, &labels(16), 0.1);
        let mut datagrams = Datagrams::default();
        streams.set(&spoken(1, 0.0), SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH);
        streams.write_due(SystemTime::UNIX_EPOCH, &mut datagrams);
        assert!(datagrams.iter().all(|datagram| datagram.len() <= DATAGRAM_BYTES_MAX));
        assert_eq!(datagrams.iter().map(messages_in).sum::<usize>(), 13 + 16);
    }

    #[test]
    fn fifteen_labels_of_common_length_take_one_datagram() {
        let labels: Vec<_> = (0..16).map(|index| format!("disgusted{index}")).collect();
        let mut streams = ChannelStreams::new("/ser", 1, &labels, 0.1);
        let mut datagrams = Datagrams::default();
        streams.set(&spoken(1, 0.0), SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH);
        streams.write_due(SystemTime::UNIX_EPOCH, &mut datagrams);
        assert_eq!(datagrams.iter().count(), 1);
    }

    fn messages_in(datagram: &[u8]) -> usize {
        crate::osc::decode::decode(datagram).expect("our own bundle").len()
    }

    #[test]
    fn nan_leaves_the_value_before_and_infinity_the_end_of_the_range() {
        let mut packet = blank("/a".to_string(), "f");
        set_value(&mut packet, Reading::Float(0.25), Some((0.0, 1.0)));
        assert!(!set_value(&mut packet, Reading::Float(f32::NAN), Some((0.0, 1.0))));
        assert_eq!(packet, message("/a".to_string(), vec![OscType::Float(0.25)]));
        set_value(&mut packet, Reading::Float(f32::INFINITY), Some((0.0, 1.0)));
        assert_eq!(packet, message("/a".to_string(), vec![OscType::Float(1.0)]));
    }

    #[test]
    fn after_a_reset_only_the_flags_are_due() {
        let mut streams = ChannelStreams::new("/ser", 1, &labels(3), 0.1);
        leaving(&mut streams, &spoken(1, 0.0));
        streams.reset(3);
        let due: Vec<_> = streams.slots.iter().filter(|slot| slot.due).map(|s| s.stream).collect();
        assert_eq!(due, [Stream::VoiceOn, Stream::Fresh]);
    }

    #[test]
    fn health_says_when_its_state_changes() {
        let mut health = HealthStreams::new("/ser");
        let mut report = Health {
            state: HealthState::Running,
            load: 0.1,
            infer_ms: 1.0,
            latency_p50_ms: 1.0,
            latency_p95_ms: 1.0,
            latency_p99_ms: 1.0,
            memory_mb: 1.0,
            uptime_s: 1.0,
            xruns: 0,
            dropped: 0,
            late: 0,
            restarts: 0,
            gpu: 0,
        };
        assert!(health.set(&report, 0));
        assert!(!health.set(&report, 0));
        report.state = HealthState::DeviceLost;
        assert!(health.set(&report, 0));
    }
}
