//! `messages run`: one run in one world, reported as one JSON object (the contract between the course's tool and a lab).

use crate::local;
use anyhow::{Context, bail};
use clap::ValueEnum;
use messages::protocol::{Job, Protocol};
use messages::scene::{Episode, Scene};
use serde_json::{Map, Value};
use simnet::campaign::{parse_seed, write_trace};
use simnet::experiment::Experiment;
use simnet::local::transport::TransportKind;
use simnet::report::{RunReport, real_us_since, wall_clock};
use simnet::{Sim, Trial};
use std::path::PathBuf;
use std::process::ExitCode;

/// The lab's folder.
pub const LAB: &str = "02-messages";

#[derive(clap::Args)]
pub struct Arguments {
    /// The world to run in: sim, local.
    #[arg(long, value_name = "WORLD")]
    on: String,
    /// The protocol [default: the experiment's, else link]
    #[arg(long, value_enum)]
    protocol: Option<Protocol>,
    /// What to run, as JSON: protocol, roles, weather, sync, faults, limit. `cargo course run` makes it from an experiment file.
    #[arg(long, value_name = "FILE")]
    experiment: Option<PathBuf>,
    /// The seed: any 64-bit number, decimal or 0x….
    #[arg(long, value_parser = parse_seed, default_value = "7", allow_hyphen_values = true)]
    pub seed: u64,
    /// Record the run in this file.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
    /// In the local world: what carries the messages: tcp, udp or datagram [default: as the protocol needs it].
    #[arg(long)]
    pub transport: Option<TransportKind>,
    /// In the local world: delay each message by a random time, in milliseconds at most.
    #[arg(short, long, default_value_t = 0, value_name = "MS")]
    pub delay: u64,
}

/// Runs, and reports.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut experiment: Map<String, Value> = match &arguments.experiment {
        None => Map::new(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("could not read {}", path.display()))?;
            serde_json::from_str(&text)
                .with_context(|| format!("{} is not an experiment: no JSON object", path.display()))?
        }
    };
    let protocol = protocol_of(arguments.protocol, experiment.remove("protocol").as_ref())?;
    protocol.give(Run { arguments, experiment: Value::Object(experiment) })
}

/// The protocol of the command line and that of the experiment, which are one where both are told.
fn protocol_of(told: Option<Protocol>, asked: Option<&Value>) -> anyhow::Result<Protocol> {
    let asked = match asked {
        None => None,
        Some(Value::String(name)) => Some(Protocol::from_str(name, false).map_err(|_| {
            let known: Vec<String> = Protocol::value_variants()
                .iter()
                .filter_map(|known| Some(known.to_possible_value()?.get_name().to_string()))
                .collect();
            anyhow::anyhow!(
                "read protocol = \"{name}\" in the experiment, expected one of: {}",
                known.join(", ")
            )
        })?),
        Some(other) => bail!("read protocol = {other} in the experiment, expected a name in quotes"),
    };
    match (told, asked) {
        (Some(told), Some(asked)) if told != asked => {
            bail!("read --protocol {told:?}, and an experiment for {asked:?}: leave one of them out")
        }
        (told, asked) => Ok(told.or(asked).unwrap_or(Protocol::Link)),
    }
}

struct Run<'a> {
    arguments: &'a Arguments,
    experiment: Value,
}

impl Job for Run<'_> {
    type Done = anyhow::Result<ExitCode>;

    fn with<S: Scene>(self) -> Self::Done {
        let has_weather = self.experiment.get("weather").is_some();
        let mut experiment: Experiment<S> = serde_json::from_value(self.experiment)
            .with_context(|| format!("this is not an experiment for the protocol {}", S::PROTOCOL))?;
        if !has_weather {
            experiment.weather = S::weather();
        }
        experiment.roles.check().map_err(anyhow::Error::msg)?;
        experiment.names_nodes_of(&experiment.roles.cluster()).map_err(anyhow::Error::msg)?;
        let storm = experiment.storm();
        let episode = Episode { scene: experiment.roles, storm, length: experiment.limit.into() };
        match self.arguments.on.as_str() {
            "sim" => run_simulated(self.arguments, &episode),
            "local" => local::run(self.arguments, &episode),
            other => bail!("read the world `{other}`, expected one that this lab runs in: sim, local"),
        }
    }
}

fn run_simulated<S: Scene>(arguments: &Arguments, episode: &Episode<S>) -> anyhow::Result<ExitCode> {
    let begun = wall_clock();
    let (sim, done) = simulated(episode, &Trial::new(arguments.seed, arguments.trace.is_some()));
    let real_us = real_us_since(begun);
    if let (Some(path), Some(trace)) = (&arguments.trace, sim.trace(LAB)) {
        write_trace(&trace, path).with_context(|| format!("could not write {}", path.display()))?;
    }
    let outcome = episode.scene.outcome(sim.outputs(), &|node| sim.process(node));
    let trace = arguments.trace.as_deref();
    let report = RunReport { outcome, done, real_us, trace, ..RunReport::of_sim(LAB, &sim) };
    Ok(ExitCode::from(report.print(arguments.json)))
}

/// Runs until all is done, or the limit is reached.
fn simulated<S: Scene>(episode: &Episode<S>, trial: &Trial) -> (Sim<S::Node>, bool) {
    let mut sim = episode.begin(trial).counting_bytes();
    let done = episode.run(&mut sim);
    // The faults were written by hand: one that did nothing is a mistake in the experiment.
    sim.every_fault_must_have_fired();
    (sim, done)
}
