//! The audio thread allocates and frees nothing: the counting allocator watches the callback and
//! both ends of the ring, in good times and when the ring is full.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, UNIX_EPOCH};

use affectd::audio::Callback;
use affectd::audio::playback::{Playback, Played};
use affectd::audio::through::feed;
use affectd::config::slots::{Plugins, Slot};
use affectd::plugins::builtin::denoise::prepare_thread;
use affectd::plugins::chain::chains;
use affectd::plugins::rack::Rack;
use affectd::ring::{Block, Chunk, Stamp, ring};

use ringbuf::traits::Producer;

use crate::counting::allocations_and_frees;
use crate::plugins::examples;

#[test]
fn the_callback_never_allocates_whatever_the_block() {
    let (writer, _reader) = ring(2, 48_000, 1.0);
    let mut callback = Callback::new(writer);
    let (left, right) = (vec![0.5_f32; 1024], vec![f32::NAN; 1024]);
    let block = Block::Planar(&[&left, &right]);
    let (mut out_left, mut out_right) = (vec![0.0; 1024], vec![0.0; 1024]);
    let integers = vec![7_i16; 20_000];
    let calls = allocations_and_frees(|| {
        callback.process(Block::Planar(&[&left, &right]));
        callback.process(Block::Interleaved { samples: &left, channels: 4 });
        callback.process_samples(&integers, 2);
        callback.process(Block::Planar(&[]));
        callback.stamp(Stamp::new(1, 0, 1024, 48_000));
        callback.process_through(block, &mut [&mut out_left, &mut out_right]);
        callback.pass(block, &mut [&mut out_left]);
        // A second holds 48,000 frames: the rest of these meets a full ring.
        for _ in 0..100 {
            callback.process(Block::Planar(&[&left, &right]));
        }
    });
    assert_eq!(calls, 0);
}

/// One slot on all channels.
fn slot(uri: &str, trusted: bool) -> Slot {
    let name = uri.rsplit(['/', ':']).next().unwrap_or_default().to_owned();
    let (uri, preset, state, set) = (uri.to_owned(), None, None, Vec::new());
    Slot { uri, name, channel: None, bypass: false, trusted, preset, set, state }
}

#[test]
fn a_chain_of_all_formats_never_allocates_while_it_is_edited_and_moved() {
    prepare_thread();
    let clap = format!("clap:{}", examples().join("libclap_gain.so").display());
    let uris = [
        "affectd:gain",
        "affectd:high_pass",
        "affectd:gate",
        "affectd:denoise",
        "affectd:compressor",
        "affectd:limiter",
        "http://lv2plug.in/plugins/eg-amp",
        "http://drobilla.net/plugins/mda/Ambience",
        &clap,
    ];
    let mut slots: Vec<Slot> = uris.iter().map(|uri| slot(uri, true)).collect();
    slots.push(Slot { name: "apart".to_owned(), ..slot(uris[7], false) });
    let (writer, mut reader) = ring(2, 48_000, 1.0);
    let (chain, mut ends) = chains(2, 48_000);
    let mut moves = ends.moves.take().expect("nobody has it");
    let mut callback = Callback::new(writer).through(chain);
    let mut rack = Rack::new(env!("CARGO_BIN_EXE_affectd").into(), Plugins { tap: 4, slots });
    rack.attach(ends);
    let sound: Vec<f32> = (0..256).map(|frame| 0.3 * (frame as f32 * 0.1).sin()).collect();
    let (mut left, mut right) = (vec![0.0; 256], vec![0.0; 256]);
    let mut calls = 0;
    for round in 0..40_usize {
        // Each round goes another way: another order, another tap, one less or more.
        let mut wanted = rack.wanted().clone();
        let slot = wanted.slots.remove(round % wanted.slots.len());
        if round % 7 != 0 {
            wanted.slots.insert(round * 3 % wanted.slots.len(), slot);
        }
        wanted.tap = round % 5;
        wanted.slots.iter_mut().for_each(|slot| slot.bypass = (round + slot.name.len()) % 3 == 0);
        rack.prepare(&wanted).expect("all of it is installed");
        rack.commit();
        for card in rack.take_board().iter().flat_map(|board| board.iter()) {
            let value = card.parameters.first().map_or(0.0, |first| first.max * (round % 2) as f32);
            if let Some(step) = card.step(0, value, 960) {
                moves.try_push(step).expect("there is room");
            }
        }
        calls += allocations_and_frees(|| {
            for _ in 0..20 {
                let block = Block::Planar(&[&sound, &sound]);
                callback.process_through(block, &mut [&mut left, &mut right]);
                while reader.read().is_some() {}
            }
        });
        rack.tend(Instant::now());
    }
    assert_eq!(calls, 0);
    assert_eq!(rack.take_news(), []);
}

#[test]
fn the_way_to_another_output_never_allocates_when_it_runs_full_or_dry() {
    let (writer, _reader) = ring(2, 48_000, 1.0);
    let (feed, home) = feed(2, 48_000);
    let mut callback = Callback::new(writer).feeding(feed);
    let played = Arc::new(Played::default());
    let mut playback = Playback::new(&home, Arc::clone(&played)).expect("nobody plays it");
    let samples = vec![0.5_f32; 2048];
    let mut out = vec![0_i16; 2048];
    let calls = allocations_and_frees(|| {
        for blocks in [1, 100] {
            for _ in 0..blocks {
                callback.process(Block::Interleaved { samples: &samples, channels: 2 });
            }
            for _ in 0..2 * blocks {
                playback.fill(&mut out, 2);
            }
        }
    });
    assert_eq!(calls, 0);
    assert_eq!(played.underruns.load(Ordering::Relaxed), 1);
}

#[test]
fn neither_end_of_the_ring_allocates_through_gaps_and_wrap_around() {
    let (mut writer, mut reader) = ring(1, 48_000, 1.0);
    let samples = vec![0.5_f32; 1000];
    let (mut frames, mut gap_frames) = (0, 0);
    let calls = allocations_and_frees(|| {
        for round in 0..20 {
            for _ in 0..60 {
                writer.write(Block::Interleaved { samples: &samples, channels: 1 });
            }
            writer.stamp(Stamp::new(round * 1_000_000_000, 0, 1000, 48_000));
            reader.observe(UNIX_EPOCH + Duration::from_secs(round));
            while let Some(chunk) = reader.read() {
                match chunk {
                    Chunk::Frames(samples) => frames += samples.len() as u64,
                    Chunk::Gap(frames) => gap_frames += frames,
                }
            }
            std::hint::black_box(reader.capture_time(frames));
        }
    });
    assert_eq!(calls, 0);
    // 48 of 60 blocks fit in each round; the last round's gap has no sound behind it yet.
    assert_eq!((frames, gap_frames), (20 * 48_000, 19 * 12_000));
}
