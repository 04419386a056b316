//! Commands that wait: for the engine, or (`sync`) for the commands before them.

use crate::osc::endpoint::Endpoint;
use crate::osc::fault::{Code, Fault};

/// Commands that may wait at once; the worker answers within a hop, so that more are a flood.
const OPEN_MAX: usize = 64;

/// Who wants an answer, and to what.
#[derive(Clone, Debug)]
pub struct Caller {
    pub from: Endpoint,
    /// As the sender wrote it.
    pub address: String,
    /// Given by `/ser/req`.
    pub request: Option<i32>,
}

impl Caller {
    /// The id on the wire: 0 for a plain command.
    pub fn id(&self) -> i32 {
        self.request.unwrap_or(0)
    }
}

/// Names one command that waits for the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u32);

/// A sync whose turn has come.
pub struct Finished {
    pub caller: Caller,
    pub number: i32,
}

#[derive(Debug)]
enum Waiting {
    Engine(Ticket),
    Sync(i32),
}

/// In the order of arrival.
#[derive(Debug, Default)]
pub struct Tickets {
    open: Vec<(Caller, Waiting)>,
    last: u32,
}

impl Tickets {
    pub fn open(&mut self, caller: Caller) -> Result<Ticket, Fault> {
        self.last = self.last.wrapping_add(1);
        let ticket = Ticket(self.last);
        self.push(caller, Waiting::Engine(ticket))?;
        Ok(ticket)
    }

    pub fn open_sync(&mut self, caller: Caller, number: i32) -> Result<(), Fault> {
        self.push(caller, Waiting::Sync(number))
    }

    /// Whose ticket it is; `None` if it is not open.
    pub fn caller(&self, ticket: Ticket) -> Option<&Caller> {
        let index = self.position(ticket)?;
        Some(&self.open[index].0)
    }

    /// `None` if the ticket is not open.
    pub fn close(&mut self, ticket: Ticket) -> Option<Caller> {
        let index = self.position(ticket)?;
        Some(self.open.remove(index).0)
    }

    fn position(&self, ticket: Ticket) -> Option<usize> {
        let is_it = |waiting: &Waiting| matches!(waiting, Waiting::Engine(open) if *open == ticket);
        self.open.iter().position(|(_, waiting)| is_it(waiting))
    }

    /// Commands that are not answered yet.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.open.len()
    }

    /// Syncs before which no command of the same sender waits.
    pub fn take_finished_syncs(&mut self) -> Vec<Finished> {
        let mut busy: Vec<Endpoint> = Vec::new();
        let mut finished = Vec::new();
        self.open.retain(|(caller, waiting)| match waiting {
            Waiting::Sync(number) if !busy.contains(&caller.from) => {
                finished.push(Finished { caller: caller.clone(), number: *number });
                false
            }
            _ => {
                busy.push(caller.from);
                true
            }
        });
        finished
    }

    fn push(&mut self, caller: Caller, waiting: Waiting) -> Result<(), Fault> {
        if self.open.len() >= OPEN_MAX {
            let text = format!("{OPEN_MAX} commands wait for the engine, more are not taken");
            return Err(Fault::new(Code::Limit, text));
        }
        self.open.push((caller, waiting));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(port: u16) -> Caller {
        let from = Endpoint::Udp(([127, 0, 0, 1], port).into());
        Caller { from, address: "/ser/sync".to_string(), request: None }
    }

    fn finished(tickets: &mut Tickets) -> Vec<i32> {
        tickets.take_finished_syncs().into_iter().map(|sync| sync.number).collect()
    }

    #[test]
    fn a_sync_waits_for_earlier_commands_of_its_sender_only() {
        let mut tickets = Tickets::default();
        let first = tickets.open(caller(1)).expect("room");
        tickets.open_sync(caller(1), 10).expect("room");
        tickets.open(caller(2)).expect("room");
        tickets.open_sync(caller(3), 30).expect("room");
        assert_eq!(finished(&mut tickets), [30]);
        assert!(tickets.close(first).is_some());
        assert_eq!(finished(&mut tickets), [10]);
    }

    #[test]
    fn a_ticket_closes_once() {
        let mut tickets = Tickets::default();
        let ticket = tickets.open(caller(1)).expect("room");
        assert!(tickets.close(ticket).is_some());
        assert!(tickets.close(ticket).is_none());
    }

    #[test]
    fn the_65th_command_is_refused() {
        let mut tickets = Tickets::default();
        for _ in 0..64 {
            tickets.open(caller(1)).expect("room");
        }
        let full = tickets.open(caller(1)).expect_err("full");
        assert_eq!(full.code, Code::Limit);
    }
}
