//! A client that asks again, with a new socket each time. A shell.

use super::attempts::{Attempts, Verdict};
use crate::attach;
use crate::endpoint::{self, EndpointError};
use std::time::Duration;
use thiserror::Error;
use tokio::time::{Instant, sleep_until, timeout_at};
use zeromq::{ReqSocket, Socket, SocketRecv, SocketSend};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GaveUp {
    /// All tries are used up.
    #[error(
        "gave up request {number} after {tries} tries of {patience:?} each at {endpoint}; is the server down?"
    )]
    Tries {
        /// Which request.
        number: u64,
        /// How often it was tried.
        tries: u32,
        /// How long each try was.
        patience: Duration,
        /// Where.
        endpoint: String,
    },
    /// The text names no endpoint.
    #[error("{0}")]
    NoEndpoint(String),
}

/// What happens while a request is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A request was sent: its number, and the how manieth try that was.
    Asked(u64, u32),
    /// No answer came within the patience, or the connection broke.
    Silent(u64, u32),
    /// What came is the answer to another request, or none; it is not used.
    Ignored(Verdict),
}

/// A client that survives its server.
pub struct Client {
    endpoint: String,
    patience: Duration,
    tries: u32,
    last: u64,
    socket: Option<ReqSocket>,
}

impl Client {
    /// A client that tries each request up to `tries` times, for `patience` each. It connects when it asks.
    ///
    /// # Errors
    /// When the text names no endpoint.
    pub fn new(endpoint: &str, patience: Duration, tries: u32) -> Result<Self, GaveUp> {
        let named =
            endpoint::endpoint(endpoint, None).map_err(|error| GaveUp::NoEndpoint(error.to_string()))?;
        Ok(Client { endpoint: named, patience, tries, last: 0, socket: None })
    }

    /// Asks, and asks again.
    ///
    /// # Errors
    /// When no try was answered.
    pub async fn ask(&mut self, text: &str, mut observe: impl FnMut(Event)) -> Result<String, GaveUp> {
        self.last += 1;
        let number = self.last;
        let mut attempts = Attempts::new(number, text, self.tries);
        let mut tried = 0;
        // solution: begin — Part D: a new socket for each try
        while let Some(request) = attempts.again() {
            tried += 1;
            let kept = self.socket.take();
            let until = Instant::now() + self.patience;
            let (endpoint, patience) = (&self.endpoint, self.patience);
            let attempt = async {
                let mut socket = match kept {
                    Some(socket) => socket,
                    None => connect(endpoint, patience).await?,
                };
                socket.send(attach::message(request)).await.ok()?;
                observe(Event::Asked(number, tried));
                let reply = attach::frames(socket.recv().await.ok()?);
                Some((socket, reply))
            };
            // What did not end in time is thrown away, socket and all: its late answer comes to nobody.
            match timeout_at(until, attempt).await.ok().flatten() {
                None => {
                    observe(Event::Silent(number, tried));
                    // A connection that broke ends a try early. Asking again at once would use all tries up before the server is back.
                    sleep_until(until).await;
                }
                Some((socket, reply)) => match attempts.judge(&reply) {
                    Verdict::Answer(answer) => {
                        self.socket = Some(socket);
                        return Ok(answer);
                    }
                    other => observe(Event::Ignored(other)),
                },
            }
        }
        // solution: end
        let (tries, patience, endpoint) = (tried, self.patience, self.endpoint.clone());
        Err(GaveUp::Tries { number, tries, patience, endpoint })
    }
}

/// A new socket, connected; `None` when nobody is there. Bounded by `patience`.
async fn connect(endpoint: &str, patience: Duration) -> Option<ReqSocket> {
    let mut socket = ReqSocket::new();
    let connected: Result<(), EndpointError> = endpoint::connect(&mut socket, endpoint, patience).await;
    connected.ok().map(|()| socket)
}
