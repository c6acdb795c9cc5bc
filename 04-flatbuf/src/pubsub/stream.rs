//! Which samples have come, which are missing, and when it is over. Pure.

use crate::sample::END;

/// What a subscriber has heard of one publisher. Samples are numbered from 0; the end has the number of samples plus one, as in the original.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// The number that is expected next.
    next: u64,
    /// How many samples have come.
    pub received: u64,
    /// How many have not come, and will not: ZeroMQ keeps the order.
    pub missed: u64,
    /// How many had a number that was not expected any more: from a publisher that has started again, say.
    pub again: u64,
    /// How many frames were no samples.
    pub refused: u64,
    /// Whether the end has come.
    pub ended: bool,
}

/// What a sample is to its subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A sample, and how many are missing between the one before and this.
    Sample {
        /// How many are missing.
        missed: u64,
    },
    /// One whose number is not expected any more.
    Again,
    /// The end, and how many are missing before it.
    End {
        /// How many are missing.
        missed: u64,
    },
}

impl Stream {
    /// A sample has come, or the end: both say so by name and number.
    pub fn hear(&mut self, seq_no: u32, name: &str) -> Heard {
        let seq_no = u64::from(seq_no);
        // solution: begin — Part D: what is missing, and when is it over?
        if name == END {
            // The end of n samples has the number n + 1; theirs are 0 to n - 1.
            let missed = seq_no.saturating_sub(1).saturating_sub(self.next);
            self.missed += missed;
            self.ended = true;
            return Heard::End { missed };
        }
        if seq_no < self.next {
            self.again += 1;
            return Heard::Again;
        }
        let missed = seq_no - self.next;
        self.missed += missed;
        self.received += 1;
        self.next = seq_no + 1;
        Heard::Sample { missed }
        // solution: end
    }
}
