//! Part D: snapshots. First one process, with a test that plays the others; then whole computations.

use messages::clocks::VectorClock;
use messages::in_order::{Carried, carry, nothing_lost};
use messages::scene::{Episode, Scene};
use messages::snapshot::invariants::{ADDS_UP, CHANNELS, COMPLETED, CONSISTENT, situation};
use messages::snapshot::node::Pace;
use messages::snapshot::scene::{BankRoles, DiffusingRoles};
use messages::snapshot::{
    Bank, Channel, Computation, Diffusing, Global, Message, Money, Node, Output, Part, Plan, SnapshotId,
    Timer, Transfer, Work,
};
use simnet::delay::Micros;
use simnet::hub::{Fifo, Reorder};
use simnet::random::Purpose;
use simnet::solo::Sent;
use simnet::swarm::{Swarm, Weather};
use simnet::{Campaign, Delay, NodeId, Random, Solo, this_test};
use std::time::Duration;

const P: NodeId = NodeId(0);
const ME: NodeId = NodeId(1);
const R: NodeId = NodeId(2);

/// A branch with 100, which makes no transfers of its own, and `snapshots` snapshots.
fn branch(snapshots: u32) -> (Solo<Node<Bank>>, Vec<Sent<Message<Bank>>>) {
    let pace = Pace { turn: Duration::from_millis(5), snapshot: Duration::from_millis(5) };
    Solo::start(ME, move || Node::new(Bank::new(100, 0, 1), vec![P, R], Plan::Times(snapshots), pace))
}

fn snapshot_of(initiator: NodeId, number: u32) -> SnapshotId {
    SnapshotId { initiator, number }
}

fn marker(initiator: NodeId, number: u32) -> Message<Bank> {
    Message::Marker(snapshot_of(initiator, number))
}

fn transfer(money: u64) -> Message<Bank> {
    Message::Basic { message: Transfer(money), clock: VectorClock::new(3) }
}

fn part(state: u64, from_p: &[u64], from_r: &[u64]) -> Part<Bank> {
    let channel =
        |from, money: &[u64]| Channel { from, messages: money.iter().copied().map(Transfer).collect() };
    Part { state, channels: vec![channel(P, from_p), channel(R, from_r)] }
}

#[track_caller]
fn expect(rule: &str, got: Vec<Sent<Message<Bank>>>, expected: &[(NodeId, Message<Bank>)]) {
    let got: Vec<(NodeId, Message<Bank>)> = got.into_iter().map(|sent| (sent.to, sent.message)).collect();
    assert!(got == expected, "rule broken: {rule}\n  expected: {expected:?}\n  got: {got:?}");
}

/// The one report among what was sent.
#[track_caller]
fn expect_report(rule: &str, got: Vec<Sent<Message<Bank>>>, to: NodeId, number: u32, part: Part<Bank>) {
    let report = Message::Report { snapshot: snapshot_of(to, number), part };
    expect(rule, got, &[(to, report)]);
}

#[test]
fn part_d_without_snapshots_nothing_is_recorded() {
    let (mut solo, sent) = branch(0);
    expect("only an initiator begins a snapshot", sent, &[]);
    assert_eq!(solo.alarms().count(), 0);
    assert!(solo.take_outputs().is_empty());
}

#[test]
fn part_d_an_initiator_records_its_state_and_sends_a_marker_along_every_channel() {
    let (mut solo, _) = branch(1);
    let (timer, sent) = solo.next_alarm().expect("it begins a snapshot");
    assert_eq!(timer, Timer::Snapshot);
    expect(
        "the marker-sending rule: a marker along each channel",
        sent,
        &[(P, marker(ME, 1)), (R, marker(ME, 1))],
    );
    let outputs = solo.take_outputs();
    let recorded =
        outputs.iter().filter(|output| matches!(output, Output::Recorded { state: 100, .. })).count();
    assert_eq!(
        (recorded, outputs.len()),
        (1, 1),
        "rule broken: (D3) an initiator records its own state, once\n  expected: Recorded, 100\n  got: {outputs:?}"
    );
}

#[test]
fn part_d_the_first_marker_makes_a_process_record_and_pass_it_on() {
    let (mut solo, _) = branch(0);
    let sent = solo.receive(P, marker(P, 1));
    expect(
        "the marker-receiving rule: with the first marker a process records, and sends markers along all its channels, back too",
        sent,
        &[(P, marker(P, 1)), (R, marker(P, 1))],
    );
    let sent = solo.receive(R, marker(P, 1));
    let rule = "the marker-receiving rule: a second marker only ends a channel; then all have come, and the part is reported";
    expect_report(rule, sent, P, 1, part(100, &[], &[]));
}

#[test]
fn part_d_a_channel_holds_what_comes_between_the_recording_and_its_marker() {
    let (mut solo, _) = branch(0);
    // Before it records: the state has it, no channel does.
    solo.receive(R, transfer(1));
    solo.receive(P, marker(P, 1));
    // From R: sent before R recorded, received after this process did. So it was in the channel.
    solo.receive(R, transfer(20));
    solo.receive(R, transfer(30));
    // From P: sent after P recorded. It is in no part of the snapshot.
    solo.receive(P, transfer(7));
    let sent = solo.receive(R, marker(P, 1));
    expect_report(
        "(D2) a channel's state is what comes after the recording and before the marker, in order",
        sent,
        P,
        1,
        part(101, &[], &[20, 30]),
    );
    // All of it has arrived, snapshot or not.
    assert_eq!(solo.process().computation().state(), 158, "a snapshot does not disturb the computation");
}

#[test]
fn part_d_snapshots_under_way_at_once_do_not_mix() {
    let (mut solo, _) = branch(0);
    solo.receive(P, marker(P, 1));
    solo.receive(R, transfer(10));
    // A second snapshot begins at R: for the first one, the channel from R is still open.
    let sent = solo.receive(R, marker(R, 1));
    expect("each snapshot has its own markers", sent, &[(P, marker(R, 1)), (R, marker(R, 1))]);
    solo.receive(R, transfer(20));
    solo.receive(P, transfer(5));
    let sent = solo.receive(R, marker(P, 1));
    expect_report(
        "(D2) the first snapshot has what came from r up to its own marker, and nothing that p sent after its own",
        sent,
        P,
        1,
        part(100, &[], &[10, 20]),
    );
    let sent = solo.receive(P, marker(R, 1));
    expect_report(
        "(D2) the second snapshot began later, and its channel from p was open for longer",
        sent,
        R,
        1,
        part(110, &[5], &[]),
    );
}

#[test]
fn part_d_an_initiator_puts_together_the_parts_of_all() {
    let (mut solo, _) = branch(1);
    solo.next_alarm().expect("it begins a snapshot");
    solo.take_outputs();
    let report = |part| Message::Report { snapshot: snapshot_of(ME, 1), part };
    solo.receive(P, marker(ME, 1));
    solo.receive(P, report(part(40, &[], &[])));
    solo.receive(R, transfer(9));
    solo.receive(R, marker(ME, 1));
    let early = solo.take_outputs();
    assert!(
        early.is_empty(),
        "rule broken: (D3) a snapshot has the parts of all processes\n  expected: nothing, before r has reported\n  got: {early:?}"
    );
    solo.receive(R, report(part(60, &[], &[])));
    let global =
        Global { parts: vec![(P, part(40, &[], &[])), (ME, part(100, &[], &[9])), (R, part(60, &[], &[]))] };
    let (got, expected) =
        (solo.take_outputs(), vec![Output::Completed { snapshot: snapshot_of(ME, 1), global }]);
    assert!(
        got == expected,
        "rule broken: (D3) a snapshot has the parts of all processes, once each\n  expected: {expected:?}\n  got: {got:?}"
    );
}

#[test]
fn part_d_a_lone_process_is_its_own_snapshot() {
    let roles = BankRoles { branches: 1, initiators: 1, snapshots: 2, ..BankRoles::default() };
    Campaign::new(this_test!()).seeds(20).run(|trial| {
        let mut sim = Episode::calm(roles.clone()).begin(trial);
        sim.must_reach(COMPLETED, roles.patience(), |sim| roles.is_done(sim.outputs(), &|_| true));
        sim
    });
}

#[test]
fn part_d_snapshots_add_up_in_any_weather_that_keeps_order() {
    Campaign::new(this_test!())
        .seeds(3_000)
        .reaching(&[situation::IN_CHANNEL, situation::CONCURRENT, situation::NEVER_WAS])
        .firing(&["pause", "clock"])
        .run(|trial| {
            let sim = Episode::<BankRoles>::draw(trial.seed).survive_and_reach_the_goal(trial);
            let reordered = sim.tally().faults().get("reorder").copied().unwrap_or(0);
            assert_eq!(reordered, 0, "the network was to keep the order of sending");
            sim
        });
}

/// Branches that send money all the time, and look at it often.
fn busy() -> BankRoles {
    let (turn, pause) = (Micros(3_000), Micros(20_000));
    BankRoles { transfers: 30, snapshots: 3, turn, pause, ..BankRoles::default() }
}

const DELAYS: Delay = Delay::Uniform { min_us: 100, max_us: 20_000 };

/// What the paper assumes is needed. A marker that is overtaken, or overtakes, cuts where it must not.
#[test]
fn part_d_without_order_money_is_counted_twice_or_not_at_all() {
    let roles = busy();
    Campaign::new(this_test!()).seeds(200).run(|trial| {
        let mut sim = trial.sim(&roles.cluster()).with_hub(Fifo::new(DELAYS)).with_monitor(roles.rules());
        sim.must_reach(COMPLETED, roles.patience(), |sim| roles.is_done(sim.outputs(), &|_| true));
        sim
    });
    Campaign::new(this_test!()).seeds(200).firing(&["reorder"]).run(|trial| {
        let cluster = carry(&roles.cluster());
        let mut sim =
            trial.sim(&cluster).with_hub(Reorder::new(DELAYS)).with_monitor(Carried::new(roles.rules()));
        sim.must_reach(COMPLETED, roles.patience(), |sim| roles.is_done(sim.outputs(), &|_| true));
        sim
    });
    let reorder = Campaign::new(this_test!()).seeds(200).explore(|trial| {
        let mut sim = trial.sim(&roles.cluster()).with_hub(Reorder::new(DELAYS)).with_monitor(roles.rules());
        sim.run_for(roles.patience());
        sim
    });
    let broken = reorder.by_rule();
    let wrong = [CONSISTENT, CHANNELS, ADDS_UP]
        .iter()
        .filter_map(|rule| broken.get(rule))
        .map(Vec::len)
        .sum::<usize>();
    assert!(
        reorder.seeds < 200 || wrong >= 100,
        "rule broken: without order on channels, snapshots are wrong\n  expected: under 100 of 200 seeds at least\n  got: {broken:?}"
    );
}

/// The same branches on channels that are put in order, in storms: everything comes, but late, twice, and in any order.
#[test]
fn part_d_snapshots_add_up_on_channels_put_in_order_in_any_weather_that_loses_nothing() {
    Campaign::new(this_test!())
        .seeds(1_000)
        .reaching(&[situation::IN_CHANNEL, situation::CONCURRENT])
        .firing(&["duplicate", "reorder", "partition", "late", "replay", "pause"])
        .run(|trial| {
            let mut random = Random::new(trial.seed, Purpose::Swarm);
            let roles = BankRoles::draw(&mut random);
            let cluster = carry(&roles.cluster());
            let length = Duration::from_millis(300);
            let nodes = cluster.names().cloned().collect();
            let mut storm = Swarm { nodes, length, ..Swarm::default() }.draw(&mut random);
            nothing_lost(&mut storm);
            let money = u64::from(roles.branches) * u64::from(roles.money);
            let mut sim = trial
                .sim(&cluster)
                .with_hub(storm.weather.hub())
                .with_plan(&storm.plan)
                .with_monitor(Carried::new(Money::new(money)))
                .described(format!("{roles}; {storm}"));
            sim.run_for(length);
            let all: Vec<NodeId> = (0..roles.branches).map(NodeId).collect();
            sim.calm(&all, Weather::default().hub());
            let patience = roles.patience() + Duration::from_secs(600);
            sim.must_reach(COMPLETED, patience, |sim| roles.is_done(sim.outputs(), &|_| true));
            sim
        });
}

#[test]
fn part_d_work_on_its_way_is_work() {
    let global = |work: [u32; 2], on_its_way: &[u32]| Global::<Diffusing> {
        parts: vec![
            (P, Part { state: work[0], channels: vec![Channel { from: ME, messages: Vec::new() }] }),
            (
                ME,
                Part {
                    state: work[1],
                    channels: vec![Channel {
                        from: P,
                        messages: on_its_way.iter().copied().map(Work).collect(),
                    }],
                },
            ),
        ],
    };
    for (work, on_its_way, expected) in [
        ([0, 0], &[][..], true),
        ([0, 1], &[], false),
        ([1, 0], &[], false),
        ([0, 0], &[2], false),
        ([3, 0], &[1], false),
    ] {
        let got = Diffusing::has_terminated(&global(work, on_its_way));
        assert!(
            got == expected,
            "rule broken: a computation has terminated when nobody works and no work is on its way\n  expected: {expected}, with {work:?} at the processes and {on_its_way:?} on its way\n  got: {got}"
        );
    }
}

#[test]
fn part_d_claims_termination_in_the_end_and_never_falsely() {
    Campaign::new(this_test!())
        .seeds(2_000)
        .reaching(&[situation::ONLY_CHANNELS, situation::TOO_EARLY, situation::NEVER_WAS])
        .firing(&["pause", "clock"])
        .run(|trial| Episode::<DiffusingRoles>::draw(trial.seed).survive_and_reach_the_goal(trial));
}

/// Explores every schedule of these roles.
fn explore(roles: &impl Scene) {
    let bounds = roles.bounds();
    let answer = roles.question(&bounds).check("02-messages", &format!("{roles}; {bounds}"));
    if let Some((violation, _)) = answer.broken {
        panic!("{violation}");
    }
    assert!(answer.complete, "every schedule was to be explored, {} states were", answer.states);
    assert!(answer.unique_states > 100, "only {} states", answer.unique_states);
}

#[test]
fn part_d_no_schedule_of_a_small_bank_breaks_a_snapshot() {
    // Two snapshots at once, and one among more transfers.
    explore(&BankRoles::small());
    explore(&BankRoles { transfers: 2, initiators: 1, ..BankRoles::small() });
}

#[test]
fn part_d_no_schedule_of_a_small_computation_leads_to_a_false_claim() {
    explore(&DiffusingRoles::small());
}
