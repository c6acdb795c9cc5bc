//! What goes over the wire: one part of text, words with a space between. Each names its batch, so that what is left of an
//! earlier one is told apart.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The longest name of a worker, in bytes: the sink keeps one for each result.
pub const LONGEST_NAME: usize = 64;

/// A message of the pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// From the source to the sink, before the first task.
    Begin {
        /// Which batch.
        batch: u64,
        /// How many tasks it has.
        tasks: u32,
        /// How many workers it was dealt to.
        workers: u32,
        /// How long it takes one worker, in milliseconds.
        total_ms: u64,
        /// How long its longest task takes.
        longest_ms: u32,
    },
    /// From the source to a worker.
    Task {
        /// Which batch.
        batch: u64,
        /// Which task.
        id: u32,
        /// How long it takes, in milliseconds.
        ms: u32,
    },
    /// From the source to each worker, after the last task.
    End {
        /// Which batch.
        batch: u64,
    },
    /// From a worker to the sink.
    Done {
        /// Which batch.
        batch: u64,
        /// Which task.
        id: u32,
        /// Who has done it.
        worker: String,
    },
}

/// Why text is no message of the pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "read the message `{}`, expected begin, task, end or done with their numbers",
    self.0.chars().take(80).collect::<String>().escape_debug()
)]
pub struct NoMessage(pub String);

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Begin { batch, tasks, workers, total_ms, longest_ms } => {
                write!(f, "begin {batch} {tasks} {workers} {total_ms} {longest_ms}")
            }
            Message::Task { batch, id, ms } => write!(f, "task {batch} {id} {ms}"),
            Message::End { batch } => write!(f, "end {batch}"),
            Message::Done { batch, id, worker } => write!(f, "done {batch} {id} {worker}"),
        }
    }
}

impl FromStr for Message {
    type Err = NoMessage;

    fn from_str(text: &str) -> Result<Self, NoMessage> {
        let none = || NoMessage(text.to_string());
        fn number<T: FromStr>(text: &str) -> Option<T> {
            text.parse().ok()
        }
        let words: Vec<&str> = text.split(' ').collect();
        let read = || {
            Some(match words[..] {
                ["begin", batch, tasks, workers, total, longest] => Message::Begin {
                    batch: number(batch)?,
                    tasks: number(tasks)?,
                    workers: number(workers)?,
                    total_ms: number(total)?,
                    longest_ms: number(longest)?,
                },
                ["task", batch, id, ms] => {
                    Message::Task { batch: number(batch)?, id: number(id)?, ms: number(ms)? }
                }
                ["end", batch] => Message::End { batch: number(batch)? },
                ["done", batch, id, worker] if (1..=LONGEST_NAME).contains(&worker.len()) => {
                    Message::Done { batch: number(batch)?, id: number(id)?, worker: worker.to_string() }
                }
                _ => return None,
            })
        };
        read().ok_or_else(none)
    }
}
