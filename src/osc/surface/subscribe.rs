//! The commands about receivers: who gets the streams, and on what terms.

use std::time::Instant;

use rosc::{OscPacket, OscType};

use crate::osc::arguments::Arguments;
use crate::osc::encode::text;
use crate::osc::fault::Fault;
use crate::osc::groups::Groups;
use crate::osc::pace::Limits;
use crate::osc::profile::Profile;
use crate::osc::receivers::{LEASE_DEFAULT_S, Receiver, Stay, Subscription, Terms};
use crate::osc::surface::Surface;
use crate::osc::surface::commands::Outcome;
use crate::osc::surface::settings::max_hz;
use crate::osc::surface::tickets::Caller;
use crate::osc::surface::verbs::counted;

impl Surface {
    pub(super) fn subscribe(
        &mut self,
        caller: &Caller,
        arguments: &Arguments,
        now: Instant,
    ) -> Result<Outcome, Fault> {
        let host = arguments.text(0).unwrap_or("");
        let port = arguments.int(1).unwrap_or(0);
        let profile = Profile::parse(arguments.text(5).unwrap_or(""))?;
        let groups = Groups::parse(arguments.text(2).unwrap_or(""))?;
        let max_hz = max_hz(arguments.float(3).unwrap_or(0.0))?;
        let stay = Stay::asked(arguments.float(4).unwrap_or(LEASE_DEFAULT_S), now)?;
        let is_trusted = self.is_trusted(caller.from);
        let to = self.destinations.resolve(caller.from, is_trusted, host, port)?;
        let terms = Terms {
            groups: groups.unwrap_or(profile.groups()),
            limits: Limits { max_hz, deadband: 0.0 },
            ..Terms::of(profile)
        };
        let wanted = Subscription { owner: Some(caller.from), to, terms, stay };
        let is_new = !self.receivers.knows(to, now);
        let id = self.receivers.subscribe(wanted, now)?;
        self.build_views();
        let Some(receiver) = self.receivers.get(id).cloned() else {
            unreachable!("it was just subscribed")
        };
        if is_new {
            self.tell_client(&receiver, true);
        }
        let results = vec![OscType::Int(id), OscType::Float(receiver.lease_left_s(now))];
        Ok(Outcome::Subscribed { results, id })
    }

    pub(super) fn unsubscribe(
        &mut self,
        caller: &Caller,
        id: Option<i32>,
    ) -> Result<Outcome, Fault> {
        let ended = match id {
            Some(id) => {
                let is_trusted = self.is_trusted(caller.from);
                self.receivers.unsubscribe_id(caller.from, is_trusted, id)?
            }
            None => self.receivers.unsubscribe(caller.from)?,
        };
        self.part_with(&ended);
        Ok(Outcome::Done(Vec::new()))
    }

    /// Those of the configuration stay.
    pub(super) fn clear_subscribers(&mut self, caller: &Caller) -> Result<Outcome, Fault> {
        self.only_trusted(caller, "subscribers/clear")?;
        let ended = self.receivers.remove(|receiver| receiver.stay != Stay::Configured);
        self.part_with(&ended);
        let count = i32::try_from(ended.len()).unwrap_or(i32::MAX); // at most 32
        Ok(Outcome::Done(vec![OscType::Int(count)]))
    }

    fn part_with(&mut self, ended: &[Receiver]) {
        self.build_views();
        ended.iter().for_each(|receiver| self.tell_client(receiver, false));
    }

    pub(super) fn list_subscribers(&self, replies: &mut Vec<OscPacket>, now: Instant) -> Outcome {
        for receiver in self.receivers.iter() {
            let arguments = vec![
                OscType::Int(receiver.id),
                text(&receiver.to.ip().to_string()),
                OscType::Int(i32::from(receiver.to.address().port())),
                text(&receiver.terms.groups.names()),
                OscType::Float(receiver.terms.limits.max_hz),
                OscType::Float(receiver.lease_left_s(now)),
                text(receiver.terms.profile.name()),
            ];
            replies.push(self.item("subscriber", arguments));
        }
        Outcome::Done(counted(replies))
    }
}
