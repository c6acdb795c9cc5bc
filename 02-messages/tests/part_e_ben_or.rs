//! Part E, second half: Ben-Or's randomised consensus.

use messages::ben_or::invariants::{COUNTED, TERMINATION, situation};
use messages::ben_or::standstill::{PROGRESS, Standstill};
use messages::ben_or::{BenOr, Bit, Coin, Message, Output, Roles};
use messages::scene::{Episode, Scene};
use simnet::checked::Question;
use simnet::fault::Fault;
use simnet::rule::{expect, expect_that};
use simnet::solo::Sent;
use simnet::{Campaign, Delay, NodeId, Observe, Sim, Solo, Violation, this_test};
use std::time::Duration;

use Bit::{One, Zero};

const ME: NodeId = NodeId(0);

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn report(round: u32, value: Bit) -> Message {
    Message::Report { round, value }
}

fn proposal(round: u32, value: Option<Bit>) -> Message {
    Message::Proposal { round, value }
}

/// `p1` of so many processes, of which `faulty` may crash. It begins with 0.
fn process(count: u32, faulty: usize) -> (Solo<BenOr>, Vec<Sent<Message>>) {
    Solo::start(ME, move || BenOr::new((0..count).map(NodeId).collect(), faulty, Zero, Coin::Fair))
}

/// That it sends this to all others, and nothing else.
#[track_caller]
fn expect_to_all(rule: &str, sent: &[Sent<Message>], count: u32, messages: &[Message]) {
    let got: Vec<(NodeId, Message)> = sent.iter().map(|sent| (sent.to, sent.message)).collect();
    let expected: Vec<(NodeId, Message)> =
        messages.iter().flat_map(|message| (1..count).map(|to| (NodeId(to), *message))).collect();
    expect(rule, expected, got);
}

/// Hands over messages of `p2`, `p3`, …; returns what is sent after the last.
fn hear(solo: &mut Solo<BenOr>, messages: &[Message]) -> Vec<Sent<Message>> {
    let mut sent = Vec::new();
    for (from, message) in (1..).zip(messages) {
        sent = solo.receive(NodeId(from), *message);
    }
    sent
}

#[test]
fn part_e_begins_with_a_report_to_all() {
    let (solo, sent) = process(3, 1);
    expect_to_all("(R, 1, x): a process reports what it begins with", &sent, 3, &[report(1, Zero)]);
    expect("one report, its own, of three is too few to go on", 1, solo.process().view().round);
}

#[test]
fn part_e_waits_for_all_but_f() {
    let (mut solo, _) = process(5, 2);
    expect_to_all(
        "two reports of five: too few, when two may crash",
        &solo.receive(NodeId(1), report(1, Zero)),
        5,
        &[],
    );
    let sent = solo.receive(NodeId(4), report(1, Zero));
    expect_to_all("three reports of five: nobody may wait for more", &sent, 5, &[proposal(1, Some(Zero))]);
    expect_to_all("two proposals of five are too few", &solo.receive(NodeId(1), proposal(1, None)), 5, &[]);
    let sent = solo.receive(NodeId(2), proposal(1, None));
    expect_to_all("three proposals of five end the round", &sent, 5, &[report(2, Zero)]);
}

#[test]
fn part_e_proposes_only_what_more_than_half_of_all_report() {
    // Two of the three heard are not more than half of five.
    let (mut solo, _) = process(5, 2);
    let sent = hear(&mut solo, &[report(1, Zero), report(1, One)]);
    expect_to_all(
        "(BO4) two of five are not more than half, though two of the three heard",
        &sent,
        5,
        &[proposal(1, None)],
    );
    // Two are not more than half of four.
    let (mut solo, _) = process(4, 1);
    let sent = hear(&mut solo, &[report(1, Zero), report(1, One)]);
    expect_to_all("(BO4) half is not more than half", &sent, 4, &[proposal(1, None)]);
    let (mut solo, _) = process(4, 1);
    let sent = hear(&mut solo, &[report(1, Zero), report(1, Zero)]);
    expect_to_all("three of four are", &sent, 4, &[proposal(1, Some(Zero))]);
    // What the others report counts, also against one's own.
    let (mut solo, _) = process(5, 1);
    let sent = hear(&mut solo, &[report(1, One), report(1, One), report(1, One)]);
    expect_to_all(
        "a process proposes what more than half report, whatever it holds itself",
        &sent,
        5,
        &[proposal(1, Some(One))],
    );
}

#[test]
fn part_e_decides_when_more_than_f_propose() {
    let (mut solo, _) = process(5, 2);
    hear(&mut solo, &[report(1, Zero), report(1, Zero)]);
    let sent = hear(&mut solo, &[proposal(1, Some(Zero)), proposal(1, Some(Zero))]);
    expect(
        "three proposals are more than f = 2",
        vec![Output { value: Zero, round: 1 }],
        solo.take_outputs(),
    );
    expect_to_all("who has decided begins the next round with that", &sent, 5, &[report(2, Zero)]);
}

#[test]
fn part_e_adopts_what_a_single_process_proposes() {
    let (mut solo, _) = process(5, 2);
    // Not even its own report is for 1, nor its proposal: one other process proposes it.
    hear(&mut solo, &[report(1, One), report(1, One)]);
    let sent = hear(&mut solo, &[proposal(1, Some(One)), proposal(1, None)]);
    expect("(BO6) one proposal is not more than f = 2", vec![], solo.take_outputs());
    expect_to_all(
        "(BO5) but it may have been decided elsewhere, so it is held from now on",
        &sent,
        5,
        &[report(2, One)],
    );
}

#[test]
fn part_e_flips_a_coin_when_nobody_proposes() {
    let [flips, others] = [0, 1].map(flips);
    // 400 flips: 200, and five standard deviations of 10 to either side.
    let about_half = "from 150 to 250 of 400";
    let zeros = flips.iter().filter(|bit| **bit == Zero).count();
    expect_that(
        "the coin falls on either side with probability 1/2",
        about_half,
        (150..=250).contains(&zeros),
        zeros,
    );
    // A sequence that looks fair, but is known beforehand, is no coin: against it the network can play.
    let equal = flips.iter().zip(&others).filter(|(flip, other)| flip == other).count();
    expect_that(
        "the coin is chance: under another seed it falls otherwise in half of all rounds",
        about_half,
        (150..=250).contains(&equal),
        equal,
    );
}

/// What a process flips in 400 rounds in which nobody proposes, under this seed.
#[track_caller]
fn flips(seed: u64) -> Vec<Bit> {
    let everybody: Vec<NodeId> = (0..3).map(NodeId).collect();
    let (mut solo, _) =
        Solo::start_with(seed, ME, move || BenOr::new(everybody.clone(), 1, Zero, Coin::Fair));
    let mut flip = |round| {
        // Whatever it holds, the other one reports the opposite, so nobody has more than half of three.
        let opposite = if solo.process().view().preference == Zero { One } else { Zero };
        solo.receive(NodeId(1), report(round, opposite));
        let sent = solo.receive(NodeId(2), proposal(round, None));
        let Some(Message::Report { value, .. }) = sent.last().map(|sent| sent.message) else {
            panic!("rule broken: {COUNTED}\n  expected: a report of round {}\n  got: {sent:?}", round + 1);
        };
        value
    };
    let flips = (1..=400).map(&mut flip).collect();
    expect("who flips decides nothing", vec![], solo.take_outputs());
    flips
}

#[test]
fn part_e_counts_processes_not_messages() {
    let (mut solo, _) = process(5, 2);
    for _ in 0..5 {
        expect_to_all(
            "one process, heard five times, is one",
            &solo.receive(NodeId(1), report(1, Zero)),
            5,
            &[],
        );
    }
    solo.receive(NodeId(2), report(1, Zero));
    for _ in 0..5 {
        expect_to_all("also when it proposes", &solo.receive(NodeId(1), proposal(1, Some(Zero))), 5, &[]);
    }
    expect("nothing is decided by one process", vec![], solo.take_outputs());
}

#[test]
fn part_e_keeps_what_comes_too_early_and_forgets_what_comes_too_late() {
    let (mut solo, _) = process(3, 1);
    // p2 is two rounds ahead of p3.
    for message in [proposal(1, None), report(2, One), proposal(2, None)] {
        expect_to_all(
            "a message of a later phase or round does not end this one",
            &solo.receive(NodeId(1), message),
            3,
            &[],
        );
    }
    let sent = solo.receive(NodeId(1), report(1, One));
    expect("a report that was waited for sets all free that had waited behind it", 2 * 4, sent.len());
    expect("(BO6) two rounds have ended", 3, solo.process().view().round);
    solo.receive(NodeId(2), report(1, One));
    solo.receive(NodeId(2), proposal(2, Some(One)));
    expect("a message of a round that is over changes nothing", 3, solo.process().view().round);
}

#[test]
fn part_e_goes_one_more_round_for_the_others() {
    let (mut solo, _) = process(3, 1);
    solo.receive(NodeId(1), report(1, Zero));
    let sent = solo.receive(NodeId(1), proposal(1, Some(Zero)));
    expect_to_all("who has decided takes part in the next round", &sent, 3, &[report(2, Zero)]);
    let sent = solo.receive(NodeId(1), report(2, Zero));
    expect_to_all("in both its phases", &sent, 3, &[proposal(2, Some(Zero))]);
    let sent = solo.receive(NodeId(1), proposal(2, Some(Zero)));
    expect_to_all("and then no more: everybody can decide by now", &sent, 3, &[]);
    expect("(BO3) a process decides once", vec![Output { value: Zero, round: 1 }], solo.take_outputs());
}

/// How many have decided.
fn decided(sim: &Sim<BenOr>) -> usize {
    sim.outputs().len()
}

/// Validity, and how quick it is when there is nothing to agree on.
#[test]
fn part_e_decides_in_the_first_round_when_all_begin_alike() {
    for (count, value) in [(2, Zero), (3, One), (4, One), (5, Zero), (7, One)] {
        let mut episode = Episode::calm(Roles::beginning_with(&vec![value; count]));
        for (_, node) in (0..episode.scene.faulty()).zip(["p1", "p2", "p3"]) {
            let crash = Fault::Crash { node: node.into(), disk: simnet::DiskFate::Wipe };
            episode.storm.plan = episode.storm.plan.at(ms(0), crash);
        }
        let roles = episode.scene.clone();
        Campaign::new(this_test!()).seeds(100).run(|trial| {
            let mut sim = episode.begin(trial);
            let rule = "(BO2) when all begin with the same value, it is decided in round 1, though f crash";
            sim.must_reach(rule, ms(20), |sim| decided(sim) == count - roles.faulty());
            if let Some(told) = sim.outputs().iter().find(|told| told.output != Output { value, round: 1 }) {
                let got = format!("{} decides {:?}", told.node, told.output);
                sim.violate(Violation::new(rule, format!("{value} in round 1"), got));
            }
            sim
        });
    }
}

/// The most rounds that any of these seeds takes. A fair coin gives no bound that holds for all seeds.
const MOST_ROUNDS: u32 = 40;

#[test]
fn part_e_decides_with_probability_1() {
    for values in [&[Zero, One, One][..], &[Zero, One, Zero, One, One]] {
        let roles = Roles::beginning_with(values);
        let episode = Episode::calm(roles.clone());
        Campaign::new(this_test!())
            .seeds(2_000)
            .reaching(&[situation::FLIPPED, situation::ADOPTED, situation::THIRD_ROUND, situation::SPLIT])
            .run(|trial| {
                let mut sim = episode.begin(trial);
                sim.must_reach(TERMINATION, roles.patience(), |sim| decided(sim) == values.len());
                let rounds = sim.outputs().iter().map(|told| told.output.round).max().unwrap_or(0);
                if rounds > MOST_ROUNDS {
                    let rule = "in the calm these seeds decide within a stated number of rounds";
                    sim.violate(Violation::new(rule, format!("at most {MOST_ROUNDS}"), rounds.to_string()));
                }
                sim
            });
    }
}

#[test]
fn part_e_all_that_are_up_decide_the_same_bit() {
    Campaign::new(this_test!())
        .seeds(4_000)
        .reaching(&[
            situation::FLIPPED,
            situation::ADOPTED,
            situation::NOT_TOGETHER,
            situation::AHEAD,
            situation::BEHIND,
            situation::THIRD_ROUND,
        ])
        .firing(&["crash", "crash_amid", "duplicate", "late", "partition", "pause", "slow", "replay"])
        .run(|trial| Episode::<Roles>::draw(trial.seed).survive_and_reach_the_goal(trial));
}

/// Three processes in a network in which every message arrives, some always later than others.
fn standstill(coin: Coin) -> Episode<Roles> {
    let mut episode = Episode::calm(Roles { coin, ..Roles::default() });
    episode.storm.weather.delay = Delay::fixed(ms(1));
    // p1 and p2 hear each other first, and p3 hears p1: a 0 and a 1 each time, of which neither is more than half of three.
    for (from, to) in [("p3", "p1"), ("p3", "p2"), ("p2", "p3")] {
        let slow = Fault::Slow { from: vec![from.into()], to: vec![to.into()], by: ms(9).into() };
        episode.storm.plan = episode.storm.plan.at(ms(0), slow);
    }
    episode
}

#[test]
fn part_e_without_a_coin_some_weather_prevents_a_decision_for_ever() {
    let episode = standstill(Coin::Stuck);
    Campaign::new(this_test!()).seeds(5).firing(&["slow"]).run(|trial| {
        let mut sim = episode.begin(trial);
        sim.run_for(Duration::from_secs(20));
        let rounds: Vec<u32> = episode
            .scene
            .processes()
            .iter()
            .filter_map(|node| Some(sim.process(*node)?.view().round))
            .collect();
        let standstill = sim.outputs().is_empty() && rounds.iter().all(|round| *round > 9_000);
        if !standstill && sim.violation().is_none() {
            let got = format!("{} decisions, rounds {rounds:?}", sim.outputs().len());
            let rule = "without randomness, a fair network can keep all processes from deciding";
            sim.violate(Violation::new(rule, "no decision in 9,000 rounds", got));
        }
        sim
    });
}

#[test]
fn part_e_with_a_coin_the_same_weather_does_not() {
    let episode = standstill(Coin::Fair);
    Campaign::new(this_test!()).seeds(500).firing(&["slow"]).reaching(&[situation::FLIPPED]).run(|trial| {
        let mut sim = episode.begin(trial);
        sim.must_reach(TERMINATION, ms(500), |sim| decided(sim) == 3);
        sim
    });
}

/// The checked world finds the weather by itself: a round after which all is as before. Then all can be so again.
#[test]
fn part_e_without_a_coin_some_round_changes_nothing() {
    let roles = Roles { coin: Coin::Stuck, ..Roles::default() };
    let question = Question::new(&roles.cluster(), Standstill::new(roles.initial()))
        .within(|process: &BenOr| process.view().round <= 2);
    let answer = question.check("02-messages", &format!("{roles}"));
    let Some((violation, _)) = answer.broken else {
        panic!(
            "rule broken: without a coin some round changes nothing
  expected: a schedule that shows it
  \
             got: none of {} states",
            answer.unique_states
        )
    };
    expect("what it finds is a standstill", PROGRESS, violation.rule.as_str());
}

#[test]
fn part_e_no_schedule_of_three_processes_breaks_a_lemma() {
    let roles = Roles::small();
    let bounds = roles.bounds();
    let answer = roles.question(&bounds).check("02-messages", &format!("{roles}; {bounds}"));
    if let Some((violation, trace)) = &answer.broken {
        panic!("{violation}\n{}", simnet::diagram::render(trace, &simnet::diagram::Options::default()));
    }
    expect("every schedule within the bounds is explored", true, answer.complete);
}
