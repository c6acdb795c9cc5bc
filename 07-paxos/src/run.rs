//! `paxos run`: one run in one world, reported as one JSON object (the contract between the course's tool and a lab).

use anyhow::{Context, bail};
use paxos::Node;
use paxos::cluster::Roles;
use paxos::invariants::Invariants;
use paxos::scene::{self, Scene};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use simnet::campaign::{parse_seed, write_trace};
use simnet::delay::Micros;
use simnet::swarm::{Storm, Weather};
use simnet::{Delay, Plan, Sim, Trial};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Exit status: a rule was broken.
const BROKEN: u8 = 1;
/// Exit status: the command was not understood.
pub const WRONG_USE: u8 = 2;
/// Exit status: nothing was decided within the run's bound.
const UNDECIDED: u8 = 3;

/// The lab's folder.
const LAB: &str = "07-paxos";

#[derive(clap::Args)]
pub struct Arguments {
    /// The world to run in: sim.
    #[arg(long, value_name = "WORLD")]
    on: String,
    /// What to run, as JSON: roles, weather, sync, faults, limit. `cargo course run` makes it from an experiment file.
    #[arg(long, value_name = "FILE")]
    experiment: Option<PathBuf>,
    /// The seed: any 64-bit number, decimal or 0x….
    #[arg(long, value_parser = parse_seed, default_value = "7", allow_hyphen_values = true)]
    seed: u64,
    /// Record the run in this file.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Print one JSON object on the last line.
    #[arg(long)]
    json: bool,
}

/// An experiment, as `cargo course run` hands it over. What is absent is the default.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Experiment {
    /// What the experiment shows; for readers.
    #[allow(dead_code, reason = "it is there for whoever opens the file")]
    title: String,
    roles: Roles,
    weather: Weather,
    /// How long a sync takes.
    sync: Delay,
    faults: Plan,
    /// How long the run may take, in virtual time.
    limit: Micros,
}

impl Default for Experiment {
    fn default() -> Self {
        Experiment {
            title: String::new(),
            roles: Roles::default(),
            weather: Weather::default(),
            sync: Delay::NONE,
            faults: Plan::new(),
            limit: Micros(10_000_000),
        }
    }
}

impl Experiment {
    fn read(arguments: &Arguments) -> anyhow::Result<Self> {
        let Some(path) = &arguments.experiment else { return Ok(Experiment::default()) };
        let text =
            std::fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
        let experiment: Experiment = serde_json::from_str(&text)
            .with_context(|| format!("{} is not an experiment", path.display()))?;
        experiment.check()?;
        Ok(experiment)
    }

    fn check(&self) -> anyhow::Result<()> {
        let roles = &self.roles;
        for (what, count) in
            [("proposers", roles.proposers), ("acceptors", roles.acceptors), ("learners", roles.learners)]
        {
            if !(1..=100).contains(&count) {
                bail!("read {what} = {count}, expected 1 to 100");
            }
        }
        if !(1..=100).contains(&roles.values.len()) {
            bail!("read {} values, expected 1 to 100: one for each client", roles.values.len());
        }
        let cluster = roles.cluster();
        for scheduled in &self.faults.faults {
            if let Some(name) = scheduled.fault.nodes().into_iter().find(|name| cluster.find(name).is_none())
            {
                let names: Vec<&str> = cluster.names().map(|name| &**name).collect();
                bail!("the fault `{scheduled}` names the node `{name}`, the nodes are {}", names.join(" "));
            }
        }
        Ok(())
    }

    fn scene(self) -> Scene {
        let storm = Storm { weather: self.weather, sync_delay: self.sync, plan: self.faults };
        Scene { roles: self.roles, storm, length: self.limit.into() }
    }
}

/// Runs, and reports.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.on != "sim" {
        bail!("read the world `{}`, expected one that this lab runs in: sim", arguments.on);
    }
    let scene = Experiment::read(arguments)?.scene();
    let begun = wall_clock();
    let sim = simulated(&scene, &Trial::new(arguments.seed, arguments.trace.is_some()));
    let real_us = wall_clock().saturating_sub(begun).as_micros();
    if let (Some(path), Some(trace)) = (&arguments.trace, sim.trace(LAB)) {
        write_trace(&trace, path).with_context(|| format!("could not write {}", path.display()))?;
    }
    let chosen = chosen(&sim, &scene.roles);
    let report = report(arguments, &sim, &scene.roles, chosen.as_deref(), real_us);
    if arguments.json {
        println!("{report}");
    } else {
        println!("{report:#}");
    }
    Ok(match (sim.violation(), chosen) {
        (Some(_), _) => ExitCode::from(BROKEN),
        (None, None) => ExitCode::from(UNDECIDED),
        (None, Some(_)) => ExitCode::SUCCESS,
    })
}

/// Runs until every learner and every client knows, or the limit is reached.
fn simulated(scene: &Scene, trial: &Trial) -> Sim<Node> {
    let roles = &scene.roles;
    let mut sim = trial
        .sim(&roles.cluster())
        .with_hub(scene.storm.weather.hub())
        .with_sync_delay(scene.storm.sync_delay)
        .with_plan(&scene.storm.plan)
        .with_monitor(Invariants::new(&roles.acceptors(), &roles.values))
        .counting_bytes()
        .described(scene.to_string());
    let who = [roles.learners(), roles.clients()].concat();
    sim.run_until(scene.length, |sim| scene::all_know(sim, &who));
    scene::check_history(&mut sim);
    // The faults were written by hand: one that did nothing is a mistake in the experiment.
    sim.every_fault_must_have_fired();
    sim
}

/// What the learners have learned, when at least one has.
fn chosen(sim: &Sim<Node>, roles: &Roles) -> Option<String> {
    roles.learners().into_iter().find_map(|learner| scene::known(sim, learner))
}

fn report(
    arguments: &Arguments,
    sim: &Sim<Node>,
    roles: &Roles,
    chosen: Option<&str>,
    real_us: u128,
) -> Value {
    let nodes: Vec<String> = roles.cluster().names().map(|name| name.to_string()).collect();
    let know = |nodes: Vec<simnet::NodeId>| {
        let known: Map<String, Value> = nodes
            .into_iter()
            .map(|node| (sim.name(node).to_string(), json!(scene::known(sim, node))))
            .collect();
        Value::Object(known)
    };
    let messages: Map<String, Value> =
        sim.tally().by_name().into_iter().map(|(name, count)| (name.to_string(), json!(count))).collect();
    json!({
        "lab": LAB,
        "world": "sim",
        "seed": sim.seed(),
        "nodes": nodes,
        "outcome": {
            "decided": chosen.is_some(),
            "value": chosen,
            "learners": know(roles.learners()),
            "clients": know(roles.clients()),
        },
        "violations": sim.violation().into_iter().collect::<Vec<_>>(),
        "messages": messages,
        "faults": sim.tally().faults(),
        "idle_faults": sim.idle_faults().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "trace_hash": sim.hash().to_string(),
        "virtual_us": sim.now().as_micros(),
        "real_us": u64::try_from(real_us).unwrap_or(u64::MAX),
        "trace": arguments.trace,
    })
}

/// The wall clock: only to report how long a run took.
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
