//! A million packets of every kind, whole and broken: decoding and obeying them ends, answers each
//! command once, and keeps memory bounded.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::osc::address::TABLE;
use crate::osc::send::Counters;

const PACKETS: u32 = 1_000_000;

/// A packet near what patches send: addresses of the table and others, all types, bundles; then in
/// one of three some bytes are changed, left out or doubled.
fn packet(random: &mut StdRng) -> Vec<u8> {
    let mut bytes = message(random);
    if random.random_ratio(1, 5) {
        let mut bundle = b"#bundle\0\0\0\0\0\0\0\0\x01".to_vec();
        for _ in 0..random.random_range(0..4) {
            let inner = if random.random_ratio(1, 9) { bundle.clone() } else { message(random) };
            bundle.extend(u32::try_from(inner.len()).expect("short").to_be_bytes());
            bundle.extend(inner);
        }
        bytes = bundle;
    }
    for _ in 0..if random.random_ratio(1, 3) { random.random_range(1..6) } else { 0 } {
        let place = random.random_range(0..bytes.len().max(1));
        match random.random_range(0..3) {
            0 if place < bytes.len() => bytes[place] = random.random(),
            1 => bytes.truncate(place),
            _ => bytes.extend_from_within(place.min(bytes.len())..),
        }
        bytes.truncate(2000);
    }
    bytes
}

fn message(random: &mut StdRng) -> Vec<u8> {
    let row = &TABLE[random.random_range(0..TABLE.len())];
    let mut addr = row.full("/ser", 1, "sad", random.random_range(0..5));
    match random.random_range(0..9) {
        0 => addr = addr.replace("ch", "*"),
        1 => addr.push(char::from(random.random_range(b' '..b'~'))),
        2 => addr = "/ser/{voice,sub/?}/*".to_owned(),
        _ => {}
    }
    let arguments = (0..random.random_range(0..7)).map(|_| argument(random)).collect();
    let message = OscMessage { addr, args: arguments };
    let packet = rosc::OscPacket::Message(message);
    rosc::encoder::encode(&packet).expect("encoding into memory cannot fail")
}

fn argument(random: &mut StdRng) -> OscType {
    let words = ["", "core", "voice.threshold", "../x", "127.0.0.1", "vrchat", "/ser/quit", "all"];
    match random.random_range(0..9) {
        0 => OscType::Int(random.random()),
        1 => OscType::Int(random.random_range(-1..3)),
        2 => OscType::Float(f32::from_bits(random.random())),
        3 => OscType::Float(random.random_range(0..2000) as f32),
        4 | 5 => OscType::String(words[random.random_range(0..words.len())].to_owned()),
        6 => OscType::Blob(vec![random.random(); random.random_range(0..9)]),
        7 => OscType::Bool(random.random()),
        _ => OscType::Double(random.random_range(-1.0..9.0)),
    }
}

/// The answers of all commands, which is why each is sent to nobody: the counters tell.
#[test]
fn a_million_packets_are_taken_and_nothing_grows() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let text = format!("[osc]\nlisten = \"{}\"\nsend = []", socket.local_addr().expect("bound"));
    let mut surface = surface(socket, &text);
    let (start, seed) = (Instant::now(), 20_261_125);
    let mut random = StdRng::seed_from_u64(seed);
    let mut taken = 0u32;
    for index in 0..PACKETS {
        let bytes = packet(&mut random);
        let Ok(messages) = decode(&bytes) else { continue };
        taken += 1;
        let address = [127, 0, 0, u8::try_from(index % 200 + 2).expect("below 202")];
        let from = Endpoint::Udp((address, 1 + u16::try_from(index % 7).expect("below 7")).into());
        let now = start + Duration::from_millis(u64::from(index));
        let inbound = Inbound::Packet { from, bytes: bytes.len(), messages };
        for pending in surface.handle(inbound, now) {
            let fault = Fault::new(Code::NotNow, "there is no engine here");
            surface.answer(pending.ticket, Err(fault), now);
        }
        if index % 1000 == 0 {
            surface.tick(now);
        }
    }
    assert!(PACKETS / 2 < taken, "only {taken} packets could be decoded");
    assert!(surface.receivers.len() <= 32);
    assert!(surface.views.len() <= 32);
    assert_eq!(surface.tickets.waiting(), 0);
    let Counters { sent, refused, withheld, .. } = &*surface.counters();
    let answers = sent.load(Relaxed) + refused.load(Relaxed) + withheld.load(Relaxed);
    assert!(u64::from(taken) / 2 < answers, "{answers} answers to {taken} packets");
}
