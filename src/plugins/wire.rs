//! The plug-in thread's end of the rings to the audio thread: edits go there, units come back. May
//! wait for a unit, never for room: what finds none is kept and goes later, in its order.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ringbuf::traits::{Consumer, Producer};

use crate::plugins::chain::{Edit, Ends, SlotId};
use crate::plugins::unit::Unit;

/// A callback takes edits once a block, and a fade lasts 20 ms; who takes none for so long is not
/// called.
const WAIT: Duration = Duration::from_millis(500);

const LOOK: Duration = Duration::from_millis(1);

/// Edits that are kept while no sound runs: dozens of whole configurations.
const BACKLOG_MAX: usize = 4096;

pub struct Wire {
    ends: Ends,
    backlog: VecDeque<Edit>,
    /// Came back while something else was waited for.
    #[expect(clippy::vec_box, reason = "they came boxed, and go on so")]
    stash: Vec<Box<Unit>>,
}

impl Wire {
    pub fn new(ends: Ends) -> Self {
        Self { ends, backlog: VecDeque::new(), stash: Vec::new() }
    }

    pub fn channels(&self) -> usize {
        self.ends.channels
    }

    pub fn rate_hz(&self) -> u32 {
        self.ends.rate_hz
    }

    pub fn push(&mut self, edit: Edit) {
        if BACKLOG_MAX <= self.backlog.len() {
            return log::warn!("no sound takes edits of the plug-in chain; one more is dropped");
        }
        self.backlog.push_back(edit);
        self.flush();
    }

    /// What was kept, as far as there is room by now.
    fn flush(&mut self) {
        while let Some(edit) = self.backlog.pop_front() {
            if let Err(edit) = self.ends.edits.try_push(edit) {
                return self.backlog.push_front(edit);
            }
        }
    }

    /// Many times a second: what came back since; what was kept goes on its way.
    pub fn returned(&mut self) -> Vec<Box<Unit>> {
        self.flush();
        let mut units = std::mem::take(&mut self.stash);
        units.extend(std::iter::from_fn(|| self.ends.returned.try_pop()));
        units
    }

    /// Has the unit back for a moment; `None` if no sound runs. It then comes later, by `returned`.
    pub fn borrow(&mut self, slot: SlotId, serial: u64) -> Option<Box<Unit>> {
        self.push(Edit::Lend { slot });
        let deadline = Instant::now() + WAIT;
        while Instant::now() < deadline {
            self.flush();
            while let Some(unit) = self.ends.returned.try_pop() {
                if unit.serial == serial {
                    return Some(unit);
                }
                self.stash.push(unit);
            }
            std::thread::sleep(LOOK);
        }
        None
    }
}
