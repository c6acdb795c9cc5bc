//! Linearizability: is there one order of the operations, true to real time, that explains what the clients
//! saw?
//!
//! A history is linearizable if every operation appears to take effect at one instant between its invocation
//! and its response (Herlihy & Wing, "Linearizability: A Correctness Condition for Concurrent Objects",
//! TOPLAS 1990, §2.2). [`check`] looks for such an order:
//!
//! - The search is that of Wing & Gong ("Testing and Verifying Concurrent Objects", JPDC 1993): take, as the
//!   next in the order, any operation that was invoked before the first response still to be explained; go on
//!   if the specification returns what the client was told; otherwise go back.
//! - Lowe ("Testing for Linearizability", Concurrency and Computation 2017) adds the memory: the same
//!   operations linearised, the same state reached, is not searched twice.
//! - Where an operation that only [observes](Specification::observes) fits, it is taken and nothing else is
//!   tried: the others do not notice it, so no order is lost.
//! - Operations without a response are optional. Of two configurations that differ only in which of them they
//!   used, the one that used fewer can do whatever the other can, so the other is not searched. Otherwise
//!   each lost reply could double the search.
//! - A history of many objects is checked object by object: it is linearizable if and only if each object's
//!   subhistory is (Herlihy & Wing, Theorem 1, locality).
//!
//! The problem is NP-complete (Gibbons & Korach, "Testing Shared Memories", SIAM J. Comput. 1997), so the
//! search has a budget of steps. Running out of it is [`Verdict::Unknown`]: neither good nor bad.
//!
//! ```
//! use simnet::history::History;
//! use simnet::linearizability::{check, Register, RegisterOp, RegisterRet, Verdict};
//!
//! let mut history = History::new();
//! let write = history.invoke(1, 10, RegisterOp::Write(7));
//! history.respond(write, 20, RegisterRet::Written)?;
//! let read = history.invoke(2, 30, RegisterOp::Read);
//! history.respond(read, 40, RegisterRet::Value(0))?;
//!
//! let Verdict::NotLinearizable(why) = check(&Register::new(0), &history, 1_000) else { panic!() };
//! assert_eq!(
//!     why.to_string(),
//!     "client c2's Read at 30..40 µs returned Value(0); no order explains it.\n\
//!      The shortest prefix of the history that no order explains ends with this response:\n  \
//!        c1  10..20 µs  Write(7)  Written\n  \
//!        c2  30..40 µs  Read      Value(0)  <- no order explains this\n\
//!      The longest order found explains every response before it:\n  \
//!        c1  10..20 µs  Write(7)  Written\n\
//!      After these, Read returns Value(7), not Value(0).\n"
//! );
//! # Ok::<(), simnet::history::HistoryError>(())
//! ```

use crate::history::{History, Moment, Operation, OperationId, Outcome, Row, write_rows};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::fmt::{self, Debug, Display};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::marker::PhantomData;

/// What an object does when it is used by one client at a time (a sequential specification, Herlihy & Wing
/// §2.1).
///
/// It is deterministic and total: every operation has one result in every state. An operation that waits, as
/// a receive from an empty channel does, returns in such a state a result that no client is ever told; then
/// the checker never explains a client's result by it.
pub trait Specification {
    /// The value of the object. Equal values must behave equally; the fewer representations a value has, the
    /// less there is to search.
    type State: Clone + Eq + Hash;
    /// What a client asks.
    type Op: Clone + Debug;
    /// What a client is told.
    type Ret: Clone + PartialEq + Debug;
    /// What tells independent objects apart; `()` where there is one.
    type Key: Ord;

    /// The state before the first operation.
    fn initial(&self) -> Self::State;

    /// Carries out `op` on `state` and returns its result.
    fn apply(&self, state: &mut Self::State, op: &Self::Op) -> Self::Ret;

    /// Whether `op`, in every state in which it returns `ret`, leaves the state as it was, as a read does and
    /// a failed compare-and-swap. To say no, as is done unless this is overridden, is never wrong; to say yes
    /// where it is true saves most of the search.
    fn observes(&self, _op: &Self::Op, _ret: &Self::Ret) -> bool {
        false
    }

    /// The object that `op` is about, or `None` if it may concern them all, which is what is assumed unless
    /// this is overridden. An operation with a key must neither read nor change what operations with another
    /// key do.
    ///
    /// The history is split by key only if every operation has one.
    fn key(&self, _op: &Self::Op) -> Option<Self::Key> {
        None
    }
}

/// What [`check`] found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict<Op, Ret> {
    /// An order explains every response.
    Linearizable {
        /// That order: every operation that responded, and those without a response that took effect.
        order: Vec<OperationId>,
        /// The operations tried by the search.
        steps: u64,
    },
    /// No order does.
    NotLinearizable(Box<Counterexample<Op, Ret>>),
    /// The budget ended before the search did. This says nothing about the history.
    Unknown {
        /// The operations tried by the search.
        steps: u64,
    },
}

impl<Op, Ret> Verdict<Op, Ret> {
    /// Whether an order was found.
    pub fn is_linearizable(&self) -> bool {
        matches!(self, Verdict::Linearizable { .. })
    }

    /// Whether it was proved that there is no order.
    pub fn is_not_linearizable(&self) -> bool {
        matches!(self, Verdict::NotLinearizable(_))
    }

    /// Whether the budget was too small to say.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Verdict::Unknown { .. })
    }

    /// The operations tried by the search.
    pub fn steps(&self) -> u64 {
        match self {
            Verdict::Linearizable { steps, .. } | Verdict::Unknown { steps } => *steps,
            Verdict::NotLinearizable(counterexample) => counterexample.steps,
        }
    }
}

impl<Op: Debug, Ret: Debug> Display for Verdict<Op, Ret> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Linearizable { order, steps } => {
                writeln!(
                    f,
                    "linearizable: an order of {} operations explains it ({steps} steps)",
                    order.len()
                )
            }
            Verdict::NotLinearizable(counterexample) => Display::fmt(counterexample, f),
            Verdict::Unknown { steps } => {
                writeln!(f, "unknown: the budget ended after {steps} steps; check again with a larger one")
            }
        }
    }
}

/// Why a history is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counterexample<Op, Ret> {
    /// The response with which the history became unexplainable.
    pub offending: OperationId,
    /// The history up to that response, of the operations on the same object; what responded later has no
    /// response here. By locality it is as impossible to explain as the whole.
    pub prefix: History<Op, Ret>,
    /// An order that explains the most responses: if `shortest`, all before the offending one.
    pub order: Vec<Linearised<Ret>>,
    /// What the offending operation returns in that order, or, if it is not part of it, after it. Unknown if
    /// the budget ended before an order was found that explains all responses before.
    pub would_return: Option<Ret>,
    /// Whether `prefix` was proved to be the shortest; otherwise the budget ended before.
    pub shortest: bool,
    /// The operations tried by the search, that for the shortest prefix included.
    pub steps: u64,
}

/// An operation in its place in an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Linearised<Ret> {
    /// Which.
    pub operation: OperationId,
    /// What the specification returns there.
    pub returns: Ret,
}

/// Looks for an order that explains `history` by `spec`, trying at most `budget` operations.
///
/// Operations that [failed](Outcome::Failed) are left out. The budget is shared among the objects so that a
/// hard one does not keep an easy one from being checked. If there is no order, as many steps again may go
/// into finding the shortest prefix that has none. A million steps take less than a second if states are
/// small.
///
/// The verdict, the order and the number of steps depend on the arguments alone.
pub fn check<S: Specification>(
    spec: &S,
    history: &History<S::Op, S::Ret>,
    budget: u64,
) -> Verdict<S::Op, S::Ret> {
    let objects = split(spec, history);
    let mut orders = Vec::new();
    let mut impossible = Vec::new();
    let mut undecided = false;
    let mut steps = 0;
    for (index, operations) in objects.iter().enumerate() {
        let subhistory = Subhistory::new(spec, operations);
        let share = (budget - steps) / (objects.len() - index) as u64;
        let (found, used) = search(spec, &subhistory, share);
        steps += used;
        match found {
            Found::Order(order) => orders.push(order),
            Found::None(furthest) => impossible.push((operations, subhistory, furthest)),
            Found::OutOfSteps => undecided = true,
        }
    }
    if !impossible.is_empty() {
        let objects = impossible.len() as u64;
        let prefixes = impossible.into_iter().map(|(operations, subhistory, furthest)| {
            shortest_prefix(spec, operations, &subhistory, furthest, budget / objects)
        });
        let prefixes: Vec<_> = prefixes.collect();
        return Verdict::NotLinearizable(Box::new(counterexample(spec, prefixes, undecided, steps)));
    }
    if undecided {
        return Verdict::Unknown { steps };
    }
    Verdict::Linearizable { order: merge(orders), steps }
}

/// The operations that count, object by object; the objects with the fewest come first, so that what they
/// leave of their share of the budget goes to the larger ones.
fn split<'h, S: Specification>(
    spec: &S,
    history: &'h History<S::Op, S::Ret>,
) -> Vec<Vec<&'h Operation<S::Op, S::Ret>>> {
    let operations =
        || history.operations().iter().filter(|operation| !matches!(operation.outcome, Outcome::Failed));
    let mut objects: BTreeMap<S::Key, Vec<_>> = BTreeMap::new();
    for operation in operations() {
        let Some(key) = spec.key(&operation.op) else {
            return vec![operations().collect()];
        };
        objects.entry(key).or_default().push(operation);
    }
    let mut objects: Vec<_> = objects.into_values().collect();
    objects.sort_by_key(Vec::len);
    objects
}

/// One order out of an order for each object, which exists by locality (Herlihy & Wing, Theorem 1).
///
/// Give each operation the earliest instant that its object's order allows: the latest invocation among
/// itself and those before it. That instant lies within its interval, because in an order that is true to
/// real time whatever comes before it was invoked before it responded. So sorting by these instants is true
/// to real time, and keeps each object's order.
fn merge<Op, Ret>(orders: Vec<Vec<&Operation<Op, Ret>>>) -> Vec<OperationId> {
    let mut instants = Vec::new();
    for order in orders {
        let mut instant = None;
        for operation in order {
            instant = instant.max(Some(operation.invoked));
            instants.push((instant, operation.id));
        }
    }
    instants.sort_by_key(|(instant, _)| *instant);
    instants.into_iter().map(|(_, id)| id).collect()
}

/// The operations on one object, arranged for the search.
struct Subhistory<'h, Op, Ret> {
    /// What responded, in the order of the responses.
    completed: Vec<Completion<'h, Op, Ret>>,
    /// What has no response, in the order of the invocations.
    maybe: Vec<&'h Operation<Op, Ret>>,
    /// For each response, which operations may come next in an order that has explained those before it.
    next: Vec<Next>,
}

/// An operation that responded, with its response.
struct Completion<'h, Op, Ret> {
    operation: &'h Operation<Op, Ret>,
    at: Moment,
    ret: &'h Ret,
    /// Whether it leaves the state as it was, given what it returned.
    observes: bool,
}

/// The operations invoked before one response, but for those that responded earlier still.
struct Next {
    /// Indices into `completed`: those that only observe, then the others, both ascending, so that what
    /// responds soonest is tried first.
    completed: Vec<usize>,
    /// How many of `maybe`.
    maybe: usize,
}

impl Next {
    fn choice(&self, position: usize) -> Option<Choice> {
        match self.completed.get(position) {
            Some(index) => Some(Choice::Completed(*index)),
            None => {
                Some(position - self.completed.len()).filter(|maybe| *maybe < self.maybe).map(Choice::Maybe)
            }
        }
    }
}

impl<'h, Op, Ret> Subhistory<'h, Op, Ret> {
    /// All of the operations.
    fn new<S: Specification<Op = Op, Ret = Ret>>(spec: &S, operations: &[&'h Operation<Op, Ret>]) -> Self {
        Self::through(spec, operations, Moment { at_us: u64::MAX, place: u64::MAX })
    }

    /// The prefix of the events up to and including `last`: what responded later has no response in it.
    fn through<S>(spec: &S, operations: &[&'h Operation<Op, Ret>], last: Moment) -> Self
    where
        S: Specification<Op = Op, Ret = Ret>,
    {
        let mut completed = Vec::new();
        let mut maybe = Vec::new();
        for &operation in operations.iter().filter(|operation| operation.invoked <= last) {
            match operation.response() {
                Some((at, ret)) if at <= last => {
                    let observes = spec.observes(&operation.op, ret);
                    completed.push(Completion { operation, at, ret, observes });
                }
                _ => maybe.push(operation),
            }
        }
        completed.sort_by_key(|completion| completion.at);
        maybe.sort_by_key(|operation| operation.invoked);
        let next = next(&completed, &maybe);
        Self { completed, maybe, next }
    }

    fn operation(&self, choice: Choice) -> &'h Operation<Op, Ret> {
        match choice {
            Choice::Completed(index) => self.completed[index].operation,
            Choice::Maybe(index) => self.maybe[index],
        }
    }
}

/// Sweeps over the events: what is invoked enters the open operations, what responds leaves them.
fn next<Op, Ret>(completed: &[Completion<'_, Op, Ret>], maybe: &[&Operation<Op, Ret>]) -> Vec<Next> {
    let invoked = completed.iter().map(|completion| completion.operation.invoked);
    let mut invocations: Vec<_> = invoked.zip(0..).collect();
    invocations.sort();
    let mut invocations = invocations.into_iter().peekable();
    let mut open = BTreeSet::new();
    let mut next = Vec::with_capacity(completed.len());
    for (index, Completion { at: responded, .. }) in completed.iter().enumerate() {
        while let Some((_, invoked)) = invocations.next_if(|(at, _)| at < responded) {
            open.insert(invoked);
        }
        let mut may_be_next: Vec<usize> = open.iter().copied().collect();
        may_be_next.sort_by_key(|index| !completed[*index].observes);
        next.push(Next {
            completed: may_be_next,
            maybe: maybe.partition_point(|operation| operation.invoked < *responded),
        });
        open.remove(&index);
    }
    next
}

/// An operation, as the search names it: an index into a list of [`Subhistory`].
#[derive(Clone, Copy)]
enum Choice {
    Completed(usize),
    Maybe(usize),
}

/// Which of the completed operations are linearised: those below `first`, and a few ahead of it.
///
/// It stands for the bit set of Lowe's algorithm. Only operations that are concurrent with the first one
/// missing can be ahead, so that its size depends on the number of clients, not on the length of the history.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Completed {
    /// The first that is not linearised.
    first: usize,
    /// Those after it that are, ascending.
    ahead: VecDeque<usize>,
}

impl Completed {
    fn insert(&mut self, index: usize) {
        if index > self.first {
            let place = self.ahead.partition_point(|other| *other < index);
            self.ahead.insert(place, index);
            return;
        }
        self.first += 1;
        while self.ahead.front() == Some(&self.first) {
            self.ahead.pop_front();
            self.first += 1;
        }
    }
}

/// A set of small numbers, a bit each, without zero words at the end.
#[derive(Clone, PartialEq, Eq)]
struct BitSet(Vec<u64>);

impl BitSet {
    fn contains(&self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    fn insert(&mut self, index: usize) {
        let words = self.0.len().max(index / 64 + 1);
        self.0.resize(words, 0);
        self.0[index / 64] |= 1 << (index % 64);
    }

    fn is_subset(&self, other: &Self) -> bool {
        self.0.len() <= other.0.len() && self.0.iter().zip(&other.0).all(|(word, other)| word & !other == 0)
    }
}

/// How far an order has come: which operations it has, and the state they lead to.
#[derive(Clone)]
struct Configuration<State> {
    completed: Completed,
    maybe: BitSet,
    state: State,
}

impl<State> Configuration<State> {
    fn contains(&self, choice: Choice) -> bool {
        match choice {
            Choice::Completed(index) => self.completed.ahead.binary_search(&index).is_ok(),
            Choice::Maybe(index) => self.maybe.contains(index),
        }
    }

    fn insert(&mut self, choice: Choice) {
        match choice {
            Choice::Completed(index) => self.completed.insert(index),
            Choice::Maybe(index) => self.maybe.insert(index),
        }
    }
}

/// A configuration that the search came to.
struct Node<State> {
    configuration: Configuration<State>,
    /// The node before it and the operation in between; the first node has none.
    from: Option<(usize, Choice)>,
    /// Where it goes on in the order of trying.
    position: usize,
}

/// How promising a node is: it explains more responses from the first on without a gap; among equals, it was
/// found earlier, and so mostly has fewer operations ahead of time. The second part is the node.
type Promise = (usize, Reverse<usize>);

/// How a search ended.
enum Found<'h, Op, Ret> {
    /// An order that explains every response.
    Order(Vec<&'h Operation<Op, Ret>>),
    /// There is none; this explains the most responses.
    None(Furthest<'h, Op, Ret>),
    /// The budget ended.
    OutOfSteps,
}

/// The order that explained the most responses, from the first on without a gap.
struct Furthest<'h, Op, Ret> {
    /// How many.
    explained: usize,
    order: Vec<&'h Operation<Op, Ret>>,
}

/// A search for an order.
///
/// Wing and Gong go depth first and take the operations as they come. An operation that is taken before its
/// response asks for it may be missing later, which then costs a search of all that lies between. So this
/// search takes up, always, the most promising node: it goes deep from response to response, and from one
/// response to the next uses as few operations as it can.
struct Search<'s, 'h, S: Specification> {
    spec: &'s S,
    subhistory: &'s Subhistory<'h, S::Op, S::Ret>,
    nodes: Vec<Node<S::State>>,
    open: BinaryHeap<Promise>,
    /// The nodes by a hash of their completed operations and state, but for those that another makes
    /// needless. The hash has fixed keys, and decides only how fast a node is found, never what is searched.
    visited: BTreeMap<u64, Vec<usize>>,
    furthest: usize,
    steps: u64,
}

/// Searches for an order; returns how it ended and the number of operations tried.
fn search<'h, S: Specification>(
    spec: &S,
    subhistory: &Subhistory<'h, S::Op, S::Ret>,
    budget: u64,
) -> (Found<'h, S::Op, S::Ret>, u64) {
    let (open, visited) = (BinaryHeap::new(), BTreeMap::new());
    let mut search = Search { spec, subhistory, nodes: Vec::new(), open, visited, furthest: 0, steps: 0 };
    let found = search.run(budget);
    (found, search.steps)
}

impl<'h, S: Specification> Search<'_, 'h, S> {
    fn run(&mut self, budget: u64) -> Found<'h, S::Op, S::Ret> {
        let completed = Completed { first: 0, ahead: VecDeque::new() };
        self.add(Configuration { completed, maybe: BitSet(Vec::new()), state: self.spec.initial() }, None);
        let responses = self.subhistory.completed.len();
        while self.nodes[self.furthest].configuration.completed.first < responses {
            let Some((_, Reverse(node))) = self.open.peek().copied() else {
                return Found::None(self.explained_by(self.furthest));
            };
            let Some(choice) = self.choose(node) else {
                self.open.pop();
                continue;
            };
            if self.steps == budget {
                return Found::OutOfSteps;
            }
            self.steps += 1;
            self.follow(node, choice);
        }
        Found::Order(self.explained_by(self.furthest).order)
    }

    /// The next operation to try after this node.
    fn choose(&mut self, node: usize) -> Option<Choice> {
        let Node { configuration, position, .. } = &mut self.nodes[node];
        let next = self.subhistory.next.get(configuration.completed.first)?;
        while let Some(choice) = next.choice(*position) {
            *position += 1;
            if !configuration.contains(choice) {
                return Some(choice);
            }
        }
        None
    }

    /// Takes up the configuration after `choice`, unless its client was told something else than the
    /// specification returns.
    fn follow(&mut self, node: usize, choice: Choice) {
        let before = &self.nodes[node].configuration;
        let operation = self.subhistory.operation(choice);
        let mut state = before.state.clone();
        let returns = self.spec.apply(&mut state, &operation.op);
        let mut observes = false;
        if let Choice::Completed(index) = choice {
            let completion = &self.subhistory.completed[index];
            if returns != *completion.ret {
                return;
            }
            observes = completion.observes;
            let op = &operation.op;
            assert!(
                !observes || state == before.state,
                "the specification says that {op:?} changes nothing where it returns {returns:?}, but it did"
            );
        }
        let mut after =
            Configuration { completed: before.completed.clone(), maybe: before.maybe.clone(), state };
        after.insert(choice);
        if observes {
            // Wherever else in an order this operation stood, it could be moved here: what it returns is
            // right here, nothing that precedes it is missing, and the others do not notice. So nothing else
            // need be tried.
            self.nodes[node].position = usize::MAX;
        }
        self.add(after, Some((node, choice)));
    }

    /// Adds a node, unless one with the same operations completed and the same state used no other optional
    /// ones: whatever can follow the new one can follow that one.
    ///
    /// Nothing is missed by this, nor by trying nothing else after an operation that observes. Of the nodes
    /// from which the end can be reached, take one with the fewest operations to go. Its successor towards
    /// the end has fewer, so it is no node; but then there is one in its stead, from which the end can be
    /// reached in as few. So there is none to go.
    fn add(&mut self, configuration: Configuration<S::State>, from: Option<(usize, Choice)>) {
        let Configuration { completed, maybe, state } = &configuration;
        let mut hasher = DefaultHasher::new();
        (completed, state).hash(&mut hasher);
        let nodes = &self.nodes;
        let same = |other: &Configuration<S::State>| other.completed == *completed && other.state == *state;
        let bucket = self.visited.entry(hasher.finish()).or_default();
        let others = || bucket.iter().map(|other| &nodes[*other].configuration);
        if others().any(|other| same(other) && other.maybe.is_subset(maybe)) {
            return;
        }
        bucket.retain(|other| {
            let other = &nodes[*other].configuration;
            !(same(other) && maybe.is_subset(&other.maybe))
        });
        let node = nodes.len();
        bucket.push(node);
        let explained = completed.first;
        if explained > nodes.get(self.furthest).map_or(0, |furthest| furthest.configuration.completed.first) {
            self.furthest = node;
        }
        self.open.push((explained, Reverse(node)));
        self.nodes.push(Node { configuration, from, position: 0 });
    }

    /// The order that leads to a node.
    fn explained_by(&self, node: usize) -> Furthest<'h, S::Op, S::Ret> {
        let explained = self.nodes[node].configuration.completed.first;
        let mut order = Vec::new();
        let mut node = node;
        while let Some((before, choice)) = self.nodes[node].from {
            order.push(self.subhistory.operation(choice));
            node = before;
        }
        order.reverse();
        Furthest { explained, order }
    }
}

/// A prefix that no order explains.
struct Prefix<'h, Op, Ret> {
    operations: Vec<&'h Operation<Op, Ret>>,
    /// The operation whose response ends it, and when that was.
    offending: &'h Operation<Op, Ret>,
    last: Moment,
    /// An order that explains the responses before it, or most of them.
    order: Vec<&'h Operation<Op, Ret>>,
    shortest: bool,
    steps: u64,
}

/// Finds the shortest prefix of an impossible subhistory that is impossible, by bisection over its responses.
///
/// Bisection is sound because every prefix of a linearizable history is linearizable: take an order that
/// explains the longer one and cut it after the last operation that responded in the prefix. What is left has
/// every response of the prefix; it has no operation from after the prefix, since that would stand before one
/// that had responded before it was invoked; and where an operation responds only later, the prefix allows it
/// any result.
///
/// The end of a shortest prefix is a response, because an invocation may always be left out of the order. It
/// is no earlier than the first response that the search for the whole could not explain. That is mostly the
/// one, so it is tried first; it may be later, since the search for the whole held operations to responses
/// that the prefix does not have yet.
fn shortest_prefix<'h, S: Specification>(
    spec: &S,
    operations: &[&'h Operation<S::Op, S::Ret>],
    whole: &Subhistory<'h, S::Op, S::Ret>,
    furthest: Furthest<'h, S::Op, S::Ret>,
    budget: u64,
) -> Prefix<'h, S::Op, S::Ret> {
    let Furthest { explained: mut low, mut order } = furthest;
    // The responses before `low` can be explained; those up to and including `high` cannot.
    let mut high = whole.completed.len() - 1;
    let mut probe = low;
    let mut steps = 0;
    while low < high {
        let prefix = Subhistory::through(spec, operations, whole.completed[probe].at);
        let (found, used) = search(spec, &prefix, budget - steps);
        steps += used;
        match found {
            Found::Order(found) => (low, order) = (probe + 1, found),
            Found::None(_) => high = probe,
            Found::OutOfSteps => break,
        }
        probe = low + (high - low) / 2;
    }
    let Completion { operation: offending, at: last, .. } = whole.completed[high];
    Prefix { operations: operations.to_vec(), offending, last, order, shortest: low == high, steps }
}

/// The counterexample of the object that became impossible first. By locality its shortest prefix is that of
/// the whole history, unless an object was left undecided, which may have become impossible before.
fn counterexample<S: Specification>(
    spec: &S,
    prefixes: Vec<Prefix<'_, S::Op, S::Ret>>,
    undecided: bool,
    steps: u64,
) -> Counterexample<S::Op, S::Ret> {
    let steps = steps + prefixes.iter().map(|prefix| prefix.steps).sum::<u64>();
    let shortest = !undecided && prefixes.iter().all(|prefix| prefix.shortest);
    let prefix = prefixes.into_iter().min_by_key(|prefix| prefix.last).expect("one object is impossible");
    let mut state = spec.initial();
    let mut order = Vec::new();
    for operation in &prefix.order {
        let returns = spec.apply(&mut state, &operation.op);
        order.push(Linearised { operation: operation.id, returns });
    }
    let would_return = prefix.shortest.then(|| {
        let offending = order.iter().find(|linearised| linearised.operation == prefix.offending.id);
        let returns = offending.map(|linearised| linearised.returns.clone());
        returns.unwrap_or_else(|| spec.apply(&mut state, &prefix.offending.op))
    });
    Counterexample {
        offending: prefix.offending.id,
        prefix: cut(&prefix.operations, prefix.last),
        order,
        would_return,
        shortest,
        steps,
    }
}

/// The history of the events up to and including `last`.
fn cut<Op: Clone, Ret: Clone>(operations: &[&Operation<Op, Ret>], last: Moment) -> History<Op, Ret> {
    let invoked = operations.iter().filter(|operation| operation.invoked <= last);
    let operations = invoked.map(|operation| {
        let mut operation = (*operation).clone();
        if operation.response().is_some_and(|(at, _)| at > last) {
            operation.outcome = Outcome::NoResponse;
        }
        operation
    });
    History::of(operations.collect())
}

/// A printed counterexample has at most this many lines for its prefix and for its order; what is left out is
/// earlier.
const LINES: usize = 20;

impl<Op: Debug, Ret: Debug> Display for Counterexample<Op, Ret> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offending = self.offending_operation();
        let (responded, ret) = offending.response().expect("the offending operation responded");
        let Operation { client, op, invoked, .. } = offending;
        writeln!(
            f,
            "client c{client}'s {op:?} at {}..{} µs returned {ret:?}; no order explains it.",
            invoked.at_us, responded.at_us
        )?;
        writeln!(f, "{}", self.prefix_title())?;
        self.write_prefix(f)?;
        if !self.order.is_empty() {
            let explains =
                if self.would_return.is_some() { "every response before it" } else { "the most responses" };
            writeln!(f, "The longest order found explains {explains}:")?;
            self.write_order(f)?;
        }
        match &self.would_return {
            Some(would_return) => {
                writeln!(f, "{}, {op:?} returns {would_return:?}, not {ret:?}.", self.place())
            }
            None => Ok(()),
        }
    }
}

impl<Op: Debug, Ret: Debug> Counterexample<Op, Ret> {
    fn offending_operation(&self) -> &Operation<Op, Ret> {
        self.prefix.get(self.offending).expect("the prefix ends with the offending response")
    }

    fn prefix_title(&self) -> &'static str {
        match self.shortest {
            true => "The shortest prefix of the history that no order explains ends with this response:",
            false => {
                "No order explains the history up to this response (whether a shorter prefix can \
                 be explained is unknown: the budget ended):"
            }
        }
    }

    /// Where in the order the offending operation returns something else.
    fn place(&self) -> &'static str {
        match self.order.iter().any(|linearised| linearised.operation == self.offending) {
            true => "There",
            false if self.order.is_empty() => "At the start",
            false => "After these",
        }
    }

    fn write_prefix(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut operations: Vec<_> = self.prefix.operations().iter().collect();
        operations.sort_by_key(|operation| operation.invoked);
        let hidden = operations.len().saturating_sub(LINES);
        let shown =
            |index: usize, operation: &Operation<Op, Ret>| index >= hidden || operation.id == self.offending;
        let operations =
            operations.into_iter().enumerate().filter(|(index, operation)| shown(*index, operation));
        let rows: Vec<Row> = operations
            .map(|(_, operation)| {
                let mut row = Row::of(operation);
                if operation.id == self.offending {
                    row.result.push_str("  <- no order explains this");
                } else if operation.response().is_none() {
                    row.result = "no response yet (maybe)".to_string();
                }
                row
            })
            .collect();
        write_tail(f, self.prefix.len(), &rows)
    }

    fn write_order(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.order[self.order.len().saturating_sub(LINES)..];
        let rows: Vec<Row> = shown.iter().map(|linearised| self.linearised_row(linearised)).collect();
        write_tail(f, self.order.len(), &rows)
    }

    fn linearised_row(&self, linearised: &Linearised<Ret>) -> Row {
        let operation =
            self.prefix.get(linearised.operation).expect("an order is of operations of the prefix");
        let mut row = Row::of(operation);
        row.result = format!("{:?}", linearised.returns);
        if operation.id == self.offending {
            row.result.push_str("  <- not what the client was told");
        } else if operation.response().is_none() {
            row.result.push_str("  (took effect without a response)");
        }
        row
    }
}

fn write_tail(f: &mut fmt::Formatter<'_>, all: usize, rows: &[Row]) -> fmt::Result {
    if all > rows.len() {
        writeln!(f, "  … {} earlier operations …", all - rows.len())?;
    }
    write_rows(f, "  ", rows)
}

/// A register: one value that is read, written, and compared-and-swapped.
#[derive(Clone, Debug, Default)]
pub struct Register<V> {
    initial: V,
}

impl<V> Register<V> {
    /// A register that holds `initial` at first.
    pub fn new(initial: V) -> Self {
        Self { initial }
    }
}

/// What a client asks of a [`Register`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RegisterOp<V> {
    /// Tell the value.
    Read,
    /// Make this the value.
    Write(V),
    /// Make `new` the value if it is `expected`.
    Cas {
        /// The value at which to swap.
        expected: V,
        /// The value after a swap.
        new: V,
    },
}

/// What a [`Register`] tells a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RegisterRet<V> {
    /// The value read.
    Value(V),
    /// It was written.
    Written,
    /// Whether the value was the expected one, so that it was swapped.
    Swapped(bool),
}

impl<V: Clone + Eq + Hash + Debug> Specification for Register<V> {
    type State = V;
    type Op = RegisterOp<V>;
    type Ret = RegisterRet<V>;
    type Key = ();

    fn initial(&self) -> V {
        self.initial.clone()
    }

    fn observes(&self, op: &RegisterOp<V>, ret: &RegisterRet<V>) -> bool {
        *op == RegisterOp::Read || *ret == RegisterRet::Swapped(false)
    }

    fn apply(&self, state: &mut V, op: &RegisterOp<V>) -> RegisterRet<V> {
        match op {
            RegisterOp::Read => RegisterRet::Value(state.clone()),
            RegisterOp::Write(value) => {
                *state = value.clone();
                RegisterRet::Written
            }
            RegisterOp::Cas { expected, new } => {
                let swapped = state == expected;
                if swapped {
                    *state = new.clone();
                }
                RegisterRet::Swapped(swapped)
            }
        }
    }
}

/// Consensus as an object: the first value proposed is the one decided, for everybody and for ever (Herlihy,
/// "Wait-Free Synchronization", TOPLAS 1991, §3.1). That two decisions agree and that what is decided was
/// proposed are its linearizability.
#[derive(Clone, Debug)]
pub struct Consensus<V> {
    values: PhantomData<V>,
}

impl<V> Consensus<V> {
    /// Consensus on which nothing was proposed yet.
    pub fn new() -> Self {
        Self { values: PhantomData }
    }
}

impl<V> Default for Consensus<V> {
    fn default() -> Self {
        Self::new()
    }
}

/// What a client asks of [`Consensus`]; it is told the value decided, `None` if there is none yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ConsensusOp<V> {
    /// Decide this value, or tell the one decided before.
    Propose(V),
    /// Tell the value decided.
    Learn,
}

impl<V: Clone + Eq + Hash + Debug> Specification for Consensus<V> {
    type State = Option<V>;
    type Op = ConsensusOp<V>;
    type Ret = Option<V>;
    type Key = ();

    fn initial(&self) -> Option<V> {
        None
    }

    fn observes(&self, op: &ConsensusOp<V>, ret: &Option<V>) -> bool {
        match op {
            ConsensusOp::Propose(value) => ret.as_ref() != Some(value),
            ConsensusOp::Learn => true,
        }
    }

    fn apply(&self, state: &mut Option<V>, op: &ConsensusOp<V>) -> Option<V> {
        if let (None, ConsensusOp::Propose(value)) = (&state, op) {
            *state = Some(value.clone());
        }
        state.clone()
    }
}

/// A first-in-first-out queue, empty at first (Herlihy & Wing, Figure 3, with a result for the empty queue).
///
/// The order of concurrent enqueues shows only when the values are taken, so where many values wait the
/// search soon ends its budget: a workload that is to be checked keeps its queues short.
#[derive(Clone, Debug)]
pub struct Queue<V> {
    values: PhantomData<V>,
}

impl<V> Queue<V> {
    /// The empty queue.
    pub fn new() -> Self {
        Self { values: PhantomData }
    }
}

impl<V> Default for Queue<V> {
    fn default() -> Self {
        Self::new()
    }
}

/// What a client asks of a [`Queue`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum QueueOp<V> {
    /// Add this value at the end.
    Enqueue(V),
    /// Take the value at the front.
    Dequeue,
}

/// What a [`Queue`] tells a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum QueueRet<V> {
    /// It was added.
    Enqueued,
    /// The value taken; `None` if the queue was empty.
    Dequeued(Option<V>),
}

impl<V: Clone + Eq + Hash + Debug> Specification for Queue<V> {
    type State = VecDeque<V>;
    type Op = QueueOp<V>;
    type Ret = QueueRet<V>;
    type Key = ();

    fn initial(&self) -> VecDeque<V> {
        VecDeque::new()
    }

    fn observes(&self, _op: &QueueOp<V>, ret: &QueueRet<V>) -> bool {
        *ret == QueueRet::Dequeued(None)
    }

    fn apply(&self, state: &mut VecDeque<V>, op: &QueueOp<V>) -> QueueRet<V> {
        match op {
            QueueOp::Enqueue(value) => {
                state.push_back(value.clone());
                QueueRet::Enqueued
            }
            QueueOp::Dequeue => QueueRet::Dequeued(state.pop_front()),
        }
    }
}

/// An object for every key, each as `S` says: `Keyed<String, Register<Option<u64>>>` is a key-value store. An
/// operation is the key and the object's operation; the checker splits the history by key.
#[derive(Clone, Debug)]
pub struct Keyed<K, S> {
    object: S,
    keys: PhantomData<K>,
}

impl<K, S> Keyed<K, S> {
    /// Objects as `object` says.
    pub fn new(object: S) -> Self {
        Self { object, keys: PhantomData }
    }
}

impl<K: Ord + Clone + Hash + Debug, S: Specification> Specification for Keyed<K, S> {
    /// Only the objects that are not as they were at first, so that a value has one representation.
    type State = BTreeMap<K, S::State>;
    type Op = (K, S::Op);
    type Ret = S::Ret;
    type Key = K;

    fn initial(&self) -> Self::State {
        BTreeMap::new()
    }

    fn apply(&self, state: &mut Self::State, (key, op): &(K, S::Op)) -> S::Ret {
        let initial = self.object.initial();
        let mut object = state.remove(key).unwrap_or_else(|| initial.clone());
        let ret = self.object.apply(&mut object, op);
        if object != initial {
            state.insert(key.clone(), object);
        }
        ret
    }

    fn observes(&self, (_, op): &(K, S::Op), ret: &S::Ret) -> bool {
        self.object.observes(op, ret)
    }

    fn key(&self, (key, _): &(K, S::Op)) -> Option<K> {
        Some(key.clone())
    }
}
