//! The system's clock. A shell.

#![allow(clippy::disallowed_types, reason = "a shell: this is where the clock is read")]

use std::time::{SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970 (UTC), as the system's clock has them. It may be wrong, and it may jump when somebody sets it.
///
/// All programs of one machine read the same clock.
pub fn now_ns() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
    }
}
