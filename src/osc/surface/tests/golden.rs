//! What each profile's receiver gets for one hop, byte for byte. The packets were made by
//! tests/golden/make_packets.py from the specification of OSC 1.0, not by this program.

use std::time::SystemTime;

use super::*;

/// The hop that the script knows too.
fn spoken() -> Update {
    let mut update = update(1, 4711);
    update.classes.as_mut_slice().copy_from_slice(&[0.625, 0.25, 0.125]);
    update.raw.as_mut_slice().copy_from_slice(&[0.75, 0.25, 0.0]);
    (update.top, update.quadrant) = (0, Quadrant::Excited);
    update.dimensions = Dimensions { arousal: 0.625, valence: 0.75, dominance: 0.5 };
    (update.voice_probability, update.confidence) = (0.875, 0.75);
    update
}

fn check(profile: &str) {
    let mut stage = Stage::new(false);
    let arguments = ["".into(), int(0), "".into(), float(0.0), float(75.0), profile.into()];
    stage.ask("/ser/subscribe", &arguments);
    let captured = SystemTime::UNIX_EPOCH + Duration::new(1_790_000_000, 250_000_000);
    let moment = Moment { now: stage.now, time: captured + Duration::from_millis(38) };
    stage.surface.update(&spoken(), captured, moment);
    let mut packet = [0; 2048];
    let packets: Vec<String> = std::iter::from_fn(|| {
        stage
            .patch
            .recv(&mut packet)
            .ok()
            .map(|n| packet[..n].iter().map(|byte| format!("{byte:02x}")).collect())
    })
    .collect();
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/packets/{profile}.hex"));
    let expected = std::fs::read_to_string(&path).expect("made by the script beside it");
    let expected: Vec<&str> = expected.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(packets, expected, "{profile}");
}

#[test]
fn plain() {
    check("plain");
}

#[test]
fn touchdesigner() {
    check("touchdesigner");
}

#[test]
fn max() {
    check("max");
}

#[test]
fn pd() {
    check("pd");
}

#[test]
fn vrchat() {
    check("vrchat");
}

#[test]
fn wekinator() {
    check("wekinator");
}

#[test]
fn flat() {
    check("flat");
}
