//! What the network and its nodes are like at one moment: as text, which is one line when all is well, and as JSON.

use super::node::{Deferred, Status};
use super::{Event, Sim};
use crate::delay::format_us;
use crate::fault::{Fault, Late};
use crate::node::NodeId;
use crate::process::Process;
use crate::time::Time;
use crate::trace::Name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The state of the network and its nodes at one moment, from [`Sim::network`].
///
/// Its text is one line when nothing is wrong, and else one more for each fault and each ailing node. Serde writes all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The moment, in virtual microseconds.
    pub at_us: u64,
    /// The faults of the network in force, in the order in which they began. What is wrong with a node stands at the node.
    pub faults: Vec<InForce>,
    /// All nodes, in their order.
    pub nodes: Vec<NodeState>,
    /// The links on which messages are, by sender and reader.
    pub links: Vec<Link>,
}

/// A fault of the network in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// The fault.
    #[serde(flatten)]
    pub fault: Fault,
    /// How many messages it has lost, delayed or made wait.
    pub fired: u64,
    /// How many of those it has lost will arrive at its end.
    pub kept: usize,
    /// In what order they will.
    pub late: Late,
}

/// Messages on the way from one node to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The sender.
    pub from: Name,
    /// The reader.
    pub to: Name,
    /// Copies that arrive by themselves.
    pub in_flight: usize,
    /// Copies that wait for [`Sim::release`].
    pub held: usize,
}

/// Whether a node reacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It does.
    Up,
    /// It will, to everything that came meanwhile.
    Paused,
    /// It has no process.
    Down,
    /// It never had one: a test plays it.
    Outsider,
}

/// How wrong a node's clock is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocked {
    /// Microseconds that it is ahead of true time now; behind, when negative.
    pub ahead_us: i64,
    /// Millionths that it runs fast; slow, when negative.
    pub drift_ppm: i32,
}

/// The state of a node, as far as the world knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeState {
    /// The node.
    pub name: Name,
    /// Whether it reacts.
    pub standing: Standing,
    /// Alarms that are set.
    pub alarms: usize,
    /// Messages that came while it was paused.
    pub waiting_messages: usize,
    /// Writes that a crash could lose.
    pub unsynced_writes: usize,
    /// Sends, outputs and syncs that wait for the sync under way.
    pub behind_sync: usize,
    /// How wrong its clock is, when it is.
    pub clock: Option<Clocked>,
    /// Its next write fails.
    pub disk_full: bool,
    /// A bit of its storage has flipped: it does not start again.
    pub disk_damaged: bool,
    /// It will crash after so many more effects.
    pub crashes_after_effects: Option<u32>,
}

impl<P: Process> Sim<P> {
    /// What the network and its nodes are like now.
    ///
    /// It looks through all events to come: for a message to people, not for each step.
    pub fn network(&self) -> Network {
        let name = |id: NodeId| self.nodes.0[id.index()].name.clone();
        let mut links: BTreeMap<(NodeId, NodeId), (usize, usize)> = BTreeMap::new();
        for event in self.queue.iter() {
            if let Event::Deliver { from, to, .. } = event {
                links.entry((*from, *to)).or_default().0 += 1;
            }
        }
        for held in &self.held {
            links.entry((held.from, held.to)).or_default().1 += 1;
        }
        let faults = self.rules.iter().map(|rule| {
            let state = &self.faults[rule.fault];
            let fault = state.scheduled.fault.clone();
            InForce { fault, fired: state.fired, kept: rule.lost.len(), late: rule.late }
        });
        Network {
            at_us: self.now.0,
            faults: faults.collect(),
            nodes: (0..self.nodes.0.len()).map(|index| self.node_state(index)).collect(),
            links: links
                .into_iter()
                .map(|((from, to), (in_flight, held))| Link {
                    from: name(from),
                    to: name(to),
                    in_flight,
                    held,
                })
                .collect(),
        }
    }

    fn node_state(&self, index: usize) -> NodeState {
        let node = &self.nodes.0[index];
        let standing = match node.status {
            Status::Up => Standing::Up,
            Status::Paused => Standing::Paused,
            Status::Down => Standing::Down,
            Status::Outsider => Standing::Outsider,
        };
        let is_message = |deferred: &&Deferred<P::Message>| matches!(deferred, Deferred::Message { .. });
        NodeState {
            name: node.name.clone(),
            standing,
            alarms: node.alarms.len(),
            waiting_messages: node.inbox.iter().filter(is_message).count(),
            unsynced_writes: node.disk.unsynced_writes(),
            behind_sync: node.held.len(),
            clock: node.clock.wrong(self.now),
            disk_full: node.disk.full,
            disk_damaged: node.disk.damaged,
            crashes_after_effects: node.crash_amid.map(|(effects, _, _)| effects),
        }
    }
}

impl Network {
    /// Whether no fault is in force, and each node up, with a right clock and a sound disk.
    pub fn is_healthy(&self) -> bool {
        self.faults.is_empty() && self.nodes.iter().all(NodeState::is_healthy)
    }

    /// Messages on their way: in flight, held, or waiting at a paused node.
    pub fn messages(&self) -> usize {
        let on_links: usize = self.links.iter().map(|link| link.in_flight + link.held).sum();
        on_links + self.nodes.iter().map(|node| node.waiting_messages).sum::<usize>()
    }

    /// A line for each fault in force, and for what else is wrong with a node than that it is down or paused.
    pub(super) fn ailments(&self) -> impl Iterator<Item = String> {
        let of_nodes = self.nodes.iter().flat_map(NodeState::ailments);
        self.faults.iter().map(InForce::to_string).chain(of_nodes)
    }
}

impl NodeState {
    fn is_healthy(&self) -> bool {
        matches!(self.standing, Standing::Up | Standing::Outsider) && self.ailments().next().is_none()
    }

    fn ailments(&self) -> impl Iterator<Item = String> {
        let clock = self.clock.map(|clock| format!("{clock}"));
        let full = self.disk_full.then(|| "its disk is full".to_string());
        let damaged = self.disk_damaged.then(|| "a bit of its storage has flipped".to_string());
        let amid =
            self.crashes_after_effects.map(|effects| format!("it crashes after {effects} more effects"));
        [clock, full, damaged, amid].into_iter().flatten().map(|what| format!("{}: {what}", self.name))
    }
}

impl fmt::Display for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} so far", self.fault, count(self.fired as usize, "message"))?;
        match (self.kept, self.late) {
            (0, _) | (_, Late::Never) => Ok(()),
            (kept, Late::InOrder) => write!(f, ", {kept} of them to come at its end"),
            (kept, Late::Shuffled) => write!(f, ", {kept} of them to come at its end, shuffled"),
        }
    }
}

impl fmt::Display for Clocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.ahead_us < 0 { "behind" } else { "ahead" };
        write!(f, "its clock is {} {way}, and runs ", format_us(self.ahead_us.unsigned_abs()))?;
        match self.drift_ppm {
            0 => f.write_str("right"),
            fast @ 1.. => write!(f, "{fast} ppm fast"),
            slow => write!(f, "{} ppm slow", slow.unsigned_abs()),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is = |standing| self.nodes.iter().filter(move |node| node.standing == standing).count();
        let (up, all) = (is(Standing::Up), self.nodes.len() - is(Standing::Outsider));
        write!(f, "at {}", Time(self.at_us))?;
        if self.is_healthy() {
            write!(f, " all is well: {} up", count(up, "node"))?;
        } else {
            write!(f, ": {up} of {} up", count(all, "node"))?;
        }
        let in_flight: usize = self.links.iter().map(|link| link.in_flight).sum();
        write!(f, ", {} in flight", count(in_flight, "message"))?;
        let held: usize = self.links.iter().map(|link| link.held).sum();
        if held > 0 {
            write!(f, ", {held} held")?;
        }
        let kept: usize = self.faults.iter().map(|fault| fault.kept).sum();
        if kept > 0 {
            write!(f, ", {kept} to come late")?;
        }
        for node in &self.nodes {
            match node.standing {
                Standing::Up | Standing::Outsider => {}
                Standing::Down => write!(f, "\n    {} is down", node.name)?,
                Standing::Paused => {
                    let waiting = count(node.waiting_messages, "message");
                    write!(f, "\n    {} is paused, with {waiting} waiting", node.name)?;
                }
            }
        }
        self.ailments().try_for_each(|line| write!(f, "\n    {line}"))
    }
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
