//! Whole runs of Ben-Or's algorithm. Given whole.

use super::invariants::{Invariants, TERMINATION};
use super::message::{Bit, Coin};
use super::process::BenOr;
use crate::scene::{Bounds, Outputs, Scene};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use simnet::checked::{Duplicates, Order};
use simnet::delay::Micros;
use simnet::fault::{Late, Scheduled};
use simnet::swarm::Storm;
use simnet::trace::Name;
use simnet::{Chance, Cluster, DiskFate, Fault, NodeId, Observe, Random, Swarm};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Rounds grow longer with the square of their number.
pub const MOST_PROCESSES: usize = 30;

/// The processes of one agreement: `p1`, `p2`, …
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Roles {
    /// What each process begins with; there is a process a value.
    pub values: Vec<Bit>,
    /// How many may crash, fewer than half; as many as possible when absent.
    pub faulty: Option<usize>,
    /// What a process flips.
    pub coin: Coin,
}

impl Default for Roles {
    /// Three processes that do not agree.
    fn default() -> Self {
        Roles { values: vec![Bit::Zero, Bit::One, Bit::One], faulty: None, coin: Coin::Fair }
    }
}

impl Roles {
    /// Processes that begin with these bits, of which as many as possible may crash.
    pub fn beginning_with(values: &[Bit]) -> Self {
        Roles { values: values.to_vec(), ..Roles::default() }
    }

    /// How many may crash.
    pub fn faulty(&self) -> usize {
        self.faulty.unwrap_or_else(|| self.values.len().saturating_sub(1) / 2)
    }

    /// The processes.
    pub fn processes(&self) -> Vec<NodeId> {
        (0..self.values.len() as u32).map(NodeId).collect()
    }

    /// What each process begins with.
    pub fn initial(&self) -> BTreeMap<NodeId, Bit> {
        self.processes().into_iter().zip(self.values.iter().copied()).collect()
    }
}

impl std::fmt::Display for Roles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let values: Vec<String> = self.values.iter().map(ToString::to_string).collect();
        let coin = match self.coin {
            Coin::Fair => "a fair coin",
            Coin::Stuck => "a coin that is stuck",
        };
        write!(
            f,
            "processes that begin with {}, of which {} may crash, {coin}",
            values.join(" "),
            self.faulty()
        )
    }
}

/// Leaves of a storm what the paper allows: a message may take as long as it likes, but is not lost; at most `faulty` nodes crash, and they
/// do not come back.
fn as_the_paper_has_it(storm: &mut Storm, faulty: usize) {
    storm.weather.loss = Chance::NEVER;
    let mut crashed: BTreeSet<Name> = BTreeSet::new();
    let mut kept = Vec::new();
    for scheduled in std::mem::take(&mut storm.plan.faults) {
        let Scheduled { at, fault, .. } = scheduled.clone();
        match fault {
            Fault::Crash { node, .. } | Fault::CrashAmid { node, .. }
                if crashed.len() >= faulty && !crashed.contains(&node) => {}
            Fault::Crash { node, .. } => {
                kept.push(for_good(at, node.clone()));
                crashed.insert(node);
            }
            Fault::CrashAmid { node, effects, .. } => {
                let disk = DiskFate::Keep;
                let amid = Fault::CrashAmid { node: node.clone(), effects, disk };
                kept.push(Scheduled { lasts: None, late: Late::Never, fault: amid, ..scheduled });
                // It has crashed amid a handler by then, or does so between two.
                kept.push(for_good(Micros(at.0 + 30_000), node.clone()));
                crashed.insert(node);
            }
            Fault::DiskFull { .. } => {}
            _ => {
                let late = if scheduled.late == Late::Never { Late::Shuffled } else { scheduled.late };
                kept.push(Scheduled { late, ..scheduled });
            }
        }
    }
    kept.sort_by_key(|scheduled| scheduled.at);
    storm.plan.faults = kept;
}

/// A crash without a restart. That the disk is wiped says that nobody counts on the node any more: it has no use for its disk anyway.
fn for_good(at: Micros, node: Name) -> Scheduled {
    Scheduled { at, lasts: None, late: Late::Never, fault: Fault::Crash { node, disk: DiskFate::Wipe } }
}

impl Scene for Roles {
    type Node = BenOr;
    type Rules = Invariants;

    const PROTOCOL: &'static str = "ben-or";
    const STORM_TEST: &'static str = "part_e_all_that_are_up_decide_the_same_bit";
    const GOAL: &'static str = TERMINATION;

    fn check(&self) -> Result<(), String> {
        let count = self.values.len();
        if !(2..=MOST_PROCESSES).contains(&count) {
            return Err(format!("read {count} values, expected 2 to {MOST_PROCESSES}: one for each process"));
        }
        if 2 * self.faulty() >= count {
            return Err(format!(
                "read faulty = {}, expected fewer than half of {count} processes",
                self.faulty()
            ));
        }
        Ok(())
    }

    fn cluster(&self) -> Cluster<BenOr> {
        let mut cluster = Cluster::new();
        let (everybody, faulty, coin) = (self.processes(), self.faulty(), self.coin);
        for (place, value) in self.values.iter().copied().enumerate() {
            let everybody = everybody.clone();
            cluster
                .node(format!("p{}", place + 1), move || BenOr::new(everybody.clone(), faulty, value, coin));
        }
        cluster
    }

    fn rules(&self) -> Invariants {
        Invariants::new(self.initial(), self.faulty())
    }

    fn draw(random: &mut Random) -> Self {
        let count = *random.pick(&[3, 3, 3, 5, 5, 5, 4, 2, 7]);
        let values = (0..count).map(|_| *random.pick(&[Bit::Zero, Bit::One])).collect();
        Roles { values, faulty: None, coin: Coin::Fair }
    }

    fn swarm(&self) -> Swarm {
        Swarm {
            crashing: self.cluster().names().cloned().collect(),
            messages: ["Report", "Proposal"].map(Into::into).to_vec(),
            ..Swarm::default()
        }
    }

    fn tame(&self, storm: &mut Storm) {
        as_the_paper_has_it(storm, self.faulty());
    }

    fn patience(&self) -> Duration {
        // A round takes at most 20 ms in the calm; this is time for a hundred.
        Duration::from_secs(2)
    }

    /// Everybody has decided, but for those that have crashed, and those are not too many. (Before the start nobody is up.)
    fn is_done(&self, told: &Outputs<Self>, is_up: &dyn Fn(NodeId) -> bool) -> bool {
        let decided: BTreeSet<NodeId> = told.iter().map(|told| told.node).collect();
        let enough = decided.len() + self.faulty() >= self.values.len();
        enough && self.processes().into_iter().all(|process| decided.contains(&process) || !is_up(process))
    }

    fn outcome<'a>(
        &self,
        told: &Outputs<Self>,
        process: &dyn Fn(NodeId) -> Option<&'a BenOr>,
    ) -> Map<String, Value> {
        let mut outcome = Map::new();
        outcome.insert("decision".to_string(), json!(told.first().map(|told| told.output.value)));
        outcome
            .insert("decided_in_round".to_string(), json!(told.iter().map(|told| told.output.round).max()));
        let rounds: Map<String, Value> = self
            .cluster()
            .names()
            .zip(self.processes())
            .map(|(name, id)| {
                let state = match process(id).map(Observe::view) {
                    None => json!("down"),
                    Some(view) => match view.decision {
                        Some(decision) => json!(format!("{} in round {}", decision.value, decision.round)),
                        None => json!(format!("undecided in round {}", view.round)),
                    },
                };
                (name.to_string(), state)
            })
            .collect();
        outcome.insert("processes".to_string(), Value::Object(rounds));
        outcome
    }

    fn small() -> Self {
        Roles::default()
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            crashes: 0,
            may_crash: Vec::new(),
            duplicates: Duplicates::AtMost(0),
            order: Order::Any,
            within: "at most 2 rounds; who crashes is silent from then on".to_string(),
        }
    }

    fn is_within(&self, node: &BenOr) -> bool {
        node.view().round <= 2
    }
}
