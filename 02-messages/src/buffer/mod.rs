//! Part A: the network as a buffer of messages.
//!
//! A [`Buffer`](simnet::buffer::Buffer) has two operations. `send(p, m)` puts message *m* into the buffer of process *p*; `recv(p)` takes one out, or
//! returns the null message, `None`. Which one it takes, and how often it says null, is up to the buffer. That freedom is all that makes a
//! distributed system hard, so each buffer here is one way to use it:
//!
//! | file | what it does to messages |
//! |---|---|
//! | [`fifo`] | nothing: the oldest first |
//! | [`reordering`] | any of them first, but none is overtaken for ever |
//! | [`delaying`] | says null though something waits, but not for ever |
//! | [`own`] | a hub of your own, for the buffer and for the simulated world |
//! | [`laws`] | what every buffer must keep |

pub mod delaying;
pub mod fifo;
pub mod laws;
pub mod own;
pub mod reordering;

pub use delaying::Delaying;
pub use fifo::Fifo;
pub use own::Own;
pub use reordering::Reordering;
