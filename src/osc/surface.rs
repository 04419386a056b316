//! The OSC surface as one object, owned by the worker thread: updates go in and leave as datagrams,
//! commands go in and are answered. What only the engine can do comes back as [`Pending`] and is
//! answered through [`Surface::answer`]. Time comes as an argument wherever it decides anything.

mod commands;

mod subscribe;

mod tickets;

#[cfg(test)]
mod tests;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Instant, SystemTime};

use rosc::OscPacket;

use crate::config;
use crate::messages::{ControlRequest, Event, Health, Identity, Update};
use crate::osc::address::{Group, HealthValue, Instance, Role, all_instances};
use crate::osc::destination::Destinations;
use crate::osc::encode::{self, Datagrams, time_tag};
use crate::osc::fault::{Code, Fault};
use crate::osc::peers::Peers;
use crate::osc::receive::Inbound;
use crate::osc::receivers::{Groups, RECEIVERS_MAX, Receivers};
use crate::osc::send::{Counters, Outlet};
use crate::osc::streams::{ChannelStreams, HealthStreams};

pub use crate::osc::surface::tickets::Ticket;
use crate::osc::surface::tickets::{Finished, Tickets};

/// A request that the engine carries out between two hops; it must be answered, once.
#[derive(Debug)]
pub struct Pending {
    pub ticket: Ticket,
    pub request: ControlRequest,
}

/// The window length: now, and what the model allows.
#[derive(Clone, Debug)]
pub struct Window {
    pub current_s: f32,
    pub allowed_s: RangeInclusive<f32>,
}

/// Why the surface cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("osc.send has {0} addresses, at most {RECEIVERS_MAX} are allowed")]
    TooMany(usize),
    #[error("osc.send: {0}")]
    Receiver(Fault),
    #[error("the OSC socket cannot be used")]
    Socket(#[from] io::Error),
}

pub struct Surface {
    root: String,
    identity: Identity,
    /// Every concrete address; made anew with the identity.
    addresses: Vec<Instance>,
    channels: Vec<ChannelStreams>,
    health: HealthStreams,
    muted: bool,
    window: Window,
    receivers: Receivers,
    destinations: Destinations,
    peers: Peers,
    tickets: Tickets,
    outlet: Outlet,
    counters: Arc<Counters>,
    datagrams: Datagrams,
}

impl Surface {
    /// `socket` is bound to the listening address; [`crate::osc::receive::run`] gets a clone of it.
    pub fn new(
        socket: UdpSocket,
        config: &config::Osc,
        identity: Identity,
        window: Window,
    ) -> Result<Self, OpenError> {
        let destinations = Destinations::new(socket.local_addr()?);
        if config.send.len() > RECEIVERS_MAX {
            return Err(OpenError::TooMany(config.send.len()));
        }
        let mut permanent = Vec::new();
        for receiver in &config.send {
            let ip = destinations.in_our_family(receiver.ip()).map_err(OpenError::Receiver)?;
            let receiver = SocketAddr::new(ip, receiver.port());
            destinations.check(receiver).map_err(OpenError::Receiver)?;
            permanent.push(receiver);
        }
        let counters = Arc::new(Counters::default());
        let mut surface = Self {
            root: config.root.clone(),
            addresses: Vec::new(),
            channels: Vec::new(),
            health: HealthStreams::new(&config.root),
            muted: false,
            window,
            receivers: Receivers::new(&permanent),
            destinations,
            peers: Peers::default(),
            tickets: Tickets::default(),
            outlet: Outlet::new(socket, Arc::clone(&counters))?,
            counters,
            datagrams: Datagrams::default(),
            identity,
        };
        surface.build_addresses();
        surface.count_clients();
        Ok(surface)
    }

    /// For [`crate::osc::receive::run`] and the monitor.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// True from a successful `/ser/mute 1` on.
    pub fn is_muted(&self) -> bool {
        self.muted
    }

    /// After another model or number of channels: the streams start again from silence.
    pub fn set_identity(&mut self, identity: Identity) {
        self.identity = identity;
        self.build_addresses();
    }

    /// One hop of one channel. `captured` is when the window's last sample was recorded.
    /// While muted nothing leaves and nothing is kept, so that asking tells nothing either.
    pub fn update(&mut self, update: &Update, captured: SystemTime) {
        if self.muted {
            return;
        }
        let index = usize::from(update.channel).checked_sub(1);
        let Some(streams) = index.and_then(|index| self.channels.get_mut(index)) else {
            log::warn!(
                "update for channel {}, known are 1 to {}",
                update.channel,
                self.channels.len()
            );
            return;
        };
        streams.set(update, captured, SystemTime::now());
        self.datagrams.clear();
        streams.write_due(captured, &mut self.datagrams);
        self.send_to(|groups| groups.core);
    }

    /// Once a second; sooner if the state changed, which is an event too. Everyone gets the
    /// heartbeat.
    pub fn health(&mut self, health: &Health) {
        let clients = i32::try_from(self.receivers.len()).unwrap_or(i32::MAX); // at most 32
        let has_state_changed = self.health.set(health, clients);
        self.health.count_heartbeat();
        self.datagrams.clear();
        for heartbeat in self.health.only(HealthValue::Heartbeat) {
            self.datagrams.push_message(heartbeat);
        }
        self.send_to(|_| true);
        self.datagrams.clear();
        self.datagrams.push_bundle(time_tag(SystemTime::now()), self.health.snapshot());
        self.send_to(|groups| groups.health);
        if has_state_changed {
            self.datagrams.clear();
            for state in self.health.only(HealthValue::State) {
                self.datagrams.push_message(state);
            }
            self.send_to(|groups| groups.event && !groups.health);
        }
    }

    pub fn event(&mut self, event: &Event) {
        let role = Role::Event(event.kind);
        let Some(address) = self.addresses.iter().find(|known| known.row.role == role) else {
            log::error!("no address for {event:?}");
            return;
        };
        self.datagrams.clear();
        self.datagrams.push_message(&encode::event(address.name.clone(), event));
        self.send_to(|groups| groups.event);
    }

    /// Says for every channel that nobody speaks and nothing is fresh: on muting, and for a daemon
    /// whose source is gone so that no update will say it.
    pub fn silence(&mut self) {
        let labels = self.identity.labels.len();
        self.datagrams.clear();
        for streams in &mut self.channels {
            streams.reset(labels);
            streams.write_due(SystemTime::now(), &mut self.datagrams);
        }
        self.send_to(|groups| groups.core);
    }

    /// Obeys the messages of one packet; what only the engine can do comes back.
    pub fn handle(&mut self, inbound: Inbound, now: Instant) -> Vec<Pending> {
        if self.destinations.is_ourselves(inbound.from) {
            self.counters.ignored.fetch_add(1, Relaxed);
            return Vec::new();
        }
        self.receivers.renew(inbound.from, now);
        self.peers.seen(inbound.from, now);
        let messages = inbound.messages.into_iter();
        messages.filter_map(|message| self.obey(inbound.from, message, now)).collect()
    }

    /// The outcome of a [`Pending`]. Success changes the value that is told to those who ask.
    pub fn answer(&mut self, ticket: Ticket, result: Result<(), Fault>, now: Instant) {
        let Some((caller, request)) = self.tickets.close(ticket) else {
            log::error!("{ticket:?} was answered before");
            return;
        };
        match result {
            Ok(()) => {
                self.apply(request);
                let reply = encode::ok(&self.root, &caller.address, caller.id(), Vec::new());
                self.reply(caller.from, &[reply]);
            }
            Err(fault) => self.refuse(caller.from, &caller.address, caller.id(), &fault, now),
        }
        self.settle_syncs();
    }

    /// At least once a second: ends leases, and tells how many errors were held back.
    pub fn tick(&mut self, now: Instant) {
        self.receivers.lapse(now);
        self.count_clients();
        for (sender, count) in self.peers.take_suppressed(now) {
            let text = format!("{count} errors more than 10 a second were not sent");
            let address = format!("{}/error", self.root);
            let fault = Fault::new(Code::Limit, text);
            let reply = encode::error(&self.root, &address, 0, &fault);
            self.reply(sender, &[reply]);
        }
    }

    fn build_addresses(&mut self) {
        let (root, identity) = (&self.root, &self.identity);
        self.addresses = all_instances(root, identity);
        self.channels = (1..=identity.channels)
            .map(|channel| ChannelStreams::new(root, channel, &identity.labels, identity.hop_s))
            .collect();
    }

    fn apply(&mut self, request: ControlRequest) {
        match request {
            ControlRequest::Mute(muted) => {
                if muted && !self.muted {
                    self.silence();
                }
                self.muted = muted;
            }
            ControlRequest::WindowS(window_s) => self.window.current_s = window_s,
            ControlRequest::Quit => {}
        }
    }

    /// Answers every sync that waits for nothing any more.
    fn settle_syncs(&mut self) {
        for Finished { caller, number } in self.tickets.take_finished_syncs() {
            let name = format!("{}/synced", self.root);
            let synced = encode::message(name, vec![rosc::OscType::Int(number)]);
            let ok = encode::ok(&self.root, &caller.address, caller.id(), Vec::new());
            self.reply(caller.from, &[synced, ok]);
        }
    }

    /// All current values of the groups to one receiver.
    fn send_snapshot(&mut self, destination: SocketAddr, groups: Groups) {
        self.datagrams.clear();
        let time = time_tag(SystemTime::now());
        if groups.has(Group::Core) {
            for streams in &self.channels {
                self.datagrams.push_bundle(time, streams.snapshot());
            }
        }
        if groups.has(Group::Health) {
            self.datagrams.push_bundle(time, self.health.snapshot());
        }
        self.outlet.begin_round();
        for datagram in self.datagrams.iter() {
            self.outlet.send(datagram, destination);
        }
    }

    fn refuse(&mut self, to: SocketAddr, address: &str, request: i32, fault: &Fault, now: Instant) {
        if self.peers.admit_error(to, now) {
            let error = encode::error(&self.root, address, request, fault);
            self.reply(to, &[error]);
        }
    }

    fn reply(&mut self, to: SocketAddr, replies: &[OscPacket]) {
        let destination = self.peers.reply_address(to);
        self.datagrams.clear();
        self.datagrams.push_replies(replies);
        self.outlet.begin_round();
        for datagram in self.datagrams.iter() {
            self.outlet.send(datagram, destination);
        }
    }

    /// The waiting datagrams to all receivers with these groups.
    fn send_to(&mut self, wanted: impl Fn(Groups) -> bool) {
        self.outlet.begin_round();
        for receiver in self.receivers.iter().filter(|receiver| wanted(receiver.groups)) {
            for datagram in self.datagrams.iter() {
                self.outlet.send(datagram, receiver.destination);
            }
        }
    }

    fn count_clients(&self) {
        self.counters.clients.store(self.receivers.len() as u64, Relaxed);
    }
}
