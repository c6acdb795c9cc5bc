//! The client: asks, and waits for the answer, but not for ever.

use super::answer::{NoReply, REQUEST, check};
use std::time::Duration;
use thiserror::Error;
use tokio::time::timeout;
use zeromq::{ReqSocket, SocketRecv, SocketSend, ZmqError, ZmqMessage};

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum HelloError {
    /// The server did not answer in time.
    #[error(
        "no reply within {0:?}; is the server busy or gone? This REQ cannot ask again before it has received"
    )]
    Silent(Duration),
    /// The server has answered with something else.
    #[error(transparent)]
    NoReply(#[from] NoReply),
    /// The socket does not allow it, or the connection broke.
    #[error("could not ask: {0}")]
    Broken(#[from] ZmqError),
}

/// Asks once. Nothing here waits longer than `patience`.
///
/// # Errors
/// When no reply comes in time, or one that is none.
pub async fn ask(socket: &mut ReqSocket, patience: Duration) -> Result<(), HelloError> {
    // solution: begin — Part A: ask once
    socket.send(ZmqMessage::from(REQUEST)).await?;
    let reply = timeout(patience, socket.recv()).await.map_err(|_| HelloError::Silent(patience))??;
    let frames: Vec<&[u8]> = reply.iter().map(|frame| &frame[..]).collect();
    Ok(check(&frames)?)
    // solution: end
}
