//! Randomised consensus, as in Michael Ben-Or, *Another Advantage of Free Choice: Completely Asynchronous Agreement Protocols* (1983),
//! for crash failures; told in the words of Aguilera and Toueg, *The Correctness Proof of Ben-Or's Randomized Consensus
//! Algorithm* (2012).
//!
//! Of *n* processes each begins with 0 or 1, up to *f* < *n*/2 of them may crash, and all others are to decide the same. Messages may
//! take as long as they like, but none is lost. Fischer, Lynch and Paterson have proved that no deterministic algorithm does that. This one
//! flips coins. Each process goes through rounds *k* = 1, 2, …, of two phases:
//!
//! 1. **Report.** Send `(R, k, x)` to all, where *x* is what it holds to be right. Wait for reports of *n* − *f* processes. If more than *n*/2
//!    of them report the same *v*, propose *v*: send `(P, k, v)` to all. Otherwise propose nothing: send `(P, k, ?)`.
//! 2. **Proposal.** Wait for proposals of *n* − *f* processes. If at least *f* + 1 propose the same *v*, **decide** *v*. If at
//!    least one proposes *v*, let *x* be *v*. If none proposes anything, let *x* be 0 or 1, by the flip of a coin.
//!
//! Why it is safe: two values cannot both be reported by more than half, so at most one value is proposed in a round. If *f* + 1 propose
//! *v*, everyone hears of at least one of them, holds *v* from then on, and decides it in the next round.
//!
//! Why it ends: whoever flips a coin may by chance flip what the others hold. In each round that has some probability, and
//! there is always a next round.
//!
//! | file | idea |
//! |---|---|
//! | [`message`] | bits, reports, proposals |
//! | [`process`] | the algorithm |
//! | [`invariants`] | agreement, validity, integrity, and the lemmas of the proof, watched from outside |
//! | [`standstill`] | how to recognise a round that has changed nothing |
//! | [`scene`] | who takes part, in which weather |

pub mod invariants;
pub mod message;
pub mod process;
pub mod scene;
pub mod standstill;

pub use message::{Bit, Coin, Message, Output};
pub use process::{BenOr, View};
pub use scene::{MOST_PROCESSES, Roles};
