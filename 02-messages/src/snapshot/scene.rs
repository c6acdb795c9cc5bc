//! Whole runs of computations with snapshots: what the tests, the simulation and `messages run` have in common. Given whole.

use super::bank::Bank;
use super::computation::Computation;
use super::diffusing::Diffusing;
use super::invariants::{CLAIMED, COMPLETED, Money, Termination};
use super::node::{Node, Output, Pace, Plan};
use crate::scene::{Bounds, Outputs, Scene, in_order, never_lost};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use simnet::checked::{Duplicates, Order};
use simnet::delay::Micros;
use simnet::swarm::{Storm, Weather};
use simnet::{Cluster, NodeId, Random, RandomSource, Swarm};
use std::fmt;
use std::time::Duration;

/// The processes of a computation, each with channels to all others.
fn cluster<C: Computation>(parts: Vec<(C, Plan)>, pace: Pace) -> Cluster<Node<C>> {
    let mut cluster = Cluster::new();
    let processes = parts.len() as u32;
    for (me, (computation, plan)) in (0..).zip(parts) {
        let others: Vec<NodeId> = (0..processes).filter(|other| *other != me).map(NodeId).collect();
        let make = move || Node::new(computation.clone(), others.clone(), plan, pace);
        cluster.node(format!("p{}", me + 1), make);
    }
    cluster
}

/// What both computations assume of the network, and no crash: the bounds of the checked world.
fn bounds() -> Bounds {
    Bounds {
        crashes: 0,
        may_crash: Vec::new(),
        duplicates: Duplicates::AtMost(0),
        order: Order::Reliable,
        within: String::new(),
    }
}

fn check(processes: u32, others: &[(&str, u32)]) -> Result<(), String> {
    if !(1..=100).contains(&processes) {
        return Err(format!("read {processes} processes, expected 1 to 100"));
    }
    match others.iter().find(|(_, count)| *count > 10_000) {
        Some((what, count)) => Err(format!("read {what} = {count}, expected at most 10000")),
        None => Ok(()),
    }
}

/// A bank, and who takes snapshots of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BankRoles {
    /// Branches: each is a process.
    pub branches: u32,
    /// What each has at the beginning.
    pub money: u32,
    /// How many transfers each makes.
    pub transfers: u32,
    /// The most that a transfer carries.
    pub most: u32,
    /// How many of the branches take snapshots.
    pub initiators: u32,
    /// How many each of them takes.
    pub snapshots: u32,
    /// The longest time between two transfers of a branch.
    pub turn: Micros,
    /// The longest time between two snapshots of an initiator.
    pub pause: Micros,
}

impl Default for BankRoles {
    fn default() -> Self {
        BankRoles {
            branches: 3,
            money: 100,
            transfers: 5,
            most: 50,
            initiators: 2,
            snapshots: 1,
            turn: Micros(5_000),
            pause: Micros(20_000),
        }
    }
}

impl fmt::Display for BankRoles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BankRoles { branches, money, transfers, most, initiators, snapshots, .. } = self;
        write!(
            f,
            "{branches} branches with {money} each make {transfers} transfers of at most {most} each; {initiators} take {snapshots} snapshots each"
        )
    }
}

impl Scene for BankRoles {
    type Node = Node<Bank>;
    type Rules = Money;

    const PROTOCOL: &'static str = "bank";
    const STORM_TEST: &'static str = "part_d_snapshots_add_up_in_any_weather_that_keeps_order";
    const GOAL: &'static str = COMPLETED;

    fn check(&self) -> Result<(), String> {
        if self.initiators > self.branches {
            return Err(format!(
                "read {} initiators, expected at most {}: each is a branch",
                self.initiators, self.branches
            ));
        }
        check(self.branches, &[("transfers", self.transfers), ("snapshots", self.snapshots)])
    }

    fn cluster(&self) -> Cluster<Node<Bank>> {
        let branch = |number: u32| {
            let snapshots = if number < self.initiators { self.snapshots } else { 0 };
            let bank = Bank::new(u64::from(self.money), self.transfers, u64::from(self.most));
            (bank, Plan::Times(snapshots))
        };
        let pace = Pace { turn: self.turn.into(), snapshot: self.pause.into() };
        cluster((0..self.branches).map(branch).collect(), pace)
    }

    fn rules(&self) -> Money {
        Money::new(u64::from(self.branches) * u64::from(self.money))
    }

    fn draw(random: &mut Random) -> Self {
        let branches = 1 + random.below(5) as u32;
        BankRoles {
            branches,
            money: *random.pick(&[1, 10, 1_000]),
            transfers: random.below(20) as u32,
            most: *random.pick(&[1, 5, 1_000]),
            initiators: 1 + random.below(u64::from(branches)) as u32,
            snapshots: 1 + random.below(3) as u32,
            turn: Micros(*random.pick(&[500, 5_000, 30_000])),
            pause: Micros(*random.pick(&[1, 20_000, 100_000])),
        }
    }

    fn swarm(&self) -> Swarm {
        Swarm::default()
    }

    fn weather() -> Weather {
        in_order()
    }

    fn tame(&self, storm: &mut Storm) {
        never_lost(storm);
    }

    fn patience(&self) -> Duration {
        let turns = Duration::from_micros(self.turn.0) * (self.transfers + 1);
        turns + Duration::from_micros(self.pause.0) * (self.snapshots + 1) + Duration::from_secs(10)
    }

    fn is_done(&self, told: &Outputs<Self>, _is_up: &dyn Fn(NodeId) -> bool) -> bool {
        let completed = told.iter().filter(|told| matches!(told.output, Output::Completed { .. })).count();
        completed as u64 == u64::from(self.initiators) * u64::from(self.snapshots)
    }

    fn outcome<'a>(
        &self,
        told: &Outputs<Self>,
        _process: &dyn Fn(NodeId) -> Option<&'a Node<Bank>>,
    ) -> Map<String, Value> {
        let mut outcome = Map::new();
        for told in told {
            if let Output::Completed { snapshot, global } = &told.output {
                let branches: Vec<u64> = global.states().copied().collect();
                let on_its_way: u64 = global.in_channels().map(|transfer| transfer.0).sum();
                let total = branches.iter().sum::<u64>() + on_its_way;
                let shows = json!({ "branches": branches, "on its way": on_its_way, "total": total });
                outcome.insert(format!("snapshot {snapshot}"), shows);
            }
        }
        outcome
    }

    fn small() -> Self {
        BankRoles { branches: 2, money: 2, transfers: 1, most: 1, initiators: 2, ..BankRoles::default() }
    }

    fn bounds(&self) -> Bounds {
        bounds()
    }
}

/// A diffusing computation, whose first process has all the work at the beginning and looks for its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiffusingRoles {
    /// Processes.
    pub processes: u32,
    /// How much work there is.
    pub work: u32,
    /// The longest time that a unit of work takes.
    pub turn: Micros,
    /// The longest time between a snapshot and the next.
    pub pause: Micros,
}

impl Default for DiffusingRoles {
    fn default() -> Self {
        DiffusingRoles { processes: 3, work: 12, turn: Micros(5_000), pause: Micros(10_000) }
    }
}

impl fmt::Display for DiffusingRoles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DiffusingRoles { processes, work, .. } = self;
        write!(
            f,
            "{processes} processes with {work} units of work, all of it at p1, which takes snapshots until one shows the end"
        )
    }
}

impl Scene for DiffusingRoles {
    type Node = Node<Diffusing>;
    type Rules = Termination;

    const PROTOCOL: &'static str = "termination";
    const STORM_TEST: &'static str = "part_d_claims_termination_in_the_end_and_never_falsely";
    const GOAL: &'static str = CLAIMED;

    fn check(&self) -> Result<(), String> {
        check(self.processes, &[("work", self.work)])
    }

    fn cluster(&self) -> Cluster<Node<Diffusing>> {
        let process = |number: u32| match number {
            0 => (Diffusing::new(self.work), Plan::UntilTerminated),
            _ => (Diffusing::new(0), Plan::Times(0)),
        };
        let pace = Pace { turn: self.turn.into(), snapshot: self.pause.into() };
        cluster((0..self.processes).map(process).collect(), pace)
    }

    fn rules(&self) -> Termination {
        Termination::default()
    }

    fn draw(random: &mut Random) -> Self {
        DiffusingRoles {
            processes: 1 + random.below(5) as u32,
            work: random.below(40) as u32,
            turn: Micros(*random.pick(&[500, 5_000, 30_000])),
            pause: Micros(*random.pick(&[1_000, 10_000, 50_000])),
        }
    }

    fn swarm(&self) -> Swarm {
        Swarm::default()
    }

    fn weather() -> Weather {
        in_order()
    }

    fn tame(&self, storm: &mut Storm) {
        never_lost(storm);
    }

    /// At worst one unit of work after the other is done, each sent to another process first.
    fn patience(&self) -> Duration {
        let unit = Duration::from_micros(self.turn.0) + Duration::from_millis(100);
        unit * (self.work + 1) + Duration::from_micros(self.pause.0) * 2 + Duration::from_secs(10)
    }

    fn is_done(&self, told: &Outputs<Self>, _is_up: &dyn Fn(NodeId) -> bool) -> bool {
        told.iter().any(|told| matches!(told.output, Output::Terminated(_)))
    }

    fn outcome<'a>(
        &self,
        told: &Outputs<Self>,
        _process: &dyn Fn(NodeId) -> Option<&'a Node<Diffusing>>,
    ) -> Map<String, Value> {
        let mut outcome = Map::new();
        for told in told {
            match &told.output {
                Output::Completed { snapshot, global } => {
                    let work: Vec<u32> = global.states().copied().collect();
                    let on_its_way: u32 = global.in_channels().map(|work| work.0).sum();
                    let shows = json!({ "work": work, "on its way": on_its_way });
                    outcome.insert(format!("snapshot {snapshot}"), shows);
                }
                Output::Terminated(snapshot) => {
                    outcome.insert("terminated".to_string(), json!(format!("says snapshot {snapshot}")));
                }
                Output::Recorded { .. } => {}
            }
        }
        outcome
    }

    fn small() -> Self {
        DiffusingRoles { processes: 2, work: 4, ..DiffusingRoles::default() }
    }

    fn bounds(&self) -> Bounds {
        Bounds { within: "at most 2 snapshots".to_string(), ..bounds() }
    }

    fn is_within(&self, node: &Node<Diffusing>) -> bool {
        node.begun() <= 2
    }
}
