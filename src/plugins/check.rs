//! `affectd plugins check`: runs a sound through one plug-in as the audio thread does, but as fast
//! as it goes, and reports what that cost and what came out. On the calling thread, which plays
//! the plug-in thread and the audio thread at once; a plug-in that crashes ends the program.

mod report;

mod watch;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::audio::denormals::without_denormals;
use crate::plugins::chain::{Chains, Edit, Move, Place, SlotId, chains};
use crate::plugins::check::watch::Seen;
use crate::plugins::error::PluginError;
use crate::plugins::formats::Formats;
use crate::plugins::instance::Instance;
use crate::plugins::isolated::WantedMember;
use crate::plugins::processor::{FRAMES_MAX, Parameter, Scale};
use crate::plugins::wire::Wire;
use crate::ring::{Block, CHANNELS_MAX};

pub use crate::plugins::check::report::{Calls, Cost, Level, Pass, Report};

/// Shorter sounds are repeated: a 99th percentile of 10 ms blocks has ten beyond it then.
const SOUND_S_MIN: usize = 10;

/// Silence after the sound, in which filters ring out.
const TAIL_S: usize = 1;

/// The plug-in is tended so often in a second of sound, as by the plug-in thread.
const TENDS_PER_S: usize = 100;

/// The only one.
const SLOT: SlotId = 0;

/// Runs the work once and tells its calls to the heap, if it can.
pub type CountHeap<'a> = &'a dyn Fn(&mut dyn FnMut()) -> Option<Calls>;

/// What is to be checked.
pub struct Check<'a> {
    pub uri: &'a str,
    /// Each as `SYMBOL=VALUE`.
    pub set: &'a [String],
    /// Interleaved.
    pub samples: &'a [f32],
    pub channels: usize,
    pub rate_hz: u32,
    /// 1 to [`FRAMES_MAX`].
    pub block_frames: usize,
    pub count_heap: CountHeap<'a>,
}

/// Builds the plug-in, runs the sound through it, and once more while its parameters move.
pub fn check(check: &Check) -> Result<Report, PluginError> {
    let (uri, channels, rate_hz) = (check.uri.to_owned(), check.channels, check.rate_hz);
    let set = settings(check.uri, check.set)?;
    let wanted = WantedMember { uri: uri.clone(), preset: None, state: None, set };
    if !(1..=CHANNELS_MAX).contains(&channels) || check.samples.len() < channels {
        let samples = check.samples.len();
        let reason = format!(
            "the sound has {samples} samples in {channels} channels, allowed are at least one in \
             each of 1 to {CHANNELS_MAX}"
        );
        return Err(PluginError::Refused { uri, reason });
    }
    let mut formats = Formats::default();
    let begun = Instant::now();
    let (instance, mut unit) = Instance::build(&mut formats, &wanted, channels, rate_hz)?;
    let built_in = begun.elapsed();
    let seen = Seen::in_unit(&mut unit);
    let (chains, ends) = chains(channels, rate_hz);
    let mut wire = Wire::new(ends);
    let place = Place { channel: None, is_heard: true };
    let unit = Box::new(unit);
    // The ring is empty, so nobody has to take it out.
    wire.push(Edit::Insert { slot: SLOT, place, before: None, unit, bypass: false });
    let glides = glides(&instance.parameters);
    let mut bench = Bench { check, chains, instance, seen, block: Vec::new() };
    let still = bench.pass(&[]);
    let is_moved = !glides.is_empty() && still.muted_at_s.is_none();
    let moving = is_moved.then(|| bench.pass(&glides));
    wire.push(Edit::Remove { slot: SLOT });
    bench.run_until(|| !wire.returned().is_empty());
    Ok(Report {
        uri,
        title: bench.instance.title.clone(),
        channels,
        rate_hz,
        block_frames: check.block_frames,
        built_in,
        parameters: bench.instance.parameters.len(),
        still,
        moved: glides.len(),
        moving,
    })
}

/// Linearly in between: for a sound of a low rate where the rate of a sound card is wanted. What it
/// adds above the old band is weak, and no matter for a measurement of cost.
pub fn upsampled(samples: &[f32], channels: usize, factor: u16) -> Vec<f32> {
    let frames: Vec<&[f32]> = samples.chunks_exact(channels.max(1)).collect();
    let next = frames.iter().skip(1).chain(frames.last());
    let mut out = Vec::with_capacity(samples.len() * usize::from(factor));
    for (frame, next) in frames.iter().zip(next) {
        for step in 0..factor {
            let share = f32::from(step) / f32::from(factor);
            out.extend(frame.iter().zip(*next).map(|(now, next)| now + share * (next - now)));
        }
    }
    out
}

fn settings(uri: &str, texts: &[String]) -> Result<Vec<(String, f32)>, PluginError> {
    let one = |text: &String| {
        let (symbol, value) = text.split_once('=')?;
        Some((symbol.to_owned(), value.parse().ok()?))
    };
    let checked = |text| {
        one(text).ok_or_else(|| PluginError::Refused {
            uri: uri.to_owned(),
            reason: format!("a parameter is set as SYMBOL=VALUE, not {text:?}"),
        })
    };
    texts.iter().map(checked).collect()
}

/// A parameter that moves.
struct Moving {
    index: usize,
    parameter: Parameter,
}

impl Moving {
    /// `share` is 0 at its lower end and 1 at its upper one.
    fn value(&self, share: f32) -> f32 {
        let (min, max) = (self.parameter.min, self.parameter.max);
        let value = match self.parameter.scale {
            Scale::Logarithmic => min * (max / min).powf(share),
            _ => min + share * (max - min),
        };
        self.parameter.nearest(value)
    }
}

/// Those without steps: a switch that is thrown may well be one that stops all sound.
fn glides(parameters: &[Parameter]) -> Vec<Moving> {
    let all = parameters.iter().cloned().enumerate();
    let moving = all.map(|(index, parameter)| Moving { index, parameter });
    moving.filter(|moving| !moving.parameter.is_stepped()).collect()
}

struct Bench<'a> {
    check: &'a Check<'a>,
    /// Before the instance, whose halves have to be there for as long.
    chains: Chains,
    instance: Instance,
    seen: Arc<Seen>,
    /// Interleaved.
    block: Vec<f32>,
}

/// What one block took.
struct Ran {
    time_us: f64,
    heap: Option<Calls>,
}

impl Bench<'_> {
    fn block_frames(&self) -> usize {
        self.check.block_frames.clamp(1, FRAMES_MAX)
    }

    /// All of the sound while these go from end to end, then silence.
    fn pass(&mut self, moving: &[Moving]) -> Pass {
        let (channels, frames) = (self.check.channels, self.block_frames());
        let second = self.check.rate_hz as usize;
        let once = self.check.samples.len() / channels;
        let repeats = (SOUND_S_MIN * second).div_ceil(once).max(1);
        let mut samples = self.check.samples[..once * channels].iter().cycle();
        let mut samples_left = repeats * once * channels;
        let blocks = (repeats * once + TAIL_S * second).div_ceil(frames);
        let sound_blocks = (samples_left / channels).div_ceil(frames);
        let block_s = frames as f64 / f64::from(self.check.rate_hz);
        let mut pass = Pass::default();
        let mut times_us = Vec::with_capacity(blocks);
        let mut moves = Vec::with_capacity(moving.len());
        self.seen.take();
        for block in 0..blocks {
            self.block.clear();
            self.block.extend(samples.by_ref().take(samples_left.min(frames * channels)));
            samples_left -= self.block.len();
            self.block.resize(frames * channels, 0.0);
            pass.before.take(&self.block);
            let share = (block as f32 / sound_blocks as f32).min(1.0);
            moves.clear();
            moves.extend(moving.iter().map(|one| move_to(one.index, one.value(share), frames)));
            let ran = self.run(&moves);
            self.chains.each_plane(frames, |_, plane| pass.after.take(plane));
            times_us.push(ran.time_us);
            pass.count_heap(ran.heap);
            if self.instance.status.is_muted.load(Ordering::Relaxed) {
                pass.muted_at_s = Some(block_s * block as f64);
                break;
            }
            let tends = |blocks: usize| blocks * frames * TENDS_PER_S / second;
            if tends(block) != tends(block + 1) {
                self.instance.tend();
            }
        }
        pass.cost = Cost::of(times_us, block_s);
        pass.latency_frames = self.instance.status.latency_frames();
        [pass.not_finite, pass.denormal] = self.seen.take();
        pass
    }

    /// One block as the callback does it. What it takes to get the sound in and out is there
    /// without plug-ins too, and not in the time.
    fn run(&mut self, moves: &[Move]) -> Ran {
        let (chains, frames) = (&mut self.chains, self.check.block_frames.clamp(1, FRAMES_MAX));
        let block = Block::Interleaved { samples: &self.block, channels: self.check.channels };
        chains.load(block, 0);
        let mut time_us = 0.0;
        let heap = (self.check.count_heap)(&mut || {
            without_denormals(|| {
                let begun = Instant::now();
                chains.obey();
                moves.iter().for_each(|step| chains.set(*step));
                chains.run(true, frames);
                chains.settle();
                time_us = 1e6 * begun.elapsed().as_secs_f64();
            });
        });
        Ran { time_us, heap }
    }

    /// Silence, until it is so or two seconds are over.
    fn run_until(&mut self, mut is_over: impl FnMut() -> bool) {
        let frames = self.block_frames();
        self.block.clear();
        self.block.resize(frames * self.check.channels, 0.0);
        for _ in 0..=2 * self.check.rate_hz as usize / frames {
            self.run(&[]);
            if is_over() {
                break;
            }
        }
    }
}

fn move_to(parameter: usize, value: f32, frames: usize) -> Move {
    Move { slot: SLOT, parameter, value, frames: u32::try_from(frames).unwrap_or(u32::MAX) }
}

impl Pass {
    fn count_heap(&mut self, calls: Option<Calls>) {
        self.blocks += 1;
        let Some(calls) = calls else { return };
        self.heap_blocks += u64::from(!calls.is_none());
        self.heap.get_or_insert_default().add(calls);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::to_f32;
    use std::f64::consts::TAU;

    const RATE_HZ: u32 = 8000;

    /// A second of a sine at -6 dBFS, not counted, with these options of the command line.
    fn run(uri: &str, channels: usize, frames: usize, set: &[&str]) -> Result<Report, PluginError> {
        let sine = |frame| 0.5 * (TAU * 440.0 * f64::from(frame) / f64::from(RATE_HZ)).sin();
        let mono = (0..RATE_HZ).map(|frame| to_f32(sine(frame)));
        let samples: Vec<f32> = mono.flat_map(|sample| vec![sample; channels]).collect();
        let set: Vec<String> = set.iter().map(|&text| text.to_owned()).collect();
        let count_heap: CountHeap = &|work| {
            work();
            None
        };
        check(&Check {
            uri,
            set: &set,
            samples: &samples,
            channels,
            rate_hz: RATE_HZ,
            block_frames: frames,
            count_heap,
        })
    }

    fn reason(result: Result<Report, PluginError>) -> String {
        result.err().expect("it is refused").to_string()
    }

    #[test]
    fn six_decibels_less_come_out_six_decibels_lower_in_blocks_of_any_size() {
        for (channels, frames) in [(1, 64), (2, 128), (2, 77), (1, FRAMES_MAX)] {
            let report = run("affectd:gain", channels, frames, &["gain_db=-6"]).unwrap();
            let Pass { before, after, .. } = report.still;
            assert!((before.peak_db() + 6.02).abs() < 0.01, "{}", before.peak_db());
            assert!((after.rms_db() - before.rms_db() + 6.0).abs() < 0.05, "{}", after.rms_db());
        }
    }

    #[test]
    fn the_sound_is_repeated_to_ten_seconds_and_has_a_tail_of_one() {
        let report = run("affectd:gain", 1, 100, &[]).unwrap();
        assert_eq!(report.still.blocks, 880);
    }

    #[test]
    fn gliding_parameters_move_from_end_to_end_and_switches_do_not() {
        let report = run("affectd:gain", 1, 128, &[]).unwrap();
        assert_eq!((report.parameters, report.moved), (2, 1));
        // Up to +24 dB, from a peak at -6.
        let peak_db = report.moving.unwrap().after.peak_db();
        assert!((peak_db - 18.0).abs() < 0.3, "{peak_db}");
    }

    #[test]
    fn a_glide_by_ratio_is_half_way_at_the_geometric_mean() {
        let parameter = Parameter {
            symbol: "hz".into(),
            name: "Hz".into(),
            unit: "Hz".into(),
            min: 10.0,
            max: 1000.0,
            default: 100.0,
            scale: Scale::Logarithmic,
            labels: Vec::new(),
        };
        let moving = Moving { index: 0, parameter };
        assert_eq!([0.0, 1.0].map(|share| moving.value(share)), [10.0, 1000.0]);
        assert!((moving.value(0.5) - 100.0).abs() < 1e-3);
    }

    /// The plug-in of tests/clap that misbehaves.
    fn naughty(mode: &str) -> Report {
        let test = std::env::current_exe().unwrap();
        let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        let file = format!("examples/{prefix}clap_naughty{suffix}");
        let path = test.parent().unwrap().parent().unwrap().join(file);
        run(&format!("clap:{}", path.display()), 1, 128, &[mode]).unwrap()
    }

    #[test]
    fn what_is_no_number_is_counted_and_mutes_the_plug_in() {
        let report = naughty("mode=3");
        assert_eq!((report.still.not_finite, report.still.blocks), (128, 1));
        assert_eq!(report.still.muted_at_s, Some(0.0));
        assert!(report.to_string().contains("muted       at 0.00 s"), "{report}");
    }

    #[test]
    fn what_runs_away_is_muted_though_all_are_numbers() {
        let report = naughty("mode=5");
        assert_eq!(report.still.not_finite, 0);
        // It doubles with each block of 16 ms: from 0.5 to beyond 100 within 8.
        assert!(report.still.muted_at_s.unwrap() <= 0.128, "{report}");
    }

    #[test]
    fn the_report_has_a_line_for_everything() {
        let text = run("affectd:gain", 2, 128, &[]).unwrap().to_string();
        for part in ["2 channels at 8000 Hz", "latency     0 frames", "not counted here"] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert_eq!(text.matches("muted       no").count(), 2, "{text}");
    }

    #[test]
    fn what_is_typed_wrong_is_refused_with_what_is_allowed() {
        let wrong = reason(run("affectd:gain", 1, 128, &["gain_db:3"]));
        assert!(wrong.contains("SYMBOL=VALUE, not \"gain_db:3\""), "{wrong}");
        let unknown = reason(run("affectd:gain", 1, 128, &["volume=3"]));
        assert!(unknown.contains("it has gain_db, mute"), "{unknown}");
        let wide = reason(run("affectd:gain", 17, 128, &[]));
        assert!(wide.contains("17 channels, allowed are"), "{wide}");
    }

    #[test]
    fn between_two_frames_go_straight_lines() {
        assert_eq!(upsampled(&[0.0, 3.0], 1, 3), [0.0, 1.0, 2.0, 3.0, 3.0, 3.0]);
        assert_eq!(
            upsampled(&[0.0, 8.0, 2.0, 4.0], 2, 2),
            [0.0, 8.0, 1.0, 6.0, 2.0, 4.0, 2.0, 4.0]
        );
        assert!(upsampled(&[], 1, 3).is_empty());
    }
}
