//! The page of a run: one safe file, the same for the same trace, whatever the trace holds.

use serde_json::{Value, json};
use simnet::page::{Explained, render};
use simnet::trace::{Event, Header, Kind, Name, Trace, VERSION};

/// Text that would leave its place in HTML, in a script, in JSON or in the template.
const NASTY: &str = "</script><script>alert(1)</script><!-- fill: script --><img src=x onerror=alert(1)>\u{2028}\u{202e}\"'\\\0&amp;";

fn header(nodes: &[&str]) -> Header {
    Header {
        simnet_trace: VERSION,
        lab: "00-demo".into(),
        commit: "unknown".into(),
        seed: u64::MAX,
        world: "sim".into(),
        nodes: nodes.iter().map(|&name| name.into()).collect(),
        run: "a demonstration".into(),
    }
}

fn event(at: u64, kind: Kind, node: Option<&str>) -> Event {
    Event {
        at,
        seq: 0,
        kind,
        node: node.map(Name::from),
        peer: None,
        id: None,
        name: None,
        body: None,
        why: None,
        clock: None,
    }
}

/// One message and a broken rule.
fn failure() -> Trace {
    let message = |event| Event { id: Some(0), name: Some("Ping".into()), ..event };
    let events = vec![
        Event {
            peer: Some("b".into()),
            body: Some(json!({"round": 1})),
            ..message(event(0, Kind::Send, Some("a")))
        },
        Event { peer: Some("a".into()), ..message(event(1_500, Kind::Deliver, Some("b"))) },
        Event {
            body: Some(json!({"expected": "one", "got": "two"})),
            why: Some("there is one of it".into()),
            ..event(1_500, Kind::Violation, Some("b"))
        },
    ];
    Trace { header: header(&["a", "b"]), events }
}

/// The page's data, as its scripts read it.
fn data(page: &str) -> Value {
    let (_, after) =
        page.split_once("<script type=\"application/json\" id=\"data\">").expect("the page has data");
    let (data, _) = after.split_once("</script>").expect("the data end");
    serde_json::from_str(data).expect("the data are JSON")
}

#[test]
fn the_same_trace_gives_the_same_page() {
    let trace = failure();
    let page = render(&Explained::of(&trace).replayed_by("cargo course replay x"));
    assert_eq!(page, render(&Explained::of(&trace.clone()).replayed_by("cargo course replay x")));
    // Written and read again it is still the same.
    let mut file = Vec::new();
    trace.write(&mut file).unwrap();
    let again = Trace::read(&file[..]).unwrap();
    assert_eq!(page, render(&Explained::of(&again).replayed_by("cargo course replay x")));
}

#[test]
fn the_rule_is_read_without_scripts() {
    let trace = failure();
    let page = render(&Explained::of(&trace));
    for told in [
        "Rule broken",
        "<h1 id=\"rule\">there is one of it</h1>",
        "<dd>one</dd>",
        "<dd>two</dd>",
        "──Ping round=1──",
    ] {
        assert!(page.contains(told), "{told}");
    }
    let mut held = trace;
    held.events.pop();
    let page = render(&Explained::of(&held));
    assert!(page.contains("No rule was broken") && !page.contains("id=\"rule\""));
}

#[test]
fn the_page_loads_nothing_and_allows_nothing_to_be_loaded() {
    let page = render(&Explained::of(&failure()));
    assert!(page.contains("default-src 'none'"));
    for link in ["src=\"", "@import", "url(", "<link rel=\"stylesheet\"", "import "] {
        assert!(!page.contains(link), "{link}");
    }
    // The only address is that of SVG's names, which nobody opens.
    for (place, _) in page.match_indices("http") {
        let rest = &page[place..];
        assert!(
            rest.starts_with("http://www.w3.org/2000/svg") || rest.starts_with("http-equiv"),
            "{}",
            &rest[..40]
        );
    }
}

#[test]
fn nothing_that_a_run_says_leaves_its_place() {
    let mut trace = failure();
    trace.header =
        Header { lab: NASTY.into(), run: NASTY.into(), commit: NASTY.into(), ..header(&[NASTY, "b"]) };
    for event in &mut trace.events {
        event.node = Some(NASTY.into());
        event.name = Some(NASTY.into());
        event.why = Some(NASTY.into());
        event.body = Some(json!({ NASTY: [NASTY], "__proto__": { "polluted": NASTY } }));
    }
    let removed = [NASTY.to_owned()];
    let page =
        render(&Explained::of(&trace).shortened_to(&trace, &removed).in_test(NASTY).replayed_by(NASTY));
    let plain = render(&Explained::of(&failure()));
    for tag in ["<script", "</script", "<!--", "<img", "<style", "</style", "</pre", "\0", "\u{202e}"] {
        assert_eq!(page.matches(tag).count(), plain.matches(tag).count(), "{tag}");
    }
    let data = data(&page);
    assert_eq!(data["runs"][0]["events"][0]["body"][NASTY][0], NASTY);
    assert_eq!(data["runs"][0]["nodes"][0], NASTY);
    assert_eq!(data["runs"][0]["removed"][0], NASTY);
    assert_eq!(data["replay"], NASTY);
}

#[test]
fn both_runs_are_on_the_page_and_the_shorter_one_is_told() {
    let shortened = failure();
    let mut original = failure();
    original.events.insert(0, event(0, Kind::Start, Some("a")));
    original.events[3].body = Some(json!({"expected": "one", "got": "three"}));
    let removed = ["1 start".to_owned()];
    let page = render(&Explained::of(&original).shortened_to(&shortened, &removed));
    assert!(page.contains("<dd>two</dd>") && !page.contains("<dd>three</dd>"));
    let data = data(&page);
    let labels: Vec<&Value> = data["runs"].as_array().unwrap().iter().map(|run| &run["label"]).collect();
    assert_eq!(labels, ["shortened", "original"]);
    assert_eq!(data["runs"][0]["removed"], json!(["1 start"]));
    assert_eq!(data["runs"][1]["broken"]["facts"], json!([["expected", "one"], ["got", "three"]]));
}

#[test]
fn numbers_beyond_those_of_javascript_are_exact() {
    let mut trace = failure();
    trace.events[0].id = Some(u64::MAX);
    trace.events[0].at = u64::MAX;
    trace.events[0].body = Some(json!({"hash": u64::MAX, "small": 3}));
    let data = data(&render(&Explained::of(&trace)));
    let run = &data["runs"][0];
    assert_eq!(run["seed"], "18446744073709551615");
    assert_eq!(run["events"][0]["id"], "18446744073709551615");
    assert_eq!(run["events"][0]["body"], json!({"hash": "18446744073709551615", "small": 3}));
    assert!(run["events"][0]["at"].as_u64().unwrap() < 1 << 53);
}

#[test]
fn odd_traces_have_a_page_too() {
    let kinds = [
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
    // Each kind with nothing said of it, then at a node that the header does not name.
    let mut events: Vec<Event> = kinds.iter().map(|&kind| event(0, kind, None)).collect();
    events.extend(kinds.iter().map(|&kind| Event {
        id: Some(7),
        peer: Some("".into()),
        body: Some(json!([null, {}, []])),
        clock: Some(vec![1, 2, 3]),
        ..event(9, kind, Some("stranger"))
    }));
    let data = data(&render(&Explained::of(&Trace { header: header(&[]), events })));
    assert_eq!(data["runs"][0]["nodes"], json!(["stranger", ""]));
    assert_eq!(data["runs"][0]["broken"]["rule"], "a rule without words");
    let empty = Trace { header: header(&[]), events: Vec::new() };
    assert!(render(&Explained::of(&empty)).contains("nothing happened"));
}

#[test]
fn of_a_very_long_run_the_page_has_the_end() {
    let mut events: Vec<Event> = (0..60_000).map(|at| event(at, Kind::Timer, Some("a"))).collect();
    events.push(event(60_000, Kind::Violation, Some("a")));
    events.extend((0..5_000).map(|at| event(60_000 + at, Kind::Timer, Some("a"))));
    let data = data(&render(&Explained::of(&Trace { header: header(&["a"]), events })));
    let run = &data["runs"][0];
    assert_eq!(run["events"].as_array().unwrap().len(), 50_000);
    assert_eq!((run["before"].as_u64(), run["after"].as_u64()), (Some(11_000), Some(4_001)));
}
