//! Part C: mutual exclusion by the order of events (Lamport 1978, "Ordering the events totally").
//!
//! Several processes share one resource, and nobody is in charge. Each keeps a queue of requests, ordered by `⇒`; all queues come to
//! agree, so all processes know whose turn it is. The paper's three conditions are (C4), (C5) and (C7) of [`invariants`].
//!
//! | file | idea |
//! |---|---|
//! | [`process`] | the five rules |
//! | [`invariants`] | what must always hold, watched from outside |
//! | [`scene`] | whole runs |

pub mod invariants;
pub mod process;
pub mod scene;

pub use invariants::Exclusion;
pub use process::{Message, Mutex, Output, Pace, Timer, View};
