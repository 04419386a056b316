//! The texts of mappings: what is read comes back in its canonical form, and what is refused says
//! what, which value and what is allowed.

use crate::config::map::{Curve, Map, Slot, Target, TypedMap};
use crate::config::rule::{Fault, Gate, Kind, RuleError, Source};

fn typed() -> TypedMap {
    TypedMap { source: "arousal".into(), target: "/a".into(), ..TypedMap::default() }
}

fn source(text: &str) -> Result<Source, RuleError> {
    Source::parse("map.source", text)
}

fn gate(text: &str) -> Result<Gate, RuleError> {
    Gate::parse("map.gate", text)
}

/// The text in its canonical form, which reads as the same.
fn canonical<T: ToString + PartialEq>(
    text: &str,
    parse: fn(&str) -> Result<T, RuleError>,
) -> String {
    let read = |text: &str| parse(text).unwrap_or_else(|error| panic!("{error}"));
    let canonical = read(text).to_string();
    assert!(read(&canonical) == read(text) && read(&canonical).to_string() == canonical, "{text}");
    canonical
}

/// The class of the error that the map makes and the start of its text.
fn check(typed: &TypedMap, fault: Fault, text: &str) {
    let error = typed.check().expect_err(text);
    let RuleError::Value { fault: found, .. } = error else { panic!("{error}") };
    assert!(found == fault && error.to_string().starts_with(text), "{found:?} {error}");
}

#[test]
fn sources_have_short_names_and_come_back_long() {
    for (text, long) in [
        ("arousal", "ch/1/dim/arousal"),
        ("dim/valence", "ch/1/dim/valence"),
        ("ch/2/dominance", "ch/2/dim/dominance"),
        ("angry", "ch/1/class/angry"),
        ("class/arousal", "ch/1/class/arousal"),
        ("ch/8/raw/class/unknown", "ch/8/raw/class/unknown"),
        ("voice/on", "ch/1/voice/on"),
        ("voice/prob", "ch/1/voice/prob"),
        ("level", "ch/1/level"),
        ("level/norm", "ch/1/level/norm"),
        ("conf", "ch/1/conf"),
        ("fresh", "ch/1/fresh"),
        ("top/prob", "ch/1/top/prob"),
        ("rel/arousal", "ch/1/rel/arousal"),
        ("ch/3/teach/none", "ch/3/teach/none"),
        ("ch/2/trig/loud_1", "ch/2/trig/loud_1"),
    ] {
        assert_eq!(canonical(text, source), long);
    }
    let label = |text| source(text).unwrap().label().map(String::from);
    assert_eq!(label("raw/class/sad"), Some("sad".into()));
    assert_eq!(label("level"), None);
}

#[test]
fn targets_are_parameters_or_addresses() {
    for text in [
        "plugin/1/gain",
        "plugin/65535/Gain_2",
        "plugin/my-delay/time",
        "plugin/3/mix",
        "/a",
        "/avatar/parameters/SER-1.x:y",
        "localhost:9000/a/b",
        "[::1]:1/a",
    ] {
        assert_eq!(canonical(text, Target::parse), text);
    }
    let slot = |text| match Target::parse(text) {
        Ok(Target::Plugin { slot, .. }) => slot,
        other => panic!("{other:?}"),
    };
    assert_eq!(slot("plugin/007/gain"), Slot::Number(7));
    assert_eq!(slot("plugin/7th/gain"), Slot::Name("7th".into()));
}

#[test]
fn curves_and_gates_come_back_as_they_were_read() {
    for text in ["linear", "exp", "log", "s", "table:0,0.2,0.9,1", "table:1,0"] {
        assert_eq!(canonical(text, Curve::parse), text);
    }
    for text in ["none", "voice", "known", "conf:0.6", "voice,conf:0.6", "known,conf:0"] {
        assert_eq!(canonical(text, gate), text);
    }
    assert_eq!(canonical("conf:0.60, voice", gate), "voice,conf:0.6");
    assert_eq!(canonical("table:0, .5, 1", Curve::parse), "table:0,0.5,1");
}

#[test]
fn what_is_refused_says_what_and_what_is_allowed() {
    use Fault::{OutOfRange, Unknown, Wrong};
    let source = |source: &str| TypedMap { source: source.into(), name: "a".into(), ..typed() };
    for text in ["", "foo/bar", "level/clip/x", "class/", "class/a b", "/dim/arousal", "ch/1/"] {
        let start =
            format!("map.source = {text:?}: allowed is voice/on, voice/prob, fresh, level,");
        check(&source(text), Unknown, &start);
    }
    for text in ["ch/0/level", "ch/9/level", "ch/x/level", "ch/", "ch/70000/level"] {
        let start = format!("map.source = {text:?}: allowed is a channel 1..8 after ch/");
        check(&source(text), OutOfRange, &start);
    }
    let target = |target: &str| TypedMap { target: target.into(), ..typed() };
    for text in ["", "gain", "plugins/1/gain", "ch/1/gain", "ch/1/level"] {
        let start = format!("map.target = {text:?}: allowed is plugin/SLOT/SYMBOL, ");
        check(&target(text), Unknown, &start);
    }
    for text in ["plugin/0/gain", "plugin/65536/a", "plugin//a", "plugin/1/", "plugin/1/a/b"] {
        let start = format!("map.target = {text:?}: allowed is a slot counted from 1 ");
        check(&target(text), Wrong, &start);
    }
    let long = format!("/{}", "a".repeat(128));
    for text in
        ["/", "//a", "/a/", "/a b", "/a#", "/a*", "/a,b", "/a?", "/[a]", "/{a}", "/ä", &long]
    {
        let start = format!("map.target = {text:?}: allowed is an OSC address of at most 128 ");
        check(&target(text), Wrong, &start);
    }
    for text in ["host:0/a", ":9000/a", "host:/a", "host:70000/a", "a b:1/a", "host:9000"] {
        check(&target(text), Wrong, &format!("map.target = {text:?}: allowed is an OSC address"));
    }
    let curve = |curve: &str| TypedMap { curve: curve.into(), ..typed() };
    check(&curve("expo"), Unknown, "map.curve = \"expo\": allowed is linear, exp, log, s, or ");
    let many = format!("table:0{}", ",1".repeat(32));
    for text in ["table:", "table:1", "table:0,1.1", "table:0,nan", "table:0,x", &many] {
        check(&curve(text), OutOfRange, &format!("map.curve = {text:?}: allowed is linear, "));
    }
    let gate = |gate: &str| TypedMap { gate: gate.into(), ..typed() };
    for text in ["", "voices", "voice,voice", "conf:0.1,conf:0.2", "voice,none"] {
        check(&gate(text), Unknown, &format!("map.gate = {text:?}: allowed is none, voice, "));
    }
    check(&gate("conf:1.5"), OutOfRange, "map.gate = \"conf:1.5\": allowed is none, voice, ");
}

#[test]
fn numbers_and_names_are_checked() {
    use Fault::{OutOfRange, Wrong};
    let named = |name: String| TypedMap { name, ..typed() };
    check(&named("a/b".into()), Wrong, "map.name = \"a/b\": allowed is 1 to 32 of A-Z, ");
    check(&named("a".repeat(33)), Wrong, "map.name = \"aaaa");
    assert!(named("a".repeat(32)).check().is_ok());
    for ends in [[0.5, 0.5], [0.0, f32::NAN], [f32::INFINITY, 0.0]] {
        let start = format!("map.input = {ends:?}: allowed is two finite, different numbers");
        check(&TypedMap { input: ends, ..typed() }, OutOfRange, &start);
    }
    let ends = [f32::NAN, 0.0];
    check(&TypedMap { output: ends, ..typed() }, OutOfRange, "map.output = [NaN, 0.0]: allowed");
    for slew_s in [-0.1, 60.1, f32::NAN] {
        let start = format!("map.slew_s = {slew_s:?}: allowed is 0..60");
        check(&TypedMap { slew_s, ..typed() }, OutOfRange, &start);
    }
}

#[test]
fn what_is_no_wrong_value_has_a_text_of_its_own() {
    let text = |error: RuleError| error.to_string();
    let name = || String::from("a");
    assert_eq!(
        text(RuleError::Missing { kind: Kind::Map, name: name() }),
        "there is no map \"a\"; map/list tells which there are"
    );
    assert!(
        text(RuleError::TooMany { kind: Kind::Map })
            .starts_with("there would be more than 64 maps")
    );
    assert!(
        text(RuleError::Exists { kind: Kind::Map, name: name() })
            .starts_with("there is a map \"a\" already")
    );
}

#[test]
fn toml_with_two_keys_is_a_map_and_an_unknown_key_is_none() {
    let read = toml::from_str::<TypedMap>;
    let map: Map = read("source = 'ch/2/arousal'\ntarget = '/a'\noutput = [20, 2e3]")
        .unwrap()
        .check()
        .unwrap();
    assert_eq!((map.name.as_str(), map.is_enabled), ("ch_2_arousal", true));
    assert_eq!((map.input, map.output), ([0.0, 1.0], [20.0, 2000.0]));
    assert_eq!((map.curve, map.gate, map.slew_s), (Curve::Linear, Gate::default(), 0.0));
    assert!(read("source = 'arousal'\ntarget = '/a'\nspeed = 1").is_err());
    let typed = TypedMap { slew_s: 0.25, gate: "voice".into(), ..typed() };
    assert_eq!(read(&toml::to_string(&typed).unwrap()).unwrap(), typed);
}
