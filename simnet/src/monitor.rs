//! Monitors: rules over a whole run, checked at every event from outside the nodes.

use crate::node::NodeId;
use crate::process::Process;
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A rule that a run has broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The rule, in words, as the lab's handout states it.
    pub rule: String,
    /// What the rule asks for here. It may have several lines.
    pub expected: String,
    /// What was seen. It may have several lines.
    pub got: String,
}

impl Violation {
    /// A broken rule, with what it asks for here and what was seen.
    pub fn new(rule: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Violation { rule: rule.into(), expected: expected.into(), got: got.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever reads a failure takes what is indented for a part of it.
        let deeper = |text: &str| text.trim_end().replace('\n', "\n    ");
        write!(f, "rule broken: {}\n  expected: {}", deeper(&self.rule), deeper(&self.expected))?;
        write!(f, "\n  got: {}", deeper(&self.got))
    }
}

/// What was found of a rule that is judged at the end of a run, by a search that may be too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It holds.
    Held,
    /// It is broken.
    Broken(Violation),
    /// Neither is known: the search gave up. The rule, and how far the search came.
    Unknown(String),
}

/// Something that has just happened in a run.
pub enum Happening<'a, P: Process> {
    /// A message has left its sender: whatever it says is now a promise to others.
    Sent {
        /// The sender.
        from: NodeId,
        /// The reader.
        to: NodeId,
        /// The message.
        message: &'a P::Message,
    },
    /// A message is about to be handed to its reader.
    Delivered {
        /// The sender.
        from: NodeId,
        /// The reader.
        to: NodeId,
        /// The message.
        message: &'a P::Message,
    },
    /// A process told the outside something.
    Output {
        /// The process' node.
        node: NodeId,
        /// What it told.
        output: &'a P::Output,
    },
    /// A node has handled an event; its state may be another.
    Handled {
        /// The node.
        node: NodeId,
    },
    /// A node has crashed.
    Crashed {
        /// The node.
        node: NodeId,
    },
    /// A node has restarted, and handled its start.
    Restarted {
        /// The node.
        node: NodeId,
    },
}

/// The running processes.
pub trait Nodes<P> {
    /// The process on `node`; `None` while the node is down, or for an outsider.
    fn process(&self, node: NodeId) -> Option<&P>;
    /// The name of `node`.
    fn name(&self, node: NodeId) -> &str;
    /// How many nodes there are.
    fn count(&self) -> usize;
}

/// A rule, checked at each event of a run. It may keep what it has seen.
pub trait Monitor<P: Process> {
    /// Looks at what has happened, and raises marks for the situations that it recognises.
    ///
    /// # Errors
    /// When the rule is broken; the run ends there.
    fn check(
        &mut self,
        at: Time,
        happening: &Happening<'_, P>,
        nodes: &dyn Nodes<P>,
        marks: &mut Marks,
    ) -> Result<(), Violation>;
}

/// Situations that a run has reached, by name, and how often. A test that claims a situation asks for its mark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(BTreeMap<&'static str, u64>);

impl Marks {
    /// The run is in this situation.
    pub fn reach(&mut self, situation: &'static str) {
        *self.0.entry(situation).or_default() += 1;
    }

    /// How often the run was in this situation.
    pub fn count(&self, situation: &str) -> u64 {
        self.0.get(situation).copied().unwrap_or(0)
    }

    /// All situations reached.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(name, count)| (*name, *count))
    }

    /// Adds what another run has reached.
    pub fn add(&mut self, other: &Marks) {
        for (name, count) in other.iter() {
            *self.0.entry(name).or_default() += count;
        }
    }
}
