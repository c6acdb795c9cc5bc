//! The kindest buffer: `recv` returns what was sent first.

use simnet::NodeId;
use simnet::buffer::Buffer;
use std::collections::{BTreeMap, VecDeque};

/// A buffer that returns messages in the order in which they were sent to their reader. It is null only when nothing waits.
#[derive(Clone, Debug)]
pub struct Fifo<M> {
    /// What waits for each reader, the oldest first.
    waiting: BTreeMap<NodeId, VecDeque<M>>,
}

impl<M> Fifo<M> {
    /// An empty buffer.
    pub fn new() -> Self {
        Fifo { waiting: BTreeMap::new() }
    }
}

impl<M> Default for Fifo<M> {
    fn default() -> Self {
        Fifo::new()
    }
}

impl<M> Buffer<M> for Fifo<M> {
    fn send(&mut self, to: NodeId, message: M) {
        // solution: begin — Part A: put a message behind those that wait for the same reader
        self.waiting.entry(to).or_default().push_back(message);
        // solution: end
    }

    fn recv(&mut self, reader: NodeId) -> Option<M> {
        // solution: begin — Part A: return the oldest message of a reader
        self.waiting.get_mut(&reader)?.pop_front()
        // solution: end
    }
}
