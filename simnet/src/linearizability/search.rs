//! The search for an order: Wing and Gong's candidates, Lowe's memory, the most promising configuration first.

use super::Specification;
use crate::history::{Moment, Operation};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The operations on one object, arranged for the search.
pub(super) struct Subhistory<'h, Op, Ret> {
    /// What responded, in the order of the responses.
    pub(super) completed: Vec<Completion<'h, Op, Ret>>,
    /// What has no response, in the order of the invocations.
    pub(super) maybe: Vec<&'h Operation<Op, Ret>>,
    /// For each response, which operations may come next in an order that has explained those before it.
    pub(super) next: Vec<Next>,
}

/// An operation that responded, with its response.
pub(super) struct Completion<'h, Op, Ret> {
    pub(super) operation: &'h Operation<Op, Ret>,
    pub(super) at: Moment,
    pub(super) ret: &'h Ret,
    /// Whether it leaves the state as it was, given what it returned.
    pub(super) observes: bool,
}

/// The operations invoked before one response, but for those that responded earlier still.
pub(super) struct Next {
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
    pub(super) fn new<S: Specification<Op = Op, Ret = Ret>>(
        spec: &S,
        operations: &[&'h Operation<Op, Ret>],
    ) -> Self {
        Self::through(spec, operations, Moment { at_us: u64::MAX, place: u64::MAX })
    }

    /// The prefix of the events up to and including `last`: what responded later has no response in it.
    pub(super) fn through<S>(spec: &S, operations: &[&'h Operation<Op, Ret>], last: Moment) -> Self
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

    pub(super) fn operation(&self, choice: Choice) -> &'h Operation<Op, Ret> {
        match choice {
            Choice::Completed(index) => self.completed[index].operation,
            Choice::Maybe(index) => self.maybe[index],
        }
    }
}

/// Sweeps over the events: what is invoked enters the open operations, what responds leaves them.
pub(super) fn next<Op, Ret>(
    completed: &[Completion<'_, Op, Ret>],
    maybe: &[&Operation<Op, Ret>],
) -> Vec<Next> {
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
pub(super) enum Choice {
    Completed(usize),
    Maybe(usize),
}

/// Which of the completed operations are linearised: those below `first`, and a few ahead of it.
///
/// It stands for the bit set of Lowe's algorithm. Only operations that are concurrent with the first one
/// missing can be ahead, so that its size depends on the number of clients, not on the length of the history.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Completed {
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
pub(super) struct BitSet(Vec<u64>);

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
pub(super) struct Configuration<State> {
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
pub(super) struct Node<State> {
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
pub(super) enum Found<'h, Op, Ret> {
    /// An order that explains every response.
    Order(Vec<&'h Operation<Op, Ret>>),
    /// There is none; this explains the most responses.
    None(Furthest<'h, Op, Ret>),
    /// The budget ended.
    OutOfSteps,
}

/// The order that explained the most responses, from the first on without a gap.
pub(super) struct Furthest<'h, Op, Ret> {
    /// How many.
    pub(super) explained: usize,
    pub(super) order: Vec<&'h Operation<Op, Ret>>,
}

/// A search for an order.
///
/// Wing and Gong go depth first and take the operations as they come. An operation that is taken before its
/// response asks for it may be missing later, which then costs a search of all that lies between. So this
/// search takes up, always, the most promising node: it goes deep from response to response, and from one
/// response to the next uses as few operations as it can.
pub(super) struct Search<'s, 'h, S: Specification> {
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
pub(super) fn search<'h, S: Specification>(
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
