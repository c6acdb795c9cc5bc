//! Results on their way in: which are missing, who has done how many, how long it took.
//!
//! Messages from different peers come in any order: a result may overtake the beginning of its batch, which another has sent.

use super::message::Message;
use super::task::{Cost, SpeedUp};
use std::collections::BTreeMap;

/// The most tasks that a batch may have: whoever can reach the sink can announce any number.
pub const MOST_TASKS: u32 = 1_000_000;

/// What a message to the sink came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The batch has begun.
    Begun,
    /// A result, the first for its task.
    Result,
    /// Passed over: of another batch, of a task that is done already, of one that there is not, or of more tasks than there may be.
    PassedOver,
    /// Nothing is missing any more.
    Complete,
}

/// What a batch came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// From the first message of the batch to its last result, in microseconds.
    pub elapsed_us: u64,
    /// What it would have cost one worker.
    pub cost: Cost,
    /// How many times as fast it was.
    pub speed_up: SpeedUp,
    /// How many times as fast it could have been.
    pub best: SpeedUp,
    /// How many tasks each worker has done.
    pub by_worker: BTreeMap<String, u32>,
}

/// What the source has said of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Announced {
    tasks: u32,
    workers: u32,
    cost: Cost,
}

/// One batch, as the sink sees it. It is the batch of the first message that comes.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    number: Option<u64>,
    announced: Option<Announced>,
    first_us: u64,
    last_us: u64,
    done: BTreeMap<u32, String>,
}

impl Batch {
    /// A message has come, at this time in microseconds.
    pub fn take(&mut self, message: &Message, now_us: u64) -> Step {
        let batch = match message {
            Message::Begin { batch, tasks, .. } if *tasks <= MOST_TASKS => *batch,
            Message::Done { batch, id, .. } if *id < MOST_TASKS => *batch,
            _ => return Step::PassedOver,
        };
        if self.number.is_none() {
            self.number = Some(batch);
            self.first_us = now_us;
        }
        if self.number != Some(batch) {
            return Step::PassedOver;
        }
        let step = match message {
            Message::Begin { tasks, workers, total_ms, longest_ms, .. } if self.announced.is_none() => {
                let cost = Cost { total_ms: *total_ms, longest_ms: *longest_ms };
                self.announced = Some(Announced { tasks: *tasks, workers: *workers, cost });
                // What came before, for tasks that there are not.
                self.done.split_off(tasks);
                Step::Begun
            }
            Message::Done { id, worker, .. } => self.result(*id, worker, now_us),
            _ => Step::PassedOver,
        };
        if step != Step::PassedOver && self.is_complete() { Step::Complete } else { step }
    }

    /// A result for the task `id`: each task counts once, whoever does it again.
    fn result(&mut self, id: u32, worker: &str, now_us: u64) -> Step {
        // solution: begin — Part C: take a result
        let is_known = self.announced.is_none_or(|announced| id < announced.tasks);
        if !is_known || self.done.contains_key(&id) {
            return Step::PassedOver;
        }
        self.done.insert(id, worker.to_string());
        self.last_us = now_us;
        Step::Result
        // solution: end
    }

    /// Whether nothing is missing. Before the source has said how many tasks there are, nobody knows.
    pub fn is_complete(&self) -> bool {
        // solution: begin — Part C: nothing is missing
        // Each result is of a task that there is, and of another one. To look for those that miss would take as long as there are tasks.
        self.announced.is_some_and(|announced| self.done.len() == announced.tasks as usize)
        // solution: end
    }

    /// The tasks without a result, as far as it is known which there are.
    pub fn missing(&self) -> impl Iterator<Item = u32> {
        let tasks = self.announced.map_or(0, |announced| announced.tasks);
        (0..tasks).filter(|id| !self.done.contains_key(id))
    }

    /// How many tasks have a result.
    pub fn done(&self) -> usize {
        self.done.len()
    }

    /// What it came to. None before it is complete.
    pub fn report(&self) -> Option<Report> {
        let announced = self.announced.filter(|_| self.is_complete())?;
        let mut by_worker: BTreeMap<String, u32> = BTreeMap::new();
        for worker in self.done.values() {
            *by_worker.entry(worker.clone()).or_default() += 1;
        }
        let elapsed_us = self.last_us.saturating_sub(self.first_us);
        Some(Report {
            elapsed_us,
            cost: announced.cost,
            speed_up: announced.cost.speed_up(elapsed_us),
            best: announced.cost.best(announced.workers),
            by_worker,
        })
    }
}
