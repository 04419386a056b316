//! The worker thread: takes sound from the ring, asks the engine, tells the OSC surface, obeys
//! commands. Polls, because the audio thread wakes nobody. Normal priority: the callback must win.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, Sender};

use crate::config::checked::Config;
use crate::engine::lane::EngineError;
use crate::engine::stats::Latencies;
use crate::engine::step::Engine;
use crate::messages::{ControlRequest, Event, EventKind, Health, HealthState, Update};
use crate::model::backend::Loaded;
use crate::model::predictor::{Predict, Prediction, Predictor};
use crate::osc::fault::{Code, Fault};
use crate::osc::receive::Inbound;
use crate::osc::surface::Surface;
use crate::ring::{Chunk, Counters, Reader};

/// Pause between two looks at the ring: a fifth of a block of 10 ms.
const POLL: Duration = Duration::from_millis(2);

const HEALTH_PERIOD: Duration = Duration::from_secs(1);

/// Without a voice for so long, the daemon counts as paused.
const PAUSE_AFTER: Duration = Duration::from_secs(2);

/// What the supervisor says about the source.
pub enum SourceChange {
    /// `without` is how long there was none, if there was one before.
    Opened {
        reader: Box<Reader>,
        id: String,
        without: Option<Duration>,
    },
    Lost {
        id: String,
        outage: Outage,
    },
}

/// How a source went away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// The system said so.
    Lost,
    /// It is still there and delivers nothing.
    Stalled,
}

impl Outage {
    pub fn text(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Stalled => "silent, no more blocks",
        }
    }

    fn state(self) -> HealthState {
        match self {
            Self::Lost => HealthState::DeviceLost,
            Self::Stalled => HealthState::Stalled,
        }
    }
}

/// A predictor whose time is taken.
struct Timed {
    predictor: Predictor,
    spent: Duration,
    count: u32,
}

impl Predict for Timed {
    fn predict(&mut self, features: &[f32], frames: usize) -> Prediction {
        let begun = Instant::now();
        let prediction = self.predictor.predict(features, frames);
        self.spent += begun.elapsed();
        self.count += 1;
        prediction
    }
}

/// A source that delivers.
struct Live {
    reader: Reader,
    engine: Engine,
}

pub struct Worker {
    config: Config,
    surface: Surface,
    model: Timed,
    gpu: bool,
    live: Option<Live>,
    /// The engine of a source that is lost: baselines and sequence go on when it is back.
    resting: Option<Engine>,
    /// What the state is while there is no source: starting, lost or stalled.
    without_source: HealthState,
    updates: Vec<Update>,
    latencies: Latencies,
    last_voice: Instant,
    started: Instant,
    busy: Duration,
    tally: Tally,
}

/// Counters since the start.
#[derive(Default)]
struct Tally {
    late: i32,
    restarts: i32,
    /// Of sources that are gone.
    xruns: u64,
}

impl Worker {
    pub fn new(loaded: Loaded, config: Config, surface: Surface) -> Self {
        Self {
            config,
            surface,
            model: Timed { predictor: loaded.predictor, spent: Duration::ZERO, count: 0 },
            gpu: loaded.gpu,
            live: None,
            resting: None,
            without_source: HealthState::Starting,
            updates: Vec::new(),
            latencies: Latencies::default(),
            last_voice: Instant::now(),
            started: Instant::now(),
            busy: Duration::ZERO,
            tally: Tally::default(),
        }
    }

    /// Until `stop`. What is left in the ring then is still analysed and told.
    pub fn run(
        mut self,
        commands: &Receiver<Inbound>,
        sources: &Receiver<SourceChange>,
        shown: &Sender<Update>,
        stop: &AtomicBool,
    ) {
        let mut next_health = Instant::now();
        loop {
            let leaving = stop.load(Ordering::Relaxed);
            let begun = Instant::now();
            sources.try_iter().for_each(|change| self.change_source(change));
            self.listen(shown);
            for inbound in commands.try_iter() {
                self.obey(inbound, stop);
            }
            if next_health <= begun {
                next_health = begun + HEALTH_PERIOD;
                let health = self.health(None);
                self.surface.health(&health);
                self.surface.tick(begun);
            }
            self.busy += begun.elapsed();
            if leaving {
                break;
            }
            std::thread::sleep(POLL);
        }
        self.surface.silence();
        let health = self.health(Some(HealthState::Stopping));
        self.surface.health(&health);
    }

    fn change_source(&mut self, change: SourceChange) {
        match change {
            SourceChange::Opened { reader, id, without } => {
                match self.engine_for(&reader) {
                    Ok(engine) => self.live = Some(Live { reader: *reader, engine }),
                    Err(error) => return log::error!("{id} cannot be analysed: {error}"),
                }
                if let Some(without) = without {
                    self.tally.restarts += 1;
                    let text = format!("back after {:.1} s", without.as_secs_f32());
                    self.tell_device(1, id, text);
                }
            }
            SourceChange::Lost { id, outage } => {
                self.without_source = outage.state();
                if let Some(live) = self.live.take() {
                    self.tally.xruns += live.reader.counters().xruns.load(Ordering::Relaxed);
                    self.resting = Some(live.engine);
                }
                self.surface.silence();
                self.tell_device(0, id, format!("{}, retrying", outage.text()));
                let health = self.health(None);
                self.surface.health(&health);
            }
        }
    }

    /// The engine of the source before, if there was one: it keeps baselines, window and sequence.
    fn engine_for(&mut self, reader: &Reader) -> Result<Engine, EngineError> {
        let Some(mut engine) = self.resting.take() else {
            return Engine::new(reader.rate_hz(), self.model.predictor.card(), &self.config);
        };
        engine.reopen(reader.rate_hz())?;
        Ok(engine)
    }

    fn tell_device(&mut self, code: i32, id: String, text: String) {
        self.surface.event(&Event { kind: EventKind::Device, code, subject: id, text });
    }

    /// Everything that the ring holds now.
    fn listen(&mut self, shown: &Sender<Update>) {
        let Some(Live { reader, engine }) = &mut self.live else { return };
        reader.observe(SystemTime::now());
        loop {
            let updates = &mut self.updates;
            updates.clear();
            match reader.read() {
                Some(Chunk::Frames(frames)) => {
                    engine.step(frames, &mut self.model, &mut |update| updates.push(*update));
                }
                Some(Chunk::Gap(frames)) => engine.skip(frames, &mut self.model),
                None => return,
            }
            for update in updates {
                let captured = reader.capture_time(update.end_frame);
                self.surface.update(update, captured);
                let age = SystemTime::now().duration_since(captured).unwrap_or_default();
                self.latencies.push(1000.0 * age.as_secs_f32());
                if self.model.predictor.card().hop_s < age.as_secs_f32() {
                    self.tally.late = self.tally.late.saturating_add(1);
                }
                if update.voice_on {
                    self.last_voice = Instant::now();
                }
                if update.channel == 1 {
                    // Full when nobody looks at the status line just now.
                    shown.try_send(*update).unwrap_or_default();
                }
            }
        }
    }

    fn obey(&mut self, inbound: Inbound, stop: &AtomicBool) {
        let now = Instant::now();
        for pending in self.surface.handle(inbound, now) {
            let result = match pending.request {
                ControlRequest::Mute(_) => Ok(()),
                ControlRequest::WindowS(window_s) => self.set_window(window_s),
                ControlRequest::Quit => {
                    stop.store(true, Ordering::Relaxed);
                    Ok(())
                }
            };
            self.surface.answer(pending.ticket, result, now);
        }
    }

    fn set_window(&mut self, window_s: f32) -> Result<(), Fault> {
        let Some(live) = &mut self.live else {
            let text = "there is no source just now; ask again when the device is back";
            return Err(Fault::new(Code::NotNow, text.to_owned()));
        };
        live.engine.set_window_s(window_s);
        Ok(())
    }

    fn health(&mut self, state: Option<HealthState>) -> Health {
        let [p50, p95, p99] = self.latencies.percentiles([0.5, 0.95, 0.99]);
        let counters = self.live.as_ref().map(|live| live.reader.counters());
        let xruns =
            counters.map_or(0, |c: &std::sync::Arc<Counters>| c.xruns.load(Ordering::Relaxed));
        let engine = self.live.as_ref().map(|live| &live.engine).or(self.resting.as_ref());
        let clamp = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
        let health = Health {
            state: state.unwrap_or_else(|| self.state()),
            load: self.busy.as_secs_f32() / HEALTH_PERIOD.as_secs_f32(),
            infer_ms: 1000.0 * self.model.spent.as_secs_f32() / self.model.count.max(1) as f32,
            latency_p50_ms: p50,
            latency_p95_ms: p95,
            latency_p99_ms: p99,
            memory_mb: resident_mb(),
            uptime_s: self.started.elapsed().as_secs_f32(),
            xruns: clamp(self.tally.xruns + xruns),
            dropped: clamp(engine.map_or(0, |engine| u64::from(engine.lost_hops()))),
            late: self.tally.late,
            restarts: self.tally.restarts,
            gpu: i32::from(self.gpu),
        };
        self.busy = Duration::ZERO;
        self.model.spent = Duration::ZERO;
        self.model.count = 0;
        health
    }

    fn state(&self) -> HealthState {
        if self.surface.is_muted() {
            HealthState::Muted
        } else if self.live.is_none() {
            self.without_source
        } else if PAUSE_AFTER < self.last_voice.elapsed() {
            HealthState::Paused
        } else {
            HealthState::Running
        }
    }
}

/// Memory that the process holds, in MB; 0 where the system does not tell.
pub fn resident_mb() -> f32 {
    const KB_PER_MB: f32 = 1024.0;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb = line.and_then(|line| line.split_whitespace().next()).and_then(|kb| kb.parse().ok());
    kb.unwrap_or(0.0) / KB_PER_MB
}
