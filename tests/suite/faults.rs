//! What users get wrong, and what strangers send: one clear error each, and no panic.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;

use crate::harness::{self, Daemon, copy_of_the_model, outcome};

/// Runs the program, which must refuse with this code and say all of these.
fn check_refused(arguments: &[&str], code: i32, says: &[&str]) {
    let listen = harness::free_address().to_string();
    let mut whole = arguments.to_vec();
    if arguments[0] == "run" && !arguments.contains(&"--listen") {
        // Tests run side by side, and the usual port is one.
        whole.extend(["--listen", &listen]);
    }
    let (actual, _, errors) = outcome(&whole);
    assert_eq!(actual, code, "{arguments:?}: {errors}");
    assert!(!errors.contains("panicked"), "{errors}");
    for text in says {
        assert!(errors.contains(text), "{text:?} is missing in {errors}");
    }
}

fn check_model_refused(says: &[&str], spoil: impl FnOnce(&Path)) {
    let (_folder, path) = copy_of_the_model();
    spoil(&path);
    let model = path.to_str().expect("a plain path");
    check_refused(&["check", "--model", model], 6, says);
}

/// Writes the card again with one text for another.
fn edit_card(folder: &Path, from: &str, to: &str) {
    let path = folder.join("model.toml");
    let text = fs::read_to_string(&path).expect("the card is there");
    assert!(text.contains(from), "the card has no {from:?}");
    fs::write(path, text.replacen(from, to, 1)).expect("the copy is ours");
}

#[test]
fn a_wrong_configuration_names_key_value_range_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.toml");
    fs::write(&path, "[voice]\nthreshold = 7.0\n\n[osc]\nsent = []\n").unwrap();
    let path = path.to_str().unwrap();
    check_refused(
        &["check", "--config", path],
        3,
        &["bad.toml:2", "voice.threshold", "7", "bad.toml:5", "osc.sent"],
    );
    check_refused(&["check", "--config", "no-such.toml"], 3, &["no-such.toml"]);
}

#[test]
fn weights_that_were_changed_are_told_by_their_hash() {
    check_model_refused(&["weights.safetensors", "SHA-256"], |folder| {
        let path = folder.join("weights.safetensors");
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(path, bytes).unwrap();
    });
}

#[test]
fn weights_that_are_cut_short_are_refused_even_with_the_right_hash() {
    check_model_refused(&["weights.safetensors", "does not fit"], |folder| {
        let path = folder.join("weights.safetensors");
        let bytes = fs::read(&path).unwrap();
        let cut = &bytes[..bytes.len() / 2];
        fs::write(path, cut).unwrap();
        let (old, new) =
            (affectd::model::card::sha256_hex(&bytes), affectd::model::card::sha256_hex(cut));
        edit_card(folder, &old, &new);
    });
}

#[test]
fn weights_of_another_shape_are_refused() {
    check_model_refused(&["weights.safetensors", "does not fit"], |folder| {
        edit_card(folder, "lstm = 64", "lstm = 128");
    });
}

#[test]
fn a_card_out_of_range_is_refused_with_the_range() {
    check_model_refused(&["temperature", "0.05 to 20"], |folder| {
        let text = fs::read_to_string(folder.join("model.toml")).unwrap();
        let line = text.lines().find(|line| line.starts_with("temperature")).unwrap().to_owned();
        edit_card(folder, &line, "temperature = -1.0");
    });
    check_model_refused(&["format"], |folder| edit_card(folder, "format = 1", "format = 9"));
    check_model_refused(&["no model card"], |folder| edit_card(folder, "labels", "labellls"));
    check_model_refused(&["model.toml"], |folder| {
        fs::remove_file(folder.join("model.toml")).unwrap();
    });
}

#[test]
fn a_device_that_is_not_there_is_told_with_those_that_are() {
    check_refused(
        &["run", "--input", "cpal:alsa:no-such-card", "--backend", "cpu"],
        4,
        &["no-such-card"],
    );
    check_refused(&["run", "--input", "file:no-such.wav", "--backend", "cpu"], 4, &["no-such.wav"]);
}

/// A file of 16-bit PCM with this rate and these samples, mono, cut to so many bytes.
fn wav(path: &Path, rate_hz: u32, samples: &[i16], bytes: usize) {
    let length = u32::try_from(2 * samples.len()).expect("it is short");
    let mut file = b"RIFF".to_vec();
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(rate_hz.to_le_bytes());
    file.extend(rate_hz.wrapping_mul(2).to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend(length.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file.truncate(bytes);
    fs::write(path, file).expect("the folder is ours");
}

#[test]
fn a_rate_that_no_card_has_is_refused_with_those_that_are_usual() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.wav");
    for rate_hz in [1_u32, 44_101, 3_000_000_000] {
        wav(&path, rate_hz, &[0; 4000], usize::MAX);
        let input = format!("file:{}", path.display());
        let rate = rate_hz.to_string();
        check_refused(&["run", "--input", &input, "--backend", "cpu"], 4, &[&rate, "48000"]);
    }
}

#[test]
fn files_that_are_none_or_have_no_channel_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.wav");
    let input = format!("file:{}", path.display());
    let run = ["run", "--input", input.as_str(), "--backend", "cpu"];
    fs::write(&path, b"Dear Sir or Madam, ").unwrap();
    check_refused(&run, 4, &["broken.wav", "WAV"]);
    wav(&path, 16_000, &[], 44); // a header alone
    check_refused(&run, 4, &["broken.wav", "no sound"]);
    wav(&path, 16_000, &[0; 100], usize::MAX);
    let mut bytes = fs::read(&path).unwrap();
    bytes[22] = 0; // the number of channels
    fs::write(&path, bytes).unwrap();
    check_refused(&run, 4, &["broken.wav"]);
}

#[test]
fn a_file_that_ends_within_a_frame_is_played_to_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.wav");
    wav(&path, 16_000, &[1000; 16_000], 44 + 2 * 8000 + 1);
    let config = folder.path().join("fast.toml");
    fs::write(&config, "[input]\npaced = false\n").unwrap();
    let listen = harness::free_address().to_string();
    let arguments = ["--config", config.to_str().unwrap(), "--listen", &listen];
    let input = format!("file:{}", path.display());
    let (code, _, text) =
        outcome(&[&["run", "--input", &input, "--backend", "cpu"], arguments.as_slice()].concat());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("sound file, 0.5 s at 16000 Hz"), "{text}");
}

#[test]
fn channels_that_a_source_does_not_have_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (path, config) = (folder.path().join("mono.wav"), folder.path().join("wide.toml"));
    wav(&path, 16_000, &[0; 100], usize::MAX);
    let input = format!("file:{}", path.display());
    let run = ["run", "--config", config.to_str().unwrap(), "--input", &input, "--backend", "cpu"];
    fs::write(&config, "[input]\nchannels = 2\n").unwrap();
    check_refused(&run, 4, &["has 1 channels, but 2"]);
    fs::write(&config, "[input]\nchannels = 0\n").unwrap();
    check_refused(&run, 3, &["input.channels", "1..8"]);
}

#[test]
fn a_taken_port_is_told_and_not_slipped_past() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    check_refused(
        &["run", "--input", "demo", "--backend", "cpu", "--listen", &address],
        5,
        &[&address],
    );
}

#[test]
fn a_file_that_is_no_sound_is_refused_by_the_analysis() {
    check_refused(&["analyze", "Cargo.toml"], 1, &["Cargo.toml", "WAV"]);
}

#[test]
fn garbage_stops_nothing() {
    let mut daemon = Daemon::start(&["--input", "demo", "--backend", "cpu"]);
    daemon.wait_for_streams();
    daemon.send_bytes(&[]);
    daemon.send_bytes(b"hello\n");
    daemon.send_bytes(&[0xff; 60_000]);
    // Bundles inside bundles, which abort rosc if they reach it.
    let mut nested = Vec::new();
    for _ in 0..1500 {
        let size = u32::try_from(nested.len()).unwrap().to_be_bytes();
        let tail = std::mem::take(&mut nested);
        nested.extend_from_slice(b"#bundle\0\0\0\0\0\0\0\0\x01");
        nested.extend_from_slice(&size);
        nested.extend(tail);
    }
    daemon.send_bytes(&nested);
    for seed in 0..200u32 {
        let mut state = seed;
        let packet: Vec<u8> = (0..seed % 97)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            })
            .collect();
        daemon.send_bytes(&packet);
    }
    // Behind so much garbage the system itself may drop a datagram: ask until it answers.
    daemon.ear.heard.clear();
    harness::wait_until("an answer behind the garbage", || {
        daemon.send("/ser/version", vec![]);
        daemon.ear.listen();
        daemon.ear.of("/ser/ok").next().is_some()
    });
    assert!(!daemon.process.has_ended());
}
