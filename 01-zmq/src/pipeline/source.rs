//! The ventilator: waits for its workers, then deals.

use super::barrier::Barrier;
use super::deal::deal;
use super::message::Message;
use super::task::{Cost, Task};
use crate::monitor::ledger::Event;
use futures_util::{Stream, StreamExt};
use std::time::Duration;
use thiserror::Error;
use tokio::time::timeout;
use zeromq::{PushSocket, SocketSend, ZmqError, ZmqMessage};

/// Why a batch was not dealt.
#[derive(Debug, Error)]
pub enum SourceError {
    /// Too few have come.
    #[error("{0} of {1} workers within {2:?}; start more, or ask for fewer with --workers")]
    TooFew(usize, usize, Duration),
    /// The socket does not send.
    #[error("could not send: {0}")]
    Broken(#[from] ZmqError),
}

/// Waits until `needed` workers are there. The stream is that of the monitor of the socket which they connect to.
///
/// # Errors
/// When they are not within `patience`.
pub async fn wait_for_workers(
    events: &mut (impl Stream<Item = (Event, usize)> + Unpin),
    needed: usize,
    patience: Duration,
) -> Result<(), SourceError> {
    let mut barrier = Barrier::new(needed);
    let waiting = async {
        while let Some((event, _)) = events.next().await {
            if barrier.pass(&event) {
                return;
            }
        }
    };
    let _ = timeout(patience, waiting).await;
    if barrier.there() < needed {
        return Err(SourceError::TooFew(barrier.there(), needed, patience));
    }
    Ok(())
}

/// Tells the sink, deals the tasks to the workers, and tells each of these that it was all.
///
/// # Errors
/// When a socket does not send.
pub async fn send_batch(
    to_workers: &mut PushSocket,
    to_sink: &mut PushSocket,
    batch: u64,
    tasks: Vec<Task>,
    workers: u32,
) -> Result<(), SourceError> {
    let cost = Cost::of(&tasks);
    // solution: begin — Part C: send a batch
    let begin = Message::Begin {
        batch,
        tasks: tasks.len() as u32,
        workers,
        total_ms: cost.total_ms,
        longest_ms: cost.longest_ms,
    };
    to_sink.send(ZmqMessage::from(begin.to_string())).await?;
    for Task { id, ms } in deal(tasks, workers) {
        to_workers.send(ZmqMessage::from(Message::Task { batch, id, ms }.to_string())).await?;
    }
    // Dealt round like all else: one to each.
    for _ in 0..workers {
        to_workers.send(ZmqMessage::from(Message::End { batch }.to_string())).await?;
    }
    // solution: end
    Ok(())
}
