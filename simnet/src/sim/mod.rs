//! The simulated world: one thread, virtual time, every choice from a seed.
//!
//! A [`Sim`] takes the earliest event, lets one process react to it, carries out what the process asked for, and goes on. Virtual
//! time jumps from event to event, so an hour without events costs nothing.

mod effects;
mod faults;
mod liveness;
mod node;
mod script;
mod snapshot;

use crate::cluster::Cluster;
use crate::context::{Context, EffectOf};
use crate::delay::Delay;
use crate::fault::Plan;
use crate::hash::TraceHash;
use crate::hub::{Copies, Hub, Reorder};
use crate::monitor::{Happening, Judgement, Marks, Monitor, Nodes, Violation};
use crate::network::{Kept, Rule};
use crate::node::NodeId;
use crate::process::{Message, Observe, Process};
use crate::queue::{Queue, Rank};
use crate::random::{Purpose, Random};
use crate::record::{Detail, Recorder};
use crate::scenario::Step;
use crate::shrink::{Item, Size};
use crate::tally::Tally;
use crate::time::Time;
use crate::trace::{self, Kind, Trace};
use faults::FaultState;
pub use liveness::waits;
use node::{Deferred, Node, Status, Table};
use script::{Log, Playing};
use serde_json::Value;
use std::collections::{BTreeSet, VecDeque};
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

pub use faults::FaultId;
pub use snapshot::{Clocked, InForce, Link, Network, NodeState, Standing};

/// How many old messages the network keeps for replay.
const OLD_MESSAGES: usize = 256;

/// How many events one run may take. A protocol that answers every message with two would run for ever.
const DEFAULT_EVENT_LIMIT: u64 = 1_000_000_000;

/// Something that a process told the outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told<O> {
    /// When.
    pub at: Time,
    /// Where.
    pub node: NodeId,
    /// What.
    pub output: O,
}

/// Said of a message that no step of a schedule delivers.
const LEFT_OUT: &str = "left out";

enum Event<P: Process> {
    Start {
        node: NodeId,
    },
    Deliver {
        from: NodeId,
        to: NodeId,
        id: u64,
        /// It came while its reader was paused, and has passed the faults of that moment.
        waited: bool,
        message: P::Message,
    },
    Alarm {
        node: NodeId,
        token: u64,
    },
    Synced {
        node: NodeId,
        incarnation: u32,
    },
    FaultBegins {
        fault: usize,
    },
    FaultEnds {
        fault: usize,
    },
}

/// A simulated run of a cluster.
///
/// ```
/// # use simnet::{Cluster, Context, Message, NodeId, Process, Sim};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
/// # struct Ping;
/// # impl Message for Ping { fn name(&self) -> &'static str { "Ping" } }
/// # #[derive(Clone, PartialEq, Eq, Hash)]
/// # struct Echo;
/// # impl Process for Echo {
/// #     type Message = Ping; type Timer = (); type Output = ();
/// #     fn receive(&mut self, from: NodeId, ping: Ping, ctx: &mut Context<'_, Self>) { ctx.send(from, ping) }
/// # }
/// use simnet::fault::{Fault, Plan};
/// use simnet::{Chance, Delay, hub};
/// use std::time::Duration;
///
/// let mut cluster = Cluster::new();
/// let (a, b) = (cluster.node("a", || Echo), cluster.node("b", || Echo));
/// let ms = Duration::from_millis;
/// let mut sim = Sim::new(42, &cluster)
///     .with_hub(hub::Lossy::new(Chance::percent(1), hub::Reorder::new(Delay::uniform(ms(1), ms(10)))))
///     .with_plan(&Plan::new().during(ms(50), ms(20), Fault::Pause { node: "b".into() }));
/// sim.inject(a, b, Ping);
/// sim.run_for(Duration::from_secs(1));
/// println!("{} messages, hash {}", sim.tally().messages().count, sim.hash());
/// ```
pub struct Sim<P: Process> {
    seed: u64,
    now: Time,
    queue: Queue<Event<P>>,
    nodes: Table<P>,
    hub: Box<dyn Hub<P::Message>>,
    copies: Copies,
    effects: Vec<EffectOf<P>>,
    hash: TraceHash,
    tally: Tally,
    /// Faults of the network in force.
    rules: Vec<Rule<P::Message>>,
    /// All faults that were ever planned.
    faults: Vec<FaultState>,
    /// After the storm: no fault begins or ends any more.
    frozen: bool,
    /// What the hub holds.
    held: Vec<Kept<P::Message>>,
    /// What the network has seen, when a fault may bring it again.
    old: Option<VecDeque<Kept<P::Message>>>,
    network_random: Random,
    fault_random: Random,
    storage_random: Random,
    sync_delay: Delay,
    counts_bytes: bool,
    hashes: bool,
    /// Someone looks at single events: monitors, the recorder, or the keeper of old messages.
    watched: bool,
    next_message: u64,
    next_token: u64,
    /// For each link, the newest message that has arrived: an older one after it was overtaken.
    newest: Vec<u64>,
    outputs: Vec<Told<P::Output>>,
    monitors: Vec<Box<dyn Monitor<P>>>,
    marks: Marks,
    violation: Option<Violation>,
    unknown: Option<String>,
    recorder: Option<Box<Recorder>>,
    view: Option<fn(&P) -> Value>,
    /// The last state recorded, by node.
    seen: Vec<Option<Value>>,
    description: String,
    /// The faults and nodes that are left out of the run, when it is being shortened.
    omitted: BTreeSet<Item>,
    /// The script that the run follows, instead of delays, chance and faults.
    playing: Option<Box<Playing<P::Message>>>,
    /// What the run does, as the steps of a script.
    log: Option<Box<Log>>,
    /// How many effects of the handler under way were carried out.
    performed: u32,
    /// The rule was one that asks for something to happen in the end.
    waited_in_vain: bool,
    /// The node whose handler runs: who is to blame for a panic.
    handling: Option<NodeId>,
    events: u64,
    alarms: u64,
    event_limit: u64,
}

impl<P: Process> Sim<P> {
    /// A run of `cluster` under `seed`. Without further wishes messages take 1 to 10 ms, nothing goes wrong, and syncs take no time.
    pub fn new(seed: u64, cluster: &Cluster<P>) -> Self {
        crate::panics::remember_places();
        let count = cluster.nodes().len();
        let mut queue = Queue::new();
        let mut nodes = Vec::with_capacity(count);
        for (index, (name, make)) in cluster.nodes().iter().enumerate() {
            let id = NodeId(index as u32);
            let mut node = Node::new(name.clone(), make.clone(), Random::new(seed, Purpose::Node(id.0)));
            if node.make.is_some() {
                node.status = Status::Down;
                queue.push_ranked(Rank::Network, 0, Event::Start { node: id });
            }
            nodes.push(node);
        }
        Sim {
            seed,
            now: Time::ZERO,
            queue,
            nodes: Table(nodes),
            hub: Box::new(Reorder::new(Delay::Uniform { min_us: 1_000, max_us: 10_000 })),
            copies: Copies::default(),
            effects: Vec::new(),
            hash: TraceHash::default(),
            tally: Tally::new(count),
            rules: Vec::new(),
            faults: Vec::new(),
            frozen: false,
            held: Vec::new(),
            old: None,
            network_random: Random::new(seed, Purpose::Network),
            fault_random: Random::new(seed, Purpose::Faults),
            storage_random: Random::new(seed, Purpose::Storage),
            sync_delay: Delay::NONE,
            counts_bytes: false,
            hashes: true,
            watched: false,
            next_message: 0,
            next_token: 0,
            newest: vec![0; count * count],
            outputs: Vec::new(),
            monitors: Vec::new(),
            marks: Marks::default(),
            violation: None,
            unknown: None,
            recorder: None,
            view: None,
            seen: vec![None; count],
            description: String::new(),
            omitted: BTreeSet::new(),
            playing: None,
            log: None,
            performed: 0,
            waited_in_vain: false,
            handling: None,
            events: 0,
            alarms: 0,
            event_limit: DEFAULT_EVENT_LIMIT,
        }
    }

    /// Lets `hub` decide what becomes of messages.
    pub fn with_hub(mut self, hub: impl Hub<P::Message> + 'static) -> Self {
        self.hub = Box::new(hub);
        self
    }

    /// Lets the faults of `plan` happen.
    ///
    /// # Panics
    /// When the plan names a node that the cluster does not have.
    pub fn with_plan(mut self, plan: &Plan) -> Self {
        plan.faults.iter().for_each(|scheduled| self.schedule(scheduled.clone()));
        self
    }

    /// Lets syncs take time.
    pub fn with_sync_delay(mut self, delay: Delay) -> Self {
        self.sync_delay = delay;
        self
    }

    /// Checks a rule at each event.
    pub fn with_monitor(mut self, monitor: impl Monitor<P> + 'static) -> Self {
        self.monitors.push(Box::new(monitor));
        self.watched = true;
        self
    }

    /// Counts the bytes of messages, as the live transports encode them.
    pub fn counting_bytes(mut self) -> Self {
        self.counts_bytes = true;
        self
    }

    /// Ends the run with a violation when it takes more than `events` events: a storm of messages feeds itself.
    pub fn with_event_limit(mut self, events: u64) -> Self {
        self.event_limit = events;
        self
    }

    /// Says what the run is, for the header of its trace.
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Records the run when `on`; [`Sim::trace`] has it afterwards.
    pub fn recording(mut self, on: bool) -> Self {
        if on {
            let names: Vec<_> = self.nodes.0.iter().map(|node| node.name.clone()).collect();
            self.recorder = Some(Box::new(Recorder::new(&names)));
            self.watched = true;
        }
        self
    }

    /// Records the state of nodes too, as their [`View`](Observe::View).
    pub fn recording_views(mut self) -> Self
    where
        P: Observe,
    {
        self.view = Some(|process| serde_json::to_value(process.view()).unwrap_or(Value::Null));
        self
    }

    /// Leaves faults and nodes out of the run, to see whether it still breaks its rule.
    pub(crate) fn without(mut self, omitted: &BTreeSet<Item>) -> Self {
        self.omitted = omitted.clone();
        self
    }

    /// Switches the trace hash off, to measure what it costs.
    #[doc(hidden)]
    pub fn without_hash(mut self) -> Self {
        self.hashes = false;
        self
    }

    /// The seed of the run.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Virtual time since the start.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The hash of everything that has happened so far.
    pub fn hash(&self) -> TraceHash {
        self.hash
    }

    /// The counters.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The situations that monitors have recognised.
    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// What the processes told the outside, in order.
    pub fn outputs(&self) -> &[Told<P::Output>] {
        &self.outputs
    }

    /// The rule that was broken; the run does not go on after it.
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// The rule of which it is not known whether the run has kept it, and why: see [`Sim::conclude`].
    pub fn unknown(&self) -> Option<&str> {
        self.unknown.as_deref()
    }

    /// The process on `node`; `None` while the node is down.
    pub fn process(&self, node: NodeId) -> Option<&P> {
        self.nodes.process(node)
    }

    /// The name of `node`.
    pub fn name(&self, node: NodeId) -> &str {
        self.nodes.name(node)
    }

    /// Whether `node` has a process that reacts, now or after a pause.
    pub fn is_up(&self, node: NodeId) -> bool {
        self.nodes.0[node.index()].process.is_some()
    }

    /// What has come to an outsider.
    pub fn mailbox(&self, outsider: NodeId) -> &[(NodeId, P::Message)] {
        &self.nodes.0[outsider.index()].mailbox
    }

    /// How many events the run has taken.
    pub fn events(&self) -> u64 {
        self.events
    }

    pub(crate) fn size(&self) -> Size {
        let faults = self.faults.iter().filter(|fault| fault.fired > 0).count();
        Size { faults, messages: self.tally.delivered, alarms: self.alarms, events: self.events }
    }

    pub(crate) fn waited_in_vain(&self) -> bool {
        self.waited_in_vain
    }

    pub(crate) fn fault_count(&self) -> usize {
        self.faults.len()
    }

    pub(crate) fn node_count(&self) -> usize {
        self.nodes.0.len()
    }

    pub(crate) fn node_names(&self) -> impl Iterator<Item = &trace::Name> {
        self.nodes.0.iter().map(|node| &node.name)
    }

    /// What the run has done, as the steps of a script, when it was kept.
    pub(crate) fn logged(&mut self) -> Vec<Step> {
        self.log.as_mut().map(|log| std::mem::take(&mut log.steps)).unwrap_or_default()
    }

    /// Whether this is left out of the run.
    fn omits(&self, item: impl FnOnce() -> Item) -> bool {
        !self.omitted.is_empty() && self.omitted.contains(&item())
    }

    /// The run as a trace; `None` when it was not recorded.
    pub fn trace(&self, lab: &str) -> Option<Trace> {
        let recorder = self.recorder.as_ref()?;
        let header = trace::Header {
            simnet_trace: trace::VERSION,
            lab: lab.to_string(),
            commit: crate::trace::commit(),
            seed: self.seed,
            world: "sim".to_string(),
            nodes: self.nodes.0.iter().map(|node| node.name.clone()).collect(),
            run: self.description.clone(),
        };
        let mut events = recorder.events.clone();
        // What no step has delivered is still in the picture: that it was sent may be what binds its sender.
        let left = self.left_in_flight();
        // With a broken rule the run ends: nothing was left out that was sent in that moment.
        let end_us = if self.violation.is_some() { self.now.0 } else { u64::MAX };
        for event in events.iter_mut().filter(|event| event.kind == Kind::Send && event.at < end_us) {
            if event.id.is_some_and(|id| left.contains(&id)) {
                event.why = Some(LEFT_OUT.to_string());
            }
        }
        Some(Trace { header, events })
    }

    /// Sends a message as `from`, now: a request of a client, or whatever a test plays.
    pub fn inject(&mut self, from: NodeId, to: NodeId, message: P::Message) {
        self.start_first();
        if self.log.is_some() {
            self.log_send(from, to, &message);
        }
        if self.playing.is_none() || self.script_sends(from, to, &message) {
            self.transmit(from, to, message);
        }
    }

    /// Breaks a rule by hand: what a test has found wrong becomes the run's violation, unless there is one.
    pub fn violate(&mut self, violation: Violation) {
        if self.violation.is_some() {
            return;
        }
        let body = serde_json::json!({ "expected": violation.expected, "got": violation.got });
        let why = Some(violation.rule.clone());
        self.record(Kind::Violation, self.handling, Detail { body: Some(body), why, ..Detail::default() });
        self.violation = Some(violation);
    }

    /// Takes over what was found of a rule at the end of the run. What is unknown is neither held nor broken, and is told as such.
    pub fn conclude(&mut self, found: Judgement) {
        match found {
            Judgement::Held => {}
            Judgement::Broken(violation) => self.violate(violation),
            Judgement::Unknown(what) => self.unknown = self.unknown.take().or(Some(what)),
        }
    }

    /// Runs for `length` of virtual time, or until a rule is broken.
    pub fn run_for(&mut self, length: Duration) {
        self.run_until(length, |_| false);
    }

    /// Runs until `done`, for at most `within` of virtual time, or until a rule is broken. Returns whether it is done.
    ///
    /// `done` is asked before the first event and after each.
    pub fn run_until(&mut self, within: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let deadline = self.now + within;
        // One guard around the whole loop: around each handler it would cost, and the loop ends with the first panic anyway.
        let run = catch_unwind(AssertUnwindSafe(|| self.run_to(deadline, &mut done)));
        match run {
            Ok(done) => done,
            Err(panic) => {
                let Some(node) = self.handling else { resume_unwind(panic) };
                let violation = crate::panics::violation(self.name(node), &*panic);
                self.violate(violation);
                self.handling = None;
                false
            }
        }
    }

    fn run_to(&mut self, deadline: Time, done: &mut impl FnMut(&Self) -> bool) -> bool {
        if self.playing.is_some() {
            return self.play_to(deadline, done);
        }
        loop {
            if self.violation.is_some() {
                return false;
            }
            if done(self) {
                return true;
            }
            match self.queue.next_us() {
                Some(at_us) if at_us <= deadline.0 => self.step(),
                _ => {
                    self.now = deadline;
                    return false;
                }
            }
        }
    }

    /// Nodes start before anything is sent to them, also when a test sends before it runs.
    fn start_first(&mut self) {
        if self.events == 0 {
            let starts = self.nodes.0.iter().filter(|node| node.make.is_some()).count() as u64;
            self.run_until(Duration::ZERO, |sim| sim.events >= starts);
        }
    }

    fn step(&mut self) {
        let Some((at_us, event)) = self.queue.pop() else { return };
        debug_assert!(at_us >= self.now.0, "time does not run backwards");
        self.now = Time(at_us);
        self.events += 1;
        match event {
            Event::Deliver { from, to, id, waited, message } => self.deliver(from, to, id, waited, message),
            Event::Alarm { node, token } => self.alarm(node, token),
            Event::Start { node } => self.start(node, Kind::Start),
            Event::Synced { node, incarnation } => {
                if self.nodes.0[node.index()].incarnation == incarnation {
                    self.synced(node);
                }
            }
            Event::FaultBegins { fault } => self.fault_begins(fault),
            Event::FaultEnds { fault } => self.fault_ends(fault),
        }
        if self.events >= self.event_limit {
            self.violate(Violation::new(
                "a run ends",
                format!("at most {} events", self.event_limit),
                format!("{} events within {} of virtual time, and more to come", self.events, self.now),
            ));
        }
    }

    fn start(&mut self, id: NodeId, kind: Kind) {
        if self.omits(|| Item::Node(id)) {
            return;
        }
        let node = &mut self.nodes.0[id.index()];
        let Some(make) = &node.make else { return };
        node.process = Some(make());
        node.status = Status::Up;
        node.incarnation += 1;
        node.down_by = None;
        if self.log.is_some() {
            self.log_start(id, kind);
        }
        self.mark(kind, id, id);
        self.record(kind, Some(id), Detail::default());
        self.handle(id, |process, ctx| process.start(ctx));
        if kind == Kind::Restart {
            self.happens(Happening::Restarted { node: id });
        }
    }

    fn deliver(&mut self, from: NodeId, to: NodeId, id: u64, waited: bool, message: P::Message) {
        let status = self.nodes.0[to.index()].status;
        if status == Status::Down {
            return self.lose(from, to, id, &message, to, "the reader is down");
        }
        // A message arrives at a paused node as at any other, and waits behind the network: what begins later does not reach it.
        if !self.rules.is_empty() && from != to && !waited && self.lost_at_reader(from, to, id, &message) {
            return;
        }
        if status == Status::Paused {
            return self.nodes.0[to.index()].inbox.push_back(Deferred::Message { from, id, message });
        }
        if self.hashes {
            self.hash.word(self.now.0);
            self.hash.word(event_word(Kind::Deliver, to, from));
            self.hash.word(id);
        }
        if self.log.is_some() {
            self.log_delivery(from, to, id, &message);
        }
        self.tally.delivered += 1;
        let newest = &mut self.newest[from.index() * self.nodes.0.len() + to.index()];
        if id < *newest {
            self.tally.fault("reorder");
        } else {
            *newest = id;
        }
        if self.watched {
            self.watch_delivery(from, to, id, &message);
            if self.violation.is_some() {
                return;
            }
        }
        if self.nodes.0[to.index()].status == Status::Outsider {
            return self.nodes.0[to.index()].mailbox.push((from, message));
        }
        self.handle(to, |process, ctx| process.receive(from, message, ctx));
    }

    #[cold]
    fn watch_delivery(&mut self, from: NodeId, to: NodeId, id: u64, message: &P::Message) {
        self.record(
            Kind::Deliver,
            Some(to),
            Detail { peer: Some(from), id: Some(id), name: Some(message.name()), ..Detail::default() },
        );
        self.happens(Happening::Delivered { from, to, message });
    }

    fn alarm(&mut self, id: NodeId, token: u64) {
        let node = &mut self.nodes.0[id.index()];
        let Some(place) = node.alarms.iter().position(|alarm| alarm.token == token) else { return };
        if node.status == Status::Paused {
            return node.inbox.push_back(Deferred::Alarm { token });
        }
        self.goes_off(id, place);
    }

    /// The alarm at this place of the node's list goes off.
    fn goes_off(&mut self, id: NodeId, place: usize) {
        let timer = self.nodes.0[id.index()].alarms.remove(place).timer;
        if self.log.is_some() {
            self.log_alarm(id, &timer);
        }
        self.alarms += 1;
        self.mark(Kind::Timer, id, id);
        if self.hashes {
            timer.hash(&mut self.hash);
        }
        if self.recorder.is_some() {
            let name = format!("{timer:?}");
            self.record(Kind::Timer, Some(id), Detail { name: Some(&name), ..Detail::default() });
        }
        self.handle(id, |process, ctx| process.alarm(timer, ctx));
    }

    /// Lets the process on `id` react, and carries out what it asks for.
    #[inline]
    fn handle(&mut self, id: NodeId, react: impl FnOnce(&mut P, &mut Context<'_, P>)) {
        let node = &mut self.nodes.0[id.index()];
        let Some(process) = node.process.as_mut() else { return };
        self.handling = Some(id);
        let now = node.clock.read(self.now);
        let mut ctx = Context::new(id, now, &mut node.random, &mut node.disk.contents, &mut self.effects);
        react(process, &mut ctx);
        if self.watched {
            self.record_state(id);
            self.happens(Happening::Handled { node: id });
        }
        self.perform(id);
        self.handling = None;
    }

    /// Shows the monitors what happens.
    fn happens(&mut self, happening: Happening<'_, P>) {
        if self.violation.is_some() {
            return;
        }
        for index in 0..self.monitors.len() {
            let checked = self.monitors[index].check(self.now, &happening, &self.nodes, &mut self.marks);
            if let Err(violation) = checked {
                return self.violate(violation);
            }
        }
    }

    /// Takes an event of a node into the hash.
    fn mark(&mut self, kind: Kind, node: NodeId, peer: NodeId) {
        if self.hashes {
            self.hash.word(self.now.0);
            self.hash.word(event_word(kind, node, peer));
        }
    }

    fn record(&mut self, kind: Kind, node: Option<NodeId>, detail: Detail<'_>) {
        if let Some(recorder) = &mut self.recorder {
            recorder.event(self.now.0, kind, node, detail);
        }
    }

    /// Records the state of a node when it is another than before.
    fn record_state(&mut self, id: NodeId) {
        let (Some(view), Some(_)) = (self.view, &self.recorder) else { return };
        let state = self.nodes.process(id).map(view);
        if state != self.seen[id.index()] {
            self.seen[id.index()] = state.clone();
            self.record(Kind::State, Some(id), Detail { body: state, ..Detail::default() });
        }
    }
}

fn hash_of(process: &impl Hash) -> u64 {
    let mut hash = TraceHash::default();
    process.hash(&mut hash);
    hash.value()
}

/// Kind, node and peer of an event in one word.
#[inline]
fn event_word(kind: Kind, node: NodeId, peer: NodeId) -> u64 {
    (kind as u64) << 56 | u64::from(node.0) << 28 | u64::from(peer.0)
}
