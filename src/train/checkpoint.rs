//! What a run needs to go on after a kill: network, optimiser, average and history, written after
//! each epoch to a folder that then takes the place of the last one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use burn::module::Module;
use burn::optim::ModuleOptimizer;
use serde::{Deserialize, Serialize};

use crate::model::network::Network;
use crate::train::average::Average;

/// One line of the training history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    pub epoch: usize,
    pub loss: f32,
    /// Unweighted average recall on the validation speakers, with the averaged weights.
    pub validation_ua: f32,
    pub seconds: f32,
}

/// Numbers that go along with the weights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// What the run was started with; a checkpoint of other settings is refused.
    pub settings: String,
    pub steps: usize,
    pub best_epoch: usize,
    pub best_ua: f32,
    pub epochs: Vec<Epoch>,
}

/// A run between two epochs.
pub struct Run {
    pub network: Network,
    pub optimizer: ModuleOptimizer,
    pub average: Average,
    /// Averaged weights of the best epoch so far.
    pub best: Network,
    pub history: History,
}

fn folder(out: &Path) -> PathBuf {
    out.join("checkpoint")
}

pub fn exists(out: &Path) -> bool {
    folder(out).join("history.json").is_file()
}

pub fn save(out: &Path, run: &Run) -> Result<()> {
    let fresh = out.join("checkpoint.new");
    let old = out.join("checkpoint.old");
    for stale in [&fresh, &old] {
        if stale.exists() {
            fs::remove_dir_all(stale)?;
        }
    }
    fs::create_dir_all(&fresh).with_context(|| format!("cannot write {}", fresh.display()))?;
    run.network.clone().save_file(fresh.join("network"))?;
    run.average.apply(run.network.clone()).save_file(fresh.join("average"))?;
    run.best.clone().save_file(fresh.join("best"))?;
    run.optimizer.save(fresh.join("optimizer"))?;
    fs::write(fresh.join("history.json"), serde_json::to_string_pretty(&run.history)?)?;
    if folder(out).exists() {
        fs::rename(folder(out), &old)?;
    }
    fs::rename(&fresh, folder(out))?;
    if old.exists() {
        fs::remove_dir_all(&old)?;
    }
    Ok(())
}

/// Puts the run of `out` in place of the fresh one given.
pub fn load(out: &Path, fresh: Run) -> Result<Run> {
    let folder = folder(out);
    let context = || format!("cannot resume from {}", folder.display());
    let text = fs::read_to_string(folder.join("history.json")).with_context(context)?;
    let history: History = serde_json::from_str(&text).with_context(context)?;
    if history.settings != fresh.history.settings {
        anyhow::bail!(
            "cannot resume from {}: it was made with {}, now asked for is {}; \
             use the same settings or another --out",
            folder.display(),
            history.settings,
            fresh.history.settings,
        );
    }
    let network = fresh.network.try_load_file(folder.join("network")).with_context(context)?;
    let average = network.clone().try_load_file(folder.join("average")).with_context(context)?;
    let best = fresh.best.try_load_file(folder.join("best")).with_context(context)?;
    let optimizer = fresh.optimizer.load(folder.join("optimizer")).with_context(context)?;
    let average = Average::resume(&average, history.steps);
    Ok(Run { network, optimizer, average, best, history })
}
