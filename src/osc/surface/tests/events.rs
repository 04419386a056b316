//! Triggers and segments: what switches on switches off, and what begins ends.

use super::*;
use crate::messages::{Segment, SegmentEvent};

impl Stage {
    /// After a change of the configuration the daemon tells what it knows now.
    fn take_triggers(&mut self) {
        let triggers = &self.surface.running().config().triggers;
        let names = triggers.iter().map(|one| (one.source.channel, one.name.clone()));
        let identity = Identity { triggers: names.collect(), ..identity() };
        let knowledge = Knowledge { identity, ..self.surface.knowledge.clone() };
        self.surface.set_knowledge(knowledge);
    }

    fn add(&mut self, name: &str, source: &str, on: f32, off: f32) -> OscMessage {
        let arguments = [name.into(), source.into(), float(on), float(off)];
        let heard = self.ask("/ser/trigger/add", &arguments);
        self.take_triggers();
        heard.into_iter().find(|m| m.addr == "/ser/ok" || m.addr == "/ser/error").expect("one")
    }

    /// What was told of the trigger, after a hop with these states.
    fn told(&mut self, sequence: u32, is_on: &[bool], name: &str) -> Vec<OscType> {
        let mut update = update(1, sequence);
        for (index, is_on) in is_on.iter().enumerate() {
            update.triggers.set(index, *is_on);
        }
        self.hop(&update);
        let heard = self.heard().into_iter().filter(|message| message.addr == name);
        heard.flat_map(|message| message.args).collect()
    }
}

fn segment(id: u32) -> Segment {
    Segment { duration_s: 1.5, top: Some(1), ..Segment::just_begun(2, id) }
}

/// What a receiver hears of segments.
fn segments(heard: &[OscMessage]) -> Vec<(&str, OscType)> {
    let of_segment = heard.iter().filter(|message| message.addr.contains("/seg/"));
    of_segment
        .map(|message| (&message.addr["/ser/ch/2/seg/".len()..], message.args[0].clone()))
        .collect()
}

#[test]
fn a_trigger_is_added_listed_switched_and_removed() {
    let mut stage = Stage::new(true);
    assert_eq!(stage.add("loud", "level/norm", 0.8, 0.6).addr, "/ser/ok");
    stage.heard();
    let item = &stage.ask("/ser/trigger/list", &[])[0];
    let numbers = [0.8, 0.6, 0.0, 0.0].map(float);
    assert_eq!(item.args[..2], ["loud".into(), "level/norm".into()]);
    assert_eq!((&item.args[2..6], &item.args[6..]), (&numbers[..], &["none".into(), int(1)][..]));
    assert_eq!(stage.told(1, &[true], "/ser/ch/1/trig/loud"), [int(1)]);
    assert_eq!(stage.told(2, &[true], "/ser/ch/1/trig/loud"), []);
    assert_eq!(stage.ask("/ser/ch/1/trig/loud", &[])[0].args, [int(1)]);
    assert_eq!(stage.told(3, &[false], "/ser/ch/1/trig/loud"), [int(0)]);
    stage.told(4, &[true], "/ser/ch/1/trig/loud");
    stage.ask("/ser/trigger/remove", &["loud".into()]);
    stage.take_triggers();
    let heard = stage.heard();
    assert_eq!(names(&heard), ["/ser/ch/1/trig/loud"], "it goes off before it goes");
    assert_eq!(heard[0].args, [int(0)]);
    assert_eq!(stage.error("/ser/ch/1/trig/loud", &[]), -2);
}

#[test]
fn other_triggers_and_values_go_on_when_one_comes() {
    let mut stage = Stage::new(true);
    stage.add("loud", "level/norm", 0.8, 0.6);
    stage.told(1, &[true], "/ser/ch/1/trig/loud");
    stage.add("sad", "class/sad", 0.5, 0.4);
    stage.heard();
    assert_eq!(stage.ask("/ser/ch/1/trig/loud", &[])[0].args, [int(1)]);
    assert_eq!(stage.ask("/ser/ch/1/dim/valence", &[])[0].args, [float(0.75)]);
    assert_eq!(stage.told(2, &[true, true], "/ser/ch/1/trig/loud"), []);
    assert_eq!(stage.told(3, &[true, true], "/ser/ch/1/trig/sad"), []);
}

#[test]
fn wrong_triggers_are_refused_with_their_codes() {
    let mut stage = Stage::new(true);
    let mut code = |name: &str, source: &str, on: f32, off: f32| {
        let answer = stage.add(name, source, on, off);
        stage.heard();
        answer.args.get(2).and_then(|code| code.clone().int())
    };
    assert_eq!(code("a", "class/sad", 0.5, 0.4), None);
    assert_eq!(code("a", "class/sad", 0.5, 0.4), Some(-8));
    assert_eq!(code("b", "class/joyous", 0.5, 0.4), Some(-7));
    assert_eq!(code("joy", "teach/joy", 0.5, 0.4), None, "it may be taught later");
    assert_eq!(code("b", "arousal", 0.5, 0.5), Some(-4));
    assert_eq!(code("B!", "arousal", 0.5, 0.4), Some(-4));
    assert_eq!(code("b", "ch/3/arousal", 0.5, 0.4), Some(-4));
    assert_eq!(stage.error("/ser/trigger/remove", &["b".into()]), -7);
    assert_eq!(stage.error("/ser/trigger/enable", &["a".into(), int(2)]), -4);
}

#[test]
fn muting_switches_triggers_off_and_ends_segments() {
    let mut stage = Stage::new(true);
    stage.add("loud", "level/norm", 0.8, 0.6);
    stage.told(1, &[true], "/ser/ch/1/trig/loud");
    stage.surface.segment(&SegmentEvent::Start { channel: 2, id: 7, ago_s: 0.1 });
    stage.heard();
    let heard = stage.ask("/ser/mute", &[int(1)]);
    assert_eq!(segments(&heard), [("peak", int(7)), ("end", int(7))]);
    let off = heard.iter().find(|message| message.addr == "/ser/ch/1/trig/loud");
    assert_eq!(off.map(|message| &message.args[..]), Some(&[int(0)][..]));
    stage.surface.segment(&SegmentEvent::End(segment(7)));
    stage.surface.segment(&SegmentEvent::Start { channel: 2, id: 8, ago_s: 0.1 });
    stage.ask("/ser/mute", &[int(0)]);
    stage.surface.segment(&SegmentEvent::Part(segment(8)));
    assert_eq!(segments(&stage.heard()), [], "whose start was not told");
    assert_eq!(stage.told(2, &[true], "/ser/ch/1/trig/loud"), [int(1)]);
}

#[test]
fn a_segment_is_told_from_start_to_end() {
    let mut stage = Stage::new(true);
    stage.surface.segment(&SegmentEvent::Start { channel: 2, id: 1, ago_s: 0.25 });
    stage.surface.segment(&SegmentEvent::Part(segment(1)));
    stage.surface.segment(&SegmentEvent::End(segment(1)));
    let heard = stage.heard();
    let names = ["start", "part", "peak", "end"].map(|name| (name, int(1)));
    assert_eq!(segments(&heard), names);
    assert_eq!(heard[0].args, [int(1), float(0.25)]);
    assert_eq!(heard[3].args.len(), 8);
    assert_eq!((&heard[3].args[1], &heard[3].args[5]), (&float(1.5), &int(1)));
}

#[test]
fn no_cap_holds_a_trigger_back() {
    let mut stage = Stage::new(false);
    stage.add("loud", "level/norm", 0.8, 0.6);
    stage.ask("/ser/subscribe", &["".into(), int(0), "core,trig".into(), float(0.1)]);
    stage.told(1, &[false], "");
    for (sequence, is_on) in [(2, true), (3, false), (4, true)] {
        let told = stage.told(sequence, &[is_on], "/ser/ch/1/trig/loud");
        assert_eq!(told, [int(i32::from(is_on))], "hop {sequence}");
    }
    assert_eq!(stage.told(5, &[true], "/ser/ch/1/dim/arousal"), []);
}
