//! A process of the computation that can record: the two marker rules (Chandy and Lamport 1985, §3.2).
//!
//! The rules rest on what the paper assumes of channels: no message is lost, and each channel keeps the order of sending. A marker
//! is a message like any other, so whatever was sent before it has arrived when it arrives.

use super::computation::{Computation, Global, SnapshotId};
use super::recording::{Part, Recording};
use crate::clocks::VectorClock;
use serde::{Deserialize, Serialize};
use simnet::{Context, Names, NodeId, Observe, Process};
use std::collections::BTreeMap;
use std::time::Duration;

/// What travels along a channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Message<C: Computation> {
    /// A message of the computation.
    Basic {
        /// What it says.
        message: C::Message,
        /// What its sender knew: so that a snapshot can be judged afterwards. The marker rules do not need it.
        clock: VectorClock,
    },
    /// A marker: all that comes along this channel before it belongs to the snapshot, nothing that comes after it.
    Marker(SnapshotId),
    /// To the initiator: what the sender has recorded.
    Report {
        /// For which snapshot.
        snapshot: SnapshotId,
        /// What.
        part: Part<C>,
    },
}

impl<C: Computation> simnet::Message for Message<C> {
    fn name(&self) -> &'static str {
        match self {
            Message::Basic { message, .. } => simnet::Message::name(message),
            Message::Marker(_) => "Marker",
            Message::Report { .. } => "Report",
        }
    }
}

/// What a process may wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The computation's next turn here.
    Turn,
    /// The time to begin a snapshot.
    Snapshot,
}

/// What a process tells the outside.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Output<C: Computation> {
    /// It records its state for a snapshot.
    Recorded {
        /// Which.
        snapshot: SnapshotId,
        /// The state.
        state: C::State,
        /// What it knew then: how many basic events of each process.
        clock: VectorClock,
        /// How many messages of the computation it has sent, by reader.
        sent: BTreeMap<NodeId, u64>,
        /// How many it has received, by sender.
        received: BTreeMap<NodeId, u64>,
    },
    /// The initiator has put a snapshot together.
    Completed {
        /// Which.
        snapshot: SnapshotId,
        /// The global state that it shows.
        global: Global<C>,
    },
    /// The initiator claims that the computation has terminated.
    Terminated(SnapshotId),
}

/// When a process takes snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Plan {
    /// It begins so many, whether or not the ones before are complete.
    Times(u32),
    /// It begins another one after each that does not show that the computation has terminated.
    UntilTerminated,
}

/// How long a process waits: each time at most so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pace {
    /// Between two turns of the computation.
    pub turn: Duration,
    /// Before a snapshot.
    pub snapshot: Duration,
}

/// A process of the computation `C` that takes part in snapshots, and may begin some.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node<C: Computation> {
    others: Vec<NodeId>,
    pace: Pace,
    plan: Plan,
    /// The computation.
    computation: C,
    /// How many snapshots it has begun.
    begun: u32,
    /// Its part of each snapshot that is under way here.
    recordings: BTreeMap<SnapshotId, Recording<C>>,
    /// As an initiator: the parts that have been reported, for each snapshot that is not complete.
    reports: BTreeMap<SnapshotId, BTreeMap<NodeId, Part<C>>>,
    clock: VectorClock,
    sent: BTreeMap<NodeId, u64>,
    received: BTreeMap<NodeId, u64>,
}

/// The world, as such a process sees it.
pub type Ctx<'a, C> = Context<'a, Node<C>>;

impl<C: Computation> Node<C> {
    /// A process of `computation` with channels to and from each of `others`.
    pub fn new(computation: C, others: Vec<NodeId>, plan: Plan, pace: Pace) -> Self {
        let clock = VectorClock::new(others.len() + 1);
        Node {
            others,
            pace,
            plan,
            computation,
            begun: 0,
            recordings: BTreeMap::new(),
            reports: BTreeMap::new(),
            clock,
            sent: BTreeMap::new(),
            received: BTreeMap::new(),
        }
    }

    /// Begins a snapshot: the initiator records its state as if a marker had come from nowhere.
    fn begin_snapshot(&mut self, ctx: &mut Ctx<'_, C>) {
        self.begun += 1;
        let snapshot = SnapshotId { initiator: ctx.me(), number: self.begun };
        self.reports.insert(snapshot, BTreeMap::new());
        self.record(snapshot, ctx);
        self.report_when_complete(snapshot, ctx);
    }

    /// The marker-sending rule: a process records its state, and sends a marker along each of its channels before it sends anything else
    /// there.
    fn record(&mut self, snapshot: SnapshotId, ctx: &mut Ctx<'_, C>) {
        let state = self.computation.state();
        let (clock, sent, received) = (self.clock.clone(), self.sent.clone(), self.received.clone());
        ctx.output(Output::Recorded { snapshot, state: state.clone(), clock, sent, received });
        // solution: begin — Part D: the marker-sending rule
        self.recordings.insert(snapshot, Recording::begin(state, &self.others));
        ctx.broadcast(&self.others, Message::Marker(snapshot));
        // solution: end
    }

    /// The marker-receiving rule: a process that has not recorded its state for this snapshot does so now. Either way the state of the
    /// channel is what has come along it since then: nothing, if the marker is the first.
    fn marker(&mut self, from: NodeId, snapshot: SnapshotId, ctx: &mut Ctx<'_, C>) {
        // solution: begin — Part D: the marker-receiving rule
        if !self.recordings.contains_key(&snapshot) {
            self.record(snapshot, ctx);
        }
        if let Some(recording) = self.recordings.get_mut(&snapshot) {
            recording.marker(from);
        }
        // solution: end
        self.report_when_complete(snapshot, ctx);
    }

    /// A message of the computation has arrived. It may belong to a channel's state, in each snapshot under way.
    fn basic(&mut self, from: NodeId, message: C::Message, clock: &VectorClock, ctx: &mut Ctx<'_, C>) {
        self.clock.receive(ctx.me(), clock);
        *self.received.entry(from).or_default() += 1;
        // solution: begin — Part D: show a message to the snapshots under way
        for recording in self.recordings.values_mut() {
            recording.message(from, &message);
        }
        // solution: end
        let was_active = self.computation.is_active();
        self.computation.receive(message);
        if !was_active {
            self.wait_for_turn(ctx);
        }
    }

    /// Tells the initiator what was recorded, when a marker has come along every channel. No more will come: the recording may go.
    fn report_when_complete(&mut self, snapshot: SnapshotId, ctx: &mut Ctx<'_, C>) {
        let Some(part) = self.recordings.get(&snapshot).and_then(Recording::complete) else { return };
        self.recordings.remove(&snapshot);
        if snapshot.initiator == ctx.me() {
            self.report(ctx.me(), snapshot, part, ctx);
        } else {
            ctx.send(snapshot.initiator, Message::Report { snapshot, part });
        }
    }

    /// As the initiator: a process has reported its part. With the parts of all, the snapshot is complete.
    fn report(&mut self, from: NodeId, snapshot: SnapshotId, part: Part<C>, ctx: &mut Ctx<'_, C>) {
        let Some(parts) = self.reports.get_mut(&snapshot) else { return };
        parts.insert(from, part);
        // solution: begin — Part D: put the snapshot together
        if parts.len() == self.others.len() + 1 {
            let parts = self.reports.remove(&snapshot).unwrap_or_default();
            self.completed(snapshot, Global { parts: parts.into_iter().collect() }, ctx);
        }
        // solution: end
    }

    fn completed(&mut self, snapshot: SnapshotId, global: Global<C>, ctx: &mut Ctx<'_, C>) {
        let has_terminated = C::has_terminated(&global);
        ctx.output(Output::Completed { snapshot, global });
        if self.plan == Plan::UntilTerminated {
            if has_terminated {
                ctx.output(Output::Terminated(snapshot));
            } else {
                self.wait_for_snapshot(ctx);
            }
        }
    }

    fn wait_for_turn(&self, ctx: &mut Ctx<'_, C>) {
        if self.computation.is_active() {
            let after = ctx.random_duration(Duration::ZERO..self.pace.turn);
            ctx.set_timer(Timer::Turn, after);
        }
    }

    fn wait_for_snapshot(&self, ctx: &mut Ctx<'_, C>) {
        let more = match self.plan {
            Plan::Times(times) => self.begun < times,
            Plan::UntilTerminated => true,
        };
        if more {
            let after = ctx.random_duration(Duration::ZERO..self.pace.snapshot);
            ctx.set_timer(Timer::Snapshot, after);
        }
    }

    /// The computation's part of this process.
    pub fn computation(&self) -> &C {
        &self.computation
    }

    /// How many messages of the computation it has sent, and received.
    pub fn counts(&self) -> (u64, u64) {
        (self.sent.values().sum(), self.received.values().sum())
    }

    /// How many snapshots it has begun.
    pub fn begun(&self) -> u32 {
        self.begun
    }
}

impl<C: Computation> Process for Node<C> {
    type Message = Message<C>;
    type Timer = Timer;
    type Output = Output<C>;

    fn start(&mut self, ctx: &mut Ctx<'_, C>) {
        self.wait_for_turn(ctx);
        self.wait_for_snapshot(ctx);
    }

    fn receive(&mut self, from: NodeId, message: Message<C>, ctx: &mut Ctx<'_, C>) {
        match message {
            Message::Basic { message, clock } => self.basic(from, message, &clock, ctx),
            Message::Marker(snapshot) => self.marker(from, snapshot, ctx),
            Message::Report { snapshot, part } => self.report(from, snapshot, part, ctx),
        }
    }

    fn alarm(&mut self, timer: Timer, ctx: &mut Ctx<'_, C>) {
        match timer {
            Timer::Turn => {
                let sends = self.computation.turn(&self.others, &mut |bound| ctx.random(bound));
                for (to, message) in sends {
                    self.clock.tick(ctx.me());
                    *self.sent.entry(to).or_default() += 1;
                    ctx.send(to, Message::Basic { message, clock: self.clock.clone() });
                }
                self.wait_for_turn(ctx);
            }
            Timer::Snapshot => {
                self.begin_snapshot(ctx);
                if self.plan != Plan::UntilTerminated {
                    self.wait_for_snapshot(ctx);
                }
            }
        }
    }
}

/// What is seen of such a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct View<C: Computation> {
    /// The computation's state here.
    pub state: C::State,
    /// How many messages of the computation it has sent.
    pub sent: u64,
    /// How many it has received.
    pub received: u64,
    /// The snapshots under way here, and the channels that each still waits for.
    pub recording: Vec<(SnapshotId, Vec<NodeId>)>,
}

impl<C: Computation> Observe for Node<C> {
    type View = View<C>;

    fn view(&self) -> View<C> {
        let (sent, received) = self.counts();
        let recordings = self.recordings.iter();
        let recording =
            recordings.map(|(id, recording)| (*id, recording.open().copied().collect())).collect();
        View { state: self.computation.state(), sent, received, recording }
    }

    fn waits_for(&self, names: &Names) -> Option<String> {
        if let Some((snapshot, recording)) = self.recordings.first_key_value() {
            return Some(format!("markers of snapshot {snapshot} from {}", names.list(recording.open())));
        }
        let (snapshot, parts) = self.reports.first_key_value()?;
        let missing = self.others.iter().filter(|other| !parts.contains_key(other));
        Some(format!("reports on snapshot {snapshot} from {}", names.list(missing)))
    }
}
