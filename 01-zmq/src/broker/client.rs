//! A client with many requests in flight. A shell, but for [`Client::take`].

use crate::endpoint::EndpointError;
use crate::envelope::{Envelope, Frames};
use crate::reconnect::{Arrival, Dealer, Unanswered};
use std::time::Duration;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

/// Why requests are not answered.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The broker is not there.
    #[error(transparent)]
    Attach(#[from] EndpointError),
    /// No reply came for too long.
    #[error(
        "no reply within {patience:?}, {count} requests are not answered, the first is {first}; is a server there?"
    )]
    Silent {
        /// How long there was none.
        patience: Duration,
        /// How many requests wait.
        count: usize,
        /// The number of the first.
        first: u64,
    },
}

/// A reply, with its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The number of the request.
    pub number: u64,
    /// What was asked.
    pub asked: String,
    /// What came.
    pub text: String,
}

/// What came of all requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many were answered.
    pub answered: u64,
    /// How many were in flight at most.
    pub most_in_flight: usize,
    /// How many replies came before one to an earlier request.
    pub overtakings: u64,
    /// How many messages were no reply to a request that waits: doubled, late, or none.
    pub ignored: u64,
    /// How many requests were sent again, since the broker had gone.
    pub again: u64,
}

/// A client, connected to its broker.
pub struct Client {
    dealer: Dealer,
    unanswered: Unanswered,
    /// No wait for a reply is longer.
    pub patience: Duration,
}

impl Client {
    /// Connects. No wait of this client is longer than `patience`.
    ///
    /// # Errors
    /// When the broker is not there.
    pub async fn connect(broker: &str, patience: Duration) -> Result<Self, ClientError> {
        let dealer = Dealer::connect(broker, patience).await?;
        Ok(Client { dealer, unanswered: Unanswered::default(), patience })
    }

    /// Asks all of `requests`, at most `window` at once, and tells each reply.
    ///
    /// # Errors
    /// When no reply comes for too long.
    pub async fn ask_all(
        &mut self,
        requests: impl IntoIterator<Item = String>,
        window: usize,
        mut observe: impl FnMut(&Reply),
    ) -> Result<Summary, ClientError> {
        let mut requests = requests.into_iter().fuse();
        let mut summary = Summary::default();
        let mut until = Instant::now() + self.patience;
        loop {
            while self.unanswered.len() < window
                && let Some(text) = requests.next()
            {
                let number = self.unanswered.ask(vec![text.into_bytes()]);
                self.send(number).await;
            }
            summary.most_in_flight = summary.most_in_flight.max(self.unanswered.len());
            let Some((first, _)) = self.unanswered.again().next() else { return Ok(summary) };
            match timeout_at(until, self.dealer.recv()).await {
                Err(_) => {
                    let (patience, count) = (self.patience, self.unanswered.len());
                    return Err(ClientError::Silent { patience, count, first });
                }
                Ok(Arrival::Message(frames)) => match Self::take(&mut self.unanswered, frames) {
                    Some(reply) => {
                        summary.answered += 1;
                        summary.overtakings += u64::from(reply.number != first);
                        until = Instant::now() + self.patience;
                        observe(&reply);
                    }
                    None => summary.ignored += 1,
                },
                Ok(Arrival::Lost) => {}
                Ok(Arrival::Back) => {
                    let numbers: Vec<u64> = self.unanswered.again().map(|(number, _)| number).collect();
                    for number in numbers {
                        self.send(number).await;
                        summary.again += 1;
                    }
                }
            }
        }
    }

    /// Sends a request that waits. While the broker is away nothing is sent: it is sent again when the broker is back.
    async fn send(&mut self, number: u64) {
        let found = self.unanswered.again().find(|(other, _)| *other == number);
        if let Some((_, body)) = found {
            let path = vec![number.to_string().into_bytes()];
            let envelope = Envelope { path, body: body.clone() };
            let _ = self.dealer.send(envelope.seal()).await;
        }
    }

    /// The reply that a message is; `None` when it answers no request that waits. Pure.
    pub fn take(unanswered: &mut Unanswered, frames: Frames) -> Option<Reply> {
        // solution: begin — Part D: find the request of a reply
        let envelope = Envelope::open(frames).ok()?;
        let [number] = &envelope.path[..] else { return None };
        let number = str::from_utf8(number).ok()?.parse().ok()?;
        let text = |frames: &Frames| String::from_utf8_lossy(&frames.concat()).into_owned();
        let asked = text(&unanswered.answered(number)?);
        Some(Reply { number, asked, text: text(&envelope.body) })
        // solution: end
    }
}
