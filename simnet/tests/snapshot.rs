//! The state of the whole network at a moment: one line when all is well, and as JSON.

mod toy;

use simnet::delay::Micros;
use simnet::fault::{Fault, Late};
use simnet::hub::{Hold, Reorder};
use simnet::sim::Network;
use simnet::{Chance, Delay, DiskFate, NodeId, Sim};
use std::time::Duration;
use toy::{Puppet, Step, Toy, puppets};

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Puppets, messages of exactly 10 ms.
fn sim() -> (Sim<Puppet>, [NodeId; 3], NodeId) {
    let (cluster, nodes, x) = puppets();
    (Sim::new(1, &cluster).with_hub(Reorder::new(Delay::fixed(ms(10)))), nodes, x)
}

#[test]
fn a_healthy_network_is_one_line() {
    let (mut sim, [a, b, _], x) = sim();
    sim.inject(x, a, Toy::Do(vec![Step::Alarm(1, 50)]));
    sim.run_for(ms(12));
    sim.inject(a, b, Toy::Plain(1));
    sim.inject(b, a, Toy::Plain(2));
    let network = sim.network();
    assert!(network.is_healthy());
    assert_eq!(network.messages(), 2);
    assert_eq!(network.to_string(), "at 12.000 ms all is well: 3 nodes up, 2 messages in flight");
    let mut sim = sim.with_hub(Hold);
    sim.inject(a, b, Toy::Plain(3));
    assert_eq!(
        sim.network().to_string(),
        "at 12.000 ms all is well: 3 nodes up, 2 messages in flight, 1 held"
    );
}

/// Everything at once: rules, nodes, clocks, disks, messages everywhere.
fn ill() -> Sim<Puppet> {
    let (mut sim, [a, b, c], x) = sim();
    sim.inject(x, b, Toy::Do(vec![Step::Write(1), Step::Alarm(1, 500)]));
    sim.run_for(ms(20));
    sim.begin_late(
        Fault::Partition { sides: vec![vec!["a".into()], vec!["b".into(), "c".into()]] },
        Late::InOrder,
    );
    sim.begin(Fault::Deaf { node: "c".into(), from: vec![], chance: Chance::percent(20) });
    sim.begin(Fault::Slow { from: vec!["b".into()], to: vec![], by: Micros(90_000) });
    sim.begin(Fault::Clock { node: "b".into(), ahead_us: -2_000, drift_ppm: 100_000 });
    sim.begin(Fault::DiskFull { node: "b".into() });
    sim.begin(Fault::CrashAmid { node: "b".into(), effects: 3, disk: DiskFate::Wipe });
    sim.crash(a, DiskFate::LoseUnsynced);
    sim.begin(Fault::Pause { node: "c".into() });
    sim.inject(x, c, Toy::Plain(1));
    sim.inject(x, c, Toy::Plain(2));
    sim.inject(b, a, Toy::Plain(3));
    sim.run_for(ms(10));
    sim.inject(b, c, Toy::Plain(4));
    sim
}

#[test]
fn an_ill_network_says_each_thing_that_is_wrong() {
    let sim = ill();
    let expected = "\
at 30.000 ms: 1 of 3 nodes up, 1 message in flight, 1 to come late
    a is down
    c is paused, with 2 messages waiting
    partition {a} | {b c}: 1 message so far, 1 of them to come at its end
    c deaf, 20%: 0 messages so far
    slow from b to all by 90ms: 1 message so far
    b: its clock is 1ms behind, and runs 100000 ppm fast
    b: its disk is full
    b: it crashes after 3 more effects";
    assert_eq!(sim.network().to_string(), expected);
    assert!(!sim.network().is_healthy());
    assert_eq!(sim.network().messages(), 3, "one in flight, two that wait at c");
}

#[test]
fn a_network_is_json_that_can_be_read_again() {
    let network = ill().network();
    let json = serde_json::to_value(&network).unwrap();
    assert_eq!(json["at_us"], 30_000);
    assert_eq!(
        json["faults"][0],
        serde_json::json!({"fault": "partition", "sides": [["a"], ["b", "c"]], "fired": 1, "kept": 1, "late": "in_order"})
    );
    assert_eq!(
        json["nodes"][1],
        serde_json::json!({
            "name": "b", "standing": "up", "alarms": 1, "waiting_messages": 0, "unsynced_writes": 1, "behind_sync": 0,
            "clock": {"ahead_us": -1_000, "drift_ppm": 100_000}, "disk_full": true, "disk_damaged": false,
            "crashes_after_effects": 3
        })
    );
    assert_eq!(json["nodes"][3]["standing"], "outsider");
    assert_eq!(json["links"], serde_json::json!([{"from": "b", "to": "c", "in_flight": 1, "held": 0}]));
    assert_eq!(serde_json::from_value::<Network>(json).unwrap(), network);
}

#[test]
fn the_network_is_well_again_when_all_has_ended() {
    let mut sim = ill();
    sim.calm(&[NodeId(0), NodeId(1), NodeId(2)], Reorder::new(Delay::fixed(ms(1))));
    sim.run_for(ms(200));
    assert_eq!(sim.network().to_string(), "at 230.000 ms all is well: 3 nodes up, 0 messages in flight");
}

#[test]
fn looking_at_the_network_changes_nothing() {
    let (mut looked, mut unseen) = (ill(), ill());
    for _ in 0..10 {
        let _ = looked.network().to_string();
        looked.run_for(ms(10));
        unseen.run_for(ms(10));
    }
    assert_eq!(looked.hash(), unseen.hash());
}

#[test]
fn a_run_that_is_stuck_names_the_faults_in_force() {
    let (mut sim, ..) = sim();
    sim.begin(Fault::Isolate { node: "b".into() });
    sim.begin(Fault::DiskFull { node: "c".into() });
    sim.must_reach("all get on", ms(100), |_| false);
    let violation = sim.violation().expect("nobody does").to_string();
    for line in ["isolate b: 0 messages so far", "c: its disk is full"] {
        assert!(violation.contains(line), "{line} in {violation}");
    }
}
