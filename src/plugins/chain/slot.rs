//! One slot of a chain on the audio thread: the plug-in in it, the one that it takes over from, and
//! the fade between what is heard and what shall be. When a fade begins and what follows it is
//! left to the chain. Never allocates, frees, locks, logs, waits or panics.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use crate::plugins::chain::{Place, SlotId};
use crate::plugins::unit::Unit;
use crate::ring::CHANNELS_MAX;

/// What a slot fades to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    Unit,
    /// The sound before it, and then this.
    Dry(Then),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Then {
    Stay,
    Remove,
    Shift { place: Place, before: Option<SlotId> },
    Lend,
}

/// A place in the chain, and the plug-in in it.
pub struct Slot {
    pub id: SlotId,
    pub place: Place,
    pub unit: Option<Box<Unit>>,
    /// The one that played before, until `unit` has taken over.
    pub old: Option<Box<Unit>>,
    pub is_bypassed: bool,
    pub goal: Goal,
    /// Frames of the fade that are left; 0 is at the goal.
    pub left: usize,
}

impl Slot {
    pub fn new(id: SlotId, place: Place, unit: Box<Unit>, is_bypassed: bool) -> Self {
        let goal = Goal::Dry(Then::Stay);
        Self { id, place, unit: Some(unit), old: None, is_bypassed, goal, left: 0 }
    }

    /// Something about it is not over yet.
    pub fn is_busy(&self) -> bool {
        let is_settled = matches!(self.goal, Goal::Unit | Goal::Dry(Then::Stay));
        self.left > 0 || self.old.is_some() || !is_settled
    }

    pub fn is_shifting(&self) -> bool {
        matches!(self.goal, Goal::Dry(Then::Shift { .. }))
    }

    pub fn is_leaving(&self) -> bool {
        self.goal == Goal::Dry(Then::Remove)
    }

    pub fn fade_to(&mut self, goal: Goal, frames: usize) {
        self.goal = goal;
        self.left = frames;
    }

    /// Both units run on while one goes over into the other, and a bypassed one too, so that its
    /// sound is that of now when it comes back.
    /// A fade waits until a plug-in's delay is over, for its sound begins there.
    pub fn run(&mut self, planes: &mut [Box<[f32]>], frames: usize, fade_frames: usize) {
        let range = match self.place.channel {
            None => 0..planes.len(),
            Some(channel) => channel..channel.saturating_add(1),
        };
        let Some(planes) = planes.get_mut(range) else {
            self.left = 0; // of a channel that is not there
            return;
        };
        let mut dry: [&[f32]; CHANNELS_MAX] = [&[]; CHANNELS_MAX];
        for (slice, plane) in dry.iter_mut().zip(planes.iter()) {
            *slice = &plane[..frames];
        }
        let dry = &dry[..planes.len().min(CHANNELS_MAX)];
        for unit in [&mut self.unit, &mut self.old].into_iter().flatten() {
            unit.render(dry, frames);
        }
        let is_at_start = self.goal == Goal::Unit && self.left == fade_frames;
        let is_cold = self.unit.as_ref().is_some_and(|unit| !unit.is_warm());
        let (left, ends) = match is_at_start && is_cold {
            true => (usize::MAX, self.left),
            false => (self.left, self.left.saturating_sub(frames)),
        };
        self.left = ends;
        let Some(unit) = &self.unit else { return };
        let is_at_unit = self.goal == Goal::Unit;
        for (channel, (plane, new)) in planes.iter_mut().zip(unit.out()).enumerate() {
            let (plane, new) = (&mut plane[..frames], &new[..frames]);
            match (is_at_unit, left) {
                (true, 0) => plane.copy_from_slice(new),
                (false, 0) => {}
                // Linear: what is faded between is mostly the same sound.
                (true, _) => {
                    let old = self.old.as_ref().and_then(|old| old.out().get(channel));
                    for (frame, sample) in plane.iter_mut().enumerate() {
                        let share = share(left, frame, fade_frames);
                        let from = old.map_or(*sample, |old| old[frame]);
                        *sample = from + (1.0 - share) * (new[frame] - from);
                    }
                }
                (false, _) => {
                    for (frame, sample) in plane.iter_mut().enumerate() {
                        *sample += share(left, frame, fade_frames) * (new[frame] - *sample);
                    }
                }
            }
        }
    }
}

/// What is left of the fade at this frame, 1 to 0.
fn share(left: usize, frame: usize, fade_frames: usize) -> f32 {
    left.saturating_sub(frame + 1).min(fade_frames) as f32 / fade_frames as f32
}
