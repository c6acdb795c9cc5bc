//! From text to a scenario. What is wrong is said with its line, what was read, what was expected.

use super::step::{Act, FATES, Step, Verb};
use super::{Scenario, Syncs};
use crate::campaign::parse_seed;
use crate::nearest::hint;
use crate::storage::DiskFate;
use crate::trace::Name;
use std::collections::BTreeSet;

/// A line that is no line of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the scenario: read {read}, expected {expected}")]
pub struct ReadError {
    /// The line, from 1.
    pub line: usize,
    /// What stands there.
    pub read: String,
    /// What could stand there.
    pub expected: String,
}

/// How long a step takes, unless a `wait` says otherwise, in microseconds: enough to keep steps apart in a picture.
pub(super) const STEP_US: u64 = 1_000;
/// More steps than any person reads, and a bound for whatever else is handed in as a scenario.
const MOST_STEPS: usize = 100_000;

/// The words that begin a line.
const WORDS: [&str; 17] = [
    "lab", "test", "seed", "nodes", "without", "syncs", "deliver", "repeat", "lose", "sent", "absent",
    "send", "alarm", "crash", "restart", "sync", "wait",
];

pub(super) fn read(text: &str) -> Result<Scenario, ReadError> {
    let mut reader = Reader::default();
    for (index, line) in text.lines().enumerate() {
        reader.line = index + 1;
        let line = line.split_once("# ").map_or(line, |(before, _)| before).trim();
        if !line.is_empty() && !line.starts_with('#') {
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            reader.read(word, rest.trim())?;
        }
    }
    reader.line += 1;
    if reader.scenario.nodes.is_empty() {
        return Err(reader.error("the end of the file", "a line like `nodes p1 a1 a2` before the first step"));
    }
    Ok(reader.scenario)
}

#[derive(Default)]
struct Reader {
    line: usize,
    scenario: Scenario,
    now_us: u64,
    waited: bool,
}

impl Reader {
    fn error(&self, read: impl Into<String>, expected: impl Into<String>) -> ReadError {
        ReadError { line: self.line, read: read.into(), expected: expected.into() }
    }

    fn read(&mut self, word: &str, rest: &str) -> Result<(), ReadError> {
        match word {
            "lab" => self.scenario.lab = Some(self.one(word, rest)?),
            "test" => self.scenario.test = Some(self.one(word, rest)?),
            "seed" => {
                self.scenario.seed = parse_seed(rest).map_err(|_| {
                    self.error(format!("the seed `{rest}`"), "a number of 64 bits, decimal or 0x…")
                })?;
            }
            "nodes" => self.nodes(rest)?,
            "without" => {
                let without = self.some_nodes(rest)?;
                self.scenario.script.without.extend(without);
            }
            "syncs" if rest == "by hand" => self.scenario.script.syncs = Syncs::ByHand,
            "syncs" => return Err(self.error(format!("`syncs {rest}`"), "`syncs by hand`")),
            "wait" => self.wait(rest)?,
            "send" => {
                let (from, to, json) = self.link(word, rest)?;
                let [to] = &to[..] else {
                    return Err(
                        self.error(format!("{} readers", to.len()), "one: an outsider sends to one node")
                    );
                };
                self.push(Act::Send { from: from[0].clone(), to: to.clone(), json });
            }
            "alarm" => {
                let (node, timer) = self.node(rest)?;
                if timer.is_empty() {
                    return Err(self.error(
                        format!("`alarm {rest}`"),
                        "a timer after the node, as in `alarm p1 Resend`",
                    ));
                }
                self.push(Act::Alarm { node, timer });
            }
            "crash" => self.crash(rest)?,
            "restart" | "sync" => {
                let (node, more) = self.node(rest)?;
                if !more.is_empty() {
                    return Err(self.error(format!("`{more}` after {node}"), "the end of the line"));
                }
                self.push(if word == "sync" { Act::Sync { node } } else { Act::Restart { node } });
            }
            _ => self.message(word, rest)?,
        }
        if self.scenario.script.steps.len() > MOST_STEPS {
            return Err(self.error("one more step", format!("at most {MOST_STEPS}")));
        }
        Ok(())
    }

    fn push(&mut self, act: Act) {
        // `wait` says how long a step takes instead of the usual.
        if !std::mem::take(&mut self.waited) {
            self.now_us = self.now_us.saturating_add(STEP_US);
        }
        self.scenario.script.steps.push(Step { at_us: self.now_us, act, line: self.line });
    }

    fn one(&self, word: &str, rest: &str) -> Result<String, ReadError> {
        if rest.is_empty() || rest.contains(char::is_whitespace) {
            return Err(self.error(format!("`{word} {rest}`"), format!("one word after `{word}`")));
        }
        Ok(rest.to_owned())
    }

    fn nodes(&mut self, rest: &str) -> Result<(), ReadError> {
        let names: Vec<Name> = names(rest).map(Name::from).collect();
        let mut seen = BTreeSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert((*name).clone())) {
            return Err(self.error(format!("the node `{twice}` twice"), "each node once"));
        }
        if names.is_empty() || !self.scenario.nodes.is_empty() {
            return Err(self.error(format!("`nodes {rest}`"), "one line with the names of all nodes"));
        }
        self.scenario.nodes = names;
        Ok(())
    }

    fn known(&self, name: &str) -> Result<Name, ReadError> {
        let nodes = &self.scenario.nodes;
        nodes.iter().find(|node| &***node == name).cloned().ok_or_else(|| {
            if nodes.is_empty() {
                return self.error(format!("the node `{name}`"), "a line `nodes …` before it");
            }
            let hint = hint(name, nodes.iter().map(|node| &**node));
            self.error(format!("the node `{name}`"), format!("one of {}{hint}", nodes.join(" ")))
        })
    }

    fn some_nodes(&self, text: &str) -> Result<Vec<Name>, ReadError> {
        names(text).map(|name| self.known(name)).collect()
    }

    /// A node, and what follows it.
    fn node(&self, text: &str) -> Result<(Name, String), ReadError> {
        let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        Ok((self.known(name)?, rest.trim().to_owned()))
    }

    /// `p1→a1,a2 words`: senders, readers, words.
    fn link(&self, word: &str, rest: &str) -> Result<(Vec<Name>, Vec<Name>, String), ReadError> {
        let arrow =
            rest.find('→').map(|at| (at, '→'.len_utf8())).or_else(|| rest.find("->").map(|at| (at, 2)));
        let Some((at, width)) = arrow else {
            return Err(self.error(
                format!("`{word} {rest}`"),
                format!("a link, as in `{word} p1→a1 …` or `{word} p1->a1 …`"),
            ));
        };
        let (from, after) = (&rest[..at], rest[at + width..].trim_start());
        // Readers are separated by commas; the first blank that no comma stands before ends them.
        let mut end = after.len();
        for (place, _) in after.match_indices(char::is_whitespace) {
            if !after[..place].trim_end().ends_with(',') {
                end = place;
                break;
            }
        }
        let (from, to) = (self.some_nodes(from)?, self.some_nodes(&after[..end])?);
        if from.is_empty() || to.is_empty() {
            return Err(self.error(format!("`{word} {rest}`"), "a node on each side of the arrow"));
        }
        let words = after[end..].split_whitespace().collect::<Vec<_>>().join(" ");
        if words.is_empty() {
            return Err(self.error(
                format!("`{word} {rest}`"),
                "the message's name after the link, and as many of its words as tell it apart",
            ));
        }
        Ok((from, to, words))
    }

    fn message(&mut self, word: &str, rest: &str) -> Result<(), ReadError> {
        let Some((_, verb)) = Verb::ALL.iter().find(|(known, _)| *known == word) else {
            let hint = hint(word, WORDS);
            return Err(self.error(format!("`{word}`"), format!("one of {}{hint}", WORDS.join(", "))));
        };
        let (from, to, words) = self.link(word, rest)?;
        for from in &from {
            for to in &to {
                let (from, to, words) = (from.clone(), to.clone(), words.clone());
                self.push(Act::Message { verb: *verb, from, to, words });
            }
        }
        Ok(())
    }

    fn crash(&mut self, rest: &str) -> Result<(), ReadError> {
        let (node, mut how) = self.node(rest)?;
        let mut after = None;
        if let Some(said) = how.strip_prefix("after ") {
            let (count, said) = said.split_once(' ').unwrap_or((said, ""));
            let said = said.strip_prefix("effects").or_else(|| said.strip_prefix("effect"));
            let (Ok(count), Some(said)) = (count.parse(), said) else {
                return Err(self.error(format!("`{how}`"), "a number of effects, as in `after 2 effects`"));
            };
            after = Some(count);
            how = said.trim().to_owned();
        }
        let fate = FATES.iter().find(|(words, _)| *words == how);
        let disk = match fate {
            Some((_, disk)) => *disk,
            None if how.is_empty() => DiskFate::LoseUnsynced,
            None => {
                let fates = FATES.map(|(words, _)| words);
                let hint = hint(&how, fates);
                return Err(self.error(format!("`{how}`"), format!("one of: {}{hint}", fates.join(", "))));
            }
        };
        self.push(Act::Crash { node, after, disk });
        Ok(())
    }

    fn wait(&mut self, rest: &str) -> Result<(), ReadError> {
        let us = length_us(rest).ok_or_else(|| {
            self.error(format!("`wait {rest}`"), "a length of time in whole us, ms or s, as in `wait 30 ms`")
        })?;
        self.now_us = self.now_us.saturating_add(us);
        self.waited = true;
        Ok(())
    }
}

/// `30 ms`, `30ms`, in microseconds.
fn length_us(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim() {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// Names with blanks or commas between them.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace()).filter(|name| !name.is_empty())
}
