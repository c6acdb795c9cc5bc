//! Seven nodes, each of which sends 1,000,000 messages to every other: 42 million in all.
//!
//! `cargo bench -p simnet --bench grid`. The trace hash is on, nothing is recorded. With a number, as in `-- 1000`, each sends so many; with
//! `--test`, as cargo calls benchmarks that are only to be tried, 1000.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a benchmark reads the wall clock")]

use serde::{Deserialize, Serialize};
use simnet::{Cluster, Context, Message, NodeId, Process, Sim};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const NODES: u32 = 7;
const PER_PEER: u64 = 1_000_000;
/// What a trial run sends.
const A_FEW: u64 = 1_000;

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
    per_peer: u64,
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
        if self.sent < self.per_peer {
            ctx.set_timer((), Duration::from_millis(1));
        }
    }
}

/// How many messages each node sends to each other one, as the command line says.
fn per_peer(arguments: impl Iterator<Item = String>) -> Result<u64, String> {
    let mut per_peer = PER_PEER;
    for argument in arguments {
        per_peer = match argument.as_str() {
            // What cargo adds to `cargo bench`.
            "--bench" => continue,
            "--test" => A_FEW,
            number => number.parse().ok().filter(|number| (1..=PER_PEER).contains(number)).ok_or_else(|| {
                format!("read `{number}`, expected how many messages for each peer, 1 to {PER_PEER}, or --test")
            })?,
        };
    }
    Ok(per_peer)
}

fn main() -> ExitCode {
    match per_peer(std::env::args().skip(1)) {
        Ok(per_peer) => {
            run(per_peer);
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            eprintln!("error: {wrong}");
            ExitCode::from(2)
        }
    }
}

fn run(per_peer: u64) {
    let mut cluster = Cluster::new();
    for me in 0..NODES {
        cluster.node(format!("n{me}"), move || Node {
            peers: (0..NODES).map(NodeId).collect(),
            per_peer,
            sent: 0,
            received: 0,
        });
    }
    let start = Instant::now();
    let mut sim = Sim::new(1, &cluster);
    sim.run_for(Duration::from_secs(2_000));
    let took = start.elapsed();
    let expected = u64::from(NODES) * u64::from(NODES - 1) * per_peer;
    assert_eq!(sim.tally().delivered, expected);
    for node in (0..NODES).map(NodeId) {
        assert_eq!(sim.process(node).map(|node| node.received), Some(u64::from(NODES - 1) * per_peer));
    }
    let per_second = u128::from(expected) * 1_000_000 / took.as_micros().max(1);
    println!(
        "grid: {expected} messages in {} ms, {per_second} a second, hash {}",
        took.as_millis(),
        sim.hash()
    );
}
