//! The JACK source against a real server; `make test` installs it.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use affectd::audio::{self, Connect, Opened};
use affectd::config::checked::{Input, Source};
use affectd::ring::Chunk;
use affectd::units::to_count;
use jack::{Client, ClientOptions};
use rosc::OscType;

use crate::harness::{Heard, PATIENCE, is_device, wait_for_anger, wait_until};
use crate::jackd::{
    RAMP_FRAMES, Server, client_name, daemon, demo_voice_at_48_khz, in_own_process, open, player,
    ramp, running_server, voice, wait_for_a_callback,
};

#[test]
fn a_ramp_through_a_real_server_of_any_rate_and_block_arrives_with_every_frame_in_its_place() {
    in_own_process(|| {
        for rate_hz in [44_100, 48_000, 96_000] {
            for frames in [64, 128, 256, 1024] {
                check_ramp_through([rate_hz, frames]);
            }
        }
    });
}

/// A second of ramp through a server of this rate and block.
fn check_ramp_through(device: [u32; 2]) {
    // Synchronous: a cycle that a busy machine holds up ends before the next begins, so that our
    // client never hears the ramp's block of the cycle before.
    let _server = Server::start_with(&["-S"], device);
    let mut opened = open(2, Connect::Nothing);
    assert_eq!((opened.rate_hz, opened.channels), (device[0], 2));
    let go = Arc::new(AtomicBool::new(false));
    let source = ramp(Arc::clone(&go));
    let port = format!("{}:in_2", client_name(&opened));
    source.as_client().connect_ports_by_name("ramp:out", &port).expect("both ports are there");
    go.store(true, Ordering::Relaxed);
    // What the next frame must say; unknown before the ramp.
    let mut next: Option<u64> = None;
    let (mut heard, mut missing) = (0, 0);
    wait_until("a second of ramp", || {
        while let Some(chunk) = opened.reader.read() {
            match chunk {
                Chunk::Frames(samples) => {
                    for frame in samples.chunks_exact(2) {
                        assert_eq!(frame[0], 0.0, "in_1 is not connected");
                        heard += u32::from(check_ramp(frame[1], &mut next));
                    }
                }
                // The server skips a client that a busy machine held up. It must be told.
                Chunk::Gap(frames) => {
                    next = next.map(|next| next + frames);
                    missing += frames;
                }
            }
        }
        device[0] <= heard
    });
    assert_eq!(opened.shared.counters.dropped_frames.load(Ordering::Relaxed), missing);
    assert!(!opened.liveness.lost.load(Ordering::Relaxed));
}

#[test]
fn a_block_length_that_changes_while_it_runs_loses_no_frame() {
    in_own_process(|| {
        let _server = Server::start_with(&["-S"], [48_000, 256]);
        let mut opened = open(1, Connect::Nothing);
        // Its own count: the server's frame time is set back when the driver starts again.
        let mut count = 0_u16;
        let source = player("count", move || {
            count = count.wrapping_add(1);
            f32::from(count)
        });
        let port = format!("{}:in_1", client_name(&opened));
        source.as_client().connect_ports_by_name("count:out", &port).expect("both are there");
        let mut last = 0;
        for frames in [1024, 64, 512, 256] {
            hear_count(&mut opened, &mut last, 24_000);
            source.as_client().set_buffer_size(frames).expect("the dummy driver takes it");
        }
        hear_count(&mut opened, &mut last, 24_000);
        assert!(!opened.liveness.lost.load(Ordering::Relaxed));
    });
}

/// So many frames, each one more than the one before, or as much more as a gap between them tells.
fn hear_count(opened: &mut Opened, last: &mut u64, frames: u64) {
    let (mut heard, mut gap) = (0, 0);
    wait_until("the count", || {
        while let Some(chunk) = opened.reader.read() {
            match chunk {
                Chunk::Gap(frames) => gap += frames,
                Chunk::Frames(samples) => {
                    for sample in samples {
                        let count = to_count(f64::from(*sample)) as u64;
                        let more = (count + 65_536 - *last) % 65_536;
                        let is_start = *last == 0;
                        assert!(is_start || (1..=1 + gap).contains(&more), "{last}, then {count}");
                        (*last, gap) = (count, 0);
                        heard += 1;
                    }
                }
            }
        }
        frames <= heard
    });
}

#[test]
fn a_server_that_runs_free_is_not_listened_to_and_then_is_again() {
    in_own_process(|| {
        let _server = running_server();
        let opened = open(1, Connect::Nothing);
        let (offered, called) =
            (&opened.shared.counters.offered_frames, &opened.shared.counters.callbacks);
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        wait_for_a_callback(&opened);
        run_free("y");
        // Blocks at the border may be taken or not.
        let last = called.load(Ordering::Relaxed);
        wait_until("free running", || last + 100 < of(called));
        let (heard, last) = (of(offered), of(called));
        wait_until("more of it", || last + 1000 < of(called));
        assert_eq!(of(offered), heard);
        run_free("n");
        wait_until("live sound", || heard + 48_000 < of(offered));
    });
}

/// By a tool of the server's; the crate `jack` has not this call.
fn run_free(is_on: &str) {
    let status = Command::new("jack_freewheel").arg(is_on).stdout(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "it comes with jackd");
}

#[test]
fn samples_that_are_no_numbers_are_counted_and_the_voice_goes_on() {
    in_own_process(|| {
        let _server = running_server();
        let mut daemon = daemon();
        let mut bad = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY].into_iter().cycle();
        let source = player("bad", move || bad.next().unwrap_or(0.0));
        source.as_client().connect_ports_by_name("bad:out", "affectd:in_1").expect("both");
        daemon.ear.listen_until("the count", |heard| {
            heard.iter().any(|h| h.message.addr == "/ser/health/repaired" && 0 < h.int())
        });
        drop(source);
        daemon.ear.heard.clear();
        let go = Arc::new(AtomicBool::new(true));
        let source = voice(demo_voice_at_48_khz(), go);
        source.as_client().connect_ports_by_name("voice:out", "affectd:in_1").expect("both");
        wait_for_anger(&mut daemon);
    });
}

/// True once the ramp runs; each of its frames must be the one that is due.
fn check_ramp(sample: f32, next: &mut Option<u64>) -> bool {
    let Some(due) = next else {
        // 1 of 2^20 blocks begins with it; then the ramp counts from the next frame on.
        *next = (sample != 0.0).then_some(to_count(f64::from(sample)) as u64 + 1);
        return sample != 0.0;
    };
    let expected = (*due - 1) % u64::from(RAMP_FRAMES) + 1;
    assert_eq!(sample, expected as f32, "a frame is out of its place");
    *due += 1;
    true
}

#[test]
fn the_ports_find_the_physical_inputs_and_the_server_is_listed() {
    in_own_process(|| {
        let _server = Server::start();
        let opened = open(2, Connect::Physical);
        let crossed = Input { map: vec![1, 0], ..Input::plain(Source::Jack, 2) };
        let crossed = audio::open(&crossed, Connect::Physical).expect("the server takes another");
        let (watcher, _) =
            Client::new("watcher", ClientOptions::NO_START_SERVER).expect("the server runs");
        for (opened, number, source) in
            [(&opened, 1, 1), (&opened, 2, 2), (&crossed, 1, 2), (&crossed, 2, 1)]
        {
            let port = watcher.port_by_name(&format!("{}:in_{number}", client_name(opened)));
            let source = format!("system:capture_{source}");
            assert!(port.expect("our port").is_connected_to(&source).expect("it can be asked"));
        }
        let line = audio::list_inputs().into_iter().next().expect("JACK is the first line");
        assert_eq!((line.id.as_str(), line.channels, line.rate_hz), ("jack", 2, 48_000));
    });
}

#[test]
fn auto_takes_a_running_server_and_a_killed_one_sets_the_lost_flag() {
    in_own_process(|| {
        let mut server = Server::start();
        drop(open(1, Connect::Nothing));
        let input = Input::plain(Source::Auto, 1);
        let opened = audio::open(&input, Connect::Nothing).expect("something is always there");
        assert_eq!(opened.id, "jack");
        wait_for_a_callback(&opened);
        server.kill();
        wait_until("the lost flag", || opened.liveness.lost.load(Ordering::Relaxed));
        drop(opened);
        let jack = Input { source: Source::Jack, ..input };
        let error = audio::open(&jack, Connect::Nothing).err().expect("the server is gone");
        assert_eq!(
            error.to_string(),
            "no JACK server is running; start one, or choose another source"
        );
        find_the_next_server();
    });
}

#[test]
fn a_frozen_server_holds_nobody_up_and_is_found_again_when_it_thaws() {
    in_own_process(|| {
        let server = Server::start();
        let opened = open(1, Connect::Nothing);
        wait_for_a_callback(&opened);
        server.signal("-STOP");
        let start = Instant::now();
        drop(opened);
        let input = Input::plain(Source::Jack, 1);
        let error = audio::open(&input, Connect::Nothing).err();
        // Before anything may fail: a server that stays frozen cannot be ended in order.
        server.signal("-CONT");
        assert!(error.is_some(), "the server answers nothing");
        assert!(start.elapsed() < PATIENCE);
        wait_for_a_callback(&open(1, Connect::Nothing));
    });
}

/// A new server under the name of one that was killed is found by the same process.
fn find_the_next_server() {
    let _next = Server::start();
    wait_for_a_callback(&open(1, Connect::Nothing));
}

#[test]
fn a_voice_through_jack_moves_the_numbers_of_the_daemon() {
    in_own_process(|| {
        let _server = running_server();
        let mut daemon = daemon();
        let go = Arc::new(AtomicBool::new(false));
        let source = voice(demo_voice_at_48_khz(), Arc::clone(&go));
        let client = source.as_client();
        client.connect_ports_by_name("voice:out", "affectd:in_1").expect("both ports are there");
        go.store(true, Ordering::Relaxed);
        wait_for_anger(&mut daemon);
    });
}

#[test]
fn a_killed_server_is_told_and_the_daemon_comes_back_with_the_next_one() {
    in_own_process(|| {
        let mut server = running_server();
        let mut daemon = daemon();
        let last = daemon.ear.of("/ser/ch/1/t").last().map(Heard::int);
        server.kill();
        assert_eq!(daemon.ear.wait_for("device lost", is_device).args[0], OscType::Int(0));
        let lost = |heard: &Heard| heard.message.addr == "/ser/health/state" && heard.int() == 5;
        daemon.ear.listen_until("the state", |heard| heard.iter().any(lost));
        // The next one has another rate and block size.
        let _next = Server::start_with(&[], [44_100, 512]);
        assert_eq!(daemon.ear.wait_for("device back", is_device).args[0], OscType::Int(1));
        daemon.ear.listen_until("the new rate", |heard| {
            heard.iter().any(|heard| is_device(heard) && heard.int() == 3)
        });
        daemon.wait_for_streams();
        let next = daemon.ear.of("/ser/ch/1/t").last().map(Heard::int);
        assert!(last < next, "the sequence goes on: {last:?}, then {next:?}");
    });
}

#[test]
fn a_server_that_freezes_is_told_and_the_daemon_answers_meanwhile_and_comes_back() {
    in_own_process(|| {
        let server = running_server();
        let mut daemon = daemon();
        server.signal("-STOP");
        let lost = daemon.ear.wait_for("the loss", is_device);
        let state = |heard: &Heard| heard.message.addr == "/ser/health/state" && heard.int() == 5;
        daemon.ear.listen_until("the state", |heard| heard.iter().any(state));
        let fresh = daemon.ear.of("/ser/ch/1/fresh").last().map(Heard::int);
        daemon.send("/ser/device/retry", vec![]);
        daemon.send("/ser/version", vec![]);
        let version = daemon.reply("/ser/version");
        // Before anything may fail: a server that stays frozen cannot be ended in order.
        server.signal("-CONT");
        assert_eq!(lost.args[..2], [OscType::Int(0), "jack".into()]);
        assert_eq!((fresh, version.addr.as_str()), (Some(0), "/ser/ok"));
        daemon.ear.listen_until("the return", |heard| {
            heard.iter().any(|heard| is_device(heard) && heard.int() == 1)
        });
        daemon.ear.heard.clear();
        daemon.wait_for_streams();
    });
}
