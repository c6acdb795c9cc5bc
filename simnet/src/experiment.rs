//! An experiment: who takes part, in what weather, and what goes wrong. The course's tool makes it from an experiment file.

use crate::cluster::Cluster;
use crate::delay::{Delay, Micros};
use crate::fault::Plan;
use crate::process::Process;
use crate::swarm::{Storm, Weather};
use serde::{Deserialize, Serialize};

/// An experiment with the roles `R` of a lab. What is absent is the default.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Experiment<R: Default> {
    /// What it shows; for readers.
    pub title: String,
    /// Who takes part.
    pub roles: R,
    /// What the network is like.
    pub weather: Weather,
    /// How long a sync takes.
    pub sync: Delay,
    /// What goes wrong, and when.
    pub faults: Plan,
    /// How long the run may take, in its world's own time.
    pub limit: Micros,
}

impl<R: Default> Default for Experiment<R> {
    fn default() -> Self {
        Experiment {
            title: String::new(),
            roles: R::default(),
            weather: Weather::default(),
            sync: Delay::NONE,
            faults: Plan::new(),
            limit: Micros(10_000_000),
        }
    }
}

impl<R: Default> Experiment<R> {
    /// Its weather and its faults.
    pub fn storm(&self) -> Storm {
        Storm { weather: self.weather, sync_delay: self.sync, plan: self.faults.clone() }
    }

    /// Whether all nodes that its faults name take part.
    ///
    /// # Errors
    /// Names the fault, the node, and the nodes that there are.
    pub fn names_nodes_of<P: Process>(&self, cluster: &Cluster<P>) -> Result<(), String> {
        for scheduled in &self.faults.faults {
            if let Some(name) = scheduled.fault.nodes().into_iter().find(|name| cluster.find(name).is_none())
            {
                let names: Vec<&str> = cluster.names().map(|name| &**name).collect();
                return Err(format!(
                    "the fault `{scheduled}` names the node `{name}`, the nodes are {}",
                    names.join(" ")
                ));
            }
        }
        Ok(())
    }
}
