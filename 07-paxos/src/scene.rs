//! Runs of a whole cluster: what the tests, the simulation and `paxos run` have in common. Given whole.

use crate::ballot::Value;
use crate::cluster::{Pace, Roles};
use crate::invariants::Invariants;
use crate::message::Output;
use crate::node::{Node, View};
use simnet::history::History;
use simnet::linearizability::{self, Consensus, ConsensusOp};
use simnet::random::Purpose;
use simnet::sim::Told;
use simnet::swarm::{Storm, Swarm, Weather};
use simnet::trace::Name;
use simnet::{Delay, DiskFate, Fault, Judgement, NodeId, Observe, Random, RandomSource, Sim, Trial};
use std::collections::BTreeMap;
use std::time::Duration;

/// The rule that the clients' history is checked against.
pub const HISTORY: &str = "(10) clients see one decision: some order of their requests explains every answer";
/// The rule of the calm after the storm.
pub const LIVENESS: &str =
    "(11) once faults have ended, a majority of acceptors decides, and every learner and client hears of it";

/// What explains a history.
const FIRST_DECIDES: &str = "an order in which the first request decides";

/// How many steps the search for an order of the clients' requests may take.
const HISTORY_BUDGET: u64 = 100_000;

/// What a storm may do, and what follows it. One seed draws another scene for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storms {
    /// Only the network is unkind. Learners never ask: nothing of parts D and E is needed.
    WithoutCrashes,
    /// Any node may crash, with all that may become of its storage. Learners never ask: nothing of part E is needed.
    WithCrashes,
    /// The same, and learners ask: so that all is well in the calm that follows.
    ThenCalm,
}

/// A cluster and its storm, as a seed draws them.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Who takes part.
    pub roles: Roles,
    /// What goes wrong.
    pub storm: Storm,
    /// How long the storm lasts.
    pub length: Duration,
}

impl Scene {
    /// The scene of a seed: sizes, patience, weather and faults, each drawn anew.
    ///
    /// Patience is drawn from less than a message's delay to many times it: where timers race messages, more schedules are possible.
    pub fn draw(seed: u64, storms: Storms) -> Self {
        let mut random = Random::new(seed, Purpose::Swarm);
        // Without this, the tests of parts C, D and E would all see the same clusters in the same weather.
        (0..storms as u32).for_each(|_| _ = random.bits());
        let ms = Duration::from_millis;
        let never = Duration::from_secs(3600);
        let pace = Pace {
            resend: ms(*random.pick(&[3, 8, 20, 60, 200])),
            back_off: ms(*random.pick(&[1, 5, 20])),
            ask: if storms == Storms::ThenCalm { ms(150) } else { never },
            retry: ms(*random.pick(&[15, 60, 250])),
        };
        let acceptors = *random.pick(&[3, 3, 3, 5, 5, 4, 2, 1]);
        let proposers = 1 + *random.pick(&[0, 1, 1, 1, 2]);
        let learners = 1 + random.below(2) as u32;
        let values = ["red", "blue", "green"];
        let clients = 1 + random.below(3) as usize;
        let roles = Roles::new(
            proposers,
            acceptors,
            learners,
            &values[..clients.max(proposers as usize).min(3)],
            pace,
        );
        let length = ms(*random.pick(&[100, 300, 600]));
        let storm = swarm(&roles, storms, length).draw(&mut random);
        Scene { roles, storm, length }
    }

    /// A scene without faults.
    pub fn calm(roles: Roles) -> Self {
        Scene { roles, storm: Storm::calm(), length: Duration::from_secs(10) }
    }

    /// The run of this scene, about to begin, with all invariants watched.
    pub fn begin(&self, trial: &Trial) -> Sim<Node> {
        let roles = &self.roles;
        trial
            .sim(&roles.cluster())
            .with_hub(self.storm.weather.hub())
            .with_sync_delay(self.storm.sync_delay)
            .with_plan(&self.storm.plan)
            .with_monitor(Invariants::new(&roles.acceptors(), &roles.values))
            .described(self.to_string())
    }

    /// The storm, and nothing after it: only safety is asked for.
    pub fn survive(&self, trial: &Trial) -> Sim<Node> {
        let mut sim = self.begin(trial);
        sim.run_for(self.length);
        check_history(&mut sim, &self.roles);
        sim
    }

    /// The storm, and then a calm in which a core of nodes must decide.
    pub fn survive_and_decide(&self, trial: &Trial) -> Sim<Node> {
        let mut sim = self.begin(trial);
        sim.run_for(self.length);
        let core = self.core(&sim, trial.seed);
        let hub =
            Weather { delay: Delay::Uniform { min_us: 1_000, max_us: 10_000 }, ..Weather::default() }.hub();
        sim.calm(&core, hub);
        let (learners, clients) = (self.roles.learners(), self.roles.clients());
        sim.must_reach(LIVENESS, self.patience(), |sim| all_know(sim, &learners) && all_know(sim, &clients));
        check_history(&mut sim, &self.roles);
        sim
    }

    /// The nodes that must get on in the calm: some majority of the acceptors that still have their storage, some proposer, all learners and
    /// clients.
    fn core(&self, sim: &Sim<Node>, seed: u64) -> Vec<NodeId> {
        let mut random = Random::new(seed, Purpose::Workload);
        let emptied = |node: NodeId| {
            let mut faults = self.storm.plan.faults.iter().map(|scheduled| &scheduled.fault);
            faults.any(|fault| matches!(fault, Fault::Crash { node: name, disk: DiskFate::Wipe } if **name == *sim.name(node)))
        };
        let mut acceptors = self.roles.acceptors();
        acceptors.retain(|node| !sim.is_damaged(*node) && !emptied(*node));
        random.shuffle(&mut acceptors);
        let majority = self.roles.acceptors as usize / 2 + 1;
        acceptors.truncate(majority + random.below((acceptors.len() + 1 - majority) as u64) as usize);
        let mut proposers = self.roles.proposers();
        random.shuffle(&mut proposers);
        proposers.truncate(1 + random.below(proposers.len() as u64) as usize);
        [acceptors, proposers, self.roles.learners(), self.roles.clients()].concat()
    }

    /// Within what time the core must decide: every role may have to wait once for its longest timer, and duels go several rounds.
    fn patience(&self) -> Duration {
        let pace = self.roles.pace();
        pace.ask.min(Duration::from_secs(1)) * 20 + (pace.resend + pace.retry + pace.back_off * 64) * 20
    }
}

impl std::fmt::Display for Scene {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let roles = &self.roles;
        let values: Vec<&str> = roles.values.iter().map(|value| value.as_str()).collect();
        write!(
            f,
            "{} proposers, {} acceptors, {} learners, clients ask for {}; {}",
            roles.proposers,
            roles.acceptors,
            roles.learners,
            values.join(" and "),
            self.storm
        )
    }
}

/// What a storm may do to these roles. Acceptors and proposers rely on their storage, so theirs is never emptied; a
/// minority of the acceptors may be damaged for good.
pub fn swarm(roles: &Roles, storms: Storms, length: Duration) -> Swarm {
    let cluster = roles.cluster();
    let names: Vec<Name> = cluster.names().cloned().collect();
    let of =
        |nodes: &[NodeId]| -> Vec<Name> { nodes.iter().map(|node| names[node.index()].clone()).collect() };
    let mut messages = vec!["Request", "Prepare", "Promise", "Accept", "Accepted", "Nack", "Chosen"];
    // Where learners never ask, a filter of their question would be one that does nothing.
    if storms == Storms::ThenCalm {
        messages.push("Ask");
    }
    let mut swarm = Swarm {
        nodes: names.clone(),
        messages: messages.into_iter().map(Name::from).collect(),
        length,
        ..Swarm::default()
    };
    if storms != Storms::WithoutCrashes {
        swarm.crashing = names.clone();
        swarm.forgetful = of(&roles.learners());
        swarm.losable = of(&roles.acceptors());
        swarm.most_lost = (roles.acceptors as usize).saturating_sub(1) / 2;
    }
    swarm
}

/// Whether all these learners and clients know the chosen value.
pub fn all_know(sim: &Sim<Node>, nodes: &[NodeId]) -> bool {
    nodes.iter().all(|node| known(sim, *node).is_some())
}

/// What a learner has learned, or a client was told.
pub fn known(sim: &Sim<Node>, node: NodeId) -> Option<String> {
    known_by(sim.process(node)?)
}

/// What a learner or a client knows.
pub fn known_by(node: &Node) -> Option<String> {
    match node.view() {
        View::Learner { learned: value } | View::Client { answer: value } => {
            value.map(|value| value.to_string())
        }
        View::Proposer { .. } | View::Acceptor { .. } => None,
    }
}

/// Judges (10): whether some order of the clients' requests explains what they were told.
pub fn check_history(sim: &mut Sim<Node>, roles: &Roles) {
    sim.conclude(judge_history(sim.outputs(), roles));
}

/// What these outputs say of (10).
pub fn judge_history(outputs: &[Told<Output>], roles: &Roles) -> Judgement {
    judge_within(HISTORY_BUDGET, outputs, roles)
}

fn judge_within(budget: u64, outputs: &[Told<Output>], roles: &Roles) -> Judgement {
    linearizability::check(&Consensus::new(), &history(outputs, roles), budget).judge(HISTORY, FIRST_DECIDES)
}

/// What the clients asked for and were told.
fn history(outputs: &[Told<Output>], roles: &Roles) -> History<ConsensusOp<Value>, Option<Value>> {
    // A history numbers its clients and calls them c1, c2, …, as the cluster does.
    let clients = roles.clients();
    let number = |node: NodeId| clients.iter().take_while(|client| **client <= node).count() as u32;
    let mut history = History::new();
    let mut open = BTreeMap::new();
    // Clocks of several machines may differ by a little: then what is the effect is no earlier than its cause.
    let mut at_us = 0;
    for told in outputs {
        at_us = told.at.as_micros().max(at_us);
        match &told.output {
            // A client that crashed asks again: its first request may still take effect.
            Output::Asked(value) => {
                open.insert(
                    told.node,
                    history.invoke(number(told.node), at_us, ConsensusOp::Propose(value.clone())),
                );
            }
            Output::Answered(value) => {
                if let Some(id) = open.remove(&told.node) {
                    history
                        .respond(id, at_us, Some(value.clone()))
                        .expect("an answer comes once, after its request");
                }
            }
            Output::Learned(_) => {}
        }
    }
    history
}

#[cfg(test)]
mod tests {
    use super::*;
    use simnet::Time;

    #[test]
    fn an_unexplained_history_calls_the_clients_by_their_names() {
        let roles = Roles::new(1, 3, 1, &["red", "blue"], Pace::default());
        let clients = roles.clients();
        let told = |node: NodeId, output| Told { at: Time::ZERO, node, output };
        let outputs = [
            told(clients[0], Output::Asked("red".into())),
            told(clients[1], Output::Asked("blue".into())),
            told(clients[0], Output::Answered("red".into())),
            told(clients[1], Output::Answered("blue".into())),
        ];
        assert_eq!(judge_history(&outputs[..3], &roles), Judgement::Held);
        let Judgement::Broken(violation) = judge_history(&outputs, &roles) else { panic!("two decisions") };
        assert!(violation.got.starts_with("client c2's Propose("), "{violation}");
    }

    #[test]
    fn a_history_that_is_too_long_to_search_is_neither_explained_nor_not() {
        let roles = Roles::new(1, 3, 1, &["red"], Pace::default());
        let client = roles.clients()[0];
        let told = |output| Told { at: Time::ZERO, node: client, output };
        let outputs = [told(Output::Asked("red".into())), told(Output::Answered("red".into()))];
        assert_eq!(judge_within(1, &outputs, &roles), Judgement::Held);
        let Judgement::Unknown(what) = judge_within(0, &outputs, &roles) else {
            panic!("no step was allowed")
        };
        assert_eq!(what, format!("{HISTORY} (the search for an order gave up after 0 steps)"));
    }
}
