//! How long to wait after a failure. Pure.

use simnet::Random;
use simnet::random::Purpose;

/// The longest that a server may tell us to wait: five minutes.
pub const LONGEST_ASKED_US: u64 = 300_000_000;

/// Pauses that double, up to a longest one. Each is drawn between its half and its whole: senders that failed together do not come back
/// together.
#[derive(Clone, Debug)]
pub struct Backoff {
    /// The first pause.
    pub first_us: u64,
    /// The longest pause.
    pub most_us: u64,
    random: Random,
}

impl Backoff {
    /// Pauses from `first_us` to `most_us`, drawn by this seed.
    pub fn new(first_us: u64, most_us: u64, seed: u64) -> Self {
        Backoff {
            first_us: first_us.max(1),
            most_us: most_us.max(first_us).max(1),
            random: Random::new(seed, Purpose::Workload),
        }
    }

    /// The pause after so many failures in a row, at least one. What the server asks for, in seconds, is heeded, up to five minutes.
    pub fn pause_us(&mut self, failures: u32, asked_s: Option<u64>) -> u64 {
        // solution: begin — Part E: how long to wait
        let doublings = failures.saturating_sub(1).min(40);
        let whole = self.first_us.saturating_mul(1 << doublings).min(self.most_us);
        let drawn = whole - self.random.between(0..whole / 2 + 1);
        let asked = asked_s.unwrap_or(0).saturating_mul(1_000_000).min(LONGEST_ASKED_US);
        drawn.max(asked)
        // solution: end
    }
}
