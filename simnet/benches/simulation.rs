//! Delivered messages a second, on one core: a ping-pong, and a gossip of five nodes with 20 and 1000 messages in flight.
//!
//! `cargo bench -p simnet --bench simulation`. Beside the plain run stand the costs of what can be switched: the trace hash (here
//! off), counting bytes, recording.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde::{Deserialize, Serialize};
use simnet::{Cluster, Context, Message, NodeId, Process, Sim};
use std::time::Duration;

/// 24 bytes: a sender, a sequence number, a payload.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Rumour {
    from: u64,
    seq: u64,
    payload: u64,
}

impl Message for Rumour {
    fn name(&self) -> &'static str {
        "Rumour"
    }
}

/// Passes each message on to the next node in turn, for ever.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Gossiper {
    me: u32,
    nodes: u32,
    turn: u32,
    seed_messages: u64,
}

impl Process for Gossiper {
    type Message = Rumour;
    type Timer = ();
    type Output = ();

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        for seq in 0..self.seed_messages {
            self.pass_on(Rumour { from: self.me.into(), seq, payload: seq }, ctx);
        }
    }

    fn receive(&mut self, _from: NodeId, rumour: Rumour, ctx: &mut Context<'_, Self>) {
        self.pass_on(Rumour { payload: rumour.payload.wrapping_add(1), ..rumour }, ctx);
    }
}

impl Gossiper {
    fn pass_on(&mut self, rumour: Rumour, ctx: &mut Context<'_, Self>) {
        self.turn = if self.turn + 1 >= self.nodes { 1 } else { self.turn + 1 };
        let to = (self.me + self.turn) % self.nodes;
        ctx.send(NodeId(to), rumour);
    }
}

fn gossip(nodes: u32, in_flight: u64) -> Sim<Gossiper> {
    let mut cluster = Cluster::new();
    for me in 0..nodes {
        let share = in_flight / u64::from(nodes) + u64::from(u64::from(me) < in_flight % u64::from(nodes));
        cluster.node(format!("n{me}"), move || Gossiper { me, nodes, turn: 0, seed_messages: share });
    }
    Sim::new(1, &cluster)
}

fn deliver(sim: &mut Sim<Gossiper>, messages: u64) {
    let goal = sim.tally().delivered + messages;
    sim.run_until(Duration::from_secs(u64::MAX / 2_000_000), |sim| sim.tally().delivered >= goal);
    assert!(sim.tally().delivered >= goal && sim.violation().is_none());
}

fn benchmarks(criterion: &mut Criterion) {
    const MESSAGES: u64 = 1_000_000;
    let mut group = criterion.benchmark_group("delivered");
    group.throughput(Throughput::Elements(MESSAGES)).sample_size(10);
    type Switch = (&'static str, fn(Sim<Gossiper>) -> Sim<Gossiper>);
    let switches: [Switch; 3] =
        [("plain", |sim| sim), ("no hash", Sim::without_hash), ("counting bytes", Sim::counting_bytes)];
    for (name, nodes, in_flight) in [("ping-pong", 2, 1), ("gossip 20", 5, 20), ("gossip 1000", 5, 1000)] {
        for (switch, apply) in switches {
            group.bench_function(BenchmarkId::new(name, switch), |bencher| {
                let mut sim = apply(gossip(nodes, in_flight));
                deliver(&mut sim, 10_000);
                bencher.iter(|| deliver(&mut sim, MESSAGES));
            });
        }
    }
    // A recorded run grows with each event, so it starts anew each time and is shorter.
    const RECORDED: u64 = 20_000;
    group.throughput(Throughput::Elements(RECORDED));
    group.bench_function(BenchmarkId::new("gossip 20", "recording"), |bencher| {
        bencher.iter(|| deliver(&mut gossip(5, 20).recording(true), RECORDED));
    });
    group.finish();
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
