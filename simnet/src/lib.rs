//! Write a protocol once, as its paper describes it; run it in every world, unchanged.

mod cluster;
mod context;
pub mod delay;
pub mod diagram;
pub mod fault;
mod hash;
pub mod history;
pub mod hub;
pub mod linearizability;
pub mod monitor;
mod network;
mod node;
mod panics;
mod process;
mod queue;
pub mod random;
mod record;
pub mod sim;
pub mod storage;
mod tally;
mod time;
pub mod trace;

pub use cluster::Cluster;
pub use context::{Context, Effect, EffectOf};
pub use delay::Delay;
pub use fault::{Fault, Plan};
pub use hash::TraceHash;
pub use monitor::{Happening, Marks, Monitor, Nodes, Violation};
pub use node::NodeId;
pub use process::{Message, Observe, Process};
pub use random::{Chance, Random, RandomSource};
pub use sim::Sim;
pub use storage::{DiskFate, Storage};
pub use tally::{Count, Tally};
pub use time::Time;
