//! What a run needs to go on after a kill: network, optimiser, average and history, written after
//! each epoch to a folder that then takes the place of the last one.

use std::fs::{self, File};
use std::io::Write;
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
    /// Unweighted average recall on the validation speakers, with the averaged weights; none
    /// where nobody looked.
    pub validation_ua: Option<f32>,
    pub seconds: f32,
}

/// Numbers that go along with the weights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// What the run was started with; a checkpoint of other settings is refused.
    pub settings: String,
    pub steps: usize,
    pub epochs: Vec<Epoch>,
}

/// A run between two epochs.
pub struct Run {
    pub network: Network,
    pub optimizer: ModuleOptimizer,
    pub average: Average,
    pub history: History,
}

/// Written last: with it the checkpoint is whole.
const HISTORY: &str = "history.json";

fn folder(out: &Path) -> PathBuf {
    out.join("checkpoint")
}

/// What is being written, and what it is about to replace.
fn fresh(out: &Path) -> PathBuf {
    out.join("checkpoint.new")
}

fn old(out: &Path) -> PathBuf {
    out.join("checkpoint.old")
}

/// Whether there is a run to go on with. One that was killed while it put its checkpoint in place
/// left two whole ones beside the place: the new one takes it.
pub fn exists(out: &Path) -> Result<bool> {
    if !folder(out).exists() && old(out).exists() {
        let whole = if fresh(out).exists() { fresh(out) } else { old(out) };
        fs::rename(&whole, folder(out))
            .with_context(|| format!("cannot take up {}", whole.display()))?;
    }
    Ok(folder(out).join(HISTORY).is_file())
}

/// Writes the run beside the last checkpoint and puts it in its place once it is whole. Whatever
/// fails, a full disk among it, leaves the last one to go on with.
pub fn save(out: &Path, run: &Run) -> Result<()> {
    let epoch = run.history.epochs.len();
    let saved = write(out, run).and_then(|()| put(out));
    if saved.is_err() && fresh(out).exists() && folder(out).exists() {
        // It is in the way of what shall make room.
        if let Err(error) = fs::remove_dir_all(fresh(out)) {
            log::debug!("{} stays behind: {error}", fresh(out).display());
        }
    }
    saved.with_context(|| {
        let whole = match (epoch, folder(out).join(HISTORY).is_file()) {
            (2.., true) => format!("that of epoch {} is whole", epoch - 1),
            _ => "there is no earlier one".to_owned(),
        };
        format!(
            "the checkpoint of epoch {epoch} could not be written to {}; {whole}; make room and \
             give the same command with --resume to go on",
            out.display(),
        )
    })
}

fn write(out: &Path, run: &Run) -> Result<()> {
    for stale in [fresh(out), old(out)] {
        if stale.exists() {
            fs::remove_dir_all(&stale)
                .with_context(|| format!("cannot remove {}", stale.display()))?;
        }
    }
    let fresh = fresh(out);
    let context = || format!("cannot write {}", fresh.display());
    fs::create_dir_all(&fresh).with_context(context)?;
    run.network.clone().save_file(fresh.join("network")).with_context(context)?;
    let average = run.average.apply(run.network.clone());
    average.save_file(fresh.join("average")).with_context(context)?;
    run.optimizer.save(fresh.join("optimizer")).with_context(context)?;
    let history = serde_json::to_string_pretty(&run.history)?;
    let mut file = File::create(fresh.join(HISTORY)).with_context(context)?;
    file.write_all(history.as_bytes()).with_context(context)?;
    file.sync_all().with_context(context)
}

fn put(out: &Path) -> Result<()> {
    if folder(out).exists() {
        fs::rename(folder(out), old(out))?;
    }
    fs::rename(fresh(out), folder(out))?;
    if old(out).exists() {
        fs::remove_dir_all(old(out))?;
    }
    Ok(())
}

/// Puts the run of `out` in place of the fresh one given.
pub fn load(out: &Path, fresh: Run) -> Result<Run> {
    let folder = folder(out);
    let context = || format!("cannot resume from {}", folder.display());
    let text = fs::read_to_string(folder.join(HISTORY)).with_context(context)?;
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
    let optimizer = fresh.optimizer.load(folder.join("optimizer")).with_context(context)?;
    let average = Average::resume(&average, history.steps);
    Ok(Run { network, optimizer, average, history })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with checkpoints of these names, each marked with its own.
    fn out(names: &[&str]) -> tempfile::TempDir {
        let out = tempfile::tempdir().unwrap();
        for name in names {
            fs::create_dir(out.path().join(name)).unwrap();
            fs::write(out.path().join(name).join(HISTORY), name).unwrap();
        }
        out
    }

    fn check(names: &[&str], expected: Option<&str>) {
        let out = out(names);
        assert_eq!(exists(out.path()).unwrap(), expected.is_some(), "{names:?}");
        let taken = fs::read_to_string(folder(out.path()).join(HISTORY)).ok();
        assert_eq!(taken.as_deref(), expected, "{names:?}");
    }

    #[test]
    fn wherever_a_run_is_killed_a_whole_checkpoint_is_taken_up() {
        check(&[], None);
        check(&["checkpoint.new"], None); // the first one, perhaps half written
        check(&["checkpoint"], Some("checkpoint"));
        check(&["checkpoint", "checkpoint.new"], Some("checkpoint"));
        check(&["checkpoint.new", "checkpoint.old"], Some("checkpoint.new"));
        check(&["checkpoint", "checkpoint.old"], Some("checkpoint"));
        check(&["checkpoint.old"], Some("checkpoint.old"));
    }
}
