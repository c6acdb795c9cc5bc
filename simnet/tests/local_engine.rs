//! The rules of the world, kept by the local world's engine; its traces, merged and run again. No socket, no file, no clock.
#![cfg(feature = "local")]

use serde::{Deserialize, Serialize};
use simnet::local::engine::{Action, Engine, header};
use simnet::local::frame::Letter;
use simnet::local::merge::merge;
use simnet::local::replay::{FAITHFUL, Replay};
use simnet::local::transport::Place;
use simnet::storage::{Contents, Write};
use simnet::trace::{Event, Kind, Name, Trace};
use simnet::{Cluster, Context, Message, NodeId, Observe, Process};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Say {
    /// Keep this, and say so.
    Keep(u64),
    /// It is kept, and so many are.
    Kept { value: u64, count: u64 },
    /// Say it to yourself first.
    Echo,
}

impl Message for Say {
    fn name(&self) -> &'static str {
        match self {
            Say::Keep(_) => "Keep",
            Say::Kept { .. } => "Kept",
            Say::Echo => "Echo",
        }
    }
}

/// Keeps numbers, and says early that it will, and late that it has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Keeper {
    kept: Vec<u64>,
}

impl Process for Keeper {
    type Message = Say;
    type Timer = u8;
    type Output = u64;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.kept = ctx.storage().log();
        ctx.set_timer(1, Duration::from_micros(500));
        ctx.set_timer(2, Duration::from_micros(300));
        ctx.set_timer(1, Duration::from_micros(100));
        ctx.set_timer(3, Duration::from_micros(50));
        ctx.cancel_timer(3);
    }

    fn receive(&mut self, from: NodeId, message: Say, ctx: &mut Context<'_, Self>) {
        match message {
            Say::Keep(value) => {
                ctx.send(from, Say::Echo);
                self.kept.push(value);
                ctx.storage().append(&value);
                ctx.storage().sync();
                ctx.send(from, Say::Kept { value, count: self.kept.len() as u64 });
                ctx.output(value);
            }
            Say::Echo if from != ctx.me() => ctx.send(ctx.me(), Say::Echo),
            Say::Kept { .. } | Say::Echo => {}
        }
    }

    fn alarm(&mut self, timer: u8, ctx: &mut Context<'_, Self>) {
        ctx.note(format!("alarm {timer}"));
        let random = ctx.random(1000);
        if timer == 1 && ctx.me() == NodeId(1) {
            ctx.send(NodeId(0), Say::Keep(random));
        }
    }
}

impl Observe for Keeper {
    type View = Vec<u64>;
    fn view(&self) -> Vec<u64> {
        self.kept.clone()
    }
}

const SEED: u64 = 11;

fn names() -> Vec<Name> {
    ["keeper", "asker"].map(Name::from).to_vec()
}

fn engine(me: u32, life: u64, contents: Contents) -> Engine<Keeper> {
    let place = Place { run: 1, me: NodeId(me), nodes: 2, life };
    Engine::new(Keeper::default(), place, names(), SEED, contents).recording_views()
}

fn letter(number: u64, message: &Say) -> Letter {
    let message = simnet_bytes(message);
    Letter { from: NodeId(1), id: number, clock: vec![0, number], message }
}

/// Postcard's bytes of the toy's messages: the tag, then small numbers as they are.
fn simnet_bytes(message: &Say) -> Vec<u8> {
    match message {
        Say::Keep(value) => vec![0, u8::try_from(*value).unwrap()],
        Say::Kept { value, count } => vec![1, *value as u8, *count as u8],
        Say::Echo => vec![2],
    }
}

/// What left an engine, in short.
fn left(engine: &mut Engine<Keeper>) -> Vec<String> {
    let short = |action: Action<u64>| match action {
        Action::Send { letter, .. } => format!("send {:?}", letter.message),
        Action::Commit(writes) => format!("commit {}", writes.len()),
        Action::Output(output) => format!("output {output}"),
    };
    engine.take_actions().into_iter().map(short).collect()
}

#[test]
fn what_is_recorded_after_a_sync_leaves_when_it_has_finished_and_not_before() {
    let mut keeper = engine(0, 1, Contents::default());
    keeper.start(0, 0).unwrap();
    keeper.receive(&letter(1, &Say::Keep(5)), 10).unwrap().unwrap();
    assert_eq!(left(&mut keeper), ["send [2]", "commit 1"]);
    // While the disk works, nothing leaves: not even what has nothing to do with the write.
    for (number, value) in [(2, 6), (3, 7)] {
        keeper.receive(&letter(number, &Say::Keep(value)), 20).unwrap().unwrap();
    }
    assert!(left(&mut keeper).is_empty());
    // Then what waited for the first sync, up to the next; and the two that wait make one.
    keeper.synced(30);
    assert_eq!(left(&mut keeper), ["send [1, 5, 1]", "output 5", "send [2]", "commit 2"]);
    keeper.synced(40);
    assert_eq!(left(&mut keeper), ["send [1, 6, 2]", "output 6", "send [2]", "send [1, 7, 3]", "output 7"]);
    assert_eq!(keeper.tally().by_name()["Kept"].count, 3);
    assert_eq!(keeper.tally().by_name()["Kept"].bytes, 9);
}

#[test]
fn alarms_are_moved_cancelled_and_go_off_in_order() {
    let mut keeper = engine(0, 1, Contents::default());
    keeper.start(0, 1_000).unwrap();
    assert_eq!(keeper.wakes_at(), Some(1_100));
    keeper.wake(1_050).unwrap();
    keeper.wake(2_000).unwrap();
    keeper.wake(2_000).unwrap();
    assert_eq!(keeper.wakes_at(), None);
    let events = keeper.take_events();
    let fired: Vec<&str> = events
        .iter()
        .filter(|event| event.kind == Kind::Timer)
        .filter_map(|event| event.name.as_deref())
        .collect();
    assert_eq!(fired, ["1", "2"]);
}

#[test]
fn a_message_to_oneself_needs_no_network() {
    let mut keeper = engine(0, 1, Contents::default());
    keeper.start(0, 0).unwrap();
    keeper.receive(&letter(1, &Say::Echo), 0).unwrap().unwrap();
    assert!(left(&mut keeper).is_empty());
    assert_eq!(keeper.wakes_at(), Some(0));
    keeper.wake(5).unwrap();
    assert_eq!(keeper.tally().delivered, 2);
}

#[test]
fn bytes_that_are_no_message_change_nothing() {
    let mut keeper = engine(0, 1, Contents::default());
    keeper.start(0, 0).unwrap();
    keeper.take_events();
    for bytes in [vec![], vec![9], vec![0], vec![2, 0], vec![0xFF; 40]] {
        let wrong = Letter { message: bytes, ..letter(1, &Say::Echo) };
        let why = keeper.receive(&wrong, 1).unwrap().unwrap_err();
        assert!(why.starts_with("read ") && why.contains("no message of this protocol"), "{why}");
    }
    assert!(keeper.take_events().is_empty() && left(&mut keeper).is_empty());
}

fn life(events: Vec<Event>) -> Trace {
    Trace { header: header("test", SEED, &names(), "two engines"), events }
}

/// The asker asks, the keeper keeps, dies, lives again with what was durable, and is asked once more. The keeper's clock is a minute behind.
fn two_lives() -> Vec<Trace> {
    let behind = 60_000_000;
    let mut asker = engine(1, behind + 1, Contents::default());
    asker.start(0, behind + 1).unwrap();
    asker.wake(behind + 200).unwrap();
    let Some(Action::Send { letter: ask, .. }) = asker.take_actions().pop() else { panic!("it asks") };

    let mut first = engine(0, 5, Contents::default());
    first.start(0, 5).unwrap();
    first.receive(&ask, 10).unwrap().unwrap();
    let mut actions = first.take_actions();
    let Some(Action::Commit(writes)) = actions.pop() else { panic!("it keeps") };
    let Some(Action::Send { letter: echo, .. }) = actions.pop() else { panic!("it says so") };
    asker.receive(&echo, behind + 300).unwrap().unwrap();

    // The write has reached the disk, but the process dies before it knows.
    let mut contents = Contents::default();
    let count = writes.len() as u64;
    writes.into_iter().for_each(|write: Write| contents.apply(write));
    let mut second = engine(0, 400, contents);
    second.start(count, 400).unwrap();
    second.receive(&Letter { id: ask.id + 7, ..ask.clone() }, 410).unwrap().unwrap();
    second.synced(420);
    let again = Letter { id: ask.id + 7, ..ask };
    let mut asked = asker.take_events();
    // The asker's second question, as it would stand in its trace.
    let mut question = asked.iter().find(|event| event.kind == Kind::Send).unwrap().clone();
    question.id = Some(again.id);
    let place = asked.iter().position(|event| event.kind == Kind::Send).unwrap();
    asked.insert(place + 1, question);
    vec![life(first.take_events()), life(second.take_events()), life(asked)]
}

#[test]
fn traces_are_merged_by_what_each_node_had_heard_of_whatever_their_clocks_say() {
    let trace = merge(&two_lives(), &[]).unwrap();
    let told: Vec<String> = trace
        .events
        .iter()
        .map(|event| {
            format!(
                "{} {:?} {}",
                event.node.as_deref().unwrap(),
                event.kind,
                event.name.as_deref().unwrap_or("")
            )
        })
        .collect();
    let place = |what: &str| {
        told.iter().position(|line| line.trim_end() == what).unwrap_or_else(|| panic!("{what} in {told:#?}"))
    };
    assert!(place("asker Send Keep") < place("keeper Deliver Keep"), "{told:#?}");
    assert!(place("keeper Send Echo") < place("asker Deliver Echo"), "{told:#?}");
    assert!(place("keeper Crash") < place("keeper Restart"), "{told:#?}");
    assert_eq!(told.iter().filter(|line| line.starts_with("keeper Start")).count(), 1);
    // Ids and clocks count from 0.
    let largest = trace.events.iter().filter_map(|event| event.clock.as_ref()?.iter().max()).max();
    assert!(largest < Some(&40), "{largest:?}");
    let ids: Vec<u64> =
        trace.events.iter().filter(|event| event.kind == Kind::Send).filter_map(|event| event.id).collect();
    assert_eq!(ids, (0..ids.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_node_that_was_killed_for_good_ends_with_a_crash() {
    let trace = merge(&two_lives(), &["asker".into()]).unwrap();
    let last = trace.events.iter().rfind(|event| event.node.as_deref() == Some("asker")).unwrap();
    assert_eq!(last.kind, Kind::Crash);
}

#[test]
fn nothing_merged_is_nothing() {
    assert_eq!(merge(&[], &[]), None);
}

fn cluster() -> Cluster<Keeper> {
    let mut cluster = Cluster::new();
    cluster.node("keeper", Keeper::default);
    cluster.node("asker", Keeper::default);
    cluster
}

/// The recording of a run in which nothing was made up.
fn recorded() -> Trace {
    let mut lives = two_lives();
    // The question that the test made up goes, and with it the second life.
    lives.remove(1);
    let mut made_up = true;
    lives[1].events.retain(|event| {
        event.kind != Kind::Send || event.name.as_deref() != Some("Keep") || std::mem::take(&mut made_up)
    });
    merge(&lives, &[]).unwrap()
}

#[test]
fn a_recorded_run_is_run_again_state_by_state() {
    let replay = Replay::run(&recorded(), &cluster(), vec![]).unwrap();
    assert_eq!(replay.violation(), None);
    assert_eq!(replay.process(NodeId(0)).unwrap().kept.len(), 1);
    assert_eq!(replay.tally().by_name()["Keep"].count, 1);
}

/// What someone does to a trace.
type Tamper = fn(&mut Trace);

#[test]
fn a_recording_that_is_not_of_this_protocol_is_found_out() {
    let tampered: [(&str, Tamper); 4] = [
        ("another value", |trace| {
            let sent = trace.events.iter_mut().find(|event| event.kind == Kind::Send).unwrap();
            sent.body = Some(serde_json::json!(1_000_000));
        }),
        ("a message that nobody sent", |trace| {
            trace.events.retain(|event| event.kind != Kind::Send);
        }),
        ("an alarm that nobody set", |trace| {
            let timer = trace.events.iter_mut().find(|event| event.kind == Kind::Timer).unwrap();
            timer.name = Some("9".into());
        }),
        ("an output that waits for its sync", |trace| {
            let output = trace.events.last().unwrap().clone();
            let output = Event {
                kind: Kind::Output,
                body: Some(serde_json::json!(77)),
                node: Some("keeper".into()),
                ..output
            };
            trace.events.push(output);
        }),
    ];
    for (what, tamper) in tampered {
        let mut trace = recorded();
        tamper(&mut trace);
        let replay = Replay::run(&trace, &cluster(), vec![]).unwrap();
        assert_eq!(replay.violation().map(|violation| violation.rule.as_str()), Some(FAITHFUL), "{what}");
    }
}

#[test]
fn a_recording_of_other_nodes_is_refused() {
    let mut other = Cluster::new();
    other.node("stranger", Keeper::default);
    assert!(Replay::run(&recorded(), &other, vec![]).is_err());
}
