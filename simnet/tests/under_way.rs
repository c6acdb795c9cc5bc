//! What is under way when a fault begins or ends, what comes late, and that the changes of one instant are one change.

mod toy;

use simnet::delay::Micros;
use simnet::fault::{Fault, Late, Plan, Scheduled};
use simnet::hub::{Copies, Duplicate, Fifo, Hold, Hub, Letter, Reorder};
use simnet::{Chance, Cluster, Context, Delay, DiskFate, NodeId, Process, Random, Sim};
use std::time::Duration;
use toy::{Heard, Puppet, Step, Toy, heard, heard_at, puppets};

const NONE: [u64; 0] = [];

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

/// The plain messages that `node` has heard, in order.
fn numbers(sim: &Sim<Puppet>, node: NodeId) -> Vec<u64> {
    let number = |heard| if let Heard::Plain(number) = heard { number } else { panic!("{heard:?}") };
    heard(sim, node).into_iter().map(number).collect()
}

/// A message leaves a for b at 0 and would arrive at 10 ms; the fault lasts from 5 to 50 ms. When does b hear it, in milliseconds?
fn arrivals(fault: Fault) -> Vec<u64> {
    let (sim, [a, b, _], _) = sim();
    let mut sim = sim.with_plan(&Plan::new().during(ms(5), ms(45), fault));
    sim.inject(a, b, Toy::Plain(1));
    sim.run_for(ms(200));
    heard_at(&sim, b).into_iter().map(|(at, _)| at / 1_000).collect()
}

#[test]
fn what_is_under_way_does_not_pass_a_cut_that_begins_meanwhile() {
    assert_eq!(arrivals(Fault::Partition { sides: vec![vec!["a".into()], vec!["b".into()]] }), NONE);
    assert_eq!(arrivals(Fault::OneWay { from: vec!["a".into()], to: vec!["b".into()] }), NONE);
    assert_eq!(arrivals(Fault::OneWay { from: vec!["b".into()], to: vec!["a".into()] }), [10]);
    assert_eq!(arrivals(Fault::Isolate { node: "b".into() }), NONE);
    assert_eq!(arrivals(Fault::Isolate { node: "a".into() }), NONE, "a cut holds at both ends");
}

#[test]
fn what_is_under_way_is_lost_on_a_reader_that_is_deaf_when_it_arrives() {
    assert_eq!(arrivals(Fault::Deaf { node: "b".into(), from: vec![], chance: Chance::ALWAYS }), NONE);
    assert_eq!(arrivals(Fault::Deaf { node: "a".into(), from: vec![], chance: Chance::ALWAYS }), [10]);
    let deaf_to =
        |from: &str| Fault::Deaf { node: "b".into(), from: vec![from.into()], chance: Chance::ALWAYS };
    assert_eq!(arrivals(deaf_to("a")), NONE);
    assert_eq!(arrivals(deaf_to("c")), [10]);
}

#[test]
fn what_is_under_way_is_past_faults_at_its_sender() {
    let (from, to) = (vec!["a".into()], vec!["b".into()]);
    let chance = Chance::ALWAYS;
    let message = "Plain".into();
    for fault in [
        Fault::Mute { node: "a".into(), chance },
        Fault::Loss { from: from.clone(), to: to.clone(), chance },
        Fault::Filter { message, from: from.clone(), to: to.clone(), chance },
        Fault::Slow { from: from.clone(), to: to.clone(), by: Micros(7_000) },
        Fault::Bandwidth { from, to, bytes_per_second: 1 },
    ] {
        assert_eq!(arrivals(fault.clone()), [10], "{fault}");
    }
}

#[test]
fn what_is_under_way_dies_with_its_reader_and_not_with_its_sender() {
    let disk = DiskFate::Keep;
    assert_eq!(arrivals(Fault::Crash { node: "b".into(), disk }), NONE);
    assert_eq!(arrivals(Fault::Crash { node: "a".into(), disk }), [10]);
    assert_eq!(arrivals(Fault::CrashAmid { node: "b".into(), effects: 0, disk }), NONE);
    assert_eq!(arrivals(Fault::CrashAmid { node: "a".into(), effects: 0, disk }), [10]);
}

#[test]
fn what_is_under_way_waits_for_a_paused_reader() {
    assert_eq!(arrivals(Fault::Pause { node: "b".into() }), [50]);
    assert_eq!(arrivals(Fault::Pause { node: "a".into() }), [10]);
}

#[test]
fn what_is_under_way_does_not_care_for_disks_and_clocks() {
    for node in ["a", "b"] {
        assert_eq!(arrivals(Fault::DiskFull { node: node.into() }), [10]);
        let clock = Fault::Clock { node: node.into(), ahead_us: 3_000_000, drift_ppm: 1_000_000 };
        assert_eq!(arrivals(clock), [10], "a wrong clock changes no delay of the network");
    }
}

#[test]
fn a_replay_may_bring_what_is_still_under_way() {
    assert_eq!(arrivals(Fault::Replay { messages: 1 }), [5, 10]);
}

#[test]
fn an_alarm_that_is_set_keeps_its_time_whatever_becomes_of_the_clock() {
    let (mut sim, [a, ..], x) = sim();
    sim.inject(x, a, Toy::Do(vec![Step::Alarm(1, 100)]));
    sim.run_for(ms(50));
    let clock = sim.begin(Fault::Clock { node: "a".into(), ahead_us: 0, drift_ppm: 1_000_000 });
    sim.inject(x, a, Toy::Do(vec![Step::Alarm(2, 100)]));
    sim.run_for(ms(20));
    sim.end(clock);
    sim.run_for(ms(100));
    // The first was set by the right clock at 10 ms, the second at 60 ms by one that is twice as fast.
    assert_eq!(heard_at(&sim, a), [(110_000, Heard::Alarm(1)), (110_000, Heard::Alarm(2))]);
}

#[test]
fn the_network_takes_its_time_whatever_a_nodes_clock_says() {
    let (mut sim, [a, b, _], x) = sim();
    for node in ["a", "b"] {
        sim.begin(Fault::Clock { node: node.into(), ahead_us: -4_000, drift_ppm: 1_000_000 });
    }
    sim.inject(x, a, Toy::Do(vec![Step::Send(b, 1)]));
    sim.inject(a, b, Toy::Plain(2));
    sim.run_for(ms(100));
    assert_eq!(heard_at(&sim, b), [(10_000, Heard::Plain(2)), (20_000, Heard::Plain(1))]);
}

#[test]
fn faults_of_the_network_outlast_a_restart() {
    let (sim, [a, b, _], _) = sim();
    let plan = Plan::new()
        .at(ms(5), Fault::Deaf { node: "b".into(), from: vec![], chance: Chance::ALWAYS })
        .during(ms(10), ms(10), Fault::Crash { node: "b".into(), disk: DiskFate::Keep });
    let mut sim = sim.with_plan(&plan);
    sim.run_for(ms(30));
    assert!(sim.is_up(b));
    sim.inject(a, b, Toy::Plain(1));
    sim.run_for(ms(20));
    assert_eq!(numbers(&sim, b), NONE);
    assert_eq!(fired(&sim, "deaf"), 1);
}

#[test]
fn what_was_slowed_stays_slow_when_the_fault_ends() {
    let (mut sim, [a, b, _], _) = sim();
    let slow = sim.begin(Fault::Slow { from: vec![], to: vec![], by: Micros(90_000) });
    sim.inject(a, b, Toy::Plain(1));
    sim.run_for(ms(5));
    sim.end(slow);
    sim.inject(a, b, Toy::Plain(2));
    sim.run_for(ms(200));
    assert_eq!(heard_at(&sim, b), [(15_000, Heard::Plain(2)), (100_000, Heard::Plain(1))]);
}

#[test]
fn links_in_order_stay_so_through_the_end_of_slow_and_narrow_times() {
    for fault in [
        Fault::Slow { from: vec![], to: vec![], by: Micros(90_000) },
        Fault::Bandwidth { from: vec![], to: vec![], bytes_per_second: 100 },
    ] {
        let (cluster, [a, b, _], _) = puppets();
        let mut sim = Sim::new(1, &cluster).with_hub(Fifo::new(Delay::uniform(ms(1), ms(10))));
        let kind = fault.kind();
        let id = sim.begin(fault);
        (0..20).for_each(|number| sim.inject(a, b, Toy::Plain(number)));
        sim.run_for(ms(5));
        sim.end(id);
        (20..40).for_each(|number| sim.inject(a, b, Toy::Plain(number)));
        sim.run_for(Duration::from_secs(10));
        assert_eq!(numbers(&sim, b), (0..40).collect::<Vec<_>>(), "{kind}");
        assert_eq!((fired(&sim, kind), fired(&sim, "reorder")), (20, 0), "{kind}");
    }
}

#[test]
fn what_the_hub_held_meets_the_faults_of_the_moment_of_its_release() {
    let (cluster, [a, b, _], _) = puppets();
    let mut sim = Sim::new(1, &cluster).with_hub(Hold);
    (0..2).for_each(|number| sim.inject(a, b, Toy::Plain(number)));
    let cut = sim.begin(Fault::Isolate { node: "b".into() });
    sim.release(ms(1), |letter| letter.id == 0);
    sim.run_for(ms(5));
    sim.end(cut);
    sim.release(ms(1), |letter| letter.id == 1);
    sim.run_for(ms(5));
    assert_eq!(numbers(&sim, b), [1]);
    assert_eq!((fired(&sim, "isolate"), fired(&sim, "hold")), (1, 2));
}

#[test]
fn a_hub_may_deliver_one_copy_and_hold_another() {
    struct NowAndThen;
    impl<M> Hub<M> for NowAndThen {
        fn route(&mut self, _letter: &Letter<'_, M>, _random: &mut Random, copies: &mut Copies) {
            copies.deliver_after(ms(1));
            copies.hold();
        }
    }
    let (cluster, [a, b, _], _) = puppets();
    let mut sim = Sim::new(1, &cluster).with_hub(NowAndThen);
    sim.inject(a, b, Toy::Plain(1));
    sim.run_for(ms(10));
    sim.release(ms(5), |_| true);
    sim.run_for(ms(10));
    assert_eq!(heard_at(&sim, b), [(1_000, Heard::Plain(1)), (15_000, Heard::Plain(1))]);
    assert_eq!((fired(&sim, "hold"), fired(&sim, "duplicate"), fired(&sim, "drop")), (1, 1, 0));
}

#[test]
fn a_message_arrives_at_a_paused_node_when_it_arrives_and_not_when_the_node_goes_on() {
    // The first comes to the paused b through no cut; the second during one; the third after it. At the end b is deaf.
    let (sim, [a, b, _], _) = sim();
    let plan = Plan::new()
        .during(ms(5), ms(95), Fault::Pause { node: "b".into() })
        .during(ms(20), ms(20), Fault::Isolate { node: "b".into() })
        .during(ms(90), ms(50), Fault::Deaf { node: "b".into(), from: vec![], chance: Chance::ALWAYS });
    let mut sim = sim.with_plan(&plan);
    sim.inject(a, b, Toy::Plain(1));
    sim.run_for(ms(15));
    sim.inject(a, b, Toy::Plain(2));
    sim.run_for(ms(30));
    sim.inject(a, b, Toy::Plain(3));
    sim.run_for(ms(40));
    sim.inject(a, b, Toy::Plain(4));
    sim.run_for(ms(100));
    assert_eq!(heard_at(&sim, b), [(100_000, Heard::Plain(1)), (100_000, Heard::Plain(3))]);
    assert_eq!((fired(&sim, "isolate"), fired(&sim, "deaf")), (1, 1));
}

#[test]
fn a_node_that_is_paused_again_at_the_moment_it_goes_on_takes_nothing_up() {
    let (sim, [a, b, _], _) = sim();
    let plan = Plan::new().during(ms(5), ms(45), Fault::Pause { node: "b".into() }).during(
        ms(50),
        ms(50),
        Fault::Pause { node: "b".into() },
    );
    let mut sim = sim.with_plan(&plan);
    sim.inject(a, b, Toy::Plain(1));
    sim.run_for(ms(200));
    assert_eq!(heard_at(&sim, b), [(100_000, Heard::Plain(1))]);
}

#[test]
fn what_waits_at_a_paused_node_dies_with_it() {
    let (mut sim, [a, b, _], _) = sim();
    sim.begin(Fault::Pause { node: "b".into() });
    sim.inject(a, b, Toy::Plain(1));
    sim.run_for(ms(20));
    sim.crash(b, DiskFate::Keep);
    assert_eq!(sim.tally().dropped, 1);
    sim.restart(b);
    let pause = sim.begin(Fault::Pause { node: "b".into() });
    sim.inject(a, b, Toy::Plain(2));
    sim.run_for(ms(20));
    sim.end(pause);
    sim.run_for(ms(20));
    assert_eq!(numbers(&sim, b), [2]);
}

#[test]
fn what_comes_late_in_order_comes_in_the_order_of_sending_wherever_it_was_lost() {
    let (sim, [a, b, _], _) = sim();
    let mut sim = sim;
    sim.inject(a, b, Toy::Plain(1));
    sim.run_for(ms(8));
    let cut = sim.begin_late(Fault::Isolate { node: "b".into() }, Late::InOrder);
    // The second is lost at its sender now, the first at its reader in 2 ms.
    sim.inject(a, b, Toy::Plain(2));
    sim.run_for(ms(20));
    sim.inject(a, b, Toy::Plain(3));
    sim.end(cut);
    sim.run_for(ms(20));
    assert_eq!(numbers(&sim, b), [1, 2, 3]);
    assert_eq!((fired(&sim, "isolate"), fired(&sim, "late")), (3, 3));
}

/// 200 messages to b, half of them lost on the way; returns what b heard before the end of the fault, and after it.
fn half_lost(late: Late) -> (Vec<u64>, Vec<u64>, Sim<Puppet>) {
    let (mut sim, [a, b, _], _) = sim();
    let loss = sim.begin_late(Fault::Loss { from: vec![], to: vec![], chance: Chance::percent(50) }, late);
    (0..200).for_each(|number| sim.inject(a, b, Toy::Plain(number)));
    sim.run_for(ms(50));
    let before = numbers(&sim, b);
    sim.end(loss);
    sim.end(loss);
    sim.heal();
    sim.run_for(ms(50));
    let after = numbers(&sim, b).split_off(before.len());
    (before, after, sim)
}

#[test]
fn late_never_means_never() {
    let (before, after, sim) = half_lost(Late::Never);
    assert!((50..150).contains(&before.len()) && after.is_empty());
    assert_eq!((fired(&sim, "loss"), fired(&sim, "late")), (200 - before.len() as u64, 0));
}

#[test]
fn late_in_order_brings_each_lost_message_once_and_no_other() {
    let (before, after, sim) = half_lost(Late::InOrder);
    assert!(after.is_sorted() && !after.is_empty());
    let mut all = [before, after.clone()].concat();
    all.sort_unstable();
    assert_eq!(all, (0..200).collect::<Vec<_>>());
    assert_eq!((fired(&sim, "loss"), fired(&sim, "late")), (after.len() as u64, after.len() as u64));
}

#[test]
fn late_shuffled_brings_each_lost_message_once_in_another_order() {
    let (before, after, sim) = half_lost(Late::Shuffled);
    assert!(!after.is_sorted(), "{} messages in order by chance", after.len());
    let mut all = [before, after.clone()].concat();
    all.sort_unstable();
    assert_eq!(all, (0..200).collect::<Vec<_>>());
    assert_eq!(fired(&sim, "late"), after.len() as u64);
}

#[test]
fn each_copy_that_a_cut_took_at_the_reader_comes_late_once() {
    let (cluster, [a, b, _], _) = puppets();
    let hub = Duplicate::new(Chance::ALWAYS, Reorder::new(Delay::fixed(ms(10))));
    let mut sim = Sim::new(1, &cluster).with_hub(hub);
    sim.inject(a, b, Toy::Plain(1));
    let cut = sim.begin_late(Fault::Isolate { node: "b".into() }, Late::InOrder);
    sim.inject(a, b, Toy::Plain(2));
    sim.run_for(ms(20));
    sim.end(cut);
    sim.run_for(ms(20));
    // The hub had doubled the first; the second never came to it.
    assert_eq!(numbers(&sim, b), [1, 1, 2]);
    assert_eq!(fired(&sim, "late"), 3);
}

#[test]
fn what_comes_late_meets_the_faults_that_are_still_there() {
    let (mut sim, [a, b, c], _) = sim();
    let first = sim.begin_late(Fault::Isolate { node: "b".into() }, Late::InOrder);
    let second = sim.begin_late(Fault::Isolate { node: "a".into() }, Late::InOrder);
    sim.inject(a, b, Toy::Plain(1));
    sim.inject(c, b, Toy::Plain(2));
    sim.run_for(ms(20));
    sim.end(first);
    sim.run_for(ms(20));
    assert_eq!(numbers(&sim, b), [2], "a is still cut off");
    let down = sim.begin(Fault::Pause { node: "b".into() });
    sim.end(second);
    sim.run_for(ms(20));
    assert_eq!(numbers(&sim, b), [2], "b is paused");
    sim.end(down);
    sim.run_for(ms(20));
    assert_eq!(numbers(&sim, b), [2, 1], "once, however many faults it met");
    // Kept twice, and let go twice; the other one once.
    assert_eq!(fired(&sim, "late"), 3);
}

#[test]
fn one_cut_becomes_another_at_one_instant_and_nothing_slips_between() {
    let cut = |at, lasts, late, node: &str| Scheduled {
        at: Micros::from(ms(at)),
        lasts: Some(Micros::from(ms(lasts))),
        late,
        fault: Fault::Isolate { node: node.into() },
    };
    // Both orders in the plan: the end of the first before the beginning of the second, and after it.
    let ends_first = [cut(20, 30, Late::InOrder, "b"), cut(50, 50, Late::Never, "a")];
    let begins_first = [cut(50, 50, Late::Never, "a"), cut(20, 30, Late::InOrder, "b")];
    for faults in [ends_first, begins_first] {
        let (sim, [a, b, _], x) = sim();
        let mut sim = sim.with_plan(&Plan { faults: faults.to_vec() });
        // Sent at 40 ms, to arrive at 50; and by an alarm at 50 ms; and every millisecond besides. What is lost comes late at 50 ms.
        sim.inject(x, a, Toy::Do((0..90).map(|number| Step::Alarm(number, u64::from(number))).collect()));
        for number in 0..100 {
            sim.inject(a, b, Toy::Plain(number));
            sim.run_for(ms(1));
        }
        sim.run_for(ms(100));
        assert_eq!(
            numbers(&sim, b),
            (0..10).collect::<Vec<_>>(),
            "what arrives before 20 ms, and nothing more"
        );
    }
}

#[test]
fn faults_planned_during_a_run_come_before_the_messages_of_their_instant() {
    let (mut sim, [a, b, _], _) = sim();
    sim.inject(a, b, Toy::Plain(1));
    sim.run_for(ms(5));
    // Its instant is that of an arrival which was planned before it.
    sim.schedule(Scheduled {
        at: Micros(10_000),
        lasts: Some(Micros(1)),
        late: Late::Never,
        fault: Fault::Deaf { node: "b".into(), from: vec![], chance: Chance::ALWAYS },
    });
    sim.run_for(ms(20));
    assert_eq!(numbers(&sim, b), NONE);
    assert_eq!(fired(&sim, "deaf"), 1);
}

/// Greets the other node whenever it starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Greeter {
    other: NodeId,
}

impl Process for Greeter {
    type Message = Toy;
    type Timer = ();
    type Output = u64;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        ctx.send(self.other, Toy::Plain(1));
    }

    fn receive(&mut self, _from: NodeId, _message: Toy, ctx: &mut Context<'_, Self>) {
        ctx.output(1);
    }
}

#[test]
fn a_node_that_restarts_speaks_into_the_network_as_it_is_after_the_instant() {
    let crash = Scheduled {
        at: Micros::from(ms(20)),
        lasts: Some(Micros::from(ms(30))),
        late: Late::Never,
        fault: Fault::Crash { node: "a".into(), disk: DiskFate::Keep },
    };
    let mute = Scheduled {
        at: Micros::from(ms(50)),
        lasts: Some(Micros(1)),
        late: Late::Never,
        fault: Fault::Mute { node: "a".into(), chance: Chance::ALWAYS },
    };
    for faults in [[crash.clone(), mute.clone()], [mute, crash]] {
        let mut cluster = Cluster::new();
        let a = cluster.node("a", || Greeter { other: NodeId(1) });
        let b = cluster.node("b", || Greeter { other: NodeId(0) });
        let mut sim = Sim::new(1, &cluster).with_plan(&Plan { faults: faults.to_vec() });
        sim.run_for(ms(15));
        assert_eq!(
            sim.outputs().iter().filter(|told| told.node == b).count(),
            1,
            "the greeting of the first start"
        );
        sim.run_for(ms(100));
        assert!(sim.is_up(a));
        assert_eq!(sim.tally().faults().get("mute"), Some(&1), "it was mute when it restarted");
        assert_eq!(sim.outputs().iter().filter(|told| told.node == b).count(), 1);
    }
}

#[test]
fn a_node_may_crash_or_pause_at_the_very_moment_it_restarts() {
    let crash = Fault::Crash { node: "b".into(), disk: DiskFate::Keep };
    for second in [crash.clone(), Fault::Pause { node: "b".into() }] {
        let (sim, [a, b, _], _) = sim();
        let kind = second.kind();
        let mut sim =
            sim.with_plan(&Plan::new().during(ms(20), ms(30), crash.clone()).during(ms(50), ms(30), second));
        sim.run_for(ms(60));
        sim.inject(a, b, Toy::Plain(1));
        sim.run_for(ms(15));
        assert_eq!(numbers(&sim, b), NONE, "{kind}");
        assert_eq!(sim.idle_faults(), Vec::<&Scheduled>::new(), "{kind}");
        sim.run_for(ms(10));
        sim.inject(a, b, Toy::Plain(2));
        sim.run_for(ms(20));
        assert_eq!(numbers(&sim, b).last(), Some(&2), "{kind}");
    }
}

#[test]
fn one_node_comes_as_another_goes_and_no_message_sees_both_or_neither() {
    // Messages to both arrive at the very instant, by ones sent before it; each finds exactly one of the two.
    for (first, second) in [("a", "b"), ("b", "a")] {
        let (sim, [a, b, _], x) = sim();
        let crash = |node: &str| Fault::Crash { node: node.into(), disk: DiskFate::Keep };
        let mut sim = sim.with_plan(&Plan::new().during(ms(20), ms(30), crash(first)).during(
            ms(50),
            ms(30),
            crash(second),
        ));
        for number in 0..70 {
            sim.inject(x, a, Toy::Plain(number));
            sim.inject(x, b, Toy::Plain(number));
            sim.run_for(ms(1));
        }
        sim.run_for(ms(5));
        let heard_by = |node| numbers(&sim, node);
        let (by_a, by_b) = (heard_by(a), heard_by(b));
        for number in 10..65 {
            assert!(by_a.contains(&number) != by_b.contains(&number), "message {number}, {first} first");
        }
    }
}
