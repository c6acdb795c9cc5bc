//! The event loop: waits for all sockets, and calls the application.

use super::poller::Poller;
use super::reading::Wanted;
use super::upcall::{Quantity, Upcalls, call};
use crate::endpoint::{EndpointError, connect};
use std::time::Duration;
use thiserror::Error;
use tokio::time::timeout;
use zeromq::{Socket, SubSocket, ZmqError};

/// Why the event loop has ended too soon.
#[derive(Debug, Error)]
pub enum SensorsError {
    /// A publisher is not there.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Nothing came in time.
    #[error("no reading within {0:?}, after {1}; do the publishers publish what is wanted?")]
    Silent(Duration, u64),
    /// The connection broke.
    #[error("could not receive: {0}")]
    Broken(#[from] ZmqError),
}

/// A socket for each quantity, each connected to every publisher and subscribed to what is wanted of it.
///
/// # Errors
/// When a publisher is not there.
pub async fn open(
    publishers: &[String],
    wanted: &[Wanted; 3],
    patience: Duration,
) -> Result<Vec<SubSocket>, SensorsError> {
    let mut sockets = Vec::new();
    for wanted in wanted {
        let mut socket = SubSocket::new();
        socket.subscribe(&wanted.topic()).await?;
        for publisher in publishers {
            connect(&mut socket, publisher, patience).await?;
        }
        sockets.push(socket);
    }
    Ok(sockets)
}

/// Calls the application with what comes, `readings` times in all. A connection that breaks is told to it as unexpected, and counts.
///
/// # Errors
/// When nothing comes for longer than `patience`.
pub async fn run(
    sockets: &mut [SubSocket],
    wanted: &[Wanted; 3],
    readings: u64,
    patience: Duration,
    application: &mut impl Upcalls,
) -> Result<(), SensorsError> {
    let mut poller = Poller::default();
    for come in 0..readings {
        let polled = timeout(patience, poller.poll(sockets)).await;
        let (place, message) = polled.map_err(|_| SensorsError::Silent(patience, come))?;
        let first = message.as_ref().ok().and_then(|message| message.get(0));
        match (&message, first) {
            (Ok(message), Some(first)) if message.len() == 1 => {
                call(application, Quantity::ALL[place], &wanted[place].name, &String::from_utf8_lossy(first));
            }
            (Ok(message), _) => {
                application.unexpected(format!("read a message of {} parts, expected one", message.len()));
            }
            (Err(error), _) => application.unexpected(format!("a connection broke: {error}")),
        }
    }
    Ok(())
}
