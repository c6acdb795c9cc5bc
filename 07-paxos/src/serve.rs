//! `paxos proposer`, `acceptor`, `learner`, `client`: one node as a process of its own.

use anyhow::{Context, bail};
use paxos::{Node, Output, Roles};
use simnet::campaign::parse_seed;
use simnet::local::child::{Ended, Peers, play, serve};
use simnet::local::mischief::BadWire;
use simnet::local::node::{NodeError, Options};
use simnet::local::transport::TransportKind;
use simnet::report::{BROKEN, UNDECIDED};
use simnet::trace::Name;
use simnet::{Chance, Delay, NodeId};
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
    #[arg(short = 'a', long, default_value = "127.0.0.1")]
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
    /// A client asks so often, each time as a new process would: it must hear the same each time
    #[arg(short, long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    iterations: u32,
    /// Delay each message by a random time, in milliseconds at most
    #[arg(short, long, default_value_t = 0)]
    delay: u64,
    /// What carries the messages: tcp, udp, zmq or datagram
    #[arg(long, default_value_t)]
    transport: TransportKind,
    /// How many of the datagrams that this node sends are lost on purpose, with the transports udp and datagram
    #[arg(long, default_value = "0%")]
    loss: Chance,
    /// The folder that survives a crash; without one, the node forgets everything when it ends
    #[arg(long)]
    data: Option<PathBuf>,
    /// The folder for the trace
    #[arg(long)]
    trace: Option<PathBuf>,
    /// The seed of the node's random choices
    #[arg(long, value_parser = parse_seed, default_value = "7", allow_hyphen_values = true)]
    seed: u64,
    /// `paxos run` has started it, with these options: all others do not count
    #[arg(long, hide = true, requires = "of_roles")]
    options: Option<Options>,
    /// … in a cluster of these roles, as JSON
    #[arg(long, hide = true)]
    of_roles: Option<String>,
}

impl Arguments {
    fn roles(&self) -> Roles {
        let values: Vec<&str> = (0..self.clients).map(|_| self.value.as_str()).collect();
        Roles::new(self.proposers, 2 * self.quorum - 1, self.learners, &values, paxos::Pace::default())
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
    let (name, ended) = match (&arguments.options, &arguments.of_roles) {
        (Some(options), Some(roles)) => {
            let roles: Roles = serde_json::from_str(roles).context("the roles are malformed")?;
            let name = options.names[options.me.index()].clone();
            (name, play(&roles.cluster(), options.clone()).map(|()| Ended::Told))
        }
        _ => repeated(role, arguments)?,
    };
    match ended {
        Ok(Ended::TimedOut) if role == Role::Client => Ok(ExitCode::from(UNDECIDED)),
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(NodeError::Broken(violation)) => {
            eprintln!("{name}: {violation}");
            Ok(ExitCode::from(BROKEN))
        }
        Err(error) => bail!("{name}: {error}"),
    }
}

/// Runs a client as often as asked, up to the first time without an answer; any other node once.
fn repeated(role: Role, arguments: &Arguments) -> anyhow::Result<(Name, Result<Ended, NodeError>)> {
    if role != Role::Client && arguments.iterations > 1 {
        bail!(
            "read --iterations {} for a node that runs until it is ended: a client takes it",
            arguments.iterations
        );
    }
    for _ in 1..arguments.iterations {
        let (name, ended) = by_hand(role, arguments)?;
        if !matches!(ended, Ok(Ended::Done)) {
            return Ok((name, ended));
        }
    }
    by_hand(role, arguments)
}

/// A node that someone has started in a terminal. Such nodes know each other by what they were told alike.
fn by_hand(role: Role, arguments: &Arguments) -> anyhow::Result<(Name, Result<Ended, NodeError>)> {
    let roles = arguments.roles();
    let ids = match role {
        Role::Proposer => roles.proposers(),
        Role::Acceptor => roles.acceptors(),
        Role::Learner => roles.learners(),
        Role::Client => roles.clients(),
    };
    let me: NodeId = *ids.get(arguments.number.wrapping_sub(1)).with_context(|| {
        format!(
            "read the number {}, expected 1 to {}: so many of that role there are",
            arguments.number,
            ids.len()
        )
    })?;
    let cluster = roles.cluster();
    let names: Vec<Name> = cluster.names().cloned().collect();
    let peers = Peers::Fixed(arguments.addresses(names.len())?);
    let name = names[me.index()].clone();
    let options = Options {
        lab: crate::run::LAB.to_string(),
        run_text: format!("{} acceptors from port {} on", roles.acceptors, arguments.port),
        run: run_id(arguments.port, &roles),
        transport: arguments.transport,
        wire: BadWire { drop: arguments.loss, ..BadWire::NONE },
        seed: arguments.seed,
        names,
        me,
        // They have no beginning in common but that of all clocks, and each start needs a later time than the one before.
        epoch_us: 0,
        data: arguments.data.clone(),
        traces: arguments.trace.clone(),
        delay: delay(arguments.delay),
        halt_after: None,
        tell_of: None,
    };
    // A client is there for its answer.
    let done = |output: &Output| matches!(output, Output::Answered(_));
    let within = arguments.timeout.map(Duration::from_secs);
    let process: Node = cluster.build(me).expect("each role has a process");
    Ok((name, serve(process, options, &peers, done, within)))
}

/// What nodes that were started by hand call their run. Who was told another port, or other numbers of roles, takes the same ids for other
/// roles, so it is not of this cluster, and is refused.
fn run_id(port: u16, roles: &Roles) -> u64 {
    // There are at most 100 of a role, 99 acceptors among them: a byte holds each.
    let counts = [roles.proposers, roles.acceptors, roles.learners, roles.values.len() as u32];
    counts.into_iter().fold(u64::from(port), |id, count| id << 8 | u64::from(count))
}

/// Anything up to so many milliseconds.
pub fn delay(most_ms: u64) -> Delay {
    match most_ms {
        0 => Delay::NONE,
        most => Delay::uniform(Duration::ZERO, Duration::from_millis(most)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn clusters_of_as_many_nodes_and_other_roles_are_other_runs() {
        let roles = |proposers, acceptors, learners, clients: usize| {
            Roles::new(proposers, acceptors, learners, &vec!["red"; clients], paxos::Pace::default())
        };
        // Eight nodes each.
        let eight = [roles(2, 3, 1, 2), roles(1, 3, 2, 2), roles(1, 3, 1, 3), roles(1, 5, 1, 1)];
        let ids = eight.iter().flat_map(|roles| [5555, 5556].map(|port| run_id(port, roles)));
        assert_eq!(ids.collect::<BTreeSet<u64>>().len(), 8);
        assert_eq!(run_id(5555, &eight[0]), run_id(5555, &roles(2, 3, 1, 2)));
    }
}
