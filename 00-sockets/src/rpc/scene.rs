//! Whole runs: clients, a server, and the weather between them.

use super::call::Call;
use super::client::Client;
use super::invariants::{self, ANSWERED, Invariants};
use super::node::Node;
use super::request_id::RequestId;
use super::server::{Semantics, Server};
use serde::{Deserialize, Serialize};
use simnet::delay::Micros;
use simnet::random::Purpose;
use simnet::swarm::{Storm, Swarm, Weather};
use simnet::trace::Name;
use simnet::{Cluster, Delay, NodeId, Random, RandomSource, Sim, Trial};
use std::time::Duration;

/// The server, `s`, and its clients, `c1`, `c2`, ….
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Roles {
    /// How often the server carries out a call.
    pub semantics: Semantics,
    /// Clients.
    pub clients: u32,
    /// Calls of each client.
    pub calls: u32,
    /// How many keys they call for.
    pub keys: u32,
    /// How long a client waits before it asks again.
    pub patience: Micros,
    /// The number of each client's call before its first.
    pub last: RequestId,
}

impl Default for Roles {
    fn default() -> Self {
        Roles {
            semantics: Semantics::AtMostOnce,
            clients: 2,
            calls: 4,
            keys: 1,
            patience: Duration::from_millis(30).into(),
            last: RequestId(0),
        }
    }
}

impl Roles {
    /// The server.
    pub const SERVER: NodeId = NodeId(0);

    /// The clients.
    pub fn clients(&self) -> Vec<NodeId> {
        (1..=self.clients).map(NodeId).collect()
    }

    /// What a client calls for: appends, each of a text of its own, with a put and gets in between.
    fn calls_of(&self, client: u32) -> Vec<Call> {
        let call = |number: u32| {
            let key = format!("k{}", (client + number) % self.keys.max(1));
            match number % 4 {
                3 => Call::Get { key },
                // Only one client puts, and on a key of its own: appends of others must not vanish.
                2 if client == 1 => Call::Put { key: "own".to_string(), value: format!("v{number}") },
                _ => Call::Append { key, text: format!("c{client}.{number};") },
            }
        };
        (0..self.calls).map(call).collect()
    }

    /// The nodes.
    pub fn cluster(&self) -> Cluster<Node> {
        let mut cluster = Cluster::new();
        let semantics = self.semantics;
        cluster.node("s", move || Node::Server(Server::new(semantics)));
        for client in 1..=self.clients {
            let (calls, patience, last) = (self.calls_of(client), self.patience.into(), self.last);
            cluster.node(format!("c{client}"), move || {
                Node::Client(Client::new(Roles::SERVER, calls.clone(), patience, last))
            });
        }
        cluster
    }
}

/// A cluster and its storm.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Who takes part.
    pub roles: Roles,
    /// What goes wrong.
    pub storm: Storm,
    /// How long the storm lasts, or a run without a storm at most.
    pub length: Duration,
}

impl Scene {
    /// The scene of a seed, with or without crashes. Patience is drawn from less than a message's delay to many times it.
    pub fn draw(seed: u64, crashes: bool) -> Self {
        let ms = Duration::from_millis;
        let mut random = Random::new(seed, Purpose::Swarm);
        let roles = Roles {
            semantics: Semantics::AtMostOnce,
            clients: 1 + random.below(3) as u32,
            calls: *random.pick(&[3, 6, 12]),
            keys: 1 + random.below(2) as u32,
            patience: ms(*random.pick(&[3, 8, 20, 60])).into(),
            // Near the end of all numbers, so that they come round.
            last: RequestId(*random.pick(&[0, u16::MAX - 2, u16::MAX - 8])),
        };
        let length = ms(*random.pick(&[100, 300, 600]));
        let names: Vec<Name> = roles.cluster().names().cloned().collect();
        let mut swarm = Swarm {
            nodes: names.clone(),
            messages: ["Request", "Reply"].map(Name::from).to_vec(),
            length,
            ..Swarm::default()
        };
        if crashes {
            swarm.crashing = names;
        }
        let storm = swarm.draw(&mut random);
        Scene { roles, storm, length }
    }

    /// A scene without faults.
    pub fn calm(roles: Roles) -> Self {
        Scene { roles, storm: Storm::calm(), length: Duration::from_secs(60) }
    }

    /// The run of this scene, about to begin. The rules are watched where they are promised.
    pub fn begin(&self, trial: &Trial) -> Sim<Node> {
        let sim = trial
            .sim(&self.roles.cluster())
            .with_hub(self.storm.weather.hub())
            .with_sync_delay(self.storm.sync_delay)
            .with_plan(&self.storm.plan)
            .described(self.to_string());
        match self.roles.semantics {
            Semantics::AtMostOnce => sim.with_monitor(Invariants::new(Roles::SERVER)),
            Semantics::AtLeastOnce => sim,
        }
    }

    /// The storm, then a calm in which every call must be answered.
    pub fn survive_and_answer(&self, trial: &Trial) -> Sim<Node> {
        let mut sim = self.begin(trial);
        sim.run_for(self.length);
        let everybody = [vec![Roles::SERVER], self.roles.clients()].concat();
        let hub =
            Weather { delay: Delay::Uniform { min_us: 1_000, max_us: 10_000 }, ..Weather::default() }.hub();
        sim.calm(&everybody, hub);
        let patience = Duration::from(self.roles.patience) + Duration::from_millis(100);
        let clients = self.roles.clients();
        sim.must_reach(ANSWERED, patience * (2 + self.roles.calls), |sim| all_done(sim, &clients));
        check_history(&mut sim);
        sim
    }
}

impl std::fmt::Display for Scene {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Roles { clients, calls, keys, .. } = self.roles;
        write!(f, "{clients} clients with {calls} calls each for {keys} keys; {}", self.storm)
    }
}

/// Whether these clients have made all their calls.
pub fn all_done(sim: &Sim<Node>, clients: &[NodeId]) -> bool {
    clients.iter().all(|node| matches!(sim.process(*node), Some(Node::Client(client)) if client.is_done()))
}

/// Breaks (3) when no order of the calls explains the answers.
pub fn check_history(sim: &mut Sim<Node>) {
    if let Some(violation) = invariants::unexplained(sim.outputs()) {
        sim.violate(violation);
    }
}
