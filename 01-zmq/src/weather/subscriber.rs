//! The subscriber: asks for a prefix, and averages what comes.

use super::average::Average;
use super::report::{NoReport, Report};
use std::time::Duration;
use thiserror::Error;
use tokio::time::timeout;
use zeromq::{SocketRecv, SubSocket, ZmqError, ZmqMessage};

/// Why there is no average.
#[derive(Debug, Error)]
pub enum WeatherError {
    /// Nothing came in time.
    #[error("no report that begins with `{0}` within {1:?}, after {2}; does the publisher publish any?")]
    Silent(String, Duration, u32),
    /// What came is no report.
    #[error(transparent)]
    NoReport(#[from] NoReport),
    /// The connection broke.
    #[error("could not receive: {0}")]
    Broken(#[from] ZmqError),
}

/// Subscribes to the reports whose zip begins with `prefix`, and averages the temperatures of the first `samples`. No report is waited
/// for longer than `patience`. In the end the subscription is taken back.
///
/// # Errors
/// When a report does not come in time, or is none.
pub async fn average(
    socket: &mut SubSocket,
    prefix: &str,
    samples: u32,
    patience: Duration,
) -> Result<Average, WeatherError> {
    let mut average = Average::default();
    // solution: begin — Part A: average the reports of a prefix
    socket.subscribe(prefix).await?;
    while average.count() < samples {
        let silent = |_| WeatherError::Silent(prefix.to_string(), patience, average.count());
        let message = timeout(patience, socket.recv()).await.map_err(silent)??;
        average.add(read(&message)?.temperature);
    }
    socket.unsubscribe(prefix).await?;
    // solution: end
    Ok(average)
}

/// The report in a message.
///
/// # Errors
/// When there is none.
pub fn read(message: &ZmqMessage) -> Result<Report, NoReport> {
    match (message.get(0), message.len()) {
        (Some(text), 1) => String::from_utf8_lossy(text).parse(),
        (_, parts) => Err(NoReport(format!("of {parts} parts"))),
    }
}
