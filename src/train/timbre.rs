//! Each training speaker's mean voice, and conversions towards another one: the filter is the mean
//! spectrum, the source the mean pitch. And the constants of the normalisation, which are means
//! over the same frames.

use rand::Rng;
use rand::rngs::StdRng;

use crate::features::cepstrum::POWER_FLOOR;
use crate::features::pitch::{PERIODIC, ROWS};
use crate::model::card::NormaliserSpec;
use crate::train::augment::{Plan, Timbre};
use crate::train::bands::Coefficients;
use crate::train::recipe::Recipe;
use crate::train::selection::Selection;
use crate::units::to_f32;

/// How strongly pitch moves within a speaker, in octaves: its rows come out with a deviation of
/// about 1 (measured on CREMA-D, 2026-11).
const OCTAVES_DEVIATION: f32 = 0.3;

/// Middle and spread of the strength, 0..1, so that its row comes out between -1.5 and 1.5.
const STRENGTH_MEAN: f32 = 0.5;
const STRENGTH_DEVIATION: f32 = 1.0 / 3.0;

/// The speakers of a selection.
pub struct Timbres(Vec<Timbre>);

impl Timbres {
    pub fn new(selection: &Selection) -> Self {
        let timbre = |members: &Vec<usize>| {
            let mut bands: Vec<f64> = Vec::new();
            let (mut frames, mut octaves, mut periodic) = (0.0f64, 0.0f64, 0.0f64);
            for clip in members.iter().map(|&member| &selection.example(member).takes[0]) {
                bands.resize(clip.bands.mels, 0.0);
                for time in clip.span.clone().filter(|&time| clip.voiced[time]) {
                    frames += 1.0;
                    for (sum, power) in bands.iter_mut().zip(clip.bands.frame(time)) {
                        *sum += f64::from(power.max(POWER_FLOOR).ln());
                    }
                    let pitch = clip.voicing(time);
                    if PERIODIC <= pitch.strength {
                        periodic += 1.0;
                        octaves += f64::from(pitch.octaves);
                    }
                }
            }
            let level = bands.iter().sum::<f64>() / bands.len().max(1) as f64;
            let bands = bands.iter().map(|sum| to_f32((sum - level) / frames.max(1.0))).collect();
            Timbre { bands, octaves: to_f32(octaves / periodic.max(1.0)) }
        };
        Self(selection.speakers.iter().map(timbre).collect())
    }

    /// Makes the plan sound like another speaker, drawn at random.
    pub fn convert(&self, speaker: usize, plan: &mut Plan, rng: &mut StdRng) {
        plan.convert(&self.0[speaker], &self.0[rng.random_range(0..self.0.len())]);
    }
}

/// Mean of the voiced frames, and their deviation about each speaker's own mean, over all
/// examples as they are.
pub fn statistics(selection: &Selection, recipe: &Recipe) -> NormaliserSpec {
    let spec = &recipe.features;
    let cepstrum = Coefficients::new(spec);
    let mut row = vec![0.0; spec.coefficients];
    let mut sum = vec![0.0f64; spec.coefficients];
    let mut within = vec![0.0f64; spec.coefficients];
    let (mut count, mut octaves, mut periodic) = (0.0f64, 0.0f64, 0.0f64);
    for members in &selection.speakers {
        let mut own = vec![[0.0f64; 2]; spec.coefficients];
        let mut own_count = 0.0f64;
        for clip in members.iter().map(|&member| &selection.example(member).takes[0]) {
            for time in clip.span.clone().filter(|&time| clip.voiced[time]) {
                cepstrum.process(clip.bands.frame(time), &mut row);
                own_count += 1.0;
                for (own, &value) in own.iter_mut().zip(&row) {
                    own[0] += f64::from(value);
                    own[1] += f64::from(value) * f64::from(value);
                }
                let pitch = clip.voicing(time);
                if PERIODIC <= pitch.strength {
                    periodic += 1.0;
                    octaves += f64::from(pitch.octaves);
                }
            }
        }
        count += own_count;
        for (index, [total, squares]) in own.into_iter().enumerate() {
            sum[index] += total;
            within[index] += squares - total * total / own_count.max(1.0);
        }
    }
    let mut mean: Vec<f32> = sum.iter().map(|sum| to_f32(sum / count)).collect();
    let mut deviation: Vec<f32> =
        within.iter().map(|within| to_f32((within / count).sqrt())).collect();
    if spec.pitch {
        let pitch: [f32; ROWS] = [STRENGTH_MEAN, to_f32(octaves / periodic.max(1.0))];
        mean.extend(pitch);
        deviation.extend([STRENGTH_DEVIATION, OCTAVES_DEVIATION]);
    }
    NormaliserSpec {
        mean,
        deviation,
        prior_frames: NormaliserSpec::PRIOR_FRAMES,
        prior_level_frames: NormaliserSpec::PRIOR_LEVEL_FRAMES,
        memory_frames: NormaliserSpec::MEMORY_FRAMES,
        prior_pitch_frames: if spec.pitch { NormaliserSpec::PRIOR_PITCH_FRAMES } else { 0.0 },
    }
}
