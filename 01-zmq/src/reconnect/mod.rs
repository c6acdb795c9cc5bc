//! Sockets that come back.
//!
//! Of zeromq's sockets only SUB and XSUB connect again by themselves. The others, after their server has restarted:
//!
//! | socket | what `send` says | what `monitor()` says | here |
//! |---|---|---|---|
//! | DEALER, nobody receives | `Ok`, and the message is lost | nothing, until a write fails | [`Dealer`] |
//! | DEALER, a `recv` is pending | an error at once | `Disconnected` as soon as the server's end arrives | [`Dealer`] |
//! | PUSH | `Ok` until a write fails; what was sent is lost | `Disconnected` after that write | [`Push`] |
//! | REQ | an error, for ever | nothing, ever | a new socket for each try: [`crate::pirate`] |
//!
//! # What is guaranteed
//!
//! A message is **handed over** when `send` says `Ok`. From then on it is in the library's queue, in the kernel, or on the wire, and it is
//! lost with the connection. What ours add:
//!
//! - **What was not handed over is never lost**: [`Dealer::send`] gives it back, [`Push::send`] keeps it until there is a connection.
//! - **After `Back` everything goes to the restarted server**, in order, each message at most once.
//! - [`Dealer`] knows that its server has gone when the end of the connection arrives, not when a write fails. [`Push`] cannot: a PUSH
//!   never reads. What it sends between the server's death and the first write that fails is lost.
//!
//! No socket can promise more: what was handed over has arrived when the other side says so. A program that must not lose a request keeps
//! it until it is answered, and sends it again when it hears `Back`: [`Unanswered`]. Then it may arrive twice.

mod dealer;
mod push;
mod unanswered;

pub use dealer::{Arrival, Away, Dealer};
pub use push::Push;
pub use unanswered::Unanswered;
