//! The subscriber. A shell: it has a socket, and is given a clock.

use super::stream::{Heard, Stream};
use crate::door::Door;
use crate::gate::GateError;
use crate::limits::{Limits, Refusal};
use crate::stamp::nanoseconds;
use crate::topic::{Topic, read::read};
use bytes::Bytes;
use std::time::Duration;
use thiserror::Error;
use tokio::time::timeout;
use zeromq::{Socket, SocketRecv, SubSocket, ZmqError, ZmqMessage};
use zmq::endpoint::{self, EndpointError};

/// After so many frames in a row that are no samples nobody believes that one will come.
pub const MOST_REFUSED: u64 = 1000;

/// Why a subscriber hears no more.
#[derive(Debug, Error)]
pub enum SubscribeError {
    /// The publisher is not there.
    #[error(transparent)]
    Attach(#[from] EndpointError),
    /// Nothing was published.
    #[error(
        "nothing was published within {0:?}; does the publisher wait for more subscribers, or has it ended?"
    )]
    Silent(Duration),
    /// What came may not pass.
    #[error("the publisher was sent away: {0}")]
    SentAway(#[from] GateError),
    /// What comes is something else.
    #[error("{MOST_REFUSED} frames in a row were no samples, the last one: {0}; is it another publisher?")]
    Nonsense(Refusal),
    /// The socket cannot go on.
    #[error("could not receive: {0}")]
    Broken(#[from] ZmqError),
}

/// What a subscriber is told of each frame.
#[derive(Debug)]
pub enum Told<'a> {
    /// A sample.
    Sample {
        /// A view of it: what it refers to lies in `frame`.
        topic: Topic<'a>,
        /// The frame, as it came.
        frame: &'a Bytes,
        /// What it is to the stream.
        heard: Heard,
        /// How long it was on its way, in nanoseconds, by this clock and the publisher's. `None` when the stamp is no time, or is later than now.
        latency: Option<u64>,
    },
    /// A frame that is no sample.
    Refused(Refusal),
}

/// A subscriber to everything that a publisher publishes.
pub struct Subscriber {
    socket: SubSocket,
    door: Door,
    limits: Limits,
    patience: Duration,
}

/// The one frame of a message, as it lies: to clone or to slice `Bytes` copies nothing.
///
/// # Errors
/// When there are several.
pub fn only_frame(message: ZmqMessage) -> Result<Bytes, Refusal> {
    // solution: begin — Part D: one frame, as it lies
    let mut frames = message.into_vec();
    match frames.len() {
        1 => Ok(frames.remove(0)),
        several => Err(Refusal::Frames(several)),
    }
    // solution: end
}

impl Subscriber {
    /// Connects, and subscribes to everything. No wait of this subscriber is longer than `patience`.
    ///
    /// # Errors
    /// When the publisher is not there.
    pub async fn connect(endpoint: &str, limits: Limits, patience: Duration) -> Result<Self, SubscribeError> {
        let mut door = Door::open(endpoint, limits.longest, patience).await?;
        let address = door.address.clone();
        let mut socket = SubSocket::new();
        tokio::select! {
            biased;
            why = door.sends_away() => return Err(why.into()),
            connected = endpoint::connect(&mut socket, &address, patience) => connected?,
        }
        socket.subscribe("").await?;
        Ok(Subscriber { socket, door, limits, patience })
    }

    /// The next message.
    ///
    /// # Errors
    /// When none comes within the patience, or the publisher was sent away.
    pub async fn recv(&mut self) -> Result<ZmqMessage, SubscribeError> {
        tokio::select! {
            biased;
            message = timeout(self.patience, self.socket.recv()) => {
                Ok(message.map_err(|_| SubscribeError::Silent(self.patience))??)
            }
            why = self.door.sends_away() => Err(why.into()),
        }
    }

    /// Follows the publisher to the end. Each frame is looked at where it lies; one that is no sample is told, counted, and passed over. `now`
    /// is the clock, in nanoseconds since 1970.
    ///
    /// # Errors
    /// When nothing comes within the patience, or nothing but nonsense.
    pub async fn follow(
        &mut self,
        now: impl Fn() -> u64,
        mut told: impl FnMut(Told<'_>),
    ) -> Result<Stream, SubscribeError> {
        let mut stream = Stream::default();
        let mut in_a_row = 0;
        while !stream.ended {
            let message = self.recv().await?;
            let arrived = now();
            // solution: begin — Part D: look at each frame where it lies
            let frame = only_frame(message);
            let looked = frame.as_ref().map_err(Refusal::clone);
            match looked.and_then(|frame| Ok((frame, read(frame, &self.limits)?))) {
                Ok((frame, topic)) => {
                    in_a_row = 0;
                    let heard = stream.hear(topic.seq_no(), topic.name().unwrap_or_default());
                    let latency = nanoseconds(topic.ts()).and_then(|sent| arrived.checked_sub(sent));
                    told(Told::Sample { topic, frame, heard, latency });
                }
                Err(why) => {
                    stream.refused += 1;
                    in_a_row += 1;
                    if in_a_row >= MOST_REFUSED {
                        return Err(SubscribeError::Nonsense(why));
                    }
                    told(Told::Refused(why));
                }
            }
            // solution: end
        }
        Ok(stream)
    }
}
