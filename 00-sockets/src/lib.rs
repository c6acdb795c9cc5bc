//! Raw sockets: what a network gives a program, and what a program has to do itself.
//!
//! A service that computes factorials, from the bytes up: numbers become bytes, bytes become frames, frames travel in a stream that cuts them
//! anywhere, a server attends to many clients at once, and to clients that stall, vanish or lie. Then the same without a connection:
//! datagrams, and calls that must be carried out once although each message may be lost or doubled.
//!
//! # The files, in reading order
//!
//! | file | idea |
//! |---|---|
//! | [`message`] | numbers as bytes: order and size |
//! | [`frame`] | where a message begins and ends |
//! | [`stream`] | whole reads and whole writes |
//! | [`naive`] | the mistakes |
//! | [`serve`] | four servers |
//! | [`client`] | a client that waits for nothing for ever |
//! | [`datagram`], [`udp`] | a service over UDP |
//! | [`rpc`] | remote procedure calls, at least once and at most once, as a [`Process`](simnet::Process) |

pub mod client;
pub mod datagram;
pub mod frame;
pub mod message;
pub mod naive;
pub mod rpc;
pub mod serve;
pub mod stream;
pub mod udp;

/// An empty histogram of round trips: nanoseconds up to ten minutes, three digits kept. What takes longer counts as ten minutes.
fn round_trips() -> hdrhistogram::Histogram<u64> {
    hdrhistogram::Histogram::new_with_bounds(1, 600_000_000_000, 3).expect("bounds that are allowed")
}
