//! Learns what tells a voice from other sounds (`model::outlier`): windows as the live engine cuts
//! them, of the clips of training speakers, as they are and in noise, against crowds made of them,
//! recordings of noise and melodies made here. The border is where a fixed share of the windows of
//! validation speakers pass. Runs on the main thread and
//! shows progress.

pub mod hall;

pub mod windows;

use std::path::PathBuf;

use anyhow::{Result, bail};
use burn::grad_clipping::GradientClippingConfig;
use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::features::FeatureSpec;
use crate::features::statistics::add_statistics;
use crate::model::card::{Card, Corpus};
use crate::model::folder::{self, Weights};
use crate::model::network::{Network, NetworkSpec};
use crate::model::outlier::{FILE_NAME, OutlierSpec, SOUNDS, VOICE, log_odds, measure, width};
use crate::model::predictor::Window;
use crate::model::storage::{self, Storage};
use crate::model::stream::Stream;
use crate::model::stream::layers::Layers;
use crate::model::stream::vector::Processor;
use crate::personal::few_shot::{Example, FewShot};
use crate::train::average::Average;
use crate::train::bank::progress_bar;
use crate::train::corpus::{Clip, Part, Split, read_manifest};
use crate::train::course::commit;
use crate::train::fit::scheduled;
use crate::train::held_out::is_test_noise;
use crate::train::outlier::hall::{Hall, degradations};
use crate::train::outlier::windows::Windows;
use crate::train::publish;

/// Of the validation speakers' windows, in percent, those that the network lets pass, and those
/// that the regression does.
const PASSING: [usize; 2] = [97, 98];

/// Precision of the prior of the logistic regression, where all windows together count 2
/// (EXPERIMENTS.md, Q10).
const TETHER: f32 = 0.002;

/// Floor under what a measure moves.
const DEVIATION_MIN: f32 = 1e-6;

const SEED: u64 = 1;

/// Lengths of the windows in frames, a batch of one; from the shortest that is asked about to the
/// longest.
const FRAMES: [usize; 5] = [48, 80, 120, 200, 300];

/// Frames of a batch, all windows together, and the fewest windows.
const BATCH_FRAMES: usize = 9600;
const BATCH_MIN: usize = 48;

/// Learning rate at its peak, what of the steps it rises in, and the usual rest.
const LEARNING_RATE: f64 = 3e-3;
const WARM_UP: f64 = 0.1;
const WEIGHT_DECAY: f32 = 0.02;
const GRADIENT_NORM: f32 = 2.0;
const LABEL_SMOOTHING: f32 = 0.02;

/// The averaged weights remember so much of the steps.
const AVERAGE_SHARE: f64 = 0.1;

/// A window is louder or softer by up to so many deviations: how loud it is says nothing.
const LOUDER: f32 = 1.2;

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
    pub crowds: usize,
    /// Batches that it learns from.
    pub steps: usize,
    /// Folder whose card it is entered in.
    pub model: PathBuf,
    pub command: String,
}

/// One kind of sound that it learnt from.
pub struct Kind {
    pub name: String,
    pub windows: usize,
    /// Of the windows, those that count as a voice.
    pub passing: f32,
}

/// Enters what was learnt in the card; says how many windows of what it learnt from pass.
pub fn run(options: &Options) -> Result<Vec<Kind>> {
    let card = Card::load(&options.model)?;
    let split = Split::read(&options.split)?;
    let clips = read_manifest(&options.manifest, &options.corpora)?;
    split.check_against(&clips)?;
    let noise = read_manifest(&options.manifest, &options.noise_corpora)?;
    let of = |part| -> Vec<&Clip> { clips.iter().filter(|c| split.part_of(c) == part).collect() };
    let (mut rng, degradations) = (StdRng::seed_from_u64(SEED), degradations());
    let mut hall = Hall::new(options, &card, &noise, &of(Part::Train), &degradations)?;
    let mut heard = vec![
        ("voices".to_owned(), hall.voices(&of(Part::Train), &mut rng)?),
        ("voices of others".to_owned(), hall.voices(&of(Part::Validation), &mut rng)?),
        ("crowds".to_owned(), hall.crowds(&mut rng)?),
    ];
    heard.extend(hall.sounds(&mut rng)?);
    hall.left_out.tell();
    let (needed, sounds) = heard.split_at(3);
    if needed.iter().any(|(_, windows)| windows.is_empty())
        || sounds.iter().all(|(_, windows)| windows.is_empty())
    {
        bail!("voices to learn from, voices of others, crowds and noise have to pass the gate");
    }
    let features = &card.features;
    let network = learn(&heard, &spec(), features.rows(), options.steps, &mut rng);
    let mut judge = Judge::new(&network, &card);
    let border = border(needed[1].1.iter().map(|rows| judge.log_odds(rows)), PASSING[0]);
    let mut moves = learn_moves(&heard, features);
    let mut measures = Vec::new();
    let mut odds = |rows: &[f32], moves: &[f32]| {
        measure(rows, features, &mut measures);
        log_odds(moves, &measures)
    };
    let moves_border = self::border(needed[1].1.iter().map(|rows| odds(rows, &moves)), PASSING[1]);
    moves.iter_mut().last().into_iter().for_each(|bias| *bias -= moves_border);
    let kind = |(name, windows): &(String, Windows)| {
        let passes = |rows: &&[f32]| judge.log_odds(rows) <= border && odds(rows, &moves) <= 0.0;
        let passing = windows.iter().filter(passes).count() as f32 / windows.len().max(1) as f32;
        Kind { name: name.clone(), windows: windows.len(), passing }
    };
    let kinds = heard.iter().map(kind).collect();
    let voices = clips.iter().filter(|clip| split.part_of(clip) != Part::Test);
    let heard = voices.chain(noise.iter().filter(|clip| !is_test_noise(clip)));
    let network = network.favouring(VOICE, border);
    enter(options, card, &network, moves, publish::corpora(heard))?;
    Ok(kinds)
}

/// Below which so many percent of these odds lie.
fn border(odds: impl Iterator<Item = f32>, percent: usize) -> f32 {
    let mut odds: Vec<f32> = odds.collect();
    odds.sort_by(f32::total_cmp);
    odds[odds.len() * percent / 100]
}

/// Twelve times smaller than the network for emotions, which it need not match.
fn spec() -> NetworkSpec {
    NetworkSpec {
        channels: vec![24, 32, 32],
        pooled: 2,
        lstm: 16,
        attention: 16,
        embedding: 32,
        ..NetworkSpec::default()
    }
}

/// Its weights go beside the model's, which stay.
fn enter(
    options: &Options,
    mut card: Card,
    network: &Network,
    moves: Vec<f32>,
    corpora: Vec<Corpus>,
) -> Result<()> {
    let bytes = publish::safetensors(network)?;
    card.outlier = Some(OutlierSpec {
        command: options.command.clone(),
        commit: commit(),
        moves,
        weights: FILE_NAME.to_owned(),
        sha256: String::new(), // filled in where it is written
        parameters: network.num_params(),
        network: spec(),
        corpora,
    });
    let outlier = Some(storage::shrink(&bytes, Storage::F16, 0.0)?);
    let weights = Weights { network: card.read_weights(&options.model)?, outlier };
    folder::write(&options.model, &weights, card)?;
    Ok(())
}

/// Logistic regression of recordings and melodies, kinds alike, against voices. Crowds move as
/// voices do.
fn learn_moves(heard: &[(String, Windows)], features: &FeatureSpec) -> Vec<f32> {
    let width = width(features);
    let measured = |(_, windows): &(String, Windows)| {
        let mut measures = Vec::new();
        let of = |rows: &[f32]| {
            measure(rows, features, &mut measures);
            measures.clone()
        };
        windows.iter().map(of).collect::<Vec<Vec<f32>>>()
    };
    let voices = measured(&heard[0]);
    let mut spread = Vec::new();
    add_statistics(&voices.concat(), width, &mut spread);
    spread[width..].iter_mut().for_each(|deviation| *deviation = deviation.max(DEVIATION_MIN));
    let (mean, deviation) = spread.split_at(width);
    let sounds: Vec<_> = heard[3..].iter().map(measured).filter(|kind| !kind.is_empty()).collect();
    let kinds = sounds.iter().map(|kind| (1, kind, sounds.len())).chain([(0, &voices, 1)]);
    let examples: Vec<Example> = kinds
        .flat_map(|(label, kind, alike)| {
            let weight = 1.0 / (alike * kind.len()) as f32;
            kind.iter().map(move |window| {
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

/// Half of each batch are voices, a quarter crowds, a quarter the other kinds alike; all windows of
/// a batch are of one length.
fn learn(
    heard: &[(String, Windows)],
    spec: &NetworkSpec,
    coefficients: usize,
    steps: usize,
    rng: &mut StdRng,
) -> Network {
    let device = Device::flex().autodiff();
    device.seed(SEED);
    let mut network = spec.init(coefficients, SOUNDS.len(), &device);
    let clipping = GradientClippingConfig::Norm(GRADIENT_NORM);
    let adam = AdamWConfig::new().with_weight_decay(WEIGHT_DECAY);
    let mut optimizer = adam.with_grad_clipping(Some(clipping)).init();
    let mut average = Average::default();
    let sounds: Vec<&Windows> =
        heard[3..].iter().map(|(_, windows)| windows).filter(|w| !w.is_empty()).collect();
    let progress = progress_bar(steps, "steps");
    for step in 0..steps {
        let frames = FRAMES[rng.random_range(0..FRAMES.len())];
        let quarter = (BATCH_FRAMES / frames).max(BATCH_MIN) / 4;
        let mut rows = Vec::new();
        for place in 0..4 * quarter {
            let windows = match place / quarter {
                0 | 1 => &heard[0].1,
                2 => &heard[2].1,
                _ => sounds[rng.random_range(0..sounds.len())],
            };
            let start = rows.len();
            windows.draw(frames, rng, &mut rows);
            let louder = rng.random_range(-LOUDER..LOUDER);
            rows[start..].iter_mut().step_by(coefficients).for_each(|level| *level += louder);
        }
        let sound = |place: usize| (place / quarter).saturating_sub(1);
        let target = |place: usize| {
            let smooth = LABEL_SMOOTHING / SOUNDS.len() as f32;
            let is = |other| if other == sound(place) { 1.0 - LABEL_SMOOTHING } else { 0.0 };
            (0..SOUNDS.len()).map(move |other| is(other) + smooth).collect::<Vec<f32>>()
        };
        let targets: Vec<f32> = (0..4 * quarter).flat_map(target).collect();
        let rows = TensorData::new(rows, [4 * quarter, frames, coefficients]);
        let rows = Tensor::<3>::from_data(rows, &device).swap_dims(1, 2);
        let targets = TensorData::new(targets, [4 * quarter, SOUNDS.len()]);
        let targets = Tensor::<2>::from_data(targets, &device);
        let said = log_softmax(network.forward(rows).logits, 1);
        let loss = (said * targets).sum().neg().div_scalar(4.0 * quarter as f32);
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        let done = step as f64 / steps as f64;
        let rate = scheduled(LEARNING_RATE, done / WARM_UP, std::f64::consts::PI * done);
        network = optimizer.step(rate, network, gradients);
        average.observe(&network, steps as f64 * AVERAGE_SHARE);
        progress.inc(1);
    }
    progress.finish_and_clear();
    average.apply(network).valid()
}

/// Looks at one window after the other as live.
struct Judge {
    stream: Stream,
    /// Number of the window's first frame: so far apart that nothing of one is taken for another's.
    start: u64,
}

impl Judge {
    fn new(network: &Network, card: &Card) -> Self {
        let layers = Layers::new(network, Processor::detect()).into();
        Self { stream: Stream::new(layers, card.window_rule().rows_max(), 1.0), start: 0 }
    }

    /// Against a voice.
    fn log_odds(&mut self, rows: &[f32]) -> f32 {
        self.start += rows.len() as u64;
        let voice = self.stream.predict(Window { rows, start: self.start }).probabilities[VOICE];
        ((1.0 - voice) / voice.max(f32::MIN_POSITIVE)).ln()
    }
}
