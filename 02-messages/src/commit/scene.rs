//! Whole runs of two-phase commit: a coordinator, so many participants, one transaction. Given whole.

use super::coordinator::Coordinator;
use super::invariants::{Invariants, PROGRESS};
use super::message::{Pace, Vote};
use super::node::Node;
use super::participant::Participant;
use crate::scene::{Bounds, Outputs, Scene};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use simnet::checked::{Duplicates, Order};
use simnet::delay::Micros;
use simnet::{Cluster, NodeId, Observe, Random, RandomSource, Swarm};
use std::collections::BTreeSet;
use std::time::Duration;

/// The coordinator, `c`. The participants are `p1`, `p2`, …
pub const COORDINATOR: NodeId = NodeId(0);

/// One transaction, and who takes part in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Roles {
    /// What each participant would vote; there is a participant a vote.
    pub votes: Vec<Vote>,
    /// Whether a participant in doubt asks the others too, beside the coordinator.
    pub cooperative: bool,
    /// How long the coordinator waits before it sends again.
    pub resend: Micros,
    /// How long the coordinator waits for votes, and a participant for the request to vote.
    pub give_up: Micros,
    /// How long a participant in doubt waits before it asks, and asks again.
    pub ask: Micros,
}

impl Default for Roles {
    /// Three that vote Yes, patient for messages of 1 to 10 ms.
    fn default() -> Self {
        Roles {
            votes: vec![Vote::Yes; 3],
            cooperative: true,
            resend: Micros(40_000),
            give_up: Micros(200_000),
            ask: Micros(60_000),
        }
    }
}

impl Roles {
    /// Participants that vote so, with the default's patience.
    pub fn voting(votes: &[Vote]) -> Self {
        Roles { votes: votes.to_vec(), ..Roles::default() }
    }

    /// How long the roles wait.
    pub fn pace(&self) -> Pace {
        Pace { resend: self.resend.into(), give_up: self.give_up.into(), ask: self.ask.into() }
    }

    /// The participants: `p1`, `p2`, …
    pub fn participants(&self) -> Vec<NodeId> {
        (1..=self.votes.len() as u32).map(NodeId).collect()
    }
}

impl std::fmt::Display for Roles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let votes: Vec<String> = self.votes.iter().map(|vote| format!("{vote:?}")).collect();
        write!(
            f,
            "participants that vote {}, {}; resend after {}, give up after {}, ask after {}",
            votes.join(" "),
            if self.cooperative { "who ask each other" } else { "who ask the coordinator only" },
            self.resend,
            self.give_up,
            self.ask
        )
    }
}

impl Scene for Roles {
    type Node = Node;
    type Rules = Invariants;

    const PROTOCOL: &'static str = "commit";
    const STORM_TEST: &'static str = "part_e_all_decide_once_all_have_recovered";
    const GOAL: &'static str = PROGRESS;

    fn check(&self) -> Result<(), String> {
        if !(1..=100).contains(&self.votes.len()) {
            return Err(format!(
                "read {} votes, expected 1 to 100: one for each participant",
                self.votes.len()
            ));
        }
        let waits = [("resend", self.resend), ("give_up", self.give_up), ("ask", self.ask)];
        match waits.into_iter().find(|(_, wait)| !(1..=3_600_000_000).contains(&wait.0)) {
            None => Ok(()),
            Some((what, wait)) => Err(format!("read {what} = {wait}, expected 1us to 1h")),
        }
    }

    fn cluster(&self) -> Cluster<Node> {
        let mut cluster = Cluster::new();
        let (participants, pace) = (self.participants(), self.pace());
        let all = participants.clone();
        cluster.node("c", move || Node::Coordinator(Coordinator::new(all.clone(), pace)));
        for (place, vote) in self.votes.iter().copied().enumerate() {
            let mut peers = if self.cooperative { participants.clone() } else { Vec::new() };
            peers.retain(|peer| *peer != participants[place]);
            cluster.node(format!("p{}", place + 1), move || {
                Node::Participant(Participant::new(COORDINATOR, peers.clone(), vote, pace))
            });
        }
        cluster
    }

    fn rules(&self) -> Invariants {
        Invariants::new(COORDINATOR, &self.participants())
    }

    fn draw(random: &mut Random) -> Self {
        let count = *random.pick(&[1, 2, 2, 3, 3, 3, 5]);
        // Mostly all vote Yes: a transaction that aborts at once shows little.
        let votes =
            (0..count).map(|_| if random.below(5 * count) == 0 { Vote::No } else { Vote::Yes }).collect();
        Roles {
            votes,
            cooperative: random.below(2) == 0,
            resend: Micros(*random.pick(&[3_000, 20_000, 60_000])),
            give_up: Micros(*random.pick(&[8_000, 60_000, 200_000, 200_000])),
            ask: Micros(*random.pick(&[5_000, 30_000, 100_000])),
        }
    }

    fn swarm(&self) -> Swarm {
        let messages = ["VoteReq", "Yes", "No", "Commit", "Abort", "Ack", "DecisionReq"];
        Swarm {
            crashing: self.cluster().names().cloned().collect(),
            messages: messages.map(Into::into).to_vec(),
            ..Swarm::default()
        }
    }

    fn patience(&self) -> Duration {
        // A participant that was told nothing gives up, or asks and is answered; on the way there it may wait once for each of its alarms.
        (self.pace().resend + self.pace().give_up + self.pace().ask) * 3 + Duration::from_millis(100)
    }

    fn is_done(&self, told: &Outputs<Self>, _is_up: &dyn Fn(NodeId) -> bool) -> bool {
        let decided: BTreeSet<NodeId> = told.iter().map(|told| told.node).collect();
        decided.len() > self.votes.len()
    }

    fn outcome<'a>(
        &self,
        told: &Outputs<Self>,
        process: &dyn Fn(NodeId) -> Option<&'a Node>,
    ) -> Map<String, Value> {
        let mut outcome = Map::new();
        outcome.insert("decision".to_string(), json!(told.first().map(|told| told.output)));
        let cluster = self.cluster();
        let nodes: Map<String, Value> = cluster
            .names()
            .zip(0..)
            .map(|(name, id)| {
                let state = match process(NodeId(id)).map(Observe::view) {
                    None => json!("down"),
                    Some(view) => match view.decision() {
                        Some(decision) => json!(decision),
                        None if view.is_in_doubt() => json!("in doubt"),
                        None => json!("undecided"),
                    },
                };
                (name.to_string(), state)
            })
            .collect();
        outcome.insert("nodes".to_string(), Value::Object(nodes));
        outcome
    }

    fn small() -> Self {
        Roles::voting(&[Vote::Yes; 2])
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            crashes: 1,
            may_crash: (0..=self.votes.len() as u32).map(NodeId).collect(),
            duplicates: Duplicates::AtMost(0),
            order: Order::Any,
            within: String::new(),
        }
    }
}
