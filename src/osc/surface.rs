//! The OSC surface as one object, owned by the worker thread: updates go in and leave as packets,
//! commands go in and are answered. What only others can do comes back as [`Pending`] and is
//! answered through [`Surface::answer`]. Time comes as an argument wherever it decides anything.

mod commands;

mod fanout;

mod maps;

mod notice;

mod people;

mod plugins;

mod reply;

mod rules;

mod request;

mod settings;

mod subscribe;

mod tickets;

mod triggers;

mod verbs;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Instant, SystemTime};

use mio::Waker;

use crate::config::running::Running;
use crate::messages::{Identity, Segment};
use crate::osc::address::{Group, Instance, all_instances};
use crate::osc::destination::Destinations;
use crate::osc::encode::Datagrams;
use crate::osc::endpoint::Endpoint;
use crate::osc::fault::{Code, Fault};
use crate::osc::groups::Groups;
use crate::osc::health::HealthStreams;
use crate::osc::peers::Peers;
use crate::osc::profile::Profile;
use crate::osc::receive::Inbound;
use crate::osc::receivers::{Receivers, Stay, Subscription, Terms};
use crate::osc::saved::SavedReceiver;
use crate::osc::send::{Counters, Outlet};
use crate::osc::streams::ChannelStreams;
use crate::osc::view::View;

pub use crate::osc::surface::fanout::Moment;
pub use crate::osc::surface::request::{
    Cause, Comparison, Done, Pending, PersonRequest, PluginRequest, Request, TeachRequest,
};
pub use crate::osc::surface::tickets::Ticket;
use crate::osc::surface::tickets::Tickets;

/// What a receiver gets that the configuration names.
const CONFIGURED_GROUPS: Groups =
    Groups::of(&[Group::Core, Group::Seg, Group::Trig, Group::Event, Group::Health]);

/// What the model brings: who it is, and what it can be set to.
#[derive(Clone, Debug)]
pub struct Knowledge {
    pub identity: Identity,
    /// Name of its folder.
    pub model: String,
    /// Window and hop where the configuration names none.
    pub window_s: f32,
    pub hop_s: f32,
    /// What the model allows.
    pub window_allowed_s: RangeInclusive<f32>,
}

/// What a surface is made from.
pub struct Setup {
    /// Bound to the listening address; [`crate::osc::receive::run`] gets a clone of it.
    pub socket: UdpSocket,
    /// Of [`crate::osc::tcp::TcpServer`], where there is one.
    pub waker: Option<Arc<Waker>>,
    pub running: Running,
    pub knowledge: Knowledge,
    pub saved: Vec<SavedReceiver>,
}

pub struct Surface {
    root: String,
    knowledge: Knowledge,
    running: Running,
    /// Every concrete address, and where it stands; made anew with identity and receivers.
    addresses: Vec<Instance>,
    index: HashMap<String, usize>,
    channels: Vec<ChannelStreams>,
    /// The segment of each channel that was told to have begun and not to have ended.
    segments: Vec<Option<Segment>>,
    /// When each channel's last sound was recorded.
    captured: Vec<SystemTime>,
    health: HealthStreams,
    muted: bool,
    receivers: Receivers,
    views: Vec<View>,
    is_unsaved: bool,
    destinations: Destinations,
    peers: Peers,
    tickets: Tickets,
    /// Traces that may still be sent in this second.
    traces_left: u32,
    outlet: Outlet,
    counters: Arc<Counters>,
    datagrams: Datagrams,
}

impl Surface {
    pub fn new(setup: Setup) -> io::Result<Self> {
        let osc = setup.running.config().osc.clone();
        let listen = setup.socket.local_addr()?;
        let counters = Arc::new(Counters::default());
        let mut surface = Self {
            destinations: Destinations::new(listen, osc.allow, osc.token),
            root: osc.root,
            knowledge: setup.knowledge,
            running: setup.running,
            addresses: Vec::new(),
            index: HashMap::new(),
            channels: Vec::new(),
            segments: Vec::new(),
            captured: Vec::new(),
            health: HealthStreams::new(&[]),
            muted: false,
            receivers: Receivers::default(),
            views: Vec::new(),
            is_unsaved: false,
            peers: Peers::default(),
            tickets: Tickets::default(),
            traces_left: 0,
            outlet: Outlet::new(setup.socket, setup.waker, Arc::clone(&counters))?,
            counters,
            datagrams: Datagrams::default(),
        };
        surface.build_channels();
        let now = Instant::now();
        for address in osc.send {
            if let Err(fault) = surface.add_configured(address, now) {
                log::warn!("osc.send: {fault}");
            }
        }
        for saved in setup.saved {
            if let Err(fault) = surface.add_saved(&saved, now) {
                log::warn!("the permanent receiver {} is left out: {fault}", saved.endpoint());
            }
        }
        surface.build_views();
        Ok(surface)
    }

    /// For the threads that receive, and the monitor.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Nothing of the analysis may leave, in whatever way.
    pub fn is_silent(&self) -> bool {
        self.muted || !self.running.config().privacy.consent
    }

    pub fn running(&self) -> &Running {
        &self.running
    }

    /// After another model or number of channels: the streams start again from silence. After
    /// other triggers they go on, and those that are gone are off.
    pub fn set_knowledge(&mut self, knowledge: Knowledge) {
        self.end_triggers(&knowledge.identity.triggers);
        if knowledge.identity.channels < self.knowledge.identity.channels {
            self.cut_segments();
        }
        let is_same_model = self.knowledge.identity.labels == knowledge.identity.labels;
        self.knowledge = knowledge;
        let before = std::mem::take(&mut self.channels);
        self.build_channels();
        if is_same_model {
            let channels = self.channels.iter_mut().zip(&before);
            channels.for_each(|(streams, before)| streams.follow(before));
        }
        self.drop_views();
        self.build_views();
    }

    /// What came from the network; what only others can do comes back.
    pub fn handle(&mut self, inbound: Inbound, now: Instant) -> Vec<Pending> {
        match inbound {
            Inbound::Connected(link) => self.outlet.connect(link),
            Inbound::Closed(endpoint) => self.close(endpoint),
            Inbound::Malformed { from, text } => self.trace_malformed(from, &text),
            Inbound::Packet { from, .. } if self.is_ourselves(from) => {
                self.counters.ignored.fetch_add(1, Relaxed);
            }
            Inbound::Packet { from, bytes, messages } => {
                self.receivers.renew(from, now);
                self.peers.seen(from, bytes, now);
                let messages = messages.into_iter();
                return messages.filter_map(|message| self.obey(from, message, now)).collect();
            }
        }
        Vec::new()
    }

    /// At least once a second: ends leases and traces, and tells how many errors were held back.
    pub fn tick(&mut self, now: Instant) {
        let lapsed = self.receivers.lapse(now);
        if !lapsed.is_empty() {
            self.build_views();
        }
        lapsed.iter().for_each(|receiver| self.tell_client(receiver, false));
        self.peers.lapse(now);
        self.renew_traces();
        for (sender, count) in self.peers.take_suppressed(now) {
            let text = format!("{count} errors more than 10 a second were not sent");
            let fault = Fault::new(Code::Limit, text);
            self.refuse(sender, &format!("{}/error", self.root), 0, &fault);
        }
    }

    fn is_ourselves(&self, from: Endpoint) -> bool {
        !from.is_tcp() && self.destinations.is_ourselves(from.address())
    }

    fn is_trusted(&self, from: Endpoint) -> bool {
        self.destinations.trusts(from) || self.peers.has_token(from)
    }

    fn close(&mut self, endpoint: Endpoint) {
        self.outlet.disconnect(endpoint);
        self.peers.forget(endpoint);
        self.renew_traces();
        let gone = self.receivers.remove(|receiver| receiver.to == endpoint);
        if !gone.is_empty() {
            self.build_views();
        }
        gone.iter().for_each(|receiver| self.tell_client(receiver, false));
    }

    fn add_configured(&mut self, address: SocketAddr, now: Instant) -> Result<(), Fault> {
        let ip = self.destinations.in_our_family(address.ip())?;
        let address = SocketAddr::new(ip, address.port());
        self.destinations.check(address)?;
        let terms = Terms { groups: CONFIGURED_GROUPS, ..Terms::of(Profile::Plain) };
        let to = Endpoint::Udp(address);
        let wanted = Subscription { owner: None, to, terms, stay: Stay::Configured };
        self.receivers.subscribe(wanted, now).map(|_| ())
    }

    fn add_saved(&mut self, saved: &SavedReceiver, now: Instant) -> Result<(), Fault> {
        let ip = self.destinations.in_our_family(saved.host)?;
        let address = SocketAddr::new(ip, saved.port);
        self.destinations.check(address)?;
        let to = Endpoint::Udp(address);
        let wanted = Subscription { owner: None, to, terms: saved.terms()?, stay: Stay::Permanent };
        self.receivers.subscribe(wanted, now).map(|_| ())
    }

    fn build_channels(&mut self) {
        let (root, identity) = (&self.root, &self.knowledge.identity);
        let of = |channel| ChannelStreams::new(root, channel, identity);
        self.channels = (1..=identity.channels).map(of).collect();
        self.captured = vec![SystemTime::UNIX_EPOCH; self.channels.len()];
        self.segments.resize(self.channels.len(), None);
        self.build_addresses();
        let before = std::mem::replace(&mut self.health, HealthStreams::new(&self.addresses));
        self.health.follow(&before);
    }

    fn build_addresses(&mut self) {
        self.addresses = all_instances(&self.root, &self.knowledge.identity, &self.receivers.ids());
        let names = self.addresses.iter().enumerate();
        self.index = names.map(|(index, known)| (known.name.clone(), index)).collect();
    }

    fn count_clients(&self) {
        self.counters.clients.store(self.receivers.len() as u64, Relaxed);
    }
}
