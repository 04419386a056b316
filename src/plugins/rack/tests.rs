//! The rack with real plug-ins and the audio thread's side of its ring, played by the test. What
//! needs a process is left to the suite. On the threads of tests.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ringbuf::HeapProd;
use ringbuf::traits::Producer;

use super::*;
use crate::plugins::chain::{Chains, Move, chains};
use crate::plugins::unit::testing::sine;
use crate::ring::Block;

const RATE_HZ: u32 = 48_000;

struct Rig {
    rack: Rack,
    chains: Chains,
    moves: HeapProd<Move>,
    channels: usize,
    now: Instant,
}

impl Rig {
    fn new(channels: usize, wanted: &Plugins) -> Self {
        let rack = Rack::new(PathBuf::from("no such program"), wanted.clone());
        let (chains, mut ends) = chains(channels, RATE_HZ);
        let moves = ends.moves.take().expect("nobody took it");
        let mut rig = Self { rack, chains, moves, channels, now: Instant::now() };
        rig.rack.attach(ends);
        rig
    }

    /// Another source.
    fn attach(&mut self, channels: usize) {
        let (chains, mut ends) = chains(channels, RATE_HZ);
        (self.chains, self.channels) = (chains, channels);
        self.moves = ends.moves.take().expect("nobody took it");
        self.rack.attach(ends);
    }

    fn change(&mut self, wanted: &Plugins) {
        self.rack.prepare(wanted).expect("all of it is there");
        self.rack.commit();
    }

    /// On each channel the last tenth of a second of so much.
    fn run(&mut self, samples: &[f32]) -> Vec<Vec<f32>> {
        let mut heard = vec![Vec::new(); self.channels];
        for piece in samples.chunks(480) {
            self.rack.tend(self.now);
            self.chains.obey();
            let frames = self.chains.load(Block::Planar(&vec![piece; self.channels]), 0);
            self.chains.run(true, frames);
            self.chains.run(false, frames);
            self.chains.each_plane(frames, |channel, plane| heard[channel].extend(plane));
            self.chains.settle();
        }
        heard.into_iter().map(|plane| plane[plane.len() - 4800..].to_vec()).collect()
    }

    /// What a steady 0.1 becomes on each channel, in dB.
    fn gains_db(&mut self) -> Vec<f32> {
        let heard = self.run(&[0.1; 24_000]);
        heard.iter().map(|plane| (200.0 * (plane[4799] / 0.1).log10()).round() / 10.0).collect()
    }

    fn gain_db(&mut self) -> f32 {
        self.gains_db()[0]
    }

    /// As a mapping moves it.
    fn set(&mut self, name: &str, symbol: &str, value: f32) {
        let board = self.rack.board();
        let card = board.iter().find(|card| card.name == name).expect("it is there");
        let parameter = card.find(symbol).expect("it has that");
        let step = card.step(parameter, value, 480).expect("it has that");
        assert!(self.moves.try_push(step).is_ok());
    }

    /// As if the audio thread had found what is no sound.
    fn mute(&mut self, index: usize) {
        self.rack.elements[index].status.is_muted.store(true, Ordering::Relaxed);
    }

    fn tend_after(&mut self, ms: u64) -> Vec<i32> {
        self.now += Duration::from_millis(ms);
        self.rack.tend(self.now);
        self.rack.take_news().into_iter().map(|news| news.code).collect()
    }
}

fn slot(name: &str, uri: &str, set: &[(&str, f32)]) -> Slot {
    Slot {
        uri: uri.to_owned(),
        name: name.to_owned(),
        channel: None,
        bypass: false,
        trusted: false,
        preset: None,
        set: set.iter().map(|&(symbol, value)| (symbol.to_owned(), value)).collect(),
        state: None,
    }
}

fn gain(name: &str, gain_db: f32) -> Slot {
    slot(name, "affectd:gain", &[("gain_db", gain_db)])
}

fn plugins(slots: &[Slot]) -> Plugins {
    Plugins { tap: 0, slots: slots.to_vec() }
}

#[test]
fn what_is_wanted_plays() {
    let mut rig = Rig::new(1, &plugins(&[gain("a", -6.0), gain("b", 3.0)]));
    assert_eq!(rig.gain_db(), -3.0);
    rig.change(&plugins(&[gain("b", 3.0), gain("c", 1.0)]));
    assert_eq!(rig.gain_db(), 4.0);
    rig.change(&plugins(&[]));
    assert_eq!(rig.gain_db(), 0.0);
    assert!(rig.rack.retired.is_empty() && rig.rack.take_news().is_empty());
}

#[test]
fn values_and_bypass_of_what_stays_follow_the_configuration() {
    let (a, b) = (gain("a", -6.0), gain("b", 3.0));
    let mut rig = Rig::new(1, &plugins(&[a.clone(), b.clone()]));
    let serials = |rig: &Rig| rig.rack.elements.iter().map(|one| one.serial).collect::<Vec<_>>();
    let before = serials(&rig);
    rig.change(&plugins(&[gain("a", -9.0), b.clone()]));
    assert_eq!(rig.gain_db(), -6.0);
    rig.change(&plugins(&[gain("a", -9.0), Slot { bypass: true, ..b.clone() }]));
    assert_eq!(rig.gain_db(), -9.0);
    // What is no longer said is the plug-in's own value again.
    rig.change(&plugins(&[slot("a", "affectd:gain", &[]), b]));
    assert_eq!((rig.gain_db(), serials(&rig)), (3.0, before));
}

#[test]
fn what_cannot_be_built_changes_nothing() {
    let mut rig = Rig::new(1, &plugins(&[gain("a", -6.0)]));
    assert!(rig.rack.take_board().is_some());
    let wrong = [gain("a", 0.0), gain("b", 0.0), slot("x", "affectd:nothing", &[])];
    let (name, _) = rig.rack.prepare(&plugins(&wrong)).expect_err("it is not there");
    rig.rack.commit();
    assert_eq!((name.as_str(), rig.gain_db()), ("x", -6.0));
    let wrong = slot("a", "affectd:gain", &[("loudness", 1.0)]);
    assert!(rig.rack.prepare(&plugins(&[Slot { channel: Some(0), ..wrong }])).is_err());
    assert!(rig.rack.take_board().is_none() && rig.rack.take_news().is_empty());
}

#[test]
fn values_that_were_moved_go_along_with_their_slot() {
    let (a, b) = (gain("a", 0.0), slot("b", "affectd:gain", &[]));
    let mut rig = Rig::new(2, &plugins(&[a.clone(), b.clone()]));
    rig.set("b", "gain_db", -12.0);
    rig.change(&plugins(&[b.clone(), a.clone()]));
    assert_eq!(rig.gains_db(), [-12.0, -12.0]);
    rig.change(&Plugins { tap: 2, ..plugins(&[a.clone(), b.clone()]) });
    assert_eq!(rig.gains_db(), [-12.0, -12.0]);
    // Another chain has another number of copies, so it is built anew.
    rig.change(&plugins(&[a.clone(), Slot { channel: Some(1), ..b.clone() }]));
    assert_eq!(rig.gains_db(), [0.0, -12.0]);
    rig.change(&plugins(&[a, Slot { set: vec![("gain_db".to_owned(), -3.0)], ..b }]));
    assert_eq!(rig.gains_db(), [-3.0, -3.0]);
}

#[test]
fn moves_between_the_two_steps_are_not_lost() {
    let (a, b) = (gain("a", -6.0), slot("b", "affectd:gain", &[]));
    let mut rig = Rig::new(1, &plugins(std::slice::from_ref(&b)));
    rig.rack.prepare(&plugins(&[a, Slot { channel: Some(0), ..b }])).expect("all is there");
    rig.set("b", "gain_db", -1.0);
    rig.rack.commit();
    assert_eq!(rig.gain_db(), -7.0);
}

#[test]
fn what_is_saved_is_what_was_set() {
    let mut rig = Rig::new(1, &plugins(&[gain("a", -6.0), slot("b", "affectd:gate", &[])]));
    rig.set("b", "hold_ms", 50.0);
    rig.set("a", "gain_db", -7.0);
    let saved: Vec<_> = rig.rack.save().into_iter().map(|one| (one.name, one.set)).collect();
    let set = |name: &str, symbol: &str, value| (name.to_owned(), vec![(symbol.to_owned(), value)]);
    assert_eq!(saved, [set("a", "gain_db", -7.0), set("b", "hold_ms", 50.0)]);
    // The configuration that was saved is the one that plays, values and all.
    let serials: Vec<_> = rig.rack.elements.iter().map(|element| element.serial).collect();
    rig.change(&plugins(&[gain("a", -7.0), slot("b", "affectd:gate", &[("hold_ms", 50.0)])]));
    assert!(rig.rack.elements.iter().map(|element| element.serial).eq(serials));
    assert_eq!(rig.rack.board()[1].values.get(3), 50.0);
}

#[test]
fn another_source_has_the_same_plug_ins_with_their_values() {
    let there = Slot { channel: Some(1), ..gain("there", 6.0) };
    let mut rig = Rig::new(1, &plugins(&[gain("a", -6.0), there]));
    rig.set("a", "gain_db", -3.0);
    assert_eq!((rig.gain_db(), rig.rack.elements.len()), (-3.0, 1));
    rig.attach(2);
    assert_eq!(rig.gains_db(), [-3.0, 3.0]);
    rig.rack.prepare(&plugins(&[gain("a", -1.0)])).expect("all is there");
    rig.attach(1); // between the two steps
    rig.rack.commit();
    assert_eq!(rig.gain_db(), -1.0);
}

#[test]
fn without_a_source_nothing_is_built_until_one_comes() {
    let mut rack = Rack::new(PathBuf::new(), Plugins::default());
    rack.prepare(&plugins(&[gain("a", 0.0)])).expect("nothing is built");
    rack.commit();
    assert_eq!((rack.elements.len(), rack.save().len()), (0, 0));
    assert_eq!(rack.board()[0].condition, Condition::Missing);
    rack.attach(chains(1, RATE_HZ).1);
    assert_eq!(rack.board()[0].condition, Condition::Runs);
}

#[test]
fn what_is_missing_is_left_out_and_told_and_holds_nothing_up() {
    let missing = slot("x", "affectd:nothing", &[("gain_db", 1.0)]);
    let run = [slot("y", "urn:not-there", &[]), slot("z", "urn:not-there", &[])];
    let all = [vec![missing.clone(), gain("a", -6.0)], run.to_vec()].concat();
    let mut rig = Rig::new(1, &plugins(&all));
    let names: Vec<_> = rig.rack.take_news().into_iter().map(|news| news.name).collect();
    assert_eq!(names, ["x", "y", "z"]);
    let conditions: Vec<_> = rig.rack.board().iter().map(|card| card.condition as u8).collect();
    assert_eq!((rig.gain_db(), conditions), (-6.0, vec![2, 0, 2, 2]));
    rig.change(&plugins(&[gain("a", -3.0), missing]));
    assert_eq!(rig.gain_db(), -3.0);
    assert!(rig.rack.prepare(&plugins(&run)).is_err(), "they are new again");
}

#[test]
fn what_failed_is_built_again_with_its_values_and_ever_later() {
    let mut rig = Rig::new(1, &plugins(&[slot("a", "affectd:gain", &[]), gain("b", 0.0)]));
    rig.set("a", "gain_db", -6.0);
    assert_eq!(rig.gain_db(), -6.0);
    for wait_ms in [500, 1000, 2000] {
        rig.mute(0);
        assert_eq!(rig.tend_after(0), [2]);
        assert_eq!(rig.gain_db(), 0.0);
        assert_eq!(rig.rack.board()[0].condition, Condition::Down);
        assert_eq!(rig.tend_after(wait_ms - 1), [0; 0]);
        assert_eq!(rig.tend_after(1), [1]);
        assert_eq!(rig.gain_db(), -6.0);
    }
    assert!(rig.rack.retired.is_empty());
}

#[test]
fn what_failed_is_told_to_run_again_if_another_source_comes_first() {
    let mut rig = Rig::new(1, &plugins(&[gain("a", -6.0), slot("x", "affectd:nothing", &[])]));
    rig.rack.take_news();
    rig.mute(0);
    assert_eq!(rig.tend_after(0), [2]);
    rig.attach(1);
    assert_eq!(rig.tend_after(0), [0, 1], "x is left out again, a runs");
    assert_eq!(rig.gain_db(), -6.0);
    rig.attach(1);
    assert_eq!(rig.tend_after(1000), [0], "a did not fail");
}

#[test]
fn edits_wait_for_a_source_that_stands_still_and_none_is_lost() {
    let mut rig = Rig::new(1, &plugins(&[gain("a", -6.0)]));
    for round in 0..400_u16 {
        rig.change(&plugins(&[gain("a", -f32::from(round % 7)), gain("b", -1.0)]));
    }
    assert_eq!(rig.gain_db(), -1.0); // 399 % 7 is 0
}

#[cfg(feature = "lv2")]
#[test]
fn a_trusted_plug_in_of_another_format_plays_among_ours() {
    let uri = "http://lv2plug.in/plugins/eg-amp";
    let amp = Slot { trusted: true, ..slot("amp", uri, &[("gain", -6.0)]) };
    let mut rig = Rig::new(2, &plugins(&[gain("a", -3.0), amp.clone()]));
    assert_eq!(rig.gains_db(), [-9.0, -9.0]);
    rig.set("amp", "gain", -12.0);
    rig.change(&plugins(&[amp, gain("a", -3.0)]));
    assert_eq!((rig.gains_db(), rig.rack.save()[0].set.len()), (vec![-15.0, -15.0], 1));
}

/// Always the same numbers below `count`.
struct Random(u32);

impl Random {
    fn below(&mut self, count: u16) -> u16 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223); // Numerical Recipes
        u16::try_from((self.0 >> 16) % u32::from(count)).unwrap()
    }

    fn slot(&mut self, name: &str) -> Slot {
        let number = f32::from(self.below(4));
        let slot = match self.below(4) {
            0 => slot(name, "affectd:compressor", &[("threshold_db", -12.0 * number)]),
            1 => slot(name, "affectd:limiter", &[("ceiling_db", -6.0 * number - 3.0)]),
            2 => slot(name, "affectd:high_pass", &[("frequency_hz", 300.0 * number + 100.0)]),
            _ => gain(name, 4.0 * number - 8.0),
        };
        let channel = [None, None, Some(0), Some(1)][usize::from(self.below(4))];
        Slot { channel, bypass: self.below(5) == 0, ..slot }
    }

    /// Some go, some come, some move.
    fn change(&mut self, plugins: &mut Plugins) {
        for name in ["a", "b", "c", "d", "e", "f"] {
            let index = plugins.slots.iter().position(|slot| slot.name == name);
            let before = index.filter(|_| self.below(3) > 0).map(|at| plugins.slots.remove(at));
            if index.is_none() || self.below(2) == 0 {
                let slot = before.unwrap_or_else(|| self.slot(name));
                plugins.slots.retain(|slot| slot.name != name);
                let at = self.below(u16::try_from(plugins.slots.len()).unwrap() + 1);
                plugins.slots.insert(usize::from(at), slot);
            }
        }
        plugins.tap = usize::from(self.below(u16::try_from(plugins.slots.len()).unwrap() + 1));
    }
}

#[test]
fn any_change_sounds_like_a_chain_that_was_so_from_the_start() {
    let (mut random, mut wanted) = (Random(1), Plugins::default());
    let mut rig = Rig::new(2, &wanted);
    let samples = sine(48_000);
    for round in 0..25 {
        random.change(&mut wanted);
        rig.change(&wanted);
        let (changed, fresh) = (rig.run(&samples), Rig::new(2, &wanted).run(&samples));
        for (changed, fresh) in changed.iter().flatten().zip(fresh.iter().flatten()) {
            assert!((changed - fresh).abs() < 1e-3, "{round}: {changed} {fresh}\n{wanted:#?}");
        }
        let board = rig.rack.board();
        assert!(board.iter().map(|card| &card.name).eq(wanted.slots.iter().map(|one| &one.name)));
        assert!(board.iter().all(|card| card.condition == Condition::Runs));
        assert!(rig.rack.retired.is_empty(), "{round}: all that went has come back");
    }
}
