//! Two-phase commit, as in Bernstein, Hadzilacos and Goodman, *Concurrency Control and Recovery in Database Systems* (1987), §7.4.
//!
//! Several participants have each done a part of one transaction, and all parts are to be kept, or none. In a dozen lines:
//!
//! 1. The **coordinator** notes that it has begun, and sends `VoteReq` to all participants.
//! 2. A **participant** that can keep its part notes so in its log, and answers `Yes`: it is *prepared*, and has given up the right to
//!    decide alone. One that cannot answers `No`, and has aborted.
//! 3. When all have said `Yes` the coordinator notes the **commit** in its log, and sends `Commit`. After one `No`, or when it
//!    has waited long enough, it sends `Abort`.
//! 4. A participant that hears the decision notes it, and acts on it. A commit is acknowledged, so that the coordinator can stop sending it.
//! 5. After a crash each reads its log. The coordinator has committed if the log says so; otherwise it has **aborted, by
//!    presumption** (Mohan, Lindsay and Obermarck, *Transaction Management in the R\* Distributed Database Management System*, 1986).
//!    A participant whose log has a `Yes` and no decision is **in doubt**: it asks.
//!
//! Why it blocks: between its `Yes` and the decision a participant can know neither that all have said `Yes`, nor that the coordinator
//! has not decided. If the coordinator is down then, it waits ([`blocking`]).
//!
//! | file | idea |
//! |---|---|
//! | [`message`] | what the two roles say to each other |
//! | [`coordinator`] | collects votes, decides |
//! | [`participant`] | votes, and does as was decided |
//! | [`node`] | the two as one [`Process`](simnet::Process) |
//! | [`invariants`] | AC1 to AC5 and what they rest on, watched from outside |
//! | [`blocking`] | how to recognise that nobody can get on |
//! | [`scene`] | who takes part, in which weather |

pub mod blocking;
pub mod coordinator;
pub mod invariants;
pub mod message;
pub mod node;
pub mod participant;
pub mod scene;

pub use message::{Decision, Message, Output, Timer, Vote};
pub use node::{Node, View};
pub use scene::Roles;
