//! `paxos run`: one run in one world, reported as one JSON object (the contract between the course's tool and a lab).

use crate::local;
use crate::serve::delay;
use anyhow::{Context, bail};
use paxos::Node;
use paxos::cluster::Roles;
use paxos::invariants::Invariants;
use paxos::scene::{self, Scene};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use simnet::campaign::{parse_seed, write_trace};
use simnet::delay::Micros;
use simnet::local::mischief::BadWire;
use simnet::local::replay::Replay;
use simnet::local::stage::{Ambush, Stage};
use simnet::local::transport::TransportKind;
use simnet::sim::waits;
use simnet::swarm::{Storm, Weather};
use simnet::{Delay, Names, NodeId, Plan, Sim, Tally, Trial, Violation};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Exit status: a rule was broken.
pub const BROKEN: u8 = 1;
/// Exit status: the command was not understood.
pub const WRONG_USE: u8 = 2;
/// Exit status: nothing was decided within the run's bound.
pub const UNDECIDED: u8 = 3;

/// Exit status: a signal has ended the run.
const INTERRUPTED: u8 = 130;

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
    match arguments.on.as_str() {
        "sim" => run_simulated(arguments),
        "local" => run_local(arguments),
        other => bail!("read the world `{other}`, expected one that this lab runs in: sim, local"),
    }
}

fn run_simulated(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let scene = Experiment::read(arguments)?.scene();
    let begun = wall_clock();
    let sim = simulated(&scene, &Trial::new(arguments.seed, arguments.trace.is_some()));
    let real_us = wall_clock().saturating_sub(begun).as_micros();
    if let (Some(path), Some(trace)) = (&arguments.trace, sim.trace(LAB)) {
        write_trace(&trace, path).with_context(|| format!("could not write {}", path.display()))?;
    }
    let run = Run {
        world: "sim",
        seed: sim.seed(),
        known: &|node| scene::known(&sim, node),
        waits: &|| sim.waits(),
        violation: sim.violation(),
        tally: sim.tally(),
        faults: sim.tally().faults().clone(),
        idle_faults: sim.idle_faults().iter().map(ToString::to_string).collect(),
        trace_hash: sim.hash().to_string(),
        virtual_us: sim.now().as_micros(),
        real_us: u64::try_from(real_us).unwrap_or(u64::MAX),
        more: Map::new(),
    };
    Ok(ExitCode::from(run.tell(arguments, &scene.roles)))
}

/// Runs the cluster as processes of this machine, as often as asked, and reports each run.
fn run_local(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let scene = Experiment::read(arguments)?.scene();
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
    let real_us = wall_clock().saturating_sub(begun).as_micros();
    if let Some(path) = &arguments.trace {
        write_trace(&played.trace, path).with_context(|| format!("could not write {}", path.display()))?;
    }
    if played.interrupted {
        eprintln!("interrupted: all nodes have ended");
        return Ok(INTERRUPTED);
    }
    let mut monitor = Invariants::new(&roles.acceptors(), &roles.values);
    let replay = Replay::run(&played.trace, &cluster, vec![&mut monitor]).map_err(anyhow::Error::msg)?;
    let unexplained = scene::unexplained(replay.outputs(), roles);
    let mut more = Map::new();
    more.insert("transport".to_string(), json!(arguments.transport.to_string()));
    more.insert("wire".to_string(), json!(played.wire));
    let run = Run {
        world: "local",
        seed,
        known: &|node| scene::known_by(replay.process(node)?),
        waits: &|| {
            let names: Names = cluster.names().cloned().collect();
            names
                .ids()
                .map(|node| format!("{} {}", names.of(node), waits(replay.process(node), &names)))
                .collect()
        },
        violation: replay.violation().or(unexplained.as_ref()),
        tally: replay.tally(),
        faults: played.faults(),
        idle_faults: Vec::new(),
        trace_hash: played.hash().to_string(),
        virtual_us: played.trace.events.last().map_or(0, |event| event.at),
        real_us: u64::try_from(real_us).unwrap_or(u64::MAX),
        more,
    };
    Ok(run.tell(arguments, roles))
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

/// What a run of any world comes to.
struct Run<'a> {
    world: &'a str,
    seed: u64,
    /// What a learner or a client knows.
    known: &'a dyn Fn(NodeId) -> Option<String>,
    /// Who waits for what, a line a node.
    waits: &'a dyn Fn() -> Vec<String>,
    violation: Option<&'a Violation>,
    tally: &'a Tally,
    faults: BTreeMap<&'static str, u64>,
    idle_faults: Vec<String>,
    trace_hash: String,
    virtual_us: u64,
    real_us: u64,
    /// What only this world has to say.
    more: Map<String, Value>,
}

impl Run<'_> {
    /// Prints the report, and returns the exit status.
    fn tell(mut self, arguments: &Arguments, roles: &Roles) -> u8 {
        // What the learners have learned, when at least one has.
        let chosen = roles.learners().into_iter().find_map(self.known);
        let status = match (self.violation, &chosen) {
            (Some(_), _) => BROKEN,
            (None, None) => UNDECIDED,
            (None, Some(_)) => 0,
        };
        let mut more = std::mem::take(&mut self.more);
        if status == UNDECIDED {
            more.insert("waits".to_string(), json!((self.waits)()));
        }
        let mut report = self.report(arguments, roles, chosen.as_deref());
        report.as_object_mut().expect("it is one").extend(more);
        if arguments.json {
            println!("{report}");
        } else {
            println!("{report:#}");
        }
        status
    }

    fn report(&self, arguments: &Arguments, roles: &Roles, chosen: Option<&str>) -> Value {
        let nodes: Vec<String> = roles.cluster().names().map(|name| name.to_string()).collect();
        let know = |ids: Vec<NodeId>| {
            let known: Map<String, Value> = ids
                .into_iter()
                .map(|node| (nodes[node.index()].clone(), json!((self.known)(node))))
                .collect();
            Value::Object(known)
        };
        let messages: Map<String, Value> =
            self.tally.by_name().into_iter().map(|(name, count)| (name.to_string(), json!(count))).collect();
        json!({
            "lab": LAB,
            "world": self.world,
            "seed": self.seed,
            "nodes": nodes,
            "outcome": {
                "decided": chosen.is_some(),
                "value": chosen,
                "learners": know(roles.learners()),
                "clients": know(roles.clients()),
            },
            "violations": self.violation.into_iter().collect::<Vec<_>>(),
            "messages": messages,
            "faults": self.faults,
            "idle_faults": self.idle_faults,
            "trace_hash": self.trace_hash,
            "virtual_us": self.virtual_us,
            "real_us": self.real_us,
            "trace": arguments.trace,
        })
    }
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
