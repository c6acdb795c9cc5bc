//! Blocking: the run in which nobody can get on (Bernstein, Hadzilacos, Goodman §7.3; Skeen, *Nonblocking Commit Protocols*, 1981).
//! Given whole.
//!
//! A protocol is *nonblocking* if the nodes that are up decide, whatever those that are down had done. Two-phase commit is not. This
//! monitor states the rule that it breaks, so that a search of all schedules can find how.

use super::message::{Decision, Message, Output};
use super::node::{Node, View};
use simnet::{Happening, Marks, Monitor, NodeId, Nodes, Observe, Time, Violation};
use std::collections::BTreeSet;

/// The rule that two-phase commit breaks.
pub const NONBLOCKING: &str =
    "(nonblocking) participants that are up and have asked each other decide, though the coordinator is down";

/// Recognises that all participants are in doubt, and have asked each other since the coordinator crashed: none has anything to tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Blocking {
    coordinator: NodeId,
    participants: Vec<NodeId>,
    /// Only what follows this decision of the coordinator counts; all does when absent.
    after: Option<Decision>,
    /// What the coordinator had decided when it crashed.
    decided: Option<Decision>,
    /// It has crashed, and has reacted to nothing since.
    down: bool,
    /// It is being started again: in the checked world that is part of the crash.
    restarting: bool,
    /// Who has asked whom since then. Who is in doubt does not answer.
    asked: BTreeSet<(NodeId, NodeId)>,
}

impl Blocking {
    /// Looks for a run in which these participants wait for this coordinator.
    pub fn new(coordinator: NodeId, participants: &[NodeId]) -> Self {
        Blocking {
            coordinator,
            participants: participants.to_vec(),
            after: None,
            decided: None,
            down: false,
            restarting: false,
            asked: BTreeSet::new(),
        }
    }

    /// Looks for one in which the coordinator had decided so, and had told the outside.
    pub fn after(mut self, decision: Decision) -> Self {
        self.after = Some(decision);
        self
    }

    fn is_blocked(&self, nodes: &dyn Nodes<Node>) -> bool {
        let in_doubt = |node: &NodeId| {
            let view = nodes.process(*node).map(Observe::view);
            matches!(view, Some(View::Participant { in_doubt: true, .. }))
        };
        let pairs = self.participants.len() * (self.participants.len() - 1);
        self.down && self.asked.len() == pairs && self.participants.iter().all(in_doubt)
    }
}

impl Monitor<Node> for Blocking {
    fn check(
        &mut self,
        _at: Time,
        happening: &Happening<'_, Node>,
        nodes: &dyn Nodes<Node>,
        _marks: &mut Marks,
    ) -> Result<(), Violation> {
        match *happening {
            Happening::Output { node, output: Output(decision) }
                if node == self.coordinator && !self.restarting =>
            {
                self.decided = Some(*decision);
            }
            Happening::Crashed { node } if node == self.coordinator => {
                self.down = self.after.is_none() || self.after == self.decided;
                self.restarting = true;
                self.asked.clear();
            }
            Happening::Restarted { node } if node == self.coordinator => self.restarting = false,
            Happening::Handled { node } if node == self.coordinator && !self.restarting => self.down = false,
            Happening::Sent { from, to, message: Message::DecisionReq }
                if to != self.coordinator && self.down =>
            {
                self.asked.insert((from, to));
                if self.is_blocked(nodes) {
                    let decided = self.decided.map_or("nothing".to_string(), |decision| decision.to_string());
                    let got = format!("all of them are in doubt; the coordinator had decided {decided}");
                    return Err(Violation::new(
                        NONBLOCKING,
                        "some participant knows more than the others",
                        got,
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
