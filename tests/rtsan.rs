//! The audio thread under the real-time sanitizer, see `.ci/rtsan`. A violation ends the process,
//! so each test here fails by taking all of them along.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use affectd::audio::Callback;
use affectd::audio::playback::{Playback, Played};
use affectd::audio::through::feed;
use affectd::ring::{Block, Stamp, ring};

/// Set for the process that is to be caught.
const VIOLATE: &str = "AFFECTD_VIOLATE";

#[rtsan_standalone::nonblocking]
fn allocate() -> usize {
    std::hint::black_box(vec![0_u8; 100]).len()
}

#[test]
fn an_allocation_is_caught_or_all_this_proves_nothing() {
    if std::env::var_os(VIOLATE).is_some() {
        allocate();
        return;
    }
    let output = Command::new(std::env::current_exe().expect("a test is a program"))
        .args(["--exact", "an_allocation_is_caught_or_all_this_proves_nothing", "--nocapture"])
        .env(VIOLATE, "1")
        .output()
        .expect("the test starts once more");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("RealtimeSanitizer"), "{text}");
}

#[test]
fn blocks_of_any_kind_and_size_are_taken_through_a_full_ring_too() {
    let (writer, mut reader) = ring(2, 48_000, 0.5);
    let mut callback = Callback::picking(writer, vec![1, 0]);
    let samples: Vec<f32> = (0_u16..8192).map(|n| f32::from(n).sin()).collect();
    let broken = vec![f32::NAN; 8192];
    let integers = vec![i16::MIN; 20_000];
    let (mut left, mut right) = (vec![0.0; 8192], vec![0.0; 8192]);
    for round in 0..20_u64 {
        for frames in [0, 1, 64, 1023, 8192] {
            let block = Block::Planar(&[&samples[..frames], &broken[..frames]]);
            callback.stamp(Stamp::new(round, round, frames, 48_000));
            callback.process(block);
            callback.process_through(block, &mut [&mut left[..frames], &mut right[..frames]]);
            callback.pass(block, &mut [&mut left]);
            callback.process(Block::Interleaved { samples: &samples[..frames], channels: 3 });
        }
        callback.process_samples(&integers, 7);
        callback.lose(480);
        // Half of the time the ring is full.
        while round % 4 < 2 && reader.read().is_some() {}
    }
    assert!(0 < callback.counters().dropped_frames.load(Ordering::Relaxed));
}

#[test]
fn another_device_is_fed_until_it_runs_dry() {
    let (writer, _reader) = ring(2, 48_000, 0.5);
    let (feed, home) = feed(2, 48_000);
    let mut callback = Callback::new(writer).feeding(feed);
    let played = Arc::new(Played::default());
    let mut playback = Playback::new(&home, Arc::clone(&played)).expect("nobody plays it");
    let samples = vec![0.5_f32; 1024];
    let (mut floats, mut integers) = (vec![0.0_f32; 1024], vec![0_i16; 1024]);
    for blocks in [100, 3] {
        for _ in 0..blocks {
            callback.process(Block::Interleaved { samples: &samples, channels: 2 });
            callback.fader().set(-6.0, blocks == 3);
        }
        for _ in 0..blocks {
            playback.fill(&mut floats, 2);
            playback.fill(&mut integers, 8);
        }
    }
    assert!(0 < played.underruns.load(Ordering::Relaxed));
}
