//! The programs that our users sit in front of: liblo's oscdump and python-osc hear the daemon.
//! `make test` installs them.

use std::process::{Command, Stdio};

use crate::harness::{Daemon, Running, free_address, project, wait_until};

fn free_port() -> u16 {
    free_address().port()
}

/// The daemon on the demo voice, sending to this port as well.
fn daemon_to(port: u16) -> Daemon {
    let receiver = format!("127.0.0.1:{port}");
    Daemon::start(&["--input", "demo", "--backend", "cpu", "--osc", &receiver])
}

/// Lines of a peer with this word, split.
fn lines<'a>(text: &'a str, word: &str) -> Vec<Vec<&'a str>> {
    let lines = text.lines().filter(|line| line.split_whitespace().any(|part| part == word));
    lines.map(|line| line.split_whitespace().collect()).collect()
}

#[test]
fn oscdump_reads_every_stream() {
    let port = free_port();
    let mut oscdump = Command::new("oscdump");
    oscdump.args(["-L", &port.to_string()]).stdout(Stdio::piped());
    let oscdump = Running::start(&mut oscdump);
    let mut daemon = daemon_to(port);
    daemon.ear.listen_until("three seconds", |heard| crate::harness::hops(heard).len() > 30);
    // oscsend sends each command from another port, so its answers are lost; what they change is
    // heard by oscdump all the same.
    let send = |arguments: &[&str]| {
        let port = daemon.address.port().to_string();
        let sent = Command::new("oscsend").args(["127.0.0.1", &port]).args(arguments).status();
        assert!(sent.is_ok_and(|status| status.success()), "{arguments:?}");
    };
    send(&["/ser/smooth/attack_s", "f", "0.3"]);
    daemon.ear.wait_for("the setting", |heard| heard.message.addr == "/ser/event/config");
    let other = port.to_string();
    send(&["/ser/subscribe", "sisffs", "", &other, "core,event", "0", "75", "flat"]);
    let hops = crate::harness::hops(&daemon.ear.heard).len();
    daemon.ear.listen_until("a second", |heard| crate::harness::hops(heard).len() > hops + 10);
    drop(daemon);
    let text = oscdump.output();
    assert!(!lines(&text, "/arousal").is_empty(), "the profile flat is missing in {text}");
    let changed = lines(&text, "/ser/event/config");
    assert!(changed.iter().any(|line| line.contains(&"\"smooth.attack_s\"")), "{text}");
    let arousal = lines(&text, "/ser/ch/1/dim/arousal");
    assert!(arousal.len() > 20, "{text}");
    for line in arousal {
        let value: f32 = line.last().unwrap().parse().unwrap();
        assert!((0.0..=1.0).contains(&value), "{line:?}");
    }
    assert!(!lines(&text, "/ser/health/state").is_empty(), "{text}");
}

#[test]
fn python_osc_reads_every_stream_and_talks_back() {
    const SCRIPT: &str = "
import sys
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import BlockingOSCUDPServer
from pythonosc.udp_client import SimpleUDPClient
counts = {}
def count(address, *values):
    counts[address] = counts.get(address, 0) + 1
    if address == '/ser/ok':
        print('answered', values[0])
dispatcher = Dispatcher()
dispatcher.set_default_handler(count)
server = BlockingOSCUDPServer(('127.0.0.1', int(sys.argv[1])), dispatcher)
client = SimpleUDPClient('127.0.0.1', int(sys.argv[2]))
asked = False
while counts.get('/ser/ch/1/conf', 0) < 20 or '/ser/ok' not in counts:
    server.handle_request()
    if not asked and '/ser/ch/1/conf' in counts:
        asked = True
        client.send_message('/ser/reply_port', int(sys.argv[1]))
        client.send_message('/ser/version', [])
        terms = ['', int(sys.argv[1]), 'core', 0.0, 75.0, 'touchdesigner']
        client.send_message('/ser/subscribe', terms)
for address in sorted(counts):
    print(address, counts[address])
";
    let port = free_port();
    let daemon = daemon_to(port);
    let python = project().join("target/peers/bin/python");
    let mut peer = Command::new(python);
    peer.args(["-c", SCRIPT, &port.to_string(), &daemon.address.port().to_string()]);
    let mut peer = Running::start(peer.stdout(Stdio::piped()));
    wait_until("python-osc to hear enough", || peer.has_ended());
    let text = peer.output();
    assert!(text.contains("answered /ser/"), "{text}");
    for address in ["/ser/ch/1/dim/arousal", "/ser/ch/1/class/angry", "/ser/ch/1/voice/on"] {
        assert!(!lines(&text, address).is_empty(), "{address} is missing in {text}");
    }
}
