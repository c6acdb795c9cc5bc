//! Spent messages: those that can no longer change anything at their reader, whatever happens to it. A state need not remember them.
//!
//! Before the search, each node is explored by itself: from each of its states, with every message that anyone may ever send, in any
//! order and any number, every alarm, every crash. That goes further than any schedule does. A message is spent in a state of its reader
//! when in all states that can be reached so from there it would be delivered for nothing. So whether it is there makes no
//! difference to any schedule. This asks nothing of the lab, and holds for whatever the process really does.

use super::local::{Cause, Machine, Reaction};
use crate::node::NodeId;
use crate::process::Process;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A node with more reactions than these is not worth the time.
const MOST_REACTIONS: usize = 100_000;

/// A node that changes so often in a row grows without end, as one does that keeps what it reads. Each of its states is larger than the one before,
/// and all of them together would fill the memory before there are too many.
const MOST_CHANGES: u32 = 1_000;

/// Which messages still matter.
#[derive(Debug)]
pub(super) struct Spent {
    /// For each node, and each of its states by number: the messages that may still change something, a bit each.
    useful: Vec<Vec<Box<[u64]>>>,
}

impl Spent {
    /// Whether the message of this number is of no use any more to `node` in `state`.
    pub fn is(&self, node: NodeId, state: u32, message: u32) -> bool {
        let words = self.useful[node.index()].get(state as usize).filter(|words| !words.is_empty());
        let words = words.expect("a node alone reaches each state that it reaches among others");
        words.get(message as usize / 64).is_none_or(|word| word >> (message % 64) & 1 == 0)
    }
}

/// One node, alone with every message that it may ever get.
#[derive(Default)]
struct Alone {
    inbox: BTreeSet<u32>,
    /// For each state: those from which a reaction leads to it.
    before: BTreeMap<u32, BTreeSet<u32>>,
    /// For each state: how many changes it is away from the beginning, at least.
    changes: BTreeMap<u32, u32>,
    /// The deliveries that change something: state and message.
    useful: BTreeSet<(u32, u32)>,
}

/// The exploration of all nodes at once, since what one may send, another may get.
struct Exploration<'a, P: Process> {
    machine: &'a Machine<P>,
    nodes: Vec<Alone>,
    /// Nearest first: a state that grows without end is met when it is still small.
    open: VecDeque<(NodeId, u32, Cause)>,
}

/// Explores each node by itself. `None` when one has too many reactions, or grows without end.
pub(super) fn explore<P: Process>(machine: &Machine<P>, requests: &[(NodeId, u32)]) -> Option<Spent> {
    let ids = || (0..machine.names().len() as u32).map(NodeId);
    let mut exploration =
        Exploration { machine, nodes: ids().map(|_| Alone::default()).collect(), open: VecDeque::new() };
    let unborn = machine.unborn().number;
    for node in ids().filter(|node| machine.has_process(*node)) {
        exploration.nodes[node.index()].before.insert(unborn, BTreeSet::new());
        exploration.nodes[node.index()].changes.insert(unborn, 0);
        exploration.open.push_back((node, unborn, Cause::Start));
    }
    requests.iter().for_each(|(node, message)| exploration.message(*node, *message));
    let mut reactions = 0;
    while let Some((node, state, cause)) = exploration.open.pop_front() {
        reactions += 1;
        if reactions > MOST_REACTIONS || exploration.nodes[node.index()].changes[&state] > MOST_CHANGES {
            return None;
        }
        exploration.react(node, state, cause);
    }
    let nodes = exploration.nodes.iter();
    Some(Spent { useful: nodes.map(Alone::useful_later).collect() })
}

impl<P: Process> Exploration<'_, P> {
    fn react(&mut self, node: NodeId, state: u32, cause: Cause) {
        let reactions = self.machine.reactions(node, state, cause);
        let within = |reaction: &&Arc<Reaction<P>>| !reaction.leaves;
        if let Cause::Deliver(message) = cause
            && reactions.calm.iter().any(|reaction| within(&reaction))
        {
            self.nodes[node.index()].useful.insert((state, message));
        }
        for reaction in reactions.calm.iter().chain(&reactions.crashed).filter(within) {
            for sealed in reaction.sent.iter().filter(|sealed| self.machine.has_process(sealed.value.to)) {
                self.message(sealed.value.to, sealed.number);
            }
            if reaction.panic.is_none() {
                self.state(node, state, reaction.end.number, reaction.end.value.alarms.len());
            }
        }
    }

    fn message(&mut self, node: NodeId, message: u32) {
        if self.nodes[node.index()].inbox.insert(message) {
            let states = self.nodes[node.index()].before.keys();
            self.open.extend(states.map(|state| (node, *state, Cause::Deliver(message))));
        }
    }

    fn state(&mut self, node: NodeId, from: u32, to: u32, alarms: usize) {
        let alone = &mut self.nodes[node.index()];
        let is_new = !alone.before.contains_key(&to);
        alone.before.entry(to).or_default().insert(from);
        if is_new {
            alone.changes.insert(to, alone.changes[&from] + 1);
            self.open.extend(alone.inbox.iter().map(|message| (node, to, Cause::Deliver(*message))));
            self.open.extend((0..alarms as u32).map(|place| (node, to, Cause::Alarm(place))));
            self.open.push_back((node, to, Cause::Crash));
        }
    }
}

impl Alone {
    /// For each state, the messages that change something there or in a state that may follow.
    fn useful_later(&self) -> Vec<Box<[u64]>> {
        let words = self.inbox.last().map_or(1, |message| *message as usize / 64 + 1);
        let states = self.before.keys().last().map_or(0, |state| *state as usize + 1);
        let mut useful = vec![Box::<[u64]>::default(); states];
        for state in self.before.keys() {
            useful[*state as usize] = vec![0; words].into_boxed_slice();
        }
        for (state, message) in &self.useful {
            useful[*state as usize][*message as usize / 64] |= 1 << (message % 64);
        }
        let mut open: Vec<u32> = self.before.keys().copied().collect();
        while let Some(state) = open.pop() {
            for before in &self.before[&state] {
                let (later, mut grown) = (useful[state as usize].clone(), false);
                for (word, later) in useful[*before as usize].iter_mut().zip(&later) {
                    grown |= *later & !*word != 0;
                    *word |= later;
                }
                if grown {
                    open.push(*before);
                }
            }
        }
        useful
    }
}
