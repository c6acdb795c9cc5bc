//! Part E, first half: two-phase commit.

use messages::commit::blocking::{Blocking, NONBLOCKING};
use messages::commit::coordinator::Coordinator;
use messages::commit::invariants::{NONTRIVIAL, PROGRESS, situation};
use messages::commit::message::{Message, Pace, Timer};
use messages::commit::participant::Participant;
use messages::commit::scene::COORDINATOR;
use messages::commit::{Decision, Node, Output, Roles, Vote};
use messages::scene::{Bounds, Episode, Scene};
use simnet::checked::Question;
use simnet::fault::{Fault, Plan};
use simnet::rule::expect;
use simnet::solo::Sent;
use simnet::trace::{Kind, Trace};
use simnet::{Campaign, DiskFate, NodeId, Observe, Sim, Solo, this_test};
use std::time::Duration;

const P: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];
const COMMIT: Message = Message::Decided(Decision::Commit);
const ABORT: Message = Message::Decided(Decision::Abort);

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// It gives up long after it has sent again.
fn pace() -> Pace {
    Pace { resend: ms(40), give_up: ms(100), ask: ms(60) }
}

/// A coordinator of three participants, and what it sends when it starts.
fn coordinator() -> (Solo<Node>, Vec<Sent<Message>>) {
    Solo::start(COORDINATOR, || Node::Coordinator(Coordinator::new(P.to_vec(), pace())))
}

/// `p1` of three participants.
fn participant(vote: Vote) -> Solo<Node> {
    let peers = vec![P[1], P[2]];
    Solo::start(P[0], move || Node::Participant(Participant::new(COORDINATOR, peers.clone(), vote, pace()))).0
}

/// One that has voted Yes.
fn prepared() -> Solo<Node> {
    let mut solo = participant(Vote::Yes);
    solo.receive(COORDINATOR, Message::VoteReq);
    solo
}

#[track_caller]
fn expect_sent(rule: &str, sent: &[Sent<Message>], expected: &[(NodeId, Message)]) {
    let got: Vec<(NodeId, Message)> = sent.iter().map(|sent| (sent.to, sent.message)).collect();
    expect(rule, expected, &got[..]);
}

#[track_caller]
fn expect_durable(rule: &str, sent: &[Sent<Message>]) {
    assert!(!sent.is_empty(), "rule broken: {rule}\n  expected: an answer\n  got: silence");
    for sent in sent {
        assert!(
            sent.durable,
            "rule broken: {rule}\n  expected: append, sync, then send\n  got: {:?} leaves before the sync",
            sent.message
        );
    }
}

/// Lets time pass up to the next alarm.
#[track_caller]
fn next_alarm(rule: &str, solo: &mut Solo<Node>) -> (Timer, Vec<Sent<Message>>) {
    let reaction = solo.next_alarm();
    reaction.unwrap_or_else(|| panic!("rule broken: {rule}\n  expected: an alarm that is set\n  got: none"))
}

/// One message to each of these.
fn to(nodes: &[NodeId], message: Message) -> Vec<(NodeId, Message)> {
    nodes.iter().map(|node| (*node, message)).collect()
}

#[test]
fn part_e_a_participant_says_nothing_before_it_is_asked() {
    let make = || Node::Participant(Participant::new(COORDINATOR, vec![P[1]], Vote::Yes, pace()));
    let (solo, sent) = Solo::start(P[0], make);
    expect_sent("a participant waits for the request to vote", &sent, &[]);
    let alarms: Vec<&Timer> = solo.alarms().map(|(timer, _)| timer).collect();
    expect("a participant does not wait for ever", vec![&Timer::GiveUp], alarms);
}

#[test]
fn part_e_the_coordinator_asks_all_for_their_votes() {
    let (_, sent) = coordinator();
    expect_sent("phase 1 asks every participant", &sent, &to(&P, Message::VoteReq));
    expect_durable("(E8) that a transaction has begun is durable before anyone hears of it", &sent);
}

#[test]
fn part_e_a_yes_is_durable_before_it_is_said() {
    let mut solo = participant(Vote::Yes);
    let sent = solo.receive(COORDINATOR, Message::VoteReq);
    expect_sent("a participant that can keep its part says so", &sent, &[(COORDINATOR, Message::Yes)]);
    expect_durable("(E7) a Yes is durable before anyone hears of it", &sent);
    let again = solo.receive(COORDINATOR, Message::VoteReq);
    expect_sent(
        "a repeated request is answered again: the Yes may have been lost",
        &again,
        &[(COORDINATOR, Message::Yes)],
    );
    expect("(E6) a Yes is no decision", vec![], solo.take_outputs());
}

#[test]
fn part_e_a_no_is_an_abort() {
    let mut solo = participant(Vote::No);
    for _ in 0..2 {
        let sent = solo.receive(COORDINATOR, Message::VoteReq);
        expect_sent(
            "a participant that cannot keep its part says so, each time",
            &sent,
            &[(COORDINATOR, Message::No)],
        );
    }
    expect("who says No has aborted, and tells so once", vec![Output(Decision::Abort)], solo.take_outputs());
    expect("who has aborted waits for nothing", 0, solo.alarms().count());
}

#[test]
fn part_e_commits_when_all_have_said_yes() {
    let (mut solo, _) = coordinator();
    for from in [P[0], P[1], P[0], P[1]] {
        let sent = solo.receive(from, Message::Yes);
        expect_sent("(AC3) two participants are not three, however often they say Yes", &sent, &[]);
    }
    let sent = solo.receive(P[2], Message::Yes);
    expect_sent("phase 2 tells every participant", &sent, &to(&P, COMMIT));
    expect_durable("(AC2) a commit is durable before anyone hears of it", &sent);
    expect("the outside is told", vec![Output(Decision::Commit)], solo.take_outputs());
    expect_sent("(AC2) a No is too late after the commit", &solo.receive(P[0], Message::No), &[]);
}

#[test]
fn part_e_one_no_aborts() {
    let (mut solo, _) = coordinator();
    solo.receive(P[0], Message::Yes);
    let sent = solo.receive(P[1], Message::No);
    expect_sent("after one No all are told to abort", &sent, &to(&P, ABORT));
    expect("the outside is told", vec![Output(Decision::Abort)], solo.take_outputs());
    let sent = solo.receive(P[2], Message::Yes);
    expect_sent("a Yes that comes too late is answered: its sender is in doubt", &sent, &[(P[2], ABORT)]);
    expect("who has aborted waits for nothing", 0, solo.alarms().count());
}

#[test]
fn part_e_sends_again_to_those_that_are_silent() {
    let (mut solo, _) = coordinator();
    solo.receive(P[1], Message::Yes);
    let (_, sent) = next_alarm("the coordinator waits for votes", &mut solo);
    expect_sent("only who has not voted is asked again", &sent, &to(&[P[0], P[2]], Message::VoteReq));
    solo.receive(P[0], Message::Yes);
    solo.receive(P[2], Message::Yes);
    expect_sent("an acknowledgement needs no answer", &solo.receive(P[0], Message::Ack), &[]);
    solo.receive(P[0], Message::Ack);
    let (_, sent) = next_alarm("the coordinator waits for acknowledgements", &mut solo);
    expect_sent("only who has not acknowledged is told again", &sent, &to(&[P[1], P[2]], COMMIT));
    solo.receive(P[1], Message::Ack);
    solo.receive(P[2], Message::Ack);
    expect("after the last acknowledgement nothing is left to do", 0, solo.alarms().count());
}

#[test]
fn part_e_does_not_wait_for_votes_for_ever() {
    let (mut solo, _) = coordinator();
    solo.receive(P[0], Message::Yes);
    let mut last = Vec::new();
    for _ in 0..10 {
        let Some((_, sent)) = solo.next_alarm() else { break };
        last = sent;
    }
    expect_sent("a coordinator that has waited long enough aborts", &last, &to(&P, ABORT));
    expect("and then waits no more", 0, solo.alarms().count());
}

#[test]
fn part_e_a_decision_is_noted_and_acknowledged() {
    let mut solo = prepared();
    for _ in 0..2 {
        let sent = solo.receive(COORDINATOR, COMMIT);
        expect_sent(
            "each Commit is acknowledged: the last Ack may have been lost",
            &sent,
            &[(COORDINATOR, Message::Ack)],
        );
        expect_durable("(AC2) a commit is durable before it is acknowledged", &sent);
    }
    expect("the outside is told once", vec![Output(Decision::Commit)], solo.take_outputs());
    let mut solo = prepared();
    expect_sent("presumed abort: an Abort need not be acknowledged", &solo.receive(COORDINATOR, ABORT), &[]);
    expect("the outside is told", vec![Output(Decision::Abort)], solo.take_outputs());
}

#[test]
fn part_e_who_is_in_doubt_asks_and_decides_nothing() {
    let mut solo = prepared();
    for _ in 0..30 {
        let (_, sent) = next_alarm("a participant in doubt asks again and again", &mut solo);
        expect_sent(
            "it asks the coordinator and the others",
            &sent,
            &to(&[COORDINATOR, P[1], P[2]], Message::DecisionReq),
        );
        expect("(E6) who has voted Yes decides nothing alone", vec![], solo.take_outputs());
    }
}

#[test]
fn part_e_who_was_not_asked_aborts_alone() {
    let mut solo = participant(Vote::Yes);
    let (_, sent) = next_alarm("a participant does not wait for ever", &mut solo);
    expect_sent("nobody need be told", &sent, &[]);
    expect("before its vote a participant may abort", vec![Output(Decision::Abort)], solo.take_outputs());
    solo.crash_and_restart(DiskFate::LoseUnsynced);
    let sent = solo.receive(COORDINATOR, Message::VoteReq);
    expect_sent(
        "(E7) who has aborted does not vote Yes, crashes or not",
        &sent,
        &[(COORDINATOR, Message::No)],
    );
}

#[test]
fn part_e_a_participant_helps_another() {
    for decision in [Decision::Commit, Decision::Abort] {
        let mut solo = prepared();
        solo.receive(COORDINATOR, Message::Decided(decision));
        let sent = solo.receive(P[1], Message::DecisionReq);
        expect_sent("who knows the decision tells it", &sent, &[(P[1], Message::Decided(decision))]);
    }
    let sent = prepared().receive(P[1], Message::DecisionReq);
    expect_sent("(E6) who is in doubt as well has nothing to tell", &sent, &[]);
    let mut solo = participant(Vote::Yes);
    let sent = solo.receive(P[1], Message::DecisionReq);
    expect_sent("who has not voted can still abort, and so knows", &sent, &[(P[1], ABORT)]);
    expect("(E7) but then it has aborted", vec![Output(Decision::Abort)], solo.take_outputs());
    let sent = solo.receive(COORDINATOR, Message::VoteReq);
    expect_sent("(E7) who has aborted does not vote Yes", &sent, &[(COORDINATOR, Message::No)]);
}

#[test]
fn part_e_a_coordinator_presumes_abort() {
    let (mut solo, _) = coordinator();
    solo.receive(P[0], Message::Yes);
    let sent = solo.crash_and_restart(DiskFate::LoseUnsynced);
    expect(
        "(E8) after a crash nobody is asked for a vote",
        false,
        sent.iter().any(|sent| sent.message == Message::VoteReq),
    );
    expect(
        "what the log does not say to be committed was aborted",
        vec![Output(Decision::Abort)],
        solo.take_outputs(),
    );
    for message in [Message::Yes, Message::DecisionReq] {
        expect_sent("and who asks is told so", &solo.receive(P[0], message), &[(P[0], ABORT)]);
    }
}

#[test]
fn part_e_a_coordinator_remembers_its_commit() {
    let (mut solo, _) = coordinator();
    P.iter().for_each(|from| _ = solo.receive(*from, Message::Yes));
    solo.take_outputs();
    solo.crash_and_restart(DiskFate::LoseUnsynced);
    expect("(AC2) a commit holds over a crash", vec![Output(Decision::Commit)], solo.take_outputs());
    expect_sent("who asks is told so", &solo.receive(P[0], Message::DecisionReq), &[(P[0], COMMIT)]);
    let (_, sent) = next_alarm("a coordinator goes on after a crash until all have acknowledged", &mut solo);
    expect_sent("all are told once more: it does not know who was", &sent, &to(&P, COMMIT));
    P.iter().for_each(|from| _ = solo.receive(*from, Message::Ack));
    expect("after the last acknowledgement nothing is left to do", 0, solo.alarms().count());
    // The log's End need not be synced, but here it was kept.
    solo.crash_and_restart(DiskFate::Keep);
    expect("nor after another crash", 0, solo.alarms().count());
    expect_sent("(AC2) but it still knows", &solo.receive(P[0], Message::DecisionReq), &[(P[0], COMMIT)]);
}

#[test]
fn part_e_a_participant_remembers_its_vote() {
    let mut solo = prepared();
    solo.crash_and_restart(DiskFate::LoseUnsynced);
    expect("(E6) a crash decides nothing", vec![], solo.take_outputs());
    let (timer, sent) = next_alarm("a participant in doubt asks, also after a crash", &mut solo);
    expect("it is in doubt, as before", Timer::Ask, timer);
    expect_sent("it asks", &sent, &to(&[COORDINATOR, P[1], P[2]], Message::DecisionReq));
    let sent = solo.receive(P[1], COMMIT);
    expect_sent(
        "it believes whoever knows, and acknowledges to the coordinator",
        &sent,
        &[(COORDINATOR, Message::Ack)],
    );
    solo.crash_and_restart(DiskFate::LoseUnsynced);
    expect("(AC2) and knows it ever after", vec![Output(Decision::Commit); 2], solo.take_outputs());
}

#[test]
fn part_e_commits_with_four_messages_a_participant() {
    for count in [1, 2, 3, 7] {
        let roles = Roles::voting(&vec![Vote::Yes; count]);
        Campaign::new(this_test!()).seeds(100).reaching(&[situation::COMMITTED]).run(|trial| {
            let episode = Episode::calm(roles.clone());
            let mut sim = episode.begin(trial);
            // Three delays of at most 10 ms to the last participant's decision.
            sim.must_reach(NONTRIVIAL, ms(30), |sim| has_decided(sim, Decision::Commit) == count + 1);
            sim.run_for(Duration::from_secs(5));
            let sent = sim.tally().messages().count;
            if sent != 4 * count as u64 && sim.violation().is_none() {
                let rule = "when nothing is lost, two-phase commit takes VoteReq, Yes, Commit and Ack, once a participant";
                sim.violate(simnet::Violation::new(rule, (4 * count).to_string(), sent.to_string()));
            }
            sim
        });
    }
}

/// How many nodes have told the outside this decision.
fn has_decided(sim: &Sim<Node>, decision: Decision) -> usize {
    sim.outputs().iter().filter(|told| told.output == Output(decision)).count()
}

#[test]
fn part_e_keeps_its_conditions_through_crashes() {
    Campaign::new(this_test!())
        .seeds(4_000)
        .reaching(&[
            situation::COMMITTED,
            situation::YES_IN_VAIN,
            situation::ABORTED_ALONE,
            situation::RESTART_IN_DOUBT,
            situation::PRESUMED_ABORT,
            situation::COMMITTED_RESTART,
            situation::TOLD_BY_PEER,
        ])
        .firing(&[
            "crash",
            "crash_amid",
            "disk_unsynced_lost",
            "disk_kept",
            "disk_torn",
            "disk_full",
            "partition",
        ])
        .run(|trial| Episode::<Roles>::draw(trial.seed).survive(trial));
}

#[test]
fn part_e_all_decide_once_all_have_recovered() {
    Campaign::new(this_test!())
        .seeds(4_000)
        .reaching(&[situation::LATE_YES, situation::RESTART_IN_DOUBT, situation::COMMITTED_RESTART])
        .firing(&["crash", "crash_amid", "pause", "replay", "deaf"])
        .run(|trial| Episode::<Roles>::draw(trial.seed).survive_and_reach_the_goal(trial));
}

/// Crashes in the milliseconds that a sync takes, at every node: what was said too early is found out.
#[test]
fn part_e_says_nothing_that_a_crash_can_take_back() {
    let mut episode = Episode::calm(Roles::voting(&[Vote::Yes; 3]));
    episode.length = ms(600);
    episode.storm.sync_delay = simnet::Delay::Uniform { min_us: 2_000, max_us: 8_000 };
    for (index, node) in ["c", "p1", "p2", "p3"].into_iter().enumerate() {
        for (step, effects) in [(0, 1), (1, 2), (2, 3), (3, 5)] {
            let at = ms(2 + 3 * index as u64 + 40 * step);
            let fault = Fault::CrashAmid { node: node.into(), effects, disk: DiskFate::LoseUnsynced };
            episode.storm.plan = episode.storm.plan.during(at, ms(30), fault);
        }
    }
    Campaign::new(this_test!())
        .seeds(500)
        .firing(&["crash_amid", "disk_unsynced_lost"])
        .reaching(&[situation::RESTART_IN_DOUBT, situation::PRESUMED_ABORT])
        .run(|trial| episode.survive(trial));
}

#[test]
fn part_e_no_schedule_of_two_participants_and_two_crashes_breaks_a_condition() {
    for votes in [[Vote::Yes, Vote::Yes], [Vote::Yes, Vote::No]] {
        let roles = Roles::voting(&votes);
        let bounds = Bounds { crashes: 2, ..roles.bounds() };
        let answer = roles.question(&bounds).check("02-messages", &format!("{roles}; {bounds}"));
        if let Some((violation, trace)) = &answer.broken {
            panic!("{violation}\n{}", simnet::diagram::render(trace, &simnet::diagram::Options::default()));
        }
        expect("every schedule within the bounds is explored", true, answer.complete);
    }
}

/// What `node` saw and did in a run, without times: as far as it can tell, this is the run.
fn seen_by(trace: &Trace, node: &str) -> Vec<String> {
    let own = trace.events.iter().filter(|event| event.node.as_deref() == Some(node));
    let own = own.filter(|event| !matches!(event.kind, Kind::State | Kind::Violation));
    own.map(|event| format!("{:?} {:?} {:?}", event.kind, event.name, event.peer)).collect()
}

/// The checked world finds the run in which everybody waits: once after a commit, and once after an abort. No participant can tell the
/// two apart, so none can decide and be right in both.
#[test]
fn part_e_two_phase_commit_blocks() {
    let roles = Roles::voting(&[Vote::Yes; 2]);
    let participants = roles.participants();
    let found = [Decision::Commit, Decision::Abort].map(|decision| {
        let blocking = Blocking::new(COORDINATOR, &participants).after(decision);
        let question = Question::new(&roles.cluster(), blocking).with_crashes(1, &[COORDINATOR]);
        let answer =
            question.check("02-messages", &format!("{roles}; the coordinator crashes after its {decision}"));
        let Some((violation, trace)) = answer.broken else {
            panic!(
                "rule broken: a participant that has voted Yes waits, whatever the coordinator has decided\n  \
                 expected: a schedule in which it waits after the coordinator's {decision}\n  got: none of {} states",
                answer.unique_states
            )
        };
        expect("what it finds is that nobody can get on", NONBLOCKING, violation.rule.as_str());
        trace
    });
    let [after_commit, after_abort] = &found;
    for node in ["p1", "p2"] {
        let (mut commit, mut abort) = (seen_by(after_commit, node), seen_by(after_abort, node));
        // Which of the others was quicker is another matter.
        commit.sort();
        abort.sort();
        expect("a participant in doubt sees the same, whatever was decided", abort, commit);
    }
}

#[test]
fn part_e_waits_for_the_coordinator_to_return() {
    let roles = Roles::voting(&[Vote::Yes; 3]);
    // All have voted Yes. Either the coordinator knows and has committed, but no Commit gets through; or it does not know.
    for (expected, cut) in [(Decision::Commit, "Commit"), (Decision::Abort, "Yes")] {
        let mut episode = Episode::calm(roles.clone());
        let lost =
            Fault::Filter { message: cut.into(), from: vec![], to: vec![], chance: simnet::Chance::ALWAYS };
        let crash = Fault::Crash { node: "c".into(), disk: DiskFate::LoseUnsynced };
        episode.storm.plan =
            Plan::new().during(ms(0), ms(39), lost).during(ms(39), Duration::from_secs(60), crash);
        Campaign::new(this_test!()).seeds(50).firing(&["filter", "crash"]).run(|trial| {
            let mut sim = episode.begin(trial);
            sim.run_for(Duration::from_secs(60));
            let waiting = roles.participants().iter().filter(|node| is_in_doubt(&sim, **node)).count();
            if waiting != 3 && sim.violation().is_none() {
                let rule = "while the coordinator is down, participants that have all voted Yes wait";
                sim.violate(simnet::Violation::new(rule, "3 in doubt", waiting.to_string()));
            }
            sim.must_reach(PROGRESS, ms(300), |sim| has_decided(sim, expected) >= 4);
            sim
        });
    }
}

fn is_in_doubt(sim: &Sim<Node>, node: NodeId) -> bool {
    sim.process(node).is_some_and(|process| process.view().is_in_doubt())
}

/// The coordinator is down for good, but one participant has heard the commit: the others ask it.
#[test]
fn part_e_participants_end_it_among_themselves_when_one_knows() {
    let mut episode = Episode::calm(Roles::voting(&[Vote::Yes; 3]));
    let lost = Fault::Filter {
        message: "Commit".into(),
        from: vec!["c".into()],
        to: vec!["p1".into(), "p3".into()],
        chance: simnet::Chance::ALWAYS,
    };
    let crash = Fault::Crash { node: "c".into(), disk: DiskFate::LoseUnsynced };
    episode.storm.plan = Plan::new().at(ms(0), lost).at(ms(50), crash);
    Campaign::new(this_test!())
        .seeds(100)
        .firing(&["filter", "crash"])
        .reaching(&[situation::TOLD_BY_PEER])
        .run(|trial| {
            let mut sim = episode.begin(trial);
            let rule = "a participant in doubt decides when another one that is up knows the decision";
            sim.must_reach(rule, ms(500), |sim| has_decided(sim, Decision::Commit) == 4);
            sim
        });
}
