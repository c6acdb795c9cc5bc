//! Both sides at once: publications go down, subscriptions go up, and both are seen.

use super::inspector::{Inspector, Verdict};
use super::subscriptions::Subscriptions;
use crate::weather::publisher::{Heard, hear};
use crate::weather::subscription::Subscription;
use std::convert::Infallible;
use zeromq::{SocketRecv, SocketSend, XPubSocket, XSubSocket, ZmqMessage};

/// What a proxy sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A publication: how it began when it came, and what has become of it.
    Publication(Vec<u8>, Verdict),
    /// A subscription, and what went up because of it.
    Subscription(Subscription, Vec<Subscription>),
    /// A subscriber has sent something else. The proxy goes on.
    Malformed(String),
    /// A connection broke, perhaps over bytes that are no ZeroMQ. The proxy goes on.
    Broken(String),
}

/// Passes on what comes from either side, for ever.
pub async fn proxy(
    publishers: &mut XSubSocket,
    subscribers: &mut XPubSocket,
    inspector: &mut Inspector,
    mut told: impl FnMut(Seen, &Inspector),
) -> Infallible {
    let mut subscriptions = Subscriptions::default();
    loop {
        // solution: begin — Part B: poll both sides
        let seen = tokio::select! {
            publication = publishers.recv() => match publication {
                Ok(publication) => down(publication, subscribers, inspector).await,
                Err(error) => Seen::Broken(error.to_string()),
            },
            message = subscribers.recv() => match hear(message) {
                Heard::Subscription(subscription) => {
                    up(subscription, publishers, inspector, &mut subscriptions).await
                }
                Heard::Malformed(why) => Seen::Malformed(why),
                Heard::Broken(why) => Seen::Broken(why),
            },
        };
        told(seen, inspector);
        // solution: end
    }
}

/// A publication goes to the subscribers, if it may.
async fn down(publication: ZmqMessage, subscribers: &mut XPubSocket, inspector: &mut Inspector) -> Seen {
    let bytes = publication.iter().map(|frame| frame.len() as u64).sum();
    let mut frames = publication.into_vec();
    let Some(begin) = frames.first_mut() else {
        return Seen::Malformed("a message without parts".to_string());
    };
    let came = begin.to_vec();
    let mut first = came.clone();
    let verdict = inspector.inspect(&mut first, bytes);
    *begin = first.into();
    if verdict != Verdict::Dropped
        && let Ok(publication) = ZmqMessage::try_from(frames)
        && let Err(error) = subscribers.send(publication).await
    {
        return Seen::Broken(error.to_string());
    }
    Seen::Publication(came, verdict)
}

/// A subscription goes to the publishers, if it is news to them.
async fn up(
    subscription: Subscription,
    publishers: &mut XSubSocket,
    inspector: &Inspector,
    subscriptions: &mut Subscriptions,
) -> Seen {
    let wanted = inspector.upstream(&subscription);
    let news: Vec<Subscription> =
        wanted.iter().filter_map(|subscription| subscriptions.change(subscription)).collect();
    for subscription in &news {
        // The crate remembers subscriptions, and tells them to publishers that come later: also where one has just gone.
        let _ = publishers.send(ZmqMessage::from(subscription.to_bytes())).await;
    }
    Seen::Subscription(subscription, news)
}
