//! Runs to make pages of: Paxos as it is, in hands that do it wrong. Nothing here is patched; each run really breaks its rule.

use paxos::cluster::{Pace, Roles};
use paxos::invariants::Invariants;
use paxos::learner::Learner;
use paxos::node::Node;
use paxos::proposer::Proposer;
use paxos::scene::{LIVENESS, all_know};
use simnet::hub::Reorder;
use simnet::trace::{Kind, Name, Trace};
use simnet::{Cluster, Delay, DiskFate, Fault, Plan, Sim, Trial};
use std::time::Duration;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn roles() -> Roles {
    Roles::default()
}

/// A recorded run of this cluster, for at most so long.
fn run(cluster: &Cluster<Node>, roles: &Roles, seed: u64, plan: &Plan, length: Duration) -> Trace {
    let mut sim: Sim<Node> = Trial::new(seed, true)
        .sim(cluster)
        .with_hub(Reorder::new(Delay::uniform(ms(1), ms(10))))
        .with_plan(plan)
        .with_monitor(Invariants::new(&roles.acceptors(), &roles.values))
        .described(format!("{} acceptors\n{plan}", roles.acceptors));
    let who = [roles.learners(), roles.clients()].concat();
    sim.run_until(length, |sim| all_know(sim, &who));
    sim.trace("07-paxos").expect("it was recorded")
}

/// The first seed whose run breaks a rule that begins so.
fn first_broken(rule: &str, mut run: impl FnMut(u64) -> Trace) -> Trace {
    let broken = |trace: &Trace| {
        trace.events.iter().any(|event| {
            event.kind == Kind::Violation && event.why.as_deref().is_some_and(|why| why.starts_with(rule))
        })
    };
    (0..500).map(&mut run).find(broken).unwrap_or_else(|| panic!("no seed up to 500 breaks {rule}"))
}

/// No rule is broken.
pub fn held() -> Trace {
    run(&roles().cluster(), &roles(), 7, &Plan::new(), ms(1_000))
}

/// An acceptor forgets what it has promised: its disk is empty after a crash.
pub fn forgetful_acceptor() -> Trace {
    let crash = Fault::Crash { node: "a1".into(), disk: DiskFate::Wipe };
    let cut = Fault::Partition {
        sides: [["a3", "c2"], ["p1", "c1"]].map(|side| side.map(|name| name.into()).to_vec()).to_vec(),
    };
    let plan = Plan::new()
        .during(ms(2), ms(9), cut)
        .during(ms(5), ms(4), Fault::Pause { node: "a2".into() })
        .during(ms(12), ms(3), crash);
    first_broken("(4)", |seed| run(&roles().cluster(), &roles(), seed, &plan, ms(300)))
}

/// A learner takes one acceptor for a majority.
pub fn hasty_learner() -> Trace {
    let roles = roles();
    let cluster = replaced(&roles, "l1", || Node::Learner(Learner::new(Vec::new(), 1, Pace::default())));
    first_broken("(3)", |seed| run(&cluster, &roles, seed, &Plan::new(), ms(300)))
}

/// A proposer believes that there is one acceptor, its own.
pub fn lonely_proposer() -> Trace {
    let roles = roles();
    let only = vec![roles.acceptors()[2]];
    let cluster =
        replaced(&roles, "p2", move || Node::Proposer(Proposer::new(only.clone(), Pace::default())));
    first_broken("(8)", |seed| run(&cluster, &roles, seed, &Plan::new(), ms(300)))
}

/// The cluster of these roles, with another process in the place of one node.
fn replaced(
    roles: &Roles,
    name: &str,
    make: impl Fn() -> Node + Clone + Send + Sync + 'static,
) -> Cluster<Node> {
    let right = roles.cluster();
    let mut cluster = Cluster::new();
    let (proposers, acceptors, pace) = (roles.proposers(), roles.acceptors(), roles.pace());
    let learners = roles.learners();
    for (index, node) in right.names().enumerate() {
        let (proposers, acceptors, learners) = (proposers.clone(), acceptors.clone(), learners.clone());
        let turn = index.saturating_sub((roles.proposers + roles.acceptors + roles.learners) as usize);
        let value = roles.values[turn.min(roles.values.len() - 1)].clone();
        let role = node.chars().next().expect("a node has a name");
        let make = make.clone();
        let wrong = &**node == name;
        cluster.node(node.clone(), move || match role {
            _ if wrong => make(),
            'p' => Node::Proposer(Proposer::new(acceptors.clone(), pace)),
            'a' => Node::Acceptor(paxos::acceptor::Acceptor::new(learners.clone())),
            'l' => Node::Learner(Learner::new(proposers.clone(), acceptors.len(), pace)),
            _ => Node::Client(paxos::client::Client::new(proposers.clone(), value.clone(), turn, pace)),
        });
    }
    cluster
}

/// At least 10,000 events: no two acceptors hear each other's proposer, so nothing is ever decided.
pub fn ten_thousand() -> Trace {
    let mut roles = roles();
    roles.resend = ms(4).into();
    roles.retry = ms(30).into();
    let cut = |node: &str| Fault::Isolate { node: node.into() };
    let mut plan = Plan::new().at(ms(9), cut("a1")).at(ms(9), cut("a2"));
    for second in 0..5 {
        plan = plan.during(ms(500 + second * 900), ms(60), Fault::Pause { node: "p1".into() });
        plan = plan.during(
            ms(800 + second * 700),
            ms(90),
            Fault::Crash { node: "a3".into(), disk: DiskFate::Keep },
        );
    }
    let mut sim: Sim<Node> = Trial::new(3, true)
        .sim(&roles.cluster())
        .with_hub(Reorder::new(Delay::uniform(ms(1), ms(10))))
        .with_plan(&plan)
        .with_monitor(Invariants::new(&roles.acceptors(), &roles.values))
        .described("a majority of the acceptors is never heard");
    let who = [roles.learners(), roles.clients()].concat();
    sim.must_reach(LIVENESS, ms(7_000), |sim| all_know(sim, &who));
    let trace = sim.trace("07-paxos").expect("it was recorded");
    assert!(trace.events.len() >= 10_000, "{} events", trace.events.len());
    trace
}

/// The part of a run that these nodes see, as if the rest had been removed.
pub fn seen_by(trace: &Trace, nodes: &[&str]) -> Trace {
    let known = |name: &Option<Name>| name.as_ref().is_none_or(|name| nodes.contains(&&**name));
    let mut seen = trace.clone();
    seen.events.retain(|event| event.kind == Kind::Violation || (known(&event.node) && known(&event.peer)));
    seen
}
