//! Part D: distributed snapshots (K. Mani Chandy and Leslie Lamport, *Distributed Snapshots: Determining Global States of Distributed
//! Systems*, TOCS 1985).
//!
//! A computation runs, and nobody can stop it to look at all processes at once. Markers, sent along the same channels as the
//! computation's messages, cut its history into a before and an after, so that no effect lies before its cause. What is recorded
//! along the cut is a state that the computation may never have been in, but could have been: it is reached from where the
//! snapshot began, and from it where the snapshot ended is reached.
//!
//! | file | idea |
//! |---|---|
//! | [`computation`] | what is looked at: any computation |
//! | [`recording`] | one process' part of one snapshot |
//! | [`node`] | a process of the computation that records: the marker rules |
//! | [`bank`] | a computation whose states add up |
//! | [`diffusing`] | a computation that ends, and nobody sees that it has |
//! | [`invariants`] | what must always hold, watched from outside |
//! | [`scene`] | whole runs |

pub mod bank;
pub mod computation;
pub mod diffusing;
pub mod invariants;
pub mod node;
pub mod recording;
pub mod scene;

pub use bank::{Bank, Transfer};
pub use computation::{Computation, Global, SnapshotId};
pub use diffusing::{Diffusing, Work};
pub use invariants::{Cuts, Money, Termination};
pub use node::{Message, Node, Output, Plan, Timer};
pub use recording::{Channel, Part, Recording};
