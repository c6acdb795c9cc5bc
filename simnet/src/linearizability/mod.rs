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

mod counterexample;
mod objects;
mod search;

pub use objects::{
    Consensus, ConsensusOp, Keyed, Queue, QueueOp, QueueRet, Register, RegisterOp, RegisterRet,
};

use crate::history::{History, Operation, OperationId, Outcome};
use crate::monitor::{Judgement, Violation};
use counterexample::*;
use search::*;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::{self, Debug, Display};
use std::hash::Hash;

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

impl<Op: Debug, Ret: Debug> Verdict<Op, Ret> {
    /// What this says of `rule`, which asks for an order that explains the history; `expected` says what such an order is like.
    pub fn judge(&self, rule: &str, expected: &str) -> Judgement {
        match self {
            Verdict::Linearizable { .. } => Judgement::Held,
            Verdict::NotLinearizable(why) => {
                Judgement::Broken(Violation::new(rule, expected, why.to_string()))
            }
            Verdict::Unknown { steps } => {
                Judgement::Unknown(format!("{rule} (the search for an order gave up after {steps} steps)"))
            }
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
