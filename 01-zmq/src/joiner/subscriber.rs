//! A subscriber that begins when the publisher knows it. A shell.

use super::gate::{JOIN, is_welcome};
use crate::attach;
use crate::endpoint::{self, EndpointError};
use crate::envelope::Frames;
use std::collections::VecDeque;
use std::time::Duration;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use zeromq::util::PeerIdentity;
use zeromq::{Socket, SocketRecv, SubSocket, ZmqError};

/// Why nothing is received.
#[derive(Debug, Error)]
pub enum SubscribeError {
    /// The publisher is not there.
    #[error(transparent)]
    Attach(#[from] EndpointError),
    /// The publisher does not say that it knows the subscriptions.
    #[error("no welcome from {endpoint} within {patience:?}; does that publisher confirm subscriptions?")]
    NoWelcome {
        /// Where it should be.
        endpoint: String,
        /// How long it was waited for.
        patience: Duration,
    },
    /// Nothing was published.
    #[error("nothing was published within {0:?}; is the publisher waiting for other subscribers?")]
    Silent(Duration),
    /// The socket cannot go on.
    #[error("could not receive: {0}")]
    Broken(#[from] ZmqError),
}

/// A subscriber whose publisher knows it.
pub struct Subscriber {
    socket: SubSocket,
    /// What was published before the welcome came.
    early: VecDeque<Frames>,
    patience: Duration,
}

impl Subscriber {
    /// Connects, subscribes to `topics` (prefixes; the empty one is everything), and waits for the welcome. No wait of this subscriber is
    /// longer than `patience`.
    ///
    /// # Errors
    /// When the publisher is not there, or does not welcome.
    pub async fn join(endpoint: &str, topics: &[String], patience: Duration) -> Result<Self, SubscribeError> {
        let mut socket = SubSocket::new();
        endpoint::connect(&mut socket, endpoint, patience).await?;
        let number: String = PeerIdentity::new().iter().map(|byte| format!("{byte:02x}")).collect();
        let own = format!("{JOIN}{number}");
        let mut early = VecDeque::new();
        let until = Instant::now() + patience;
        // solution: begin — Part E: subscribe, and wait for the welcome
        for topic in topics {
            socket.subscribe(topic).await?;
        }
        socket.subscribe(&own).await?;
        loop {
            let Ok(message) = timeout_at(until, socket.recv()).await else {
                return Err(SubscribeError::NoWelcome { endpoint: endpoint.to_string(), patience });
            };
            let frames = attach::frames(message?);
            let topic = frames.first().map(Vec::as_slice).unwrap_or_default();
            if topic == own.as_bytes() {
                break;
            }
            if !is_welcome(topic) {
                early.push_back(frames);
            }
        }
        socket.unsubscribe(&own).await?;
        // solution: end
        Ok(Subscriber { socket, early, patience })
    }

    /// The next message of the application.
    ///
    /// # Errors
    /// When none comes within the patience, or the connection broke.
    pub async fn recv(&mut self) -> Result<Frames, SubscribeError> {
        if let Some(frames) = self.early.pop_front() {
            return Ok(frames);
        }
        let until = Instant::now() + self.patience;
        loop {
            let Ok(message) = timeout_at(until, self.socket.recv()).await else {
                return Err(SubscribeError::Silent(self.patience));
            };
            let frames = attach::frames(message?);
            if !frames.first().is_some_and(|topic| is_welcome(topic)) {
                return Ok(frames);
            }
        }
    }
}
