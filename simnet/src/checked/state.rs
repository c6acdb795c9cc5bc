//! One state of the checked world: the nodes, the network, the monitor's memory, and what of the bounds is used up.

use super::local::NodeState;
use super::table::Known;
use crate::monitor::{Nodes, Violation};
use crate::node::NodeId;
use crate::process::Process;
use crate::trace::Name;
use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A message in the network's memory: its number, and whether it may be delivered without being a duplicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    pub number: u32,
    pub pending: bool,
}

/// The numbers of the nodes' states, and after them the letters, by number; where links keep messages in order, by link, the oldest first. They are one list to save room: a search holds millions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parts(Box<[u32]>);

impl Parts {
    pub fn new(nodes: impl Iterator<Item = u32>) -> Self {
        Parts(nodes.collect())
    }

    pub fn node(&self, node: NodeId) -> u32 {
        self.0[node.index()]
    }

    /// Nodes in these states, and letters in the order of a network that keeps it.
    pub fn in_order(nodes: impl Iterator<Item = u32>, letters: &[u32]) -> Self {
        Parts(nodes.chain(letters.iter().map(|number| number << 1 | 1)).collect())
    }

    /// The letters of a cluster of `nodes`.
    pub fn letters(&self, nodes: usize) -> impl Iterator<Item = Letter> {
        self.0[nodes..].iter().map(|code| Letter { number: code >> 1, pending: code & 1 == 1 })
    }

    pub fn has(&self, nodes: usize, number: u32) -> bool {
        self.0[nodes..].binary_search_by_key(&number, |code| code >> 1).is_ok()
    }

    /// The same with another state of `node`, with `delivered` no longer pending, with the letters `sent` besides, and without the `forgotten`.
    pub fn after(
        &self,
        nodes: usize,
        node: (NodeId, u32),
        delivered: Option<u32>,
        sent: &[u32],
        forgotten: impl Fn(u32) -> bool,
    ) -> Self {
        let mut parts = Vec::with_capacity(self.0.len() + sent.len());
        parts.extend_from_slice(&self.0[..nodes]);
        parts[node.0.index()] = node.1;
        let letters = self.letters(nodes).filter(|letter| !forgotten(letter.number));
        parts.extend(letters.map(|letter| {
            let pending = letter.pending && delivered != Some(letter.number);
            letter.number << 1 | u32::from(pending)
        }));
        for number in sent {
            let place = parts[nodes..].partition_point(|code| code >> 1 < *number);
            parts.insert(nodes + place, number << 1 | 1);
        }
        Parts(parts.into_boxed_slice())
    }
}

/// A monitor, and its hash under each renaming.
pub(super) struct Memory<M> {
    pub monitor: M,
    pub hashes: Box<[u64]>,
}

/// One state.
pub(super) struct State<M> {
    pub parts: Parts,
    pub memory: Arc<Memory<M>>,
    pub crashes: u32,
    pub duplicates: u32,
    /// A rule that is broken. It ends the schedule.
    pub violation: Option<Arc<Violation>>,
    /// The same for all states that differ in names only.
    pub fingerprint: u64,
}

impl<M> Clone for State<M> {
    fn clone(&self) -> Self {
        State {
            parts: self.parts.clone(),
            memory: self.memory.clone(),
            crashes: self.crashes,
            duplicates: self.duplicates,
            violation: self.violation.clone(),
            fingerprint: self.fingerprint,
        }
    }
}

impl<M> PartialEq for State<M> {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl<M> Hash for State<M> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.fingerprint);
    }
}

/// The nodes as a monitor sees them while one of them reacts.
pub(super) struct View<'a, P: Process> {
    pub nodes: &'a [Arc<Known<NodeState<P>>>],
    /// The node that reacts, and its process at this moment.
    pub current: (NodeId, Option<&'a P>),
    pub names: &'a [Name],
    /// Whether the monitor has looked at another node.
    pub looked_around: &'a Cell<bool>,
}

impl<P: Process> Nodes<P> for View<'_, P> {
    fn process(&self, node: NodeId) -> Option<&P> {
        if node == self.current.0 {
            return self.current.1;
        }
        self.looked_around.set(true);
        self.nodes[node.index()].value.process.as_ref()
    }

    fn name(&self, node: NodeId) -> &str {
        &self.names[node.index()]
    }

    fn count(&self) -> usize {
        self.nodes.len()
    }
}
