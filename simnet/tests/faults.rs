//! Each fault of the network: what it does, where, to what is under way, and that it counts itself.

mod toy;

use simnet::delay::Micros;
use simnet::fault::{Fault, Late, Plan, Scheduled};
use simnet::hub::Reorder;
use simnet::{Chance, Delay, DiskFate, NodeId, Sim};
use std::time::Duration;
use toy::{Heard, Puppet, Step, Toy, heard, heard_at, puppets};

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Puppets, messages of exactly 10 ms.
fn sim() -> (Sim<Puppet>, [NodeId; 3], NodeId) {
    let (cluster, nodes, x) = puppets();
    (Sim::new(1, &cluster).with_hub(Reorder::new(Delay::fixed(ms(10)))), nodes, x)
}

fn fired(sim: &Sim<Puppet>, kind: &str) -> u64 {
    sim.tally().faults().get(kind).copied().unwrap_or(0)
}

/// Sends one message along each of the six links between the nodes; returns the links on which it arrived within `within`.
fn open_links(sim: &mut Sim<Puppet>, nodes: [NodeId; 3], within: Duration) -> Vec<String> {
    let before: Vec<usize> = nodes.iter().map(|node| heard(sim, *node).len()).collect();
    for from in nodes {
        for to in nodes {
            if from != to {
                sim.inject(from, to, Toy::Plain(u64::from(from.0)));
            }
        }
    }
    sim.run_for(within);
    let mut open = Vec::new();
    for (to, before) in nodes.into_iter().zip(before) {
        for heard in &heard(sim, to)[before..] {
            let Heard::Plain(from) = heard else { panic!("only plain messages were sent") };
            open.push(format!("{}{}", sim.name(NodeId(*from as u32)), sim.name(to)));
        }
    }
    open.sort();
    open
}

#[test]
fn a_partition_cuts_both_ways_between_its_sides_and_nowhere_else() {
    let (mut sim, nodes, _) = sim();
    let id = sim.begin(Fault::Partition { sides: vec![vec!["a".into()], vec!["b".into()]] });
    // c is on no side, and reaches both.
    assert_eq!(open_links(&mut sim, nodes, ms(20)), ["ac", "bc", "ca", "cb"]);
    assert_eq!(fired(&sim, "partition"), 2);
    sim.end(id);
    assert_eq!(open_links(&mut sim, nodes, ms(20)).len(), 6);
}

#[test]
fn a_one_way_cut_leaves_the_way_back_open() {
    let (mut sim, nodes, _) = sim();
    sim.begin(Fault::OneWay { from: vec!["a".into()], to: vec!["b".into(), "c".into()] });
    assert_eq!(open_links(&mut sim, nodes, ms(20)), ["ba", "bc", "ca", "cb"]);
    assert_eq!(fired(&sim, "one_way"), 2);
}

#[test]
fn an_isolated_node_reaches_nobody_and_is_reached_by_nobody() {
    let (mut sim, nodes, _) = sim();
    sim.begin(Fault::Isolate { node: "a".into() });
    assert_eq!(open_links(&mut sim, nodes, ms(20)), ["bc", "cb"]);
    assert_eq!(fired(&sim, "isolate"), 4);
}

#[test]
fn a_deaf_node_sends_and_a_mute_one_hears() {
    let (mut sim, nodes, _) = sim();
    let deaf = sim.begin(Fault::Deaf { node: "a".into(), from: vec![], chance: Chance::ALWAYS });
    assert_eq!(open_links(&mut sim, nodes, ms(20)), ["ab", "ac", "bc", "cb"]);
    assert_eq!(fired(&sim, "deaf"), 2);
    sim.end(deaf);
    sim.begin(Fault::Mute { node: "a".into(), chance: Chance::ALWAYS });
    assert_eq!(open_links(&mut sim, nodes, ms(20)), ["ba", "bc", "ca", "cb"]);
    assert_eq!(fired(&sim, "mute"), 2);
}

#[test]
fn a_node_may_be_deaf_to_some_only() {
    let (mut sim, nodes, _) = sim();
    let fault = Fault::Deaf { node: "a".into(), from: vec!["b".into()], chance: Chance::ALWAYS };
    assert_eq!(fault.to_string(), "a deaf to b, 100%");
    sim.begin(fault);
    assert_eq!(open_links(&mut sim, nodes, ms(20)), ["ab", "ac", "bc", "ca", "cb"]);
    assert_eq!(fired(&sim, "deaf"), 1);
}

#[test]
fn a_filter_loses_messages_of_one_name_between_the_nodes_it_names() {
    let (mut sim, [a, b, c], _) = sim();
    sim.begin(Fault::Filter {
        message: "Plain".into(),
        from: vec!["a".into()],
        to: vec!["b".into()],
        chance: Chance::ALWAYS,
    });
    sim.inject(a, b, Toy::Plain(1));
    sim.inject(a, b, Toy::Do(vec![Step::Output(2)]));
    sim.inject(a, c, Toy::Plain(3));
    sim.inject(c, b, Toy::Plain(4));
    sim.run_for(ms(20));
    assert_eq!(heard(&sim, b), [Heard::Said(2), Heard::Plain(4)]);
    assert_eq!(heard(&sim, c), [Heard::Plain(3)]);
    assert_eq!(fired(&sim, "filter"), 1);
}

#[test]
fn what_is_under_way_when_a_cut_begins_does_not_arrive_through_it() {
    let (mut sim, [a, b, c], _) = sim();
    sim.inject(a, b, Toy::Plain(1));
    sim.inject(a, c, Toy::Plain(1));
    sim.run_for(ms(5));
    let cut = sim.begin(Fault::Partition { sides: vec![vec!["a".into()], vec!["b".into()]] });
    sim.run_for(ms(20));
    assert_eq!(heard(&sim, b), [], "it would have crossed the cut at 10 ms");
    assert_eq!(heard(&sim, c), [Heard::Plain(1)]);
    assert_eq!(fired(&sim, "partition"), 1);
    sim.end(cut);
    // A cut that is over when the message arrives does it no harm.
    sim.inject(a, b, Toy::Plain(2));
    sim.run_for(ms(2));
    let cut = sim.begin(Fault::Isolate { node: "b".into() });
    sim.run_for(ms(5));
    sim.end(cut);
    sim.run_for(ms(20));
    assert_eq!(heard(&sim, b), [Heard::Plain(2)]);
}

#[test]
fn what_was_lost_to_a_cut_arrives_at_its_end_if_asked_for_each_message_once() {
    for (late, expected) in [(Late::Never, vec![]), (Late::InOrder, (0..50).collect::<Vec<u64>>())] {
        let (mut sim, [a, b, _], _) = sim();
        let cut = sim.begin_late(Fault::Isolate { node: "b".into() }, late);
        for number in 0..50 {
            sim.inject(a, b, Toy::Plain(number));
            sim.run_for(Duration::from_secs(12));
        }
        sim.end(cut);
        sim.run_for(ms(100));
        let arrived: Vec<u64> = heard(&sim, b)
            .into_iter()
            .map(|heard| if let Heard::Plain(number) = heard { number } else { panic!("{heard:?}") })
            .collect();
        assert_eq!(arrived, expected, "{late:?}");
        assert_eq!(fired(&sim, "late"), expected.len() as u64);
    }
    let (mut sim, [a, b, _], _) = sim();
    let cut = sim.begin_late(Fault::Isolate { node: "b".into() }, Late::Shuffled);
    (0..50).for_each(|number| sim.inject(a, b, Toy::Plain(number)));
    sim.run_for(ms(100));
    sim.end(cut);
    sim.run_for(ms(100));
    let mut arrived = heard(&sim, b);
    let in_order: Vec<Heard> = (0..50).map(Heard::Plain).collect();
    assert_ne!(arrived, in_order, "50 messages in order by chance: one in 50!");
    arrived.sort_by_key(|heard| if let Heard::Plain(number) = heard { *number } else { u64::MAX });
    assert_eq!(arrived, in_order);
}

#[test]
fn losses_are_chance_without_memory() {
    // 100,000 messages; the count of losses is within 3 deviations of its mean, and so is the count of neighbours lost together.
    for percent in [1, 10, 50, 90] {
        let chance = Chance::percent(percent);
        let faults = [
            Fault::Mute { node: "a".into(), chance },
            Fault::Deaf { node: "b".into(), from: vec![], chance },
            Fault::Filter { message: "Plain".into(), from: vec![], to: vec![], chance },
        ];
        for fault in faults {
            let kind = fault.kind();
            let (mut sim, [a, b, _], _) = sim();
            sim.begin(fault);
            const MESSAGES: u64 = 100_000;
            (0..MESSAGES).for_each(|number| sim.inject(a, b, Toy::Plain(number)));
            sim.run_for(ms(20));
            let mut lost = vec![true; MESSAGES as usize];
            for heard in heard(&sim, b) {
                let Heard::Plain(number) = heard else { panic!("{heard:?}") };
                lost[number as usize] = false;
            }
            let count = lost.iter().filter(|lost| **lost).count() as u64;
            assert_eq!(fired(&sim, kind), count);
            let p = u64::from(percent);
            within_3_deviations(count, MESSAGES, p, 100, &format!("{kind} {percent}%"));
            // Each of the pairs (0,1), (2,3), … is lost whole with probability p².
            let pairs = lost.chunks(2).filter(|pair| pair[0] && pair[1]).count() as u64;
            within_3_deviations(pairs, MESSAGES / 2, p * p, 10_000, &format!("{kind} {percent}%, pairs"));
        }
    }
}

/// Whether `count` of `trials` is within three standard deviations of the mean for the probability `numerator / denominator`.
fn within_3_deviations(count: u64, trials: u64, numerator: u64, denominator: u64, what: &str) {
    // |count - n·p|² ≤ 9·n·p·(1-p), times denominator², in whole numbers.
    let off = i128::from(count) * i128::from(denominator) - i128::from(trials) * i128::from(numerator);
    let variance = i128::from(trials) * i128::from(numerator) * i128::from(denominator - numerator);
    assert!(off * off <= 9 * variance, "{what}: {count} of {trials}");
}

#[test]
fn a_slow_link_delays_what_is_sent_over_it() {
    let (mut sim, [a, b, c], _) = sim();
    sim.begin(Fault::Slow { from: vec!["a".into()], to: vec!["b".into()], by: Micros(7_000) });
    sim.inject(a, b, Toy::Plain(1));
    sim.inject(a, c, Toy::Plain(2));
    sim.run_for(ms(50));
    assert_eq!(heard_at(&sim, b), [(17_000, Heard::Plain(1))]);
    assert_eq!(heard_at(&sim, c), [(10_000, Heard::Plain(2))]);
    assert_eq!(fired(&sim, "slow"), 1);
}

#[test]
fn messages_queue_for_a_narrow_link() {
    let (mut sim, [a, b, c], _) = sim();
    // A plain message of a small number is two bytes: 2 ms at 1000 bytes a second.
    sim.begin(Fault::Bandwidth { from: vec![], to: vec![], bytes_per_second: 1_000 });
    for number in 1..=3 {
        sim.inject(a, b, Toy::Plain(number));
    }
    sim.inject(a, c, Toy::Plain(4));
    sim.run_for(ms(50));
    let arrivals: Vec<u64> = heard_at(&sim, b).into_iter().map(|(at, _)| at).collect();
    assert_eq!(arrivals, [12_000, 14_000, 16_000], "each waits for those before it");
    assert_eq!(heard_at(&sim, c), [(12_000, Heard::Plain(4))], "each link has its own queue");
    assert_eq!(fired(&sim, "bandwidth"), 4);
}

#[test]
fn a_large_message_takes_a_narrow_link_longer_than_a_small_one() {
    let (mut sim, [a, b, _], _) = sim();
    sim.begin(Fault::Bandwidth { from: vec![], to: vec![], bytes_per_second: 1_000 });
    // A byte for the variant, and one, three or ten for the number: 2, 4 and 11 ms.
    let arrival = |sim: &mut Sim<Puppet>, number| {
        let sent = sim.now().as_micros();
        sim.inject(a, b, Toy::Plain(number));
        sim.run_for(ms(100));
        heard_at(sim, b).last().map(|(at, _)| at - sent)
    };
    assert_eq!(arrival(&mut sim, 1), Some(12_000));
    assert_eq!(arrival(&mut sim, 100_000), Some(14_000));
    assert_eq!(arrival(&mut sim, u64::MAX), Some(21_000));
}

#[test]
fn old_messages_come_again() {
    let (sim, [a, b, _], _) = sim();
    let mut sim = sim.with_plan(&Plan::new().at(ms(1_000), Fault::Replay { messages: 5 }));
    (0..3).for_each(|number| sim.inject(a, b, Toy::Plain(number)));
    sim.run_for(ms(999));
    assert_eq!(heard(&sim, b).len(), 3);
    sim.run_for(ms(10));
    let again: Vec<(u64, Heard)> = heard_at(&sim, b).split_off(3);
    assert_eq!(again.len(), 5);
    assert!(again.iter().all(|(at, heard)| *at == 1_000_000 && matches!(heard, Heard::Plain(0..3))));
    assert_eq!(fired(&sim, "replay"), 5);
}

#[test]
fn a_replay_picks_among_the_last_256_messages() {
    let (sim, [a, b, _], _) = sim();
    let mut sim = sim.with_plan(&Plan::new().at(ms(1_000), Fault::Replay { messages: 1_000 }));
    (0..400).for_each(|number| sim.inject(a, b, Toy::Plain(number)));
    sim.run_for(ms(2_000));
    let mut again: Vec<Heard> = heard(&sim, b).split_off(400);
    assert_eq!(again.len(), 1_000);
    again.sort_by_key(|heard| if let Heard::Plain(number) = heard { *number } else { u64::MAX });
    again.dedup();
    assert!(again.iter().all(|heard| matches!(heard, Heard::Plain(144..400))), "{again:?}");
    // Each is picked with probability 1 - (255/256)^1000 = 98 %: 251 of them, give or take 2.
    assert!((243..=256).contains(&again.len()), "{}", again.len());
}

#[test]
fn faults_of_one_instant_begin_together_before_any_message_of_that_instant() {
    let (sim, nodes, _) = sim();
    let [a, b, c] = nodes;
    // The messages arrive at 10 ms; so do the faults, which were planned first.
    let plan = Plan::new()
        .at(ms(10), Fault::Crash { node: "a".into(), disk: DiskFate::Keep })
        .at(ms(10), Fault::Isolate { node: "b".into() })
        .at(ms(10), Fault::Pause { node: "c".into() });
    let mut sim = sim.with_plan(&plan);
    sim.inject(b, a, Toy::Plain(1));
    sim.inject(a, b, Toy::Plain(1));
    sim.inject(a, c, Toy::Plain(1));
    sim.run_for(ms(100));
    assert_eq!(nodes.map(|node| heard(&sim, node).len()), [0, 0, 0]);
    assert_eq!(["crash", "isolate", "pause"].map(|kind| fired(&sim, kind)), [1, 1, 1]);
    assert!(sim.idle_faults().is_empty());
}

#[test]
fn a_planned_fault_ends_by_itself() {
    let (sim, nodes, _) = sim();
    let plan = Plan::new()
        .during(ms(10), ms(30), Fault::Crash { node: "a".into(), disk: DiskFate::Keep })
        .during(ms(10), ms(20), Fault::Isolate { node: "b".into() });
    let mut sim = sim.with_plan(&plan);
    sim.run_for(ms(15));
    assert!(!sim.is_up(nodes[0]));
    sim.run_for(ms(20));
    assert!(!sim.is_up(nodes[0]), "each fault has its own end");
    sim.run_for(ms(10));
    assert_eq!(open_links(&mut sim, nodes, ms(20)).len(), 6);
}

#[test]
fn two_faults_on_one_node_do_not_end_each_other() {
    let (sim, [a, ..], _) = sim();
    let crash = |disk| Fault::Crash { node: "a".into(), disk };
    let plan = Plan::new()
        .during(ms(10), ms(100), crash(DiskFate::Keep))
        .during(ms(20), ms(10), crash(DiskFate::LoseUnsynced))
        .during(ms(200), ms(100), Fault::Pause { node: "a".into() })
        .during(ms(220), ms(10), Fault::Pause { node: "a".into() });
    let mut sim = sim.with_plan(&plan);
    sim.run_for(ms(50));
    assert!(!sim.is_up(a), "the second crash found it down, and does not restart it");
    sim.run_for(ms(100));
    assert!(sim.is_up(a));
    sim.run_for(ms(100));
    sim.inject(NodeId(3), a, Toy::Plain(1));
    sim.run_for(ms(30));
    assert_eq!(heard(&sim, a), [], "still paused by the first");
    assert_eq!(sim.idle_faults().len(), 2);
}

#[test]
fn a_fault_that_never_did_anything_is_named() {
    let (sim, [a, b, _], _) = sim();
    let plan = Plan::new()
        .at(ms(1), Fault::Isolate { node: "c".into() })
        .at(ms(1), Fault::Isolate { node: "a".into() });
    let mut sim = sim.with_plan(&plan);
    sim.inject(a, b, Toy::Plain(1));
    sim.run_for(ms(50));
    let idle: Vec<String> = sim.idle_faults().iter().map(|fault| fault.to_string()).collect();
    assert_eq!(idle, ["at 1ms: isolate c"]);
    sim.every_fault_must_have_fired();
    let violation = sim.violation().expect("c was never spoken to");
    assert!(violation.to_string().contains("nothing by: at 1ms: isolate c"), "{violation}");
}

#[test]
#[should_panic(expected = "a fault names the node `q`; the nodes are a b c x")]
fn a_fault_of_an_unknown_node_is_refused_when_it_is_planned() {
    let (sim, ..) = sim();
    let _ = sim.with_plan(&Plan::new().at(ms(1), Fault::Isolate { node: "q".into() }));
}

#[test]
fn calm_ends_all_faults_and_leaves_the_core_up() {
    let (sim, [a, b, c], _) = sim();
    let plan = Plan::new()
        .at(ms(1), Fault::Isolate { node: "a".into() })
        .at(ms(1), Fault::Pause { node: "a".into() })
        .at(ms(1), Fault::Crash { node: "b".into(), disk: DiskFate::Keep })
        .at(ms(100), Fault::Crash { node: "a".into(), disk: DiskFate::Keep });
    let mut sim = sim.with_plan(&plan);
    sim.run_for(ms(10));
    assert_eq!(sim.calm(&[a, b], Reorder::new(Delay::fixed(ms(1)))), []);
    assert_eq!([a, b, c].map(|node| sim.is_up(node)), [true, true, false]);
    sim.inject(a, b, Toy::Plain(1));
    sim.run_for(ms(200));
    assert_eq!(heard(&sim, b), [Heard::Plain(1)]);
    assert!(sim.is_up(a), "the crash that was planned does not happen any more");
}

#[test]
fn plans_are_data_that_can_be_printed_and_read() {
    let plan = Plan {
        faults: vec![
            Scheduled {
                at: Micros(12_500),
                lasts: Some(Micros(1_000_000)),
                late: Late::Shuffled,
                fault: Fault::Partition { sides: vec![vec!["a".into()], vec!["b".into(), "c".into()]] },
            },
            Scheduled {
                at: Micros(1),
                lasts: None,
                late: Late::Never,
                fault: Fault::Mute { node: "a".into(), chance: Chance::millionths(2_500) },
            },
        ],
    };
    assert_eq!(
        plan.to_string(),
        "at 12.5ms for 1s: partition {a} | {b c}; what is lost arrives at the end, shuffled\nat 1us: a mute, 0.25%"
    );
    let json = serde_json::to_string(&plan).unwrap();
    assert_eq!(
        json,
        r#"[{"at":"12.5ms","lasts":"1s","late":"shuffled","fault":"partition","sides":[["a"],["b","c"]]},{"at":"1us","late":"never","fault":"mute","node":"a","chance":"0.25%"}]"#
    );
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
    for (bad, complaint) in [
        (r#"[{"at":"1 hour","fault":"isolate","node":"a"}]"#, "read the length of time `1 hour`"),
        (r#"[{"at":"1ms","fault":"mute","node":"a","chance":"120%"}]"#, "read the chance `120%`"),
        (r#"[{"at":"1ms","fault":"meteor","node":"a"}]"#, "unknown variant `meteor`"),
    ] {
        let error = serde_json::from_str::<Plan>(bad).unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
}
