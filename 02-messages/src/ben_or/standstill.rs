//! A round that changes nothing: what Fischer, Lynch and Paterson (1985) prove that there must be. Given whole.
//!
//! With a coin that is stuck the algorithm is deterministic. If then some schedule brings all processes from round 1 to round 2 with every
//! process holding what it held before, and nobody has decided, the same schedule brings them to round 3, and so on: it never ends.

use super::message::{Bit, Message};
use super::process::BenOr;
use simnet::{Happening, Marks, Monitor, NodeId, Nodes, Time, Violation};
use std::collections::BTreeMap;

/// The rule that a standstill breaks.
pub const PROGRESS: &str =
    "(progress) by the time that all have begun the next round, someone has decided or holds another value";

/// Compares what all processes report in round 1 and in round 2.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Standstill {
    /// What each process began with.
    initial: BTreeMap<NodeId, Bit>,
    /// What it reported in round 2, if it has got there.
    second: BTreeMap<NodeId, Bit>,
    someone_has_decided: bool,
}

impl Standstill {
    /// Looks for a standstill of processes that begin with these values.
    pub fn new(initial: BTreeMap<NodeId, Bit>) -> Self {
        Standstill { initial, second: BTreeMap::new(), someone_has_decided: false }
    }
}

impl Monitor<BenOr> for Standstill {
    fn check(
        &mut self,
        _at: Time,
        happening: &Happening<'_, BenOr>,
        _nodes: &dyn Nodes<BenOr>,
        _marks: &mut Marks,
    ) -> Result<(), Violation> {
        match *happening {
            Happening::Sent { from, message: Message::Report { round: 2, value }, .. } => {
                self.second.insert(from, *value);
            }
            Happening::Output { .. } => self.someone_has_decided = true,
            _ => {}
        }
        if !self.someone_has_decided && self.second == self.initial {
            let got = "nobody has decided, and each reports in round 2 what it reported in round 1";
            return Err(Violation::new(PROGRESS, "a change", got));
        }
        Ok(())
    }
}
