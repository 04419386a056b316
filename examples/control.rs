//! Sends the daemon one command and prints its replies, up to `ok` (exit code 0) or an error (1):
//!
//! cargo run --example control -- [--to HOST:PORT] ADDRESS [ARGUMENT…]
//!
//! For example `/ser/model/window_s 1.5`, `/ser/labels`, or `/ser/ch/1/dim/arousal` to ask a value.
//! What looks like a whole number goes as an int, another number as a float, the rest as a string.

use std::io::{Write, stdout};
use std::net::UdpSocket;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rosc::OscType::{Float, Int, String as Text};
use rosc::{OscMessage, OscPacket, OscType};

/// This socket sends one command only, so any id will do.
const REQUEST: i32 = 1;
const SILENCE_MAX: Duration = Duration::from_secs(5);

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1).peekable();
    let daemon = words.next_if(|word| word == "--to").and_then(|_| words.next());
    let daemon = daemon.unwrap_or_else(|| "127.0.0.1:7370".to_string());
    let address = words.next().context("needed are [--to HOST:PORT] ADDRESS [ARGUMENT…]")?;
    let mut args = vec![Int(REQUEST), Text(address)];
    args.extend(words.map(|word| argument(&word)));

    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(&daemon).with_context(|| daemon.clone())?;
    socket.set_read_timeout(Some(SILENCE_MAX))?;
    let message = OscMessage { addr: "/ser/req".to_string(), args };
    socket.send(&rosc::encoder::encode(&OscPacket::Message(message))?)?;
    let (mut packet, mut is_done) = ([0; 65_536], false);
    while !is_done {
        let length = socket.recv(&mut packet);
        let length = length.with_context(|| format!("{daemon}: no answer in {SILENCE_MAX:?}"))?;
        is_done = hear(rosc::decoder::decode_udp(&packet[..length])?.1)?;
    }
    Ok(())
}

fn argument(word: &str) -> OscType {
    let has_digit = word.contains(|c: char| c.is_ascii_digit()); // without, `inf` is a word
    let float = word.parse().ok().filter(|_| has_digit).map(Float);
    word.parse().ok().map(Int).or(float).unwrap_or_else(|| word.into())
}

/// Prints replies; true once `ok` was among them.
fn hear(packet: OscPacket) -> Result<bool> {
    let OscMessage { addr, args } = match packet {
        OscPacket::Message(message) => message,
        OscPacket::Bundle(bundle) => {
            let mut packets = bundle.content.into_iter();
            return packets.try_fold(false, |is_done, packet| Ok(hear(packet)? || is_done));
        }
    };
    match (addr.as_str(), args.as_slice()) {
        ("/ser/error", [_, Int(REQUEST), Int(code), Text(text)]) => bail!("{code}: {text}"),
        ("/ser/ok", [_, Int(REQUEST), results @ ..]) => print("ok", results).map(|()| true),
        (address, arguments) => print(address, arguments).map(|()| false),
    }
}

fn print(start: &str, arguments: &[OscType]) -> Result<()> {
    let words = arguments.iter().map(|argument| match argument {
        Int(value) => format!(" {value}"),
        Float(value) => format!(" {value}"),
        Text(value) => format!(" {value}"),
        other => format!(" {other:?}"),
    });
    Ok(writeln!(stdout(), "{start}{}", words.collect::<String>())?)
}
