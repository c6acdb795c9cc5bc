//! Measures, and publishes. A PUB sends to whoever has subscribed by then, and does not say whether anybody has.

use super::reading::Reading;
use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::sleep;
use zeromq::{PubSocket, SocketSend, ZmqError, ZmqMessage};

/// Publishes the readings, with this pause after each. Returns how many there were.
///
/// # Errors
/// When the socket does not send.
pub async fn publish(
    socket: &mut PubSocket,
    readings: impl Iterator<Item = Reading>,
    every: Duration,
) -> Result<u64, ZmqError> {
    let mut published = 0;
    for reading in readings {
        socket.send(ZmqMessage::from(reading.to_string())).await?;
        published += 1;
        // What is sent goes through a queue, which is emptied only by a task that gets its turn.
        if every.is_zero() { yield_now().await } else { sleep(every).await }
    }
    Ok(published)
}
