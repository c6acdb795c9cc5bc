//! The discovery behind a ROUTER socket.

use super::{ShellError, bind};
use crate::door::Door;
use crate::middleware::discovery::{Answers, Client, Discovery, Expected};
use crate::middleware::message::{Answered, Endpoint, Response, Role, UNASKED, from_bytes, to_bytes};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use std::collections::BTreeMap;
use std::time::Duration;
use zeromq::{RouterSocket, Socket, SocketEvent, SocketRecv, SocketSend, ZmqMessage};

/// How long the discovery stays after the last answer, for those that have not hung up yet.
const LINGER: Duration = Duration::from_secs(2);

/// The discovery, and who is connected to it.
pub struct Desk {
    router: RouterSocket,
    _door: Door,
    events: BoxStream<'static, SocketEvent>,
    discovery: Discovery,
    expected: Expected,
    /// The frames before a client's requests, which must stand before its answers: its identity, and for a REQ an empty one.
    envelopes: BTreeMap<Client, Vec<Vec<u8>>>,
    clients: BTreeMap<Vec<u8>, Client>,
    /// How far it was when this was told last.
    told: (bool, bool, bool),
}

impl Desk {
    /// A discovery that listens there, and the port.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn open(endpoint: &Endpoint, expected: Expected) -> Result<(Self, u16), ShellError> {
        let mut router = RouterSocket::new();
        let events = router.monitor().boxed();
        let (door, port) = bind(&mut router, endpoint).await?;
        let desk = Desk {
            router,
            _door: door,
            events,
            discovery: Discovery::new(expected),
            expected,
            envelopes: BTreeMap::new(),
            clients: BTreeMap::new(),
            told: (false, false, false),
        };
        Ok((desk, port))
    }

    /// Serves until all participants are done and have hung up. What happens it tells `say`, a line each.
    ///
    /// # Errors
    /// When a participant goes too early, or all is not done `within` the time.
    pub async fn serve(
        mut self,
        within: Option<Duration>,
        mut say: impl FnMut(String),
    ) -> Result<(), ShellError> {
        let limit = tokio::time::sleep(within.unwrap_or(Duration::MAX));
        tokio::pin!(limit);
        loop {
            if self.told.2 || self.discovery.failure().is_some() {
                self.wait_for_the_last(&mut say).await;
                return match self.discovery.failure() {
                    None => Ok(()),
                    Some(why) => Err(ShellError::Failed(why.to_string())),
                };
            }
            tokio::select! {
                message = self.router.recv() => {
                    let answers = self.letter(message?, &mut say);
                    self.send(answers).await;
                }
                Some(event) = self.events.next() => {
                    if let SocketEvent::Disconnected(identity) = event {
                        let answers = self.hung_up(&identity, &mut say);
                        self.send(answers).await;
                    }
                }
                () = &mut limit => {
                    return Err(ShellError::TimedOut { within: within.unwrap_or_default(), what: self.waits_for() });
                }
            }
            self.tell(&mut say);
        }
    }

    /// A message has arrived: the client's envelope, and a request.
    fn letter(&mut self, message: ZmqMessage, say: &mut impl FnMut(String)) -> Answers {
        let mut frames: Vec<Vec<u8>> = message.into_vec().into_iter().map(|frame| frame.to_vec()).collect();
        let Some(request) = frames.pop() else { return Vec::new() };
        let Some(identity) = frames.first().cloned() else { return Vec::new() };
        let next = Client(self.clients.len() as u32);
        let client = *self.clients.entry(identity).or_insert(next);
        self.envelopes.insert(client, frames);
        match from_bytes("a request", &request) {
            Ok(asked) => {
                let known = self.discovery.name_of(client).is_some();
                let answers = self.discovery.asked(client, asked);
                if !known && let Some(name) = self.discovery.name_of(client) {
                    say(format!("{name} has registered: {}", self.standing()));
                }
                for (_, answered) in &answers {
                    if let Response::Refused(why) = &answered.response {
                        say(format!("refused: {why}"));
                    }
                }
                answers
            }
            Err(why) => {
                say(format!("refused: {why}"));
                vec![(client, Answered { number: UNASKED, response: Response::Refused(why) })]
            }
        }
    }

    fn hung_up(&mut self, identity: &[u8], say: &mut impl FnMut(String)) -> Answers {
        let Some(client) = self.clients.get(identity).copied() else { return Vec::new() };
        self.envelopes.remove(&client);
        if let Some(name) = self.discovery.name_of(client)
            && !self.told.2
        {
            say(format!("{name} has hung up"));
        }
        self.discovery.gone(client)
    }

    async fn send(&mut self, answers: Answers) {
        for (client, answered) in answers {
            let Some(envelope) = self.envelopes.get(&client) else { continue };
            let mut message = ZmqMessage::from(to_bytes(&answered));
            for frame in envelope.iter().rev() {
                message.push_front(frame.clone().into());
            }
            // Who has hung up needs no answer; that it has, the monitor tells.
            let _ = self.router.send(message).await;
        }
    }

    fn tell(&mut self, say: &mut impl FnMut(String)) {
        let now = self.discovery.progress();
        for (was, is, what) in [
            (self.told.0, now.0, "all have registered"),
            (self.told.1, now.1, "all subscriptions are in force: publishers begin"),
            (self.told.2, now.2, "all are done"),
        ] {
            if is && !was {
                say(what.to_string());
            }
        }
        self.told = now;
    }

    fn standing(&self) -> String {
        let of = |(role, here, all): (Role, u32, u32)| (all > 0).then(|| format!("{role}s {here} of {all}"));
        let all: Vec<String> = self.discovery.standing().into_iter().filter_map(of).collect();
        all.join(", ")
    }

    fn waits_for(&self) -> String {
        match self.discovery.progress() {
            (false, ..) => format!("all to register: {}", self.standing()),
            (_, false, _) => format!(
                "subscriptions of {} subscribers to be in force",
                self.expected.subscribers + self.expected.of(Role::Broker)
            ),
            _ => "all to be done".to_string(),
        }
    }

    /// A socket that is dropped takes along what has not been sent: so it stays until all that were answered have hung up.
    async fn wait_for_the_last(&mut self, say: &mut impl FnMut(String)) {
        let linger = tokio::time::sleep(LINGER);
        tokio::pin!(linger);
        while !self.envelopes.is_empty() {
            tokio::select! {
                Some(event) = self.events.next() => {
                    if let SocketEvent::Disconnected(identity) = event
                        && let Some(client) = self.clients.get(&identity[..])
                    {
                        self.envelopes.remove(client);
                    }
                }
                // The socket notices who hangs up only while it reads. Who asks meanwhile is told how it ended: a REQ drops what came before it asked.
                message = self.router.recv() => if let Ok(message) = message {
                    let answers = self.letter(message, say);
                    self.send(answers).await;
                },
                () = &mut linger => return,
            }
        }
    }
}
