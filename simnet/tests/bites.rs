//! Every fault bites: its counter says so, and without it the run is another. And the table of `simnet::fault` is whole.

mod toy;

use simnet::delay::Micros;
use simnet::fault::{Fault, Late, Plan, Scheduled};
use simnet::hub::{Duplicate, Fifo, Hold, Hub, Lossy, Reorder, Straggle, Wan};
use simnet::sim::Told;
use simnet::{Chance, Delay, DiskFate, NodeId, Sim};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;
use toy::{Heard, Puppet, Step, Toy, puppets};

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn fired(sim: &Sim<Puppet>, kind: &str) -> u64 {
    sim.tally().faults().get(kind).copied().unwrap_or(0)
}

/// 200 ms in which the nodes do all that a process can: each writes, syncs, speaks to both others, sets alarms, reads its clock.
fn busy(mut sim: Sim<Puppet>, nodes: [NodeId; 3], x: NodeId) -> Sim<Puppet> {
    for round in 0..40 {
        for (place, node) in nodes.into_iter().enumerate() {
            let (next, last) = (nodes[(place + 1) % 3], nodes[(place + 2) % 3]);
            let steps = vec![
                Step::Write(round),
                Step::Send(next, round),
                Step::Append(round),
                Step::Sync,
                Step::Send(last, 100 + round),
                Step::Alarm((round % 8) as u8, 7),
                Step::Clock,
            ];
            sim.inject(x, node, Toy::Do(steps));
        }
        sim.run_for(ms(5));
    }
    sim
}

fn busy_under(plan: &Plan) -> Sim<Puppet> {
    let (cluster, nodes, x) = puppets();
    let sim = Sim::new(1, &cluster)
        .with_hub(Reorder::new(Delay::fixed(ms(2))))
        .with_sync_delay(Delay::fixed(ms(1)))
        .with_plan(plan);
    busy(sim, nodes, x)
}

fn before(sim: &Sim<Puppet>, moment: Duration) -> Vec<&Told<Heard>> {
    sim.outputs().iter().filter(|told| u128::from(told.at.as_micros()) < moment.as_micros()).collect()
}

/// The fault fires and changes what the outside hears, from its beginning on; without it neither happens.
#[track_caller]
fn bites(fault: Fault) {
    let (calm, stormy) =
        (busy_under(&Plan::new()), busy_under(&Plan::new().during(ms(50), ms(60), fault.clone())));
    assert_eq!(fired(&calm, fault.kind()), 0, "{fault}: nothing counts what does not happen");
    assert!(fired(&stormy, fault.kind()) > 0, "{fault}: it counts what it does");
    assert_eq!(stormy.idle_faults(), Vec::<&Scheduled>::new());
    assert_eq!(before(&calm, ms(50)), before(&stormy, ms(50)), "{fault}: nothing happens before it begins");
    assert_ne!(calm.outputs(), stormy.outputs(), "{fault}: without it the run is another");
}

/// With chance 0 the fault is there, and does nothing.
#[track_caller]
fn never_is_off(fault: Fault) {
    let (calm, idle) =
        (busy_under(&Plan::new()), busy_under(&Plan::new().during(ms(50), ms(60), fault.clone())));
    assert_eq!((fired(&idle, fault.kind()), idle.idle_faults().len()), (0, 1), "{fault}");
    assert_eq!(calm.outputs(), idle.outputs(), "{fault}");
}

#[test]
fn a_partition_bites() {
    bites(Fault::Partition { sides: vec![vec!["a".into()], vec!["b".into(), "c".into()]] });
}

#[test]
fn a_one_way_cut_bites() {
    bites(Fault::OneWay { from: vec!["a".into()], to: vec!["b".into()] });
}

#[test]
fn isolation_bites() {
    bites(Fault::Isolate { node: "b".into() });
}

#[test]
fn deafness_bites() {
    bites(Fault::Deaf { node: "b".into(), from: vec![], chance: Chance::percent(50) });
    never_is_off(Fault::Deaf { node: "b".into(), from: vec![], chance: Chance::NEVER });
}

#[test]
fn muteness_bites() {
    bites(Fault::Mute { node: "b".into(), chance: Chance::percent(50) });
    never_is_off(Fault::Mute { node: "b".into(), chance: Chance::NEVER });
}

#[test]
fn loss_bites() {
    let loss = |chance| Fault::Loss { from: vec!["a".into()], to: vec!["b".into()], chance };
    bites(loss(Chance::percent(50)));
    never_is_off(loss(Chance::NEVER));
}

#[test]
fn a_filter_bites() {
    let filter =
        |message: &str, chance| Fault::Filter { message: message.into(), from: vec![], to: vec![], chance };
    bites(filter("Plain", Chance::percent(50)));
    never_is_off(filter("Plain", Chance::NEVER));
    never_is_off(filter("NoSuchName", Chance::ALWAYS));
}

#[test]
fn a_slow_link_bites() {
    bites(Fault::Slow { from: vec!["a".into()], to: vec!["b".into()], by: Micros(7_000) });
}

#[test]
fn a_narrow_link_bites() {
    bites(Fault::Bandwidth { from: vec!["a".into()], to: vec!["b".into()], bytes_per_second: 300 });
}

#[test]
fn a_crash_bites() {
    bites(Fault::Crash { node: "b".into(), disk: DiskFate::LoseUnsynced });
}

#[test]
fn a_crash_amid_bites() {
    bites(Fault::CrashAmid { node: "b".into(), effects: 10, disk: DiskFate::LoseUnsynced });
}

#[test]
fn a_pause_bites() {
    bites(Fault::Pause { node: "b".into() });
}

#[test]
fn a_full_disk_bites() {
    bites(Fault::DiskFull { node: "b".into() });
}

#[test]
fn clock_skew_and_drift_bite() {
    bites(Fault::Clock { node: "b".into(), ahead_us: 5_000, drift_ppm: 0 });
    bites(Fault::Clock { node: "b".into(), ahead_us: -5_000, drift_ppm: 0 });
    bites(Fault::Clock { node: "b".into(), ahead_us: 0, drift_ppm: 500_000 });
    bites(Fault::Clock { node: "b".into(), ahead_us: 0, drift_ppm: -500_000 });
}

#[test]
fn a_replay_bites() {
    bites(Fault::Replay { messages: 5 });
}

/// The counter is zero with the one hub, and not with the other; and what is heard differs.
#[track_caller]
fn hub_bites(counter: &str, off: impl Hub<Toy> + 'static, on: impl Hub<Toy> + 'static) {
    let (cluster, nodes, x) = puppets();
    let off = busy(Sim::new(1, &cluster).with_hub(off), nodes, x);
    let on = busy(Sim::new(1, &cluster).with_hub(on), nodes, x);
    assert_eq!(fired(&off, counter), 0, "{counter}");
    assert!(fired(&on, counter) > 0, "{counter}");
    assert_ne!(off.outputs(), on.outputs(), "{counter}");
}

#[test]
fn drop_duplicate_reorder_straggle_and_hold_bite() {
    let inner = Reorder::new(Delay::fixed(ms(2)));
    let some = Chance::percent(20);
    hub_bites("drop", Lossy::new(Chance::NEVER, inner), Lossy::new(some, inner));
    hub_bites("duplicate", Duplicate::new(Chance::NEVER, inner), Duplicate::new(some, inner));
    let delay = Delay::uniform(ms(1), ms(20));
    hub_bites("reorder", Fifo::new(delay), Reorder::new(delay));
    let straggle = |chance| Straggle::new(chance, Delay::fixed(ms(30)), inner);
    hub_bites("reorder", straggle(Chance::NEVER), straggle(some));
    hub_bites("hold", inner, Hold);
    let wan = |far| Wan::new(vec![0, 0, 0, 0], vec![vec![far]]);
    hub_bites("reorder", wan(Delay::fixed(ms(2))), wan(delay));
}

#[test]
fn combined_hubs_all_bite_at_once() {
    let inner = Straggle::new(Chance::percent(20), Delay::fixed(ms(30)), Reorder::new(Delay::fixed(ms(2))));
    let hub = Lossy::new(Chance::percent(20), Duplicate::new(Chance::percent(20), inner));
    let (cluster, nodes, x) = puppets();
    let sim = busy(Sim::new(1, &cluster).with_hub(hub), nodes, x);
    for counter in ["drop", "duplicate", "reorder"] {
        assert!(fired(&sim, counter) > 0, "{counter}");
    }
    let sim = busy(
        Sim::new(1, &puppets().0).with_hub(Fifo::over(Lossy::new(Chance::percent(20), inner))),
        nodes,
        x,
    );
    assert!(fired(&sim, "drop") > 0);
    assert_eq!(fired(&sim, "reorder"), 0, "what is in order outside is in order whatever is inside");
}

/// What each fate leaves of a record that was synced as 5 and then written as 6, and of a log of 1 (synced) and 10.
#[test]
fn each_fate_of_storage_bites() {
    let mut left = BTreeMap::new();
    for fate in
        [DiskFate::Keep, DiskFate::LoseUnsynced, DiskFate::TearLastWrite, DiskFate::FlipBit, DiskFate::Wipe]
    {
        let (cluster, [a, ..], x) = puppets();
        let mut sim = Sim::new(3, &cluster).with_hub(Reorder::new(Delay::fixed(ms(1))));
        let steps = [Step::Write(5), Step::Append(1), Step::Sync, Step::Append(10), Step::Write(6)];
        sim.inject(x, a, Toy::Do(steps.to_vec()));
        sim.run_for(ms(5));
        sim.crash(a, fate);
        assert_eq!(fired(&sim, counter_of(fate)), 1, "{fate}");
        let counters: Vec<&str> = sim.tally().faults().keys().copied().collect();
        assert_eq!(counters, ["crash", counter_of(fate)], "{fate}: no other counter");
        sim.restart(a);
        sim.inject(x, a, Toy::Do(vec![Step::Read, Step::ReadLog]));
        sim.run_for(ms(5));
        left.insert(fate, toy::heard(&sim, a));
        // Without anything to bite into, none of them counts.
        let (_, [_, b, _], _) = puppets();
        sim.crash(b, fate);
        assert_eq!(fired(&sim, counter_of(fate)), 1, "{fate}");
    }
    let said = |record, log| vec![Heard::Said(record), Heard::Said(log)];
    assert_eq!(left[&DiskFate::Keep], said(6, 11));
    assert_eq!(left[&DiskFate::LoseUnsynced], said(5, 1));
    assert!(
        [said(5, 1), said(5, 11)].contains(&left[&DiskFate::TearLastWrite]),
        "the last write is always lost"
    );
    assert_eq!(left[&DiskFate::FlipBit], [], "it does not start");
    assert_eq!(left[&DiskFate::Wipe], said(0, 0));
}

fn counter_of(fate: DiskFate) -> &'static str {
    match fate {
        DiskFate::Keep => "disk_kept",
        DiskFate::LoseUnsynced => "disk_unsynced_lost",
        DiskFate::TearLastWrite => "disk_torn",
        DiskFate::FlipBit => "disk_bit_flipped",
        DiskFate::Wipe => "disk_wiped",
    }
}

/// All that a table of faults must speak of. A variant that is added is missed here by the compiler or by the test below.
fn everything_that_can_go_wrong() -> BTreeSet<String> {
    let late = |late| match late {
        Late::Never => "Late::Never",
        Late::InOrder => "Late::InOrder",
        Late::Shuffled => "Late::Shuffled",
    };
    let delay = |delay| match delay {
        Delay::Fixed { .. } => "Delay::Fixed",
        Delay::Uniform { .. } => "Delay::Uniform",
        Delay::Exponential { .. } => "Delay::Exponential",
    };
    let fates =
        [DiskFate::Keep, DiskFate::LoseUnsynced, DiskFate::TearLastWrite, DiskFate::FlipBit, DiskFate::Wipe];
    let mut all: BTreeSet<String> = Fault::KINDS.into_iter().map(str::to_owned).collect();
    all.extend(fates.map(|fate| counter_of(fate).to_owned()));
    all.extend([Late::Never, Late::InOrder, Late::Shuffled].map(|way| late(way).to_owned()));
    let delays = [Delay::NONE, Delay::uniform(ms(1), ms(2)), Delay::exponential(ms(1))];
    all.extend(delays.map(|way| delay(way).to_owned()));
    let hubs = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/hub.rs")).unwrap();
    let name = |line: &str| {
        let (_, name) = line.split_once(" Hub<M> for ")?;
        Some(format!("hub::{}", name.split(['<', ' ']).next()?))
    };
    let hubs: BTreeSet<String> = hubs
        .lines()
        .filter(|line| line.starts_with("impl<"))
        .filter_map(name)
        .filter(|hub| hub != "hub::Box")
        .collect();
    assert!(hubs.len() >= 7, "{hubs:?}");
    all.extend(hubs);
    all
}

/// The tests of this package, by name.
fn tests() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let mut is_test = false;
        for line in text.lines() {
            if let (true, Some(rest)) = (is_test, line.strip_prefix("fn ")) {
                found.insert(rest.split('(').next().unwrap_or_default().to_owned());
            }
            is_test = line == "#[test]" || (is_test && line.starts_with("#["));
        }
    }
    found
}

/// The cells of the rows that have five, without the headings.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .filter(|cells: &Vec<&str>| cells.len() == 5)
        .collect()
}

fn in_backticks(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn each_wrong_simulator_names_the_tests_that_catch_it() {
    let (folder, tests) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("mutants"), tests());
    let mut wrong = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let patch = std::fs::read_to_string(&path).unwrap();
        let (header, diff) = patch.split_once("\n\n").expect("a blank line before the diff");
        assert!(diff.starts_with("diff --git a/simnet/src/"), "{path:?}: it changes the simulator");
        let (_, caught_by) = header.split_once("\nCaught-by:").expect("a line `Caught-by:`");
        for test in caught_by.split(',').map(str::trim) {
            assert!(tests.contains(test), "{path:?}: there is no test `{test}` in simnet/tests");
        }
        wrong += 1;
    }
    assert!(wrong >= 40, "{wrong}");
}

#[test]
fn the_table_names_for_everything_that_can_go_wrong_the_tests_that_show_it() {
    let table = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/faults.md")).unwrap();
    let (rows, tests) = (rows(&table), tests());
    let listed: BTreeSet<String> =
        rows.iter().flat_map(|cells| in_backticks(cells[0])).map(str::to_owned).collect();
    let all = everything_that_can_go_wrong();
    assert_eq!(all.difference(&listed).collect::<Vec<_>>(), Vec::<&String>::new(), "rows that are missing");
    assert_eq!(
        listed.difference(&all).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "rows of what does not exist"
    );
    for cells in &rows {
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{}: an empty cell", cells[0]);
        let named = in_backticks(cells[4]);
        assert!(!named.is_empty(), "{}: no test shows it", cells[0]);
        for test in named {
            assert!(tests.contains(test), "{}: there is no test `{test}` in simnet/tests", cells[0]);
        }
    }
}
