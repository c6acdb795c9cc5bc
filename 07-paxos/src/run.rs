//! `paxos run`: one run in one world, reported as one JSON object (the contract between the course's tool and a lab).

use crate::local;
use crate::serve::delay;
use anyhow::{Context, bail};
use paxos::Node;
use paxos::cluster::Roles;
use paxos::invariants::Invariants;
use paxos::scene::{self, Scene};
use serde_json::{Map, Value, json};
use simnet::campaign::{parse_seed, write_trace};
use simnet::experiment::Experiment;
use simnet::local::mischief::BadWire;
use simnet::local::replay::Replay;
use simnet::local::stage::{Ambush, Stage};
use simnet::local::transport::TransportKind;
use simnet::report::{INTERRUPTED, RunReport, real_us_since, wall_clock};
use simnet::trace::Name;
use simnet::{Judgement, NodeId, Sim, Trial};
use std::path::PathBuf;
use std::process::ExitCode;

/// The lab's folder.
pub const LAB: &str = "07-paxos";

#[derive(clap::Args)]
pub struct Arguments {
    /// The world to run in: sim, local.
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
    /// In the local world: what carries the messages: tcp, udp, zmq or datagram.
    #[arg(long, default_value_t)]
    transport: TransportKind,
    /// In the local world: delay each message by a random time, in milliseconds at most.
    #[arg(short, long, default_value_t = 0, value_name = "MS")]
    delay: u64,
    /// In the local world: run so often, under this seed and those after it; the exit status is the worst.
    #[arg(short, long, default_value_t = 1)]
    iterations: u64,
    /// In the local world: kill -9 each acceptor once its first message of this name has arrived, and start it again on its data.
    #[arg(long, value_name = "MESSAGE")]
    kill_after: Option<String>,
    /// … or on an empty folder, so that it forgets what it has promised: what must not happen.
    #[arg(long, requires = "kill_after")]
    forget: bool,
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
    check(&experiment.roles)?;
    experiment.names_nodes_of(&experiment.roles.cluster()).map_err(anyhow::Error::msg)?;
    let storm = experiment.storm();
    Ok(Scene { roles: experiment.roles, storm, length: experiment.limit.into() })
}

/// Whether these are roles that a run can have.
fn check(roles: &Roles) -> anyhow::Result<()> {
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
    Ok(())
}

/// Runs, and reports.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match arguments.on.as_str() {
        "sim" => run_simulated(arguments),
        "local" => run_local(arguments),
        other => bail!("read the world `{other}`, expected one that this lab runs in: sim, local"),
    }
}

fn run_simulated(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let scene = read(arguments)?;
    let begun = wall_clock();
    let sim = simulated(&scene, &Trial::new(arguments.seed, arguments.trace.is_some()));
    let real_us = real_us_since(begun);
    if let (Some(path), Some(trace)) = (&arguments.trace, sim.trace(LAB)) {
        write_trace(&trace, path).with_context(|| format!("could not write {}", path.display()))?;
    }
    let (outcome, done) = outcome(&scene.roles, |node| scene::known(&sim, node));
    let trace = arguments.trace.as_deref();
    let report = RunReport { outcome, done, real_us, trace, ..RunReport::of_sim(LAB, &sim) };
    Ok(ExitCode::from(report.print(arguments.json)))
}

/// Runs the cluster as processes of this machine, as often as asked, and reports each run.
fn run_local(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let scene = read(arguments)?;
    let mut worst = 0;
    for iteration in 0..arguments.iterations.max(1) {
        let seed = arguments.seed.wrapping_add(iteration);
        worst = worst.max(run_local_once(arguments, &scene, seed)?);
        if worst == INTERRUPTED {
            break;
        }
    }
    Ok(ExitCode::from(worst))
}

fn run_local_once(arguments: &Arguments, scene: &Scene, seed: u64) -> anyhow::Result<u8> {
    let roles = &scene.roles;
    let begun = wall_clock();
    let cluster = roles.cluster();
    let stage = Stage {
        transport: arguments.transport,
        wire: BadWire::from(&scene.storm.weather),
        delay: delay(arguments.delay),
        ambush: arguments.kill_after.clone().map(|after| Ambush {
            nodes: roles.acceptors(),
            after,
            forget: arguments.forget,
        }),
        limit: scene.length,
        ..Stage::new(LAB, &cluster, seed, &scene.storm.plan)
    };
    let played = local::play(&stage, roles)?;
    let real_us = real_us_since(begun);
    if let Some(path) = &arguments.trace {
        write_trace(&played.trace, path).with_context(|| format!("could not write {}", path.display()))?;
    }
    if played.interrupted {
        eprintln!("interrupted: all nodes have ended");
        return Ok(INTERRUPTED);
    }
    let mut monitor = Invariants::new(&roles.acceptors(), &roles.values);
    let replay = Replay::run(&played.trace, &cluster, vec![&mut monitor]).map_err(anyhow::Error::msg)?;
    let (unexplained, unknown) = match scene::judge_history(replay.outputs(), roles) {
        Judgement::Held => (None, None),
        Judgement::Broken(violation) => (Some(violation), None),
        Judgement::Unknown(what) => (None, Some(what)),
    };
    let (outcome, done) = outcome(roles, |node| scene::known_by(replay.process(node)?));
    let played = RunReport::of_stage(&stage, &played, &replay);
    let violation = played.violation.or(unexplained.as_ref());
    let trace = arguments.trace.as_deref();
    let report = RunReport { outcome, done, violation, unknown, real_us, trace, ..played };
    Ok(report.print(arguments.json))
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
    scene::check_history(&mut sim, roles);
    // The faults were written by hand: one that did nothing is a mistake in the experiment.
    sim.every_fault_must_have_fired();
    sim
}

/// What the run came to, in the lab's own words, and whether at least one learner has learned.
fn outcome(roles: &Roles, known: impl Fn(NodeId) -> Option<String>) -> (Map<String, Value>, bool) {
    let cluster = roles.cluster();
    let names: Vec<&Name> = cluster.names().collect();
    let know = |ids: Vec<NodeId>| -> Map<String, Value> {
        ids.into_iter().map(|node| (names[node.index()].to_string(), json!(known(node)))).collect()
    };
    let chosen = roles.learners().into_iter().find_map(&known);
    let outcome = [
        ("decided", json!(chosen.is_some())),
        ("value", json!(chosen)),
        ("learners", json!(know(roles.learners()))),
        ("clients", json!(know(roles.clients()))),
    ];
    (outcome.into_iter().map(|(what, value)| (what.to_string(), value)).collect(), chosen.is_some())
}
