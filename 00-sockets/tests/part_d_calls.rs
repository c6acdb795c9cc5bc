//! Part D: remote procedure calls over a network that loses, doubles and delays: at least once, at most once.

use simnet::campaign::TestId;
use simnet::fault::{Fault, Plan};
use simnet::solo::Sent;
use simnet::swarm::Weather;
use simnet::{Campaign, Chance, Delay, DiskFate, NodeId, Observe, Sim, Solo, Trial, this_test};
use sockets::rpc::call::dispatch;
use sockets::rpc::invariants::{ANSWERED, situation, unexplained};
use sockets::rpc::scene::{Roles, Scene, all_done};
use sockets::rpc::{Answer, Call, Message, Node, Registry, RequestId, Semantics, Server, View};
use std::time::Duration;

const CLIENT: NodeId = NodeId(1);

fn append(text: &str) -> Vec<u8> {
    Call::Append { key: "k".into(), text: text.into() }.to_bytes()
}

fn request(id: u16, call: Vec<u8>) -> Message {
    Message::Request { id: RequestId(id), call }
}

fn reply(id: u16, answer: Answer) -> Message {
    Message::Reply { id: RequestId(id), answer: answer.to_bytes() }
}

/// The value of `k` and how many calls were carried out.
fn state(node: &Node) -> (String, u64) {
    match node.view() {
        View::Server { registry, carried_out } => {
            (registry.get("k").unwrap_or_default().to_string(), carried_out)
        }
        View::Client { .. } => panic!("a client"),
    }
}

fn server(semantics: Semantics) -> Solo<Node> {
    Solo::start(NodeId(0), move || Node::Server(Server::new(semantics))).0
}

#[test]
fn part_d_calls_and_answers_survive_the_wire() {
    let calls = [
        (Call::Get { key: "k".into() }, &[1, 0, 1, b'k'][..]),
        (Call::Put { key: String::new(), value: "é".into() }, &[2, 0, 0, 0, 2, 0xC3, 0xA9]),
        (Call::Append { key: "k".into(), text: "x".repeat(300) }, &[3, 0, 1, b'k', 1, 44, b'x']),
    ];
    for (call, begins) in calls {
        let bytes = call.to_bytes();
        assert!(bytes.starts_with(begins), "{call:?}: {bytes:?}");
        assert_eq!(Call::from_bytes(&bytes), Ok(call));
    }
}

/// Whoever may send datagrams may send anything.
#[test]
fn part_d_what_is_no_call_is_refused_and_changes_nothing() {
    let mut registry = Registry::default();
    registry.put("k", "v");
    let before = registry.clone();
    let malformed: [&[u8]; 9] = [
        &[],
        &[0],
        &[9, 0, 0],
        &[1],
        &[1, 0],
        &[1, 0, 2, b'k'],
        &[1, 0, 1, b'k', 7],
        &[1, 0, 1, 0xFF],
        &[2, 0, 0],
    ];
    for bytes in malformed {
        match Answer::from_bytes(&dispatch(&mut registry, bytes)) {
            Ok(Answer::Refused(why)) => assert!(why.contains("read ") && why.contains("expected "), "{why}"),
            other => panic!("{bytes:?} was answered by {other:?}"),
        }
    }
    assert_eq!(registry, before);
    // Every beginning of a call is no call.
    let whole = Call::Append { key: "key".into(), text: "text".into() }.to_bytes();
    for length in 0..whole.len() {
        assert!(Call::from_bytes(&whole[..length]).is_err(), "the first {length} bytes");
    }
}

#[test]
fn part_d_numbers_come_round() {
    assert_eq!(RequestId(7).next(), RequestId(8));
    assert_eq!(RequestId(u16::MAX).next(), RequestId(0));
    for (new, old, newer) in [
        (1, 0, true),
        (0, 1, false),
        (5, 5, false),
        (0, u16::MAX, true),
        (u16::MAX, 0, false),
        (32_767, 0, true),
        (10, 65_000, true),
    ] {
        assert_eq!(RequestId(new).is_newer_than(RequestId(old)), newer, "#{new} newer than #{old}");
    }
}

/// The answer is lost, the client asks again: at least once is twice here.
#[test]
fn part_d_at_least_once_carries_out_what_arrives() {
    let mut server = server(Semantics::AtLeastOnce);
    server.receive(CLIENT, request(1, append("x")));
    server.receive(CLIENT, request(1, append("x")));
    assert_eq!(state(server.process()), ("xx".to_string(), 2));
}

/// To put twice is to put once. But an old copy that comes late undoes what came after it.
#[test]
fn part_d_an_idempotent_call_is_not_safe_from_late_copies() {
    let put = |value: &str| Call::Put { key: "k".into(), value: value.into() }.to_bytes();
    for (semantics, left) in [(Semantics::AtLeastOnce, "old"), (Semantics::AtMostOnce, "new")] {
        let mut server = server(semantics);
        server.receive(CLIENT, request(1, put("old")));
        server.receive(CLIENT, request(2, put("new")));
        server.receive(CLIENT, request(1, put("old")));
        assert_eq!(state(server.process()).0, left, "{semantics:?}");
    }
}

#[test]
fn part_d_a_copy_gets_the_same_answer_and_is_not_carried_out() {
    let mut server = server(Semantics::AtMostOnce);
    let first = server.receive(CLIENT, request(1, append("x")));
    assert_eq!(first[0].message, reply(1, Answer::Length(1)));
    let again = server.receive(CLIENT, request(1, append("x")));
    assert_eq!(again[0].message, reply(1, Answer::Length(1)), "the first answer may have been lost");
    assert_eq!(state(server.process()), ("x".to_string(), 1));
    // Another client's call of the same number is another call.
    server.receive(NodeId(2), request(1, append("y")));
    assert_eq!(state(server.process()), ("xy".to_string(), 2));
    // A copy of an older call: nobody waits for its answer.
    server.receive(CLIENT, request(2, append("z")));
    assert!(server.receive(CLIENT, request(1, append("x"))).is_empty());
    assert_eq!(state(server.process()), ("xyz".to_string(), 3));
}

#[test]
fn part_d_an_answer_leaves_when_its_call_is_durable() {
    let mut server = server(Semantics::AtMostOnce);
    let sent = server.receive(CLIENT, request(1, append("x")));
    assert!(sent[0].durable, "an answer left before what it speaks of was durable");
    server.crash_and_restart(DiskFate::LoseUnsynced);
    assert_eq!(state(server.process()), ("x".to_string(), 1), "after a crash");
    let again = server.receive(CLIENT, request(1, append("x")));
    assert_eq!(again[0].message, reply(1, Answer::Length(1)), "the table was lost in the crash");
    assert_eq!(state(server.process()), ("x".to_string(), 1), "carried out again after the crash");
}

/// A client that is alone with a server that is played by hand, and the first that it sends.
fn client(calls: u32) -> (Solo<Node>, Vec<Sent<Message>>) {
    let roles = Roles { clients: 1, calls, ..Roles::default() };
    let cluster = roles.cluster();
    Solo::start(CLIENT, move || cluster.build(CLIENT).expect("a client"))
}

fn id_of(message: &Message) -> u16 {
    match message {
        Message::Request { id, .. } | Message::Reply { id, .. } => id.0,
    }
}

#[test]
fn part_d_a_client_asks_until_it_is_answered_and_no_longer() {
    let (mut client, first) = client(2);
    assert_eq!((first.len(), id_of(&first[0].message)), (1, 1));
    for _ in 0..3 {
        let (_, again) = client.next_alarm().expect("it asks again");
        assert_eq!(again[0].message, first[0].message);
    }
    // An answer to something else is not the answer.
    assert!(client.receive(NodeId(0), reply(0, Answer::Done)).is_empty());
    let second = client.receive(NodeId(0), reply(1, Answer::Length(5)));
    assert_eq!(id_of(&second[0].message), 2);
    // The first answer once more.
    assert!(client.receive(NodeId(0), reply(1, Answer::Length(5))).is_empty());
    assert!(client.receive(NodeId(0), reply(2, Answer::Length(9))).is_empty());
    assert!(client.next_alarm().is_none(), "all is answered, and it waits for something");
}

#[test]
fn part_d_a_client_never_uses_a_number_twice() {
    let (mut client, first) = client(3);
    assert!(first[0].durable, "the number left before it was written down");
    let after = client.crash_and_restart(DiskFate::LoseUnsynced);
    assert_eq!(
        id_of(&after[0].message),
        id_of(&first[0].message) + 1,
        "a used number names another call now"
    );
}

/// Messages are lost and doubled: at least once, the same weather that at most once bears, shows in the registry.
#[test]
fn part_d_the_difference_shows_in_the_registry() {
    let weather = Weather {
        loss: Chance::percent(20),
        duplication: Chance::percent(20),
        delay: Delay::Uniform { min_us: 1_000, max_us: 40_000 },
        ..Weather::default()
    };
    let run = |semantics: Semantics, seed: u64| -> (Sim<Node>, bool) {
        let mut scene = Scene::calm(Roles { semantics, calls: 12, ..Roles::default() });
        scene.storm.weather = weather;
        let clients = scene.roles.clients();
        let mut sim = scene.begin(&Trial::new(seed, false));
        assert!(
            sim.run_until(scene.length, |sim| all_done(sim, &clients)),
            "seed {seed}: {}",
            sim.who_waits()
        );
        let explained = unexplained(sim.outputs()).is_none();
        (sim, explained)
    };
    let mut wrong = 0;
    for seed in 0..50 {
        let (sim, explained) = run(Semantics::AtLeastOnce, seed);
        let carried_out = state(sim.process(Roles::SERVER).unwrap()).1;
        assert!(carried_out >= 24, "seed {seed}: {carried_out} of 24 calls");
        wrong += u32::from(!explained);
    }
    assert!(
        wrong > 25,
        "at least once: only {wrong} of 50 runs were wrong, the weather is too good to show anything"
    );
    for seed in 0..50 {
        let (sim, explained) = run(Semantics::AtMostOnce, seed);
        assert!(explained, "at most once, seed {seed}");
        assert_eq!(state(sim.process(Roles::SERVER).unwrap()).1, 24, "seed {seed}");
    }
}

/// More calls than there are numbers, under loss, doubles and reordering: each is carried out once.
#[test]
fn part_d_seventy_thousand_calls_are_carried_out_once() {
    let mut scene = Scene::calm(Roles { clients: 1, calls: 70_000, keys: 1_000, ..Roles::default() });
    scene.storm.weather =
        Weather { loss: Chance::percent(5), duplication: Chance::percent(5), ..Weather::default() };
    scene.length = Duration::from_secs(7200);
    let clients = scene.roles.clients();
    // Without the monitor, which remembers each call for ever.
    let mut sim = Trial::new(1, false).sim(&scene.roles.cluster()).with_hub(scene.storm.weather.hub());
    assert!(sim.run_until(scene.length, |sim| all_done(sim, &clients)), "{}", sim.who_waits());
    assert_eq!(state(sim.process(Roles::SERVER).unwrap()).1, 70_000);
}

#[test]
fn part_d_calls_survive_any_weather() {
    let reached = [situation::COPY, situation::OLD_COPY, situation::STALE_ANSWER];
    Campaign::new(this_test!())
        .seeds(2_000)
        .reaching(&reached)
        .firing(&["drop", "duplicate", "partition", "replay"])
        .run(|trial| Scene::draw(trial.seed, false).survive_and_answer(trial));
}

#[test]
fn part_d_calls_survive_any_storm_with_crashes() {
    Campaign::new(this_test!())
        .seeds(2_000)
        .reaching(&[situation::COPY, situation::COPY_AFTER_CRASH])
        .firing(&["crash", "crash_amid", "disk_unsynced_lost"])
        .run(|trial| Scene::draw(trial.seed, true).survive_and_answer(trial));
}

/// The server is away for a while; nobody gives up.
#[test]
fn part_d_a_server_that_comes_back_is_asked_again() {
    let mut scene = Scene::calm(Roles::default());
    let crash = Fault::Crash { node: "s".into(), disk: DiskFate::LoseUnsynced };
    scene.storm.plan = Plan::new().during(Duration::from_millis(10), Duration::from_secs(2), crash);
    let clients = scene.roles.clients();
    let id: TestId = this_test!();
    Campaign::new(id).seeds(50).firing(&["crash"]).run(|trial| {
        let mut sim = scene.begin(trial);
        sim.must_reach(ANSWERED, Duration::from_secs(5), |sim| all_done(sim, &clients));
        sim
    });
}
