//! The contract of a lab's binary: the JSON object on the last line of `<topic> run … --json`.

use anyhow::{Result, anyhow};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a run came to.
#[derive(Clone, Debug, Deserialize)]
pub struct Outcome {
    /// The world it ran in.
    pub world: String,
    /// The seed.
    pub seed: u64,
    /// The nodes' names.
    pub nodes: Vec<String>,
    /// The lab's own words for what came of it: `{"decided":true,"value":"b"}`.
    pub outcome: serde_json::Map<String, serde_json::Value>,
    /// The rules that were broken.
    pub violations: Vec<Violation>,
    /// The rule of which it is not known whether it was broken, and why.
    pub unknown: Option<String>,
    /// Who waits for what, a line a node: of a run that is undecided.
    #[serde(default)]
    pub waits: Vec<String>,
    /// Messages sent, by name.
    pub messages: BTreeMap<String, Count>,
    /// Messages sent, by sender, reader and name, in a lab that says so.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Faults that fired, by kind.
    pub faults: BTreeMap<String, u64>,
    /// The hash of all events: equal hashes, equal runs.
    pub trace_hash: String,
    /// How long it took in the world's own time.
    pub virtual_us: u64,
    /// How long it took on the clock on the wall.
    pub real_us: u64,
    /// What carried the messages, in the world `local`.
    pub transport: Option<String>,
    /// Where the trace was written.
    pub trace: Option<String>,
}

/// A broken rule.
#[derive(Clone, Debug, Deserialize)]
pub struct Violation {
    /// The rule, in words.
    pub rule: String,
    /// What was expected.
    pub expected: String,
    /// What was seen.
    pub got: String,
}

/// How many messages, and how many bytes they have.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Count {
    /// Messages.
    pub count: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Messages of one name from one node to another.
#[derive(Clone, Debug, Deserialize)]
pub struct Link {
    /// The sender.
    pub from: String,
    /// The reader.
    pub to: String,
    /// The message's name.
    pub message: String,
    /// How many, and their bytes.
    #[serde(flatten)]
    pub count: Count,
}

/// The line of `stdout` that is the outcome: the last that is not blank.
pub fn line(stdout: &str) -> Option<&str> {
    stdout.lines().rev().find(|line| !line.trim().is_empty())
}

/// Reads the outcome.
pub fn parse(line: &str) -> Result<Outcome> {
    serde_json::from_str(line).map_err(|error| {
        let shown: String = line.chars().take(200).collect();
        anyhow!(
            "read as the last line of the lab's output: {shown}\n{error}; expected one JSON object with lab, world, seed, \
             nodes, outcome, violations, messages, faults, trace_hash, virtual_us, real_us, trace (course/README.md, \
             \"The contract of a lab's binary\")"
        )
    })
}

/// What the exit status of a lab's binary says.
pub fn status(code: i32) -> &'static str {
    match code {
        0 => "held",
        1 => "a rule was broken",
        3 => "undecided within its bound",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"lab":"07-paxos","world":"sim","seed":18446744073709551615,"nodes":["p1","a1"],
"outcome":{"decided":true,"value":"b"},"violations":[{"rule":"r","expected":"e","got":"g"}],
"messages":{"Prepare":{"count":3,"bytes":24}},"faults":{"drop":2},"trace_hash":"0xab","virtual_us":5,"real_us":6,"trace":null}"#;

    #[test]
    fn the_last_line_is_the_outcome() {
        let whole = format!("hello\n{}\n\n", LINE.replace('\n', ""));
        let outcome = parse(line(&whole).unwrap()).unwrap();
        assert_eq!(outcome.seed, u64::MAX);
        assert_eq!(outcome.messages["Prepare"].bytes, 24);
        assert_eq!(outcome.trace, None);
        assert!(outcome.links.is_empty());
    }

    #[test]
    fn links_are_read_where_they_are_told() {
        let links = r#""links":[{"from":"a","to":"b","message":"Ack","count":2,"bytes":6}],"faults""#;
        let link = &parse(&LINE.replace("\"faults\"", links)).unwrap().links[0];
        assert_eq!((&*link.from, &*link.to, &*link.message, link.count.bytes), ("a", "b", "Ack", 6));
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = parse(&LINE.replace("\"seed\":18446744073709551615,", "")).unwrap_err().to_string();
        assert!(error.contains("missing field `seed`"), "{error}");
        assert!(error.contains("expected one JSON object with lab"), "{error}");
        assert!(parse("Segmentation fault").is_err());
        assert_eq!(line("\n \n"), None);
    }
}
