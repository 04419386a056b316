//! Both ends of the ring, on one thread and on two.

use super::*;

const RATE_HZ: u32 = 16_000;
const CAPACITY: usize = RING_FRAMES_MIN;

fn mono(samples: &[f32]) -> Block<'_> {
    Block::Interleaved { samples, channels: 1 }
}

/// A ramp whose samples are their own frame index; exact in f32 up to 2^24.
fn ramp(first: usize, frames: usize) -> Vec<f32> {
    (first..first + frames).map(|frame| frame as f32).collect()
}

/// All that the reader has, missing frames as NaN.
fn drain(reader: &mut Reader) -> Vec<f32> {
    let mut heard = Vec::new();
    while let Some(chunk) = reader.read() {
        match chunk {
            Chunk::Frames(samples) => heard.extend_from_slice(samples),
            Chunk::Gap(frames) => heard.extend((0..frames).map(|_| f32::NAN)),
        }
    }
    heard
}

fn check(heard: &[f32], missing: std::ops::Range<usize>) {
    for (frame, sample) in heard.iter().enumerate() {
        if missing.contains(&frame) {
            assert!(sample.is_nan(), "frame {frame} should be missing, is {sample}");
        } else {
            assert_eq!(*sample, frame as f32, "frame {frame}");
        }
    }
}

#[test]
fn a_ramp_in_odd_blocks_arrives_exactly() {
    let (mut writer, mut reader) = ring(1, RATE_HZ, 1.0);
    let mut heard = Vec::new();
    let mut sent = 0;
    for frames in [1, 7, 480, 481, 1023, 0, 3, 4096, 13].into_iter().cycle().take(300) {
        writer.write(mono(&ramp(sent, frames)));
        sent += frames;
        heard.append(&mut drain(&mut reader));
    }
    assert_eq!(heard.len(), sent);
    check(&heard, 0..0);
    assert_eq!(reader.position(), sent as u64);
}

#[test]
fn a_full_ring_drops_whole_blocks_and_tells_the_exact_place() {
    let (mut writer, mut reader) = ring(1, RATE_HZ, 1.0);
    let filled = CAPACITY / 1000 * 1000; // blocks of 1000 that fit; the next does not
    for first in (0..filled + 3000).step_by(1000) {
        writer.write(mono(&ramp(first, 1000)));
    }
    let mut heard = drain(&mut reader);
    assert_eq!(heard.len(), filled);
    writer.write(mono(&ramp(filled + 3000, 1000)));
    heard.append(&mut drain(&mut reader));
    assert_eq!(heard.len(), filled + 4000);
    check(&heard, filled..filled + 3000);
    assert_eq!(reader.counters().dropped_frames.load(Ordering::Relaxed), 3000);
    assert_eq!(reader.counters().offered_frames.load(Ordering::Relaxed), heard.len() as u64);
}

#[test]
fn a_smaller_block_behind_a_dropped_one_keeps_its_place() {
    let (mut writer, mut reader) = ring(1, RATE_HZ, 1.0);
    writer.write(mono(&ramp(0, CAPACITY - 100)));
    writer.write(mono(&ramp(CAPACITY - 100, 101))); // one too many
    writer.write(mono(&ramp(CAPACITY + 1, 50)));
    let heard = drain(&mut reader);
    assert_eq!(heard.len(), CAPACITY + 51);
    check(&heard, CAPACITY - 100..CAPACITY + 1);
}

#[test]
fn more_gaps_than_can_wait_are_merged_and_no_frame_is_lost_count_of() {
    let (mut writer, mut reader) = ring(1, RATE_HZ, 1.0);
    let too_large = vec![0.0; CAPACITY + 1];
    let gaps = GAPS_MAX + 10;
    for _ in 0..gaps {
        writer.write(mono(&too_large));
        writer.write(mono(&[1.0]));
    }
    let mut heard = drain(&mut reader);
    writer.write(mono(&[1.0]));
    heard.append(&mut drain(&mut reader));
    assert_eq!(heard.len(), gaps * (CAPACITY + 2) + 1);
    assert_eq!(heard.iter().filter(|sample| **sample == 1.0).count(), GAPS_MAX + 1);
}

#[test]
fn what_the_device_kept_is_a_gap_at_its_place() {
    let (mut writer, mut reader) = ring(1, RATE_HZ, 1.0);
    writer.write(mono(&ramp(0, 100)));
    writer.lose(50);
    writer.lose(6);
    writer.write(mono(&ramp(156, 100)));
    let heard = drain(&mut reader);
    assert_eq!(heard.len(), 256);
    check(&heard, 100..156);
    assert_eq!(reader.counters().dropped_frames.load(Ordering::Relaxed), 56);
}

#[test]
fn only_the_first_channels_of_a_wide_device_are_taken() {
    let (mut writer, mut reader) = ring(2, RATE_HZ, 1.0);
    writer.write(Block::Interleaved { samples: &[1.0, 2.0, 9.0, 3.0, 4.0, 9.0], channels: 3 });
    writer.write(Block::Planar(&[&[5.0, 7.0], &[6.0, 8.0], &[9.0, 9.0]]));
    assert_eq!(drain(&mut reader), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
}

#[test]
fn what_is_not_a_number_arrives_as_zero() {
    let (mut writer, mut reader) = ring(1, RATE_HZ, 1.0);
    writer.write(mono(&[f32::NAN, 0.5, f32::INFINITY, f32::NEG_INFINITY]));
    assert_eq!(drain(&mut reader), [0.0, 0.5, 0.0, 0.0]);
}

#[test]
fn a_ramp_crosses_threads_without_loss_or_with_gaps_that_add_up() {
    let (mut writer, mut reader) = ring(1, RATE_HZ, 1.0);
    const FRAMES: usize = 1 << 22;
    let audio = std::thread::spawn(move || {
        let mut sent = 0;
        while sent < FRAMES {
            let frames = 1 + sent % 777;
            writer.write(mono(&ramp(sent, frames)));
            sent += frames;
        }
        // One block that surely fits closes the last gap.
        while !writer.fits(1) {
            std::thread::yield_now();
        }
        writer.write(mono(&ramp(sent, 1)));
        sent + 1
    });
    let mut heard = 0;
    while !audio.is_finished() || heard == 0 || !reader.samples.is_empty() {
        let first = reader.position();
        match reader.read() {
            Some(Chunk::Frames(samples)) => {
                assert_eq!(samples, ramp(first as usize, samples.len()));
                heard += samples.len() as u64;
            }
            Some(Chunk::Gap(frames)) => heard += frames,
            None => std::thread::yield_now(),
        }
    }
    assert_eq!(heard, audio.join().expect("the writer does not panic") as u64);
}
