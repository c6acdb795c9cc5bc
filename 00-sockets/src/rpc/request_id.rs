//! The number of a call, in 16 bits: it comes round.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The number of a client's call. After 65535 comes 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub u16);

impl RequestId {
    /// The number of the next call.
    pub fn next(self) -> Self {
        // solution: begin — Part D: the number after the last
        RequestId(self.0.wrapping_add(1))
        // solution: end
    }

    /// Whether this number was given out after `other` (RFC 1982, serial number arithmetic): fewer than half of all numbers lie between.
    ///
    /// It is right as long as no copy of a call arrives when 32,768 others have been made since.
    pub fn is_newer_than(self, other: RequestId) -> bool {
        // solution: begin — Part D: which of two numbers is newer
        let ahead = self.0.wrapping_sub(other.0);
        ahead != 0 && ahead < 1 << 15
        // solution: end
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
