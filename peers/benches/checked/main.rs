//! How many states a second simnet's checked world visits, beside a Paxos written for stateright's own actor layer.
//!
//! ```text
//! cargo bench -p peers --bench checked              the table
//! cargo bench -p peers --bench checked -- --test    one round: does it work?
//! ```
//!
//! Both use stateright's breadth-first search, one thread; rounds interleave, so a busy machine slows both, and the ratio is taken within a round.
//!
//! What differs, because each is what it is meant to be:
//! - **simnet** checks the lab's `Process` as students write it: 3 acceptors, 2 proposers with 2 ballots each, any number of duplicates, alarms at
//!   any time, nine invariants. It works each reaction of a node out once, and forgets messages that no longer matter;
//!   once with acceptors told apart, once with their symmetry, which costs more a state and needs fewer of them.
//! - **stateright's** own example (`examples/paxos.rs` of its repository, which is no library) has 3 servers and 2 clients of a register, each message delivered at most
//!   once, one ballot a request, and a linearizability tester in each state. `register.rs` has the same scene, written anew.
//!
//! So these are speeds of two searches through two models, not of one model twice.

#![allow(clippy::float_arithmetic, reason = "speeds and ratios are printed, nothing depends on them")]
#![allow(clippy::disallowed_types, reason = "a benchmark reads the real clock")]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the real clock")]

mod register;

use paxos::invariants::Invariants;
use paxos::{Message, Node, Pace, Roles, Value, View};
use simnet::Observe;
use simnet::checked::{Duplicates, Question};
use stateright::{Checker, Model};
use std::time::Instant;

const ROUNDS: usize = 9;

/// What one search came to.
#[derive(Clone, Copy)]
struct Search {
    states: usize,
    unique: usize,
    seconds: f64,
}

fn timed(search: impl FnOnce() -> (usize, usize)) -> Search {
    let begun = Instant::now();
    let (states, unique) = search();
    Search { states, unique, seconds: begun.elapsed().as_secs_f64() }
}

fn ours(symmetric: bool) -> Search {
    let values: Vec<Value> = ["red", "blue"].map(Value::from).to_vec();
    let roles = Roles::new(2, 3, 0, &[], Pace::default());
    let mut cluster = roles.cluster();
    let client = cluster.outsider("c");
    let mut question = Question::new(&cluster, Invariants::new(&roles.acceptors(), &values))
        .with_duplicates(Duplicates::Any)
        .within(|node: &Node| !matches!(node.view(), View::Proposer { round: 3.., ballot: Some(_), .. }));
    if symmetric {
        question = question.with_symmetry(&[&roles.acceptors()]);
    }
    for (proposer, value) in roles.proposers().into_iter().zip(values) {
        question = question.with_request(client, proposer, Message::Request { value });
    }
    timed(|| {
        let answer = question.check("07-paxos", "speed");
        assert!(answer.complete && answer.broken.is_none() && answer.asymmetry.is_none());
        (answer.states, answer.unique_states)
    })
}

fn theirs(clients: usize) -> Search {
    timed(|| {
        let checker = register::model(3, clients).checker().spawn_bfs().join();
        checker.assert_properties();
        (checker.state_count(), checker.unique_state_count())
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// `cargo bench` passes `--bench`. Under `cargo test`, and with `--test`, a tiny round only shows that all runs.
fn is_measured() -> bool {
    let has = |flag: &str| std::env::args().any(|argument| argument == flag);
    has("--bench") && !has("--test")
}

fn main() {
    let rounds = if is_measured() { ROUNDS } else { 1 };
    let mut runs: Vec<[Search; 3]> = Vec::new();
    for _ in 0..rounds {
        runs.push([ours(false), ours(true), theirs(2)]);
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "Thousands of states a second, one thread; ratio = simnet : stateright's actors. {cores} cores, {rounds} rounds."
    );
    println!(" search                                states    unique  k/s median  unique k/s  ratio median");
    let names =
        ["simnet, acceptors told apart", "simnet, symmetry of acceptors", "stateright's actors, register"];
    for (index, name) in names.iter().enumerate() {
        let of = |value: &dyn Fn(&[Search; 3]) -> f64| median(runs.iter().map(value).collect());
        let rate = |search: &Search| search.states as f64 / search.seconds / 1e3;
        let unique = of(&|run| run[index].unique as f64 / run[index].seconds / 1e3);
        let ratio = of(&|run| rate(&run[index]) / rate(&run[2]));
        let first = &runs[0][index];
        println!(
            " {name:<33} {:>10} {:>9} {:>11.0} {unique:>11.0} {ratio:>13.1}",
            first.states,
            first.unique,
            of(&|run| rate(&run[index]))
        );
    }
}
