//! What a patch asks for, and what it hears.

use proptest::prelude::*;

use super::*;
use crate::osc::address::{Address, TABLE};

fn is_answer(message: &&OscMessage) -> bool {
    message.addr == "/ser/ok" || message.addr == "/ser/error"
}

#[test]
fn a_value_is_told_to_the_asker_alone() {
    let mut stage = Stage::new(false);
    stage.hop(&update(2, 0));
    let heard = stage.ask("/ser/ch/2/dim/valence", &[]);
    assert_eq!(names(&heard), ["/ser/ch/2/dim/valence"]);
    assert_eq!(heard[0].args, [float(0.75)]);
}

#[test]
fn a_pattern_asks_for_many_values_at_once() {
    let mut stage = Stage::new(false);
    let heard = stage.ask("/ser/ch/*/dim/{arousal,valence}", &[]);
    assert_eq!(
        names(&heard),
        [
            "/ser/ch/1/dim/arousal",
            "/ser/ch/1/dim/valence",
            "/ser/ch/2/dim/arousal",
            "/ser/ch/2/dim/valence",
        ]
    );
}

#[test]
fn a_pattern_that_fits_only_verbs_is_refused() {
    let mut stage = Stage::new(false);
    assert_eq!(stage.error("/ser/qui?", &[]), -6);
    assert_eq!(stage.error("/ser/nothing*", &[]), -2);
    assert_eq!(stage.error("/ser/ch/[", &[]), -2);
    assert_eq!(stage.error("/ser/subscribers/*", &[]), -6);
    assert_eq!(stage.error("/ser/pin?", &[int(1)]), -6);
}

#[test]
fn a_request_id_comes_back_with_the_answer() {
    let mut stage = Stage::new(false);
    let heard = stage.ask("/ser/req", &[int(42), "/ser/version".into()]);
    assert_eq!(heard[0].args[..2], ["/ser/version".into(), int(42)]);
    let heard = stage.ask("/ser/req", &[int(43), "/ser/mute".into()]);
    assert_eq!(names(&heard), ["/ser/mute", "/ser/ok"]);
    let heard = stage.ask("/ser/req", &[int(44), "/ser/no".into()]);
    assert_eq!(heard[0].args[..3], ["/ser/no".into(), int(44), int(-2)]);
}

#[test]
fn errors_name_what_is_wrong() {
    let mut stage = Stage::new(false);
    assert_eq!(stage.error("/elsewhere", &[]), -2);
    assert_eq!(stage.error("/ser/ch/3/conf", &[]), -2);
    assert_eq!(stage.error("/ser/event/device", &[]), -2);
    assert_eq!(stage.error("/ser/ch/1/conf", &[float(1.0)]), -3);
    assert_eq!(stage.error("/ser/mute", &["yes".into()]), -3);
    assert_eq!(stage.error("/ser/mute", &[int(2)]), -4);
    assert_eq!(stage.error("/ser/model/window_s", &[float(9.0)]), -4);
    assert_eq!(stage.error("/ser/reply_port", &[int(70_000)]), -4);
    assert_eq!(stage.error("/ser/unsubscribe", &[int(9)]), -7);
}

#[test]
fn answers_of_others_are_never_answered() {
    let mut stage = Stage::new(false);
    for address in ["/ser/error", "/other/ok", "/ser/pong", "/ser/model/card/item"] {
        assert_eq!(names(&stage.ask(address, &[int(1)])), [""; 0]);
    }
    assert_eq!(stage.surface.counters().ignored.load(Relaxed), 4);
}

#[test]
fn a_refusal_of_the_engine_changes_nothing() {
    let mut stage = Stage::new(false);
    stage.send(OscMessage { addr: "/ser/model/window_s".to_string(), args: vec![float(2.0)] });
    let pending = stage.pending.pop().expect("the engine is asked");
    let Request::Adopt { state, .. } = &pending.request else { panic!("{pending:?}") };
    assert_eq!(state.config.model.window_s, Some(2.0));
    let fault = Fault::new(Code::NotNow, "the model is being loaded");
    stage.surface.answer(pending.ticket, Err(fault), stage.now);
    assert_eq!(names(&stage.heard()), ["/ser/error"]);
    assert_eq!(stage.ask("/ser/model/window_s", &[])[0].args, [float(3.0)]);
}

#[test]
fn success_of_the_engine_changes_the_value() {
    let mut stage = Stage::new(false);
    assert_eq!(names(&stage.ask("/ser/model/window_s", &[int(2)])), ["/ser/ok"]);
    assert_eq!(stage.ask("/ser/model/window_s", &[])[0].args, [float(2.0)]);
    assert_eq!(stage.ask("/ser/config/get", &["model.window_s".into()])[0].args[2], float(2.0));
}

#[test]
fn a_sync_comes_after_the_answers_before_it() {
    let mut stage = Stage::new(false);
    stage.send(OscMessage { addr: "/ser/voice/on_ms".to_string(), args: vec![int(50)] });
    stage.send(OscMessage { addr: "/ser/sync".to_string(), args: vec![int(5)] });
    assert_eq!(names(&stage.heard()), [""; 0]);
    stage.agree();
    let heard = stage.heard();
    assert_eq!(names(&heard), ["/ser/ok", "/ser/synced", "/ser/ok"]);
    assert_eq!(heard[1].args, [int(5)]);
}

#[test]
fn replies_go_to_the_reply_port() {
    let mut stage = Stage::new(false);
    let other = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    other.set_read_timeout(Some(SILENCE)).expect("a good socket");
    let port = int(i32::from(other.local_addr().expect("bound").port()));
    assert_eq!(names(&stage.ask("/ser/reply_port", &[port])), [""; 0]);
    assert_eq!(names(&stage.ask("/ser/version", &[])), [""; 0]);
    let mut packet = [0; 2048];
    let replies = std::iter::from_fn(|| other.recv(&mut packet).ok()).count();
    assert_eq!(replies, 2);
}

#[test]
fn the_card_and_the_labels_are_told() {
    let mut stage = Stage::new(false);
    let heard = stage.ask("/ser/model/card", &[]);
    assert_eq!(names(&heard), ["/ser/model/card/item", "/ser/model/card/item", "/ser/ok"]);
    assert_eq!(heard[1].args, ["rate".into(), "16000".into()]);
    assert_eq!(stage.ask("/ser/labels", &[])[0].args[2..], LABELS.map(OscType::from));
}

#[test]
fn the_list_names_every_row_of_the_table() {
    let mut stage = Stage::new(true);
    let heard = stage.ask("/ser/list", &[]);
    let listed: Vec<_> =
        heard.iter().filter(|m| m.addr == "/ser/item").map(|m| &m.args[0]).collect();
    let is_there = |row: &&Address| !row.path.contains("<t"); // no trigger, nothing taught
    for row in TABLE.iter().filter(is_there) {
        let name = OscType::String(row.full("/ser", 2, "sad", 1));
        assert!(listed.contains(&&name), "{name} is not listed");
    }
    assert_eq!(heard.last().expect("ok").args[2], int(i32::try_from(listed.len()).expect("few")));
    assert_eq!(stage.ask("/ser/list", &["/ser/ch/2/dim".into()]).len(), 3 + 1);
}

#[test]
fn every_row_of_the_table_is_dispatched() {
    for instance in all_instances("/ser", &identity(), &[1]) {
        if matches!(instance.row.role, Role::Event(_) | Role::Segment(_) | Role::Reply) {
            continue;
        }
        let heard = Stage::new(true).ask(&instance.name, &[]);
        let is_unknown = heard.iter().any(|m| m.addr == "/ser/error" && m.args[2] == int(-2));
        assert!(!heard.is_empty() && !is_unknown, "{}: {heard:?}", instance.name);
    }
}

#[test]
fn quit_is_for_this_machine_and_who_knows_the_token() {
    let mut stage = Stage::configured(false, "token = \"open sesame\"");
    let stranger = Endpoint::Udp("192.0.2.1:9".parse().expect("an address"));
    let message =
        |addr: &str, args: &[OscType]| OscMessage { addr: addr.into(), args: args.into() };
    stage.send_from(stranger, message("/ser/quit", &[]));
    stage.send_from(stranger, message("/ser/token", &["open says me".into()]));
    stage.send_from(stranger, message("/ser/quit", &[]));
    assert!(stage.pending.is_empty());
    stage.send_from(stranger, message("/ser/token", &["open sesame".into()]));
    stage.send_from(stranger, message("/ser/quit", &[]));
    assert!(matches!(stage.pending.pop().expect("allowed").request, Request::Quit));
    stage.send(message("/ser/quit", &[]));
    assert!(matches!(stage.pending.pop().expect("allowed").request, Request::Quit));
}

#[test]
fn what_comes_later_says_so() {
    let mut stage = Stage::new(false);
    for address in ["/ser/ch/1/emb", "/ser/ch/2/words", "/ser/record/list"] {
        assert_eq!(stage.error(address, &[]), -18, "{address}");
    }
}

#[test]
fn a_pattern_sets_all_or_nothing() {
    let mut stage = Stage::new(false);
    let heard = stage.ask("/ser/voice/o{n,ff}_ms", &[float(250.0)]);
    assert_eq!(names(&heard), ["/ser/ok"]);
    assert_eq!(stage.ask("/ser/voice/on_ms", &[])[0].args, [int(250)]);
    assert_eq!(stage.ask("/ser/voice/off_ms", &[])[0].args, [int(250)]);
    // A threshold has no 250, so the others stay too.
    assert_eq!(stage.error("/ser/voice/*", &[int(250)]), -4);
    assert_eq!(stage.ask("/ser/voice/floor_db", &[])[0].args, [float(-60.0)]);
}

#[test]
fn a_trace_shows_what_comes_and_hides_secrets() {
    let mut stage = Stage::new(false);
    stage.ask("/ser/dump", &[int(2)]);
    let heard = stage.ask("/ser/voice/threshold", &[float(0.25)]);
    assert_eq!(names(&heard), ["/ser/trace", "/ser/ok"]);
    assert_eq!(heard[0].args[1..], ["/ser/voice/threshold".into(), "0.25".into()]);
    for (address, arguments) in [
        ("/ser/token", vec!["mine".into()]),
        ("/ser/req", vec![int(1), "/ser/token".into(), "mine".into()]),
        ("/ser/config/set", vec!["osc.token".into(), "mine".into()]),
    ] {
        assert_eq!(stage.ask(address, &arguments)[0].args[2], "(hidden)".into());
    }
    let (from, text) = (Endpoint::Udp(stage.listen), "no OSC".to_string());
    stage.surface.handle(Inbound::Malformed { from, text }, stage.now);
    assert_eq!(stage.heard()[0].args[1..], ["(malformed)".into(), "no OSC".into()]);
    stage.ask("/ser/dump", &[int(0)]);
    assert_eq!(names(&stage.ask("/ser/version", &[])), ["/ser/ok"]);
}

#[test]
fn without_consent_nothing_leaves_and_nothing_is_told() {
    let mut stage = Stage::new(true);
    stage.hop(&update(1, 0));
    stage.heard();
    let heard = stage.ask("/ser/consent", &[int(0)]);
    let told = |name| heard.iter().find(|message| message.addr == name).expect(name).args.clone();
    assert_eq!(told("/ser/ch/1/voice/on"), [int(0)]);
    assert_eq!(told("/ser/event/consent")[0], int(0));
    stage.hop(&update(1, 1));
    stage.surface.health(&report(HealthState::Muted));
    let allowed = |name: &&str| name.starts_with("/ser/health") || *name == "/ser/heartbeat";
    assert!(names(&stage.heard()).iter().all(allowed));
    assert_eq!(stage.ask("/ser/ch/1/dim/arousal", &[])[0].args, [float(0.5)]);
    let heard = stage.ask("/ser/subscribe", &["".into(), int(0), "core,raw,vec,text".into()]);
    let arousal = heard.iter().find(|message| message.addr == "/ser/ch/1/dim/arousal");
    assert_eq!(arousal.expect("a snapshot of silence").args, [float(0.5)]);
    stage.ask("/ser/consent", &[int(1)]);
    stage.hop(&update(1, 2));
    assert!(names(&stage.heard()).contains(&"/ser/ch/1/dim/arousal"));
}

#[test]
fn a_notice_comes_in_the_language_that_was_asked_for() {
    let mut stage = Stage::new(false);
    for (language, word) in [("", "voices"), ("de", "Stimmen"), ("fr", "voix")] {
        let heard = stage.ask("/ser/consent/notice", &[language.into()]);
        assert!(matches!(&heard[0].args[2], OscType::String(text) if text.contains(word)));
    }
    assert_eq!(stage.error("/ser/consent/notice", &["xx".into()]), -7);
}

#[test]
fn a_flood_of_errors_gets_ten_and_one_with_the_number_of_the_rest() {
    let mut stage = Stage::new(false);
    (0..50).for_each(|_| stage.send(OscMessage { addr: "/nonsense".to_string(), args: vec![] }));
    assert_eq!(stage.heard().len(), 10);
    stage.surface.tick(stage.now + Duration::from_secs(1));
    let heard = stage.heard();
    assert_eq!(heard[0].args[2], int(-9));
    assert!(matches!(&heard[0].args[3], OscType::String(text) if text.starts_with("40 errors")));
}

#[test]
fn packets_from_our_own_address_are_not_obeyed() {
    let mut stage = Stage::new(false);
    let from = Endpoint::Udp(stage.listen);
    stage.send_from(from, OscMessage { addr: "/ser/quit".to_string(), args: vec![] });
    assert!(stage.pending.is_empty());
    assert_eq!(stage.surface.counters().ignored.load(Relaxed), 1);
}

fn any_argument() -> impl Strategy<Value = OscType> {
    prop_oneof![
        any::<i32>().prop_map(OscType::Int),
        (0..3i32).prop_map(OscType::Int),
        any::<f32>().prop_map(OscType::Float),
        "[a-z/*\\[{,]{0,12}".prop_map(OscType::String),
        any::<bool>().prop_map(OscType::Bool),
        any::<f64>().prop_map(OscType::Double),
        any::<i64>().prop_map(OscType::Long),
        proptest::collection::vec(any::<u8>(), 0..9).prop_map(OscType::Blob),
        Just(OscType::Nil),
    ]
}

/// Addresses of the table, near them, and far from them; none that is an answer or a value.
fn any_address() -> impl Strategy<Value = String> {
    let row = (0..TABLE.len()).prop_map(|index| TABLE[index].full("/ser", 1, "sad", 1));
    let pattern = "/ser/[a-z?*\\[\\]{},!-]{0,12}";
    prop_oneof![3 => row, 1 => pattern, 1 => "/[a-z/]{0,20}"]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..Default::default()
    })]

    /// A value that is asked for answers itself; everything else gets `ok` or `error`, once.
    #[test]
    fn every_command_gets_exactly_one_answer(
        address in any_address(),
        arguments in proptest::collection::vec(any_argument(), 0..5),
        wrapped in any::<bool>(),
    ) {
        let mut stage = Stage::new(false);
        let is_reply = TABLE.iter().any(|r| r.role == Role::Reply && address.ends_with(r.path));
        prop_assume!(wrapped || !is_reply);
        // The answer would go to the port that was named, where nobody listens here.
        prop_assume!(!address.contains("repl") || arguments.is_empty());
        let heard = if wrapped {
            let wrapped = [vec![int(7), address.as_str().into()], arguments].concat();
            stage.ask("/ser/req", &wrapped)
        } else {
            stage.ask(&address, &arguments)
        };
        let answers = heard.iter().filter(is_answer).count();
        let is_value = !wrapped && answers == 0 && !heard.is_empty();
        prop_assert!(answers == 1 || is_value, "{} answers in {:?}", answers, heard);
    }
}
