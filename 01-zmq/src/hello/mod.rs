//! Request and reply, in turn (REQ, REP).
//!
//! A REQ sends, then receives, then sends: the socket refuses any other order. A REP is its mirror image. So one request is
//! under way at a time, and **each request gets one reply**, whatever it says: a server that passes over a bad request
//! leaves its client waiting for ever, and itself out of step.
//!
//! | file | idea |
//! |---|---|
//! | [`answer`] | what a request is answered by; pure |
//! | [`server`] | a REP |
//! | [`client`] | a REQ that waits so long and no longer |

pub mod answer;
pub mod client;
pub mod server;
