//! Write a protocol once, as its paper describes it; run it in every world, unchanged.
//!
//! A protocol is a [`Process`]: it reacts to one event at a time, and asks its [`Context`] for everything else. The world around it decides
//! what is late, lost and crashed. Begin with the doc of [`Process`]: it states the rules of the world, and has a whole example.
//!
//! # The simulated world
//!
//! A [`Sim`] runs a [`Cluster`] under a seed, in one thread and in virtual time. One seed is one run, to the last bit: on every machine,
//! in debug and release, with any number of threads beside it. [`Sim::hash`] sums the run up in 64 bits, always;
//! [`Sim::recording`] keeps it as a [`trace`]; [`determinism::check`] runs it three times and names the first event that differs.
//!
//! What happens to messages is up to a [`hub`]; what goes wrong besides is a [`Plan`] of [`Fault`]s, which is data: printed, read from a file, or
//! drawn from a seed by a [`Swarm`]. An [`experiment`] is all that in one file: roles, weather, faults, a limit.
//!
//! The [`fault`] module has the table of them: what each does, what becomes of messages under way when it begins, what it counts, and the
//! tests that show it bite. Every fault counts itself ([`Tally::faults`]), [`Sim::idle_faults`] names those that never did anything, and
//! [`Sim::network`] says what the network is like at a moment.
//!
//! # The checked world
//!
//! With the feature `checked`, every schedule of a small cluster is explored, up to stated bounds, by `stateright`: see `simnet::checked`. What the
//! simulated world finds with luck, this one finds for certain, or shows that it is not there; and of all schedules that break a rule it
//! shows the shortest, as an ordinary trace. It needs no more of a lab than `Process` and `Monitor`, with `Eq` and `Hash`.
//!
//! # The network as a buffer
//!
//! Papers write `send(p, m)` and `recv(p)`, where `recv` may return the null message: [`buffer`] is that view of any hub, and of a network that
//! somebody else has written.
//!
//! # The local world
//!
//! With the feature `local`, the same processes run as programs of the operating system, over real sockets and files: see `simnet::local`. It
//! has four transports: streams of TCP, datagrams made reliable, bare datagrams, and with the feature `zmq` ZeroMQ's sockets. What was
//! recorded there is merged into one trace and run again under the same monitors.
//!
//! # Is it right?
//!
//! - Assertions in the process itself: a panic breaks a rule, and ends the run.
//! - A [`Monitor`] sees each event from outside, with the state of all nodes, and keeps what it needs. It also raises [`Marks`]:
//!   situations that the run has reached, so that a test can demand them.
//! - The clients' [`history`], with lost replies as *maybe*, goes to the [`linearizability`] checker. Where it gives up, the run is neither held nor
//!   broken but unknown: [`Sim::conclude`].
//! - After the storm, [`Sim::calm`] and [`Sim::must_reach`]: all faults end, a core of nodes must get on, and a run that does not says who
//!   waits for what.
//!
//! A [`Campaign`] does all that for many seeds over all cores, and explains the first that fails: as text, with a [`diagram`], and as a
//! [`page`] for a browser. Before that it [shrinks](mod@shrink) the run to a schedule as short as can be that breaks the same rule; a schedule is a
//! [`scenario`], a text that can be read, edited, kept and run as a test. [`Solo`] is the other end: one process alone, with a test that plays
//! everybody else.
//!
//! # For whoever writes a lab
//!
//! A graded test without a simulation says by [`rule`] what a solution breaks. The feature `handout` has what the tests of the labs' handouts
//! share: it runs their transcripts.
//!
//! Implement [`Process`] and [`Observe`], list the nodes in a [`Cluster`], state the invariants as a [`Monitor`], and fill in a [`Swarm`] with what
//! the protocol bears. Its program tells the course's tool what a run came to in a [`report`]. What these types promise is what ten labs are
//! written against.

pub mod buffer;
pub mod campaign;
#[cfg(feature = "checked")]
pub mod checked;
mod cluster;
mod context;
pub mod delay;
pub mod determinism;
pub mod diagram;
pub mod experiment;
pub mod fault;
#[cfg(feature = "handout")]
pub mod handout;
mod hash;
pub mod history;
pub mod hub;
pub mod linearizability;
#[cfg(feature = "local")]
pub mod local;
pub mod monitor;
pub mod nearest;
mod network;
mod node;
pub mod page;
mod panics;
mod process;
mod queue;
pub mod random;
mod record;
pub mod report;
pub mod rule;
pub mod scenario;
pub mod shrink;
pub mod sim;
pub mod solo;
pub mod storage;
pub mod swarm;
mod tally;
mod time;
pub mod trace;

pub use campaign::{Campaign, Trial};
pub use cluster::Cluster;
pub use context::{Context, Effect, EffectOf};
pub use delay::Delay;
pub use fault::{Fault, Plan};
pub use hash::TraceHash;
pub use monitor::{Happening, Judgement, Marks, Monitor, Nodes, Violation};
pub use node::{Names, NodeId};
pub use process::{Message, Observe, Process};
pub use random::{Chance, Random, RandomSource};
pub use scenario::Scenario;
pub use sim::Sim;
pub use solo::Solo;
pub use storage::{DiskFate, Storage};
pub use swarm::{Storm, Swarm, Weather};
pub use tally::{Count, Tally};
pub use time::Time;
