//! The protocols of this lab by name, and a way to do one thing with any of them.

use crate::ben_or;
use crate::commit;
use crate::link;
use crate::scene::Scene;
use clap::ValueEnum;

/// Which protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// Part B: a reliable, ordered link over a network that loses, doubles and reorders.
    Link,
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
            Protocol::Commit => job.with::<commit::Roles>(),
            Protocol::BenOr => job.with::<ben_or::Roles>(),
        }
    }
}
