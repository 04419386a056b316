//! The program from sound to OSC, without a sound card: the demo voice, and a file that is played
//! live and analysed offline.

use std::collections::BTreeMap;

use rosc::OscType;

use crate::harness::{Daemon, Ear, Heard, hops, outcome, project};

/// Mean of a stream over the sequence numbers of hops that end within some seconds of the file.
fn mean(heard: &[Heard], address: &str, seconds: std::ops::Range<f64>) -> f32 {
    let values: Vec<f32> = hops(heard)
        .iter()
        .filter(|(sequence, _)| seconds.contains(&(f64::from(*sequence) / 10.0)))
        .flat_map(|(_, values)| values.iter().filter(|value| value.message.addr == address))
        .map(|value| value.float())
        .collect();
    assert!(!values.is_empty(), "{address} was not heard in {seconds:?}");
    values.iter().sum::<f32>() / values.len() as f32
}

/// Start, end and emotion of the demo voice's clips, from the list that was made with it.
fn demo_clips() -> Vec<(f64, f64, String)> {
    let mut reader =
        csv::Reader::from_path(project().join("examples/demo_voice.csv")).expect("shipped");
    let rows = reader.records().map(|row| row.expect("a row of text"));
    let second = |text: &str| text.parse().expect("a number of seconds");
    rows.map(|row| (second(&row[0]), second(&row[1]), row[4].to_owned())).collect()
}

#[test]
fn the_demo_voice_moves_the_numbers_and_anger_is_more_aroused_than_sadness() {
    let mut daemon = Daemon::start(&["--input", "demo", "--backend", "cpu"]);
    daemon.ear.listen_until("the whole demo voice", |heard| hops(heard).len() > 330);
    let heard = &daemon.ear.heard;
    let mut arousal: BTreeMap<String, Vec<f32>> = BTreeMap::new();
    for (start, end, emotion) in demo_clips() {
        // From the first second on, when a label can be there, to the end of the clip.
        let value = mean(heard, "/ser/ch/1/dim/arousal", start + 1.0..end + 0.2);
        arousal.entry(emotion).or_default().push(value);
    }
    let of = |emotion: &str| {
        let values = &arousal[emotion];
        values.iter().sum::<f32>() / values.len() as f32
    };
    // A tenth of the range, of which the table of coordinates gives anger 0.43 more than sadness.
    assert!(of("sad") + 0.1 < of("angry"), "{arousal:?}");
    let voices = daemon.ear.of("/ser/ch/1/voice/on").map(Heard::int).collect::<Vec<_>>();
    assert!(voices.contains(&0) && voices.contains(&1), "{voices:?}");
}

#[test]
fn every_bundle_keeps_the_contract() {
    let mut daemon = Daemon::start(&["--input", "demo", "--backend", "cpu"]);
    daemon.ear.listen_until("ten seconds", |heard| hops(heard).len() > 100);
    assert!(daemon.ear.longest_datagram <= 1472, "{}", daemon.ear.longest_datagram);
    let hops = hops(&daemon.ear.heard);
    for pair in hops.windows(2) {
        assert_eq!(pair[0].0 + 1, pair[1].0, "a hop is missing");
    }
    for (sequence, values) in &hops {
        let classes = values.iter().filter(|value| value.message.addr.contains("/class/"));
        let sum: f32 = classes.map(|value| value.float()).sum();
        assert!((sum - 1.0).abs() < 1e-3, "the classes of hop {sequence} sum to {sum}");
        for value in values {
            assert_eq!(value.time, values[0].time, "one time tag a hop");
            for argument in &value.message.args {
                match argument {
                    OscType::Float(number) => assert!(number.is_finite(), "{value:?}"),
                    OscType::Int(_) => {}
                    other => panic!("{other:?} in a stream"),
                }
            }
        }
    }
    daemon.ear.listen_until("a second heartbeat", |heard| {
        heard.iter().filter(|heard| heard.message.addr == "/ser/heartbeat").count() > 1
    });
    assert!(daemon.ear.of("/ser/health/lat_p99").next().is_some());
}

#[test]
fn a_file_played_live_gives_the_numbers_of_the_analysis() {
    let file = "examples/demo_voice.flac";
    let (code, rows, errors) = outcome(&["analyze", file, "--format", "json"]);
    assert_eq!(code, 0, "{errors}");
    let rows: Vec<serde_json::Value> =
        rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let input = format!("file:{file}");
    let mut daemon = Daemon::start(&["--input", &input, "--backend", "cpu"]);
    daemon.ear.listen_until("the end of the file", |heard| {
        heard.iter().any(|heard| heard.message.addr == "/ser/health/state" && heard.int() == 7)
    });
    let hops = hops(&daemon.ear.heard);
    assert!(hops.len() > 300, "only {} hops", hops.len());
    for (sequence, values) in hops.iter().take(rows.len()) {
        let row = &rows[usize::try_from(*sequence).unwrap() - 1];
        for (address, key) in [("dim/arousal", "arousal"), ("dim/valence", "valence")] {
            let live = values.iter().find(|value| value.message.addr.ends_with(address));
            let live = live.expect("each hop has it").float();
            // JSON keeps the shortest digits that give the same float again.
            let offline: f32 = row[key].to_string().parse().unwrap();
            assert_eq!(live, offline, "{key} of hop {sequence}");
        }
    }
    crate::harness::wait_until("the program to leave", || daemon.process.has_ended());
}

#[test]
fn each_command_is_answered_once() {
    let mut daemon = Daemon::start(&["--input", "demo", "--backend", "cpu"]);
    daemon.wait_for_streams();
    for (address, arguments, expected) in [
        ("/ser/version", vec![], "/ser/ok"),
        ("/ser/ping", vec![], "/ser/ok"),
        ("/ser/subscribe", vec![], "/ser/ok"),
        // The configuration names this receiver, so it is not a client's to end.
        ("/ser/unsubscribe", vec![], "/ser/error"),
        ("/ser/labels", vec![], "/ser/ok"),
        ("/ser/model/card", vec![], "/ser/ok"),
        ("/ser/model/window_s", vec![OscType::Float(1.5)], "/ser/ok"),
        ("/ser/model/window_s", vec![OscType::Float(30.0)], "/ser/error"),
        ("/ser/mute", vec![OscType::Int(1)], "/ser/ok"),
        ("/ser/mute", vec![OscType::Int(0)], "/ser/ok"),
        ("/ser/mute", vec![OscType::String("please".to_owned())], "/ser/error"),
        ("/ser/no/such", vec![], "/ser/error"),
    ] {
        daemon.send(address, arguments);
        assert_eq!(daemon.reply(address).addr, expected, "{address}");
    }
    daemon.send("/ser/model/window_s", vec![]);
    let value =
        daemon.ear.wait_for("the window", |heard| heard.message.addr == "/ser/model/window_s");
    assert_eq!(value.args, [OscType::Float(1.5)]);
    let mut other = Ear::new();
    daemon.send("/ser/subscribe", vec!["".into(), i32::from(other.address().port()).into()]);
    assert_eq!(daemon.reply("/ser/subscribe").addr, "/ser/ok");
    other.wait_for("a hop at the subscriber", |heard| heard.message.addr == "/ser/ch/1/t");
    daemon.send("/ser/quit", vec![]);
    crate::harness::wait_until("the program to leave", || daemon.process.has_ended());
}
