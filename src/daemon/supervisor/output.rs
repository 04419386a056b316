//! Keeps the output open that the sound of a source goes on to, beside the source: losing it stops
//! no analysis. Runs on the main thread, between two looks at the clock.

use std::time::Instant;

use crate::audio::through::Home;
use crate::audio::{self, AudioError, Direction, Output};
use crate::config::checked::ThroughTo;
use crate::daemon::supervisor::RETRY;
use crate::daemon::supervisor::pulse::Pulse;

/// What happened to an output, for the worker to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputChange {
    pub is_back: bool,
    pub id: String,
    pub text: String,
}

/// An output that plays, or that is waited for.
pub struct Outlet {
    home: Home,
    to: ThroughTo,
    now: Now,
}

enum Now {
    Playing { output: Output, pulse: Pulse },
    Lost { id: String, since: Instant, next: Instant },
}

impl Outlet {
    pub fn open(home: Home, to: ThroughTo) -> Result<Self, AudioError> {
        let output = audio::open_output(&home, &to)?;
        log::info!("the sound goes on to {}", output.id);
        Ok(Self { home, to, now: playing(output) })
    }

    /// One that could not be opened along with its source, which is back without it.
    pub fn waiting(home: Home, to: ThroughTo) -> Self {
        let (id, since) = (name(&to), Instant::now());
        Self { home, to, now: Now::Lost { id, since, next: since + RETRY[0] } }
    }

    /// What to open after an outage of the source: the same device, not what is the default then.
    pub fn same_again(&self) -> ThroughTo {
        match &self.now {
            Now::Playing { output, .. } => ThroughTo::Device(output.id.clone()),
            Now::Lost { id, .. } if *id != name(&self.to) => ThroughTo::Device(id.clone()),
            Now::Lost { .. } => self.to.clone(),
        }
    }

    /// One look at it.
    pub fn watch(&mut self) -> Option<OutputChange> {
        match &mut self.now {
            Now::Playing { output, pulse } => {
                let trouble = pulse.trouble(output.callbacks(), &output.liveness)?;
                let (id, since) = (output.id.clone(), Instant::now());
                log::warn!("the output {id} is {}; retrying", trouble.text());
                self.now = Now::Lost { id: id.clone(), since, next: since + RETRY[0] };
                let text = format!("output {}, retrying", trouble.text());
                Some(OutputChange { is_back: false, id, text })
            }
            Now::Lost { next, .. } if Instant::now() < *next => None,
            Now::Lost { .. } => {
                let opened = audio::open_output(&self.home, &self.same_again());
                let Now::Lost { id, since, next } = &mut self.now else { return None };
                match opened {
                    Ok(output) => {
                        let (id, without) = (output.id.clone(), since.elapsed());
                        log::info!("the output {id} is back after {:.1} s", without.as_secs_f32());
                        self.now = playing(output);
                        let text = format!("output back after {:.1} s", without.as_secs_f32());
                        Some(OutputChange { is_back: true, id, text })
                    }
                    Err(error) => {
                        log::debug!("the output {id} is still gone: {error}");
                        *next = Instant::now() + RETRY[1];
                        None
                    }
                }
            }
        }
    }
}

fn playing(output: Output) -> Now {
    let pulse = Pulse::new(output.id.clone(), Direction::Output);
    Now::Playing { output, pulse }
}

fn name(to: &ThroughTo) -> String {
    match to {
        ThroughTo::Device(id) => id.clone(),
        ThroughTo::Default | ThroughTo::Nothing => "the default output".to_owned(),
    }
}
