//! The vector clock: what an event knows of each process (Fidge 1988; Mattern 1989, *Virtual Time and Global States of Distributed Systems*).

use serde::{Deserialize, Serialize};
use simnet::NodeId;
use std::cmp::Ordering;
use std::fmt;

/// The vector clock of one process, and the stamp of an event: for each process, how many of its events have happened before or now.
///
/// `a < b` says that `a` happened before `b`; two that are neither smaller nor greater nor equal are concurrent.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VectorClock {
    /// By process: the ids of `n` processes are 0 to `n` − 1.
    known: Vec<u64>,
}

impl VectorClock {
    /// The clock of a process, one of `processes`, before anything has happened.
    pub fn new(processes: usize) -> Self {
        VectorClock { known: vec![0; processes] }
    }

    /// A stamp with these numbers, by process.
    pub fn from_counts(known: Vec<u64>) -> Self {
        VectorClock { known }
    }

    /// How many events of `process` have happened before or now.
    pub fn of(&self, process: NodeId) -> u64 {
        self.known.get(process.index()).copied().unwrap_or(0)
    }

    /// Something happens at the process `me`, whose clock this is.
    pub fn tick(&mut self, me: NodeId) {
        // solution: begin — Part C: an event of one's own, in the vector
        self.known[me.index()] += 1;
        // solution: end
    }

    /// A message arrives at the process `me` that was stamped `sent`. The receipt knows all that the sending knew, and all that was known here;
    /// and it is an event itself.
    pub fn receive(&mut self, me: NodeId, sent: &VectorClock) {
        // solution: begin — Part C: a receipt, in the vector
        for (known, theirs) in self.known.iter_mut().zip(&sent.known) {
            *known = (*known).max(*theirs);
        }
        self.tick(me);
        // solution: end
    }

    /// Whether neither of two events happened before the other.
    pub fn is_concurrent_with(&self, other: &Self) -> bool {
        self.partial_cmp(other).is_none()
    }
}

/// The order of events: `None` for concurrent ones.
impl PartialOrd for VectorClock {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        // solution: begin — Part C: compare two vectors
        let all_at_most = self.known.iter().zip(&other.known).all(|(mine, theirs)| mine <= theirs);
        let all_at_least = self.known.iter().zip(&other.known).all(|(mine, theirs)| mine >= theirs);
        match (all_at_most, all_at_least) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Less),
            (false, true) => Some(Ordering::Greater),
            (false, false) => None,
        }
        // solution: end
    }
}

impl fmt::Display for VectorClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<String> = self.known.iter().map(ToString::to_string).collect();
        write!(f, "[{}]", known.join(" "))
    }
}

impl fmt::Debug for VectorClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
