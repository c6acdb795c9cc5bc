//! Times as the schema has them: seconds since 1970 as a float, there and back. Pure.
//!
//! A float of 64 bits has 53 that count. So far after 1970 the next float is 238 ns away: that is how exact a stamp is.

#![allow(clippy::float_arithmetic, reason = "the schema has a time as a float; no run depends on it")]

/// How many nanoseconds a second has.
const SECOND: u64 = 1_000_000_000;

/// The stamp of a time in nanoseconds since 1970.
pub fn stamp(nanoseconds: u64) -> f64 {
    // Whole seconds are exact; the rest is rounded once.
    (nanoseconds / SECOND) as f64 + (nanoseconds % SECOND) as f64 / SECOND as f64
}

/// The time of a stamp in nanoseconds since 1970; `None` when it is none: a stranger may have sent NaN, an infinity, a time before 1970 or one
/// that 64 bits do not hold.
pub fn nanoseconds(stamp: f64) -> Option<u64> {
    // solution: begin — Part C: a stamp may be no time
    if !(stamp >= 0.0 && stamp < (u64::MAX / SECOND) as f64) {
        return None;
    }
    let seconds = stamp.trunc();
    Some(seconds as u64 * SECOND + ((stamp - seconds) * SECOND as f64).round() as u64)
    // solution: end
}
