//! How packets come and go: TCP in both framings, IPv6, floods, dead and slow receivers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use rosc::{OscMessage, OscPacket, OscType};

use crate::harness::{Daemon, Heard, PATIENCE, free_address, hops, keep, outcome, wait_until};

const SLIP_END: u8 = 0xc0;

fn demo() -> Daemon {
    let mut daemon = Daemon::start(&["--input", "demo", "--backend", "cpu"]);
    daemon.wait_for_streams();
    daemon
}

fn packet(address: &str, arguments: &[OscType]) -> Vec<u8> {
    let message = OscMessage { addr: address.to_owned(), args: arguments.to_vec() };
    rosc::encoder::encode(&OscPacket::Message(message)).expect("it is short")
}

/// A TCP client that puts the length before each packet, or wraps it in SLIP.
struct Client {
    stream: TcpStream,
    is_slip: bool,
    heard: Vec<Heard>,
}

impl Client {
    fn new(address: SocketAddr, is_slip: bool) -> Self {
        let stream = TcpStream::connect(address).expect("the daemon listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit can be set");
        Self { stream, is_slip, heard: Vec::new() }
    }

    fn send(&mut self, address: &str, arguments: &[OscType]) {
        let packet = packet(address, arguments);
        let framed = if self.is_slip {
            let escaped = packet.iter().flat_map(|&byte| match byte {
                SLIP_END => vec![0xdb, 0xdc],
                0xdb => vec![0xdb, 0xdd],
                byte => vec![byte],
            });
            [SLIP_END].into_iter().chain(escaped).chain([SLIP_END]).collect()
        } else {
            let length = u32::try_from(packet.len()).expect("short");
            [&length.to_be_bytes(), packet.as_slice()].concat()
        };
        self.stream.write_all(&framed).expect("the daemon reads");
    }

    /// The next packet's messages.
    fn listen(&mut self) {
        let bytes = if self.is_slip { self.slip() } else { self.counted() };
        let (_, packet) = rosc::decoder::decode_udp(&bytes).expect("it sends OSC");
        keep(packet, None, &mut self.heard);
    }

    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.stream.read_exact(&mut byte).expect("a byte comes");
        byte[0]
    }

    fn slip(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            match self.byte() {
                SLIP_END if bytes.is_empty() => {}
                SLIP_END => return bytes,
                0xdb => bytes.push(if self.byte() == 0xdc { SLIP_END } else { 0xdb }),
                byte => bytes.push(byte),
            }
        }
    }

    fn counted(&mut self) -> Vec<u8> {
        let length = std::array::from_fn(|_| self.byte());
        let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut bytes).expect("the whole packet comes");
        bytes
    }

    fn wait_for(&mut self, address: &str) -> OscMessage {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = self.heard.iter().position(|h| h.message.addr == address) {
                return self.heard.remove(found).message;
            }
            assert!(Instant::now() < deadline, "{address} did not come");
            self.listen();
        }
    }
}

fn check_tcp(is_slip: bool) {
    let daemon = demo();
    let mut client = Client::new(daemon.address, is_slip);
    client.send("/ser/version", &[]);
    assert_eq!(client.wait_for("/ser/ok").args[0], "/ser/version".into());
    client.send("/ser/subscribe", &[]);
    client.wait_for("/ser/ch/1/t");
    let first = client.wait_for("/ser/ch/1/t").args[0].clone().int();
    let second = client.wait_for("/ser/ch/1/t").args[0].clone().int();
    assert_eq!(first.map(|first| first + 1), second);
    // As many commands in one go as a patch never sends: each is answered, in order.
    client.heard.clear();
    for number in 0..3000 {
        client.send("/ser/sync", &[OscType::Int(number)]);
    }
    for number in 0..3000 {
        assert_eq!(client.wait_for("/ser/synced").args, [OscType::Int(number)]);
    }
    drop(client);
    let mut daemon = daemon;
    let gone = |heard: &Heard| heard.message.addr == "/ser/event/client";
    let event = daemon.ear.wait_for("the client's end", |h| gone(h) && h.int() == 0);
    assert!(matches!(&event.args[1], OscType::String(text) if text.ends_with("(TCP)")));
}

#[test]
fn tcp_with_lengths_is_the_same_surface() {
    check_tcp(false);
}

#[test]
fn tcp_with_slip_is_the_same_surface() {
    check_tcp(true);
}

#[test]
fn garbage_on_tcp_ends_its_connection_and_nothing_else() {
    let mut daemon = demo();
    let mut browser = TcpStream::connect(daemon.address).expect("the daemon listens");
    browser.set_read_timeout(Some(PATIENCE)).expect("a limit can be set");
    browser.write_all(b"GET / HTTP/1.1\r\nHost: affectd\r\n\r\n").expect("it is read");
    let mut answer = Vec::new();
    // Closed, or reset because there was more to read: in any case the end.
    browser.read_to_end(&mut answer).unwrap_or_default();
    assert!(answer.is_empty(), "{answer:?}");
    // A nest of bundles that would abort rosc, and a packet that never ends.
    let mut client = Client::new(daemon.address, false);
    let nested = b"#bundle\0\0\0\0\0\0\0\0\x01\0\0\x1f\0".repeat(400);
    let length = u32::try_from(nested.len()).expect("short").to_be_bytes();
    client.stream.write_all(&[&length[..], &nested].concat()).expect("it is read");
    client.send("/ser/version", &[]);
    client.wait_for("/ser/ok");
    let _half = TcpStream::connect(daemon.address).expect("the daemon listens").write(&[0, 0]);
    daemon.send("/ser/version", vec![]);
    assert_eq!(daemon.reply("/ser/version").addr, "/ser/ok");
    daemon.send("/ser/health/osc/malformed", vec![]);
    let address = "/ser/health/osc/malformed";
    daemon.ear.listen_until("both to be counted", |heard| {
        heard.iter().any(|heard| heard.message.addr == address && heard.int() >= 2)
    });
}

#[test]
fn connections_that_say_nothing_keep_nobody_out() {
    let daemon = demo();
    let connect = |_| TcpStream::connect(daemon.address).expect("the daemon listens");
    let _idle: Vec<TcpStream> = (0..40).map(connect).collect();
    let mut client = Client::new(daemon.address, false);
    client.send("/ser/version", &[]);
    client.wait_for("/ser/ok");
}

#[test]
fn a_port_that_is_taken_for_tcp_alone_is_an_error_too() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    let (code, _, errors) =
        outcome(&["run", "--input", "demo", "--backend", "cpu", "--listen", &address]);
    assert_eq!(code, 5, "{errors}");
    assert!(errors.contains(&address) && errors.contains("TCP"), "{errors}");
}

#[test]
fn ipv6_is_heard_and_spoken() {
    let Ok(ear) = UdpSocket::bind("[::1]:0") else {
        return eprintln!("this machine has no IPv6: nothing to test");
    };
    ear.set_read_timeout(Some(PATIENCE)).expect("a limit can be set");
    let port = free_address().port();
    let mut daemon = crate::harness::affectd();
    daemon.args(["run", "--input", "demo", "--backend", "cpu"]);
    daemon.args([
        "--listen",
        &format!("[::]:{port}"),
        "--osc",
        &format!("[::1]:{}", { ear.local_addr().expect("bound").port() }),
    ]);
    let _daemon = crate::harness::Running::start(&mut daemon);
    let hear = |ear: &UdpSocket, wanted: &str| {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let mut bytes = [0; 2048];
            let length = ear.recv(&mut bytes).expect("something comes");
            let (_, packet) = rosc::decoder::decode_udp(&bytes[..length]).expect("it sends OSC");
            let mut heard = Vec::new();
            keep(packet, None, &mut heard);
            if heard.iter().any(|heard| heard.message.addr == wanted) {
                return;
            }
        }
        panic!("{wanted} did not come");
    };
    hear(&ear, "/ser/ch/1/t");
    // The same socket speaks IPv4: what is bound to all addresses of IPv6 takes both here.
    for (own, theirs) in
        [("[::1]:0", format!("[::1]:{port}")), ("127.0.0.1:0", format!("127.0.0.1:{port}"))]
    {
        let patch = UdpSocket::bind(own).expect("a free port");
        patch.set_read_timeout(Some(PATIENCE)).expect("a limit can be set");
        patch.send_to(&packet("/ser/subscribe", &[]), &theirs).expect("loopback takes it");
        hear(&patch, "/ser/ok");
        hear(&patch, "/ser/ch/1/t");
    }
}

/// 20 s of packets as fast as they come from one thread, some 50,000 a second and more: of good
/// commands, unknown ones and garbage. No hop is lost, memory stays, and all is counted.
#[test]
fn a_flood_costs_no_hop_and_no_memory() {
    const FLOOD: Duration = Duration::from_secs(20);
    /// Packets in 1/1000 s: 50,000 a second.
    const PACKETS_A_MS: usize = 50;
    let mut daemon = demo();
    let megabytes = |daemon: &mut Daemon| {
        daemon.ear.wait_for("the next health", |h| h.message.addr == "/ser/health/mem_mb").args[0]
            .clone()
            .float()
            .expect("a number of MB")
    };
    let before = megabytes(&mut daemon);
    let first = hops(&daemon.ear.heard).len();
    let target = daemon.address;
    let flood = std::thread::spawn(move || {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let packets = [packet("/ser/version", &[]), packet("/nonsense", &[]), b"garbage!".to_vec()];
        let (begun, mut sent) = (Instant::now(), 0_usize);
        while begun.elapsed() < FLOOD {
            let due = PACKETS_A_MS * usize::try_from(begun.elapsed().as_millis()).unwrap_or(0);
            while sent < due {
                // A full buffer of the system is part of a flood.
                socket.send_to(&packets[sent % packets.len()], target).unwrap_or_default();
                sent += 1;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        sent
    });
    while !flood.is_finished() {
        daemon.ear.listen();
    }
    let sent = flood.join().expect("no panic");
    let after = megabytes(&mut daemon);
    assert!(after < before + 8.0, "memory went from {before} to {after} MB");
    let hops = hops(&daemon.ear.heard);
    assert!(hops.len() > first + 150, "only {} hops in the flood", hops.len() - first);
    for pair in hops.windows(2) {
        assert_eq!(pair[0].0 + 1, pair[1].0, "a hop is missing");
    }
    let last = |daemon: &Daemon, name: &str| {
        let address = format!("/ser/health/osc/{name}");
        daemon.ear.of(&address).last().map_or(0, Heard::int)
    };
    let counted = last(&daemon, "malformed") + last(&daemon, "overrun") + last(&daemon, "withheld");
    assert!(counted > 1000, "{counted} of {sent} packets were counted");
    wait_until("an answer after the flood", || {
        daemon.send("/ser/labels", vec![]);
        daemon.ear.listen();
        daemon.ear.of("/ser/ok").any(|h| h.message.args[0] == "/ser/labels".into())
    });
}

#[test]
fn a_dead_receiver_and_a_client_that_never_reads_delay_nobody() {
    let mut daemon = demo();
    let dead = free_address().port();
    for groups in ["core", "core,vec,raw,text"] {
        let arguments = vec!["".into(), i32::from(dead).into(), groups.into()];
        daemon.send("/ser/subscribe", arguments);
        daemon.reply("/ser/subscribe");
    }
    // Subscribes, asks for as much as it can, and never reads a byte.
    let mut lazy = Client::new(daemon.address, false);
    lazy.send("/ser/subscribe", &[]);
    lazy.stream.set_write_timeout(Some(Duration::from_millis(50))).expect("a limit can be set");
    for _ in 0..2000 {
        let length = u32::try_from(packet("/ser/list", &[]).len()).expect("short").to_be_bytes();
        let framed = [&length[..], &packet("/ser/list", &[])].concat();
        if lazy.stream.write_all(&framed).is_err() {
            break;
        }
    }
    let first = hops(&daemon.ear.heard).len();
    daemon.ear.listen_until("three seconds more", |heard| hops(heard).len() > first + 30);
    for pair in hops(&daemon.ear.heard).windows(2) {
        assert_eq!(pair[0].0 + 1, pair[1].0, "a hop is missing");
    }
    daemon.ear.listen_until("the lost packets to be counted", |heard| {
        let mut refused = heard.iter().filter(|h| h.message.addr == "/ser/health/osc/refused");
        refused.next_back().is_some_and(|heard| heard.int() > 20)
    });
}
