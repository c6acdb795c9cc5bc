//! The rules bite, also those that in whole runs another one is nearly always quicker than: each is shown what it forbids.

use messages::ben_or::invariants as ben_or;
use messages::ben_or::{self as consensus, BenOr, Bit};
use messages::clocks::Stamp;
use messages::commit::invariants as commit;
use messages::commit::scene::COORDINATOR;
use messages::commit::{Decision, Message, Node, Output};
use messages::link::invariants as link;
use messages::mutex::invariants as mutex;
use messages::{link as transfer, mutex as exclusion};
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

/// To whom makes no difference.
fn says(from: NodeId, message: &Message) -> Happening<'_, Node> {
    Happening::Sent { from, to: COORDINATOR, message }
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

#[test]
fn who_does_not_as_it_was_told_breaks_e6() {
    const ABORT: Output = Output(Decision::Abort);
    // The second participant was told to abort, the first to commit.
    assert_eq!(torn_apart(vec![decides(P[1], &ABORT)]), commit::IN_DOUBT);
}

#[test]
fn a_yes_after_the_abort_breaks_e7_unless_a_crash_has_wiped_it_out() {
    const ABORT: Output = Output(Decision::Abort);
    let (yes, told) = (Message::Yes, Message::Decided(Decision::Abort));
    let says_yes = || says(P[1], &yes);
    let aborts = || {
        vec![
            says_yes(),
            Happening::Delivered { from: COORDINATOR, to: P[1], message: &told },
            decides(P[1], &ABORT),
        ]
    };
    let mut happenings = aborts();
    happenings.push(says_yes());
    let rules = || commit::Invariants::new(COORDINATOR, &P[1..]);
    assert_eq!(broken_by_the_last(rules(), &happenings), commit::MEMORY);
    // In doubt again, and asked again: only the No, untold, is wrong.
    let mut happenings = aborts();
    happenings.extend([Happening::Crashed { node: P[1] }, says_yes(), decides(P[1], &ABORT), says_yes()]);
    assert_eq!(broken_by_the_last(rules(), &happenings), commit::MEMORY);
}

#[test]
fn a_commit_on_votes_that_came_after_the_crash_breaks_e8() {
    const COMMIT: Output = Output(Decision::Commit);
    let (ask, yes) = (Message::VoteReq, Message::Yes);
    let happenings = [
        says(COORDINATOR, &ask),
        says(P[1], &yes),
        says(P[2], &yes),
        Happening::Delivered { from: P[1], to: COORDINATOR, message: &yes },
        Happening::Crashed { node: COORDINATOR },
        Happening::Delivered { from: P[2], to: COORDINATOR, message: &yes },
        decides(COORDINATOR, &COMMIT),
    ];
    assert_eq!(broken_by_the_last(commit::Invariants::new(COORDINATOR, &P[1..]), &happenings), commit::ONCE);
}

#[test]
fn an_acknowledgement_of_what_never_came_breaks_b3() {
    let settings = transfer::scene::Roles::default().settings();
    let first = settings.first;
    let segment = |number| transfer::Message::Segment { number, last: true, bytes: vec![1] };
    let ack = |of| transfer::Message::Ack { of, next: first + 1 };
    let (zeroth, second) = (segment(first), segment(first + 2));
    let acks = [first, first + 2, first + 1, first - 1].map(ack);
    for never in [2, 3] {
        let happenings: Vec<Happening<'_, transfer::Node>> = vec![
            Happening::Delivered { from: P[0], to: P[1], message: &zeroth },
            Happening::Sent { from: P[1], to: P[0], message: &acks[0] },
            Happening::Delivered { from: P[0], to: P[1], message: &second },
            Happening::Sent { from: P[1], to: P[0], message: &acks[1] },
            // Once more, of what came before: that is true.
            Happening::Sent { from: P[1], to: P[0], message: &acks[0] },
            Happening::Sent { from: P[1], to: P[0], message: &acks[never] },
        ];
        let rules = link::Invariants::new(settings, vec![vec![1]; 3]);
        assert_eq!(broken_by_the_last(rules, &happenings), link::ACKNOWLEDGED);
    }
}

#[test]
fn an_earlier_stamp_than_that_of_a_request_heard_of_breaks_c6() {
    let (theirs, mine) = (Stamp { time: 5, process: P[0] }, Stamp { time: 3, process: P[1] });
    let request = exclusion::Message::Request(theirs);
    let (asks, too) = (exclusion::Output::Requested(theirs), exclusion::Output::Requested(mine));
    let happenings: Vec<Happening<'_, exclusion::Mutex>> = vec![
        Happening::Output { node: P[0], output: &asks },
        Happening::Delivered { from: P[0], to: P[1], message: &request },
        Happening::Output { node: P[1], output: &too },
    ];
    assert_eq!(broken_by_the_last(mutex::Exclusion::default(), &happenings), mutex::FAIRNESS);
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
