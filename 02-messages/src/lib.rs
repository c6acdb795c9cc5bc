//! The papers as they are written: the network as a buffer of messages, links, clocks, snapshots, agreement before Paxos.
//!
//! | part | file | idea |
//! |---|---|---|
//! | A | [`buffer`] | `send(p, m)`, `recv(p)`, and the null message |
//! | B | [`link`] | a reliable, ordered link over a network that loses, doubles and reorders |
//! | C | [`clocks`] | time, clocks, and the ordering of events |
//! | C | [`in_order`] | channels that keep the order of sending |
//! | C | [`mutex`] | mutual exclusion by the order of events |
//! | D | [`snapshot`] | distributed snapshots |
//! | E | [`commit`] | two-phase commit, and how it blocks |
//! | E | [`ben_or`] | randomised consensus, where no other can be |
//! | | [`scene`] | what a protocol tells the shells and the tests |
//! | | [`protocol`] | the protocols by name |

pub mod ben_or;
pub mod buffer;
pub mod clocks;
pub mod commit;
pub mod in_order;
pub mod link;
pub mod mutex;
pub mod protocol;
pub mod scene;
pub mod snapshot;
