//! What the surface does with a message: finds its row in the table, checks its arguments, asks,
//! sets or runs, and answers with exactly one `ok` or `error`.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use rosc::{OscMessage, OscPacket, OscType};

use crate::osc::address::{Address, LATER, Role, TABLE, Verb};
use crate::osc::arguments::Arguments;
use crate::osc::encode;
use crate::osc::endpoint::Endpoint;
use crate::osc::fault::{Code, Fault};
use crate::osc::pattern::{Pattern, is_pattern};
use crate::osc::surface::Surface;
use crate::osc::surface::request::{Pending, Request};
use crate::osc::surface::tickets::Caller;

/// How a command ends.
pub(super) enum Outcome {
    /// `ok` with these results.
    Done(Vec<OscType>),
    /// The replies are the answer; only a wrapped command gets `ok` too.
    Value,
    /// `ok` with these results, then all current values to this receiver.
    Subscribed { results: Vec<OscType>, id: i32 },
    /// Others decide.
    Later(Request),
    /// `synced` and `ok` once the commands before are answered.
    Sync(i32),
}

impl Surface {
    /// One message from the wire.
    pub(super) fn obey(
        &mut self,
        from: Endpoint,
        message: OscMessage,
        now: Instant,
    ) -> Option<Pending> {
        if is_answer(&message.addr) {
            self.counters.ignored.fetch_add(1, Relaxed);
            return None;
        }
        self.trace(from, &message);
        let (caller, message) = match self.unwrap_request(from, message) {
            Ok(unwrapped) => unwrapped,
            Err((address, fault)) => {
                let caller = Caller { from, address, request: None };
                self.refuse_if_few(&caller, &fault, now);
                return None;
            }
        };
        let mut replies = Vec::new();
        let outcome = self.dispatch(&caller, message, &mut replies, now);
        match outcome.and_then(|outcome| self.conclude(&caller, outcome, replies)) {
            Ok(pending) => pending,
            Err(fault) => {
                self.refuse_if_few(&caller, &fault, now);
                None
            }
        }
    }

    fn conclude(
        &mut self,
        caller: &Caller,
        outcome: Outcome,
        mut replies: Vec<OscPacket>,
    ) -> Result<Option<Pending>, Fault> {
        let ok = |root, results| encode::ok(root, &caller.address, caller.id(), results);
        match outcome {
            Outcome::Done(results) => {
                replies.push(ok(&self.root, results));
                self.reply(caller, &replies);
            }
            Outcome::Value => {
                if caller.request.is_some() {
                    replies.push(ok(&self.root, Vec::new()));
                }
                self.reply(caller, &replies);
            }
            Outcome::Subscribed { results, id } => {
                replies.push(ok(&self.root, results));
                self.reply(caller, &replies);
                self.send_snapshot(id);
            }
            Outcome::Later(request) => {
                let ticket = self.tickets.open(caller.clone())?;
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
        from: Endpoint,
        message: OscMessage,
    ) -> Result<(Caller, OscMessage), (String, Fault)> {
        let wrapper = self.row(&message.addr).filter(|row| row.role == Role::Verb(Verb::Request));
        let Some(wrapper) = wrapper else {
            let caller = Caller { from, address: message.addr.clone(), request: None };
            return Ok((caller, message));
        };
        let name = message.addr.clone();
        let arguments = Arguments::check(message, wrapper.types).map_err(|fault| (name, fault))?;
        let request = arguments.int(0);
        let address = arguments.text(1).unwrap_or_default().to_string();
        let caller = Caller { from, address: address.clone(), request };
        Ok((caller, OscMessage { addr: address, args: arguments.split_off(2) }))
    }

    fn row(&self, name: &str) -> Option<&'static Address> {
        self.index.get(name).map(|&index| self.addresses[index].row)
    }

    fn dispatch(
        &mut self,
        caller: &Caller,
        message: OscMessage,
        replies: &mut Vec<OscPacket>,
        now: Instant,
    ) -> Result<Outcome, Fault> {
        if is_pattern(&message.addr) {
            return self.dispatch_pattern(caller, message, replies, now);
        }
        let Some(&index) = self.index.get(&message.addr) else {
            return Err(self.unknown(&message.addr));
        };
        let instance = &self.addresses[index];
        match instance.row.role {
            Role::Stream(_) | Role::Health(_) | Role::Fact(_) | Role::Setting(_)
                if message.args.is_empty() =>
            {
                *replies = self.values(caller, |name| name == message.addr);
                Ok(Outcome::Value)
            }
            Role::Stream(_) | Role::Health(_) | Role::Fact(_) => {
                let text = "value can be asked without arguments, it cannot be set";
                Err(Fault::new(Code::WrongTypes, text))
            }
            Role::Setting(_) => {
                let instance = instance.clone();
                self.set(caller, &[instance], &message, now)
            }
            Role::Verb(verb) => {
                let channel = instance.channel;
                let arguments = Arguments::check(message, instance.row.types)?;
                if verb.is_of_people() {
                    return self.run_people(caller, channel, verb, &arguments);
                }
                self.run(caller, verb, &arguments, replies, now)
            }
            Role::Event(_) | Role::Segment(_) | Role::Reply => {
                let text = "address is only sent by affectd, it is no command";
                Err(Fault::new(Code::UnknownAddress, text))
            }
        }
    }

    fn unknown(&self, address: &str) -> Fault {
        let below = address.strip_prefix(self.root.as_str()).unwrap_or_default();
        let is_later =
            |pattern: &&str| Pattern::parse(pattern).is_some_and(|pattern| pattern.matches(below));
        if LATER.iter().any(is_later) {
            return Fault::new(Code::NotBuiltIn, "address comes with a later version");
        }
        let text = format!("address is not known; {}/list names all", self.root);
        Fault::new(Code::UnknownAddress, text)
    }

    /// Every value that the pattern fits is told, or set.
    fn dispatch_pattern(
        &mut self,
        caller: &Caller,
        message: OscMessage,
        replies: &mut Vec<OscPacket>,
        now: Instant,
    ) -> Result<Outcome, Fault> {
        let Some(pattern) = Pattern::parse(&message.addr) else {
            let text = "address is no valid OSC pattern";
            return Err(Fault::new(Code::UnknownAddress, text));
        };
        let fitting: Vec<_> =
            self.addresses.iter().filter(|known| pattern.matches(&known.name)).cloned().collect();
        let settings = |role| matches!(role, Role::Setting(_));
        if !message.args.is_empty() && fitting.iter().any(|known| settings(known.row.role)) {
            let wanted: Vec<_> =
                fitting.into_iter().filter(|known| settings(known.row.role)).collect();
            return self.set(caller, &wanted, &message, now);
        }
        *replies = match message.args.is_empty() {
            true => self.values(caller, |name| pattern.matches(name)),
            false => Vec::new(),
        };
        if !replies.is_empty() {
            return Ok(Outcome::Value);
        }
        let is_kept = |role| matches!(role, Role::Verb(verb) if verb.is_kept_from_patterns());
        if fitting.iter().any(|known| is_kept(known.row.role)) {
            let text = "command is not run by a pattern, write its address out";
            return Err(Fault::new(Code::NotAllowed, text));
        }
        if !fitting.is_empty() {
            let text = "a pattern asks for values and sets them, it runs no commands";
            return Err(Fault::new(Code::NotAllowed, text));
        }
        Err(Fault::new(Code::UnknownAddress, "no address fits the pattern"))
    }

    /// Current values of the addresses that are wanted, as the caller sees them.
    pub(super) fn values(
        &self,
        caller: &Caller,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Vec<OscPacket> {
        let streams = self.channels.iter().flat_map(|channel| channel.packets());
        let known = streams.chain(self.health.packets());
        let mut values: Vec<_> = known.filter(|packet| is_wanted(name(packet))).cloned().collect();
        for address in self.addresses.iter().filter(|address| is_wanted(&address.name)) {
            let value = match address.row.role {
                Role::Fact(fact) => self.fact(fact, address.channel),
                Role::Setting(setting) => self.setting(caller.from, setting, address.receiver),
                _ => continue,
            };
            values.push(encode::message(address.name.clone(), value));
        }
        values
    }
}

/// Answers of any daemon, whatever its root; to answer those could go on for ever.
fn is_answer(address: &str) -> bool {
    let mut replies = TABLE.iter().filter(|row| row.role == Role::Reply);
    replies.any(|row| address.ends_with(row.path))
}

fn name(packet: &OscPacket) -> &str {
    match packet {
        OscPacket::Message(message) => &message.addr,
        OscPacket::Bundle(_) => "",
    }
}
