//! Scenarios: a schedule as a text that is read, edited, kept and run as a test.
//!
//! ```text
//! # Everything after a # is a remark.
//! nodes p1 p2 a1 a2 a3 l1 c1 c2     # all nodes of the cluster
//! without a3                        # these never start
//!
//! deliver c1→p1 Request value=red   # a message that is in flight arrives; -> is an arrow too
//! deliver p1→a1,a2 Prepare          # at two readers; of its words as many as tell it apart
//! repeat a1→p1 Promise ballot=1.0   # what has arrived before arrives once more
//! lose p1→a1 Accept                 # the network loses it
//! alarm p1 Resend                   # an alarm that is set goes off
//! crash a1 losing unsynced writes   # or: keeping all writes, tearing the last write, wiping the disk, …
//! crash a1 after 2 effects          # in the midst of the next handler: after two of its writes, syncs, sends, …
//! restart a1
//! sent a1→p2 Nack                   # a claim: such a message is in flight
//! absent a1→p1 Accepted             # a claim: no such message is in flight
//! wait 30 ms                        # what clocks show; without it a step takes 1 ms
//! ```
//!
//! Nothing happens but these steps: what no line delivers does not arrive, and no alarm goes off by itself. Syncs take no time, unless
//! a line says `syncs by hand`; then `sync a1` ends the one under way. `seed N` is the seed of what processes draw. `send x→a {"Ping":1}`
//! sends as an outsider. So a scenario is one run, always the same, whatever the delays and pauses of the cluster.
//!
//! As a test it is one line: `Scenario::read(include_str!("overtaken.txt")).unwrap().run(&cluster, monitor).must_hold();`.
//! A failing campaign writes the shortest one that it finds.

mod play;
mod read;
mod step;
mod write;

pub use play::{Deviation, End, NO_LONGER, Played};
pub use read::ReadError;
pub(crate) use step::{Act, Step, Verb, means};

use crate::cluster::Cluster;
use crate::monitor::{Monitor, Violation};
use crate::process::Observe;
use crate::sim::Sim;
use crate::trace::Name;
use std::collections::BTreeSet;
use std::sync::Arc;

/// When a sync ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Syncs {
    /// At once.
    #[default]
    AtOnce,
    /// When a step says so.
    ByHand,
}

/// What a run does instead of what delays, chance and faults would make it do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Script {
    pub steps: Vec<Step>,
    /// Nodes that never start.
    pub without: BTreeSet<Name>,
    pub syncs: Syncs,
    /// Whether a step that cannot be taken is passed over. Otherwise the run ends there.
    pub lenient: bool,
    /// Whether the steps send what outsiders send. Otherwise the test does.
    pub plays_outsiders: bool,
}

/// A schedule in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scenario {
    /// What is said before the first line.
    pub(crate) remarks: Vec<String>,
    pub(crate) lab: Option<String>,
    pub(crate) test: Option<String>,
    pub(crate) seed: u64,
    pub(crate) nodes: Vec<Name>,
    pub(crate) script: Script,
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// The first line that is not of the format, with what was expected there.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        read::read(text)
    }

    /// All nodes, in the order of the cluster. A lab makes its cluster from these names.
    pub fn nodes(&self) -> &[Name] {
        &self.nodes
    }

    /// The lab's folder, when a failing test wrote this.
    pub fn lab(&self) -> Option<&str> {
        self.lab.as_deref()
    }

    /// The test that wrote this.
    pub fn test(&self) -> Option<&str> {
        self.test.as_deref()
    }

    /// How many things happen. A line with several readers is several; a claim is none.
    pub fn len(&self) -> usize {
        self.script.steps.iter().filter(|step| !step.act.is_claim()).count()
    }

    /// Whether nothing happens but that the nodes start.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Runs the schedule on `cluster`, with `monitor` watching, and records it.
    pub fn run<P: Observe>(&self, cluster: &Cluster<P>, monitor: impl Monitor<P> + 'static) -> Played<P> {
        let script = Arc::new(Script { plays_outsiders: true, ..self.script.clone() });
        let sim = Sim::new(self.seed, cluster).recording(true).recording_views();
        let names: Vec<&Name> = cluster.names().collect();
        if names.iter().copied().ne(&self.nodes) {
            let names: Vec<&str> = names.iter().map(|name| &***name).collect();
            let deviation = Deviation {
                line: 0,
                step: format!("nodes {}", self.nodes.join(" ")),
                why: format!("the cluster has other nodes: {}", names.join(" ")),
            };
            return Played { sim, end: End::Deviated(deviation) };
        }
        let mut sim = sim.scripted(&script).with_monitor(monitor);
        let length_us = script.steps.last().map_or(0, |step| step.at_us);
        sim.run_for(std::time::Duration::from_micros(length_us));
        let end = sim.end_of_script();
        Played { sim, end }
    }

    /// The rule that this scenario was written for, in its remarks.
    pub(crate) fn remark_on(&mut self, violation: &Violation) {
        let lines = violation.to_string();
        self.remarks.extend(lines.lines().map(|line| line.trim_end().to_owned()));
    }
}
