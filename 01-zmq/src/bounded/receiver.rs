//! The side that receives: it grants credit. A shell.

use crate::attach;
use crate::door::Door;
use crate::endpoint::EndpointError;
use crate::envelope::{Envelope, Frames};
use zeromq::{RouterSocket, Socket, SocketRecv, SocketSend, ZmqError};

/// A receiver that says how much it will take.
pub struct Receiver {
    socket: RouterSocket,
    _door: Door,
    /// Where it listens.
    pub endpoint: String,
    window: u64,
    /// Whose message the application has in its hands: it is taken when the next is asked for.
    taken_from: Option<Frames>,
}

impl Receiver {
    /// Listens; each sender may have `window` messages on the way, at least 1.
    ///
    /// # Errors
    /// When the endpoint cannot be had.
    pub async fn bind(endpoint: &str, window: u64) -> Result<Self, EndpointError> {
        let mut socket = RouterSocket::new();
        let door = Door::open(endpoint, &mut socket).await?;
        Ok(Receiver {
            socket,
            endpoint: door.address.clone(),
            _door: door,
            window: window.max(1),
            taken_from: None,
        })
    }

    /// The next message, of any sender. The one before is done with: it earns its sender a credit.
    ///
    /// # Errors
    /// When the socket cannot go on.
    pub async fn recv(&mut self) -> Result<Frames, ZmqError> {
        // solution: begin — Part E: grant credit
        if let Some(path) = self.taken_from.take() {
            self.grant(path, 1).await;
        }
        loop {
            // What has no empty frame was sent by no sender of ours.
            let Ok(envelope) = Envelope::open(attach::frames(self.socket.recv().await?)) else { continue };
            if envelope.body.is_empty() {
                self.grant(envelope.path, self.window).await;
            } else {
                self.taken_from = Some(envelope.path);
                return Ok(envelope.body);
            }
        }
        // solution: end
    }

    /// Grants credit. A sender that has gone needs none.
    async fn grant(&mut self, path: Frames, count: u64) {
        let body = vec![count.to_string().into_bytes()];
        let _ = self.socket.send(attach::message(Envelope { path, body }.seal())).await;
    }
}
