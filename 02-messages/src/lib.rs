//! The papers as they are written: the network as a buffer of messages, links, clocks, snapshots, agreement before Paxos.
//!
//! | part | file | idea |
//! |---|---|---|
//! | A | [`buffer`] | `send(p, m)`, `recv(p)`, and the null message |
//! | B | [`link`] | a reliable, ordered link over a network that loses, doubles and reorders |
//! | E | [`commit`] | two-phase commit, and how it blocks |
//! | E | [`ben_or`] | randomised consensus, where no other can be |
//! | | [`scene`] | what a protocol tells the shells and the tests |
//! | | [`protocol`] | the protocols by name |

pub mod ben_or;
pub mod buffer;
pub mod commit;
pub mod link;
pub mod protocol;
pub mod scene;
