//! Makes the daemon know one voice: a baseline, then three labels, shown while the demo voice
//! plays, and kept as a profile, which `/ser/teach/load NAME` brings back:
//!
//! affectd --input demo
//! cargo run --example teach -- [HOST:PORT [NAME]]
//!
//! With a voice of your own, a button that sends `/ser/teach/label calm 1` and, released,
//! `/ser/teach/label calm 0` does what the table of the demo voice does here.

use std::io::{Write, stdout};
use std::net::UdpSocket;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rosc::OscType::{Float, Int, String as Text};
use rosc::{OscMessage, OscPacket, OscType};

const HOP_S: f32 = 0.1;
/// The daemon plays the demo voice, is silent, and begins again.
const LOOP_S: f32 = 35.0;
const TABLE: &str = include_str!("demo_voice.csv");
const LABELS: [&str; 3] = ["neutral", "sad", "angry"];
const BASELINE_S: f32 = 8.0;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let place = arguments.next().unwrap_or_else(|| "127.0.0.1:7370".to_owned());
    let name = arguments.next().unwrap_or_else(|| "demo".to_owned());
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(&place).with_context(|| place.clone())?;
    socket.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut daemon = Daemon { socket, seq: 0 };
    // Host "" and port 0: to where this comes from.
    daemon.ask("/ser/subscribe", vec!["".into(), Int(0), "core".into()])?;
    writeln!(stdout(), "baseline of {BASELINE_S:.0} s of speech …")?;
    daemon.ask("/ser/ch/1/calibrate/start", vec![Float(BASELINE_S)])?;
    show(&mut daemon)?;
    daemon.ask("/ser/teach/count", vec![])?;
    if let [Float(score)] = daemon.ask("/ser/teach/train", vec![])?[..] {
        writeln!(stdout(), "{:.0} % right on recordings left out", 100.0 * score)?;
    }
    daemon.ask("/ser/teach/save", vec![name.into()])?;
    daemon.ask("/ser/unsubscribe", vec![])?;
    Ok(())
}

/// Shows each label where the demo voice does, for one loop.
fn show(daemon: &mut Daemon) -> Result<()> {
    let begin = ((daemon.time_s()? / LOOP_S).floor() + 1.0) * LOOP_S; // of the next loop
    for row in TABLE.lines().skip(1) {
        let fields: Vec<&str> = row.split(',').collect();
        let [start, end, _, _, label, ..] = fields[..] else { bail!("{row:?} is no row") };
        if !LABELS.contains(&label) {
            continue;
        }
        daemon.wait_until(begin + start.parse::<f32>()?)?;
        daemon.ask("/ser/teach/label", vec![label.into(), Int(1)])?;
        daemon.wait_until(begin + end.parse::<f32>()?)?;
        if let [Int(examples)] = daemon.ask("/ser/teach/label", vec![label.into(), Int(0)])?[..] {
            writeln!(stdout(), "{label}: {examples} examples")?;
        }
    }
    Ok(())
}

/// Commands one after the other, and the time of the stream in between.
struct Daemon {
    socket: UdpSocket,
    seq: i32,
}

impl Daemon {
    /// What came with `ok`.
    fn ask(&mut self, address: &str, args: Vec<OscType>) -> Result<Vec<OscType>> {
        let message = OscMessage { addr: address.to_owned(), args };
        self.socket.send(&rosc::encoder::encode(&OscPacket::Message(message))?)?;
        loop {
            for OscMessage { addr, args } in self.messages()? {
                match (addr.as_str(), args.as_slice()) {
                    ("/ser/ok", [Text(to), _, results @ ..]) if to == address => {
                        return Ok(results.to_vec());
                    }
                    ("/ser/error", [Text(to), _, Int(code), Text(text)]) if to == address => {
                        bail!("{address}: {text} ({code})");
                    }
                    ("/ser/progress", [.., Text(text)]) => writeln!(stdout(), "   {text}")?,
                    _ => {}
                }
            }
        }
    }

    fn time_s(&mut self) -> Result<f32> {
        let before = self.seq;
        while self.seq == before {
            self.messages()?;
        }
        Ok(HOP_S * self.seq as f32)
    }

    fn wait_until(&mut self, time_s: f32) -> Result<()> {
        while self.time_s()? < time_s {}
        Ok(())
    }

    /// What one packet holds; keeps the sequence number of the last hop.
    fn messages(&mut self) -> Result<Vec<OscMessage>> {
        let mut packet = [0; 65_536];
        let length = self.socket.recv(&mut packet).context("no answer")?;
        let mut found = Vec::new();
        collect(rosc::decoder::decode_udp(&packet[..length])?.1, &mut found);
        for message in found.iter().filter(|message| message.addr == "/ser/ch/1/t") {
            if let Some(Int(seq)) = message.args.first() {
                self.seq = *seq;
            }
        }
        Ok(found)
    }
}

fn collect(packet: OscPacket, found: &mut Vec<OscMessage>) {
    match packet {
        OscPacket::Message(message) => found.push(message),
        OscPacket::Bundle(bundle) => {
            bundle.content.into_iter().for_each(|packet| collect(packet, found));
        }
    }
}
