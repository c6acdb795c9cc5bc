//! What mutual exclusion must keep, watched from outside. Given whole.

use super::process::{Message, Mutex, Output};
use crate::clocks::Stamp;
use simnet::{Happening, Marks, Monitor, NodeId, Nodes, Time, Violation};
use std::collections::{BTreeMap, BTreeSet};

/// (C4) Condition I.
pub const EXCLUSION: &str =
    "(C4) a process that holds the resource releases it before another one is granted it";
/// (C5) Condition II, and more: the total order extends the order in which requests are made.
pub const ORDER: &str = "(C5) requests are granted in the order ⇒ in which they are made";
/// (C6) Fairness: what (C5) is worth to one who waits.
pub const FAIRNESS: &str =
    "(C6) who makes a request after hearing of another's is granted it after the other";
/// (C7) Condition III.
pub const LIVENESS: &str =
    "(C7) if every process that is granted the resource releases it, every request is granted";

/// Situations that the monitor recognises.
pub mod situation {
    /// Three requests or more at once.
    pub const CONTENDED: &str = "three processes want the resource at once";
    /// Two requests under way have one time.
    pub const TIE: &str = "two requests have one time, and the process decides";
    /// A request is made before another, by the clock on the wall, and granted after it.
    pub const OVERTAKEN: &str = "a later request of a slow clock is granted first";
    /// A request is made by a process that knows of another one.
    pub const KNOWING: &str = "a process makes a request after hearing of another's";
}

/// Watches the invariants over one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Exclusion {
    holder: Option<NodeId>,
    /// The request that was granted last.
    last: Option<Key>,
    /// The requests that are not yet granted, oldest first.
    waiting: Vec<Key>,
    /// The requests of which each process has heard.
    heard: BTreeMap<NodeId, BTreeSet<Key>>,
}

/// A stamp in a form that the monitor compares by itself: the order of stamps may be what is wrong.
type Key = (u64, NodeId);

fn key(stamp: Stamp) -> Key {
    (stamp.time, stamp.process)
}

fn show((time, process): Key) -> String {
    Stamp { time, process }.to_string()
}

impl Exclusion {
    fn requested(
        &mut self,
        node: NodeId,
        request: Key,
        nodes: &dyn Nodes<Mutex>,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        let none = BTreeSet::new();
        let heard = self.heard.get(&node).unwrap_or(&none);
        for other in self.waiting.iter().filter(|other| heard.contains(other)) {
            marks.reach(situation::KNOWING);
            if request < *other {
                let expected = format!(
                    "{} stamps its request later than {}, of which it has heard",
                    nodes.name(node),
                    show(*other)
                );
                return Err(Violation::new(FAIRNESS, expected, format!("the request {}", show(request))));
            }
        }
        if self.waiting.iter().any(|other| other.0 == request.0) {
            marks.reach(situation::TIE);
        }
        self.waiting.push(request);
        if self.waiting.len() + usize::from(self.holder.is_some()) >= 3 {
            marks.reach(situation::CONTENDED);
        }
        Ok(())
    }

    fn granted(
        &mut self,
        node: NodeId,
        request: Key,
        nodes: &dyn Nodes<Mutex>,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        let name = nodes.name(node);
        if let Some(holder) = self.holder {
            let expected = format!("{name} waits until {} has released the resource", nodes.name(holder));
            return Err(Violation::new(
                EXCLUSION,
                expected,
                format!("{name} is granted {} as well", show(request)),
            ));
        }
        if let Some(last) = self.last.filter(|last| request < *last) {
            let expected = format!("{} is granted before {}", show(request), show(last));
            return Err(Violation::new(ORDER, expected, "it is granted after it".to_string()));
        }
        let Some(place) = self.waiting.iter().position(|other| *other == request) else {
            let expected = format!("{name} is granted a request that it has made");
            return Err(Violation::new(ORDER, expected, format!("it is granted {}", show(request))));
        };
        if let Some(other) = self.waiting.iter().find(|other| **other < request) {
            let expected = format!("{} is granted before {}", show(*other), show(request));
            return Err(Violation::new(ORDER, expected, format!("{} is granted first", show(request))));
        }
        if place > 0 {
            marks.reach(situation::OVERTAKEN);
        }
        self.waiting.remove(place);
        (self.holder, self.last) = (Some(node), Some(request));
        Ok(())
    }
}

impl Monitor<Mutex> for Exclusion {
    fn check(
        &mut self,
        _at: Time,
        happening: &Happening<'_, Mutex>,
        nodes: &dyn Nodes<Mutex>,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        match *happening {
            Happening::Delivered { to, message: Message::Request(request), .. } => {
                self.heard.entry(to).or_default().insert(key(*request));
                Ok(())
            }
            Happening::Output { node, output: Output::Requested(request) } => {
                self.requested(node, key(*request), nodes, marks)
            }
            Happening::Output { node, output: Output::Granted(request) } => {
                self.granted(node, key(*request), nodes, marks)
            }
            Happening::Output { node, output: Output::Released(_) } => {
                self.holder = self.holder.filter(|holder| *holder != node);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
