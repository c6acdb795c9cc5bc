//! The moment of a point is part of its name. Pure but for one atomic number.

use std::sync::atomic::{AtomicI64, Ordering};

/// Moments that are never the same twice.
///
/// A database takes two points of the same measurement and tags with the same time for one, and keeps the later: a fast program that stamps
/// two points within the resolution of its clock loses the first. So each stamp is later than the one before, by a nanosecond if need be.
#[derive(Debug)]
pub struct Stamps {
    last: AtomicI64,
}

impl Default for Stamps {
    fn default() -> Self {
        Stamps { last: AtomicI64::new(i64::MIN) }
    }
}

impl Stamps {
    /// A stamp at `now_ns` if that is later than all given so far, else as soon after them as can be. Any number of threads may ask.
    pub fn next(&self, now_ns: i64) -> i64 {
        // solution: begin — Part B: later than all before
        let after = |last: i64| Some(now_ns.max(last.saturating_add(1)));
        let last = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after);
        now_ns.max(last.unwrap_or(i64::MIN).saturating_add(1))
        // solution: end
    }
}
