//! What came of the run, in words, at the top of the page: written here, so that it is read without scripts too.

use super::Explained;
use super::escape::html as escaped;
use crate::trace::{Event, Kind, Trace};
use serde_json::Value;

/// A rule that was broken, as a page tells it. `data.rs` gives it to the scripts.
#[derive(Debug)]
pub(super) struct Broken {
    /// The rule, in words.
    pub(super) rule: String,
    /// `expected`, `got`, and what else is told, each with its name.
    pub(super) facts: Vec<(String, String)>,
}

/// The first rule that the run broke.
pub(super) fn broken(trace: &Trace) -> Option<Broken> {
    trace.events.iter().find(|event| event.kind == Kind::Violation).map(of_event)
}

fn of_event(event: &Event) -> Broken {
    let rule = event.why.as_deref().filter(|why| !why.trim().is_empty());
    let rule = rule.or(event.name.as_deref()).unwrap_or("a rule without words").to_owned();
    let words = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    };
    let facts = match &event.body {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(map)) => map.iter().map(|(name, value)| (name.clone(), words(value))).collect(),
        Some(other) => vec![("got".to_owned(), words(other))],
    };
    Broken { rule, facts }
}

/// The first line says it; what follows tells more.
fn in_lines(value: &str) -> String {
    match value.split_once('\n') {
        Some((first, more)) => {
            format!("{}<span class=\"more\">{}</span>", escaped(first), escaped(more))
        }
        None => escaped(value),
    }
}

/// What the browser's tab says.
pub(super) fn title(run: &Explained<'_>) -> String {
    let header = &run.original.header;
    let what = broken(run.shown()).map_or_else(|| "no rule broken".to_owned(), |broken| broken.rule);
    escaped(&format!("{what} · {} · seed {}", header.lab, header.seed))
}

/// The top of the page.
pub(super) fn html(run: &Explained<'_>) -> String {
    let Some(broken) = broken(run.shown()) else {
        return "<p class=\"tag held\">No rule was broken</p>".to_owned();
    };
    let facts: String = broken
        .facts
        .iter()
        .map(|(name, value)| {
            format!(
                "<div class=\"fact fact-{}\"><dt>{}</dt><dd>{}</dd></div>",
                if matches!(name.as_str(), "expected" | "got") { name } else { "other" },
                escaped(name),
                in_lines(value)
            )
        })
        .collect();
    format!(
        "<p class=\"tag broken\">Rule broken</p>\n<h1 id=\"rule\">{}</h1>\n<dl class=\"facts\">{facts}</dl>",
        escaped(&broken.rule)
    )
}
