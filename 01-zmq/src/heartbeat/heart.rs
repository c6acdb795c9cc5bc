//! The counting: when to beat, when to take the other for gone. Pure; `now` is the time since any fixed moment.

use std::time::Duration;

/// How often, and how patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// A beat at least so often; not 0.
    pub interval: Duration,
    /// So many intervals without a word, and the other is taken for gone; not 0. With 1 any delay is an alarm.
    pub liveness: u32,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Send a beat: nothing else was sent for an interval.
    Beat,
    /// The other side is silent: taken for gone, until it is heard again.
    Lost,
}

/// One side's view of the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heart {
    pace: Pace,
    beat_at: Duration,
    count_at: Duration,
    left: u32,
}

impl Heart {
    /// Begins at `now`, with a beat, and as if the other had just been heard.
    pub fn new(pace: Pace, now: Duration) -> Self {
        Heart { pace, beat_at: now, count_at: now + pace.interval, left: pace.liveness }
    }

    /// Whether the other is taken to be there.
    pub fn is_there(&self) -> bool {
        self.left > 0
    }

    /// Anything came from the other side. Whether it had been taken for gone.
    pub fn heard(&mut self, now: Duration) -> bool {
        // solution: begin — Part D: any word is a sign of life
        let returns = !self.is_there();
        self.left = self.pace.liveness;
        self.count_at = now + self.pace.interval;
        returns
        // solution: end
    }

    /// Anything was sent to the other side: that is as good as a beat.
    pub fn sent(&mut self, now: Duration) {
        self.beat_at = now + self.pace.interval;
    }

    /// When [`Heart::wake`] has something to do next.
    pub fn next_wake(&self) -> Duration {
        if self.is_there() { self.beat_at.min(self.count_at) } else { self.beat_at }
    }

    /// What to do at `now`. One interval is counted at a time, however late it is: who was asleep must hear what came meanwhile before
    /// it may say that nothing came.
    pub fn wake(&mut self, now: Duration) -> Vec<Act> {
        // solution: begin — Part D: count down, and beat
        let mut acts = Vec::new();
        if self.is_there() && self.count_at <= now {
            self.left -= 1;
            self.count_at = now + self.pace.interval;
            if !self.is_there() {
                acts.push(Act::Lost);
            }
        }
        if self.beat_at <= now {
            self.beat_at = now + self.pace.interval;
            acts.push(Act::Beat);
        }
        acts
        // solution: end
    }
}
