//! Records what affectd makes of a voice on a JACK server, as a table of envelopes: what came in,
//! what went out, and how two parameters moved. `examples/plot_chain.py` draws it.
//!
//! `cargo run --example record -- SECONDS SLOT SYMBOL SLOT SYMBOL > chain.csv`, with affectd on the
//! server and its sound going on (`through.to = "on"`). The demo voice is played into it.

use std::io::{Write, stdout};
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use affectd::audio::file::demo_voice;
use anyhow::{Context, Result, bail};
use jack::{AudioIn, AudioOut, Client, ClientOptions, Control, ProcessScope};
use rosc::{OscMessage, OscPacket, OscType};

/// A row of the table.
const ROW: Duration = Duration::from_millis(20);

/// Lowest and highest sample since the last row: of the voice, of affectd.
type Envelopes = Arc<Mutex<[[f32; 2]; 2]>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [seconds, first_slot, first, second_slot, second] = arguments.as_slice() else {
        bail!("SECONDS SLOT SYMBOL SLOT SYMBOL are needed");
    };
    let seconds: f32 = seconds.parse().context("SECONDS")?;
    let parameters = [(first_slot.parse()?, first), (second_slot.parse()?, second)];
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect("127.0.0.1:7370")?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    let envelopes = Envelopes::default();
    let client = listen(Arc::clone(&envelopes))?;
    for (from, to) in [("record:voice", "affectd:in_1"), ("affectd:out_1", "record:processed")] {
        client.as_client().connect_ports_by_name(from, to)?;
    }
    let mut out = stdout().lock();
    writeln!(out, "time_s,in_min,in_max,out_min,out_max,{first},{second}")?;
    let begun = Instant::now();
    for row in 1.. {
        let due = ROW * row;
        if seconds < due.as_secs_f32() {
            break;
        }
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        let values = [ask(&socket, parameters[0])?, ask(&socket, parameters[1])?];
        let Ok(mut taken) = envelopes.lock() else { bail!("the recorder has ended") };
        let [[in_min, in_max], [out_min, out_max]] = std::mem::take(&mut *taken);
        drop(taken);
        let time_s = due.as_secs_f32();
        writeln!(
            out,
            "{time_s:.2},{in_min:.4},{in_max:.4},{out_min:.4},{out_max:.4},{:.4},{:.4}",
            values[0], values[1]
        )?;
    }
    Ok(())
}

/// Plays the demo voice, each sample held for as long as the server's rate asks, and hears both.
fn listen(envelopes: Envelopes) -> Result<jack::AsyncClient<(), impl jack::ProcessHandler>> {
    let (client, _) = Client::new("record", ClientOptions::NO_START_SERVER)?;
    let mut voice = client.register_port("voice", AudioOut::default())?;
    let processed = client.register_port("processed", AudioIn::default())?;
    let sound = demo_voice()?;
    let held = usize::try_from(client.sample_rate() / sound.rate_hz)?;
    let samples = sound.samples.into_iter();
    let mut samples = samples.flat_map(move |sample| std::iter::repeat_n(sample, held)).cycle();
    let process = move |_: &Client, scope: &ProcessScope| {
        let played = voice.as_mut_slice(scope);
        played.fill_with(|| samples.next().unwrap_or(0.0));
        let Ok(mut kept) = envelopes.lock() else { return Control::Quit };
        for (envelope, heard) in kept.iter_mut().zip([&*played, processed.as_slice(scope)]) {
            for sample in heard {
                envelope[0] = envelope[0].min(*sample);
                envelope[1] = envelope[1].max(*sample);
            }
        }
        Control::Continue
    };
    let handler = jack::contrib::ClosureProcessHandler::new(process);
    Ok(client.activate_async((), handler)?)
}

/// The value of a parameter now.
fn ask(socket: &UdpSocket, (slot, symbol): (i32, &String)) -> Result<f32> {
    let addr = "/ser/plugin/param/get".to_owned();
    let args = vec![OscType::Int(slot), symbol.as_str().into()];
    socket.send(&rosc::encoder::encode(&OscPacket::Message(OscMessage { addr, args }))?)?;
    let mut packet = [0; 2048];
    let length = socket.recv(&mut packet).context("affectd does not answer on 127.0.0.1:7370")?;
    match rosc::decoder::decode_udp(&packet[..length])?.1 {
        OscPacket::Message(OscMessage { args, .. }) => match args.as_slice() {
            [.., OscType::Float(value)] => Ok(*value),
            other => bail!("slot {slot}, {symbol}: {other:?}"),
        },
        OscPacket::Bundle(_) => bail!("an answer in a bundle"),
    }
}
