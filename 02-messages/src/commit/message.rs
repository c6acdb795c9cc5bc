//! What the coordinator and the participants say to each other, and write down.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What a participant says of its part of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    /// It can be kept, whatever happens.
    Yes,
    /// It cannot.
    No,
}

/// What becomes of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// All parts are kept.
    Commit,
    /// No part is.
    Abort,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Decision::Commit => "commit",
            Decision::Abort => "abort",
        })
    }
}

/// The messages of two-phase commit, named as in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Message {
    /// Coordinator to participants: can you keep your part?
    VoteReq,
    /// Participant to coordinator: yes, and from now on I wait for your decision.
    Yes,
    /// Participant to coordinator: no, I have aborted.
    No,
    /// To participants: this was decided. From the coordinator, or from a participant that was asked.
    Decided(Decision),
    /// Participant to coordinator: I have committed, and shall know it after a crash.
    Ack,
    /// Participant to the coordinator and to the other participants: I am in doubt, what was decided?
    DecisionReq,
}

impl simnet::Message for Message {
    fn name(&self) -> &'static str {
        match self {
            Message::VoteReq => "VoteReq",
            Message::Yes => "Yes",
            Message::No => "No",
            Message::Decided(Decision::Commit) => "Commit",
            Message::Decided(Decision::Abort) => "Abort",
            Message::Ack => "Ack",
            Message::DecisionReq => "DecisionReq",
        }
    }
}

/// What stands in a log (the book's DT log, for *distributed transactions*). Each role writes what concerns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Entry {
    /// Coordinator: the transaction has begun. It is never begun again.
    Begin,
    /// Coordinator: all participants have acknowledged the commit. Nothing is left to do.
    End,
    /// Participant: has voted Yes.
    Yes,
    /// Participant, or, of a commit only, the coordinator: this is the decision.
    Decided(Decision),
}

/// What a role may wait for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Coordinator: someone has not answered yet.
    Resend,
    /// Coordinator: votes are missing. Participant: nobody has asked for its vote.
    GiveUp,
    /// Participant: in doubt.
    Ask,
}

/// What a role tells the outside: its decision, at least once a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Output(pub Decision);

/// How long the roles wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pace {
    /// The coordinator, before it sends again what was not answered.
    pub resend: Duration,
    /// The coordinator for votes, and a participant for the request to vote, before they abort.
    pub give_up: Duration,
    /// A participant in doubt, before it asks, and asks again.
    pub ask: Duration,
}
