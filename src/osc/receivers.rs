//! Who gets the streams: permanent receivers from the configuration and subscribers whose lease
//! runs out unless they are heard of. Time comes as an argument. The worker's thread.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::osc::address::Group;
use crate::osc::fault::{Code, Fault};

/// TouchOSC pings once a minute; this forgives it a late one.
pub const LEASE_DEFAULT_S: f32 = 75.0;

/// Shorter ones lapse between two pings of any peer, longer ones are forgotten patches.
const LEASE_ALLOWED_S: std::ops::RangeInclusive<f32> = 5.0..=3600.0;

/// Bounds the packets that one hop causes, whoever asks.
pub const RECEIVERS_MAX: usize = 32;

/// Groups that the contract names and a later version brings.
const GROUPS_TO_COME: [&str; 7] = ["seg", "trig", "vec", "raw", "feat", "emb", "text"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups {
    pub core: bool,
    pub event: bool,
    pub health: bool,
}

impl Groups {
    pub const ALL: Self = Self { core: true, event: true, health: true };

    /// What a subscriber gets who names none.
    pub const DEFAULT: Self = Self { core: true, event: true, health: false };

    /// Names divided by commas or spaces; an empty string is the default.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let mut groups = Self { core: false, event: false, health: false };
        let mut names = text.split([',', ' ']).filter(|name| !name.is_empty()).peekable();
        if names.peek().is_none() {
            return Ok(Self::DEFAULT);
        }
        for name in names {
            match Group::ALL.into_iter().find(|group| group.name() == name) {
                Some(Group::Core) => groups.core = true,
                Some(Group::Event) => groups.event = true,
                Some(Group::Health) => groups.health = true,
                None => {
                    let is_to_come = GROUPS_TO_COME.contains(&name) || name == "x";
                    let code = if is_to_come { Code::NotBuiltIn } else { Code::WrongTypes };
                    let text =
                        format!("group {name:?} is not there, allowed are core,event,health");
                    return Err(Fault::new(code, text));
                }
            }
        }
        Ok(groups)
    }

    pub fn has(self, group: Group) -> bool {
        match group {
            Group::Core => self.core,
            Group::Event => self.event,
            Group::Health => self.health,
        }
    }

    /// As [`Groups::parse`] reads it.
    pub fn names(self) -> String {
        let chosen = Group::ALL.into_iter().filter(|&group| self.has(group));
        chosen.map(Group::name).collect::<Vec<_>>().join(",")
    }
}

#[derive(Clone, Debug)]
pub struct Receiver {
    pub id: i32,
    pub destination: SocketAddr,
    /// Who subscribed; `None` for those of the configuration.
    owner: Option<SocketAddr>,
    pub groups: Groups,
    lease: Lease,
}

#[derive(Clone, Copy, Debug)]
enum Lease {
    Permanent,
    Until { end: Instant, length: Duration },
}

impl Receiver {
    /// Seconds left, or -1 for ever: as the wire says it.
    pub fn lease_left_s(&self, now: Instant) -> f32 {
        match self.lease {
            Lease::Permanent => -1.0,
            Lease::Until { end, .. } => end.saturating_duration_since(now).as_secs_f32(),
        }
    }

    fn is_of(&self, sender: SocketAddr) -> bool {
        self.owner == Some(sender) || self.destination == sender
    }

    fn has_lapsed(&self, now: Instant) -> bool {
        matches!(self.lease, Lease::Until { end, .. } if end <= now)
    }
}

#[derive(Debug)]
pub struct Receivers {
    list: Vec<Receiver>,
    last_id: i32,
}

/// What a subscriber wants.
#[derive(Clone, Copy, Debug)]
pub struct Subscription {
    pub owner: SocketAddr,
    pub destination: SocketAddr,
    pub groups: Groups,
    pub lease_s: f32,
}

impl Receivers {
    /// Those that are there from the start; every address once.
    pub fn new(permanent: &[SocketAddr]) -> Self {
        let mut receivers = Self { list: Vec::new(), last_id: 0 };
        for &destination in permanent {
            if !receivers.list.iter().any(|known| known.destination == destination) {
                receivers.push(destination, None, Groups::ALL, Lease::Permanent);
            }
        }
        receivers
    }

    pub fn iter(&self) -> impl Iterator<Item = &Receiver> {
        self.list.iter()
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Adds a receiver, or changes the one with this destination. A permanent one stays permanent.
    pub fn subscribe(&mut self, wanted: Subscription, now: Instant) -> Result<&Receiver, Fault> {
        if !LEASE_ALLOWED_S.contains(&wanted.lease_s) {
            let (low, high) = (LEASE_ALLOWED_S.start(), LEASE_ALLOWED_S.end());
            let text = format!("lease is {} s, allowed are {low} to {high} s", wanted.lease_s);
            return Err(Fault::new(Code::OutOfRange, text));
        }
        self.lapse(now);
        let length = Duration::from_secs_f32(wanted.lease_s);
        let lease = Lease::Until { end: now + length, length };
        let known = self.list.iter().position(|known| known.destination == wanted.destination);
        if let Some(index) = known {
            let receiver = &mut self.list[index];
            receiver.groups = wanted.groups;
            if let Lease::Until { .. } = receiver.lease {
                receiver.owner = Some(wanted.owner);
                receiver.lease = lease;
            }
            return Ok(&self.list[index]);
        }
        if self.list.len() >= RECEIVERS_MAX {
            let text = format!("{RECEIVERS_MAX} receivers are there, more are not allowed");
            return Err(Fault::new(Code::Limit, text));
        }
        Ok(self.push(wanted.destination, Some(wanted.owner), wanted.groups, lease))
    }

    /// Ends the subscriptions of this sender. A permanent receiver is not his to end.
    pub fn unsubscribe(&mut self, sender: SocketAddr) -> Result<(), Fault> {
        let before = self.list.len();
        self.list.retain(|known| !known.is_of(sender) || known.owner.is_none());
        if self.list.len() == before {
            let text = format!("{sender} has no subscription to end");
            return Err(Fault::new(Code::NoSuchThing, text));
        }
        Ok(())
    }

    /// Ends one subscription; from its own machine or from this one.
    pub fn unsubscribe_id(&mut self, sender: SocketAddr, id: i32) -> Result<(), Fault> {
        let Some(index) = self.list.iter().position(|known| known.id == id) else {
            return Err(Fault::new(Code::NoSuchThing, format!("there is no subscription {id}")));
        };
        let Some(owner) = self.list[index].owner else {
            let text = format!("receiver {id} is permanent; the configuration names it");
            return Err(Fault::new(Code::NotAllowed, text));
        };
        if owner.ip() != sender.ip() && !sender.ip().to_canonical().is_loopback() {
            let text = format!("subscription {id} belongs to {}", owner.ip());
            return Err(Fault::new(Code::NotAllowed, text));
        }
        self.list.remove(index);
        Ok(())
    }

    /// Any packet of a subscriber starts his lease anew.
    pub fn renew(&mut self, sender: SocketAddr, now: Instant) {
        for receiver in self.list.iter_mut().filter(|receiver| receiver.is_of(sender)) {
            if let Lease::Until { end, length } = &mut receiver.lease
                && now < *end
            {
                *end = now + *length;
            }
        }
    }

    /// Forgets whom nobody has heard of.
    pub fn lapse(&mut self, now: Instant) {
        self.list.retain(|receiver| {
            let has_lapsed = receiver.has_lapsed(now);
            if has_lapsed {
                log::info!("receiver {} ({}) has lapsed", receiver.id, receiver.destination);
            }
            !has_lapsed
        });
    }

    /// The first subscription of this sender.
    pub fn of(&self, sender: SocketAddr) -> Option<&Receiver> {
        self.list.iter().find(|receiver| receiver.is_of(sender))
    }

    fn push(
        &mut self,
        destination: SocketAddr,
        owner: Option<SocketAddr>,
        groups: Groups,
        lease: Lease,
    ) -> &Receiver {
        self.last_id = self.last_id.wrapping_add(1);
        self.list.push(Receiver { id: self.last_id, destination, owner, groups, lease });
        &self.list[self.list.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn plain(owner: SocketAddr) -> Subscription {
        let groups = Groups::DEFAULT;
        Subscription { owner, destination: owner, groups, lease_s: LEASE_DEFAULT_S }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_subscription_lapses_after_75_s() {
        let (mut receivers, start) = (Receivers::new(&[]), Instant::now());
        receivers.subscribe(plain(port(1)), start).expect("room");
        receivers.lapse(start + seconds(74));
        assert_eq!(receivers.len(), 1);
        receivers.lapse(start + seconds(75));
        assert_eq!(receivers.len(), 0);
    }

    #[test]
    fn any_packet_renews() {
        let (mut receivers, start) = (Receivers::new(&[]), Instant::now());
        receivers.subscribe(plain(port(1)), start).expect("room");
        receivers.renew(port(1), start + seconds(60));
        receivers.renew(port(2), start + seconds(120));
        receivers.lapse(start + seconds(134));
        assert_eq!(receivers.len(), 1);
        receivers.lapse(start + seconds(135));
        assert_eq!(receivers.len(), 0);
    }

    #[test]
    fn a_permanent_receiver_stays_and_is_not_doubled() {
        let (mut receivers, start) = (Receivers::new(&[port(1), port(1)]), Instant::now());
        let receiver = receivers.subscribe(plain(port(1)), start).expect("it is known");
        assert_eq!((receiver.id, receiver.lease_left_s(start)), (1, -1.0));
        receivers.lapse(start + seconds(1_000_000));
        assert_eq!(receivers.len(), 1);
    }

    #[test]
    fn the_33rd_is_refused_until_one_lapses() {
        let (mut receivers, start) = (Receivers::new(&[]), Instant::now());
        for index in 0..32 {
            receivers.subscribe(plain(port(1000 + index)), start).expect("room");
        }
        let full = receivers.subscribe(plain(port(1)), start).map(|_| ()).expect_err("full");
        assert_eq!(full.code, Code::Limit);
        receivers.subscribe(plain(port(1)), start + seconds(75)).expect("all have lapsed");
    }

    #[test]
    fn unsubscribing_ends_ones_own_and_no_permanent_one() {
        let (mut receivers, start) = (Receivers::new(&[port(1)]), Instant::now());
        let id = receivers.subscribe(plain(port(2)), start).expect("room").id;
        assert_eq!(receivers.unsubscribe(port(1)).expect_err("permanent").code, Code::NoSuchThing);
        assert_eq!(
            receivers.unsubscribe_id(port(2), 1).expect_err("permanent").code,
            Code::NotAllowed
        );
        let stranger = SocketAddr::from(([192, 0, 2, 1], 9));
        assert_eq!(receivers.unsubscribe_id(stranger, id).expect_err("his").code, Code::NotAllowed);
        receivers.unsubscribe(port(2)).expect("his own");
        assert_eq!(receivers.len(), 1);
    }

    #[test]
    fn groups_are_read_by_name() {
        let code = |text| Groups::parse(text).map(Groups::names).map_err(|fault| fault.code);
        assert_eq!(code(""), Ok("core,event".to_string()));
        assert_eq!(code("health, core"), Ok("core,health".to_string()));
        assert_eq!(code("core,trig"), Err(Code::NotBuiltIn));
        assert_eq!(code("kore"), Err(Code::WrongTypes));
    }
}
