//! The acceptor: the memory of Paxos (*Paxos Made Simple* §2.2, phases 1b and 2b).
//!
//! It makes two kinds of promises, and everything rests on its keeping them, crashes or not: to take part in no ballot below the
//! highest it has promised, and to tell each new ballot what it has accepted so far.

use crate::ballot::{Ballot, Proposal};
use crate::message::Message;
use crate::node::Ctx;
use simnet::{NodeId, renamed};

/// The names of the acceptor's records in storage.
const PROMISED: &str = "promised";
const ACCEPTED: &str = "accepted";

/// An acceptor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Acceptor {
    /// Who is told of acceptances, beside the proposer.
    learners: Vec<NodeId>,
    /// The highest ballot it has promised to take part in. `None` is below every ballot.
    pub(crate) promised: Option<Ballot>,
    /// The proposal with the highest ballot that it has accepted.
    pub(crate) accepted: Option<Proposal>,
}

impl Acceptor {
    /// An acceptor that has promised nothing, and tells `learners` what it accepts.
    pub fn new(learners: Vec<NodeId>) -> Self {
        Acceptor { learners, promised: None, accepted: None }
    }

    /// The node starts. After a crash, storage has what was made durable before it.
    pub fn start(&mut self, ctx: &mut Ctx<'_>) {
        let promised: Option<Ballot> = ctx.storage().read(PROMISED);
        let accepted: Option<Proposal> = ctx.storage().read(ACCEPTED);
        if promised.is_some() || accepted.is_some() {
            self.recover(promised, accepted);
        }
    }

    /// Phase 1b: a proposer asks for a promise.
    pub fn prepare(&mut self, from: NodeId, ballot: Ballot, ctx: &mut Ctx<'_>) {
        // solution: begin — Part A: answer a Prepare
        if self.is_below_promise(ballot) {
            return self.refuse(from, ballot, ctx);
        }
        // An equal ballot is promised again: the first Promise may have been lost.
        self.promised = Some(ballot);
        self.persist(ctx);
        ctx.send(from, Message::Promise { ballot, accepted: self.accepted.clone() });
        // solution: end
        self.assert_invariants();
    }

    /// Phase 2b: a proposer asks to accept its proposal.
    pub fn accept(&mut self, from: NodeId, proposal: Proposal, ctx: &mut Ctx<'_>) {
        // solution: begin — Part A: answer an Accept
        if self.is_below_promise(proposal.ballot) {
            return self.refuse(from, proposal.ballot, ctx);
        }
        // Whoever accepts a ballot takes part in it: that promises it too.
        self.promised = Some(proposal.ballot);
        self.accepted = Some(proposal.clone());
        self.persist(ctx);
        ctx.send(from, Message::Accepted(proposal.clone()));
        ctx.broadcast(&self.learners, Message::Accepted(proposal));
        // solution: end
        self.assert_invariants();
    }

    /// Whether a higher ballot than `ballot` has been promised.
    fn is_below_promise(&self, ballot: Ballot) -> bool {
        // solution: begin — Part A: is this ballot too low?
        self.promised.is_some_and(|promised| ballot < promised)
        // solution: end
    }

    /// Tells a proposer that it is too late, and how late, so that its next ballot can be higher.
    fn refuse(&self, from: NodeId, ballot: Ballot, ctx: &mut Ctx<'_>) {
        // solution: begin — Part A: refuse a ballot
        if let Some(promised) = self.promised {
            ctx.send(from, Message::Nack { ballot, promised });
        }
        // solution: end
    }

    /// Makes the two memories durable, before anyone hears of them. What is sent after a sync leaves when it has finished.
    fn persist(&self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part D: make the acceptor's memory durable
        let mut storage = ctx.storage();
        if let Some(promised) = &self.promised {
            storage.write(PROMISED, promised);
        }
        if let Some(accepted) = &self.accepted {
            storage.write(ACCEPTED, accepted);
        }
        storage.sync();
        // solution: end
    }

    /// Takes up what storage kept over a crash.
    fn recover(&mut self, promised: Option<Ballot>, accepted: Option<Proposal>) {
        // solution: begin — Part D: be the acceptor you were before the crash
        self.promised = promised;
        self.accepted = accepted;
        // solution: end
        self.assert_invariants();
    }

    /// Invariant 5: what is accepted is never above what is promised.
    fn assert_invariants(&self) {
        let accepted = self.accepted.as_ref().map(|proposal| proposal.ballot);
        assert!(
            accepted <= self.promised,
            "(5) what an acceptor has accepted is not above what it has promised: accepted {accepted:?}, promised {:?}",
            self.promised
        );
    }
}

renamed!(struct Acceptor { promised, accepted } as_it_is { learners });
