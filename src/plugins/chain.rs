//! The plug-ins on the audio thread, from the device to the analysis and on to the outputs:
//!
//! ```text
//! device ▶ heard: each channel's, all's ▶ TAP ▶ the rest: each channel's, all's ▶ outputs
//!                                          └▶ analysis
//! ```
//!
//! Edits come built through one ring and what they replace leaves through another; each is a fade
//! of 20 ms between what played and what plays. Never allocates, frees, locks, logs, waits or
//! panics once made.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

mod slot;

use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::plugins::chain::slot::{Goal, Slot, Then};
use crate::plugins::processor::FRAMES_MAX;
use crate::plugins::unit::Unit;
use crate::ring::{Block, CHANNELS_MAX, finite_or_zero};

/// Most slots of all chains together: the 64 of a configuration, and as many that fade out.
pub const SLOTS_MAX: usize = 128;

/// Edits on their way, and units on their way back: more than all slots at once.
const EDITS: usize = 256;

/// Moves of parameters between two blocks; a fader and 64 mappings are far below it.
const MOVES: usize = 1024;

/// An edit fades for so long.
const FADE_S: f32 = 0.02;

/// Names a slot for as long as it is there.
pub type SlotId = u32;

/// Which chain a slot belongs to, and on which side of the tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Counted from 0; `None` is the chain for all channels.
    pub channel: Option<usize>,
    /// The analysis hears what it does.
    pub is_heard: bool,
}

/// What the plug-in thread asks for. `before` names the slot that comes after it in its chain.
pub enum Edit {
    Insert {
        slot: SlotId,
        place: Place,
        before: Option<SlotId>,
        unit: Box<Unit>,
        bypass: bool,
    },
    /// Another unit plays in this slot, or one again. With another plug-in the slot gets another
    /// name, so that moves on their way to the one before go nowhere.
    Replace {
        slot: SlotId,
        name: SlotId,
        unit: Box<Unit>,
    },
    Remove {
        slot: SlotId,
    },
    Shift {
        slot: SlotId,
        place: Place,
        before: Option<SlotId>,
    },
    Bypass {
        slot: SlotId,
        on: bool,
    },
    /// The unit comes back; the slot stays and lets the sound pass.
    Lend {
        slot: SlotId,
    },
    Set(Move),
}

impl Edit {
    fn slot(&self) -> SlotId {
        match self {
            Self::Insert { slot, .. }
            | Self::Replace { slot, .. }
            | Self::Remove { slot }
            | Self::Shift { slot, .. }
            | Self::Bypass { slot, .. }
            | Self::Lend { slot } => *slot,
            Self::Set(step) => step.slot,
        }
    }
}

/// A parameter goes to a value within its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Move {
    pub slot: SlotId,
    pub parameter: usize,
    pub value: f32,
    /// In so many frames.
    pub frames: u32,
}

/// All plug-ins of a source; lives in its callback.
pub struct Chains {
    slots: Vec<Slot>,
    edits: HeapCons<Edit>,
    moves: HeapCons<Move>,
    returned: HeapProd<Box<Unit>>,
    planes: Box<[Box<[f32]>]>,
    fade_frames: usize,
    /// Told which slot runs next; for a process that may not come back from it.
    mark: Option<Box<dyn Fn(SlotId) + Send>>,
}

/// The other threads' ends.
pub struct Ends {
    pub edits: HeapProd<Edit>,
    pub returned: HeapCons<Box<Unit>>,
    /// Parameters are moved by another thread than the one that edits; it takes this.
    pub moves: Option<HeapProd<Move>>,
    pub channels: usize,
    pub rate_hz: u32,
}

/// Both ends for a source of so many channels, without a plug-in.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "made before the stream starts"
)]
pub fn chains(channels: usize, rate_hz: u32) -> (Chains, Ends) {
    let (edits_in, edits) = HeapRb::new(EDITS).split();
    let (moves_in, moves) = HeapRb::new(MOVES).split();
    let (returned, returned_out) = HeapRb::new(EDITS).split();
    let channels = channels.min(CHANNELS_MAX);
    let planes = (0..channels).map(|_| vec![0.0; FRAMES_MAX].into_boxed_slice()).collect();
    let fade_frames = crate::units::to_count(f64::from(FADE_S) * f64::from(rate_hz)).max(1);
    let chains = Chains {
        slots: Vec::with_capacity(SLOTS_MAX),
        edits,
        moves,
        returned,
        planes,
        fade_frames,
        mark: None,
    };
    let ends =
        Ends { edits: edits_in, returned: returned_out, moves: Some(moves_in), channels, rate_hz };
    (chains, ends)
}

impl Chains {
    /// Before the stream starts.
    pub fn marking(self, mark: Box<dyn Fn(SlotId) + Send>) -> Self {
        Self { mark: Some(mark), ..self }
    }

    /// Once a block, before its pieces: what has come from the other threads. False if there is no
    /// plug-in, and the sound need not be taken in at all.
    pub fn obey(&mut self) -> bool {
        while let Some(edit) = self.edits.try_peek() {
            // Each waits for room to give a unit back, too.
            if waits(&self.slots, edit) || self.returned.vacant_len() < 2 {
                break;
            }
            if let Some(edit) = self.edits.try_pop() {
                self.apply(edit);
            }
        }
        while let Some(step) = self.moves.try_peek() {
            // Meant for the plug-in that is on its way there, not for the one before it.
            let brings = |edit: &Edit| {
                let (Edit::Insert { slot: name, .. } | Edit::Replace { name, .. }) = edit else {
                    return false;
                };
                *name == step.slot
            };
            if self.edits.iter().any(brings) {
                break;
            }
            if let Some(step) = self.moves.try_pop() {
                self.set(step);
            }
        }
        !self.slots.is_empty()
    }

    /// Takes a piece of sound in, at most [`FRAMES_MAX`] frames; gives how many there were.
    pub fn load(&mut self, block: Block, from: usize) -> usize {
        let frames = block.frames().saturating_sub(from).min(FRAMES_MAX);
        for (channel, plane) in self.planes.iter_mut().enumerate() {
            for (frame, sample) in plane.iter_mut().take(frames).enumerate() {
                *sample = finite_or_zero(block.sample(from + frame, channel));
            }
        }
        frames
    }

    /// The piece as it is now.
    pub fn with_sound<R>(&self, frames: usize, read: impl FnOnce(Block) -> R) -> R {
        let mut slices: [&[f32]; CHANNELS_MAX] = [&[]; CHANNELS_MAX];
        for (slice, plane) in slices.iter_mut().zip(&self.planes) {
            *slice = &plane[..frames];
        }
        read(Block::Planar(&slices[..self.planes.len().min(CHANNELS_MAX)]))
    }

    /// The piece as it is now, channel by channel.
    pub fn each_plane(&self, frames: usize, mut read: impl FnMut(usize, &[f32])) {
        for (channel, plane) in self.planes.iter().enumerate() {
            read(channel, &plane[..frames]);
        }
    }

    /// All that the analysis hears, or all that it does not.
    pub fn run(&mut self, is_heard: bool, frames: usize) {
        if frames == 0 {
            return;
        }
        for is_for_all in [false, true] {
            for index in 0..self.slots.len() {
                let place = self.slots[index].place;
                if place.is_heard == is_heard && place.channel.is_none() == is_for_all {
                    if let Some(mark) = &self.mark {
                        mark(self.slots[index].id);
                    }
                    self.slots[index].run(&mut self.planes, frames, self.fade_frames);
                }
            }
        }
    }

    /// After the last piece of a block: fades that are over have their effect.
    pub fn settle(&mut self) {
        let mut index = 0;
        while index < self.slots.len() {
            if self.slots[index].left > 0 || self.returned.vacant_len() < 2 {
                index += 1;
                continue;
            }
            if let Some(old) = self.slots[index].old.take() {
                self.give_back(old);
            }
            let Goal::Dry(then) = self.slots[index].goal else {
                index += 1;
                continue;
            };
            self.slots[index].goal = Goal::Dry(Then::Stay);
            match then {
                Then::Stay => index += 1,
                Then::Lend => {
                    if let Some(unit) = self.slots[index].unit.take() {
                        self.give_back(unit);
                    }
                    index += 1;
                }
                Then::Remove => {
                    let mut slot = self.slots.remove(index);
                    if let Some(unit) = slot.unit.take() {
                        self.give_back(unit);
                    }
                }
                Then::Shift { place, before } => {
                    let mut slot = self.slots.remove(index);
                    slot.place = place;
                    if let Some(unit) = &mut slot.unit {
                        unit.cool();
                    }
                    if !slot.is_bypassed {
                        slot.fade_to(Goal::Unit, self.fade_frames);
                    }
                    // Where it went further back, another has come here.
                    let position = self.insert(slot, before);
                    index += usize::from(position < index);
                }
            }
        }
    }

    fn apply(&mut self, edit: Edit) {
        let fade_frames = self.fade_frames;
        match edit {
            Edit::Insert { unit, .. } if self.slots.len() >= SLOTS_MAX => self.give_back(unit),
            Edit::Insert { slot, place, before, unit, bypass } => {
                let mut new = Slot::new(slot, place, unit, bypass);
                if !bypass {
                    new.fade_to(Goal::Unit, fade_frames);
                }
                self.insert(new, before);
            }
            Edit::Replace { slot, name, unit } => {
                let Some(found) = self.find(slot) else { return self.give_back(unit) };
                found.id = name;
                // Where nothing played it is faded in from the sound before it.
                found.old = found.unit.replace(unit);
                if !found.is_bypassed {
                    found.fade_to(Goal::Unit, fade_frames);
                }
            }
            Edit::Bypass { slot, on } => {
                self.bypass(slot, on);
            }
            Edit::Remove { slot } => self.fade_out(slot, Then::Remove),
            Edit::Lend { slot } => self.fade_out(slot, Then::Lend),
            Edit::Shift { slot, place, before } => {
                self.fade_out(slot, Then::Shift { place, before });
            }
            Edit::Set(step) => self.set(step),
        }
    }

    /// False while it fades.
    pub fn bypass(&mut self, slot: SlotId, on: bool) -> bool {
        let fade_frames = self.fade_frames;
        let Some(found) = self.find(slot).filter(|found| found.is_bypassed != on) else {
            return true;
        };
        if found.is_busy() {
            return false;
        }
        found.is_bypassed = on;
        found.fade_to(if on { Goal::Dry(Then::Stay) } else { Goal::Unit }, fade_frames);
        true
    }

    fn fade_out(&mut self, slot: SlotId, then: Then) {
        let fade_frames = self.fade_frames;
        let Some(found) = self.find(slot) else { return };
        let is_dry = found.is_bypassed || found.unit.is_none();
        found.fade_to(Goal::Dry(then), if is_dry { 0 } else { fade_frames });
    }

    pub fn set(&mut self, step: Move) {
        if let Some(unit) = self.find(step.slot).and_then(|slot| slot.unit.as_mut()) {
            unit.set(step.parameter, step.value, step.frames);
        }
    }

    fn find(&mut self, id: SlotId) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.id == id)
    }

    #[expect(clippy::disallowed_methods, reason = "the room for all slots is there from the start")]
    fn insert(&mut self, slot: Slot, before: Option<SlotId>) -> usize {
        let follower = before.and_then(|id| self.slots.iter().position(|slot| slot.id == id));
        let position = follower.unwrap_or(self.slots.len());
        self.slots.insert(position, slot);
        position
    }

    fn give_back(&mut self, mut unit: Box<Unit>) {
        unit.stop();
        if let Err(unit) = self.returned.try_push(unit) {
            // There was room for it before it was taken out; to leak is better than to free here.
            std::mem::forget(unit);
        }
    }
}

/// An edit waits until the one before it in its slot is over, one that names a neighbour for all
/// that move, and a new slot for the room of those that leave.
fn waits(slots: &[Slot], edit: &Edit) -> bool {
    let is_order = matches!(edit, Edit::Insert { .. } | Edit::Shift { .. });
    let needs_room = matches!(edit, Edit::Insert { .. }) && SLOTS_MAX <= slots.len();
    let is_set = matches!(edit, Edit::Set(_));
    slots.iter().any(|slot| {
        let is_its = slot.id == edit.slot() && !is_set;
        is_its && slot.is_busy()
            || is_order && slot.is_shifting()
            || needs_room && slot.is_leaving()
    })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run on threads that may")]
mod tests;
