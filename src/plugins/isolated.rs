//! Untrusted plug-ins in a process of their own: the side that stays here, on the plug-in thread.
//! The callback writes a block into shared memory and takes the one before out of it, so that it
//! never waits, see `processor`; the process itself is `child`.

pub mod child;

mod memory;

mod processor;

mod protocol;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::audio::helper::with_time_limit;
use crate::plugins::error::PluginError;
use crate::plugins::isolated::memory::{Memory, Way};
use crate::plugins::isolated::protocol::{Answer, Ask, Wanted};

pub use crate::plugins::isolated::memory::{MEMBERS_MAX, Report, VALUES_MAX};
pub use crate::plugins::isolated::processor::RemoteProcessor;
pub use crate::plugins::isolated::protocol::{BuiltMember, WantedMember};

/// Building a chain of large plug-ins takes a second or two on a small machine.
const BUILD_LIMIT: Duration = Duration::from_secs(20);

const SAVE_LIMIT: Duration = Duration::from_secs(2);

/// A process that has had sound for so long and took none of it hangs.
const HANG_LIMIT: Duration = Duration::from_secs(1);

/// The word that the command line knows the process by.
pub const COMMAND: &str = "plugin-host";

/// What is said to it, and what it says.
type Pipes = (ChildStdin, BufReader<ChildStdout>);

/// A running process, on the plug-in thread; dropping it ends it.
pub struct Remote {
    child: Child,
    /// Away for good once it did not answer in time.
    pipes: Option<Pipes>,
    memory: Arc<Memory>,
    taken: u32,
    /// When it last took sound, or none came.
    alive: Instant,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// By a signal or with a code; as a person says it.
    Ended(String),
    Hangs,
}

static MEMORIES: AtomicU64 = AtomicU64::new(0);

impl Remote {
    /// Starts the process and waits until all its plug-ins are built.
    pub fn start(
        program: &Path,
        channels: usize,
        rate_hz: u32,
        members: Vec<WantedMember>,
    ) -> Result<(Self, RemoteProcessor, Vec<BuiltMember>), (usize, PluginError)> {
        let uri = members.first().map(|member| member.uri.clone()).unwrap_or_default();
        let refused = |reason: String| (0, PluginError::Refused { uri: uri.clone(), reason });
        let no_process = |error: std::io::Error| refused(format!("no process for it: {error}"));
        let file = SharedFile(memory_path());
        let memory = Arc::new(Memory::create(&file.0, channels).map_err(no_process)?);
        let mut child = Command::new(program)
            .arg(COMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(no_process)?;
        let pipes = child.stdin.take().zip(child.stdout.take().map(BufReader::new));
        let (taken, alive) = (0, Instant::now());
        let mut remote = Self { child, pipes, memory: Arc::clone(&memory), taken, alive };
        let uris: Vec<_> = members.iter().map(|member| member.uri.clone()).collect();
        let wanted = Wanted { memory: file.0.clone(), channels, rate_hz, members };
        let answer = remote.ask(&Ask::Build(wanted), BUILD_LIMIT);
        // Both have it open by now, or it is of no use.
        drop(file);
        match answer {
            Ok(Answer::Built(members)) => {
                remote.alive = Instant::now();
                let processor = RemoteProcessor::new(memory);
                Ok((remote, processor, members))
            }
            Ok(Answer::Refused { member, error }) => Err((member, error)),
            Ok(Answer::Saved(_)) => Err(refused("its process answers what was not asked".into())),
            Err(reason) => {
                // It died while it built this one.
                let member = remote.memory.running().min(uris.len().saturating_sub(1));
                let uri = uris.get(member).cloned().unwrap_or_default();
                Err((member, PluginError::Refused { uri, reason }))
            }
        }
    }

    /// What each plug-in keeps beside its parameters.
    pub fn save(&mut self) -> Result<Vec<Option<Vec<u8>>>, String> {
        match self.ask(&Ask::Save, SAVE_LIMIT)? {
            Answer::Saved(states) => Ok(states),
            _ => Err("its process answers what was not asked".to_owned()),
        }
    }

    fn ask(&mut self, question: &Ask, limit: Duration) -> Result<Answer, String> {
        let mut line = serde_json::to_string(question).map_err(|error| error.to_string())?;
        line.push('\n');
        let Some((mut stdin, mut stdout)) = self.pipes.take() else {
            return Err("its process did not answer before".to_owned());
        };
        let asked = with_time_limit("the process of the plug-ins", limit, move || {
            let answer = stdin.write_all(line.as_bytes()).and_then(|()| answer_of(&mut stdout));
            (answer, (stdin, stdout))
        });
        let (answer, pipes) = asked.map_err(|error| error.to_string())?;
        self.pipes = Some(pipes);
        answer.map_err(|error| {
            // It closed its ends, so it is about to end if it has not yet.
            self.child.kill().unwrap_or_default();
            let end = self.child.wait().map_or_else(|_| error.to_string(), how);
            format!("its process ended: {end}")
        })
    }

    /// The number that the system gave the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn report(&self, member: usize) -> Report {
        self.memory.report(member)
    }

    /// Counted from 0: which plug-in ran last.
    pub fn running(&self) -> usize {
        self.memory.running()
    }

    /// How it ended, if it did. Many times a second.
    pub fn end(&mut self, now: Instant) -> Option<End> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Some(End::Ended(how(status)));
        }
        let (taken, offered) = (self.memory.end(Way::Back), self.memory.end(Way::There));
        if taken != self.taken || taken == offered {
            self.alive = now;
        }
        self.taken = taken;
        (HANG_LIMIT < now.saturating_duration_since(self.alive)).then_some(End::Hangs)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // It may have ended by itself; nothing of it is left either way.
        self.child.kill().unwrap_or_default();
        if let Err(error) = self.child.wait() {
            log::debug!("the process of the plug-ins: {error}");
        }
    }
}

fn how(status: std::process::ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            let name = match signal {
                4 => " (illegal instruction)",
                6 => " (aborted)",
                7 => " (bus error)",
                8 => " (arithmetic error)",
                9 => " (killed)",
                11 => " (segmentation fault)",
                _ => "",
            };
            return format!("signal {signal}{name}");
        }
    }
    status.to_string()
}

/// Skips what plug-ins print.
fn answer_of(stdout: &mut impl BufRead) -> std::io::Result<Answer> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if stdout.read_until(b'\n', &mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if let Ok(answer) = serde_json::from_slice(&line) {
            return Ok(answer);
        }
        log::debug!("a plug-in says: {}", String::from_utf8_lossy(&line).trim_end());
    }
}

/// Has a name only until both sides have it open.
struct SharedFile(PathBuf);

impl Drop for SharedFile {
    fn drop(&mut self) {
        // It may never have been made.
        std::fs::remove_file(&self.0).unwrap_or_default();
    }
}

/// In memory where the system has a place for that.
fn memory_path() -> PathBuf {
    let shm = Path::new("/dev/shm");
    let folder = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
    let number = MEMORIES.fetch_add(1, Ordering::Relaxed);
    folder.join(format!("affectd-plugins-{}-{number}", std::process::id()))
}

#[cfg(test)]
mod tests;
