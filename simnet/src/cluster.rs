//! Who takes part in a run, and how each node is built.

use crate::node::NodeId;
use crate::process::Process;
use crate::trace::Name;
use std::fmt;
use std::sync::Arc;

/// How a process is built, at the start and again after each crash.
pub(crate) type Factory<P> = Arc<dyn Fn() -> P + Send + Sync>;

/// The nodes of a run: their names, and for each the factory of its process.
pub struct Cluster<P: Process> {
    nodes: Vec<(Name, Option<Factory<P>>)>,
}

impl<P: Process> Cluster<P> {
    /// A cluster without nodes.
    pub fn new() -> Self {
        Cluster { nodes: Vec::new() }
    }

    /// Adds a node. `make` builds its process, also after a crash: so it may not carry over what the crash destroyed.
    ///
    /// # Panics
    /// When the name is taken.
    pub fn node(&mut self, name: impl Into<Name>, make: impl Fn() -> P + Send + Sync + 'static) -> NodeId {
        self.add(name.into(), Some(Arc::new(make)))
    }

    /// Adds a node without a process: the test sends as it ([`Sim::inject`](crate::Sim::inject)) and reads what it
    /// received ([`Sim::mailbox`](crate::Sim::mailbox)).
    ///
    /// # Panics
    /// When the name is taken.
    pub fn outsider(&mut self, name: impl Into<Name>) -> NodeId {
        self.add(name.into(), None)
    }

    fn add(&mut self, name: Name, make: Option<Factory<P>>) -> NodeId {
        assert!(self.find(&name).is_none(), "two nodes are named `{name}`: give each a name of its own");
        self.nodes.push((name, make));
        NodeId(u32::try_from(self.nodes.len() - 1).expect("fewer than 2^32 nodes"))
    }

    /// The node of this name.
    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.nodes.iter().position(|(other, _)| &**other == name).map(|index| NodeId(index as u32))
    }

    /// The nodes' names, by id.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &Name> {
        self.nodes.iter().map(|(name, _)| name)
    }

    /// A new process of `node`; `None` for an outsider.
    pub fn build(&self, node: NodeId) -> Option<P> {
        self.nodes.get(node.index())?.1.as_ref().map(|make| make())
    }

    pub(crate) fn nodes(&self) -> &[(Name, Option<Factory<P>>)] {
        &self.nodes
    }
}

impl<P: Process> Default for Cluster<P> {
    fn default() -> Self {
        Cluster::new()
    }
}

impl<P: Process> Clone for Cluster<P> {
    fn clone(&self) -> Self {
        Cluster { nodes: self.nodes.clone() }
    }
}

impl<P: Process> fmt::Debug for Cluster<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
