//! Words: times, message bodies and phrases, short enough for a line of the terminal.

use serde_json::{Map, Value};

/// The number of characters, which is the number of columns: every character counts as one.
pub(super) fn len(text: &str) -> usize {
    text.chars().count()
}

/// The text without line feeds, escape sequences and other control characters, which would tear the picture.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The text in at most `room` columns; `…` stands for what is cut off.
pub(super) fn cut(text: &str, room: usize) -> String {
    if len(text) <= room {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(room.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    if room > 0 {
        short.push('…');
    }
    short
}

/// Breaks text between words into lines of at most `room` columns; a longer word is broken inside.
pub(super) fn wrap(text: &str, room: usize) -> Vec<String> {
    let room = room.max(1);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        let line = lines.last().expect("there is always a line");
        if !line.is_empty() && len(line) + 1 + word.len() > room {
            lines.push(String::new());
        }
        while word.len() > room {
            let rest = word.split_off(room);
            lines.last_mut().expect("there is always a line").extend(word);
            lines.push(String::new());
            word = rest;
        }
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word);
    }
    lines
}

/// Breaks text into lines of at most `room` columns, and keeps the lines it has: what one begins with stays, and what does not fit
/// goes on below it, of several lines a little deeper.
pub(super) fn wrap_lines(text: &str, room: usize) -> Vec<String> {
    let hanging = if text.trim_end().contains('\n') { 2 } else { 0 };
    let mut lines = Vec::new();
    for line in text.lines() {
        if len(line) <= room {
            // Columns of a table stay as they are.
            lines.push(line.to_owned());
            continue;
        }
        let indent = len(line) - len(line.trim_start());
        for (number, part) in wrap(line, room.saturating_sub(indent + hanging)).iter().enumerate() {
            lines.push(" ".repeat(if number == 0 { indent } else { indent + hanging }) + part);
        }
    }
    lines
}

/// How the times of one diagram are written: all in one unit, so that they can be compared at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// `12.304 ms`, exact.
    Milliseconds,
    /// `12.304 s`, for long runs.
    Seconds,
}

impl Clock {
    /// The unit for a run whose last event is at `last` microseconds.
    pub(super) fn for_run(last: u64) -> Self {
        if last < 100_000_000 { Clock::Milliseconds } else { Clock::Seconds }
    }

    /// The name of the unit.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Clock::Milliseconds => "ms",
            Clock::Seconds => "s",
        }
    }

    /// A time without its unit.
    pub(super) fn bare(self, micros: u64) -> String {
        match self {
            Clock::Milliseconds => format!("{}.{:03}", micros / 1000, micros % 1000),
            Clock::Seconds => format!("{}.{:03}", micros / 1_000_000, micros / 1000 % 1000),
        }
    }

    /// A time with its unit.
    pub(super) fn show(self, micros: u64) -> String {
        format!("{} {}", self.bare(micros), self.unit())
    }
}

/// The fields of a message, a record or an output that is called `name`, in a few words.
///
/// An enum's value comes as `{"Prepare": {…}}`, or as `"Prepare"` without fields: the name stands in the
/// diagram already.
pub(super) fn fields(name: &str, body: Option<&Value>) -> String {
    match body {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) if text == name => String::new(),
        Some(Value::Object(map)) if map.len() == 1 && map.contains_key(name) => compact(&map[name]),
        Some(value) => compact(value),
    }
}

/// A JSON value as a person would jot it down: `ballot=1.0 value=red`.
///
/// Strings lose their quotes, `null` is `-`, lists are `[a b]`, a nested object is `{x=1 y=2}`, an enum's
/// value `Put(key=x)`, and a number with its tie-breaker is `1.0`.
pub(super) fn compact(value: &Value) -> String {
    match value {
        Value::Object(map) => match variant(map) {
            Some(text) => text,
            None => pairs(map),
        },
        other => inner(other),
    }
}

/// A value that stands for itself: a record, an element of a list.
pub(super) fn jot(value: &Value) -> String {
    match value {
        Value::Object(map) => dotted(map).unwrap_or_else(|| compact(value)),
        other => inner(other),
    }
}

/// A value inside another one.
fn inner(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) if text.is_empty() => "''".to_owned(),
        Value::String(text) => clean(text),
        Value::Array(items) => format!("[{}]", items.iter().map(inner).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            dotted(map).or_else(|| variant(map)).unwrap_or_else(|| format!("{{{}}}", pairs(map)))
        }
    }
}

/// `a=1 b=2`.
fn pairs(map: &Map<String, Value>) -> String {
    map.iter().map(|(key, value)| format!("{}={}", clean(key), inner(value))).collect::<Vec<_>>().join(" ")
}

/// `Put(key=x)` for `{"Put": {"key": "x"}}`: Rust writes variants of an enum with a capital, and fields without.
fn variant(map: &Map<String, Value>) -> Option<String> {
    let (key, value) = map.iter().next().filter(|_| map.len() == 1)?;
    key.starts_with(char::is_uppercase).then(|| format!("{}({})", clean(key), compact(value)))
}

/// Fields that order a number with its tie-breaker: they come before the dot.
const MAJOR: [&str; 8] = ["epoch", "term", "view", "round", "ballot", "number", "counter", "n"];

/// `1.0` for `{"round": 1, "proposer": 0}`, `1.p1` for `{"round": 1, "proposer": "p1"}`.
///
/// JSON objects come sorted by key, so what stands before the dot has to be known by its name. Other objects of
/// two numbers keep their names: `{a1=3 a2=5}` must not read as a version.
fn dotted(map: &Map<String, Value>) -> Option<String> {
    let major = MAJOR.iter().find(|&&field| map.contains_key(field)).filter(|_| map.len() == 2)?;
    let (_, minor) = map.iter().find(|(key, _)| key != major)?;
    let minor = match minor {
        Value::Number(number) if !number.is_f64() => number.to_string(),
        Value::String(text) if len(text) <= 8 && text.chars().all(char::is_alphanumeric) => text.clone(),
        _ => return None,
    };
    let major = map[*major].as_number().filter(|number| !number.is_f64())?;
    Some(format!("{major}.{minor}"))
}

/// Words of a line in the order in which they are given up when there is no room: `extra`, then `body`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Phrase {
    /// What must be read: `sends Prepare`.
    pub(super) head: String,
    /// Details, cut first: `ballot=1.0`.
    pub(super) body: String,
    /// What must be read too, after the details: `→ a1 a2 a3`.
    pub(super) tail: String,
    /// Shown only when all fits.
    pub(super) extra: String,
}

impl Phrase {
    /// A phrase of one part.
    pub(super) fn of(head: impl Into<String>) -> Self {
        Phrase { head: head.into(), ..Phrase::default() }
    }

    /// The columns that all but `extra` needs.
    pub(super) fn len(&self) -> usize {
        len(&join(&[&self.head, &self.body, &self.tail]))
    }

    /// The phrase in at most `room` columns.
    pub(super) fn fit(&self, room: usize) -> String {
        let all = join(&[&self.head, &self.body, &self.tail, &self.extra]);
        if len(&all) <= room {
            return all;
        }
        let without = len(&join(&[&self.head, "", &self.tail]));
        // Fewer than four columns of a detail say nothing.
        let body = match room.saturating_sub(without + 1) {
            0..4 if len(&self.body) > 4 => String::new(),
            left => cut(&self.body, left),
        };
        cut(&join(&[&self.head, &body, &self.tail]), room)
    }
}

/// The parts that are not empty, with blanks between them.
fn join(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bodies_are_jotted_down() {
        for (body, expected) in [
            (json!({"ballot": {"round": 1, "proposer": 0}, "value": "red"}), "ballot=1.0 value=red"),
            (json!({"ballot": {"round": 1, "proposer": "p1"}}), "ballot=1.p1"),
            (json!({"round": 1, "proposer": 0}), "proposer=0 round=1"),
            (json!({"matched": {"a1": 3, "a2": 5}}), "matched={a1=3 a2=5}"),
            (json!({"accepted": null, "ok": true}), "accepted=- ok=true"),
            (json!({"op": {"Put": {"key": "x", "to": 1}}}), "op=Put(key=x to=1)"),
            (json!({"entries": [{"term": 1, "index": 2}, []], "name": ""}), "entries=[1.2 []] name=''"),
            (json!({"term": {"term": 1.5, "x": 1}}), "term={term=1.5 x=1}"),
            (json!("as is"), "as is"),
            (json!({"Prepare": {"n": 1}}), "n=1"),
            (json!("Prepare"), ""),
            (json!({}), ""),
        ] {
            let mut shown = fields("Prepare", Some(&body));
            // The order of fields in an object is serde_json's business, which a feature of it changes.
            if shown == "round=1 proposer=0" {
                shown = "proposer=0 round=1".to_owned();
            }
            assert_eq!(shown, expected, "of {body}");
        }
    }

    #[test]
    fn details_are_cut_before_the_rest() {
        let phrase = Phrase {
            head: "Accept".into(),
            body: "value=red".into(),
            tail: "→ a1".into(),
            extra: "(late)".into(),
        };
        assert_eq!(phrase.fit(80), "Accept value=red → a1 (late)");
        assert_eq!(phrase.fit(21), "Accept value=red → a1");
        assert_eq!(phrase.fit(18), "Accept value… → a1");
        assert_eq!(phrase.fit(12), "Accept → a1");
        assert_eq!(phrase.fit(5), "Acce…");
        assert_eq!(phrase.fit(0), "");
    }

    #[test]
    fn long_words_are_broken() {
        assert_eq!(wrap("one two  threefour", 5), ["one", "two", "three", "four"]);
        assert_eq!(wrap("abcdef", 0), ["a", "b", "c", "d", "e", "f"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(
            wrap_lines("one\n  two  three\nfour five six", 12),
            ["one", "  two  three", "four five", "  six"]
        );
        assert!(wrap_lines("", 5).is_empty());
    }
}
