//! Keeps the source alive: watches that callbacks come, opens a lost one again with growing waits,
//! takes another one when it is told to. Runs on the main thread, between two looks at the clock.

pub mod output;

mod pulse;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Result;
use crossbeam_channel::Sender;

use crate::audio::through::Home;
use crate::audio::{self, AudioError, Connect, Direction, Liveness, Opened, Stream};
use crate::config::checked::{Input, Source, ThroughTo};
use crate::daemon::supervisor::output::Outlet;
use crate::daemon::supervisor::pulse::Pulse;
use crate::daemon::worker::{Outage, SourceChange, Why};
use crate::daemon::{join, start};
use crate::ring::Counters;

/// Waits between attempts to open a lost source again: doubled up to the second, so that sound is
/// there three seconds after its device.
const RETRY: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// What the worker wants of the source.
pub enum SourceOrder {
    /// Take this one; the old one stays if that fails.
    Select(Input),
    /// No other source, but other words about it.
    Keep(Input),
    /// Try a lost one now.
    Retry,
}

/// A source with the output that its sound goes on to.
pub struct Chain {
    pub opened: Opened,
    pub outlet: Option<Outlet>,
}

/// Opens both or neither.
pub fn open_chain(input: &Input) -> Result<Chain, AudioError> {
    let opened = audio::open(input, Connect::Physical)?;
    let through = |home| Outlet::open(home, input.through.clone());
    let outlet = opened.feed.clone().map(through).transpose()?;
    Ok(Chain { opened, outlet })
}

/// The same at the start, where a default output that is not there is waited for: the analysis goes
/// on without a loudspeaker.
pub fn open_first(input: &Input) -> Result<Chain, AudioError> {
    let opened = audio::open(input, Connect::Physical)?;
    let through = |home: Home| match Outlet::open(home.clone(), input.through.clone()) {
        Err(error) if input.through == ThroughTo::Default => {
            log::warn!("NO OUTPUT: the sound goes on nowhere until there is one ({error})");
            Ok(Outlet::waiting(home, ThroughTo::Default))
        }
        outlet => outlet,
    };
    let outlet = opened.feed.clone().map(through).transpose()?;
    Ok(Chain { opened, outlet })
}

/// A source that plays, and what tells whether it still does.
struct Running {
    id: String,
    stream: Stream,
    liveness: Arc<Liveness>,
    counters: Arc<Counters>,
    outlet: Option<Outlet>,
    player: Option<JoinHandle<()>>,
    player_stop: Arc<AtomicBool>,
    pulse: Pulse,
}

/// A source that is gone, and when to look for it.
struct Lost {
    id: String,
    /// Where its sound went; `None` for what the configuration says.
    through: Option<ThroughTo>,
    since: Instant,
    next: Instant,
    wait: Duration,
}

enum Now {
    Running(Box<Running>),
    Lost(Lost),
}

pub struct Supervisor {
    input: Input,
    changes: Sender<SourceChange>,
    stop: Arc<AtomicBool>,
    now: Now,
}

impl Supervisor {
    /// Hands the reader of the first source to the worker and watches it from here on.
    pub fn new(
        input: Input,
        chain: Chain,
        changes: Sender<SourceChange>,
        stop: Arc<AtomicBool>,
    ) -> Result<Self> {
        let lost = Lost {
            id: chain.opened.id.clone(),
            through: None,
            since: Instant::now(),
            next: Instant::now(),
            wait: RETRY[0],
        };
        let mut supervisor = Self { input, changes, stop, now: Now::Lost(lost) };
        supervisor.adopt(chain, Why::First)?;
        Ok(supervisor)
    }

    /// One look at the source.
    pub fn watch(&mut self) -> Result<()> {
        match &mut self.now {
            Now::Running(running) => {
                let callbacks = running.counters.callbacks.load(Ordering::Relaxed);
                let trouble = running.pulse.trouble(callbacks, &running.liveness);
                if running.liveness.finished.load(Ordering::Relaxed) {
                    log::info!("{} is at its end", running.id);
                    self.stop.store(true, Ordering::Relaxed);
                    return Ok(());
                }
                // A file that stands still waits for this machine, not for a device.
                let is_file = running.player.is_some();
                if let Some(outage) = trouble.filter(|_| !is_file) {
                    self.lose(outage);
                } else if let Some(change) = running.outlet.as_mut().and_then(Outlet::watch) {
                    self.tell(SourceChange::Output(change));
                }
                Ok(())
            }
            Now::Lost(lost) if lost.next <= Instant::now() => self.try_again().map(|_| ()),
            Now::Lost(_) => Ok(()),
        }
    }

    pub fn obey(&mut self, order: SourceOrder) -> Result<()> {
        match order {
            SourceOrder::Keep(input) => self.input = input,
            SourceOrder::Retry => {
                let refused = match &self.now {
                    Now::Running(running) => Some(format!("{} runs, nothing is lost", running.id)),
                    Now::Lost(_) => self.try_again()?.map(|error| error.to_string()),
                };
                self.tell(SourceChange::Retried { refused });
            }
            SourceOrder::Select(input) => self.select(input)?,
        }
        Ok(())
    }

    /// The old source goes on until the new one plays, unless they are the same one.
    fn select(&mut self, input: Input) -> Result<()> {
        let is_same = input.source == self.input.source;
        if is_same && matches!(self.now, Now::Running(_)) {
            self.close_and_lose(Duration::ZERO);
        }
        match open_chain(&input) {
            Ok(chain) => {
                self.input = input;
                log::info!("listening to {}: {}", chain.opened.id, chain.opened.description);
                self.adopt(chain, Why::Chosen)
            }
            Err(error) => {
                log::warn!("the source stays as it is: {error}");
                self.tell(SourceChange::Refused { text: error.to_string() });
                Ok(())
            }
        }
    }

    /// Hands the reader to the worker and keeps the rest.
    fn adopt(&mut self, chain: Chain, why: Why) -> Result<()> {
        let Chain { opened, outlet } = chain;
        let player_stop = Arc::new(AtomicBool::new(false));
        let player = match opened.player {
            Some(player) => {
                let stop = Arc::clone(&player_stop);
                Some(start("player", move || player.run(&stop))?)
            }
            None => None,
        };
        let running = Running {
            id: opened.id.clone(),
            stream: opened.stream,
            liveness: opened.liveness,
            counters: opened.shared.counters,
            outlet,
            player,
            player_stop,
            pulse: Pulse::new(opened.id.clone(), Direction::Input),
        };
        if let Now::Running(old) = std::mem::replace(&mut self.now, Now::Running(Box::new(running)))
        {
            close(*old);
        }
        let (reader, fader) = (Box::new(opened.reader), opened.shared.fader);
        let plugins = Box::new(opened.plugins);
        self.tell(SourceChange::Opened { reader, fader, plugins, id: opened.id, why });
        Ok(())
    }

    /// Told before it is closed, which may take a second where a server is frozen.
    fn lose(&mut self, outage: Outage) {
        let Now::Running(running) = &self.now else { return };
        let id = running.id.clone();
        log::warn!("{id} is {}; retrying", outage.text());
        self.tell(SourceChange::Lost { id, outage });
        self.close_and_lose(RETRY[0]);
    }

    /// Closes what plays; it counts as lost, to be looked for after a while.
    fn close_and_lose(&mut self, wait: Duration) {
        let Now::Running(running) = &self.now else { return };
        let since = Instant::now();
        let id = running.id.clone();
        let through = running.outlet.as_ref().map(Outlet::same_again);
        let lost = Lost { id, through, since, next: since + wait, wait: RETRY[0] };
        if let Now::Running(gone) = std::mem::replace(&mut self.now, Now::Lost(lost)) {
            close(*gone);
        }
    }

    /// Opens the lost source if it is there; never takes another one instead, unless it may follow
    /// the default.
    fn try_again(&mut self) -> Result<Option<AudioError>> {
        let Now::Lost(lost) = &mut self.now else { return Ok(None) };
        lost.wait = (2 * lost.wait).min(RETRY[1]);
        let mut input = self.input.clone();
        // "auto" and "the default input" may by now mean another one.
        let is_open = matches!(input.source, Source::Auto | Source::Cpal(None));
        if is_open && !input.follow_default {
            input.source = same_again(&lost.id);
        }
        let since = lost.since;
        let to = lost.through.clone().unwrap_or_else(|| input.through.clone());
        let opened = match audio::open(&input, Connect::Physical) {
            Err(_) if input.follow_default && input.source != Source::Auto => {
                audio::open(&Input { source: Source::Cpal(None), ..input }, Connect::Physical)
            }
            opened => opened,
        };
        match opened {
            Ok(opened) => {
                let without = since.elapsed();
                log::info!("{} is back after {:.1} s", opened.id, without.as_secs_f32());
                // The output may take longer, or be lost for good: the analysis goes on.
                let outlet = opened.feed.clone().map(|home| Outlet::waiting(home, to));
                self.adopt(Chain { opened, outlet }, Why::Back(without)).map(|()| None)
            }
            Err(error) => {
                // Opening may itself have taken seconds: the wait starts after it.
                lost.next = Instant::now() + lost.wait;
                log::debug!("{} is still gone: {error}", lost.id);
                Ok(Some(error))
            }
        }
    }

    fn tell(&self, change: SourceChange) {
        // Only a worker that is gone hears nothing any more, and then the daemon is leaving.
        if self.changes.send(change).is_err() {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    pub fn close(self) {
        if let Now::Running(running) = self.now {
            close(*running);
        }
    }
}

fn close(running: Running) {
    running.player_stop.store(true, Ordering::Relaxed);
    drop(running.outlet);
    drop(running.stream);
    running.player.into_iter().for_each(join);
}

/// The source that `auto` found, by name.
fn same_again(id: &str) -> Source {
    match id {
        "jack" => Source::Jack,
        "demo" => Source::Demo,
        device => Source::Cpal(Some(device.to_owned())),
    }
}
