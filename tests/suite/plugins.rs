//! Plug-ins live, between a player and a recorder on a dummy JACK: edits without a gap or a click,
//! the tap, and what is asked and kept over OSC.

use rosc::OscType;

use crate::harness::{Daemon, project, wait_until};
use crate::jackd::{Server, Tape, in_own_process, player, recorder, taking_clients};

/// -60 dBFS.
const CLICK: f32 = 1e-3;

/// 64 frames a period, so that four are a block of 256: a cycle that a busy server leaves out
/// changes no phase. It would still cut into a fade.
const PERIOD: usize = 64;

const AMPLITUDE: f32 = 0.25;

fn sine() -> impl FnMut() -> f32 + Send + 'static {
    let turn = |frame: usize| frame as f32 * std::f32::consts::TAU / PERIOD as f32;
    let table: Vec<f32> = (0..PERIOD).map(|frame| AMPLITUDE * turn(frame).sin()).collect();
    let mut samples = table.into_iter().cycle();
    move || samples.next().unwrap_or(0.0)
}

/// A daemon with its sound going on, and these slots.
pub fn daemon(slots: &str) -> (tempfile::TempDir, Daemon) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let file = folder.path().join("config.toml");
    let text = format!("[through]\nto = \"on\"\n{slots}");
    std::fs::write(&file, &text).expect("a folder of ours");
    for name in ["gain", "naughty"] {
        let built = examples().join(format!("libclap_{name}.so"));
        let named = folder.path().join(format!("{name}.clap"));
        std::os::unix::fs::symlink(built, named).expect("a folder of ours");
    }
    let file = file.to_str().expect("a plain path").to_owned();
    let arguments = ["--config", &file, "--input", "jack", "--backend", "cpu"];
    let mut daemon = Daemon::start_with(&arguments, |command| {
        command.env("CLAP_PATH", folder.path());
    });
    wait_for_chain(&mut daemon, &text);
    (folder, daemon)
}

/// The first hop is heard, and every slot of this configuration is built: until then commands to
/// it are answered with -5.
fn wait_for_chain(daemon: &mut Daemon, text: &str) {
    daemon.wait_for_streams();
    let slots = text.matches("uri = ").count();
    wait_until("the chain to be built", || {
        order(daemon, "/ser/plugin/list", vec![]).pop() == Some(int(slots))
    });
}

/// Where cargo puts the plug-ins of tests/clap.
pub fn examples() -> std::path::PathBuf {
    let test = std::env::current_exe().expect("a test is a program");
    let folder = test.parent().and_then(std::path::Path::parent).expect("target/debug/deps");
    folder.join("examples")
}

pub fn int(value: usize) -> OscType {
    OscType::Int(i32::try_from(value).expect("small"))
}

/// Sends a command and expects it to be carried out.
pub fn order(daemon: &mut Daemon, address: &str, arguments: Vec<OscType>) -> Vec<OscType> {
    daemon.send(address, arguments);
    let reply = daemon.reply(address);
    assert_eq!(reply.addr, "/ser/ok", "{reply:?}");
    reply.args
}

/// source:out ▶ affectd ▶ tape:in_1.
pub fn connect(client: &jack::Client, source: &str) {
    for (from, to) in [(source, "affectd:in_1"), ("affectd:out_1", "tape:in_1")] {
        client.connect_ports_by_name(from, to).expect("both ports are there");
    }
}

/// Steady sound has come through.
fn wait_for_sound(tape: &Tape) {
    wait_until("the sine on the tape", || {
        let tape = tape.lock().expect("nobody panics with it");
        tape[0].len() > 48_000 && tape[0].iter().rev().take(PERIOD).any(|x| x.abs() > 0.01)
    });
    tape.lock().expect("nobody panics with it")[0].clear();
}

/// A server, a daemon with these slots on it, and a sine that runs through it onto a tape.
pub fn with_sine(slots: &str, body: impl FnOnce(&mut Daemon, &Tape)) {
    // Synchronous: a cycle that a busy machine holds up ends before the next begins, so that no
    // block is heard twice in the middle of a fade.
    let _server = taking_clients(Server::start_with(&["-S"], [48_000, 256]));
    let (_folder, mut daemon) = daemon(slots);
    let (source, (ear, tape)) = (player("source", sine()), recorder(1));
    connect(ear.as_client(), "source:out");
    wait_for_sound(&tape);
    body(&mut daemon, &tape);
    drop(source);
}

/// What is on the first track.
pub fn track(tape: &Tape) -> Vec<f32> {
    tape.lock().expect("nobody panics with it")[0].clone()
}

/// A sine of this frequency, whatever its amplitude and phase, leaves nothing here; what is left
/// are clicks. The largest, and where.
fn largest_click(track: &[f32]) -> (f32, usize) {
    let twice_cos = 2.0 * (std::f32::consts::TAU / PERIOD as f32).cos();
    let residual = track.windows(3).map(|x| (x[2] - twice_cos * x[1] + x[0]).abs());
    residual.enumerate().fold((0.0, 0), |most, (at, x)| if x > most.0 { (x, at) } else { most })
}

#[test]
fn a_thousand_edits_make_no_gap_and_no_click() {
    in_own_process(|| {
        let slots = "slots = [{ uri = \"affectd:gain\" }, { uri = \"affectd:limiter\" }]";
        with_sine(&format!("[plugins]\n{slots}\n"), edit_a_thousand_times);
    });
}

fn edit_a_thousand_times(daemon: &mut Daemon, tape: &Tape) {
    let uris = ["affectd:gain", "affectd:high_pass", "affectd:limiter", "affectd:compressor"];
    // The gain stays first, so that its parameter is there to be moved.
    let mut slots = 2;
    for step in 0..1000_usize {
        let some = |of: usize| int(of % (slots - 1) + 2);
        match step % 5 {
            0 => {
                let uri = uris[step / 5 % uris.len()];
                order(daemon, "/ser/plugin/add", vec![uri.into(), some(step)]);
                slots += 1;
            }
            1 => {
                order(daemon, "/ser/plugin/move", vec![some(step), some(step / 3)]);
            }
            2 => {
                order(daemon, "/ser/plugin/bypass", vec![some(step), int(step / 5 % 2)]);
            }
            3 => {
                let gain_db = -((step % 20) as f32);
                let arguments = vec![int(1), "gain_db".into(), gain_db.into()];
                order(daemon, "/ser/plugin/param", arguments);
            }
            _ => {
                order(daemon, "/ser/plugin/remove", vec![some(step)]);
                slots -= 1;
            }
        }
    }
    check_unbroken(tape);
}

#[test]
fn a_thousand_swaps_of_a_plug_in_for_another_make_no_gap_and_no_click() {
    in_own_process(|| {
        with_sine("[plugins]\nslots = [{ uri = \"affectd:gain\" }]\n", |daemon, tape| {
            let gain = vec![int(1), "gain_db".into(), OscType::Float(-3.0)];
            order(daemon, "/ser/plugin/param", gain);
            order(daemon, "/ser/plugin/state/save", vec!["even".into()]);
            order(daemon, "/ser/plugin/add", vec!["affectd:limiter".into()]);
            order(daemon, "/ser/plugin/remove", vec![int(1)]);
            order(daemon, "/ser/plugin/state/save", vec!["odd".into()]);
            let frames = || tape.lock().expect("nobody panics with it")[0].len();
            for step in 0..1000 {
                let chain = if step % 2 == 0 { "even" } else { "odd" };
                order(daemon, "/ser/plugin/state/load", vec![chain.into()]);
                // A fade of 20 ms and the limiter's delay.
                let begun = frames();
                wait_until("a fade", || begun + 1200 < frames());
            }
            check_unbroken(tape);
        });
    });
}

/// Nothing but the sine, whatever became of its amplitude.
fn check_unbroken(tape: &Tape) {
    let track = track(tape);
    let (click, at) = largest_click(&track);
    let around = &track[at.saturating_sub(3)..(at + 6).min(track.len())];
    assert!(click < CLICK, "{click} at {at}: {around:?}");
    // A gap would be silence for a block.
    let is_silent = |block: &[f32]| block.iter().all(|x| x.abs() < 1e-4);
    assert_eq!(track.chunks(PERIOD).filter(|block| is_silent(block)).count(), 0);
}

#[test]
fn the_tap_chooses_what_the_analysis_hears() {
    in_own_process(|| {
        let slot = "{ uri = \"affectd:gain\", set = { gain_db = -20.0 } }";
        with_sine(&format!("[plugins]\nslots = [{slot}]\n"), |daemon, tape| {
            // A sine of amplitude 0.25 is at -15.05 dBFS.
            let hears = |daemon: &mut Daemon, level_db: f32| {
                daemon.ear.wait_for(&format!("a level of {level_db} dBFS"), |heard| {
                    let is_level = heard.message.addr == "/ser/ch/1/level";
                    is_level && (heard.float() - level_db).abs() < 0.1
                });
            };
            hears(daemon, -15.05);
            order(daemon, "/ser/plugin/tap", vec![OscType::Int(1)]);
            hears(daemon, -35.05);
            order(daemon, "/ser/plugin/tap", vec![OscType::Int(0)]);
            hears(daemon, -15.05);
            // What goes out is soft all the while.
            let last = track(tape).into_iter().rev().take(PERIOD);
            let loudest = last.fold(0.0_f32, |most, x| most.max(x.abs()));
            assert!((loudest - 0.025).abs() < 1e-3, "{loudest}");
        });
    });
}

#[test]
fn a_scan_tells_its_progress_and_all_that_is_installed() {
    let mut daemon = Daemon::start(&["--input", "demo", "--backend", "cpu"]);
    daemon.wait_for_streams();
    order(&mut daemon, "/ser/plugin/scan", vec![]);
    assert!(daemon.ear.of("/ser/progress").count() > 10);
    let uris: Vec<String> = daemon
        .ear
        .of("/ser/plugin/found")
        .filter_map(|heard| heard.message.args[0].clone().string())
        .collect();
    for uri in [
        "affectd:denoise",
        "http://drobilla.net/plugins/mda/Ambience",
        "http://gareus.org/oss/lv2/fil4#mono",
        "http://plugin.org.uk/swh-plugins/amp",
        "http://lsp-plug.in/plugins/lv2/limiter_mono",
        "http://lv2plug.in/plugins/eg-amp",
    ] {
        assert!(uris.iter().any(|found| found == uri), "{uri} among {}", uris.len());
    }
}

#[test]
fn a_chain_is_saved_with_its_values_and_loaded_again() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let file = folder.path().join("config.toml");
    let text = "[plugins]\nslots = [{ uri = \"http://drobilla.net/plugins/mda/Ambience\" }]\n";
    std::fs::write(&file, text).expect("a folder of ours");
    let file = file.to_str().expect("a plain path").to_owned();
    let mut daemon = Daemon::start(&["--config", &file, "--input", "demo", "--backend", "cpu"]);
    wait_for_chain(&mut daemon, text);
    let value = |daemon: &mut Daemon| {
        order(daemon, "/ser/plugin/param/get", vec![int(1), "mix".into()]).pop()
    };
    let mix = |value: f32| vec![int(1), "mix".into(), OscType::Float(value)];
    order(&mut daemon, "/ser/plugin/param", mix(0.25));
    order(&mut daemon, "/ser/plugin/state/save", vec!["evening".into()]);
    order(&mut daemon, "/ser/plugin/param", mix(0.5));
    order(&mut daemon, "/ser/plugin/remove", vec![int(1)]);
    assert_eq!(order(&mut daemon, "/ser/plugin/list", vec![]).pop(), Some(int(0)));
    order(&mut daemon, "/ser/plugin/state/load", vec!["evening".into()]);
    assert_eq!(value(&mut daemon), Some(OscType::Float(0.25)));
    order(&mut daemon, "/ser/plugin/param", mix(0.75));
    order(&mut daemon, "/ser/config/save", vec![]);
    drop(daemon);
    let mut daemon = Daemon::start(&["--config", &file, "--input", "demo", "--backend", "cpu"]);
    wait_for_chain(&mut daemon, text);
    assert_eq!(order(&mut daemon, "/ser/plugin/params", vec![int(1)]).pop(), Some(int(4)));
    assert_eq!(value(&mut daemon), Some(OscType::Float(0.75)));
}

#[test]
fn presets_trust_and_a_watch_over_osc() {
    let mut daemon = Daemon::start(&["--input", "demo", "--backend", "cpu"]);
    daemon.wait_for_streams();
    order(&mut daemon, "/ser/plugin/add", vec!["http://drobilla.net/plugins/mda/Leslie".into()]);
    order(&mut daemon, "/ser/plugin/presets", vec![int(1)]);
    let labels: Vec<_> = daemon
        .ear
        .of("/ser/plugin/preset/item")
        .map(|heard| heard.message.args[1].clone())
        .collect();
    assert_eq!(labels.len(), 3, "{labels:?}");
    let mode = vec![int(1), "mode".into()];
    order(&mut daemon, "/ser/plugin/preset", vec![int(1), "Fast".into()]);
    assert_eq!(
        order(&mut daemon, "/ser/plugin/param/get", mode.clone()).pop(),
        Some(OscType::Float(1.0))
    );
    let is_here = |daemon: &mut Daemon| {
        daemon.ear.heard.clear();
        order(daemon, "/ser/plugin/list", vec![]);
        let item = daemon.ear.of("/ser/plugin/item").last().expect("one slot").clone();
        item.message.args[6].clone().int()
    };
    assert_eq!(is_here(&mut daemon), Some(0));
    order(&mut daemon, "/ser/plugin/trust", vec![int(1), int(1)]);
    assert_eq!(is_here(&mut daemon), Some(1));
    // The values came along.
    assert_eq!(order(&mut daemon, "/ser/plugin/param/get", mode).pop(), Some(OscType::Float(1.0)));
    let watch = vec![int(1), "speed".into(), ">".into(), OscType::Float(0.7)];
    order(&mut daemon, "/ser/plugin/watch", watch);
    for (value, text) in [(0.8, "0.8 is > 0.7"), (0.2, "0.2 is not > 0.7")] {
        let set = vec![int(1), "speed".into(), OscType::Float(value)];
        daemon.send("/ser/plugin/param", set);
        let event = daemon
            .ear
            .wait_for(text, |heard| heard.message.addr == "/ser/event/plugin" && heard.int() == 3);
        assert_eq!(event.args[1..], ["Leslie/speed".into(), text.into()]);
    }
}

#[test]
fn the_ten_lines_of_the_readme_play_with_a_loudspeaker_or_without() {
    let (example, readme) = (project().join("examples/chain.toml"), project().join("README.md"));
    let text = std::fs::read_to_string(&example).expect("it is shipped");
    let readme = std::fs::read_to_string(readme).expect("it is shipped");
    assert!(text.lines().count() == 10 && readme.contains(&text), "{text}");
    let example = example.to_str().expect("a plain path");
    let arguments = ["--config", example, "--input", "demo", "--backend", "cpu"];
    let mut daemon = Daemon::start(&arguments);
    wait_for_chain(&mut daemon, &text);
    assert_eq!(order(&mut daemon, "/ser/plugin/params", vec![int(4)]).pop(), Some(int(4)));
    // Somebody excited is among the first to speak.
    wait_until("the room to open", || {
        let answer = order(&mut daemon, "/ser/plugin/param/get", vec![int(4), "mix".into()]);
        answer.last().and_then(|mix| mix.clone().float()).is_some_and(|mix| 0.1 < mix)
    });
    assert_eq!(order(&mut daemon, "/ser/plugin/list", vec![]).pop(), Some(int(4)));
}
