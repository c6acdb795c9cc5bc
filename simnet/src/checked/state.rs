//! One state of the checked world: the nodes, the network, the monitor's memory, and what of the bounds is used up.

use crate::hash::TraceHash;
use crate::monitor::{Nodes, Violation};
use crate::node::NodeId;
use crate::process::Process;
use crate::storage::Disk;
use crate::trace::Name;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A value with its hash, computed once: states share most of their parts with those they came from.
#[derive(Debug)]
pub(super) struct Hashed<T> {
    pub value: T,
    pub hash: u64,
}

impl<T: Hash> Hashed<T> {
    pub fn new(value: T) -> Arc<Self> {
        let mut hasher = TraceHash::default();
        value.hash(&mut hasher);
        Arc::new(Hashed { value, hash: hasher.finish() })
    }
}

impl<T: PartialEq> PartialEq for Hashed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.value == other.value
    }
}

impl<T: Eq> Eq for Hashed<T> {}

impl<T> Hash for Hashed<T> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.hash);
    }
}

/// A node: its process, its disk, and the alarms that are set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct NodeState<P: Process> {
    pub process: Option<P>,
    pub disk: Disk,
    pub alarms: Vec<P::Timer>,
}

/// A message that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Envelope<M> {
    pub from: NodeId,
    pub to: NodeId,
    pub message: M,
}

impl<M> Envelope<M> {
    /// From where to where.
    pub fn link(&self) -> (NodeId, NodeId) {
        (self.from, self.to)
    }
}

/// A message in the network's memory.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Letter<M> {
    pub envelope: Arc<Hashed<Envelope<M>>>,
    /// It may be delivered without being a duplicate.
    pub pending: bool,
}

impl<M> Clone for Letter<M> {
    fn clone(&self) -> Self {
        Letter { envelope: self.envelope.clone(), pending: self.pending }
    }
}

/// One state.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct State<P: Process, M> {
    pub(super) nodes: Vec<Arc<Hashed<NodeState<P>>>>,
    /// Every message ever sent, ordered by hash: the order of sending makes no difference. Where links keep messages in order: those on their way,
    /// by link, the oldest first.
    pub(super) network: Vec<Letter<P::Message>>,
    pub(super) monitor: Arc<Hashed<M>>,
    pub(super) crashes: u32,
    pub(super) duplicates: u32,
    pub(super) violation: Option<Arc<Broken>>,
}

/// A rule that this state has broken. All states that break one are the end of their schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken(pub Violation);

impl Hash for Broken {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.rule.hash(hasher);
    }
}

impl<P: Process, M> Clone for State<P, M> {
    fn clone(&self) -> Self {
        State {
            nodes: self.nodes.clone(),
            network: self.network.clone(),
            monitor: self.monitor.clone(),
            crashes: self.crashes,
            duplicates: self.duplicates,
            violation: self.violation.clone(),
        }
    }
}

/// The nodes as a monitor sees them.
pub(super) struct View<'a, P: Process> {
    pub nodes: &'a [Arc<Hashed<NodeState<P>>>],
    /// The node whose handler has just run, which is not yet back in its place.
    pub current: Option<(NodeId, &'a NodeState<P>)>,
    pub names: &'a [Name],
}

impl<P: Process> Nodes<P> for View<'_, P> {
    fn process(&self, node: NodeId) -> Option<&P> {
        match self.current {
            Some((current, state)) if current == node => state.process.as_ref(),
            _ => self.nodes[node.index()].value.process.as_ref(),
        }
    }

    fn name(&self, node: NodeId) -> &str {
        &self.names[node.index()]
    }

    fn count(&self) -> usize {
        self.nodes.len()
    }
}
