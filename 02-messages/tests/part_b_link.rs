//! Part B: a reliable, ordered link over a network that loses, doubles and reorders.

use messages::link::fragment::{Joiner, cut};
use messages::link::invariants::{EXACTLY_ONCE, situation};
use messages::link::number::{after, distance, largest_window};
use messages::link::receiver::Receiver;
use messages::link::scene::{RECEIVER, Roles, SENDER};
use messages::link::sender::Sender;
use messages::link::{Message, Node, Settings, Timer};
use messages::scene::{Episode, Scene};
use simnet::checked::Answer;
use simnet::rule::expect;
use simnet::solo::Sent;
use simnet::swarm::{Storm, Weather};
use simnet::{Campaign, Chance, Delay, Plan, Solo, Violation, this_test};
use std::time::Duration;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Four segments may be under way, of two bytes each; the numbers from 0 to 9, beginning with 8.
const SETTINGS: Settings =
    Settings { numbers: 10, first: 8, window: 4, fragment: 2, resend: ms(10), longest: ms(50) };

/// A sender of these messages, and what it sends at its start.
fn sender(messages: &[&str]) -> (Solo<Node>, Vec<Sent<Message>>) {
    let messages: Vec<Vec<u8>> = messages.iter().map(|text| text.as_bytes().to_vec()).collect();
    Solo::start(SENDER, move || Node::Sender(Sender::new(SETTINGS, RECEIVER, messages.clone())))
}

fn receiver() -> Solo<Node> {
    Solo::start(RECEIVER, || Node::Receiver(Receiver::new(SETTINGS))).0
}

/// The numbers of the segments among what was sent.
fn numbers(sent: &[Sent<Message>]) -> Vec<u32> {
    let numbers = sent.iter().filter_map(|sent| match sent.message {
        Message::Segment { number, .. } => Some(number),
        Message::Ack { .. } => None,
    });
    numbers.collect()
}

fn segment(number: u32, bytes: &str) -> Message {
    Message::Segment { number, last: true, bytes: bytes.as_bytes().to_vec() }
}

/// Hands the receiver a segment; returns its acknowledgement, and the messages that it hands on.
#[track_caller]
fn hand(receiver: &mut Solo<Node>, segment: Message) -> (Vec<(u32, u32)>, Vec<String>) {
    let sent = receiver.receive(SENDER, segment);
    let acks = sent.iter().map(|sent| match sent.message {
        Message::Ack { of, next } => (of, next),
        Message::Segment { .. } => panic!("rule broken: a receiver only acknowledges\n  got: {sent:?}"),
    });
    let acks = acks.collect();
    let told =
        receiver.take_outputs().into_iter().map(|output| String::from_utf8_lossy(&output.0).into_owned());
    (acks, told.collect())
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

#[test]
fn part_b_a_receiver_is_silent_until_something_comes() {
    let (receiver, sent) = Solo::start(RECEIVER, || Node::Receiver(Receiver::new(SETTINGS)));
    expect("a receiver only answers", (vec![], 0), (sent, receiver.alarms().count()));
}

#[test]
fn part_b_numbers_wrap_around() {
    expect("after 9 of ten numbers comes 0", 0, after(9, 1, 10));
    expect("three places after 8 of ten numbers is 1", 1, after(8, 3, 10));
    expect("nothing added is nothing changed", 5, after(5, 0, 10));
    expect("from 2 on to 5 there are 3 steps", 3, distance(2, 5, 10));
    expect("from 8 on to 1 there are 3 steps, past the largest", 3, distance(8, 1, 10));
    expect("from 5 on to 2 there are 7 steps: one counts upwards only", 7, distance(5, 2, 10));
    expect("from a number to itself there is no step", 0, distance(7, 7, 10));
    let most = u32::MAX;
    expect("the largest count of numbers works too", 1, after(most - 1, 2, most));
    expect("the largest count of numbers works too", 2, distance(most - 1, 1, most));
    for numbers in 2..20 {
        for from in 0..numbers {
            for by in 0..numbers {
                let got = distance(from, after(from, by, numbers), numbers);
                expect("the distance is what was added", by, got);
            }
        }
    }
}

#[test]
fn part_b_cuts_and_joins() {
    for length in 0..50_usize {
        let message: Vec<u8> = (0..length as u8).collect();
        for most in [1, 2, 7, 50] {
            let fragments = cut(&message, most);
            expect(
                "no fragment is longer than it may be",
                true,
                fragments.iter().all(|part| part.len() <= most),
            );
            expect("no fragment more than needed", length.div_ceil(most).max(1), fragments.len());
            let mut joiner = Joiner::default();
            // Twice: what was joined may not be in the way of the next message.
            for _ in 0..2 {
                let (last, first) = fragments.split_last().expect("also an empty message has a fragment");
                for part in first {
                    expect("a message is whole with its last fragment", None, joiner.join(part, false));
                }
                expect("joined, it is what was cut", Some(message.clone()), joiner.join(last, true));
            }
        }
    }
}

#[test]
fn part_b_sends_a_window_and_waits() {
    // "ab", "c" and "de", "f": fragments of two bytes at most.
    let (sender, sent) = sender(&["abc", "def", "g", "h"]);
    expect("(B2) a window of segments is sent, numbered from the first on", vec![8, 9, 0, 1], numbers(&sent));
    let parts: Vec<(bool, String)> = sent
        .iter()
        .filter_map(|sent| match &sent.message {
            Message::Segment { last, bytes, .. } => {
                Some((*last, String::from_utf8_lossy(bytes).into_owned()))
            }
            Message::Ack { .. } => None,
        })
        .collect();
    let expected = [(false, "ab"), (true, "c"), (false, "de"), (true, "f")];
    let expected: Vec<(bool, String)> = expected.map(|(last, bytes)| (last, bytes.to_string())).to_vec();
    expect("each says whether it is its message's last", expected, parts);
    let alarms: Vec<_> = sender.alarms().map(|(timer, after)| (timer.clone(), after)).collect();
    expect("an acknowledgement is waited for", vec![(Timer::Resend, ms(10))], alarms);
}

#[test]
fn part_b_an_acknowledgement_makes_room() {
    let (mut sender, _) = sender(&["a", "b", "c", "d", "e", "f"]);
    let sent = sender.receive(RECEIVER, Message::Ack { of: 8, next: 9 });
    expect("(B2) one acknowledged, one more sent", vec![2], numbers(&sent));
    let sent = sender.receive(RECEIVER, Message::Ack { of: 0, next: 1 });
    // Only one message is left, though there is room for two.
    expect("an acknowledgement counts for all before it", vec![3], numbers(&sent));
}

#[test]
fn part_b_an_old_acknowledgement_changes_nothing() {
    let (mut sender, _) = sender(&["a", "b", "c", "d", "e", "f", "g", "h"]);
    sender.receive(RECEIVER, Message::Ack { of: 0, next: 1 });
    let before = sender.process().clone();
    for (of, next) in [(0, 1), (8, 9), (9, 0)] {
        let sent = sender.receive(RECEIVER, Message::Ack { of, next });
        expect("an acknowledgement that was overtaken makes no room", vec![], numbers(&sent));
        expect("an acknowledgement that was overtaken changes nothing", true, sender.process() == &before);
    }
    // 1 to 4 are under way: nobody can have waited for 7.
    let sent = sender.receive(RECEIVER, Message::Ack { of: 6, next: 7 });
    expect(
        "what was never sent cannot be acknowledged",
        (vec![], true),
        (numbers(&sent), sender.process() == &before),
    );
}

#[test]
fn part_b_sends_again_what_has_not_come() {
    let (mut sender, _) = sender(&["a", "b", "c", "d"]);
    // 9 and 1 have come, 8 and 0 have not.
    sender.receive(RECEIVER, Message::Ack { of: 9, next: 8 });
    sender.receive(RECEIVER, Message::Ack { of: 1, next: 8 });
    let (timer, sent) = sender.next_alarm().expect("an alarm is set while something is not acknowledged");
    expect(
        "what has not come is sent again, and nothing else",
        (Timer::Resend, vec![8, 0]),
        (timer, numbers(&sent)),
    );
    expect("a segment is the same when it is sent again", segment(0, "c"), sent[1].message.clone());
}

#[test]
fn part_b_waits_longer_each_time() {
    let (mut sender, _) = sender(&["a", "b"]);
    let mut pauses = Vec::new();
    for _ in 0..5 {
        pauses.extend(sender.alarms().map(|(_, after)| after));
        sender.next_alarm();
    }
    expect(
        "the pause doubles up to the longest: a network in trouble is not helped by more packets",
        [10, 20, 40, 50, 50].map(ms).to_vec(),
        pauses,
    );
    sender.receive(RECEIVER, Message::Ack { of: 8, next: 9 });
    let pauses: Vec<_> = sender.alarms().map(|(_, after)| after).collect();
    expect("something has come: the pause is the first again", vec![ms(10)], pauses);
}

#[test]
fn part_b_falls_silent_when_everything_has_come() {
    let (mut sender, _) = sender(&["a", "b"]);
    sender.receive(RECEIVER, Message::Ack { of: 9, next: 0 });
    expect("nothing is waited for when everything is acknowledged", 0, sender.alarms().count());
}

#[test]
fn part_b_hands_on_in_order() {
    let mut receiver = receiver();
    let rule = "(B1) what comes too early waits for what is missing";
    expect(rule, (vec![(0, 8)], vec![]), hand(&mut receiver, segment(0, "c")));
    expect(rule, (vec![(9, 8)], vec![]), hand(&mut receiver, segment(9, "b")));
    expect(rule, (vec![(8, 1)], texts(&["a", "b", "c"])), hand(&mut receiver, segment(8, "a")));
}

#[test]
fn part_b_takes_each_segment_once() {
    let mut receiver = receiver();
    hand(&mut receiver, segment(8, "a"));
    let rule =
        "(B1) what has come is thrown away, and acknowledged: the first acknowledgement may have been lost";
    expect(rule, (vec![(8, 9)], vec![]), hand(&mut receiver, segment(8, "a")));
    expect(rule, (vec![(0, 9)], vec![]), hand(&mut receiver, segment(0, "c")));
    expect(rule, (vec![(0, 9)], vec![]), hand(&mut receiver, segment(0, "c")));
    expect("(B1) each once", (vec![(9, 1)], texts(&["b", "c"])), hand(&mut receiver, segment(9, "b")));
}

#[test]
fn part_b_joins_what_it_hands_on() {
    let mut receiver = receiver();
    let part = |number, last, bytes: &str| Message::Segment { number, last, bytes: bytes.into() };
    expect(
        "a message is handed on when it is whole",
        (vec![(8, 9)], vec![]),
        hand(&mut receiver, part(8, false, "ab")),
    );
    hand(&mut receiver, part(0, false, "de"));
    expect(
        "fragments are joined in order",
        (vec![(9, 1)], texts(&["abc"])),
        hand(&mut receiver, part(9, true, "c")),
    );
    expect(
        "and the next message begins anew",
        (vec![(1, 2)], texts(&["def"])),
        hand(&mut receiver, part(1, true, "f")),
    );
}

/// Every schedule of five messages over a link with so many numbers and such a window; `None` is the largest that is safe.
fn every_schedule(numbers: u32, window: Option<u32>) -> Answer {
    let roles = Roles { messages: 5, numbers, first: numbers - 1, window, ..Roles::small() };
    roles.question(&roles.bounds()).check("02-messages", &roles.to_string())
}

#[test]
fn part_b_no_schedule_breaks_a_tiny_link() {
    for numbers in 2..=5 {
        let answer = every_schedule(numbers, None);
        if let Some((violation, trace)) = answer.broken {
            panic!("{violation}\n{}", simnet::diagram::render(&trace, &Default::default()));
        }
        expect("every schedule within the bounds was explored", true, answer.complete);
    }
}

/// The largest safe window is the largest: with one more, the same search finds a schedule in which an old segment is taken for a new one.
#[test]
fn part_b_a_window_one_larger_is_too_large() {
    for numbers in 2..=5 {
        let window = largest_window(numbers) + 1;
        let rule = every_schedule(numbers, Some(window)).broken.map(|(violation, _)| violation.rule);
        let why = format!("with {numbers} numbers, some schedule breaks a link with a window of {window}");
        expect(&why, Some(EXACTLY_ONCE.to_string()), rule);
    }
}

/// The issue of this part: 100,000 messages, of which the network loses 30 %, doubles 10 %, and keeps no order.
#[test]
fn part_b_carries_100_000_messages() {
    let scene =
        Roles { messages: 100_000, longest_message: 24, fragment: 16, window: Some(64), ..Roles::default() };
    let weather = Weather {
        delay: Delay::uniform(ms(1), ms(10)),
        loss: Chance::percent(30),
        duplication: Chance::percent(10),
        ..Weather::default()
    };
    let storm = Storm { weather, ..Storm::calm() };
    let episode = Episode { scene, storm, length: Duration::from_secs(3_600) };
    let situations =
        [situation::WRAPPED, situation::EARLY, situation::AGAIN, situation::RESENT, situation::JOINED];
    Campaign::new(this_test!()).seeds(1).reaching(&situations).firing(&["drop", "duplicate", "reorder"]).run(
        |trial| {
            let mut sim = episode.begin(trial);
            sim.must_reach(Roles::GOAL, episode.length, episode.when_done());
            sim
        },
    );
}

/// The network is cut for ten seconds. What is sent into the cut is sent for nothing, so it should be little; and when everything has come,
/// nothing is sent any more.
#[test]
fn part_b_is_patient_and_then_silent() {
    let mut episode = Episode::calm(Roles { messages: 40, window: Some(4), ..Roles::default() });
    let cut = simnet::Fault::Isolate { node: "r".into() };
    episode.storm.plan = Plan::new().during(ms(20), Duration::from_secs(10), cut);
    Campaign::new(this_test!()).seeds(50).firing(&["isolate"]).run(|trial| {
        let mut sim = episode.begin(trial);
        sim.run_for(ms(20));
        let before = sim.tally().messages().count;
        sim.run_for(Duration::from_secs(9));
        let into_the_cut = sim.tally().messages().count - before;
        // Pauses of 25, 50, 100, 200 and then 400 ms: 26 in 9 s, each with a window of 4; and what was under way.
        if into_the_cut > 26 * 4 + 8 {
            let expected = "at most 112 messages in nine seconds, with pauses of up to 400 ms";
            let rule = "the pause doubles while no acknowledgement comes";
            sim.violate(Violation::new(rule, expected, format!("{into_the_cut} messages")));
        }
        sim.must_reach(Roles::GOAL, Duration::from_secs(4), episode.when_done());
        sim.run_for(Duration::from_secs(2));
        let before = sim.tally().messages().count;
        sim.run_for(Duration::from_secs(60));
        let after = sim.tally().messages().count - before;
        if after > 0 {
            let rule = "when everything has come, nothing is sent any more";
            sim.violate(Violation::new(rule, "silence", format!("{after} messages within a minute")));
        }
        sim
    });
}

#[test]
fn part_b_carries_everything_through_any_storm() {
    Campaign::new(this_test!())
        .seeds(4_000)
        .reaching(&[
            situation::WRAPPED,
            situation::EARLY,
            situation::AGAIN,
            situation::RESENT,
            situation::FULL,
            situation::JOINED,
            situation::OLD_ACK,
        ])
        .firing(&["drop", "duplicate", "reorder", "partition", "one_way", "filter", "replay", "late"])
        .run(|trial| Episode::<Roles>::draw(trial.seed).survive_and_reach_the_goal(trial));
}
