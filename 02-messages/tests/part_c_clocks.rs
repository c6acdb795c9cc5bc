//! Part C: clocks. First by hand; then in whole runs, against what happened before what by its definition.

use messages::clocks::invariants::situation;
use messages::clocks::scene::Roles;
use messages::clocks::{LamportClock, Stamp, VectorClock};
use messages::scene::{Episode, Scene};
use simnet::{Campaign, NodeId, this_test};
use std::cmp::Ordering;

const P: NodeId = NodeId(0);
const Q: NodeId = NodeId(1);
const R: NodeId = NodeId(2);

/// All vectors of three processes with numbers below `bound`.
fn vectors(bound: u64) -> Vec<[u64; 3]> {
    let numbers = || 0..bound;
    numbers().flat_map(|p| numbers().flat_map(move |q| numbers().map(move |r| [p, q, r]))).collect()
}

fn vector(counts: [u64; 3]) -> VectorClock {
    VectorClock::from_counts(counts.to_vec())
}

#[test]
fn part_c_nothing_has_happened_yet() {
    assert_eq!(LamportClock::default().time(), 0, "rule broken: a clock begins at 0");
    let clock = VectorClock::new(3);
    let known = [P, Q, R].map(|process| clock.of(process));
    assert_eq!(known, [0, 0, 0], "rule broken: a vector clock begins with no event of anybody");
}

#[test]
fn part_c_each_event_is_later_than_the_one_before() {
    let mut clock = LamportClock::default();
    let mut last = clock.time();
    for _ in 0..100 {
        let time = clock.tick();
        assert!(
            last < time && clock.time() == time,
            "rule broken: rule 1: between two events of a process its clock moves forward, and the event bears the new time\n  expected: a time after {last}, which the clock shows then\n  got: {time}, and the clock shows {}",
            clock.time()
        );
        last = time;
    }
}

#[test]
fn part_c_a_receipt_is_later_than_its_sending_and_than_all_before_it() {
    for here in 0..20 {
        for sent in 0..20 {
            let mut clock = LamportClock::default();
            (0..here).for_each(|_| _ = clock.tick());
            let before = clock.time();
            let time = clock.receive(sent);
            assert!(
                time > sent && time > before && clock.time() == time,
                "rule broken: rule 2: a receipt is later than the sending, and than what has happened here\n  expected: a time after {sent} and after {before}\n  got: {time}, and the clock shows {}",
                clock.time()
            );
            assert!(
                time <= sent.max(before) + 1,
                "rule broken: rule 2: a clock goes no further than it must\n  expected: the time after {}\n  got: {time}",
                sent.max(before)
            );
        }
    }
}

#[test]
fn part_c_the_total_order_leaves_no_two_events_unordered() {
    let stamps: Vec<Stamp> =
        (1..5).flat_map(|time| [P, Q, R].map(|process| Stamp { time, process })).collect();
    for (place, a) in stamps.iter().enumerate() {
        for (other, b) in stamps.iter().enumerate() {
            // They are listed by time, and within one time by process.
            let (got, expected) = (a.cmp(b), place.cmp(&other));
            assert!(
                got == expected,
                "rule broken: (C2) the order ⇒ is by time, and within one time by process\n  expected: {a} is {expected:?} than {b}\n  got: {got:?}"
            );
        }
    }
}

#[test]
fn part_c_a_vector_counts_what_happened_before() {
    // p sends to q, q sends to r; meanwhile r is busy by itself.
    let mut clocks = [P, Q, R].map(|_| VectorClock::new(3));
    let mut story = Vec::new();
    clocks[0].tick(P);
    story.push(("p sends to q", clocks[0].clone(), [1, 0, 0]));
    clocks[2].tick(R);
    story.push(("r does something by itself", clocks[2].clone(), [0, 0, 1]));
    let sent = clocks[0].clone();
    clocks[1].receive(Q, &sent);
    story.push(("q receives it", clocks[1].clone(), [1, 1, 0]));
    clocks[1].tick(Q);
    story.push(("q sends to r", clocks[1].clone(), [1, 2, 0]));
    let sent = clocks[1].clone();
    clocks[2].receive(R, &sent);
    story.push(("r receives it, and knows of p", clocks[2].clone(), [1, 2, 2]));
    for (event, got, expected) in story {
        assert!(
            got == vector(expected),
            "rule broken: a vector counts, for each process, the events that happened before or now\n  expected: {:?} when {event}\n  got: {got}",
            vector(expected)
        );
    }
}

#[test]
fn part_c_a_receipt_knows_all_that_was_known_at_either_end() {
    for here in vectors(3) {
        for sent in vectors(3) {
            let mut clock = vector(here);
            clock.receive(Q, &vector(sent));
            let mut expected = [0, 1, 2].map(|process| here[process].max(sent[process]));
            expected[Q.index()] += 1;
            assert!(
                clock == vector(expected),
                "rule broken: a receipt knows what the sending knew and what was known here, and is an event itself\n  expected: q at {:?} receives {:?} and is at {:?}\n  got: {clock}",
                vector(here),
                vector(sent),
                vector(expected)
            );
        }
    }
}

#[test]
fn part_c_vectors_compare_by_every_process() {
    let all = vectors(3);
    for a in &all {
        for b in &all {
            let pairs = || a.iter().zip(b);
            let expected = match (pairs().all(|(a, b)| a <= b), pairs().all(|(a, b)| a >= b)) {
                (true, true) => Some(Ordering::Equal),
                (true, false) => Some(Ordering::Less),
                (false, true) => Some(Ordering::Greater),
                (false, false) => None,
            };
            let got = vector(*a).partial_cmp(&vector(*b));
            assert!(
                got == expected,
                "rule broken: one vector is below another if no number is greater, and one is smaller\n  expected: {a:?} to {b:?} is {expected:?}\n  got: {got:?}"
            );
        }
    }
}

/// Every pair of events of every run is compared: by both clocks, and by what happened before what.
#[test]
fn part_c_clocks_agree_with_what_happened_before_in_any_weather() {
    Campaign::new(this_test!())
        .seeds(1_500)
        .reaching(&[
            situation::CONCURRENT,
            situation::ORDERED_THOUGH_CONCURRENT,
            situation::TIE,
            situation::AHEAD,
            situation::BEHIND,
            situation::HEARSAY,
        ])
        .firing(&["drop", "duplicate", "reorder", "partition", "late", "replay", "pause", "clock"])
        .run(|trial| Episode::<Roles>::draw(trial.seed).survive_and_reach_the_goal(trial));
}

#[test]
fn part_c_no_schedule_of_three_processes_breaks_the_clock_conditions() {
    let roles = Roles::small();
    let bounds = roles.bounds();
    let answer = roles.question(&bounds).check("02-messages", &format!("{roles}; {bounds}"));
    if let Some((violation, _)) = answer.broken {
        panic!("{violation}");
    }
    assert!(answer.complete, "every schedule was to be explored, {} states were", answer.states);
    assert!(answer.unique_states > 100, "only {} states", answer.unique_states);
}
