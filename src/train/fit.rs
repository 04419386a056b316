//! The training loop: AdamW under a cosine schedule, label smoothing, averaged weights, the best
//! epoch chosen on validation speakers. Resumes after a kill.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use burn::grad_clipping::GradientClippingConfig;
use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::features::FeatureSpec;
use crate::model::card::NormaliserSpec;
use crate::model::network::{Network, NetworkOutput, NetworkSpec};
use crate::train::average::Average;
use crate::train::bank::{Bands, Bank, progress_bar};
use crate::train::batch::{Batch, Batcher, draft_epoch};
use crate::train::checkpoint::{self, Epoch, History, Run};

/// Probability mass that the right label shares with all (Szegedy et al. 2016).
const LABEL_SMOOTHING: f32 = 0.1;

/// Weight of the coordinates' squared error beside the cross entropy.
const DIMENSION_WEIGHT: f32 = 2.0;

const WEIGHT_DECAY: f32 = 0.02;

/// Longest gradient that a step follows.
const GRADIENT_NORM: f32 = 2.0;

/// Epochs over which the learning rate rises to its peak.
const WARM_UP_EPOCHS: f64 = 1.0;

#[derive(Clone, Debug)]
pub struct Settings {
    pub epochs: usize,
    pub batch_size: usize,
    pub learning_rate: f64,
    pub seed: u64,
    pub out: PathBuf,
    pub resume: bool,
}

/// Data and shape of one run.
pub struct Task<'a> {
    pub train: &'a Bank,
    pub validation: &'a Bank,
    pub noise: &'a [Bands],
    pub labels: usize,
    pub features: &'a FeatureSpec,
    pub network: &'a NetworkSpec,
    pub normaliser: &'a NormaliserSpec,
}

/// What a run leaves behind.
pub struct Fitted {
    pub network: Network,
    pub temperature: f32,
    pub history: History,
}

/// Trains, or goes on where the last run of `settings.out` was killed.
pub fn fit(task: &Task, settings: &Settings) -> Result<Fitted> {
    let device = Device::flex();
    let mut run = start(task, settings, &device)?;
    let mut batcher = Batcher::new(task.train, task.noise, task.features, task.normaliser);
    let mut validation = Batcher::new(task.validation, &[], task.features, task.normaliser);
    for epoch in run.history.epochs.len() + 1..=settings.epochs {
        let begun = Instant::now();
        let loss = train_epoch(task, settings, epoch, &mut batcher, &mut run);
        let averaged = run.average.apply(run.network.clone()).valid();
        let ua = recall(&logits(&averaged, task, &mut validation, &device), task.labels);
        if run.history.best_ua < ua {
            run.history.best_ua = ua;
            run.history.best_epoch = epoch;
            run.best = run.average.apply(run.network.clone());
        }
        let seconds = begun.elapsed().as_secs_f32();
        log::info!(
            "epoch {epoch}/{}: loss {loss:.3}, validation UA {:.1} % (best {:.1} in {}), \
             {seconds:.0} s",
            settings.epochs,
            100.0 * ua,
            100.0 * run.history.best_ua,
            run.history.best_epoch,
        );
        run.history.epochs.push(Epoch { epoch, loss, validation_ua: ua, seconds });
        checkpoint::save(&settings.out, &run)?;
    }
    let network = run.best.valid();
    let scored = logits(&network, task, &mut validation, &device);
    Ok(Fitted { temperature: fit_temperature(&scored), network, history: run.history })
}

fn start(task: &Task, settings: &Settings, device: &Device) -> Result<Run> {
    device.seed(settings.seed);
    let trained = device.clone().autodiff();
    let network = task.network.init(task.features.coefficients, task.labels, &trained);
    let optimizer = AdamWConfig::new()
        .with_weight_decay(WEIGHT_DECAY)
        .with_grad_clipping(Some(GradientClippingConfig::Norm(GRADIENT_NORM)))
        .init();
    let names = format!(
        "{} epochs, batches of {}, learning rate {}, seed {}, {} examples, {:?}",
        settings.epochs,
        settings.batch_size,
        settings.learning_rate,
        settings.seed,
        task.train.examples.len(),
        task.network,
    );
    let history = History { settings: names, ..History::default() };
    let best = network.clone();
    let fresh = Run { network, optimizer, average: Average::default(), best, history };
    if settings.resume && checkpoint::exists(&settings.out) {
        let run = checkpoint::load(&settings.out, fresh)?;
        log::info!("resuming after epoch {}", run.history.epochs.len());
        return Ok(run);
    }
    Ok(fresh)
}

/// One pass over all examples; answers with the mean loss. Seeded by the epoch, so that a resumed
/// run draws what an unbroken one would have drawn.
fn train_epoch(
    task: &Task,
    settings: &Settings,
    epoch: usize,
    batcher: &mut Batcher,
    run: &mut Run,
) -> f32 {
    let device = Device::flex().autodiff();
    let seed = settings.seed.wrapping_mul(1_000_003).wrapping_add(epoch as u64);
    let mut rng = StdRng::seed_from_u64(seed);
    device.seed(seed);
    let drafts = draft_epoch(task.train, settings.batch_size, &mut rng);
    let progress = progress_bar(drafts.len(), "epoch");
    let mut sum = 0.0;
    for (index, draft) in drafts.iter().enumerate() {
        let batch = batcher.batch(draft, &mut rng);
        let done = (epoch - 1) as f64 + index as f64 / drafts.len() as f64;
        let rate = learning_rate(settings, done);
        let loss = batch_loss(&run.network, &batch, task, &device);
        sum += loss.clone().into_scalar::<f32>();
        let gradients = GradientsParams::from_grads(loss.backward(), &run.network);
        run.network = run.optimizer.step(rate, run.network.clone(), gradients);
        run.average.observe(&run.network);
        progress.inc(1);
    }
    run.history.steps = run.average.steps();
    progress.finish_and_clear();
    sum / drafts.len() as f32
}

/// Linear rise, then half a cosine to zero.
fn learning_rate(settings: &Settings, epochs_done: f64) -> f64 {
    let warm = (epochs_done / WARM_UP_EPOCHS).clamp(0.01, 1.0);
    let turn = std::f64::consts::PI * epochs_done / settings.epochs as f64;
    settings.learning_rate * warm * 0.5 * (1.0 + turn.cos())
}

fn forward(network: &Network, batch: &Batch, task: &Task, device: &Device) -> NetworkOutput {
    let shape = [batch.size, task.features.coefficients, batch.frames];
    let data = TensorData::new(batch.features.clone(), shape);
    network.forward(Tensor::from_data(data, device))
}

/// Cross entropy over the examples with a label, and the squared error of all coordinates.
fn batch_loss(network: &Network, batch: &Batch, task: &Task, device: &Device) -> Tensor<1> {
    let output = forward(network, batch, task, device);
    let mut targets = vec![0.0f32; batch.size * task.labels];
    for (row, label) in targets.chunks_exact_mut(task.labels).zip(&batch.labels) {
        if let Some(label) = label {
            row.fill(LABEL_SMOOTHING / task.labels as f32);
            row[*label] += 1.0 - LABEL_SMOOTHING;
        }
    }
    let labelled = batch.labels.iter().flatten().count().max(1) as f32;
    let targets = TensorData::new(targets, [batch.size, task.labels]);
    let targets = Tensor::<2>::from_data(targets, device);
    let cross = (log_softmax(output.logits, 1) * targets).sum().neg().div_scalar(labelled);
    let wanted = TensorData::new(batch.dimensions.clone(), [batch.size, 3]);
    let error = output.dimensions - Tensor::<2>::from_data(wanted, device);
    cross + error.powi_scalar(2).mean().mul_scalar(DIMENSION_WEIGHT)
}

/// Logits and right label of one clip.
type Scored = (Vec<f32>, usize);

fn logits(network: &Network, task: &Task, batcher: &mut Batcher, device: &Device) -> Vec<Scored> {
    let progress = progress_bar(task.validation.examples.len(), "validation");
    let scored = task
        .validation
        .examples
        .iter()
        .filter_map(|example| {
            progress.inc(1);
            let label = example.label?;
            let batch = batcher.plain(&example.speeds[0]);
            let output = forward(network, &batch, task, device);
            Some((output.logits.into_data().iter::<f32>().collect(), label))
        })
        .collect();
    progress.finish_and_clear();
    scored
}

/// Unweighted average recall: the mean over labels of the share found.
fn recall(scored: &[Scored], labels: usize) -> f32 {
    let mut found = vec![[0.0f32; 2]; labels];
    for (logits, label) in scored {
        let best = (0..labels).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
        found[*label][0] += f32::from(u8::from(best == Some(*label)));
        found[*label][1] += 1.0;
    }
    let present = found.iter().filter(|[_, all]| *all > 0.0);
    let sum: f32 = present.clone().map(|[right, all]| right / all).sum();
    sum / present.count().max(1) as f32
}

/// Temperature with the least negative log likelihood (Guo et al. 2017), by a search over a grid
/// fine enough for the second digit.
fn fit_temperature(scored: &[Scored]) -> f32 {
    let loss = |temperature: f32| -> f32 {
        scored
            .iter()
            .map(|(logits, label)| {
                let top = logits.iter().copied().fold(f32::MIN, f32::max);
                let sum: f32 = logits.iter().map(|l| ((l - top) / temperature).exp()).sum();
                sum.ln() - (logits[*label] - top) / temperature
            })
            .sum()
    };
    let grid = (10..=400).map(|step| step as f32 / 100.0);
    grid.min_by(|&a, &b| loss(a).total_cmp(&loss(b))).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recall_weighs_labels_alike_however_rare() {
        let scored = vec![
            (vec![1.0, 0.0], 0),
            (vec![1.0, 0.0], 0),
            (vec![1.0, 0.0], 0),
            (vec![1.0, 0.0], 1),
        ];
        assert_eq!(recall(&scored, 2), 0.5); // (3/3 + 0/1) / 2
    }

    #[test]
    fn overconfident_logits_are_cooled() {
        // Right three times in four with a margin of 4: the best temperature makes the
        // probability 0.75, that is 4/T = ln 3, T = 3.64.
        let mut scored = vec![(vec![4.0, 0.0], 0); 3];
        scored.push((vec![4.0, 0.0], 1));
        assert!((fit_temperature(&scored) - 3.64).abs() < 0.011);
    }
}
