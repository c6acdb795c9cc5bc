//! Part D: crashes, and what storage keeps.

use paxos::acceptor::Acceptor;
use paxos::invariants::situation;
use paxos::proposer::Proposer;
use paxos::scene::{Scene, Storms};
use paxos::{Ballot, Message, Node, Pace, Proposal, Roles, Value, View};
use simnet::fault::Fault;
use simnet::solo::Sent;
use simnet::{Campaign, Chance, Delay, DiskFate, NodeId, Observe, Solo, this_test};
use std::time::Duration;

const P1: NodeId = NodeId(0);
const P2: NodeId = NodeId(1);
const ME: NodeId = NodeId(2);

fn ballot(round: u64, proposer: NodeId) -> Ballot {
    Ballot { round, proposer }
}

fn acceptor() -> Solo<Node> {
    Solo::start(ME, || Node::Acceptor(Acceptor::new(vec![NodeId(3)]))).0
}

#[track_caller]
fn expect_durable(rule: &str, sent: &[Sent<Message>]) {
    assert!(!sent.is_empty(), "rule broken: {rule}\n  expected: an answer\n  got: silence");
    for sent in sent {
        assert!(
            sent.durable,
            "rule broken: {rule}\n  expected: write, sync, then send\n  got: {:?} leaves before the sync",
            sent.message
        );
    }
}

#[test]
fn part_d_keeps_its_promise_over_a_crash() {
    let mut acceptor = acceptor();
    let sent = acceptor.receive(P2, Message::Prepare { ballot: ballot(5, P2) });
    expect_durable("(4) a promise is durable before anyone hears of it", &sent);
    acceptor.crash_and_restart(DiskFate::LoseUnsynced);
    let sent = acceptor.receive(P1, Message::Prepare { ballot: ballot(4, P1) });
    let refused = sent.iter().any(|sent| matches!(sent.message, Message::Nack { .. }));
    assert!(
        refused,
        "rule broken: (4) a promise holds over a crash\n  expected: Nack of ballot 4\n  got: {sent:?}"
    );
}

#[test]
fn part_d_remembers_what_it_has_accepted_over_a_crash() {
    let mut acceptor = acceptor();
    let red = Proposal { ballot: ballot(1, P1), value: Value::from("red") };
    let sent = acceptor.receive(P1, Message::Accept(red.clone()));
    expect_durable("(9) an acceptance is durable before anyone hears of it", &sent);
    acceptor.crash_and_restart(DiskFate::LoseUnsynced);
    let sent = acceptor.receive(P2, Message::Prepare { ballot: ballot(2, P2) });
    let expected = Message::Promise { ballot: ballot(2, P2), accepted: Some(red.clone()) };
    let got: Vec<&Message> = sent.iter().map(|sent| &sent.message).collect();
    assert!(
        got == [&expected],
        "rule broken: (9) an acceptor forgets no proposal that it has accepted\n  expected: {expected:?}\n  got: {got:?}"
    );
    // Both memories come back: the promise of ballot 2, and red, accepted before it under ballot 1.
    acceptor.crash_and_restart(DiskFate::LoseUnsynced);
    let View::Acceptor { promised, accepted } = acceptor.process().view() else {
        panic!("the node is an acceptor")
    };
    let expected = (Some(ballot(2, P2)), Some(red));
    let got = (promised, accepted);
    assert!(
        got == expected,
        "rule broken: (4) and (9) a promise and an acceptance hold over a crash\n  expected: {expected:?}\n  got: {got:?}"
    );
}

#[test]
fn part_d_starts_afresh_when_it_never_promised() {
    let mut acceptor = acceptor();
    acceptor.crash_and_restart(DiskFate::LoseUnsynced);
    let View::Acceptor { promised: None, accepted: None } = acceptor.process().view() else {
        panic!("rule broken: an empty storage is no promise\n  expected: nothing promised\n  got: something");
    };
}

#[test]
fn part_d_never_uses_a_ballot_twice() {
    let make = || Node::Proposer(Proposer::new(vec![NodeId(3), NodeId(4), NodeId(5)], Pace::default()));
    let (mut proposer, _) = Solo::start(P1, make);
    let mut last = None;
    for life in 1..=5 {
        let sent = proposer.receive(NodeId(9), Message::Request { value: Value::from("red") });
        expect_durable("(7) a round is durable before a ballot of it is heard of", &sent);
        let begun = sent.iter().find_map(|sent| match sent.message {
            Message::Prepare { ballot } => Some(ballot),
            _ => None,
        });
        assert!(
            begun > last,
            "rule broken: (7) a ballot is begun once, crashes or not\n  expected: above {last:?}\n  got: {begun:?} in life {life}"
        );
        last = begun;
        proposer.crash_and_restart(DiskFate::LoseUnsynced);
    }
}

/// Two values in one ballot: the schedule that chance does not find. p1 gets red accepted by a1 alone, crashes, and comes back to
/// a client that wants blue. If it uses its ballot again, a2 and a3 know nothing of red.
#[test]
fn part_d_a_restarted_proposer_does_not_put_a_second_value_into_its_ballot() {
    let roles = Roles::new(1, 3, 1, &["red"], Pace { ask: Duration::from_secs(3600), ..Pace::default() });
    let scene = Scene::calm(roles.clone());
    let (p1, acceptors, client) = (roles.proposers()[0], roles.acceptors(), roles.clients()[0]);
    Campaign::new(this_test!()).seeds(20).firing(&["filter", "crash", "isolate"]).run(|trial| {
        let mut sim = scene.begin(trial);
        let filter = |to: &[&str]| Fault::Filter {
            message: "Accept".into(),
            from: vec![],
            to: to.iter().map(|name| (*name).into()).collect(),
            chance: Chance::ALWAYS,
        };
        // The Accepts to a2 and a3 are lost: only a1 accepts red.
        sim.begin(filter(&["a2", "a3"]));
        let a1_has_accepted = sim.run_until(Duration::from_millis(100), |sim| {
            matches!(
                sim.process(acceptors[0]).map(Observe::view),
                Some(View::Acceptor { accepted: Some(_), .. })
            )
        });
        assert!(a1_has_accepted || sim.violation().is_some(), "a lone proposer gets red accepted by a1");
        // p1 crashes, and the client that wanted red is gone as well. a1 is cut off.
        sim.crash(client, DiskFate::Keep);
        sim.crash(p1, DiskFate::LoseUnsynced);
        sim.heal();
        sim.begin(Fault::Isolate { node: "a1".into() });
        sim.restart(p1);
        sim.inject(client, p1, Message::Request { value: Value::from("blue") });
        sim.run_for(Duration::from_millis(200));
        // a1 returns, with what it has accepted.
        sim.heal();
        sim.run_for(Duration::from_millis(200));
        sim
    });
}

/// A reply that leaves before it is durable: the crash comes in the few milliseconds that the disk takes.
#[test]
fn part_d_says_nothing_that_a_crash_can_take_back() {
    let roles =
        Roles::new(2, 3, 1, &["red", "blue"], Pace { ask: Duration::from_secs(3600), ..Pace::default() });
    let mut scene = Scene::calm(roles);
    scene.length = Duration::from_millis(400);
    scene.storm.sync_delay = Delay::Uniform { min_us: 2_000, max_us: 8_000 };
    for (index, node) in ["a1", "a2", "a3", "p1", "p2"].into_iter().enumerate() {
        for (step, effects) in [(0, 1), (1, 2), (2, 3), (3, 5)] {
            let at = Duration::from_millis(5 + 13 * index as u64 + 90 * step);
            let fault = Fault::CrashAmid { node: node.into(), effects, disk: DiskFate::LoseUnsynced };
            scene.storm.plan = scene.storm.plan.during(at, Duration::from_millis(60), fault);
        }
    }
    Campaign::new(this_test!())
        .seeds(500)
        .firing(&["crash_amid", "disk_unsynced_lost"])
        .reaching(&[situation::ACCEPTOR_RESTART, situation::PROPOSER_RESTART])
        .run(|trial| scene.survive(trial));
}

#[test]
fn part_d_keeps_all_invariants_through_crashes() {
    Campaign::new(this_test!())
        .seeds(4_000)
        .reaching(&[
            situation::ACCEPTOR_RESTART,
            situation::ACCEPTOR_RESTART_ACCEPTED,
            situation::PROPOSER_RESTART,
            situation::ADOPTED,
            situation::CHOSEN_AGAIN,
        ])
        .firing(&[
            "crash",
            "crash_amid",
            "disk_kept",
            "disk_unsynced_lost",
            "disk_torn",
            "disk_bit_flipped",
            "disk_wiped",
            "disk_full",
        ])
        .run(|trial| Scene::draw(trial.seed, Storms::WithCrashes).survive(trial));
}
