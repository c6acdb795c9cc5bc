//! The clock conditions, watched from outside. Given whole.
//!
//! The monitor knows what happened before what by the definition itself: for each event it keeps the set of all events before it.

use super::gossip::{Event, Gossip, Stamps};
use simnet::{Happening, Marks, Monitor, NodeId, Nodes, Time, Violation};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// (C1) Lamport's condition.
pub const CLOCK_CONDITION: &str = "(C1) the clock condition: if a happened before b, then C(a) < C(b)";
/// (C2) The total order.
pub const TOTAL_ORDER: &str =
    "(C2) of any two events, one comes first in the order ⇒; and what happened before comes first";
/// (C3) What vectors say.
pub const VECTORS: &str = "(C3) a happened before b exactly if V(a) < V(b)";

/// Situations that the monitor recognises.
pub mod situation {
    /// Neither of two events happened before the other.
    pub const CONCURRENT: &str = "two events are concurrent";
    /// So the converse of the clock condition does not hold.
    pub const ORDERED_THOUGH_CONCURRENT: &str = "Lamport's clock orders two concurrent events";
    /// Two events of equal time.
    pub const TIE: &str = "two events have one time";
    /// A message comes from a process whose clock is ahead.
    pub const AHEAD: &str = "a message comes from the future";
    /// A message comes from a process whose clock is behind.
    pub const BEHIND: &str = "a message comes from the past";
    /// An event knows of a process that never wrote to it.
    pub const HEARSAY: &str = "an event knows of another by way of a third process";
}

/// An event that has happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Happened {
    process: NodeId,
    at: Stamps,
    /// All events before it, by their places in the list.
    before: BTreeSet<usize>,
}

/// Watches the clock conditions over one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClockConditions {
    events: Vec<Happened>,
    /// The last event of each process.
    last: BTreeMap<NodeId, usize>,
    /// The sending of each message: by sender and number.
    sendings: BTreeMap<(NodeId, u32), usize>,
}

impl ClockConditions {
    /// Adds an event that follows the last one of its process, and `cause`.
    fn happened(&mut self, process: NodeId, at: &Stamps, cause: Option<usize>) -> usize {
        let mut before = BTreeSet::new();
        for earlier in self.last.get(&process).copied().into_iter().chain(cause) {
            before.insert(earlier);
            before.extend(&self.events[earlier].before);
        }
        self.events.push(Happened { process, at: at.clone(), before });
        self.last.insert(process, self.events.len() - 1);
        self.events.len() - 1
    }

    /// Compares the newest event with all others.
    fn compare(&self, new: usize, nodes: &dyn Nodes<Gossip>, marks: &mut Marks) -> Result<(), Violation> {
        let event = &self.events[new];
        for (place, other) in self.events[..new].iter().enumerate() {
            let story = Story { a: other, b: event, nodes };
            if event.before.contains(&place) {
                story.ordered()?;
            } else {
                marks.reach(situation::CONCURRENT);
                if other.at.lamport.time != event.at.lamport.time {
                    marks.reach(situation::ORDERED_THOUGH_CONCURRENT);
                }
                story.concurrent()?;
            }
            if other.at.lamport.time == event.at.lamport.time {
                marks.reach(situation::TIE);
            }
            story.comparable()?;
        }
        Ok(())
    }

    fn mark_receipt(&self, cause: usize, process: NodeId, marks: &mut Marks) {
        let sent = &self.events[cause];
        let here = self.last.get(&process).map_or(0, |last| self.events[*last].at.lamport.time);
        let there = sent.at.lamport.time;
        marks.reach(if there > here { situation::AHEAD } else { situation::BEHIND });
        if sent.before.iter().any(|place| ![process, sent.process].contains(&self.events[*place].process)) {
            marks.reach(situation::HEARSAY);
        }
    }
}

/// Two events, of which `b` is the later to be told.
struct Story<'a> {
    a: &'a Happened,
    b: &'a Happened,
    nodes: &'a dyn Nodes<Gossip>,
}

impl Story<'_> {
    fn breaks(&self, rule: &str, expected: &str) -> Violation {
        let tell = |name: &str, event: &Happened| {
            let process = self.nodes.name(event.process);
            format!("{name} at {process}: C = {}, V = {}", event.at.lamport, event.at.vector)
        };
        Violation::new(rule, expected, format!("{}; {}", tell("a", self.a), tell("b", self.b)))
    }

    /// `a` happened before `b`.
    fn ordered(&self) -> Result<(), Violation> {
        let (a, b) = (&self.a.at, &self.b.at);
        if a.lamport.time >= b.lamport.time {
            return Err(self.breaks(CLOCK_CONDITION, "C(a) < C(b), since a happened before b"));
        }
        if a.lamport >= b.lamport {
            return Err(self.breaks(TOTAL_ORDER, "a ⇒ b, since a happened before b"));
        }
        if a.vector.partial_cmp(&b.vector) != Some(Ordering::Less) {
            return Err(self.breaks(VECTORS, "V(a) < V(b), since a happened before b"));
        }
        Ok(())
    }

    fn concurrent(&self) -> Result<(), Violation> {
        if self.a.at.vector.is_concurrent_with(&self.b.at.vector) {
            return Ok(());
        }
        Err(self.breaks(VECTORS, "neither V(a) < V(b) nor V(b) < V(a), since a and b are concurrent"))
    }

    fn comparable(&self) -> Result<(), Violation> {
        let (a, b) = (self.a.at.lamport, self.b.at.lamport);
        if a == b || (a < b) == (b < a) {
            return Err(self.breaks(TOTAL_ORDER, "either a ⇒ b or b ⇒ a"));
        }
        Ok(())
    }
}

impl Monitor<Gossip> for ClockConditions {
    fn check(
        &mut self,
        _at: Time,
        happening: &Happening<'_, Gossip>,
        nodes: &dyn Nodes<Gossip>,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        let Happening::Output { node, output } = *happening else { return Ok(()) };
        let new = match output {
            Event::Internal(at) => self.happened(node, at, None),
            Event::Sent { number, at } => {
                let sending = self.happened(node, at, None);
                self.sendings.insert((node, *number), sending);
                sending
            }
            Event::Received { from, number, at } => {
                let Some(cause) = self.sendings.get(&(*from, *number)).copied() else {
                    let expected = format!("{} has sent it", nodes.name(*from));
                    return Err(Violation::new(
                        "what is received was sent",
                        expected,
                        format!("message {number}"),
                    ));
                };
                self.mark_receipt(cause, node, marks);
                self.happened(node, at, Some(cause))
            }
        };
        self.compare(new, nodes, marks)
    }
}
