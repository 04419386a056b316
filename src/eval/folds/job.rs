//! One training and all that its model says, in a folder of its own: `<fold>-seed<k>/`. Whoever
//! holds its lock works on it; a job that was killed goes on from its last checkpoint, one that is
//! done is not done again. How a fold is trained is left to `teacher`.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::eval::folds::plan::Job;
use crate::model::card::FILE_NAME;

/// The right to work on a job; given back when dropped, or when the process ends.
pub struct Claim {
    pub folder: PathBuf,
    _lock: File,
}

impl Job {
    pub fn folder(&self, corpus_folder: &Path) -> PathBuf {
        corpus_folder.join(format!("{}-seed{}", self.fold, self.seed))
    }

    /// None if somebody else works on it now.
    pub fn claim(&self, corpus_folder: &Path) -> Result<Option<Claim>> {
        let folder = self.folder(corpus_folder);
        let context = || format!("cannot write {}", folder.display());
        fs::create_dir_all(&folder).with_context(context)?;
        let lock = File::create(folder.join("lock")).with_context(context)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Claim { folder, _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).with_context(context),
        }
    }
}

impl Claim {
    /// The folder of the trained model; `train` makes it where it is not there yet.
    pub fn model(&self, train: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        trained_once(&self.folder, "model", train)
    }
}

/// The model's folder `name` below `folder`; where it is not there, `train` writes it to another
/// place, from where a run that was killed goes on.
pub fn trained_once(
    folder: &Path,
    name: &str,
    train: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let model = folder.join(name);
    if model.join(FILE_NAME).is_file() {
        return Ok(model);
    }
    let unfinished = folder.join(format!("{name}.unfinished"));
    train(&unfinished)?;
    for checkpoint in [unfinished.join("checkpoint"), unfinished.join("speakers")] {
        if checkpoint.exists() {
            fs::remove_dir_all(&checkpoint)?; // as large as four models, and of no more use
        }
    }
    let context = || format!("cannot write {}", model.display());
    fs::rename(&unfinished, &model).with_context(context)?;
    Ok(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_claimed_once_until_the_claim_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let job = Job { fold: "1".to_owned(), seed: 3 };
        let claim = job.claim(folder.path()).unwrap();
        assert!(claim.is_some_and(|claim| claim.folder.ends_with("1-seed3")));
        let first = job.claim(folder.path()).unwrap();
        assert!(first.is_some());
        assert!(job.claim(folder.path()).unwrap().is_none());
        drop(first);
        assert!(job.claim(folder.path()).unwrap().is_some());
    }
}
