//! What happens to a socket, as a typed stream of events.
//!
//! A ZeroMQ socket hides its connections: they come and go, and `send` and `recv` do not mention it. The monitor is where
//! one can look. The crate's events name a connection by its identity once, and by its address another time; here each
//! connection has a number, and every event about it says both.
//!
//! | file | idea |
//! |---|---|
//! | [`ledger`] | who is connected, and what an event means; pure |
//! | [`watch`] | the events of a socket, as they happen |
//!
//! Two things are the crate's own. A loss is noticed only while the socket receives (or, for a PUB, at once), and an XPUB
//! does not report it at all. And at most 1024 events wait to be read; what comes after them is lost.

pub mod ledger;
pub mod watch;
