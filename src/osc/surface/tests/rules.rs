//! Rules of the contract that hold whatever the engine says.

use super::*;
use crate::osc::address::TABLE;

/// Updates of an engine gone mad.
fn mad() -> impl Iterator<Item = Update> {
    let values = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -3.0, 7.0, f32::MIN, f32::MAX];
    (0..).zip(values).map(|(sequence, value)| {
        let mut update = update(1, sequence);
        update.classes.as_mut_slice().fill(value);
        update.raw.as_mut_slice().fill(value);
        update.dimensions = Dimensions { arousal: value, valence: value, dominance: value };
        (update.voice_probability, update.confidence) = (value, value);
        (update.level_db, update.clipped) = (value, true);
        update
    })
}

fn subscribed(profile: &str, groups: &str) -> Stage {
    let mut stage = Stage::new(false);
    let arguments = ["".into(), int(0), groups.into(), float(0.0), float(75.0), profile.into()];
    stage.ask("/ser/subscribe", &arguments);
    stage
}

/// The range that the table gives for this address of channel 1.
fn range(address: &str) -> Option<(f32, f32)> {
    let labels = LABELS.iter();
    let row = TABLE
        .iter()
        .find(|row| labels.clone().any(|label| row.full("/ser", 1, label, 0) == address));
    row.and_then(|row| row.range)
}

#[test]
fn streams_are_finite_and_stay_in_their_range() {
    let mut stage = subscribed("", "core,vec,raw");
    for update in mad() {
        stage.hop(&update);
        for message in stage.heard().iter().filter(|message| message.addr != "/ser/ch/1/t") {
            let (low, high) = range(&message.addr).expect("every stream but t has a range");
            for value in &message.args {
                let value = match value {
                    OscType::Float(value) => *value,
                    OscType::Int(value) => *value as f32,
                    other => panic!("{other:?} in {message:?}"),
                };
                assert!(low <= value && value <= high, "{message:?}");
            }
        }
    }
}

#[test]
fn touchdesigner_gets_short_datagrams_with_floats_and_ints_alone() {
    let mut stage = subscribed("touchdesigner", "core,seg,trig,event,health,vec,raw,text");
    let mut packet = [0; 4096];
    for update in mad() {
        stage.hop(&update);
        stage.surface.health(&report(HealthState::Running));
        stage.surface.event(&Event {
            kind: EventKind::Overload,
            code: 1,
            subject: "s".repeat(3000),
            text: "t".repeat(3000),
        });
        while let Ok(length) = stage.patch.recv(&mut packet) {
            assert!(length <= 1472, "{length} bytes");
            for message in decode(&packet[..length]).expect("our own packet") {
                let is_number = |a: &OscType| matches!(a, OscType::Int(_) | OscType::Float(_));
                assert!(message.args.iter().all(is_number), "{message:?}");
            }
        }
    }
}

#[test]
fn no_profile_makes_a_long_datagram_even_with_long_labels() {
    for profile in Profile::ALL {
        let mut stage = subscribed(profile.name(), "core,vec,raw,text");
        let labels: Vec<_> = (0..16).map(|n| format!("label_{n:02}_of_24_letters__")).collect();
        let identity = Identity { labels: labels.into(), ..identity() };
        let knowledge = Knowledge { identity, ..stage.surface.knowledge.clone() };
        stage.surface.set_knowledge(knowledge);
        let mut update = Update::nothing(1, 16);
        update.classes.as_mut_slice().fill(1.0 / 16.0);
        stage.hop(&update);
        let mut packet = [0; 4096];
        let mut values = 0;
        while let Ok(length) = stage.patch.recv(&mut packet) {
            assert!(length <= 1472, "{profile:?}: {length} bytes");
            let messages = decode(&packet[..length]).expect("our own packet");
            values += messages.iter().map(|message| message.args.len()).sum::<usize>();
        }
        assert!(16 <= values, "{profile:?}: only {values} values");
    }
}
