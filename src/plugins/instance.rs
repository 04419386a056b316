//! A plug-in that runs in this process, as the plug-in thread keeps it: the halves of its copies
//! that stay here, and what it is known by.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::plugins::chain::{Edit, SlotId};
use crate::plugins::error::PluginError;
use crate::plugins::formats::Formats;
use crate::plugins::isolated::WantedMember;
use crate::plugins::processor::{Built, Control, Order, PORTS_MAX, Parameter};
use crate::plugins::unit::{Parts, Status, Unit, copies};
use crate::plugins::wire::Wire;

static SERIALS: AtomicU64 = AtomicU64::new(1);

/// Tells units apart.
pub fn new_serial() -> u64 {
    SERIALS.fetch_add(1, Ordering::Relaxed)
}

/// The values of all parameters as they were asked for last; Relaxed, each for itself.
#[derive(Debug, Default)]
pub struct Values(Box<[AtomicU32]>);

impl Values {
    pub fn new(values: &[f32]) -> Self {
        Self(values.iter().map(|value| AtomicU32::new(value.to_bits())).collect())
    }

    pub fn set(&self, index: usize, value: f32) {
        if let Some(place) = self.0.get(index) {
            place.store(value.to_bits(), Ordering::Relaxed);
        }
    }

    pub fn get(&self, index: usize) -> f32 {
        self.0.get(index).map_or(0.0, |place| f32::from_bits(place.load(Ordering::Relaxed)))
    }

    pub fn all(&self) -> Vec<f32> {
        (0..self.0.len()).map(|index| self.get(index)).collect()
    }
}

pub struct Instance {
    pub serial: u64,
    pub title: String,
    pub parameters: Arc<[Parameter]>,
    pub values: Arc<Values>,
    /// The values that preset and state gave it.
    pub base: Vec<f32>,
    pub status: Arc<Status>,
    is_saved_at_rest: bool,
    controls: Vec<Box<dyn Control>>,
}

impl Instance {
    /// With a unit for a chain of so many channels, ready to be run.
    pub fn build(
        formats: &mut Formats,
        wanted: &WantedMember,
        channels: usize,
        rate_hz: u32,
    ) -> Result<(Self, Unit), PluginError> {
        let order = Order {
            uri: &wanted.uri,
            rate_hz,
            state: wanted.state.as_deref(),
            preset: wanted.preset.as_deref(),
        };
        let first = checked(&wanted.uri, formats.build(&order)?)?;
        let (inputs, outputs) = (first.inputs, first.outputs);
        let more = copies(channels, inputs, outputs).saturating_sub(1);
        let base = first.values.clone();
        let mut values = base.clone();
        set_all(&wanted.uri, &first.parameters, &mut values, &wanted.set)?;
        let title = first.name.clone();
        let parameters: Arc<[Parameter]> = first.parameters.clone().into();
        let is_saved_at_rest = first.is_saved_at_rest;
        // If a later one fails, the processors go before their controls.
        let mut controls = Vec::new();
        let mut processors = Vec::new();
        let rest = (0..more).map(|_| formats.build(&order));
        for built in std::iter::once(Ok(first)).chain(rest) {
            let built = built?;
            let mut processor = built.processor;
            for (index, (value, old)) in values.iter().zip(&built.values).enumerate() {
                if value != old {
                    processor.set(index, *value);
                }
            }
            controls.push(built.control);
            processors.push(processor);
        }
        let serial = new_serial();
        let unit = Unit::new(Parts {
            serial,
            channels,
            rate_hz,
            inputs,
            outputs,
            parameters: &parameters,
            values: &values,
            processors,
        });
        let status = Arc::clone(unit.status());
        let values = Arc::new(Values::new(&values));
        let instance =
            Self { serial, title, parameters, values, base, status, is_saved_at_rest, controls };
        Ok((instance, unit))
    }

    /// Many times a second.
    pub fn tend(&mut self) {
        self.controls.iter_mut().for_each(|control| control.tend());
    }

    /// What it keeps beside its parameters. Where the format wants that, the sound passes it by for
    /// the fraction of a second that it takes.
    pub fn save(
        &mut self,
        wire: Option<&mut Wire>,
        slot: SlotId,
    ) -> Result<Option<Vec<u8>>, PluginError> {
        if !self.is_saved_at_rest {
            return self.controls.first_mut().map_or(Ok(None), |control| control.save());
        }
        let Some(wire) = wire else { return Ok(None) };
        let Some(mut unit) = wire.borrow(slot, self.serial) else { return Ok(None) };
        let saved = unit.processors().first_mut().map_or(Ok(None), |processor| processor.save());
        self.send_back(wire, slot, unit);
        saved
    }

    /// A unit that was borrowed; what was set meanwhile found it away.
    pub fn send_back(&self, wire: &mut Wire, slot: SlotId, mut unit: Box<Unit>) {
        unit.set_all(&self.values.all());
        wire.push(Edit::Replace { slot, name: slot, unit });
    }
}

/// With as many ports as a unit has room for.
fn checked(uri: &str, built: Built) -> Result<Built, PluginError> {
    let (inputs, outputs) = (built.inputs, built.outputs);
    let is_possible = |ports: usize| (1..=PORTS_MAX).contains(&ports);
    match is_possible(inputs) && is_possible(outputs) {
        true => Ok(built),
        false => Err(PluginError::Ports { uri: uri.to_owned(), inputs, outputs }),
    }
}

/// These by symbol, in place of what is there.
pub fn set_all(
    uri: &str,
    parameters: &[Parameter],
    values: &mut [f32],
    set: &[(String, f32)],
) -> Result<(), PluginError> {
    for (symbol, value) in set {
        let found = parameters.iter().position(|parameter| parameter.symbol == *symbol);
        let Some(index) = found else {
            let known: Vec<_> = parameters.iter().map(|one| one.symbol.as_str()).collect();
            let reason = format!("no parameter {symbol:?}; it has {}", known.join(", "));
            return Err(PluginError::Refused { uri: uri.to_owned(), reason });
        };
        values[index] = parameters[index].nearest(*value);
    }
    Ok(())
}
