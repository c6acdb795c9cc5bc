//! The mistake: a publisher that begins at once. A shell.

use crate::attach;
use crate::endpoint::{self, EndpointError};
use std::time::Duration;
use thiserror::Error;
use tokio::time::{sleep, timeout};
use zeromq::{PubSocket, Socket, SocketRecv, SocketSend, SubSocket, ZmqError};

/// The last message, which is published until it is seen.
const END: &str = "end";
/// The pause between two of them.
const PAUSE: Duration = Duration::from_millis(1);

/// Why a start-up did not come to its end.
#[derive(Debug, Error)]
pub enum StartUpError {
    /// The two did not find each other.
    #[error(transparent)]
    Attach(#[from] EndpointError),
    /// A socket cannot go on.
    #[error("could not go on: {0}")]
    Broken(#[from] ZmqError),
    /// The end was not seen.
    #[error("the last message was not seen within {0:?}")]
    Silent(Duration),
}

/// Starts a publisher and a subscriber, and publishes 1 to `count` as soon as the subscriber has connected and subscribed. What the
/// subscriber gets of them.
///
/// # Errors
/// When the two do not meet within `patience`.
pub async fn start_up(count: u64, patience: Duration) -> Result<Vec<u64>, StartUpError> {
    let (mut publisher, mut subscriber) = (PubSocket::new(), SubSocket::new());
    let endpoint = endpoint::bind(&mut publisher, "tcp://127.0.0.1:0").await?;
    endpoint::connect(&mut subscriber, &endpoint, patience).await?;
    subscriber.subscribe("").await?;
    for number in 1..=count {
        publisher.send(number.to_string().into()).await?;
    }
    let receive = async {
        let mut got = Vec::new();
        loop {
            let frames = attach::frames(subscriber.recv().await?);
            match frames.first().and_then(|text| str::from_utf8(text).ok()) {
                Some(END) => return Ok(got),
                text => got.extend(text.and_then(|text| text.parse::<u64>().ok())),
            }
        }
    };
    let end = async {
        loop {
            if let Err(error) = publisher.send(END.into()).await {
                return StartUpError::from(error);
            }
            sleep(PAUSE).await;
        }
    };
    tokio::select! {
        got = timeout(patience, receive) => got.unwrap_or(Err(StartUpError::Silent(patience))),
        error = end => Err(error),
    }
}
