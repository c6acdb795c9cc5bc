//! The learner: finds out that a value has been chosen (*Paxos Made Simple* §2.3).

use crate::ballot::{Ballot, Proposal, Value};
use crate::cluster::Pace;
use crate::message::{Message, Output, Timer};
use crate::node::Ctx;
use crate::quorum::majority;
use simnet::{NodeId, renamed};
use std::collections::{BTreeMap, BTreeSet};

/// A learner. It keeps nothing over a crash: it can ask again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Learner {
    proposers: Vec<NodeId>,
    acceptors: usize,
    pace: Pace,
    /// Who has accepted in which ballot. Only acceptances of one and the same ballot make its value chosen.
    votes: BTreeMap<Ballot, BTreeSet<NodeId>>,
    pub(crate) learned: Option<Value>,
    /// The proposer it asks next, by its place in the list.
    asked: usize,
}

impl Learner {
    /// A learner that counts acceptances of so many acceptors, and asks these proposers when it hears of none.
    pub fn new(proposers: Vec<NodeId>, acceptors: usize, pace: Pace) -> Self {
        Learner { proposers, acceptors, pace, votes: BTreeMap::new(), learned: None, asked: 0 }
    }

    /// The node starts.
    pub fn start(&mut self, ctx: &mut Ctx<'_>) {
        ctx.set_timer(Timer::Ask, self.pace.ask);
    }

    /// An acceptor has accepted a proposal.
    pub fn accepted(&mut self, from: NodeId, proposal: Proposal, ctx: &mut Ctx<'_>) {
        // solution: begin — Part C: count an acceptance
        let votes = self.votes.entry(proposal.ballot).or_default();
        votes.insert(from);
        if votes.len() >= majority(self.acceptors) {
            self.learn(proposal.value, ctx);
        }
        // solution: end
    }

    /// The value has been chosen.
    pub fn learn(&mut self, value: Value, ctx: &mut Ctx<'_>) {
        // solution: begin — Part C: learn the chosen value, once
        if let Some(learned) = &self.learned {
            assert!(*learned == value, "(2) at most one value is chosen: learned {learned}, and now {value}");
            return;
        }
        self.learned = Some(value.clone());
        ctx.cancel_timer(Timer::Ask);
        ctx.output(Output::Learned(value));
        // solution: end
    }

    /// Nothing learned for a while: what was sent here may have been lost. Asks the next proposer in turn.
    pub fn ask(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part E: ask what has been chosen
        if self.learned.is_some() || self.proposers.is_empty() {
            return;
        }
        ctx.send(self.proposers[self.asked], Message::Ask);
        self.asked = (self.asked + 1) % self.proposers.len();
        ctx.set_timer(Timer::Ask, self.pace.ask);
        // solution: end
    }
}

// It asks the proposers in the order of its list: they are not alike to it.
renamed!(struct Learner { proposers, votes } as_it_is { acceptors, pace, learned, asked });
