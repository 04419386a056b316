//! A sound file, or the built-in demo voice, as a source: 10 ms blocks in real time, or as fast as
//! they are taken, through the same callback as a device. Reading the file is left to `wav`,
//! starting the thread that runs the player to the daemon.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::audio::{AudioError, Callback, Liveness, Opened, Parts, Shared, Stream, check_rate};
use crate::config::checked::Input;
use crate::plugins::builtin::denoise::prepare_thread;
use crate::ring::Stamp;
use crate::wav::{self, Sound};

/// About half a minute of several emotions; `examples/demo_voice.md` says whose.
const DEMO_VOICE: &[u8] = include_bytes!("../../examples/demo_voice.flac");

/// Blocks a second. 10 ms are about what a device gives.
const BLOCKS_PER_S: usize = 100;

/// Silence after the end, so that the last segment of speech closes: longer than any sensible
/// switch-off time of the voice gate.
const TAIL_MS: usize = 1500;

/// A player that is later than this was stopped (suspend, debugger) and goes on from now instead
/// of flooding the ring with what it missed.
const LATE_MAX: Duration = Duration::from_millis(500);

/// How often a player that may not wait for the clock looks whether there is room.
const ROOM_POLL: Duration = Duration::from_millis(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    RealTime,
    /// As fast as the worker takes it, and nothing is dropped.
    Unbound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeat {
    Once,
    ForEver,
}

/// Plays a sound into the callback; the body of a thread.
pub struct FilePlayer {
    sound: Sound,
    repeat: Repeat,
    pace: Pace,
    callback: Callback,
    liveness: Arc<Liveness>,
}

/// A file, played once.
pub fn open(input: &Input, path: &Path) -> Result<Opened, AudioError> {
    let sound = wav::read_file(path)?;
    let id = path.display().to_string();
    // Before anything is made for its length: some file may claim a rate of gigahertz.
    check_rate(&id, sound.rate_hz)?;
    let present = u16::try_from(sound.channels).unwrap_or(u16::MAX);
    let wanted = input.channels_needed();
    if present < wanted {
        return Err(AudioError::TooFewChannels { id, wanted, present });
    }
    let description = format!("sound file, {:.1} s at {} Hz", sound.duration_s(), sound.rate_hz);
    Ok(opened(input, id, description, sound, Repeat::Once))
}

/// The bundled voice itself, mono.
pub fn demo_voice() -> Result<Sound, AudioError> {
    Ok(wav::read_bytes("the built-in demo voice", DEMO_VOICE)?)
}

/// The demo voice, again and again, the same in all channels.
pub fn open_demo(input: &Input) -> Result<Opened, AudioError> {
    let sound = spread(&demo_voice()?, input.channels_needed());
    let description = "built-in demo voice (CREMA-D)".to_owned();
    Ok(opened(input, "demo".to_owned(), description, sound, Repeat::ForEver))
}

impl FilePlayer {
    fn new(mut sound: Sound, how: (Repeat, Pace), parts: (Callback, Arc<Liveness>)) -> Self {
        sound.samples.resize(frames_with_tail(&sound) * sound.channels, 0.0);
        let ((repeat, pace), (callback, liveness)) = (how, parts);
        Self { sound, repeat, pace, callback, liveness }
    }

    /// Plays until the end or until `stop`, and looks at `stop` with each block. Sets
    /// `Liveness::finished` at the end of a file.
    pub fn run(mut self, stop: &AtomicBool) {
        prepare_thread();
        let mut schedule = Schedule::new(Instant::now());
        loop {
            // From block number to frame each time, so that 11025 Hz does not drift either.
            let blocks = self.sound.frames() * BLOCKS_PER_S / self.rate_hz();
            for block in 0..blocks {
                self.wait(&mut schedule, stop);
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                self.callback.stamp(schedule.stamp());
                self.play(block);
            }
            if self.repeat == Repeat::Once {
                self.liveness.finished.store(true, Ordering::Relaxed);
                return;
            }
        }
    }

    /// For the next block's turn.
    fn wait(&self, schedule: &mut Schedule, stop: &AtomicBool) {
        match self.pace {
            Pace::RealTime => {
                if schedule.wait_for_block(Instant::now()) == Punctual::Late {
                    self.callback.counters().xruns.fetch_add(1, Ordering::Relaxed);
                }
            }
            Pace::Unbound => {
                schedule.skip_to(Instant::now());
                let frames = self.rate_hz() / BLOCKS_PER_S + 1;
                while !self.callback.has_room(frames) && !stop.load(Ordering::Relaxed) {
                    std::thread::sleep(ROOM_POLL);
                }
            }
        }
    }

    fn play(&mut self, block: usize) {
        let channels = self.sound.channels;
        let sample_of = |block: usize| block * self.rate_hz() / BLOCKS_PER_S * channels;
        let samples = &self.sound.samples[sample_of(block)..sample_of(block + 1)];
        self.callback.process_samples(samples, channels);
    }

    fn rate_hz(&self) -> usize {
        rate_hz(&self.sound)
    }
}

/// Length with the tail, rounded up to a whole second so that it is a whole number of blocks at
/// any rate.
fn frames_with_tail(sound: &Sound) -> usize {
    let tail_frames = rate_hz(sound) * TAIL_MS / 1000;
    (sound.frames() + tail_frames).next_multiple_of(rate_hz(sound))
}

fn rate_hz(sound: &Sound) -> usize {
    usize::try_from(sound.rate_hz).expect("usize holds a sample rate on all machines with an OS")
}

#[derive(Debug, PartialEq, Eq)]
enum Punctual {
    OnTime,
    Late,
}

/// When blocks are due, counted from a fixed start so that no error adds up.
struct Schedule {
    begun: Instant,
    start: Instant,
    /// Blocks since `start`.
    blocks: u64,
}

impl Schedule {
    const BLOCK_NS: u64 = 1_000_000_000 / BLOCKS_PER_S as u64;

    fn new(start: Instant) -> Self {
        Self { begun: start, start, blocks: 0 }
    }

    /// Waits until the last frame of the next block would have been captured.
    fn wait_for_block(&mut self, now: Instant) -> Punctual {
        self.blocks += 1;
        let due = self.start + Duration::from_nanos(self.blocks * Self::BLOCK_NS);
        if now > due + LATE_MAX {
            self.skip_to(now);
            return Punctual::Late;
        }
        std::thread::sleep(due.saturating_duration_since(now));
        Punctual::OnTime
    }

    fn skip_to(&mut self, now: Instant) {
        (self.start, self.blocks) = (now, 0);
    }

    /// As if the block that is due had just been captured, in the time since the beginning.
    fn stamp(&self) -> Stamp {
        let ns = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let due_ns = ns(self.start - self.begun) + self.blocks * Self::BLOCK_NS;
        Stamp {
            called_ns: ns(self.begun.elapsed()),
            captured_ns: due_ns.saturating_sub(Self::BLOCK_NS),
        }
    }
}

fn opened(input: &Input, id: String, description: String, sound: Sound, repeat: Repeat) -> Opened {
    let is_bound = input.paced || repeat == Repeat::ForEver;
    let pace = if is_bound { Pace::RealTime } else { Pace::Unbound };
    let rate_hz = sound.rate_hz;
    let parts = Parts::feeding(input, rate_hz);
    let shared = Shared::of(&parts.callback);
    let Parts { callback, plugins, reader, liveness, home } = parts;
    Opened {
        reader,
        rate_hz,
        channels: input.channels,
        id,
        description,
        shared,
        plugins,
        feed: home,
        liveness: Arc::clone(&liveness),
        stream: Stream::Player,
        player: Some(FilePlayer::new(sound, (repeat, pace), (callback, liveness))),
    }
}

/// The mean of all channels in each of `channels` channels.
fn spread(sound: &Sound, channels: u16) -> Sound {
    let channels = usize::from(channels);
    let mono = sound.mono();
    let samples = mono.samples.iter().flat_map(|sample| std::iter::repeat_n(*sample, channels));
    Sound { rate_hz: mono.rate_hz, channels, samples: samples.collect() }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "test numbers are small")]
mod tests {
    use super::*;
    use crate::config::checked::Source;
    use crate::ring::Chunk;

    fn input(channels: u16) -> Input {
        Input { ring_s: 10.0, ..Input::plain(Source::Demo, channels) }
    }

    fn read(opened: &mut Opened) -> Vec<f32> {
        let mut heard = Vec::new();
        while let Some(chunk) = opened.reader.read() {
            match chunk {
                Chunk::Frames(samples) => heard.extend_from_slice(samples),
                Chunk::Gap(frames) => panic!("{frames} frames are missing"),
            }
        }
        heard
    }

    #[test]
    fn a_file_is_played_once_in_real_time_with_silence_behind_it_at_any_rate() {
        for rate_hz in [11_025, 16_000, 44_100] {
            let frames = rate_hz / 10;
            let samples: Vec<f32> = (0..frames).map(|frame| frame as f32 / 65_536.0).collect();
            let sound = Sound { rate_hz, channels: 1, samples: samples.clone() };
            let mut opened = opened(&input(1), "ramp".into(), "ramp".into(), sound, Repeat::Once);
            let start = Instant::now();
            opened.player.take().expect("a file has a player").run(&AtomicBool::new(false));
            // 0.1 s and 1.5 s of silence, rounded up; the player sleeps, so never too fast.
            assert!(start.elapsed() >= Duration::from_secs(2));
            let heard = read(&mut opened);
            assert_eq!(heard.len(), 2 * rate_hz as usize);
            assert_eq!(heard[..samples.len()], samples);
            assert!(heard[samples.len()..].iter().all(|sample| *sample == 0.0));
            assert!(opened.liveness.finished.load(Ordering::Relaxed));
        }
    }

    #[test]
    fn an_unbound_file_waits_for_room_and_nothing_is_lost() {
        // Half a minute, and a ring for one second.
        let sound = Sound { rate_hz: 16_000, channels: 1, samples: vec![0.5; 30 * 16_000] };
        let input = Input { paced: false, ring_s: 1.0, ..Input::plain(Source::Demo, 1) };
        let mut opened = opened(&input, "file".into(), "file".into(), sound, Repeat::Once);
        let player = opened.player.take().expect("a file has a player");
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn(move || player.run(&stop));
        let mut heard = 0;
        while !thread.is_finished() || heard < 32 * 16_000 {
            heard += read(&mut opened).len();
        }
        assert_eq!(heard, 32 * 16_000);
    }

    #[test]
    fn the_player_stops_when_told() {
        let mut opened = open_demo(&input(1)).expect("the demo voice is built in");
        let player = opened.player.take().expect("the demo voice has a player");
        player.run(&AtomicBool::new(true));
        assert!(!opened.liveness.finished.load(Ordering::Relaxed));
        assert!(read(&mut opened).is_empty());
    }

    #[test]
    fn a_player_that_was_stopped_goes_on_from_now() {
        let mut schedule = Schedule::new(Instant::now());
        let later = Instant::now() + Duration::from_secs(60);
        assert_eq!(schedule.wait_for_block(later), Punctual::Late);
        assert_eq!(schedule.start, later);
    }

    #[test]
    fn the_demo_voice_is_half_a_minute_at_16_khz_in_as_many_channels_as_wanted() {
        let opened = open_demo(&input(2)).expect("the demo voice is built in");
        let sound = &opened.player.as_ref().expect("the demo voice has a player").sound;
        assert_eq!((opened.rate_hz, sound.channels), (16_000, 2));
        assert!((28.0..=36.0).contains(&sound.duration_s()), "{}", sound.duration_s());
    }

    #[test]
    fn a_mono_file_is_too_narrow_for_two_channels() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("mono.wav");
        let sound = Sound { rate_hz: 16_000, channels: 1, samples: vec![0.0; 160] };
        wav::write_file(&path, &sound).expect("the file is written");
        let error = open(&input(2), &path).err().expect("mono is too narrow").to_string();
        assert!(error.contains("has 1 channels, but 2 are to be analysed"), "{error}");
    }
}
