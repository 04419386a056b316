//! The sound on its way out again: through JACK's ports and through another PulseAudio sink.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jack::{AudioIn, Client, ClientOptions, Control, ProcessScope};
use rosc::OscType;

use crate::harness::wait_until;
use crate::jackd::{daemon, in_own_process, player, running_server};

/// A client with one input that keeps the last sample it heard.
fn listener() -> (jack::AsyncClient<(), impl jack::ProcessHandler>, Arc<AtomicU32>) {
    let (client, _) = Client::new("ear", ClientOptions::NO_START_SERVER).expect("the server runs");
    let port = client.register_port("in", AudioIn::default()).expect("a port");
    let last = Arc::new(AtomicU32::new(0));
    let heard = Arc::clone(&last);
    let process = move |_: &Client, scope: &ProcessScope| {
        let sample = port.as_slice(scope).last().copied().unwrap_or(0.0);
        heard.store(sample.to_bits(), Ordering::Relaxed);
        Control::Continue
    };
    let handler = jack::contrib::ClosureProcessHandler::new(process);
    (client.activate_async((), handler).expect("the client runs"), last)
}

#[test]
fn sound_goes_through_jack_with_a_gain_and_a_mute_that_move_while_it_runs() {
    in_own_process(|| {
        let _server = running_server();
        let mut daemon = daemon();
        daemon.send("/ser/through/to", vec!["on".into()]);
        assert_eq!(daemon.reply("/ser/through/to").addr, "/ser/ok");
        let (source, (ear, last)) = (player("source", || 0.5), listener());
        let client = ear.as_client();
        for (from, to) in [("source:out", "affectd:in_1"), ("affectd:out_1", "ear:in")] {
            client.connect_ports_by_name(from, to).expect("both ports are there");
        }
        let speaker = client.port_by_name("system:playback_2").expect("the dummy driver's");
        assert!(speaker.is_connected_to("affectd:out_1").expect("it can be asked"));
        let mut check = |address: &str, value: OscType, expected: f32| {
            daemon.send(address, vec![value]);
            assert_eq!(daemon.reply(address).addr, "/ser/ok");
            wait_until(&format!("{expected} after {address}"), || {
                (f32::from_bits(last.load(Ordering::Relaxed)) - expected).abs() < 1e-4
            });
        };
        check("/ser/through/gain_db", OscType::Float(0.0), 0.5);
        check("/ser/through/gain_db", OscType::Float(6.0), 0.5 * 1.995_262);
        check("/ser/through/mute", OscType::Int(1), 0.0);
        check("/ser/through/mute", OscType::Int(0), 0.5 * 1.995_262);
        drop(source);
    });
}
