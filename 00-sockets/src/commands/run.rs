//! `sockets run`: one run of the remote procedure calls, reported as one JSON object (the contract between the course's tool and a lab).

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};
use simnet::campaign::{parse_seed, write_trace};
use simnet::experiment::Experiment;
use simnet::report::{RunReport, real_us_since, wall_clock};
use simnet::{Observe, Sim, Trial};
use sockets::rpc::invariants::ANSWERED;
use sockets::rpc::scene::{Roles, Scene, all_done, check_history};
use sockets::rpc::{Node, Semantics, View};
use std::path::PathBuf;
use std::process::ExitCode;

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

/// Reads the experiment of the command line, or the default one.
fn read(arguments: &Arguments) -> anyhow::Result<Scene> {
    let experiment: Experiment<Roles> = match &arguments.experiment {
        None => Experiment::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("could not read {}", path.display()))?;
            serde_json::from_str(&text).with_context(|| format!("{} is not an experiment", path.display()))?
        }
    };
    let roles = &experiment.roles;
    for (what, count) in [("clients", roles.clients), ("calls", roles.calls), ("keys", roles.keys)] {
        if !(1..=1000).contains(&count) {
            bail!("read {what} = {count}, expected 1 to 1000");
        }
    }
    experiment.names_nodes_of(&roles.cluster()).map_err(anyhow::Error::msg)?;
    let storm = experiment.storm();
    Ok(Scene { roles: experiment.roles, storm, length: experiment.limit.into() })
}

/// Runs, and reports.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.on != "sim" {
        bail!(
            "read the world `{}`, expected one that this lab runs in: sim. Real sockets are in `sockets serve` and `sockets client`",
            arguments.on
        );
    }
    let scene = read(arguments)?;
    let begun = wall_clock();
    let sim = simulated(&scene, &Trial::new(arguments.seed, arguments.trace.is_some()));
    let real_us = real_us_since(begun);
    if let (Some(path), Some(trace)) = (&arguments.trace, sim.trace(LAB)) {
        write_trace(&trace, path).with_context(|| format!("could not write {}", path.display()))?;
    }
    let done = all_done(&sim, &scene.roles.clients());
    let (outcome, trace) = (outcome(&scene, &sim, done), arguments.trace.as_deref());
    let report = RunReport { outcome, done, real_us, trace, ..RunReport::of_sim(LAB, &sim) };
    Ok(ExitCode::from(report.print(arguments.json)))
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

/// What the run came to, in the lab's own words.
fn outcome(scene: &Scene, sim: &Sim<Node>, done: bool) -> Map<String, Value> {
    let (registry, carried_out) = match sim.process(Roles::SERVER).map(Observe::view) {
        Some(View::Server { registry, carried_out }) => (json!(registry), json!(carried_out)),
        _ => (Value::Null, Value::Null),
    };
    let calls: usize = scene.roles.clients().into_iter().map(|node| begun(sim, node)).sum();
    let outcome = [
        ("answered", json!(done)),
        ("rule", json!(ANSWERED)),
        ("calls", json!(calls)),
        ("carried_out", carried_out),
        ("registry", registry),
    ];
    outcome.into_iter().map(|(what, value)| (what.to_string(), value)).collect()
}

fn begun(sim: &Sim<Node>, node: simnet::NodeId) -> usize {
    match sim.process(node).map(Observe::view) {
        Some(View::Client { begun, .. }) => begun,
        _ => 0,
    }
}
