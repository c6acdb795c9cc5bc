//! The local world: the same processes as programs of the operating system, over real sockets and files.
//!
//! A node is an [`Engine`](engine::Engine), which keeps the rules of [`Process`](crate::Process) and knows nothing of the machine, with a shell
//! around it: [`node`] for its life, a [`transport`] for its messages, a [`folder`] for its storage. A [`Launch`](launch::Launch) starts a whole cluster.
//!
//! What was recorded is [merged](mod@merge) by vector clocks into one trace of the usual format, and [run again](replay): the
//! monitors of the simulated world look at every state of a real run.
//!
//! # The files, in reading order
//!
//! Pure, without a socket, a clock or a file:
//!
//! | file | idea |
//! |---|---|
//! | [`frame`] | the wire format: what a message is as bytes |
//! | [`packet`] | what goes into a datagram |
//! | [`reliable`] | one link over datagrams: exactly once, in order |
//! | [`mischief`] | a bad network, to put below that |
//! | [`zmtp`] | what may come from a ZeroMQ peer |
//! | [`journal`] | the format of the storage file; what is torn and what is damaged |
//! | [`medium`] | what storage asks of a file system, and one that a test can crash |
//! | [`storage`] | storage that survives its process, on any medium |
//! | [`engine`] | one process and the rules of its world |
//! | [`mod@merge`] | the traces of several processes as one |
//! | [`replay`] | a recorded run, run again under monitors |
//! | [`control`] | what a node and its parent say to each other |
//! | [`mutation`] | damaged bytes, to try decoders with |
//!
//! Shells, which touch the machine:
//!
//! | file | idea |
//! |---|---|
//! | [`folder`] | a medium on the file system, locked |
//! | [`transport`] | what a transport is: queues, strangers, counters |
//! | `dial`, `door` | connections: how they are made, and how they are taken |
//! | [`tcp`], [`udp`], `zmq` | the three that make up for the network |
//! | [`datagram`] | the one that does not |
//! | [`recording`] | trace files that survive a kill |
//! | [`node`] | the life of a node: clock, sockets, disk |
//! | [`child`] | a node's `main` |
//! | [`launch`] | a cluster of children, none of which is left behind |
//! | [`stage`] | a whole run: what a lab calls |

mod checksum;
pub mod child;
pub mod control;
pub mod datagram;
mod datagram_socket;
mod dial;
mod door;
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
pub mod stage;
pub mod storage;
pub mod tcp;
pub mod transport;
pub mod udp;
#[cfg(feature = "zmq")]
pub mod zmq;
pub mod zmtp;
