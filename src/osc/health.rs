//! The current numbers of the whole daemon under our own names: told once a second, and to who
//! asks. No sockets, no clocks; the worker's thread.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rosc::OscPacket;

use crate::messages::{Health, HealthState};
use crate::osc::address::{HealthValue, Instance, Role};
use crate::osc::encode::message;
use crate::osc::send::Counters;
use crate::osc::streams::{Reading, set_number, set_text, zero};

#[derive(Debug)]
pub struct HealthSlot {
    pub instance: Instance,
    pub value: HealthValue,
    pub packet: OscPacket,
}

#[derive(Debug)]
pub struct HealthStreams(Vec<HealthSlot>);

impl HealthStreams {
    /// From all addresses of the daemon.
    pub fn new(addresses: &[Instance]) -> Self {
        let slots = addresses.iter().filter_map(|instance| {
            let Role::Health(value) = instance.row.role else { return None };
            let values = instance.row.types.chars().map(zero).collect();
            let packet = message(instance.name.clone(), values);
            Some(HealthSlot { instance: instance.clone(), value, packet })
        });
        Self(slots.collect())
    }

    /// Goes on from others, maybe of another root: the heartbeat counts on.
    pub fn follow(&mut self, before: &Self) {
        for (slot, before) in self.0.iter_mut().zip(&before.0) {
            if let (OscPacket::Message(to), OscPacket::Message(from)) =
                (&mut slot.packet, &before.packet)
            {
                to.args.clone_from(&from.args);
            }
        }
    }

    /// True when the state is another one than before.
    pub fn set(&mut self, health: &Health, counters: &Counters) -> bool {
        let mut has_state_changed = false;
        for slot in &mut self.0 {
            let OscPacket::Message(message) = &mut slot.packet else { continue };
            let place = &mut message.args[0];
            match reading(slot.value, health, counters) {
                Some(reading) => {
                    let changed = set_number(place, reading, slot.instance.row.range);
                    has_state_changed |= changed && slot.value == HealthValue::State;
                }
                None if slot.value == HealthValue::StateText => {
                    set_text(place, state_text(health.state));
                }
                // The heartbeat counts what was sent, not what is.
                None => {
                    if let rosc::OscType::Int(count) = place {
                        *count = count.wrapping_add(1);
                    }
                }
            }
        }
        has_state_changed
    }

    pub fn slots(&self) -> impl Iterator<Item = &HealthSlot> {
        self.0.iter()
    }

    pub fn packets(&self) -> impl Iterator<Item = &OscPacket> {
        self.0.iter().map(|slot| &slot.packet)
    }
}

fn reading(value: HealthValue, health: &Health, counters: &Counters) -> Option<Reading> {
    use Reading::{Float, Int};
    let count = |counter: &AtomicU64| Int(i32::try_from(counter.load(Relaxed)).unwrap_or(i32::MAX));
    Some(match value {
        HealthValue::State => Int(health.state as i32), // the enum is made of these numbers
        HealthValue::Load => Float(health.load),
        HealthValue::InferMs => Float(health.infer_ms),
        HealthValue::LatencyP50 => Float(health.latency_p50_ms),
        HealthValue::LatencyP95 => Float(health.latency_p95_ms),
        HealthValue::LatencyP99 => Float(health.latency_p99_ms),
        HealthValue::MemoryMb => Float(health.memory_mb),
        HealthValue::Uptime => Float(health.uptime_s),
        HealthValue::Xruns => Int(health.xruns),
        HealthValue::Repaired => Int(health.repaired),
        HealthValue::PluginFaults => Int(health.plugin_faults),
        HealthValue::Dropped => Int(health.dropped),
        HealthValue::Late => Int(health.late),
        HealthValue::Restarts => Int(health.restarts),
        HealthValue::Clients => count(&counters.clients),
        HealthValue::Gpu => Int(health.gpu),
        HealthValue::Malformed => count(&counters.malformed),
        HealthValue::Overrun => count(&counters.overrun),
        HealthValue::Refused => count(&counters.refused),
        HealthValue::Withheld => count(&counters.withheld),
        HealthValue::StateText | HealthValue::Heartbeat => return None,
    })
}

fn state_text(state: HealthState) -> &'static str {
    match state {
        HealthState::Starting => "starting",
        HealthState::Running => "running",
        HealthState::Paused => "paused",
        HealthState::Muted => "muted",
        HealthState::Stalled => "stalled",
        HealthState::DeviceLost => "device lost",
        HealthState::Degraded => "degraded",
        HealthState::Stopping => "stopping",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Identity;
    use crate::osc::address::all_instances;

    #[test]
    fn health_says_when_its_state_changes_and_counts_its_beats() {
        let identity = Identity {
            labels: [].into(),
            card: [].into(),
            channels: 0,
            names: [].into(),
            triggers: [].into(),
            taught: [].into(),
            hop_s: 0.1,
        };
        let mut health = HealthStreams::new(&all_instances("/ser", &identity, &[]));
        let counters = Counters::default();
        let mut report = Health {
            state: HealthState::Running,
            load: 0.1,
            infer_ms: 1.0,
            latency_p50_ms: 1.0,
            latency_p95_ms: 1.0,
            latency_p99_ms: 1.0,
            memory_mb: 1.0,
            uptime_s: 1.0,
            xruns: 0,
            repaired: 0,
            plugin_faults: 0,
            dropped: 0,
            late: 0,
            restarts: 0,
            gpu: 0,
        };
        assert!(health.set(&report, &counters));
        assert!(!health.set(&report, &counters));
        report.state = HealthState::DeviceLost;
        assert!(health.set(&report, &counters));
        let mut next = HealthStreams::new(&all_instances("/stage", &identity, &[]));
        next.follow(&health);
        let value = |wanted| {
            let slot = next.slots().find(|slot| slot.value == wanted).expect("a row");
            let OscPacket::Message(message) = &slot.packet else { panic!("a message") };
            message.args[0].clone()
        };
        assert_eq!(value(HealthValue::StateText), "device lost".into());
        assert_eq!(value(HealthValue::Heartbeat), rosc::OscType::Int(3));
    }
}
