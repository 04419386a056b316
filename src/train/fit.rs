//! The training loop: AdamW under a cosine schedule, label smoothing, averaged weights. Resumes
//! after a kill. What is learnt, emotions or speakers, is the selection's labels.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use burn::grad_clipping::GradientClippingConfig;
use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::activation::{log_softmax, softmax};
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::messages::Dimensions;
use crate::model::card::NormaliserSpec;
use crate::model::network::{Network, NetworkOutput};
use crate::train::average::Average;
use crate::train::bank::{Prepared, progress_bar};
use crate::train::batch::{Batch, Batcher};
use crate::train::checkpoint::{self, Epoch, History, Run};
use crate::train::draft::draft_epoch;
use crate::train::noise::{Noise, crowds};
use crate::train::recipe::Recipe;
use crate::train::selection::Selection;

/// Longest gradient that a step follows.
const GRADIENT_NORM: f32 = 2.0;

/// Beside the root of the squared gradients, as in the paper (Kingma and Ba 2015): burn's own 1e-5
/// may be as large as a gradient.
const EPSILON: f32 = 1e-8;

/// Epochs over which the learning rate rises to its peak.
const WARM_UP_EPOCHS: f64 = 1.0;

/// Epochs between two looks at the validation speakers.
const LOOK_EPOCHS: usize = 5;

/// Where a run is kept, and from which random numbers it starts.
#[derive(Clone, Debug)]
pub struct Settings {
    pub seed: u64,
    pub out: PathBuf,
    pub resume: bool,
    pub device: Device,
}

/// Data and shape of one run.
pub struct Task<'a> {
    pub train: &'a Selection<'a>,
    /// May be empty: then nothing is said of unseen speakers.
    pub validation: &'a Selection<'a>,
    /// Recordings by kind.
    pub noise: &'a [Vec<Prepared>],
    pub recipe: &'a Recipe,
    pub normaliser: &'a NormaliserSpec,
    /// What the network starts from; new weights without.
    pub initial: Option<Network>,
}

/// What a run leaves behind.
pub struct Fitted {
    /// The averaged weights after the last epoch.
    pub network: Network,
    pub temperature: f32,
    pub history: History,
}

/// Trains, or goes on where the last run of `settings.out` was killed.
pub fn fit(task: &Task, settings: &Settings) -> Result<Fitted> {
    let mut run = start(task, settings)?;
    let crowds = crowds(task.train, task.recipe);
    let noise = Noise::new(task.noise, &crowds, task.recipe.noise_balance);
    let mut batcher = Batcher::new(task.train, noise, task.recipe, task.normaliser);
    let nothing = Noise::default();
    let mut validation = Batcher::new(task.validation, nothing, task.recipe, task.normaliser);
    let epochs = task.recipe.epochs;
    for epoch in run.history.epochs.len() + 1..=epochs {
        let begun = Instant::now();
        let loss = train_epoch(task, settings, epoch, &mut batcher, &mut run);
        let looks = epoch.is_multiple_of(LOOK_EPOCHS) || epoch == epochs;
        let ua = (looks && !task.validation.is_empty()).then(|| {
            let averaged = run.average.apply(run.network.clone()).valid();
            recall(&logits(&averaged, task, &mut validation, settings), task.train.labels)
        });
        let seconds = begun.elapsed().as_secs_f32();
        let said = ua.map_or(String::new(), |ua| format!(", validation UA {:.1} %", 100.0 * ua));
        log::info!("epoch {epoch}/{epochs}: loss {loss:.3}{said}, {seconds:.0} s");
        run.history.epochs.push(Epoch { epoch, loss, validation_ua: ua, seconds });
        checkpoint::save(&settings.out, &run)?;
    }
    let network = run.average.apply(run.network).valid();
    let scored = logits(&network, task, &mut validation, settings);
    Ok(Fitted { temperature: fit_temperature(&scored), network, history: run.history })
}

/// What the mean of several networks says of each member, as it is: soft labels (Hinton et al.
/// 2015), each between the teachers' mean and what votes there are.
pub fn taught(task: &Task, teachers: &[Network], settings: &Settings) -> Vec<Vec<f32>> {
    let mut batcher = Batcher::new(task.train, Noise::default(), task.recipe, task.normaliser);
    let progress = progress_bar(task.train.members.len(), "teachers");
    let of_member = |member: usize| {
        progress.inc(1);
        let batch = batcher.plain(&task.train.example(member).takes[0]);
        let mut mean = vec![0.0; task.train.labels];
        for teacher in teachers {
            let logits = forward(teacher, &batch, task, &settings.device).logits;
            for (mean, value) in mean.iter_mut().zip(softmax(logits, 1).into_data().iter::<f32>()) {
                *mean += value / teachers.len() as f32;
            }
        }
        mean
    };
    let soft = (0..task.train.members.len()).map(of_member).collect();
    progress.finish_and_clear();
    soft
}

fn start(task: &Task, settings: &Settings) -> Result<Run> {
    settings.device.seed(settings.seed);
    let trained = settings.device.clone().autodiff();
    let recipe = task.recipe;
    let network = match &task.initial {
        Some(network) => network.clone().train(),
        None => recipe.network.init(recipe.features.rows(), task.train.labels, &trained),
    };
    let optimizer = AdamWConfig::new()
        .with_weight_decay(recipe.weight_decay)
        .with_epsilon(EPSILON)
        .with_grad_clipping(Some(GradientClippingConfig::Norm(GRADIENT_NORM)))
        .init();
    let names = format!(
        "seed {}, {} examples of {} speakers, {}",
        settings.seed,
        task.train.members.len(),
        task.train.speakers.len(),
        serde_json::to_string(recipe)?,
    );
    let history = History { settings: names, ..History::default() };
    let fresh = Run { network, optimizer, average: Average::default(), history };
    if settings.resume && checkpoint::exists(&settings.out)? {
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
    let device = settings.device.clone().autodiff();
    let seed = settings.seed.wrapping_mul(1_000_003).wrapping_add(epoch as u64);
    let mut rng = StdRng::seed_from_u64(seed);
    device.seed(seed);
    let drafts = draft_epoch(task.train, task.recipe, &mut rng);
    let weights = class_weights(&task.train.counts(), task.recipe.class_balance);
    let steps = (task.recipe.epochs * drafts.len()) as f64;
    let progress = progress_bar(drafts.len(), "epoch");
    let mut sum = 0.0;
    for (index, draft) in drafts.iter().enumerate() {
        let batch = batcher.batch(draft, &mut rng);
        let done = (epoch - 1) as f64 + index as f64 / drafts.len() as f64;
        let rate = learning_rate(task.recipe, done);
        let loss = batch_loss(&run.network, &batch, task, &weights, &device);
        sum += loss.clone().into_scalar::<f32>();
        let gradients = GradientsParams::from_grads(loss.backward(), &run.network);
        run.network = run.optimizer.step(rate, run.network.clone(), gradients);
        run.average.observe(&run.network, steps * task.recipe.average_share);
        progress.inc(1);
    }
    // The last step's running statistics wait for the next forward pass; a checkpoint needs them.
    run.network = run.network.clone().train();
    run.history.steps = run.average.steps();
    progress.finish_and_clear();
    sum / drafts.len() as f32
}

fn learning_rate(recipe: &Recipe, epochs_done: f64) -> f64 {
    let turn = std::f64::consts::PI * epochs_done / recipe.epochs as f64;
    scheduled(recipe.learning_rate, epochs_done / WARM_UP_EPOCHS, turn)
}

/// Learning rate: a linear rise to its `peak` while `warm` goes from 0 to 1, and half a cosine to
/// zero while `turn` goes from 0 to π.
pub fn scheduled(peak: f64, warm: f64, turn: f64) -> f64 {
    peak * warm.clamp(0.01, 1.0) * 0.5 * (1.0 + turn.cos())
}

/// Weight of each label: 1 on average over those that have clips.
fn class_weights(counts: &[usize], balance: f32) -> Vec<f32> {
    let weight = |&count: &usize| (count.max(1) as f32).powf(-balance);
    let present = || counts.iter().filter(|&&count| 0 < count);
    let mean = present().map(weight).sum::<f32>() / present().count().max(1) as f32;
    counts.iter().map(|count| weight(count) / mean).collect()
}

fn forward(network: &Network, batch: &Batch, task: &Task, device: &Device) -> NetworkOutput {
    let shape = [batch.size, task.recipe.features.rows(), batch.frames];
    let data = TensorData::new(batch.features.clone(), shape);
    network.forward(Tensor::from_data(data, device))
}

/// Cross entropy over the examples with a label, and the squared error over those with
/// coordinates.
fn batch_loss(
    network: &Network,
    batch: &Batch,
    task: &Task,
    weights: &[f32],
    device: &Device,
) -> Tensor<1> {
    let output = forward(network, batch, task, device);
    let labels = task.train.labels;
    let smoothing = task.recipe.label_smoothing;
    let mut targets = batch.targets.clone();
    let mut all = 0.0;
    for row in targets.chunks_exact_mut(labels) {
        let mass: f32 = row.iter().sum();
        let weight: f32 = row.iter().zip(weights).map(|(share, weight)| share * weight).sum();
        for share in row.iter_mut() {
            *share = weight * (*share * (1.0 - smoothing) + mass * smoothing / labels as f32);
        }
        all += weight;
    }
    let targets = TensorData::new(targets, [batch.size, labels]);
    let targets = Tensor::<2>::from_data(targets, device);
    let cross = (log_softmax(output.logits, 1) * targets).sum().neg().div_scalar(all.max(1e-3));
    let weight = task.recipe.dimension_weight;
    if weight == 0.0 {
        return cross;
    }
    cross + dimension_loss(output.dimensions, batch, device).mul_scalar(weight)
}

fn dimension_loss(said: Tensor<2>, batch: &Batch, device: &Device) -> Tensor<1> {
    let rows = batch.dimensions.iter();
    let wanted = rows.clone().map(|known| known.unwrap_or(Dimensions::NEUTRAL));
    let wanted: Vec<f32> = wanted.flat_map(|d| [d.arousal, d.valence, d.dominance]).collect();
    let known: Vec<f32> = rows.map(|known| f32::from(u8::from(known.is_some()))).collect();
    let count = 3.0 * known.iter().sum::<f32>().max(1.0);
    let wanted = Tensor::<2>::from_data(TensorData::new(wanted, [batch.size, 3]), device);
    let known = Tensor::<2>::from_data(TensorData::new(known, [batch.size, 1]), device);
    ((said - wanted).powi_scalar(2) * known).sum().div_scalar(count)
}

/// Logits and right label of one clip.
type Scored = (Vec<f32>, usize);

fn logits(
    network: &Network,
    task: &Task,
    batcher: &mut Batcher,
    settings: &Settings,
) -> Vec<Scored> {
    let progress = progress_bar(task.validation.members.len(), "validation");
    let scored = (0..task.validation.members.len())
        .filter_map(|member| {
            progress.inc(1);
            let label = task.validation.members[member].label?;
            let batch = batcher.plain(&task.validation.example(member).takes[0]);
            let output = forward(network, &batch, task, &settings.device);
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
    if scored.is_empty() {
        return 1.0;
    }
    let grid = (10..=400).map(|step| step as f32 / 100.0);
    grid.min_by(|&a, &b| loss(a).total_cmp(&loss(b))).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_labels_weigh_more_and_one_on_average() {
        // 1/100 and 1/400 have a mean of 1/160: 1.6 and 0.4. Balance 0 weighs alike.
        let weights = class_weights(&[100, 400], 1.0);
        assert!((weights[0] - 1.6).abs() < 1e-6 && (weights[1] - 0.4).abs() < 1e-6);
        assert_eq!(class_weights(&[100, 400], 0.0), [1.0, 1.0]);
    }

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
