//! What the surface does for a command: finds its row in the table, checks its arguments, acts or
//! asks the engine, and answers with exactly one `ok` or `error`.

use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use rosc::{OscMessage, OscPacket, OscType};

use crate::messages::ControlRequest;
use crate::osc::address::{self, CONTRACT_MAJOR, CONTRACT_MINOR, Role, Setting, TABLE, Verb};
use crate::osc::arguments::Arguments;
use crate::osc::encode::{self, text};
use crate::osc::fault::{Code, Fault};
use crate::osc::pattern::{Pattern, is_pattern};
use crate::osc::receivers::Groups;
use crate::osc::surface::tickets::Caller;
use crate::osc::surface::{Pending, Surface};

/// So much of a label is told, so that all of them fit one datagram.
const LABEL_BYTES_MAX: usize = 64;

/// How a command ends.
pub(super) enum Outcome {
    /// `ok` with these results.
    Done(Vec<OscType>),
    /// The replies are the answer; only a wrapped command gets `ok` too.
    Value,
    /// `ok` with these results, then all current values.
    Subscribed { results: Vec<OscType>, destination: SocketAddr, groups: Groups },
    /// The engine decides.
    Later(ControlRequest),
    /// `synced` and `ok` once the commands before are answered.
    Sync(i32),
}

impl Surface {
    /// One message from the wire.
    pub(super) fn obey(
        &mut self,
        from: SocketAddr,
        message: OscMessage,
        now: Instant,
    ) -> Option<Pending> {
        if is_answer(&message.addr) {
            self.counters.ignored.fetch_add(1, Relaxed);
            return None;
        }
        let (caller, message) = match self.unwrap_request(from, message) {
            Ok(unwrapped) => unwrapped,
            Err((address, fault)) => {
                self.refuse(from, &address, 0, &fault, now);
                return None;
            }
        };
        let mut replies = Vec::new();
        let outcome = self.dispatch(&caller, message, &mut replies, now);
        match self.conclude(&caller, outcome, replies) {
            Ok(pending) => pending,
            Err(fault) => {
                self.refuse(from, &caller.address, caller.id(), &fault, now);
                None
            }
        }
    }

    fn conclude(
        &mut self,
        caller: &Caller,
        outcome: Result<Outcome, Fault>,
        mut replies: Vec<OscPacket>,
    ) -> Result<Option<Pending>, Fault> {
        let ok = |root, results| encode::ok(root, &caller.address, caller.id(), results);
        match outcome? {
            Outcome::Done(results) => {
                replies.push(ok(&self.root, results));
                self.reply(caller.from, &replies);
            }
            Outcome::Value => {
                if caller.request.is_some() {
                    replies.push(ok(&self.root, Vec::new()));
                }
                self.reply(caller.from, &replies);
            }
            Outcome::Subscribed { results, destination, groups } => {
                replies.push(ok(&self.root, results));
                self.reply(caller.from, &replies);
                self.send_snapshot(destination, groups);
            }
            Outcome::Later(request) => {
                let ticket = self.tickets.open(caller.clone(), request)?;
                return Ok(Some(Pending { ticket, request }));
            }
            Outcome::Sync(number) => {
                self.tickets.open_sync(caller.clone(), number)?;
                self.settle_syncs();
            }
        }
        Ok(None)
    }

    /// Takes `/ser/req` off; an error comes with the address that it is about.
    fn unwrap_request(
        &self,
        from: SocketAddr,
        message: OscMessage,
    ) -> Result<(Caller, OscMessage), (String, Fault)> {
        let wrapper = self.addresses.iter().find(|a| a.row.role == Role::Verb(Verb::Request));
        let Some(wrapper) = wrapper.filter(|wrapper| wrapper.name == message.addr) else {
            let caller = Caller { from, address: message.addr.clone(), request: None };
            return Ok((caller, message));
        };
        let arguments = Arguments::check(message, wrapper.row.types)
            .map_err(|fault| (wrapper.name.clone(), fault))?;
        let request = arguments.int(0);
        let address = arguments.text(1).unwrap_or_default().to_string();
        let caller = Caller { from, address: address.clone(), request };
        Ok((caller, OscMessage { addr: address, args: arguments.split_off(2) }))
    }

    fn dispatch(
        &mut self,
        caller: &Caller,
        message: OscMessage,
        replies: &mut Vec<OscPacket>,
        now: Instant,
    ) -> Result<Outcome, Fault> {
        if is_pattern(&message.addr) {
            *replies = self.ask_pattern(caller, &message)?;
            return Ok(Outcome::Value);
        }
        let known = self.addresses.iter().find(|known| known.name == message.addr);
        let Some(row) = known.map(|known| known.row) else {
            let text = format!("address is not known; {}/list names all", self.root);
            return Err(Fault::new(Code::UnknownAddress, text));
        };
        match row.role {
            Role::Stream(_) | Role::Health(_) | Role::Setting(_) if message.args.is_empty() => {
                *replies = self.values(caller, |name| name == message.addr);
                Ok(Outcome::Value)
            }
            Role::Stream(_) | Role::Health(_) => {
                let text = "value can be asked without arguments, it cannot be set";
                Err(Fault::new(Code::WrongTypes, text))
            }
            Role::Setting(setting) => {
                self.set(caller, setting, &Arguments::check(message, row.types)?, now)
            }
            Role::Verb(verb) => {
                self.run(caller, verb, &Arguments::check(message, row.types)?, replies, now)
            }
            Role::Event(_) | Role::Reply => {
                let text = "address is only sent by affectd, it is no command";
                Err(Fault::new(Code::UnknownAddress, text))
            }
        }
    }

    fn set(
        &mut self,
        caller: &Caller,
        setting: Setting,
        arguments: &Arguments,
        now: Instant,
    ) -> Result<Outcome, Fault> {
        match setting {
            Setting::Mute => match arguments.int(0).unwrap_or_default() {
                muted @ (0 | 1) => Ok(Outcome::Later(ControlRequest::Mute(muted == 1))),
                other => {
                    let text = format!("mute is {other}, allowed are 0 and 1");
                    Err(Fault::new(Code::OutOfRange, text))
                }
            },
            Setting::WindowS => {
                let window_s = arguments.float(0).unwrap_or_default();
                let allowed = &self.window.allowed_s;
                if !allowed.contains(&window_s) {
                    let (low, high) = (allowed.start(), allowed.end());
                    let text = format!("window is {window_s} s, allowed are {low} to {high} s");
                    return Err(Fault::new(Code::OutOfRange, text));
                }
                Ok(Outcome::Later(ControlRequest::WindowS(window_s)))
            }
            Setting::ReplyPort => {
                let port = arguments.int(0).unwrap_or_default();
                self.destinations.resolve(caller.from, "", port)?;
                // `resolve` has refused what does not fit.
                let port = u16::try_from(port).unwrap_or_default();
                self.peers.set_reply_port(caller.from, port, now);
                Ok(Outcome::Done(Vec::new()))
            }
        }
    }

    fn run(
        &mut self,
        caller: &Caller,
        verb: Verb,
        arguments: &Arguments,
        replies: &mut Vec<OscPacket>,
        now: Instant,
    ) -> Result<Outcome, Fault> {
        match verb {
            Verb::Request => {
                Err(Fault::new(Code::WrongTypes, "a request cannot hold another request"))
            }
            Verb::Sync => Ok(Outcome::Sync(arguments.int(0).unwrap_or_default())),
            Verb::Subscribe => self.subscribe(caller, arguments, now),
            Verb::Unsubscribe => {
                match arguments.int(0) {
                    Some(id) => self.receivers.unsubscribe_id(caller.from, id)?,
                    None => self.receivers.unsubscribe(caller.from)?,
                }
                self.count_clients();
                Ok(Outcome::Done(Vec::new()))
            }
            Verb::Subscribers => Ok(self.list_subscribers(replies, now)),
            Verb::Ping | Verb::PlainPing => {
                let receiver = self.receivers.of(caller.from);
                let (id, left) = receiver.map_or((0, 0.0), |r| (r.id, r.lease_left_s(now)));
                replies.push(self.item("pong", vec![OscType::Int(id), OscType::Float(left)]));
                Ok(Outcome::Done(Vec::new()))
            }
            Verb::Version => Ok(Outcome::Done(vec![
                text(concat!("affectd ", env!("CARGO_PKG_VERSION"))),
                OscType::Int(CONTRACT_MAJOR),
                OscType::Int(CONTRACT_MINOR),
            ])),
            Verb::List => Ok(self.list_addresses(arguments.text(0).unwrap_or(""), replies)),
            Verb::Labels => {
                let cut =
                    |label: &String| text(&label[..label.floor_char_boundary(LABEL_BYTES_MAX)]);
                Ok(Outcome::Done(self.identity.labels.iter().map(cut).collect()))
            }
            Verb::ModelCard => {
                let card = self.identity.card.iter();
                replies.extend(card.map(|(key, value)| {
                    self.item("model/card/item", vec![text(key), text(value)])
                }));
                Ok(counted(replies))
            }
            Verb::Quit if caller.from.ip().to_canonical().is_loopback() => {
                Ok(Outcome::Later(ControlRequest::Quit))
            }
            Verb::Quit => {
                let text = format!("quit from {}, only this machine may", caller.from.ip());
                Err(Fault::new(Code::NotAllowed, text))
            }
        }
    }

    fn list_addresses(&self, prefix: &str, replies: &mut Vec<OscPacket>) -> Outcome {
        for address in self.addresses.iter().filter(|address| address.name.starts_with(prefix)) {
            let access = OscType::Int(address.row.access());
            let arguments =
                vec![text(&address.name), text(address.row.types), access, text(address.row.text)];
            replies.push(self.item("item", arguments));
        }
        counted(replies)
    }

    pub(super) fn item(&self, name: &str, arguments: Vec<OscType>) -> OscPacket {
        encode::message(format!("{}/{name}", self.root), arguments)
    }

    /// Every value that the pattern fits.
    fn ask_pattern(&self, caller: &Caller, message: &OscMessage) -> Result<Vec<OscPacket>, Fault> {
        let Some(pattern) = Pattern::parse(&message.addr) else {
            let text = "address is no valid OSC pattern";
            return Err(Fault::new(Code::UnknownAddress, text));
        };
        if !message.args.is_empty() {
            let text = "a pattern with arguments is not there yet, write the address out";
            return Err(Fault::new(Code::NotBuiltIn, text));
        }
        let values = self.values(caller, |name| pattern.matches(name));
        if !values.is_empty() {
            return Ok(values);
        }
        if self.addresses.iter().any(|address| pattern.matches(&address.name)) {
            let text = "a pattern asks for values, it runs no commands";
            return Err(Fault::new(Code::NotAllowed, text));
        }
        Err(Fault::new(Code::UnknownAddress, "no address fits the pattern"))
    }

    /// Current values of the addresses that are wanted, as the caller sees them.
    fn values(&self, caller: &Caller, is_wanted: impl Fn(&str) -> bool) -> Vec<OscPacket> {
        let streams = self.channels.iter().flat_map(|channel| channel.packets());
        let mut values: Vec<_> =
            streams.chain(self.health.packets()).filter(|p| is_wanted(name(p))).cloned().collect();
        for address in self.addresses.iter().filter(|address| is_wanted(&address.name)) {
            if let Role::Setting(setting) = address.row.role {
                let value = match setting {
                    Setting::Mute => OscType::Int(i32::from(self.muted)),
                    Setting::WindowS => OscType::Float(self.window.current_s),
                    Setting::ReplyPort => {
                        OscType::Int(i32::from(self.peers.reply_port(caller.from)))
                    }
                };
                values.push(encode::message(address.name.clone(), vec![value]));
            }
        }
        values
    }
}

/// Answers of any daemon, whatever its root; to answer those could go on for ever.
fn is_answer(address: &str) -> bool {
    let mut replies = TABLE.iter().filter(|row| row.role == Role::Reply);
    replies.any(|row: &address::Address| address.ends_with(row.path))
}

/// `ok` with the number of items before it.
pub(super) fn counted(replies: &[OscPacket]) -> Outcome {
    Outcome::Done(vec![OscType::Int(i32::try_from(replies.len()).unwrap_or(i32::MAX))])
}

fn name(packet: &OscPacket) -> &str {
    match packet {
        OscPacket::Message(message) => &message.addr,
        OscPacket::Bundle(_) => "",
    }
}
