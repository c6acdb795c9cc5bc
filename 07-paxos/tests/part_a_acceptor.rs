//! Part A: one acceptor alone. The test plays the proposers and the learner.

use paxos::acceptor::Acceptor;
use paxos::{Ballot, Message, Node, Proposal, Value};
use simnet::solo::Sent;
use simnet::{NodeId, Solo};

const P1: NodeId = NodeId(0);
const P2: NodeId = NodeId(1);
const ME: NodeId = NodeId(2);
const LEARNER: NodeId = NodeId(3);

fn acceptor() -> Solo<Node> {
    Solo::start(ME, || Node::Acceptor(Acceptor::new(vec![LEARNER]))).0
}

fn ballot(round: u64, proposer: NodeId) -> Ballot {
    Ballot { round, proposer }
}

fn proposal(round: u64, proposer: NodeId, value: &str) -> Proposal {
    Proposal { ballot: ballot(round, proposer), value: Value::from(value) }
}

fn prepare(round: u64, proposer: NodeId) -> Message {
    Message::Prepare { ballot: ballot(round, proposer) }
}

fn promise(round: u64, proposer: NodeId, accepted: Option<Proposal>) -> Message {
    Message::Promise { ballot: ballot(round, proposer), accepted }
}

/// What was sent, by reader, in no particular order.
fn letters(sent: Vec<Sent<Message>>) -> Vec<(NodeId, Message)> {
    let mut letters: Vec<_> = sent.into_iter().map(|sent| (sent.to, sent.message)).collect();
    letters.sort_by_key(|(to, message)| (*to, format!("{message:?}")));
    letters
}

#[track_caller]
fn expect(rule: &str, got: Vec<Sent<Message>>, expected: &[(NodeId, Message)]) {
    let got = letters(got);
    let mut expected = expected.to_vec();
    expected.sort_by_key(|(to, message)| (*to, format!("{message:?}")));
    assert!(got == expected, "rule broken: {rule}\n  expected: {expected:?}\n  got: {got:?}");
}

#[test]
fn part_a_is_silent_until_it_is_asked() {
    let (solo, sent) = Solo::start(ME, || Node::Acceptor(Acceptor::new(vec![LEARNER])));
    expect("an acceptor only answers", sent, &[]);
    assert_eq!(solo.alarms().count(), 0, "rule broken: an acceptor only answers; it needs no alarm");
}

#[test]
fn part_a_promises_the_first_ballot_it_hears_of() {
    let mut acceptor = acceptor();
    let sent = acceptor.receive(P1, prepare(1, P1));
    expect(
        "phase 1b: the first ballot is promised, and nothing was accepted before",
        sent,
        &[(P1, promise(1, P1, None))],
    );
}

#[test]
fn part_a_promises_each_higher_ballot() {
    let mut acceptor = acceptor();
    acceptor.receive(P1, prepare(1, P1));
    // A higher round, and then an equal round of a proposer with a higher id: both are higher ballots.
    let sent = acceptor.receive(P1, prepare(2, P1));
    expect("phase 1b: a higher ballot is promised", sent, &[(P1, promise(2, P1, None))]);
    let sent = acceptor.receive(P2, prepare(2, P2));
    expect(
        "phase 1b: of equal rounds, the higher proposer's is the higher ballot",
        sent,
        &[(P2, promise(2, P2, None))],
    );
}

#[test]
fn part_a_refuses_a_prepare_below_its_promise() {
    let mut acceptor = acceptor();
    acceptor.receive(P2, prepare(5, P2));
    let sent = acceptor.receive(P1, prepare(4, P1));
    let nack = Message::Nack { ballot: ballot(4, P1), promised: ballot(5, P2) };
    expect(
        "(4) a ballot below the promise is refused, with a Nack that names the promise",
        sent,
        &[(P1, nack)],
    );
    // Of equal rounds, the lower proposer's is the lower ballot.
    let sent = acceptor.receive(P1, prepare(5, P1));
    let nack = Message::Nack { ballot: ballot(5, P1), promised: ballot(5, P2) };
    expect("(4) of equal rounds, the lower proposer's ballot is refused", sent, &[(P1, nack)]);
    // Refusing has changed nothing: the promised ballot goes on.
    let sent = acceptor.receive(P2, prepare(5, P2));
    expect("(4) a refusal leaves the promise as it is", sent, &[(P2, promise(5, P2, None))]);
}

#[test]
fn part_a_promises_the_same_ballot_again() {
    let mut acceptor = acceptor();
    acceptor.receive(P1, prepare(3, P1));
    // The Promise was lost, and the proposer sends its Prepare again. Without an answer it would wait for ever.
    let sent = acceptor.receive(P1, prepare(3, P1));
    expect("phase 1b: a repeated Prepare is answered again", sent, &[(P1, promise(3, P1, None))]);
}

#[test]
fn part_a_accepts_what_it_has_promised() {
    let mut acceptor = acceptor();
    acceptor.receive(P1, prepare(1, P1));
    let red = proposal(1, P1, "red");
    let sent = acceptor.receive(P1, Message::Accept(red.clone()));
    let accepted = Message::Accepted(red);
    expect(
        "phase 2b: an acceptance goes to the proposer and to every learner",
        sent,
        &[(P1, accepted.clone()), (LEARNER, accepted)],
    );
}

#[test]
fn part_a_refuses_an_accept_below_its_promise() {
    let mut acceptor = acceptor();
    acceptor.receive(P1, prepare(1, P1));
    // Between the two phases of p1, p2 begins a higher ballot.
    acceptor.receive(P2, prepare(2, P2));
    let sent = acceptor.receive(P1, Message::Accept(proposal(1, P1, "red")));
    let nack = Message::Nack { ballot: ballot(1, P1), promised: ballot(2, P2) };
    expect("(4) an acceptor takes part in no ballot below its promise", sent, &[(P1, nack)]);
    let sent = acceptor.receive(P2, prepare(2, P2));
    expect("(4) what was refused was not accepted", sent, &[(P2, promise(2, P2, None))]);
}

#[test]
fn part_a_accepts_a_ballot_it_was_never_asked_to_promise() {
    let mut acceptor = acceptor();
    // This acceptor missed the Prepare; a majority of the others promised.
    let red = proposal(2, P2, "red");
    let sent = acceptor.receive(P2, Message::Accept(red.clone()));
    let accepted = Message::Accepted(red.clone());
    expect(
        "phase 2b: no lower ballot was promised, so it accepts",
        sent,
        &[(P2, accepted.clone()), (LEARNER, accepted)],
    );
    // To accept a ballot is to take part in it: lower ones are refused from now on.
    let sent = acceptor.receive(P1, prepare(1, P1));
    let nack = Message::Nack { ballot: ballot(1, P1), promised: ballot(2, P2) };
    expect("(5) to accept a ballot promises it too", sent, &[(P1, nack)]);
    let sent = acceptor.receive(P1, Message::Accept(proposal(1, P1, "blue")));
    let nack = Message::Nack { ballot: ballot(1, P1), promised: ballot(2, P2) };
    expect("(5) to accept a ballot promises it too", sent, &[(P1, nack)]);
}

#[test]
fn part_a_reports_the_highest_proposal_it_has_accepted() {
    let mut acceptor = acceptor();
    acceptor.receive(P1, prepare(1, P1));
    acceptor.receive(P1, Message::Accept(proposal(1, P1, "red")));
    let sent = acceptor.receive(P2, prepare(2, P2));
    let red = Some(proposal(1, P1, "red"));
    expect(
        "(9) a Promise reports what was accepted, under the ballot it was accepted in",
        sent,
        &[(P2, promise(2, P2, red))],
    );

    acceptor.receive(P2, Message::Accept(proposal(2, P2, "blue")));
    // A promise without an acceptance in between: what is reported stays the acceptance.
    acceptor.receive(P1, prepare(3, P1));
    let sent = acceptor.receive(P2, prepare(4, P2));
    let blue = Some(proposal(2, P2, "blue"));
    expect(
        "(9) a Promise reports the acceptance with the highest ballot",
        sent,
        &[(P2, promise(4, P2, blue))],
    );
}

#[test]
fn part_a_answers_a_repeated_accept_again() {
    let mut acceptor = acceptor();
    let red = proposal(1, P1, "red");
    acceptor.receive(P1, prepare(1, P1));
    acceptor.receive(P1, Message::Accept(red.clone()));
    let sent = acceptor.receive(P1, Message::Accept(red.clone()));
    let accepted = Message::Accepted(red);
    expect(
        "phase 2b: a repeated Accept is answered again",
        sent,
        &[(P1, accepted.clone()), (LEARNER, accepted)],
    );
}
