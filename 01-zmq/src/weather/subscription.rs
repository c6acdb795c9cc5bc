//! What a subscriber sends to a publisher: one message of one part, a byte that says which, then the topic.

use std::fmt;
use thiserror::Error;

/// A subscription, or its end. The topic is what a wanted message begins with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subscription {
    /// From now on, messages that begin so.
    Begin(Vec<u8>),
    /// One subscription fewer to messages that begin so.
    End(Vec<u8>),
}

/// Why a message is no subscription.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("read the subscription {0}, expected one part that begins with the byte 1 or 0")]
pub struct NoSubscription(String);

impl Subscription {
    /// The topic.
    pub fn topic(&self) -> &[u8] {
        match self {
            Subscription::Begin(topic) | Subscription::End(topic) => topic,
        }
    }

    /// What goes over the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Subscription::Begin(topic) => [&[1], &topic[..]].concat(),
            Subscription::End(topic) => [&[0], &topic[..]].concat(),
        }
    }

    /// Reads the parts of a message.
    ///
    /// # Errors
    /// When it is no subscription. An XPUB gets those too: it is sent whatever a subscriber likes to send.
    pub fn from_frames(frames: &[&[u8]]) -> Result<Self, NoSubscription> {
        // solution: begin — Part A: read a subscription
        match frames {
            [[1, topic @ ..]] => Ok(Subscription::Begin(topic.to_vec())),
            [[0, topic @ ..]] => Ok(Subscription::End(topic.to_vec())),
            _ => Err(NoSubscription(crate::hello::answer::shown(frames.iter().copied()))),
        }
        // solution: end
    }
}

impl fmt::Display for Subscription {
    /// `+ "10001"`, `- "10001"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if matches!(self, Subscription::Begin(_)) { '+' } else { '-' };
        write!(f, "{sign} \"{}\"", self.topic().escape_ascii())
    }
}
