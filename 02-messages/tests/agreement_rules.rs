//! The rules of part E bite, also those that in whole runs a more exact one is always quicker than: each is shown what it forbids.

use messages::ben_or::invariants as ben_or;
use messages::ben_or::{self as consensus, BenOr, Bit};
use messages::commit::invariants as commit;
use messages::commit::scene::COORDINATOR;
use messages::commit::{Decision, Message, Node, Output};
use simnet::{Happening, Marks, Monitor, NodeId, Nodes, Process, Time};

const P: [NodeId; 3] = [NodeId(0), NodeId(1), NodeId(2)];

/// Nodes that are all down: these rules look at what is said.
struct Nobody;

impl<P> Nodes<P> for Nobody {
    fn process(&self, _node: NodeId) -> Option<&P> {
        None
    }

    fn name(&self, _node: NodeId) -> &str {
        "p"
    }

    fn count(&self) -> usize {
        3
    }
}

/// Shows a monitor these happenings: all but the last it must let pass; returns the rule that the last one breaks.
fn broken_by_the_last<P: Process>(mut monitor: impl Monitor<P>, happenings: &[Happening<'_, P>]) -> String {
    let mut marks = Marks::default();
    let mut check = |happening: &Happening<'_, P>| monitor.check(Time::ZERO, happening, &Nobody, &mut marks);
    let (last, first) = happenings.split_last().expect("something happens");
    for (index, happening) in first.iter().enumerate() {
        assert_eq!(check(happening), Ok(()), "happening {index}");
    }
    check(last).expect_err("the last happening breaks a rule").rule
}

fn decides(node: NodeId, decision: &Output) -> Happening<'_, Node> {
    Happening::Output { node, output: decision }
}

/// All participants, 1 and 2, have said Yes, and 1 was told to commit, 2 to abort.
fn torn_apart(then: Vec<Happening<'static, Node>>) -> String {
    const TOLD: [Message; 2] = [Message::Decided(Decision::Commit), Message::Decided(Decision::Abort)];
    let mut happenings = Vec::new();
    for from in [P[1], P[2]] {
        happenings.push(Happening::Sent { from, to: COORDINATOR, message: &Message::Yes });
    }
    for (to, message) in [P[1], P[2]].into_iter().zip(&TOLD) {
        happenings.push(Happening::Delivered { from: COORDINATOR, to, message });
    }
    happenings.extend(then);
    broken_by_the_last(commit::Invariants::new(COORDINATOR, &P[1..]), &happenings)
}

#[test]
fn two_decisions_break_ac1_and_a_change_of_mind_ac2() {
    const COMMIT: Output = Output(Decision::Commit);
    const ABORT: Output = Output(Decision::Abort);
    assert_eq!(torn_apart(vec![decides(P[1], &COMMIT), decides(P[2], &ABORT)]), commit::AGREEMENT);
    assert_eq!(torn_apart(vec![decides(P[1], &COMMIT), decides(P[1], &ABORT)]), commit::FINAL);
}

fn report(round: u32, value: Bit) -> consensus::Message {
    consensus::Message::Report { round, value }
}

fn proposal(round: u32, value: Option<Bit>) -> consensus::Message {
    consensus::Message::Proposal { round, value }
}

fn processes(values: [Bit; 3]) -> ben_or::Invariants {
    ben_or::Invariants::new(P.into_iter().zip(values).collect(), 1)
}

#[test]
fn two_decisions_break_agreement_and_one_that_nobody_began_with_validity() {
    let (one, zero) = (proposal(1, Some(Bit::One)), proposal(1, Some(Bit::Zero)));
    let (first, second) =
        (consensus::Output { value: Bit::One, round: 1 }, consensus::Output { value: Bit::Zero, round: 1 });
    let happenings: Vec<Happening<'_, BenOr>> = vec![
        Happening::Delivered { from: P[1], to: P[0], message: &one },
        Happening::Delivered { from: P[2], to: P[0], message: &one },
        Happening::Delivered { from: P[0], to: P[1], message: &zero },
        Happening::Delivered { from: P[2], to: P[1], message: &zero },
        Happening::Output { node: P[0], output: &first },
        Happening::Output { node: P[1], output: &second },
    ];
    let mixed = [Bit::Zero, Bit::One, Bit::One];
    assert_eq!(broken_by_the_last(processes(mixed), &happenings), ben_or::AGREEMENT);
    assert_eq!(broken_by_the_last(processes([Bit::Zero; 3]), &happenings[..5]), ben_or::VALIDITY);
}

#[test]
fn two_values_proposed_break_the_lemma_on_proposals() {
    let (ones, zeros) = (report(1, Bit::One), report(1, Bit::Zero));
    let (one, zero) = (proposal(1, Some(Bit::One)), proposal(1, Some(Bit::Zero)));
    let happenings: Vec<Happening<'_, BenOr>> = vec![
        Happening::Delivered { from: P[1], to: P[0], message: &ones },
        Happening::Delivered { from: P[2], to: P[0], message: &ones },
        Happening::Sent { from: P[0], to: P[1], message: &one },
        Happening::Delivered { from: P[0], to: P[1], message: &zeros },
        Happening::Delivered { from: P[2], to: P[1], message: &zeros },
        Happening::Sent { from: P[1], to: P[0], message: &zero },
    ];
    let rule = broken_by_the_last(processes([Bit::Zero, Bit::One, Bit::One]), &happenings);
    assert_eq!(rule, ben_or::ONE_PROPOSAL);
}

#[test]
fn another_value_after_a_decision_breaks_the_lemma_on_decisions() {
    let (one, none, other) = (proposal(1, Some(Bit::One)), proposal(1, None), report(2, Bit::Zero));
    let decision = consensus::Output { value: Bit::One, round: 1 };
    let happenings: Vec<Happening<'_, BenOr>> = vec![
        Happening::Delivered { from: P[1], to: P[0], message: &one },
        Happening::Delivered { from: P[2], to: P[0], message: &one },
        Happening::Output { node: P[0], output: &decision },
        // Others have told p2 that they propose nothing: it flips, and reports the opposite.
        Happening::Delivered { from: P[0], to: P[1], message: &none },
        Happening::Delivered { from: P[2], to: P[1], message: &none },
        Happening::Sent { from: P[1], to: P[0], message: &other },
    ];
    let rule = broken_by_the_last(processes([Bit::Zero, Bit::One, Bit::One]), &happenings);
    assert_eq!(rule, ben_or::LOCKED);
}
