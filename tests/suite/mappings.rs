//! Mappings live: the voice's emotion moves a reverb, as its sound shows, and an address of a
//! receiver.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rosc::OscType;

use crate::harness::Daemon;
use crate::jackd::{demo_voice_at_48_khz, in_own_process, recorder, running_server, voice};
use crate::plugins::{connect, daemon, int, order};

/// Share of the output that is no copy of the input: 1 less the squared correlation.
fn wetness(dry: &[f32], out: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    1.0 - dot(dry, out).powi(2) / (dot(dry, dry) * dot(out, out)).max(1e-12)
}

#[test]
fn the_emotion_of_the_voice_moves_the_mix_of_a_reverb() {
    in_own_process(|| {
        let _server = running_server();
        let (_folder, mut daemon) = daemon(
            "[plugins]\nslots = [{ uri = \"http://drobilla.net/plugins/mda/Ambience\", name = \
             \"room\", trusted = true }]\n\
             [[map]]\nsource = \"arousal\"\ntarget = \"plugin/room/mix\"\n\
             input = [0.55, 0.95]\noutput = [0.0, 1.0]\n",
        );
        let go = Arc::new(AtomicBool::new(false));
        let (source, (ear, tape)) = (voice(demo_voice_at_48_khz(), Arc::clone(&go)), recorder(2));
        connect(ear.as_client(), "voice:out");
        ear.as_client().connect_ports_by_name("voice:out", "tape:in_2").expect("both are there");
        go.store(true, Ordering::Relaxed);
        // 21 s have angry and sad clips.
        let (begun, mut mixes) = (Instant::now(), Vec::new());
        while begun.elapsed() < Duration::from_secs(21) {
            let ask = vec![OscType::Int(1), "mix".into()];
            let answer = order(&mut daemon, "/ser/plugin/param/get", ask);
            let mix = answer.last().and_then(|mix| mix.clone().float()).expect("a float");
            let frames = tape.lock().expect("nobody panics with it")[0].len();
            mixes.push((frames, mix));
            std::thread::sleep(Duration::from_millis(100));
        }
        let tape = tape.lock().expect("nobody panics with it").clone();
        // Pieces of 0.25 s in which somebody speaks: how wet they were meant to be, and were.
        let mut pieces = Vec::new();
        for &(end, mix) in mixes.iter().filter(|(end, _)| *end > 12_000) {
            let (out, dry) = (&tape[0][end - 12_000..end], &tape[1][end - 12_000..end]);
            if dry.iter().fold(0.0_f32, |most, x| most.max(x.abs())) > 0.05 {
                pieces.push((mix, wetness(dry, out)));
            }
        }
        pieces.sort_by(|a, b| a.0.total_cmp(&b.0));
        let third = pieces.len() / 3;
        let mean = |pieces: &[(f32, f64)]| {
            let count = pieces.len().max(1) as f64;
            let sum = pieces
                .iter()
                .fold((0.0, 0.0), |sum, piece| (sum.0 + f64::from(piece.0), sum.1 + piece.1));
            (sum.0 / count, sum.1 / count)
        };
        let (calm, aroused) = (mean(&pieces[..third]), mean(&pieces[2 * third..]));
        println!("mix and wetness in {third} pieces each: {calm:?} calm, {aroused:?} aroused");
        assert!(third >= 10, "{pieces:?}");
        assert!(calm.0 + 0.2 < aroused.0 && 1.5 * calm.1 < aroused.1, "{calm:?}, {aroused:?}");
        drop(source);
    });
}

#[test]
fn a_mapping_moves_an_address_of_the_receiver_until_it_is_told_not_to() {
    let mut daemon = Daemon::start(&["--input", "demo", "--backend", "cpu"]);
    daemon.wait_for_streams();
    let map = |name: &str, target: &str| {
        let words = [name, "level/norm", target].map(OscType::from);
        let ends = [0.0, 1.0, 10.0, 20.0].map(OscType::Float);
        words.into_iter().chain(ends).chain(["linear".into()]).collect::<Vec<_>>()
    };
    order(&mut daemon, "/ser/map/add", map("lamp", "/light/dim"));
    daemon.ear.listen_until("the lamp", |heard| {
        heard.iter().filter(|one| one.message.addr == "/light/dim").count() > 20
    });
    let is_in_range = |value: f32| (10.0..=20.0).contains(&value);
    assert!(daemon.ear.of("/light/dim").all(|heard| is_in_range(heard.float())));
    for (name, target, code) in [
        ("lamp", "/light/other", -8),
        ("own", "/ser/mute", -17),
        ("own", &format!("{}/light", daemon.address), -17),
        ("slot", "plugin/1/mix", -4),
    ] {
        daemon.send("/ser/map/add", map(name, target));
        assert_eq!(daemon.reply("/ser/map/add").args[2], OscType::Int(code), "{name} {target}");
    }
    order(&mut daemon, "/ser/map/enable", vec!["lamp".into(), OscType::Int(0)]);
    daemon.ear.heard.clear();
    daemon.wait_for_streams();
    daemon.ear.heard.clear();
    daemon.wait_for_streams();
    assert_eq!(daemon.ear.of("/light/dim").count(), 0);
    order(&mut daemon, "/ser/map/remove", vec!["lamp".into()]);
    assert_eq!(order(&mut daemon, "/ser/map/list", vec![]).last(), Some(&int(0)));
}
