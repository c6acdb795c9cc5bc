//! Part B: a reliable, ordered link over a network that loses, doubles and reorders.
//!
//! The papers of the other parts say "every message is received exactly once, in the order in which it was sent", and go on. This is
//! what stands below that sentence. One [`sender`] has messages for one [`receiver`]:
//!
//! 1. A message is **cut** into fragments that fit a packet. Each fragment gets a **sequence number**, the next one; after the
//!    largest comes 0 again.
//! 2. The sender keeps what is not yet acknowledged, at most a **window** of segments, and sends it again when no
//!    acknowledgement comes in time: after a pause, which doubles each time.
//! 3. The receiver takes a number of its window once, holds what has come too early, and throws away what has come before.
//! 4. It **acknowledges** every segment, also one that it throws away: the first acknowledgement may have been lost. An
//!    acknowledgement says which segment it answers, and which number the receiver waits for.
//! 5. What is in order is **joined** to messages, and handed on.
//!
//! | file | idea |
//! |---|---|
//! | [`message`] | segments, acknowledgements, and how a link is set up |
//! | [`number`] | numbers that wrap around |
//! | [`fragment`] | cutting and joining |
//! | [`sender`] | window, retransmission, back-off |
//! | [`receiver`] | order, duplicates, acknowledgements |
//! | [`node`] | both as one [`Process`](simnet::Process) |
//! | [`invariants`] | what must always hold |
//! | [`scene`] | whole runs |

pub mod fragment;
pub mod invariants;
pub mod message;
pub mod node;
pub mod number;
pub mod receiver;
pub mod scene;
pub mod sender;
mod text;

pub use message::{Message, Output, Settings, Timer};
pub use node::{Node, View};
