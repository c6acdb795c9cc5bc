//! Traces: what a recorded run says, and what a reader answers to files that are none.

mod toy;

use simnet::hub::Reorder;
use simnet::trace::{Event, Kind, ReadError, Trace};
use simnet::{Delay, DiskFate, Sim};
use std::time::Duration;
use toy::{Step, Toy, puppets};

fn recorded() -> Trace {
    let (cluster, [a, b, c], x) = puppets();
    let mut sim = Sim::new(5, &cluster)
        .with_hub(Reorder::new(Delay::fixed(Duration::from_millis(1))))
        .described("three puppets")
        .recording(true)
        .recording_views();
    sim.inject(x, a, Toy::Do(vec![Step::Write(1), Step::Sync, Step::Send(b, 7), Step::Alarm(3, 2)]));
    sim.run_for(Duration::from_millis(2));
    sim.inject(b, c, Toy::Plain(8));
    sim.run_for(Duration::from_millis(5));
    sim.crash(c, DiskFate::LoseUnsynced);
    sim.inject(b, c, Toy::Plain(9));
    sim.run_for(Duration::from_millis(5));
    sim.restart(c);
    sim.trace("00-toy").expect("it was recorded")
}

fn find(trace: &Trace, kind: Kind, node: &str) -> Vec<Event> {
    let found = trace.events.iter().filter(|event| event.kind == kind && event.node.as_deref() == Some(node));
    found.cloned().collect()
}

#[test]
fn a_trace_says_what_happened() {
    let trace = recorded();
    assert_eq!((trace.header.seed, trace.header.run.as_str()), (5, "three puppets"));
    assert!(
        trace.events.iter().enumerate().all(|(seq, event)| event.seq == seq as u64),
        "events are numbered"
    );
    assert!(trace.events.is_sorted_by_key(|event| event.at), "time does not run backwards");

    let send = &find(&trace, Kind::Send, "a")[0];
    assert_eq!((send.at, send.peer.as_deref(), send.name.as_deref()), (1_000, Some("b"), Some("Plain")));
    assert_eq!(send.body, Some(serde_json::json!(7)), "the name is not said twice");
    let deliver = &find(&trace, Kind::Deliver, "b")[0];
    assert_eq!((deliver.at, deliver.peer.as_deref(), deliver.id), (2_000, Some("a"), send.id));
    assert_eq!(find(&trace, Kind::Write, "a")[0].name.as_deref(), Some("record"));
    assert_eq!(find(&trace, Kind::Sync, "a").len(), 1);
    assert_eq!(find(&trace, Kind::Timer, "a")[0].name.as_deref(), Some("3"));
    assert_eq!(find(&trace, Kind::Crash, "c")[0].why.as_deref(), Some("unsynced writes lost"));
    assert_eq!(find(&trace, Kind::Drop, "c")[0].why.as_deref(), Some("the reader is down"));
    assert_eq!(find(&trace, Kind::Restart, "c").len(), 1);
    // The state is recorded when it is another: at the start, and with the first message.
    let states: Vec<_> = find(&trace, Kind::State, "b").into_iter().map(|event| event.body).collect();
    assert_eq!(states, [Some(serde_json::json!(0)), Some(serde_json::json!(1))]);
}

#[test]
fn vector_clocks_tell_what_knew_of_what() {
    let trace = recorded();
    let clock = |kind, node, place: usize| find(&trace, kind, node)[place].clock.clone().unwrap();
    let before =
        |one: &[u64], other: &[u64]| one.iter().zip(other).all(|(one, other)| one <= other) && one != other;
    let (sent, delivered) = (clock(Kind::Send, "a", 0), clock(Kind::Deliver, "b", 0));
    assert!(before(&sent, &delivered), "{sent:?} {delivered:?}");
    // b told c after it had heard of a: c knows of a's send.
    assert!(before(&sent, &clock(Kind::Deliver, "c", 0)));
    // a's alarm and b's delivery know nothing of each other.
    let (alarm, delivered) = (clock(Kind::Timer, "a", 0), clock(Kind::Deliver, "b", 0));
    assert!(!before(&alarm, &delivered) && !before(&delivered, &alarm));
}

#[test]
fn what_is_written_is_read_and_equal_runs_are_equal_files() {
    let (trace, again) = (recorded(), recorded());
    let (mut bytes, mut other) = (Vec::new(), Vec::new());
    trace.write(&mut bytes).unwrap();
    again.write(&mut other).unwrap();
    assert_eq!(bytes, other);
    assert_eq!(Trace::read(&bytes[..]).unwrap(), trace);
}

#[test]
fn a_file_that_is_no_trace_gets_a_clear_answer() {
    let mut bytes = Vec::new();
    recorded().write(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let error = |text: &str| Trace::read(text.as_bytes()).unwrap_err();
    assert!(matches!(error(""), ReadError::Empty));
    assert!(matches!(error(&text.replacen(":1,", ":99,", 1)), ReadError::Version { found: 99 }));
    assert!(error(&text.replacen(":1,", ":99,", 1)).to_string().contains("record the run again"));
    assert!(matches!(error("{\"lab\":\"x\"}\n"), ReadError::Malformed { line: 1, .. }));
    let cut = &text[..text.len() - 20];
    let lines = text.lines().count();
    assert!(matches!(error(cut), ReadError::Malformed { line, .. } if line == lines), "{}", error(cut));
    assert!(matches!(error(&text.replacen("\"send\"", "\"sent\"", 1)), ReadError::Malformed { .. }));
}
