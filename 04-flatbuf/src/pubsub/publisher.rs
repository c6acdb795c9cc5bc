//! The publisher. A shell: it has a socket, and is given a clock.

use crate::door::{Door, SentAway};
use crate::gate::LONGEST_SUBSCRIPTION;
use crate::sample::Sample;
use crate::stamp::stamp;
use crate::topic::write::Writer;
use bytes::Bytes;
use futures_util::FutureExt;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use zeromq::{Socket, SocketRecv, SocketSend, XPubSocket, ZmqError, ZmqMessage};
use zmq::endpoint::EndpointError;

/// Why nothing is published.
#[derive(Debug, Error)]
pub enum PublishError {
    /// Too few subscribers have come.
    #[error(
        "{here} of {expected} subscribers have come within {patience:?}; start them, or wait for fewer with --subscribers"
    )]
    Missing {
        /// How many have.
        here: usize,
        /// How many should have.
        expected: usize,
        /// How long they were waited for.
        patience: Duration,
    },
    /// A subscriber does not read, and its connection is full.
    #[error("a subscriber has read nothing for {0:?}, and its connection is full; end it")]
    Stalled(Duration),
    /// The socket cannot go on.
    #[error("could not publish: {0}")]
    Broken(#[from] ZmqError),
}

/// What is published.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// How many samples.
    pub samples: u32,
    /// How many numbers are in each.
    pub length: u32,
    /// What they are called.
    pub name: String,
    /// The pause after each.
    pub interval: Duration,
}

/// A publisher: an XPUB, which sees subscriptions, writes before `send` returns, and so loses nothing that it has sent. Subscribers reach it
/// through a door, which carries what is written as long as this lives: [`Publisher::close`] waits until all of it has gone.
pub struct Publisher {
    socket: XPubSocket,
    door: Door,
    /// Where it listens.
    pub endpoint: String,
    subscriptions: usize,
    patience: Duration,
}

impl Publisher {
    /// Listens. No wait of this publisher is longer than `patience`.
    ///
    /// # Errors
    /// When the endpoint cannot be had.
    pub async fn bind(endpoint: &str, patience: Duration) -> Result<Self, EndpointError> {
        let busy = |error: io::Error| EndpointError::Busy(endpoint.to_string(), error.to_string());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(busy)?;
        let behind = listener.local_addr().map_err(busy)?;
        let mut socket = XPubSocket::new();
        socket.bind_listener(listener).await.map_err(|error| busy(io::Error::other(error)))?;
        let door = Door::before(behind, endpoint, LONGEST_SUBSCRIPTION).await?;
        let endpoint = door.address.clone();
        Ok(Publisher { socket, door, endpoint, subscriptions: 0, patience })
    }

    /// Whom the door has sent away so far.
    pub fn sent_away(&self) -> SentAway {
        self.door.sent_away()
    }

    /// Waits until so many subscriptions have come.
    ///
    /// # Errors
    /// When they have not within the patience.
    pub async fn wait_for(&mut self, expected: usize) -> Result<(), PublishError> {
        let until = Instant::now() + self.patience;
        while self.subscriptions < expected {
            let heard = tokio::select! {
                biased;
                heard = timeout_at(until, self.socket.recv()) => heard,
                never = self.door.breaks() => never,
            };
            let Ok(heard) = heard else {
                let (here, patience) = (self.subscriptions, self.patience);
                return Err(PublishError::Missing { here, expected, patience });
            };
            self.hear(heard);
        }
        Ok(())
    }

    /// Publishes one buffer to all that have subscribed by now.
    ///
    /// # Errors
    /// When a subscriber is stalled, or the socket broken.
    pub async fn send(&mut self, buffer: Bytes) -> Result<(), PublishError> {
        // An XPUB heeds a subscription only once it has been received.
        while let Some(heard) = self.socket.recv().now_or_never() {
            self.hear(heard);
        }
        let sent = tokio::select! {
            biased;
            sent = timeout(self.patience, self.socket.send(ZmqMessage::from(buffer))) => sent,
            never = self.door.breaks() => never,
        };
        match sent {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(PublishError::Stalled(self.patience)),
        }
    }

    /// Ends, once each subscriber has been given all that it was sent.
    ///
    /// # Errors
    /// When one does not take it within the patience.
    pub async fn close(self) -> Result<(), PublishError> {
        let Publisher { mut socket, mut door, patience, .. } = self;
        // A connection of the XPUB ends as it hears that the subscriber has hung up, so it goes on listening.
        let hear = async {
            loop {
                let _ = socket.recv().await;
            }
        };
        let closed = async {
            tokio::select! {
                () = door.close() => {}
                never = hear => never,
            }
        };
        timeout(patience, closed).await.map_err(|_| PublishError::Stalled(patience))
    }

    /// A subscription begins with a 1. The end of a connection is none, and no error.
    fn hear(&mut self, heard: Result<ZmqMessage, ZmqError>) {
        let begins = |message: &ZmqMessage| message.get(0).and_then(|frame| frame.first()) == Some(&1);
        self.subscriptions += usize::from(heard.is_ok_and(|message| begins(&message)));
    }

    /// Publishes the samples of the plan, numbered from 0, each stamped as it leaves, and then the end. `now` is the clock, in nanoseconds
    /// since 1970.
    ///
    /// # Errors
    /// When a subscriber is stalled, or the socket broken.
    pub async fn publish(
        &mut self,
        plan: &Plan,
        now: impl Fn() -> u64,
        mut told: impl FnMut(&Sample),
    ) -> Result<(), PublishError> {
        let mut writer = Writer::default();
        let mut sample = Sample::numbered(0, &plan.name, plan.length);
        for seq_no in 0..plan.samples {
            // solution: begin — Part D: a sample is stamped as it leaves
            sample.seq_no = seq_no;
            sample.ts = stamp(now());
            let buffer = Bytes::copy_from_slice(writer.write(&sample));
            self.send(buffer).await?;
            // solution: end
            told(&sample);
            sleep(plan.interval).await;
        }
        let mut end = Sample::end(plan.samples);
        end.ts = stamp(now());
        self.send(Bytes::copy_from_slice(writer.write(&end))).await?;
        told(&end);
        Ok(())
    }
}
