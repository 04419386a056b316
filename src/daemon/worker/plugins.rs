//! The worker's part in plug-ins: it knows their board, moves their parameters for commands and
//! mappings, and asks the plug-in thread for what takes its time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ringbuf::HeapProd;
use ringbuf::traits::Producer;
use rosc::OscType;

use crate::config::map::{Slot, Target};
use crate::config::typed::Typed;
use crate::daemon::clerk::Job;
use crate::daemon::plugins::{Told, Wish};
use crate::daemon::worker::Worker;
use crate::engine::mapping::Mapper;
use crate::engine::triggers::Triggers;
use crate::messages::{Event, EventKind, Update};
use crate::osc::fault::{Code, Fault};
use crate::osc::surface::{Comparison, Done, PluginRequest, Ticket};
use crate::plugins::board::{Board, Card};
use crate::plugins::chain::{Ends, Move};
use crate::plugins::processor::Scale;
use crate::plugins::rack::{BACK, Saved};

/// A value that a command asks for is reached in so many seconds.
const GLIDE_S: f32 = 0.02;

/// Conditions that may be watched at once.
const WATCHES_MAX: usize = 64;

/// Code of the event that a watched condition begins or ends to hold.
const WATCHED: i32 = 3;

/// What the worker keeps of plug-ins, mappings and triggers.
#[derive(Default)]
pub struct Hands {
    board: Arc<Board>,
    /// To the audio thread of the source that plays.
    moves: Option<HeapProd<Move>>,
    pub mapper: Mapper,
    pub triggers: Triggers,
    watches: Vec<Watch>,
    /// Who waits for the state of all slots, and what is to be done with it.
    saving: Vec<(Ticket, SaveTo)>,
}

/// A condition on a parameter.
struct Watch {
    /// The slot's name.
    slot: String,
    parameter: usize,
    comparison: Comparison,
    than: f32,
    held: bool,
}

/// Where the state of all slots goes.
pub enum SaveTo {
    /// The configuration file.
    Configuration { file: PathBuf, typed: Box<Typed> },
    /// A file with the chain alone.
    Chain { file: PathBuf },
}

impl Worker {
    /// Another source plays: its plug-ins are built for it.
    pub(super) fn take_plugins(&mut self, mut ends: Box<Ends>) {
        self.hands.moves = ends.moves.take();
        if self.wish(Wish::Attach(ends)).is_err() {
            log::error!("the plug-in thread takes no source; no plug-in runs");
        }
    }

    /// The mappings are those of the configuration.
    pub(super) fn take_maps(&mut self) {
        if let Err(error) = self.hands.mapper.set_all(self.config.maps.clone()) {
            log::error!("the mappings stay as they were: {error}");
        }
    }

    /// The triggers are those of the configuration.
    pub(super) fn take_triggers(&mut self) {
        if let Err(error) = self.hands.triggers.set_all(self.config.triggers.clone()) {
            log::error!("the triggers stay as they were: {error}");
        }
    }

    pub(super) fn wish(&mut self, wish: Wish) -> Result<(), Fault> {
        let busy = |_| Fault::new(Code::NotNow, "the plug-ins are being changed; ask again");
        self.lines.wishes.try_send(wish).map_err(busy)
    }

    pub(super) fn hear_plugins(&mut self) {
        while let Ok(told) = self.lines.told.try_recv() {
            match told {
                Told::Board(board) => {
                    self.hands.board = board;
                    self.hands.mapper.tell_again();
                }
                Told::Committed => self.conclude(),
                Told::Prepared(result) => self.plugins_prepared(result),
                Told::Saved(ticket, saved) => self.saved(ticket, &saved),
                Told::Presets { ticket, slot, presets } => {
                    let row = |(label, uri): (String, String)| {
                        ("plugin/preset/item", vec![int(slot + 1), label.into(), uri.into()])
                    };
                    let items = presets.into_iter().map(row).collect();
                    self.surface.answer(ticket, Ok(Done::Items(items)), Instant::now());
                }
                Told::News(news) => {
                    log::warn!("plug-in {}: {}", news.name, news.text);
                    self.tally.plugin_faults += i32::from(news.code != BACK);
                    let (code, subject, text) = (news.code, news.name, news.text);
                    self.surface.event(&Event { kind: EventKind::Plugin, code, subject, text });
                }
            }
        }
        self.look_at_watches();
    }

    /// One hop of the mappings.
    pub(super) fn map(&mut self, update: &Update, hop_s: f32) {
        if !self.config.privacy.consent {
            return;
        }
        let frames = self.frames(hop_s);
        let names = self.people.names(update.channel, self.model.predictor.card());
        let surface = &mut self.surface;
        let Hands { board, moves, mapper, .. } = &mut self.hands;
        mapper.advance(update, names, hop_s, &mut |map, value| match &map.target {
            Target::Osc { receiver, address } => {
                surface.send_mapped(receiver.as_deref(), address, value);
            }
            Target::Plugin { slot: Slot::Name(name), symbol } => {
                let card = board.iter().find(|card| card.name == *name);
                let step = card.and_then(|card| card.step(card.find(symbol)?, value, frames));
                push(moves, step);
            }
            // Names took the place of numbers when the configuration was read.
            Target::Plugin { slot: Slot::Number(_), .. } => {}
        });
    }

    fn frames(&self, seconds: f32) -> u32 {
        let frames = crate::units::to_count(f64::from(seconds * self.rate_hz.unwrap_or(0) as f32));
        u32::try_from(frames).unwrap_or(u32::MAX)
    }

    pub(super) fn try_plugins(
        &mut self,
        ticket: Ticket,
        request: PluginRequest,
    ) -> Result<Option<Done>, Fault> {
        Ok(Some(match request {
            PluginRequest::List => {
                let cards = self.hands.board.iter().enumerate();
                Done::Items(cards.map(|(index, card)| self.item(index, card)).collect())
            }
            PluginRequest::Parameters { slot } => {
                let card = self.card(slot)?;
                Done::Items(parameters(slot, card))
            }
            PluginRequest::Get { slot, name } => {
                let card = self.card(slot)?;
                let value = card.values.get(parameter(card, &name)?);
                Done::Values(vec![OscType::Float(value)])
            }
            PluginRequest::Set { slot, name, value } => {
                self.set(slot, &name, value)?;
                Done::Plain
            }
            PluginRequest::Watch { slot, name, condition } => {
                self.watch(slot, &name, condition)?;
                Done::Plain
            }
            PluginRequest::Solo { name } => {
                let solo = self.hands.mapper.solo(name.as_deref());
                solo.map_err(|error| Fault::new(Code::NoSuchThing, error.to_string()))?;
                Done::Plain
            }
            PluginRequest::Scan => {
                self.hand_over(Some(ticket), Job::ScanPlugins(ticket));
                return Ok(None);
            }
            PluginRequest::LoadChain { file } => {
                self.hand_over(Some(ticket), Job::LoadChain(ticket, file));
                return Ok(None);
            }
            PluginRequest::SaveChain { file } => {
                self.save_to(ticket, SaveTo::Chain { file });
                return Ok(None);
            }
            PluginRequest::Presets { slot } => {
                let uri = self.card(slot)?.uri.clone();
                self.wish(Wish::Presets { ticket, slot, uri })?;
                return Ok(None);
            }
        }))
    }

    fn card(&self, slot: usize) -> Result<&Card, Fault> {
        let text = "the slot is being built; ask again";
        self.hands.board.get(slot).ok_or_else(|| Fault::new(Code::NotNow, text))
    }

    fn set(&mut self, slot: usize, name: &str, value: f32) -> Result<(), Fault> {
        let card = self.card(slot)?;
        let index = parameter(card, name)?;
        let known = &card.parameters[index];
        if !(known.min..=known.max).contains(&value) {
            let text = format!(
                "{}/{} is {value}, allowed are {} to {}",
                card.name, known.symbol, known.min, known.max
            );
            return Err(Fault::new(Code::OutOfRange, text));
        }
        let step = card.step(index, value, self.frames(GLIDE_S));
        push(&mut self.hands.moves, step);
        Ok(())
    }

    fn watch(
        &mut self,
        slot: usize,
        name: &str,
        condition: Option<(Comparison, f32)>,
    ) -> Result<(), Fault> {
        let card = self.card(slot)?;
        let (parameter, slot) = (parameter(card, name)?, card.name.clone());
        self.hands.watches.retain(|w| !(w.slot == slot && w.parameter == parameter));
        let Some((comparison, than)) = condition else { return Ok(()) };
        if WATCHES_MAX <= self.hands.watches.len() {
            let text = format!("{WATCHES_MAX} parameters are watched, more are not allowed");
            return Err(Fault::new(Code::Limit, text));
        }
        self.hands.watches.push(Watch { slot, parameter, comparison, than, held: false });
        Ok(())
    }

    fn look_at_watches(&mut self) {
        let mut events = Vec::new();
        let Hands { watches, board, .. } = &mut self.hands;
        for watch in watches {
            let Some(card) = board.iter().find(|card| card.name == watch.slot) else { continue };
            let Some(parameter) = card.parameters.get(watch.parameter) else { continue };
            let value = card.values.get(watch.parameter);
            let holds = watch.comparison.holds(value, watch.than);
            if holds != watch.held {
                watch.held = holds;
                let (sign, verb) = (watch.comparison.sign(), if holds { "is" } else { "is not" });
                let text = format!("{value} {verb} {sign} {}", watch.than);
                events.push((format!("{}/{}", card.name, parameter.symbol), text));
            }
        }
        for (subject, text) in events {
            self.surface.event(&Event { kind: EventKind::Plugin, code: WATCHED, subject, text });
        }
    }

    fn item(&self, index: usize, card: &Card) -> (&'static str, Vec<OscType>) {
        let flag = |value: bool| OscType::Int(i32::from(value));
        let rate_hz = self.rate_hz.unwrap_or(1).max(1) as f32;
        let row = vec![
            int(index + 1),
            card.name.as_str().into(),
            card.uri.as_str().into(),
            int(card.channel.map_or(0, |channel| channel + 1)),
            flag(card.is_heard),
            flag(card.is_bypassed),
            flag(card.is_here),
            OscType::Int(card.condition as i32),
            OscType::Float(1000.0 * card.latency_frames() as f32 / rate_hz),
            OscType::Float(card.status.load()),
        ];
        ("plugin/item", row)
    }

    /// The state of all slots is asked for, and then saved.
    pub(super) fn save_to(&mut self, ticket: Ticket, to: SaveTo) {
        match self.wish(Wish::Save(ticket)) {
            Ok(()) => self.hands.saving.push((ticket, to)),
            Err(fault) => self.surface.answer(ticket, Err(fault), Instant::now()),
        }
    }

    fn saved(&mut self, ticket: Ticket, saved: &[Saved]) {
        let Some(index) = self.hands.saving.iter().position(|(asked, _)| *asked == ticket) else {
            return;
        };
        let (_, to) = self.hands.saving.swap_remove(index);
        match to {
            SaveTo::Configuration { file, mut typed } => {
                put_saved(&mut typed, saved);
                self.hand_over(Some(ticket), Job::Save(ticket, file, typed));
            }
            SaveTo::Chain { file } => {
                let mut typed = self.surface.running().state().typed.clone();
                put_saved(&mut typed, saved);
                self.hand_over(Some(ticket), Job::SaveChain(ticket, file, typed.plugins));
            }
        }
    }
}

/// To the audio thread, if a source plays.
fn push(moves: &mut Option<HeapProd<Move>>, step: Option<Move>) {
    if let Some((moves, step)) = moves.as_mut().zip(step)
        && moves.try_push(step).is_err()
    {
        log::debug!("the audio thread takes no moves: {step:?} is lost");
    }
}

fn int(value: usize) -> OscType {
    OscType::Int(i32::try_from(value).unwrap_or(i32::MAX))
}

fn put_saved(typed: &mut Typed, saved: &[Saved]) {
    for slot in &mut typed.plugins.slots {
        if let Some(saved) = saved.iter().find(|saved| saved.name == slot.name) {
            slot.set = saved.set.iter().cloned().collect();
            slot.set_state(saved.state.as_deref());
        }
    }
}

fn parameter(card: &Card, name: &str) -> Result<usize, Fault> {
    card.find(name).ok_or_else(|| {
        let known: Vec<_> = card.parameters.iter().map(|one| one.symbol.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let text = format!("{} has no parameter {name:?}; it has {known}", card.name);
        Fault::new(Code::NoSuchThing, text)
    })
}

fn parameters(slot: usize, card: &Card) -> Vec<(&'static str, Vec<OscType>)> {
    let mut items = Vec::new();
    for (index, one) in card.parameters.iter().enumerate() {
        let steps = if let Scale::Stepped(steps) = one.scale { steps } else { 0 };
        let numbers = [one.min, one.max, one.default, card.values.get(index)].map(OscType::Float);
        let mut row = vec![int(slot + 1), int(index)];
        row.extend([&one.symbol, &one.name, &one.unit].map(|word| word.as_str().into()));
        row.extend(numbers);
        row.push(OscType::Int(i32::try_from(steps).unwrap_or(i32::MAX)));
        items.push(("plugin/param/item", row));
        for (value, label) in &one.labels {
            let row = vec![
                int(slot + 1),
                one.symbol.as_str().into(),
                OscType::Float(*value),
                label.as_str().into(),
            ];
            items.push(("plugin/param/label", row));
        }
    }
    items
}
