//! A chain with plug-ins of known answers while it is edited. On the threads of tests.

use std::sync::Arc;

use super::*;
use crate::plugins::processor::Processor;
use crate::plugins::unit::testing::{RATE_HZ, Shows, boxed, digit, each, plus, sine, times, unit};

/// The fade at [`RATE_HZ`].
const FADE_FRAMES: usize = 960;

/// -60 dBFS.
const CLICK: f32 = 0.001;

const ALL: Place = Place { channel: None, is_heard: false };

struct Rig {
    chains: Chains,
    ends: Ends,
}

impl Rig {
    fn new(channels: usize) -> Self {
        let (chains, ends) = chains(channels, RATE_HZ);
        Self { chains, ends }
    }

    fn push(&mut self, edit: Edit) {
        assert!(self.ends.edits.try_push(edit).is_ok(), "no room for an edit");
    }

    /// At the end.
    fn insert(&mut self, slot: SlotId, work: Box<dyn Processor>) {
        self.insert_before(slot, None, work);
    }

    fn insert_before(&mut self, slot: SlotId, before: Option<SlotId>, work: Box<dyn Processor>) {
        self.push(Edit::Insert { slot, place: ALL, before, unit: boxed(work), bypass: false });
    }

    fn replace(&mut self, slot: SlotId, work: Box<dyn Processor>) {
        self.push(Edit::Replace { slot, name: slot, unit: boxed(work) });
    }

    fn run(&mut self, samples: &[f32], block: usize) -> Vec<f32> {
        let mut heard = Vec::new();
        for piece in samples.chunks(block) {
            self.chains.obey();
            let frames = self.chains.load(Block::Planar(&[piece]), 0);
            self.chains.run(true, frames);
            self.chains.run(false, frames);
            self.chains.each_plane(frames, |_, plane| heard.extend_from_slice(plane));
            self.chains.settle();
        }
        heard
    }

    /// Until all edits have been made.
    fn settle(&mut self) {
        while !self.chains.edits.is_empty() || self.chains.slots.iter().any(Slot::is_busy) {
            self.run(&[0.0; 480], 480);
        }
    }

    fn heard(&mut self, sample: f32) -> f32 {
        self.settle();
        self.run(&[sample], 1)[0]
    }

    /// The slots that sound in the order in which sound runs through them, by [`digit`].
    fn order(&mut self) -> Vec<u32> {
        let mut number = f64::from(self.heard(0.0));
        let mut order = Vec::new();
        while number > 1e-6 {
            number *= 16.0;
            let digit = (number + 1e-6).floor();
            number -= digit;
            order.push(u32::try_from(crate::units::to_count(digit)).unwrap());
        }
        order.reverse();
        order
    }

    /// Serials of what came back.
    fn returned(&mut self) -> Vec<u64> {
        std::iter::from_fn(|| self.ends.returned.try_pop()).map(|unit| unit.serial).collect()
    }
}

/// Through a gain of a half; then the edits; the shares of the dry sound that are expected, by the
/// frames since then.
fn check_fade(edit: impl Fn(&mut Rig), expected: impl Fn(usize) -> f32) {
    for block in [1, 64, 480, 960, 8192] {
        let mut rig = Rig::new(1);
        rig.insert(1, times(0.5));
        rig.settle();
        let samples = sine(6000);
        edit(&mut rig);
        let heard = rig.run(&samples, block);
        for (frame, (heard, dry)) in heard.iter().zip(&samples).enumerate() {
            let residual = heard - expected(frame) * dry;
            assert!(residual.abs() < CLICK / 100.0, "{block}: {frame} is {residual} off");
        }
        // The bends at the ends of the fade are all that is added.
        assert!(sharpest(&heard) < 1.25 * sharpest(&samples), "{block}: {}", sharpest(&heard));
    }
}

/// The largest second difference.
fn sharpest(samples: &[f32]) -> f32 {
    let bend = |three: &[f32]| (three[0] - 2.0 * three[1] + three[2]).abs();
    samples.windows(3).map(bend).fold(0.0, f32::max)
}

/// From this to that within the fade, linearly.
fn fade(from: f32, to: f32) -> impl Fn(usize) -> f32 {
    move |frame| {
        let done = ((frame + 1) as f32 / FADE_FRAMES as f32).min(1.0);
        from + done * (to - from)
    }
}

#[test]
fn what_is_put_in_fades_in_whatever_the_blocks() {
    check_fade(|rig| rig.insert(2, times(0.2)), fade(0.5, 0.1));
}

#[test]
fn what_is_taken_out_or_passed_by_fades_out() {
    check_fade(|rig| rig.push(Edit::Remove { slot: 1 }), fade(0.5, 1.0));
    check_fade(|rig| rig.push(Edit::Bypass { slot: 1, on: true }), fade(0.5, 1.0));
}

#[test]
fn one_plug_in_fades_into_another() {
    check_fade(|rig| rig.replace(1, times(0.25)), fade(0.5, 0.25));
}

#[test]
fn what_is_lent_fades_out_and_in_again_when_it_is_back() {
    check_fade(|rig| rig.push(Edit::Lend { slot: 1 }), fade(0.5, 1.0));
    let mut rig = Rig::new(1);
    rig.insert(1, times(0.5));
    rig.push(Edit::Lend { slot: 1 });
    assert_eq!(rig.heard(1.0), 1.0);
    let unit = rig.ends.returned.try_pop().expect("it was lent");
    rig.push(Edit::Replace { slot: 1, name: 1, unit });
    assert_eq!(rig.heard(1.0), 0.5);
    assert!(rig.returned().is_empty());
}

#[test]
fn an_edit_waits_for_the_fade_of_the_one_before() {
    for block in [64, 480, 1000] {
        let mut rig = Rig::new(1);
        rig.insert(1, times(0.5));
        for edit in [true, false, true, false] {
            rig.push(Edit::Bypass { slot: 1, on: edit });
        }
        rig.replace(1, times(0.25));
        rig.push(Edit::Remove { slot: 1 });
        rig.insert(2, times(0.5));
        let samples = sine(9000);
        let heard = rig.run(&samples, block);
        assert!(sharpest(&heard) < 1.25 * sharpest(&samples), "{block}");
        rig.settle();
        assert_eq!(rig.returned().len(), 2, "{block}");
    }
}

#[test]
fn a_shift_is_heard_as_two_fades() {
    let mut rig = Rig::new(1);
    rig.insert(1, times(0.5));
    rig.insert(2, times(0.5));
    rig.settle();
    rig.push(Edit::Shift { slot: 1, place: ALL, before: None });
    let samples = sine(6000);
    let heard = rig.run(&samples, 480);
    assert!(sharpest(&heard) < 1.25 * sharpest(&samples));
    let there = |frame: usize| (heard[frame] - 0.5 * samples[frame]).abs() < CLICK;
    let back = |frame: usize| (heard[frame] - 0.25 * samples[frame]).abs() < CLICK;
    assert!(there(FADE_FRAMES - 1) && back(2 * FADE_FRAMES));
}

#[test]
fn what_fades_in_after_another_plug_in_came_while_it_was_passed_by_comes_from_the_sound_before() {
    check_fade(
        |rig| {
            rig.push(Edit::Bypass { slot: 1, on: true });
            rig.settle();
            rig.replace(1, times(0.25));
            rig.push(Edit::Bypass { slot: 1, on: false });
            rig.run(&[0.0], 1); // the old one goes at the end of a block
        },
        fade(1.0, 0.25),
    );
}

#[test]
fn what_is_passed_by_moves_all_the_same_and_is_heard_there() {
    let mut rig = Rig::new(1);
    (1..=3).for_each(|slot| rig.insert(slot, digit(slot)));
    rig.push(Edit::Bypass { slot: 1, on: true });
    assert_eq!(rig.order(), [2, 3]);
    rig.push(Edit::Shift { slot: 1, place: ALL, before: Some(3) });
    rig.push(Edit::Bypass { slot: 1, on: false });
    assert_eq!(rig.order(), [2, 1, 3]);
}

#[test]
fn sound_runs_through_each_channel_s_then_all_s_and_the_tap_lies_behind_what_is_heard() {
    let mut rig = Rig::new(2);
    let mut insert = |slot, channel: Option<usize>, is_heard, make: fn() -> Box<dyn Processor>| {
        let unit = Box::new(unit(channel.map_or(2, |_| 1), [1, 1], make));
        let place = Place { channel, is_heard };
        rig.push(Edit::Insert { slot, place, before: None, unit, bypass: false });
    };
    insert(1, None, false, || times(3.0));
    insert(2, Some(1), false, || plus(0.5));
    insert(3, None, true, || times(2.0));
    insert(4, Some(0), true, || plus(1.0));
    rig.settle();
    rig.chains.load(Block::Planar(&[&[1.0], &[10.0]]), 0);
    rig.chains.run(true, 1);
    let heard = |sound: Block| [sound.sample(0, 0), sound.sample(0, 1)];
    assert_eq!(rig.chains.with_sound(1, heard), [4.0, 20.0]); // (1 + 1) · 2, 10 · 2
    rig.chains.run(false, 1);
    assert_eq!(rig.chains.with_sound(1, heard), [12.0, 61.5]); // 4 · 3, (20 + 0.5) · 3
}

#[test]
fn several_are_in_the_right_order_when_all_have_moved() {
    let mut rig = Rig::new(1);
    (1..=5).for_each(|slot| rig.insert(slot, digit(slot)));
    assert_eq!(rig.order(), [1, 2, 3, 4, 5]);
    for (slot, before) in [(1, None), (2, Some(1)), (3, Some(2)), (4, Some(3)), (5, Some(4))] {
        rig.push(Edit::Shift { slot, place: ALL, before });
    }
    assert_eq!(rig.order(), [5, 4, 3, 2, 1]);
}

#[test]
fn any_edits_lead_to_the_order_that_they_say() {
    let mut seed = 1_u32;
    let mut random = |count: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223); // Numerical Recipes
        (seed >> 16) % count
    };
    let (mut rig, mut slots, mut bypassed) = (Rig::new(1), Vec::new(), Vec::new());
    let (mut put_in, mut came_back) = (0, Vec::new());
    for _ in 0..300 {
        // Slots are 1 to 6, so one that is not there is named now and then.
        let (slot, neighbour) = (random(6) + 1, random(6) + 1);
        let before = slots.contains(&neighbour).then_some(neighbour);
        let is_there = slots.contains(&slot);
        let place_of = |slots: &[u32]| slots.iter().position(|one| Some(*one) == before);
        match random(5) {
            0 | 1 if !is_there => {
                slots.insert(place_of(&slots).unwrap_or(slots.len()), slot);
                rig.insert_before(slot, before, digit(slot));
                put_in += 1;
            }
            1 if before != Some(slot) => {
                if is_there {
                    slots.retain(|one| *one != slot);
                    slots.insert(place_of(&slots).unwrap_or(slots.len()), slot);
                }
                rig.push(Edit::Shift { slot, place: ALL, before });
            }
            2 => {
                slots.retain(|one| *one != slot);
                bypassed.retain(|one| *one != slot);
                rig.push(Edit::Remove { slot });
            }
            3 => {
                rig.replace(slot, digit(slot));
                put_in += 1;
            }
            _ => {
                let on = random(2) == 0;
                bypassed.retain(|one| *one != slot);
                bypassed.extend((on && is_there).then_some(slot));
                rig.push(Edit::Bypass { slot, on });
            }
        }
        if random(4) == 0 {
            let expected = slots.iter().copied().filter(|slot| !bypassed.contains(slot));
            assert_eq!(rig.order(), expected.collect::<Vec<_>>());
            came_back.extend(rig.returned());
        }
    }
    rig.settle();
    came_back.extend(rig.returned());
    assert_eq!(came_back.len() + slots.len(), put_in);
    came_back.sort_unstable();
    came_back.dedup();
    assert_eq!(came_back.len() + slots.len(), put_in);
}

#[test]
fn units_are_freed_by_who_takes_them_and_nowhere_else() {
    let mut rig = Rig::new(1);
    let alive = Arc::new(());
    let work = || {
        let own = Arc::clone(&alive);
        each(move |sample| sample + 0.0 * Arc::strong_count(&own) as f32)
    };
    rig.insert(1, work());
    rig.insert(2, work());
    rig.replace(1, work());
    rig.push(Edit::Remove { slot: 2 });
    rig.replace(7, work()); // is not there
    rig.settle();
    assert_eq!(Arc::strong_count(&alive), 1 + 4);
    assert_eq!(rig.returned().len(), 3);
    assert_eq!(Arc::strong_count(&alive), 1 + 1);
}

#[test]
fn what_finds_no_slot_comes_back_and_what_others_leave_room_for_waits() {
    let mut rig = Rig::new(1);
    for slot in (0..).take(SLOTS_MAX + 1) {
        rig.insert(slot, times(1.0));
    }
    rig.settle();
    assert_eq!((rig.returned().len(), rig.chains.slots.len()), (1, SLOTS_MAX));
    rig.push(Edit::Remove { slot: 0 });
    rig.insert(1000, times(0.5));
    assert_eq!(rig.heard(1.0), 0.5);
    assert_eq!(rig.returned().len(), 1);
}

#[test]
fn a_ring_that_nobody_empties_holds_edits_up_and_loses_nothing() {
    let mut rig = Rig::new(1);
    rig.insert(1, times(0.5));
    let mut serials = 0;
    while !rig.ends.edits.is_full() {
        rig.replace(1, times(0.5));
        rig.run(&[0.0; 960], 960);
    }
    while !rig.chains.edits.is_empty() {
        serials += rig.returned().len();
        rig.run(&[0.0; 960], 960);
    }
    assert_eq!(rig.heard(1.0), 0.5);
    assert!(serials + rig.returned().len() > EDITS);
}

#[test]
fn a_parameter_is_moved_when_its_plug_in_is_there() {
    let mut rig = Rig::new(1);
    rig.insert(1, times(1.0));
    rig.settle();
    rig.push(Edit::Shift { slot: 1, place: ALL, before: None });
    rig.insert(2, Box::new(Shows(0.0))); // has to wait
    let moves = rig.ends.moves.as_mut().expect("nobody took it");
    let step = Move { slot: 2, parameter: 0, value: 3.0, frames: 0 };
    assert!(moves.try_push(step).is_ok());
    assert!(moves.try_push(Move { slot: 9, value: 9.0, ..step }).is_ok());
    assert_eq!(rig.heard(1.0), 3.0);
}

#[test]
fn a_move_that_was_meant_for_the_plug_in_before_goes_nowhere() {
    let mut rig = Rig::new(1);
    rig.insert(1, Box::new(Shows(0.0)));
    rig.settle();
    rig.push(Edit::Replace { slot: 1, name: 2, unit: boxed(Box::new(Shows(5.0))) });
    let moves = rig.ends.moves.as_mut().expect("nobody took it");
    assert!(moves.try_push(Move { slot: 1, parameter: 0, value: 3.0, frames: 0 }).is_ok());
    assert_eq!(rig.heard(1.0), 5.0);
}

#[test]
fn nothing_to_run_harms_nothing() {
    let mut none = Rig::new(0);
    none.push(Edit::Remove { slot: 1 });
    none.push(Edit::Insert {
        slot: 1,
        place: ALL,
        before: Some(7),
        unit: Box::new(unit(0, [1, 1], || times(1.0))),
        bypass: false,
    });
    none.chains.obey();
    none.chains.run(false, 64);
    none.chains.settle();
    let mut one = Rig::new(1);
    assert!(!one.chains.obey(), "no sound need be taken in");
    let place = Place { channel: Some(usize::MAX), is_heard: false };
    let unit = boxed(times(0.5));
    one.push(Edit::Insert { slot: 1, place, before: None, unit, bypass: false });
    assert_eq!(one.heard(1.0), 1.0);
    assert!(one.run(&[], 64).is_empty());
}
