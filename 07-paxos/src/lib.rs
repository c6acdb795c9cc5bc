//! Single-decree Paxos, as in Leslie Lamport's *Paxos Made Simple* (2001).
//!
//! Several proposers would like different values; a majority of acceptors makes one of them *chosen*, for ever, whatever is lost,
//! late or crashed. In twenty lines:
//!
//! 1. A proposer begins a **ballot**, a number that no one has used before, and sends `Prepare(ballot)` to the acceptors.
//! 2. An acceptor that has promised no higher ballot **promises**: it will take part in nothing below this one any more. Its
//!    `Promise` reports the proposal with the highest ballot that it has accepted so far, if any.
//! 3. With promises from a **majority**, the proposer sends `Accept(ballot, value)`. The value is that of the highest proposal
//!    reported to it; only when none was reported may it be the proposer's own.
//! 4. An acceptor that has promised no higher ballot **accepts**, and says so to the proposer and all learners.
//! 5. When a majority has accepted the same ballot, its value is **chosen**. Who sees that has **learned** it.
//!
//! Why it is safe: two majorities share an acceptor. If a value was chosen at ballot *b*, then each higher ballot hears of it in phase 1,
//! through the shared acceptor, and proposes it again.
//!
//! Why it may stall: two proposers can overtake each other's ballots for ever. Random pauses end that.
//!
//! # The files, in reading order
//!
//! | file | idea |
//! |---|---|
//! | [`ballot`] | ballots, values, proposals |
//! | [`message`] | what the roles say to each other |
//! | [`quorum`] | majorities |
//! | [`acceptor`] | the memory of Paxos: phases 1b and 2b |
//! | [`proposer`] | phases 1a and 2a, duels |
//! | [`learner`] | finding out what was chosen |
//! | [`client`] | who wants a value |
//! | [`node`] | the roles as one [`Process`](simnet::Process) |
//! | [`cluster`] | who takes part |
//! | [`invariants`] | what must always hold, watched from outside |
//! | [`scene`] | whole runs, under storms |

pub mod acceptor;
pub mod ballot;
pub mod client;
pub mod cluster;
pub mod invariants;
pub mod learner;
pub mod message;
pub mod node;
pub mod proposer;
pub mod quorum;
pub mod scene;

pub use ballot::{Ballot, Proposal, Value};
pub use cluster::{Pace, Roles};
pub use message::{Message, Output, Timer};
pub use node::{Node, View};
