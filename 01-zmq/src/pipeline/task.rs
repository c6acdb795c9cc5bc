//! Tasks from a seed, what they cost, and how fast that can go.

use simnet::Random;
use simnet::random::Purpose;
use std::fmt;

/// Something to do: it takes so long, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its number in the batch, from 0.
    pub id: u32,
    /// How long it takes, in milliseconds.
    pub ms: u32,
}

/// So many tasks, each of 1 to `longest_ms` milliseconds, each length as likely. The same seed, the same tasks.
pub fn tasks(seed: u64, count: u32, longest_ms: u32) -> Vec<Task> {
    let mut random = Random::new(seed, Purpose::Workload);
    let length = |random: &mut Random| random.between(1..u64::from(longest_ms.max(1)) + 1) as u32;
    (0..count).map(|id| Task { id, ms: length(&mut random) }).collect()
}

/// What a batch costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// How long it takes one worker, in milliseconds.
    pub total_ms: u64,
    /// How long its longest task takes.
    pub longest_ms: u32,
}

impl Cost {
    /// The cost of these tasks.
    pub fn of(tasks: &[Task]) -> Self {
        Cost {
            total_ms: tasks.iter().map(|task| u64::from(task.ms)).sum(),
            longest_ms: tasks.iter().map(|task| task.ms).max().unwrap_or(0),
        }
    }

    /// The best that so many workers can do: each works all the time, or one works on the longest task all the time.
    pub fn best(self, workers: u32) -> SpeedUp {
        // solution: begin — Part C: the best speed-up
        let by_workers = SpeedUp { hundredths: u64::from(workers) * 100 };
        match self.longest_ms {
            0 => by_workers,
            longest => {
                by_workers.min(SpeedUp { hundredths: self.total_ms.saturating_mul(100) / u64::from(longest) })
            }
        }
        // solution: end
    }

    /// What was done, when it took so long. The cost may come from a stranger, so it may be any number.
    pub fn speed_up(self, elapsed_us: u64) -> SpeedUp {
        SpeedUp { hundredths: self.total_ms.saturating_mul(100_000) / elapsed_us.max(1) }
    }
}

/// How many times faster than one worker, in hundredths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpeedUp {
    /// 250 is two and a half times as fast.
    pub hundredths: u64,
}

impl fmt::Display for SpeedUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.hundredths / 100, self.hundredths % 100)
    }
}
