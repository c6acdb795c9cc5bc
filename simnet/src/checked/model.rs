//! The transitions: which steps a state allows, and where each leads.

use super::local::{Cause, Envelope, Event, Machine, Reaction, Sealed};
use super::spent::{self, Spent};
use super::state::{Memory, Parts, State, View};
use super::story::Story;
use super::symmetry::Renaming;
use super::table::{UNBROKEN, hash_of, mix};
use super::{Duplicates, Order, Question};
use crate::hash::TraceHash;
use crate::monitor::{Happening, Marks, Monitor, Violation};
use crate::node::NodeId;
use crate::process::{Observe, Process};
use crate::time::Time;
use crate::trace::Trace;
use stateright::{Model, Path, Property};
use std::cell::Cell;
use std::hash::{BuildHasherDefault, Hash};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

/// The one property that is checked: monitors and assertions know the rules.
pub(super) const BROKEN: &str = "no rule is broken";

/// A step, and the state it leads to: to know whether it is one, it must be taken anyway.
pub(super) struct Taken<P: Process, M> {
    pub reaction: Arc<Reaction<P>>,
    next: State<M>,
}

impl<P: Process, M> Clone for Taken<P, M> {
    fn clone(&self) -> Self {
        Taken { reaction: self.reaction.clone(), next: self.next.clone() }
    }
}

impl<P: Process, M> PartialEq for Taken<P, M> {
    fn eq(&self, other: &Self) -> bool {
        self.reaction.number == other.reaction.number
    }
}

/// What a monitor makes of a reaction.
type Verdict<M> = Result<Arc<Memory<M>>, Arc<Violation>>;

/// Verdicts by the monitor's hash and the reaction's number. They are looked up and never listed, so their order is nothing.
#[allow(
    clippy::disallowed_types,
    reason = "it is looked up for every step of the search; nothing depends on the order"
)]
type Verdicts<M> = std::collections::HashMap<(u64, u32), Verdict<M>, BuildHasherDefault<TraceHash>>;

/// So many verdicts are remembered. Schedules of one length are explored together, so old ones are soon of no use.
const MOST_VERDICTS: usize = 1 << 18;

/// How a monitor is hashed under a renaming.
pub(super) type RenamedHash<M> = dyn Fn(&M, &Renaming) -> u64 + Send + Sync;

/// A state before the first step, and how it came about.
type Opening<P, M> = (State<M>, Vec<Arc<Reaction<P>>>);

/// Where a reaction leads, and whether it made no difference.
type Leads<'a, P, M> = dyn Fn(&Arc<Reaction<P>>) -> (State<M>, bool) + 'a;

/// A question as a `stateright` model.
pub(super) struct Checked<P: Process, M> {
    pub machine: Machine<P>,
    renamed_hash: Option<Arc<RenamedHash<M>>>,
    verdicts: RwLock<Verdicts<M>>,
    spent: Option<Spent>,
    openings: Vec<Opening<P, M>>,
    crashes: u32,
    duplicates: Duplicates,
    order: Order,
    /// States whose steps have been listed, and who wants to know.
    visited: AtomicUsize,
    progress: Option<Arc<super::OnProgress>>,
}

/// So many states are visited between two reports.
const REPORT_EVERY: usize = 1 << 20;

impl<P, M> Checked<P, M>
where
    P: Observe + Send + Sync,
    P::Message: Send + Sync,
    P::Timer: Send + Sync,
    P::Output: Send + Sync,
    M: Monitor<P> + Clone + Eq + Hash + Send + Sync + 'static,
{
    pub fn new(question: &Question<P, M>, symmetric: bool) -> Self {
        let symmetry = question.symmetry.as_ref().filter(|_| symmetric);
        let groups = symmetry.map_or(&[][..], |symmetry| &symmetry.groups);
        let renamer = symmetry.map(|symmetry| symmetry.renamer.clone());
        let may_crash = if question.crashes > 0 { &question.may_crash[..] } else { &[] };
        let mut checked = Checked {
            machine: Machine::new(&question.cluster, may_crash, question.within.clone(), groups, renamer),
            renamed_hash: symmetry.map(|symmetry| symmetry.renamed_hash.clone()),
            verdicts: RwLock::new(Verdicts::default()),
            spent: None,
            openings: Vec::new(),
            crashes: question.crashes,
            duplicates: question.duplicates,
            order: question.order,
            visited: AtomicUsize::new(0),
            progress: question.progress.clone(),
        };
        // Where links keep messages in order, one that changes nothing still stands before others.
        if question.forgets_spent && question.order == Order::Any {
            let requests = question.requests.iter().map(|(from, to, message)| {
                let envelope = Envelope { from: *from, to: *to, message: message.clone() };
                (*to, checked.machine.enter_envelope(envelope).number)
            });
            checked.spent = spent::explore(&checked.machine, &requests.collect::<Vec<_>>());
        }
        checked.openings = checked.open(question);
        checked
    }

    fn nodes(&self) -> usize {
        self.machine.names().len()
    }

    /// The states after all nodes have started and the requests have been delivered, with every outcome of random choices.
    fn open(&self, question: &Question<P, M>) -> Vec<Opening<P, M>> {
        let unborn = self.machine.unborn().number;
        let mut state = State {
            parts: Parts::new((0..self.nodes()).map(|_| unborn)),
            memory: self.remember(question.monitor.clone()),
            crashes: 0,
            duplicates: 0,
            violation: None,
            fingerprint: 0,
        };
        state.fingerprint = self.fingerprint(&state);
        let mut openings = vec![(state, Vec::new())];
        let ids = (0..self.nodes()).map(|index| NodeId(index as u32));
        for node in ids.filter(|node| self.machine.has_process(*node)) {
            openings = self.all_after(openings, |state| {
                self.machine.reactions_in_search(node, state.parts.node(node), Cause::Start).calm.clone()
            });
        }
        for (from, to, message) in &question.requests {
            let envelope = Envelope { from: *from, to: *to, message: message.clone() };
            let number = self.machine.enter_envelope(envelope.clone()).number;
            openings = self.all_after(openings, |state| {
                vec![self.machine.request(envelope.clone(), state.parts.node(*from))]
            });
            openings = self.all_after(openings, |state| {
                self.machine
                    .reactions_in_search(*to, state.parts.node(*to), Cause::Deliver(number))
                    .calm
                    .clone()
            });
        }
        openings
    }

    fn all_after(
        &self,
        openings: Vec<Opening<P, M>>,
        reactions: impl Fn(&State<M>) -> Vec<Arc<Reaction<P>>>,
    ) -> Vec<Opening<P, M>> {
        let mut after = Vec::new();
        for (state, story) in openings {
            let reactions = reactions(&state);
            if state.violation.is_some() || reactions.is_empty() {
                after.push((state, story));
                continue;
            }
            let sums = self.sums(&state.parts);
            for reaction in reactions.into_iter().filter(|reaction| !reaction.leaves) {
                let next = match self.order {
                    Order::Any => self.after(&state, &sums, &reaction).0,
                    _ => self.after_in_order(&state, self.place_of(&state.parts, &reaction), &reaction),
                };
                after.push((next, [&story[..], &[reaction]].concat()));
            }
        }
        after
    }

    /// Where a reaction leads, and whether it made no difference.
    fn after(&self, state: &State<M>, sums: &[u64], reaction: &Arc<Reaction<P>>) -> (State<M>, bool) {
        let nodes = self.nodes();
        let delivered = reaction.delivered.as_ref().filter(|_| self.duplicates != Duplicates::Any);
        let is_first = delivered.is_some_and(|sealed| {
            let mut letters = state.parts.letters(nodes);
            letters.any(|letter| letter.number == sealed.number && letter.pending)
        });
        let end = reaction.end.number;
        let reader = |sealed: &Sealed<P>| {
            let to = sealed.value.to;
            if to == reaction.node { end } else { state.parts.node(to) }
        };
        let new: Vec<_> = reaction
            .sent
            .iter()
            .filter(|sealed| {
                self.machine.has_process(sealed.value.to)
                    && !state.parts.has(nodes, sealed.number)
                    && !self.is_spent(sealed.value.to, reader(sealed), sealed.number)
            })
            .collect();
        let numbers: Vec<u32> = new.iter().map(|sealed| sealed.number).collect();
        let changed = end != reaction.begin.number && reaction.panic.is_none();
        let forgotten = if changed { self.spent_by(&state.parts, reaction) } else { Vec::new() };
        let mut next = State {
            parts: state.parts.after(
                nodes,
                (reaction.node, end),
                delivered.map(|sealed| sealed.number),
                &numbers,
                |number| forgotten.iter().any(|(sealed, _)| sealed.number == number),
            ),
            memory: state.memory.clone(),
            crashes: state.crashes + u32::from(reaction.crashes),
            duplicates: state.duplicates + u32::from(delivered.is_some() && !is_first),
            violation: None,
            fingerprint: 0,
        };
        match self.verdict(state, reaction) {
            Ok(memory) => next.memory = memory,
            Err(violation) => next.violation = Some(violation),
        }
        let is_idle = next.violation.is_none()
            && new.is_empty()
            && reaction.begin.number == reaction.end.number
            && next.memory.hashes[0] == state.memory.hashes[0];
        if is_idle {
            return (next, true);
        }
        let sum = |(index, renaming): (usize, &Renaming)| {
            let place = renaming.of(reaction.node);
            let mut sum = sums[index]
                .wrapping_sub(node_hash(place, reaction.begin.hashes[index]))
                .wrapping_add(node_hash(place, reaction.end.hashes[index]));
            if let Some(sealed) = delivered.filter(|_| is_first) {
                sum = sum
                    .wrapping_sub(letter_hash(sealed.hashes[index], true))
                    .wrapping_add(letter_hash(sealed.hashes[index], false));
            }
            for sealed in &new {
                sum = sum.wrapping_add(letter_hash(sealed.hashes[index], true));
            }
            for (sealed, pending) in &forgotten {
                let pending = *pending && delivered.is_none_or(|delivered| delivered.number != sealed.number);
                sum = sum.wrapping_sub(letter_hash(sealed.hashes[index], pending));
            }
            sum
        };
        next.fingerprint = self.least(&next, self.machine.renamings.iter().enumerate().map(sum));
        debug_assert_eq!(
            next.fingerprint,
            self.fingerprint(&next),
            "what a step changes adds up to the whole"
        );
        (next, false)
    }

    /// Where a reaction leads in a network that keeps messages of a link in order. `taken` is the place of the message that it delivers: what that one
    /// has overtaken is lost.
    fn after_in_order(
        &self,
        state: &State<M>,
        taken: Option<usize>,
        reaction: &Arc<Reaction<P>>,
    ) -> State<M> {
        let envelopes = self.machine.envelopes.read();
        let link = |number: u32| envelopes.get(number).value.link();
        let mut letters: Vec<u32> = state.parts.letters(self.nodes()).map(|letter| letter.number).collect();
        if let Some(place) = taken {
            let own = link(letters[place]);
            let oldest = letters.partition_point(|number| link(*number) < own);
            letters.drain(oldest..=place);
        }
        let most = if let Order::Lossy { most } = self.order { most } else { usize::MAX };
        // `reaction.sent` has each message once; here one that is sent twice comes twice.
        let sent = reaction.events.iter().filter_map(|event| match event {
            Event::Sent(sealed) if self.machine.has_process(sealed.value.to) => Some(sealed),
            _ => None,
        });
        for sealed in sent {
            let own = sealed.value.link();
            let oldest = letters.partition_point(|number| link(*number) < own);
            let end = letters.partition_point(|number| link(*number) <= own);
            if end - oldest < most {
                letters.insert(end, sealed.number);
            }
        }
        drop(envelopes);
        let nodes = (0..self.nodes())
            .map(|index| NodeId(index as u32))
            .map(|node| if node == reaction.node { reaction.end.number } else { state.parts.node(node) });
        let mut next = State {
            parts: Parts::in_order(nodes, &letters),
            memory: state.memory.clone(),
            crashes: state.crashes + u32::from(reaction.crashes),
            duplicates: 0,
            violation: None,
            fingerprint: 0,
        };
        match self.verdict(state, reaction) {
            Ok(memory) => next.memory = memory,
            Err(violation) => next.violation = Some(violation),
        }
        next.fingerprint = self.fingerprint(&next);
        next
    }

    /// The place of the message that a reaction delivers: of several equal ones, the oldest.
    fn place_of(&self, parts: &Parts, reaction: &Reaction<P>) -> Option<usize> {
        let delivered = reaction.delivered.as_ref()?;
        parts.letters(self.nodes()).position(|letter| letter.number == delivered.number)
    }

    /// The places of the messages that may arrive next, in a network that keeps messages of a link in order.
    fn next_in_order(&self, parts: &Parts) -> Vec<(usize, NodeId, u32)> {
        let envelopes = self.machine.envelopes.read();
        let mut before = None;
        let mut next = Vec::new();
        for (place, letter) in parts.letters(self.nodes()).enumerate() {
            let link = envelopes.get(letter.number).value.link();
            let is_oldest = before.replace(link) != Some(link);
            if is_oldest || self.order != Order::Reliable {
                next.push((place, link.1, letter.number));
            }
        }
        next
    }

    fn is_spent(&self, node: NodeId, state: u32, message: u32) -> bool {
        self.spent.as_ref().is_some_and(|spent| spent.is(node, state, message))
    }

    /// The letters that a reaction leaves of no use, with whether they were pending before it.
    fn spent_by(&self, parts: &Parts, reaction: &Reaction<P>) -> Vec<(Sealed<P>, bool)> {
        let Some(spent) = &self.spent else { return Vec::new() };
        let envelopes = self.machine.envelopes.read();
        let letters =
            parts.letters(self.nodes()).map(|letter| (envelopes.get(letter.number), letter.pending));
        letters
            .filter(|(sealed, _)| {
                sealed.value.to == reaction.node
                    && spent.is(reaction.node, reaction.end.number, sealed.number)
            })
            .map(|(sealed, pending)| (sealed.clone(), pending))
            .collect()
    }

    fn fingerprint(&self, state: &State<M>) -> u64 {
        self.least(state, self.sums(&state.parts).into_iter())
    }

    /// The hash of nodes and network, under each renaming. It is a sum, so that a step need not add up all of it again.
    fn sums(&self, parts: &Parts) -> Vec<u64> {
        let nodes = self.nodes();
        let mut sums = vec![0_u64; self.machine.renamings.count()];
        let known = self.machine.nodes.read();
        for node in (0..nodes).map(|index| NodeId(index as u32)) {
            let hashes = &known.get(parts.node(node)).hashes;
            for ((sum, hash), renaming) in sums.iter_mut().zip(hashes).zip(self.machine.renamings.iter()) {
                *sum = sum.wrapping_add(node_hash(renaming.of(node), *hash));
            }
        }
        drop(known);
        let known = self.machine.envelopes.read();
        // How many older ones a letter has before it on its link, where that makes a difference.
        let (mut link, mut older) = (None, 0_u64);
        for letter in parts.letters(nodes) {
            let sealed = known.get(letter.number);
            if self.order != Order::Any {
                let own = Some(sealed.value.link());
                older = if std::mem::replace(&mut link, own) == own { older + 1 } else { 0 };
            }
            for (sum, hash) in sums.iter_mut().zip(&sealed.hashes) {
                *sum = sum.wrapping_add(letter_hash(hash.wrapping_add(older << 1), letter.pending));
            }
        }
        sums
    }

    /// The fingerprint of a state: of all its names, the one with the least hash.
    fn least(&self, state: &State<M>, sums: impl Iterator<Item = u64>) -> u64 {
        let whole = sums.zip(&state.memory.hashes).map(|(sum, hash)| mix(sum.wrapping_add(*hash))).min();
        let broken = state.violation.as_ref().map(|violation| violation.rule.as_str());
        let used_up = hash_of(&(state.crashes, state.duplicates, broken));
        whole.unwrap_or_default() ^ used_up
    }

    fn remember(&self, monitor: M) -> Arc<Memory<M>> {
        let own = hash_of(&monitor);
        let renamed = self
            .renamed_hash
            .iter()
            .flat_map(|hash| self.machine.renamings.iter().skip(1).map(|renaming| hash(&monitor, renaming)));
        let hashes = std::iter::once(own).chain(renamed).collect();
        Arc::new(Memory { monitor, hashes })
    }

    /// What the monitor makes of a reaction. To ask it is most of a step's cost, and it is asked the same again and again.
    fn verdict(&self, state: &State<M>, reaction: &Reaction<P>) -> Verdict<M> {
        let key = (state.memory.hashes[0], reaction.number);
        if let Some(verdict) = self.verdicts.read().expect(UNBROKEN).get(&key) {
            return verdict.clone();
        }
        let looked_around = Cell::new(false);
        let verdict = self.judge(state, reaction, &looked_around);
        // A monitor that has looked at other nodes may judge otherwise in another state.
        if !looked_around.get() {
            let mut verdicts = self.verdicts.write().expect(UNBROKEN);
            if verdicts.len() >= MOST_VERDICTS {
                verdicts.clear();
            }
            verdicts.insert(key, verdict.clone());
        }
        verdict
    }

    fn judge(&self, state: &State<M>, reaction: &Reaction<P>, looked_around: &Cell<bool>) -> Verdict<M> {
        let known = self.machine.nodes.read();
        let ids = (0..self.nodes()).map(|index| NodeId(index as u32));
        let nodes: Vec<_> = ids.map(|node| known.get(state.parts.node(node)).clone()).collect();
        drop(known);
        let mut monitor = state.memory.monitor.clone();
        let node = reaction.node;
        let mut process = reaction.begin.value.process.as_ref();
        for event in &reaction.events {
            let happening = match event {
                Event::Delivered(sealed) => {
                    let Envelope { from, to, message } = &sealed.value;
                    Happening::Delivered { from: *from, to: *to, message }
                }
                Event::Sent(sealed) => {
                    let Envelope { from, to, message } = &sealed.value;
                    Happening::Sent { from: *from, to: *to, message }
                }
                Event::Handled(after) => {
                    process = Some(after);
                    Happening::Handled { node }
                }
                Event::Output(output) => Happening::Output { node, output },
                Event::Crashed(_) => {
                    process = None;
                    Happening::Crashed { node }
                }
                Event::Restarted => Happening::Restarted { node },
                Event::Begins(_) | Event::Fired(_) | Event::Wrote(_) | Event::Synced | Event::Noted(_) => {
                    continue;
                }
            };
            let view =
                View { nodes: &nodes, current: (node, process), names: self.machine.names(), looked_around };
            monitor.check(Time::ZERO, &happening, &view, &mut Marks::default()).map_err(Arc::new)?;
        }
        match &reaction.panic {
            Some(violation) => Err(Arc::new(violation.clone())),
            None if monitor == state.memory.monitor => Ok(state.memory.clone()),
            None => Ok(self.remember(monitor)),
        }
    }

    /// Everything that `state` allows, but for what makes no difference.
    fn steps(&self, state: &State<M>, mut take: impl FnMut(Arc<Reaction<P>>, State<M>)) {
        let nodes = self.nodes();
        let again = match self.duplicates {
            Duplicates::Any => true,
            Duplicates::AtMost(most) => state.duplicates < most,
        };
        let in_order = self.order != Order::Any;
        let mut causes = Vec::new();
        if !in_order {
            let envelopes = self.machine.envelopes.read();
            let letters = state.parts.letters(nodes).filter(|letter| letter.pending || again);
            causes.extend(
                letters.map(|letter| (envelopes.get(letter.number).value.to, Cause::Deliver(letter.number))),
            );
        }
        let may_crash = state.crashes < self.crashes;
        {
            let known = self.machine.nodes.read();
            for node in (0..nodes).map(|index| NodeId(index as u32)) {
                let alarms = known.get(state.parts.node(node)).value.alarms.len();
                causes.extend((0..alarms as u32).map(|place| (node, Cause::Alarm(place))));
                if may_crash {
                    causes.push((node, Cause::Crash));
                }
            }
        }
        let mut each = |node: NodeId, cause: Cause, after: &Leads<'_, P, M>| {
            let reactions = self.machine.reactions_in_search(node, state.parts.node(node), cause);
            let crashed = if may_crash { &reactions.crashed[..] } else { &[] };
            for reaction in reactions.calm.iter().chain(crashed).filter(|reaction| !reaction.leaves) {
                let (next, is_idle) = after(reaction);
                if !is_idle {
                    take(reaction.clone(), next);
                }
            }
        };
        if in_order {
            for (place, node, number) in self.next_in_order(&state.parts) {
                let after = |reaction: &Arc<_>| (self.after_in_order(state, Some(place), reaction), false);
                each(node, Cause::Deliver(number), &after);
            }
            for (node, cause) in causes {
                each(node, cause, &|reaction| (self.after_in_order(state, None, reaction), false));
            }
            return;
        }
        let sums = self.sums(&state.parts);
        for (node, cause) in causes {
            each(node, cause, &|reaction| self.after(state, &sums, reaction));
        }
    }

    /// Tells the schedule that leads from an opening through these steps to a broken rule.
    pub fn explain(
        &self,
        path: Path<State<M>, Taken<P, M>>,
        lab: &str,
        description: &str,
    ) -> (Violation, Trace) {
        let path = path.into_vec();
        let names = self.machine.names();
        let mut story = Story::new(names);
        let (first, last) = (&path[0].0, &path[path.len() - 1].0);
        let violation = last.violation.as_ref().expect("the schedule breaks a rule");
        let (_, opening) =
            self.openings.iter().find(|(state, _)| state == first).expect("a schedule begins with one");
        opening.iter().for_each(|reaction| story.tell(reaction));
        for taken in path.iter().filter_map(|(_, taken)| taken.as_ref()) {
            story.next_step();
            story.tell(&taken.reaction);
        }
        (Violation::clone(violation), story.end(violation, names, lab, description))
    }
}

fn node_hash(place: NodeId, state: u64) -> u64 {
    mix(state.wrapping_add(u64::from(place.0)))
}

fn letter_hash(envelope: u64, pending: bool) -> u64 {
    mix(envelope ^ u64::from(pending))
}

impl<P, M> Model for Checked<P, M>
where
    P: Observe + Send + Sync,
    P::Message: Send + Sync,
    P::Timer: Send + Sync,
    P::Output: Send + Sync,
    M: Monitor<P> + Clone + Eq + Hash + Send + Sync + 'static,
{
    type State = State<M>;
    type Action = Taken<P, M>;

    fn init_states(&self) -> Vec<Self::State> {
        self.openings.iter().map(|(state, _)| state.clone()).collect()
    }

    fn actions(&self, state: &Self::State, taken: &mut Vec<Self::Action>) {
        if state.violation.is_some() || self.machine.asymmetry.get().is_some() {
            return;
        }
        let visited = self.visited.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(progress) = self.progress.as_ref().filter(|_| visited.is_multiple_of(REPORT_EVERY)) {
            progress(visited);
        }
        self.steps(state, |reaction, next| taken.push(Taken { reaction, next }));
    }

    fn next_state(&self, _state: &Self::State, taken: Self::Action) -> Option<Self::State> {
        Some(taken.next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always(BROKEN, |_, state: &Self::State| state.violation.is_none())]
    }
}
