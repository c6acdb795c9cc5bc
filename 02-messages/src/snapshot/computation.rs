//! What a snapshot is taken of. Given whole.

use super::recording::Part;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use simnet::NodeId;
use std::fmt::Debug;
use std::hash::Hash;

/// A process of the computation that runs underneath. It knows nothing of snapshots.
pub trait Computation: Clone + Debug + Eq + Hash + Send + Sync + 'static {
    /// The state of a process, as far as a snapshot records it.
    type State: Clone + Debug + Eq + Hash + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What its processes send to each other.
    type Message: simnet::Message + Send + Sync;

    /// A message of the computation has arrived.
    fn receive(&mut self, message: Self::Message);

    /// It is this process' turn: returns what it sends, and to which of `others`. `below` draws a number below another.
    fn turn(&mut self, others: &[NodeId], below: &mut dyn FnMut(u64) -> u64) -> Vec<(NodeId, Self::Message)>;

    /// Whether it wants a turn. If not, only a message can change that.
    fn is_active(&self) -> bool;

    /// The state now.
    fn state(&self) -> Self::State;

    /// Whether in this global state the computation has terminated. Termination is a stable property: once true, it stays true.
    fn has_terminated(global: &Global<Self>) -> bool;
}

/// Which snapshot: several may be under way at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SnapshotId {
    /// Who has begun it, and puts it together.
    pub initiator: NodeId,
    /// Which of the initiator's snapshots, from 1 on.
    pub number: u32,
}

impl std::fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of p{}", self.number, self.initiator.0 + 1)
    }
}

/// A global state: the parts of all processes, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Global<C: Computation> {
    /// Each process' state, and those of the channels that lead to it.
    pub parts: Vec<(NodeId, Part<C>)>,
}

impl<C: Computation> Global<C> {
    /// The states of the processes.
    pub fn states(&self) -> impl Iterator<Item = &C::State> {
        self.parts.iter().map(|(_, part)| &part.state)
    }

    /// The messages in the channels.
    pub fn in_channels(&self) -> impl Iterator<Item = &C::Message> {
        self.parts.iter().flat_map(|(_, part)| part.channels.iter()).flat_map(|channel| &channel.messages)
    }
}
