//! The surface as a patch sees it: packets over real sockets on loopback. Here what leaves by
//! itself.

mod commands;

mod configuration;

mod events;

mod flood;

mod golden;

mod receivers;

mod rules;

use std::path::Path;
use std::time::Duration;

use rosc::{OscMessage, OscType};

use super::*;
use crate::config::{self, Overrides};
use crate::messages::{
    ClassScores, Dimensions, Event, EventKind, Health, HealthState, Quadrant, Update,
};
use crate::osc::address::Role;
use crate::osc::decode::decode;
use crate::osc::encode;

const LABELS: [&str; 3] = ["happy", "sad", "unknown"];

fn identity() -> Identity {
    Identity {
        labels: LABELS.map(String::from).into(),
        card: [("name".to_string(), "test".to_string()), ("rate".into(), "16000".into())].into(),
        channels: 2,
        names: ["left", "right"].map(String::from).into(),
        triggers: [].into(),
        taught: [].into(),
        hop_s: 0.1,
    }
}

fn update(channel: u16, sequence: u32) -> Update {
    let mut classes = ClassScores::unknown(2);
    classes.as_mut_slice().copy_from_slice(&[0.7, 0.2, 0.1]);
    Update {
        channel,
        sequence,
        end_frame: 0,
        time_s: f64::from(sequence) * 0.1,
        voice_on: true,
        voice_probability: 0.9,
        fresh: true,
        level_db: -30.0,
        clipped: false,
        classes,
        raw: classes,
        dimensions: Dimensions { arousal: 0.625, valence: 0.75, dominance: 0.5 },
        confidence: 0.8,
        inferred: true,
        top: 0,
        ..Update::nothing(1, 3)
    }
}

fn report(state: HealthState) -> Health {
    Health {
        state,
        load: 0.25,
        infer_ms: 3.0,
        latency_p50_ms: 1.0,
        latency_p95_ms: 2.0,
        latency_p99_ms: 3.0,
        memory_mb: 50.0,
        uptime_s: 10.0,
        xruns: 1,
        repaired: 0,
        plugin_faults: 0,
        dropped: 2,
        late: 3,
        restarts: 4,
        gpu: 0,
    }
}

/// A surface on this socket with this configuration.
fn surface(socket: UdpSocket, text: &str) -> Surface {
    let (state, saved) = config::parse_state(Path::new("a.toml"), text, &Overrides::default())
        .expect("a good configuration");
    let origin = config::running::Origin { file: "a.toml".into(), overrides: Overrides::default() };
    let knowledge = Knowledge {
        identity: identity(),
        model: "test-1".to_string(),
        window_s: 3.0,
        hop_s: 0.1,
        window_allowed_s: 1.0..=5.0,
    };
    let running = Running::new(state, origin, saved);
    let setup = Setup { socket, waker: None, running, knowledge, saved: vec![] };
    Surface::new(setup).expect("a good socket")
}

/// A daemon without an engine, and one patch.
struct Stage {
    surface: Surface,
    patch: UdpSocket,
    listen: SocketAddr,
    now: Instant,
    pending: Vec<Pending>,
}

/// Nothing more comes when the socket stays silent so long; loopback delivers within the send.
const SILENCE: Duration = Duration::from_millis(1);

impl Stage {
    /// The patch is a configured receiver if `is_receiver`.
    fn new(is_receiver: bool) -> Self {
        Self::configured(is_receiver, "")
    }

    /// With these lines in `[osc]`.
    fn configured(is_receiver: bool, osc: &str) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let patch = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        patch.set_read_timeout(Some(SILENCE)).expect("a good socket");
        let listen = socket.local_addr().expect("bound");
        let patch_address = patch.local_addr().expect("bound");
        let send = if is_receiver { format!("\"{patch_address}\"") } else { String::new() };
        let text = format!("[osc]\nlisten = \"{listen}\"\nsend = [{send}]\n{osc}");
        let surface = surface(socket, &text);
        Self { surface, patch, listen, now: Instant::now(), pending: Vec::new() }
    }

    fn send(&mut self, message: OscMessage) {
        let from = Endpoint::Udp(self.patch.local_addr().expect("bound"));
        self.send_from(from, message);
    }

    fn send_from(&mut self, from: Endpoint, message: OscMessage) {
        let bytes = rosc::encoder::encode(&rosc::OscPacket::Message(message.clone()));
        let bytes = bytes.expect("it is short").len();
        let inbound = Inbound::Packet { from, bytes, messages: vec![message] };
        self.pending.extend(self.surface.handle(inbound, self.now));
    }

    /// A hop whose sound was recorded just now.
    fn hop(&mut self, update: &Update) {
        let moment = Moment { now: self.now, time: SystemTime::now() };
        self.surface.update(update, SystemTime::now(), moment);
    }

    /// Sends, lets the engine agree to everything, and returns what comes back.
    fn ask(&mut self, address: &str, arguments: &[OscType]) -> Vec<OscMessage> {
        self.send(OscMessage { addr: address.to_string(), args: arguments.to_vec() });
        self.agree();
        self.heard()
    }

    fn agree(&mut self) {
        for Pending { ticket, request } in std::mem::take(&mut self.pending) {
            let done = match request {
                Request::Adopt { state, cause } => Done::Adopted { state, cause },
                Request::Save { typed, .. } => Done::Saved(typed),
                Request::ListDevices | Request::ListOutputs => Done::Devices(vec![]),
                Request::ListModels => Done::Models(vec![]),
                _ => Done::Plain,
            };
            self.surface.answer(ticket, Ok(done), self.now);
        }
    }

    /// Messages that the patch has received.
    fn heard(&self) -> Vec<OscMessage> {
        let mut messages = Vec::new();
        let mut packet = [0; 2048];
        while let Ok(length) = self.patch.recv(&mut packet) {
            assert!(length <= encode::DATAGRAM_BYTES_MAX);
            messages.extend(decode(&packet[..length]).expect("our own packet"));
        }
        messages
    }

    /// Code of the one error that comes back.
    fn error(&mut self, address: &str, arguments: &[OscType]) -> i32 {
        let heard = self.ask(address, arguments);
        assert_eq!(names(&heard), ["/ser/error"], "{address}: {heard:?}");
        assert_eq!(heard[0].args[0], OscType::String(address.to_string()));
        heard[0].args[2].clone().int().expect("errors have a code")
    }
}

fn names(messages: &[OscMessage]) -> Vec<&str> {
    messages.iter().map(|message| message.addr.as_str()).collect()
}

fn int(value: i32) -> OscType {
    OscType::Int(value)
}

fn float(value: f32) -> OscType {
    OscType::Float(value)
}

#[test]
fn a_hop_arrives_as_one_bundle_with_time_first() {
    let mut stage = Stage::new(true);
    stage.hop(&update(1, 7));
    let mut packet = [0; 2048];
    let length = stage.patch.recv(&mut packet).expect("one bundle");
    assert!(packet.starts_with(b"#bundle\0"));
    let messages = decode(&packet[..length]).expect("our own bundle");
    assert_eq!(messages[0].addr, "/ser/ch/1/t");
    assert_eq!(messages[0].args[0], int(7));
    let arousal = messages.iter().find(|m| m.addr == "/ser/ch/1/dim/arousal").expect("core");
    assert_eq!(arousal.args, [float(0.625)]);
    assert_eq!(names(&stage.heard()), [""; 0]);
}

#[test]
fn classes_sum_to_one_and_top_points_to_the_largest() {
    let mut stage = Stage::new(true);
    stage.hop(&update(1, 0));
    let heard = stage.heard();
    let classes = heard.iter().filter(|message| message.addr.starts_with("/ser/ch/1/class/"));
    let sum: f32 = classes.filter_map(|message| message.args[0].clone().float()).sum();
    assert!((sum - 1.0).abs() < 1e-3);
    let top = heard.iter().find(|message| message.addr == "/ser/ch/1/top/index").expect("core");
    assert_eq!(top.args, [int(0)]);
}

#[test]
fn the_sequence_rises_with_every_hop() {
    let mut stage = Stage::new(true);
    (0..5).for_each(|hop| stage.hop(&update(1, hop)));
    let heard = stage.heard();
    let times = heard.iter().filter(|message| message.addr == "/ser/ch/1/t");
    let sequence: Vec<_> = times.filter_map(|message| message.args[0].clone().int()).collect();
    assert_eq!(sequence, [0, 1, 2, 3, 4]);
}

#[test]
fn muting_says_so_once_and_then_nothing_leaves() {
    let mut stage = Stage::new(true);
    stage.hop(&update(1, 0));
    stage.heard();
    let heard = stage.ask("/ser/mute", &[float(1.0)]);
    let expected =
        ["/ser/ch/1/voice/on", "/ser/ch/1/fresh", "/ser/ch/2/voice/on", "/ser/ch/2/fresh"];
    assert_eq!(names(&heard[..4]), expected);
    assert!(heard[..4].iter().all(|message| message.args == [int(0)]));
    assert_eq!(names(&heard[4..]), ["/ser/ok"]);
    stage.hop(&update(1, 1));
    assert_eq!(names(&stage.heard()), [""; 0]);
    assert_eq!(stage.ask("/ser/ch/1/dim/arousal", &[])[0].args, [float(0.5)]);
    assert_eq!(stage.ask("/ser/mute", &[])[0].args, [int(1)]);
}

#[test]
fn muted_or_not_health_and_events_leave() {
    let mut stage = Stage::new(true);
    stage.ask("/ser/mute", &[int(1)]);
    stage.surface.health(&report(HealthState::Muted));
    let text = "cable".to_string();
    let event = Event { kind: EventKind::Device, code: 0, subject: "usb".to_string(), text };
    stage.surface.event(&event);
    let heard = stage.heard();
    assert_eq!(names(&heard)[..2], ["/ser/heartbeat", "/ser/health/state"]);
    assert_eq!(names(&heard).last(), Some(&"/ser/event/device"));
}

#[test]
fn unmuting_sends_the_flags_with_the_next_hop() {
    let mut stage = Stage::new(true);
    stage.ask("/ser/mute", &[int(1)]);
    stage.ask("/ser/mute", &[int(0)]);
    stage.hop(&update(1, 9));
    assert!(names(&stage.heard()).contains(&"/ser/ch/1/voice/on"));
}

#[test]
fn a_subscriber_gets_ok_then_all_values_then_hops() {
    let mut stage = Stage::new(false);
    let heard = stage.ask("/ser/subscribe", &[]);
    let ok = heard.iter().find(|message| message.addr == "/ser/ok").expect("an answer");
    assert_eq!(ok.args, ["/ser/subscribe".into(), int(0), int(1), float(75.0)]);
    assert!(names(&heard).contains(&"/ser/ch/2/conf"));
    assert!(!names(&heard).contains(&"/ser/ch/2/t"));
    stage.hop(&update(1, 1));
    assert_eq!(names(&stage.heard())[0], "/ser/ch/1/t");
    stage.surface.health(&report(HealthState::Running));
    assert_eq!(names(&stage.heard()), ["/ser/heartbeat", "/ser/health/state"]);
    stage.surface.health(&report(HealthState::Running));
    assert_eq!(names(&stage.heard()), ["/ser/heartbeat"]);
}

#[test]
fn a_dead_receiver_takes_nothing_from_the_others() {
    let dead = UdpSocket::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    let mut stage = Stage::new(true);
    let port = int(i32::from(dead.port()));
    stage.ask("/ser/subscribe", &["127.0.0.1".into(), port, "core".into()]);
    for hop in 0..20 {
        stage.hop(&update(1, hop));
        assert_eq!(names(&stage.heard())[0], "/ser/ch/1/t");
    }
}
