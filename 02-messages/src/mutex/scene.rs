//! Whole runs of mutual exclusion: what the tests, the simulation and `messages run` have in common. Given whole.

use super::invariants::{Exclusion, LIVENESS};
use super::process::{Mutex, Output, Pace};
use crate::scene::{Bounds, Outputs, Scene, in_order, never_lost};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use simnet::checked::{Duplicates, Order};
use simnet::delay::Micros;
use simnet::swarm::{Storm, Weather};
use simnet::{Cluster, NodeId, Random, RandomSource, Swarm};
use std::fmt;
use std::time::Duration;

/// How many processes share the resource, and how much they want it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Roles {
    /// Processes.
    pub processes: u32,
    /// How often each wants the resource.
    pub wishes: u32,
    /// The longest time that a process does without it.
    pub think: Micros,
    /// The longest time that it holds it.
    pub hold: Micros,
}

impl Default for Roles {
    fn default() -> Self {
        Roles { processes: 3, wishes: 2, think: Micros(20_000), hold: Micros(5_000) }
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Roles { processes, wishes, think, hold } = self;
        write!(
            f,
            "{processes} processes want the resource {wishes} times each, think {think} and hold it {hold} at most"
        )
    }
}

impl Roles {
    fn all(&self) -> u64 {
        u64::from(self.processes) * u64::from(self.wishes)
    }
}

impl Scene for Roles {
    type Node = Mutex;
    type Rules = Exclusion;

    const PROTOCOL: &'static str = "mutex";
    const STORM_TEST: &'static str = "part_c_excludes_and_serves_everybody_in_any_weather_that_keeps_order";
    const GOAL: &'static str = LIVENESS;

    fn check(&self) -> Result<(), String> {
        let Roles { processes, wishes, .. } = self;
        if !(1..=100).contains(processes) || *wishes > 10_000 {
            return Err(format!(
                "read {processes} processes with {wishes} wishes, expected 1 to 100 with at most 10000"
            ));
        }
        Ok(())
    }

    fn cluster(&self) -> Cluster<Mutex> {
        let mut cluster = Cluster::new();
        let pace = Pace { think: self.think.into(), hold: self.hold.into() };
        let wishes = self.wishes;
        for me in 0..self.processes {
            let others: Vec<NodeId> = (0..self.processes).filter(|other| *other != me).map(NodeId).collect();
            cluster.node(format!("p{}", me + 1), move || Mutex::new(others.clone(), wishes, pace));
        }
        cluster
    }

    fn rules(&self) -> Exclusion {
        Exclusion::default()
    }

    fn draw(random: &mut Random) -> Self {
        Roles {
            processes: 1 + random.below(5) as u32,
            wishes: 1 + random.below(4) as u32,
            think: Micros(*random.pick(&[1, 5_000, 50_000])),
            hold: Micros(*random.pick(&[1, 2_000, 30_000])),
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

    /// Each wish takes its time, and some messages to every process and back.
    fn patience(&self) -> Duration {
        let wish = Duration::from_micros(self.think.0 + self.hold.0) + Duration::from_secs(1);
        wish * u32::try_from(self.all() + 1).unwrap_or(u32::MAX)
    }

    fn is_done(&self, told: &Outputs<Self>, _is_up: &dyn Fn(NodeId) -> bool) -> bool {
        let released = told.iter().filter(|told| matches!(told.output, Output::Released(_))).count();
        released as u64 == self.all()
    }

    fn outcome<'a>(
        &self,
        told: &Outputs<Self>,
        _process: &dyn Fn(NodeId) -> Option<&'a Mutex>,
    ) -> Map<String, Value> {
        let granted = told.iter().filter_map(|told| match told.output {
            Output::Granted(request) => Some(request.to_string()),
            _ => None,
        });
        let granted: Vec<String> = granted.collect();
        let mut outcome = Map::new();
        outcome.insert("granted".to_string(), json!(granted.len()));
        outcome.insert("in the order".to_string(), json!(granted.join(" ")));
        outcome
    }

    fn small() -> Self {
        Roles { processes: 2, wishes: 2, ..Roles::default() }
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            crashes: 0,
            may_crash: Vec::new(),
            duplicates: Duplicates::AtMost(0),
            order: Order::Reliable,
            within: String::new(),
        }
    }
}
