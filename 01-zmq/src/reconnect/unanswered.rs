//! The requests that nobody has answered yet. Pure.

use crate::envelope::Frames;
use std::collections::BTreeMap;

/// What was asked and not answered, by number: what to send again to a server that has come back (at least once).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unanswered {
    asked: BTreeMap<u64, Frames>,
    last: u64,
}

impl Unanswered {
    /// Keeps a request, and gives it a number that no other request has.
    pub fn ask(&mut self, request: Frames) -> u64 {
        self.last += 1;
        self.asked.insert(self.last, request);
        self.last
    }

    /// An answer has come. `None` when nobody waits for it: it was answered before, or never asked.
    pub fn answered(&mut self, number: u64) -> Option<Frames> {
        // solution: begin — Part D: match an answer with its request
        self.asked.remove(&number)
        // solution: end
    }

    /// What to send again, in the order in which it was asked.
    pub fn again(&self) -> impl Iterator<Item = (u64, &Frames)> {
        self.asked.iter().map(|(number, request)| (*number, request))
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.asked.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }
}
