//! The transitions: which steps a state allows, and where each leads.

use super::script::{Script, branches};
use super::state::{Broken, Envelope, Hashed, Letter, NodeState, State, View};
use super::{Duplicates, Question};
use crate::cluster::Factory;
use crate::context::{Context, Effect, EffectOf};
use crate::monitor::{Happening, Marks, Monitor, Violation};
use crate::node::NodeId;
use crate::panics;
use crate::process::{Message, Observe, Process};
use crate::random::{Purpose, Random};
use crate::record::{Detail, Recorder, body_of};
use crate::storage::{Disk, DiskFate};
use crate::time::Time;
use crate::trace::{self, Kind, Name, Trace};
use stateright::{Model, Property};
use std::collections::BTreeMap;
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The one property that is checked: monitors and assertions know the rules.
pub(super) const BROKEN: &str = "no rule is broken";

/// What a node reacts to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Cause {
    /// The message at this place of the network.
    Deliver(usize),
    /// The alarm at this place of the node's list.
    Alarm(NodeId, usize),
    /// Nothing: the node crashes while it waits.
    Idle(NodeId),
}

/// A crash within, or instead of, a handler.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Crash {
    /// How many effects of the handler are still carried out.
    pub after_effects: usize,
    /// How many of the writes not yet synced are kept, oldest first.
    pub kept_writes: usize,
}

/// One step of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Step {
    pub cause: Cause,
    /// The outcomes of the handler's random choices.
    pub choices: Vec<u64>,
    pub crash: Option<Crash>,
}

/// A step, and the state it leads to: to list the steps, the handlers must run anyway.
pub(super) struct Taken<P: Process, M> {
    pub step: Step,
    next: Arc<State<P, M>>,
}

impl<P: Process, M> Clone for Taken<P, M> {
    fn clone(&self) -> Self {
        Taken { step: self.step.clone(), next: self.next.clone() }
    }
}

impl<P: Process, M> PartialEq for Taken<P, M> {
    fn eq(&self, other: &Self) -> bool {
        self.step == other.step
    }
}

/// A question as a `stateright` model.
pub(super) struct Checked<P: Process, M> {
    names: Vec<Name>,
    factories: Vec<Option<Factory<P>>>,
    question: Question<P, M>,
}

/// Records what a step does, when a counterexample is told.
struct Story {
    recorder: Recorder,
    /// The step, which takes the place of the time.
    step: u64,
    next_id: u64,
    /// The last id of each message, by its hash.
    ids: BTreeMap<u64, u64>,
}

impl<P, M> Checked<P, M>
where
    P: Observe + Send + Sync,
    P::Message: Send + Sync,
    P::Timer: Send + Sync,
    P::Output: Send + Sync,
    M: Monitor<P> + Clone + Eq + Hash + Send + Sync + 'static,
{
    pub fn new(question: Question<P, M>) -> Self {
        panics::remember_places();
        let names = question.cluster.names().cloned().collect();
        let factories = question.cluster.nodes().iter().map(|(_, make)| make.clone()).collect();
        Checked { names, factories, question }
    }

    /// The state after all nodes have started and the requests have been delivered.
    fn first(&self, script: &mut Script, story: Option<&mut Story>) -> State<P, M> {
        let empty = || NodeState { process: None, disk: Disk::default(), alarms: Vec::new() };
        let mut state = State {
            nodes: self.factories.iter().map(|_| Hashed::new(empty())).collect(),
            network: Vec::new(),
            monitor: Hashed::new(self.question.monitor.clone()),
            crashes: 0,
            duplicates: 0,
            violation: None,
        };
        let mut world = Transition::new(self, &mut state, story);
        for node in (0..self.factories.len() as u32).map(NodeId) {
            world.start(node, Kind::Start, script);
        }
        for (from, to, message) in self.question.requests.clone() {
            world.send(from, to, message.clone());
            let arrived = message.clone();
            world.handle(to, script, None, Some((from, &arrived)), |process, ctx| {
                process.receive(from, message, ctx)
            });
        }
        world.finish();
        // The requests have been delivered: they are not in the network any more.
        if self.question.duplicates != Duplicates::Any {
            for (from, to, message) in &self.question.requests {
                let envelope = Hashed::new(Envelope { from: *from, to: *to, message: message.clone() });
                state
                    .network
                    .iter_mut()
                    .filter(|letter| letter.envelope == envelope)
                    .for_each(|letter| letter.pending = false);
            }
        }
        state
    }

    /// Takes a step; returns where it leads, and what the handler asked for.
    fn follow(
        &self,
        state: &State<P, M>,
        step: &Step,
        script: &mut Script,
        story: Option<&mut Story>,
    ) -> (State<P, M>, Vec<Asked>) {
        let mut next = state.clone();
        let mut asked = Vec::new();
        match &step.cause {
            Cause::Deliver(place) => {
                let letter = next.network[*place].clone();
                if self.question.duplicates != Duplicates::Any {
                    if letter.pending {
                        next.network[*place].pending = false;
                    } else {
                        next.duplicates += 1;
                    }
                }
                let Envelope { from, to, message } = letter.envelope.value.clone();
                let mut world = Transition::new(self, &mut next, story);
                let arrived = message.clone();
                asked =
                    world.handle(to, script, step.crash.as_ref(), Some((from, &arrived)), |process, ctx| {
                        process.receive(from, message, ctx);
                    });
                world.finish();
            }
            Cause::Alarm(node, place) => {
                let mut world = Transition::new(self, &mut next, story);
                let timer = world.take_alarm(*node, *place);
                asked = world.handle(*node, script, step.crash.as_ref(), None, |process, ctx| {
                    process.alarm(timer, ctx)
                });
                world.finish();
            }
            Cause::Idle(node) => {
                let mut world = Transition::new(self, &mut next, story);
                if let Some(crash) = &step.crash {
                    world.crash(*node, crash, script);
                }
                world.finish();
            }
        }
        (next, asked)
    }

    /// Lists the steps for one cause: every outcome of its random choices, and a crash at every place if there may still be one.
    fn steps_for(&self, state: &State<P, M>, cause: &Cause, node: NodeId, taken: &mut Vec<Taken<P, M>>) {
        let mut open = vec![Vec::new()];
        while let Some(choices) = open.pop() {
            let mut script = Script::new(choices);
            let step = Step { cause: cause.clone(), choices: Vec::new(), crash: None };
            let (next, effects) = self.follow(state, &step, &mut script, None);
            let choices = script.whole(&mut open);
            if self.may_crash(state, node) {
                let unsynced = state.nodes[node.index()].value.disk.unsynced_writes();
                for crash in crashes_within(&effects, unsynced) {
                    let step = Step { cause: cause.clone(), choices: choices.clone(), crash: Some(crash) };
                    let (next, _) = self.follow(state, &step, &mut Script::new(choices.clone()), None);
                    taken.push(Taken { step, next: Arc::new(next) });
                }
            }
            if !is_idle(state, &next) {
                taken.push(Taken { step: Step { choices, ..step }, next: Arc::new(next) });
            }
        }
    }

    fn may_crash(&self, state: &State<P, M>, node: NodeId) -> bool {
        state.crashes < self.question.crashes && self.question.may_crash.contains(&node)
    }

    /// Runs a counterexample once more, with recording on.
    pub fn explain(&self, steps: &[Step], lab: &str, description: &str) -> (Violation, Trace) {
        let mut story =
            Story { recorder: Recorder::new(&self.names), step: 0, next_id: 0, ids: BTreeMap::new() };
        let mut state = self.first(&mut Script::default(), Some(&mut story));
        for step in steps {
            story.step += 1;
            let mut script = Script::new(step.choices.clone());
            (state, _) = self.follow(&state, step, &mut script, Some(&mut story));
        }
        let Broken(violation) =
            state.violation.map(|broken| (*broken).clone()).expect("the schedule breaks a rule");
        let body = serde_json::json!({ "expected": violation.expected, "got": violation.got });
        let detail = Detail { body: Some(body), why: Some(violation.rule.clone()), ..Detail::default() };
        story.recorder.event(story.step * STEP_US, Kind::Violation, None, detail);
        let header = trace::Header {
            simnet_trace: trace::VERSION,
            lab: lab.to_string(),
            commit: crate::trace::commit(),
            seed: 0,
            world: "checked".to_string(),
            nodes: self.names.clone(),
            run: description.to_string(),
        };
        (violation, Trace { header, events: story.recorder.events })
    }
}

/// In a trace of the checked world a step counts as a millisecond.
const STEP_US: u64 = 1_000;

/// What a handler asked for, as far as a crash in between makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// Something that others notice.
    Told,
    Write,
    Sync,
    /// An alarm, which dies with the process, or a note.
    Nothing,
}

impl Asked {
    fn of<M, T, O>(effect: &Effect<M, T, O>) -> Self {
        match effect {
            Effect::Send { .. } | Effect::Output(_) => Asked::Told,
            Effect::Write(_) => Asked::Write,
            Effect::Sync => Asked::Sync,
            Effect::SetTimer { .. } | Effect::CancelTimer(_) | Effect::Note(_) => Asked::Nothing,
        }
    }
}

/// The crashes within a handler that differ from one before it and from one after it.
fn crashes_within(asked: &[Asked], mut unsynced: usize) -> Vec<Crash> {
    let mut crashes = Vec::new();
    for (index, asked_for) in asked.iter().enumerate() {
        match asked_for {
            Asked::Write => unsynced += 1,
            Asked::Sync => unsynced = 0,
            Asked::Told => {}
            Asked::Nothing => continue,
        }
        let is_last = asked[index + 1..].iter().all(|later| *later == Asked::Nothing);
        if !is_last {
            crashes.extend((0..=unsynced).map(|kept_writes| Crash { after_effects: index + 1, kept_writes }));
        }
    }
    crashes
}

/// Whether a step has changed no node and sent nothing new. Then whatever can follow it can follow without it: a message that
/// was delivered for nothing is as good as lost, which it may be anyway.
fn is_idle<P: Process, M>(before: &State<P, M>, after: &State<P, M>) -> bool {
    after.violation.is_none() && before.nodes == after.nodes && before.network.len() == after.network.len()
}

impl<P, M> Model for Checked<P, M>
where
    P: Observe + Send + Sync,
    P::Message: Send + Sync,
    P::Timer: Send + Sync,
    P::Output: Send + Sync,
    M: Monitor<P> + Clone + Eq + Hash + Send + Sync + 'static,
{
    type State = State<P, M>;
    type Action = Taken<P, M>;

    fn init_states(&self) -> Vec<Self::State> {
        branches(|script| _ = self.first(script, None))
            .into_iter()
            .map(|choices| self.first(&mut Script::new(choices), None))
            .collect()
    }

    fn actions(&self, state: &Self::State, taken: &mut Vec<Self::Action>) {
        if state.violation.is_some() {
            return;
        }
        for (place, letter) in state.network.iter().enumerate() {
            let again = match self.question.duplicates {
                Duplicates::Any => true,
                Duplicates::AtMost(most) => state.duplicates < most,
            };
            if letter.pending || again {
                self.steps_for(state, &Cause::Deliver(place), letter.envelope.value.to, taken);
            }
        }
        for (index, node) in state.nodes.iter().enumerate() {
            let id = NodeId(index as u32);
            for place in 0..node.value.alarms.len() {
                self.steps_for(state, &Cause::Alarm(id, place), id, taken);
            }
            if node.value.process.is_some() && self.may_crash(state, id) {
                for kept_writes in 0..=node.value.disk.unsynced_writes() {
                    let crash = Some(Crash { after_effects: 0, kept_writes });
                    let step = Step { cause: Cause::Idle(id), choices: Vec::new(), crash };
                    let (next, _) = self.follow(state, &step, &mut Script::default(), None);
                    taken.push(Taken { step, next: Arc::new(next) });
                }
            }
        }
    }

    fn next_state(&self, _state: &Self::State, taken: Self::Action) -> Option<Self::State> {
        Some(Arc::try_unwrap(taken.next).unwrap_or_else(|next| (*next).clone()))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always(BROKEN, |_, state: &Self::State| state.violation.is_none())]
    }

    fn within_boundary(&self, state: &Self::State) -> bool {
        let mut processes = state.nodes.iter().filter_map(|node| node.value.process.as_ref());
        processes.all(|process| (self.question.within)(process))
    }
}

/// One step being taken.
struct Transition<'a, P: Process, M> {
    model: &'a Checked<P, M>,
    state: &'a mut State<P, M>,
    /// The monitor's memory, once it has looked at something: to copy it is most of a step's cost.
    monitor: Option<M>,
    story: Option<&'a mut Story>,
}

impl<'a, P, M> Transition<'a, P, M>
where
    P: Observe + Send + Sync,
    P::Message: Send + Sync,
    P::Timer: Send + Sync,
    P::Output: Send + Sync,
    M: Monitor<P> + Clone + Eq + Hash + Send + Sync + 'static,
{
    fn new(model: &'a Checked<P, M>, state: &'a mut State<P, M>, story: Option<&'a mut Story>) -> Self {
        Transition { model, state, monitor: None, story }
    }

    fn finish(self) {
        if let Some(monitor) = self.monitor.filter(|monitor| *monitor != self.state.monitor.value) {
            self.state.monitor = Hashed::new(monitor);
        }
    }

    fn start(&mut self, id: NodeId, kind: Kind, script: &mut Script) {
        let Some(make) = &self.model.factories[id.index()] else { return };
        let mut node = self.state.nodes[id.index()].value.clone();
        node.process = Some(make());
        self.state.nodes[id.index()] = Hashed::new(node);
        self.record(kind, Some(id), Detail::default());
        self.handle(id, script, None, None, |process, ctx| process.start(ctx));
        if kind == Kind::Restart {
            self.happens(&Happening::Restarted { node: id }, None);
        }
    }

    /// Lets the process on `id` react, to a message that `arrived` or to something else, and carries out what it asks for, up to a crash.
    fn handle(
        &mut self,
        id: NodeId,
        script: &mut Script,
        crash: Option<&Crash>,
        arrived: Option<(NodeId, &P::Message)>,
        react: impl FnOnce(&mut P, &mut Context<'_, P>),
    ) -> Vec<Asked> {
        let mut node = self.state.nodes[id.index()].value.clone();
        let Some(process) = &mut node.process else { return Vec::new() };
        let mut effects: Vec<EffectOf<P>> = Vec::new();
        let contents = &mut node.disk.contents;
        let run = catch_unwind(AssertUnwindSafe(|| {
            react(process, &mut Context::new(id, Time::ZERO, script, contents, &mut effects));
        }));
        let asked: Vec<Asked> = effects.iter().map(Asked::of).collect();
        // Most deliveries in a long schedule are for nothing. They need no monitor: nobody tells them from a loss.
        if arrived.is_some()
            && run.is_ok()
            && effects.is_empty()
            && node == self.state.nodes[id.index()].value
            && self.story.is_none()
        {
            return asked;
        }
        if let Some((from, message)) = arrived {
            self.arrives(from, id, message);
        }
        if let Err(panic) = run {
            let violation = panics::violation(&self.model.names[id.index()], &*panic);
            self.violate(violation);
            return Vec::new();
        }
        self.record_state(id, &node);
        self.happens(&Happening::Handled { node: id }, Some((id, &node)));
        let performed = crash.map_or(effects.len(), |crash| crash.after_effects);
        for effect in effects.into_iter().take(performed) {
            match effect {
                Effect::Send { to, message } => {
                    self.state.nodes[id.index()] = Hashed::new(node.clone());
                    self.send(id, to, message);
                }
                Effect::SetTimer { timer, .. } => {
                    if !node.alarms.contains(&timer) {
                        node.alarms.push(timer);
                    }
                }
                Effect::CancelTimer(timer) => node.alarms.retain(|other| *other != timer),
                Effect::Write(write) => {
                    self.record(
                        Kind::Write,
                        Some(id),
                        Detail { name: Some(write.target()), ..Detail::default() },
                    );
                    node.disk.write(*write);
                }
                Effect::Sync => {
                    let point = node.disk.sync_point();
                    node.disk.synced(point);
                    self.record(Kind::Sync, Some(id), Detail::default());
                }
                Effect::Output(output) => {
                    let body = serde_json::to_value(&output).ok();
                    self.record(Kind::Output, Some(id), Detail { body, ..Detail::default() });
                    self.happens(&Happening::Output { node: id, output: &output }, Some((id, &node)));
                }
                Effect::Note(note) => {
                    self.record(Kind::Note, Some(id), Detail { why: Some(note.into()), ..Detail::default() });
                }
            }
        }
        node.disk.forget_counts();
        // The order in which alarms were set makes no difference.
        node.alarms.sort_by_cached_key(|timer| Hashed::new(timer.clone()).hash);
        self.state.nodes[id.index()] = Hashed::new(node);
        if let Some(crash) = crash {
            self.crash(id, crash, script);
        }
        asked
    }

    fn take_alarm(&mut self, id: NodeId, place: usize) -> P::Timer {
        let mut node = self.state.nodes[id.index()].value.clone();
        let timer = node.alarms.remove(place);
        self.state.nodes[id.index()] = Hashed::new(node);
        let name = format!("{timer:?}");
        self.record(Kind::Timer, Some(id), Detail { name: Some(&name), ..Detail::default() });
        timer
    }

    fn crash(&mut self, id: NodeId, crash: &Crash, script: &mut Script) {
        let mut node = self.state.nodes[id.index()].value.clone();
        node.process = None;
        node.alarms.clear();
        node.disk.keep_unsynced(crash.kept_writes);
        node.disk.crash(DiskFate::LoseUnsynced, &mut Random::new(0, Purpose::Faults));
        node.disk.forget_counts();
        self.state.nodes[id.index()] = Hashed::new(node);
        self.state.crashes += 1;
        let why = match crash.kept_writes {
            0 => DiskFate::LoseUnsynced.to_string(),
            kept => format!("{kept} unsynced writes kept, the others lost"),
        };
        self.record(Kind::Crash, Some(id), Detail { why: Some(why), ..Detail::default() });
        self.happens(&Happening::Crashed { node: id }, None);
        self.start(id, Kind::Restart, script);
    }

    fn send(&mut self, from: NodeId, to: NodeId, message: P::Message) {
        let envelope = Hashed::new(Envelope { from, to, message });
        if self.story.is_some() {
            let message = &envelope.value.message;
            let (name, body) = (message.name(), body_of(message, message.name()));
            let id = self.story.as_mut().map(|story| story.id_of_new(envelope.hash));
            self.record(
                Kind::Send,
                Some(from),
                Detail { peer: Some(to), id, name: Some(name), body, why: None },
            );
        }
        match self.state.network.binary_search_by_key(&envelope.hash, |letter| letter.envelope.hash) {
            Err(place) => {
                let letter = Letter { envelope: envelope.clone(), pending: true };
                self.state.network.insert(place, letter);
            }
            Ok(place) => {
                debug_assert!(self.state.network[place].envelope == envelope, "two messages of one hash");
                // An equal message that has been delivered: its delivery would be the second, a duplicate.
            }
        }
        let happening = Happening::Sent { from, to, message: &envelope.value.message };
        self.happens(&happening, None);
    }

    fn arrives(&mut self, from: NodeId, to: NodeId, message: &P::Message) {
        if let Some(story) = &mut self.story {
            let hash = Hashed::new(Envelope { from, to, message: message.clone() }).hash;
            let id = story.ids.get(&hash).copied();
            self.record(
                Kind::Deliver,
                Some(to),
                Detail { peer: Some(from), id, name: Some(message.name()), ..Detail::default() },
            );
        }
        self.happens(&Happening::Delivered { from, to, message }, None);
    }

    fn happens(&mut self, happening: &Happening<'_, P>, current: Option<(NodeId, &NodeState<P>)>) {
        if self.state.violation.is_some() {
            return;
        }
        let view = View { nodes: &self.state.nodes, current, names: &self.model.names };
        let monitor = self.monitor.get_or_insert_with(|| self.state.monitor.value.clone());
        if let Err(violation) = monitor.check(Time::ZERO, happening, &view, &mut Marks::default()) {
            self.violate(violation);
        }
    }

    fn violate(&mut self, violation: Violation) {
        self.state.violation.get_or_insert_with(|| Arc::new(Broken(violation)));
    }

    fn record(&mut self, kind: Kind, node: Option<NodeId>, detail: Detail<'_>) {
        if let Some(story) = &mut self.story {
            story.recorder.event(story.step * STEP_US, kind, node, detail);
        }
    }

    fn record_state(&mut self, id: NodeId, node: &NodeState<P>) {
        if self.story.is_some() {
            let body = node.process.as_ref().and_then(|process| serde_json::to_value(process.view()).ok());
            self.record(Kind::State, Some(id), Detail { body, ..Detail::default() });
        }
    }
}

impl Story {
    fn id_of_new(&mut self, hash: u64) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.ids.insert(hash, id);
        id
    }
}
