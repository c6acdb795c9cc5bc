//! Who takes part: so many of each role, and how patient they are. Given whole.

use crate::acceptor::Acceptor;
use crate::ballot::Value;
use crate::client::Client;
use crate::learner::Learner;
use crate::node::Node;
use crate::proposer::Proposer;
use serde::{Deserialize, Serialize};
use simnet::delay::Micros;
use simnet::trace::Name;
use simnet::{Cluster, NodeId};
use std::ops::Range;
use std::time::Duration;

/// How long the roles wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pace {
    /// A proposer, before it sends again what was not answered.
    pub resend: Duration,
    /// A proposer, at least, after a lost duel.
    pub back_off: Duration,
    /// A learner, before it asks.
    pub ask: Duration,
    /// A client, before it tries the next proposer.
    pub retry: Duration,
}

impl Default for Pace {
    /// Patient, for messages of 1 to 10 ms.
    fn default() -> Self {
        Pace {
            resend: Duration::from_millis(40),
            back_off: Duration::from_millis(20),
            ask: Duration::from_millis(200),
            retry: Duration::from_millis(250),
        }
    }
}

/// How many of each role, and what the clients ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Roles {
    /// Proposers.
    pub proposers: u32,
    /// Acceptors.
    pub acceptors: u32,
    /// Learners.
    pub learners: u32,
    /// What each client asks for; there is a client a value.
    pub values: Vec<Value>,
    /// How long a proposer waits before it sends again.
    pub resend: Micros,
    /// How long a proposer waits, at least, after a lost duel.
    pub back_off: Micros,
    /// How long a learner waits before it asks.
    pub ask: Micros,
    /// How long a client waits before it tries the next proposer.
    pub retry: Micros,
}

impl Default for Roles {
    /// Two proposers in a duel, three acceptors, one learner.
    fn default() -> Self {
        let pace = Pace::default();
        Roles {
            proposers: 2,
            acceptors: 3,
            learners: 1,
            values: ["red", "blue"].map(Value::from).to_vec(),
            resend: pace.resend.into(),
            back_off: pace.back_off.into(),
            ask: pace.ask.into(),
            retry: pace.retry.into(),
        }
    }
}

impl Roles {
    /// So many of each role, with this patience.
    pub fn new(proposers: u32, acceptors: u32, learners: u32, values: &[&str], pace: Pace) -> Self {
        Roles {
            proposers,
            acceptors,
            learners,
            values: values.iter().map(|value| Value::from(*value)).collect(),
            resend: pace.resend.into(),
            back_off: pace.back_off.into(),
            ask: pace.ask.into(),
            retry: pace.retry.into(),
        }
    }

    /// The roles of nodes with these names, as a scenario lists them: so many `p…`, `a…`, `l…`, and clients that ask for
    /// red, blue and green in turn.
    pub fn named(nodes: &[Name]) -> Self {
        let count = |role: char| nodes.iter().filter(|name| name.starts_with(role)).count();
        let values: Vec<&str> = ["red", "blue", "green"].into_iter().cycle().take(count('c')).collect();
        Roles::new(count('p') as u32, count('a') as u32, count('l') as u32, &values, Pace::default())
    }

    /// How patient the roles are.
    pub fn pace(&self) -> Pace {
        Pace {
            resend: self.resend.into(),
            back_off: self.back_off.into(),
            ask: self.ask.into(),
            retry: self.retry.into(),
        }
    }

    fn ids(range: Range<u32>) -> Vec<NodeId> {
        range.map(NodeId).collect()
    }

    /// The proposers: `p1`, `p2`, …
    pub fn proposers(&self) -> Vec<NodeId> {
        Self::ids(0..self.proposers)
    }

    /// The acceptors: `a1`, `a2`, …
    pub fn acceptors(&self) -> Vec<NodeId> {
        Self::ids(self.proposers..self.proposers + self.acceptors)
    }

    /// The learners: `l1`, `l2`, …
    pub fn learners(&self) -> Vec<NodeId> {
        let first = self.proposers + self.acceptors;
        Self::ids(first..first + self.learners)
    }

    /// The clients: `c1`, `c2`, …
    pub fn clients(&self) -> Vec<NodeId> {
        let first = self.proposers + self.acceptors + self.learners;
        Self::ids(first..first + self.values.len() as u32)
    }

    /// The nodes, in the order of their ids: proposers, acceptors, learners, clients.
    pub fn cluster(&self) -> Cluster<Node> {
        let mut cluster = Cluster::new();
        let (proposers, acceptors, learners, pace) =
            (self.proposers(), self.acceptors(), self.learners(), self.pace());
        for number in 1..=self.proposers {
            let acceptors = acceptors.clone();
            cluster
                .node(format!("p{number}"), move || Node::Proposer(Proposer::new(acceptors.clone(), pace)));
        }
        for number in 1..=self.acceptors {
            let learners = learners.clone();
            cluster.node(format!("a{number}"), move || Node::Acceptor(Acceptor::new(learners.clone())));
        }
        for number in 1..=self.learners {
            let (proposers, count) = (proposers.clone(), acceptors.len());
            cluster.node(format!("l{number}"), move || {
                Node::Learner(Learner::new(proposers.clone(), count, pace))
            });
        }
        for (turn, value) in self.values.iter().enumerate() {
            let (proposers, value) = (proposers.clone(), value.clone());
            let make = move || Node::Client(Client::new(proposers.clone(), value.clone(), turn, pace));
            cluster.node(format!("c{}", turn + 1), make);
        }
        cluster
    }
}
