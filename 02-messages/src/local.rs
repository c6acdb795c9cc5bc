//! `messages run --on local`: the nodes as processes of this machine, over real sockets and files, checked by the same rules.

use crate::run::{self, LAB};
use anyhow::{Context, bail};
use messages::protocol::{Job, Protocol};
use messages::scene::{Episode, Scene};
use simnet::campaign::write_trace;
use simnet::local::child::play;
use simnet::local::mischief::BadWire;
use simnet::local::node::{NodeError, Options};
use simnet::local::replay::Replay;
use simnet::local::stage::{News, Played, Stage};
use simnet::report::{BROKEN, INTERRUPTED, RunReport, real_us_since, wall_clock};
use simnet::sim::Told;
use simnet::{Delay, Time};
use std::collections::BTreeSet;
use std::process::{Command, ExitCode};
use std::time::Duration;

/// One node, which `messages run --on local` has started.
#[derive(clap::Args)]
pub struct Arguments {
    /// The protocol.
    #[arg(long, value_enum)]
    protocol: Protocol,
    /// Its roles, as JSON.
    #[arg(long)]
    roles: String,
    /// Which node it is, and of which run.
    #[arg(long)]
    options: Options,
}

/// Runs one node to its end.
pub fn node(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    arguments.protocol.give(Node { arguments })
}

struct Node<'a> {
    arguments: &'a Arguments,
}

impl Job for Node<'_> {
    type Done = anyhow::Result<ExitCode>;

    fn with<S: Scene>(self) -> Self::Done {
        let scene: S = serde_json::from_str(&self.arguments.roles).context("the roles are malformed")?;
        let options = self.arguments.options.clone();
        let name = options.names[options.me.index()].clone();
        match play(&scene.cluster(), options) {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(NodeError::Broken(violation)) => {
                eprintln!("{name}: {violation}");
                Ok(ExitCode::from(BROKEN))
            }
            Err(error) => bail!("{name}: {error}"),
        }
    }
}

/// Runs the cluster until all is done that was to be done, or the limit is reached, and reports.
pub fn run<S: Scene>(arguments: &run::Arguments, episode: &Episode<S>) -> anyhow::Result<ExitCode> {
    let scene = &episode.scene;
    let cluster = scene.cluster();
    let stage = Stage {
        described: scene.to_string(),
        transport: arguments.transport.unwrap_or(S::TRANSPORT),
        wire: BadWire::from(&episode.storm.weather),
        delay: match arguments.delay {
            0 => Delay::NONE,
            most => Delay::uniform(Duration::ZERO, Duration::from_millis(most)),
        },
        limit: episode.length,
        ..Stage::new(LAB, &cluster, arguments.seed, &episode.storm.plan)
    };
    let begun = wall_clock();
    let played = play_on(&stage, scene)?;
    let real_us = real_us_since(begun);
    if let Some(path) = &arguments.trace {
        write_trace(&played.trace, path).with_context(|| format!("could not write {}", path.display()))?;
    }
    if played.interrupted {
        eprintln!("interrupted: all nodes have ended");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let mut rules = scene.rules();
    let replay = Replay::run(&played.trace, &cluster, vec![&mut rules]).map_err(anyhow::Error::msg)?;
    let judged = scene.judge(replay.outputs());
    let outcome = scene.outcome(replay.outputs(), &|node| replay.process(node));
    let done = scene.is_done(replay.outputs(), &|node| replay.process(node).is_some());
    let played = RunReport::of_stage(&stage, &played, &replay);
    let violation = played.violation.or(judged.as_ref());
    let trace = arguments.trace.as_deref();
    let report = RunReport { outcome, done, violation, real_us, trace, ..played };
    Ok(ExitCode::from(report.print(arguments.json)))
}

fn play_on<S: Scene>(stage: &Stage<'_, S::Node>, scene: &S) -> anyhow::Result<Played> {
    let program = std::env::current_exe().context("this program does not know where it is")?;
    let roles = serde_json::to_string(scene)?;
    let command = |node: &Options| {
        let mut command = Command::new(&program);
        command.args(["node", "--protocol", S::PROTOCOL, "--roles", &roles]);
        command.args(["--options", &node.to_string()]);
        Ok(command)
    };
    let (mut told, mut down) = (Vec::new(), BTreeSet::new());
    let watch = |news| {
        match news {
            // Only the order counts here; the times are in the trace.
            News::Told(node, output) => told.push(Told { at: Time::ZERO, node, output }),
            News::Killed(node) => _ = down.insert(node),
            News::StartedAgain(node) => _ = down.remove(&node),
        }
        scene.is_done(&told, &|node| !down.contains(&node))
    };
    Ok(stage.play(command, watch)?)
}
