//! Seconds, milliseconds, microseconds, nanoseconds. Pure.

use super::{LineError, TIMES_NS};
use std::fmt;
use std::str::FromStr;

/// What a time of a line counts. It does not stand in the line: the request, or whoever reads the file, must say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// `s`
    Seconds,
    /// `ms`
    Milliseconds,
    /// `us`
    Microseconds,
    /// `ns`, as everywhere where nothing is said
    #[default]
    Nanoseconds,
}

impl Precision {
    /// Nanoseconds of one.
    pub fn ns(self) -> i64 {
        match self {
            Precision::Seconds => 1_000_000_000,
            Precision::Milliseconds => 1_000_000,
            Precision::Microseconds => 1_000,
            Precision::Nanoseconds => 1,
        }
    }

    /// A moment in this precision. What is finer is cut off towards the past, so that order is kept.
    ///
    /// # Errors
    /// When the database has no such moment.
    pub fn from_ns(self, time_ns: i64) -> Result<i64, LineError> {
        // solution: begin — Part A: a time in a precision
        if !TIMES_NS.contains(&time_ns) {
            return Err(LineError::Time(time_ns.to_string(), Precision::Nanoseconds));
        }
        Ok(time_ns.div_euclid(self.ns()))
        // solution: end
    }

    /// The moment that a number of this precision means, in nanoseconds.
    ///
    /// # Errors
    /// When the database has no such moment.
    pub fn to_ns(self, time: i64) -> Result<i64, LineError> {
        // solution: begin — Part A: the moment that a time means
        let time_ns = time.checked_mul(self.ns()).filter(|time_ns| TIMES_NS.contains(time_ns));
        time_ns.ok_or_else(|| LineError::Time(time.to_string(), self))
        // solution: end
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Precision::Seconds => "s",
            Precision::Milliseconds => "ms",
            Precision::Microseconds => "us",
            Precision::Nanoseconds => "ns",
        })
    }
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "s" => Ok(Precision::Seconds),
            "ms" => Ok(Precision::Milliseconds),
            "us" => Ok(Precision::Microseconds),
            "ns" => Ok(Precision::Nanoseconds),
            _ => Err(format!("read the precision `{text}`, expected one of: s, ms, us, ns")),
        }
    }
}
