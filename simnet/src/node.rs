//! Who takes part: the id of a node.

use crate::trace::Name;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A node of a cluster: its place, from 0, in the list of the cluster's nodes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The place in a list with one entry a node.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

/// The names of a cluster's nodes, as pictures have them: what a person reads says `a1`, where a process knows an id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Vec<Name>);

impl Names {
    /// The name of `node`; its id when the cluster has no such node.
    pub fn of(&self, node: NodeId) -> String {
        self.0.get(node.index()).map_or_else(|| node.to_string(), |name| name.to_string())
    }

    /// The nodes, in the order of their ids.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> {
        (0..self.0.len() as u32).map(NodeId)
    }

    /// The names of `nodes`, with blanks between them, or `none`.
    pub fn list<'a>(&self, nodes: impl IntoIterator<Item = &'a NodeId>) -> String {
        let names: Vec<String> = nodes.into_iter().map(|node| self.of(*node)).collect();
        if names.is_empty() { "none".to_string() } else { names.join(" ") }
    }
}

impl FromIterator<Name> for Names {
    fn from_iter<I: IntoIterator<Item = Name>>(names: I) -> Self {
        Names(names.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_called_by_their_names() {
        let names: Names = ["p1", "a1"].map(Name::from).into_iter().collect();
        assert_eq!(names.of(NodeId(1)), "a1");
        assert_eq!(names.list(&[NodeId(1), NodeId(0), NodeId(2)]), "a1 p1 n2");
        assert_eq!(names.list(&[]), "none");
    }
}
