//! Whole runs of the gossip: what the tests, the simulation and `messages run` have in common. Given whole.

use super::gossip::{Event, Gossip};
use super::invariants::ClockConditions;
use crate::scene::{Bounds, Outputs, Scene};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use simnet::checked::{Duplicates, Order};
use simnet::delay::Micros;
use simnet::{Cluster, NodeId, Random, RandomSource, Swarm};
use std::fmt;
use std::time::Duration;

/// The monitor keeps the whole past of each event: what it holds grows with the square of their number.
const MOST_ACTIONS: u64 = 2_000;

/// How many processes, and how much they do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Roles {
    /// Processes.
    pub processes: u32,
    /// How often each acts.
    pub actions: u32,
    /// The longest time between two of its actions.
    pub pace: Micros,
}

impl Default for Roles {
    fn default() -> Self {
        Roles { processes: 3, actions: 4, pace: Micros(10_000) }
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} processes act {} times each, at most {} apart", self.processes, self.actions, self.pace)
    }
}

impl Scene for Roles {
    type Node = Gossip;
    type Rules = ClockConditions;

    const PROTOCOL: &'static str = "clocks";
    const STORM_TEST: &'static str = "part_c_clocks_agree_with_what_happened_before_in_any_weather";
    const GOAL: &'static str = "every process does all that it has to do: a clock never waits for anybody";

    fn check(&self) -> Result<(), String> {
        let Roles { processes, actions, .. } = self;
        if !(1..=100).contains(processes) || u64::from(*processes) * u64::from(*actions) > MOST_ACTIONS {
            return Err(format!(
                "read {processes} processes with {actions} actions, expected 1 to 100 with at most {MOST_ACTIONS} in all"
            ));
        }
        Ok(())
    }

    fn cluster(&self) -> Cluster<Gossip> {
        let mut cluster = Cluster::new();
        let Roles { processes, actions, pace } = self.clone();
        for number in 1..=processes {
            cluster.node(format!("p{number}"), move || Gossip::new(processes, actions, pace.into()));
        }
        cluster
    }

    fn rules(&self) -> ClockConditions {
        ClockConditions::default()
    }

    fn draw(random: &mut Random) -> Self {
        Roles {
            processes: 1 + random.below(5) as u32,
            actions: 1 + random.below(12) as u32,
            pace: Micros(*random.pick(&[1_000, 10_000, 50_000])),
        }
    }

    /// Clocks bear everything that a network does. A crash would take them away.
    fn swarm(&self) -> Swarm {
        Swarm { messages: vec!["Gossip".into()], ..Swarm::default() }
    }

    fn patience(&self) -> Duration {
        Duration::from_micros(self.pace.0) * (self.actions + 1) + Duration::from_secs(1)
    }

    fn is_done(&self, told: &Outputs<Self>, _is_up: &dyn Fn(NodeId) -> bool) -> bool {
        let acted = told.iter().filter(|told| !matches!(told.output, Event::Received { .. })).count();
        acted as u64 == u64::from(self.processes) * u64::from(self.actions)
    }

    fn outcome<'a>(
        &self,
        told: &Outputs<Self>,
        _process: &dyn Fn(NodeId) -> Option<&'a Gossip>,
    ) -> Map<String, Value> {
        let count = |is: &dyn Fn(&Event) -> bool| told.iter().filter(|told| is(&told.output)).count();
        let mut last = Map::new();
        for told in told {
            let (Event::Internal(at) | Event::Sent { at, .. } | Event::Received { at, .. }) = &told.output;
            last.insert(format!("p{}", told.node.0 + 1), json!(at.vector.to_string()));
        }
        let mut outcome = Map::new();
        outcome.insert("internal".to_string(), json!(count(&|event| matches!(event, Event::Internal(_)))));
        outcome.insert("sent".to_string(), json!(count(&|event| matches!(event, Event::Sent { .. }))));
        outcome
            .insert("received".to_string(), json!(count(&|event| matches!(event, Event::Received { .. }))));
        outcome.insert("last vectors".to_string(), Value::Object(last));
        outcome
    }

    fn small() -> Self {
        Roles { processes: 3, actions: 1, ..Roles::default() }
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            crashes: 0,
            may_crash: Vec::new(),
            duplicates: Duplicates::AtMost(0),
            order: Order::Any,
            within: String::new(),
        }
    }
}
