//! Part C: time and the order of events (Leslie Lamport, *Time, Clocks, and the Ordering of Events in a Distributed System*, CACM 1978).
//!
//! Events of one process follow each other, and a message is received after it was sent. What follows from these two, and nothing
//! else, is **happened before**: `a → b`. Two events of which neither happened before the other are **concurrent**, whatever a clock
//! on the wall says.
//!
//! | file | idea |
//! |---|---|
//! | [`lamport`] | a number for each event that never contradicts `→`, and the total order `⇒` that it gives |
//! | [`vector`] | a vector for each event that says exactly what happened before it |
//! | [`gossip`] | processes that have something to stamp |
//! | [`invariants`] | the clock conditions, against `→` by its definition |
//! | [`scene`] | whole runs |

pub mod gossip;
pub mod invariants;
pub mod lamport;
pub mod scene;
pub mod vector;

pub use gossip::{Event, Gossip, Message, Stamps};
pub use invariants::ClockConditions;
pub use lamport::{LamportClock, Stamp};
pub use vector::VectorClock;
