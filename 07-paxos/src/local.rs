//! `paxos run --on local`: the cluster as processes of this machine, over real sockets and files, checked by the same monitor.

use crate::serve::ChildOf;
use anyhow::{Context, bail};
use paxos::{Output, Roles};
use simnet::local::child;
use simnet::local::launch::{Launch, Told};
use simnet::local::node::{WireReport, unix_us};
use simnet::local::recording::collect;
use simnet::local::transport::TransportKind;
use simnet::trace::{Name, Trace};
use simnet::{Fault, NodeId, Plan};
use std::collections::BTreeSet;
use std::hash::Hasher;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, sleep_until};

/// What to run.
pub struct Plot<'a> {
    /// Who takes part.
    pub roles: &'a Roles,
    /// What carries the messages.
    pub transport: TransportKind,
    /// The seed of the processes' random choices. Real networks and disks follow none.
    pub seed: u64,
    /// The most delay of each message.
    pub delay_ms: u64,
    /// What goes wrong: crashes are kills; what else the plan names is the real network's affair.
    pub faults: &'a Plan,
    /// Each acceptor is killed once its first message of this name has arrived, and started again on its data.
    pub kill_after: Option<&'a str>,
    /// … or on an empty folder: an acceptor that forgets.
    pub forget: bool,
    /// How long the run may take.
    pub limit: Duration,
}

/// What happened.
pub struct Played {
    /// The whole run.
    pub trace: Trace,
    /// What the sockets have seen.
    pub wire: WireReport,
    /// How many nodes were killed.
    pub kills: u64,
    /// A signal has ended the run.
    pub interrupted: bool,
}

/// Runs the cluster until every learner and client knows, or the limit is reached. Leaves nothing behind.
pub fn play(plot: &Plot<'_>) -> anyhow::Result<Played> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder =
        tempfile::Builder::new().prefix("paxos-").tempdir().context("no temporary folder can be made")?;
    let stage = Stage {
        plot,
        folder: folder.path().to_owned(),
        program: std::env::current_exe()?,
        epoch_us: unix_us(),
    };
    let (wire, progress, interrupted) = runtime.block_on(stage.play())?;
    let names: Vec<Name> = plot.roles.cluster().names().cloned().collect();
    let dead: Vec<Name> = progress.down.iter().map(|node| names[node.index()].clone()).collect();
    let trace =
        collect(&folder.path().join("traces"), &dead).context("the nodes' traces cannot be merged")?;
    folder.close().context("the run's temporary folder cannot be removed")?;
    Ok(Played {
        trace: trace.context("no node has recorded anything")?,
        wire,
        kills: progress.kills,
        interrupted,
    })
}

/// A fingerprint of the trace: of this one run, which no seed brings back.
pub fn hash(trace: &Trace) -> simnet::TraceHash {
    let mut hash = simnet::TraceHash::default();
    for event in &trace.events {
        hash.write(serde_json::to_string(event).unwrap_or_default().as_bytes());
    }
    hash
}

struct Stage<'a> {
    plot: &'a Plot<'a>,
    folder: PathBuf,
    program: PathBuf,
    epoch_us: u64,
}

/// A kill, or the start after it, by its time.
struct Act {
    at: Duration,
    node: NodeId,
    kills: bool,
}

/// How far the run has come.
#[derive(Default)]
struct Progress {
    halted: BTreeSet<NodeId>,
    heard: BTreeSet<Name>,
    killed: BTreeSet<NodeId>,
    down: BTreeSet<NodeId>,
    know: BTreeSet<NodeId>,
    kills: u64,
}

impl Stage<'_> {
    async fn play(&self) -> anyhow::Result<(WireReport, Progress, bool)> {
        let names: Vec<Name> = self.plot.roles.cluster().names().cloned().collect();
        let commands = (0..names.len()).map(|node| self.command(NodeId(node as u32), 0));
        let commands: anyhow::Result<Vec<Command>> = commands.collect();
        // Before anything is started: a signal from now on ends the run in order.
        let mut signals = child::Signals::listen().context("signals cannot be waited for")?;
        let mut launch = Launch::start(commands?).await.context("the cluster cannot be started")?;
        eprintln!("{} nodes run, by {}", names.len(), self.plot.transport);
        let mut progress = Progress::default();
        let interrupted = tokio::select! {
            () = signals.arrive() => true,
            directed = self.direct(&mut launch, &names, &mut progress) => { directed?; false }
        };
        let wire = launch.stop().await.context("the cluster cannot be stopped")?;
        Ok((wire, progress, interrupted))
    }

    /// Follows what the nodes tell, and lets happen what the plot says.
    async fn direct(
        &self,
        launch: &mut Launch,
        names: &[Name],
        progress: &mut Progress,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        let roles = self.plot.roles;
        let audience: BTreeSet<NodeId> = [roles.learners(), roles.clients()].concat().into_iter().collect();
        let mut acts = self.acts(names);
        while !(progress.know.is_superset(&audience) && acts.is_empty()) {
            let next = acts.first().map_or(self.plot.limit, |act| act.at.min(self.plot.limit));
            tokio::select! {
                () = sleep_until(begun + next) => {
                    if next == self.plot.limit {
                        eprintln!("nothing more is waited for: the limit of {:?} is reached", self.plot.limit);
                        return Ok(());
                    }
                    let act = acts.remove(0);
                    if act.kills {
                        self.kill(launch, act.node, names, progress).await?;
                    } else {
                        self.start_again(launch, act.node, names, progress).await?;
                    }
                }
                (node, told) = launch.next() => self.follow(launch, node, told, names, progress).await?,
            }
        }
        Ok(())
    }

    async fn follow(
        &self,
        launch: &mut Launch,
        node: NodeId,
        told: Told,
        names: &[Name],
        progress: &mut Progress,
    ) -> anyhow::Result<()> {
        let name = &names[node.index()];
        match told {
            Told::Output(output) => match serde_json::from_value(output)? {
                Output::Asked(value) => eprintln!("{name} asks for {value}"),
                Output::Answered(value) => {
                    eprintln!("{name} was told {value}");
                    progress.know.insert(node);
                }
                Output::Learned(value) => {
                    eprintln!("{name} has learned {value}");
                    progress.know.insert(node);
                }
            },
            Told::Halted => drop(progress.halted.insert(node)),
            Told::Heard(from) => drop(progress.heard.insert(from.as_str().into())),
            Told::Done(_) => {}
            Told::Ended if progress.down.contains(&node) => {}
            Told::Ended => bail!("{name} has ended by itself; what it said stands above"),
        }
        let due = progress.halted.iter().copied().find(|halted| {
            progress.heard.contains(&names[halted.index()]) && !progress.killed.contains(halted)
        });
        if let Some(due) = due {
            self.kill(launch, due, names, progress).await?;
            self.start_again(launch, due, names, progress).await?;
        }
        Ok(())
    }

    async fn kill(
        &self,
        launch: &mut Launch,
        node: NodeId,
        names: &[Name],
        progress: &mut Progress,
    ) -> anyhow::Result<()> {
        let name = &names[node.index()];
        launch.kill(node).await.with_context(|| format!("{name} cannot be killed"))?;
        eprintln!("killed {name}");
        progress.kills += 1;
        progress.killed.insert(node);
        progress.down.insert(node);
        // Who forgets what it has learned has to learn it again.
        progress.know.remove(&node);
        Ok(())
    }

    async fn start_again(
        &self,
        launch: &mut Launch,
        node: NodeId,
        names: &[Name],
        progress: &mut Progress,
    ) -> anyhow::Result<()> {
        let name = &names[node.index()];
        let command = self.command(node, progress.kills)?;
        launch.start_again(node, command).await.with_context(|| format!("{name} cannot be started again"))?;
        eprintln!("started {name} again");
        progress.down.remove(&node);
        Ok(())
    }

    /// The crashes of the plan. What else it names is left out, and said to be.
    fn acts(&self, names: &[Name]) -> Vec<Act> {
        let mut acts = Vec::new();
        for scheduled in &self.plot.faults.faults {
            let node = match &scheduled.fault {
                Fault::Crash { node, .. } => names.iter().position(|name| name == node),
                _ => None,
            };
            let Some(node) = node.map(|node| NodeId(node as u32)) else {
                eprintln!("left out, since the local world knows no fault but `crash`: {scheduled}");
                continue;
            };
            let at = Duration::from_micros(scheduled.at.0);
            acts.push(Act { at, node, kills: true });
            if let Some(lasts) = scheduled.lasts {
                acts.push(Act { at: at + Duration::from_micros(lasts.0), node, kills: false });
            }
        }
        acts.sort_by_key(|act| act.at);
        acts
    }

    /// The command line of a node. `kills` is 0 for its first life.
    fn command(&self, node: NodeId, kills: u64) -> anyhow::Result<Command> {
        let (plot, first) = (self.plot, kills == 0);
        let roles = plot.roles;
        let groups = [
            ("proposer", roles.proposers()),
            ("acceptor", roles.acceptors()),
            ("learner", roles.learners()),
            ("client", roles.clients()),
        ];
        let mut places =
            groups.iter().filter_map(|(role, ids)| Some((*role, ids.iter().position(|id| *id == node)? + 1)));
        let (role, number) = places.next().context("each node has a role")?;
        let child = ChildOf {
            roles: roles.clone(),
            // The run's number tells it from what ran before on the same ports.
            run: self.epoch_us,
            epoch_us: self.epoch_us,
            run_text: format!(
                "{} nodes as processes, by {}",
                self.plot.roles.cluster().names().len(),
                plot.transport
            ),
            halt_after: plot.kill_after.filter(|_| first && role == "acceptor").map(str::to_string),
            tell_of: plot.kill_after.filter(|_| role == "proposer").map(str::to_string),
        };
        let data = if plot.forget { format!("{role}-{number}-{kills}") } else { format!("{role}-{number}") };
        let mut command = Command::new(&self.program);
        command.arg(role).args(["--number", &number.to_string(), "--seed", &plot.seed.to_string()]);
        command.args(["--transport", &plot.transport.to_string(), "--delay", &plot.delay_ms.to_string()]);
        command.arg("--data").arg(self.folder.join("data").join(data));
        command.arg("--trace").arg(self.folder.join("traces"));
        command.args(["--child", &serde_json::to_string(&child)?]).stderr(Stdio::inherit());
        Ok(command)
    }
}
