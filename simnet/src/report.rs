//! What a run comes to, as the JSON object that a lab's program prints on its last line: the contract with the course's tool.

use crate::monitor::Violation;
use crate::tally::Tally;
use crate::trace::Name;
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
#[derive(Clone, Debug)]
pub struct RunReport<'a> {
    /// The lab's folder.
    pub lab: &'a str,
    /// The world.
    pub world: &'a str,
    /// The seed.
    pub seed: u64,
    /// The nodes, by id.
    pub nodes: &'a [Name],
    /// The lab's own words for what came of it.
    pub outcome: Map<String, Value>,
    /// Whether what was to be done is done.
    pub done: bool,
    /// The rule that was broken.
    pub violation: Option<&'a Violation>,
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
    /// What only this world has to say.
    pub more: Map<String, Value>,
}

impl RunReport<'_> {
    /// The exit status of a run that ended so.
    pub fn status(&self) -> u8 {
        match (self.violation, self.done) {
            (Some(_), _) => BROKEN,
            (None, false) => UNDECIDED,
            (None, true) => 0,
        }
    }

    /// The object.
    pub fn to_json(&self) -> Value {
        let messages: Map<String, Value> =
            self.tally.by_name().into_iter().map(|(name, count)| (name.to_string(), json!(count))).collect();
        let name = |node: crate::NodeId| &self.nodes[node.index()];
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
