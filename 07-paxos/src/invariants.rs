//! The invariants of single-decree Paxos, watched from outside. Given whole.
//!
//! The numbers are those of the handout. The monitor believes what has *left* a node: a message is a promise to others, and from
//! then on binds its sender, whatever the sender remembers after a crash.

use crate::ballot::{Ballot, Proposal, Value};
use crate::message::{Message, Output};
use crate::node::{Node, View};
use simnet::{Happening, Marks, Monitor, NodeId, Nodes, Observe, Time, Violation, renamed};
use std::collections::{BTreeMap, BTreeSet};

/// (1) Validity.
pub const PROPOSED: &str = "(1) only a value that a client has asked for is chosen";
/// (2) Agreement.
pub const AGREEMENT: &str = "(2) at most one value is chosen";
/// (3) Learners learn nothing else.
pub const LEARNED: &str = "(3) only a chosen value is learned";
/// (4) Promises.
pub const PROMISE: &str = "(4) an acceptor takes part in no ballot below one it has promised, crashes or not";
/// (5) The acceptor's two memories.
pub const ACCEPTED_BELOW: &str = "(5) what an acceptor has accepted is not above what it has promised";
/// (6) One value a ballot.
pub const ONE_VALUE: &str = "(6) a ballot carries one value";
/// (7) One use of a ballot.
pub const ONE_USE: &str = "(7) a ballot belongs to one proposer, and is begun once, crashes or not";
/// (8) P2c.
pub const P2C: &str = "(8) P2c: a value is proposed only with a majority of promises, and is that of the highest proposal they report";
/// (9) The memory of acceptors.
pub const MEMORY: &str =
    "(9) an acceptor forgets no proposal that it has accepted, and reports the highest one";

/// Situations that the monitor recognises. A test that claims one asks for its mark.
pub mod situation {
    /// Phase 2 proposes what phase 1 has found, not the proposer's own value.
    pub const ADOPTED: &str = "a proposer adopts a value that was accepted before";
    /// Phase 1 found several proposals, of different values.
    pub const CONFLICT: &str = "promises report different values";
    /// An acceptor refuses a Prepare.
    pub const PREPARE_REFUSED: &str = "a Prepare below the promise is refused";
    /// An acceptor refuses an Accept.
    pub const ACCEPT_REFUSED: &str = "an Accept below the promise is refused";
    /// A value is chosen again, under a higher ballot.
    pub const CHOSEN_AGAIN: &str = "a value is chosen under two ballots";
    /// A Promise arrives for a ballot that is over.
    pub const LATE_PROMISE: &str = "a Promise of an older ballot arrives";
    /// An acceptor comes back with a promise to keep.
    pub const ACCEPTOR_RESTART: &str = "an acceptor restarts after a promise";
    /// An acceptor comes back with an accepted proposal to keep.
    pub const ACCEPTOR_RESTART_ACCEPTED: &str = "an acceptor restarts after it has accepted";
    /// A proposer comes back after it has begun a ballot.
    pub const PROPOSER_RESTART: &str = "a proposer restarts after it has begun a ballot";
    /// A learner learns because it asked.
    pub const TOLD: &str = "a learner learns by asking";
}

/// What an acceptor has bound itself to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Bond {
    /// The highest ballot of a Promise or an Accepted that has left.
    promised: Option<Ballot>,
    /// The highest proposal of an Accepted that has left.
    accepted: Option<Proposal>,
}

/// Watches all invariants over one run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Invariants {
    acceptors: BTreeSet<NodeId>,
    asked: BTreeSet<Value>,
    bonds: BTreeMap<NodeId, Bond>,
    /// The promises that have arrived at their proposer, by ballot without a value as yet: who, and what it reported.
    promises: BTreeMap<Ballot, BTreeMap<NodeId, Option<Proposal>>>,
    /// The proposer that began a ballot, and in which of its lives.
    begun: BTreeMap<Ballot, (NodeId, u32)>,
    /// The highest ballot each proposer has begun, and how often it has crashed since it began one.
    highest: BTreeMap<NodeId, Ballot>,
    lives: BTreeMap<NodeId, u32>,
    /// The value proposed under a ballot.
    proposed: BTreeMap<Ballot, Value>,
    /// Who has accepted under a ballot.
    votes: BTreeMap<Ballot, BTreeSet<NodeId>>,
    /// The chosen value, and the ballots under which it was.
    chosen: Option<(Value, BTreeSet<Ballot>)>,
}

impl Invariants {
    /// The invariants of a cluster with these acceptors, whose clients ask for `values`.
    pub fn new(acceptors: &[NodeId], values: &[Value]) -> Self {
        Invariants {
            acceptors: acceptors.iter().copied().collect(),
            asked: values.iter().cloned().collect(),
            bonds: BTreeMap::new(),
            promises: BTreeMap::new(),
            begun: BTreeMap::new(),
            highest: BTreeMap::new(),
            lives: BTreeMap::new(),
            proposed: BTreeMap::new(),
            votes: BTreeMap::new(),
            chosen: None,
        }
    }

    /// The monitor counts by itself: the lab's own `majority` may be what is wrong.
    fn majority(&self) -> usize {
        self.acceptors.len() / 2 + 1
    }

    /// Requests that a test sends by itself count as asked for.
    fn requested(&mut self, value: &Value) {
        self.asked.insert(value.clone());
    }

    /// (7) and the ballots' owners.
    fn prepare(&mut self, from: NodeId, ballot: Ballot, nodes: &dyn Nodes<Node>) -> Result<(), Violation> {
        let name = nodes.name(from);
        let life = self.lives.get(&from).copied().unwrap_or(0);
        match self.begun.get(&ballot) {
            Some((owner, _)) if *owner != from => {
                let expected = format!("ballot {ballot} is begun by {} alone", nodes.name(*owner));
                return Err(Violation::new(ONE_USE, expected, format!("{name} begins it too")));
            }
            Some((_, begun_in)) if *begun_in != life => {
                let expected =
                    format!("{name} begins a ballot above {ballot}, which it used before it crashed");
                return Err(Violation::new(ONE_USE, expected, format!("Prepare {ballot} once more")));
            }
            Some(_) => return Ok(()),
            None => {}
        }
        if let Some(highest) = self.highest.get(&from).filter(|highest| **highest > ballot) {
            let expected = format!("{name} begins a ballot above {highest}, its highest so far");
            return Err(Violation::new(ONE_USE, expected, format!("Prepare {ballot}")));
        }
        self.begun.insert(ballot, (from, life));
        self.highest.insert(from, ballot);
        Ok(())
    }

    /// (4) and (9), as an acceptor takes part in a ballot.
    fn promise(
        &mut self,
        from: NodeId,
        ballot: Ballot,
        report: Option<&Proposal>,
        name: &str,
    ) -> Result<(), Violation> {
        let bond = self.bonds.entry(from).or_default();
        if let Some(promised) = bond.promised.filter(|promised| ballot < *promised) {
            let expected = format!("{name} has promised {promised} and takes part in no lower ballot");
            return Err(Violation::new(PROMISE, expected, format!("Promise {ballot}")));
        }
        bond.promised = Some(ballot);
        let reported = report.map(|proposal| proposal.ballot);
        if let Some(accepted) = bond.accepted.as_ref().filter(|accepted| reported < Some(accepted.ballot)) {
            let expected = format!("{name} reports {accepted}, or a higher proposal");
            return Err(Violation::new(
                MEMORY,
                expected,
                format!("Promise {ballot} reports {}", show(report)),
            ));
        }
        if let Some(report) = report
            && self.proposed.get(&report.ballot) != Some(&report.value)
        {
            let expected = format!("{name} reports a proposal that was made");
            let got = format!("Promise {ballot} reports {report}, which nobody has proposed");
            return Err(Violation::new(MEMORY, expected, got));
        }
        Ok(())
    }

    /// (6) and (8), as a proposer begins phase 2.
    fn propose(&mut self, proposal: &Proposal, name: &str, marks: &mut Marks) -> Result<(), Violation> {
        if let Some(value) = self.proposed.get(&proposal.ballot) {
            if *value != proposal.value {
                let expected = format!("ballot {} carries {value}", proposal.ballot);
                return Err(Violation::new(ONE_VALUE, expected, format!("{name} sends Accept {proposal}")));
            }
            return Ok(());
        }
        let none = BTreeMap::new();
        let reports = self.promises.get(&proposal.ballot).unwrap_or(&none);
        if !justified(reports, &proposal.value, self.majority()) {
            let reports: Vec<String> = reports.values().map(|report| show(report.as_ref())).collect();
            let expected = format!(
                "promises of {} acceptors for ballot {}, and the value of the highest proposal that they report",
                self.majority(),
                proposal.ballot
            );
            let got = format!(
                "{name} sends Accept {proposal} after promises of {}, which report: {}",
                reports.len(),
                reports.join("; ")
            );
            return Err(Violation::new(P2C, expected, got));
        }
        let found: BTreeSet<&Value> = reports.values().flatten().map(|report| &report.value).collect();
        if found.contains(&proposal.value) {
            marks.reach(situation::ADOPTED);
        }
        if found.len() > 1 {
            marks.reach(situation::CONFLICT);
        }
        self.proposed.insert(proposal.ballot, proposal.value.clone());
        self.promises.remove(&proposal.ballot);
        Ok(())
    }

    /// (4), (1) and (2), as an acceptor accepts.
    fn accepted(
        &mut self,
        from: NodeId,
        proposal: &Proposal,
        name: &str,
        marks: &mut Marks,
    ) -> Result<(), Violation> {
        let bond = self.bonds.entry(from).or_default();
        if let Some(promised) = bond.promised.filter(|promised| proposal.ballot < *promised) {
            let expected = format!("{name} has promised {promised} and takes part in no lower ballot");
            return Err(Violation::new(PROMISE, expected, format!("Accepted {proposal}")));
        }
        bond.promised = bond.promised.max(Some(proposal.ballot));
        if bond.accepted.as_ref().is_none_or(|accepted| accepted.ballot < proposal.ballot) {
            bond.accepted = Some(proposal.clone());
        }
        match self.proposed.get(&proposal.ballot) {
            Some(value) if *value != proposal.value => {
                let expected = format!("ballot {} carries {value}", proposal.ballot);
                return Err(Violation::new(ONE_VALUE, expected, format!("{name} has accepted {proposal}")));
            }
            _ => {}
        }
        let votes = self.votes.entry(proposal.ballot).or_default();
        votes.insert(from);
        if votes.len() >= self.majority() { self.choose(proposal, marks) } else { Ok(()) }
    }

    /// A majority has accepted one proposal.
    fn choose(&mut self, proposal: &Proposal, marks: &mut Marks) -> Result<(), Violation> {
        if !self.asked.contains(&proposal.value) {
            let expected = "a value that a client has asked for".to_string();
            return Err(Violation::new(PROPOSED, expected, format!("{proposal} is chosen")));
        }
        match &mut self.chosen {
            None => self.chosen = Some((proposal.value.clone(), BTreeSet::from([proposal.ballot]))),
            Some((value, ballots)) => {
                if *value != proposal.value {
                    let first = ballots.first().expect("chosen under some ballot");
                    let expected = format!("{value}, chosen at ballot {first}, is the only chosen value");
                    return Err(Violation::new(AGREEMENT, expected, format!("{proposal} is chosen too")));
                }
                if ballots.insert(proposal.ballot) {
                    marks.reach(situation::CHOSEN_AGAIN);
                }
            }
        }
        Ok(())
    }

    /// (3), for learners and for what clients are told.
    fn learned(&self, value: &Value, name: &str) -> Result<(), Violation> {
        match &self.chosen {
            Some((chosen, _)) if chosen == value => Ok(()),
            chosen => {
                let expected = match chosen {
                    Some((chosen, _)) => format!("{name} learns {chosen}"),
                    None => format!("{name} learns nothing yet: no majority has accepted one ballot"),
                };
                Err(Violation::new(LEARNED, expected, format!("{name} learns {value}")))
            }
        }
    }

    /// (4), (5), (7) and (9), on what a node has in memory.
    fn state(&self, node: NodeId, nodes: &dyn Nodes<Node>, restarted: bool) -> Result<(), Violation> {
        let Some(process) = nodes.process(node) else { return Ok(()) };
        let name = nodes.name(node);
        match process.view() {
            View::Acceptor { promised, accepted } => {
                let accepted_ballot = accepted.as_ref().map(|proposal| proposal.ballot);
                if accepted_ballot > promised {
                    let expected = format!("{name} has promised what it accepted");
                    let got = format!(
                        "{name} has promised {}, and accepted {}",
                        show(promised.as_ref()),
                        show(accepted.as_ref())
                    );
                    return Err(Violation::new(ACCEPTED_BELOW, expected, got));
                }
                let Some(bond) = self.bonds.get(&node) else { return Ok(()) };
                let when = if restarted { "after its restart " } else { "" };
                if promised < bond.promised {
                    let expected = format!("{name} knows of its promise of {}", show(bond.promised.as_ref()));
                    let got = format!("{when}{name} has promised {}", show(promised.as_ref()));
                    return Err(Violation::new(PROMISE, expected, got));
                }
                if accepted_ballot < bond.accepted.as_ref().map(|proposal| proposal.ballot) {
                    let expected =
                        format!("{name} knows that it has accepted {}", show(bond.accepted.as_ref()));
                    let got = format!("{when}{name} has accepted {}", show(accepted.as_ref()));
                    return Err(Violation::new(MEMORY, expected, got));
                }
                Ok(())
            }
            View::Proposer { .. } | View::Learner { .. } | View::Client { .. } => Ok(()),
        }
    }
}

/// P2c: whether some majority of the acceptors that have promised reports nothing at all, or `value` as that of its highest proposal.
fn justified(reports: &BTreeMap<NodeId, Option<Proposal>>, value: &Value, majority: usize) -> bool {
    let up_to = |highest: Option<Ballot>| {
        reports.values().filter(|report| report.as_ref().map(|report| report.ballot) <= highest).count()
    };
    up_to(None) >= majority
        || reports
            .values()
            .flatten()
            .any(|report| report.value == *value && up_to(Some(report.ballot)) >= majority)
}

fn show(what: Option<&impl ToString>) -> String {
    what.map_or_else(|| "nothing".to_string(), ToString::to_string)
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
            Happening::Sent { from, message, .. } => match message {
                Message::Request { value } => {
                    self.requested(value);
                    Ok(())
                }
                Message::Prepare { ballot } => self.prepare(from, *ballot, nodes),
                Message::Promise { ballot, accepted } => {
                    self.promise(from, *ballot, accepted.as_ref(), nodes.name(from))
                }
                Message::Accept(proposal) => self.propose(proposal, nodes.name(from), marks),
                Message::Accepted(proposal) => self.accepted(from, proposal, nodes.name(from), marks),
                Message::Nack { ballot, .. } => {
                    let accept = self.proposed.contains_key(ballot);
                    marks.reach(if accept { situation::ACCEPT_REFUSED } else { situation::PREPARE_REFUSED });
                    Ok(())
                }
                // Who says so has learned it.
                Message::Chosen { value } => self.learned(value, nodes.name(from)),
                Message::Ask => Ok(()),
            },
            Happening::Delivered { from, to, message } => {
                if let Message::Promise { ballot, accepted } = message {
                    let current = nodes.process(to).map(Observe::view);
                    if let Some(View::Proposer { ballot: Some(current), .. }) = current
                        && current > *ballot
                    {
                        marks.reach(situation::LATE_PROMISE);
                    }
                    // Once the ballot has its value, nobody asks for its promises any more.
                    if self.acceptors.contains(&from) && !self.proposed.contains_key(ballot) {
                        self.promises
                            .entry(*ballot)
                            .or_default()
                            .entry(from)
                            .or_insert_with(|| accepted.clone());
                    }
                }
                if let (Message::Chosen { .. }, Some(View::Learner { learned: None })) =
                    (message, nodes.process(to).map(Observe::view))
                {
                    marks.reach(situation::TOLD);
                }
                Ok(())
            }
            Happening::Output { node, output } => match output {
                Output::Asked(value) => {
                    self.requested(value);
                    Ok(())
                }
                Output::Answered(value) | Output::Learned(value) => self.learned(value, nodes.name(node)),
            },
            Happening::Handled { node } => self.state(node, nodes, false),
            Happening::Crashed { node } => {
                // Lives are counted to tell ballots of two of them apart.
                if self.highest.contains_key(&node) {
                    *self.lives.entry(node).or_default() += 1;
                }
                Ok(())
            }
            Happening::Restarted { node } => {
                if let Some(bond) = self.bonds.get(&node) {
                    marks.reach(situation::ACCEPTOR_RESTART);
                    if bond.accepted.is_some() {
                        marks.reach(situation::ACCEPTOR_RESTART_ACCEPTED);
                    }
                }
                if self.highest.contains_key(&node) {
                    marks.reach(situation::PROPOSER_RESTART);
                }
                self.state(node, nodes, true)
            }
        }
    }
}

renamed!(struct Bond { promised, accepted });
renamed!(struct Invariants {
    acceptors, bonds, promises, begun, highest, lives, proposed, votes, chosen
} as_it_is { asked });

#[cfg(test)]
mod tests {
    use super::*;

    struct Two;

    impl Nodes<Node> for Two {
        fn process(&self, _: NodeId) -> Option<&Node> {
            None
        }

        fn name(&self, node: NodeId) -> &str {
            ["p1", "p2"][node.index()]
        }

        fn count(&self) -> usize {
            2
        }
    }

    #[test]
    fn a_ballot_of_two_proposers_is_told_by_their_names() {
        let mut invariants = Invariants::new(&[], &[]);
        let ballot = Ballot { round: 1, proposer: NodeId(0) };
        invariants.prepare(NodeId(0), ballot, &Two).expect("nobody has begun it");
        let violation = invariants.prepare(NodeId(1), ballot, &Two).expect_err("p1 has begun it");
        let expected = Violation::new(ONE_USE, "ballot 1.0 is begun by p1 alone", "p2 begins it too");
        assert_eq!(violation, expected);
    }
}
