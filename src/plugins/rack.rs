//! The plug-in thread's view of all chains: builds what the configuration wants, sends the audio
//! thread the edits that lead there from what plays, frees what comes back, and builds again what
//! failed. Two steps, so that a change holds whole or not at all: `prepare` may fail and changes
//! nothing, `commit` cannot.

mod change;

mod element;

mod line;

mod plan;

mod trouble;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::config::slots::{Plugins, Slot};
use crate::plugins::board::{Board, Card, Condition};
use crate::plugins::chain::{Edit, Ends, SlotId};
use crate::plugins::formats::{Formats, is_builtin};
use crate::plugins::isolated::End;
use crate::plugins::rack::change::Next;
use crate::plugins::rack::element::{Element, Failure, Kind, Member};
use crate::plugins::wire::Wire;

/// Codes of [`News`], as the OSC contract has them.
pub const LOST: i32 = 0;
pub const BACK: i32 = 1;
pub const MUTED: i32 = 2;

/// Something happened to a plug-in by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// [`LOST`], [`BACK`] or [`MUTED`].
    pub code: i32,
    /// The slot's name.
    pub name: String,
    pub text: String,
}

struct Prepared {
    wanted: Plugins,
    /// Built for the source; `None` if it has gone or none was there.
    elements: Option<Vec<Next>>,
}

pub struct Rack {
    formats: Formats,
    program: PathBuf,
    wanted: Plugins,
    wire: Option<Wire>,
    elements: Vec<Element>,
    /// Those that could not be built for this source.
    missing: Vec<Slot>,
    prepared: Option<Prepared>,
    /// Taken out, until their units come back.
    retired: Vec<Element>,
    last_slot: SlotId,
    news: Vec<News>,
    has_changed: bool,
}

impl Rack {
    /// `program` hosts untrusted plug-ins.
    pub fn new(program: PathBuf, wanted: Plugins) -> Self {
        Self {
            formats: Formats::default(),
            program,
            wanted,
            wire: None,
            elements: Vec::new(),
            missing: Vec::new(),
            prepared: None,
            retired: Vec::new(),
            last_slot: 0,
            news: Vec::new(),
            has_changed: true,
        }
    }

    /// A source runs: all plug-ins are built for it, with the values that they had. What cannot be
    /// built is left out, and told; so is the return of what had failed.
    pub fn attach(&mut self, ends: Ends) {
        // What was prepared is for the source before; a commit builds it again.
        self.prepared = self.prepared.take().map(|old| Prepared { elements: None, ..old });
        let mut old = std::mem::take(&mut self.elements);
        old.iter_mut().for_each(|element| element.keep_state(None));
        let carried: Vec<_> =
            old.iter().flat_map(|element| element.members.iter().map(Member::same)).collect();
        let waiting = old.iter().filter(|element| element.trouble.retry_at.is_some());
        let waiting: Vec<_> = waiting.map(|element| element.members[0].spec.name.clone()).collect();
        // Units that are still on their way go before what they belong to.
        self.wire = None;
        drop(old);
        self.retired.clear();
        self.missing.clear();
        self.wire = Some(Wire::new(ends));
        self.play_what_can_be_built(&carried);
        for name in waiting {
            let mut members = self.elements.iter().flat_map(|element| &element.members);
            if members.any(|member| member.spec.name == name) {
                self.tell(BACK, &name, "runs again".to_owned());
            }
        }
    }

    /// Many times a second: looks after all plug-ins, frees what came back.
    pub fn tend(&mut self, now: Instant) {
        self.take_back();
        for index in 0..self.elements.len() {
            if let Some(failure) = self.elements[index].tend(now) {
                self.fail(index, &failure, now);
            }
            let retry_at = self.elements[index].trouble.retry_at;
            if retry_at.is_some_and(|at| at <= now) {
                self.rebuild(index, now);
            }
        }
    }

    fn take_back(&mut self) {
        let Some(wire) = &mut self.wire else { return };
        for unit in wire.returned() {
            let serial = unit.serial;
            let owner = self.elements.iter().find(|one| one.serial == serial);
            if let Some(Element { slot, kind: Kind::Here(instance), .. }) = owner {
                // Lent too late for who wanted to borrow it.
                instance.send_back(wire, *slot, unit);
                continue;
            }
            drop(unit);
            self.retired.retain(|one| one.serial != serial);
        }
    }

    fn fail(&mut self, index: usize, failure: &Failure, now: Instant) {
        let element = &mut self.elements[index];
        let wait_s = element.trouble.failed(now).as_secs_f32();
        let (code, member, what) = match failure {
            Failure::NoSound { member } => {
                (MUTED, *member, "gave NaN or far too loud a sound, and is passed by".to_owned())
            }
            Failure::Ended { member, end: End::Hangs } => (LOST, *member, "hangs".to_owned()),
            Failure::Ended { member, end: End::Ended(how) } => {
                (LOST, *member, format!("crashed, {how}"))
            }
        };
        if matches!(failure, Failure::Ended { .. }) {
            element.kind = Kind::Gone;
        }
        let spec = &element.members[member].spec;
        let name = spec.name.clone();
        let text = format!("{} {what}; built again in {wait_s} s", spec.uri);
        self.tell(code, &name, text);
        self.has_changed = true;
    }

    /// Label and URI of each.
    pub fn presets(&mut self, uri: &str) -> Vec<(String, String)> {
        self.formats.presets(uri)
    }

    /// What each slot keeps beside its parameters, and the values of those, by the slot's name.
    pub fn save(&mut self) -> Vec<Saved> {
        let mut saved = Vec::new();
        for element in &mut self.elements {
            element.keep_state(self.wire.as_mut());
            saved.extend(element.members.iter().map(Saved::of));
        }
        saved
    }

    /// What holds now.
    pub fn wanted(&self) -> &Plugins {
        &self.wanted
    }

    /// Their numbers: the processes that host untrusted plug-ins.
    pub fn processes(&self) -> Vec<u32> {
        let of = |element: &Element| match &element.kind {
            Kind::There(remote) => Some(remote.id()),
            Kind::Here(_) | Kind::Gone => None,
        };
        self.elements.iter().filter_map(of).collect()
    }

    /// What happened since it was asked last.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// All slots in the order of the configuration, if something about them is another since.
    pub fn take_board(&mut self) -> Option<Arc<Board>> {
        std::mem::take(&mut self.has_changed).then(|| Arc::new(self.board()))
    }

    fn board(&self) -> Board {
        let card = |(index, wanted): (usize, &Slot)| {
            let found = self.elements.iter().find_map(|element| {
                let place = element.members.iter().position(|one| one.spec.name == wanted.name)?;
                Some((element, place))
            });
            let element = found.map(|(element, _)| element);
            let member = found.map(|(element, place)| &element.members[place]);
            // Told by the first of those in one process.
            let transit = found.filter(|(element, place)| !element.is_here && *place == 0);
            Card {
                name: wanted.name.clone(),
                uri: wanted.uri.clone(),
                title: member.map(|member| member.title.clone()).unwrap_or_default(),
                channel: wanted.channel,
                is_heard: index < self.wanted.tap,
                is_bypassed: wanted.bypass,
                is_here: wanted.trusted || is_builtin(&wanted.uri),
                condition: element.map_or(Condition::Missing, Element::condition),
                parameters: member.map(|m| Arc::clone(&m.parameters)).unwrap_or_default(),
                values: member.map(|m| Arc::clone(&m.values)).unwrap_or_default(),
                status: member.map(|m| Arc::clone(&m.status)).unwrap_or_default(),
                transit: transit.map(|(element, _)| Arc::clone(&element.status)),
                slot: element.map_or(0, |element| element.slot),
                offset: member.map_or(0, |member| member.offset),
            }
        };
        self.wanted.slots.iter().enumerate().map(card).collect()
    }

    fn push(&mut self, edit: Edit) {
        if let Some(wire) = &mut self.wire {
            wire.push(edit);
        }
    }

    fn tell(&mut self, code: i32, name: &str, text: String) {
        self.news.push(News { code, name: name.to_owned(), text });
    }
}

/// A slot as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    pub name: String,
    /// By symbol, those that are not what preset and state make them.
    pub set: Vec<(String, f32)>,
    pub state: Option<Vec<u8>>,
}

impl Saved {
    fn of(member: &Member) -> Self {
        let values = member.parameters.iter().zip(member.values.all()).zip(&*member.base);
        let moved = values.filter(|((_, value), base)| value != *base).map(|(moved, _)| moved);
        Self {
            name: member.spec.name.clone(),
            set: moved.map(|(parameter, value)| (parameter.symbol.clone(), value)).collect(),
            state: member.kept.clone().or_else(|| member.spec.state.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
