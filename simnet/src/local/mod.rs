//! The local world: the same processes as programs of the operating system, over real sockets and files.
//!
//! # The files, in reading order
//!
//! Pure, without a socket, a clock or a file:
//!
//! | file | idea |
//! |---|---|
//! | [`frame`] | the wire format: what a message is as bytes |
//! | [`mutation`] | damaged bytes, to try decoders with |

mod checksum;
pub mod child;
pub mod control;
pub mod engine;
pub mod folder;
pub mod frame;
pub mod journal;
pub mod launch;
pub mod medium;
pub mod merge;
pub mod mischief;
pub mod mutation;
pub mod node;
pub mod packet;
pub mod recording;
pub mod reliable;
pub mod replay;
pub mod storage;
pub mod tcp;
pub mod transport;
pub mod udp;
#[cfg(feature = "zmq")]
pub mod zmq;
