//! What is sent when, and again: a machine that is told the time and what happened, and says what to do next. Pure.
//!
//! Lines stand in the spool, one after the other; a place in it is a number of bytes since the beginning. Three places tell everything:
//!
//! ```text
//!   ├───────────────┼───────────────────┼──────────────────────┤
//!                settled              sent                    end
//!     forgotten        acknowledged            not yet sent
//! ```
//!
//! - `end`: up to here there are lines.
//! - `sent`: up to here the server has acknowledged them.
//! - `settled`: up to here it has done so long ago. Some servers acknowledge before the lines are on their disk, and lose the last second when
//!   they are killed. So when a server was away, or may have been, everything after `settled` is sent again. For a database the same point
//!   twice is one point.

use super::backoff::Backoff;
use super::verdict::Verdict;
use std::collections::VecDeque;

/// The bounds of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most lines of a batch.
    pub most_lines: usize,
    /// How long an acknowledged line is kept.
    pub settle_us: u64,
    /// The pause after the first failure.
    pub first_pause_us: u64,
    /// The longest pause of our own.
    pub most_pause_us: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { most_lines: 5000, settle_us: 2_000_000, first_pause_us: 100_000, most_pause_us: 30_000_000 }
    }
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send at most so many lines from this place on.
    Send {
        /// Where the first one begins.
        from: u64,
        /// How many, at most.
        most_lines: usize,
    },
    /// Nothing before this moment.
    Wait {
        /// When.
        until_us: u64,
    },
    /// Nothing until there is more.
    Idle,
}

/// A batch that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Where it begins.
    pub from: u64,
    /// Where it ends.
    pub to: u64,
    /// How many lines it has.
    pub lines: usize,
}

/// What an answer has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The batch is where it was to go.
    Acknowledged,
    /// Its only line is to be put aside: the server will never take it.
    PutAside,
    /// Its lines, or some of them, are sent again.
    Again,
}

/// The delivery of a spool.
#[derive(Clone, Debug)]
pub struct Delivery {
    bounds: Bounds,
    backoff: Backoff,
    end: u64,
    sent: u64,
    settled: u64,
    /// When was what acknowledged.
    acknowledged: VecDeque<(u64, u64)>,
    /// How many lines a batch may have now.
    lines: usize,
    /// How many lines the server takes at once, as far as is known.
    ceiling: usize,
    /// Up to here lines are being sent, or were sent, a second time, since a connection ended.
    repeated: u64,
    failures: u32,
    /// How many lines in a row were put aside.
    aside_in_a_row: u32,
    not_before_us: u64,
    refused: bool,
}

impl Delivery {
    /// Of the lines from `settled` to `end`; nothing of it has been sent yet.
    pub fn new(bounds: Bounds, settled: u64, end: u64, seed: u64) -> Self {
        assert!(settled <= end, "what is settled is there: {settled}, {end}");
        let most = bounds.most_lines.max(1);
        Delivery {
            bounds,
            backoff: Backoff::new(bounds.first_pause_us, bounds.most_pause_us, seed),
            end,
            sent: settled,
            settled,
            acknowledged: VecDeque::new(),
            lines: most,
            ceiling: most,
            repeated: settled,
            failures: 0,
            aside_in_a_row: 0,
            not_before_us: 0,
            refused: false,
        }
    }

    /// There are lines up to here.
    pub fn grown(&mut self, end: u64) {
        assert!(end >= self.end, "a spool grows");
        self.end = end;
    }

    /// What to do now.
    pub fn next(&self, now_us: u64) -> Step {
        // solution: begin — Part E: what to do next
        if self.sent == self.end {
            return Step::Idle;
        }
        if now_us < self.not_before_us {
            return Step::Wait { until_us: self.not_before_us };
        }
        Step::Send { from: self.sent, most_lines: self.lines }
        // solution: end
    }

    /// The batch that was sent last got this answer.
    pub fn answered(&mut self, now_us: u64, batch: Batch, verdict: Verdict) -> Answered {
        assert!(
            batch.from == self.sent && batch.lines > 0 && batch.to <= self.end,
            "{batch:?} was to be sent: {self:?}"
        );
        self.refused = verdict == Verdict::Refused;
        // solution: begin — Part E: what an answer changes
        match verdict {
            Verdict::Taken => {
                self.taken(now_us, batch.to);
                Answered::Acknowledged
            }
            Verdict::Malformed | Verdict::TooLarge if batch.lines == 1 => {
                self.put_aside(now_us, batch.to);
                Answered::PutAside
            }
            Verdict::Malformed | Verdict::TooLarge => {
                self.lines = (batch.lines / 2).max(1);
                if verdict == Verdict::TooLarge {
                    self.ceiling = self.lines;
                }
                Answered::Again
            }
            Verdict::Later(asked_s) => self.failed(now_us, asked_s),
            Verdict::Away => {
                self.rewind(self.settled);
                self.failed(now_us, None)
            }
            Verdict::Refused => {
                self.failures = self.failures.saturating_add(1);
                self.not_before_us = now_us.saturating_add(self.bounds.most_pause_us);
                Answered::Again
            }
        }
        // solution: end
    }

    /// The connection has ended while nothing was under way on it. Perhaps the server only tidies up, perhaps it was killed: nobody can tell.
    ///
    /// So what it acknowledged is sent once more, and only once for this reason: a server that ends the connection after each answer is to be got
    /// past.
    pub fn broke(&mut self, now_us: u64) {
        let certain = self.settled.max(self.repeated);
        if self.sent > certain {
            self.repeated = self.sent;
            self.rewind(certain);
            self.failed(now_us, None);
        }
    }

    /// Nobody knows what the server still has of the lines after `to`, all of them acknowledged shortly before.
    fn rewind(&mut self, to: u64) {
        assert!(
            (self.settled..=self.sent).contains(&to),
            "what is settled is not sent again: {to}, {self:?}"
        );
        // solution: begin — Part E: what may be lost with the server
        // It may have lost what it had not written yet.
        self.acknowledged.retain(|(_, end)| *end <= to);
        self.sent = to;
        // solution: end
    }

    /// The server has dealt with everything up to `to`.
    fn passed(&mut self, now_us: u64, to: u64) {
        self.sent = to;
        self.acknowledged.push_back((now_us, to));
        (self.failures, self.not_before_us) = (0, 0);
    }

    /// The server has taken everything up to `to`: the next batch may be larger.
    fn taken(&mut self, now_us: u64, to: u64) {
        self.passed(now_us, to);
        self.lines = self.lines.saturating_mul(2).min(self.ceiling);
        self.aside_in_a_row = 0;
    }

    /// The line before `to` is put aside. Bad lines come in runs: the next one goes alone too, and in a run there is a pause before each.
    fn put_aside(&mut self, now_us: u64, to: u64) {
        self.passed(now_us, to);
        if self.aside_in_a_row > 0 {
            self.not_before_us = now_us.saturating_add(self.backoff.pause_us(1, None));
        }
        self.aside_in_a_row = self.aside_in_a_row.saturating_add(1);
    }

    fn failed(&mut self, now_us: u64, asked_s: Option<u64>) -> Answered {
        self.failures = self.failures.saturating_add(1);
        self.not_before_us = now_us.saturating_add(self.backoff.pause_us(self.failures, asked_s));
        Answered::Again
    }

    /// Up to where lines need not be kept any more.
    pub fn settle(&mut self, now_us: u64) -> u64 {
        // solution: begin — Part E: what need not be kept
        while let Some((at_us, to)) = self.acknowledged.front().copied() {
            if at_us.saturating_add(self.bounds.settle_us) > now_us {
                break;
            }
            self.settled = to;
            self.acknowledged.pop_front();
        }
        self.settled
        // solution: end
    }

    /// When the next line will need to be kept no longer.
    pub fn settles_at_us(&self) -> Option<u64> {
        self.acknowledged.front().map(|(at_us, _)| at_us.saturating_add(self.bounds.settle_us))
    }

    /// Up to where the server has acknowledged.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Whether nothing needs to be kept any more.
    pub fn is_settled(&self) -> bool {
        self.settled == self.end
    }

    /// Whether everything has been acknowledged.
    pub fn is_done(&self) -> bool {
        self.sent == self.end
    }

    /// How often in a row it went wrong.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether the last answer was that the server wants nothing from us.
    pub fn is_refused(&self) -> bool {
        self.refused
    }
}
