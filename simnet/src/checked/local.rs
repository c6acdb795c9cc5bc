//! One node alone: how it reacts to one thing, which is all that a step of the cluster is.
//!
//! A reaction depends on the node's own state and on what it reacts to, and on nothing else in the cluster. So each is worked out once.

use super::Within;
use super::script::Script;
use super::symmetry::{Renamer, Renamings};
use super::table::{Known, Table, UNBROKEN, hash_of};
use crate::cluster::{Cluster, Factory};
use crate::context::{Context, Effect, EffectOf};
use crate::hash::TraceHash;
use crate::monitor::Violation;
use crate::node::NodeId;
use crate::panics;
use crate::process::Process;
use crate::random::{Purpose, Random};
use crate::storage::{Disk, DiskFate};
use crate::time::Time;
use crate::trace::{Kind, Name};
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, RwLock};

/// A node: its process, its disk, and the alarms that are set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct NodeState<P: Process> {
    pub process: Option<P>,
    pub disk: Disk,
    pub alarms: Vec<P::Timer>,
}

impl<P: Process> NodeState<P> {
    /// The order in which alarms were set makes no difference.
    pub fn sort_alarms(&mut self) {
        self.alarms.sort_by_cached_key(hash_of);
    }
}

/// A message that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Envelope<M> {
    pub from: NodeId,
    pub to: NodeId,
    pub message: M,
}

impl<M> Envelope<M> {
    /// From where to where.
    pub fn link(&self) -> (NodeId, NodeId) {
        (self.from, self.to)
    }
}

/// What a node reacts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Cause {
    Start,
    /// The message of this number.
    Deliver(u32),
    /// The alarm at this place of the node's list.
    Alarm(u32),
    /// A crash while the node waits.
    Crash,
}

/// The same, as a value.
#[derive(Clone)]
enum Stimulus<P: Process> {
    Start,
    Deliver(Envelope<P::Message>),
    Alarm(P::Timer),
    Crash,
}

/// A crash within, or instead of, a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Crash {
    /// How many effects of the handler are still carried out.
    after_effects: usize,
    /// How many of the writes not yet synced are kept, oldest first.
    kept_writes: usize,
}

/// Something that happens during a reaction, in order. `E` is how messages are held.
pub(super) enum Event<P: Process, E> {
    Begins(Kind),
    Delivered(E),
    Fired(String),
    /// A handler has run; this is the process from now on.
    Handled(P),
    Sent(E),
    Output(P::Output),
    Wrote(String),
    Synced,
    Noted(Box<str>),
    Crashed(String),
    Restarted,
}

/// A message, as states know it.
pub(super) type Sealed<P> = Arc<Known<Envelope<<P as Process>::Message>>>;

/// One reaction of one node.
pub(super) struct Reaction<P: Process> {
    pub number: u32,
    pub node: NodeId,
    pub begin: Arc<Known<NodeState<P>>>,
    pub end: Arc<Known<NodeState<P>>>,
    pub delivered: Option<Sealed<P>>,
    /// What was sent, each message once.
    pub sent: Vec<Sealed<P>>,
    pub crashes: bool,
    /// The process gets outside of the question's bounds.
    pub leaves: bool,
    pub events: Vec<Event<P, Sealed<P>>>,
    pub panic: Option<Violation>,
}

/// How a node may react to one thing: every outcome of its random choices, and a crash at every place.
pub(super) struct Reactions<P: Process> {
    pub calm: Vec<Arc<Reaction<P>>>,
    pub crashed: Vec<Arc<Reaction<P>>>,
    /// Set when they were compared with those of renamed nodes.
    is_compared: OnceLock<()>,
}

/// One run of a handler, and of a restart after it.
struct Run<P: Process> {
    end: NodeState<P>,
    events: Vec<Event<P, Envelope<P::Message>>>,
    asked: Vec<Asked>,
    panic: Option<Violation>,
    crashes: bool,
}

/// What a handler asked for, as far as a crash in between makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Send,
    Output,
    Write,
    Sync,
    /// An alarm, which dies with the process, or a note.
    Nothing,
}

impl Asked {
    fn of<M, T, O>(effect: &Effect<M, T, O>) -> Self {
        match effect {
            Effect::Send { .. } => Asked::Send,
            Effect::Output(_) => Asked::Output,
            Effect::Write(_) => Asked::Write,
            Effect::Sync => Asked::Sync,
            Effect::SetTimer { .. } | Effect::CancelTimer(_) | Effect::Note(_) => Asked::Nothing,
        }
    }
}

/// The crashes within a handler that differ from one before it and from one after it. None is between two messages: a crash there is
/// one after both, with the second lost.
fn crashes_within(asked: &[Asked], mut unsynced: usize) -> Vec<Crash> {
    let mut crashes = Vec::new();
    for (index, asked_for) in asked.iter().enumerate() {
        match asked_for {
            Asked::Write => unsynced += 1,
            Asked::Sync => unsynced = 0,
            Asked::Send | Asked::Output => {}
            Asked::Nothing => continue,
        }
        let next = asked[index + 1..].iter().find(|later| **later != Asked::Nothing);
        let differs = match next {
            None => false,
            Some(next) => (asked_for, next) != (&Asked::Send, &Asked::Send),
        };
        if differs {
            crashes.extend((0..=unsynced).map(|kept_writes| Crash { after_effects: index + 1, kept_writes }));
        }
    }
    crashes
}

/// The reactions known by node, its state, and what it reacts to. They are looked up and never listed, so their order is nothing.
#[allow(
    clippy::disallowed_types,
    reason = "a search looks up a thousand reactions a millisecond; nothing depends on the order"
)]
type Memo<P> = std::collections::HashMap<(u32, u32, Cause), Arc<Reactions<P>>, BuildHasherDefault<TraceHash>>;

/// The nodes of a cluster, each by itself.
pub(super) struct Machine<P: Process> {
    names: Vec<Name>,
    factories: Vec<Option<Factory<P>>>,
    may_crash: Vec<bool>,
    within: Arc<Within<P>>,
    pub nodes: Table<NodeState<P>>,
    pub envelopes: Table<Envelope<P::Message>>,
    pub renamings: Renamings,
    renamer: Option<Arc<dyn Renamer<P>>>,
    memo: RwLock<Memo<P>>,
    reactions: AtomicU32,
    /// Why the cluster is not as symmetric as it was said to be.
    pub asymmetry: OnceLock<String>,
}

impl<P: Process> Machine<P> {
    pub fn new(
        cluster: &Cluster<P>,
        may_crash: &[NodeId],
        within: Arc<Within<P>>,
        groups: &[Vec<NodeId>],
        renamer: Option<Arc<dyn Renamer<P>>>,
    ) -> Self {
        panics::remember_places();
        let count = cluster.nodes().len();
        Machine {
            names: cluster.names().cloned().collect(),
            factories: cluster.nodes().iter().map(|(_, make)| make.clone()).collect(),
            may_crash: (0..count).map(|index| may_crash.contains(&NodeId(index as u32))).collect(),
            within,
            nodes: Table::new(),
            envelopes: Table::new(),
            renamings: Renamings::new(count, if renamer.is_some() { groups } else { &[] }),
            renamer,
            memo: RwLock::new(Memo::default()),
            reactions: AtomicU32::new(0),
            asymmetry: OnceLock::new(),
        }
    }

    pub fn names(&self) -> &[Name] {
        &self.names
    }

    /// Whether `node` has a process, now or before its start.
    pub fn has_process(&self, node: NodeId) -> bool {
        self.factories.get(node.index()).is_some_and(Option::is_some)
    }

    /// A node before its start.
    pub fn unborn(&self) -> Arc<Known<NodeState<P>>> {
        self.enter_node(NodeState { process: None, disk: Disk::default(), alarms: Vec::new() })
    }

    fn enter_node(&self, node: NodeState<P>) -> Arc<Known<NodeState<P>>> {
        let renamed = |node: &NodeState<P>, index| {
            let renamer = self.renamer.as_ref().expect("without a renamer there is one renaming");
            hash_of(&renamer.node(node, self.renamings.get(index)))
        };
        self.nodes.enter(node, renamed, &self.renamings)
    }

    pub fn enter_envelope(&self, envelope: Envelope<P::Message>) -> Sealed<P> {
        let renamed = |envelope: &Envelope<P::Message>, index| {
            let renamer = self.renamer.as_ref().expect("without a renamer there is one renaming");
            hash_of(&renamer.envelope(envelope, self.renamings.get(index)))
        };
        self.envelopes.enter(envelope, renamed, &self.renamings)
    }

    /// How `node`, in the state of this number, may react.
    pub fn reactions(&self, node: NodeId, state: u32, cause: Cause) -> Arc<Reactions<P>> {
        let key = (node.0, state, cause);
        if let Some(known) = self.memo.read().expect(UNBROKEN).get(&key) {
            return known.clone();
        }
        let begin = self.nodes.get(state);
        let delivered = match cause {
            Cause::Deliver(number) => Some(self.envelopes.get(number)),
            _ => None,
        };
        let stimulus = self.stimulus(&begin.value, cause);
        let mut reactions = Reactions { calm: Vec::new(), crashed: Vec::new(), is_compared: OnceLock::new() };
        for run in self.runs(node, &begin.value, &stimulus) {
            let crashes = run.crashes;
            let reaction = Arc::new(self.reaction(node, begin.clone(), delivered.clone(), run));
            if crashes { &mut reactions.crashed } else { &mut reactions.calm }.push(reaction);
        }
        // Another thread may have been faster: then its reactions count, and their numbers.
        self.memo.write().expect(UNBROKEN).entry(key).or_insert(Arc::new(reactions)).clone()
    }

    fn stimulus(&self, begin: &NodeState<P>, cause: Cause) -> Stimulus<P> {
        match cause {
            Cause::Start => Stimulus::Start,
            Cause::Deliver(number) => Stimulus::Deliver(self.envelopes.get(number).value.clone()),
            Cause::Alarm(place) => Stimulus::Alarm(begin.alarms[place as usize].clone()),
            Cause::Crash => Stimulus::Crash,
        }
    }

    /// The same, where the search uses them: then the claim of symmetry rests on them, and it is checked. (A node explored alone gets into
    /// states that it never has among others; there it need not be symmetric.)
    pub fn reactions_in_search(&self, node: NodeId, state: u32, cause: Cause) -> Arc<Reactions<P>> {
        let reactions = self.reactions(node, state, cause);
        if let Some(renamer) = &self.renamer
            && reactions.is_compared.set(()).is_ok()
        {
            let begin = self.nodes.get(state);
            let stimulus = self.stimulus(&begin.value, cause);
            self.compare_with_renamed(&**renamer, node, &begin.value, &stimulus, &reactions);
        }
        reactions
    }

    /// A message from outside leaves, as if `envelope.from` had sent it.
    pub fn request(&self, envelope: Envelope<P::Message>, state: u32) -> Arc<Reaction<P>> {
        let begin = self.nodes.get(state);
        let run = Run {
            end: begin.value.clone(),
            events: vec![Event::Sent(envelope.clone())],
            asked: Vec::new(),
            panic: None,
            crashes: false,
        };
        Arc::new(self.reaction(envelope.from, begin, None, run))
    }

    fn reaction(
        &self,
        node: NodeId,
        begin: Arc<Known<NodeState<P>>>,
        delivered: Option<Sealed<P>>,
        run: Run<P>,
    ) -> Reaction<P> {
        // Also when a crash comes at once: else the bound would not hold for what is on the disk.
        let leaves = run
            .events
            .iter()
            .any(|event| matches!(event, Event::Handled(process) if !(self.within)(process)));
        let events: Vec<Event<P, Sealed<P>>> = run
            .events
            .into_iter()
            .map(|event| event.held_as(|envelope| self.enter_envelope(envelope)))
            .collect();
        let mut sent: Vec<Sealed<P>> = Vec::new();
        for event in &events {
            if let Event::Sent(sealed) = event
                && sent.iter().all(|other| other.number != sealed.number)
            {
                sent.push(sealed.clone());
            }
        }
        Reaction {
            number: self.reactions.fetch_add(1, Ordering::Relaxed),
            node,
            begin,
            end: self.enter_node(run.end),
            delivered,
            sent,
            crashes: run.crashes,
            leaves,
            events,
            panic: run.panic,
        }
    }

    /// All runs: every outcome of the random choices, and, where the node may crash, a crash at every place.
    fn runs(&self, node: NodeId, begin: &NodeState<P>, stimulus: &Stimulus<P>) -> Vec<Run<P>> {
        let mut runs = Vec::new();
        let may_crash = self.may_crash[node.index()];
        if matches!(stimulus, Stimulus::Crash) {
            if may_crash && begin.process.is_some() {
                for kept_writes in 0..=begin.disk.unsynced_writes() {
                    let crash = Crash { after_effects: 0, kept_writes };
                    self.each_choice(
                        Vec::new(),
                        |script| self.run(node, begin, stimulus, Some(crash), script),
                        |_, run| {
                            runs.push(run);
                        },
                    );
                }
            }
            return runs;
        }
        let mut calm = Vec::new();
        self.each_choice(
            Vec::new(),
            |script| self.run(node, begin, stimulus, None, script),
            |choices, run| {
                calm.push((choices, run));
            },
        );
        for (choices, run) in calm {
            if may_crash && !matches!(stimulus, Stimulus::Start) {
                for crash in crashes_within(&run.asked, begin.disk.unsynced_writes()) {
                    // The same choices, up to the crash; those of the restart are all tried.
                    self.each_choice(
                        choices.clone(),
                        |script| self.run(node, begin, stimulus, Some(crash), script),
                        |_, run| runs.push(run),
                    );
                }
            }
            let is_for_nothing = run.panic.is_none() && run.asked.is_empty() && run.end == *begin;
            if !is_for_nothing {
                runs.push(run);
            }
        }
        runs
    }

    /// Runs once for each outcome of the choices that follow the `first` ones.
    fn each_choice(
        &self,
        first: Vec<u64>,
        run: impl Fn(&mut Script) -> Run<P>,
        mut take: impl FnMut(Vec<u64>, Run<P>),
    ) {
        let mut open = vec![first];
        while let Some(choices) = open.pop() {
            let mut script = Script::new(choices);
            let run = run(&mut script);
            take(script.whole(&mut open), run);
        }
    }

    fn run(
        &self,
        node: NodeId,
        begin: &NodeState<P>,
        stimulus: &Stimulus<P>,
        crash: Option<Crash>,
        script: &mut Script,
    ) -> Run<P> {
        let mut run = Run {
            end: begin.clone(),
            events: Vec::new(),
            asked: Vec::new(),
            panic: None,
            crashes: crash.is_some(),
        };
        let performed = crash.map(|crash| crash.after_effects);
        match stimulus.clone() {
            Stimulus::Start => self.start(node, Kind::Start, script, &mut run),
            Stimulus::Deliver(envelope) => {
                run.events.push(Event::Delivered(envelope.clone()));
                let Envelope { from, message, .. } = envelope;
                self.handle(node, performed, script, &mut run, |process, ctx| {
                    process.receive(from, message, ctx)
                });
            }
            Stimulus::Alarm(timer) => {
                run.end.alarms.retain(|other| *other != timer);
                run.events.push(Event::Fired(format!("{timer:?}")));
                self.handle(node, performed, script, &mut run, |process, ctx| process.alarm(timer, ctx));
            }
            Stimulus::Crash => {}
        }
        if let (Some(crash), None) = (crash, &run.panic) {
            self.crash(node, crash, script, &mut run);
        }
        run.end.disk.forget_counts();
        run.end.sort_alarms();
        run
    }

    fn start(&self, node: NodeId, kind: Kind, script: &mut Script, run: &mut Run<P>) {
        let Some(make) = &self.factories[node.index()] else { return };
        run.end.process = Some(make());
        run.events.push(Event::Begins(kind));
        self.handle(node, None, script, run, |process, ctx| process.start(ctx));
        if kind == Kind::Restart && run.panic.is_none() {
            run.events.push(Event::Restarted);
        }
    }

    /// Lets the process react, and carries out what it asks for, all of it or only so many effects.
    fn handle(
        &self,
        id: NodeId,
        performed: Option<usize>,
        script: &mut Script,
        run: &mut Run<P>,
        react: impl FnOnce(&mut P, &mut Context<'_, P>),
    ) {
        let node = &mut run.end;
        let Some(process) = &mut node.process else { return };
        let mut effects: Vec<EffectOf<P>> = Vec::new();
        let contents = &mut node.disk.contents;
        let ran = panics::quietly(|| {
            react(process, &mut Context::new(id, Time::ZERO, script, contents, &mut effects));
        });
        if let Err(panic) = ran {
            run.panic = Some(panics::violation(&self.names[id.index()], &*panic));
            return;
        }
        run.events.push(Event::Handled(process.clone()));
        run.asked.extend(effects.iter().map(Asked::of));
        let performed = performed.unwrap_or(effects.len());
        for effect in effects.into_iter().take(performed) {
            match effect {
                Effect::Send { to, message } => {
                    run.events.push(Event::Sent(Envelope { from: id, to, message }))
                }
                Effect::SetTimer { timer, .. } => {
                    if !node.alarms.contains(&timer) {
                        node.alarms.push(timer);
                    }
                }
                Effect::CancelTimer(timer) => node.alarms.retain(|other| *other != timer),
                Effect::Write(write) => {
                    run.events.push(Event::Wrote(write.target().to_string()));
                    node.disk.write(*write);
                }
                Effect::Sync => {
                    let point = node.disk.sync_point();
                    node.disk.synced(point);
                    run.events.push(Event::Synced);
                }
                Effect::Output(output) => run.events.push(Event::Output(output)),
                Effect::Note(note) => run.events.push(Event::Noted(note)),
            }
        }
    }

    fn crash(&self, node: NodeId, crash: Crash, script: &mut Script, run: &mut Run<P>) {
        run.end.process = None;
        run.end.alarms.clear();
        run.end.disk.keep_unsynced(crash.kept_writes);
        run.end.disk.crash(DiskFate::LoseUnsynced, &mut Random::new(0, Purpose::Faults));
        run.events.push(Event::Crashed(match crash.kept_writes {
            0 => DiskFate::LoseUnsynced.to_string(),
            kept => format!("{kept} unsynced writes kept, the others lost"),
        }));
        self.start(node, Kind::Restart, script, run);
    }

    /// Symmetry is claimed by the lab, and checked here for every reaction that the search meets: a node that reacts and is then renamed is
    /// as one that was renamed first. Else the claim is given up.
    fn compare_with_renamed(
        &self,
        renamer: &dyn Renamer<P>,
        node: NodeId,
        begin: &NodeState<P>,
        stimulus: &Stimulus<P>,
        reactions: &Reactions<P>,
    ) {
        for (index, renaming) in self.renamings.iter().enumerate().skip(1) {
            let renamed_stimulus = match stimulus {
                Stimulus::Start => Stimulus::Start,
                Stimulus::Deliver(envelope) => Stimulus::Deliver(renamer.envelope(envelope, renaming)),
                Stimulus::Alarm(timer) => Stimulus::Alarm(renamer.timer(timer, renaming)),
                Stimulus::Crash => Stimulus::Crash,
            };
            let renamed_node = renaming.of(node);
            let after = self.runs(renamed_node, &renamer.node(begin, renaming), &renamed_stimulus);
            let mut renamed_then_run: Vec<Outcome> = after.iter().map(Outcome::of_run).collect();
            let all = reactions.calm.iter().chain(&reactions.crashed);
            let mut run_then_renamed: Vec<Outcome> =
                all.map(|reaction| Outcome::of_renamed(reaction, index)).collect();
            renamed_then_run.sort_unstable();
            run_then_renamed.sort_unstable();
            if renamed_then_run != run_then_renamed {
                let what = match stimulus {
                    Stimulus::Start => "its start".to_string(),
                    Stimulus::Deliver(envelope) => {
                        format!("{:?} from {}", envelope.message, self.name(envelope.from))
                    }
                    Stimulus::Alarm(timer) => format!("the alarm {timer:?}"),
                    Stimulus::Crash => "a crash".to_string(),
                };
                let names: Vec<String> = self
                    .renamings
                    .get(index)
                    .changed()
                    .map(|(from, to)| format!("{} for {}", self.name(to), self.name(from)))
                    .collect();
                let _ = self.asymmetry.set(format!(
                    "{} reacts differently to {what} with {}",
                    self.name(node),
                    names.join(", ")
                ));
                return;
            }
        }
    }

    fn name(&self, node: NodeId) -> &str {
        &self.names[node.index()]
    }
}

/// What a run comes to, up to the order of messages within it: that makes no difference, as they arrive in any order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Outcome {
    end: u64,
    sent: Vec<u64>,
    outputs: usize,
    crashes: bool,
    panics: bool,
}

impl Outcome {
    fn of_run<P: Process>(run: &Run<P>) -> Self {
        let sent = run.events.iter().filter_map(|event| match event {
            Event::Sent(envelope) => Some(hash_of(envelope)),
            _ => None,
        });
        Outcome::new(hash_of(&run.end), sent, &run.events, run.crashes, run.panic.is_some())
    }

    fn of_renamed<P: Process>(reaction: &Reaction<P>, renaming: usize) -> Self {
        let sent = reaction.sent.iter().map(|sealed| sealed.hashes[renaming]);
        Outcome::new(
            reaction.end.hashes[renaming],
            sent,
            &reaction.events,
            reaction.crashes,
            reaction.panic.is_some(),
        )
    }

    fn new<P: Process, E>(
        end: u64,
        sent: impl Iterator<Item = u64>,
        events: &[Event<P, E>],
        crashes: bool,
        panics: bool,
    ) -> Self {
        let mut sent: Vec<u64> = sent.collect();
        sent.sort_unstable();
        sent.dedup();
        let outputs = events.iter().filter(|event| matches!(event, Event::Output(_))).count();
        // After a panic nothing counts but the panic.
        Outcome { end: if panics { 0 } else { end }, sent, outputs, crashes, panics }
    }
}

impl<P: Process, E> Event<P, E> {
    fn held_as<F>(self, hold: impl FnOnce(E) -> F) -> Event<P, F> {
        match self {
            Event::Delivered(envelope) => Event::Delivered(hold(envelope)),
            Event::Sent(envelope) => Event::Sent(hold(envelope)),
            Event::Begins(kind) => Event::Begins(kind),
            Event::Fired(timer) => Event::Fired(timer),
            Event::Handled(process) => Event::Handled(process),
            Event::Output(output) => Event::Output(output),
            Event::Wrote(what) => Event::Wrote(what),
            Event::Synced => Event::Synced,
            Event::Noted(note) => Event::Noted(note),
            Event::Crashed(why) => Event::Crashed(why),
            Event::Restarted => Event::Restarted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(asked: &[Asked]) -> Vec<(usize, usize)> {
        crashes_within(asked, 0).into_iter().map(|crash| (crash.after_effects, crash.kept_writes)).collect()
    }

    #[test]
    fn a_crash_is_tried_where_it_makes_a_difference() {
        use Asked::{Nothing, Output, Send, Sync, Write};
        // After the write, kept or lost; after the sync; not between the messages, and not after the last of them.
        assert_eq!(places(&[Write, Sync, Send, Send, Nothing]), [(1, 0), (1, 1), (2, 0)]);
        // Sent before the write: after the messages, and not between them.
        assert_eq!(places(&[Send, Nothing, Send, Write, Sync]), [(3, 0), (4, 0), (4, 1)]);
        assert_eq!(places(&[Send, Output, Send]), [(1, 0), (2, 0)]);
        assert_eq!(places(&[Send]), []);
        assert_eq!(places(&[]), []);
    }
}
