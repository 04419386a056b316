//! The daemon: opens model, sockets and sound, starts the threads and joins them, and watches the
//! source until it is told to leave. The only file that knows all. Runs on the main thread.

mod status;

mod worker;

use std::io::IsTerminal;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use crossbeam_channel::{Sender, bounded};

use crate::audio::{self, AudioError, Connect, Liveness, Opened, Stream};
use crate::config::checked::{self, Backend, Config, Source};
use crate::daemon::status::StatusLine;
use crate::daemon::worker::{Outage, SourceChange, Worker};
use crate::messages::{Identity, UNKNOWN, Update};
use crate::model::backend::{self, Choice, Loaded};
use crate::osc::receive::{self, INBOUND_CAPACITY};
use crate::osc::surface::{Surface, Window};
use crate::ring::Counters;

/// How often the source is looked at, and the status line drawn.
const WATCH: Duration = Duration::from_millis(100);

/// A source whose callback stands still for so long is closed and opened again. A block is 10 ms,
/// a swapping machine stops for half a second.
const STALL_LIMIT: Duration = Duration::from_secs(2);

/// Waits between attempts to open a lost source again: doubled up to the second.
const RETRY: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(5)];

/// Source changes that may wait for the worker; the supervisor makes one at a time.
const CHANGES: usize = 4;

#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen for OSC on {address}: {reason}; is another affectd running? \
     Choose another port with --listen"
)]
pub struct PortError {
    address: std::net::SocketAddr,
    reason: std::io::Error,
}

/// Runs until SIGINT, SIGTERM, `/ser/quit`, or the end of a file.
pub fn run(config: Config) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    #[cfg(unix)]
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).context("no signal handler")?;
    }
    let socket = UdpSocket::bind(config.osc.listen)
        .map_err(|reason| PortError { address: config.osc.listen, reason })?;
    let ears = socket.try_clone().context("cannot share the OSC socket")?;
    let loaded = load_model(&config.model)?;
    let source = open_source(&config)?;

    let surface = surface(socket, &config, &loaded)?;
    let counters = surface.counters();
    let (inbound, commands) = bounded(INBOUND_CAPACITY);
    let (changes, sources) = bounded(CHANGES);
    // The newest update is enough for the status line: one place, and a full one is skipped.
    let (shown, updates) = bounded::<Update>(1);
    let labels = loaded.predictor.card().labels.clone();
    log::info!("OSC to {}, commands on {}", list(&config.osc.send), config.osc.listen);

    let listener = {
        let stop = Arc::clone(&stop);
        start("osc-receive", move || {
            if let Err(error) = receive::run(&ears, &inbound, &counters, &stop) {
                log::error!("OSC commands are no longer heard: {error}");
            }
        })?
    };
    let worker = {
        let stop = Arc::clone(&stop);
        let worker = Worker::new(loaded, config.clone(), surface);
        start("worker", move || worker.run(&commands, &sources, &shown, &stop))?
    };
    let mut supervisor = Supervisor { config, changes, stop: Arc::clone(&stop), running: None };
    supervisor.adopt(source, None)?;
    let mut line = std::io::stdout().is_terminal().then(|| StatusLine::new(&labels));
    while !stop.load(Ordering::Relaxed) {
        thread::sleep(WATCH);
        supervisor.watch()?;
        if let (Some(line), Ok(update)) = (&mut line, updates.try_recv()) {
            line.draw(&update);
        }
    }
    drop(line);
    supervisor.close();
    join(worker);
    join(listener);
    Ok(())
}

/// Loads what the configuration names and runs it once, so that the first result is not late.
pub fn load_model(model: &checked::Model) -> Result<Loaded> {
    let choice = match model.backend {
        Backend::Auto => Choice::Auto,
        Backend::Cpu => Choice::Cpu,
        Backend::Wgpu => Choice::Wgpu,
    };
    let begun = Instant::now();
    let loaded = backend::load(&model_folder(&model.folder), choice)?;
    let card = loaded.predictor.card();
    log::info!(
        "model {} ({} parameters, {}…) on the {}: {}; ready in {:.1} s",
        card.name,
        card.parameters,
        card.sha256.get(..8).unwrap_or_default(),
        if loaded.gpu { "GPU" } else { "CPU" },
        loaded.reason,
        begun.elapsed().as_secs_f32(),
    );
    Ok(loaded)
}

/// A relative folder that is not here is looked for beside the program and above it, so that a
/// build runs from anywhere.
pub fn model_folder(folder: &Path) -> PathBuf {
    if folder.is_absolute() || folder.exists() {
        return folder.to_owned();
    }
    let program = std::env::current_exe().unwrap_or_default();
    let beside = program.ancestors().skip(1).take(3).map(|above| above.join(folder));
    beside.into_iter().find(|path| path.exists()).unwrap_or_else(|| folder.to_owned())
}

fn open_source(config: &Config) -> Result<Opened, AudioError> {
    let opened = audio::open(&config.input, Connect::Capture)?;
    log::info!("listening to {}: {}, {} Hz", opened.id, opened.description, opened.rate_hz);
    Ok(opened)
}

fn surface(socket: UdpSocket, config: &Config, loaded: &Loaded) -> Result<Surface> {
    let card = loaded.predictor.card();
    let labels = card.labels.iter().cloned().chain([UNKNOWN.to_owned()]).collect();
    let identity = Identity {
        labels,
        card: card.items().into(),
        channels: config.input.channels,
        hop_s: card.hop_s,
    };
    let window = Window {
        current_s: config.model.window_s.unwrap_or(card.window_s),
        allowed_s: card.window_min_s..=card.window_s,
    };
    Ok(Surface::new(socket, &config.osc, identity, window)?)
}

fn start(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let builder = thread::Builder::new().name(name.to_owned());
    builder.spawn(body).with_context(|| format!("cannot start the thread {name}"))
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        log::error!("a thread ended in a panic; what it did until then stands in the log above");
    }
}

fn list(addresses: &[std::net::SocketAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A source that plays, and what tells whether it still does.
struct Running {
    id: String,
    stream: Stream,
    liveness: Arc<Liveness>,
    counters: Arc<Counters>,
    player: Option<JoinHandle<()>>,
    /// Callbacks seen, and when they last became more.
    callbacks: u64,
    alive: Instant,
}

/// Watches the source and opens it again when it is gone.
struct Supervisor {
    config: Config,
    changes: Sender<SourceChange>,
    stop: Arc<AtomicBool>,
    running: Option<Running>,
}

impl Supervisor {
    /// Hands the reader to the worker and keeps the rest. `lost` is when the last one was lost.
    fn adopt(&mut self, opened: Opened, lost: Option<Instant>) -> Result<()> {
        let player = match opened.player {
            Some(player) => {
                let stop = Arc::clone(&self.stop);
                Some(start("player", move || player.run(&stop))?)
            }
            None => None,
        };
        self.running = Some(Running {
            id: opened.id.clone(),
            stream: opened.stream,
            liveness: opened.liveness,
            counters: opened.counters,
            player,
            callbacks: 0,
            alive: Instant::now(),
        });
        let without = lost.map(|since| since.elapsed());
        self.tell(SourceChange::Opened { reader: Box::new(opened.reader), id: opened.id, without });
        Ok(())
    }

    /// One look at the source.
    fn watch(&mut self) -> Result<()> {
        let Some(running) = &mut self.running else { return Ok(()) };
        let callbacks = running.counters.callbacks.load(Ordering::Relaxed);
        if running.callbacks != callbacks {
            running.callbacks = callbacks;
            running.alive = Instant::now();
        }
        if running.liveness.finished.load(Ordering::Relaxed) {
            log::info!("{} is at its end", running.id);
            self.stop.store(true, Ordering::Relaxed);
            return Ok(());
        }
        let is_lost = running.liveness.lost.load(Ordering::Relaxed);
        if is_lost || STALL_LIMIT < running.alive.elapsed() {
            return self.reopen(if is_lost { Outage::Lost } else { Outage::Stalled });
        }
        Ok(())
    }

    /// Tries until the source is back or the daemon leaves; never takes another source instead.
    fn reopen(&mut self, outage: Outage) -> Result<()> {
        let Some(gone) = self.running.take() else { return Ok(()) };
        let lost = Instant::now();
        log::warn!("{} is {}; retrying", gone.id, outage.text());
        self.tell(SourceChange::Lost { id: gone.id.clone(), outage });
        let mut input = self.config.input.clone();
        if input.source == Source::Auto {
            input.source = same_again(&gone.id);
        }
        drop(gone.stream);
        let mut wait = RETRY[0];
        while !self.stop.load(Ordering::Relaxed) {
            self.sleep(wait);
            match audio::open(&input, Connect::Capture) {
                Ok(opened) => {
                    log::info!("{} is back after {:.1} s", opened.id, lost.elapsed().as_secs_f32());
                    return self.adopt(opened, Some(lost));
                }
                Err(error) => log::debug!("{} is still gone: {error}", gone.id),
            }
            wait = (2 * wait).min(RETRY[1]);
        }
        Ok(())
    }

    /// Waits, but not past the end.
    fn sleep(&self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until && !self.stop.load(Ordering::Relaxed) {
            thread::sleep(WATCH.min(time));
        }
    }

    fn tell(&self, change: SourceChange) {
        // Only a worker that is gone hears nothing any more, and then the daemon is leaving.
        if self.changes.send(change).is_err() {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn close(mut self) {
        if let Some(running) = self.running.take() {
            drop(running.stream);
            running.player.into_iter().for_each(join);
        }
    }
}

/// The source that `auto` found, by name.
fn same_again(id: &str) -> Source {
    match id {
        "jack" => Source::Jack,
        "demo" => Source::Demo,
        device => Source::Cpal(Some(device.to_owned())),
    }
}
