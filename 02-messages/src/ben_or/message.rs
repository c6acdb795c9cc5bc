//! Bits, and what processes tell each other of them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What is to be agreed upon: 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Bit {
    /// 0.
    Zero,
    /// 1.
    One,
}

impl From<Bit> for u8 {
    fn from(bit: Bit) -> u8 {
        match bit {
            Bit::Zero => 0,
            Bit::One => 1,
        }
    }
}

impl TryFrom<u8> for Bit {
    type Error = String;

    fn try_from(number: u8) -> Result<Bit, String> {
        match number {
            0 => Ok(Bit::Zero),
            1 => Ok(Bit::One),
            other => Err(format!("read the bit {other}, expected 0 or 1")),
        }
    }
}

impl fmt::Display for Bit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", u8::from(*self))
    }
}

/// The two messages of a round. A process sends one of each to everybody, itself included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Message {
    /// `(R, k, x)`: in round `round` I hold `value` to be right.
    Report {
        /// The round.
        round: u32,
        /// What the sender holds.
        value: Bit,
    },
    /// `(P, k, v)` or `(P, k, ?)`: more than half have reported `value`, or I have seen no such value.
    Proposal {
        /// The round.
        round: u32,
        /// What was reported by more than half.
        value: Option<Bit>,
    },
}

impl simnet::Message for Message {
    fn name(&self) -> &'static str {
        match self {
            Message::Report { .. } => "Report",
            Message::Proposal { .. } => "Proposal",
        }
    }
}

/// What a process tells the outside: it has decided, in this round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Output {
    /// The decision.
    pub value: Bit,
    /// The round in which it was made.
    pub round: u32,
}

/// What a process flips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coin {
    /// 0 or 1, each with probability 1/2.
    #[default]
    Fair,
    /// No coin: always the value that the process began with. The algorithm is deterministic then.
    Stuck,
}
