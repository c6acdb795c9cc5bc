//! What the roles say to each other.

use crate::ballot::{Ballot, Proposal, Value};
use serde::{Deserialize, Serialize};
use simnet::renamed;

/// The messages of single-decree Paxos, in the order in which a value is chosen.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Message {
    /// Client to proposer: have `value` chosen, if nothing is yet.
    Request {
        /// What the client would like.
        value: Value,
    },
    /// Phase 1a, proposer to acceptors: a new ballot begins.
    Prepare {
        /// The ballot.
        ballot: Ballot,
    },
    /// Phase 1b, acceptor to proposer: I take part in `ballot`, and in none below it any more.
    Promise {
        /// The ballot.
        ballot: Ballot,
        /// The proposal with the highest ballot that this acceptor has accepted.
        accepted: Option<Proposal>,
    },
    /// Phase 2a, proposer to acceptors: accept this proposal.
    Accept(Proposal),
    /// Phase 2b, acceptor to the proposer and all learners: I have accepted this proposal.
    Accepted(Proposal),
    /// Acceptor to proposer: I have promised `promised`, so I do not take part in `ballot`.
    Nack {
        /// The ballot that is refused.
        ballot: Ballot,
        /// The higher one.
        promised: Ballot,
    },
    /// Learner to proposer: what has been chosen?
    Ask,
    /// Proposer to clients and to learners that ask: this value has been chosen.
    Chosen {
        /// The value.
        value: Value,
    },
}

impl simnet::Message for Message {
    fn name(&self) -> &'static str {
        match self {
            Message::Request { .. } => "Request",
            Message::Prepare { .. } => "Prepare",
            Message::Promise { .. } => "Promise",
            Message::Accept(_) => "Accept",
            Message::Accepted(_) => "Accepted",
            Message::Nack { .. } => "Nack",
            Message::Ask => "Ask",
            Message::Chosen { .. } => "Chosen",
        }
    }
}

/// What a role may wait for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Proposer: some acceptors have not answered yet.
    Resend,
    /// Proposer: the pause after a lost duel.
    BackOff,
    /// Learner: nothing learned yet.
    Ask,
    /// Client: no answer yet.
    Retry,
}

/// What a role tells the outside.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Output {
    /// Client: has begun to ask for this value.
    Asked(Value),
    /// Client: was told that this value has been chosen.
    Answered(Value),
    /// Learner: has learned that this value has been chosen.
    Learned(Value),
}

renamed!(enum Message {
    Request { value },
    Prepare { ballot },
    Promise { ballot, accepted },
    Accept(proposal),
    Accepted(proposal),
    Nack { ballot, promised },
    Ask,
    Chosen { value }
});
renamed!(
    enum Timer {
        Resend,
        BackOff,
        Ask,
        Retry,
    }
);
