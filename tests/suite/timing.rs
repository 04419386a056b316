//! When something was heard: clicks whose time is known, through a real JACK server and the whole
//! daemon.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jack::{AudioOut, Client, ClientOptions, Control, ProcessScope};
use rosc::OscType;

use crate::harness::{Daemon, hops, wait_until};
use crate::jackd::{Server, daemon, in_own_process};

/// What the issue asks for.
const TOLERANCE_S: f64 = 0.005;

const HOP_S: f64 = 0.02;

const CLICKS: usize = 60;

/// Two clocks that are read within this time are read at once.
const ONE_MOMENT_US: u64 = 200;

/// Seconds since 1970 at which clicks were played.
type Played = Arc<Mutex<Vec<f64>>>;

/// A client that plays a click of 1 ms each 0.293 s, which is no multiple of a hop, so that clicks
/// fall everywhere in a hop, and keeps when.
fn clicker(played: Played) -> jack::AsyncClient<(), impl jack::ProcessHandler> {
    let (client, _) = Client::new("click", ClientOptions::NO_START_SERVER).expect("it runs");
    let mut port = client.register_port("out", AudioOut::default()).expect("a port");
    let rate = client.sample_rate();
    let (spacing, length) = (rate * 293 / 1000, rate / 1000);
    let process = move |client: &Client, scope: &ProcessScope| {
        let first = scope.last_frame_time();
        // A busy machine may call us late; and a sound cannot be captured after its block was
        // delivered, so the block ends when the cycle begins.
        let times = scope.cycle_times().expect("the server tells them");
        // The server's smoothed clock may be a little ahead.
        let read_us = client.time();
        let now_s = since_epoch_s(SystemTime::now());
        // Interrupted in between, the two clocks say nothing about each other: no click is kept.
        let is_one_moment = client.time() - read_us < ONE_MOMENT_US;
        let late_us = read_us as f64 - times.current_usecs as f64;
        let block_s = f64::from(scope.n_frames()) / f64::from(rate);
        let begun = now_s - 1e-6 * late_us - block_s;
        for (offset, sample) in (0_u32..).zip(port.as_mut_slice(scope)) {
            let phase = first.wrapping_add(offset) % spacing;
            *sample = if phase < length { 0.9 } else { 0.0 };
            if phase == 0 && is_one_moment {
                let at = begun + f64::from(offset) / f64::from(rate);
                played.lock().expect("nobody panics").push(at);
            }
        }
        Control::Continue
    };
    let handler = jack::contrib::ClosureProcessHandler::new(process);
    client.activate_async((), handler).expect("the client runs")
}

fn since_epoch_s(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64()
}

/// End of each hop, and its level.
fn levels(daemon: &Daemon) -> Vec<(f64, f32)> {
    let mut found: Vec<(f64, f32)> = Vec::new();
    for heard in &daemon.ear.heard {
        match (heard.message.addr.as_str(), heard.message.args.as_slice()) {
            ("/ser/ch/1/t", [_, OscType::Int(s), OscType::Int(us), _]) => {
                found.push((f64::from(*s) + 1e-6 * f64::from(*us), f32::MIN));
            }
            ("/ser/ch/1/level", [OscType::Float(level)]) => {
                found.iter_mut().rev().take(1).for_each(|hop| hop.1 = *level);
            }
            _ => {}
        }
    }
    found
}

#[test]
fn a_click_lies_within_the_hop_that_tells_of_it() {
    in_own_process(|| {
        let _server = Server::start_with(&[], [48_000, 128]);
        drop(crate::jackd::open(1, affectd::audio::Connect::Nothing));
        let mut daemon = daemon();
        daemon.send("/ser/model/hop_s", vec![OscType::Float(0.02)]);
        assert_eq!(daemon.reply("/ser/model/hop_s").addr, "/ser/ok");
        let played = Played::default();
        let source = clicker(Arc::clone(&played));
        let client = source.as_client();
        client.connect_ports_by_name("click:out", "affectd:in_1").expect("both ports are there");
        // The clock has settled, and clicks are heard.
        daemon.ear.listen_until("hops", |heard| hops(heard).len() > 150);
        daemon.ear.heard.clear();
        played.lock().expect("nobody panics").clear();
        wait_until("clicks", || {
            daemon.ear.listen();
            CLICKS <= played.lock().expect("nobody panics").len()
        });
        // Each click bounds the error of the clock from both sides: its hop may not end before it
        // nor begin after it. Together they leave a gap of a hop divided by their number.
        let clicks = played.lock().expect("nobody panics").clone();
        let (mut low, mut high) = (f64::MIN, f64::MAX);
        let loud: Vec<f64> =
            levels(&daemon).iter().filter(|hop| -40.0 < hop.1).map(|hop| hop.0).collect();
        for click in &clicks {
            let near = |end: &&f64| (**end - HOP_S / 2.0 - click).abs() < 0.05;
            let Some(end) = loud.iter().find(near) else { continue };
            low = low.max(click - end);
            high = high.min(click - end + HOP_S);
        }
        println!("click to hop: {:.2} to {:.2} ms late", 1e3 * low, 1e3 * high);
        assert!(loud.len() >= CLICKS / 2, "{} loud hops", loud.len());
        // The clock is ahead of the truth by something between the two.
        assert!(low < TOLERANCE_S && -TOLERANCE_S < high, "{low} to {high}");
        assert!(-TOLERANCE_S < low && high < TOLERANCE_S, "{low} to {high}");
        check_age(&daemon);
    });
}

/// What `t` says about its own age is what the receiver finds, give or take the way here.
fn check_age(daemon: &Daemon) {
    let now = since_epoch_s(SystemTime::now());
    let last = daemon.ear.of("/ser/ch/1/t").last().expect("hops come");
    let [_, OscType::Int(s), OscType::Int(us), OscType::Float(age_ms)] = last.message.args[..]
    else {
        panic!("{last:?}");
    };
    let end = f64::from(s) + 1e-6 * f64::from(us);
    assert!(0.0 < age_ms && end + 1e-3 * f64::from(age_ms) < now, "{last:?} at {now}");
}
