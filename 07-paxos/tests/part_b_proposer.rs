//! Part B: one proposer. First alone, with a test that plays the acceptors; then with real ones.

use paxos::proposer::Proposer;
use paxos::quorum::majority;
use paxos::scene::{self, Scene};
use paxos::{Ballot, Message, Node, Pace, Proposal, Roles, Value, View};
use simnet::solo::Sent;
use simnet::swarm::Weather;
use simnet::{Campaign, Chance, NodeId, Observe, Solo, this_test};
use std::time::Duration;

// Not 0, and above the acceptors: a ballot that carries another id than the proposer's own is noticed.
const ME: NodeId = NodeId(7);
const A: [NodeId; 5] = [NodeId(1), NodeId(2), NodeId(3), NodeId(4), NodeId(5)];
const CLIENT: NodeId = NodeId(9);

fn proposer(acceptors: usize) -> Solo<Node> {
    Solo::start(ME, move || Node::Proposer(Proposer::new(A[..acceptors].to_vec(), Pace::default()))).0
}

fn request(value: &str) -> Message {
    Message::Request { value: Value::from(value) }
}

fn proposal(ballot: Ballot, value: &str) -> Proposal {
    Proposal { ballot, value: Value::from(value) }
}

/// The ballot of the Prepares among what was sent, and to whom they went.
#[track_caller]
fn prepares(sent: &[Sent<Message>]) -> (Ballot, Vec<NodeId>) {
    let found: Vec<(Ballot, NodeId)> = sent
        .iter()
        .filter_map(|sent| match sent.message {
            Message::Prepare { ballot } => Some((ballot, sent.to)),
            _ => None,
        })
        .collect();
    assert!(
        found.windows(2).all(|pair| pair[0].0 == pair[1].0) && !found.is_empty(),
        "rule broken: phase 1a: a proposer begins one ballot, by Prepares\n  expected: Prepares of one ballot\n  got: {sent:?}"
    );
    (found[0].0, found.into_iter().map(|(_, to)| to).collect())
}

/// The proposals of the Accepts among what was sent, and to whom they went.
fn accepts(sent: &[Sent<Message>]) -> Vec<(Proposal, NodeId)> {
    sent.iter()
        .filter_map(|sent| match &sent.message {
            Message::Accept(proposal) => Some((proposal.clone(), sent.to)),
            _ => None,
        })
        .collect()
}

#[track_caller]
fn expect_accepts(rule: &str, sent: &[Sent<Message>], proposal: &Proposal, to: &[NodeId]) {
    let expected: Vec<(Proposal, NodeId)> = to.iter().map(|to| (proposal.clone(), *to)).collect();
    let got = accepts(sent);
    assert!(got == expected, "rule broken: {rule}\n  expected: Accept {proposal} to {to:?}\n  got: {got:?}");
}

fn promise(
    solo: &mut Solo<Node>,
    from: NodeId,
    ballot: Ballot,
    accepted: Option<Proposal>,
) -> Vec<Sent<Message>> {
    solo.receive(from, Message::Promise { ballot, accepted })
}

#[test]
fn part_b_two_majorities_always_overlap() {
    for acceptors in 1..=100 {
        let size = majority(acceptors);
        assert!(
            2 * size > acceptors,
            "rule broken: any two majorities have an acceptor in common\n  expected: more than half of {acceptors}\n  got: {size}"
        );
        assert!(
            2 * (size - 1) <= acceptors,
            "rule broken: a majority is no larger than it must be\n  expected: the smallest number above half of {acceptors}\n  got: {size}"
        );
    }
}

#[test]
fn part_b_waits_for_a_request() {
    let (solo, sent) = Solo::start(ME, || Node::Proposer(Proposer::new(A[..3].to_vec(), Pace::default())));
    assert!(
        sent.is_empty(),
        "rule broken: a proposer begins when a client asks\n  expected: silence\n  got: {sent:?}"
    );
    let View::Proposer { phase, .. } = solo.process().view() else { panic!("the node is a proposer") };
    assert_eq!(phase, "idle");
}

#[test]
fn part_b_begins_a_ballot_of_its_own() {
    let mut solo = proposer(3);
    let (ballot, to) = prepares(&solo.receive(CLIENT, request("red")));
    assert_eq!(to, A[..3], "rule broken: phase 1a: a Prepare goes to every acceptor");
    assert_eq!(
        ballot.proposer, ME,
        "rule broken: (7) a ballot belongs to one proposer\n  expected: its own id in it\n  got: {ballot}"
    );
}

#[test]
fn part_b_proposes_its_own_value_when_nothing_was_accepted() {
    let mut solo = proposer(3);
    let (ballot, _) = prepares(&solo.receive(CLIENT, request("red")));
    let sent = promise(&mut solo, A[1], ballot, None);
    assert!(
        accepts(&sent).is_empty(),
        "rule broken: (8) phase 2 needs a majority of promises\n  expected: no Accept after 1 of 3\n  got: {sent:?}"
    );
    let sent = promise(&mut solo, A[2], ballot, None);
    expect_accepts(
        "phase 2a: with a majority of promises, the value goes to every acceptor",
        &sent,
        &proposal(ballot, "red"),
        &A[..3],
    );
}

#[test]
fn part_b_proposes_the_value_of_the_highest_proposal_reported() {
    // All orders in which the three reports can come: the highest is first, in the middle, last.
    let old = |round| Ballot { round, proposer: NodeId(8) };
    let reports = [Some(proposal(old(2), "green")), Some(proposal(old(7), "blue")), None];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut solo = proposer(5);
        let (ballot, _) = prepares(&solo.receive(CLIENT, request("red")));
        let mut sent = Vec::new();
        for (acceptor, report) in A.iter().zip(order.map(|index| reports[index].clone())) {
            sent.extend(promise(&mut solo, *acceptor, ballot, report));
        }
        expect_accepts(
            "(8) P2c: the value is that of the highest-numbered proposal reported",
            &sent,
            &proposal(ballot, "blue"),
            &A,
        );
    }
}

#[test]
fn part_b_counts_acceptors_not_messages() {
    let mut solo = proposer(5);
    let (ballot, _) = prepares(&solo.receive(CLIENT, request("red")));
    // The network delivers one promise three times.
    for _ in 0..3 {
        let sent = promise(&mut solo, A[0], ballot, None);
        assert!(
            accepts(&sent).is_empty(),
            "rule broken: (8) phase 2 needs promises of a majority of acceptors\n  expected: one acceptor counts once\n  got: {sent:?}"
        );
    }
    promise(&mut solo, A[1], ballot, None);
    let sent = promise(&mut solo, A[2], ballot, None);
    expect_accepts("phase 2a begins with the third acceptor of five", &sent, &proposal(ballot, "red"), &A);
    // The same for acceptances: three copies of one are no majority of five.
    for _ in 0..3 {
        let sent = solo.receive(A[0], Message::Accepted(proposal(ballot, "red")));
        assert!(
            sent.is_empty(),
            "rule broken: a value is chosen by a majority of acceptors\n  expected: one acceptor counts once\n  got: {sent:?}"
        );
    }
}

#[test]
fn part_b_ignores_promises_of_another_ballot() {
    let mut solo = proposer(3);
    let (ballot, _) = prepares(&solo.receive(CLIENT, request("red")));
    let other = Ballot { round: ballot.round + 1, ..ballot };
    let stale = Ballot { round: 0, ..ballot };
    for (acceptor, wrong) in [(A[0], other), (A[1], stale), (A[2], stale)] {
        let sent = promise(&mut solo, acceptor, wrong, None);
        assert!(
            accepts(&sent).is_empty(),
            "rule broken: (8) a promise counts for its own ballot only\n  expected: no Accept for ballot {ballot}\n  got: {sent:?}"
        );
    }
}

#[test]
fn part_b_tells_the_client_when_a_majority_has_accepted() {
    let mut solo = proposer(3);
    let (ballot, _) = prepares(&solo.receive(CLIENT, request("red")));
    promise(&mut solo, A[0], ballot, None);
    promise(&mut solo, A[1], ballot, None);
    let red = proposal(ballot, "red");
    let early = solo.receive(A[0], Message::Accepted(red.clone()));
    assert!(
        early.is_empty(),
        "rule broken: (3) a client is told what is chosen\n  expected: silence after 1 acceptance of 3\n  got: {early:?}"
    );
    // Acceptances of an older ballot come late: they say nothing about this one.
    let stale = proposal(Ballot { round: 0, ..ballot }, "red");
    for acceptor in &A[..3] {
        let early = solo.receive(*acceptor, Message::Accepted(stale.clone()));
        assert!(
            early.is_empty(),
            "rule broken: (3) an acceptance counts for its own ballot only\n  expected: silence\n  got: {early:?}"
        );
    }
    let sent = solo.receive(A[2], Message::Accepted(red));
    let told: Vec<_> = sent.iter().map(|sent| (sent.to, sent.message.clone())).collect();
    let expected = vec![(CLIENT, Message::Chosen { value: Value::from("red") })];
    assert!(
        told == expected,
        "rule broken: a client that asked is told\n  expected: {expected:?}\n  got: {told:?}"
    );
    // A late request is answered with what was chosen, whatever it asks for.
    let late = solo.receive(NodeId(10), request("blue"));
    let told: Vec<_> = late.iter().map(|sent| (sent.to, sent.message.clone())).collect();
    let expected = vec![(NodeId(10), Message::Chosen { value: Value::from("red") })];
    assert!(
        told == expected,
        "rule broken: (2) at most one value is chosen\n  expected: {expected:?}\n  got: {told:?}"
    );
}

#[test]
fn part_b_keeps_one_value_within_a_ballot() {
    let mut solo = proposer(3);
    let (ballot, _) = prepares(&solo.receive(CLIENT, request("red")));
    promise(&mut solo, A[0], ballot, None);
    promise(&mut solo, A[1], ballot, None);
    // Another client asks for another value while phase 2 is under way. The Accepts are lost and sent again.
    let sent = solo.receive(NodeId(10), request("blue"));
    assert!(
        accepts(&sent).iter().all(|(proposal, _)| proposal.value == Value::from("red")),
        "rule broken: (6) a ballot carries one value\n  expected: nothing but red in ballot {ballot}\n  got: {sent:?}"
    );
    let again = solo.next_alarm().map(|(_, sent)| sent).unwrap_or_default();
    expect_accepts(
        "(6) a ballot carries one value, also when it is sent again",
        &again,
        &proposal(ballot, "red"),
        &A[..3],
    );

    // An adopted value stays as well, though this proposer would have liked another.
    let mut solo = proposer(3);
    let (ballot, _) = prepares(&solo.receive(CLIENT, request("red")));
    let found = proposal(Ballot { round: 0, proposer: NodeId(8) }, "blue");
    promise(&mut solo, A[0], ballot, Some(found));
    promise(&mut solo, A[1], ballot, None);
    let again = solo.next_alarm().map(|(_, sent)| sent).unwrap_or_default();
    expect_accepts(
        "(6) a ballot carries one value, also when it was adopted and is sent again",
        &again,
        &proposal(ballot, "blue"),
        &A[..3],
    );
}

#[test]
fn part_b_sends_again_to_the_acceptors_that_are_silent() {
    let mut solo = proposer(3);
    let (ballot, _) = prepares(&solo.receive(CLIENT, request("red")));
    promise(&mut solo, A[1], ballot, None);
    // The alarm goes off: two acceptors have not answered.
    let sent = solo.next_alarm().map(|(_, sent)| sent).unwrap_or_default();
    let (again, to) = prepares(&sent);
    assert_eq!(again, ballot, "rule broken: a lost message is sent again under the same ballot");
    assert_eq!(to, [A[0], A[2]], "rule broken: only the silent acceptors are asked again");
    promise(&mut solo, A[0], ballot, None);
    let sent = solo.next_alarm().map(|(_, sent)| sent).unwrap_or_default();
    expect_accepts("phase 2 is sent again too", &sent, &proposal(ballot, "red"), &A[..3]);
    solo.receive(A[1], Message::Accepted(proposal(ballot, "red")));
    let sent = solo.next_alarm().map(|(_, sent)| sent).unwrap_or_default();
    expect_accepts(
        "only the silent acceptors are asked again",
        &sent,
        &proposal(ballot, "red"),
        &[A[0], A[2]],
    );
    assert!(
        solo.alarms().count() > 0,
        "rule broken: a proposer that waits has an alarm set, or one loss stops it for ever"
    );
}

/// One proposer and real acceptors; nobody competes, and no learner listens.
fn alone(acceptors: u32) -> Scene {
    Scene::calm(Roles::new(1, acceptors, 0, &["red"], Pace::default()))
}

#[test]
fn part_b_gets_its_value_chosen_by_one_to_seven_acceptors() {
    for acceptors in 1..=7 {
        let scene = alone(acceptors);
        let clients = scene.roles.clients();
        // Six messages one after the other decide: request, prepare, promise, accept, accepted, answer; each takes 10 ms at most.
        Campaign::new(this_test!()).seeds(50).run(|trial| {
            let mut sim = scene.begin(trial);
            let rule = "one proposer and a connected majority decide within six message delays";
            sim.must_reach(rule, Duration::from_millis(60), |sim| scene::all_know(sim, &clients));
            sim
        });
    }
}

#[test]
fn part_b_gets_its_value_chosen_through_a_lossy_network() {
    let mut scene = alone(5);
    scene.storm.weather = Weather {
        loss: Chance::percent(30),
        duplication: Chance::percent(20),
        straggling: Chance::percent(10),
        ..Weather::default()
    };
    let clients = scene.roles.clients();
    Campaign::new(this_test!()).seeds(300).firing(&["drop", "duplicate", "reorder"]).run(|trial| {
        let mut sim = scene.begin(trial);
        let rule = "a proposer sends again until a majority has answered";
        // Some trial gets through each 40 ms, with 5 acceptors of which 3 are needed, a chance of 0.49 each way: 10 s are 250 trials.
        sim.must_reach(rule, Duration::from_secs(10), |sim| scene::all_know(sim, &clients));
        sim
    });
}
