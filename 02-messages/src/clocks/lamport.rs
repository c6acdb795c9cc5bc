//! Lamport's clock: a counter that never contradicts the order of events (Lamport 1978, "Logical clocks").

use serde::{Deserialize, Serialize};
use simnet::NodeId;
use std::cmp::Ordering;
use std::fmt;

/// The clock `Cᵢ` of one process. It has nothing to do with physical time: it only counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LamportClock {
    time: u64,
}

impl LamportClock {
    /// The time of the last event; 0 before the first.
    pub fn time(self) -> u64 {
        self.time
    }

    /// Implementation rule 1: something happens here, the sending of a message included. Returns the time of that event.
    pub fn tick(&mut self) -> u64 {
        // solution: begin — Part C: the time of an event of one's own
        self.time += 1;
        self.time
        // solution: end
    }

    /// Implementation rule 2(b): a message arrives that was sent at the time `sent`. Returns the time of the receipt, which is an event
    /// too: later than the sending, and later than all that has happened here.
    pub fn receive(&mut self, sent: u64) -> u64 {
        // solution: begin — Part C: the time of a receipt
        self.time = self.time.max(sent) + 1;
        self.time
        // solution: end
    }
}

/// The time of an event, and the process that it belongs to. No two events share a stamp.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// The time by the process' own clock.
    pub time: u64,
    /// The process.
    pub process: NodeId,
}

/// The total order `⇒`: `a ⇒ b` is `a < b`. Whatever happened before comes before, and of two concurrent events one does too.
impl Ord for Stamp {
    fn cmp(&self, other: &Self) -> Ordering {
        // solution: begin — Part C: the total order of events
        (self.time, self.process).cmp(&(other.time, other.process))
        // solution: end
    }
}

impl PartialOrd for Stamp {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:p{}", self.time, self.process.0 + 1)
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
