//! Faults of the network that are in force, and what was lost to them.

use crate::fault::{Fault, Late};
use crate::node::NodeId;
use crate::random::{Chance, Random};
use std::collections::BTreeMap;

/// A message that the network has seen.
#[derive(Clone, Debug)]
pub(crate) struct Kept<M> {
    pub from: NodeId,
    pub to: NodeId,
    pub id: u64,
    pub message: M,
}

/// Where on its way a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It leaves its sender.
    Sender,
    /// It arrives at its reader.
    Reader,
}

/// Which links a rule holds for.
#[derive(Debug)]
enum Links {
    /// Those between nodes of different sides; 0 is no side.
    BetweenSides(Vec<u32>),
    /// Those from one set of nodes to another.
    FromTo(Vec<bool>, Vec<bool>),
}

#[derive(Debug)]
enum Action {
    /// Nothing passes. It holds at both ends, so that what is under way when a cut begins does not pass either.
    Cut,
    LoseAtSender(Chance),
    LoseAtReader(Chance),
    Slow {
        by_us: u64,
    },
    Bandwidth {
        bytes_per_second: u64,
        /// Until when a link is busy.
        busy_us: BTreeMap<(NodeId, NodeId), u64>,
    },
}

/// A fault of the network in force.
#[derive(Debug)]
pub(crate) struct Rule<M> {
    /// Its place in the run's list of faults.
    pub fault: usize,
    links: Links,
    /// The message that it is about; all when absent.
    message: Option<String>,
    action: Action,
    /// What was lost to it, when that may still arrive.
    pub lost: Vec<Kept<M>>,
    pub late: Late,
}

/// What the rules say of a message at one end of its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes on, this much later.
    Passes { later_us: u64 },
    /// It is lost to the rule at this place of the list.
    Lost { rule: usize },
}

impl<M> Rule<M> {
    /// The rule for a fault of the network; `None` for a fault of another kind.
    pub fn of(
        fault: &Fault,
        index: usize,
        late: Late,
        nodes: usize,
        find: impl Fn(&str) -> NodeId,
    ) -> Option<Self> {
        let set = |names: &[crate::trace::Name]| {
            let mut set = vec![names.is_empty(); nodes];
            names.iter().for_each(|name| set[find(name).index()] = true);
            set
        };
        let only = |name: &str| {
            let mut set = vec![false; nodes];
            set[find(name).index()] = true;
            set
        };
        let all = || vec![true; nodes];
        let mut message = None;
        let (links, action) = match fault {
            Fault::Partition { sides } => {
                let mut side_of = vec![0; nodes];
                for (side, names) in (1..).zip(sides) {
                    names.iter().for_each(|name| side_of[find(name).index()] = side);
                }
                (Links::BetweenSides(side_of), Action::Cut)
            }
            Fault::Isolate { node } => {
                let mut side_of = vec![1; nodes];
                side_of[find(node).index()] = 2;
                (Links::BetweenSides(side_of), Action::Cut)
            }
            Fault::OneWay { from, to } => (Links::FromTo(set(from), set(to)), Action::Cut),
            Fault::Deaf { node, from, chance } => {
                (Links::FromTo(set(from), only(node)), Action::LoseAtReader(*chance))
            }
            Fault::Mute { node, chance } => (Links::FromTo(only(node), all()), Action::LoseAtSender(*chance)),
            Fault::Loss { from, to, chance } => {
                (Links::FromTo(set(from), set(to)), Action::LoseAtSender(*chance))
            }
            Fault::Filter { message: name, from, to, chance } => {
                message = Some(name.to_string());
                (Links::FromTo(set(from), set(to)), Action::LoseAtSender(*chance))
            }
            Fault::Slow { from, to, by } => (Links::FromTo(set(from), set(to)), Action::Slow { by_us: by.0 }),
            Fault::Bandwidth { from, to, bytes_per_second } => {
                let bytes_per_second = (*bytes_per_second).max(1);
                let action = Action::Bandwidth { bytes_per_second, busy_us: BTreeMap::new() };
                (Links::FromTo(set(from), set(to)), action)
            }
            Fault::Crash { .. }
            | Fault::CrashAmid { .. }
            | Fault::Pause { .. }
            | Fault::DiskFull { .. }
            | Fault::Clock { .. }
            | Fault::Replay { .. } => return None,
        };
        Some(Rule { fault: index, links, message, action, lost: Vec::new(), late })
    }

    fn is_about(&self, from: NodeId, to: NodeId, name: &str) -> bool {
        let links = match &self.links {
            Links::BetweenSides(side_of) => {
                let (here, there) = (side_of[from.index()], side_of[to.index()]);
                here != 0 && there != 0 && here != there
            }
            Links::FromTo(senders, readers) => senders[from.index()] && readers[to.index()],
        };
        links && self.message.as_deref().is_none_or(|message| message == name)
    }
}

/// Asks each rule in turn. `fired` is told the place of each rule that does something.
pub(crate) fn judge<M>(
    rules: &mut [Rule<M>],
    place: Place,
    (from, to, name): (NodeId, NodeId, &str),
    now_us: u64,
    bytes: impl Fn() -> u64,
    random: &mut Random,
    mut fired: impl FnMut(usize),
) -> Verdict {
    let mut later_us = 0;
    for (index, rule) in rules.iter_mut().enumerate() {
        if !rule.is_about(from, to, name) {
            continue;
        }
        let lost = match (&mut rule.action, place) {
            (Action::Cut, _) => true,
            (Action::LoseAtSender(chance), Place::Sender) | (Action::LoseAtReader(chance), Place::Reader) => {
                random.happens(*chance)
            }
            (Action::Slow { by_us }, Place::Sender) => {
                later_us += *by_us;
                fired(rule.fault);
                false
            }
            (Action::Bandwidth { bytes_per_second, busy_us }, Place::Sender) => {
                let busy = busy_us.entry((from, to)).or_default();
                let start_us = (*busy).max(now_us);
                let takes_us = u128::from(bytes()) * 1_000_000 / u128::from(*bytes_per_second);
                *busy = start_us.saturating_add(u64::try_from(takes_us).unwrap_or(u64::MAX));
                later_us += *busy - now_us;
                fired(rule.fault);
                false
            }
            _ => false,
        };
        if lost {
            fired(rule.fault);
            return Verdict::Lost { rule: index };
        }
    }
    Verdict::Passes { later_us }
}
