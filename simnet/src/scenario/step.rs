//! One step of a schedule, and the line that says it.

use crate::storage::DiskFate;
use crate::trace::Name;
use std::fmt;

/// What a step does with a message, or says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// It arrives.
    Deliver,
    /// It has arrived before, and arrives once more.
    Repeat,
    /// The network loses it.
    Lose,
    /// It is in flight: the process has sent it.
    Sent,
    /// It is not in flight: the process has not sent it.
    Absent,
}

impl Verb {
    pub const ALL: [(&'static str, Verb); 5] = [
        ("deliver", Verb::Deliver),
        ("repeat", Verb::Repeat),
        ("lose", Verb::Lose),
        ("sent", Verb::Sent),
        ("absent", Verb::Absent),
    ];

    fn word(self) -> &'static str {
        Verb::ALL.iter().find(|(_, verb)| *verb == self).expect("every verb is listed").0
    }
}

/// What happens in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Something with a message, which is known by its link and some of its words.
    Message { verb: Verb, from: Name, to: Name, words: String },
    /// An outsider sends a message, as JSON.
    Send { from: Name, to: Name, json: String },
    /// A pending alarm goes off.
    Alarm { node: Name, timer: String },
    /// A node crashes: now, or after so many more effects of its handlers.
    Crash { node: Name, after: Option<u32>, disk: DiskFate },
    /// A crashed node starts again.
    Restart { node: Name },
    /// A sync that is under way ends.
    Sync { node: Name },
}

impl Act {
    /// The nodes that have a part in it.
    pub fn nodes(&self) -> Vec<&Name> {
        match self {
            Act::Message { from, to, .. } | Act::Send { from, to, .. } => vec![from, to],
            Act::Alarm { node, .. }
            | Act::Crash { node, .. }
            | Act::Restart { node }
            | Act::Sync { node } => {
                vec![node]
            }
        }
    }

    /// Whether it only says something of a message.
    pub fn is_claim(&self) -> bool {
        matches!(self, Act::Message { verb: Verb::Sent | Verb::Absent, .. })
    }

    /// Whether it is a fault, or the end of one.
    pub fn is_fault(&self) -> bool {
        matches!(self, Act::Crash { .. } | Act::Restart { .. })
    }
}

/// A crash's words for what becomes of the storage.
pub(crate) const FATES: [(&str, DiskFate); 5] = [
    ("losing unsynced writes", DiskFate::LoseUnsynced),
    ("keeping all writes", DiskFate::Keep),
    ("tearing the last write", DiskFate::TearLastWrite),
    ("flipping a synced bit", DiskFate::FlipBit),
    ("wiping the disk", DiskFate::Wipe),
];

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Act::Message { verb, from, to, words } => write!(f, "{} {from}→{to} {words}", verb.word()),
            Act::Send { from, to, json } => write!(f, "send {from}→{to} {json}"),
            Act::Alarm { node, timer } => write!(f, "alarm {node} {timer}"),
            Act::Crash { node, after, disk } => {
                let fate = FATES.iter().find(|(_, fate)| fate == disk).expect("every fate has words").0;
                match after {
                    None => write!(f, "crash {node} {fate}"),
                    Some(1) => write!(f, "crash {node} after 1 effect {fate}"),
                    Some(effects) => write!(f, "crash {node} after {effects} effects {fate}"),
                }
            }
            Act::Restart { node } => write!(f, "restart {node}"),
            Act::Sync { node } => write!(f, "sync {node}"),
        }
    }
}

/// An act, and when it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Virtual microseconds since the start of the run.
    pub at_us: u64,
    pub act: Act,
    /// The line it was read from, from 1; 0 for a step that was recorded.
    pub line: usize,
}

/// Whether `wanted` means the message that reads `full`: the same name, and words of it in their order.
pub(crate) fn means(wanted: &str, full: &str) -> bool {
    let mut full = full.split_whitespace();
    let mut wanted = wanted.split_whitespace();
    wanted.next() == full.next() && wanted.all(|word| full.any(|other| other == word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_words_of_a_message_are_enough() {
        let full = "Promise ballot=1.1 accepted={ballot=1.0 value=red}";
        for wanted in [full, "Promise", "Promise ballot=1.1", "Promise value=red}"] {
            assert!(means(wanted, full), "{wanted}");
        }
        for wanted in ["Prepare", "ballot=1.1", "Promise ballot=1.0", "Promise value=red} ballot=1.1", ""] {
            assert!(!means(wanted, full), "{wanted}");
        }
    }
}
