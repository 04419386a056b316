//! The current value of every stream under our own names: a hop sets numbers in place, and who asks
//! is answered with them. What leaves for a receiver is made from them in `view`. No sockets, no
//! clocks; the worker's thread.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rosc::{OscPacket, OscType};

use crate::messages::{ClassScores, Dimensions, Identity, Update};
use crate::osc::address::{Address, Instance, Role, Stream, instances};
use crate::osc::encode::message;
use crate::units::level_to_norm;

/// A state that was not heard because the packet was lost is repeated so often.
const REPEAT_S: f64 = 1.0;

/// Streams of one channel.
#[derive(Debug)]
pub struct ChannelStreams {
    channel: u16,
    pub slots: Vec<Slot>,
    labels: Arc<[String]>,
    hop_s: f64,
    /// Stream time from which on states are repeated.
    repeat_at_s: f64,
}

/// One stream of one channel.
#[derive(Debug)]
pub struct Slot {
    pub instance: Instance,
    pub stream: Stream,
    /// The value is another one than before the last hop.
    pub has_changed: bool,
    /// Leaves with the next bundle.
    pub is_due: bool,
    /// The message that answers whoever asks.
    pub packet: OscPacket,
}

impl ChannelStreams {
    pub fn new(root: &str, channel: u16, identity: &Identity) -> Self {
        let labels = Arc::clone(&identity.labels);
        let of = |instance| Slot::new(instance, labels.len());
        let slots = instances(root, channel, identity).into_iter().filter_map(of).collect();
        let hop_s = f64::from(identity.hop_s);
        let mut streams = Self { channel, slots, labels, hop_s, repeat_at_s: 0.0 };
        streams.reset();
        streams
    }

    /// Time between two updates from now on.
    pub fn set_hop_s(&mut self, hop_s: f32) {
        self.hop_s = f64::from(hop_s);
    }

    /// Takes over a hop. `sent` is now; the packet tells how old the sound is.
    pub fn set(&mut self, update: &Update, captured: SystemTime, sent: SystemTime) {
        let is_repeat = self.is_repeat(update.time_s);
        for slot in &mut self.slots {
            slot.has_changed = match slot.stream {
                Stream::Time => {
                    slot.set_time(update.sequence, captured, sent);
                    true
                }
                _ => slot.set(update, &self.labels),
            };
            slot.is_due = match slot.stream {
                Stream::RawClass => update.inferred,
                stream if stream.is_relative() => update.relative.is_some(),
                stream => slot.has_changed || is_repeat || !stream.is_state(),
            };
        }
    }

    /// Back to "nobody speaks": what is heard while muted and before the first hop. Only the two
    /// flags that say so are due, and triggers that were on.
    pub fn reset(&mut self) {
        let silence = Update::nothing(self.channel, self.labels.len());
        for slot in &mut self.slots {
            if slot.stream != Stream::Time {
                slot.has_changed = slot.set(&silence, &self.labels);
            }
            slot.is_due = match slot.stream {
                Stream::VoiceOn | Stream::Fresh => true,
                Stream::Trigger => slot.has_changed,
                _ => false,
            };
        }
        self.repeat_at_s = f64::NEG_INFINITY;
    }

    /// Takes the place of the streams of the same channel: what both have goes on.
    pub fn follow(&mut self, before: &Self) {
        for slot in &mut self.slots {
            let same = before.slots.iter().find(|old| old.instance.name == slot.instance.name);
            if let Some(same) = same {
                slot.packet.clone_from(&same.packet);
            }
        }
        self.repeat_at_s = before.repeat_at_s;
    }

    /// Only the triggers without a name in `kept` are due, and off; false if none of them was on.
    pub fn end_triggers(&mut self, names: &[(u16, String)], kept: &[(u16, String)]) -> bool {
        let mut is_any = false;
        for slot in &mut self.slots {
            let is_gone = slot.stream == Stream::Trigger
                && names.get(slot.instance.index).is_none_or(|name| !kept.contains(name));
            slot.has_changed =
                is_gone && set_number(&mut slot.values_mut()[0], Reading::Int(0), None);
            slot.is_due = slot.has_changed;
            is_any |= slot.is_due;
        }
        is_any
    }

    /// All current values, `t` too.
    pub fn packets(&self) -> impl Iterator<Item = &OscPacket> {
        self.slots.iter().map(|slot| &slot.packet)
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
    fn new(instance: Instance, labels: usize) -> Option<Self> {
        let Role::Stream(stream) = instance.row.role else { return None };
        let values = match stream {
            Stream::Classes => vec![OscType::Float(0.0); labels],
            _ => instance.row.types.chars().map(zero).collect(),
        };
        let packet = message(instance.name.clone(), values);
        Some(Self { instance, stream, has_changed: false, is_due: false, packet })
    }

    pub fn row(&self) -> &'static Address {
        self.instance.row
    }

    pub fn values(&self) -> &[OscType] {
        match &self.packet {
            OscPacket::Message(message) => &message.args,
            OscPacket::Bundle(_) => &[],
        }
    }

    fn values_mut(&mut self) -> &mut Vec<OscType> {
        match &mut self.packet {
            OscPacket::Message(message) => &mut message.args,
            OscPacket::Bundle(_) => unreachable!("a slot is made with a message"),
        }
    }

    /// True when the value is another one than before.
    fn set(&mut self, update: &Update, labels: &[String]) -> bool {
        let (range, index) = (self.row().range, self.instance.index);
        match self.stream {
            Stream::Classes => {
                let mut changed = false;
                let places = self.values_mut().iter_mut();
                for (place, &value) in places.zip(update.classes.as_slice()) {
                    changed |= set_number(place, Reading::Float(value), range);
                }
                changed
            }
            Stream::TopLabel => {
                let label = labels.get(update.top).map_or("", String::as_str);
                set_text(&mut self.values_mut()[0], label)
            }
            Stream::QuadrantName => set_text(&mut self.values_mut()[0], update.quadrant.name()),
            stream => {
                let reading = reading(stream, index, update);
                set_number(&mut self.values_mut()[0], reading, range)
            }
        }
    }

    fn set_time(&mut self, sequence: u32, captured: SystemTime, sent: SystemTime) {
        let since_1970 = captured.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let age = sent.duration_since(captured).unwrap_or(Duration::ZERO);
        self.values_mut().clone_from_slice(&[
            OscType::Int(sequence.cast_signed()),
            OscType::Int(i32::try_from(since_1970.as_secs()).unwrap_or(i32::MAX)),
            OscType::Int(since_1970.subsec_micros().cast_signed()), // below a million
            OscType::Float(age.as_secs_f32() * 1000.0),
        ]);
    }
}

#[derive(Clone, Copy)]
pub enum Reading {
    Int(i32),
    Float(f32),
}

/// The value that a message of this type starts with.
pub fn zero(tag: char) -> OscType {
    match tag {
        'i' => OscType::Int(0),
        's' => OscType::String(String::new()),
        _ => OscType::Float(0.0),
    }
}

/// Puts the value in place, within its range; NaN leaves the value before, for a receiver could not
/// use it. True when it is another one than before.
pub fn set_number(place: &mut OscType, reading: Reading, range: Option<(f32, f32)>) -> bool {
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

/// The same for a text; allocates only when it is longer than any before.
pub fn set_text(place: &mut OscType, text: &str) -> bool {
    let OscType::String(old) = place else { return false };
    let changed = old != text;
    if changed {
        old.clear();
        old.push_str(text);
    }
    changed
}

fn reading(stream: Stream, index: usize, update: &Update) -> Reading {
    use Reading::{Float, Int};
    let label = |scores: &ClassScores| scores.as_slice().get(index).copied().unwrap_or(0.0);
    let relative = update.relative.unwrap_or(Dimensions::NEUTRAL);
    match stream {
        // Have several values or a text; `set` and `set_time` write them.
        Stream::Time | Stream::Classes | Stream::TopLabel | Stream::QuadrantName => Int(0),
        Stream::VoiceOn => Int(i32::from(update.voice_on)),
        Stream::VoiceProbability => Float(update.voice_probability),
        Stream::Fresh => Int(i32::from(update.fresh)),
        Stream::Level => Float(update.level_db),
        Stream::LevelNorm => Float(level_to_norm(update.level_db)),
        Stream::LevelClip => Int(i32::from(update.clipped)),
        Stream::Class => Float(label(&update.classes)),
        Stream::RawClass => Float(label(&update.raw)),
        Stream::TopIndex => Int(i32::try_from(update.top).unwrap_or(0)), // at most 15
        Stream::TopProbability => {
            Float(update.classes.as_slice().get(update.top).copied().unwrap_or(0.0))
        }
        Stream::Quadrant => Int(update.quadrant as i32),
        Stream::Arousal => Float(update.dimensions.arousal),
        Stream::Valence => Float(update.dimensions.valence),
        Stream::Dominance => Float(update.dimensions.dominance),
        Stream::RelativeArousal => Float(relative.arousal),
        Stream::RelativeValence => Float(relative.valence),
        Stream::RelativeDominance => Float(relative.dominance),
        Stream::Confidence => Float(update.confidence),
        Stream::F0 => Float(update.prosody.f0_hz),
        Stream::F0Range => Float(update.prosody.f0_range),
        Stream::Rate => Float(update.prosody.rate),
        Stream::Jitter => Float(update.prosody.jitter),
        Stream::Shimmer => Float(update.prosody.shimmer_db),
        Stream::Hnr => Float(update.prosody.hnr_db),
        Stream::Tilt => Float(update.prosody.tilt_db),
        Stream::Loudness => Float(update.prosody.loudness),
        Stream::Snr => Float(update.snr_db),
        Stream::Taught => Float(update.taught.as_slice().get(index).copied().unwrap_or(0.0)),
        Stream::Trigger => Int(i32::from(update.triggers.is_on(index))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            labels: ["happy", "sad", "unknown"].map(String::from).into(),
            card: [].into(),
            channels: 1,
            names: [].into(),
            triggers: [(1, "loud".to_owned())].into(),
            taught: [].into(),
            hop_s: 0.1,
        }
    }

    fn spoken(sequence: u32, time_s: f64) -> Update {
        Update {
            channel: 1,
            sequence,
            time_s,
            voice_on: true,
            fresh: true,
            ..Update::nothing(1, 3)
        }
    }

    /// Names of what is due for one more hop.
    fn due(streams: &mut ChannelStreams, update: &Update) -> Vec<String> {
        streams.set(update, SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH);
        let due = streams.slots.iter().filter(|slot| slot.is_due);
        due.map(|slot| slot.row().path.replace("/ch/N/", "")).collect()
    }

    #[test]
    fn a_flag_leaves_when_it_changes_and_once_a_second() {
        let mut streams = ChannelStreams::new("/ser", 1, &identity());
        let mut hops_with_flag = Vec::new();
        for hop in 0..25u32 {
            let mut update = spoken(hop, f64::from(hop) * 0.1);
            update.voice_on = hop < 14;
            if due(&mut streams, &update).contains(&"voice/on".to_string()) {
                hops_with_flag.push(hop);
            }
        }
        assert_eq!(hops_with_flag, [0, 10, 14, 20]);
    }

    #[test]
    fn numbers_are_due_every_hop_and_time_is_first() {
        let mut streams = ChannelStreams::new("/ser", 1, &identity());
        due(&mut streams, &spoken(1, 0.1));
        let names = due(&mut streams, &spoken(2, 0.2));
        assert_eq!(names[0], "t");
        // 29 rows, one of them for 3 labels; less 8 states that did not change, and the raw ones,
        // for the network did not run.
        assert_eq!(names.len(), 29 + 2 - 8 - 1);
    }

    #[test]
    fn time_carries_sequence_capture_and_age() {
        let mut streams = ChannelStreams::new("/ser", 1, &identity());
        let captured = SystemTime::UNIX_EPOCH + Duration::new(1_790_000_000, 250_000_000);
        streams.set(&spoken(4711, 0.0), captured, captured + Duration::from_millis(38));
        let (ints, age) = streams.slots[0].values().split_at(3);
        assert_eq!(ints, [4711, 1_790_000_000, 250_000].map(OscType::Int));
        assert_eq!(age, [OscType::Float(38.0)]);
    }

    #[test]
    fn nan_leaves_the_value_before_and_infinity_the_end_of_the_range() {
        let mut place = OscType::Float(0.0);
        set_number(&mut place, Reading::Float(0.25), Some((0.0, 1.0)));
        assert!(!set_number(&mut place, Reading::Float(f32::NAN), Some((0.0, 1.0))));
        assert_eq!(place, OscType::Float(0.25));
        set_number(&mut place, Reading::Float(f32::INFINITY), Some((0.0, 1.0)));
        assert_eq!(place, OscType::Float(1.0));
    }

    #[test]
    fn after_a_reset_only_the_flags_are_due() {
        let mut streams = ChannelStreams::new("/ser", 1, &identity());
        due(&mut streams, &spoken(1, 0.0));
        streams.reset();
        let due: Vec<_> = streams.slots.iter().filter(|s| s.is_due).map(|s| s.stream).collect();
        assert_eq!(due, [Stream::VoiceOn, Stream::Fresh]);
    }

    #[test]
    fn a_trigger_that_was_on_is_off_after_a_reset() {
        let mut streams = ChannelStreams::new("/ser", 1, &identity());
        let mut update = spoken(1, 0.0);
        update.triggers.set(0, true);
        assert!(due(&mut streams, &update).contains(&"trig/<trigger>".to_string()));
        streams.reset();
        let slot = streams.slots.iter().find(|slot| slot.stream == Stream::Trigger);
        let slot = slot.expect("there is one");
        assert!(slot.is_due && slot.values() == [OscType::Int(0)]);
    }

    #[test]
    fn the_top_label_is_told_by_name() {
        let mut streams = ChannelStreams::new("/ser", 1, &identity());
        let mut update = spoken(1, 0.0);
        update.top = 1;
        due(&mut streams, &update);
        let top = streams.slots.iter().find(|slot| slot.stream == Stream::TopLabel).expect("a row");
        assert_eq!(top.values(), ["sad".into()]);
    }
}
