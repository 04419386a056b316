//! What holds a receiver's streams back: a cap on bundles a second, and a dead band. The latest
//! value wins; what could not leave stays owed until it can. Events wait for no cap. Time comes as
//! an argument. The worker's thread.

use std::time::{Duration, Instant};

use rosc::{OscPacket, OscType};

use crate::osc::address::Stream;
use crate::osc::view::ViewSlot;

/// The cap and dead band of one receiver; neither holds anything back at 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    pub max_hz: f32,
    pub deadband: f32,
}

impl Limits {
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// What one receiver is owed, channel by channel.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    channels: Vec<Owed>,
}

#[derive(Clone, Debug, Default)]
struct Owed {
    /// Nothing leaves before.
    next: Option<Instant>,
    slots: Vec<SlotPace>,
}

#[derive(Clone, Copy, Debug)]
struct SlotPace {
    is_owed: bool,
    /// It is an event.
    is_urgent: bool,
    /// The value that the receiver has; NaN before the first.
    sent: f32,
}

impl Pace {
    /// Notes what a hop made due; `always` are slots that leave with every hop.
    pub fn note(
        &mut self,
        channel_index: usize,
        slots: &[ViewSlot],
        limits: Limits,
        time_is_always: bool,
    ) {
        if self.channels.len() <= channel_index {
            self.channels.resize_with(channel_index + 1, Owed::default);
        }
        let owed = &mut self.channels[channel_index].slots;
        owed.resize(slots.len(), SlotPace { is_owed: false, is_urgent: false, sent: f32::NAN });
        for (pace, slot) in owed.iter_mut().zip(slots) {
            // Time goes along with others; it is no reason to leave.
            let may_leave = slot.stream != Stream::Time || time_is_always;
            pace.is_owed |= slot.is_due && may_leave && has_moved(*pace, slot, limits.deadband);
            pace.is_urgent |= slot.is_event;
        }
    }

    /// True if something is owed and may leave now.
    pub fn is_ready(&self, channel_index: usize, now: Instant) -> bool {
        self.channels.get(channel_index).is_some_and(|channel| {
            channel.slots.iter().any(|slot| slot.is_owed && channel.lets_pass(*slot, now))
        })
    }

    /// The slot goes with the bundle that leaves now: it is owed, or it is the time.
    pub fn leaves(
        &self,
        channel_index: usize,
        slot_index: usize,
        slot: &ViewSlot,
        now: Instant,
    ) -> bool {
        let channel = &self.channels[channel_index];
        let pace = channel.slots[slot_index];
        pace.is_owed && channel.lets_pass(pace, now) || slot.stream == Stream::Time
    }

    /// The bundle has left: what went is not owed any more, and the timer starts.
    pub fn settle(
        &mut self,
        channel_index: usize,
        slots: &[ViewSlot],
        limits: Limits,
        now: Instant,
    ) {
        let channel = &mut self.channels[channel_index];
        let is_free = channel.is_free(now);
        let owed = channel.slots.iter_mut().zip(slots).filter(|(pace, _)| pace.is_owed);
        for (pace, slot) in owed.filter(|(pace, _)| is_free || pace.is_urgent) {
            (pace.is_owed, pace.is_urgent) = (false, false);
            pace.sent = number(slot).unwrap_or(f32::NAN);
        }
        if is_free && 0.0 < limits.max_hz {
            channel.next = Some(now + Duration::from_secs_f32(1.0 / limits.max_hz));
        }
    }

    /// Starts anew: another view, or a snapshot that told everything.
    pub fn reset(&mut self) {
        self.channels.clear();
    }
}

impl Owed {
    fn is_free(&self, now: Instant) -> bool {
        self.next.is_none_or(|next| next <= now)
    }

    fn lets_pass(&self, slot: SlotPace, now: Instant) -> bool {
        slot.is_urgent || self.is_free(now)
    }
}

fn has_moved(pace: SlotPace, slot: &ViewSlot, deadband: f32) -> bool {
    match number(slot) {
        Some(value) if 0.0 < deadband => {
            pace.sent.is_nan() || deadband < (value - pace.sent).abs() // NaN: never sent
        }
        _ => true,
    }
}

/// The one number of a stream. States have no band: they are due when they change, and once a
/// second; nor have lists and texts.
fn number(slot: &ViewSlot) -> Option<f32> {
    let OscPacket::Message(message) = &slot.packet else { return None };
    match message.args.as_slice() {
        _ if slot.stream.is_state() => None,
        [OscType::Float(value)] => Some(*value),
        [OscType::Int(flag)] => Some(if *flag == 0 { 0.0 } else { 1.0 }),
        [OscType::Bool(flag)] => Some(f32::from(u8::from(*flag))),
        _ => None,
    }
}
