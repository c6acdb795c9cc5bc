//! The publisher: sends reports, and hears who wants which.

use super::report::Report;
use super::subscription::Subscription;
use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::sleep;
use zeromq::{SocketRecv, SocketSend, XPubSocket, ZmqError, ZmqMessage};

/// How a publisher goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The pause after each report; none is as fast as possible.
    pub every: Duration,
    /// How many subscriptions it waits for before the first report.
    pub subscribers: usize,
}

/// What a publisher hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A subscription, or its end.
    Subscription(Subscription),
    /// Something that is none. The publisher goes on.
    Malformed(String),
    /// A connection broke, perhaps over bytes that are no ZeroMQ. The publisher goes on.
    Broken(String),
}

/// Publishes the reports. Subscriptions are taken in all the while: an XPUB heeds one only once it has been received.
/// Returns how many reports there were.
///
/// # Errors
/// When the socket does not send.
pub async fn publish(
    socket: &mut XPubSocket,
    reports: impl Iterator<Item = Report>,
    pace: Pace,
    mut told: impl FnMut(Heard),
) -> Result<u64, ZmqError> {
    let (mut subscriptions, mut published) = (0, 0);
    let mut reports = reports.fuse();
    loop {
        // solution: begin — Part A: publish, and hear subscriptions
        tokio::select! {
            biased;
            message = socket.recv() => {
                let heard = hear(message);
                subscriptions += usize::from(matches!(heard, Heard::Subscription(Subscription::Begin(_))));
                told(heard);
            }
            () = pause(pace.every), if subscriptions >= pace.subscribers => {
                let Some(report) = reports.next() else { return Ok(published) };
                socket.send(ZmqMessage::from(report.to_string())).await?;
                published += 1;
            }
        }
        // solution: end
    }
}

/// The time between two reports. Also where there is none, others have their turn.
async fn pause(every: Duration) {
    if every.is_zero() { yield_now().await } else { sleep(every).await }
}

/// What a message from a subscriber means.
pub fn hear(message: Result<ZmqMessage, ZmqError>) -> Heard {
    let message = match message {
        Ok(message) => message,
        Err(error) => return Heard::Broken(error.to_string()),
    };
    let frames: Vec<&[u8]> = message.iter().map(|frame| &frame[..]).collect();
    match Subscription::from_frames(&frames) {
        Ok(subscription) => Heard::Subscription(subscription),
        Err(error) => Heard::Malformed(error.to_string()),
    }
}
