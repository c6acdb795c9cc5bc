//! `zmq run`: one run of the middleware in one world, reported as one JSON object (the contract between the course's tool and a lab).

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Map, Value};
use simnet::campaign::{parse_seed, write_trace};
use simnet::experiment::Experiment;
use simnet::local::child::play;
use simnet::local::mischief::BadWire;
use simnet::local::node::{NodeError, Options};
use simnet::local::replay::Replay;
use simnet::local::stage::{News, Played, Stage};
use simnet::local::transport::TransportKind;
use simnet::report::{BROKEN, INTERRUPTED, RunReport, real_us_since, wall_clock};
use simnet::{NodeId, Trial};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use zmq::middleware::node::Node;
use zmq::middleware::scene::{Roles, Scene, all_over, outcome};
use zmq::middleware::turn::Output;

/// The lab's folder.
pub const LAB: &str = "01-zmq";

/// The arguments of `zmq run`.
#[derive(Args)]
pub struct Arguments {
    /// The world to run in: sim, local.
    #[arg(long, value_name = "WORLD")]
    on: String,
    /// What to run, as JSON: roles, weather, faults, limit. `cargo course run` makes it from an experiment file.
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
    /// In the local world: what carries the messages: zmq, tcp, udp or datagram.
    #[arg(long, default_value = "zmq")]
    transport: TransportKind,
    /// `zmq run` has started this as one node of a local run, with these options.
    #[arg(long, hide = true, requires = "of_roles")]
    node: Option<Options>,
    /// … in a cluster of these roles, as JSON.
    #[arg(long, hide = true)]
    of_roles: Option<String>,
}

/// Runs, and reports.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if let (Some(options), Some(roles)) = (&arguments.node, &arguments.of_roles) {
        return one_node(options, roles);
    }
    match arguments.on.as_str() {
        "sim" => simulated(arguments),
        "local" => local(arguments),
        other => bail!(
            "read the world `{other}`, expected one that this lab runs in: sim, local. Each program by itself is in `zmq middleware`"
        ),
    }
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
    experiment.roles.check().map_err(anyhow::Error::msg)?;
    experiment.names_nodes_of(&experiment.roles.cluster()).map_err(anyhow::Error::msg)?;
    let storm = experiment.storm();
    Ok(Scene { roles: experiment.roles, storm, length: experiment.limit.into() })
}

fn simulated(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let scene = read(arguments)?;
    let begun = wall_clock();
    let mut sim = scene.begin(&Trial::new(arguments.seed, arguments.trace.is_some())).counting_bytes();
    let done = sim.run_until(scene.length, |sim| all_over(sim, &scene.roles));
    scene.judge(&mut sim);
    // The faults were written by hand: one that did nothing is a mistake in the experiment.
    sim.every_fault_must_have_fired();
    let real_us = real_us_since(begun);
    if let (Some(path), Some(trace)) = (&arguments.trace, sim.trace(LAB)) {
        write_trace(&trace, path).with_context(|| format!("could not write {}", path.display()))?;
    }
    let outcome = outcome(sim.outputs(), &scene.roles.names());
    let trace = arguments.trace.as_deref();
    let report = RunReport { outcome, done, real_us, trace, ..RunReport::of_sim(LAB, &sim) };
    Ok(ExitCode::from(report.print(arguments.json)))
}

/// The nodes as processes of this machine.
fn local(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let scene = read(arguments)?;
    let cluster = scene.roles.cluster();
    let stage = Stage {
        described: scene.to_string(),
        transport: arguments.transport,
        wire: BadWire::from(&scene.storm.weather),
        limit: scene.length,
        ..Stage::new(LAB, &cluster, arguments.seed, &scene.storm.plan)
    };
    let begun = wall_clock();
    let played = play_on(&stage, &scene.roles)?;
    let real_us = real_us_since(begun);
    if let Some(path) = &arguments.trace {
        write_trace(&played.trace, path).with_context(|| format!("could not write {}", path.display()))?;
    }
    if played.interrupted {
        eprintln!("interrupted: all nodes have ended");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let mut rules = scene.roles.rules();
    let replay = Replay::run(&played.trace, &cluster, vec![&mut rules]).map_err(anyhow::Error::msg)?;
    // Datagrams may be lost whatever the experiment says.
    let may_lose = arguments.transport == TransportKind::Datagram || !scene.loses_nothing();
    let lost = if may_lose { None } else { scene.lost(replay.outputs()) };
    let outcome: Map<String, Value> = outcome(replay.outputs(), &scene.roles.names());
    let released = replay.outputs().iter().filter(|told| told.output == Output::Released).count();
    let done = released + 1 == cluster.names().len();
    let played = RunReport::of_stage(&stage, &played, &replay);
    let violation = played.violation.or(lost.as_ref());
    let trace = arguments.trace.as_deref();
    let report = RunReport { outcome, done, violation, real_us, trace, ..played };
    Ok(ExitCode::from(report.print(arguments.json)))
}

/// Plays the cluster until everybody is released, or the limit is reached.
fn play_on(stage: &Stage<'_, Node>, roles: &Roles) -> anyhow::Result<Played> {
    let program = std::env::current_exe().context("this program does not know where it is")?;
    let of_roles = serde_json::to_string(roles)?;
    let command = |node: &Options| {
        let mut command = Command::new(&program);
        command.args(["run", "--on", "local", "--of-roles", &of_roles, "--node", &node.to_string()]);
        Ok(command)
    };
    let all = roles.names().len() - 1;
    let mut over: BTreeSet<NodeId> = BTreeSet::new();
    let watch = |news| {
        if let News::Told(node, Output::Released | Output::Refused(_)) = news {
            over.insert(node);
        }
        over.len() == all
    };
    Ok(stage.play(command, watch)?)
}

/// Plays one node, which a local run has started.
fn one_node(options: &Options, roles: &str) -> anyhow::Result<ExitCode> {
    let roles: Roles = serde_json::from_str(roles).context("the roles are malformed")?;
    let name = options.names[options.me.index()].clone();
    match play(&roles.cluster(), options.clone()) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(NodeError::Broken(violation)) => {
            eprintln!("{name}: {violation}");
            Ok(ExitCode::from(BROKEN))
        }
        Err(error) => bail!("{name}: {error}"),
    }
}
