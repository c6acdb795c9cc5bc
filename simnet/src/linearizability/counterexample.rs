//! Why there is no order: the shortest prefix of the history that none explains, as one page.

use super::search::*;
use super::{Counterexample, Linearised, Specification};
use crate::history::{History, Moment, Operation, Outcome, Row, write_rows};
use std::fmt::{self, Debug, Display};

/// A prefix that no order explains.
pub(super) struct Prefix<'h, Op, Ret> {
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
pub(super) fn shortest_prefix<'h, S: Specification>(
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
pub(super) fn counterexample<S: Specification>(
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
pub(super) fn cut<Op: Clone, Ret: Clone>(
    operations: &[&Operation<Op, Ret>],
    last: Moment,
) -> History<Op, Ret> {
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
pub(super) const LINES: usize = 20;

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

pub(super) fn write_tail(f: &mut fmt::Formatter<'_>, all: usize, rows: &[Row]) -> fmt::Result {
    if all > rows.len() {
        writeln!(f, "  … {} earlier operations …", all - rows.len())?;
    }
    write_rows(f, "  ", rows)
}
