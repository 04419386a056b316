//! What a user types and what comes of it. Host names here resolve without a network.

use std::fs;

use super::*;
use crate::config::checked::{Backend, HoldPolicy, Source};
use crate::config::rule::SourceStream;

const SHIPPED: &str = include_str!("../../config.toml");

fn typed(text: &str) -> Result<Config, ConfigError> {
    parse(Path::new("a.toml"), text, &Overrides::default())
}

fn ordered(overrides: Overrides) -> Result<Config, ConfigError> {
    parse(Path::new("a.toml"), "", &overrides)
}

/// The text's error, whole.
fn check_error(text: &str, expected: &str) {
    let error = typed(text).expect_err("the text is wrong").to_string();
    assert_eq!(error, expected);
}

/// A value that is refused with its key and the range.
fn check_refused(section: &str, entry: &str, allowed: &str) {
    let error = typed(&format!("[{section}]\n{entry}")).expect_err("refused").to_string();
    let start = format!("a.toml:2: {section}.{}", entry.split(' ').next().unwrap());
    assert!(error.starts_with(&start), "{error}");
    assert!(error.ends_with(allowed), "{error}");
}

/// The keys that `Typed` knows, in its own words: serde lists them when one is unknown.
fn keys_of_typed() -> Vec<String> {
    let known = |text: &str| {
        let document = Document::parse(text).unwrap();
        match document.problems.into_iter().next().unwrap().1 {
            Problem::Unknown { known, .. } => known,
            problem => panic!("not about an unknown key: {problem}"),
        }
    };
    let mut keys = Vec::new();
    // [[map]] and [[trigger]] are lists; their keys are tested where they are read.
    let is_section = |section: &String| section != "map" && section != "trigger";
    for section in known("no_such = 0").into_iter().filter(is_section) {
        for key in known(&format!("[{section}]\nno_such = 0")) {
            keys.push(format!("{section}.{key}"));
        }
    }
    keys
}

#[test]
fn the_shipped_file_holds_the_defaults() {
    assert_eq!(Document::parse(SHIPPED).unwrap().typed, Typed::default());
    assert_eq!(typed(SHIPPED).unwrap(), typed("").unwrap());
}

#[test]
fn the_shipped_file_names_every_key() {
    let keys = keys_of_typed();
    // 7 input, 3 through, 5 osc, 7 voice, 3 hold, 6 smooth, 2 output, 4 model, 1 privacy,
    // 1 personal, 2 plugins
    assert_eq!(keys.len(), 41, "{keys:?}");
    for key in keys {
        let (section, name) = key.split_once('.').unwrap();
        let (_, rest) = SHIPPED.split_once(&format!("\n[{section}]\n")).expect("the section");
        let entries = rest.split("\n[").next().unwrap();
        let start = format!("{name} = ");
        let is_there = |line: &str| line.trim_start_matches("# ").starts_with(&start);
        assert!(entries.lines().any(is_there), "{key} is not in config.toml");
    }
}

#[test]
fn a_wrong_key_in_a_list_is_told_with_its_line() {
    for (text, expected) in [
        ("[[trigger]]\nname = \"a\"\ngain = 3", "a.toml:3: trigger.gain: unknown"),
        ("[[map]]\nname = \"a\"\n[[map]]\nsuorce = 3", "a.toml:4: map.suorce: unknown"),
        ("[[trigger]]\nname = 3", "a.toml:2: trigger.name: "),
        ("map = [{ gian = 3 }]", "a.toml:1: map.gian: unknown"),
        ("[[plugins.slots]]\nuir = \"\"", "a.toml:2: plugins.slots.uir: unknown"),
        ("trigger = 3", "a.toml:1: trigger: "),
    ] {
        let error = typed(text).expect_err(text).to_string();
        let is_told = error.lines().any(|line| line.starts_with(expected));
        assert!(is_told, "{text:?}: {error}");
    }
}

#[test]
fn values_arrive() {
    let config = typed(
        "[input]\nsource = \"cpal:hw:1,0\"\nchannels = 8\nring_s = 30\n\
         [osc]\nlisten = \"[::1]:9\"\nsend = []\nroot = \"/room_2/ser\"\n\
         [hold]\npolicy = \"zero\"\n[model]\nbackend = \"wgpu\"\nwindow_s = 3",
    )
    .unwrap();
    assert_eq!(config.input.source, Source::Cpal(Some("hw:1,0".into())));
    assert_eq!((config.input.channels, config.input.ring_s), (8, 30.0));
    assert_eq!(config.osc.listen, "[::1]:9".parse().unwrap());
    assert_eq!((config.osc.send.len(), config.osc.root.as_str()), (0, "/room_2/ser"));
    assert_eq!(config.hold.policy, HoldPolicy::Zero);
    assert_eq!((config.model.backend, config.model.window_s), (Backend::Wgpu, Some(3.0)));
}

#[test]
fn every_kind_of_source_is_understood() {
    let check = |text: &str, expected| {
        let config = ordered(Overrides { input: Some(text.into()), ..Overrides::default() });
        assert_eq!(config.unwrap().input.source, expected);
    };
    check("auto", Source::Auto);
    check("jack", Source::Jack);
    check("cpal", Source::Cpal(None));
    check("demo", Source::Demo);
    check("file:a:b.wav", Source::File("a:b.wav".into()));
}

#[test]
fn a_value_outside_its_range_is_refused() {
    check_refused("input", "channels = 0", "1..8");
    check_refused("input", "channels = 9", "1..8");
    check_refused("input", "map = [1, 2]", "one for each of input.channels");
    check_refused("input", "map = [0]", "one for each of input.channels");
    check_refused("input", "names = [\"\"]", "names of 1 to 32 characters");
    check_refused("input", "ring_s = 0.49", "0.5..30");
    check_refused("through", "gain_db = 12.1", "-60..12");
    check_refused("through", "gain_db = nan", "-60..12");
    check_refused("voice", "threshold = 1.01", "0..1");
    check_refused("voice", "threshold = nan", "0..1");
    check_refused("voice", "floor_db = 1.0", "-120..0");
    check_refused("voice", "on_ms = -1", "0..10000");
    check_refused("voice", "off_ms = 10001", "0..10000");
    check_refused("hold", "time_s = 0", "0.1..600");
    check_refused("smooth", "attack_s = -0.1", "0..60");
    check_refused("smooth", "release_s = inf", "0..60");
    check_refused("model", "window_s = 0.4", "0.5..10");
    check_refused("model", "hop_s = 0.01", "0.02..1");
    check_refused("osc", "allow = [\"10.0.0.0/33\"]", "or one address");
    check_refused("osc", "token = \"short\"", "or none at all");
}

#[test]
fn a_map_follows_a_trigger_that_is_there() {
    let text = |name: &str| {
        format!(
            "[[trigger]]\nsource = \"level\"\n[[trigger]]\nname = \"loud\"\nsource = \
             \"level/norm\"\n[[map]]\nsource = \"trig/{name}\"\ntarget = \"/light\"\n"
        )
    };
    let config = typed(&text("loud")).expect("there is such a trigger");
    assert_eq!(config.maps[0].source.stream, SourceStream::Trigger("loud".into(), 1));
    let error = typed(&text("lond")).expect_err("there is none").to_string();
    assert!(error.starts_with("a.toml:6: map.source = \"trig/lond\""), "{error}");
    assert!(error.ends_with("a trigger that is there: level, loud"), "{error}");
    let error = typed("[[trigger]]\nsource = \"trig/loud\"\n").expect_err("a circle");
    assert!(error.to_string().ends_with("a stream that is no trigger"), "{error}");
}

#[test]
fn a_word_that_is_no_choice_is_refused() {
    check_refused("hold", "policy = \"Hold\"", "hold, decay, zero");
    check_refused("model", "backend = \"cuda\"", "auto, cpu, gpu, wgpu");
    check_refused("model", "folder = \"\"", "its name in UTF-8");
    for to in ["", "jack", "cpal:", "file:x"] {
        check_refused("through", &format!("to = \"{to}\""), "off, on, cpal:ID");
    }
    for source in ["", "mic", "cpal:", "file:"] {
        check_refused("input", &format!("source = \"{source}\""), "file:PATH, demo");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let folder = std::ffi::OsString::from_vec(vec![b'm', 0xff]);
    let error = ordered(Overrides { model: Some(folder.into()), ..Overrides::default() });
    assert!(error.expect_err("no UTF-8").to_string().starts_with("--model: model.folder"));
}

#[test]
fn a_root_that_is_no_plain_address_is_refused() {
    let long = format!("/{}", "x".repeat(32));
    for root in ["", "/", "ser", "/ser/", "/a//b", "/Ser", "/s*", "/s-r", "/sér", "/a b", &long] {
        check_refused("osc", &format!("root = \"{root}\""), "at most 32 long");
    }
    assert!(typed(&format!("[osc]\nroot = \"/{}\"", "x".repeat(31))).is_ok());
}

#[test]
fn an_address_without_host_or_port_is_refused() {
    for listen in ["", "127.0.0.1", ":7370", "127.0.0.1:0", "127.0.0.1:70000", "127.0.0.1:x"] {
        let error = typed(&format!("[osc]\nlisten = \"{listen}\"")).unwrap_err().to_string();
        assert!(error.contains("HOST:PORT with a port from 1 to 65535"), "{error}");
    }
}

#[test]
fn sending_to_our_own_ear_is_refused() {
    for (listen, send) in [
        ("127.0.0.1:7370", "127.0.0.1:7370"),
        ("127.0.0.1:7370", "localhost:7370"),
        ("0.0.0.0:7370", "127.0.0.2:7370"),
        ("[::1]:7370", "[::1]:7370"),
    ] {
        let text = format!("[osc]\nlisten = \"{listen}\"\nsend = [\"{send}\"]");
        let error = typed(&text).unwrap_err().to_string();
        assert!(error.ends_with("which would loop"), "{error}");
    }
    // TEST-NET-1 of RFC 5737 is nobody's address, so this is another machine's port 7370.
    let text = "[osc]\nlisten = \"0.0.0.0:7370\"\nsend = [\"192.0.2.1:7370\"]";
    assert!(typed(text).is_ok());
}

#[test]
fn a_receiver_is_of_the_family_that_we_listen_on() {
    check_error(
        "[osc]\nsend = [\"[::1]:7371\"]",
        "a.toml:2: osc.send = \"[::1]:7371\": allowed is an IPv4 address, \
         because osc.listen is 127.0.0.1:7370",
    );
    let config = typed("[osc]\nsend = [\"localhost:7371\"]").unwrap();
    assert_eq!(config.osc.send, ["127.0.0.1:7371".parse().unwrap()]);
}

#[test]
fn all_that_is_wrong_is_said_at_once_with_its_line() {
    check_error(
        "[input]\nsorce = \"jack\"\nchannels = \"two\"\nring_s = 99\n\n\
         [voices]\n[hold]\ntime_s=-1\npolicy = 3",
        "a.toml:2: input.sorce: unknown, did you mean source? (there is source, channels, map, \
         names, ring_s, follow_default, paced)\n\
         a.toml:3: input.channels: invalid type: string \"two\", expected a whole number\n\
         a.toml:4: input.ring_s = 99: allowed is 0.5..30\n\
         a.toml:6: voices: unknown, did you mean voice? (there is input, through, osc, voice, \
         hold, smooth, output, model, privacy, personal, plugins, map, trigger)\n\
         a.toml:8: hold.time_s = -1: allowed is 0.1..600\n\
         a.toml:9: hold.policy: invalid type: integer `3`, expected a string",
    );
}

#[test]
fn what_is_not_toml_is_refused_with_line_and_column() {
    let error = typed("[input]\nchannels = = 2\n").unwrap_err();
    let ConfigError::Syntax { line, column, .. } = error else { panic!("{error}") };
    assert_eq!((line, column), (2, 12));
    assert!(matches!(typed("[hold]\n[hold]"), Err(ConfigError::Syntax { line: 2, .. })));
}

#[test]
fn no_text_makes_it_panic() {
    for end in 0..SHIPPED.len() {
        let Some(text) = SHIPPED.get(..end) else { continue };
        let whole = Document::parse(text).is_ok_and(|document| document.problems.is_empty());
        assert!(!whole || typed(text).is_ok());
    }
    for text in
        ["input = 3", "input.source = 1", "[[input]]", "osc.send = [1]", "\u{feff}", "é = é"]
    {
        assert!(typed(text).is_err() || text == "\u{feff}", "{text}");
    }
}

#[test]
fn the_command_line_wins_over_the_file() {
    let text = "[input]\nsource = \"jack\"\n[osc]\nlisten = \"127.0.0.1:1000\"";
    let overrides = Overrides {
        input: Some("demo".into()),
        lan: true,
        send: vec!["127.0.0.1:8000".into(), "localhost:8001".into()],
        model: Some("elsewhere".into()),
        backend: Some("cpu".into()),
        listen: None,
    };
    let config = parse(Path::new("a.toml"), text, &overrides).unwrap();
    assert_eq!(config.input.source, Source::Demo);
    assert_eq!(config.osc.listen, "0.0.0.0:1000".parse().unwrap());
    let sends = ["127.0.0.1:8000".parse().unwrap(), "127.0.0.1:8001".parse().unwrap()];
    assert_eq!(config.osc.send, sends);
    assert_eq!((config.model.folder, config.model.backend), ("elsewhere".into(), Backend::Cpu));
}

#[test]
fn a_wrong_option_is_reported_under_its_own_name() {
    let overrides = Overrides { input: Some("mic".into()), lan: true, ..Overrides::default() };
    let text = "[input]\nsource = \"jack\"\n[osc]\nlisten = \"nowhere\"";
    let error = parse(Path::new("a.toml"), text, &overrides).unwrap_err().to_string();
    let expected = "--input: input.source = \"mic\": allowed is auto, jack, cpal, cpal:ID, \
                    file:PATH, demo\n\
                    --lan: osc.listen = \"nowhere\": allowed is HOST:PORT with a port from 1 \
                    to 65535";
    assert_eq!(error, expected);
}

#[test]
fn the_first_file_that_is_there_counts_and_a_named_one_must_be() {
    let folder = tempfile::tempdir().unwrap();
    let [absent, first, second] = ["absent", "first", "second"].map(|n| folder.path().join(n));
    fs::write(&first, "[input]\nchannels = 2").unwrap();
    fs::write(&second, "[input]\nchannels = 3").unwrap();
    assert_eq!(first_of(&[absent.clone(), first.clone(), second]), first);
    assert_eq!(first_of(std::slice::from_ref(&absent)), absent);
    assert_eq!(file::load(&absent, &Overrides::default()).unwrap().1, Typed::default());
    assert_eq!(load(Some(&first), &Overrides::default()).unwrap().input.channels, 2);
    let error = load(Some(&absent), &Overrides::default()).unwrap_err();
    assert!(matches!(error, ConfigError::Read { .. }), "{error}");
}

#[test]
fn the_working_folder_comes_before_the_users() {
    let paths = search_paths();
    assert_eq!(paths[0], Path::new("config.toml"));
    assert!(paths[1..].iter().all(|path| path.ends_with("affectd/config.toml")));
}
