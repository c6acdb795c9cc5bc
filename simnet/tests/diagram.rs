//! What students see first: the diagrams of known runs, letter by letter.
//!
//! The expected diagrams stand in `tests/golden/diagram_*.txt`. After a wanted change, write them anew with
//! `UPDATE_GOLDEN=1 cargo test -p simnet --test diagram` and read the difference.

use proptest::prelude::*;
use serde_json::{Value, json};
use simnet::diagram::{Options, render};
use simnet::trace::{Event, Header, Kind, Name, Trace, VERSION};
use std::path::Path;

/// A trace under construction: a method an event, times in microseconds.
struct Run {
    trace: Trace,
    at: u64,
}

impl Run {
    fn new(run: &str, nodes: &[&str]) -> Self {
        let header = Header {
            simnet_trace: VERSION,
            lab: "07-paxos".into(),
            commit: "unknown".into(),
            seed: 7,
            world: "sim".into(),
            nodes: nodes.iter().map(|&node| node.into()).collect(),
            run: run.into(),
        };
        Run { trace: Trace { header, events: Vec::new() }, at: 0 }
    }

    /// The instant of the events that follow.
    fn at(&mut self, at: u64) -> &mut Self {
        self.at = at;
        self
    }

    fn event(&mut self, kind: Kind, node: &str) -> &mut Event {
        let event = Event {
            at: self.at,
            seq: self.trace.events.len() as u64,
            kind,
            node: (!node.is_empty()).then(|| node.into()),
            peer: None,
            id: None,
            name: None,
            body: None,
            why: None,
            clock: None,
        };
        self.trace.events.push(event);
        self.trace.events.last_mut().expect("it was just pushed")
    }

    fn start_all(&mut self) -> &mut Self {
        for node in self.trace.header.nodes.clone() {
            self.event(Kind::Start, &node);
        }
        self
    }

    /// A message leaves; `id` is how the methods below name it.
    fn send(&mut self, id: u64, from: &str, to: &str, name: &str, body: Value) -> &mut Self {
        let event = self.event(Kind::Send, from);
        (event.id, event.peer, event.name, event.body) =
            (Some(id), Some(to.into()), Some(name.into()), Some(body));
        self
    }

    /// What became of a message that was sent. Only the send tells the fields.
    fn fate(&mut self, kind: Kind, id: u64, why: &str) -> &mut Self {
        let sent = |event: &&Event| event.kind == Kind::Send && event.id == Some(id);
        let sent =
            self.trace.events.iter().find(sent).expect("a message is sent before it meets its fate").clone();
        let (node, peer) =
            if kind == Kind::Deliver { (sent.peer, sent.node) } else { (sent.node, sent.peer) };
        let event = self.event(kind, "");
        (event.node, event.peer) = (node, peer);
        (event.id, event.name) = (sent.id, sent.name);
        event.why = (!why.is_empty()).then(|| why.into());
        self
    }

    fn deliver(&mut self, id: u64) -> &mut Self {
        self.fate(Kind::Deliver, id, "")
    }

    fn drop(&mut self, id: u64, why: &str) -> &mut Self {
        self.fate(Kind::Drop, id, why)
    }

    /// The same, told by the reader's end.
    fn drop_at_reader(&mut self, id: u64, why: &str) -> &mut Self {
        self.drop(id, why);
        let event = self.trace.events.last_mut().expect("it was just pushed");
        std::mem::swap(&mut event.node, &mut event.peer);
        self
    }

    /// Anything of one node, or of none when `node` is empty.
    fn local(&mut self, kind: Kind, node: &str, name: &str, body: Value) -> &mut Self {
        let event = self.event(kind, node);
        event.name = (!name.is_empty()).then(|| name.into());
        event.body = (!body.is_null()).then_some(body);
        self
    }

    fn because(&mut self, why: &str) -> &mut Self {
        self.trace.events.last_mut().expect("there is an event to give a reason for").why = Some(why.into());
        self
    }
}

/// Compares with the golden file of that name, or writes it.
fn golden(name: &str, trace: &Trace, options: &Options) {
    let drawn = render(trace, options);
    assert_fits(&drawn, options);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/diagram_{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &drawn).expect("golden files can be written");
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        drawn == expected,
        "the diagram differs from {}:\n--- drawn\n{drawn}\n--- expected\n{expected}",
        path.display()
    );
}

fn assert_fits(drawn: &str, options: &Options) {
    for line in drawn.lines() {
        let columns = line.chars().count();
        assert!(columns <= options.width.max(40), "{columns} columns, more than {}: {line}", options.width);
    }
}

fn wide(width: usize) -> Options {
    Options { width, ..Options::default() }
}

fn ballot(round: u64) -> Value {
    json!({"ballot": {"round": round, "proposer": 0}})
}

/// Both phases of Paxos; a loss, a duplicate and an overtaking on the way.
fn paxos() -> Run {
    let mut run = Run::new("one proposer, three acceptors", &["c1", "p1", "a1", "a2", "a3"]);
    run.start_all();
    run.at(200).send(1, "c1", "p1", "Propose", json!({"value": "red"}));
    run.at(1304).deliver(1);
    for (id, acceptor) in [(2, "a1"), (3, "a2"), (4, "a3")] {
        run.send(id, "p1", acceptor, "Prepare", ballot(1));
    }
    run.local(Kind::State, "p1", "", json!({"phase": "prepare"}));
    let promise = json!({"accepted": null, "ballot": {"round": 1, "proposer": 0}});
    for (id, acceptor, at) in [(2, "a1", 2100), (4, "a3", 2412)] {
        run.at(at).deliver(id);
        run.local(Kind::Write, acceptor, "promised", json!({"round": 1, "proposer": 0}));
        run.local(Kind::Sync, acceptor, "", Value::Null);
        run.send(id + 8, acceptor, "p1", "Promise", promise.clone());
    }
    run.at(2900).drop(3, "lossy link");
    run.at(3050).deliver(12);
    run.at(3700).deliver(10);
    let accept = json!({"ballot": {"round": 1, "proposer": 0}, "value": "red"});
    for (id, acceptor) in [(20, "a1"), (21, "a2"), (22, "a3")] {
        run.send(id, "p1", acceptor, "Accept", accept.clone());
    }
    run.fate(Kind::Duplicate, 20, "");
    for (id, acceptor, at) in [(20, "a1", 4400), (22, "a3", 4650), (21, "a2", 5001)] {
        run.at(at).deliver(id);
        run.local(
            Kind::Write,
            acceptor,
            "accepted",
            json!({"ballot": {"round": 1, "proposer": 0}, "value": "red"}),
        );
        run.at(at + 90).local(Kind::Sync, acceptor, "", Value::Null);
        run.send(id + 10, acceptor, "p1", "Accepted", ballot(1));
    }
    run.at(5600).deliver(30).at(5610).deliver(20).at(5720).deliver(31);
    run.local(Kind::Output, "p1", "Chosen", json!({"value": "red"}));
    run.local(Kind::Note, "p1", "", Value::Null).because("a majority has accepted");
    run
}

#[test]
fn a_round_of_paxos() {
    let run = paxos();
    golden("paxos_100", &run.trace, &wide(100));
    golden("paxos_80", &run.trace, &wide(80));
    golden("paxos_120", &run.trace, &wide(120));
    golden("paxos_40", &run.trace, &wide(40));
}

#[test]
fn colours_change_no_column() {
    let run = paxos();
    let plain = render(&run.trace, &wide(100));
    let coloured = render(&run.trace, &Options { color: true, ..wide(100) });
    assert!(coloured.contains("\x1b[1;32m"), "an output stands out");
    assert_eq!(without_ansi(&coloured), plain);
}

/// The text without the sequences `ESC [ … m`.
fn without_ansi(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or("", |(_, rest)| rest))
}

#[test]
fn a_ping_between_two_has_its_fields_on_the_arrow() {
    let mut run = Run::new("ping", &["client", "server"]);
    for round in 0..3 {
        let at = round * 2000;
        run.at(at).local(Kind::Timer, "client", "Retry", Value::Null);
        run.send(2 * round, "client", "server", "Ping", json!({"number": round}));
        run.at(at + 700).deliver(2 * round);
        run.send(2 * round + 1, "server", "client", "Pong", json!({"number": round}));
        run.at(at + 1400).deliver(2 * round + 1);
    }
    golden("ping", &run.trace, &wide(100));
}

#[test]
fn a_message_that_was_overtaken_says_so() {
    let mut run = Run::new("two pings", &["a", "b"]);
    run.at(0).send(1, "a", "b", "Ping", json!(1)).at(10).send(2, "a", "b", "Ping", json!(2));
    run.at(20).deliver(2).at(30).deliver(1);
    let drawn = render(&run.trace, &wide(100));
    assert_eq!(drawn.matches("overtaken").count(), 1, "{drawn}");
    assert!(drawn.ends_with("├──Ping 1──>│  (overtaken, sent 0.000 ms)\n"), "{drawn}");
}

#[test]
fn a_partition_cuts_and_heals() {
    let mut run = Run::new("a leader is cut off", &["n1", "n2", "n3"]);
    run.start_all();
    run.at(150_000).local(Kind::Timer, "n1", "Election", Value::Null);
    run.send(1, "n1", "n2", "RequestVote", json!({"last": {"term": 0, "index": 0}, "term": 1}));
    run.send(2, "n1", "n3", "RequestVote", json!({"last": {"term": 0, "index": 0}, "term": 1}));
    run.at(152_000).local(Kind::Partition, "", "partition", Value::Null).because("partition {n1} | {n2 n3}");
    run.at(153_100).drop(1, "partition").drop(2, "partition");
    run.at(160_000).local(Kind::Pause, "n3", "", Value::Null);
    run.at(170_000).local(Kind::Timer, "n2", "Election", Value::Null);
    run.send(3, "n2", "n3", "RequestVote", json!({"last": {"term": 0, "index": 0}, "term": 1}));
    run.at(175_000).local(Kind::Resume, "n3", "", Value::Null).deliver(3);
    run.send(4, "n3", "n2", "Vote", json!({"granted": true, "term": 1}));
    run.at(180_000).local(Kind::Heal, "", "partition", Value::Null).because("partition {n1} | {n2 n3}");
    run.at(181_000).local(Kind::Partition, "", "isolate", Value::Null).because("isolate n1");
    run.at(181_500).local(Kind::Fault, "", "slow", json!({"by": "5 ms", "fault": "slow"}));
    run.at(182_000).deliver(4).at(183_000).deliver(2).because("kept by the partition");
    run.local(Kind::Fault, "n1", "damaged", Value::Null).because("the last record is torn");
    // Two more shapes of a split: sides by number, and among other fields.
    run.at(190_000).local(Kind::Partition, "", "", json!([[0], [1, 2]]));
    run.local(Kind::Partition, "", "", json!({"sides": [["n3"], ["n1", "n2"]], "fault": "partition"}));
    golden("partition", &run.trace, &wide(100));
}

#[test]
fn a_crash_ends_a_lifeline_until_the_restart() {
    let mut run = Run::new("an acceptor forgets", &["p1", "a1", "a2"]);
    run.start_all();
    run.at(1000).send(1, "p1", "a1", "Prepare", ballot(1)).send(2, "p1", "a2", "Prepare", ballot(1));
    run.at(2000).deliver(1).local(Kind::Write, "a1", "promised", json!({"round": 1, "proposer": 0}));
    run.send(3, "a1", "p1", "Promise", ballot(1));
    run.at(2200).local(Kind::Crash, "a1", "", Value::Null).because("unsynced lost");
    run.at(2700).deliver(3);
    run.at(3000).deliver(2).send(4, "a2", "p1", "Promise", ballot(1));
    run.at(3600).deliver(4).send(5, "p1", "a1", "Accept", ballot(1)).send(6, "p1", "a2", "Accept", ballot(1));
    run.at(4100).drop_at_reader(5, "a1 is down").deliver(6);
    run.at(9000).local(Kind::Restart, "a1", "", Value::Null).because("nothing was durable");
    run.at(12_000_000).local(Kind::Timer, "p1", "Retry", Value::Null);
    golden("crash", &run.trace, &wide(100));
}

/// A run that ends with a broken rule.
fn broken() -> Run {
    let mut run = paxos();
    run.at(6_000).send(40, "p1", "c1", "Reply", json!({"value": "blue"}));
    run.at(6_500).deliver(40);
    run.local(
        Kind::Violation,
        "c1",
        "agreement",
        json!({"expected": "red, chosen at 5.720 ms by a1 and a2 with ballot 1.0", "got": "blue"}),
    );
    run.because("No two learners learn different values: once a value is chosen, every later reply names that very value (invariant 3).");
    run
}

#[test]
fn a_broken_rule_is_not_overlooked() {
    let mut run = broken();
    golden("violation", &run.trace, &wide(90));
    run.at(7_000).local(Kind::Note, "c1", "", json!("the run goes on"));
    let drawn = render(&run.trace, &wide(90));
    assert!(drawn.ends_with("RULE BROKEN above, at 6.500 ms\n"), "{drawn}");
}

#[test]
fn the_lines_of_what_was_seen_stay_lines() {
    let mut run = paxos();
    let got = "not by 20.000 ms; 2 messages are on their way\n\
               p1 waits for a majority of promises for ballot 88.0, has a1 (Resend in 181ms)\n\
               a1 waits for nothing (no alarm set)";
    run.at(9_000).local(
        Kind::Violation,
        "",
        "stuck",
        json!({"expected": "within 20s of virtual time", "got": got}),
    );
    run.because("(11) in the end all is decided");
    let drawn = render(&run.trace, &wide(70));
    let shown: Vec<&str> = drawn.lines().rev().take(6).map(|line| line.trim_matches(['║', ' '])).collect();
    assert_eq!(
        &shown[1..5],
        [
            "a1 waits for nothing (no alarm set)",
            "has a1 (Resend in 181ms)",
            "p1 waits for a majority of promises for ballot 88.0,",
            "got       not by 20.000 ms; 2 messages are on their way",
        ],
        "{drawn}"
    );
}

/// Everybody tells everybody, in a ring of so many nodes.
fn gossip(nodes: usize, rounds: u64) -> Run {
    let names: Vec<String> = (0..nodes).map(|node| format!("node{node}")).collect();
    let mut run = Run::new("rumours", &names.iter().map(String::as_str).collect::<Vec<_>>());
    run.start_all();
    let mut id = 0;
    for round in 0..rounds {
        let from = (round as usize * 5) % nodes;
        run.at(round * 1000 + 100);
        let first = id;
        for step in [1, 3, nodes - 2] {
            run.send(
                id,
                &names[from],
                &names[(from + step) % nodes],
                "Rumour",
                json!({"heat": 4 - step.min(3), "term": round}),
            );
            id += 1;
        }
        for sent in first..id {
            run.at(round * 1000 + 300 + sent * 7).deliver(sent);
        }
    }
    run
}

#[test]
fn twelve_nodes_in_eighty_columns() {
    golden("twelve_80", &gossip(12, 4).trace, &wide(80));
    golden("twelve_100", &gossip(12, 4).trace, &wide(100));
}

#[test]
fn idle_nodes_give_way() {
    let mut run = gossip(40, 2);
    golden("idle", &run.trace, &wide(80));
    for node in run.trace.header.nodes.clone() {
        run.local(Kind::Output, &node, "Heard", json!(4));
    }
    golden("forty", &run.trace, &wide(80));
}

#[test]
fn two_hundred_nodes_become_a_list() {
    let run = gossip(200, 100);
    for width in [0, 40, 41, 80, 120] {
        assert_fits(&render(&run.trace, &wide(width)), &wide(width));
    }
    assert!(render(&run.trace, &wide(80)).contains("node1 gets Rumour heat=3 term=0 ← node0"));
}

#[test]
fn nothing_happened() {
    golden("empty", &Run::new("no event at all", &["a", "b"]).trace, &wide(80));
    golden("nobody", &Run::new("", &[]).trace, &wide(80));
}

#[test]
fn a_long_run_shows_its_head_and_its_tail() {
    let mut run = gossip(5, 60);
    run.local(Kind::Partition, "", "", json!([["node0"], ["node1"]]));
    run.local(Kind::Violation, "", "", json!({"expected": 1, "got": null})).because("one rumour at a time");
    for round in 100..160 {
        run.at(round * 1000).local(Kind::Timer, "node3", "Tick", json!(round));
    }
    let options = Options { max_lines: Some(30), ..wide(80) };
    golden("max_lines", &run.trace, &options);
    for most in 0..200 {
        let drawn = render(&run.trace, &Options { max_lines: Some(most), ..wide(80) });
        assert!(drawn.contains("one rumour at a time") && drawn.contains("expected"), "{drawn}");
        assert!(drawn.lines().count() <= most.max(16), "more than {most} lines:\n{drawn}");
    }
}

#[test]
fn odd_traces_are_drawn_all_the_same() {
    let mut run = Run::new("odd\x1b[31m\n\trun", &["a", "a", ""]);
    for kind in KINDS {
        run.local(kind, "", "", Value::Null).local(
            kind,
            "stranger",
            "A name\nof two lines",
            json!([[], [1, [2]]]),
        );
    }
    let event = run.event(Kind::Deliver, "a");
    (event.id, event.at) = (Some(u64::MAX), u64::MAX);
    let drawn = render(&run.trace, &wide(80));
    assert_fits(&drawn, &wide(80));
    assert!(
        !drawn.contains('\x1b') && !drawn.contains('\t'),
        "control characters tear the picture: {drawn:?}"
    );
}

const KINDS: [Kind; 19] = [
    Kind::Send,
    Kind::Deliver,
    Kind::Drop,
    Kind::Duplicate,
    Kind::Timer,
    Kind::Start,
    Kind::Crash,
    Kind::Restart,
    Kind::Pause,
    Kind::Resume,
    Kind::Partition,
    Kind::Heal,
    Kind::Fault,
    Kind::Write,
    Kind::Sync,
    Kind::Output,
    Kind::Note,
    Kind::State,
    Kind::Violation,
];

/// JSON of all shapes, a few levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let key = prop_oneof!["[a-zA-Z]{0,6}", Just("term".to_owned()), Just("sides".to_owned())];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A name: of one of the nodes mostly.
fn any_name() -> impl Strategy<Value = Option<Name>> {
    let name = prop_oneof![4 => "n[0-9]{1,2}", 1 => ".{0,20}"];
    prop::option::weighted(0.9, name.prop_map(Name::from))
}

fn any_event() -> impl Strategy<Value = Event> {
    let what = (prop::sample::select(&KINDS[..]), any_name(), any_name(), prop::option::of(0..10u64));
    let at = prop_oneof![4 => 0..20_000u64, 1 => any::<u64>()];
    let words = (
        prop::option::of(".{0,60}".prop_map(Name::from)),
        prop::option::of(any_json()),
        prop::option::of(".{0,200}"),
    );
    (at, what, words).prop_map(|(at, (kind, node, peer, id), (name, body, why))| Event {
        at,
        seq: 0,
        kind,
        node,
        peer,
        id,
        name,
        body,
        why,
        clock: None,
    })
}

proptest! {
    /// Any trace is drawn, within its width, and no broken rule is left out.
    #[test]
    fn no_trace_is_too_odd(
        events in prop::collection::vec(any_event(), 0..60),
        nodes in 0..30usize,
        width in 0..160usize,
        max_lines in prop::option::of(0..80usize),
    ) {
        let names: Vec<String> = (0..nodes).map(|node| format!("n{node}")).collect();
        let mut run = Run::new("random", &names.iter().map(String::as_str).collect::<Vec<_>>());
        let broken = events.iter().filter(|event| event.kind == Kind::Violation).count();
        run.trace.events = events;
        let options = Options { width, color: false, max_lines };
        let drawn = render(&run.trace, &options);
        assert_fits(&drawn, &options);
        prop_assert_eq!(drawn.matches("╔═").count(), broken);
        let coloured = render(&run.trace, &Options { color: true, ..options });
        prop_assert_eq!(without_ansi(&coloured), drawn);
    }
}
