//! Heartbeats between two sockets. A shell.

use super::heart::{Act, Heart, Pace};
use crate::attach;
use crate::door::Door;
use crate::endpoint::EndpointError;
use crate::envelope::Frames;
use crate::reconnect::{Arrival, Dealer};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use zeromq::{DealerSocket, Socket, SocketRecv, SocketSend};

/// What happens between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The other side was heard for the first time, or again.
    There,
    /// The other side is silent.
    Lost,
}

/// One of the two ends.
pub enum End {
    /// The one that listens.
    Bound(DealerSocket, Door),
    /// The one that connects, and connects again.
    Connected(Dealer),
}

impl End {
    /// Listens, and says where.
    ///
    /// # Errors
    /// When the endpoint cannot be had.
    pub async fn bind(endpoint: &str) -> Result<(Self, String), EndpointError> {
        let mut socket = DealerSocket::new();
        let door = Door::open(endpoint, &mut socket).await?;
        let endpoint = door.address.clone();
        Ok((End::Bound(socket, door), endpoint))
    }

    /// Connects.
    ///
    /// # Errors
    /// When nobody is there.
    pub async fn connect(endpoint: &str, patience: Duration) -> Result<Self, EndpointError> {
        Ok(End::Connected(Dealer::connect(endpoint, patience).await?))
    }

    /// The next message; what else happens to the connection is none.
    async fn recv(&mut self) -> Frames {
        loop {
            match self {
                End::Bound(socket, _) => {
                    if let Ok(message) = socket.recv().await {
                        return attach::frames(message);
                    }
                }
                End::Connected(dealer) => {
                    if let Arrival::Message(frames) = dealer.recv().await {
                        return frames;
                    }
                }
            }
        }
    }

    /// A beat to nobody is no error: that nobody is there is what the counting finds.
    async fn beat(&mut self) {
        match self {
            End::Bound(socket, _) => _ = socket.send("".into()).await,
            End::Connected(dealer) => _ = dealer.send(vec![Vec::new()]).await,
        }
    }
}

/// Beats and listens until it is dropped.
pub async fn watch(mut end: End, pace: Pace, mut observe: impl FnMut(Event)) {
    let start = Instant::now();
    let mut heart = Heart::new(pace, Duration::ZERO);
    let mut met = false;
    loop {
        tokio::select! {
            // What came is heard before anybody is taken for gone.
            biased;
            _ = end.recv() => {
                if heart.heard(start.elapsed()) || !met {
                    observe(Event::There);
                }
                met = true;
            }
            () = sleep_until(start + heart.next_wake()) => for act in heart.wake(start.elapsed()) {
                match act {
                    Act::Beat => end.beat().await,
                    Act::Lost => observe(Event::Lost),
                }
            },
        }
    }
}
