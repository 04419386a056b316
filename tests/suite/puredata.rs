//! The patches of patches/pd in Pure Data itself, without a window, against a live daemon: they
//! load, hear, and command.

use std::fs;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::Command;

use rosc::OscType;
use tempfile::NamedTempFile;

use crate::harness::{Daemon, Heard, Running, free_address, outcome, project, wait_until};

/// Pure Data with these patches; what they print goes into a file.
struct Pd {
    log: NamedTempFile,
    remote: UdpSocket,
    _process: Running,
}

impl Pd {
    /// With hands on it: tests/peers/remote.pd passes on what `tell` sends.
    fn open(patches: &[&str]) -> Self {
        let log = NamedTempFile::new().expect("a file for the test");
        let remote = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = free_address().port();
        let mut pd = Command::new("pd");
        pd.current_dir(project()).args(["-nogui", "-noaudio", "-nomidi", "-stderr", "-nrt"]);
        pd.args(["-path", "patches/pd", "-open", "tests/peers/remote.pd"]);
        for patch in patches {
            pd.args(["-open", patch]);
        }
        pd.args(["-send", &format!("remote-port {port}; affectd-loaded bang")]);
        pd.stderr(log.reopen().expect("it is ours"));
        let process = Running::start(&mut pd);
        remote.connect(("127.0.0.1", port)).expect("loopback is there");
        let pd = Self { log, remote, _process: process };
        wait_until("Pd to load", || pd.text().contains("loaded: bang"));
        pd
    }

    /// Sends to a name in the patches.
    fn tell(&self, message: &str) {
        self.remote.send(format!("{message};\n").as_bytes()).expect("Pd listens");
    }

    fn connect(&self, daemon: &Daemon) {
        self.tell(&format!("affectd-command connect 127.0.0.1 {}", daemon.address.port()));
    }

    fn text(&self) -> String {
        fs::read_to_string(self.log.path()).expect("it is ours")
    }

    fn wait_for_line(&self, start: &str) {
        wait_until(start, || self.text().lines().any(|line| line.starts_with(start)));
    }

    /// The numbers that a `print` of this name wrote.
    fn numbers(&self, name: &str) -> Vec<f32> {
        let text = self.text();
        let values = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        values.filter_map(|value| value.parse().ok()).collect()
    }

    fn check_that_nothing_is_wrong(&self) {
        let text = self.text();
        let is_trouble = |line: &&str| line.contains("error") && !line.starts_with("status: ");
        let trouble: Vec<&str> = text.lines().filter(is_trouble).collect();
        assert!(trouble.is_empty() && !text.contains("couldn't create"), "{trouble:?}: {text}");
    }
}

fn patches() -> Vec<PathBuf> {
    let folder = fs::read_dir(project().join("patches/pd")).expect("the folder is there");
    let paths = folder.map(|entry| entry.expect("it can be read").path());
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "pd")).collect()
}

/// A daemon on the demo voice that speaks to nobody unasked; its profiles go to a folder.
fn daemon(folder: &tempfile::TempDir) -> Daemon {
    let config = folder.path().join("pd.toml");
    fs::write(&config, "").expect("ours");
    let config = config.to_str().expect("a plain path");
    let mut daemon = Daemon::start(&["--config", config, "--input", "demo", "--backend", "cpu"]);
    daemon.wait_for_streams();
    daemon
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

impl Daemon {
    /// A value, asked until it is this one: the patch's command is on its way.
    fn wait_for_value(&mut self, address: &str, expected: &OscType) {
        wait_until(address, || {
            self.send(address, vec![]);
            let answer = self.ear.wait_for(address, |heard| {
                heard.message.addr == address || heard.message.addr == "/ser/error"
            });
            answer.args.first() == Some(expected)
        });
    }
}

#[test]
fn every_pure_data_patch_loads() {
    for patch in patches() {
        let pd = Pd::open(&[patch.to_str().expect("a plain path")]);
        pd.check_that_nothing_is_wrong();
    }
}

#[test]
fn the_pure_data_abstraction_hears_commands_and_comes_back() {
    let folder = folder();
    let mut daemon = daemon(&folder);
    let pd = Pd::open(&["tests/peers/abstraction.pd"]);
    pd.connect(&daemon);
    wait_until("the numbers in the patch to move", || {
        let values = pd.numbers("arousal");
        20 < values.len() && values.iter().any(|value| (value - values[0]).abs() > 0.05)
    });
    for name in ["arousal", "valence", "dominance", "voice"] {
        let values = pd.numbers(name);
        assert!(!values.is_empty(), "{name}");
        assert!(values.iter().all(|value| (0.0..=1.0).contains(value)), "{name}: {values:?}");
    }
    for line in ["classes: angry ", "classes: classes ", "status: health state 1", "others: conf "]
    {
        pd.wait_for_line(line);
    }
    pd.tell("affectd-command trigger/add loud level/norm 0.3 0.2");
    pd.wait_for_line("triggers: loud 1");
    pd.tell("affectd-command calibrate/start 5");
    pd.wait_for_line("status: progress /ser/ch/1/calibrate/start 0 ");
    pd.tell("affectd-command no/such 1");
    pd.wait_for_line("status: error /ser/no/such 0 -2 ");
    pd.tell("affectd-command /ser/list /ser/mute");
    pd.wait_for_line("status: item /ser/mute i 3 ");
    pd.tell("affectd-command mute 1");
    pd.wait_for_line("status: ok /ser/mute 0");
    daemon.wait_for_value("/ser/mute", &OscType::Int(1));

    let address = daemon.address;
    drop(daemon);
    pd.wait_for_line("status: lost");
    let heard = pd.numbers("arousal").len();
    let _again = Daemon::start_at(address, &["--input", "demo", "--backend", "cpu"], |_| {});
    wait_until("the numbers to go on", || heard + 20 < pd.numbers("arousal").len());
    pd.check_that_nothing_is_wrong();
}

#[test]
fn the_voice_moves_the_synth_of_the_pure_data_example() {
    let folder = folder();
    let daemon = daemon(&folder);
    let pd = Pd::open(&["patches/pd/voice-to-timbre.pd"]);
    pd.tell("pd dsp 1");
    pd.connect(&daemon);
    wait_until("the synth to sound and to be silent", || {
        let levels = pd.numbers("timbre-db");
        levels.iter().any(|level| *level > -40.0) && levels.iter().any(|level| *level < -90.0)
    });
    pd.check_that_nothing_is_wrong();
}

/// The demo voice is sad, then angry, twice in its first 26 s: calm and tense to this lesson.
#[test]
fn samples_are_chosen_by_what_was_taught_in_the_pure_data_example() {
    let folder = folder();
    let mut daemon = daemon(&folder);
    let pd = Pd::open(&["patches/pd/taught-samples.pd"]);
    pd.tell("pd dsp 1");
    pd.connect(&daemon);
    for (label, from_s, to_s) in
        [("calm", 3.6, 5.9), ("tense", 6.6, 9.2), ("calm", 18.6, 21.7), ("tense", 22.5, 25.4)]
    {
        for (is_on, at_s) in [(1, from_s), (0, to_s)] {
            daemon.ear.listen_until(label, |heard| {
                let hops = heard.iter().rev().find(|one| one.message.addr == "/ser/ch/1/t");
                hops.is_some_and(|hop| at_s <= 0.1 * f64::from(hop.int()))
            });
            pd.tell(&format!("affectd-teach-{label} {is_on}"));
        }
    }
    let items = |daemon: &mut Daemon| {
        daemon.send("/ser/teach/count", vec![]);
        daemon.reply("/ser/teach/count").args[2].clone()
    };
    wait_until("both labels", || items(&mut daemon) == OscType::Int(2));
    pd.tell("affectd-teach-train bang");
    for label in ["tense", "calm"] {
        wait_until(label, || {
            let text = pd.text();
            text.lines().any(|line| line.starts_with("chosen: ") && line.ends_with(label))
        });
    }
    assert!(pd.numbers("samples-db").iter().any(|level| *level > -40.0));
    pd.check_that_nothing_is_wrong();
}

#[test]
fn the_pure_data_panel_commands() {
    let folder = folder();
    let mut daemon = daemon(&folder);
    let pd = Pd::open(&["patches/pd/panel.pd"]);
    pd.connect(&daemon);
    wait_until("mute", || {
        pd.tell("affectd-panel-mute bang"); // the line may not be there yet
        daemon.send("/ser/mute", vec![]);
        let answer = daemon.ear.wait_for("mute", |heard| heard.message.addr == "/ser/mute");
        answer.args == [OscType::Int(1)]
    });
    pd.tell("affectd-panel-unmute bang");
    daemon.wait_for_value("/ser/mute", &OscType::Int(0));
    pd.tell("affectd-panel-calibrate bang");
    pd.tell("affectd-panel-calm 1");
    let hops =
        |heard: &[Heard]| heard.iter().filter(|one| one.message.addr == "/ser/ch/1/t").count();
    let before = hops(&daemon.ear.heard);
    daemon
        .ear
        .listen_until("25 s, of which 5 are speech at least", |heard| before + 250 < hops(heard));
    pd.tell("affectd-panel-calm 0");
    pd.tell("affectd-panel-stop bang");
    let relative = "/ser/ch/1/rel/arousal";
    daemon.ear.wait_for("the baseline", |heard| heard.message.addr == relative);
    daemon.send("/ser/teach/count", vec![]);
    assert_eq!(daemon.reply("/ser/teach/count").args[2], OscType::Int(1));
    pd.tell("affectd-panel-list bang");
    pd.wait_for_line("panel-device: demo ");
    pd.check_that_nothing_is_wrong();
}

/// `[oscformat ser mute]` and the messages of the patches, as addresses below the root.
fn addresses(patch: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in patch.lines() {
        let words: Vec<&str> = line.trim_end_matches(';').split_whitespace().collect();
        match words[..] {
            ["#X", "obj", _, _, "oscformat", ref rest @ ..] => {
                let parts = rest.iter().skip_while(|part| **part != "ser").skip(1);
                let path: Vec<&str> = parts.copied().collect();
                if !path.is_empty() {
                    found.push(path.join("/"));
                }
            }
            ["#X", "msg", _, _, address, ..] if address.contains('/') => {
                let channel = ["calibrate/", "teach/"].iter().any(|of| address.starts_with(of));
                let address = address.strip_prefix("/ser/").unwrap_or(address);
                found.push(if channel { format!("ch/1/{address}") } else { address.to_owned() });
            }
            _ => {}
        }
    }
    found
}

#[test]
fn every_address_of_the_pure_data_patches_is_in_the_table() {
    let (code, reference, _) = outcome(&["osc-reference"]);
    assert_eq!(code, 0);
    let rows: Vec<&str> = reference
        .lines()
        .filter_map(|line| line.strip_prefix("| `/ser/")?.split('`').next())
        .collect();
    let mut count = 0;
    for patch in patches() {
        for address in addresses(&fs::read_to_string(&patch).expect("a text")) {
            let row = address.replacen("ch/1/", "ch/N/", 1);
            assert!(rows.contains(&row.as_str()), "{}: /ser/{address}", patch.display());
            count += 1;
        }
    }
    assert!(30 < count, "{count} addresses were found");
}
