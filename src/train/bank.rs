//! All clips of a run in memory, as mel power and pitch. Made once per run, with the live code.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::features::FeatureSpec;
use crate::features::pitch::{Pitch, Voicing};
use crate::features::resample::Resampler;
use crate::train::bands::Bands;
use crate::train::channel::{Phone, clip};
use crate::train::convolver::Convolver;
use crate::train::corpus::Clip;
use crate::train::kept::Kept;
use crate::train::left_out::{LeftOut, Trouble};
use crate::train::rooms::Room;
use crate::units::{ANALYSIS_RATE_HZ, to_count};
use crate::voice::activity::Activity;
use crate::wav;

/// Speech probability from which on a frame counts as voiced; the live gate's default.
pub const VOICED: f32 = 0.5;

/// Kept before the first and after the last voiced frame, as the live window keeps it.
pub const MARGIN_FRAMES: usize = 10;

/// Playing speeds of the training clips (Ko et al., Interspeech 2015).
const SPEEDS: [f64; 3] = [1.0, 0.9, 1.1];

/// Reverberation times of the rooms that training clips are heard in.
const T60_S: Range<f64> = 0.2..1.0;

/// Rooms that the clips are spread over: a response takes longer to make than to go through.
const ROOMS: u64 = 48;

/// Share of samples that an amplifier clips.
const CLIPPED: Range<f64> = 0.002..0.03;

/// What lies between a voice and us.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Degradation {
    /// A telephone line.
    Phone,
    /// An amplifier that clips.
    Clipping,
    /// A room, its response by the image method.
    Room,
}

/// How one clip is taken into the bank.
#[derive(Clone, Debug, PartialEq)]
pub enum Take {
    /// At a playing speed; 1 is as it is.
    Speed(f64),
    /// Through one of these, drawn by the clip's place.
    Degraded(Vec<Degradation>),
}

impl Take {
    /// As it is, for validation.
    pub const PLAIN: [Self; 1] = [Self::Speed(1.0)];

    /// What training draws from.
    pub fn all(degraded_by: &[Degradation]) -> Vec<Self> {
        SPEEDS.map(Self::Speed).into_iter().chain([Self::Degraded(degraded_by.to_vec())]).collect()
    }
}

/// Where somebody speaks in a sound.
#[derive(Clone, Debug)]
pub struct Speech {
    /// Frame by frame.
    pub voiced: Vec<bool>,
    /// From the first to the last voiced frame, with a margin; everything if nothing is voiced.
    pub span: Range<usize>,
}

impl Speech {
    pub fn of(samples: &[f32], spec: &FeatureSpec) -> Self {
        let mut activity = Activity::default();
        let hops = samples.chunks_exact(spec.hop);
        let mut voiced: Vec<bool> = hops.map(|hop| VOICED <= activity.process(hop)).collect();
        let frames = voiced.len();
        let span = match (voiced.iter().position(|&v| v), voiced.iter().rposition(|&v| v)) {
            (Some(first), Some(last)) => {
                first.saturating_sub(MARGIN_FRAMES)..(last + 1 + MARGIN_FRAMES).min(frames)
            }
            _ => {
                voiced.fill(true);
                0..frames
            }
        };
        Self { voiced, span }
    }
}

/// A sound with its voiced frames.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Prepared {
    pub bands: Bands,
    /// Of each frame; empty where the features have no pitch.
    pub pitch: Vec<Voicing>,
    pub voiced: Vec<bool>,
    /// From the first to the last voiced frame, with a margin; everything if nothing is voiced.
    pub span: Range<usize>,
    /// Mean over the voiced frames of the power of all bands together.
    pub speech_power: f32,
}

impl Prepared {
    pub fn voicing(&self, frame: usize) -> Voicing {
        self.pitch.get(frame).copied().unwrap_or_default()
    }
}

/// A clip ready for training.
#[derive(Debug)]
pub struct Example {
    pub clip: Clip,
    /// Index into the bank's speakers.
    pub speaker: usize,
    /// One per take.
    pub takes: Vec<Prepared>,
}

#[derive(Debug, Default)]
pub struct Bank {
    pub examples: Vec<Example>,
    /// `corpus:speaker`.
    pub speakers: Vec<String>,
    pub left_out: LeftOut,
}

/// Reads sound files as mono at the analysis rate.
pub fn read_sound(path: &Path) -> Result<Vec<f32>> {
    let sound = wav::read_file(path)?.mono();
    at_speed(&sound.samples, sound.rate_hz)
}

/// Samples of `rate_hz` at the analysis rate.
pub fn at_speed(samples: &[f32], rate_hz: u32) -> Result<Vec<f32>> {
    let mut out = Vec::with_capacity(samples.len());
    Resampler::new(rate_hz)?.process(samples, &mut out);
    Ok(out)
}

/// Mel power, pitch and voiced frames of a sound at the analysis rate.
pub fn prepare(samples: &[f32], spec: &FeatureSpec) -> Result<Prepared> {
    let Speech { voiced, span } = Speech::of(samples, spec);
    let bands = Bands::of(samples, spec)?;
    let mut pitch = spec.pitch.then(|| Pitch::new(spec));
    let hops = samples.chunks_exact(spec.hop);
    let voicing = hops.filter_map(|hop| Some(pitch.as_mut()?.process(hop))).collect();
    let spoken: Vec<f32> = (0..voiced.len())
        .filter(|&index| voiced[index])
        .map(|index| bands.frame(index).iter().sum())
        .collect();
    let speech_power = spoken.iter().sum::<f32>() / spoken.len().max(1) as f32;
    Ok(Prepared { bands, pitch: voicing, voiced, span, speech_power })
}

/// Takes clips as training wants them; keeps what costs to make.
pub struct Taker<'a> {
    spec: &'a FeatureSpec,
    takes: &'a [Take],
    phone: Phone,
    convolver: Convolver,
    rooms: Vec<Vec<f32>>,
}

impl<'a> Taker<'a> {
    pub fn new(spec: &'a FeatureSpec, takes: &'a [Take]) -> Self {
        let has_rooms =
            |take: &Take| matches!(take, Take::Degraded(by) if by.contains(&Degradation::Room));
        let rooms = if takes.iter().any(has_rooms) { ROOMS } else { 0 };
        let room = |seed| {
            let mut rng = StdRng::seed_from_u64(seed);
            Room::draw(&mut rng).response(rng.random_range(T60_S))
        };
        let (phone, convolver) = (Phone::default(), Convolver::default());
        Self { spec, takes, phone, convolver, rooms: (0..rooms).map(room).collect() }
    }

    fn take(&mut self, samples: &[f32], seed: u64) -> Result<Vec<Prepared>> {
        let takes = self.takes.iter();
        takes.map(|take| prepare(&self.sound(samples, take, seed)?, self.spec)).collect()
    }

    /// One of the takes, at the analysis rate; the seed draws what degrades it.
    pub fn sound(&mut self, samples: &[f32], take: &Take, seed: u64) -> Result<Vec<f32>> {
        let speed = match take {
            Take::Speed(speed) => speed,
            Take::Degraded(by) => return Ok(self.degraded(samples, by, seed)),
        };
        at_speed(samples, u32::try_from(to_count(f64::from(ANALYSIS_RATE_HZ) * speed))?)
    }

    fn degraded(&mut self, samples: &[f32], by: &[Degradation], seed: u64) -> Vec<f32> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut out = match by[rng.random_range(0..by.len())] {
            Degradation::Phone => self.phone.pass(samples),
            Degradation::Clipping => {
                let mut out = samples.to_vec();
                clip(&mut out, rng.random_range(CLIPPED));
                out
            }
            Degradation::Room => {
                let room = &self.rooms[rng.random_range(0..self.rooms.len())];
                let mut out = self.convolver.convolve(samples, room);
                out.truncate(samples.len());
                out
            }
        };
        // The voice detector takes nothing beyond full scale.
        let peak = out.iter().fold(1.0, |peak: f32, sample| peak.max(sample.abs()));
        out.iter_mut().for_each(|sample| *sample /= peak);
        out
    }
}

impl Bank {
    /// Loads `clips`; what cannot be used is told and left out. What they become stays in the
    /// folder `keep` for the next time.
    pub fn load(
        clips: &[Clip],
        root: &Path,
        spec: &FeatureSpec,
        takes: &[Take],
        keep: Option<&Path>,
    ) -> Result<Self> {
        let mut bank = Self::default();
        let mut speakers: BTreeMap<String, usize> = BTreeMap::new();
        let mut taker = None; // its rooms take a while, and may not be needed
        let open = |folder| Kept::open(folder, clips, root, spec, takes);
        let mut kept = keep.map(open).transpose()?;
        let progress = progress_bar(clips.len(), "reading clips");
        for (place, clip) in clips.iter().enumerate() {
            progress.inc(1);
            let takes = match kept.as_mut().and_then(Kept::get) {
                Some(takes) => takes,
                None => {
                    let samples = bank.left_out.read(root, &clip.path);
                    let taker = taker.get_or_insert_with(|| Taker::new(spec, takes));
                    let make = |samples: Vec<f32>| taker.take(&samples, place as u64);
                    let takes = samples.map(make).transpose();
                    let takes = takes.with_context(|| format!("in {}", clip.path.display()))?;
                    let takes = takes.unwrap_or_default();
                    kept.iter_mut().for_each(|kept| kept.put(&takes));
                    takes
                }
            };
            if takes.is_empty() {
                continue; // why is noted
            }
            if takes.iter().any(|prepared| prepared.span.len() < 2 * MARGIN_FRAMES) {
                let line = format!("{} has hardly any speech", clip.path.display());
                bank.left_out.note(Trouble::TooShort, line);
                continue;
            }
            let next = speakers.len();
            let speaker = *speakers.entry(clip.speaker_key()).or_insert(next);
            if speaker == bank.speakers.len() {
                bank.speakers.push(clip.speaker_key());
            }
            bank.examples.push(Example { clip: clip.clone(), speaker, takes });
        }
        progress.finish();
        kept.into_iter().for_each(Kept::finish);
        bank.left_out.tell();
        Ok(bank)
    }
}

/// A bar with counts and the time left.
pub fn progress_bar(length: usize, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:14} {bar:32} {pos}/{len} {eta}")
        .expect("the template is a constant and right");
    ProgressBar::new(length as u64).with_style(style).with_message(what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::channel::power;
    use crate::units::to_f32;

    /// A tone above what a phone passes, degraded as the `seed` draws; its level beside before.
    fn level_after(by: &[Degradation], seed: u64) -> f64 {
        let turn = std::f64::consts::TAU * 5000.0 / f64::from(ANALYSIS_RATE_HZ);
        let tone: Vec<f32> = (0..8000).map(|n| to_f32((turn * f64::from(n)).sin()) / 2.0).collect();
        let spec = FeatureSpec::default();
        let takes = [Take::Degraded(by.to_vec())];
        let degraded = Taker::new(&spec, &takes).sound(&tone, &takes[0], seed).expect("a sound");
        power(&degraded) / power(&tone)
    }

    #[test]
    fn only_what_is_listed_degrades() {
        let by = [Degradation::Clipping, Degradation::Phone];
        let mixed: Vec<f64> = (0..8).map(|seed| level_after(&by, seed)).collect();
        assert!(mixed.iter().any(|level| *level < 0.01), "a phone among {mixed:?}");
        assert!(mixed.iter().any(|level| 0.5 < *level), "no phone among {mixed:?}");
        assert!((0..8).all(|seed| 0.5 < level_after(&by[..1], seed)), "clipping alone");
    }
}
