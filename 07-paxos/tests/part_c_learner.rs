//! Part C: learners, and many proposers at once.

use paxos::invariants::situation;
use paxos::learner::Learner;
use paxos::proposer::Proposer;
use paxos::scene::{Scene, Storms};
use paxos::{Ballot, Message, Node, Output, Pace, Proposal, Timer, Value};
use simnet::{Campaign, NodeId, Solo, this_test};

const ME: NodeId = NodeId(9);
const A: [NodeId; 5] = [NodeId(1), NodeId(2), NodeId(3), NodeId(4), NodeId(5)];
const P1: NodeId = NodeId(0);
const CLIENT: NodeId = NodeId(10);

fn learner(acceptors: usize) -> Solo<Node> {
    Solo::start(ME, move || Node::Learner(Learner::new(vec![P1], acceptors, Pace::default()))).0
}

fn accepted(round: u64, value: &str) -> Message {
    Message::Accepted(Proposal { ballot: Ballot { round, proposer: P1 }, value: Value::from(value) })
}

#[track_caller]
fn expect_learned(rule: &str, solo: &mut Solo<Node>, expected: &[&str]) {
    let expected: Vec<Output> = expected.iter().map(|value| Output::Learned(Value::from(*value))).collect();
    let got = solo.take_outputs();
    assert!(got == expected, "rule broken: {rule}\n  expected: {expected:?}\n  got: {got:?}");
}

#[test]
fn part_c_learns_from_a_majority() {
    let mut solo = learner(3);
    solo.receive(A[0], accepted(1, "red"));
    expect_learned("(3) one acceptance of three is no majority", &mut solo, &[]);
    solo.receive(A[2], accepted(1, "red"));
    expect_learned("a majority has accepted ballot 1: red is chosen", &mut solo, &["red"]);
    solo.receive(A[1], accepted(1, "red"));
    expect_learned("a value is learned once", &mut solo, &[]);
}

#[test]
fn part_c_counts_each_acceptor_once() {
    let mut solo = learner(5);
    for _ in 0..5 {
        solo.receive(A[0], accepted(1, "red"));
    }
    expect_learned("(3) one acceptor, heard five times, is no majority", &mut solo, &[]);
    solo.receive(A[1], accepted(1, "red"));
    expect_learned("(3) two acceptors of five are no majority", &mut solo, &[]);
    solo.receive(A[2], accepted(1, "red"));
    expect_learned("three acceptors of five are a majority", &mut solo, &["red"]);
}

#[test]
fn part_c_counts_each_ballot_by_itself() {
    let mut solo = learner(3);
    // One acceptor accepted red, another blue: nothing is chosen, whatever comes last.
    solo.receive(A[0], accepted(1, "red"));
    solo.receive(A[1], accepted(2, "blue"));
    expect_learned("(3) acceptances of different ballots do not add up", &mut solo, &[]);
    solo.receive(A[2], accepted(2, "blue"));
    expect_learned("a majority has accepted ballot 2: blue is chosen", &mut solo, &["blue"]);
}

#[test]
fn part_c_does_not_add_up_one_value_over_two_ballots() {
    let mut solo = learner(3);
    // a1 accepted red in ballot 1, a2 red in ballot 3, and a3 blue in ballot 2: no majority accepted one ballot,
    // and the next ballot may still find blue on top of {a1, a3}.
    solo.receive(A[0], accepted(1, "red"));
    solo.receive(A[1], accepted(3, "red"));
    solo.receive(A[2], accepted(2, "blue"));
    expect_learned(
        "(3) a value is chosen by a majority that accepted one and the same ballot",
        &mut solo,
        &[],
    );
}

#[test]
fn part_c_believes_a_proposer_that_knows() {
    let mut solo = learner(3);
    solo.receive(P1, Message::Chosen { value: Value::from("red") });
    expect_learned("a proposer that says what was chosen is believed", &mut solo, &["red"]);
    solo.receive(A[0], accepted(1, "red"));
    solo.receive(A[1], accepted(1, "red"));
    expect_learned("a value is learned once", &mut solo, &[]);
}

/// A proposer with ballot 1 under way.
fn proposer_in_phase_1() -> (Solo<Node>, Ballot) {
    let (mut solo, _) = Solo::start(P1, || Node::Proposer(Proposer::new(A[..3].to_vec(), Pace::default())));
    let sent = solo.receive(CLIENT, Message::Request { value: Value::from("red") });
    let ballot = sent.iter().find_map(|sent| match sent.message {
        Message::Prepare { ballot } => Some(ballot),
        _ => None,
    });
    (solo, ballot.expect("rule broken: a request begins a ballot (part B)"))
}

/// The ballot that the proposer begins at its next alarm, and that alarm.
fn next_ballot(solo: &mut Solo<Node>) -> Option<(Timer, Ballot)> {
    let (timer, sent) = solo.next_alarm()?;
    sent.iter().find_map(|sent| match sent.message {
        Message::Prepare { ballot } => Some((timer.clone(), ballot)),
        _ => None,
    })
}

#[test]
fn part_c_begins_a_higher_ballot_after_a_lost_duel() {
    let (mut solo, ballot) = proposer_in_phase_1();
    let promised = Ballot { round: 6, proposer: NodeId(7) };
    let sent = solo.receive(A[0], Message::Nack { ballot, promised });
    assert!(
        sent.is_empty(),
        "rule broken: a proposer that lost a duel waits before it tries again\n  expected: silence\n  got: {sent:?}"
    );
    let (timer, next) =
        next_ballot(&mut solo).expect("rule broken: a lost duel is followed by a new ballot, after a pause");
    assert_eq!(timer, Timer::BackOff, "rule broken: the ballot that was lost is not sent again in the pause");
    assert!(
        next > promised && next.proposer == P1,
        "rule broken: the next ballot is one's own and above the promise\n  expected: above {promised}\n  got: {next}"
    );
}

#[test]
fn part_c_ignores_a_nack_of_a_ballot_that_is_over() {
    let (mut solo, first) = proposer_in_phase_1();
    let promised = Ballot { round: 6, proposer: NodeId(7) };
    solo.receive(A[0], Message::Nack { ballot: first, promised });
    let (_, second) =
        next_ballot(&mut solo).expect("rule broken: a lost duel is followed by a new ballot, after a pause");
    // The other acceptors' refusals of the first ballot arrive late: they say nothing about the second.
    solo.receive(A[1], Message::Nack { ballot: first, promised });
    solo.receive(A[1], Message::Promise { ballot: second, accepted: None });
    let sent = solo.receive(A[2], Message::Promise { ballot: second, accepted: None });
    let proposed = sent.iter().any(|sent| matches!(sent.message, Message::Accept(_)));
    assert!(
        proposed,
        "rule broken: a late Nack does not end a newer ballot\n  expected: phase 2 of {second}\n  got: {sent:?}"
    );
}

#[test]
fn part_c_goes_through_phase_1_again_after_a_lost_duel() {
    let (mut solo, first) = proposer_in_phase_1();
    for acceptor in [A[0], A[1]] {
        solo.receive(acceptor, Message::Promise { ballot: first, accepted: None });
    }
    // Phase 2 of the first ballot is under way when a3 refuses it.
    let promised = Ballot { round: 6, proposer: NodeId(7) };
    let sent = solo.receive(A[2], Message::Nack { ballot: first, promised });
    assert!(
        sent.is_empty(),
        "rule broken: (8) each ballot begins with phase 1, after a pause\n  expected: silence\n  got: {sent:?}"
    );
    let (_, sent) =
        solo.next_alarm().expect("rule broken: a lost duel is followed by a new ballot, after a pause");
    let skipped = sent.iter().any(|sent| matches!(sent.message, Message::Accept(_)));
    assert!(
        !skipped,
        "rule broken: (8) each ballot begins with phase 1\n  expected: Prepares\n  got: {sent:?}"
    );
    // Promises of the first ballot, late, are none for the second, even from a majority.
    for acceptor in A {
        let late = solo.receive(acceptor, Message::Promise { ballot: first, accepted: None });
        assert!(
            late.is_empty(),
            "rule broken: (8) a promise counts for its own ballot only\n  expected: silence\n  got: {late:?}"
        );
    }
}

#[test]
fn part_c_keeps_all_invariants_in_any_weather() {
    Campaign::new(this_test!())
        .seeds(4_000)
        .reaching(&[
            situation::ADOPTED,
            situation::CONFLICT,
            situation::PREPARE_REFUSED,
            situation::ACCEPT_REFUSED,
            situation::CHOSEN_AGAIN,
            situation::LATE_PROMISE,
        ])
        .firing(&[
            "partition",
            "one_way",
            "isolate",
            "deaf",
            "mute",
            "filter",
            "slow",
            "bandwidth",
            "replay",
            "pause",
            "clock",
        ])
        .run(|trial| Scene::draw(trial.seed, Storms::WithoutCrashes).survive(trial));
}
