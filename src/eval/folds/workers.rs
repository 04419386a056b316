//! Children of this program that share the jobs of a study: starts them, shows how far they are,
//! tells what went wrong. What they do is left to `run`.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::train::bank::progress_bar;

/// The option that makes a child of the command; see `cli`.
const WORKER: &str = "--worker";

/// Between two looks at the children; a training takes minutes.
const PERIOD: Duration = Duration::from_millis(500);

/// A child is ended where its owner fails or is done with it.
struct Worker {
    child: Child,
    log: PathBuf,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // It may have ended just now; then there is nothing to end.
            if let Err(error) = self.child.kill().and_then(|()| self.child.wait().map(|_| ())) {
                log::debug!("a worker could not be ended: {error}");
            }
        }
    }
}

/// Starts `count` copies of this command, each with its log in `folder`, and waits for them.
/// `done` counts the jobs that are done, of `jobs`.
pub fn watch(
    folder: &Path,
    count: usize,
    jobs: usize,
    done: &mut dyn FnMut() -> usize,
) -> Result<()> {
    let mut workers = (1..=count)
        .map(|number| start(folder.join(format!("worker-{number}.log"))))
        .collect::<Result<Vec<_>>>()?;
    let progress = progress_bar(jobs, "jobs");
    let mut failed = Vec::new();
    while !workers.is_empty() {
        progress.set_position(done() as u64);
        let mut running = Vec::new();
        for mut worker in workers {
            match worker.child.try_wait()? {
                None => running.push(worker),
                Some(status) if status.success() => {}
                Some(_) => failed.push(worker.last_words()),
            }
        }
        workers = running;
        thread::sleep(PERIOD);
    }
    progress.finish_and_clear();
    if !failed.is_empty() {
        bail!("{} of {count} workers failed: {}", failed.len(), failed.join("; "));
    }
    Ok(())
}

fn start(log: PathBuf) -> Result<Worker> {
    let context = || format!("cannot write {}", log.display());
    let errors = File::create(&log).with_context(context)?;
    let program = env::current_exe().context("this program does not know where it lies")?;
    let child = Command::new(program)
        .args(env::args_os().skip(1))
        .arg(WORKER)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .context("cannot start a worker")?;
    Ok(Worker { child, log })
}

impl Worker {
    /// The last line of its log.
    fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let name = self.log.file_name().unwrap_or_default().to_string_lossy();
        format!("{} ({name})", log.lines().last().unwrap_or("it said nothing"))
    }
}

/// A worker without its parent would train on unseen, so it ends too.
#[cfg(target_os = "linux")]
pub fn end_with_parent() -> Result<()> {
    use rustix::process::{Signal, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::TERM)).context("cannot follow the parent")
}

/// Elsewhere no system call asks for it; the worker goes on until its jobs are done.
#[cfg(not(target_os = "linux"))]
pub fn end_with_parent() -> Result<()> {
    Ok(())
}
