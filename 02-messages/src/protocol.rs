//! The protocols of this lab by name, and a way to do one thing with any of them.

use crate::scene::Scene;
use crate::{ben_or, clocks, commit, link, mutex, snapshot};
use clap::ValueEnum;

/// Which protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// Part B: a reliable, ordered link over a network that loses, doubles and reorders.
    Link,
    /// Part C: processes that stamp what they do, by Lamport's clock and by vectors.
    Clocks,
    /// Part C: mutual exclusion by the order of events.
    Mutex,
    /// Part D: snapshots of a bank.
    #[value(alias = "snapshot")]
    Bank,
    /// Part D: the end of a diffusing computation, found by snapshots.
    Termination,
    /// Part E: two-phase commit.
    Commit,
    /// Part E: Ben-Or's randomised consensus.
    BenOr,
}

/// Something that is done with a protocol, whichever it is.
pub trait Job {
    /// What comes of it.
    type Done;

    /// Does it with the protocol of `S`.
    fn with<S: Scene>(self) -> Self::Done;
}

impl Protocol {
    /// Does `job` with this protocol.
    pub fn give<J: Job>(self, job: J) -> J::Done {
        match self {
            Protocol::Link => job.with::<link::scene::Roles>(),
            Protocol::Clocks => job.with::<clocks::scene::Roles>(),
            Protocol::Mutex => job.with::<mutex::scene::Roles>(),
            Protocol::Bank => job.with::<snapshot::scene::BankRoles>(),
            Protocol::Termination => job.with::<snapshot::scene::DiffusingRoles>(),
            Protocol::Commit => job.with::<commit::Roles>(),
            Protocol::BenOr => job.with::<ben_or::Roles>(),
        }
    }
}
