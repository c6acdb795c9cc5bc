//! What the two ends of a link say to each other, and what both must know beforehand. Given whole.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What crosses the network.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Message {
    /// A fragment of a message.
    Segment {
        /// Its sequence number, below [`Settings::numbers`].
        number: u32,
        /// Whether it is its message's last.
        last: bool,
        /// The bytes.
        #[serde(with = "super::text")]
        bytes: Vec<u8>,
    },
    /// A segment has come.
    Ack {
        /// Which one.
        of: u32,
        /// The number that the receiver waits for: all before it have come.
        next: u32,
    },
}

impl simnet::Message for Message {
    fn name(&self) -> &'static str {
        match self {
            Message::Segment { .. } => "Segment",
            Message::Ack { .. } => "Ack",
        }
    }
}

/// What an end of a link waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Sender: something is not acknowledged yet.
    Resend,
}

/// What the receiver hands on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Output(#[serde(with = "super::text")] pub Vec<u8>);

/// How a link is set up. Both ends must agree on the first four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// How many sequence numbers there are: from 0 to this, less one.
    pub numbers: u32,
    /// The first segment's.
    pub first: u32,
    /// How many segments may be under way.
    pub window: u32,
    /// How many bytes of a message a segment carries at most.
    pub fragment: usize,
    /// How long the sender waits for an acknowledgement at first.
    pub resend: Duration,
    /// The longest it waits.
    pub longest: Duration,
}
