//! The worker thread: takes sound from the ring, asks the engine, tells the OSC surface, obeys
//! commands. Polls, because the audio thread wakes nobody. Normal priority: the callback must win.

mod change;

mod health;

mod people;

mod source;

mod teaching;

mod plugins;

mod timed;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, Sender};

use crate::audio::through::Fader;
use crate::config::checked::Config;
use crate::daemon::clerk::{Finished, Job};
use crate::daemon::plugins::{Told, Wish};
use crate::daemon::supervisor::SourceOrder;
use crate::daemon::supervisor::output::OutputChange;
use crate::daemon::worker::change::Change;
use crate::daemon::worker::health::Tally;
use crate::daemon::worker::people::People;
use crate::daemon::worker::plugins::Hands;
pub use crate::daemon::worker::source::{Outage, SourceChange, Why};
use crate::daemon::worker::timed::Timed;
use crate::engine::lane::EngineError;
use crate::engine::segments::Segments;
use crate::engine::stats::Latencies;
use crate::engine::step::Engine;
use crate::messages::{Event, EventKind, HealthState, Update};
use crate::model::backend::Loaded;
use crate::osc::fault::{Code, Fault};
use crate::osc::receive::Inbound;
use crate::osc::surface::{Done, Moment, Pending, Request, Surface, Ticket};
use crate::ring::{Chunk, Reader};

/// Pause between two looks at the ring: a fifth of a block of 10 ms.
const POLL: Duration = Duration::from_millis(2);

const HEALTH_PERIOD: Duration = Duration::from_secs(1);

/// Time for sound between two looks at the commands: a file that is played as fast as can be never
/// leaves the ring empty.
const SOUND_A_TURN: Duration = Duration::from_millis(20);

/// Time for commands between two looks at the ring, so that a flood delays no sound. One packet of
/// 8 KB, the longest, may take some milliseconds more.
const COMMANDS_A_TURN: Duration = Duration::from_millis(5);

/// The worker's ends of all its queues.
pub struct Lines {
    pub commands: Receiver<Inbound>,
    pub sources: Receiver<SourceChange>,
    pub ordered: Sender<SourceOrder>,
    pub jobs: Sender<Job>,
    pub finished: Receiver<Finished>,
    pub wishes: Sender<Wish>,
    pub told: Receiver<Told>,
    pub shown: Sender<Update>,
}

/// A source that delivers.
struct Live {
    reader: Reader,
    engine: Engine,
    /// Of the sound that goes on from it.
    fader: Arc<Fader>,
}

pub struct Worker {
    config: Config,
    surface: Surface,
    model: Timed,
    gpu: bool,
    live: Option<Live>,
    /// Of the newest source.
    rate_hz: Option<u32>,
    /// The engine of a source that is lost: baselines and sequence go on when it is back.
    resting: Option<Engine>,
    /// What the state is while there is no source: starting or lost.
    without_source: HealthState,
    /// A change of the configuration that waits for a model or a source.
    change: Option<Change>,
    /// One that holds but for the plug-ins, and who waits for it.
    committed: Option<(Option<Ticket>, Done)>,
    /// Who asked for a lost source to be tried.
    retry: Option<Ticket>,
    hands: Hands,
    people: People,
    lines: Lines,
    updates: Vec<Update>,
    /// Of each channel.
    segments: Vec<Segments>,
    latencies: Latencies,
    last_voice: Instant,
    started: Instant,
    busy: Duration,
    tally: Tally,
}

impl Worker {
    pub fn new(loaded: Loaded, config: Config, surface: Surface, lines: Lines) -> Self {
        Self {
            config,
            surface,
            model: Timed::new(loaded.predictor),
            gpu: loaded.gpu,
            live: None,
            rate_hz: None,
            resting: None,
            without_source: HealthState::Starting,
            change: None,
            committed: None,
            retry: None,
            hands: Hands::default(),
            people: People::default(),
            lines,
            updates: Vec::new(),
            segments: Vec::new(),
            latencies: Latencies::default(),
            last_voice: Instant::now(),
            started: Instant::now(),
            busy: Duration::ZERO,
            tally: Tally::default(),
        }
    }

    /// Until `stop`. What is left in the ring then is still analysed and told.
    pub fn run(mut self, stop: &AtomicBool, reload: &AtomicBool) {
        self.take_maps();
        self.take_triggers();
        self.take_profiles(&[]);
        let mut next_health = Instant::now();
        loop {
            let leaving = stop.load(Ordering::Relaxed);
            let begun = Instant::now();
            while let Ok(change) = self.lines.sources.try_recv() {
                self.change_source(change);
            }
            self.listen(if leaving { Duration::MAX } else { SOUND_A_TURN });
            self.obey(stop);
            self.hear_plugins();
            if reload.swap(false, Ordering::Relaxed) {
                let origin = self.surface.running().origin().clone();
                self.hand_over(None, Job::Reload(None, origin));
            }
            self.surface.flush(Instant::now());
            if next_health <= begun {
                next_health = begun + HEALTH_PERIOD;
                self.tell_health(begun);
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
            SourceChange::Opened { reader, fader, plugins, id, why } => {
                let now_hz = reader.rate_hz();
                let before_hz = self.rate_hz.replace(now_hz).unwrap_or(now_hz);
                if let Err(error) = self.take_source(*reader, fader) {
                    log::error!("{id} cannot be analysed: {error}");
                    let fault = Fault::new(Code::Device, error.to_string());
                    return self.source_refused(fault);
                }
                self.take_plugins(plugins);
                match why {
                    Why::First => {}
                    Why::Back(without) => {
                        self.tally.restarts += 1;
                        let text = format!("back after {:.1} s", without.as_secs_f32());
                        self.tell_device(1, id.clone(), text);
                    }
                    Why::Chosen => {
                        self.commit();
                        self.tell_device(1, id.clone(), "chosen".to_owned());
                    }
                }
                if now_hz != before_hz {
                    self.tell_device(3, id, format!("{now_hz} Hz, was {before_hz} Hz"));
                }
            }
            SourceChange::Lost { id, outage } => {
                self.without_source = HealthState::DeviceLost;
                self.rest();
                self.surface.silence();
                self.tell_device(0, id, format!("{}, retrying", outage.text()));
                let health = self.health(None);
                self.surface.health(&health);
            }
            SourceChange::Refused { text } => {
                self.source_refused(Fault::new(Code::Device, text));
            }
            SourceChange::Output(OutputChange { is_back, id, text }) => {
                self.tell_device(i32::from(is_back), id, text);
            }
            SourceChange::Retried { refused } => {
                let Some(ticket) = self.retry.take() else { return };
                let result = match refused {
                    None => Ok(Done::Plain),
                    Some(text) if self.live.is_some() => Err(Fault::new(Code::NotNow, text)),
                    Some(text) => Err(Fault::new(Code::Device, text)),
                };
                self.surface.answer(ticket, result, Instant::now());
            }
        }
    }

    /// The source is gone or about to be replaced; its engine waits for the next.
    fn rest(&mut self) {
        if let Some(live) = self.live.take() {
            let counters = live.reader.counters();
            self.hands.triggers.release();
            let (surface, voice) = (&mut self.surface, &self.config.voice);
            for segments in &mut self.segments {
                segments.release(voice, &mut |event| surface.segment(event));
            }
            self.tally.xruns += counters.xruns.load(Ordering::Relaxed);
            self.tally.repaired += counters.repaired_samples.load(Ordering::Relaxed);
            self.resting = Some(live.engine);
        }
    }

    /// With the engine of the source before, if it fits: it keeps baselines, window and sequence.
    fn take_source(&mut self, reader: Reader, fader: Arc<Fader>) -> Result<(), EngineError> {
        self.rest();
        let engine = match self.resting.take() {
            Some(mut engine) if engine.channels() == reader.channels() => {
                engine.reopen(reader.rate_hz())?;
                engine
            }
            mut before => {
                let mut engine = self.new_engine(&reader, before.as_ref())?;
                before.iter_mut().for_each(|before| engine.seat_people_of(before));
                engine
            }
        };
        let channels = u16::try_from(reader.channels()).unwrap_or(1);
        self.segments.truncate(usize::from(channels));
        let known = u16::try_from(self.segments.len()).unwrap_or(0);
        self.segments.extend((known + 1..=channels).map(Segments::new));
        let through = &self.config.through;
        fader.set(through.gain_db, through.mute);
        self.live = Some(Live { reader, engine, fader });
        self.take_waiting();
        Ok(())
    }

    /// That of the source, or of the one that was lost.
    fn engine(&mut self) -> Option<&mut Engine> {
        self.live.as_mut().map(|live| &mut live.engine).or(self.resting.as_mut())
    }

    /// For the channels of this source, with a sequence that goes on.
    fn new_engine(&self, reader: &Reader, before: Option<&Engine>) -> Result<Engine, EngineError> {
        let mut config = self.config.clone();
        // At most the ring's 16 channels.
        config.input.channels = u16::try_from(reader.channels()).unwrap_or(1);
        let mut engine = Engine::new(reader.rate_hz(), self.model.predictor.card(), &config)?;
        before.into_iter().for_each(|before| engine.follow(before));
        Ok(engine)
    }

    fn tell_device(&mut self, code: i32, id: String, text: String) {
        self.surface.event(&Event { kind: EventKind::Device, code, subject: id, text });
    }

    /// Everything that the ring holds now, or as much as the time allows.
    fn listen(&mut self, time: Duration) {
        let begun = Instant::now();
        if let Some(live) = &mut self.live {
            live.reader.observe(SystemTime::now());
        }
        while begun.elapsed() < time {
            let Some(Live { reader, engine, .. }) = &mut self.live else { return };
            let updates = &mut self.updates;
            updates.clear();
            match reader.read() {
                Some(Chunk::Frames(frames)) => {
                    engine.step(frames, &mut self.model, &mut |update| updates.push(*update));
                }
                Some(Chunk::Gap(frames)) => engine.skip(frames, &mut self.model),
                None => return,
            }
            let updates = std::mem::take(&mut self.updates);
            updates.iter().for_each(|update| self.take_update(update));
            self.updates = updates; // for its room
        }
    }

    fn take_update(&mut self, update: &Update) {
        let Some(Live { reader, engine, .. }) = &self.live else { return };
        let (captured, hop_s) = (reader.capture_time(update.end_frame), engine.hop_s());
        let names = self.people.names(update.channel, self.model.predictor.card());
        let triggers = self.hands.triggers.advance(update, names, hop_s);
        let update = &Update { triggers, ..*update };
        self.surface.update(update, captured, Moment::now());
        self.map(update, hop_s);
        self.watch_calibration(update.channel, hop_s);
        let index = usize::from(update.channel).saturating_sub(1);
        if let Some(segments) = self.segments.get_mut(index) {
            let surface = &mut self.surface;
            segments.advance(update, &self.config.voice, &mut |event| surface.segment(event));
        }
        let age = SystemTime::now().duration_since(captured).unwrap_or_default();
        self.latencies.push(1000.0 * age.as_secs_f32());
        if hop_s < age.as_secs_f32() {
            self.tally.late = self.tally.late.saturating_add(1);
        }
        if update.voice_on {
            self.last_voice = Instant::now();
        }
        if update.channel == 1 && self.config.privacy.consent {
            // Full when nobody looks at the status line just now.
            self.lines.shown.try_send(*update).unwrap_or_default();
        }
    }

    fn obey(&mut self, stop: &AtomicBool) {
        let begun = Instant::now();
        while begun.elapsed() < COMMANDS_A_TURN {
            let Ok(inbound) = self.lines.commands.try_recv() else { break };
            for Pending { ticket, request } in self.surface.handle(inbound, Instant::now()) {
                if matches!(request, Request::Quit) {
                    stop.store(true, Ordering::Relaxed);
                    self.surface.answer(ticket, Ok(Done::Plain), Instant::now());
                } else {
                    self.carry_out(ticket, request);
                }
            }
        }
        while let Ok(finished) = self.lines.finished.try_recv() {
            self.take(finished);
        }
        if let Some(receivers) = self.surface.take_unsaved() {
            self.hand_over(None, Job::SaveReceivers(receivers));
        }
    }
}
