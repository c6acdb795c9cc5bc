//! Who is ready. A worker connects to the sink first and to the source last: that it has connected says that it can deliver.

use crate::monitor::ledger::{Connection, Event};
use std::collections::BTreeSet;

/// Waits for so many workers to be connected at the same time.
#[derive(Clone, Debug)]
pub struct Barrier {
    needed: usize,
    there: BTreeSet<Connection>,
}

impl Barrier {
    /// A barrier that `needed` workers open.
    pub fn new(needed: usize) -> Self {
        Barrier { needed, there: BTreeSet::new() }
    }

    /// Something has happened at the source's socket. Returns whether the barrier is open: a worker that has gone again does not count.
    pub fn pass(&mut self, event: &Event) -> bool {
        // solution: begin — Part C: who is ready
        match event {
            Event::Accepted(connection, _) => _ = self.there.insert(*connection),
            Event::Disconnected(connection, _) => _ = self.there.remove(connection),
            _ => {}
        }
        self.there.len() >= self.needed
        // solution: end
    }

    /// How many are there.
    pub fn there(&self) -> usize {
        self.there.len()
    }
}
