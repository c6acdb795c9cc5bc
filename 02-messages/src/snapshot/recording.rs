//! One process' part of one snapshot: its own state, and the states of the channels that lead to it (Chandy and Lamport 1985, §3.2).

use super::computation::Computation;
use serde::{Deserialize, Serialize};
use simnet::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// The state of a channel: the messages that were on their way in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Channel<M> {
    /// Where it comes from.
    pub from: NodeId,
    /// Oldest first.
    pub messages: Vec<M>,
}

/// What a process has recorded, when it is complete.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Part<C: Computation> {
    /// The process' state.
    pub state: C::State,
    /// The channels that lead to it, in the order of the ids of the processes that they come from.
    pub channels: Vec<Channel<C::Message>>,
}

/// What a process records. It begins with the state of the process, and is complete when a marker has come along every channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Recording<C: Computation> {
    state: C::State,
    /// What has come along each channel since the state was recorded, up to the marker.
    came: BTreeMap<NodeId, Vec<C::Message>>,
    /// The channels that no marker has come along yet.
    open: BTreeSet<NodeId>,
}

impl<C: Computation> Recording<C> {
    /// The process is in `state`, and channels lead to it from `others`.
    pub fn begin(state: C::State, others: &[NodeId]) -> Self {
        let came = others.iter().map(|other| (*other, Vec::new())).collect();
        Recording { state, came, open: others.iter().copied().collect() }
    }

    /// A message of the computation has come along the channel from `from`: does it belong to that channel's state?
    pub fn message(&mut self, from: NodeId, message: &C::Message) {
        // solution: begin — Part D: record what is in a channel
        if self.open.contains(&from)
            && let Some(came) = self.came.get_mut(&from)
        {
            came.push(message.clone());
        }
        // solution: end
    }

    /// The marker has come along the channel from `from`: that channel's state is complete.
    pub fn marker(&mut self, from: NodeId) {
        // solution: begin — Part D: a channel's state ends with its marker
        self.open.remove(&from);
        // solution: end
    }

    /// All that was recorded, when every channel's state is complete.
    pub fn complete(&self) -> Option<Part<C>> {
        // solution: begin — Part D: when is a part complete?
        if !self.open.is_empty() {
            return None;
        }
        let channels = self.came.iter();
        let channels = channels.map(|(from, messages)| Channel { from: *from, messages: messages.clone() });
        Some(Part { state: self.state.clone(), channels: channels.collect() })
        // solution: end
    }

    /// The channels that no marker has come along yet.
    pub fn open(&self) -> impl Iterator<Item = &NodeId> {
        self.open.iter()
    }
}
