//! Many requests in flight (ROUTER, DEALER).
//!
//! ```text
//!   clients                     broker                      servers
//!   DEALER ──[n, "", text]──▶ ROUTER ─ DEALER ──[id, n, "", text]──▶ DEALER or REP
//!          ◀──[n, "", text]──               ◀──[id, n, "", text]──
//! ```
//!
//! A client numbers its requests and puts the number before the empty frame, where return addresses stand. So it comes back with the
//! reply, whoever gave it and in whatever order ([`crate::envelope`]). The broker keeps no table; it keeps only the requests that no
//! server is there for, and never more than its limit: when that is reached it stops reading, and the clients' sends wait (back-pressure).
//!
//! [`flow`] is pure; [`serve`], [`server`] and [`client`] have the sockets.

pub mod client;
pub mod flow;
pub mod serve;
pub mod server;
