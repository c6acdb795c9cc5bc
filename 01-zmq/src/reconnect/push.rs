//! A PUSH with one receiver, which comes back. A shell.

use crate::attach::{self, Events};
use crate::endpoint::{self, EndpointError};
use crate::envelope::Frames;
use futures_util::{FutureExt, StreamExt};
use std::time::Duration;
use tokio::time::timeout;
use zeromq::{PushSocket, Socket, SocketEvent, SocketSend};

/// A PUSH that connects to its receiver again.
pub struct Push {
    socket: PushSocket,
    events: Events,
    endpoint: String,
    /// No wait for a receiver that has gone is longer.
    pub patience: Duration,
    connected: bool,
    returns: u64,
}

impl Push {
    /// Connects. No wait of it, now and later, is longer than `patience`.
    ///
    /// # Errors
    /// When nobody answers there in time, or not as expected.
    pub async fn connect(endpoint: &str, patience: Duration) -> Result<Self, EndpointError> {
        let endpoint = endpoint::endpoint(endpoint, None)?;
        let mut socket = PushSocket::new();
        let events = attach::watch(&mut socket);
        endpoint::connect(&mut socket, &endpoint, patience).await?;
        Ok(Push { socket, events, endpoint, patience, connected: true, returns: 0 })
    }

    /// How often it has connected again.
    pub fn returns(&self) -> u64 {
        self.returns
    }

    /// Hands a message over; while the receiver is away, waits for it.
    ///
    /// # Errors
    /// When it stays away for longer than the patience. The message was not handed over.
    pub async fn send(&mut self, frames: &Frames) -> Result<(), EndpointError> {
        // solution: begin — Part E: wait for the receiver to come back
        loop {
            while let Some(Some(event)) = self.events.next().now_or_never() {
                self.connected &= !matches!(event, SocketEvent::Disconnected(_));
            }
            if !self.connected {
                let again = attach::connect_again(&mut self.socket, &self.endpoint);
                if timeout(self.patience, again).await.is_err() {
                    return Err(EndpointError::Unreachable(self.endpoint.clone(), self.patience));
                }
                self.connected = true;
                self.returns += 1;
            }
            match self.socket.send(attach::message(frames.clone())).await {
                Ok(()) => return Ok(()),
                Err(_) => self.connected = false,
            }
        }
        // solution: end
    }
}
