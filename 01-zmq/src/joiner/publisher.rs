//! A publisher that knows who listens. A shell.

use super::gate::Gate;
use crate::attach;
use crate::door::Door;
use crate::endpoint::EndpointError;
use crate::envelope::Frames;
use crate::linger::Lingering;
use futures_util::FutureExt;
use std::time::Duration;
use thiserror::Error;
use tokio::time::{Instant, timeout, timeout_at};
use zeromq::{Socket, SocketRecv, SocketSend, XPubSocket, ZmqError};

/// Why nothing is published.
#[derive(Debug, Error)]
pub enum PublishError {
    /// Not all have joined in time.
    #[error("{joined} of {expected} subscribers have joined within {patience:?}; are the others running?")]
    Missing {
        /// How many have.
        joined: usize,
        /// How many should have.
        expected: usize,
        /// How long they were waited for.
        patience: Duration,
    },
    /// A subscriber does not read, and its connection is full.
    #[error("a subscriber has read nothing for {0:?}, and its connection is full; end it")]
    Stalled(Duration),
    /// The socket cannot go on.
    #[error("could not publish: {0}")]
    Broken(#[from] ZmqError),
}

/// A publisher that welcomes its subscribers.
pub struct Publisher {
    socket: XPubSocket,
    door: Door,
    /// Where it listens.
    pub endpoint: String,
    gate: Gate,
    /// No wait is longer.
    pub patience: Duration,
}

impl Publisher {
    /// Listens. No wait of this publisher is longer than `patience`.
    ///
    /// # Errors
    /// When the endpoint cannot be had.
    pub async fn bind(endpoint: &str, patience: Duration) -> Result<Self, EndpointError> {
        let mut socket = XPubSocket::new();
        let door = Door::open(endpoint, &mut socket).await?;
        Ok(Publisher { socket, endpoint: door.address.clone(), door, gate: Gate::default(), patience })
    }

    /// Ends, once all that was published has left.
    ///
    /// # Errors
    /// When that takes longer than the patience.
    pub async fn close(self) -> Result<(), Lingering> {
        drop(self.socket);
        self.door.finish(self.patience).await
    }

    /// How many have joined.
    pub fn joined(&self) -> usize {
        self.gate.joined()
    }

    /// Waits until `expected` subscribers have joined.
    ///
    /// # Errors
    /// When they have not within the patience.
    pub async fn wait_for(&mut self, expected: usize) -> Result<(), PublishError> {
        let until = Instant::now() + self.patience;
        while self.gate.joined() < expected {
            let Ok(heard) = timeout_at(until, self.socket.recv()).await else {
                let (joined, patience) = (self.gate.joined(), self.patience);
                return Err(PublishError::Missing { joined, expected, patience });
            };
            self.hear(heard).await?;
        }
        Ok(())
    }

    /// Publishes; the first frame begins with the topic. Who has subscribed meanwhile is known, and welcomed, before.
    ///
    /// # Errors
    /// When a subscriber is stalled: it, and those after it, may have missed the message.
    pub async fn publish(&mut self, frames: Frames) -> Result<(), PublishError> {
        // An XPUB learns of subscriptions only when it is asked to receive.
        while let Some(heard) = self.socket.recv().now_or_never() {
            self.hear(heard).await?;
        }
        self.send(frames).await
    }

    /// Takes one subscription. The end of a connection is none, and no error.
    async fn hear(&mut self, heard: Result<zeromq::ZmqMessage, ZmqError>) -> Result<(), PublishError> {
        let Ok(message) = heard else { return Ok(()) };
        let frames = attach::frames(message);
        match frames.first().and_then(|frame| self.gate.hear(frame)) {
            Some(welcome) => self.send(vec![welcome]).await,
            None => Ok(()),
        }
    }

    async fn send(&mut self, frames: Frames) -> Result<(), PublishError> {
        match timeout(self.patience, self.socket.send(attach::message(frames))).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(PublishError::Stalled(self.patience)),
        }
    }
}
