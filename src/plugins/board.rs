//! What is known of each slot, for those who list plug-ins and move their parameters; made by the
//! rack whenever its chain changes and read on any thread. Values and status in it stay live.

use std::sync::Arc;

use crate::plugins::chain::{Move, SlotId};
use crate::plugins::instance::Values;
use crate::plugins::processor::Parameter;
use crate::plugins::unit::Status;

/// How a slot fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It runs.
    Runs = 0,
    /// It gave no sound, or its process ended: the sound passes it by until it is built again.
    Down = 1,
    /// It could not be built.
    Missing = 2,
}

/// One slot, in the order in which the voice runs through them.
#[derive(Clone, Debug)]
pub struct Card {
    pub name: String,
    pub uri: String,
    /// The plug-in's own name.
    pub title: String,
    /// Counted from 0; `None` for all.
    pub channel: Option<usize>,
    pub is_heard: bool,
    pub is_bypassed: bool,
    /// It runs in our process.
    pub is_here: bool,
    pub condition: Condition,
    pub parameters: Arc<[Parameter]>,
    /// As they were asked for last.
    pub values: Arc<Values>,
    pub status: Arc<Status>,
    /// Of the process that it runs in, where that is not told by another card: one block.
    pub transit: Option<Arc<Status>>,
    /// Where the audio thread has it.
    pub slot: SlotId,
    /// Of its first parameter there.
    pub offset: usize,
}

pub type Board = Vec<Card>;

impl Card {
    /// A parameter by its symbol or, counted from 0, by its number.
    pub fn find(&self, name: &str) -> Option<usize> {
        let by_number = || name.parse().ok().filter(|index| *index < self.parameters.len());
        let by_symbol = self.parameters.iter().position(|parameter| parameter.symbol == name);
        by_symbol.or_else(by_number)
    }

    /// What moves this parameter to the nearest value that it takes, in so many frames. The value
    /// counts as asked for from here on.
    pub fn step(&self, parameter: usize, value: f32, frames: u32) -> Option<Move> {
        let value = self.parameters.get(parameter)?.nearest(value);
        self.values.set(parameter, value);
        Some(Move { slot: self.slot, parameter: self.offset + parameter, value, frames })
    }

    /// Delay that it adds, in frames.
    pub fn latency_frames(&self) -> u32 {
        let transit = self.transit.as_ref().map_or(0, |status| status.latency_frames());
        self.status.latency_frames() + transit
    }
}
