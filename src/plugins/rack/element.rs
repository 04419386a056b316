//! What the audio thread sees as one slot: a plug-in of ours, or a run of untrusted ones that share
//! a process. Building one takes its time; on the plug-in thread.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::config::slots::Slot;
use crate::plugins::board::Condition;
use crate::plugins::chain::{Place, SlotId};
use crate::plugins::error::PluginError;
use crate::plugins::formats::Formats;
use crate::plugins::instance::{Instance, Values, new_serial};
use crate::plugins::isolated::{BuiltMember, End, Remote, VALUES_MAX, WantedMember};
use crate::plugins::processor::{Parameter, Processor, Scale};
use crate::plugins::rack::plan::{Plan, is_same};
use crate::plugins::rack::trouble::Trouble;
use crate::plugins::unit::{Parts, Status, Unit};
use crate::plugins::wire::Wire;

/// One plug-in of an element.
pub struct Member {
    /// As the configuration has it.
    pub spec: Slot,
    /// What it kept beside its parameters when it was asked last.
    pub kept: Option<Vec<u8>>,
    pub title: String,
    pub parameters: Arc<[Parameter]>,
    pub values: Arc<Values>,
    /// The values that preset and state gave it.
    pub base: Arc<[f32]>,
    pub status: Arc<Status>,
    /// Of its first parameter in the unit.
    pub offset: usize,
}

pub enum Kind {
    Here(Instance),
    There(Remote),
    /// It ended.
    Gone,
}

pub struct Element {
    pub slot: SlotId,
    pub place: Place,
    /// It runs in our process.
    pub is_here: bool,
    pub members: Vec<Member>,
    pub kind: Kind,
    /// Of the unit that plays.
    pub serial: u64,
    /// Of the unit.
    pub status: Arc<Status>,
    pub trouble: Trouble,
}

/// What an element is built with.
pub struct Workshop<'a> {
    pub formats: &'a mut Formats,
    /// That hosts untrusted plug-ins.
    pub program: &'a Path,
    /// Of the source.
    pub channels: usize,
    pub rate_hz: u32,
}

/// A plug-in that could not be built: its name, and why.
pub type Refusal = (String, PluginError);

impl Workshop<'_> {
    /// Ready to be played; `carried` has the values that a member had before.
    pub fn build(
        &mut self,
        slot: SlotId,
        plan: &Plan,
        carried: &[Member],
    ) -> Result<(Box<Unit>, Element), Refusal> {
        let wanted: Vec<_> = plan.members.iter().map(|spec| wanted(spec, carried)).collect();
        let channels = if plan.place.channel.is_some() { 1 } else { self.channels };
        let (kind, mut members, unit) = if plan.is_here {
            self.build_here(&plan.members[0], &wanted[0], channels)?
        } else {
            self.build_there(&plan.members, wanted, channels)?
        };
        let kept = members.iter().map(|member| kept(&member.spec, carried));
        let kept: Vec<_> = kept.collect();
        members.iter_mut().zip(kept).for_each(|(member, kept)| member.kept = kept);
        let mut trouble = Trouble::default();
        trouble.built(Instant::now());
        let (serial, status) = (unit.serial, Arc::clone(unit.status()));
        let (place, is_here) = (plan.place, plan.is_here);
        let element = Element { slot, place, is_here, members, kind, serial, status, trouble };
        Ok((Box::new(unit), element))
    }

    fn build_here(
        &mut self,
        spec: &Slot,
        wanted: &WantedMember,
        channels: usize,
    ) -> Result<(Kind, Vec<Member>, Unit), Refusal> {
        let built = Instance::build(self.formats, wanted, channels, self.rate_hz);
        let (instance, unit) = built.map_err(|error| (spec.name.clone(), error))?;
        let member = Member {
            spec: spec.clone(),
            kept: None,
            title: instance.title.clone(),
            parameters: Arc::clone(&instance.parameters),
            values: Arc::clone(&instance.values),
            base: instance.base.clone().into(),
            status: Arc::clone(&instance.status),
            offset: 0,
        };
        Ok((Kind::Here(instance), vec![member], unit))
    }

    fn build_there(
        &mut self,
        specs: &[Slot],
        wanted: Vec<WantedMember>,
        channels: usize,
    ) -> Result<(Kind, Vec<Member>, Unit), Refusal> {
        let started = Remote::start(self.program, channels, self.rate_hz, wanted);
        let (remote, mut processor, built) = started.map_err(|(member, error)| {
            (specs.get(member).map(|spec| spec.name.clone()).unwrap_or_default(), error)
        })?;
        let members = members(specs, built);
        // As the process reads them: all parameters, then whether each is passed by.
        let mut values: Vec<f32> = members.iter().flat_map(|member| member.values.all()).collect();
        values.extend(specs.iter().map(|spec| f32::from(u8::from(spec.bypass))));
        if values.len() > VALUES_MAX {
            let reason =
                format!("{} parameters in one process, allowed are {VALUES_MAX}", values.len());
            let uri = specs[0].uri.clone();
            return Err((specs[0].name.clone(), PluginError::Refused { uri, reason }));
        }
        values.iter().enumerate().for_each(|(index, value)| processor.set(index, *value));
        let unit = Unit::new(Parts {
            serial: new_serial(),
            channels,
            rate_hz: self.rate_hz,
            inputs: channels,
            outputs: channels,
            parameters: &values.iter().map(|_| passed_on()).collect::<Vec<_>>(),
            values: &values,
            processors: vec![Box::new(processor)],
        });
        Ok((Kind::There(remote), members, unit))
    }
}

/// A parameter that its process limits and smooths.
fn passed_on() -> Parameter {
    Parameter {
        symbol: String::new(),
        name: String::new(),
        unit: String::new(),
        min: f32::MIN,
        max: f32::MAX,
        default: 0.0,
        scale: Scale::Linear,
        labels: Vec::new(),
    }
}

fn members(specs: &[Slot], built: Vec<BuiltMember>) -> Vec<Member> {
    let mut offset = 0;
    let of = |(spec, built): (&Slot, BuiltMember)| {
        let member = Member {
            spec: spec.clone(),
            kept: None,
            title: built.title,
            values: Arc::new(Values::new(&built.values)),
            base: built.base.into(),
            parameters: built.parameters.into(),
            status: Arc::default(),
            offset,
        };
        offset += member.parameters.len();
        member
    };
    specs.iter().zip(built).map(of).collect()
}

/// The values that it had go over, unless the configuration says others by now.
fn wanted(spec: &Slot, carried: &[Member]) -> WantedMember {
    let set = match before(spec, carried) {
        Some(before) => {
            let live = before.parameters.iter().zip(before.values.all());
            let live = live.map(|(parameter, value)| (parameter.symbol.clone(), value));
            live.chain(before.changes(spec)).collect()
        }
        None => spec.set.clone(),
    };
    let (uri, preset, state) = (spec.uri.clone(), spec.preset.clone(), spec.state.clone());
    WantedMember { uri, preset, state: kept(spec, carried).or(state), set }
}

fn before<'a>(spec: &Slot, carried: &'a [Member]) -> Option<&'a Member> {
    carried.iter().find(|member| member.is_what(spec))
}

fn kept(spec: &Slot, carried: &[Member]) -> Option<Vec<u8>> {
    before(spec, carried).and_then(|before| before.kept.clone())
}

impl Member {
    /// Another hold on the same.
    pub fn same(&self) -> Self {
        Self {
            spec: self.spec.clone(),
            kept: self.kept.clone(),
            title: self.title.clone(),
            parameters: Arc::clone(&self.parameters),
            values: Arc::clone(&self.values),
            base: Arc::clone(&self.base),
            status: Arc::clone(&self.status),
            offset: self.offset,
        }
    }

    /// Whether it is the same plug-in, whatever its place, values and bypass. A state that it told
    /// itself is what it has.
    pub fn is_what(&self, spec: &Slot) -> bool {
        let is_told = spec.state.is_some() && spec.state == self.kept;
        is_same(&self.spec, spec) && (is_told || self.spec.state == spec.state)
    }

    /// What the configuration says of its values other than before: what it says no longer goes
    /// back to the plug-in's own value.
    pub fn changes(&self, spec: &Slot) -> Vec<(String, f32)> {
        let is_set = |symbol: &str| spec.set.iter().any(|(set, _)| set == symbol);
        let own = |symbol: &str| {
            let index = self.parameters.iter().position(|one| one.symbol == symbol)?;
            Some((symbol.to_owned(), *self.base.get(index)?))
        };
        let gone = self.spec.set.iter().filter(|(symbol, _)| !is_set(symbol));
        let changed = spec.set.iter().filter(|one| !self.spec.set.contains(one)).cloned();
        gone.filter_map(|(symbol, _)| own(symbol)).chain(changed).collect()
    }
}

impl Element {
    pub fn condition(&self) -> Condition {
        match self.trouble.retry_at {
            Some(_) => Condition::Down,
            None => Condition::Runs,
        }
    }

    /// Asks the plug-ins what they keep beside their parameters. Without a wire no sound runs.
    pub fn keep_state(&mut self, wire: Option<&mut Wire>) {
        let states = match &mut self.kind {
            Kind::Gone => return,
            Kind::Here(instance) => instance.save(wire, self.slot).map(|state| vec![state]),
            Kind::There(remote) => remote.save().map_err(|reason| PluginError::Refused {
                uri: self.members[0].spec.uri.clone(),
                reason,
            }),
        };
        match states {
            Ok(states) => {
                for (member, state) in self.members.iter_mut().zip(states) {
                    if state.is_some() {
                        member.kept = state;
                    }
                }
            }
            Err(error) => log::warn!("its state is not kept: {error}"),
        }
    }

    /// The same plug-ins, whatever their place, values and bypass.
    pub fn is_what(&self, plan: &Plan) -> bool {
        self.is_here == plan.is_here
            && self.place.channel == plan.place.channel
            && self.members.len() == plan.members.len()
            && self.members.iter().zip(&plan.members).all(|(member, spec)| member.is_what(spec))
    }

    /// Moves that came while it was built went to the one before it.
    pub fn catch_up(&self, carried: &[Member], unit: &mut Unit) {
        for member in &self.members {
            let Some(old) = before(&member.spec, carried) else { continue };
            let changes = old.changes(&member.spec);
            for (index, parameter) in member.parameters.iter().enumerate() {
                let value = old.values.get(index);
                let is_changed = changes.iter().any(|(symbol, _)| *symbol == parameter.symbol);
                if !is_changed && value != member.values.get(index) {
                    member.values.set(index, value);
                    unit.set(member.offset + index, value, 0);
                }
            }
        }
    }

    /// Where its last parameters tell whether each member is passed by.
    pub fn bypass_offset(&self) -> usize {
        self.members.last().map_or(0, |last| last.offset + last.parameters.len())
    }

    pub fn plan(&self) -> Plan {
        let members = self.members.iter().map(|member| member.spec.clone()).collect();
        Plan { place: self.place, is_here: self.is_here, members }
    }

    /// Looks after it: what failed since, who is to blame, and why.
    pub fn tend(&mut self, now: Instant) -> Option<Failure> {
        let is_muted = self.status.is_muted.load(Ordering::Relaxed);
        let failure = match &mut self.kind {
            Kind::Gone => None,
            Kind::Here(instance) => {
                instance.tend();
                is_muted.then_some(Failure::NoSound { member: 0 })
            }
            Kind::There(remote) => {
                let member = remote.running().min(self.members.len().saturating_sub(1));
                let mut silent = is_muted.then_some(Failure::NoSound { member });
                for (index, member) in self.members.iter().enumerate() {
                    let report = remote.report(index);
                    member.status.tell(report.load, report.latency_frames);
                    if report.is_muted {
                        silent = silent.or(Some(Failure::NoSound { member: index }));
                    }
                }
                remote.end(now).map(|end| Failure::Ended { member, end }).or(silent)
            }
        };
        failure.filter(|_| self.trouble.retry_at.is_none()) // else it is known
    }
}

/// What happened to an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// NaN, infinity or far too loud.
    NoSound { member: usize },
    /// Its process.
    Ended { member: usize, end: End },
}
