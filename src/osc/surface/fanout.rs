//! What leaves by itself: hops, health and events, to each receiver in its own shape and pace.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use rosc::{OscTime, OscType};

use crate::messages::{
    Event, EventKind, Health, Identity, Segment, SegmentEvent, SegmentFlags, Update,
};
use crate::osc::address::{Group, HealthValue};
use crate::osc::encode::{AT_ONCE, Datagrams, message, time_tag};
use crate::osc::health::HealthStreams;
use crate::osc::receivers::{Receiver, Stay};
use crate::osc::saved::SavedReceiver;
use crate::osc::streams::ChannelStreams;
use crate::osc::surface::Surface;
use crate::osc::view::{Shape, View};

/// The moment of an update, in both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub now: Instant,
    pub time: SystemTime,
}

impl Moment {
    pub fn now() -> Self {
        Self { now: Instant::now(), time: SystemTime::now() }
    }
}

impl Surface {
    /// One hop of one channel. `captured` is when the window's last sample was recorded. While
    /// silent nothing leaves and nothing is kept, so that asking tells nothing either.
    pub fn update(&mut self, update: &Update, captured: SystemTime, moment: Moment) {
        if self.is_silent() {
            return;
        }
        let index = usize::from(update.channel).checked_sub(1);
        let Some((index, streams)) =
            index.and_then(|index| Some((index, self.channels.get_mut(index)?)))
        else {
            let known = self.channels.len();
            return log::warn!("update for channel {}, known are 1 to {known}", update.channel);
        };
        streams.set(update, captured, moment.time);
        self.captured[index] = captured;
        self.publish(index, moment.now);
    }

    /// What is due of a channel, to all who may have it now; the others are owed it.
    fn publish(&mut self, channel_index: usize, now: Instant) {
        let time = time_tag(self.captured[channel_index]);
        for view in &mut self.views {
            view.load(channel_index, &self.channels[channel_index]);
        }
        self.outlet.begin_round();
        for receiver in self.receivers.iter_mut().filter(|r| r.terms.is_enabled) {
            let view = &mut self.views[receiver.view];
            if receiver.terms.limits.is_none() {
                for datagram in view.due(channel_index, time).iter() {
                    self.outlet.send(datagram, receiver.to);
                }
                continue;
            }
            let is_always = view.shape.profile.has_time_always();
            let limits = receiver.terms.limits;
            receiver.pace.note(channel_index, view.slots(channel_index), limits, is_always);
        }
        self.outlet.end_round();
        self.flush(now);
    }

    /// What caps and dead bands have noted and what may leave now; also between hops.
    pub fn flush(&mut self, now: Instant) {
        self.outlet.begin_round();
        for receiver in self.receivers.iter_mut().filter(|r| r.terms.is_enabled) {
            for channel_index in 0..self.channels.len() {
                if receiver.pace.is_ready(channel_index, now) {
                    let moment = (time_tag(self.captured[channel_index]), now);
                    let view = &self.views[receiver.view];
                    write_owed(receiver, view, channel_index, moment, &mut self.datagrams);
                    self.datagrams.iter().for_each(|d| self.outlet.send(d, receiver.to));
                }
            }
        }
        self.outlet.end_round();
    }

    /// A segment of a channel began, went on or ended. While silent none of it leaves, and of one
    /// that began meanwhile nothing later either: who hears of a start hears of one end.
    pub fn segment(&mut self, event: &SegmentEvent) {
        if self.is_silent() {
            return;
        }
        let index = usize::from(event.channel()).saturating_sub(1);
        let Some(open) = self.segments.get_mut(index) else { return };
        match event {
            SegmentEvent::Start { channel, id, .. } => {
                *open = Some(Segment::just_begun(*channel, *id));
            }
            SegmentEvent::Part(segment) | SegmentEvent::End(segment) => {
                if open.is_none_or(|open| open.id != segment.id) {
                    return;
                }
                let is_end = matches!(event, SegmentEvent::End(_));
                *open = (!is_end).then_some(*segment);
            }
        }
        self.send_segment(event, self.captured[index]);
    }

    fn send_segment(&mut self, event: &SegmentEvent, captured: SystemTime) {
        let unknown = self.knowledge.identity.labels.len().saturating_sub(1);
        self.outlet.begin_round();
        for receiver in self.receivers.iter().filter(|r| r.terms.is_enabled) {
            self.datagrams.clear();
            let view = &self.views[receiver.view];
            view.write_segment(event, unknown, time_tag(captured), &mut self.datagrams);
            self.datagrams.iter().for_each(|datagram| self.outlet.send(datagram, receiver.to));
        }
        self.outlet.end_round();
    }

    /// Segments that are open end here for all who hear of them.
    pub(super) fn cut_segments(&mut self) {
        for index in 0..self.segments.len() {
            if let Some(mut segment) = self.segments[index].take() {
                segment.flags = segment.flags.with(SegmentFlags::CUT, true);
                self.send_segment(&SegmentEvent::End(segment), SystemTime::now());
            }
        }
    }

    /// Says for every channel that nobody speaks and nothing is fresh: on muting, and for a daemon
    /// whose source is gone so that no update will say it. No cap holds it back.
    pub fn silence(&mut self) {
        let moment = Moment::now();
        self.cut_segments();
        for index in 0..self.channels.len() {
            self.channels[index].reset();
            self.captured[index] = moment.time;
            self.receivers.iter_mut().for_each(|receiver| receiver.pace.reset());
            self.publish(index, moment.now);
        }
    }

    /// Says of the triggers that are about to go that they are off; `kept` are those that stay.
    pub(super) fn end_triggers(&mut self, kept: &[(u16, String)]) {
        let moment = Moment::now();
        let names = Arc::clone(&self.knowledge.identity.triggers);
        for index in 0..self.channels.len() {
            if self.channels[index].end_triggers(&names, kept) {
                self.captured[index] = moment.time;
                self.publish(index, moment.now);
            }
        }
    }

    /// Once a second; sooner if the state changed, which is an event too. Everyone gets the
    /// heartbeat.
    pub fn health(&mut self, health: &Health) {
        self.count_clients();
        let has_state_changed = self.health.set(health, &self.counters);
        let time = time_tag(SystemTime::now());
        for view in &mut self.views {
            view.load_health(&self.health);
        }
        self.outlet.begin_round();
        for receiver in self.receivers.iter() {
            let view = &self.views[receiver.view];
            let groups = view.shape.groups;
            self.datagrams.clear();
            view.write_health(
                AT_ONCE,
                |value| value == HealthValue::Heartbeat,
                &mut self.datagrams,
            );
            if receiver.terms.is_enabled {
                let is_told = |value| match value {
                    HealthValue::Heartbeat => false,
                    HealthValue::State => groups.has(Group::Health) || has_state_changed,
                    HealthValue::StateText => has_state_changed || groups.has(Group::Health),
                    _ => true,
                };
                view.write_health(time, is_told, &mut self.datagrams);
            }
            self.datagrams.iter().for_each(|datagram| self.outlet.send(datagram, receiver.to));
        }
        self.outlet.end_round();
    }

    pub fn event(&mut self, event: &Event) {
        self.outlet.begin_round();
        for receiver in self.receivers.iter().filter(|r| r.terms.is_enabled) {
            self.datagrams.clear();
            self.views[receiver.view].write_event(event, &mut self.datagrams);
            self.datagrams.iter().for_each(|datagram| self.outlet.send(datagram, receiver.to));
        }
        self.outlet.end_round();
    }

    /// A mapping's value to all receivers, or to the one that is HOST:PORT; nothing while silent.
    pub fn send_mapped(&mut self, receiver: Option<&str>, address: &str, value: f32) {
        if self.is_silent() {
            return;
        }
        let wanted = receiver.map(|receiver| receiver.replacen("localhost:", "127.0.0.1:", 1));
        let wanted: Option<Option<SocketAddr>> = wanted.map(|wanted| wanted.parse().ok());
        self.datagrams.clear();
        self.datagrams.push_message(&message(address.to_owned(), vec![OscType::Float(value)]));
        self.outlet.begin_round();
        for to in self.receivers.iter().filter(|r| r.terms.is_enabled).map(|r| r.to) {
            let ours = SocketAddr::new(to.ip(), to.address().port());
            if wanted.is_none_or(|wanted| wanted == Some(ours)) {
                self.datagrams.iter().for_each(|datagram| self.outlet.send(datagram, to));
            }
        }
        self.outlet.end_round();
    }

    /// All current values to one receiver. From here on its dead band starts anew.
    pub(super) fn send_snapshot(&mut self, id: i32) {
        let Some(receiver) = self.receivers.get_mut(id) else { return };
        receiver.pace.reset();
        let (to, view) = (receiver.to, &mut self.views[receiver.view]);
        let time = time_tag(SystemTime::now());
        self.datagrams.clear();
        for index in 0..self.channels.len() {
            view.write_snapshot(index, time, &mut self.datagrams);
        }
        view.load_health(&self.health);
        view.write_health(time, |value| value != HealthValue::Heartbeat, &mut self.datagrams);
        self.outlet.begin_round();
        self.datagrams.iter().for_each(|datagram| self.outlet.send(datagram, to));
        self.outlet.end_round();
    }

    /// After a change of receivers or of their terms: as many views as there are shapes.
    pub(super) fn build_views(&mut self) {
        let mut old = std::mem::take(&mut self.views);
        for receiver in self.receivers.iter_mut() {
            let shape = receiver.terms.shape(&self.root);
            let known = self.views.iter().position(|view| view.shape == shape);
            receiver.view = known.unwrap_or_else(|| {
                let kept = old.iter().position(|view| view.shape == shape);
                self.views.push(match kept {
                    Some(index) => old.swap_remove(index),
                    None => {
                        new_view(&shape, &self.channels, &self.health, &self.knowledge.identity)
                    }
                });
                self.views.len() - 1
            });
        }
        self.build_addresses();
        self.count_clients();
    }

    pub(super) fn drop_views(&mut self) {
        self.views.clear();
        self.receivers.iter_mut().for_each(|receiver| receiver.pace.reset());
    }

    /// Receivers came or went, for whatever reason.
    pub(super) fn tell_client(&mut self, receiver: &Receiver, has_come: bool) {
        let text = if has_come { "subscribed" } else { "gone" };
        log::info!("receiver {} ({}) {text}", receiver.id, receiver.to);
        self.is_unsaved |= receiver.is_saved();
        self.event(&Event {
            kind: EventKind::Client,
            code: i32::from(has_come),
            subject: receiver.to.to_string(),
            text: text.to_owned(),
        });
    }

    /// Those to be written to the disk, if that has changed since the last call.
    pub fn take_unsaved(&mut self) -> Option<Vec<SavedReceiver>> {
        let saved = || self.receivers.iter().filter(|receiver| receiver.is_saved());
        std::mem::take(&mut self.is_unsaved).then(|| saved().map(SavedReceiver::of).collect())
    }

    /// Receivers that the configuration names, after it changed.
    pub(super) fn configure_receivers(&mut self, now: Instant) {
        let wanted = self.running.config().osc.send.clone();
        let gone = self.receivers.remove(|receiver| {
            receiver.stay == Stay::Configured && !wanted.contains(&receiver.to.address())
        });
        gone.iter().for_each(|receiver| self.tell_client(receiver, false));
        for address in wanted {
            if let Err(fault) = self.add_configured(address, now) {
                log::warn!("osc.send: {fault}");
            }
        }
        self.build_views();
    }
}

/// A view with the values of now.
fn new_view(
    shape: &Shape,
    channels: &[ChannelStreams],
    health: &HealthStreams,
    identity: &Identity,
) -> View {
    let mut view = View::new(shape.clone(), channels, health, identity);
    channels.iter().enumerate().for_each(|(index, streams)| view.load(index, streams));
    view.load_health(health);
    view
}

/// Writes what a paced receiver is owed and starts its timer.
fn write_owed(
    receiver: &mut Receiver,
    view: &View,
    channel_index: usize,
    moment: (OscTime, Instant),
    datagrams: &mut Datagrams,
) {
    let (time, now) = moment;
    let slots = view.slots(channel_index);
    let pace = &receiver.pace;
    datagrams.clear();
    let leaves = |index: usize| pace.leaves(channel_index, index, &slots[index], now);
    view.write(channel_index, time, leaves, datagrams);
    receiver.pace.settle(channel_index, slots, receiver.terms.limits, now);
}
