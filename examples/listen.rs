//! Prints what the daemon says about a voice, a line every tenth of a second, until Ctrl-C or for
//! some seconds: `cargo run --example listen -- [HOST:PORT [SECONDS]]`

use std::io::{ErrorKind::ConnectionRefused, Write, stdout};
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rosc::OscType::{Float, Int, String as Text};
use rosc::{OscMessage, OscPacket, OscType};

#[derive(Default)]
struct Voice {
    labels: Vec<String>,
    on: i32,
    top: usize,
    arousal: f32,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let daemon = arguments.next().unwrap_or_else(|| "127.0.0.1:7370".to_string());
    let seconds = arguments.next().map_or(Ok(f32::MAX), |text| text.parse()).context("SECONDS")?;
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(&daemon).with_context(|| daemon.clone())?;
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    send(&socket, "/ser/labels", vec![])?;
    // Host "" and port 0: to where this comes from.
    send(&socket, "/ser/subscribe", vec!["".into(), Int(0), "core,event".into()])?;
    let (mut voice, mut packet) = (Voice::default(), [0; 65_536]);
    let (start, mut renewed) = (Instant::now(), Instant::now());
    while start.elapsed().as_secs_f32() < seconds {
        // The daemon forgets whom it has not heard for 75 s.
        if renewed.elapsed() > Duration::from_secs(30) {
            send(&socket, "/ser/ping", vec![])?;
            renewed = Instant::now();
        }
        match socket.recv(&mut packet) {
            Ok(length) => hear(rosc::decoder::decode_udp(&packet[..length])?.1, &mut voice)?,
            Err(error) if error.kind() == ConnectionRefused => bail!("{daemon}: {error}"),
            Err(_) => {} // silence
        }
    }
    send(&socket, "/ser/unsubscribe", vec![])
}

fn send(socket: &UdpSocket, address: &str, args: Vec<OscType>) -> Result<()> {
    let message = OscMessage { addr: address.to_string(), args };
    socket.send(&rosc::encoder::encode(&OscPacket::Message(message))?)?;
    Ok(())
}

fn hear(packet: OscPacket, voice: &mut Voice) -> Result<()> {
    let message = match packet {
        OscPacket::Message(message) => message,
        OscPacket::Bundle(bundle) => {
            return bundle.content.into_iter().try_for_each(|packet| hear(packet, voice));
        }
    };
    match (message.addr.as_str(), message.args.as_slice()) {
        ("/ser/ch/1/voice/on", [Int(on)]) => voice.on = *on,
        ("/ser/ch/1/top/index", [Int(index)]) => voice.top = usize::try_from(*index)?,
        ("/ser/ch/1/dim/arousal", [Float(arousal)]) => voice.arousal = *arousal, // valence follows
        ("/ser/ch/1/dim/valence", [Float(valence)]) => {
            let Voice { labels, on, top, arousal } = voice;
            let label = labels.get(*top).map_or("?", String::as_str);
            writeln!(stdout(), "voice {on} {label:12} arousal {arousal:.2} valence {valence:.2}")?;
        }
        ("/ser/ok", [Text(command), _, labels @ ..]) if command == "/ser/labels" => {
            voice.labels = labels.iter().filter_map(|label| label.clone().string()).collect();
        }
        ("/ser/error", [Text(command), .., Text(text)]) => bail!("{command}: {text}"),
        (event, [.., Text(text)]) if event.starts_with("/ser/event/") => {
            writeln!(stdout(), "{event} {text}")?;
        }
        _ => {}
    }
    Ok(())
}
