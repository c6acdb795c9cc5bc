//! How many requests are on their way behind a tier. Pure.

use std::collections::VecDeque;
use std::time::Duration;

/// Requests that went to a next tier and have no reply yet. Which reply belongs to which request does not matter for their number.
#[derive(Debug, Clone)]
pub struct InFlight {
    /// For each next tier when its requests went there, the oldest first.
    since: Vec<VecDeque<Duration>>,
    given_up_after: Duration,
}

impl InFlight {
    /// None yet, behind so many next tiers. A request without a reply counts no more after `given_up_after`: nobody promises a reply.
    pub fn new(next: usize, given_up_after: Duration) -> Self {
        InFlight { since: vec![VecDeque::new(); next], given_up_after }
    }

    /// How many there are at this time.
    pub fn count(&mut self, now: Duration) -> usize {
        for since in &mut self.since {
            while since.front().is_some_and(|since| *since + self.given_up_after <= now) {
                since.pop_front();
            }
        }
        self.since.iter().map(VecDeque::len).sum()
    }

    /// When the oldest of them is given up.
    pub fn next_given_up(&self) -> Option<Duration> {
        self.since.iter().filter_map(|since| since.front()).min().map(|since| *since + self.given_up_after)
    }

    /// A request goes to the next tier of this number.
    pub fn sent(&mut self, to: usize, now: Duration) {
        self.since[to].push_back(now);
    }

    /// A reply has come from there, or the request has come back.
    pub fn ended(&mut self, to: usize) {
        self.since[to].pop_front();
    }

    /// The next tier of this number has gone, and what it had not answered with it.
    pub fn lost(&mut self, to: usize) {
        self.since[to].clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_until_it_is_answered_given_up_or_lost() {
        let at = Duration::from_secs;
        let mut flight = InFlight::new(2, at(10));
        flight.sent(0, at(1));
        flight.sent(0, at(2));
        flight.sent(1, at(3));
        assert_eq!((flight.count(at(3)), flight.next_given_up()), (3, Some(at(11))));
        flight.ended(0);
        assert_eq!((flight.count(at(11)), flight.next_given_up()), (2, Some(at(12))));
        assert_eq!(flight.count(at(12)), 1, "given up");
        flight.lost(1);
        assert_eq!((flight.count(at(12)), flight.next_given_up()), (0, None));
        // A reply that nobody has asked for is nobody's.
        flight.ended(1);
        assert_eq!(flight.count(at(12)), 0);
    }
}
