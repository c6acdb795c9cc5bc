//! `sockets run`: one run of the remote procedure calls, reported as one JSON object (the contract between the course's tool and a lab).

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use simnet::campaign::{parse_seed, write_trace};
use simnet::delay::Micros;
use simnet::swarm::{Storm, Weather};
use simnet::{Delay, Observe, Plan, Sim, Trial};
use sockets::rpc::invariants::ANSWERED;
use sockets::rpc::scene::{Roles, Scene, all_done, check_history};
use sockets::rpc::{Node, Semantics, View};
use std::path::PathBuf;
use std::process::ExitCode;

/// Exit status: a rule was broken.
const BROKEN: u8 = 1;
/// Exit status: not every call was answered within the run's bound.
const UNDECIDED: u8 = 3;

/// The lab's folder.
pub const LAB: &str = "00-sockets";

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
        for (what, count) in
            [("clients", self.roles.clients), ("calls", self.roles.calls), ("keys", self.roles.keys)]
        {
            if !(1..=1000).contains(&count) {
                bail!("read {what} = {count}, expected 1 to 1000");
            }
        }
        let cluster = self.roles.cluster();
        for scheduled in &self.faults.faults {
            let nodes = scheduled.fault.nodes();
            if let Some(name) = nodes.into_iter().find(|name| cluster.find(name).is_none()) {
                let names: Vec<&str> = cluster.names().map(|name| &**name).collect();
                bail!("the fault `{scheduled}` names the node `{name}`, the nodes are {}", names.join(" "));
            }
        }
        Ok(())
    }
}

/// Runs, and reports.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.on != "sim" {
        bail!(
            "read the world `{}`, expected one that this lab runs in: sim. Real sockets are in `sockets serve` and `sockets client`",
            arguments.on
        );
    }
    let experiment = Experiment::read(arguments)?;
    let scene = Scene {
        roles: experiment.roles,
        storm: Storm { weather: experiment.weather, sync_delay: experiment.sync, plan: experiment.faults },
        length: experiment.limit.into(),
    };
    let begun = wall_clock();
    let sim = simulated(&scene, &Trial::new(arguments.seed, arguments.trace.is_some()));
    let real_us = wall_clock().saturating_sub(begun).as_micros();
    if let (Some(path), Some(trace)) = (&arguments.trace, sim.trace(LAB)) {
        write_trace(&trace, path).with_context(|| format!("could not write {}", path.display()))?;
    }
    let done = all_done(&sim, &scene.roles.clients());
    let report = report(arguments, &scene, &sim, done, real_us);
    if arguments.json {
        println!("{report}");
    } else {
        println!("{report:#}");
    }
    Ok(match (sim.violation(), done) {
        (Some(_), _) => ExitCode::from(BROKEN),
        (None, false) => ExitCode::from(UNDECIDED),
        (None, true) => ExitCode::SUCCESS,
    })
}

/// Runs until every call is answered, or the limit is reached.
fn simulated(scene: &Scene, trial: &Trial) -> Sim<Node> {
    let mut sim = scene.begin(trial).counting_bytes();
    let clients = scene.roles.clients();
    sim.run_until(scene.length, |sim| all_done(sim, &clients));
    if scene.roles.semantics == Semantics::AtMostOnce {
        check_history(&mut sim);
    }
    // The faults were written by hand: one that did nothing is a mistake in the experiment.
    sim.every_fault_must_have_fired();
    sim
}

fn report(arguments: &Arguments, scene: &Scene, sim: &Sim<Node>, done: bool, real_us: u128) -> Value {
    let cluster = scene.roles.cluster();
    let nodes: Vec<&str> = cluster.names().map(|name| &**name).collect();
    let tally = sim.tally();
    let messages: Map<String, Value> =
        tally.by_name().into_iter().map(|(name, count)| (name.to_string(), json!(count))).collect();
    let server = sim.process(Roles::SERVER).map(Observe::view);
    let (registry, carried_out) = match &server {
        Some(View::Server { registry, carried_out }) => (json!(registry), json!(carried_out)),
        _ => (Value::Null, Value::Null),
    };
    let asked: usize = scene.roles.clients().into_iter().map(|node| begun(sim, node)).sum();
    json!({
        "lab": LAB,
        "world": "sim",
        "seed": sim.seed(),
        "nodes": nodes,
        "outcome": {
            "answered": done,
            "rule": ANSWERED,
            "calls": asked,
            "carried_out": carried_out,
            "registry": registry,
        },
        "violations": sim.violation().into_iter().collect::<Vec<_>>(),
        "messages": messages,
        "faults": tally.faults(),
        "trace_hash": sim.hash().to_string(),
        "virtual_us": sim.now().as_micros(),
        "real_us": u64::try_from(real_us).unwrap_or(u64::MAX),
        "trace": arguments.trace,
    })
}

fn begun(sim: &Sim<Node>, node: simnet::NodeId) -> usize {
    match sim.process(node).map(Observe::view) {
        Some(View::Client { begun, .. }) => begun,
        _ => 0,
    }
}

/// The wall clock: only to report how long a run took.
#[allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "real time is reported, nothing depends on it"
)]
fn wall_clock() -> std::time::Duration {
    use std::sync::OnceLock;
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}
