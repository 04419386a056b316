//! Who gets the streams, on what terms and for how long: those that the configuration names, those
//! that asked to be kept, and subscribers whose lease runs out unless they are heard of. Time comes
//! as an argument. The worker's thread.

use std::time::{Duration, Instant};

use crate::osc::endpoint::Endpoint;
use crate::osc::fault::{Code, Fault};
use crate::osc::groups::Groups;
use crate::osc::pace::{Limits, Pace};
use crate::osc::profile::Profile;
use crate::osc::view::Shape;

/// TouchOSC pings once a minute; this forgives it a late one.
pub const LEASE_DEFAULT_S: f32 = 75.0;

/// Shorter ones lapse between two pings of any peer, longer ones are forgotten patches.
const LEASE_ALLOWED_S: std::ops::RangeInclusive<f32> = 5.0..=3600.0;

/// Bounds the packets that one hop causes, whoever asks.
pub const RECEIVERS_MAX: usize = 32;

/// What a receiver gets, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    pub groups: Groups,
    pub limits: Limits,
    pub is_bipolar: bool,
    pub profile: Profile,
    /// Empty: the profile's.
    pub root: String,
    pub is_enabled: bool,
}

impl Terms {
    pub fn of(profile: Profile) -> Self {
        Self {
            groups: profile.groups(),
            limits: Limits::default(),
            is_bipolar: false,
            profile,
            root: String::new(),
            is_enabled: true,
        }
    }

    pub fn shape(&self, ours: &str) -> Shape {
        let root = if self.root.is_empty() { self.profile.root(ours) } else { &self.root };
        Shape {
            profile: self.profile,
            root: root.to_owned(),
            is_bipolar: self.is_bipolar,
            groups: self.groups,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Receiver {
    pub id: i32,
    pub to: Endpoint,
    /// Who subscribed; `None` for those of the configuration and of the file.
    owner: Option<Endpoint>,
    pub terms: Terms,
    pub stay: Stay,
    pub pace: Pace,
    /// Index of its view; set by who makes the views.
    pub view: usize,
}

/// How long a receiver is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// The configuration names it.
    Configured,
    /// It asked to be kept; on the disk if it takes datagrams, else until its connection ends.
    Permanent,
    Until {
        end: Instant,
        length: Duration,
    },
}

impl Stay {
    /// -1 is for ever, else seconds from now.
    pub fn asked(lease_s: f32, now: Instant) -> Result<Self, Fault> {
        if lease_s == -1.0 {
            return Ok(Self::Permanent);
        }
        if !LEASE_ALLOWED_S.contains(&lease_s) {
            let (low, high) = (LEASE_ALLOWED_S.start(), LEASE_ALLOWED_S.end());
            let text = format!("lease is {lease_s} s, allowed are {low} to {high} s, or -1");
            return Err(Fault::new(Code::OutOfRange, text));
        }
        let length = Duration::from_secs_f32(lease_s);
        Ok(Self::Until { end: now + length, length })
    }
}

impl Receiver {
    /// Seconds left, or -1 for ever: as the wire says it.
    pub fn lease_left_s(&self, now: Instant) -> f32 {
        match self.stay {
            Stay::Configured | Stay::Permanent => -1.0,
            Stay::Until { end, .. } => end.saturating_duration_since(now).as_secs_f32(),
        }
    }

    pub fn is_of(&self, sender: Endpoint) -> bool {
        self.owner == Some(sender) || self.to == sender
    }

    /// Survives a restart by the file of receivers.
    pub fn is_saved(&self) -> bool {
        self.stay == Stay::Permanent && !self.to.is_tcp()
    }

    fn has_lapsed(&self, now: Instant) -> bool {
        matches!(self.stay, Stay::Until { end, .. } if end <= now)
    }

    fn is_at(&self, to: Endpoint, now: Instant) -> bool {
        self.to == to && !self.has_lapsed(now)
    }
}

/// What a subscriber wants.
#[derive(Clone, Debug)]
pub struct Subscription {
    pub owner: Option<Endpoint>,
    pub to: Endpoint,
    pub terms: Terms,
    pub stay: Stay,
}

#[derive(Debug, Default)]
pub struct Receivers {
    list: Vec<Receiver>,
    last_id: i32,
}

impl Receivers {
    pub fn iter(&self) -> impl Iterator<Item = &Receiver> {
        self.list.iter()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Receiver> {
        self.list.iter_mut()
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn ids(&self) -> Vec<i32> {
        self.list.iter().map(|receiver| receiver.id).collect()
    }

    pub fn get(&self, id: i32) -> Option<&Receiver> {
        self.list.iter().find(|receiver| receiver.id == id)
    }

    pub fn get_mut(&mut self, id: i32) -> Option<&mut Receiver> {
        self.list.iter_mut().find(|receiver| receiver.id == id)
    }

    /// Adds a receiver, or changes the one with this destination, and gives its id. One that the
    /// configuration names stays so; where many have lapsed they make room.
    pub fn subscribe(&mut self, wanted: Subscription, now: Instant) -> Result<i32, Fault> {
        if let Some(receiver) = self.list.iter_mut().find(|known| known.is_at(wanted.to, now)) {
            receiver.terms = wanted.terms;
            receiver.pace.reset();
            if receiver.stay != Stay::Configured {
                receiver.owner = wanted.owner;
                receiver.stay = wanted.stay;
            }
            return Ok(receiver.id);
        }
        if self.list.len() >= RECEIVERS_MAX {
            self.lapse(now);
        }
        if self.list.len() >= RECEIVERS_MAX {
            let text = format!("{RECEIVERS_MAX} receivers are there, more are not allowed");
            return Err(Fault::new(Code::Limit, text));
        }
        self.last_id = self.last_id.wrapping_add(1);
        self.list.push(Receiver {
            id: self.last_id,
            to: wanted.to,
            owner: wanted.owner,
            terms: wanted.terms,
            stay: wanted.stay,
            pace: Pace::default(),
            view: 0,
        });
        Ok(self.last_id)
    }

    /// Whether a subscription of `to` would be a renewal.
    pub fn knows(&self, to: Endpoint, now: Instant) -> bool {
        self.list.iter().any(|known| known.is_at(to, now))
    }

    /// Ends the subscriptions of this sender. A configured receiver is not his to end.
    pub fn unsubscribe(&mut self, sender: Endpoint) -> Result<Vec<Receiver>, Fault> {
        let ended = self.remove(|known| known.is_of(sender) && known.stay != Stay::Configured);
        if ended.is_empty() {
            let text = format!("{sender} has no subscription to end");
            return Err(Fault::new(Code::NoSuchThing, text));
        }
        Ok(ended)
    }

    /// The receiver with this id, if this sender may change it: from its own machine, or trusted.
    pub fn owned(
        &mut self,
        sender: Endpoint,
        is_trusted: bool,
        id: i32,
    ) -> Result<&mut Receiver, Fault> {
        let Some(receiver) = self.list.iter_mut().find(|known| known.id == id) else {
            return Err(Fault::new(Code::NoSuchThing, format!("there is no subscription {id}")));
        };
        let owner = receiver.owner.unwrap_or(receiver.to);
        if owner.ip() != sender.ip() && receiver.to.ip() != sender.ip() && !is_trusted {
            let text = format!("subscription {id} belongs to {}", owner.ip());
            return Err(Fault::new(Code::NotAllowed, text));
        }
        Ok(receiver)
    }

    pub fn unsubscribe_id(
        &mut self,
        sender: Endpoint,
        is_trusted: bool,
        id: i32,
    ) -> Result<Vec<Receiver>, Fault> {
        if self.owned(sender, is_trusted, id)?.stay == Stay::Configured {
            let text = format!("receiver {id} is permanent; the configuration names it");
            return Err(Fault::new(Code::NotAllowed, text));
        }
        Ok(self.remove(|known| known.id == id))
    }

    /// Any packet of a subscriber starts his lease anew.
    pub fn renew(&mut self, sender: Endpoint, now: Instant) {
        for receiver in self.list.iter_mut().filter(|receiver| receiver.is_of(sender)) {
            if let Stay::Until { end, length } = &mut receiver.stay
                && now < *end
            {
                *end = now + *length;
            }
        }
    }

    /// Forgets whom nobody has heard of.
    pub fn lapse(&mut self, now: Instant) -> Vec<Receiver> {
        self.remove(|receiver| receiver.has_lapsed(now))
    }

    /// Takes out all of which this is true.
    pub fn remove(&mut self, is_wanted: impl Fn(&Receiver) -> bool) -> Vec<Receiver> {
        self.list.extract_if(.., |receiver| is_wanted(receiver)).collect()
    }

    /// The first subscription of this sender.
    pub fn of(&self, sender: Endpoint) -> Option<&Receiver> {
        self.list.iter().find(|receiver| receiver.is_of(sender))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(port: u16) -> Endpoint {
        Endpoint::Udp(([127, 0, 0, 1], port).into())
    }

    fn leased(owner: Endpoint, now: Instant) -> Subscription {
        let stay = Stay::asked(LEASE_DEFAULT_S, now).expect("the default is allowed");
        Subscription { owner: Some(owner), to: owner, terms: Terms::of(Profile::Plain), stay }
    }

    fn configured(to: Endpoint) -> Subscription {
        let terms = Terms::of(Profile::Plain);
        Subscription { owner: None, to, terms, stay: Stay::Configured }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_subscription_lapses_after_75_s_unless_a_packet_renews_it() {
        let (mut receivers, start) = (Receivers::default(), Instant::now());
        receivers.subscribe(leased(port(1), start), start).expect("room");
        receivers.renew(port(1), start + seconds(60));
        receivers.renew(port(2), start + seconds(120));
        assert_eq!(receivers.lapse(start + seconds(134)).len(), 0);
        assert_eq!(receivers.lapse(start + seconds(135)).len(), 1);
    }

    #[test]
    fn a_configured_receiver_stays_and_is_not_doubled() {
        let (mut receivers, start) = (Receivers::default(), Instant::now());
        receivers.subscribe(configured(port(1)), start).expect("room");
        assert_eq!(receivers.subscribe(leased(port(1), start), start), Ok(1));
        assert_eq!(receivers.lapse(start + seconds(1_000_000)).len(), 0);
        assert_eq!(receivers.get(1).expect("kept").lease_left_s(start), -1.0);
    }

    #[test]
    fn the_33rd_is_refused_until_one_lapses() {
        let (mut receivers, start) = (Receivers::default(), Instant::now());
        for index in 0..32 {
            receivers.subscribe(leased(port(1000 + index), start), start).expect("room");
        }
        let full = receivers.subscribe(leased(port(1), start), start).expect_err("full");
        assert_eq!(full.code, Code::Limit);
        let later = start + seconds(75);
        receivers.subscribe(leased(port(1), later), later).expect("all have lapsed");
    }

    #[test]
    fn unsubscribing_ends_ones_own_and_no_configured_one() {
        let (mut receivers, start) = (Receivers::default(), Instant::now());
        receivers.subscribe(configured(port(1)), start).expect("room");
        let id = receivers.subscribe(leased(port(2), start), start).expect("room");
        let code = |result: Result<Vec<Receiver>, Fault>| result.map(|_| ()).map_err(|f| f.code);
        assert_eq!(code(receivers.unsubscribe(port(1))), Err(Code::NoSuchThing));
        assert_eq!(code(receivers.unsubscribe_id(port(2), true, 1)), Err(Code::NotAllowed));
        let stranger = Endpoint::Udp(([192, 0, 2, 1], 9).into());
        assert_eq!(code(receivers.unsubscribe_id(stranger, false, id)), Err(Code::NotAllowed));
        assert_eq!(receivers.unsubscribe(port(2)).expect("his own").len(), 1);
    }

    #[test]
    fn leases_have_a_range() {
        let code = |lease_s| Stay::asked(lease_s, Instant::now()).map_err(|fault| fault.code);
        assert_eq!(code(-1.0), Ok(Stay::Permanent));
        for wrong in [1.0, 4000.0, f32::NAN, -2.0] {
            assert_eq!(code(wrong), Err(Code::OutOfRange));
        }
    }
}
