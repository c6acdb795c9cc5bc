//! Collects the results of one batch.

use super::batch::{Batch, Report, Step};
use super::worker::read;
use simnet::report::wall_clock;
use std::time::Duration;
use thiserror::Error;
use tokio::time::timeout;
use zeromq::{PullSocket, SocketRecv};

/// Why a batch is not complete.
#[derive(Debug, Error)]
pub enum SinkError {
    /// Nothing has come at all.
    #[error("nothing came within {0:?}; are the source and the workers running?")]
    Nothing(Duration),
    /// Results are missing.
    #[error("no more results within {patience:?}: {done} came, missing {missing}; has a worker died?")]
    Missing {
        /// How long it waited for the next one.
        patience: Duration,
        /// How many results came.
        done: usize,
        /// Which did not.
        missing: String,
    },
}

/// Collects a batch. Each message is waited for no longer than `patience`. What comes is told step by step; what is passed over, with why.
///
/// # Errors
/// When nothing comes for so long.
pub async fn collect(
    socket: &mut PullSocket,
    patience: Duration,
    mut told: impl FnMut(&Step),
    mut odd: impl FnMut(String),
) -> Result<Report, SinkError> {
    let mut batch = Batch::default();
    loop {
        let Ok(received) = timeout(patience, socket.recv()).await else {
            return Err(too_few(&batch, patience));
        };
        match read(received) {
            Ok(message) => {
                let now = u64::try_from(wall_clock().as_micros()).unwrap_or(u64::MAX);
                let step = batch.take(&message, now);
                if step == Step::PassedOver {
                    odd(format!("read `{message}`, expected a result that is missing"));
                }
                told(&step);
            }
            Err(why) => odd(why),
        }
        if let Some(report) = batch.report() {
            return Ok(report);
        }
    }
}

fn too_few(batch: &Batch, patience: Duration) -> SinkError {
    match (batch.done(), batch.missing().count()) {
        (0, 0) => SinkError::Nothing(patience),
        (done, 0) => SinkError::Missing { patience, done, missing: "the beginning of the batch".to_string() },
        (done, count) => {
            let some: Vec<String> = batch.missing().take(10).map(|id| id.to_string()).collect();
            let more = if count > 10 { format!(" and {} more", count - 10) } else { String::new() };
            SinkError::Missing { patience, done, missing: format!("{}{more}", some.join(" ")) }
        }
    }
}
