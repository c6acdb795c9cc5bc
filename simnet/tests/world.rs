//! The rules of the world, one test each: messages, alarms, crashes, storage. The wording follows the doc of `Process`.

mod toy;

use simnet::fault::{Fault, Plan};
use simnet::hub::{Hold, Reorder};
use simnet::{Chance, Cluster, Context, Delay, DiskFate, NodeId, Observe, Process, Sim};
use std::time::Duration;
use toy::{Heard, Puppet, Step, Toy, heard, heard_at, puppets};

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Puppets, messages of exactly 1 ms.
fn sim() -> (Sim<Puppet>, [NodeId; 3], NodeId) {
    let (cluster, nodes, x) = puppets();
    (Sim::new(1, &cluster).with_hub(Reorder::new(Delay::fixed(ms(1)))), nodes, x)
}

#[test]
fn effects_happen_in_the_order_in_which_they_were_recorded() {
    let (mut sim, [a, b, _], x) = sim();
    sim.inject(x, a, Toy::Do(vec![Step::Send(b, 1), Step::Send(b, 2), Step::Output(7), Step::Send(b, 3)]));
    sim.run_for(ms(10));
    assert_eq!(heard(&sim, b), [Heard::Plain(1), Heard::Plain(2), Heard::Plain(3)]);
    assert_eq!(heard(&sim, a), [Heard::Said(7)]);
}

#[test]
fn a_message_to_oneself_is_never_lost_and_takes_no_time() {
    let (sim, [a, ..], x) = sim();
    // The network loses everything, and the node is cut off besides.
    let lossy = simnet::hub::Lossy::new(simnet::Chance::ALWAYS, Reorder::new(Delay::fixed(ms(1))));
    let mut sim = sim.with_hub(Hold);
    sim.inject(x, a, Toy::Do(vec![Step::Send(a, 5)]));
    sim.release(ms(1), |_| true);
    let mut sim = sim.with_hub(lossy);
    sim.begin(Fault::OneWay { from: vec!["a".into()], to: vec![] });
    sim.run_for(ms(10));
    assert_eq!(heard_at(&sim, a), [(1_000, Heard::Plain(5))]);
}

#[test]
fn there_is_one_alarm_a_timer_and_setting_it_again_moves_it() {
    let (mut sim, [a, ..], x) = sim();
    sim.inject(x, a, Toy::Do(vec![Step::Alarm(1, 5), Step::Alarm(2, 6), Step::Alarm(1, 20)]));
    sim.run_for(ms(100));
    // Message after 1 ms; timer 1 at 1 + 20, not at 1 + 5.
    assert_eq!(heard_at(&sim, a), [(7_000, Heard::Alarm(2)), (21_000, Heard::Alarm(1))]);
}

#[test]
fn a_cancelled_alarm_does_not_go_off_and_may_be_set_again() {
    let (mut sim, [a, ..], x) = sim();
    sim.inject(x, a, Toy::Do(vec![Step::Alarm(1, 5), Step::Cancel(1), Step::Cancel(9)]));
    sim.run_for(ms(50));
    assert_eq!(heard(&sim, a), []);
    sim.inject(x, a, Toy::Do(vec![Step::Alarm(1, 5)]));
    sim.run_for(ms(50));
    assert_eq!(heard(&sim, a), [Heard::Alarm(1)]);
}

#[test]
fn a_crash_takes_the_value_and_its_alarms_and_a_restart_builds_a_new_one() {
    let (mut sim, [a, ..], x) = sim();
    sim.inject(x, a, Toy::Do(vec![Step::Alarm(1, 5)]));
    sim.run_for(ms(2));
    assert!(sim.crash(a, DiskFate::Keep));
    assert!(!sim.crash(a, DiskFate::Keep), "a node that is down does not crash again");
    assert!(sim.process(a).is_none() && !sim.is_up(a));
    assert!(sim.restart(a));
    assert!(!sim.restart(a), "a node that is up does not restart");
    sim.run_for(ms(50));
    assert_eq!(heard(&sim, a), [], "the alarm belonged to the process that crashed");
    let starts: Vec<_> =
        sim.outputs().iter().filter(|told| told.node == a).map(|told| &told.output).collect();
    assert_eq!(starts, [&Heard::Started(None), &Heard::Started(None)]);
}

#[test]
fn a_restarted_process_remembers_nothing_but_its_storage() {
    let (mut sim, [a, ..], x) = sim();
    (0..3).for_each(|number| sim.inject(x, a, Toy::Plain(number)));
    sim.run_for(ms(5));
    assert_eq!(sim.process(a).map(Puppet::view), Some(3), "it has counted what it heard");
    sim.crash(a, DiskFate::Keep);
    sim.restart(a);
    assert_eq!(sim.process(a).map(Puppet::view), Some(0), "and did not store the count");
}

#[test]
fn an_alarm_set_anew_after_a_crash_is_another_one() {
    let (mut sim, [a, ..], x) = sim();
    sim.inject(x, a, Toy::Do(vec![Step::Alarm(1, 20)]));
    sim.run_for(ms(5));
    sim.crash(a, DiskFate::Keep);
    sim.restart(a);
    sim.inject(x, a, Toy::Do(vec![Step::Alarm(1, 100)]));
    sim.run_for(ms(200));
    assert_eq!(heard_at(&sim, a), [(106_000, Heard::Alarm(1))], "the old one would go off at 21 ms");
}

#[test]
fn each_node_draws_from_a_stream_of_its_own() {
    let drawn = |extra: usize| {
        let (mut sim, [a, b, _], x) = sim();
        sim.inject(x, a, Toy::Do(vec![Step::Random(1_000_000); 8 + extra]));
        sim.inject(x, b, Toy::Do(vec![Step::Random(1_000_000); 8]));
        sim.run_for(ms(5));
        (heard(&sim, a), heard(&sim, b))
    };
    let (of_a, of_b) = drawn(0);
    assert_ne!(of_a, of_b);
    assert_eq!(drawn(3).1, of_b, "what a draws is nothing to b");
}

#[test]
fn a_message_to_a_node_that_is_down_is_lost() {
    let (mut sim, [a, b, _], x) = sim();
    sim.crash(b, DiskFate::Keep);
    sim.inject(x, b, Toy::Plain(1));
    sim.run_for(ms(5));
    sim.restart(b);
    sim.inject(x, b, Toy::Plain(2));
    sim.inject(x, a, Toy::Plain(3));
    sim.run_for(ms(5));
    assert_eq!(heard(&sim, b), [Heard::Plain(2)]);
    assert_eq!(sim.tally().dropped, 1);
}

#[test]
fn an_outsider_receives_into_its_mailbox() {
    let (mut sim, [a, ..], x) = sim();
    sim.inject(x, a, Toy::Do(vec![Step::Send(x, 4)]));
    sim.run_for(ms(5));
    assert_eq!(sim.mailbox(x), [(a, Toy::Plain(4))]);
}

#[test]
fn a_process_reads_its_own_writes_at_once() {
    let (mut sim, [a, ..], x) = sim();
    sim.inject(
        x,
        a,
        Toy::Do(vec![Step::Write(5), Step::Read, Step::Append(2), Step::Append(3), Step::ReadLog]),
    );
    sim.run_for(ms(5));
    assert_eq!(heard(&sim, a), [Heard::Said(5), Heard::Said(5)]);
}

#[test]
fn what_was_synced_survives_every_crash_but_a_wipe() {
    for fate in [DiskFate::Keep, DiskFate::LoseUnsynced, DiskFate::TearLastWrite] {
        let (mut sim, [a, ..], x) = sim();
        sim.inject(x, a, Toy::Do(vec![Step::Write(5), Step::Append(7), Step::Sync]));
        sim.run_for(ms(5));
        sim.crash(a, fate);
        sim.restart(a);
        sim.inject(x, a, Toy::Do(vec![Step::Read, Step::ReadLog]));
        sim.run_for(ms(5));
        assert_eq!(heard(&sim, a), [Heard::Said(5), Heard::Said(7)], "{fate}");
    }
    let (mut sim, [a, ..], x) = sim();
    sim.inject(x, a, Toy::Do(vec![Step::Write(5), Step::Sync]));
    sim.run_for(ms(5));
    sim.crash(a, DiskFate::Wipe);
    sim.restart(a);
    assert_eq!(sim.outputs().last().map(|told| told.output.clone()), Some(Heard::Started(None)));
    assert_eq!(sim.tally().faults().get("disk_wiped"), Some(&1));
}

#[test]
fn what_was_not_synced_is_kept_or_lost_as_the_crash_decides() {
    for (fate, kept, counter) in
        [(DiskFate::Keep, Some(6), "disk_kept"), (DiskFate::LoseUnsynced, Some(5), "disk_unsynced_lost")]
    {
        let (mut sim, [a, ..], x) = sim();
        sim.inject(x, a, Toy::Do(vec![Step::Write(5), Step::Sync, Step::Write(6)]));
        sim.run_for(ms(5));
        sim.crash(a, fate);
        sim.restart(a);
        assert_eq!(
            sim.outputs().last().map(|told| told.output.clone()),
            Some(Heard::Started(kept)),
            "{fate}"
        );
        assert_eq!(sim.tally().faults().get(counter), Some(&1), "{fate}");
    }
}

#[test]
fn a_torn_write_keeps_a_true_prefix_of_what_was_not_synced() {
    let mut sums = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let (cluster, [a, ..], x) = puppets();
        let mut sim = Sim::new(seed, &cluster);
        sim.inject(
            x,
            a,
            Toy::Do(vec![
                Step::Append(1),
                Step::Sync,
                Step::Append(10),
                Step::Append(100),
                Step::Append(1000),
            ]),
        );
        sim.run_for(ms(20));
        sim.crash(a, DiskFate::TearLastWrite);
        sim.restart(a);
        sim.inject(x, a, Toy::Do(vec![Step::ReadLog]));
        sim.run_for(ms(20));
        let [Heard::Said(sum)] = heard(&sim, a)[..] else { panic!("one answer") };
        sums.insert(sum);
    }
    // Always the synced entry, then the unsynced ones in their order, never all of them: the torn one is gone.
    assert_eq!(sums.into_iter().collect::<Vec<_>>(), [1, 11, 111]);
}

#[test]
fn a_node_with_a_flipped_bit_does_not_start_again() {
    let (mut sim, [a, ..], x) = sim();
    sim.inject(x, a, Toy::Do(vec![Step::Write(5), Step::Sync]));
    sim.run_for(ms(5));
    sim.crash(a, DiskFate::FlipBit);
    assert!(sim.is_damaged(a));
    assert!(!sim.restart(a) && !sim.is_up(a));
    // Nothing stored, nothing to flip.
    let (mut sim, [_, b, _], _) = self::sim();
    sim.crash(b, DiskFate::FlipBit);
    assert!(sim.restart(b));
    assert_eq!(sim.tally().faults().get("disk_bit_flipped"), None);
}

#[test]
fn nothing_recorded_after_a_sync_leaves_before_it_has_finished() {
    let (sim, [a, b, _], x) = sim();
    let mut sim = sim.with_sync_delay(Delay::fixed(ms(10)));
    let steps = vec![Step::Write(1), Step::Send(b, 1), Step::Sync, Step::Send(b, 2), Step::Output(3)];
    sim.inject(x, a, Toy::Do(steps));
    // A later handler: what it sends waits as well.
    sim.run_for(ms(2));
    sim.inject(x, a, Toy::Do(vec![Step::Send(b, 4)]));
    sim.run_for(ms(50));
    // The handler runs at 1 ms, its sync ends at 11 ms; a message takes 1 ms.
    assert_eq!(
        heard_at(&sim, b),
        [(2_000, Heard::Plain(1)), (12_000, Heard::Plain(2)), (12_000, Heard::Plain(4))]
    );
    assert_eq!(heard_at(&sim, a), [(11_000, Heard::Said(3))]);
}

#[test]
fn a_crash_during_a_sync_takes_what_waited_for_it() {
    let (sim, [a, b, _], x) = sim();
    let mut sim = sim.with_sync_delay(Delay::fixed(ms(10)));
    sim.inject(x, a, Toy::Do(vec![Step::Write(1), Step::Sync, Step::Send(b, 2)]));
    sim.run_for(ms(5));
    sim.crash(a, DiskFate::LoseUnsynced);
    sim.restart(a);
    sim.run_for(ms(50));
    assert_eq!(heard(&sim, b), [], "the message waited for a sync that never ended");
    assert_eq!(sim.outputs().last().map(|told| told.output.clone()), Some(Heard::Started(None)));
    // Nor does it leave with a sync of the next process.
    sim.inject(x, a, Toy::Do(vec![Step::Write(3), Step::Sync, Step::Send(b, 4)]));
    sim.run_for(ms(50));
    assert_eq!(heard(&sim, b), [Heard::Plain(4)]);
}

#[test]
fn the_end_of_a_sync_that_a_crash_cut_off_ends_no_other() {
    let (sim, [a, b, _], x) = sim();
    let mut sim = sim.with_sync_delay(Delay::fixed(ms(10)));
    sim.inject(x, a, Toy::Do(vec![Step::Write(1), Step::Sync, Step::Send(b, 1)]));
    sim.run_for(ms(5));
    sim.crash(a, DiskFate::LoseUnsynced);
    sim.restart(a);
    sim.inject(x, a, Toy::Do(vec![Step::Write(2), Step::Sync, Step::Send(b, 2)]));
    sim.run_for(ms(50));
    // The first would have ended at 11 ms; the second begins at 6 ms and ends at 16.
    assert_eq!(heard_at(&sim, b), [(17_000, Heard::Plain(2))]);
}

#[test]
fn the_disk_may_carry_out_waiting_syncs_as_one() {
    let mut ends = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let (cluster, [a, b, _], x) = puppets();
        let mut sim = Sim::new(seed, &cluster)
            .with_hub(Reorder::new(Delay::fixed(ms(1))))
            .with_sync_delay(Delay::fixed(ms(10)));
        for number in 1..=3 {
            sim.inject(x, a, Toy::Do(vec![Step::Append(number), Step::Sync, Step::Send(b, number)]));
        }
        sim.run_for(ms(100));
        assert_eq!(heard(&sim, b), [Heard::Plain(1), Heard::Plain(2), Heard::Plain(3)], "the order is kept");
        ends.insert(heard_at(&sim, b)[2].0);
    }
    // One after the other: 1 + 3 · 10 + 1 ms; the last two as one: 1 + 2 · 10 + 1 ms.
    assert_eq!(ends.into_iter().collect::<Vec<_>>(), [22_000, 32_000]);
}

#[test]
fn a_crash_may_come_between_any_two_effects() {
    for effects in 0..=4 {
        let (mut sim, [a, b, _], x) = sim();
        sim.begin(Fault::CrashAmid { node: "a".into(), effects, disk: DiskFate::LoseUnsynced });
        sim.inject(x, a, Toy::Do(vec![Step::Send(b, 1), Step::Write(9), Step::Sync, Step::Send(b, 2)]));
        sim.run_for(ms(20));
        let expected: &[Heard] = match effects {
            0 => &[],
            1..=3 => &[Heard::Plain(1)],
            _ => &[Heard::Plain(1), Heard::Plain(2)],
        };
        assert_eq!(heard(&sim, b), expected, "after {effects} effects");
        assert_eq!(sim.is_up(a), effects >= 4, "after {effects} effects");
        sim.restart(a);
        let kept = (effects >= 3).then_some(9);
        if effects < 4 {
            assert_eq!(
                sim.outputs().last().map(|told| told.output.clone()),
                Some(Heard::Started(kept)),
                "{effects}"
            );
        }
    }
}

#[test]
fn a_full_disk_stops_the_node_until_there_is_room() {
    let (sim, [a, b, _], x) = sim();
    let plan = Plan::new().during(ms(10), ms(20), Fault::DiskFull { node: "a".into() });
    let mut sim = sim.with_plan(&plan);
    sim.run_for(ms(15));
    assert!(sim.is_up(a), "a full disk is noticed by who writes");
    sim.inject(x, a, Toy::Do(vec![Step::Send(b, 1), Step::Write(1), Step::Send(b, 2)]));
    sim.run_for(ms(5));
    assert!(!sim.is_up(a));
    assert_eq!(heard(&sim, b), [Heard::Plain(1)]);
    sim.run_for(ms(20));
    assert!(sim.is_up(a), "there is room again");
    assert_eq!(sim.tally().faults().get("disk_full"), Some(&1));
}

#[test]
fn a_paused_node_reacts_later_to_everything_in_order() {
    let (sim, [a, b, _], x) = sim();
    let mut sim = sim.with_plan(&Plan::new().during(ms(5), ms(20), Fault::Pause { node: "a".into() }));
    sim.inject(x, a, Toy::Do(vec![Step::Alarm(1, 10)]));
    sim.run_for(ms(6));
    sim.inject(x, a, Toy::Plain(1));
    sim.inject(x, b, Toy::Plain(1));
    sim.run_for(ms(10));
    assert_eq!(heard(&sim, a), []);
    assert_eq!(heard(&sim, b), [Heard::Plain(1)]);
    sim.run_for(ms(20));
    // Both waited until 25 ms: the message of 7 ms, the alarm of 11 ms.
    assert_eq!(heard_at(&sim, a), [(25_000, Heard::Plain(1)), (25_000, Heard::Alarm(1))]);
}

#[test]
fn alarms_and_now_follow_the_nodes_own_clock() {
    let (mut sim, [a, ..], x) = sim();
    sim.run_for(ms(9));
    // Half an hour ahead, and twice as fast.
    sim.begin(Fault::Clock { node: "a".into(), ahead_us: 1_800_000_000, drift_ppm: 1_000_000 });
    sim.inject(x, a, Toy::Do(vec![Step::Clock, Step::Alarm(1, 100)]));
    sim.run_for(ms(200));
    // 1 ms after the clock was set at 9 ms it shows 9 + 2 · 1 ms and half an hour; 100 ms of it are 50 true ones.
    assert_eq!(heard_at(&sim, a), [(10_000, Heard::Said(1_800_011_000)), (60_000, Heard::Alarm(1))]);
    assert_eq!(sim.tally().faults().get("clock"), Some(&1));
}

#[test]
fn a_panic_in_a_handler_breaks_a_rule_and_names_the_node() {
    let (mut sim, [_, b, _], x) = sim();
    sim.inject(x, b, Toy::Do(vec![Step::Panic]));
    sim.run_for(ms(5));
    let violation = sim.violation().expect("the panic ends the run");
    assert_eq!(violation.rule, "a process never panics");
    assert!(violation.got.contains("a step said so") && violation.got.contains("on b"), "{violation}");
    let now = sim.now();
    sim.run_for(ms(5));
    assert_eq!(sim.now(), now, "the run does not go on");
}

#[test]
fn a_run_that_feeds_itself_ends() {
    let (sim, [a, ..], x) = sim();
    let mut sim = sim.with_event_limit(1_000);
    sim.inject(x, a, Toy::Do(vec![]));
    for _ in 0..2_000 {
        sim.inject(x, a, Toy::Plain(1));
    }
    sim.run_for(ms(10));
    assert_eq!(sim.violation().map(|violation| violation.rule.as_str()), Some("a run ends"));
}

#[test]
fn a_run_that_is_stuck_says_who_waits_for_what() {
    let (mut sim, [a, b, _], x) = sim();
    sim.inject(x, a, Toy::Do(vec![Step::Alarm(3, 500)]));
    sim.crash(b, DiskFate::Keep);
    sim.must_reach("all have heard something", ms(100), |_| false);
    let violation = sim.violation().expect("nobody has");
    assert_eq!(violation.rule, "all have heard something");
    let said = violation.to_string();
    for part in [
        "within 100ms",
        "\n    a waits for nothing (3 in 401ms)\n",
        "\n    b is down (no alarm set)\n",
        "\n    c waits for a first message, of b for example (no alarm set)",
    ] {
        assert!(said.contains(part), "{part:?} in {said}");
    }
    // What follows the rule is indented: that is how a reader of failures knows what belongs to it.
    assert!(said.lines().skip(1).all(|line| line.starts_with("  ")), "{said}");
    assert_eq!(sim.waits()[1], "b is down (no alarm set)");
}

#[test]
fn counters_are_by_sender_reader_and_name_and_bytes_are_what_is_encoded() {
    let (sim, [a, b, _], x) = sim();
    let mut sim = sim.counting_bytes();
    let order = Toy::Do(vec![Step::Send(b, 300), Step::Send(b, 1), Step::Send(x, 1)]);
    let order_len = postcard::to_allocvec(&order).unwrap().len() as u64;
    sim.inject(x, a, order);
    sim.run_for(ms(10));
    let pairs: Vec<_> =
        sim.tally().by_pair().into_iter().map(|(key, count)| (key, count.count, count.bytes)).collect();
    // A variant's tag is one byte, 300 two, 1 one.
    assert_eq!(pairs, [((a, b, "Plain"), 2, 5), ((a, x, "Plain"), 1, 2), ((x, a, "Do"), 1, order_len)]);
    assert_eq!(sim.tally().messages().count, 4);
    assert_eq!(sim.tally().delivered, 4);
}

/// Says hello to its peer when it starts, and each millisecond.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Greeter {
    peer: NodeId,
}

impl Process for Greeter {
    type Message = Toy;
    type Timer = ();
    type Output = u64;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.alarm((), ctx);
    }

    fn receive(&mut self, _from: NodeId, _message: Toy, ctx: &mut Context<'_, Self>) {
        let now = ctx.now().as_micros();
        ctx.output(now);
    }

    fn alarm(&mut self, _timer: (), ctx: &mut Context<'_, Self>) {
        ctx.send(self.peer, Toy::Plain(1));
        ctx.set_timer((), ms(1));
    }
}

#[test]
fn a_fault_at_0_comes_after_what_nodes_send_at_their_start() {
    let mut cluster = Cluster::new();
    cluster.node("a", || Greeter { peer: NodeId(1) });
    cluster.node("b", || Greeter { peer: NodeId(0) });
    let arrived = |plan: Plan| {
        let hub = Reorder::new(Delay::fixed(ms(10)));
        let mut sim = Sim::new(1, &cluster).with_hub(hub).with_plan(&plan);
        sim.run_for(ms(30));
        sim.outputs().iter().filter(|told| told.node == NodeId(1)).map(|told| told.output).collect::<Vec<_>>()
    };
    let calm = arrived(Plan::new());
    assert_eq!((calm[0], calm[1], calm.len()), (10_000, 11_000, 21));
    let slow = Fault::Slow { from: vec!["a".into()], to: vec!["b".into()], by: ms(9).into() };
    let slowed = arrived(Plan::new().at(Duration::ZERO, slow));
    assert_eq!((slowed[0], slowed[1]), (10_000, 20_000), "the first was sent before, the second after");
    let mute = Fault::Mute { node: "a".into(), chance: Chance::ALWAYS };
    assert_eq!(arrived(Plan::new().at(Duration::ZERO, mute)), [10_000], "it was said before");
    let cut = Fault::Isolate { node: "a".into() };
    assert_eq!(arrived(Plan::new().at(Duration::ZERO, cut)), [0; 0], "a cut holds at the reader too");
    let crash = Fault::Crash { node: "a".into(), disk: DiskFate::Keep };
    assert_eq!(arrived(Plan::new().at(Duration::ZERO, crash)), [10_000], "a has started, and said hello");
}
