//! Who has joined. Pure.

use std::collections::BTreeSet;

/// What the topic of a subscriber's own begins with. No topic of the application may.
pub const JOIN: &str = "join/";

/// Whether a message is a welcome, not one of the application's. A subscriber to everything sees those of others.
pub fn is_welcome(topic: &[u8]) -> bool {
    topic.starts_with(JOIN.as_bytes())
}

/// The publisher's list of those that have joined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gate {
    joined: BTreeSet<Vec<u8>>,
}

impl Gate {
    /// A frame has come from a subscriber: `01` and a topic for a subscription, `00` and a topic for its end. When it is the last of a
    /// subscriber that joins: the topic to welcome it on.
    pub fn hear(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        // solution: begin — Part E: see who has joined
        let (1, topic) = frame.split_first().map(|(kind, topic)| (*kind, topic))? else { return None };
        if !is_welcome(topic) {
            return None;
        }
        self.joined.insert(topic.to_vec());
        Some(topic.to_vec())
        // solution: end
    }

    /// How many have joined, whether they are still there or not.
    pub fn joined(&self) -> usize {
        self.joined.len()
    }
}
