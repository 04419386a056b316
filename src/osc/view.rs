//! What one kind of receiver sees: the streams under its names, in its range and types. Receivers
//! of one shape share a view, and where nothing holds them back its datagrams too. The worker's
//! thread.

use rosc::{OscPacket, OscTime, OscType};

use crate::messages::{Dimensions, Event, EventKind, Identity, Segment, SegmentEvent};
use crate::osc::address::{Group, HealthValue, Role, SegmentPart, Stream, TABLE};
use crate::osc::encode::{self, Datagrams, message};
use crate::osc::groups::Groups;
use crate::osc::health::{HealthSlot, HealthStreams};
use crate::osc::profile::Profile;
use crate::osc::streams::{ChannelStreams, Slot};

/// All that decides what a receiver's packets look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    pub profile: Profile,
    /// First part of the addresses.
    pub root: String,
    pub is_bipolar: bool,
    pub groups: Groups,
}

#[derive(Debug)]
pub struct View {
    pub shape: Shape,
    channels: Vec<Vec<ViewSlot>>,
    health: Vec<(HealthValue, OscPacket)>,
    /// What left with the last hop for all who are not paced.
    pub shared: Datagrams,
    pub is_encoded: bool,
}

/// One message of the view, made from one stream or, for a list, from several.
#[derive(Debug)]
pub struct ViewSlot {
    sources: Vec<usize>,
    transform: Transform,
    pub stream: Stream,
    pub is_due: bool,
    /// Something happened that no cap holds back.
    pub is_event: bool,
    pub packet: OscPacket,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transform {
    None,
    /// 0..1 to -1..1.
    Bipolar,
    /// 0 and 1 to false and true.
    Bool,
}

impl View {
    /// `channels` and `health` are those whose values it will show, `identity` has their names.
    pub fn new(
        shape: Shape,
        channels: &[ChannelStreams],
        health: &HealthStreams,
        identity: &Identity,
    ) -> Self {
        let of_channel = |(number, streams): (u16, &ChannelStreams)| {
            let mut slots: Vec<_> = shape.inputs(number, streams).into_iter().collect();
            let one = |(index, slot)| shape.slot(number, index, slot, identity);
            slots.extend(streams.slots.iter().enumerate().filter_map(one));
            slots
        };
        let health = health.slots().filter(|slot| shape.wants(slot));
        let health = health.map(|slot| {
            let name = slot.instance.row.full(&shape.root, 0, "", 0);
            (slot.value, message(name, Vec::new()))
        });
        Self {
            health: health.collect(),
            channels: (1..).zip(channels).map(of_channel).collect(),
            shape,
            shared: Datagrams::default(),
            is_encoded: false,
        }
    }

    pub fn slots(&self, channel_index: usize) -> &[ViewSlot] {
        self.channels.get(channel_index).map_or(&[], Vec::as_slice)
    }

    /// Takes the values over; what is due there is due here.
    pub fn load(&mut self, channel_index: usize, streams: &ChannelStreams) {
        let changes_only = self.shape.profile.is_changes_only();
        let Some(slots) = self.channels.get_mut(channel_index) else { return };
        for view in slots {
            let sources = view.sources.iter().map(|&index| &streams.slots[index]);
            view.is_due = sources.clone().any(|slot| {
                let is_due = slot.is_due && (slot.has_changed || !changes_only);
                is_due || slot.has_changed && changes_only
            });
            view.is_event = view.stream.is_event() && sources.clone().any(|slot| slot.has_changed);
            let OscPacket::Message(message) = &mut view.packet else { continue };
            message.args.clear();
            let values = sources.flat_map(Slot::values);
            message.args.extend(values.map(|value| view.transform.apply(value)));
        }
        self.is_encoded = false;
    }

    /// The datagrams of what is due, encoded once.
    pub fn due(&mut self, channel_index: usize, time: OscTime) -> &Datagrams {
        if !self.is_encoded {
            self.shared.clear();
            let slots = self.channels.get(channel_index).map_or(&[][..], Vec::as_slice);
            let due = slots.iter().filter(|slot| slot.is_due).map(|slot| &slot.packet);
            write(self.shape.profile, time, due, &mut self.shared);
            self.is_encoded = true;
        }
        &self.shared
    }

    /// Some of the slots of a channel.
    pub fn write(
        &self,
        channel_index: usize,
        time: OscTime,
        is_wanted: impl Fn(usize) -> bool,
        datagrams: &mut Datagrams,
    ) {
        let slots = self.slots(channel_index).iter().enumerate();
        let wanted = slots.filter(|(index, _)| is_wanted(*index)).map(|(_, slot)| &slot.packet);
        write(self.shape.profile, time, wanted, datagrams);
    }

    /// All current values but `t`, whose sequence number must not come twice.
    pub fn write_snapshot(&self, channel_index: usize, time: OscTime, datagrams: &mut Datagrams) {
        let slots = self.slots(channel_index).iter();
        let known = slots.filter(|slot| slot.stream != Stream::Time).map(|slot| &slot.packet);
        write(self.shape.profile, time, known, datagrams);
    }

    pub fn load_health(&mut self, health: &HealthStreams) {
        for (value, packet) in &mut self.health {
            let found = health.slots().find(|slot| slot.value == *value);
            if let (Some(slot), OscPacket::Message(to)) = (found, packet)
                && let OscPacket::Message(from) = &slot.packet
            {
                to.args.clone_from(&from.args);
            }
        }
    }

    /// The numbers of the daemon that this view has.
    pub fn write_health(
        &self,
        time: OscTime,
        is_wanted: impl Fn(HealthValue) -> bool,
        datagrams: &mut Datagrams,
    ) {
        let wanted = self.health.iter().filter(|(value, _)| is_wanted(*value));
        write(self.shape.profile, time, wanted.map(|(_, packet)| packet), datagrams);
    }

    /// `unknown` is that label's index.
    pub fn write_segment(
        &self,
        event: &SegmentEvent,
        unknown: usize,
        time: OscTime,
        datagrams: &mut Datagrams,
    ) {
        if !self.shape.groups.has(Group::Seg) {
            return;
        }
        let channel = event.channel();
        let packet = |(part, arguments)| {
            let row = TABLE.iter().find(|row| row.role == Role::Segment(part))?;
            let name = self.shape.profile.segment(row, channel)?;
            Some(message(format!("{}{name}", self.shape.root), arguments))
        };
        let packets: Vec<_> = told(event, unknown).into_iter().filter_map(packet).collect();
        write(self.shape.profile, time, packets.iter(), datagrams);
    }

    pub fn write_event(&self, event: &Event, datagrams: &mut Datagrams) {
        if !self.shape.groups.has(Group::Event) {
            return;
        }
        let of_kind = |kind: EventKind| TABLE.iter().find(|row| row.role == Role::Event(kind));
        let Some(row) = of_kind(event.kind) else { return };
        let mut packet = encode::event(row.full(&self.shape.root, 0, "", 0), event);
        if let OscPacket::Message(message) = &mut packet
            && !self.shape.profile.has_strings()
        {
            message.args.retain(|value| !matches!(value, OscType::String(_)));
        }
        datagrams.push_message(&packet);
    }
}

/// What the contract's messages say of an event: the parts, each with its arguments.
fn told(event: &SegmentEvent, unknown: usize) -> Vec<(SegmentPart, Vec<OscType>)> {
    let int = |value: u32| OscType::Int(value.cast_signed());
    let three = |of: Dimensions| [of.arousal, of.valence, of.dominance].map(OscType::Float);
    let whole = |segment: &Segment| {
        let top = i32::try_from(segment.top.unwrap_or(unknown)).unwrap_or(0); // at most 15
        let mut arguments = vec![int(segment.id), OscType::Float(segment.duration_s)];
        arguments.extend(three(segment.mean));
        arguments.extend([OscType::Int(top), OscType::Float(segment.confidence)]);
        arguments
    };
    match event {
        SegmentEvent::Start { id, ago_s, .. } => {
            vec![(SegmentPart::Start, vec![int(*id), OscType::Float(*ago_s)])]
        }
        SegmentEvent::Part(segment) => vec![(SegmentPart::Part, whole(segment))],
        SegmentEvent::End(segment) => {
            let mut peak = vec![int(segment.id)];
            peak.extend(three(segment.peak));
            peak.push(OscType::Float(segment.level_peak_db));
            let mut end = whole(segment);
            end.push(OscType::Int(segment.flags.bits()));
            vec![(SegmentPart::Peak, peak), (SegmentPart::End, end)]
        }
    }
}

impl Shape {
    fn slot(
        &self,
        channel: u16,
        index: usize,
        slot: &Slot,
        identity: &Identity,
    ) -> Option<ViewSlot> {
        let is_time = slot.stream == Stream::Time;
        let is_wanted = slot.row().group.is_some_and(|group| self.groups.has(group))
            || is_time && self.profile.has_time_always();
        if !is_wanted || slot.row().types.contains('s') && !self.profile.has_strings() {
            return None;
        }
        let name = self.profile.stream(&slot.instance, channel, slot.instance.word(identity))?;
        let transform = if self.is_bipolar && slot.stream.is_centred() {
            Transform::Bipolar
        } else if self.profile.has_bools() && slot.stream.is_flag() {
            Transform::Bool
        } else {
            Transform::None
        };
        let packet = message(format!("{}{name}", self.root), Vec::new());
        Some(ViewSlot {
            sources: vec![index],
            transform,
            stream: slot.stream,
            is_due: false,
            is_event: false,
            packet,
        })
    }

    /// The list of a profile that has one: the dimensions, then the classes.
    fn inputs(&self, channel: u16, streams: &ChannelStreams) -> Option<ViewSlot> {
        let name = self.profile.inputs(channel)?;
        let order = [Stream::Arousal, Stream::Valence, Stream::Dominance, Stream::Class];
        let of = |wanted| {
            let slots = streams.slots.iter().enumerate();
            slots.filter(move |(_, slot)| slot.stream == wanted).map(|(index, _)| index)
        };
        let packet = message(format!("{}{name}", self.root), Vec::new());
        Some(ViewSlot {
            sources: order.into_iter().flat_map(of).collect(),
            transform: Transform::None,
            stream: Stream::Classes,
            is_due: false,
            is_event: false,
            packet,
        })
    }

    /// The heartbeat cannot be chosen away; a state is told with events too.
    fn wants(&self, slot: &HealthSlot) -> bool {
        let row = slot.instance.row;
        match slot.value {
            HealthValue::Heartbeat => true,
            HealthValue::State => self.groups.has(Group::Health) || self.groups.has(Group::Event),
            _ if row.types.contains('s') && !self.profile.has_strings() => false,
            _ => row.group.is_some_and(|group| self.groups.has(group)),
        }
    }
}

impl Transform {
    fn apply(self, value: &OscType) -> OscType {
        match (self, value) {
            (Self::Bipolar, OscType::Float(value)) => OscType::Float(2.0 * value - 1.0),
            (Self::Bool, OscType::Int(value)) => OscType::Bool(*value != 0),
            (_, value) => value.clone(),
        }
    }
}

fn write<'a>(
    profile: Profile,
    time: OscTime,
    messages: impl Iterator<Item = &'a OscPacket>,
    datagrams: &mut Datagrams,
) {
    if profile.is_unbundled() {
        messages.for_each(|message| datagrams.push_message(message));
    } else {
        datagrams.push_bundle(time, messages);
    }
}
