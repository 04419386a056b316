//! The plug-in thread: has the rack, does what the worker wishes, looks after the plug-ins in
//! between. For CLAP plug-ins it is the main thread.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::config::slots::Plugins;
use crate::osc::fault::{Code, Fault};
use crate::osc::surface::Ticket;
use crate::plugins::board::Board;
use crate::plugins::chain::Ends;
use crate::plugins::error::PluginError;
use crate::plugins::rack::{News, Rack, Saved};

/// How often plug-ins are looked after: a crash is seen, and work that they left is done.
const TEND: Duration = Duration::from_millis(10);

/// Wishes that may wait; the worker has few on their way at once.
pub const WISHES_MAX: usize = 32;

pub enum Wish {
    /// A source runs.
    Attach(Box<Ends>),
    /// Build what is new of this; answered by [`Told::Prepared`].
    Prepare(Box<Plugins>),
    /// What was prepared holds; answered by [`Told::Committed`].
    Commit,
    /// What all slots are now; answered by [`Told::Saved`].
    Save(Ticket),
    /// Presets of a plug-in; answered by [`Told::Presets`].
    Presets { ticket: Ticket, slot: usize, uri: String },
}

pub enum Told {
    Board(Arc<Board>),
    Prepared(Result<(), Fault>),
    Committed,
    Saved(Ticket, Vec<Saved>),
    /// Label and URI of each.
    Presets {
        ticket: Ticket,
        slot: usize,
        presets: Vec<(String, String)>,
    },
    News(News),
}

/// Until the worker has gone.
pub fn run(wishes: &Receiver<Wish>, told: &Sender<Told>, wanted: Plugins) {
    // Without its path no other program can be asked for; trusted plug-ins run all the same.
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("affectd"));
    let mut rack = Rack::new(program, wanted);
    loop {
        let answer = match wishes.recv_timeout(TEND) {
            Ok(wish) => carry_out(&mut rack, wish),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        rack.tend(Instant::now());
        let news = rack.take_news().into_iter().map(Told::News);
        let board = rack.take_board().map(Told::Board);
        // The board first: who hears that a change holds finds it there.
        for said in board.into_iter().chain(answer).chain(news) {
            if told.send(said).is_err() {
                return;
            }
        }
    }
}

fn carry_out(rack: &mut Rack, wish: Wish) -> Option<Told> {
    match wish {
        Wish::Attach(ends) => {
            rack.attach(*ends);
            None
        }
        Wish::Prepare(wanted) => {
            let prepared = rack.prepare(&wanted);
            Some(Told::Prepared(prepared.map_err(|(name, error)| plugin_fault(&name, &error))))
        }
        Wish::Commit => {
            rack.commit();
            Some(Told::Committed)
        }
        Wish::Save(ticket) => Some(Told::Saved(ticket, rack.save())),
        Wish::Presets { ticket, slot, uri } => {
            Some(Told::Presets { ticket, slot, presets: rack.presets(&uri) })
        }
    }
}

fn plugin_fault(name: &str, error: &PluginError) -> Fault {
    let code = match error {
        PluginError::Unknown { .. } | PluginError::Preset { .. } => Code::NoSuchThing,
        PluginError::NotBuiltIn { .. } => Code::NotBuiltIn,
        PluginError::Ports { .. } | PluginError::Refused { .. } => Code::General,
        PluginError::State { .. } => Code::Format,
    };
    Fault::new(code, format!("slot {name}: {error}"))
}
