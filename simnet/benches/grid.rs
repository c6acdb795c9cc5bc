//! Seven nodes, each of which sends 1,000,000 messages to every other: 42 million in all.
//!
//! `cargo bench -p simnet --bench grid`. The trace hash is on, nothing is recorded.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a benchmark reads the wall clock")]

use serde::{Deserialize, Serialize};
use simnet::{Cluster, Context, Message, NodeId, Process, Sim};
use std::time::{Duration, Instant};

const NODES: u32 = 7;
const PER_PEER: u64 = 1_000_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Grid {
    Item(u64),
}

impl Message for Grid {
    fn name(&self) -> &'static str {
        "Item"
    }
}

/// Sends one message a peer every millisecond, and counts what comes.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Node {
    peers: Vec<NodeId>,
    sent: u64,
    received: u64,
}

impl Process for Node {
    type Message = Grid;
    type Timer = ();
    type Output = ();

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        ctx.set_timer((), Duration::from_millis(1));
    }

    fn receive(&mut self, _from: NodeId, _message: Grid, _ctx: &mut Context<'_, Self>) {
        self.received += 1;
    }

    fn alarm(&mut self, (): (), ctx: &mut Context<'_, Self>) {
        ctx.broadcast(&self.peers, Grid::Item(self.sent));
        self.sent += 1;
        if self.sent < PER_PEER {
            ctx.set_timer((), Duration::from_millis(1));
        }
    }
}

fn main() {
    let mut cluster = Cluster::new();
    for me in 0..NODES {
        cluster.node(format!("n{me}"), || Node {
            peers: (0..NODES).map(NodeId).collect(),
            sent: 0,
            received: 0,
        });
    }
    let start = Instant::now();
    let mut sim = Sim::new(1, &cluster);
    sim.run_for(Duration::from_secs(2_000));
    let took = start.elapsed();
    let expected = u64::from(NODES) * u64::from(NODES - 1) * PER_PEER;
    assert_eq!(sim.tally().delivered, expected);
    for node in (0..NODES).map(NodeId) {
        assert_eq!(sim.process(node).map(|node| node.received), Some(u64::from(NODES - 1) * PER_PEER));
    }
    let per_second = u128::from(expected) * 1_000_000 / took.as_micros().max(1);
    println!(
        "grid: {expected} messages in {} ms, {per_second} a second, hash {}",
        took.as_millis(),
        sim.hash()
    );
}
