//! A whole run of the local world: a cluster is played by processes of this machine, killed and started again as planned, and its trace collected.
//!
//! What a lab has to do for it:
//!
//! 1. A hidden subcommand, or a hidden argument, that takes [`Options`] and hands them to [`child::play`](super::child::play) with the cluster: one node.
//! 2. `run --on local` fills in a [`Stage`], and calls [`Stage::play`] with the command that starts one node, and with what is to be made of the news.
//! 3. The trace goes to [`Replay::run`](super::replay::Replay::run) with the lab's monitors, as one that the simulation has drawn.
//!
//! ```
//! use simnet::local::node::Options;
//! use simnet::local::stage::{News, Stage};
//! use simnet::local::transport::TransportKind;
//! use simnet::{Cluster, Observe, Plan};
//! use std::process::Command;
//! use std::time::Duration;
//!
//! fn run_local<P: Observe<Output: serde::de::DeserializeOwned>>(cluster: &Cluster<P>) -> Result<(), Box<dyn std::error::Error>> {
//!     let faults = Plan::new();
//!     let stage = Stage {
//!         transport: TransportKind::Datagram,
//!         limit: Duration::from_secs(10),
//!         ..Stage::new("02-messages", cluster, 7, &faults)
//!     };
//!     let program = std::env::current_exe()?;
//!     let mut told = Vec::new();
//!     let played = stage.play(
//!         |node: &Options| {
//!             let mut command = Command::new(&program);
//!             command.args(["node", "--options", &node.to_string()]);
//!             Ok(command)
//!         },
//!         |news| {
//!             if let News::Told(node, output) = news {
//!                 told.push((node, output));
//!             }
//!             // All is done when each node has told something.
//!             told.len() == cluster.names().len()
//!         },
//!     )?;
//!     println!("{} events, {:?}", played.trace.events.len(), played.faults());
//!     Ok(())
//! }
//! ```

use super::child::Signals;
use super::launch::{Launch, Told};
use super::mischief::BadWire;
use super::node::{Options, WireReport, unix_us};
use super::recording::collect;
use super::transport::TransportKind;
use crate::cluster::Cluster;
use crate::delay::Delay;
use crate::fault::{Fault, Plan};
use crate::hash::TraceHash;
use crate::node::NodeId;
use crate::process::Process;
use crate::trace::{Kind, Name, ReadError, Trace};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// What is to be played. What has no field here, such as the weather's delay, the real network decides.
#[derive(Debug)]
pub struct Stage<'a, P: Process> {
    /// The lab's folder, for the header of the trace.
    pub lab: &'a str,
    /// What the run is, in words.
    pub described: String,
    /// Who takes part.
    pub cluster: &'a Cluster<P>,
    /// The seed of the processes' random choices. Real networks and disks follow none.
    pub seed: u64,
    /// What goes wrong: a crash is a kill -9. What else the plan names is left out, and said to be.
    pub faults: &'a Plan,
    /// What carries the messages.
    pub transport: TransportKind,
    /// What goes wrong below it, where messages are datagrams. Elsewhere it is left out, and said to be.
    pub wire: BadWire,
    /// How long each message waits before it leaves, besides what the network takes.
    pub delay: Delay,
    /// Kills that wait for a message.
    pub ambush: Option<Ambush>,
    /// How long the run may take.
    pub limit: Duration,
}

/// Nodes that are killed at a moment of the protocol, which no clock could find.
#[derive(Clone, Debug)]
pub struct Ambush {
    /// Each is killed once, and started again at once.
    pub nodes: Vec<NodeId>,
    /// When its first message of this name has left and arrived somewhere. In between it does nothing.
    pub after: String,
    /// On an empty folder instead of its data: so it forgets what it has promised, which must not happen.
    pub forget: bool,
}

/// What a stage tells while it is played.
#[derive(Clone, Debug)]
pub enum News<O> {
    /// A process told the outside this.
    Told(NodeId, O),
    /// A node was killed: it forgets what it had not stored.
    Killed(NodeId),
    /// A node that was killed runs again.
    StartedAgain(NodeId),
}

/// What was played.
#[derive(Clone, Debug)]
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

impl Played {
    /// How often each kind of fault did something.
    pub fn faults(&self) -> BTreeMap<&'static str, u64> {
        let done = self.wire.mischief;
        let all = [
            // A node may be killed before it has recorded anything: who killed it knows.
            ("crash", self.kills),
            ("drop", done.dropped),
            ("duplicate", done.duplicated),
            ("reorder", done.reordered),
        ];
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// A fingerprint of this one run, which no seed brings back.
    pub fn hash(&self) -> TraceHash {
        let mut hash = TraceHash::default();
        for event in &self.trace.events {
            hash.write(serde_json::to_string(event).unwrap_or_default().as_bytes());
        }
        hash
    }
}

/// Why a run could not be played to its end. Nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The system refuses.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: String,
        /// What it said.
        error: io::Error,
    },
    /// A node has ended by itself, and not because a rule was broken.
    #[error("{0} has ended by itself; what it said stands above")]
    Ended(Name),
    /// A node speaks another protocol.
    #[error("{node} told `{output}`, expected an output of this protocol: {error}")]
    Output {
        /// Who.
        node: Name,
        /// What.
        output: String,
        /// Why it is none.
        error: serde_json::Error,
    },
    /// Not all that the nodes recorded can be read.
    #[error("the nodes' traces cannot be merged: {0}")]
    Traces(#[from] ReadError),
    /// No node has recorded anything.
    #[error("no node has recorded anything")]
    Silent,
}

fn failed(what: impl Into<String>) -> impl FnOnce(io::Error) -> StageError {
    let what = what.into();
    |error| StageError::System { what, error }
}

impl<'a, P: Process<Output: DeserializeOwned>> Stage<'a, P> {
    /// A run by TCP in which nothing is added to what really goes wrong, of ten seconds at most.
    pub fn new(lab: &'a str, cluster: &'a Cluster<P>, seed: u64, faults: &'a Plan) -> Self {
        Stage {
            lab,
            described: format!("{} nodes as processes", cluster.names().len()),
            cluster,
            seed,
            faults,
            transport: TransportKind::Tcp,
            wire: BadWire::NONE,
            delay: Delay::NONE,
            ambush: None,
            limit: Duration::from_secs(10),
        }
    }

    /// Plays it, until `watch` says that all is done and all that was planned has happened, until the limit is reached, or until a signal comes. Says
    /// on standard error what it does.
    ///
    /// `command` makes the command that plays one node. `watch` is told the news, and answers each time whether all is done. No process and no file of the
    /// run outlives this call.
    ///
    /// # Errors
    /// When the run cannot be played to its end.
    pub fn play(
        &self,
        command: impl Fn(&Options) -> io::Result<Command>,
        watch: impl FnMut(News<P::Output>) -> bool,
    ) -> Result<Played, StageError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(failed("no runtime can be had"))?;
        let folder = tempfile::Builder::new().prefix(&format!("{}-", self.lab)).tempdir();
        let folder = folder.map_err(failed("no temporary folder can be made"))?;
        let mut play = Play {
            stage: self,
            names: self.cluster.names().cloned().collect(),
            folder: folder.path(),
            epoch_us: unix_us(),
            command,
            watch,
            done: false,
            kills: 0,
            halted: BTreeSet::new(),
            heard: BTreeSet::new(),
            killed: BTreeSet::new(),
            down: BTreeSet::new(),
            ended: None,
        };
        let (wire, interrupted) = runtime.block_on(play.run())?;
        let dead: Vec<Name> = play.down.iter().map(|node| play.names[node.index()].clone()).collect();
        let trace = collect(&play.traces(), &dead)?.ok_or(StageError::Silent)?;
        let (kills, ended) = (play.kills, play.ended);
        folder.close().map_err(failed("the run's temporary folder cannot be removed"))?;
        if let Some(node) = ended
            && !trace.events.iter().any(|event| event.kind == Kind::Violation)
        {
            return Err(StageError::Ended(node));
        }
        Ok(Played { trace, wire, kills, interrupted })
    }
}

/// A kill, or the start after it, by its time.
struct Act {
    at: Duration,
    node: NodeId,
    kills: bool,
}

/// A run that is being played.
struct Play<'a, P: Process, C, W> {
    stage: &'a Stage<'a, P>,
    names: Vec<Name>,
    folder: &'a Path,
    epoch_us: u64,
    command: C,
    watch: W,
    /// What `watch` said last.
    done: bool,
    kills: u64,
    /// Who stands still and waits for its kill.
    halted: BTreeSet<NodeId>,
    /// Whose message, the one of the ambush, has arrived.
    heard: BTreeSet<NodeId>,
    killed: BTreeSet<NodeId>,
    down: BTreeSet<NodeId>,
    /// Who has ended by itself.
    ended: Option<Name>,
}

impl<P, C, W> Play<'_, P, C, W>
where
    P: Process<Output: DeserializeOwned>,
    C: Fn(&Options) -> io::Result<Command>,
    W: FnMut(News<P::Output>) -> bool,
{
    async fn run(&mut self) -> Result<(WireReport, bool), StageError> {
        let acts = self.acts();
        let nodes = (0..self.names.len()).map(|node| NodeId(node as u32));
        let commands = nodes.map(|node| self.command(node)).collect::<io::Result<Vec<_>>>();
        let commands = commands.map_err(failed("the nodes' commands cannot be made"))?;
        // Before anything is started: a signal from now on ends the run in order.
        let mut signals = Signals::listen().map_err(failed("signals cannot be waited for"))?;
        let mut launch = Launch::start(commands).await.map_err(failed("the cluster cannot be started"))?;
        eprintln!("{} nodes run, by {}", self.names.len(), self.stage.transport);
        let interrupted = tokio::select! {
            () = signals.arrive() => true,
            directed = self.direct(&mut launch, acts) => { directed?; false }
        };
        let wire = launch.stop().await.map_err(failed("the cluster cannot be stopped"))?;
        Ok((wire, interrupted))
    }

    /// The crashes of the plan. What cannot be had is left out, and said to be.
    fn acts(&self) -> Vec<Act> {
        let stage = self.stage;
        if stage.wire != BadWire::NONE && !stage.transport.has_datagrams() {
            eprintln!("left out, since {} mends them: loss, duplicates, stragglers", stage.transport);
        }
        let mut acts = Vec::new();
        for scheduled in &stage.faults.faults {
            let node = match &scheduled.fault {
                Fault::Crash { node, .. } => stage.cluster.find(node),
                _ => None,
            };
            let Some(node) = node else {
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

    /// Follows what the nodes tell, and lets happen what is planned.
    async fn direct(&mut self, launch: &mut Launch, mut acts: Vec<Act>) -> Result<(), StageError> {
        let (begun, limit) = (Instant::now(), self.stage.limit);
        while !(self.done && acts.is_empty()) && self.ended.is_none() {
            let next = acts.first().map_or(limit, |act| act.at.min(limit));
            tokio::select! {
                () = sleep_until(begun + next) => {
                    if next == limit {
                        eprintln!("nothing more is waited for: the limit of {limit:?} is reached");
                        return Ok(());
                    }
                    let act = acts.remove(0);
                    if act.kills {
                        self.kill(launch, act.node).await?;
                    } else {
                        self.start_again(launch, act.node).await?;
                    }
                }
                (node, told) = launch.next() => self.follow(launch, node, told).await?,
            }
        }
        Ok(())
    }

    async fn follow(&mut self, launch: &mut Launch, node: NodeId, told: Told) -> Result<(), StageError> {
        match told {
            Told::Output(output) => {
                let text = output.to_string();
                let output = serde_json::from_value(output).map_err(|error| StageError::Output {
                    node: self.names[node.index()].clone(),
                    output: text,
                    error,
                })?;
                self.done = (self.watch)(News::Told(node, output));
            }
            Told::Halted => drop(self.halted.insert(node)),
            Told::Heard(from) => self.heard.extend(self.stage.cluster.find(&from)),
            Told::Done(_) => {}
            Told::Ended if self.down.contains(&node) => {}
            Told::Ended => self.ended = Some(self.names[node.index()].clone()),
        }
        let due = self.halted.iter().copied().find(|halted| self.heard.contains(halted));
        if let Some(due) = due.filter(|due| !self.killed.contains(due)) {
            self.kill(launch, due).await?;
            self.start_again(launch, due).await?;
        }
        Ok(())
    }

    async fn kill(&mut self, launch: &mut Launch, node: NodeId) -> Result<(), StageError> {
        // Two crashes of one node may overlap.
        if self.down.contains(&node) {
            return Ok(());
        }
        let name = &self.names[node.index()];
        launch.kill(node).await.map_err(failed(format!("{name} cannot be killed")))?;
        eprintln!("killed {name}");
        self.kills += 1;
        self.killed.insert(node);
        self.down.insert(node);
        self.halted.remove(&node);
        self.done = (self.watch)(News::Killed(node));
        Ok(())
    }

    async fn start_again(&mut self, launch: &mut Launch, node: NodeId) -> Result<(), StageError> {
        if !self.down.contains(&node) {
            return Ok(());
        }
        let name = self.names[node.index()].clone();
        let what = format!("{name} cannot be started again");
        let started = match self.command(node) {
            Ok(command) => launch.start_again(node, command).await,
            Err(error) => Err(error),
        };
        started.map_err(failed(what))?;
        eprintln!("started {name} again");
        self.down.remove(&node);
        self.done = (self.watch)(News::StartedAgain(node));
        Ok(())
    }

    /// Where the nodes write their traces.
    fn traces(&self) -> std::path::PathBuf {
        self.folder.join("traces")
    }

    /// The command that plays a node, in its first life or a later one.
    fn command(&self, node: NodeId) -> io::Result<tokio::process::Command> {
        let stage = self.stage;
        let name = &self.names[node.index()];
        let first = !self.killed.contains(&node);
        let ambush = stage.ambush.as_ref();
        let data = match ambush {
            Some(ambush) if ambush.forget && !first => format!("{name}-{}", self.kills),
            _ => name.to_string(),
        };
        let options = Options {
            lab: stage.lab.to_string(),
            run_text: format!("{}, by {}", stage.described, stage.transport),
            // The run's number tells it from what ran before on the same ports.
            run: self.epoch_us,
            transport: stage.transport,
            wire: if stage.transport.has_datagrams() { stage.wire } else { BadWire::NONE },
            seed: stage.seed,
            names: self.names.clone(),
            me: node,
            epoch_us: self.epoch_us,
            data: Some(self.folder.join("data").join(data)),
            traces: Some(self.traces()),
            delay: stage.delay,
            halt_after: ambush
                .filter(|ambush| first && ambush.nodes.contains(&node))
                .map(|ambush| ambush.after.clone()),
            tell_of: ambush.map(|ambush| ambush.after.clone()),
        };
        let mut command = (self.command)(&options)?;
        command.stderr(Stdio::inherit());
        Ok(command.into())
    }
}
