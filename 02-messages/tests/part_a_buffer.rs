//! Part A: the network as a buffer of messages.

use messages::buffer::laws::{self, Promise, Seen};
use messages::buffer::own::LONGEST_US;
use messages::buffer::{Delaying, Fifo, Own, Reordering};
use serde::{Deserialize, Serialize};
use simnet::buffer::{Buffer, HubBuffer, Steps};
use simnet::hub::{self, Copies, Hub, Letter};
use simnet::random::Purpose;
use simnet::rule::{expect, expect_that};
use simnet::{Chance, Cluster, Context, Delay, NodeId, Process, Random, Sim, Time};
use std::collections::BTreeSet;
use std::time::Duration;

const P: NodeId = NodeId(0);
const Q: NodeId = NodeId(1);
const SEEDS: u64 = 1_000;
const MESSAGES: u64 = 60;

fn promise(most_nulls: u64, most_overtaken: u64) -> Promise {
    Promise { most_nulls, most_overtaken }
}

/// Tries the buffers of many seeds against the laws; returns the worst that was seen over all of them.
#[track_caller]
fn keeps_the_laws<B: Buffer<u64>>(promise: Promise, make: impl Fn(u64) -> B) -> Seen {
    let mut worst = Seen::default();
    for seed in 0..SEEDS {
        match laws::check(&mut make(seed), promise, MESSAGES, seed) {
            Ok(seen) => {
                worst.nulls = worst.nulls.max(seen.nulls);
                worst.overtaken = worst.overtaken.max(seen.overtaken);
            }
            Err(violation) => panic!("{violation}\n  seed: {seed} (tried {} of {SEEDS})", seed + 1),
        }
    }
    worst
}

/// All that a reader gets by asking so often.
fn ask<B: Buffer<u64>>(buffer: &mut B, reader: NodeId, times: usize) -> Vec<Option<u64>> {
    (0..times).map(|_| buffer.recv(reader)).collect()
}

/// The framework's own buffer: it says that all is set up.
#[test]
fn part_a_a_hub_makes_a_buffer() {
    let ms = Duration::from_millis;
    let seen = keeps_the_laws(promise(4, MESSAGES), |seed| {
        HubBuffer::new(seed, hub::Reorder::new(Delay::uniform(ms(1), ms(5))))
    });
    expect("with a delay of up to 5 ms, the fifth recv has it", 4, seen.nulls);
}

#[test]
fn part_a_an_empty_buffer_returns_null() {
    let rule = "(A3) null says that nothing has come; it is no error, and no end";
    let mut fifo = Fifo::new();
    expect(rule, vec![None, None, None], ask(&mut fifo, P, 3));
    fifo.send(P, 1);
    expect(rule, vec![Some(1), None, None], ask(&mut fifo, P, 3));
    fifo.send(P, 2);
    expect(rule, vec![Some(2), None], ask(&mut fifo, P, 2));
}

#[test]
fn part_a_fifo_returns_the_oldest_first() {
    let mut fifo = Fifo::new();
    (1..=4).for_each(|message| fifo.send(P, message));
    expect("the oldest message first", vec![Some(1), Some(2)], ask(&mut fifo, P, 2));
    fifo.send(P, 5);
    expect("the oldest message first", vec![Some(3), Some(4), Some(5)], ask(&mut fifo, P, 3));
}

#[test]
fn part_a_each_reader_has_a_buffer_of_its_own() {
    let mut fifo = Fifo::new();
    fifo.send(P, 1);
    fifo.send(Q, 2);
    fifo.send(P, 3);
    expect(laws::SENT, vec![Some(2), None], ask(&mut fifo, Q, 2));
    expect(laws::SENT, vec![Some(1), Some(3), None], ask(&mut fifo, P, 3));
}

#[test]
fn part_a_fifo_returns_each_message_exactly_once() {
    keeps_the_laws(promise(0, 0), |_| Fifo::new());
}

#[test]
fn part_a_reordering_returns_each_message_exactly_once() {
    for patience in [0, 1, 3, 10] {
        let seen = keeps_the_laws(promise(0, patience.into()), |seed| Reordering::new(seed, patience));
        // Where nothing is overtaken as often as it may be, the bound was not tried.
        expect(
            "a message is overtaken as often as it may be, under some seed",
            patience.into(),
            seen.overtaken,
        );
    }
}

#[test]
fn part_a_reordering_returns_messages_in_every_order() {
    let mut orders = BTreeSet::new();
    for seed in 0..SEEDS {
        let mut buffer = Reordering::new(seed, 2);
        (1..=3).for_each(|message| buffer.send(P, message));
        orders.insert(ask(&mut buffer, P, 3));
    }
    expect("three messages come in each of their 6 orders, under some seed", 6, orders.len());
}

/// A count within five standard deviations of what chance makes of so many trials, each with a probability of 1 in `one_in`.
#[track_caller]
fn is_a_share(rule: &str, count: u64, trials: u64, one_in: u64) {
    let (mean, deviation) = (trials / one_in, (trials * (one_in - 1)).isqrt() / one_in + 1);
    let expected = format!("{} to {} of {trials}", mean - 5 * deviation, mean + 5 * deviation);
    expect_that(rule, &expected, count.abs_diff(mean) <= 5 * deviation, count);
}

#[test]
fn part_a_reordering_returns_each_message_equally_likely() {
    const TRIALS: u64 = 6_000;
    let mut first = [0; 3];
    for seed in 0..TRIALS {
        let mut buffer = Reordering::new(seed, 10);
        (0..3).for_each(|message| buffer.send(P, message));
        first[buffer.recv(P).expect("three messages wait") as usize] += 1;
    }
    for count in first {
        is_a_share(
            "of three messages that wait, each is returned first as often as the others",
            count,
            TRIALS,
            3,
        );
    }
}

#[test]
fn part_a_delaying_says_null_as_often_as_it_is_told() {
    const TRIALS: u64 = 10_000;
    let nulls = |chance| {
        let mut buffer = Delaying::new(1, chance, u32::MAX, Fifo::new());
        (0..TRIALS).for_each(|message| buffer.send(P, message));
        (0..TRIALS).filter(|_| buffer.recv(P).is_none()).count() as u64
    };
    expect("with a probability of 0 it never says null", 0, nulls(Chance::NEVER));
    is_a_share(
        "with a probability of 1/5 it says null in a fifth of all recvs",
        nulls(Chance::percent(20)),
        TRIALS,
        5,
    );
    is_a_share("with a probability of 1/2 in half of them", nulls(Chance::percent(50)), TRIALS, 2);
}

#[test]
fn part_a_delaying_says_null_only_so_often() {
    for most_nulls in [0, 1, 4] {
        let make = |seed| Delaying::new(seed, Chance::percent(60), most_nulls, Fifo::new());
        let seen = keeps_the_laws(promise(most_nulls.into(), 0), make);
        expect("null is said as often as it may be, under some seed", most_nulls.into(), seen.nulls);
    }
}

/// Who asks often cannot use up the patience that is another's.
#[test]
fn part_a_delaying_counts_the_nulls_of_each_reader() {
    let mut buffer = Delaying::new(1, Chance::ALWAYS, 2, Fifo::new());
    buffer.send(P, 1);
    buffer.send(Q, 2);
    let rule = "(A3) the bound is on the nulls of one reader in a row";
    expect(rule, (None, None), (buffer.recv(P), buffer.recv(Q)));
    expect(rule, (None, None), (buffer.recv(P), buffer.recv(Q)));
    expect(rule, (Some(1), Some(2)), (buffer.recv(P), buffer.recv(Q)));
    buffer.send(P, 3);
    expect(
        "(A3) after a message, there may be as many nulls again",
        vec![None, None, Some(3)],
        ask(&mut buffer, P, 3),
    );
}

#[test]
fn part_a_buffers_stand_on_each_other() {
    let make = |seed| Delaying::new(seed, Chance::percent(30), 3, Reordering::new(seed, 5));
    let seen = keeps_the_laws(promise(3, 5), make);
    expect("late and out of order, both as much as may be", Seen { nulls: 3, overtaken: 5 }, seen);
}

/// What the student's hub says of letters from P to Q, sent at these times.
fn routed(seed: u64, times_us: &[u64]) -> Vec<(u64, Vec<u64>, bool)> {
    let mut random = Random::new(seed, Purpose::Network);
    let mut own = Own;
    let letters = times_us.iter().enumerate().map(|(id, at_us)| {
        let mut copies = Copies::default();
        let at = Time::ZERO + Duration::from_micros(*at_us);
        own.route(&Letter { from: P, to: Q, at, id: id as u64, message: &id }, &mut random, &mut copies);
        (*at_us, copies.delays_us().clone(), copies.is_held())
    });
    letters.collect()
}

/// A letter a millisecond, and some at odd times.
fn times_us() -> Vec<u64> {
    (0..400).map(|number: u64| number * 1_000 + number * number % 7 * 100).collect()
}

#[test]
fn part_a_a_hub_of_your_own_delivers_everything_in_time() {
    for seed in 0..100 {
        for (at_us, delays_us, held) in routed(seed, &times_us()) {
            let kept = delays_us.len() == 1 && delays_us[0] <= LONGEST_US && !held;
            assert!(
                kept,
                "rule broken: your hub delivers each message once, within {LONGEST_US} µs\n  \
                 expected: one copy of what was sent at {at_us} µs\n  got: copies after {delays_us:?} µs, held: {held}\n  \
                 seed: {seed} (tried {} of 100)",
                seed + 1
            );
        }
    }
}

#[test]
fn part_a_a_hub_of_your_own_lets_messages_overtake() {
    let arrivals = routed(7, &times_us());
    let arrivals: Vec<u64> =
        arrivals.iter().flat_map(|(at, delays, _)| delays.iter().map(move |us| at + us)).collect();
    let overtakes = arrivals.windows(2).any(|pair| pair[1] < pair[0]);
    expect("under seed 7 some message arrives before one that was sent before it", true, overtakes);
    expect(
        "one seed is one network: chance comes from `random` alone",
        routed(7, &times_us()),
        routed(7, &times_us()),
    );
}

/// A ring in which each node passes the highest number on (Chang and Roberts, 1979): whoever gets its own number back is the leader.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Ring {
    number: u64,
    next: NodeId,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Candidate(u64);

impl simnet::Message for Candidate {
    fn name(&self) -> &'static str {
        "Candidate"
    }
}

impl Process for Ring {
    type Message = Candidate;
    type Timer = ();
    type Output = u64;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        ctx.send(self.next, Candidate(self.number));
    }

    fn receive(&mut self, _from: NodeId, candidate: Candidate, ctx: &mut Context<'_, Self>) {
        match candidate.0.cmp(&self.number) {
            std::cmp::Ordering::Greater => ctx.send(self.next, candidate),
            std::cmp::Ordering::Equal => ctx.output(self.number),
            std::cmp::Ordering::Less => {}
        }
    }
}

impl simnet::Observe for Ring {
    type View = u64;

    fn view(&self) -> u64 {
        self.number
    }
}

fn ring() -> Cluster<Ring> {
    let mut cluster = Cluster::new();
    let numbers = [30, 50, 10, 40, 20];
    for (place, number) in numbers.into_iter().enumerate() {
        let next = NodeId((place as u32 + 1) % numbers.len() as u32);
        cluster.node(format!("n{number}"), move || Ring { number, next });
    }
    cluster
}

#[track_caller]
fn elects<B: Buffer<(NodeId, Candidate)>>(what: &str, make: impl Fn(u64) -> B) {
    for seed in 0..200 {
        let mut steps = Steps::new(seed, &ring(), make(seed));
        steps.run_until(100_000, |steps| !steps.outputs().is_empty());
        // Long enough for everything that is still under way.
        steps.run_until(2_000, |_| false);
        let outputs = steps.outputs();
        assert!(
            outputs == [(NodeId(1), 50)],
            "rule broken: one protocol elects one leader over every buffer\n  expected: [(n1, 50)] over {what}\n  got: {outputs:?} \
             after {:?} steps and nulls\n  seed: {seed} (tried {} of 200)",
            steps.steps(),
            seed + 1
        );
    }
}

/// The same process, not a line of it changed, over every buffer of this part, and in the simulated world over the student's hub.
#[test]
fn part_a_one_protocol_runs_over_every_buffer() {
    elects("Fifo", |_| Fifo::new());
    elects("Reordering", |seed| Reordering::new(seed, 4));
    elects("Delaying", |seed| Delaying::new(seed, Chance::percent(50), 20, Reordering::new(seed, 4)));
    elects("a hub of your own", |seed| HubBuffer::new(seed, Own));
    let mut sim = Sim::new(7, &ring()).with_hub(Own);
    sim.run_for(Duration::from_secs(10));
    let leaders: Vec<u64> = sim.outputs().iter().map(|told| told.output).collect();
    expect("one leader, in the simulated world over a hub of your own", vec![50], leaders);
}
