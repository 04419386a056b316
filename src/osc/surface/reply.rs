//! Answers: one `ok` or `error` a command, never longer than a stranger's question allows; and
//! traces of what came in, for who asked for them.

use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use rosc::{OscMessage, OscPacket, OscType};

use crate::messages::{Event, EventKind};
use crate::osc::encode::{self, text};
use crate::osc::endpoint::Endpoint;
use crate::osc::fault::{Code, Fault};
use crate::osc::surface::Surface;
use crate::osc::surface::request::{Cause, Done};
use crate::osc::surface::tickets::{Caller, Finished, Ticket};
use crate::osc::surface::verbs::counted;

/// Traces a second; a flood is not doubled for who watches it.
const TRACES_PER_S: u32 = 200;

/// The longest trace of a command's arguments.
const TRACE_CHARS_MAX: usize = 200;

impl Surface {
    /// The outcome of a request. Success changes what is told to those who ask.
    pub fn answer(&mut self, ticket: Ticket, result: Result<Done, Fault>, now: Instant) {
        let Some(caller) = self.tickets.close(ticket) else {
            return log::error!("{ticket:?} was answered before");
        };
        match result {
            Ok(done) => {
                let mut replies = Vec::new();
                let results = self.conclude_request(done, &mut replies, now);
                replies.push(encode::ok(&self.root, &caller.address, caller.id(), results));
                self.reply(&caller, &replies);
            }
            Err(fault) => self.refuse_if_few(&caller, &fault, now),
        }
        self.settle_syncs();
    }

    /// A request goes on.
    pub fn progress(&mut self, ticket: Ticket, share: f32, what: &str) {
        let Some(caller) = self.tickets.caller(ticket).cloned() else { return };
        let arguments = vec![
            text(&caller.address),
            OscType::Int(caller.id()),
            OscType::Float(share),
            text(what),
        ];
        let progress = self.item("progress", arguments);
        self.send_replies(caller.from, &[progress]);
    }

    /// A change that nobody waits for an answer to.
    pub fn settle(&mut self, done: Done, now: Instant) {
        self.conclude_request(done, &mut Vec::new(), now);
    }

    fn conclude_request(
        &mut self,
        done: Done,
        replies: &mut Vec<OscPacket>,
        now: Instant,
    ) -> Vec<OscType> {
        match done {
            Done::Plain => Vec::new(),
            Done::Values(values) => values,
            Done::Items(items) => {
                let items = items.into_iter().map(|(name, row)| self.item(name, row));
                replies.extend(items);
                counted(replies)
            }
            Done::Told { items, results } => {
                replies.extend(items.into_iter().map(|(name, row)| self.item(name, row)));
                results
            }
            Done::Adopted { state, cause } => {
                self.adopt(*state, cause, now);
                Vec::new()
            }
            Done::Reloaded { state, saved } => {
                self.running.set_saved(*saved);
                self.adopt(*state, Cause::Reload, now);
                Vec::new()
            }
            Done::Saved(typed) => {
                self.running.keep_slots(&typed);
                self.running.set_saved(*typed);
                let file = self.running.origin().file.display().to_string();
                self.tell(EventKind::Config, 4, file, "saved".to_owned());
                Vec::new()
            }
            Done::Devices(devices) => {
                replies.extend(devices.iter().map(|device| {
                    let numbers = [
                        i32::from(device.channels),
                        i32::try_from(device.rate_hz).unwrap_or(i32::MAX),
                        i32::from(device.is_default),
                    ];
                    let texts = [text(&device.id), text(&device.name)].into_iter();
                    let arguments = texts.chain(numbers.map(OscType::Int)).collect();
                    self.item("device/item", arguments)
                }));
                counted(replies)
            }
            Done::Models(models) => {
                replies.extend(models.iter().map(|model| {
                    let is_current = model.name == self.knowledge.model;
                    let arguments = vec![
                        text(&model.name),
                        text(&model.description),
                        OscType::Int(i32::try_from(model.parameters).unwrap_or(i32::MAX)),
                        OscType::Int(i32::from(is_current)),
                    ];
                    self.item("model/item", arguments)
                }));
                counted(replies)
            }
        }
    }

    /// Answers every sync that waits for nothing any more.
    pub(super) fn settle_syncs(&mut self) {
        for Finished { caller, number } in self.tickets.take_finished_syncs() {
            let synced = self.item("synced", vec![OscType::Int(number)]);
            let ok = encode::ok(&self.root, &caller.address, caller.id(), Vec::new());
            self.reply(&caller, &[synced, ok]);
        }
    }

    pub(super) fn item(&self, name: &str, arguments: Vec<OscType>) -> OscPacket {
        encode::message(format!("{}/{name}", self.root), arguments)
    }

    /// Something happened that all who take events hear of.
    pub(super) fn tell(&mut self, kind: EventKind, code: i32, subject: String, text: String) {
        self.event(&Event { kind, code, subject, text });
    }

    /// All of the replies, or an error that they are too long for a stranger.
    pub(super) fn reply(&mut self, caller: &Caller, replies: &[OscPacket]) {
        if !self.send_replies(caller.from, replies) {
            let text = "answer is too long for a sender that is not subscribed";
            let fault = Fault::new(Code::NotAllowed, text);
            self.refuse(caller.from, &caller.address, caller.id(), &fault);
        }
    }

    /// At most ten errors a second to one sender.
    pub(super) fn refuse_if_few(&mut self, caller: &Caller, fault: &Fault, now: Instant) {
        if self.peers.admit_error(caller.from, now) {
            self.refuse(caller.from, &caller.address, caller.id(), fault);
        } else {
            self.counters.withheld.fetch_add(1, Relaxed);
        }
    }

    /// Without the text, if that is too long for a stranger; not at all, if even that is.
    pub(super) fn refuse(&mut self, to: Endpoint, address: &str, request: i32, fault: &Fault) {
        let short = Fault::new(fault.code, "");
        let is_sent = [fault, &short].into_iter().any(|fault| {
            let error = encode::error(&self.root, address, request, fault);
            self.send_replies(to, &[error])
        });
        if !is_sent {
            self.counters.withheld.fetch_add(1, Relaxed);
        }
    }

    /// False if a stranger may not be answered at such length: somebody who sends us packets under
    /// a false address must not have them multiplied.
    fn send_replies(&mut self, to: Endpoint, replies: &[OscPacket]) -> bool {
        self.datagrams.clear();
        self.datagrams.push_replies(replies);
        let is_stranger = !to.is_tcp() && !self.is_trusted(to) && self.receivers.of(to).is_none();
        let bytes = self.datagrams.iter().map(<[u8]>::len).sum();
        if is_stranger && !self.peers.spend(to, bytes) {
            return false;
        }
        let destination = self.peers.reply_endpoint(to);
        self.outlet.begin_round();
        self.datagrams.iter().for_each(|datagram| self.outlet.send(datagram, destination));
        self.outlet.end_round();
        true
    }

    /// Once a second, and when somebody starts or ends a trace.
    pub(super) fn renew_traces(&mut self) {
        self.traces_left = TRACES_PER_S;
        self.counters.is_traced.store(!self.peers.tracers(2).is_empty(), Relaxed);
    }

    pub(super) fn trace(&mut self, from: Endpoint, message: &OscMessage) {
        let tracers = self.peers.tracers(1);
        if tracers.is_empty() {
            return;
        }
        // Also inside a request.
        let names_token = |text: &str| text.ends_with("/token") || text == "osc.token";
        let is_secret = names_token(&message.addr)
            || message.args.iter().any(|a| matches!(a, OscType::String(t) if names_token(t)));
        let arguments = if is_secret { "(hidden)".to_owned() } else { shown(&message.args) };
        self.send_trace(&tracers, from, &message.addr, &arguments);
    }

    pub(super) fn trace_malformed(&mut self, from: Endpoint, what: &str) {
        let tracers = self.peers.tracers(2);
        self.send_trace(&tracers, from, "(malformed)", what);
    }

    fn send_trace(&mut self, tracers: &[Endpoint], from: Endpoint, address: &str, what: &str) {
        let trace = self.item("trace", vec![text(&from.to_string()), text(address), text(what)]);
        for &tracer in tracers {
            if let Some(left) = self.traces_left.checked_sub(1) {
                self.traces_left = left;
                self.send_replies(tracer, std::slice::from_ref(&trace));
            }
        }
    }
}

/// Arguments as `oscdump` shows them.
fn shown(arguments: &[OscType]) -> String {
    let mut line = String::new();
    for argument in arguments {
        if line.chars().count() > TRACE_CHARS_MAX {
            line += " …";
            break;
        }
        let separator = if line.is_empty() { "" } else { " " };
        let written = match argument {
            OscType::Int(value) => write!(line, "{separator}{value}"),
            OscType::Float(value) => write!(line, "{separator}{value:?}"),
            OscType::String(value) => write!(line, "{separator}{value:?}"),
            OscType::Blob(bytes) => write!(line, "{separator}[{} bytes]", bytes.len()),
            other => write!(line, "{separator}{other:?}"),
        };
        written.expect("a String takes all that is written");
    }
    line
}
