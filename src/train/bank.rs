//! All clips of a run in memory as mel power: the stage of the features where gain and noise are
//! still a multiplication and an addition. Made once per run, with the live code.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::features::FeatureSpec;
use crate::features::mel::MelSpectrum;
use crate::features::resample::Resampler;
use crate::messages::Dimensions;
use crate::train::affect;
use crate::train::corpus::{Clip, sound_path};
use crate::units::{ANALYSIS_RATE_HZ, to_count};
use crate::voice::activity::Activity;
use crate::wav;

/// Speech probability from which on a frame counts as voiced; the live gate's default.
const VOICED: f32 = 0.5;

/// Kept before the first and after the last voiced frame, as the live window keeps it.
pub const MARGIN_FRAMES: usize = 10;

/// Playing speeds of the training clips (Ko et al., Interspeech 2015).
pub const SPEEDS: [f64; 3] = [1.0, 0.9, 1.1];

/// Mel power of one sound, frame after frame.
#[derive(Clone, Debug)]
pub struct Bands {
    pub mels: usize,
    pub values: Vec<f32>,
}

impl Bands {
    pub fn frames(&self) -> usize {
        self.values.len() / self.mels
    }

    pub fn frame(&self, index: usize) -> &[f32] {
        &self.values[index * self.mels..][..self.mels]
    }
}

/// A sound with its voiced frames.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub bands: Bands,
    pub voiced: Vec<bool>,
    /// From the first to the last voiced frame, with a margin; everything if nothing is voiced.
    pub span: Range<usize>,
    /// Mean over the voiced frames of the power of all bands together.
    pub speech_power: f32,
}

/// A clip ready for training.
#[derive(Debug)]
pub struct Example {
    pub speaker: usize,
    /// Index into the model's labels; none if the model has no such label.
    pub label: Option<usize>,
    pub dimensions: Dimensions,
    /// One per speed, the original first.
    pub speeds: Vec<Prepared>,
}

#[derive(Debug, Default)]
pub struct Bank {
    pub examples: Vec<Example>,
    /// Examples of each speaker.
    pub speakers: Vec<Vec<usize>>,
}

/// Reads sound files as mono at the analysis rate.
pub fn read_sound(path: &Path) -> Result<Vec<f32>> {
    let sound = wav::read_file(path)?.mono();
    at_speed(&sound.samples, sound.rate_hz)
}

/// Samples of `rate_hz` at the analysis rate.
fn at_speed(samples: &[f32], rate_hz: u32) -> Result<Vec<f32>> {
    let mut out = Vec::with_capacity(samples.len());
    Resampler::new(rate_hz)?.process(samples, &mut out);
    Ok(out)
}

/// Mel power and voiced frames of a sound at the analysis rate.
pub fn prepare(samples: &[f32], spec: &FeatureSpec) -> Prepared {
    let mut mel = MelSpectrum::new(spec);
    let mut activity = Activity::default();
    let frames = samples.len() / spec.hop;
    let mut values = vec![0.0; frames * spec.mels];
    let mut voiced = Vec::with_capacity(frames);
    for (hop, bands) in samples.chunks_exact(spec.hop).zip(values.chunks_exact_mut(spec.mels)) {
        mel.process(hop, bands);
        voiced.push(VOICED <= activity.process(hop));
    }
    let span = match (voiced.iter().position(|&v| v), voiced.iter().rposition(|&v| v)) {
        (Some(first), Some(last)) => {
            first.saturating_sub(MARGIN_FRAMES)..(last + 1 + MARGIN_FRAMES).min(frames)
        }
        _ => {
            voiced.fill(true);
            0..frames
        }
    };
    let bands = Bands { mels: spec.mels, values };
    let spoken: Vec<f32> = (0..frames)
        .filter(|&index| voiced[index])
        .map(|index| bands.frame(index).iter().sum())
        .collect();
    let speech_power = spoken.iter().sum::<f32>() / spoken.len().max(1) as f32;
    Prepared { bands, voiced, span, speech_power }
}

impl Bank {
    /// Loads `clips`; those with an emotion that has no coordinates are left out.
    pub fn load(
        clips: &[&Clip],
        root: &Path,
        spec: &FeatureSpec,
        labels: &[String],
        speeds: &[f64],
    ) -> Result<Self> {
        let mut bank = Self::default();
        let mut speakers: BTreeMap<String, usize> = BTreeMap::new();
        let progress = progress_bar(clips.len(), "reading clips");
        for clip in clips {
            progress.inc(1);
            let Some(dimensions) = affect::coordinates(&clip.emotion) else { continue };
            let Some(path) = sound_path(root, &clip.path) else {
                bail!("{} has no {} in any format read", root.display(), clip.path.display());
            };
            let samples = read_sound(&path)?;
            let speeds = speeds
                .iter()
                .map(|speed| {
                    let rate_hz = u32::try_from(to_count(f64::from(ANALYSIS_RATE_HZ) * speed))?;
                    Ok(prepare(&at_speed(&samples, rate_hz)?, spec))
                })
                .collect::<Result<Vec<_>>>()
                .with_context(|| format!("in {}", path.display()))?;
            if speeds.iter().any(|prepared| prepared.span.len() < 2 * MARGIN_FRAMES) {
                continue;
            }
            let next = speakers.len();
            let speaker = *speakers.entry(clip.speaker_key()).or_insert(next);
            if speaker == bank.speakers.len() {
                bank.speakers.push(Vec::new());
            }
            bank.speakers[speaker].push(bank.examples.len());
            let label = labels.iter().position(|label| *label == clip.emotion);
            bank.examples.push(Example { speaker, label, dimensions, speeds });
        }
        progress.finish();
        Ok(bank)
    }
}

/// Noise for augmentation: every sound file below the manifest's noise corpora.
pub fn load_noise(clips: &[Clip], root: &Path, spec: &FeatureSpec) -> Result<Vec<Bands>> {
    let progress = progress_bar(clips.len(), "reading noise");
    let mut noise = Vec::with_capacity(clips.len());
    for clip in clips {
        progress.inc(1);
        let Some(path) = sound_path(root, &clip.path) else {
            bail!("{} has no {} in any format read", root.display(), clip.path.display());
        };
        let bands = prepare(&read_sound(&path)?, spec).bands;
        if bands.values.iter().sum::<f32>() > 0.0 {
            noise.push(bands);
        }
    }
    progress.finish();
    Ok(noise)
}

/// A bar with counts and the time left.
pub fn progress_bar(length: usize, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:14} {bar:32} {pos}/{len} {eta}")
        .expect("the template is a constant and right");
    ProgressBar::new(length as u64).with_style(style).with_message(what)
}
