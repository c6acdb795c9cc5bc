//! What a run comes to, as the JSON object that a lab's program prints on its last line: the contract with the course's tool.

#[cfg(feature = "local")]
use crate::local::{
    replay::Replay,
    stage::{Played, Stage},
};
use crate::monitor::Violation;
#[cfg(feature = "local")]
use crate::node::Names;
use crate::node::NodeId;
use crate::process::Observe;
use crate::sim::Sim;
#[cfg(feature = "local")]
use crate::sim::waits;
use crate::tally::Tally;
use crate::trace::Name;
#[cfg(feature = "local")]
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Exit status: a rule was broken.
pub const BROKEN: u8 = 1;
/// Exit status: the command was not understood.
pub const WRONG_USE: u8 = 2;
/// Exit status: what was to be done was not done within the run's bound.
pub const UNDECIDED: u8 = 3;
/// Exit status: a signal has ended the run.
pub const INTERRUPTED: u8 = 130;

/// A run of any world, at its end.
///
/// [`RunReport::of_sim`] and [`RunReport::of_stage`] know what the world knows; the lab adds what came of it, and what it has measured:
/// `RunReport { outcome, done, real_us, trace, ..RunReport::of_sim("07-paxos", &sim) }`.
#[derive(Clone, Debug)]
pub struct RunReport<'a> {
    /// The lab's folder.
    pub lab: &'a str,
    /// The world.
    pub world: &'a str,
    /// The seed.
    pub seed: u64,
    /// The nodes, by id.
    pub nodes: Vec<Name>,
    /// The lab's own words for what came of it.
    pub outcome: Map<String, Value>,
    /// Whether what was to be done is done.
    pub done: bool,
    /// The rule that was broken.
    pub violation: Option<&'a Violation>,
    /// The rule of which it is not known whether it was broken, and why.
    pub unknown: Option<String>,
    /// The messages.
    pub tally: &'a Tally,
    /// How often each kind of fault did something.
    pub faults: BTreeMap<&'static str, u64>,
    /// The planned faults that never did anything.
    pub idle_faults: Vec<String>,
    /// The fingerprint of the run.
    pub trace_hash: String,
    /// How long it took in the world's own time.
    pub virtual_us: u64,
    /// How long it took on the wall.
    pub real_us: u64,
    /// Where the trace was written.
    pub trace: Option<&'a Path>,
    /// Who waits for what, a line a node: said when not all is done.
    pub waits: Vec<String>,
    /// What only this world has to say.
    pub more: Map<String, Value>,
}

impl<'a> RunReport<'a> {
    /// What a simulated run has to say.
    pub fn of_sim<P: Observe>(lab: &'a str, sim: &'a Sim<P>) -> Self {
        let nodes = (0..sim.node_count() as u32).map(|node| Name::from(sim.name(NodeId(node))));
        RunReport {
            lab,
            world: "sim",
            seed: sim.seed(),
            nodes: nodes.collect(),
            outcome: Map::new(),
            done: false,
            violation: sim.violation(),
            unknown: sim.unknown().map(str::to_string),
            tally: sim.tally(),
            faults: sim.tally().faults().clone(),
            idle_faults: sim.idle_faults().iter().map(ToString::to_string).collect(),
            trace_hash: sim.hash().to_string(),
            virtual_us: sim.now().as_micros(),
            real_us: 0,
            trace: None,
            waits: sim.waits(),
            more: Map::new(),
        }
    }

    /// What a run of the local world has to say, which was played on `stage` and run again under the monitors of `replay`.
    #[cfg(feature = "local")]
    pub fn of_stage<P: Observe<Output: DeserializeOwned>>(
        stage: &Stage<'a, P>,
        played: &Played,
        replay: &'a Replay<'_, P>,
    ) -> Self {
        let names: Names = stage.cluster.names().cloned().collect();
        let waits = names
            .ids()
            .map(|node| format!("{} {}", names.of(node), waits(replay.process(node), &names)))
            .collect();
        let mut more = Map::new();
        more.insert("transport".to_string(), json!(stage.transport.to_string()));
        more.insert("wire".to_string(), json!(played.wire));
        RunReport {
            lab: stage.lab,
            world: "local",
            seed: stage.seed,
            nodes: stage.cluster.names().cloned().collect(),
            outcome: Map::new(),
            done: false,
            violation: replay.violation(),
            unknown: None,
            tally: replay.tally(),
            faults: played.faults(),
            idle_faults: Vec::new(),
            trace_hash: played.hash().to_string(),
            virtual_us: played.trace.events.last().map_or(0, |event| event.at),
            real_us: 0,
            trace: None,
            waits,
            more,
        }
    }

    /// The exit status of a run that ended so. What is not known to hold is undecided.
    pub fn status(&self) -> u8 {
        match (self.violation, self.done && self.unknown.is_none()) {
            (Some(_), _) => BROKEN,
            (None, false) => UNDECIDED,
            (None, true) => 0,
        }
    }

    /// The object.
    pub fn to_json(&self) -> Value {
        let messages: Map<String, Value> =
            self.tally.by_name().into_iter().map(|(name, count)| (name.to_string(), json!(count))).collect();
        let name = |node: NodeId| &self.nodes[node.index()];
        let links: Vec<Value> = self
            .tally
            .by_pair()
            .into_iter()
            .map(|((from, to, message), count)| {
                json!({"from": name(from), "to": name(to), "message": message, "count": count.count, "bytes": count.bytes})
            })
            .collect();
        let mut report = json!({
            "lab": self.lab,
            "world": self.world,
            "seed": self.seed,
            "nodes": self.nodes,
            "outcome": self.outcome,
            "violations": self.violation.into_iter().collect::<Vec<_>>(),
            "messages": messages,
            "links": links,
            "faults": self.faults,
            "idle_faults": self.idle_faults,
            "trace_hash": self.trace_hash,
            "virtual_us": self.virtual_us,
            "real_us": self.real_us,
            "trace": self.trace,
        });
        if let Value::Object(report) = &mut report {
            if let (None, Some(what)) = (self.violation, &self.unknown) {
                report.insert("unknown".to_string(), json!(what));
            }
            if self.violation.is_none() && !self.done {
                report.insert("waits".to_string(), json!(self.waits));
            }
            report.extend(self.more.clone());
        }
        report
    }

    /// Prints the object, on one line or for people, and returns the exit status.
    pub fn print(&self, on_one_line: bool) -> u8 {
        let report = self.to_json();
        if on_one_line {
            println!("{report}");
        } else {
            println!("{report:#}");
        }
        self.status()
    }
}

/// How long something took since `begun`, in microseconds of the wall clock.
pub fn real_us_since(begun: Duration) -> u64 {
    u64::try_from(wall_clock().saturating_sub(begun).as_micros()).unwrap_or(u64::MAX)
}

/// The wall clock: only to report how long something took.
#[allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "real time is reported, nothing depends on it"
)]
pub fn wall_clock() -> Duration {
    use std::sync::OnceLock;
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}
