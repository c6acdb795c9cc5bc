//! Part D: remote procedure calls over a network that loses, doubles and delays: at least once, at most once.

use simnet::campaign::TestId;
use simnet::fault::{Fault, Plan};
use simnet::rule::{expect, expect_that};
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
        let rule = "a call is its kind, then each text with its length in 2 bytes, most significant first";
        expect(rule, begins, &bytes[..begins.len().min(bytes.len())]);
        expect("a call is the same call after the wire", Ok(call), Call::from_bytes(&bytes));
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
        let answer = Answer::from_bytes(&dispatch(&mut registry, bytes));
        let holds =
            matches!(&answer, Ok(Answer::Refused(why)) if why.contains("read ") && why.contains("expected "));
        let rule = format!("what is no call is refused, with what was read and expected ({bytes:?})");
        expect_that(rule, "Refused", holds, answer);
    }
    expect("what is no call changes nothing", before, registry);
    // Every beginning of a call is no call.
    let whole = Call::Append { key: "key".into(), text: "text".into() }.to_bytes();
    for length in 0..whole.len() {
        let call = Call::from_bytes(&whole[..length]);
        expect_that("the beginning of a call is no call", "an error", call.is_err(), call);
    }
}

#[test]
fn part_d_numbers_come_round() {
    expect("numbers count on", RequestId(8), RequestId(7).next());
    expect("numbers come round: after 65535 comes 0", RequestId(0), RequestId(u16::MAX).next());
    for (new, old, newer) in [
        (1, 0, true),
        (0, 1, false),
        (5, 5, false),
        (0, u16::MAX, true),
        (u16::MAX, 0, false),
        (32_767, 0, true),
        (10, 65_000, true),
    ] {
        let rule = format!(
            "a number is newer when it is fewer than 32768 steps ahead, round the end (#{new}, #{old})"
        );
        expect(rule, newer, RequestId(new).is_newer_than(RequestId(old)));
    }
}

/// The answer is lost, the client asks again: at least once is twice here.
#[test]
fn part_d_at_least_once_carries_out_what_arrives() {
    let mut server = server(Semantics::AtLeastOnce);
    server.receive(CLIENT, request(1, append("x")));
    server.receive(CLIENT, request(1, append("x")));
    let rule = "at least once: what arrives twice is carried out twice";
    expect(rule, ("xx".to_string(), 2), state(server.process()));
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
        let rule = "a late copy of a put undoes a newer one at least once, and is recognised at most once";
        expect(format!("{rule} ({semantics:?})"), left.to_string(), state(server.process()).0);
    }
}

/// What a server sends, without whether it waits for the disk.
fn letters(sent: Vec<Sent<Message>>) -> Vec<(NodeId, Message)> {
    sent.into_iter().map(|sent| (sent.to, sent.message)).collect()
}

#[test]
fn part_d_a_copy_gets_the_same_answer_and_is_not_carried_out() {
    let mut server = server(Semantics::AtMostOnce);
    let answer = vec![(CLIENT, reply(1, Answer::Length(1)))];
    let first = letters(server.receive(CLIENT, request(1, append("x"))));
    expect("a call is carried out and answered", &answer, &first);
    let again = letters(server.receive(CLIENT, request(1, append("x"))));
    expect("a copy gets the first answer again: that may have been lost", &answer, &again);
    expect("a copy is not carried out", ("x".to_string(), 1), state(server.process()));
    server.receive(NodeId(2), request(1, append("y")));
    let rule = "another client's call of the same number is another call";
    expect(rule, ("xy".to_string(), 2), state(server.process()));
    server.receive(CLIENT, request(2, append("z")));
    let old = letters(server.receive(CLIENT, request(1, append("x"))));
    expect("a copy of an older call gets no answer: nobody waits for it", vec![], old);
    expect("a copy of an older call is not carried out", ("xyz".to_string(), 3), state(server.process()));
}

#[test]
fn part_d_an_answer_leaves_when_its_call_is_durable() {
    let mut server = server(Semantics::AtMostOnce);
    let sent = server.receive(CLIENT, request(1, append("x")));
    let durable: Vec<bool> = sent.iter().map(|sent| sent.durable).collect();
    expect("an answer leaves when what it speaks of is durable", vec![true], durable);
    server.crash_and_restart(DiskFate::LoseUnsynced);
    expect("a call that was answered survives a crash", ("x".to_string(), 1), state(server.process()));
    let again = letters(server.receive(CLIENT, request(1, append("x"))));
    let rule = "the client table survives a crash: a copy gets the first answer";
    expect(rule, vec![(CLIENT, reply(1, Answer::Length(1)))], again);
    let rule = "a call of before a crash is not carried out again after it";
    expect(rule, ("x".to_string(), 1), state(server.process()));
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

/// The numbers of the calls that are asked.
fn ids(sent: &[Sent<Message>]) -> Vec<u16> {
    sent.iter().map(|sent| id_of(&sent.message)).collect()
}

#[test]
fn part_d_a_client_asks_until_it_is_answered_and_no_longer() {
    let (mut client, first) = client(2);
    expect("a client begins with its first call", vec![1], ids(&first));
    for _ in 0..3 {
        let again = client.next_alarm().map(|(_, sent)| letters(sent));
        let rule = "what is not answered is sent again, under its number, as often as need be";
        expect(rule, Some(letters(first.clone())), again);
    }
    let other = client.receive(NodeId(0), reply(0, Answer::Done));
    expect("the answer to another call is not the answer", vec![], ids(&other));
    let second = client.receive(NodeId(0), reply(1, Answer::Length(5)));
    expect("after an answer the next call begins", vec![2], ids(&second));
    let late = client.receive(NodeId(0), reply(1, Answer::Length(5)));
    expect("a second copy of an answer is nobody's answer", vec![], ids(&late));
    let done = client.receive(NodeId(0), reply(2, Answer::Length(9)));
    expect("after the last answer nothing is asked", vec![], ids(&done));
    let alarm = client.next_alarm().map(|(timer, _)| timer);
    expect("a client whose calls are all answered waits for nothing", None, alarm);
}

#[test]
fn part_d_a_client_never_uses_a_number_twice() {
    let (mut client, first) = client(3);
    let durable: Vec<bool> = first.iter().map(|sent| sent.durable).collect();
    expect("a number is written down before it is used", vec![true], durable);
    let after = client.crash_and_restart(DiskFate::LoseUnsynced);
    expect("after a crash a used number names no other call", vec![2], ids(&after));
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
        let done = sim.run_until(scene.length, |sim| all_done(sim, &clients));
        expect_that(format!("every call is answered (seed {seed})"), "all answered", done, sim.who_waits());
        let explained = unexplained(sim.outputs()).is_none();
        (sim, explained)
    };
    let mut wrong = 0;
    for seed in 0..50 {
        let (sim, explained) = run(Semantics::AtLeastOnce, seed);
        let carried_out = state(sim.process(Roles::SERVER).unwrap()).1;
        let rule = "at least once: every call is carried out";
        expect_that(format!("{rule} (seed {seed})"), "24 calls or more", carried_out >= 24, carried_out);
        wrong += u32::from(!explained);
    }
    let rule = "at least once, in this weather: clients are told what no registry would tell that carries out each once";
    expect_that(rule, "more than 25 of 50 runs", wrong > 25, wrong);
    for seed in 0..50 {
        let (sim, explained) = run(Semantics::AtMostOnce, seed);
        let rule = format!("at most once: an order of the calls explains every answer (seed {seed})");
        expect(rule, true, explained);
        let rule = format!("at most once: each call is carried out once (seed {seed})");
        expect(rule, 24, state(sim.process(Roles::SERVER).unwrap()).1);
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
    let done = sim.run_until(scene.length, |sim| all_done(sim, &clients));
    expect_that("every call is answered, also when numbers have come round", "all", done, sim.who_waits());
    expect("each call is carried out once", 70_000, state(sim.process(Roles::SERVER).unwrap()).1);
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
