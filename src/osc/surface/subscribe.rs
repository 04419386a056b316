//! The commands about receivers: who gets the streams, and on what terms.

use std::time::Instant;

use rosc::{OscPacket, OscType};

use crate::osc::arguments::Arguments;
use crate::osc::encode::text;
use crate::osc::fault::{Code, Fault};
use crate::osc::receivers::{Groups, LEASE_DEFAULT_S, Subscription};
use crate::osc::surface::Surface;
use crate::osc::surface::commands::{Outcome, counted};
use crate::osc::surface::tickets::Caller;

/// Profiles that the contract names and a later version brings.
const PROFILES_TO_COME: [&str; 6] = ["touchdesigner", "max", "pd", "vrchat", "wekinator", "flat"];

impl Surface {
    pub(super) fn subscribe(
        &mut self,
        caller: &Caller,
        arguments: &Arguments,
        now: Instant,
    ) -> Result<Outcome, Fault> {
        let host = arguments.text(0).unwrap_or("");
        let port = arguments.int(1).unwrap_or(0);
        let groups = Groups::parse(arguments.text(2).unwrap_or(""))?;
        self.check_rate(arguments.float(3).unwrap_or(0.0))?;
        let lease_s = arguments.float(4).unwrap_or(LEASE_DEFAULT_S);
        if lease_s == -1.0 {
            let text = "lease is -1 (for ever), name permanent receivers in the configuration";
            return Err(Fault::new(Code::NotBuiltIn, text));
        }
        check_profile(arguments.text(5).unwrap_or(""))?;
        let destination = self.destinations.resolve(caller.from, host, port)?;
        let wanted = Subscription { owner: caller.from, destination, groups, lease_s };
        let receiver = self.receivers.subscribe(wanted, now)?;
        log::info!("receiver {} ({destination}) gets {}", receiver.id, groups.names());
        let lease_s = receiver.lease_left_s(now);
        let results = vec![OscType::Int(receiver.id), OscType::Float(lease_s)];
        self.count_clients();
        Ok(Outcome::Subscribed { results, destination, groups })
    }

    /// 0 is no cap, and one at or above the rate of the hops never acts.
    fn check_rate(&self, max_hz: f32) -> Result<(), Fault> {
        // Hops of 0.1 s are 9.9999998 Hz in f32; a thousandth covers any such rounding.
        let hops_hz = 1.0 / self.identity.hop_s - 1e-3;
        if max_hz < 0.0 {
            let text = format!("max_hz is {max_hz}, allowed are 0 (no cap) and above");
            return Err(Fault::new(Code::OutOfRange, text));
        }
        if max_hz > 0.0 && max_hz < hops_hz {
            let text = format!("max_hz is {max_hz}, a cap below {hops_hz:.0} Hz is not there yet");
            return Err(Fault::new(Code::NotBuiltIn, text));
        }
        Ok(())
    }

    pub(super) fn list_subscribers(&self, replies: &mut Vec<OscPacket>, now: Instant) -> Outcome {
        for receiver in self.receivers.iter() {
            let arguments = vec![
                OscType::Int(receiver.id),
                text(&receiver.destination.ip().to_canonical().to_string()),
                OscType::Int(i32::from(receiver.destination.port())),
                text(&receiver.groups.names()),
                OscType::Float(0.0),
                OscType::Float(receiver.lease_left_s(now)),
                text(""),
            ];
            replies.push(self.item("subscriber", arguments));
        }
        counted(replies)
    }
}

fn check_profile(profile: &str) -> Result<(), Fault> {
    match profile {
        "" => Ok(()),
        known if PROFILES_TO_COME.contains(&known) => {
            let text = format!("profile {known:?} is not there yet, leave it out or empty");
            Err(Fault::new(Code::NotBuiltIn, text))
        }
        other => {
            let text = format!("profile {other:?} does not exist, leave it out or empty");
            Err(Fault::new(Code::NoSuchThing, text))
        }
    }
}
