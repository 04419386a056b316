//! From sound to signals: segments with known edges, triggers of a live daemon, and noise that is
//! no voice.

use std::collections::BTreeMap;

use affectd::engine::segments::Segments;
use affectd::engine::step::Engine;
use affectd::messages::{Segment, SegmentEvent, Update};
use affectd::units::{ANALYSIS_RATE_HZ, to_count};
use affectd::wav;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rosc::OscType;

use crate::golden::path;
use crate::harness::Daemon;
use crate::plugins::order;
use crate::scripted::{Scripted, card, config};

/// What the contract promises.
const EDGE_S: f64 = 0.05;

/// All updates and segments of a sound at the analysis rate; onsets in seconds.
fn heard(sound: &[f32]) -> (Vec<Update>, Vec<(f64, Segment)>) {
    let mut engine = Engine::new(ANALYSIS_RATE_HZ, &card(), &config()).expect("the defaults");
    let (mut segments, mut model) = (Segments::new(1), Scripted::default());
    let (mut updates, mut onsets, mut found) = (Vec::new(), BTreeMap::new(), Vec::new());
    engine.step(sound, &mut model, &mut |update| {
        segments.advance(update, &config().voice, &mut |event| match event {
            SegmentEvent::Start { id, ago_s, .. } => {
                onsets.insert(*id, update.time_s - f64::from(*ago_s));
            }
            SegmentEvent::Part(_) => {}
            SegmentEvent::End(segment) => found.push((onsets[&segment.id], *segment)),
        });
        updates.push(*update);
    });
    (updates, found)
}

fn noise(seconds: f32, amplitude: f32, seed: u64) -> Vec<f32> {
    let mut random = StdRng::seed_from_u64(seed);
    let count = to_count(f64::from(seconds) * f64::from(ANALYSIS_RATE_HZ));
    (0..count).map(|_| random.random_range(-amplitude..amplitude)).collect()
}

#[test]
fn segments_begin_and_end_where_the_speech_was_cut() {
    let voice = wav::read_file(&path("examples/demo_voice.flac")).expect("ours").samples;
    // They begin and end in the middle of a vowel, so that the cuts are the edges.
    for (from_s, to_s) in [(7.02, 7.8), (7.4, 8.5), (24.05, 24.75), (26.84, 27.8)] {
        let at = |seconds: f64| to_count(seconds * f64::from(ANALYSIS_RATE_HZ));
        let speech = &voice[at(from_s)..at(to_s)];
        let mut sound = noise(2.0, 1e-4, 1);
        sound.extend_from_slice(speech);
        sound.extend(noise(2.0, 1e-4, 2));
        let (_, found) = heard(&sound);
        let [(onset_s, segment)] = found[..] else { panic!("{from_s}: {found:?}") };
        let length_s = to_s - from_s;
        assert!((onset_s - 2.0).abs() <= EDGE_S, "{from_s}: onset {onset_s}");
        let duration_s = f64::from(segment.duration_s);
        assert!((duration_s - length_s).abs() <= 2.0 * EDGE_S, "{from_s}: {duration_s}");
        let end_s = onset_s + duration_s;
        assert!((end_s - 2.0 - length_s).abs() <= EDGE_S, "{from_s}: end {end_s}");
        assert_eq!(segment.flags.bits() & 0b1101, 0, "{from_s}: {segment:?}");
    }
}

#[test]
fn noise_hum_clicks_and_silence_are_no_voice() {
    let hum = |index: usize| 0.05 * (index as f32 * std::f32::consts::TAU * 50.0 / 16e3).sin();
    let clicks = |index: usize| if index % 11_000 < 30 { 0.8 } else { 0.0 };
    let minute = 60 * ANALYSIS_RATE_HZ as usize;
    for (name, sound) in [
        ("silence", vec![0.0; minute]),
        ("noise", noise(60.0, 0.05, 3)),
        ("hum", (0..minute).map(hum).collect()),
        ("clicks", (0..minute).map(clicks).collect()),
    ] {
        let (updates, found) = heard(&sound);
        assert_eq!(found.len(), 0, "{name}: {found:?}");
        assert!(updates.iter().all(|update| !update.voice_on && !update.fresh), "{name}");
    }
}

#[test]
fn a_daemon_sends_paired_triggers_and_segments_of_its_voice() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let file = folder.path().join("config.toml");
    let text = "[[trigger]]\nname = \"loud\"\nsource = \"level/norm\"\non = 0.6\noff = 0.4\n\n\
                [[trigger]]\nname = \"speaking\"\nsource = \"voice/on\"\non = 1.0\noff = 0.0\n";
    std::fs::write(&file, text).expect("a folder of ours");
    let file = file.to_str().expect("a plain path").to_owned();
    let mut daemon = Daemon::start(&["--config", &file, "--input", "demo", "--backend", "cpu"]);
    daemon.wait_for_streams();
    for _ in 0..3 {
        daemon
            .ear
            .wait_for("the end of a segment", |heard| heard.message.addr == "/ser/ch/1/seg/end");
    }
    let told = order(&mut daemon, "/ser/trigger/list", vec![]).pop();
    assert_eq!(told, Some(OscType::Int(2)));
    order(&mut daemon, "/ser/trigger/clear", vec![]);
    order(&mut daemon, "/ser/mute", vec![OscType::Int(1)]);

    let (mut open, mut states, mut ends) = (None, BTreeMap::new(), 0);
    for heard in &daemon.ear.heard {
        let message = &heard.message;
        let first = message.args.first().cloned();
        match message.addr.strip_prefix("/ser/ch/1/") {
            Some("seg/start") => assert_eq!(std::mem::replace(&mut open, first), None),
            Some("seg/part" | "seg/peak") => assert_eq!(open, first),
            Some("seg/end") => {
                assert_eq!(open.take(), first);
                ends += 1;
            }
            Some(name) if name.starts_with("trig/") => {
                states.entry(name.to_owned()).or_insert_with(Vec::new).extend(first);
            }
            _ => {}
        }
    }
    assert!(open.is_none() && 3 <= ends, "{open:?} {ends}");
    for (name, states) in &states {
        assert_eq!(states.last(), Some(&OscType::Int(0)), "{name} is off in the end");
        assert!(states.contains(&OscType::Int(1)), "{name} was on");
    }
    assert_eq!(states.len(), 2);
}
