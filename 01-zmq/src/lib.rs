//! The patterns of ZeroMQ.
//!
//! # The files, in reading order
//!
//! | file | idea |
//! |---|---|
//! | [`endpoint`] | where sockets meet: addresses, and errors that say what to do |
//! | [`door`] | what stands before a socket that listens, so that no stranger ends a program |
//! | [`hello`] | request and reply, in turn (REQ, REP) |
//! | [`weather`] | publications, filtered by prefix where they are sent (PUB, SUB) |
//! | [`proxy`] | many publishers behind one known address (XSUB, XPUB), and what a proxy can see |
//! | [`sensors`] | one subscriber, several publishers: a poller and up-calls |
//! | [`pipeline`] | ventilator, workers, sink (PUSH, PULL) |
//! | [`monitor`] | what happens to a socket, as a typed stream of events |
//! | [`attach`] | binding and connecting, every wait bounded |
//! | [`envelope`] | a message and the way back |
//! | [`tiers`] | a chain of services: client, tiers, round robin |
//! | [`broker`] | many requests in flight (ROUTER, DEALER) |
//! | [`pirate`] | a request that survives a dead server |
//! | [`heartbeat`] | is the other side still there? |
//! | [`joiner`] | the slow joiner, and a subscription that is confirmed |
//! | [`reconnect`] | sockets that come back |
//! | [`linger`] | what is sent must be gone before the socket is |
//! | [`bounded`] | a queue with an end: back-pressure |
//! | [`middleware`] | discovery, publishers, subscribers, broker; application and middleware meet in up-calls |

pub mod attach;
pub mod bounded;
pub mod broker;
pub mod door;
pub mod endpoint;
pub mod envelope;
pub mod heartbeat;
pub mod hello;
pub mod joiner;
pub mod linger;
pub mod middleware;
pub mod monitor;
pub mod pipeline;
pub mod pirate;
pub mod proxy;
pub mod reconnect;
pub mod sensors;
pub mod tiers;
pub mod weather;
