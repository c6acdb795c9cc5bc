//! A node of a simulated cluster: its process, its disk, its clock, and what waits at it.

use super::snapshot::Clocked;
use crate::cluster::Factory;
use crate::fault::Fault;
use crate::monitor::Nodes;
use crate::node::NodeId;
use crate::process::Process;
use crate::random::Random;
use crate::storage::{Disk, DiskFate, SyncPoint};
use crate::time::Time;
use crate::trace::Name;
use std::collections::VecDeque;

/// Whether a node reacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Up,
    /// It reacts later, to everything.
    Paused,
    /// It has no process.
    Down,
    /// It never had one: the test plays it.
    Outsider,
}

/// What waits behind a sync.
pub(super) enum Held<P: Process> {
    Send { to: NodeId, message: P::Message },
    Output(P::Output),
    Sync(SyncPoint),
}

/// What a paused node will react to.
pub(super) enum Deferred<M> {
    Message { from: NodeId, id: u64, message: M },
    Alarm { token: u64 },
    Synced,
}

/// An alarm that is set: moved or cancelled, it gets another token or is gone, and the old token means nothing.
pub(super) struct Alarm<T> {
    pub timer: T,
    pub token: u64,
    pub at: Time,
}

pub(super) struct Node<P: Process> {
    pub name: Name,
    pub make: Option<Factory<P>>,
    pub process: Option<P>,
    pub status: Status,
    pub disk: Disk,
    pub clock: Clock,
    pub random: Random,
    pub alarms: Vec<Alarm<P::Timer>>,
    /// The sync under way, and what waits for it.
    pub syncing: Option<SyncPoint>,
    pub held: VecDeque<Held<P>>,
    pub inbox: VecDeque<Deferred<P::Message>>,
    /// How often the node has started.
    pub incarnation: u32,
    /// It crashes after so many more effects; through the fault at this place.
    pub crash_amid: Option<(u32, DiskFate, usize)>,
    /// The fault that took it down, and will restart it.
    pub down_by: Option<usize>,
    pub paused_by: Option<usize>,
    /// What came while the test played it.
    pub mailbox: Vec<(NodeId, P::Message)>,
}

impl<P: Process> Node<P> {
    pub fn new(name: Name, make: Option<Factory<P>>, random: Random) -> Self {
        Node {
            name,
            make,
            process: None,
            status: Status::Outsider,
            disk: Disk::default(),
            clock: Clock::default(),
            random,
            alarms: Vec::new(),
            syncing: None,
            held: VecDeque::new(),
            inbox: VecDeque::new(),
            incarnation: 0,
            crash_amid: None,
            down_by: None,
            paused_by: None,
            mailbox: Vec::new(),
        }
    }
}

/// A node's own clock: it may be ahead, and it may run fast.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    ahead_us: i64,
    drift_ppm: i32,
    /// When it was last set.
    since: Time,
    /// The fault that set it wrong.
    pub wrong_by: Option<usize>,
}

impl Clock {
    pub fn set(&mut self, now: Time, fault: &Fault, index: usize) {
        let Fault::Clock { ahead_us, drift_ppm, .. } = fault else { return };
        // A clock that stands still or runs backwards is no clock.
        let drift_ppm = (*drift_ppm).clamp(-900_000, 9_000_000);
        *self = Clock { ahead_us: *ahead_us, drift_ppm, since: now, wrong_by: Some(index) };
    }

    #[inline]
    pub fn read(&self, now: Time) -> Time {
        if self.wrong_by.is_none() {
            return now;
        }
        let passed = i128::from((now.0).saturating_sub(self.since.0));
        let gained = passed * i128::from(self.drift_ppm) / 1_000_000;
        let reading = i128::from(now.0) + gained + i128::from(self.ahead_us);
        Time(u64::try_from(reading.max(0)).unwrap_or(u64::MAX))
    }

    /// How wrong it is now, when it is.
    pub fn wrong(&self, now: Time) -> Option<Clocked> {
        self.wrong_by?;
        let ahead = i128::from(self.read(now).0) - i128::from(now.0);
        let ahead_us = i64::try_from(ahead).unwrap_or(i64::MAX);
        Some(Clocked { ahead_us, drift_ppm: self.drift_ppm })
    }

    /// How long, in true time, until this clock has counted `after_us`.
    #[inline]
    pub fn true_us(&self, after_us: u64) -> u64 {
        if self.drift_ppm == 0 {
            return after_us;
        }
        let pace = u128::from((1_000_000 + i64::from(self.drift_ppm)).unsigned_abs());
        u64::try_from(u128::from(after_us) * 1_000_000 / pace).unwrap_or(u64::MAX)
    }
}

/// The nodes of a run.
pub(super) struct Table<P: Process>(pub Vec<Node<P>>);

impl<P: Process> Nodes<P> for Table<P> {
    fn process(&self, node: NodeId) -> Option<&P> {
        self.0[node.index()].process.as_ref()
    }

    fn name(&self, node: NodeId) -> &str {
        &self.0[node.index()].name
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}
