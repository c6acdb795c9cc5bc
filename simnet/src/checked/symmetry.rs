//! Symmetry: which nodes may change places, and what a state is called then.

use super::local::{Envelope, NodeState};
use crate::node::NodeId;
use crate::process::Process;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// A permutation of the nodes of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renaming(Vec<NodeId>);

impl Renaming {
    /// The new name of `node`.
    pub fn of(&self, node: NodeId) -> NodeId {
        self.0.get(node.index()).copied().unwrap_or(node)
    }

    /// The nodes that get another name, with it.
    pub(super) fn changed(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        let all = self.0.iter().enumerate().map(|(index, to)| (NodeId(index as u32), *to));
        all.filter(|(from, to)| from != to)
    }
}

/// A value that may name nodes, for [`Question::with_symmetry`](super::Question::with_symmetry).
///
/// [`renamed!`](crate::renamed) implements it for structs and enums of a lab, field by field.
///
/// ```
/// use simnet::checked::Rename;
/// use simnet::{NodeId, renamed};
/// use std::collections::BTreeMap;
///
/// struct Count {
///     votes: BTreeMap<NodeId, u64>,
///     /// All voters, in the order of their names. Whoever changes places within the list leaves it as it is.
///     voters: Vec<NodeId>,
/// }
/// enum Ballot { Vote { of: NodeId }, Blank, Count(Count) }
///
/// renamed!(struct Count { votes } as_it_is { voters });
/// renamed!(enum Ballot { Vote { of }, Blank, Count(count) });
/// ```
pub trait Rename {
    /// Gives each node that is named in this value its new name.
    fn rename(&mut self, renaming: &Renaming);
}

impl Rename for NodeId {
    fn rename(&mut self, renaming: &Renaming) {
        *self = renaming.of(*self);
    }
}

macro_rules! names_no_node {
    ($($plain:ty),*) => {
        $(impl Rename for $plain {
            fn rename(&mut self, _renaming: &Renaming) {}
        })*
    };
}
names_no_node!(
    (),
    bool,
    char,
    u8,
    u16,
    u32,
    u64,
    u128,
    usize,
    i8,
    i16,
    i32,
    i64,
    i128,
    isize,
    String,
    Duration,
    &'static str,
    Arc<str>,
    Rc<str>
);

impl<T: Rename> Rename for Option<T> {
    fn rename(&mut self, renaming: &Renaming) {
        self.iter_mut().for_each(|value| value.rename(renaming));
    }
}

impl<T: Rename> Rename for Box<T> {
    fn rename(&mut self, renaming: &Renaming) {
        (**self).rename(renaming);
    }
}

impl<T: Rename> Rename for Vec<T> {
    fn rename(&mut self, renaming: &Renaming) {
        self.iter_mut().for_each(|value| value.rename(renaming));
    }
}

impl<T: Rename + Ord> Rename for BTreeSet<T> {
    fn rename(&mut self, renaming: &Renaming) {
        let renamed = std::mem::take(self).into_iter().map(|mut value| {
            value.rename(renaming);
            value
        });
        *self = renamed.collect();
    }
}

impl<K: Rename + Ord, V: Rename> Rename for BTreeMap<K, V> {
    fn rename(&mut self, renaming: &Renaming) {
        let renamed = std::mem::take(self).into_iter().map(|(mut key, mut value)| {
            key.rename(renaming);
            value.rename(renaming);
            (key, value)
        });
        *self = renamed.collect();
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: Rename),*> Rename for ($($name,)*) {
            #[allow(non_snake_case, reason = "a type's name stands for its value")]
            fn rename(&mut self, renaming: &Renaming) {
                let ($($name,)*) = self;
                $($name.rename(renaming);)*
            }
        }
    };
}
tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);

/// Implements [`Rename`](crate::checked::Rename) field by field. A field that was forgotten does not compile.
///
/// Fields `as_it_is` keep their value: what names no node, and lists of nodes that stand for a set of which all members change places.
#[macro_export]
macro_rules! renamed {
    (struct $name:ident { $($field:ident),* $(,)? } $(as_it_is { $($kept:ident),* $(,)? })?) => {
        impl $crate::checked::Rename for $name {
            fn rename(&mut self, renaming: &$crate::checked::Renaming) {
                let $name { $($field,)* $($($kept: _,)*)? } = self;
                $($crate::checked::Rename::rename($field, renaming);)*
                let _ = renaming;
            }
        }
    };
    (struct $name:ident ( $($field:ident),* $(,)? )) => {
        impl $crate::checked::Rename for $name {
            fn rename(&mut self, renaming: &$crate::checked::Renaming) {
                let $name($($field,)*) = self;
                $($crate::checked::Rename::rename($field, renaming);)*
                let _ = renaming;
            }
        }
    };
    (enum $name:ident {
        $($variant:ident $({ $($field:ident),* $(,)? })? $(( $($place:ident),* $(,)? ))?),* $(,)?
    }) => {
        impl $crate::checked::Rename for $name {
            fn rename(&mut self, renaming: &$crate::checked::Renaming) {
                match self {
                    $($name::$variant $({ $($field,)* })? $(( $($place,)* ))? => {
                        $($($crate::checked::Rename::rename($field, renaming);)*)?
                        $($($crate::checked::Rename::rename($place, renaming);)*)?
                    })*
                }
                let _ = renaming;
            }
        }
    };
}

/// All permutations of the nodes within their groups. The first changes nothing.
#[derive(Clone, Debug)]
pub(super) struct Renamings(Vec<Renaming>);

/// More permutations than these would cost more than they save.
const MOST: usize = 720;

impl Renamings {
    /// The permutations of `count` nodes that keep each node within its group; a node in no group stays.
    ///
    /// # Panics
    /// When a node is in two groups or in none of the cluster, or when there are more than 720 permutations.
    pub fn new(count: usize, groups: &[Vec<NodeId>]) -> Self {
        let mut all = vec![(0..count as u32).map(NodeId).collect::<Vec<_>>()];
        let mut seen = BTreeSet::new();
        for group in groups {
            for node in group {
                assert!(node.index() < count, "the group {group:?} has a node that the cluster has not");
                assert!(seen.insert(*node), "{node:?} is in two groups: give each node one at most");
            }
            all = all
                .iter()
                .flat_map(|names| {
                    permutations(group).into_iter().map(|places| {
                        let mut names = names.clone();
                        group.iter().zip(places).for_each(|(node, place)| names[node.index()] = place);
                        names
                    })
                })
                .collect();
            assert!(
                all.len() <= MOST,
                "{} permutations, expected {MOST} at most: declare smaller groups",
                all.len()
            );
        }
        Renamings(all.into_iter().map(Renaming).collect())
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Renaming> {
        self.0.iter()
    }

    pub fn get(&self, index: usize) -> &Renaming {
        &self.0[index]
    }
}

/// All orders of `items`, their own first.
fn permutations(items: &[NodeId]) -> Vec<Vec<NodeId>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (place, first) in items.iter().enumerate() {
        let rest = [&items[..place], &items[place + 1..]].concat();
        all.extend(permutations(&rest).into_iter().map(|rest| [&[*first], &rest[..]].concat()));
    }
    all
}

/// How the parts of a state are renamed. It stands apart so that a question without symmetry asks nothing of its types.
pub(super) trait Renamer<P: Process>: Send + Sync {
    fn node(&self, node: &NodeState<P>, renaming: &Renaming) -> NodeState<P>;
    fn envelope(&self, envelope: &Envelope<P::Message>, renaming: &Renaming) -> Envelope<P::Message>;
    fn timer(&self, timer: &P::Timer, renaming: &Renaming) -> P::Timer;
}

/// The renamer of types that can be renamed.
pub(super) struct ByFields;

impl<P> Renamer<P> for ByFields
where
    P: Process + Rename,
    P::Message: Rename,
    P::Timer: Rename,
{
    fn node(&self, node: &NodeState<P>, renaming: &Renaming) -> NodeState<P> {
        let mut node = node.clone();
        node.process.rename(renaming);
        node.alarms.rename(renaming);
        node.sort_alarms();
        node
    }

    fn envelope(&self, envelope: &Envelope<P::Message>, renaming: &Renaming) -> Envelope<P::Message> {
        let mut message = envelope.message.clone();
        message.rename(renaming);
        Envelope { from: renaming.of(envelope.from), to: renaming.of(envelope.to), message }
    }

    fn timer(&self, timer: &P::Timer, renaming: &Renaming) -> P::Timer {
        let mut timer = timer.clone();
        timer.rename(renaming);
        timer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_permuted_each_within_itself() {
        let renamings =
            Renamings::new(6, &[vec![NodeId(1), NodeId(2), NodeId(4)], vec![NodeId(0), NodeId(5)]]);
        assert_eq!(renamings.count(), 12);
        let mut all: Vec<Vec<u32>> = renamings
            .iter()
            .map(|renaming| (0..6).map(|node| renaming.of(NodeId(node)).0).collect())
            .collect();
        assert_eq!(all[0], [0, 1, 2, 3, 4, 5]);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 12);
        for names in all {
            assert_eq!(names[3], 3);
            assert!([0, 5].contains(&names[0]) && [1, 2, 4].contains(&names[2]), "{names:?}");
        }
        assert_eq!(Renamings::new(3, &[]).count(), 1);
    }

    #[test]
    #[should_panic(expected = "is in two groups")]
    fn a_node_in_two_groups_is_refused() {
        Renamings::new(3, &[vec![NodeId(1)], vec![NodeId(1), NodeId(2)]]);
    }

    #[test]
    fn sets_and_maps_are_in_order_again() {
        let renamings = Renamings::new(3, &[vec![NodeId(0), NodeId(2)]]);
        let swap = renamings.get(1);
        let mut votes =
            (BTreeSet::from([NodeId(0), NodeId(1)]), BTreeMap::from([(NodeId(2), vec![NodeId(0)])]));
        votes.rename(swap);
        assert_eq!(votes.0.into_iter().collect::<Vec<_>>(), [NodeId(1), NodeId(2)]);
        assert_eq!(votes.1.into_iter().collect::<Vec<_>>(), [(NodeId(0), vec![NodeId(2)])]);
    }
}
