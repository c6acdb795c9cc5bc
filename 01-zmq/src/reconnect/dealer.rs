//! A DEALER with one server, which comes back. A shell.

use crate::attach::{self, Events};
use crate::endpoint::{self, EndpointError};
use crate::envelope::Frames;
use futures_util::StreamExt;
use std::time::Duration;
use zeromq::{DealerSocket, Socket, SocketEvent, SocketRecv, SocketSend, ZmqError};

/// What comes from the server, or happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// A message.
    Message(Frames),
    /// The server has gone. What it had not answered, it may or may not have received.
    Lost,
    /// The server, or its successor, is connected again.
    Back,
}

/// The server is away: the message was not handed over, and here it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away(pub Frames);

/// A DEALER that connects to its server again. It hears of the server's end in [`Dealer::recv`] only: keep one pending.
pub struct Dealer {
    socket: DealerSocket,
    events: Events,
    endpoint: String,
    connected: bool,
}

impl Dealer {
    /// Connects, at most for `patience`.
    ///
    /// # Errors
    /// When nobody answers there in time, or not as expected.
    pub async fn connect(endpoint: &str, patience: Duration) -> Result<Self, EndpointError> {
        let endpoint = endpoint::endpoint(endpoint, None)?;
        let mut socket = DealerSocket::new();
        let events = attach::watch(&mut socket);
        endpoint::connect(&mut socket, &endpoint, patience).await?;
        Ok(Dealer { socket, events, endpoint, connected: true })
    }

    /// Where it connects to.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Hands a message over.
    ///
    /// # Errors
    /// When the server is away; the message comes back.
    pub async fn send(&mut self, frames: Frames) -> Result<(), Away> {
        // solution: begin — Part D: hand over, or give back
        if !self.connected {
            return Err(Away(frames));
        }
        // The library keeps what it could not queue in one of its errors only, so a copy stays here.
        match self.socket.send(attach::message(frames.clone())).await {
            Ok(()) => Ok(()),
            Err(_) => Err(Away(frames)),
        }
        // solution: end
    }

    /// The next thing from the server. May be given up at any await: nothing is lost by it.
    pub async fn recv(&mut self) -> Arrival {
        // solution: begin — Part D: notice the end, and connect again
        loop {
            if !self.connected {
                attach::connect_again(&mut self.socket, &self.endpoint).await;
                self.connected = true;
                return Arrival::Back;
            }
            tokio::select! {
                // What arrived before the end comes before the end.
                biased;
                message = self.socket.recv() => match message {
                    Ok(message) => return Arrival::Message(attach::frames(message)),
                    Err(ZmqError::NoMessage) => tokio::task::yield_now().await,
                    // A frame that was none; the end of the connection is an event.
                    Err(_) => {}
                },
                event = self.events.next() => if let Some(SocketEvent::Disconnected(_)) = event {
                    self.connected = false;
                    return Arrival::Lost;
                },
            }
        }
        // solution: end
    }
}
