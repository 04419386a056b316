//! From what plays to what is wanted: builds what is new of it, and sends the edits that lead
//! there. On the plug-in thread.

use std::time::Instant;

use crate::config::slots::{Plugins, Slot};
use crate::plugins::chain::{Edit, Move, Place, SlotId};
use crate::plugins::rack::element::{Element, Member, Refusal, Workshop};
use crate::plugins::rack::line::Line;
use crate::plugins::rack::plan::{Plan, is_same, plan};
use crate::plugins::rack::{BACK, LOST, Prepared, Rack};
use crate::plugins::unit::Unit;
use crate::plugins::wire::Wire;

/// Values that the configuration sets glide there in so many seconds.
const GLIDE_S: f64 = 0.02;

/// An element of what comes next.
pub enum Next {
    /// The one that plays in this slot.
    Keep(SlotId, Plan),
    /// The unit first, as it is to be dropped first.
    New(Box<Unit>, Box<Element>, Plan),
}

impl Next {
    fn plan(&self) -> &Plan {
        match self {
            Self::Keep(_, plan) | Self::New(_, _, plan) => plan,
        }
    }

    fn kept(&self) -> Option<SlotId> {
        match self {
            Self::Keep(slot, _) => Some(*slot),
            Self::New(..) => None,
        }
    }
}

impl Rack {
    /// Builds what is new of it; nothing is heard of that yet. What could not be built when the
    /// source came is not tried again.
    pub fn prepare(&mut self, wanted: &Plugins) -> Result<(), Refusal> {
        self.prepared = None;
        let elements = match self.wire {
            Some(_) => Some(self.next(wanted, &self.members(), Self::refuse)?),
            None => None,
        };
        self.prepared = Some(Prepared { wanted: wanted.clone(), elements });
        Ok(())
    }

    /// What was prepared holds from here on.
    pub fn commit(&mut self) {
        let Some(Prepared { wanted, elements }) = self.prepared.take() else { return };
        self.wanted = wanted;
        match elements {
            Some(next) => self.play(next),
            // Another source came in between; or none has come yet.
            None => self.play_what_can_be_built(&self.members()),
        }
    }

    /// What cannot be built is left out, and told.
    pub(super) fn play_what_can_be_built(&mut self, carried: &[Member]) {
        let wanted = self.wanted.clone();
        // Nothing is refused by `leave_out`.
        let next = self.next(&wanted, carried, Self::leave_out).unwrap_or_default();
        self.play(next);
    }

    /// All that plays, or played until it failed.
    fn members(&self) -> Vec<Member> {
        self.elements.iter().flat_map(|element| element.members.iter().map(Member::same)).collect()
    }

    fn next(
        &mut self,
        wanted: &Plugins,
        carried: &[Member],
        fail: fn(&mut Self, &mut Plan, Refusal) -> Result<(), Refusal>,
    ) -> Result<Vec<Next>, Refusal> {
        let Some(channels) = self.wire.as_ref().map(Wire::channels) else { return Ok(Vec::new()) };
        let is_missing = |slot: &Slot| {
            self.missing.iter().any(|one| is_same(one, slot) && one.state == slot.state)
        };
        let mut next = Vec::new();
        for mut plan in plan(wanted, channels, is_missing) {
            if let Some(same) = self.elements.iter().find(|one| one.is_what(&plan)) {
                next.push(Next::Keep(same.slot, plan));
                continue;
            }
            let slot = self.new_slot();
            while !plan.members.is_empty() {
                match self.build(slot, &plan, carried) {
                    Ok((unit, element)) => {
                        next.push(Next::New(unit, Box::new(element), plan));
                        break;
                    }
                    Err(refusal) => fail(self, &mut plan, refusal)?,
                }
            }
        }
        Ok(next)
    }

    fn refuse(&mut self, _: &mut Plan, refusal: Refusal) -> Result<(), Refusal> {
        Err(refusal)
    }

    fn leave_out(&mut self, plan: &mut Plan, (name, error): Refusal) -> Result<(), Refusal> {
        let index = plan.members.iter().position(|spec| spec.name == name).unwrap_or(0);
        let spec = plan.members.remove(index);
        self.tell(LOST, &spec.name, format!("left out: {error}"));
        self.missing.push(spec);
        Ok(())
    }

    pub(super) fn build(
        &mut self,
        slot: SlotId,
        plan: &Plan,
        carried: &[Member],
    ) -> Result<(Box<Unit>, Element), Refusal> {
        let (channels, rate_hz) =
            self.wire.as_ref().map_or((1, 48_000), |wire| (wire.channels(), wire.rate_hz()));
        let (formats, program) = (&mut self.formats, self.program.as_path());
        Workshop { formats, program, channels, rate_hz }.build(slot, plan, carried)
    }

    fn play(&mut self, next: Vec<Next>) {
        self.has_changed = true;
        let wanted = &self.wanted.slots;
        self.missing.retain(|one| wanted.iter().any(|slot| is_same(one, slot)));
        let mut old = std::mem::take(&mut self.elements);
        let members: Vec<_> =
            old.iter().flat_map(|one| one.members.iter().map(Member::same)).collect();
        let mut lines = lines(&old, &next);
        for next in next.into_iter().rev() {
            let place = next.plan().place;
            let Some(line) = lines.iter_mut().find(|line| line.place == place) else { continue };
            let before = line.follower;
            let element = match next {
                Next::Keep(slot, plan) => {
                    let index = old.iter().position(|element| element.slot == slot);
                    let Some(index) = index else { continue };
                    if !line.keeps(slot) {
                        self.push(Edit::Shift { slot, place, before });
                    }
                    let mut element = old.remove(index);
                    element.place = place;
                    self.follow(&mut element, &plan);
                    element
                }
                Next::New(mut unit, element, plan) => {
                    element.catch_up(&members, &mut unit);
                    let bypass = plan.is_bypassed();
                    let slot = element.slot;
                    if let Some(old) = line.take_heir() {
                        self.push(Edit::Replace { slot: old, name: slot, unit });
                        self.push(Edit::Bypass { slot, on: bypass });
                    } else {
                        self.push(Edit::Insert { slot, place, before, unit, bypass });
                    }
                    *element
                }
            };
            line.follower = Some(element.slot);
            self.elements.push(element);
        }
        self.elements.reverse();
        for slot in lines.iter().flat_map(Line::going) {
            self.push(Edit::Remove { slot });
        }
        self.retired.append(&mut old);
    }

    /// One that stays goes to the values and the bypass that are wanted now.
    fn follow(&mut self, element: &mut Element, plan: &Plan) {
        let slot = element.slot;
        self.push(Edit::Bypass { slot, on: plan.is_bypassed() });
        let bypass_offset = element.bypass_offset();
        for (index, (member, spec)) in element.members.iter_mut().zip(&plan.members).enumerate() {
            for (symbol, value) in member.changes(spec) {
                let found = member.parameters.iter().position(|one| one.symbol == symbol);
                let Some(parameter) = found else { continue };
                let value = member.parameters[parameter].nearest(value);
                member.values.set(parameter, value);
                self.set(slot, member.offset + parameter, value);
            }
            if !plan.is_here && spec.bypass != member.spec.bypass {
                self.set(slot, bypass_offset + index, f32::from(u8::from(spec.bypass)));
            }
            member.spec = spec.clone();
        }
    }

    fn set(&mut self, slot: SlotId, parameter: usize, value: f32) {
        let rate_hz = self.wire.as_ref().map_or(0, Wire::rate_hz);
        let frames = crate::units::to_count(GLIDE_S * f64::from(rate_hz));
        let frames = u32::try_from(frames).unwrap_or(0);
        self.push(Edit::Set(Move { slot, parameter, value, frames }));
    }

    /// Another instance in the place of one that failed, with its values.
    pub(super) fn rebuild(&mut self, index: usize, now: Instant) {
        let (begun, old) = (Instant::now(), &self.elements[index]);
        let (plan, slot) = (old.plan(), old.slot);
        let carried: Vec<_> = old.members.iter().map(Member::same).collect();
        let built = self.build(slot, &plan, &carried);
        let now = now + begun.elapsed();
        match built {
            Ok((mut unit, mut element)) => {
                element.catch_up(&carried, &mut unit);
                self.push(Edit::Replace { slot, name: slot, unit });
                let old = &mut self.elements[index];
                std::mem::swap(&mut element.trouble, &mut old.trouble);
                element.trouble.built(now);
                let old = std::mem::replace(old, element);
                self.retired.push(old);
                self.tell(BACK, &plan.members[0].name, "runs again".to_owned());
            }
            Err((name, error)) => {
                let wait = self.elements[index].trouble.failed(now);
                let text = format!("{error}; tried again in {} s", wait.as_secs_f32());
                self.tell(LOST, &name, text);
            }
        }
        self.has_changed = true;
    }

    fn new_slot(&mut self) -> SlotId {
        self.last_slot = self.last_slot.wrapping_add(1);
        self.last_slot
    }
}

/// One for each place that is in use, or will be.
fn lines(old: &[Element], next: &[Next]) -> Vec<Line> {
    let mut places: Vec<Place> = Vec::new();
    let used = old.iter().map(|element| element.place);
    for place in used.chain(next.iter().map(|next| next.plan().place)) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let is_kept = |slot| next.iter().any(|next| next.kept() == Some(slot));
    let line = |place| {
        let here = old.iter().filter(|element| element.place == place);
        let playing: Vec<_> = here.map(|element| element.slot).collect();
        let here = next.iter().filter(|next| next.plan().place == place);
        let wanted: Vec<_> = here.filter_map(Next::kept).collect();
        Line::new(place, &playing, &wanted, is_kept)
    };
    places.into_iter().map(line).collect()
}
