//! A client of tiers: one request after the other, the first tiers in turn. A shell.

use super::round::RoundRobin;
use super::tier::REFUSAL;
use crate::attach;
use crate::endpoint::{self, EndpointError};
use std::time::Duration;
use thiserror::Error;
use tokio::time::timeout;
use zeromq::{ReqSocket, Socket, SocketRecv, SocketSend, ZmqError};

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// A first tier is not there.
    #[error(transparent)]
    Attach(#[from] EndpointError),
    /// Nobody answered in time.
    #[error("no reply to request# {number} from {endpoint} within {patience:?}; is a tier behind it down?")]
    Silent {
        /// Which request.
        number: u64,
        /// Whom it went to.
        endpoint: String,
        /// How long it was waited for.
        patience: Duration,
    },
    /// The connection broke.
    #[error("request# {number} to {endpoint} failed: {cause}; has the tier ended?")]
    Broken {
        /// Which request.
        number: u64,
        /// Whom it went to.
        endpoint: String,
        /// What the library says.
        cause: ZmqError,
    },
    /// A tier has refused.
    #[error("request# {number} was refused by {endpoint} or behind it: {why}")]
    Refused {
        /// Which request.
        number: u64,
        /// Whom it went to.
        endpoint: String,
        /// What the tier says.
        why: String,
    },
    /// What came is no reply.
    #[error("read a reply of {frames} frames from {endpoint}, expected 1: the text; is that a tier?")]
    NoReply {
        /// How many frames it has.
        frames: usize,
        /// Who sent it.
        endpoint: String,
    },
}

/// A client, connected to its first tiers.
pub struct Client {
    name: String,
    tiers: Vec<(String, ReqSocket)>,
    turns: RoundRobin,
    /// No wait for a reply is longer.
    pub patience: Duration,
}

impl Client {
    /// Connects to all first tiers. No wait of this client is longer than `patience`.
    ///
    /// # Errors
    /// When one is not there.
    pub async fn connect(name: &str, endpoints: &[String], patience: Duration) -> Result<Self, ClientError> {
        let mut tiers = Vec::new();
        for text in endpoints {
            let mut socket = ReqSocket::new();
            endpoint::connect(&mut socket, text, patience).await?;
            tiers.push((endpoint::endpoint(text, None)?, socket));
        }
        Ok(Client { name: name.to_string(), turns: RoundRobin::new(tiers.len()), tiers, patience })
    }

    /// Sends the request of this number, and waits for its reply.
    ///
    /// # Errors
    /// When none comes in time, or none at all.
    pub async fn ask(&mut self, number: u64) -> Result<String, ClientError> {
        let turn = self.turns.turn().unwrap_or_default();
        let (endpoint, socket) = &mut self.tiers[turn];
        let broken = |cause| ClientError::Broken { number, endpoint: endpoint.clone(), cause };
        socket.send(format!("{} request# {number}", self.name).into()).await.map_err(broken)?;
        let Ok(reply) = timeout(self.patience, socket.recv()).await else {
            let (endpoint, patience) = (endpoint.clone(), self.patience);
            return Err(ClientError::Silent { number, endpoint, patience });
        };
        let frames = attach::frames(reply.map_err(broken)?);
        match &frames[..] {
            [text] => {
                let text = String::from_utf8_lossy(text).into_owned();
                match text.strip_prefix(REFUSAL) {
                    None => Ok(text),
                    Some(why) => {
                        let (endpoint, why) = (endpoint.clone(), why.to_string());
                        Err(ClientError::Refused { number, endpoint, why })
                    }
                }
            }
            _ => Err(ClientError::NoReply { frames: frames.len(), endpoint: endpoint.clone() }),
        }
    }
}
