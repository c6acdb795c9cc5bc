//! Faults: how each begins, what it does, how it ends. Each counts what it did.

use super::node::{Clock, Deferred, Status};
use super::{Event, Sim};
use crate::fault::{Fault, Late, Scheduled};
use crate::monitor::{Happening, Violation};
use crate::network::{Kept, Rule};
use crate::node::NodeId;
use crate::process::{Message, Process};
use crate::queue::Rank;
use crate::random::RandomSource;
use crate::record::Detail;
use crate::shrink::Item;
use crate::storage::DiskFate;
use crate::trace::Kind;
use std::collections::VecDeque;

/// A planned fault, and how often it did something.
#[derive(Debug)]
pub(super) struct FaultState {
    pub scheduled: Scheduled,
    pub fired: u64,
    begun: bool,
    ended: bool,
}

/// A fault that a test has begun by hand, and may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(usize);

impl<P: Process> Sim<P> {
    /// Plans one more fault.
    ///
    /// # Panics
    /// When it names a node that the cluster does not have.
    pub fn schedule(&mut self, scheduled: Scheduled) {
        let begins = self.add_fault(scheduled);
        // A script has what faults do among its steps.
        if self.playing.is_some() {
            return;
        }
        let FaultId(fault) = begins;
        let Scheduled { at, lasts, .. } = self.faults[fault].scheduled;
        let rank =
            if self.faults[fault].scheduled.fault.is_of_the_network() { Rank::Network } else { Rank::Node };
        let begins_us = at.0.max(self.now.0);
        self.queue.push_ranked(rank, begins_us, Event::FaultBegins { fault });
        if let Some(lasts) = lasts {
            self.queue.push_ranked(rank, begins_us.saturating_add(lasts.0), Event::FaultEnds { fault });
        }
    }

    /// Begins a fault now. It lasts until [`Sim::end`] or [`Sim::heal`].
    ///
    /// # Panics
    /// When it names a node that the cluster does not have.
    pub fn begin(&mut self, fault: Fault) -> FaultId {
        self.begin_late(fault, Late::Never)
    }

    /// Begins a fault now, and says what becomes at its end of the messages lost to it.
    ///
    /// # Panics
    /// When it names a node that the cluster does not have.
    pub fn begin_late(&mut self, fault: Fault, late: Late) -> FaultId {
        self.start_first();
        let id = self.add_fault(Scheduled { at: crate::delay::Micros(self.now.0), lasts: None, late, fault });
        self.fault_begins(id.0);
        id
    }

    /// Ends a fault now: a cut heals, a crashed node restarts, a paused one goes on.
    pub fn end(&mut self, fault: FaultId) {
        self.fault_ends(fault.0);
    }

    /// Ends all faults of the network that are in force.
    pub fn heal(&mut self) {
        for fault in self.rules.iter().map(|rule| rule.fault).collect::<Vec<_>>() {
            self.fault_ends(fault);
        }
    }

    /// Crashes a node now; returns whether it was up.
    pub fn crash(&mut self, node: NodeId, disk: DiskFate) -> bool {
        self.start_first();
        let name = self.nodes.0[node.index()].name.clone();
        let FaultId(fault) = self.begin(Fault::Crash { node: name, disk });
        self.faults[fault].fired > 0
    }

    /// Restarts a crashed node now; returns whether it started (not when it was up, or its storage is damaged).
    pub fn restart(&mut self, id: NodeId) -> bool {
        let node = &mut self.nodes.0[id.index()];
        if node.status != Status::Down || self.playing.is_some() {
            return false;
        }
        if node.disk.damaged {
            self.mark(Kind::Fault, id, id);
            let why = Some("its storage is damaged: it does not start".to_string());
            self.record(Kind::Fault, Some(id), Detail { name: Some("damaged"), why, ..Detail::default() });
            return false;
        }
        self.start(id, Kind::Restart);
        true
    }

    /// Whether a bit of the node's storage has flipped: then it does not start again.
    pub fn is_damaged(&self, node: NodeId) -> bool {
        self.nodes.0[node.index()].disk.damaged
    }

    /// The planned faults that never did anything, with their times: a scenario that claims them shows nothing.
    pub fn idle_faults(&self) -> Vec<&Scheduled> {
        self.faults.iter().filter(|fault| fault.fired == 0).map(|fault| &fault.scheduled).collect()
    }

    /// Breaks a rule when a planned fault whose time has come has never done anything: a scenario that claims it shows nothing.
    pub fn every_fault_must_have_fired(&mut self) {
        let idle: Vec<String> = self
            .faults
            .iter()
            .filter(|fault| fault.begun && fault.fired == 0)
            .map(|fault| fault.scheduled.to_string())
            .collect();
        if !idle.is_empty() && self.playing.is_none() {
            self.violate(Violation::new(
                "every fault of a scenario does something",
                "a message lost, a node stopped: change the fault's time, or leave it out",
                format!("nothing by: {}", idle.join("; ")),
            ));
        }
    }

    fn add_fault(&mut self, scheduled: Scheduled) -> FaultId {
        // A fault that names an unknown node is refused where it is planned, not when it strikes.
        scheduled.fault.nodes().into_iter().for_each(|name| _ = self.find(name));
        if matches!(scheduled.fault, Fault::Replay { .. }) && self.old.is_none() {
            self.old = Some(VecDeque::new());
            self.watched = true;
        }
        self.faults.push(FaultState { scheduled, fired: 0, begun: false, ended: false });
        FaultId(self.faults.len() - 1)
    }

    fn find(&self, name: &str) -> NodeId {
        let place = self.nodes.0.iter().position(|node| &*node.name == name);
        let place = place.unwrap_or_else(|| {
            let names: Vec<&str> = self.nodes.0.iter().map(|node| &*node.name).collect();
            panic!("a fault names the node `{name}`; the nodes are {}", names.join(" "))
        });
        NodeId(place as u32)
    }

    /// A fault did something.
    pub(super) fn fired(&mut self, fault: usize) {
        // What a script does is no fault of the plan.
        let Some(state) = self.faults.get_mut(fault) else { return };
        state.fired += 1;
        self.tally.fault(state.scheduled.fault.kind());
    }

    pub(super) fn fault_begins(&mut self, index: usize) {
        let scripted = self.playing.is_some();
        if self.frozen || scripted || self.faults[index].begun || self.omits(|| Item::Fault(index)) {
            return;
        }
        self.faults[index].begun = true;
        let Scheduled { fault, late, .. } = self.faults[index].scheduled.clone();
        self.mark(Kind::Fault, NodeId(index as u32), NodeId(0));
        if let Some(rule) = Rule::of(&fault, index, late, self.nodes.0.len(), |name| self.find(name)) {
            let kind = match fault {
                Fault::Partition { .. } | Fault::OneWay { .. } | Fault::Isolate { .. } => Kind::Partition,
                _ => Kind::Fault,
            };
            self.record_fault(kind, &fault);
            return self.rules.push(rule);
        }
        let target = fault.nodes().first().map(|name| self.find(name));
        match (&fault, target) {
            (Fault::Crash { disk, .. }, Some(node)) => {
                if self.crash_by(index, node, *disk) {
                    self.fired(index);
                }
            }
            (Fault::CrashAmid { effects, disk, .. }, Some(node)) => {
                self.nodes.0[node.index()].crash_amid = Some((*effects, *disk, index));
            }
            (Fault::Pause { .. }, Some(node)) => self.pause(index, node),
            (Fault::DiskFull { .. }, Some(node)) => {
                self.record_fault(Kind::Fault, &fault);
                let disk = &mut self.nodes.0[node.index()].disk;
                (disk.full, disk.full_by) = (true, index);
            }
            (Fault::Clock { .. }, Some(node)) => {
                self.record_fault(Kind::Fault, &fault);
                self.nodes.0[node.index()].clock.set(self.now, &fault, index);
            }
            (Fault::Replay { messages }, _) => {
                self.record_fault(Kind::Fault, &fault);
                self.replay(index, *messages);
            }
            _ => unreachable!("every fault is one of the network or one of a node"),
        }
    }

    pub(super) fn fault_ends(&mut self, index: usize) {
        if self.frozen || !self.faults[index].begun || self.faults[index].ended {
            return;
        }
        self.faults[index].ended = true;
        self.mark(Kind::Heal, NodeId(index as u32), NodeId(0));
        if let Some(place) = self.rules.iter().position(|rule| rule.fault == index) {
            let rule = self.rules.remove(place);
            let fault = self.faults[index].scheduled.fault.clone();
            self.record_fault(Kind::Heal, &fault);
            return self.deliver_late(rule);
        }
        let nodes = self.faults[index].scheduled.fault.nodes();
        let Some(node) = nodes.first().map(|name| self.find(name)) else { return };
        let state = &mut self.nodes.0[node.index()];
        if state.clock.wrong_by == Some(index) {
            state.clock = Clock::default();
        }
        if state.disk.full_by == index {
            state.disk.full = false;
        }
        if state.crash_amid.is_some_and(|(_, _, by)| by == index) {
            state.crash_amid = None;
        }
        if state.paused_by == Some(index) {
            self.resume(node);
        }
        if self.nodes.0[node.index()].down_by == Some(index) {
            self.restart(node);
        }
    }

    /// The messages that were lost to a rule arrive now, each copy once.
    fn deliver_late(&mut self, rule: Rule<P::Message>) {
        let mut lost = rule.lost;
        match rule.late {
            Late::Never => {}
            // They were lost in another order than sent: what was under way when a cut began is lost at its reader, later than what was
            // sent meanwhile is lost at its sender.
            Late::InOrder => lost.sort_by_key(|kept| kept.id),
            Late::Shuffled => self.fault_random.shuffle(&mut lost),
        }
        for Kept { from, to, id, message } in lost {
            self.tally.fault("late");
            self.queue.push(self.now.0, Event::Deliver { from, to, id, waited: false, message });
        }
    }

    /// Old messages come again. What was sent once may arrive once more, also what was lost.
    fn replay(&mut self, fault: usize, messages: u32) {
        for _ in 0..messages {
            let Some(old) = self.old.as_ref().filter(|old| !old.is_empty()) else { return };
            let Kept { from, to, id, message } =
                old[self.fault_random.below(old.len() as u64) as usize].clone();
            let detail =
                Detail { peer: Some(to), id: Some(id), name: Some(message.name()), ..Detail::default() };
            self.record(Kind::Duplicate, Some(from), detail);
            self.fired(fault);
            self.queue.push(self.now.0, Event::Deliver { from, to, id, waited: false, message });
        }
    }

    /// A node loses its process; returns whether it had one.
    pub(super) fn crash_by(&mut self, fault: usize, id: NodeId, disk: DiskFate) -> bool {
        if self.nodes.0[id.index()].process.is_some() && self.log.is_some() {
            self.log_crash(id, disk);
        }
        let node = &mut self.nodes.0[id.index()];
        if node.process.take().is_none() {
            return false;
        }
        node.status = Status::Down;
        node.down_by = Some(fault);
        node.paused_by = None;
        node.crash_amid = None;
        node.alarms.clear();
        node.syncing = None;
        node.held.clear();
        // A sync that ends after the crash is none of the next incarnation's.
        node.incarnation += 1;
        let inbox = std::mem::take(&mut node.inbox);
        if node.disk.crash(disk, &mut self.fault_random) {
            self.tally.fault(kind_of(disk));
        }
        self.mark(Kind::Crash, id, id);
        self.record(Kind::Crash, Some(id), Detail { why: Some(disk.to_string()), ..Detail::default() });
        for deferred in inbox {
            if let Deferred::Message { from, id: message_id, message } = deferred {
                self.lose(from, id, message_id, &message, id, "the reader is down");
            }
        }
        self.seen[id.index()] = None;
        self.happens(Happening::Crashed { node: id });
        true
    }

    fn pause(&mut self, fault: usize, id: NodeId) {
        let node = &mut self.nodes.0[id.index()];
        if node.status == Status::Up {
            node.status = Status::Paused;
            node.paused_by = Some(fault);
            self.fired(fault);
            self.record(Kind::Pause, Some(id), Detail::default());
        }
    }

    pub(super) fn resume(&mut self, id: NodeId) {
        let node = &mut self.nodes.0[id.index()];
        if node.status != Status::Paused {
            return;
        }
        node.status = Status::Up;
        node.paused_by = None;
        let inbox = std::mem::take(&mut node.inbox);
        self.mark(Kind::Resume, id, id);
        self.record(Kind::Resume, Some(id), Detail::default());
        let incarnation = self.nodes.0[id.index()].incarnation;
        for deferred in inbox {
            let event = match deferred {
                Deferred::Message { from, id: message_id, message } => {
                    Event::Deliver { from, to: id, id: message_id, waited: true, message }
                }
                Deferred::Alarm { token } => Event::Alarm { node: id, token },
                Deferred::Synced => Event::Synced { node: id, incarnation },
            };
            self.queue.push(self.now.0, event);
        }
    }

    fn record_fault(&mut self, kind: Kind, fault: &Fault) {
        if self.recorder.is_some() {
            let (name, why) = (Some(fault.kind()), Some(fault.to_string()));
            self.record(kind, None, Detail { name, why, ..Detail::default() });
        }
    }
}

fn kind_of(disk: DiskFate) -> &'static str {
    match disk {
        DiskFate::Keep => "disk_kept",
        DiskFate::LoseUnsynced => "disk_unsynced_lost",
        DiskFate::TearLastWrite => "disk_torn",
        DiskFate::FlipBit => "disk_bit_flipped",
        DiskFate::Wipe => "disk_wiped",
    }
}
