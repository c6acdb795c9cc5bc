//! The run as JSON for the page's scripts: the trace's own events, made safe for JavaScript's numbers.

use super::Explained;
use super::verdict;
use crate::trace::{Event, Kind, Name, Trace};
use serde_json::{Map, Number, Value, json};
use std::collections::BTreeSet;
use std::ops::Range;

/// JavaScript counts exactly up to here; what is larger is handed over as text.
const EXACT: u64 = (1 << 53) - 1;

/// More events make a file that browsers are slow with. The trace has them all.
const MOST_EVENTS: usize = 50_000;
/// How many of them may come after the broken rule.
const AFTERWARDS: usize = 1_000;

/// All that the scripts read.
pub(super) fn json(run: &Explained<'_>) -> String {
    let mut runs = Vec::new();
    if let Some(shortened) = run.shortened {
        runs.push(of_run("shortened", shortened.trace, shortened.removed));
    }
    runs.push(of_run("original", run.original, &[]));
    json!({ "test": run.test, "replay": run.replay, "runs": runs }).to_string()
}

fn of_run(label: &str, trace: &Trace, removed: &[String]) -> Value {
    let header = &trace.header;
    let shown = shown(trace);
    let broken = verdict::broken(trace).map(|broken| json!({ "rule": broken.rule, "facts": broken.facts }));
    json!({
        "label": label,
        "removed": removed,
        "lab": header.lab,
        "commit": header.commit,
        "seed": header.seed.to_string(),
        "world": header.world,
        "run": header.run,
        "nodes": cast(trace),
        "broken": broken,
        "before": shown.start,
        "after": trace.events.len() - shown.end,
        "events": trace.events[shown].iter().map(of_event).collect::<Vec<_>>(),
    })
}

/// The events of the page: all, or of a very long run the last ones up to the broken rule, or the first ones.
fn shown(trace: &Trace) -> Range<usize> {
    let all = trace.events.len();
    let broken = trace.events.iter().position(|event| event.kind == Kind::Violation);
    let end = broken.map_or(MOST_EVENTS, |broken| (broken + AFTERWARDS).max(MOST_EVENTS)).min(all);
    end.saturating_sub(MOST_EVENTS)..end
}

/// The nodes in the order of the header; whoever else appears in the events comes after them.
fn cast(trace: &Trace) -> Vec<&Name> {
    let mut seen = BTreeSet::new();
    let others = trace.events.iter().flat_map(|event| event.node.iter().chain(&event.peer));
    trace.header.nodes.iter().chain(others).filter(|name| seen.insert(*name)).collect()
}

/// An event as the trace has it, without its `seq`, which is its place in the list.
fn of_event(event: &Event) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    };
    let text = |name: &Option<Name>| name.as_ref().map(|name| Value::from(&**name));
    // A picture has no use for times that do not fit: that would be 285 years.
    put("at", Some(event.at.min(EXACT).into()));
    put("kind", serde_json::to_value(event.kind).ok());
    put("node", text(&event.node));
    put("peer", text(&event.peer));
    put("id", event.id.map(exact));
    put("name", text(&event.name));
    put("body", event.body.as_ref().map(exactly));
    put("why", event.why.as_deref().map(Value::from));
    put("clock", event.clock.as_ref().map(|clock| clock.iter().map(|&ticks| ticks.min(EXACT)).collect()));
    Value::Object(fields)
}

/// A whole number, as text when JavaScript would round it.
fn exact(number: u64) -> Value {
    if number <= EXACT { number.into() } else { number.to_string().into() }
}

/// The value with all its numbers exact.
fn exactly(value: &Value) -> Value {
    match value {
        Value::Number(number) if is_rounded(number) => number.to_string().into(),
        Value::Array(items) => items.iter().map(exactly).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), exactly(value))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

fn is_rounded(number: &Number) -> bool {
    let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
    magnitude.is_some_and(|magnitude| magnitude > EXACT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_javascript_would_round_are_text() {
        let body = json!({"small": EXACT, "large": EXACT + 1, "list": [u64::MAX, i64::MIN, -1, 0.5]});
        let expected = json!({
            "small": EXACT,
            "large": "9007199254740992",
            "list": ["18446744073709551615", "-9223372036854775808", -1, 0.5],
        });
        assert_eq!(exactly(&body), expected);
    }
}
