//! What commands ask of the daemon: handed to the clerk or the supervisor if it takes its time, and
//! answered when it is done. A change of the configuration holds whole or not at all: first the
//! model is loaded, then the source is opened, and only when both are there is anything replaced.

use std::time::Instant;

use crossbeam_channel::TrySendError;

use crate::audio::Direction;
use crate::config::checked::Config;
use crate::config::running::State;
use crate::config::slots::TypedPlugins;
use crate::config::typed::Typed;
use crate::daemon::check_mask;
use crate::daemon::clerk::{Finished, Job};
use crate::daemon::plugins::Wish;
use crate::daemon::supervisor::SourceOrder;
use crate::daemon::worker::plugins::SaveTo;
use crate::daemon::worker::timed::Timed;
use crate::daemon::worker::{Live, Worker};
use crate::engine::step::Engine;
use crate::messages::{Event, EventKind};
use crate::model::backend::Loaded;
use crate::osc::fault::{Code, Fault};
use crate::osc::surface::{Cause, Done, Request, Ticket};

/// A configuration on its way.
pub struct Change {
    /// Who waits for it; nobody after a signal.
    ticket: Option<Ticket>,
    state: Box<State>,
    cause: Cause,
    /// What the file says, after a reload.
    saved: Option<Box<Typed>>,
    loaded: Option<Box<Loaded>>,
}

impl Worker {
    pub(super) fn carry_out(&mut self, ticket: Ticket, request: Request) {
        match request {
            Request::Quit => {}
            Request::Adopt { state, cause } => self.begin(Some(ticket), state, cause, None),
            Request::Reload(origin) => {
                self.hand_over(Some(ticket), Job::Reload(Some(ticket), origin))
            }
            Request::Check(typed) => self.hand_over(Some(ticket), Job::Check(ticket, typed)),
            Request::Validate { folder, name } => {
                self.hand_over(Some(ticket), Job::Validate(ticket, folder, name));
            }
            Request::Save { file, typed } => {
                self.save_to(ticket, SaveTo::Configuration { file, typed });
            }
            Request::Person { channel, request } => {
                let outcome = self.try_person(ticket, channel, request);
                self.answer_unless_later(ticket, outcome);
            }
            Request::Plugin(request) => {
                let outcome = self.try_plugins(ticket, request);
                self.answer_unless_later(ticket, outcome);
            }
            Request::ListDevices => {
                self.hand_over(Some(ticket), Job::ListDevices(ticket, Direction::Input));
            }
            Request::ListOutputs => {
                self.hand_over(Some(ticket), Job::ListDevices(ticket, Direction::Output));
            }
            Request::ListModels => {
                let folder = self.config.model.folder.clone();
                self.hand_over(Some(ticket), Job::ListModels(ticket, folder));
            }
            Request::RetryDevice if self.retry.is_some() => {
                let fault = Fault::new(Code::NotNow, "the source is being tried just now");
                self.surface.answer(ticket, Err(fault), Instant::now());
            }
            Request::RetryDevice => {
                self.retry = Some(ticket);
                self.order(SourceOrder::Retry);
            }
        }
    }

    /// `None`: others answer.
    fn answer_unless_later(&mut self, ticket: Ticket, outcome: Result<Option<Done>, Fault>) {
        if let Some(result) = outcome.transpose() {
            self.surface.answer(ticket, result, Instant::now());
        }
    }

    /// To the clerk; who asked is told if there is too much to do.
    pub(super) fn hand_over(&mut self, ticket: Option<Ticket>, job: Job) {
        match (self.queue(job), ticket) {
            (Ok(()), _) => {}
            (Err(fault), Some(ticket)) => self.surface.answer(ticket, Err(fault), Instant::now()),
            (Err(fault), None) => log::warn!("{fault}"),
        }
    }

    /// To the clerk.
    pub(super) fn queue(&mut self, job: Job) -> Result<(), Fault> {
        self.lines.jobs.try_send(job).map_err(|error| {
            let text = match error {
                TrySendError::Full(_) => "too much is being done already; ask again",
                TrySendError::Disconnected(_) => "the daemon is leaving",
            };
            Fault::new(Code::NotNow, text)
        })
    }

    /// What the clerk has done.
    pub(super) fn take(&mut self, finished: Finished) {
        match finished {
            Finished::Answer(ticket, result) => {
                self.surface.answer(ticket, result, Instant::now());
            }
            Finished::Configuration { ticket, read: Ok((state, Some(saved))) } => {
                self.begin(ticket, state, Cause::Reload, Some(saved));
            }
            Finished::Configuration { ticket, read: Ok((state, None)) } => {
                // Other keys may have been set while the host names were looked up.
                let mut now = Box::new(self.surface.running().state().clone());
                now.typed.osc = state.typed.osc;
                now.config.osc = state.config.osc;
                self.begin(ticket, now, Cause::Set("osc".to_owned()), None);
            }
            Finished::Configuration { ticket, read: Err(fault) } => self.refuse(ticket, fault),
            Finished::Loaded(Ok(loaded)) => self.model_loaded(loaded),
            Finished::Loaded(Err(fault)) => self.abandon(fault),
            Finished::Progress(ticket, share, what) => self.surface.progress(ticket, share, &what),
            Finished::Chain(ticket, read) => {
                let state = read.and_then(|plugins| self.with_chain(plugins));
                match state {
                    Ok(state) => {
                        let cause = Cause::Set("plugins.slots".to_owned());
                        self.begin(Some(ticket), Box::new(state), cause, None);
                    }
                    Err(fault) => self.refuse(Some(ticket), fault),
                }
            }
            Finished::Trained { channel, number, result } => {
                self.take_head(channel, number, result);
            }
            Finished::Profile { ticket, channel, file, read } => {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                self.take_profile(ticket, channel, name, read);
            }
            Finished::ReceiversNotSaved(text) => {
                log::warn!("{text}");
                let subject = String::new();
                self.surface.event(&Event { kind: EventKind::Client, code: 2, subject, text });
            }
        }
    }

    fn with_chain(&self, plugins: TypedPlugins) -> Result<State, Fault> {
        let State { mut typed, config } = self.surface.running().state().clone();
        typed.plugins = plugins;
        typed.settle_names();
        let config = typed.check_with(config.osc).map_err(|problems| {
            let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
            Fault::new(Code::Config, texts.join("; "))
        })?;
        Ok(State { typed, config })
    }

    /// Without somebody to answer the refusal is an event.
    fn refuse(&mut self, ticket: Option<Ticket>, fault: Fault) {
        match ticket {
            Some(ticket) => self.surface.answer(ticket, Err(fault), Instant::now()),
            None => {
                log::error!("the configuration stays as it is: {fault}");
                let (code, subject) = (0, String::new());
                let kind = EventKind::Config;
                self.surface.event(&Event { kind, code, subject, text: fault.text });
            }
        }
    }

    fn begin(
        &mut self,
        ticket: Option<Ticket>,
        state: Box<State>,
        cause: Cause,
        saved: Option<Box<Typed>>,
    ) {
        if self.change.is_some() || self.committed.is_some() {
            let text = "another change waits for its model or device; ask again";
            return self.refuse(ticket, Fault::new(Code::NotNow, text));
        }
        let (model, ours) = (&state.config.model, &self.config.model);
        let needs_model = model.folder != ours.folder || model.backend != ours.backend;
        let job = Job::LoadModel(model.clone());
        let checked = match needs_model {
            true => Ok(()), // the new model will say
            false => check_mask(&state.config, self.model.predictor.card()),
        };
        if let Err(error) = checked {
            return self.refuse(ticket, Fault::new(Code::Config, error.to_string()));
        }
        self.change = Some(Change { ticket, state, cause, saved, loaded: None });
        if !needs_model {
            return self.build_plugins();
        }
        if self.lines.jobs.try_send(job).is_err() {
            return self.abandon(Fault::new(Code::NotNow, "too much is being done; ask again"));
        }
        if let Some(ticket) = ticket {
            self.surface.progress(ticket, 0.0, "loading the model and running it once");
        }
    }

    fn model_loaded(&mut self, loaded: Box<Loaded>) {
        let Some(change) = &mut self.change else { return };
        if let Err(error) = check_mask(&change.state.config, loaded.predictor.card()) {
            return self.abandon(Fault::new(Code::Config, error.to_string()));
        }
        change.loaded = Some(loaded);
        self.build_plugins();
    }

    /// The second step: the plug-ins, if they are others.
    fn build_plugins(&mut self) {
        let Some(change) = &self.change else { return };
        let plugins = &change.state.config.plugins;
        if *plugins == self.config.plugins {
            return self.open_source();
        }
        if let Err(fault) = self.wish(Wish::Prepare(Box::new(plugins.clone()))) {
            self.abandon(fault);
        }
    }

    pub(super) fn plugins_prepared(&mut self, prepared: Result<(), Fault>) {
        match prepared {
            Ok(()) => self.open_source(),
            Err(fault) => self.abandon(fault),
        }
    }

    /// The third step: the source, if it is another one.
    fn open_source(&mut self) {
        let Some(change) = &self.change else { return };
        let (input, ours) = (&change.state.config.input, &self.config.input);
        let is_same = input.source == ours.source
            && input.channels == ours.channels
            && input.map == ours.map
            && input.ring_s == ours.ring_s
            && input.through == ours.through;
        let order = match is_same {
            true => SourceOrder::Keep(input.clone()),
            false => SourceOrder::Select(input.clone()),
        };
        if input != ours {
            self.order(order);
        }
        if is_same {
            self.commit();
        }
    }

    fn order(&mut self, order: SourceOrder) {
        if self.lines.ordered.try_send(order).is_err() {
            self.source_refused(Fault::new(Code::NotNow, "the source is being changed; ask again"));
        }
    }

    pub(super) fn source_refused(&mut self, fault: Fault) {
        if let Some(ticket) = self.retry.take() {
            self.surface.answer(ticket, Err(fault.clone()), Instant::now());
        }
        self.abandon(fault);
    }

    fn abandon(&mut self, fault: Fault) {
        if let Some(change) = self.change.take() {
            self.refuse(change.ticket, fault);
        }
    }

    /// The last step: all is there, and from here on it holds.
    pub(super) fn commit(&mut self) {
        let Some(change) = self.change.take() else { return };
        let before = std::mem::replace(&mut self.config, change.state.config.clone());
        let is_new_model = change.loaded.is_some();
        if let Some(loaded) = change.loaded {
            self.swap_model(*loaded, &before);
        }
        let live = self.live.as_mut().map(|live| &mut live.engine);
        live.or(self.resting.as_mut())
            .into_iter()
            .for_each(|engine| engine.configure(&self.config));
        if let Some(live) = &self.live {
            live.fader.set(self.config.through.gain_db, self.config.through.mute);
        }
        if before.maps != self.config.maps {
            self.take_maps();
        }
        if before.triggers != self.config.triggers {
            self.take_triggers();
        }
        let is_another = before.model.folder != self.config.model.folder;
        let known: &[String] = if is_another { &[] } else { &before.personal.profiles };
        self.take_profiles(known);
        let has_channels = before.input.channels == self.config.input.channels
            && before.input.names == self.config.input.names;
        if is_new_model || !has_channels || before.triggers != self.config.triggers {
            self.tell_knowledge();
        }
        let (state, cause) = (change.state, change.cause);
        let done = match change.saved {
            Some(saved) => Done::Reloaded { state, saved },
            None => Done::Adopted { state, cause },
        };
        self.committed = Some((change.ticket, done));
        if before.plugins == self.config.plugins {
            self.conclude();
        } else if let Err(fault) = self.wish(Wish::Commit) {
            log::error!("the plug-ins stay as they were: {fault}");
            self.conclude();
        }
    }

    /// Who asked is told once the plug-ins are others too, so that asking for them tells so.
    pub(super) fn conclude(&mut self) {
        match self.committed.take() {
            Some((Some(ticket), done)) => self.surface.answer(ticket, Ok(done), Instant::now()),
            Some((None, done)) => self.surface.settle(done, Instant::now()),
            None => {}
        }
    }

    /// Between two hops: the ring waits meanwhile, so no frame is lost.
    fn swap_model(&mut self, loaded: Loaded, before: &Config) {
        let is_another = before.model.folder != self.config.model.folder;
        let code = if is_another { 1 } else { 2 };
        let subject = loaded.predictor.card().name.clone();
        let place = if loaded.gpu { "GPU" } else { "CPU" };
        let text = format!("on the {place}: {}", loaded.reason);
        self.gpu = loaded.gpu;
        self.model = Timed::new(loaded.predictor);
        if is_another {
            self.cancel_trainings();
        }
        // On another backend the same network: what was heard stays.
        if is_another && let Some(Live { reader, engine, .. }) = &self.live {
            match self.new_engine(reader, Some(engine)) {
                Ok(fresh) => {
                    if let Some(live) = &mut self.live {
                        live.engine = fresh;
                    }
                }
                Err(error) => log::error!("the engine stays as it was: {error}"),
            }
        } else if is_another {
            self.resting = None;
        } else {
            self.engine().into_iter().for_each(Engine::change_model);
        }
        self.surface.event(&Event { kind: EventKind::Model, code, subject, text });
    }
}
