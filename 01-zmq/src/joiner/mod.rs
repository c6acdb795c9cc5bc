//! The slow joiner, and a subscription that is confirmed.
//!
//! A publisher sends what it has to those whose subscriptions it knows. A subscriber that has connected is not known yet: its
//! subscription is on the way. All that is published meanwhile is lost to it, and neither side hears of it. Starting the subscriber first
//! helps by luck; a `sleep` helps on the machine where it was written.
//!
//! The handshake that needs no luck:
//!
//! 1. The subscriber connects, subscribes to its topics, and **last** to a topic that nobody else has: `join/` and a number of its own.
//! 2. The publisher is an XPUB, which sees subscriptions. Those of one subscriber come in the order in which they were made. When it sees
//!    `join/…` it knows the others, and publishes on that topic: the **welcome**.
//! 3. The subscriber waits for its welcome. What was published since its subscriptions arrived comes to it, in order and without a gap; if
//!    some of it comes before the welcome, it is kept.
//!
//! A publisher that must not begin before all are there counts the welcomes.
//!
//! [`gate`] is pure, [`publisher`] and [`subscriber`] have the sockets, [`at_once`] is the mistake.

pub mod at_once;
pub mod gate;
pub mod publisher;
pub mod subscriber;
