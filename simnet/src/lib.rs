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
//! drawn from a seed by a [`Swarm`].
//!
//! | fault | begins | what it counts | the test that shows it bite |
//! |---|---|---|---|
//! | `partition` | nothing passes between sides | messages lost | `a_partition_cuts_both_ways_between_its_sides_and_nowhere_else` |
//! | `one_way` | nothing passes one way | messages lost | `a_one_way_cut_leaves_the_way_back_open` |
//! | `isolate` | a node reaches nobody | messages lost | `an_isolated_node_reaches_nobody_and_is_reached_by_nobody` |
//! | `deaf`, `mute` | a node loses what arrives, what it sends | messages lost | `a_deaf_node_sends_and_a_mute_one_hears` |
//! | `filter` | messages of one name are lost | messages lost | `a_filter_loses_messages_of_one_name_between_the_nodes_it_names` |
//! | `slow` | links take longer | messages delayed | `a_slow_link_delays_what_is_sent_over_it` |
//! | `bandwidth` | links carry few bytes | messages queued | `messages_queue_for_a_narrow_link` |
//! | `crash` | a node loses its process | crashes | `a_crash_takes_the_value_and_its_alarms_and_a_restart_builds_a_new_one` |
//! | `crash_amid` | the same, between two effects | crashes | `a_crash_may_come_between_any_two_effects` |
//! | `pause` | a node reacts later | pauses | `a_paused_node_reacts_later_to_everything_in_order` |
//! | `disk_full` | a write stops the node | crashes by a write | `a_full_disk_stops_the_node_until_there_is_room` |
//! | `clock` | a node's clock is wrong | alarms set by it | `alarms_and_now_follow_the_nodes_own_clock` |
//! | `replay` | old messages come again | messages | `old_messages_come_again` |
//!
//! The hub's own `drop`, `duplicate` and `reorder` are counted too, and so are messages that arrive `late`, at the end of the fault that
//! had lost them, and what crashes did to storage: `disk_kept`, `disk_unsynced_lost`, `disk_torn`, `disk_bit_flipped`, `disk_wiped`.
//! [`Sim::idle_faults`] names the faults that never did anything. The tests stand in `tests/faults.rs` and `tests/world.rs`.
//!
//! **Messages under way when a fault begins.** A cut ([`Fault::Partition`], [`Fault::OneWay`], [`Fault::Isolate`]) holds at both ends of a link: what was sent
//! before the cut and would arrive during it is lost to it. The other faults of the network act at one end only, the sender's or, for
//! [`Fault::Deaf`], the reader's: what has passed that end is safe.
//!
//! # The local world
//!
//! With the feature `local` (and `zmq` for its third transport), the same processes run as programs of the operating system, over real sockets and
//! files: see `simnet::local`. What was recorded there is merged into one trace and run again under the same monitors.
//!
//! # Is it right?
//!
//! - Assertions in the process itself: a panic breaks a rule, and ends the run.
//! - A [`Monitor`] sees each event from outside, with the state of all nodes, and keeps what it needs. It also raises [`Marks`]:
//!   situations that the run has reached, so that a test can demand them.
//! - The clients' [`history`], with lost replies as *maybe*, goes to the [`linearizability`] checker.
//! - After the storm, [`Sim::calm`] and [`Sim::must_reach`]: all faults end, a core of nodes must get on, and a run that does not says who
//!   waits for what.
//!
//! A [`Campaign`] does all that for many seeds over all cores, and explains the first that fails: as text, with a [`diagram`], and as a
//! [`page`] for a browser. [`Solo`] is the other end: one process
//! alone, with a test that plays everybody else.
//!
//! # For whoever writes a lab
//!
//! Implement [`Process`] and [`Observe`], list the nodes in a [`Cluster`], state the invariants as a [`Monitor`], and fill in a [`Swarm`] with what
//! the protocol bears. What these types promise is what ten labs are written against.

pub mod campaign;
#[cfg(feature = "checked")]
pub mod checked;
mod cluster;
mod context;
pub mod delay;
pub mod determinism;
pub mod diagram;
pub mod fault;
mod hash;
pub mod history;
pub mod hub;
pub mod linearizability;
#[cfg(feature = "local")]
pub mod local;
pub mod monitor;
mod network;
mod node;
pub mod page;
mod panics;
mod process;
mod queue;
pub mod random;
mod record;
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
pub use monitor::{Happening, Marks, Monitor, Nodes, Violation};
pub use node::{Names, NodeId};
pub use process::{Message, Observe, Process};
pub use random::{Chance, Random, RandomSource};
pub use sim::Sim;
pub use solo::Solo;
pub use storage::{DiskFate, Storage};
pub use swarm::{Storm, Swarm, Weather};
pub use tally::{Count, Tally};
pub use time::Time;
