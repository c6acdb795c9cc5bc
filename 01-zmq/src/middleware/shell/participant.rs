//! A participant's sockets: a DEALER to the discovery, an XPUB if it can be heard, a SUB for what it hears.

use super::{ShellError, bind, connect, now_us};
use crate::door::Door;
use crate::middleware::message::{Answered, Endpoint, Publication, from_bytes, to_bytes};
use crate::middleware::participant::Participant;
use crate::middleware::topic::Topic;
use crate::middleware::turn::{Effect, Event, Output, Timer, Turn};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use simnet::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};
use zeromq::{DealerSocket, Socket, SocketEvent, SocketRecv, SocketSend, SubSocket, XPubSocket, ZmqMessage};

/// A subscriber that takes nothing for so long has failed. An XPUB waits for it, and everybody with it.
const SLOWEST: Duration = Duration::from_secs(10);

/// The sockets of a participant.
pub struct Sockets {
    discovery: Endpoint,
    dealer: DealerSocket,
    events: BoxStream<'static, SocketEvent>,
    publish: Option<(XPubSocket, Door)>,
    hear: SubSocket,
    /// Where it has connected to hear.
    connected: BTreeSet<Endpoint>,
    subscribed: BTreeSet<Topic>,
    /// How long it waits for somebody to be there.
    patience: Duration,
}

impl Sockets {
    /// Opens the sockets: connects to the discovery, and listens at `endpoint` if it can be heard. Returns the port, too.
    ///
    /// # Errors
    /// When it cannot listen, or no discovery is there within `patience`.
    pub async fn open(
        discovery: &Endpoint,
        endpoint: Option<&Endpoint>,
        patience: Duration,
    ) -> Result<(Self, u16), ShellError> {
        let mut publish = None;
        let mut port = 0;
        if let Some(endpoint) = endpoint {
            let mut socket = XPubSocket::new();
            let (door, own) = bind(&mut socket, endpoint).await?;
            port = own;
            publish = Some((socket, door));
        }
        let mut dealer = DealerSocket::new();
        let events = dealer.monitor().boxed();
        connect(&mut dealer, discovery, patience)
            .await
            .map_err(|error| ShellError::NoDiscovery { endpoint: discovery.clone(), error })?;
        let sockets = Sockets {
            discovery: discovery.clone(),
            dealer,
            events,
            publish,
            hear: SubSocket::new(),
            connected: BTreeSet::new(),
            subscribed: BTreeSet::new(),
            patience,
        };
        Ok((sockets, port))
    }

    /// Subscribes. One SUB hears from all publishers: what it subscribes to it subscribes to at each of them, also at those to which it
    /// connects later.
    async fn subscribe(&mut self, endpoint: Endpoint, topic: Topic) -> Result<(), ShellError> {
        if self.subscribed.insert(topic) {
            self.hear.subscribe(topic.name()).await?;
        }
        if self.connected.insert(endpoint.clone()) {
            connect(&mut self.hear, &endpoint, self.patience)
                .await
                .map_err(|error| ShellError::NoPublisher { endpoint, error })?;
        }
        Ok(())
    }

    async fn publish(&mut self, publication: &Publication) -> Result<(), ShellError> {
        let Some((socket, _)) = &mut self.publish else { return Ok(()) };
        let [topic, body] = publication.to_frames();
        let mut message = ZmqMessage::from(topic);
        message.push_back(body.into());
        timeout(SLOWEST, socket.send(message)).await.map_err(|_| ShellError::SlowSubscriber(SLOWEST))??;
        Ok(())
    }

    async fn ask(&mut self, bytes: Vec<u8>) -> Result<(), ShellError> {
        let gone = |_| ShellError::DiscoveryGone(self.discovery.clone());
        self.dealer.send(ZmqMessage::from(bytes)).await.map_err(gone)
    }

    /// What happens next, or an error line for what was no message of ours.
    async fn next(&mut self) -> Result<Result<Event, String>, ShellError> {
        let Sockets { dealer, events, publish, hear, connected, .. } = self;
        let subscription = async {
            match publish {
                Some((socket, _)) => socket.recv().await,
                None => pending().await,
            }
        };
        let publication = async { if connected.is_empty() { pending().await } else { hear.recv().await } };
        tokio::select! {
            message = dealer.recv() => {
                let frames = message?.into_vec();
                let answer = frames.last().map_or(&[][..], |frame| &frame[..]);
                Ok(from_bytes::<Answered>("an answer of the discovery", answer).map(Event::Answered))
            }
            Some(SocketEvent::Disconnected(_)) = events.next() => {
                Err(ShellError::DiscoveryGone(self.discovery.clone()))
            }
            message = subscription => Ok(match message {
                Ok(message) => subscribed_to(&message),
                // A subscriber that hangs up in the middle of a word is no reason to end.
                Err(error) => Err(format!("a subscriber has failed: {error}")),
            }),
            message = publication => Ok(match message {
                Ok(message) => Publication::from_frames(&message.into_vec()).map(Event::Heard),
                Err(error) => Err(format!("a publisher has failed: {error}")),
            }),
        }
    }
}

/// The topic of a subscription, as an XPUB sees it: a byte 1, then the topic.
fn subscribed_to(message: &ZmqMessage) -> Result<Event, String> {
    let frame = message.get(0).map_or(&[][..], |frame| &frame[..]);
    match frame.split_first() {
        Some((1, topic)) => String::from_utf8_lossy(topic).parse().map(Event::Subscription),
        Some((0, _)) => Err("somebody has unsubscribed".to_string()),
        _ => Err(format!("read {} bytes of a subscriber, expected a subscription", frame.len())),
    }
}

/// Takes part until all are done. What the participant tells goes to `tell`, and what others send that is no message to `odd`.
///
/// # Errors
/// When the discovery refuses or goes, somebody cannot be reached, or all is not done `within` the time.
pub async fn take_part(
    mut participant: Participant,
    mut sockets: Sockets,
    mut random: Random,
    within: Option<Duration>,
    mut tell: impl FnMut(&Output),
    mut odd: impl FnMut(String),
) -> Result<(), ShellError> {
    let limit = within.map(|within| Instant::now() + within);
    let mut due: BTreeMap<Timer, Instant> = BTreeMap::new();
    let mut event = Event::Start;
    loop {
        let mut effects = Vec::new();
        participant.on(event, &mut Turn { now_us: now_us(), random: &mut random, effects: &mut effects });
        for effect in effects {
            match effect {
                Effect::Ask(asked) => sockets.ask(to_bytes(&asked)).await?,
                Effect::Subscribe(endpoint, topic) => sockets.subscribe(endpoint, topic).await?,
                Effect::Publish(publication) => sockets.publish(&publication).await?,
                Effect::SetTimer(timer, after) => drop(due.insert(timer, Instant::now() + after)),
                Effect::CancelTimer(timer) => drop(due.remove(&timer)),
                Effect::Tell(Output::Refused(why)) => return Err(ShellError::Refused(why)),
                Effect::Tell(output) => tell(&output),
                Effect::Note(note) => odd(note),
            }
        }
        if participant.is_over() {
            return Ok(());
        }
        event = loop {
            let next = due.iter().min_by_key(|(_, at)| **at).map(|(timer, at)| (*timer, *at));
            let alarm = async {
                match next {
                    Some((_, at)) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            let over = async {
                match limit {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                event = sockets.next() => match event? {
                    Ok(event) => break event,
                    Err(why) => odd(why),
                },
                () = alarm => {
                    if let Some((timer, _)) = next {
                        due.remove(&timer);
                        break Event::Alarm(timer);
                    }
                }
                () = over => {
                    let what = participant.waits_for().unwrap_or_default();
                    return Err(ShellError::TimedOut { within: within.unwrap_or_default(), what });
                }
            }
        };
    }
}
