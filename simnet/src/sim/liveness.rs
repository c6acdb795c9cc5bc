//! After the storm: all faults freeze, a core of nodes must get on, and a run that does not names who waits for what.

use super::node::{Alarm, Node, Status};
use super::{Event, Sim};
use crate::delay::format_us;
use crate::hub::Hub;
use crate::monitor::{Nodes, Violation};
use crate::node::{Names, NodeId};
use crate::process::{Observe, Process};
use crate::storage::DiskFate;
use std::time::Duration;

impl<P: Process> Sim<P> {
    /// Ends the storm: no fault begins or ends any more, those in force end, `hub` carries the messages from now on. The nodes of
    /// `core` are up afterwards (restarted, resumed), all others are down for good.
    ///
    /// Returns the nodes of `core` that cannot start, because their storage is damaged.
    pub fn calm(&mut self, core: &[NodeId], hub: impl Hub<P::Message> + 'static) -> Vec<NodeId> {
        self.end_storm(core, Some(Box::new(hub)))
    }

    /// The same, but the hub stays as it is: a hub that keeps links in order knows what is still under way.
    pub fn calm_with_the_same_hub(&mut self, core: &[NodeId]) -> Vec<NodeId> {
        self.end_storm(core, None)
    }

    fn end_storm(&mut self, core: &[NodeId], hub: Option<Box<dyn Hub<P::Message>>>) -> Vec<NodeId> {
        self.start_first();
        if self.playing.is_some() {
            return Vec::new();
        }
        self.heal();
        let all: Vec<NodeId> = (0..self.nodes.count() as u32).map(NodeId).collect();
        for &id in &all {
            let node = &mut self.nodes.0[id.index()];
            node.clock = Default::default();
            node.disk.full = false;
            node.crash_amid = None;
            self.resume(id);
        }
        self.frozen = true;
        if let Some(hub) = hub {
            self.hub = hub;
        }
        let mut dead = Vec::new();
        for &id in &all {
            if self.nodes.0[id.index()].status == Status::Outsider {
                continue;
            }
            if !core.contains(&id) {
                self.crash_by(usize::MAX, id, DiskFate::Keep);
            } else if !self.is_up(id) && !self.restart(id) {
                dead.push(id);
            }
        }
        dead
    }

    /// Messages on their way: in flight, or held by the hub.
    pub fn in_flight(&self) -> usize {
        self.queue.iter().filter(|event| matches!(event, Event::Deliver { .. })).count() + self.held.len()
    }
}

impl<P: Observe> Sim<P> {
    /// Runs until `done`, and breaks `rule` when that takes longer than `within` of virtual time. Returns whether it is done.
    pub fn must_reach(&mut self, rule: &str, within: Duration, done: impl FnMut(&Self) -> bool) -> bool {
        let reached = self.run_until(within, done);
        // Where a script decides what arrives, that nothing happens says nothing.
        if !reached && self.violation.is_none() && self.playing.is_none() {
            self.waited_in_vain = true;
            let within = format_us(crate::time::micros(within));
            self.violate(Violation::new(rule, format!("within {within} of virtual time"), self.who_waits()));
        }
        reached
    }

    /// Who waits for what: how many messages are on their way, a line a node with the alarms it has set, and a line for each fault in force.
    pub fn who_waits(&self) -> String {
        let head = format!("not by {}; {} messages are on their way", self.now, self.in_flight());
        let ailments = self.network().ailments().collect();
        [vec![head], self.waits(), ailments].concat().join("\n")
    }

    /// What each node waits for, and the alarms it has set: a line a node, outsiders apart.
    pub fn waits(&self) -> Vec<String> {
        let names: Names = self.nodes.0.iter().map(|node| node.name.clone()).collect();
        let nodes = self.nodes.0.iter().filter(|node| node.status != Status::Outsider);
        let line = |node: &Node<P>| {
            let paused = if node.status == Status::Paused { "is paused, and " } else { "" };
            let state = waits(node.process.as_ref(), &names);
            let alarm = |alarm: &Alarm<P::Timer>| {
                format!("{:?} in {}", alarm.timer, format_us((alarm.at - self.now).as_micros() as u64))
            };
            let alarms: Vec<String> = node.alarms.iter().map(alarm).collect();
            let alarms = if alarms.is_empty() { "no alarm set".to_string() } else { alarms.join(", ") };
            format!("{} {paused}{state} ({alarms})", node.name)
        };
        nodes.map(line).collect()
    }
}

/// What a node does while nothing happens, in words: `waits for an answer`; `None` is a process that is not there.
pub fn waits<P: Observe>(process: Option<&P>, names: &Names) -> String {
    match process.map(|process| process.waits_for(names)) {
        None => "is down".to_string(),
        Some(None) => "waits for nothing".to_string(),
        Some(Some(what)) => format!("waits for {what}"),
    }
}
