//! `affectd train` from the manifest to the model's folder.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::features::FeatureSpec;
use crate::model::card::{Card, FORMAT, LABELS_MAX, NormaliserSpec, Training};
use crate::model::network::NetworkSpec;
use crate::train::bank::{Bank, SPEEDS, load_noise};
use crate::train::batch::{CROP_FRAMES, statistics};
use crate::train::corpus::{Clip, Part, Split, read_manifest};
use crate::train::fit::{Settings, Task, fit};
use crate::train::{affect, publish};

/// What the command line says.
#[derive(Clone, Debug)]
pub struct Options {
    pub manifest: PathBuf,
    pub audio_root: PathBuf,
    pub corpora: Vec<String>,
    /// Corpora of the same manifest whose clips are mixed in as noise.
    pub noise_corpora: Vec<String>,
    pub labels: Vec<String>,
    pub split: PathBuf,
    pub name: String,
    pub settings: Settings,
    /// The command as typed, for the card.
    pub command: String,
}

/// Time between two results of a published model: ten feature frames.
const HOP_S: f32 = 0.1;

pub fn run(options: &Options) -> Result<Card> {
    if !(2..=LABELS_MAX).contains(&options.labels.len()) {
        bail!("{} labels were given; 2 to {LABELS_MAX} are possible", options.labels.len());
    }
    let split = Split::read(&options.split)?;
    let clips = read_manifest(&options.manifest, &options.corpora)?;
    split.check_against(&clips)?;
    let part = |part| clips.iter().filter(|clip| split.part_of(clip) == part).collect::<Vec<_>>();
    let (train_clips, validation_clips) = (part(Part::Train), part(Part::Validation));

    let features = FeatureSpec::default();
    let network = NetworkSpec::default();
    let load = |clips: &[&Clip], speeds: &[f64]| {
        Bank::load(clips, &options.audio_root, &features, &options.labels, speeds)
    };
    let validation = load(&validation_clips, &SPEEDS[..1])?;
    if validation.examples.is_empty() {
        bail!("the split {} leaves no clip to validate on", options.split.display());
    }
    let train = load(&train_clips, &SPEEDS)?;
    let noise = load_noise(
        &read_manifest(&options.manifest, &options.noise_corpora)?,
        &options.audio_root,
        &features,
    )?;
    let normaliser = statistics(&train, &features);
    log::info!(
        "{} clips of {} speakers train, {} clips of {} speakers validate, {} kinds of noise",
        train.examples.len(),
        train.speakers.len(),
        validation.examples.len(),
        validation.speakers.len(),
        noise.len(),
    );

    let task = Task {
        train: &train,
        validation: &validation,
        noise: &noise,
        labels: options.labels.len(),
        features: &features,
        network: &network,
        normaliser: &normaliser,
    };
    let fitted = fit(&task, &options.settings)?;
    let best_epoch = fitted.history.best_epoch;
    let card = Card {
        temperature: fitted.temperature,
        training: Training { best_epoch, split: split.description, ..training(options) },
        corpora: publish::corpora(&train_clips),
        ..card(options, features, network, normaliser)
    };
    publish::publish(&options.settings.out, &fitted.network, card)
        .context("the training is done, but its result could not be written")
}

/// What the card says before anything is learnt.
fn card(
    options: &Options,
    features: FeatureSpec,
    network: NetworkSpec,
    normaliser: NormaliserSpec,
) -> Card {
    let [shortest, longest] = [CROP_FRAMES.start(), CROP_FRAMES.end()]
        .map(|&frames| frames as f32 / features.frames_per_s());
    Card {
        format: FORMAT,
        name: options.name.clone(),
        description: "CNN + BiLSTM with attentive statistics pooling over MFCC".to_owned(),
        weights: "weights.safetensors".to_owned(),
        sha256: String::new(),
        parameters: 0,
        labels: options.labels.clone(),
        temperature: 1.0,
        hop_s: HOP_S,
        window_s: longest,
        window_min_s: shortest,
        dimensions: affect::SOURCE.to_owned(),
        training: training(options),
        corpora: Vec::new(),
        scores: Vec::new(),
        features,
        network,
        normaliser,
    }
}

fn training(options: &Options) -> Training {
    Training {
        command: options.command.clone(),
        commit: commit(),
        seed: options.settings.seed,
        epochs: options.settings.epochs,
        best_epoch: 0,
        split: String::new(),
    }
}

/// The commit of the working tree, or `unknown` outside of one.
fn commit() -> String {
    let output =
        std::process::Command::new("git").args(["describe", "--always", "--dirty"]).output();
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => "unknown".to_owned(),
    }
}
