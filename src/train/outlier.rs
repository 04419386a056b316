//! Learns what tells a voice from other sounds (`model::outlier`): windows as the live engine cuts
//! them, of the clips of training speakers, half of them in noise, against recordings of noise and
//! melodies made here, all kinds alike. The border is where a fixed share of the windows of
//! validation speakers pass. Runs on the main thread and shows progress.

use std::path::PathBuf;

use anyhow::{Result, bail};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::config::{self, Config, Overrides};
use crate::engine::step::Engine;
use crate::features::statistics::add_statistics;
use crate::model::card::Card;
use crate::model::folder::write_card;
use crate::model::outlier::{OutlierSpec, log_odds, measure, width};
use crate::model::predictor::{Predict, Prediction};
use crate::personal::few_shot::{Example, FewShot};
use crate::train::bank::{Speech, at_speed, progress_bar};
use crate::train::channel::{add_noise, power, stretch};
use crate::train::corpus::{Clip, Part, Split, read_manifest};
use crate::train::course::commit;
use crate::train::held_out::is_test_noise;
use crate::train::left_out::LeftOut;
use crate::train::melody::melody;
use crate::train::publish;
use crate::units::{ANALYSIS_RATE_HZ, db_to_amplitude, to_f32};

/// Of the validation speakers' windows, in percent, those that count as a voice.
const PASSING_PERCENT: usize = 97;

/// Prior's precision where all windows together count 2 (EXPERIMENTS.md, Q10).
const TETHER: f32 = 0.002;

/// Levels (RMS) that speech and noise are brought to, in dBFS.
const SPEECH_DB: std::ops::Range<f32> = -38.0..-16.0;
const NOISE_DB: std::ops::Range<f32> = -50.0..-14.0;

/// Of the clips that are heard in noise, and how far it is below the voice.
const NOISY_SHARE: f64 = 0.5;
const SNR_DB: std::ops::Range<f32> = 0.0..25.0;

/// Silence, or noise alone, before and after a clip.
const BESIDE: usize = ANALYSIS_RATE_HZ as usize / 2;

/// Each recording of noise is heard so often, at one of these speeds, in pieces of 20 s.
const HEARINGS: usize = 6;
const SPEEDS_PERCENT: [u32; 5] = [80, 90, 100, 110, 125];
const PIECE: usize = 20 * ANALYSIS_RATE_HZ as usize;

/// Lengths of melodies in samples.
const MELODY: std::ops::Range<usize> =
    4 * ANALYSIS_RATE_HZ as usize..16 * ANALYSIS_RATE_HZ as usize;

const SEED: u64 = 1;

/// Floor under what a measure moves.
const DEVIATION_MIN: f32 = 1e-6;

/// What the command line says.
#[derive(Clone, Debug)]
pub struct Options {
    pub manifest: PathBuf,
    pub audio_root: PathBuf,
    pub corpora: Vec<String>,
    pub noise_corpora: Vec<String>,
    pub split: PathBuf,
    /// How many are made.
    pub melodies: usize,
    /// Folder whose card it is entered in.
    pub model: PathBuf,
    pub command: String,
}

/// One kind of sound.
pub struct Kind {
    pub name: String,
    /// One measured window after the other.
    measures: Vec<f32>,
    pub windows: usize,
    /// Of the windows, those that count as a voice.
    pub passing: f32,
}

/// Enters what was learnt in the card; says how many windows of what it learnt from pass.
pub fn run(options: &Options) -> Result<Vec<Kind>> {
    let mut card = Card::load(&options.model)?;
    let split = Split::read(&options.split)?;
    let clips = read_manifest(&options.manifest, &options.corpora)?;
    split.check_against(&clips)?;
    let noise = read_manifest(&options.manifest, &options.noise_corpora)?;
    let mut rng = StdRng::seed_from_u64(SEED);
    let mut hall = Hall::new(options, &card, &noise)?;
    let of = |part| clips.iter().filter(|clip| split.part_of(clip) == part).collect();
    let mut kinds = vec![
        hall.speech("speech", of(Part::Train), &mut rng)?,
        hall.speech("speech of others", of(Part::Validation), &mut rng)?,
    ];
    kinds.extend(hall.sounds(&mut rng)?);
    hall.left_out.tell();
    let windows = |kinds: &[Kind]| kinds.iter().map(|kind| kind.windows).sum::<usize>();
    if [&kinds[..1], &kinds[1..2], &kinds[2..]].into_iter().any(|kinds| windows(kinds) == 0) {
        bail!("speech to learn from, speech of others and noise have to pass the gate at all");
    }
    let width = width(&card.features);
    let mut weights = learn(&kinds, width);
    let odds = |kind: &Kind, weights: &[f32]| -> Vec<f32> {
        kind.measures.chunks_exact(width).map(|window| log_odds(weights, window)).collect()
    };
    let mut others = odds(&kinds[1], &weights);
    others.sort_by(f32::total_cmp);
    let border = others[others.len() * PASSING_PERCENT / 100];
    weights[width] -= border;
    for kind in &mut kinds {
        let passing = odds(kind, &weights).into_iter().filter(|odds| *odds <= 0.0).count();
        kind.passing = passing as f32 / kind.windows.max(1) as f32;
    }
    let voices = clips.iter().filter(|clip| split.part_of(clip) != Part::Test);
    let heard = voices.chain(noise.iter().filter(|clip| !is_test_noise(clip)));
    let (command, commit, corpora) = (options.command.clone(), commit(), publish::corpora(heard));
    card.outlier = Some(OutlierSpec { command, commit, weights, corpora });
    write_card(&options.model, &card)?;
    Ok(kinds)
}

/// Logistic regression of the kinds behind the second against the first, each kind alike.
fn learn(kinds: &[Kind], width: usize) -> Vec<f32> {
    let mut spread = Vec::new();
    add_statistics(&kinds[0].measures, width, &mut spread);
    spread[width..].iter_mut().for_each(|deviation| *deviation = deviation.max(DEVIATION_MIN));
    let (mean, deviation) = spread.split_at(width);
    let sounds = kinds[2..].iter().filter(|kind| 0 < kind.windows);
    let alike = sounds.clone().count();
    let examples: Vec<Example> = sounds
        .map(|kind| (1, kind, alike))
        .chain([(0, &kinds[0], 1)])
        .flat_map(|(label, kind, alike)| {
            let weight = 1.0 / (alike * kind.windows) as f32;
            kind.measures.chunks_exact(width).map(move |window| {
                let values = window.iter().zip(mean).zip(deviation);
                let embedding = values.map(|((value, mean), by)| (value - mean) / by).collect();
                Example { label, weight, probabilities: vec![0.5; 2], embedding }
            })
        })
        .collect();
    let (mut weights, mut bias) = FewShot::learn(&examples, TETHER).odds();
    for ((weight, mean), deviation) in weights.iter_mut().zip(mean).zip(deviation) {
        *weight /= deviation;
        bias -= *weight * mean;
    }
    weights.push(bias);
    weights
}

/// Where sounds are made and heard.
struct Hall<'a> {
    options: &'a Options,
    card: &'a Card,
    config: Config,
    /// Recordings to learn from, by their kind.
    noise: Vec<(String, Vec<Vec<f32>>)>,
    left_out: LeftOut,
}

impl<'a> Hall<'a> {
    fn new(options: &'a Options, card: &'a Card, noise: &[Clip]) -> Result<Self> {
        let config = config::parse("config.toml".as_ref(), "", &Overrides::default())?;
        let mut hall =
            Self { options, card, config, noise: Vec::new(), left_out: LeftOut::default() };
        for kind in &options.noise_corpora {
            let clips = noise.iter().filter(|clip| clip.corpus == *kind && !is_test_noise(clip));
            let read = |clip: &Clip| hall.left_out.read(&options.audio_root, &clip.path);
            let recordings: Vec<Vec<f32>> = clips.filter_map(read).collect();
            if recordings.is_empty() {
                bail!("nothing of {kind} can be learnt from: it is not there, or all for testing");
            }
            hall.noise.push((kind.clone(), recordings));
        }
        Ok(hall)
    }

    /// Each clip once, half of them in noise.
    fn speech(&mut self, name: &str, clips: Vec<&Clip>, rng: &mut StdRng) -> Result<Kind> {
        let mut measures = Vec::new();
        let progress = progress_bar(clips.len(), "speech");
        for clip in clips {
            progress.inc(1);
            let sound = self.left_out.read(&self.options.audio_root, &clip.path);
            let Some(sound) = sound else { continue };
            let Speech { span, .. } = Speech::of(&sound, &self.card.features);
            let hop = self.card.features.hop;
            let span = BESIDE + span.start * hop..BESIDE + span.end * hop;
            let mut sound = [&[0.0; BESIDE][..], &sound, &[0.0; BESIDE]].concat();
            if rng.random_bool(NOISY_SHARE) {
                let noise = self.noise(sound.len(), rng);
                add_noise(&mut sound, &noise, span, rng.random_range(SNR_DB));
            }
            bring_to(&mut sound, rng.random_range(SPEECH_DB));
            self.hear(&sound, &mut measures)?;
        }
        progress.finish_and_clear();
        Ok(self.kind(name, measures))
    }

    /// Recordings of each kind, and melodies.
    fn sounds(&self, rng: &mut StdRng) -> Result<Vec<Kind>> {
        let mut kinds = Vec::new();
        for (name, recordings) in &self.noise {
            let progress = progress_bar(recordings.len(), "noise");
            let mut measures = Vec::new();
            for recording in recordings {
                progress.inc(1);
                for _ in 0..HEARINGS {
                    let percent = SPEEDS_PERCENT[rng.random_range(0..SPEEDS_PERCENT.len())];
                    let sound = at_speed(recording, ANALYSIS_RATE_HZ / 100 * percent)?;
                    for piece in sound.chunks(PIECE) {
                        let mut piece = piece.to_vec();
                        bring_to(&mut piece, rng.random_range(NOISE_DB));
                        self.hear(&piece, &mut measures)?;
                    }
                }
            }
            progress.finish_and_clear();
            kinds.push(self.kind(name, measures));
        }
        let mut measures = Vec::new();
        let progress = progress_bar(self.options.melodies, "melodies");
        for _ in 0..self.options.melodies {
            progress.inc(1);
            let mut sound = melody(rng.random_range(MELODY), rng);
            bring_to(&mut sound, rng.random_range(NOISE_DB));
            self.hear(&sound, &mut measures)?;
        }
        progress.finish_and_clear();
        kinds.push(self.kind("melodies", measures));
        Ok(kinds)
    }

    /// A piece of any kind, melodies among them, kinds alike.
    fn noise(&self, length: usize, rng: &mut StdRng) -> Vec<f32> {
        let Some((_, recordings)) = self.noise.get(rng.random_range(0..=self.noise.len())) else {
            return melody(length, rng);
        };
        stretch(&recordings[rng.random_range(0..recordings.len())], length, rng)
    }

    /// Adds the measures of the windows that the live engine asks about.
    fn hear(&self, sound: &[f32], measures: &mut Vec<f32>) -> Result<()> {
        let mut engine = Engine::new(ANALYSIS_RATE_HZ, self.card, &self.config)?;
        let mut ear = Ear { card: self.card, kept: measures, window: Vec::new() };
        engine.step(sound, &mut ear, &mut |_| {});
        Ok(())
    }

    fn kind(&self, name: &str, measures: Vec<f32>) -> Kind {
        let windows = measures.len() / width(&self.card.features);
        Kind { name: name.to_owned(), measures, windows, passing: 0.0 }
    }
}

/// Measures what it is asked about, and says nothing.
struct Ear<'a> {
    card: &'a Card,
    kept: &'a mut Vec<f32>,
    window: Vec<f32>,
}

impl Predict for Ear<'_> {
    fn predict(&mut self, rows: &[f32], _: usize) -> Prediction {
        measure(rows, &self.card.features, &mut self.window);
        self.kept.extend_from_slice(&self.window);
        Prediction::NOTHING
    }
}

/// To this level (RMS) in dBFS, or as near to it as full scale allows.
fn bring_to(sound: &mut [f32], level_db: f32) {
    let level = to_f32(power(sound).sqrt()).max(f32::MIN_POSITIVE);
    let peak = sound.iter().fold(f32::MIN_POSITIVE, |peak: f32, sample| peak.max(sample.abs()));
    let factor = (db_to_amplitude(level_db) / level).min(1.0 / peak);
    sound.iter_mut().for_each(|sample| *sample *= factor);
}
