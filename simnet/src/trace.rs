//! Traces: what happened in a run, one format for every world.
//!
//! A trace is a JSON Lines file: a [`Header`], then an [`Event`] a line, in the order in which they happened.
//! Two runs of one seed of one source give the same file, byte for byte.

use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};
use std::sync::Arc;

/// The version of the format that this code writes, and the only one it reads.
pub const VERSION: u32 = 1;

/// A name in a trace: of a node, a message, a timer, a fault.
pub type Name = Arc<str>;

/// The first line of a trace: what ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format, [`VERSION`].
    pub simnet_trace: u32,
    /// The lab's folder, `07-paxos`.
    pub lab: String,
    /// The commit of the source, as `COURSE_COMMIT` names it (`cargo course` sets it in a git checkout); left out when it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub commit: String,
    /// The seed of the run.
    pub seed: u64,
    /// The world: `sim`, `checked`, `local`, …
    pub world: String,
    /// The nodes' names; a vector clock lists its entries in this order.
    pub nodes: Vec<Name>,
    /// What the run was, in words.
    pub run: String,
}

/// The commit of the source, as far as it is known.
pub(crate) fn commit() -> String {
    std::env::var("COURSE_COMMIT").unwrap_or_default()
}

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A message left its sender.
    Send,
    /// A message was handed to its reader.
    Deliver,
    /// A message was lost; `why` says through what.
    Drop,
    /// The network made one more copy of a message.
    Duplicate,
    /// A timer fired.
    Timer,
    /// A node started for the first time.
    Start,
    /// A node crashed; `why` says what became of its storage.
    Crash,
    /// A crashed node started again.
    Restart,
    /// A node stopped reacting, but lost nothing.
    Pause,
    /// A paused node went on.
    Resume,
    /// The network split; also one-way cuts and isolated nodes.
    Partition,
    /// Faults of the network ended.
    Heal,
    /// A fault that has no kind of its own; `name` says which.
    Fault,
    /// A volatile write to storage.
    Write,
    /// Everything written before is durable now.
    Sync,
    /// A process told the outside something.
    Output,
    /// An annotation by the process.
    Note,
    /// The state of a node after an event.
    State,
    /// A rule was broken: `why` is the rule in words, `body` what was expected and what was seen.
    Violation,
}

/// One line of a trace after the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, in virtual microseconds since the start of the run.
    pub at: u64,
    /// The place in the trace, from 0.
    pub seq: u64,
    /// What happened.
    pub kind: Kind,
    /// Where: the sender of a send, the reader of a delivery, the node of anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Name>,
    /// The other end: the reader of a send, the sender of a delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<Name>,
    /// The message: its send, its copies, its deliveries and its drops carry one id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// The short name of the message, the timer, the record or the fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The message's fields, the timer, the output, the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
    /// The reason, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The vector clock of `node` after the event (Fidge 1988, Mattern 1989).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Vec<u64>>,
}

/// A whole trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// What ran.
    pub header: Header,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// Why a trace could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be read.
    #[error("could not read the trace: {0}")]
    Io(#[from] io::Error),
    /// There is no header.
    #[error("the trace is empty: expected a first line like {{\"simnet_trace\":{VERSION},\"lab\":…}}")]
    Empty,
    /// A line is not what the format says.
    #[error("line {line} of the trace is malformed: {source}; expected {expected}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// What ought to stand there.
        expected: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Another version wrote it.
    #[error(
        "the trace has format version {found}, this program reads version {VERSION}: record the run again"
    )]
    Version {
        /// The version of the file.
        found: u32,
    },
}

impl Trace {
    /// Writes the trace as JSON Lines.
    ///
    /// # Errors
    /// What the writer answers.
    pub fn write(&self, mut to: impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut to, &self.header)?;
        to.write_all(b"\n")?;
        for event in &self.events {
            serde_json::to_writer(&mut to, event)?;
            to.write_all(b"\n")?;
        }
        to.flush()
    }

    /// Reads a trace that [`Trace::write`] wrote.
    ///
    /// # Errors
    /// When the file cannot be read, is of another version, or has a line that is not of the format.
    pub fn read(from: impl BufRead) -> Result<Self, ReadError> {
        let mut lines = from.lines().enumerate();
        let (_, first) = lines.next().ok_or(ReadError::Empty)?;
        let first = first?;
        let malformed = |line: usize, expected| move |source| ReadError::Malformed { line, expected, source };
        // The version is looked at before the rest, which another version may have changed.
        #[derive(Deserialize)]
        struct Version {
            simnet_trace: u32,
        }
        let Version { simnet_trace } =
            serde_json::from_str(&first).map_err(malformed(1, "a header with \"simnet_trace\""))?;
        if simnet_trace != VERSION {
            return Err(ReadError::Version { found: simnet_trace });
        }
        let header = serde_json::from_str(&first).map_err(malformed(1, "a header"))?;
        let mut events = Vec::new();
        for (index, line) in lines {
            let line = line?;
            if !line.trim().is_empty() {
                events.push(serde_json::from_str(&line).map_err(malformed(index + 1, "an event"))?);
            }
        }
        Ok(Trace { header, events })
    }
}
