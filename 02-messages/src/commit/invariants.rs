//! What must hold of two-phase commit, watched from outside. Given whole.
//!
//! AC1 to AC5 are the book's conditions on an *atomic commitment protocol* (§7.3); the others are what ours rests on. The monitor
//! believes what has *left* a node: a message binds its sender, whatever the sender remembers after a crash.

use super::message::{Decision, Message, Output};
use super::node::{Node, View};
use simnet::{Happening, Marks, Monitor, NodeId, Nodes, Observe, Time, Violation};
use std::collections::{BTreeMap, BTreeSet};

/// AC1.
pub const AGREEMENT: &str = "(AC1) all nodes that decide reach the same decision";
/// AC2.
pub const FINAL: &str = "(AC2) a decision is never reversed, crashes or not";
/// AC3.
pub const UNANIMOUS: &str = "(AC3) a commit is decided only when all participants have voted Yes";
/// AC4.
pub const NONTRIVIAL: &str = "(AC4) if all vote Yes and nothing fails, the decision is commit";
/// AC5.
pub const PROGRESS: &str = "(AC5) once all failures are repaired, all nodes decide";
/// What a Yes gives away.
pub const IN_DOUBT: &str = "(E6) who has voted Yes decides nothing alone";
/// The participant's log.
pub const MEMORY: &str = "(E7) a participant forgets no Yes, and votes one way only";
/// The coordinator's log.
pub const ONCE: &str =
    "(E8) a transaction is begun once: after a crash, what the log does not say to be committed was aborted";

/// Situations that the monitor recognises. A test that claims one asks for its mark.
pub mod situation {
    /// A participant crashed between its vote and the decision.
    pub const RESTART_IN_DOUBT: &str = "a participant restarts in doubt";
    /// The coordinator crashed before it decided.
    pub const PRESUMED_ABORT: &str = "a coordinator restarts and presumes the abort";
    /// The coordinator crashed after it had decided to commit.
    pub const COMMITTED_RESTART: &str = "a coordinator restarts after it has committed";
    /// A participant in doubt was told by another participant.
    pub const TOLD_BY_PEER: &str = "a participant in doubt is told by another participant";
    /// A participant did not wait for the request to vote.
    pub const ABORTED_ALONE: &str = "a participant aborts before it has voted";
    /// A Yes came after the abort.
    pub const LATE_YES: &str = "a Yes arrives after the abort";
    /// All said Yes.
    pub const COMMITTED: &str = "a transaction commits";
    /// All said Yes, and it was aborted all the same.
    pub const YES_IN_VAIN: &str = "all have voted Yes, and the coordinator aborts";
}

/// Watches AC1 to AC3 and E6 to E8 over one run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Invariants {
    coordinator: NodeId,
    participants: BTreeSet<NodeId>,
    /// The participants whose Yes has left, and those whose No has.
    yes: BTreeSet<NodeId>,
    no: BTreeSet<NodeId>,
    /// What each node has decided, as far as anyone knows.
    decided: BTreeMap<NodeId, Decision>,
    /// What each node has made known of its decision since it last started.
    this_life: BTreeMap<NodeId, Decision>,
    /// What each participant was told. One that crashes before that is on its disk may be told the same once more, so it stands.
    told: BTreeMap<NodeId, BTreeSet<Decision>>,
    /// The coordinator has asked for votes …
    begun: bool,
    /// … and has crashed since: it must not ask any more.
    over: bool,
    /// Whose Yes has come to the coordinator before it first crashed: no other counts.
    counted: BTreeSet<NodeId>,
}

impl Invariants {
    /// The invariants of one transaction of these nodes.
    pub fn new(coordinator: NodeId, participants: &[NodeId]) -> Self {
        Invariants {
            coordinator,
            participants: participants.iter().copied().collect(),
            yes: BTreeSet::new(),
            no: BTreeSet::new(),
            decided: BTreeMap::new(),
            this_life: BTreeMap::new(),
            told: BTreeMap::new(),
            begun: false,
            over: false,
            counted: BTreeSet::new(),
        }
    }

    /// AC1, AC2, AC3, E6 and E8, as a node makes its decision known.
    fn decides(
        &mut self,
        node: NodeId,
        decision: Decision,
        name: &str,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        if let Some(before) = self.decided.get(&node) {
            if *before == decision {
                self.this_life.insert(node, decision);
                return Ok(());
            }
            let expected = format!("{name} keeps to its decision, {before}");
            return Err(Violation::new(FINAL, expected, format!("{name} decides {decision}")));
        }
        if decision == Decision::Commit && self.yes != self.participants {
            let missing: Vec<String> =
                self.participants.difference(&self.yes).map(ToString::to_string).collect();
            let expected = format!("Yes of all {} participants", self.participants.len());
            let got = format!("{name} commits without a Yes of {}", missing.join(" "));
            return Err(Violation::new(UNANIMOUS, expected, got));
        }
        if self.yes.contains(&node) && !self.was_told(node, decision) {
            let expected = format!("{name} has voted Yes and waits until it is told the decision");
            let got = match self.told.get(&node) {
                None => format!("{name} decides {decision} by itself"),
                Some(_) => format!("{name} decides {decision}, and was told the opposite"),
            };
            return Err(Violation::new(IN_DOUBT, expected, got));
        }
        if node == self.coordinator && self.over && decision == Decision::Commit {
            let missing = self.participants.difference(&self.counted).next();
            if let Some(missing) = missing {
                let expected = format!("abort: {name} crashed before the Yes of {missing} had come to it");
                return Err(Violation::new(ONCE, expected, format!("{name} decides commit")));
            }
        }
        if let Some((other, first)) = self.decided.iter().find(|(_, first)| **first != decision) {
            let expected = format!("{first}, as {other} has decided");
            return Err(Violation::new(AGREEMENT, expected, format!("{name} decides {decision}")));
        }
        self.decided.insert(node, decision);
        self.this_life.insert(node, decision);
        if decision == Decision::Abort && self.participants.contains(&node) && !self.yes.contains(&node) {
            marks.reach(situation::ABORTED_ALONE);
        }
        if node == self.coordinator {
            if decision == Decision::Commit {
                marks.reach(situation::COMMITTED);
            } else if self.yes == self.participants {
                marks.reach(situation::YES_IN_VAIN);
            }
        }
        Ok(())
    }

    fn was_told(&self, node: NodeId, decision: Decision) -> bool {
        self.told.get(&node).is_some_and(|told| told.contains(&decision))
    }

    /// E7, as a vote leaves. Of who had said Yes, and was told to abort, only the abort of this life counts: a crash may put it in doubt again.
    fn votes(&mut self, node: NodeId, yes: bool, name: &str) -> Result<(), Violation> {
        let has_aborted = self.decided.get(&node) == Some(&Decision::Abort);
        let aborted_now = self.this_life.get(&node) == Some(&Decision::Abort);
        if yes && (self.no.contains(&node) || aborted_now || (has_aborted && !self.yes.contains(&node))) {
            let expected = format!("No of {name}, which has aborted");
            return Err(Violation::new(MEMORY, expected, format!("{name} votes Yes")));
        }
        if !yes && self.yes.contains(&node) && !has_aborted {
            let expected = format!("Yes of {name}, as before");
            return Err(Violation::new(MEMORY, expected, format!("{name} votes No")));
        }
        if yes {
            self.yes.insert(node)
        } else {
            self.no.insert(node)
        };
        Ok(())
    }

    /// A message binds whoever has sent it.
    fn sent(
        &mut self,
        from: NodeId,
        message: &Message,
        name: &str,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        match message {
            Message::VoteReq if self.over => {
                let expected = format!("{name} has crashed since it asked for votes, and asks for no more");
                Err(Violation::new(ONCE, expected, "VoteReq in a later life"))
            }
            Message::VoteReq => {
                self.begun = true;
                Ok(())
            }
            Message::Yes => self.votes(from, true, name),
            Message::No => self.votes(from, false, name),
            Message::Decided(decision) => self.decides(from, *decision, name, marks),
            Message::Ack => self.decides(from, Decision::Commit, name, marks),
            Message::DecisionReq => Ok(()),
        }
    }

    /// AC2, E7 and E8, on what a node knows as it starts again. It may have said nothing yet: so this is seen in its `View`.
    fn restarted(&self, node: NodeId, view: View, name: &str, marks: &mut Marks) -> Result<(), Violation> {
        let decision = view.decision();
        let got = || format!("{name} has started again, and knows of no decision");
        if decision.is_none() && self.decided.get(&node) == Some(&Decision::Commit) {
            return Err(Violation::new(FINAL, format!("{name} knows that it has committed"), got()));
        }
        match view {
            View::Participant { in_doubt, .. } => {
                if self.yes.contains(&node) && !in_doubt && decision.is_none() {
                    let expected = format!("{name} knows that it has voted Yes");
                    let got = format!("{name} has started again, and knows of no vote");
                    return Err(Violation::new(MEMORY, expected, got));
                }
                if in_doubt {
                    marks.reach(situation::RESTART_IN_DOUBT);
                }
            }
            View::Coordinator { .. } => match decision {
                Some(Decision::Commit) => marks.reach(situation::COMMITTED_RESTART),
                Some(Decision::Abort) => marks.reach(situation::PRESUMED_ABORT),
                None if self.over => {
                    let expected = format!("{name} knows that it has committed, or else that it has aborted");
                    return Err(Violation::new(ONCE, expected, got()));
                }
                None => {}
            },
        }
        Ok(())
    }

    /// What a node is told counts from when it is told.
    fn hears(&mut self, from: NodeId, to: NodeId, message: &Message, view: Option<View>, marks: &mut Marks) {
        match message {
            Message::Decided(decision) => {
                self.told.entry(to).or_default().insert(*decision);
                let in_doubt = matches!(view, Some(View::Participant { in_doubt: true, .. }));
                if in_doubt && from != self.coordinator {
                    marks.reach(situation::TOLD_BY_PEER);
                }
            }
            Message::Yes if to == self.coordinator => {
                if !self.over {
                    self.counted.insert(from);
                }
                if self.this_life.get(&to) == Some(&Decision::Abort) {
                    marks.reach(situation::LATE_YES);
                }
            }
            _ => {}
        }
    }
}

impl Monitor<Node> for Invariants {
    fn check(
        &mut self,
        _at: Time,
        happening: &Happening<'_, Node>,
        nodes: &dyn Nodes<Node>,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        match *happening {
            Happening::Sent { from, message, .. } => self.sent(from, message, nodes.name(from), marks),
            Happening::Delivered { from, to, message } => {
                let view = nodes.process(to).map(Observe::view);
                self.hears(from, to, message, view, marks);
                Ok(())
            }
            Happening::Output { node, output: Output(decision) } => {
                self.decides(node, *decision, nodes.name(node), marks)
            }
            Happening::Crashed { node } => {
                self.over |= self.begun && node == self.coordinator;
                self.this_life.remove(&node);
                Ok(())
            }
            Happening::Restarted { node } => match nodes.process(node).map(Observe::view) {
                Some(view) => self.restarted(node, view, nodes.name(node), marks),
                // It has crashed again as it started.
                None => Ok(()),
            },
            Happening::Handled { .. } => Ok(()),
        }
    }
}
