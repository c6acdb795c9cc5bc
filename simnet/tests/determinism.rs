//! One seed is one run: on every thread, in every build, for ever.

#![allow(clippy::disallowed_types, reason = "a process with a HashMap is what must be caught")]

use serde::{Deserialize, Serialize};
use simnet::fault::{Fault, Plan};
use simnet::swarm::Weather;
use simnet::{
    Chance, Cluster, Context, Delay, DiskFate, Message, NodeId, Process, Sim, TraceHash, determinism,
};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// The frozen toy: its messages are integers, and neither it nor its hash may ever change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Token {
    hops: u64,
    value: u64,
}

impl Message for Token {
    fn name(&self) -> &'static str {
        "Token"
    }
}

/// Mixes each token's value with a random number, counts it in storage now and then, and passes it on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Frozen {
    nodes: u32,
    mixed: u64,
}

impl Process for Frozen {
    type Message = Token;
    type Timer = u8;
    type Output = u64;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.mixed = ctx.storage().read("mixed").unwrap_or(0);
        let me = u64::from(ctx.me().0);
        for token in 0..4 {
            self.pass(Token { hops: 0, value: me * 4 + token }, ctx);
        }
        ctx.set_timer(0, Duration::from_millis(20));
    }

    fn receive(&mut self, from: NodeId, token: Token, ctx: &mut Context<'_, Self>) {
        self.mixed = self.mixed.rotate_left(7) ^ token.value.wrapping_add(u64::from(from.0));
        if token.hops % 64 == 63 {
            let mixed = self.mixed;
            ctx.storage().write("mixed", &mixed);
            ctx.storage().sync();
        }
        let value = token.value.wrapping_mul(31).wrapping_add(ctx.random(1_000));
        self.pass(Token { hops: token.hops + 1, value }, ctx);
    }

    fn alarm(&mut self, _: u8, ctx: &mut Context<'_, Self>) {
        ctx.output(self.mixed);
        self.pass(Token { hops: 0, value: self.mixed }, ctx);
        // One more token each time: as many as the network loses on the way.
        ctx.set_timer(0, Duration::from_millis(20));
    }
}

impl Frozen {
    fn pass(&self, token: Token, ctx: &mut Context<'_, Self>) {
        let step = 1 + ctx.random(u64::from(self.nodes) - 1) as u32;
        ctx.send(NodeId((ctx.me().0 + step) % self.nodes), token);
    }
}

fn frozen(seed: u64) -> Sim<Frozen> {
    let mut cluster = Cluster::new();
    for node in 0..5 {
        cluster.node(format!("n{node}"), || Frozen { nodes: 5, mixed: 0 });
    }
    let ms = Duration::from_millis;
    let weather = Weather {
        delay: Delay::uniform(ms(1), ms(10)),
        loss: Chance::percent(2),
        duplication: Chance::percent(1),
        straggling: Chance::percent(1),
        straggle_by: Delay::exponential(ms(40)),
        fifo: false,
    };
    let plan = Plan::new()
        .during(ms(100), ms(200), Fault::Isolate { node: "n1".into() })
        .during(ms(150), ms(100), Fault::Crash { node: "n2".into(), disk: DiskFate::TearLastWrite })
        .during(ms(400), ms(50), Fault::Pause { node: "n3".into() })
        .during(ms(420), ms(500), Fault::Mute { node: "n0".into(), chance: Chance::percent(10) })
        .during(ms(500), ms(500), Fault::Clock { node: "n4".into(), ahead_us: -3_000, drift_ppm: 20_000 });
    Sim::new(seed, &cluster)
        .with_hub(weather.hub())
        .with_plan(&plan)
        .with_sync_delay(Delay::uniform(ms(0), ms(3)))
}

fn run(mut sim: Sim<Frozen>, events: u64) -> Sim<Frozen> {
    sim.run_until(Duration::from_secs(100_000), |sim| sim.events() >= events);
    assert_eq!(sim.violation(), None);
    assert!(sim.events() >= events, "the tokens must not die out: {} events", sim.events());
    sim
}

/// Pinned: if this value changes, then every seed in every lab means another run, and every recorded figure is void.
#[test]
fn the_frozen_toy_has_the_pinned_hash() {
    let sim = run(frozen(42), 10_000_000);
    assert_eq!(sim.hash().to_string(), "0x79006577e96d0b34");
}

#[test]
fn other_seeds_are_other_runs() {
    let hashes: BTreeMap<u64, u64> =
        (0..200).map(|seed| (run(frozen(seed), 2_000).hash().value(), seed)).collect();
    assert_eq!(hashes.len(), 200);
}

#[test]
fn a_seed_is_the_same_run_in_the_same_thread_and_in_a_new_one() {
    for seed in 0..20 {
        let trace = determinism::check("toy", || run(frozen(seed).recording(true), 3_000));
        assert!(trace.is_ok_and(|trace| trace.events.len() > 3_000), "seed {seed}");
    }
}

#[test]
fn recording_watching_and_counting_change_nothing() {
    let plain = run(frozen(7), 50_000).hash();
    assert_eq!(run(frozen(7).recording(true), 50_000).hash(), plain);
    assert_eq!(run(frozen(7).counting_bytes(), 50_000).hash(), plain);
}

#[test]
fn one_more_draw_in_one_place_does_not_reshuffle_the_rest() {
    // A fault that draws a number at each message to n0, and never loses one: all deliveries are as without it.
    let deliveries = |sim: Sim<Frozen>| {
        let mut sim = sim.recording(true);
        sim.run_for(Duration::from_millis(300));
        let events = sim.trace("toy").unwrap().events.into_iter();
        let delivered = events.filter(|event| event.kind == simnet::trace::Kind::Deliver);
        delivered.map(|event| (event.at, event.node, event.peer, event.id)).collect::<Vec<_>>()
    };
    let deaf = Plan::new()
        .at(Duration::ZERO, Fault::Deaf { node: "n0".into(), from: vec![], chance: Chance::millionths(1) });
    let (without, with) = (deliveries(frozen(3)), deliveries(frozen(3).with_plan(&deaf)));
    assert!(without.len() > 500, "{}", without.len());
    assert_eq!(without, with);
}

/// A process whose answers follow the order of a `HashMap`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Careless {
    seen: HashMap<u64, u64>,
}

impl std::hash::Hash for Careless {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.seen.len().hash(state);
    }
}

impl Process for Careless {
    type Message = Token;
    type Timer = ();
    type Output = u64;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        for value in 0..16 {
            ctx.send(NodeId((ctx.me().0 + 1) % 2), Token { hops: 0, value });
        }
    }

    fn receive(&mut self, from: NodeId, token: Token, ctx: &mut Context<'_, Self>) {
        self.seen.insert(token.value, token.hops);
        if self.seen.len() == 16 {
            for (value, hops) in &self.seen {
                ctx.send(from, Token { hops: hops + 1, value: *value });
            }
            self.seen.clear();
        }
    }
}

#[test]
fn a_process_that_follows_a_hash_maps_order_is_caught_and_the_event_named() {
    let run = || {
        let mut cluster = Cluster::new();
        cluster.node("a", || Careless { seen: HashMap::new() });
        cluster.node("b", || Careless { seen: HashMap::new() });
        let mut sim = Sim::new(1, &cluster).recording(true);
        sim.run_for(Duration::from_millis(200));
        sim
    };
    let difference =
        determinism::check("toy", run).expect_err("16 values in the same order three times: one in 16!²");
    let (first, second) = (difference.first.as_ref().unwrap(), difference.second.as_ref().unwrap());
    // The first difference is the first message sent in the map's order; everything before it is the same.
    assert_eq!((first.seq, first.kind), (second.seq, second.kind));
    assert_eq!(first.kind, simnet::trace::Kind::Send);
    assert_ne!(first.body, second.body);
    assert!(difference.to_string().contains("rule broken: one seed is one run"), "{difference}");
}

#[test]
fn the_hash_tells_words_and_their_order_apart() {
    let hash = |words: &[u64]| {
        let mut hash = TraceHash::default();
        words.iter().for_each(|word| hash.word(*word));
        hash.value()
    };
    let all = [hash(&[1, 2]), hash(&[2, 1]), hash(&[1]), hash(&[1, 2, 0]), hash(&[1, 3]), hash(&[])];
    let distinct: std::collections::BTreeSet<u64> = all.into_iter().collect();
    assert_eq!(distinct.len(), all.len());
}
