//! The side that sends: it spends credit. A shell.

use super::credit::Credit;
use crate::endpoint::EndpointError;
use crate::envelope::{Envelope, Frames};
use crate::reconnect::{Arrival, Dealer};
use futures_util::FutureExt;
use std::time::Duration;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

/// Why a message is not sent. It was not handed over, and is in the caller's hands.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotSent {
    /// The receiver has not taken enough of what was sent.
    #[error(
        "{on_the_way} messages are on the way, and the receiver takes no more; wait, send less often, or do without"
    )]
    NoCredit {
        /// How many are sent and not taken.
        on_the_way: u64,
    },
    /// The receiver has gone.
    #[error("the receiver has gone with {on_the_way} messages that it may not have taken; connect again")]
    Gone {
        /// How many are sent and not taken.
        on_the_way: u64,
    },
}

/// A sender of as many messages as its receiver will take.
pub struct Sender {
    dealer: Dealer,
    credit: Credit,
    /// No wait for credit is longer.
    pub patience: Duration,
    gone: bool,
}

impl Sender {
    /// Connects, and asks for credit. No wait of this sender is longer than `patience`.
    ///
    /// # Errors
    /// When nobody is there.
    pub async fn connect(endpoint: &str, patience: Duration) -> Result<Self, EndpointError> {
        let mut dealer = Dealer::connect(endpoint, patience).await?;
        let ask = Envelope { path: Vec::new(), body: Vec::new() };
        let gone = dealer.send(ask.seal()).await.is_err();
        Ok(Sender { dealer, credit: Credit::default(), patience, gone })
    }

    /// How many are sent and not taken.
    pub fn on_the_way(&self) -> u64 {
        self.credit.on_the_way()
    }

    /// Sends, or refuses at once.
    ///
    /// # Errors
    /// When there is no credit, or the receiver has gone.
    pub async fn try_send(&mut self, body: &Frames) -> Result<(), NotSent> {
        while let Some(arrival) = self.dealer.recv().now_or_never() {
            self.take(arrival);
        }
        self.hand_over(body).await
    }

    /// Sends, and waits for credit when there is none.
    ///
    /// # Errors
    /// When none comes within the patience, or the receiver has gone.
    pub async fn send(&mut self, body: &Frames) -> Result<(), NotSent> {
        // solution: begin — Part E: wait for credit
        let until = Instant::now() + self.patience;
        loop {
            match self.try_send(body).await {
                Err(NotSent::NoCredit { on_the_way }) => match timeout_at(until, self.dealer.recv()).await {
                    Ok(arrival) => self.take(arrival),
                    Err(_) => return Err(NotSent::NoCredit { on_the_way }),
                },
                done => return done,
            }
        }
        // solution: end
    }

    /// Waits until the receiver has taken all.
    ///
    /// # Errors
    /// When it does not take one more within the patience, or has gone.
    pub async fn finish(mut self) -> Result<(), NotSent> {
        while !self.gone {
            let on_the_way = self.on_the_way();
            if on_the_way == 0 {
                return Ok(());
            }
            match timeout_at(Instant::now() + self.patience, self.dealer.recv()).await {
                Ok(arrival) => self.take(arrival),
                Err(_) => return Err(NotSent::NoCredit { on_the_way }),
            }
        }
        Err(NotSent::Gone { on_the_way: self.on_the_way() })
    }

    /// Spends one credit, and hands over.
    async fn hand_over(&mut self, body: &Frames) -> Result<(), NotSent> {
        let on_the_way = self.on_the_way();
        if self.gone {
            return Err(NotSent::Gone { on_the_way });
        }
        if !self.credit.spend() {
            return Err(NotSent::NoCredit { on_the_way });
        }
        let envelope = Envelope { path: Vec::new(), body: body.clone() };
        self.gone = self.dealer.send(envelope.seal()).await.is_err();
        if self.gone { Err(NotSent::Gone { on_the_way }) } else { Ok(()) }
    }

    /// Takes what came: credit, or the end. What is neither is ignored.
    fn take(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Message(frames) => {
                let granted = Envelope::open(frames).ok().and_then(|envelope| {
                    let [count] = &envelope.body[..] else { return None };
                    str::from_utf8(count).ok()?.parse().ok()
                });
                self.credit.grant(granted.unwrap_or(0));
            }
            Arrival::Lost | Arrival::Back => self.gone = true,
        }
    }
}
