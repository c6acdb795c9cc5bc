//! A request that survives a dead server: the *lazy pirate*.
//!
//! A REQ that has sent must receive. When no answer comes it can do nothing more: it is thrown away, and a new one asks again. After so
//! many tries the client gives up, and says so in one line.
//!
//! Whoever asks again gets two answers sooner or later. The number of a request comes back with its reply, and a reply with another
//! number is never taken for an answer. The server may carry a request out twice: what that means is the matter of lab 00, part D.
//!
//! [`attempts`] is pure, [`client`] and [`server`] have the sockets.

pub mod attempts;
pub mod client;
pub mod server;
