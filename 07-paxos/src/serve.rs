//! `paxos proposer`, `acceptor`, `learner`, `client`: one node as a process of its own.

use anyhow::{Context, bail};
use paxos::{Node, Output, Roles};
use simnet::campaign::parse_seed;
use simnet::local::child::{Ended, Peers, serve};
use simnet::local::node::Options;
use simnet::local::transport::TransportKind;
use simnet::trace::Name;
use simnet::{Delay, NodeId};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Which role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Gets a value chosen.
    Proposer,
    /// Remembers.
    Acceptor,
    /// Finds out what was chosen.
    Learner,
    /// Wants something chosen.
    Client,
}

#[derive(clap::Args)]
pub struct Arguments {
    /// Which of its role this node is, from 1
    #[arg(short, long, default_value_t = 1)]
    number: usize,
    /// The base port: the nodes listen on it and on those after it, in the order proposers, acceptors, learners, clients
    #[arg(short, long, default_value_t = 5555)]
    port: u16,
    /// The host on which all nodes are
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// How many acceptors make a quorum; there are 2·quorum − 1 of them
    #[arg(short, long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=50))]
    quorum: u32,
    /// How many proposers there are
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    proposers: u32,
    /// How many learners there are
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    learners: u32,
    /// How many clients there are
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    clients: u32,
    /// What this node asks for, if it is a client
    #[arg(short, long, default_value = "red")]
    value: String,
    /// End after so many seconds; a client that has no answer by then exits with status 3
    #[arg(short, long)]
    timeout: Option<u64>,
    /// Delay each message by a random time, in milliseconds at most
    #[arg(short, long, default_value_t = 0)]
    delay: u64,
    /// What carries the messages: tcp, udp or zmq
    #[arg(long, default_value_t)]
    transport: TransportKind,
    /// The folder that survives a crash; without one, the node forgets everything when it ends
    #[arg(long)]
    data: Option<PathBuf>,
    /// The folder for the trace
    #[arg(long)]
    trace: Option<PathBuf>,
    /// The seed of the node's random choices
    #[arg(long, value_parser = parse_seed, default_value = "7", allow_hyphen_values = true)]
    seed: u64,
    /// `paxos run` has started it, and says more on standard input
    #[arg(long, hide = true)]
    child: Option<String>,
}

/// What `paxos run` tells its children, as JSON.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct ChildOf {
    /// Who takes part.
    pub roles: Roles,
    /// The run.
    pub run: u64,
    /// When it began, in microseconds of the Unix epoch.
    pub epoch_us: u64,
    /// What the run is, in words.
    pub run_text: String,
    /// After the first message of this name, stand still.
    pub halt_after: Option<String>,
    /// Tell of messages of this name.
    pub tell_of: Option<String>,
}

impl Arguments {
    fn roles(&self) -> Roles {
        let values: Vec<&str> = (0..self.clients).map(|_| self.value.as_str()).collect();
        Roles::new(self.proposers, 2 * self.quorum - 1, self.learners, &values, paxos::Pace::default())
    }

    /// Nodes that are started by hand know each other by what they were told alike.
    fn by_hand(&self) -> ChildOf {
        let roles = self.roles();
        let run_text = format!("{} acceptors from port {} on", roles.acceptors, self.port);
        let run = u64::from(self.port) << 32 | u64::from(roles.acceptors);
        // They have no beginning in common but that of all clocks, and each start needs a later time than the one before.
        ChildOf { roles, run, epoch_us: 0, run_text, halt_after: None, tell_of: None }
    }

    /// One address a node: as many as fit above the base port.
    fn addresses(&self, nodes: usize) -> anyhow::Result<Vec<SocketAddr>> {
        let last = usize::from(self.port) + nodes - 1;
        if self.port == 0 || last > usize::from(u16::MAX) {
            bail!(
                "read the base port {}, expected one from 1 to {}: each of {nodes} nodes has a port",
                self.port,
                65536 - nodes
            );
        }
        Ok((0..nodes).map(|node| SocketAddr::new(self.host, self.port + node as u16)).collect())
    }
}

/// Runs one node to its end.
pub fn run(role: Role, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let child: ChildOf = match &arguments.child {
        Some(json) => serde_json::from_str(json).context("what `paxos run` says of the run is malformed")?,
        None => arguments.by_hand(),
    };
    let ids = match role {
        Role::Proposer => child.roles.proposers(),
        Role::Acceptor => child.roles.acceptors(),
        Role::Learner => child.roles.learners(),
        Role::Client => child.roles.clients(),
    };
    let me: NodeId = *ids.get(arguments.number.wrapping_sub(1)).with_context(|| {
        format!(
            "read the number {}, expected 1 to {}: so many of that role there are",
            arguments.number,
            ids.len()
        )
    })?;
    let cluster = child.roles.cluster();
    let names: Vec<Name> = cluster.names().cloned().collect();
    let peers = if arguments.child.is_some() {
        Peers::FromParent
    } else {
        Peers::Fixed(arguments.addresses(names.len())?)
    };
    let name = names[me.index()].clone();
    let options = Options {
        lab: crate::run::LAB.to_string(),
        run_text: child.run_text,
        run: child.run,
        seed: arguments.seed,
        names,
        me,
        epoch_us: child.epoch_us,
        data: arguments.data.clone(),
        traces: arguments.trace.clone(),
        delay: match arguments.delay {
            0 => Delay::NONE,
            most => Delay::uniform(Duration::ZERO, Duration::from_millis(most)),
        },
        halt_after: child.halt_after,
        tell_of: child.tell_of,
    };
    let by_hand = arguments.child.is_none();
    // A client that was started by hand is there for its answer.
    let done = |output: &Output| by_hand && matches!(output, Output::Answered(_));
    let within = arguments.timeout.map(Duration::from_secs);
    let process: Node = cluster.build(me).expect("each role has a process");
    match serve(process, options, arguments.transport, &peers, done, within) {
        Ok(Ended::TimedOut) if role == Role::Client => Ok(ExitCode::from(crate::run::UNDECIDED)),
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(simnet::local::node::NodeError::Broken(violation)) => {
            eprintln!("{name}: {violation}");
            Ok(ExitCode::from(crate::run::BROKEN))
        }
        Err(error) => bail!("{name}: {error}"),
    }
}
