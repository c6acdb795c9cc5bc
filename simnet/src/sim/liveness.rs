//! After the storm: all faults freeze, a core of nodes must get on, and a run that does not names who waits for what.

use super::node::Status;
use super::{Event, Sim};
use crate::delay::format_us;
use crate::hub::Hub;
use crate::monitor::{Nodes, Violation};
use crate::node::NodeId;
use crate::process::{Observe, Process};
use crate::storage::DiskFate;
use std::time::Duration;

impl<P: Process> Sim<P> {
    /// Ends the storm: no fault begins or ends any more, those in force end, `hub` carries the messages from now on. The nodes of
    /// `core` are up afterwards (restarted, resumed), all others are down for good.
    ///
    /// Returns the nodes of `core` that cannot start, because their storage is damaged.
    pub fn calm(&mut self, core: &[NodeId], hub: impl Hub<P::Message> + 'static) -> Vec<NodeId> {
        self.start_first();
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
        self.hub = Box::new(hub);
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
        if !reached && self.violation.is_none() {
            self.waited_in_vain = true;
            let within = format_us(crate::time::micros(within));
            self.violate(Violation::new(rule, format!("within {within} of virtual time"), self.who_waits()));
        }
        reached
    }

    /// Who waits for what: each node, the alarms it has set, how many messages are on their way, and the faults in force.
    pub fn who_waits(&self) -> String {
        let mut lines = vec![format!("not by {}; {} messages are on their way", self.now, self.in_flight())];
        for node in &self.nodes.0 {
            let state = match (&node.process, node.status) {
                (_, Status::Outsider) => continue,
                (None, _) => "is down".to_string(),
                (Some(process), status) => {
                    let waits = match process.waits_for() {
                        Some(what) => format!("waits for {what}"),
                        None => "waits for nothing".to_string(),
                    };
                    if status == Status::Paused { format!("is paused, and {waits}") } else { waits }
                }
            };
            let alarms: Vec<String> = node
                .alarms
                .iter()
                .map(|alarm| {
                    format!("{:?} in {}", alarm.timer, format_us((alarm.at - self.now).as_micros() as u64))
                })
                .collect();
            let alarms = if alarms.is_empty() { "no alarm set".to_string() } else { alarms.join(", ") };
            lines.push(format!("    {} {state} ({alarms})", node.name));
        }
        lines.extend(self.network().ailments().map(|ailment| format!("    {ailment}")));
        lines.join("\n")
    }
}
