//! The checker of linearizability on histories whose verdict is known: from the literature, from runs of a
//! really atomic object, and from a checker that tries every order.
//!
//! What a pass claims: every verdict here is proved twice. An order that the checker finds is replayed
//! against the definition; a history that it rejects, and every shorter prefix of its counterexample, is
//! decided again by brute force where it has at most [`BRUTE`] operations.

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseError, TestRunner};
use rand_xoshiro::Xoshiro256StarStar;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use simnet::Judgement;
use simnet::history::{History, HistoryError, Operation, OperationId, Outcome};
use simnet::linearizability::{
    Consensus, ConsensusOp, Counterexample, Keyed, Queue, QueueOp, QueueRet, Register, RegisterOp,
    RegisterRet, Specification, Verdict, check,
};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Debug;

use QueueOp::{Dequeue, Enqueue};
use QueueRet::{Dequeued, Enqueued};
use RegisterOp::{Cas, Read, Write};
use RegisterRet::{Swapped, Value, Written};

/// The budget of every check that is not about budgets, in steps.
const BUDGET: u64 = 100_000;

/// Brute force takes on at most this many operations: 8! orders.
const BRUTE: usize = 8;

// ---------------------------------------------------------------------------------------------------------
// Writing histories down

/// One operation of a history written by hand: client, invocation in µs, operation, and how it ended.
struct Line<Op, Ret>(u32, u64, Op, End<Ret>);

enum End<Ret> {
    /// A response, in µs, and its result.
    Told(u64, Ret),
    NoResponse,
    Failed,
}
use End::{Failed, NoResponse, Told};

fn history<Op, Ret>(lines: impl IntoIterator<Item = Line<Op, Ret>>) -> History<Op, Ret> {
    let mut history = History::new();
    for Line(client, invoked, op, end) in lines {
        let id = history.invoke(client, invoked, op);
        match end {
            Told(at, ret) => history.respond(id, at, ret).expect("a response after its invocation"),
            NoResponse => {}
            Failed => history.fail(id).expect("nothing ended it before"),
        }
    }
    history
}

fn register(lines: impl IntoIterator<Item = Line<RegisterOp<u64>, RegisterRet<u64>>>) -> RegisterHistory {
    history(lines)
}

type RegisterHistory = History<RegisterOp<u64>, RegisterRet<u64>>;
type QueuesHistory = History<(char, QueueOp<char>), QueueRet<char>>;

/// A history in the notation of Herlihy & Wing, one event a line, the line's number its time: `q Enq(x) A`,
/// `q Ok() A`.
fn queues(events: &str) -> QueuesHistory {
    let mut history = History::new();
    let mut open: BTreeMap<char, OperationId> = BTreeMap::new();
    for (at, event) in (0..).zip(events.lines().map(str::trim).filter(|line| !line.is_empty())) {
        let [object, what, process] = event.split(' ').collect::<Vec<_>>()[..] else { panic!("{event}") };
        let [object, process] = [object, process].map(|name| name.chars().next().expect("a letter"));
        let (name, argument) = what.trim_end_matches(')').split_once('(').expect("parentheses");
        let argument = argument.chars().next();
        let op = match (name, argument) {
            ("Enq", Some(value)) => Enqueue(value),
            ("Deq", None) => Dequeue,
            ("Ok", value) => {
                let id = open.remove(&process).expect("an open operation");
                let ret = value.map_or(Enqueued, |value| Dequeued(Some(value)));
                history.respond(id, at, ret).expect("in order");
                continue;
            }
            _ => panic!("{event}"),
        };
        open.insert(process, history.invoke(process as u32 - 'A' as u32, at, (object, op)));
    }
    history
}

fn zero() -> Register<u64> {
    Register::new(0)
}

fn objects() -> Keyed<char, Queue<char>> {
    Keyed::new(Queue::new())
}

// ---------------------------------------------------------------------------------------------------------
// Judging verdicts

/// What counts of a history: all but the failed operations.
fn counting<Op: Clone, Ret: Clone>(history: &History<Op, Ret>) -> Vec<Operation<Op, Ret>> {
    let operations = history.operations().iter();
    operations.filter(|operation| !matches!(operation.outcome, Outcome::Failed)).cloned().collect()
}

/// Whether `a` had responded before `b` was invoked.
fn precedes<Op, Ret>(a: &Operation<Op, Ret>, b: &Operation<Op, Ret>) -> bool {
    a.response().is_some_and(|(at, _)| at < b.invoked)
}

/// The definition, tried out: is there a sequence of the operations, each completed one in it, each optional
/// one at most once, in which nothing follows what it precedes in real time, and every result is the
/// specification's?
fn brute_force<S: Specification>(spec: &S, left: &[Operation<S::Op, S::Ret>], state: &S::State) -> bool {
    if left.iter().all(|operation| operation.response().is_none()) {
        return true;
    }
    (0..left.len()).any(|index| {
        let mut rest = left.to_vec();
        let operation = rest.remove(index);
        if rest.iter().any(|other| precedes(other, &operation)) {
            return false;
        }
        let mut state = state.clone();
        let returns = spec.apply(&mut state, &operation.op);
        operation.response().is_none_or(|(_, ret)| *ret == returns) && brute_force(spec, &rest, &state)
    })
}

fn by_brute_force<S: Specification>(spec: &S, history: &History<S::Op, S::Ret>) -> bool {
    brute_force(spec, &counting(history), &spec.initial())
}

/// Why `order` is no linearization of `history` by the definition (Herlihy & Wing §2.2), if it is not.
fn refute<S: Specification>(
    spec: &S,
    history: &History<S::Op, S::Ret>,
    order: &[OperationId],
) -> Result<(), String> {
    let mut state = spec.initial();
    for (place, id) in order.iter().enumerate() {
        let operation = history.get(*id).ok_or("not of the history")?;
        if matches!(operation.outcome, Outcome::Failed) || order[..place].contains(id) {
            return Err(format!("{id} failed, or stands twice"));
        }
        if let Some(late) =
            order[place + 1..].iter().find(|late| precedes(history.get(**late).unwrap(), operation))
        {
            return Err(format!("{late} precedes {id} in real time"));
        }
        let returns = spec.apply(&mut state, &operation.op);
        if operation.response().is_some_and(|(_, ret)| *ret != returns) {
            return Err(format!("{id} returns {returns:?}"));
        }
    }
    match history.operations().iter().find(|o| o.response().is_some() && !order.contains(&o.id)) {
        Some(missing) => Err(format!("{} is missing", missing.id)),
        None => Ok(()),
    }
}

/// The prefix without its last event, which is the response of `last`.
fn without_response<Op, Ret>(prefix: &History<Op, Ret>, last: OperationId) -> Vec<Operation<Op, Ret>>
where
    Op: Clone,
    Ret: Clone,
{
    let mut operations = counting(prefix);
    let offending = operations.iter_mut().find(|operation| operation.id == last).expect("of the prefix");
    offending.outcome = Outcome::NoResponse;
    operations
}

/// Why the counterexample does not prove what it says, if so.
fn refute_counterexample<S: Specification>(
    spec: &S,
    history: &History<S::Op, S::Ret>,
    why: &Counterexample<S::Op, S::Ret>,
) -> Result<(), String> {
    let end = why.prefix.get(why.offending).and_then(Operation::response).ok_or("no offending response")?.0;
    for operation in why.prefix.operations() {
        let original = history.get(operation.id).ok_or("not of the history")?;
        let cut = original.response().filter(|(at, _)| *at <= end);
        if (operation.client, operation.invoked) != (original.client, original.invoked)
            || operation.response() != cut
            || operation.invoked > end
        {
            return Err(format!("{} is not what the prefix has of it", operation.id));
        }
    }
    let order: Vec<_> = why.order.iter().map(|linearised| linearised.operation).collect();
    let before = without_response(&why.prefix, why.offending);
    let json = serde_json::to_string(&before.iter().map(|o| o.id).collect::<Vec<_>>()).expect("ids");
    let explained: Vec<_> = before.iter().filter(|o| o.response().is_some()).map(|o| o.id).collect();
    if why.shortest && !explained.iter().all(|id| order.contains(id)) {
        return Err(format!("the order {order:?} does not explain all of {json}"));
    }
    let told = why.prefix.get(why.offending).and_then(Operation::response).map(|(_, ret)| ret);
    if why.shortest && why.would_return.as_ref().is_none_or(|returns| Some(returns) == told) {
        return Err(format!("{told:?} and {:?} do not disagree", why.would_return));
    }
    if before.len() > BRUTE {
        return Ok(());
    }
    if by_brute_force(spec, &why.prefix) {
        return Err("an order explains the prefix".to_string());
    }
    if why.shortest && !brute_force(spec, &before, &spec.initial()) {
        return Err("a shorter prefix cannot be explained either".to_string());
    }
    Ok(())
}

/// Why the verdict is wrong, if it is; decided by brute force if the history is small.
fn refute_verdict<S: Specification>(
    spec: &S,
    history: &History<S::Op, S::Ret>,
    verdict: &Verdict<S::Op, S::Ret>,
) -> Result<(), String> {
    match verdict {
        Verdict::Linearizable { order, .. } => refute(spec, history, order)?,
        Verdict::NotLinearizable(why) => refute_counterexample(spec, history, why)?,
        Verdict::Unknown { steps } => return Err(format!("undecided after {steps} steps")),
    }
    if history.len() <= BRUTE && by_brute_force(spec, history) != verdict.is_linearizable() {
        return Err("brute force says otherwise".to_string());
    }
    Ok(())
}

#[track_caller]
fn judge<S: Specification>(spec: &S, history: &History<S::Op, S::Ret>) -> Verdict<S::Op, S::Ret> {
    let verdict = check(spec, history, BUDGET);
    if let Err(why) = refute_verdict(spec, history, &verdict) {
        panic!("{verdict}is wrong: {why}\n{history}");
    }
    verdict
}

/// The history is linearizable; returns the order found.
#[track_caller]
fn explained<S: Specification>(spec: &S, history: &History<S::Op, S::Ret>) -> Vec<OperationId> {
    match judge(spec, history) {
        Verdict::Linearizable { order, .. } => order,
        verdict => panic!("expected an order of\n{history}got\n{verdict}"),
    }
}

/// The history is not linearizable, and becomes so with the response of its `offending`th operation.
#[track_caller]
fn unexplained<S: Specification>(
    spec: &S,
    history: &History<S::Op, S::Ret>,
    offending: usize,
) -> Counterexample<S::Op, S::Ret> {
    match judge(spec, history) {
        Verdict::NotLinearizable(why) => {
            assert_eq!(why.offending, history.operations()[offending].id, "{why}");
            assert!(why.shortest, "{why}");
            *why
        }
        verdict => panic!("expected a counterexample of\n{history}got\n{verdict}"),
    }
}

// ---------------------------------------------------------------------------------------------------------
// Herlihy & Wing 1990

#[test]
fn herlihy_wing_h1_concurrent_enqueues_are_dequeued_in_either_order() {
    let h1 =
        "q Enq(x) A\nq Enq(y) B\nq Ok() B\nq Ok() A\nq Deq() B\nq Ok(x) B\nq Deq() A\nq Ok(y) A\nq Enq(z) A";
    explained(&objects(), &queues(h1));
}

#[test]
fn herlihy_wing_h2_y_overtakes_x_in_the_queue() {
    let h2 = "q Enq(x) A\nq Ok() A\nq Enq(y) B\nq Deq() A\nq Ok() B\nq Ok(y) A";
    let why = unexplained(&objects(), &queues(h2), 2);
    assert_eq!(why.would_return, Some(Dequeued(Some('x'))));
}

#[test]
fn herlihy_wing_h3_x_is_dequeued_before_its_enqueue_returned() {
    let h3 = queues("q Enq(x) A\nq Deq() B\nq Ok(x) B");
    assert_eq!(explained(&objects(), &h3).len(), 2, "the enqueue without a response took effect");
}

#[test]
fn herlihy_wing_h4_y_is_dequeued_twice() {
    let h4 = "q Enq(x) A\nq Enq(y) B\nq Ok() A\nq Ok() B\nq Deq() A\nq Deq() C\nq Ok(y) A\nq Ok(y) C";
    unexplained(&objects(), &queues(h4), 3);
}

/// Figure 2: A writes 0, B writes 1 meanwhile and for long; A reads 1; then C writes 0; at last B reads.
fn figure_2(read_last: u64) -> RegisterHistory {
    register([
        Line(0, 0, Write(0), Told(20, Written)),
        Line(1, 10, Write(1), Told(70, Written)),
        Line(0, 30, Read, Told(40, Value(1))),
        Line(2, 50, Write(0), Told(60, Written)),
        Line(1, 80, Read, Told(90, Value(read_last))),
    ])
}

#[test]
fn herlihy_wing_h5_the_later_write_is_read() {
    explained(&zero(), &figure_2(0));
}

#[test]
fn herlihy_wing_h6_a_value_seen_before_it_was_overwritten_is_read_again() {
    unexplained(&zero(), &figure_2(1), 4);
}

#[test]
fn herlihy_wing_h7_sequentially_consistent_is_not_enough() {
    let h7 = "q Enq(x) A\nq Ok() A\nq Enq(y) B\nq Ok() B\nq Deq() B\nq Ok(y) B";
    unexplained(&objects(), &queues(h7), 2);
}

#[test]
fn herlihy_wing_h8_fails_in_one_of_two_queues_so_it_fails_as_a_whole() {
    let h8 = "p Enq(x) A\np Ok() A\nq Enq(y) B\nq Ok() B\nq Enq(x) A\nq Ok() A\np Enq(y) B\np Ok() B\n\
              p Deq() A\np Ok(y) A\nq Deq() B\nq Ok(x) B";
    let why = unexplained(&objects(), &queues(h8), 4);
    let keys: Vec<_> = why.prefix.operations().iter().map(|operation| operation.op.0).collect();
    assert_eq!(keys, ['p', 'p', 'p'], "q has no part in it");
}

#[test]
fn queue_says_empty_though_an_enqueue_had_returned() {
    let lines = [Line(1, 0, Enqueue(1), Told(10, Enqueued)), Line(2, 20, Dequeue, Told(30, Dequeued(None)))];
    unexplained(&Queue::new(), &history(lines), 1);
}

#[test]
fn queue_says_empty_while_the_enqueue_runs() {
    let lines = [Line(1, 0, Enqueue(1), Told(40, Enqueued)), Line(2, 20, Dequeue, Told(30, Dequeued(None)))];
    explained(&Queue::new(), &history(lines));
}

// ---------------------------------------------------------------------------------------------------------
// Registers

#[test]
fn nothing_happened() {
    assert_eq!(check(&zero(), &History::new(), 0), Verdict::Linearizable { order: vec![], steps: 0 });
}

#[test]
fn one_client_alone() {
    explained(
        &zero(),
        &register([
            Line(1, 0, Read, Told(10, Value(0))),
            Line(1, 10, Write(1), Told(20, Written)),
            Line(1, 20, Cas { expected: 1, new: 2 }, Told(30, Swapped(true))),
            Line(1, 30, Cas { expected: 1, new: 3 }, Told(40, Swapped(false))),
            Line(1, 40, Read, Told(50, Value(2))),
        ]),
    );
}

#[test]
fn stale_read() {
    let why = unexplained(
        &zero(),
        &register([
            Line(1, 0, Write(1), Told(10, Written)),
            Line(2, 15, Write(2), Told(30, Written)),
            Line(3, 40, Read, Told(50, Value(1))),
            Line(3, 60, Read, Told(70, Value(2))),
        ]),
        2,
    );
    assert_eq!(why.prefix.len(), 3, "what comes later is left out");
    assert_eq!(
        why.to_string(),
        "client c3's Read at 40..50 µs returned Value(1); no order explains it.\n\
         The shortest prefix of the history that no order explains ends with this response:\n  \
           c1   0..10 µs  Write(1)  Written\n  \
           c2  15..30 µs  Write(2)  Written\n  \
           c3  40..50 µs  Read      Value(1)  <- no order explains this\n\
         The longest order found explains every response before it:\n  \
           c1   0..10 µs  Write(1)  Written\n  \
           c2  15..30 µs  Write(2)  Written\n\
         After these, Read returns Value(2), not Value(1).\n"
    );
}

#[test]
fn read_of_a_value_nobody_wrote() {
    let lines = [Line(1, 0, Write(1), Told(10, Written)), Line(2, 5, Read, Told(20, Value(3)))];
    unexplained(&zero(), &register(lines), 1);
}

#[test]
fn read_at_the_very_start_of_a_value_nobody_wrote() {
    let why = unexplained(&zero(), &register([Line(2, 5, Read, Told(20, Value(3)))]), 0);
    assert!(why.to_string().ends_with("At the start, Read returns Value(0), not Value(3).\n"), "{why}");
}

#[test]
fn read_of_a_write_that_is_invoked_later() {
    let lines = [Line(2, 0, Read, Told(10, Value(1))), Line(1, 20, Write(1), Told(30, Written))];
    unexplained(&zero(), &register(lines), 0);
}

#[test]
fn reads_meanwhile_see_the_old_value_then_the_new_one() {
    explained(
        &zero(),
        &register([
            Line(1, 0, Write(1), Told(100, Written)),
            Line(2, 10, Read, Told(20, Value(0))),
            Line(3, 30, Read, Told(40, Value(1))),
        ]),
    );
}

#[test]
fn read_inversion() {
    // The new value, then the old one, while the write still runs: a regular register may, an atomic one may
    // not (Lamport, "On Interprocess Communication", Distributed Computing 1986).
    unexplained(
        &zero(),
        &register([
            Line(1, 0, Write(1), Told(100, Written)),
            Line(2, 10, Read, Told(20, Value(1))),
            Line(3, 30, Read, Told(40, Value(0))),
        ]),
        2,
    );
}

#[test]
fn concurrent_reads_may_differ() {
    explained(
        &zero(),
        &register([
            Line(1, 0, Write(1), Told(100, Written)),
            Line(2, 10, Read, Told(40, Value(1))),
            Line(3, 20, Read, Told(30, Value(0))),
        ]),
    );
}

#[test]
fn two_readers_see_two_writes_in_opposite_orders() {
    unexplained(
        &zero(),
        &register([
            Line(1, 0, Write(1), Told(100, Written)),
            Line(2, 0, Write(2), Told(100, Written)),
            Line(3, 10, Read, Told(20, Value(1))),
            Line(4, 25, Read, Told(30, Value(2))),
            Line(3, 40, Read, Told(50, Value(1))),
        ]),
        4,
    );
}

#[test]
fn lost_update_both_swaps_from_one_value_succeed() {
    let swap =
        |client, new| Line(client, 0, Cas { expected: 0, new }, Told(u64::from(client) * 10, Swapped(true)));
    unexplained(&zero(), &register([swap(1, 1), swap(2, 2)]), 1);
}

#[test]
fn lost_update_the_last_write_is_not_read() {
    unexplained(
        &zero(),
        &register([
            Line(1, 0, Write(1), Told(30, Written)),
            Line(2, 10, Write(2), Told(40, Written)),
            Line(3, 50, Read, Told(60, Value(0))),
        ]),
        2,
    );
}

#[test]
fn swap_fails_though_nothing_else_could_have_changed_the_value() {
    unexplained(&zero(), &register([Line(1, 0, Cas { expected: 0, new: 1 }, Told(10, Swapped(false)))]), 0);
}

#[test]
fn swap_is_unexplained_only_by_its_own_late_response() {
    // Until the swap says that it failed, the read is explained by the swap.
    let why = unexplained(
        &zero(),
        &register([
            Line(1, 0, Cas { expected: 0, new: 1 }, Told(100, Swapped(false))),
            Line(2, 10, Read, Told(20, Value(1))),
            Line(2, 30, Read, Told(40, Value(1))),
        ]),
        0,
    );
    let page = why.to_string();
    assert!(page.contains("Swapped(true)  <- not what the client was told"), "{page}");
    assert!(
        page.ends_with("There, Cas { expected: 0, new: 1 } returns Swapped(true), not Swapped(false).\n")
    );
}

// ---------------------------------------------------------------------------------------------------------
// Operations without a response

#[test]
fn maybe_write_is_observed_later() {
    let order = explained(
        &zero(),
        &register([
            Line(1, 0, Write(1), NoResponse),
            Line(2, 10, Read, Told(20, Value(0))),
            Line(2, 1_000, Read, Told(1_010, Value(1))),
        ]),
    );
    assert_eq!(order.len(), 3);
}

#[test]
fn maybe_write_is_never_observed() {
    let lines = [Line(1, 0, Write(1), NoResponse), Line(2, 1_000, Read, Told(1_010, Value(0)))];
    assert_eq!(explained(&zero(), &register(lines)).len(), 1, "the write did not take effect");
}

#[test]
fn maybe_write_is_observed_then_unobserved() {
    unexplained(
        &zero(),
        &register([
            Line(1, 0, Write(1), NoResponse),
            Line(2, 10, Read, Told(20, Value(1))),
            Line(2, 30, Read, Told(40, Value(0))),
        ]),
        2,
    );
}

#[test]
fn maybe_write_takes_effect_once() {
    unexplained(
        &zero(),
        &register([
            Line(1, 0, Write(1), NoResponse),
            Line(2, 10, Read, Told(20, Value(1))),
            Line(2, 30, Write(2), Told(40, Written)),
            Line(2, 50, Read, Told(60, Value(1))),
        ]),
        3,
    );
}

#[test]
fn seventy_maybe_writes_take_effect_once_each() {
    let mut history = register((1..=70).map(|value| Line(value as u32, 0, Write(value), NoResponse)));
    let mut read = |at, value| {
        let id = history.invoke(0, at, Read);
        history.respond(id, at + 5, Value(value)).unwrap();
        (id, check(&zero(), &history, 1_000_000))
    };
    for value in 1..=70 {
        let (_, verdict) = read(value * 10, value);
        assert!(verdict.is_linearizable(), "{verdict}");
    }
    let (again, verdict) = read(710, 35);
    let Verdict::NotLinearizable(why) = verdict else { panic!("{verdict}") };
    assert_eq!(why.offending, again);
}

#[test]
fn maybe_write_is_observed_before_it_was_invoked() {
    let lines = [Line(2, 0, Read, Told(10, Value(1))), Line(1, 20, Write(1), NoResponse)];
    unexplained(&zero(), &register(lines), 0);
}

#[test]
fn maybe_swap_explains_that_another_swap_failed() {
    explained(
        &zero(),
        &register([
            Line(1, 0, Cas { expected: 0, new: 1 }, NoResponse),
            Line(2, 10, Cas { expected: 0, new: 2 }, Told(20, Swapped(false))),
        ]),
    );
}

#[test]
fn two_maybe_writes_take_effect_in_the_order_that_is_needed() {
    explained(
        &zero(),
        &register([
            Line(1, 0, Write(1), NoResponse),
            Line(2, 0, Write(2), NoResponse),
            Line(3, 10, Read, Told(20, Value(2))),
            Line(3, 30, Read, Told(40, Value(1))),
        ]),
    );
}

#[test]
fn failed_write_has_no_effect() {
    let lines = |value| [Line(1, 0, Write(1), Failed), Line(2, 10, Read, Told(20, Value(value)))];
    explained(&zero(), &register(lines(0)));
    unexplained(&zero(), &register(lines(1)), 1);
}

#[test]
fn client_goes_on_after_a_lost_reply() {
    explained(
        &zero(),
        &register([
            Line(1, 0, Write(1), NoResponse),
            Line(1, 50, Write(2), Told(60, Written)),
            Line(1, 70, Read, Told(80, Value(1))),
        ]),
    );
}

#[test]
fn outstanding_operations_of_one_client_are_concurrent() {
    explained(
        &zero(),
        &register([
            Line(1, 0, Write(1), Told(50, Written)),
            Line(1, 10, Write(2), Told(40, Written)),
            Line(1, 60, Read, Told(70, Value(1))),
        ]),
    );
}

#[test]
fn events_of_one_microsecond_happened_in_the_order_of_recording() {
    let mut sequential = RegisterHistory::new();
    let write = sequential.invoke(1, 5, Write(1));
    sequential.respond(write, 5, Written).unwrap();
    let read = sequential.invoke(2, 5, Read);
    sequential.respond(read, 5, Value(0)).unwrap();
    unexplained(&zero(), &sequential, 1);

    let mut concurrent = RegisterHistory::new();
    let write = concurrent.invoke(1, 5, Write(1));
    let read = concurrent.invoke(2, 5, Read);
    concurrent.respond(write, 5, Written).unwrap();
    concurrent.respond(read, 5, Value(0)).unwrap();
    explained(&zero(), &concurrent);
}

// ---------------------------------------------------------------------------------------------------------
// Consensus

fn propose(
    client: u32,
    at: u64,
    value: &'static str,
    end: End<Option<&'static str>>,
) -> Line<ConsensusOp<&'static str>, Option<&'static str>> {
    Line(client, at, ConsensusOp::Propose(value), end)
}

#[test]
fn consensus_all_are_told_the_one_value() {
    let lines = [
        propose(1, 0, "a", Told(50, Some("b"))),
        propose(2, 10, "b", Told(40, Some("b"))),
        Line(3, 20, ConsensusOp::Learn, Told(30, None)),
        Line(3, 60, ConsensusOp::Learn, Told(70, Some("b"))),
    ];
    explained(&Consensus::new(), &history(lines));
}

#[test]
fn consensus_two_values_are_decided() {
    let lines = [propose(1, 0, "a", Told(30, Some("a"))), propose(2, 10, "b", Told(40, Some("b")))];
    let why = unexplained(&Consensus::new(), &history(lines), 1);
    assert_eq!(why.would_return, Some(Some("a")));
}

#[test]
fn consensus_decides_what_nobody_proposed() {
    let lines = [propose(1, 0, "a", Told(30, Some("c"))), propose(2, 10, "b", Told(40, Some("c")))];
    unexplained(&Consensus::new(), &history(lines), 0);
}

#[test]
fn consensus_decides_what_a_crashed_proposer_asked_for() {
    let lines = [propose(1, 0, "a", NoResponse), propose(2, 50, "b", Told(60, Some("a")))];
    explained(&Consensus::new(), &history(lines));
}

#[test]
fn consensus_forgets_a_decision() {
    let lines = [propose(1, 0, "a", Told(10, Some("a"))), Line(2, 20, ConsensusOp::Learn, Told(30, None))];
    unexplained(&Consensus::new(), &history(lines), 1);
}

// ---------------------------------------------------------------------------------------------------------
// Keys

/// Keyed objects that are not split: the whole as one object.
struct Whole<'s, S>(&'s S);

impl<S: Specification> Specification for Whole<'_, S> {
    type State = S::State;
    type Op = S::Op;
    type Ret = S::Ret;
    type Key = ();

    fn initial(&self) -> S::State {
        self.0.initial()
    }

    fn apply(&self, state: &mut S::State, op: &S::Op) -> S::Ret {
        self.0.apply(state, op)
    }
}

type StoreLine<K> = Line<(K, RegisterOp<u64>), RegisterRet<u64>>;

fn store() -> Keyed<&'static str, Register<u64>> {
    Keyed::new(zero())
}

#[test]
fn a_write_of_one_key_says_nothing_about_another() {
    let lines = [
        Line(1, 0, ("x", Write(1)), Told(10, Written)),
        Line(2, 20, ("y", Read), Told(30, Value(0))),
        Line(2, 40, ("x", Read), Told(50, Value(1))),
    ];
    explained(&store(), &history(lines));
}

#[test]
fn the_first_key_to_fail_is_shown_alone() {
    let lines = || {
        [
            Line(1, 0, ("x", Write(1)), Told(10, Written)),
            Line(2, 0, ("y", Write(1)), Told(10, Written)),
            Line(1, 20, ("x", Read), Told(60, Value(0))),
            Line(2, 30, ("y", Read), Told(40, Value(0))),
            Line(3, 30, ("z", Read), Told(40, Value(0))),
        ]
    };
    let why = unexplained(&store(), &history(lines()), 3);
    assert_eq!(why.prefix.len(), 2, "{why}");
    let whole = unexplained(&Whole(&store()), &history(lines()), 3);
    assert_eq!(whole.prefix.len(), 5, "{whole}");
}

#[test]
fn orders_of_many_keys_become_one_order() {
    // x is seen to change before y does, by clients that look at both.
    let lines = [
        Line(1, 0, ("x", Write(1)), Told(100, Written)),
        Line(2, 5, ("y", Write(1)), Told(100, Written)),
        Line(3, 10, ("x", Read), Told(20, Value(1))),
        Line(3, 30, ("y", Read), Told(40, Value(0))),
        Line(4, 50, ("y", Read), Told(60, Value(1))),
        Line(4, 70, ("x", Read), Told(80, Value(1))),
    ];
    assert_eq!(explained(&store(), &history(lines)).len(), 6);
}

/// Writes of 1, 2, … by as many clients at once, then a read of the value that they all replaced. Without
/// memory and key it takes every order of the writes to see that none explains the read.
fn stale_read_after_writes<K: Copy>(key: K, writes: u64) -> Vec<StoreLine<K>> {
    let mut lines: Vec<StoreLine<K>> =
        (1..=writes).map(|value| Line(value as u32, 0, (key, Write(value)), Told(10, Written))).collect();
    lines.push(Line(0, 20, (key, Read), Told(30, Value(0))));
    lines
}

#[test]
fn splitting_by_key_saves_steps() {
    let keys = ["a", "b", "c", "d", "e", "f"];
    let history = history(keys.into_iter().flat_map(|key| stale_read_after_writes(key, 3)));
    let split = check(&store(), &history, BUDGET);
    assert!(split.is_not_linearizable() && split.steps() < 200, "{split}");
    let whole = check(&Whole(&store()), &history, BUDGET);
    assert!(whole.is_unknown(), "together they take more than {BUDGET} steps: {whole}");
}

// ---------------------------------------------------------------------------------------------------------
// Budgets

#[test]
fn budget_ends_on_a_good_history() {
    let lines = (0..10).map(|value| Line(1, value * 10, Write(value), Told(value * 10 + 5, Written)));
    let history = register(lines);
    let verdict = check(&zero(), &history, 9);
    assert_eq!(verdict, Verdict::Unknown { steps: 9 });
    let unknown = "the rule (the search for an order gave up after 9 steps)";
    assert_eq!(verdict.judge("the rule", "an order"), Judgement::Unknown(unknown.to_string()));
    let verdict = check(&zero(), &history, 10);
    assert!(verdict.is_linearizable());
    assert_eq!(verdict.judge("the rule", "an order"), Judgement::Held);
}

#[test]
fn budget_ends_on_a_bad_history() {
    let bad = history(stale_read_after_writes("x", 16));
    let verdict = check(&store(), &bad, 1_000);
    assert_eq!(verdict, Verdict::Unknown { steps: 1_000 });
    assert_eq!(
        verdict.to_string(),
        "unknown: the budget ended after 1000 steps; check again with a larger one\n"
    );
    assert!(check(&store(), &history(stale_read_after_writes("x", 6)), 1_000).is_not_linearizable());
}

#[test]
fn a_larger_budget_only_adds_knowledge() {
    let late = register([
        Line(1, 0, Cas { expected: 0, new: 1 }, Told(100, Swapped(false))),
        Line(2, 10, Read, Told(20, Value(1))),
        Line(2, 30, Read, Told(40, Value(1))),
    ]);
    let mut stages = Vec::new();
    for budget in 0..20 {
        let stage = match check(&zero(), &late, budget) {
            Verdict::Linearizable { .. } => panic!("it is not, whatever the budget"),
            Verdict::Unknown { steps } => {
                assert_eq!(steps, budget);
                "unknown"
            }
            Verdict::NotLinearizable(why) => {
                refute_counterexample(&zero(), &late, &why).unwrap();
                assert_eq!(why.would_return.is_some(), why.shortest, "{why}");
                if why.shortest { "shortest" } else { "some prefix" }
            }
        };
        stages.push(stage);
    }
    stages.dedup();
    assert_eq!(stages, ["unknown", "some prefix", "shortest"]);
}

#[test]
fn a_hard_key_does_not_hide_a_bad_one() {
    // The bad one has more operations than the hard one, and comes after it.
    let mut lines = stale_read_after_writes("hard", 16);
    lines.extend(
        (0..30).map(|value| Line(1, value * 10, ("easy", Write(value)), Told(value * 10 + 5, Written))),
    );
    lines.push(Line(1, 300, ("easy", Read), Told(310, Value(0))));
    let Verdict::NotLinearizable(why) = check(&store(), &history(lines), 1_000) else {
        panic!("the easy key is not linearizable");
    };
    assert_eq!(why.prefix.len(), 31);
    assert!(!why.shortest, "the hard key may have failed before");
}

/// Checks a history that really happened, and then the same with a read at its end of what was never written.
fn check_long_run(lost: u64, good_budget: u64, bad_budget: u64) {
    let mut history = long_run(2_000, lost);
    let good = check(&zero(), &history, good_budget);
    assert!(good.is_linearizable(), "{good}");
    refute_verdict(&zero(), &history, &good).unwrap();

    let read = history.invoke(9, 1_000_000, Read);
    history.respond(read, 1_000_010, Value(u64::MAX)).unwrap();
    let bad = check(&zero(), &history, bad_budget);
    let Verdict::NotLinearizable(why) = &bad else { panic!("{bad}") };
    assert_eq!((why.offending, why.shortest), (read, true));
    refute_verdict(&zero(), &history, &bad).unwrap();
    assert!(bad.to_string().lines().count() < 50, "a page, not the whole history:\n{bad}");
}

#[test]
fn two_thousand_operations_take_ten_thousand_steps_and_fifty_thousand_if_the_last_is_wrong() {
    check_long_run(0, 10_000, 50_000);
}

#[test]
fn forty_lost_replies_among_two_thousand_operations_take_ten_times_as_many_steps() {
    let lost =
        long_run(2_000, 50).operations().iter().filter(|operation| operation.response().is_none()).count();
    assert!((35..=45).contains(&lost), "{lost}");
    check_long_run(50, 100_000, 500_000);
}

#[test]
fn short_queue_of_a_thousand_operations_takes_five_thousand_steps() {
    let mut random = Xoshiro256StarStar::seed_from_u64(1_000);
    let mut below = |n: u64| random.next_u64() % n;
    let plans = (0..1_000).map(|index| {
        let op = if below(3) == 0 { Enqueue(index) } else { Dequeue };
        let length = 10 + below(30);
        Plan { client: 0, start: index * 10, length, point: below(length + 1), op, fate: Fate::Told }
    });
    let history = run_atomically(&Queue::new(), &plans.collect::<Vec<_>>());
    let verdict = check(&Queue::new(), &history, 5_000);
    assert!(verdict.is_linearizable(), "{verdict}");
    refute_verdict(&Queue::new(), &history, &verdict).unwrap();
}

/// A run of a really atomic register under eight clients, each with one operation at a time: half reads, the
/// rest writes of unique values and swaps. One operation in `lost` gets no response, half of these without an
/// effect.
fn long_run(operations: usize, lost: u64) -> RegisterHistory {
    let mut random = Xoshiro256StarStar::seed_from_u64(2_000);
    let mut below = |n: u64| random.next_u64() % n;
    let mut free_at = [0_u64; 8];
    let mut plans = Vec::new();
    for value in 1..=operations as u64 {
        let client = (0..8).min_by_key(|client| free_at[*client]).expect("eight");
        let start = free_at[client] + below(20);
        let length = 1 + below(100);
        let op = match below(4) {
            0 => Write(value),
            1 => Cas { expected: value - 1 - below(value.min(8)), new: value },
            _ => Read,
        };
        let fate = match lost > 0 && below(lost) == 0 {
            true if below(2) == 0 => Fate::RequestLost,
            true => Fate::ReplyLost,
            false => Fate::Told,
        };
        plans.push(Plan { client: client as u32, start, length, point: below(length + 1), op, fate });
        free_at[client] = start + length;
    }
    run_atomically(&zero(), &plans)
}

// ---------------------------------------------------------------------------------------------------------
// Runs of an atomic object

#[derive(Clone, Copy, Debug)]
enum Fate {
    Told,
    /// It never arrived, and nobody knows.
    RequestLost,
    /// It was carried out, and nobody knows.
    ReplyLost,
    /// It never arrived, and its client knows.
    Refused,
}

/// One operation of a run: it is carried out `point` µs after its start.
#[derive(Clone, Debug)]
struct Plan<Op> {
    client: u32,
    start: u64,
    length: u64,
    point: u64,
    op: Op,
    fate: Fate,
}

/// Carries the operations out one by one at their points, on one object, and records what the clients see.
fn run_atomically<S: Specification>(spec: &S, plans: &[Plan<S::Op>]) -> History<S::Op, S::Ret> {
    let mut by_point: Vec<usize> = (0..plans.len()).collect();
    by_point.sort_by_key(|index| (plans[*index].start + plans[*index].point, *index));
    let mut state = spec.initial();
    let mut rets: Vec<Option<S::Ret>> = vec![None; plans.len()];
    for index in by_point {
        if matches!(plans[index].fate, Fate::Told | Fate::ReplyLost) {
            rets[index] = Some(spec.apply(&mut state, &plans[index].op));
        }
    }
    history(plans.iter().zip(rets).map(|(plan, ret)| {
        let end = match (plan.fate, ret) {
            (Fate::Told, Some(ret)) => Told(plan.start + plan.length, ret),
            (Fate::Refused, _) => Failed,
            _ => NoResponse,
        };
        Line(plan.client, plan.start, plan.op.clone(), end)
    }))
}

/// The history with other results for some operations that responded.
fn lie<Op: Clone, Ret: Clone>(honest: &History<Op, Ret>, lies: &[(usize, Ret)]) -> History<Op, Ret> {
    history(honest.operations().iter().enumerate().map(|(index, operation)| {
        let lie = lies.iter().find(|(place, _)| place % honest.len() == index).map(|(_, ret)| ret);
        let end = match &operation.outcome {
            Outcome::Responded { at, ret } => Told(at.at_us, lie.unwrap_or(ret).clone()),
            Outcome::NoResponse => NoResponse,
            Outcome::Failed => Failed,
        };
        Line(operation.client, operation.invoked.at_us, operation.op.clone(), end)
    }))
}

fn register_op() -> impl Strategy<Value = RegisterOp<u64>> {
    prop_oneof![
        3 => Just(Read),
        2 => (0..3_u64).prop_map(Write),
        1 => (0..3_u64, 0..3_u64).prop_map(|(expected, new)| Cas { expected, new }),
    ]
}

fn register_ret() -> impl Strategy<Value = RegisterRet<u64>> {
    prop_oneof![3 => (0..3_u64).prop_map(Value), 1 => Just(Written), 1 => any::<bool>().prop_map(Swapped)]
}

fn queue_op() -> impl Strategy<Value = QueueOp<u64>> {
    prop_oneof![(0..3_u64).prop_map(Enqueue), Just(Dequeue)]
}

fn queue_ret() -> impl Strategy<Value = QueueRet<u64>> {
    prop_oneof![4 => proptest::option::of(0..3_u64).prop_map(Dequeued), 1 => Just(Enqueued)]
}

fn plans<Op: Debug + Clone>(
    op: impl Strategy<Value = Op>,
    operations: usize,
    span_us: u64,
) -> impl Strategy<Value = Vec<Plan<Op>>> {
    let fate = prop_oneof![
        7 => Just(Fate::Told),
        1 => Just(Fate::RequestLost),
        1 => Just(Fate::ReplyLost),
        1 => Just(Fate::Refused),
    ];
    let plan = (0..6_u32, 0..span_us, 0..20_u64, 0..1_000_u64, op, fate).prop_map(
        |(client, start, length, point, op, fate)| {
            // Nobody waits for the reply that is lost: what it belongs to may be carried out long after.
            let point = if matches!(fate, Fate::ReplyLost) { point % 60 } else { point % (length + 1) };
            Plan { client, start, length, point, op, fate }
        },
    );
    proptest::collection::vec(plan, 1..=operations)
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1990),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn accepts<S: Specification>(spec: &S, plans: &[Plan<S::Op>]) -> Result<(), TestCaseError> {
    let history = run_atomically(spec, plans);
    let verdict = check(spec, &history, BUDGET);
    prop_assert!(verdict.is_linearizable(), "{verdict}{history}");
    refute_verdict(spec, &history, &verdict).map_err(TestCaseError::fail)
}

/// Checks histories of at most seven operations, some of whose clients were told something else than what
/// happened. Brute force says which of them an order explains all the same; both kinds must come up often.
fn agrees_with_brute_force<S: Specification>(
    spec: &S,
    op: impl Strategy<Value = S::Op>,
    ret: impl Strategy<Value = S::Ret>,
) {
    let histories = (plans(op, 7, 50), proptest::collection::vec((0..7_usize, ret), 0..3));
    let histories = histories.prop_map(|(plans, lies)| lie(&run_atomically(spec, &plans), &lies));
    let (good, bad) = (Cell::new(0), Cell::new(0));
    let outcome = TestRunner::new(cases(3_000)).run(&histories, |history| {
        let verdict = check(spec, &history, BUDGET);
        let refuted = |why| TestCaseError::fail(format!("{why}\n{verdict}{history}"));
        refute_verdict(spec, &history, &verdict).map_err(refuted)?;
        let whole = check(&Whole(spec), &history, BUDGET);
        prop_assert_eq!(verdict.is_linearizable(), whole.is_linearizable(), "as one object");
        prop_assert_eq!(format!("{verdict:?}"), format!("{:?}", check(spec, &history, BUDGET)), "again");
        let count = if verdict.is_linearizable() { &good } else { &bad };
        count.set(count.get() + 1);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(good.get() >= 500 && bad.get() >= 500, "{} good, {} bad", good.get(), bad.get());
}

#[test]
fn register_agrees_with_brute_force() {
    agrees_with_brute_force(&zero(), register_op(), register_ret());
}

#[test]
fn queue_agrees_with_brute_force() {
    agrees_with_brute_force(&Queue::new(), queue_op(), queue_ret());
}

#[test]
fn consensus_agrees_with_brute_force() {
    let op = prop_oneof![(0..3_u64).prop_map(ConsensusOp::Propose), Just(ConsensusOp::Learn)];
    agrees_with_brute_force(&Consensus::new(), op, proptest::option::of(0..3_u64));
}

#[test]
fn store_agrees_with_brute_force() {
    agrees_with_brute_force(&Keyed::new(zero()), (0..2_u8, register_op()), register_ret());
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn atomic_register_is_accepted(plans in plans(register_op(), 40, 200)) {
        accepts(&zero(), &plans)?;
    }

    #[test]
    fn atomic_queue_is_accepted(plans in plans(queue_op(), 12, 100)) {
        accepts(&Queue::new(), &plans)?;
    }

    #[test]
    fn atomic_store_is_accepted(plans in plans((0..3_u8, register_op()), 40, 100)) {
        accepts(&Keyed::new(zero()), &plans)?;
    }
}

// ---------------------------------------------------------------------------------------------------------
// Recording

#[test]
fn recording_refuses_what_does_not_fit() {
    let mut other = History::<&str, u8>::new();
    let foreign = [other.invoke(1, 0, "a"), other.invoke(1, 0, "b")][1];

    let mut history = History::new();
    let id = history.invoke(1, 50, "read");
    let message = |result: Result<(), HistoryError>| result.expect_err("it does not fit").to_string();
    assert_eq!(
        message(history.respond(foreign, 60, 7)),
        "read a response at 60 µs of operation #1; expected one of the 1 operations that this history invoked"
    );
    assert_eq!(
        message(history.respond(id, 40, 7)),
        "read a response at 40 µs of operation #0 of client c1; expected one at or after its invocation at 50 µs"
    );
    assert_eq!(history.get(id).unwrap().outcome, Outcome::NoResponse, "it stays as it was");
    history.respond(id, 60, 7).unwrap();
    assert_eq!(
        message(history.respond(id, 70, 7)),
        "read a response at 70 µs of operation #0 of client c1; expected none, because it had responded at \
         60 µs: an operation ends at most once"
    );
    assert_eq!(
        message(history.fail(id)),
        "read a failure of operation #0 of client c1; expected none, because it had responded at 60 µs: an \
         operation ends at most once"
    );
    let id = history.invoke(2, 80, "read");
    history.fail(id).unwrap();
    assert_eq!(
        message(history.respond(id, 90, 7)),
        "read a response at 90 µs of operation #1 of client c2; expected none, because it had failed: an \
         operation ends at most once"
    );
}

#[test]
fn printed_history_is_aligned() {
    let history = register([
        Line(1, 0, Write(1), Told(9, Written)),
        Line(12, 5, Cas { expected: 1, new: 2 }, NoResponse),
        Line(3, 1_000, Read, Failed),
        Line(2, 900, Read, Told(1_100, Value(2))),
    ]);
    assert_eq!(
        history.to_string(),
        "c1      0..9    µs  Write(1)                     Written\n\
         c12     5..     µs  Cas { expected: 1, new: 2 }  no response (maybe)\n\
         c2    900..1100 µs  Read                         Value(2)\n\
         c3   1000..     µs  Read                         failed (no effect)\n"
    );
    assert_eq!(RegisterHistory::new().to_string(), "no operations\n");
}

#[test]
fn history_is_written_and_read_again() {
    let mut history = register([
        Line(1, 0, Write(1), Told(9, Written)),
        Line(2, 5, Write(2), NoResponse),
        Line(3, 7, Read, Failed),
    ]);
    let json = serde_json::to_string(&history).unwrap();
    assert!(
        json.starts_with(r#"[{"id":0,"client":1,"op":{"Write":1},"invoked":{"at_us":0,"place":0},"#),
        "{json}"
    );
    let mut again: RegisterHistory = serde_json::from_str(&json).unwrap();
    let bytes = postcard::to_stdvec(&history).unwrap();
    assert_eq!(postcard::from_bytes::<RegisterHistory>(&bytes).unwrap().to_string(), history.to_string());

    assert_eq!(again.operations(), history.operations());
    assert_eq!(again.invoke(1, 10, Read), history.invoke(1, 10, Read), "recording goes on where it was");
    assert_eq!(again.operations().last(), history.operations().last());
}

#[test]
fn reading_refuses_what_is_no_history() {
    let read =
        |json: &str| serde_json::from_str::<History<u8, u8>>(json).expect_err("no history").to_string();
    let operation = |id: u64, invoked: (u64, u64), responded: (u64, u64)| {
        format!(
            r#"{{"id":{id},"client":1,"op":0,"invoked":{{"at_us":{},"place":{}}},
                 "outcome":{{"responded":{{"at":{{"at_us":{},"place":{}}},"ret":0}}}}}}"#,
            invoked.0, invoked.1, responded.0, responded.1
        )
    };
    let one = operation(1, (0, 0), (9, 1));
    assert_eq!(
        read(&format!("[{one},{}]", operation(1, (0, 2), (9, 3)))),
        "read operation #1 after operation #1; expected operations by ascending id, each once"
    );
    assert_eq!(
        read(&format!("[{one},{}]", operation(2, (0, 1), (9, 3)))),
        "read place 1 twice; expected every invocation and response at a place of its own in the order \
         of recording"
    );
    assert_eq!(
        read(&format!("[{}]", operation(1, (5, 0), (4, 1)))),
        "read a response at 4 µs of operation #1 of client c1; expected one at or after its invocation at 5 µs"
    );
    assert_eq!(
        read(&format!("[{}]", operation(1, (5, 1), (5, 0)))),
        "read the response of operation #1 before its invocation in the order of recording; expected the \
         place of a response after the place of its invocation"
    );
}
