//! The daemon: opens model, sockets and sound, starts the threads and joins them. The only file
//! that knows all. Runs on the main thread, which then keeps the source alive until it is told to
//! leave.

mod clerk;

mod plugins;

mod status;

mod supervisor;

mod worker;

use std::io::IsTerminal;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use crossbeam_channel::{RecvTimeoutError, bounded};

use crate::audio::AudioError;
use crate::audio::priority::lock_memory;
use crate::config::checked::{self, Backend, Config};
use crate::config::running::Running;
use crate::daemon::clerk::JOBS_MAX;
use crate::daemon::plugins::WISHES_MAX;
use crate::daemon::status::StatusLine;
use crate::daemon::supervisor::{Chain, SourceOrder, Supervisor, open_first};
use crate::daemon::worker::{Lines, Worker};
use crate::messages::{Identity, UNKNOWN, Update};
use crate::model::backend::{self, Choice, Loaded};
use crate::model::card::Card;
use crate::osc::receive::{self, INBOUND_CAPACITY};
use crate::osc::saved;
use crate::osc::surface::{Knowledge, Setup, Surface};
use crate::osc::tcp::TcpServer;

/// How often the source is looked at, and the status line drawn.
const WATCH: Duration = Duration::from_millis(100);

/// Source changes that may wait for the worker; the supervisor makes one at a time.
const CHANGES: usize = 4;

#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen for OSC on {address} ({transport}): {reason}; is another affectd running? \
     Choose another port with --listen"
)]
pub struct PortError {
    address: std::net::SocketAddr,
    transport: &'static str,
    reason: std::io::Error,
}

/// Runs until SIGINT, SIGTERM, `/ser/quit`, or the end of a file. SIGHUP reads the configuration
/// again.
pub fn run(running: Running) -> Result<()> {
    let config = running.config().clone();
    let (stop, reload) = signals()?;
    let (socket, listener) = sockets(&config)?;
    let ears = socket.try_clone().context("cannot share the OSC socket")?;
    let loaded = load_model(&config.model)?;
    check_mask(&config, loaded.predictor.card())?;
    if !lock_memory() {
        log::debug!("memory may be swapped out: the limit `ulimit -l` is not unlimited");
    }
    let source = open_source(&config)?;

    let (server, waker) = TcpServer::new(listener).context("no TCP for OSC")?;
    let receivers_file = receivers_file(&config);
    let (knowledge, waker) = (knowledge(&config, loaded.predictor.card(), Vec::new()), Some(waker));
    let saved = saved::load(&receivers_file)?;
    let setup = Setup { socket, waker, running, knowledge, saved };
    let surface = Surface::new(setup).context("the OSC socket cannot be used")?;
    let counters = surface.counters();
    let (inbound, commands) = bounded(INBOUND_CAPACITY);
    let (changes, sources) = bounded(CHANGES);
    let (ordered, orders) = bounded(CHANGES);
    let (jobs, todo) = bounded(JOBS_MAX);
    let (done, finished) = bounded(JOBS_MAX);
    let (wishes, wished) = bounded(WISHES_MAX);
    let (tell, told) = bounded(WISHES_MAX);
    // The newest update is enough for the status line: one place, and a full one is skipped.
    let (shown, updates) = bounded::<Update>(1);
    let labels = loaded.predictor.card().labels.clone();
    log::info!("OSC to {}, commands on {}", list(&config.osc.send), config.osc.listen);

    let mut threads = Vec::new();
    let (queue, tally, ends) = (inbound.clone(), Arc::clone(&counters), Arc::clone(&stop));
    threads.push(start("osc-receive", move || {
        tell_end(receive::run(&ears, &queue, &tally, &ends), "OSC datagrams");
    })?);
    let ends = Arc::clone(&stop);
    threads.push(start("osc-tcp", move || {
        tell_end(server.run(&inbound, &counters, &ends), "OSC connections");
    })?);
    threads.push(start("clerk", move || clerk::run(&todo, &done, &receivers_file))?);
    let slots = config.plugins.clone();
    threads.push(start("plugins", move || plugins::run(&wished, &tell, slots))?);
    let lines = Lines { commands, sources, ordered, jobs, finished, wishes, told, shown };
    let worker = Worker::new(loaded, config.clone(), surface, lines);
    let ends = Arc::clone(&stop);
    threads.push(start("worker", move || worker.run(&ends, &reload))?);
    let mut supervisor = Supervisor::new(config.input, source, changes, Arc::clone(&stop))?;
    let mut line = std::io::stdout().is_terminal().then(|| StatusLine::new(&labels));
    while !stop.load(Ordering::Relaxed) {
        wait_for_order(&orders, &mut supervisor, &stop)?;
        supervisor.watch()?;
        if let (Some(line), Ok(update)) = (&mut line, updates.try_recv()) {
            line.draw(&update);
        }
    }
    drop(line);
    supervisor.close();
    drop(updates);
    threads.into_iter().rev().for_each(join);
    Ok(())
}

fn wait_for_order(
    orders: &crossbeam_channel::Receiver<SourceOrder>,
    supervisor: &mut Supervisor,
    stop: &AtomicBool,
) -> Result<()> {
    match orders.recv_timeout(WATCH) {
        Ok(order) => supervisor.obey(order),
        Err(RecvTimeoutError::Timeout) => Ok(()),
        Err(RecvTimeoutError::Disconnected) => {
            stop.store(true, Ordering::Relaxed);
            Ok(())
        }
    }
}

/// Set by SIGINT and SIGTERM, and by SIGHUP.
fn signals() -> Result<(Arc<AtomicBool>, Arc<AtomicBool>)> {
    let (stop, reload) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        for (signal, flag) in [(SIGINT, &stop), (SIGTERM, &stop), (SIGHUP, &reload)] {
            signal_hook::flag::register(signal, Arc::clone(flag)).context("no signal handler")?;
        }
    }
    Ok((stop, reload))
}

/// One port for datagrams and connections alike.
fn sockets(config: &Config) -> Result<(UdpSocket, TcpListener)> {
    let address = config.osc.listen;
    let taken = |transport| move |reason| PortError { address, transport, reason };
    let socket = UdpSocket::bind(address).map_err(taken("UDP"))?;
    let listener = TcpListener::bind(address).map_err(taken("TCP"))?;
    Ok((socket, listener))
}

/// Where permanent receivers are kept: one file for each port, as each is a daemon of its own.
fn receivers_file(config: &Config) -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").map(|home| home.join(".local/state"));
    let folder = set("XDG_STATE_HOME").or_else(home).unwrap_or_else(std::env::temp_dir);
    folder.join("affectd").join(format!("receivers-{}.toml", config.osc.listen.port()))
}

fn tell_end(result: std::io::Result<()>, what: &str) {
    if let Err(error) = result {
        log::error!("{what} are no longer heard: {error}");
    }
}

/// A mask names labels, and only the model knows which there are.
fn check_mask(config: &Config, card: &Card) -> Result<()> {
    let unknown = config.output.mask.iter().find(|label| !card.labels.contains(label));
    if let Some(label) = unknown {
        bail!("output.mask: the model has no label {label:?}, it has {}", card.labels.join(", "));
    }
    Ok(())
}

/// What the surface tells of a model.
fn knowledge(config: &Config, card: &Card, taught: Vec<(u16, String)>) -> Knowledge {
    let labels = card.labels.iter().cloned().chain([UNKNOWN.to_owned()]).collect();
    let folder = config.model.folder.file_name().unwrap_or_default();
    Knowledge {
        identity: Identity {
            labels,
            card: card.items().into(),
            channels: config.input.channels,
            names: config.input.names.clone().into(),
            triggers: config
                .triggers
                .iter()
                .map(|trigger| (trigger.source.channel, trigger.name.clone()))
                .collect(),
            taught: taught.into(),
            hop_s: config.model.hop_s.unwrap_or(card.hop_s),
        },
        model: folder.to_string_lossy().into_owned(),
        window_s: card.window_s,
        hop_s: card.hop_s,
        window_allowed_s: card.window_min_s..=card.window_s,
    }
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

fn open_source(config: &Config) -> Result<Chain, AudioError> {
    let chain = open_first(&config.input)?;
    let opened = &chain.opened;
    log::info!("listening to {}: {}, {} Hz", opened.id, opened.description, opened.rate_hz);
    Ok(chain)
}

pub(crate) fn start(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let builder = thread::Builder::new().name(name.to_owned());
    builder.spawn(body).with_context(|| format!("cannot start the thread {name}"))
}

pub(crate) fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        log::error!("a thread ended in a panic; what it did until then stands in the log above");
    }
}

fn list(addresses: &[std::net::SocketAddr]) -> String {
    if addresses.is_empty() {
        return "who subscribes".to_owned();
    }
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
