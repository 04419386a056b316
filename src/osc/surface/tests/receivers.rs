//! Who receives, on what terms: leases, caps, dead bands, ranges, profiles, and who may say so.

use super::*;

/// The first arguments of the messages with this address.
fn firsts(heard: &[OscMessage], address: &str) -> Vec<OscType> {
    let of = heard.iter().filter(|message| message.addr == address);
    of.map(|message| message.args[0].clone()).collect()
}

fn moved(sequence: u32, arousal: f32) -> Update {
    let mut update = update(1, sequence);
    update.dimensions.arousal = arousal;
    update
}

#[test]
fn a_lease_ends_unless_renewed_and_pong_says_what_is_left() {
    let mut stage = Stage::new(false);
    stage.ask("/ser/subscribe", &["".into(), int(0), "core".into(), float(0.0), float(10.0)]);
    stage.now += Duration::from_secs(6);
    assert_eq!(stage.ask("/ser/ping", &[])[0].args, [int(1), float(10.0)]);
    stage.now += Duration::from_secs(10);
    stage.surface.tick(stage.now);
    stage.hop(&update(1, 1));
    assert_eq!(names(&stage.heard()), [""; 0]);
    assert_eq!(stage.ask("/ping", &[])[0].args, [int(0), float(0.0)]);
}

#[test]
fn what_a_subscription_cannot_have_is_named() {
    let mut stage = Stage::new(false);
    let own = int(i32::from(stage.listen.port()));
    assert_eq!(stage.error("/ser/subscribe", &["".into(), own.clone()]), -17);
    assert_eq!(stage.error("/ser/reply_port", &[own]), -17);
    let mut with = |groups: &str, hz, lease, profile: &str| {
        let arguments = ["".into(), int(0), groups.into(), float(hz), float(lease), profile.into()];
        stage.error("/ser/subscribe", &arguments)
    };
    assert_eq!(with("core,emb", 0.0, 75.0, ""), -18);
    assert_eq!(with("kore", 0.0, 75.0, ""), -7);
    assert_eq!(with("core", -1.0, 75.0, ""), -4);
    assert_eq!(with("core", 30.0, 1.0, ""), -4);
    assert_eq!(with("core", 10.0, 75.0, "lamp"), -7);
}

#[test]
fn subscribers_are_listed_and_can_leave() {
    let mut stage = Stage::new(true);
    let port = i32::from(stage.patch.local_addr().expect("bound").port());
    let heard = stage.ask("/ser/subscribers", &[]);
    let expected = [
        int(1),
        "127.0.0.1".into(),
        int(port),
        "core,seg,trig,event,health".into(),
        float(0.0),
        float(-1.0),
        "plain".into(),
    ];
    assert_eq!(heard[0].args, expected);
    assert_eq!(heard[1].args[2], int(1));
    assert_eq!(stage.error("/ser/unsubscribe", &[int(1)]), -6);
    stage.ask("/ser/subscribe", &["".into(), int(1)]);
    let heard = stage.ask("/ser/subscribers/clear", &[]);
    assert_eq!(heard.last().expect("an answer").args[2], int(1));
    assert_eq!(stage.ask("/ser/subscribers", &[]).len(), 2);
}

#[test]
fn a_cap_lets_the_latest_pass_and_a_step_after_rest_at_once() {
    let mut stage = Stage::new(false);
    stage.ask("/ser/subscribe", &["".into(), int(0), "core".into(), float(4.0)]);
    let mut arrived = Vec::new();
    for hop in 0..10u32 {
        stage.hop(&moved(hop, hop as f32 / 10.0));
        arrived.extend(firsts(&stage.heard(), "/ser/ch/1/t"));
        stage.now += Duration::from_millis(100);
    }
    // 4 Hz: one in 250 ms, so every third of the hops of 100 ms.
    assert_eq!(arrived, [0, 3, 6, 9].map(int));
    // What was held back leaves by itself when it may, with the latest values.
    stage.hop(&moved(10, 0.75));
    assert_eq!(names(&stage.heard()), [""; 0]);
    stage.now += Duration::from_millis(250);
    stage.surface.flush(stage.now);
    let heard = stage.heard();
    assert_eq!(firsts(&heard, "/ser/ch/1/t"), [int(10)]);
    assert_eq!(firsts(&heard, "/ser/ch/1/dim/arousal"), [float(0.75)]);
    stage.surface.flush(stage.now + Duration::from_secs(1));
    assert_eq!(names(&stage.heard()), [""; 0]);
}

#[test]
fn a_flag_that_a_cap_held_back_is_not_lost() {
    let mut stage = Stage::new(false);
    stage.ask("/ser/subscribe", &["".into(), int(0), "core".into(), float(4.0)]);
    stage.hop(&update(1, 0));
    stage.heard();
    let mut silent = update(1, 1);
    silent.voice_on = false;
    stage.hop(&silent);
    silent.sequence = 2;
    stage.hop(&silent);
    stage.now += Duration::from_millis(250);
    stage.surface.flush(stage.now);
    assert_eq!(firsts(&stage.heard(), "/ser/ch/1/voice/on"), [int(0)]);
}

#[test]
fn a_dead_band_holds_back_what_has_hardly_moved() {
    let mut stage = Stage::new(false);
    stage.ask("/ser/subscribe", &["".into(), int(0), "core".into()]);
    stage.ask("/ser/sub/1/deadband", &[float(0.1)]);
    let mut arrived = Vec::new();
    for (hop, arousal) in (0..).zip([0.5, 0.55, 0.59, 0.61, 0.55, 0.2]) {
        stage.hop(&moved(hop, arousal));
        arrived.extend(firsts(&stage.heard(), "/ser/ch/1/dim/arousal"));
    }
    // 0.61 is the first more than 0.1 from 0.5, and 0.2 from 0.61.
    assert_eq!(arrived, [0.5, 0.61, 0.2].map(float));
    // Nothing at all moved: no bundle, not even the time.
    stage.hop(&moved(7, 0.2));
    assert_eq!(names(&stage.heard()), [""; 0]);
}

#[test]
fn a_bipolar_receiver_gets_dimensions_around_zero_and_classes_as_they_are() {
    let mut stage = Stage::new(false);
    stage.ask("/ser/subscribe", &[]);
    stage.ask("/ser/sub/1/range", &["bipolar".into()]);
    stage.hop(&moved(1, 0.625));
    let heard = stage.heard();
    assert_eq!(firsts(&heard, "/ser/ch/1/dim/arousal"), [float(0.25)]);
    assert_eq!(firsts(&heard, "/ser/ch/1/class/happy"), [float(0.7)]);
    // Who asks is told on the scale of the reference.
    assert_eq!(stage.ask("/ser/ch/1/dim/arousal", &[])[0].args, [float(0.625)]);
    assert_eq!(stage.error("/ser/sub/1/range", &["polar".into()]), -4);
}

#[test]
fn a_receiver_has_a_root_of_its_own_and_can_be_switched_off() {
    let mut stage = Stage::new(false);
    stage.ask("/ser/subscribe", &[]);
    stage.ask("/ser/sub/1/root", &["/stage/left".into()]);
    stage.hop(&update(1, 1));
    assert_eq!(names(&stage.heard())[0], "/stage/left/ch/1/t");
    assert_eq!(stage.ask("/ser/sub/1/root", &[])[0].args, ["/stage/left".into()]);
    assert_eq!(stage.error("/ser/sub/1/root", &["/St*ge".into()]), -4);
    stage.ask("/ser/sub/1/enabled", &[int(0)]);
    stage.hop(&update(1, 2));
    stage.surface.health(&report(HealthState::Running));
    assert_eq!(names(&stage.heard()), ["/stage/left/heartbeat"]);
    stage.ask("/ser/sub/1/root", &["".into()]);
    stage.ask("/ser/sub/1/enabled", &[float(1.0)]);
    stage.hop(&update(1, 3));
    assert_eq!(names(&stage.heard())[0], "/ser/ch/1/t");
}

#[test]
fn groups_decide_what_leaves() {
    let mut stage = Stage::new(false);
    stage.ask("/ser/subscribe", &["".into(), int(0), "vec text".into()]);
    stage.hop(&update(1, 1));
    let heard = stage.heard();
    let expected = ["/ser/ch/1/top/label", "/ser/ch/1/quadrant/name", "/ser/ch/1/classes"];
    assert_eq!(names(&heard), expected);
    assert_eq!(heard[2].args, [0.7, 0.2, 0.1].map(float));
    stage.ask("/ser/sub/1/groups", &["raw".into()]);
    stage.hop(&update(1, 2));
    let raw = ["happy", "sad", "unknown"].map(|label| format!("/ser/ch/1/raw/class/{label}"));
    assert_eq!(names(&stage.heard()), raw);
    assert_eq!(stage.ask("/ser/sub/*/groups", &[])[0].args, ["raw".into()]);
}

#[test]
fn two_receivers_of_one_shape_share_a_view_and_a_third_does_not() {
    let mut stage = Stage::new(true);
    for port in [40_001, 40_002] {
        stage.ask("/ser/subscribe", &["".into(), int(port), "core".into()]);
    }
    assert_eq!(stage.surface.views.len(), 2);
    stage.ask("/ser/sub/3/profile", &["flat".into()]);
    assert_eq!(stage.surface.views.len(), 3);
    stage.ask("/ser/unsubscribe", &[int(3)]);
    assert_eq!(stage.surface.views.len(), 2);
}

#[test]
fn strangers_name_only_themselves() {
    let allow = "allow = [\"192.0.2.64/26\"]";
    let mut stage = Stage::configured(false, allow);
    let mut subscribe = |from: &str, host: &str| {
        let from = Endpoint::Udp(from.parse().expect("an address"));
        let arguments = vec![host.into(), int(9000)];
        stage.send_from(from, OscMessage { addr: "/ser/subscribe".into(), args: arguments });
        stage.surface.receivers.len()
    };
    assert_eq!(subscribe("192.0.2.1:5000", "192.0.2.9"), 0);
    assert_eq!(subscribe("192.0.2.1:5000", ""), 1);
    assert_eq!(subscribe("192.0.2.65:5000", "192.0.2.9"), 2);
    assert_eq!(subscribe("127.0.0.1:5000", "192.0.2.10"), 3);
}

#[test]
fn a_stranger_is_answered_at_most_three_times_as_long() {
    let mut stage = Stage::new(false);
    // From a network address nothing is heard back here: what would have been sent is counted.
    let stranger = Endpoint::Udp("192.0.2.1:9".parse().expect("an address"));
    let counters = stage.surface.counters();
    for address in ["/ser/list", "/ser/model/card", "/x", "/ser/health/*"] {
        let before = (counters.withheld.load(Relaxed), counters.sent.load(Relaxed));
        stage.send_from(stranger, OscMessage { addr: address.into(), args: vec![] });
        let sent = stage.surface.datagrams.iter().map(<[u8]>::len).sum::<usize>();
        let withheld = counters.withheld.load(Relaxed) - before.0;
        let asked = 4 * (address.len() / 4 + 1) + 4;
        assert!(withheld == 1 || sent <= 3 * asked, "{address}: {sent} bytes for {asked}");
    }
    // One who is subscribed is known to want it.
    stage.send_from(stranger, OscMessage { addr: "/ser/subscribe".into(), args: vec![] });
    let before = counters.withheld.load(Relaxed);
    stage.send_from(stranger, OscMessage { addr: "/ser/list".into(), args: vec![] });
    assert_eq!(counters.withheld.load(Relaxed), before);
}

#[test]
fn permanent_receivers_are_handed_out_to_be_saved() {
    let mut stage = Stage::new(false);
    assert_eq!(stage.surface.take_unsaved(), None);
    let arguments = ["".into(), int(9000), "core".into(), float(30.0), float(-1.0), "max".into()];
    let heard = stage.ask("/ser/subscribe", &arguments);
    assert_eq!(heard[0].args[3], float(-1.0));
    let saved = stage.surface.take_unsaved().expect("one to be saved");
    assert_eq!((saved[0].port, saved[0].max_hz, saved[0].profile.as_str()), (9000, 30.0, "max"));
    assert_eq!(stage.surface.take_unsaved(), None);
    stage.ask("/ser/sub/1/deadband", &[float(0.01)]);
    assert_eq!(stage.surface.take_unsaved().expect("it changed")[0].deadband, 0.01);
    stage.ask("/ser/unsubscribe", &[int(1)]);
    assert_eq!(stage.surface.take_unsaved(), Some(vec![]));
}

#[test]
fn events_tell_who_came_and_went() {
    let mut stage = Stage::new(true);
    let heard = stage.ask("/ser/subscribe", &["".into(), int(9000)]);
    assert_eq!(firsts(&heard, "/ser/event/client"), [int(1)]);
    let heard = stage.ask("/ser/subscribe", &["".into(), int(9000)]);
    assert_eq!(firsts(&heard, "/ser/event/client"), [], "who renews did not come");
    stage.now += Duration::from_secs(76);
    stage.surface.tick(stage.now);
    let heard = stage.heard();
    assert_eq!(heard[0].args[..2], [int(0), "127.0.0.1:9000".into()]);
}

#[test]
fn a_profile_without_strings_gets_the_code_of_an_event_alone() {
    let mut stage = Stage::new(false);
    let arguments = ["".into(), int(0), "".into(), float(0.0), float(75.0), "touchdesigner".into()];
    stage.ask("/ser/subscribe", &arguments);
    let (subject, text) = ("usb".to_string(), "lost".to_string());
    stage.surface.event(&Event { kind: EventKind::Device, code: 0, subject, text });
    assert_eq!(stage.heard()[0].args, [int(0)]);
}
