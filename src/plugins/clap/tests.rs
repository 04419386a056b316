//! The plug-ins of tests/clap as a host's user meets them: sound, moves, state, delay and errors.

use super::*;
use crate::plugins::processor::{Parameter, Processor, Scale};

/// Where cargo puts the test plug-ins.
fn library(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().unwrap().parent().unwrap();
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    target.join("examples").join(format!("{prefix}{name}{suffix}"))
}

fn uri(name: &str) -> String {
    format!("{PREFIX}{}", library(name).display())
}

fn order(uri: &str) -> Order<'_> {
    Order { uri, rate_hz: 48_000, state: None, preset: None }
}

fn build(name: &str) -> Built {
    Clap::new().build(&order(&uri(name))).unwrap()
}

/// Sound through one channel in pieces of so many frames.
fn run(processor: &mut dyn Processor, sound: &[f32], frames: usize) -> Vec<f32> {
    let mut heard = vec![9.0; sound.len()];
    for (input, output) in sound.chunks(frames).zip(heard.chunks_mut(frames)) {
        processor.process(&[input], &mut [output]);
    }
    heard
}

fn ramp(frames: u16) -> Vec<f32> {
    (1..=frames).map(|frame| f32::from(frame) / 1024.0).collect()
}

/// What comes out of the gain: 7 frames of the silence before, then the sound.
fn late(sound: &[f32], factor: f32) -> Vec<f32> {
    let delayed = [0.0; 7].iter().chain(sound).take(sound.len());
    delayed.map(|sample| factor * sample).collect()
}

#[test]
fn sound_comes_out_scaled_and_as_late_as_it_is_told_in_blocks_of_any_size() {
    let sound = ramp(3000);
    for frames in [1, 13, 128, FRAMES_MAX] {
        let mut built = build("clap_gain");
        assert_eq!((built.inputs, built.outputs), (1, 1));
        assert_eq!(built.processor.latency_frames(), 7);
        built.processor.start();
        built.processor.set(0, 0.5);
        assert_eq!(run(&mut *built.processor, &sound, frames), late(&sound, 0.5), "{frames}");
        built.processor.stop();
    }
}

#[test]
fn moves_are_heard_from_the_first_frame_of_the_next_piece_and_the_last_one_counts() {
    let mut built = build("clap_gain");
    built.processor.start();
    run(&mut *built.processor, &[1.0; 100], 50);
    for value in [0.1, 1.5, 0.25] {
        built.processor.set(0, value);
    }
    assert_eq!(run(&mut *built.processor, &[1.0; 64], 64), [0.25; 64]);
    built.processor.set(1, 1.0);
    built.processor.set(0, 2.0);
    assert_eq!(run(&mut *built.processor, &[1.0; 64], 64), [-2.0; 64]);
    built.processor.set(7, 1.0); // there is none
    assert_eq!(run(&mut *built.processor, &[1.0; 64], 64), [-2.0; 64]);
}

#[test]
fn parameters_have_symbols_units_and_labels_and_hidden_ones_are_left_out() {
    let built = build("clap_gain");
    let gain = Parameter {
        symbol: "gain".into(),
        name: "Gain".into(),
        unit: "x".into(),
        min: 0.0,
        max: 2.0,
        default: 1.0,
        scale: Scale::Linear,
        labels: vec![],
    };
    let mode = Parameter {
        symbol: "mode".into(),
        name: "Mode".into(),
        unit: String::new(),
        max: 1.0,
        default: 0.0,
        scale: Scale::Stepped(1),
        labels: vec![(0.0, "normal".into()), (1.0, "inverted".into())],
        ..gain.clone()
    };
    assert_eq!(built.parameters, [gain, mode]);
    assert_eq!(built.values, [1.0, 0.0]);
    assert_eq!(build("clap_naughty").parameters[0].labels[3], (3.0, "not a number".into()));
}

#[test]
fn a_state_that_was_saved_while_it_ran_is_there_again() {
    let mut built = build("clap_gain");
    built.processor.start();
    built.processor.set(0, 0.75);
    built.processor.set(1, 1.0);
    run(&mut *built.processor, &[0.0], 1);
    let state = built.control.save().unwrap().unwrap();
    let uri = uri("clap_gain");
    let order = Order { state: Some(&state), ..order(&uri) };
    let mut again = Clap::new().build(&order).unwrap();
    assert_eq!(again.values, [0.75, 1.0]);
    again.processor.start();
    let sound = ramp(100);
    assert_eq!(run(&mut *again.processor, &sound, 100), late(&sound, -0.75));
}

#[test]
fn a_plug_in_without_a_state_saves_none() {
    assert_eq!(build("clap_naughty").control.save().unwrap(), None);
}

#[test]
fn halves_may_go_in_either_order_stopped_or_not() {
    for (control_goes_first, is_stopped) in
        [(false, false), (false, true), (true, false), (true, true)]
    {
        let Built { mut processor, mut control, .. } = build("clap_gain");
        let mut processor = std::thread::scope(|scope| {
            let run = scope.spawn(|| {
                processor.start();
                run(&mut *processor, &[1.0; 64], 64);
                if is_stopped {
                    processor.stop();
                }
                processor
            });
            run.join().unwrap()
        });
        control.tend();
        if control_goes_first {
            drop(control);
            processor.start();
            assert_eq!(run(&mut *processor, &[1.0; 64], 64), [1.0; 64]);
            drop(processor);
        } else {
            drop(processor);
            drop(control);
        }
    }
}

#[test]
fn what_was_not_started_is_silent() {
    let mut built = build("clap_gain");
    assert_eq!(run(&mut *built.processor, &[1.0; 64], 64), [0.0; 64]);
}

#[test]
fn what_is_not_a_number_comes_out_as_the_plug_in_makes_it() {
    let mut built = build("clap_naughty");
    built.processor.start();
    assert_eq!(run(&mut *built.processor, &[1.0; 64], 64), [1.0; 64]);
    built.processor.set(0, 3.0);
    assert!(run(&mut *built.processor, &[1.0; 64], 64).iter().all(|sample| sample.is_nan()));
    built.processor.set(0, 5.0);
    assert_eq!(run(&mut *built.processor, &[1.0; 192], 64)[128..], [8.0; 64]);
}

fn check(order: &Order, expected: &str) {
    let error = Clap::in_folders(vec![]).build(order).err().unwrap().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn each_mistake_has_its_own_text() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.clap");
    std::fs::write(&text, "no library").unwrap();
    let uri = uri("clap_gain");
    check(&order("clap:/none/gain.clap#org.some.gain"), "is not there");
    check(&order("clap:org.some.gain"), "is not there");
    check(&order("lv2:org.some.gain"), "is not there");
    check(&order(&format!("{PREFIX}{}", text.display())), "cannot be used: Failed to load");
    check(&order(&format!("{uri}#org.some")), r#"has only ["org.affectd.test.gain"]"#);
    check(&Order { preset: Some("Loud"), ..order(&uri) }, r#"no preset "Loud"; it has none"#);
    check(&Order { state: Some(&[1, 2]), ..order(&uri) }, "does not take this state");
}

#[test]
fn the_search_path_is_listed_and_its_plug_ins_are_built_by_id() {
    let folder = tempfile::tempdir().unwrap();
    for (name, file) in
        [("clap_gain", "a.clap"), ("clap_gain", "b.clap"), ("clap_naughty", "c.clap")]
    {
        std::fs::copy(library(name), folder.path().join(file)).unwrap();
    }
    std::fs::write(folder.path().join("d.clap"), "no library").unwrap();
    let mut clap = Clap::in_folders(vec![folder.path().into()]);
    let mut parts = Vec::new();
    let listed = clap.list(&mut |part, _| parts.push(part));
    let uris: Vec<_> = listed.iter().map(|plugin| plugin.uri.as_str()).collect();
    assert_eq!(uris, ["clap:org.affectd.test.gain", "clap:org.affectd.test.naughty"]);
    assert_eq!((listed[0].name.as_str(), listed[0].inputs, listed[0].outputs), ("Test Gain", 1, 1));
    assert_eq!(parts, [0.0, 0.25, 0.5, 0.75]);
    assert_eq!(clap.build(&order(uris[1])).unwrap().name, "Test Naughty");
    let mut unlisted = Clap::in_folders(vec![folder.path().into()]);
    assert_eq!(unlisted.build(&order(uris[0])).unwrap().name, "Test Gain");
}
