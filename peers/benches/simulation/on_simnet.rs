//! The workload on simnet: typed messages, the trace hash on, recording off.

use crate::workload::{Rumour, Turns};
use crate::{Measured, Workload};
use simnet::{Cluster, Context, Message, NodeId, Process, Sim};
use std::time::{Duration, Instant};

impl Message for Rumour {
    fn name(&self) -> &'static str {
        "Rumour"
    }
}

/// Passes each rumour on.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Gossiper {
    turns: Turns,
    in_flight: u64,
}

impl Process for Gossiper {
    type Message = Rumour;
    type Timer = ();
    type Output = ();

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        for rumour in self.turns.first_rumours(self.in_flight) {
            ctx.send(NodeId(self.turns.next_node()), rumour);
        }
    }

    fn receive(&mut self, _from: NodeId, rumour: Rumour, ctx: &mut Context<'_, Self>) {
        ctx.send(NodeId(self.turns.next_node()), rumour.passed_on());
    }
}

pub fn run(work: &Workload) -> Measured {
    let mut cluster = Cluster::new();
    for me in 0..work.nodes {
        let (nodes, in_flight) = (work.nodes, work.in_flight);
        cluster.node(format!("n{me}"), move || Gossiper { turns: Turns::new(me, nodes), in_flight });
    }
    // The default network delays each message by 1 to 10 ms, each microsecond as likely; the hash is on by default.
    let mut sim = Sim::new(1, &cluster);
    work.warm_up(|messages| deliver(&mut sim, messages));
    let (before, hash) = (sim.tally().delivered, sim.hash());
    let start = Instant::now();
    deliver(&mut sim, work.messages);
    let took = start.elapsed();
    assert_ne!(sim.hash(), hash, "the trace is hashed");
    assert_eq!(sim.in_flight() as u64, work.in_flight, "nothing is lost");
    Measured { delivered: sim.tally().delivered - before, took }
}

fn deliver(sim: &mut Sim<Gossiper>, messages: u64) {
    let goal = sim.tally().delivered + messages;
    let done = sim.run_until(Duration::from_secs(1_000_000), |sim| sim.tally().delivered >= goal);
    assert!(done, "{messages} messages are delivered");
}
