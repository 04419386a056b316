//! The audio thread's side against a process that the test plays itself. What needs a real process
//! is left to the suite. On the threads of tests.

use super::*;
use crate::plugins::isolated::memory::RING_FRAMES;
use crate::plugins::processor::{FRAMES_MAX, Processor};

/// A process that makes all sound twice as loud, when it is asked to.
struct Rig {
    ours: RemoteProcessor,
    theirs: Memory,
    sent: u16,
    _folder: tempfile::TempDir,
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("memory");
        let ours = Memory::create(&path, 2).expect("a folder of ours");
        let theirs = Memory::open(&path, 2).expect("made above");
        Self { ours: RemoteProcessor::new(Arc::new(ours)), theirs, sent: 1, _folder: folder }
    }

    /// The process does what it has to by now.
    fn serve(&self) {
        let (done, end) = (self.theirs.end(Way::Back), self.theirs.end(Way::There));
        let frames = end.wrapping_sub(done).min(RING_FRAMES);
        let (from, mut samples) = (end.wrapping_sub(frames), vec![0.0; frames as usize]);
        for channel in 0..2 {
            self.theirs.read(Way::There, channel, from, &mut samples);
            samples.iter_mut().for_each(|sample| *sample *= 2.0);
            self.theirs.write(Way::Back, channel, from, &samples);
        }
        self.theirs.set_end(Way::Back, end);
    }

    /// The next frames of a ramp up and of one down; false if nothing came back. What came is
    /// the ramp of so long before as it says.
    fn send(&mut self, frames: u16) -> bool {
        let ramp: Vec<f32> = (self.sent..self.sent + frames).map(f32::from).collect();
        let down: Vec<f32> = ramp.iter().map(|sample| -sample).collect();
        self.sent += frames;
        let mut outputs = [vec![9.0; ramp.len()], vec![9.0; ramp.len()]];
        let [left, right] = &mut outputs;
        self.ours.process(&[&ramp, &down], &mut [left, right]);
        if self.ours.has_output() {
            let delay = self.ours.latency_frames() as f32;
            let expected = |sign: f32| ramp.iter().map(move |one| sign * 2.0 * (one - delay));
            assert!(outputs[0].iter().copied().eq(expected(1.0)), "{:?}", outputs[0]);
            assert!(outputs[1].iter().copied().eq(expected(-1.0)), "{:?}", outputs[1]);
        }
        self.ours.has_output()
    }

    fn send_and_serve(&mut self, frames: u16) -> bool {
        let has_output = self.send(frames);
        self.serve();
        has_output
    }
}

#[test]
fn sound_comes_back_exactly_one_block_later() {
    for frames in [1, 64, 100, 480] {
        let mut rig = Rig::new();
        assert!(!rig.send_and_serve(frames)); // nothing was there before
        assert!((0..20).all(|_| rig.send_and_serve(frames)));
        assert_eq!(rig.ours.latency_frames(), u32::from(frames));
    }
}

#[test]
fn sound_comes_back_around_the_end_of_the_ring() {
    let mut rig = Rig::new();
    rig.send_and_serve(8000);
    assert!((0..6).all(|_| rig.send_and_serve(8000)));
}

#[test]
fn blocks_of_any_length_are_as_late_as_the_longest() {
    let mut rig = Rig::new();
    let heard = [64, 64, 30, 100, 1, 64, 100, 64].map(|frames| rig.send_and_serve(frames));
    // While the delay grows there is a gap.
    assert_eq!(heard, [false, true, true, false, true, true, true, true]);
    assert_eq!(rig.ours.latency_frames(), 100);
}

#[test]
fn what_is_not_there_in_time_is_no_output_and_is_there_later() {
    let mut rig = Rig::new();
    rig.send_and_serve(64);
    assert!(rig.send(64));
    assert!(!rig.send(64) && !rig.send(64));
    rig.serve();
    assert!(rig.send_and_serve(64));
    assert_eq!(rig.ours.latency_frames(), 64);
}

#[test]
fn a_process_that_is_late_again_and_again_gets_twice_the_time_and_never_too_much() {
    let mut rig = Rig::new();
    rig.send_and_serve(64);
    let mut delays: Vec<_> =
        (0..300).map(|_| (rig.send(64), rig.ours.latency_frames()).1).collect();
    delays.dedup();
    assert_eq!(delays, [64, 128, 256, 512, 1024, 2048, 4096, 8192]);
    rig.serve();
    assert!(rig.send_and_serve(64));
}

#[test]
fn who_is_late_now_and_then_keeps_its_delay() {
    let mut rig = Rig::new();
    for piece in 0..1000 {
        rig.send(64);
        if piece % 100 > 0 {
            rig.serve();
        }
    }
    assert_eq!(rig.ours.latency_frames(), 64);
}

#[test]
fn rubbish_from_the_process_is_no_more_than_noise() {
    let mut rig = Rig::new();
    rig.send_and_serve(64);
    for end in [0, 1, u32::MAX, RING_FRAMES, u32::MAX / 2] {
        rig.theirs.set_end(Way::Back, end);
        let mut outputs = vec![0.0; FRAMES_MAX];
        rig.ours.process(&[&[0.0; FRAMES_MAX]], &mut [&mut outputs]);
    }
    rig.ours.process(&[], &mut []);
    rig.ours.set(VALUES_MAX, 1.0);
}

#[test]
fn an_answer_is_found_among_what_plug_ins_print() {
    let text = b"hello\n\xff\xfe\n\n{\"Saved\":[null]}\nmore\n";
    let answer = answer_of(&mut text.as_slice()).expect("it is in there");
    assert!(matches!(answer, Answer::Saved(states) if states == [None]));
    let error = answer_of(&mut b"hello\n".as_slice()).expect_err("it ended");
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
}
