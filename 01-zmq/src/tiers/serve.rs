//! A tier with its sockets: ROUTER in front, a DEALER for each next tier. A shell.

use super::tier::{Refused, Step, Tier};
use crate::attach;
use crate::endpoint::{self, EndpointError};
use crate::envelope::Frames;
use crate::reconnect::{Arrival, Away, Dealer};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::sleep;
use zeromq::{RouterSocket, Socket, SocketRecv, SocketSend};

/// How many messages may wait for a task of this tier; then the sender waits.
const WAITING: usize = 1000;

/// What a tier is told at its start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name.
    pub name: String,
    /// Where to listen.
    pub listen: String,
    /// Those behind it.
    pub next: Vec<String>,
    /// How long a request takes here.
    pub work: Duration,
    /// How long it waits for the next tiers at its start.
    pub patience: Duration,
}

/// What happens at a tier.
#[derive(Debug)]
pub enum Event {
    /// A request went on to the next tier of this number.
    Forwarded(usize, String),
    /// A request was answered here.
    Answered(String),
    /// A reply went back.
    Replied(String),
    /// A request was dropped.
    Refused(Refused),
    /// A reply was dropped: whoever asked has gone.
    NobodyAsks,
    /// The next tier of this number has gone.
    Lost(usize),
    /// The next tier of this number has come back.
    Back(usize),
}

/// What comes from behind.
enum Behind {
    Arrival(usize, Arrival),
    /// Not handed over; it goes to another.
    Away(usize, Frames),
}

/// A tier that listens.
pub struct Server {
    front: RouterSocket,
    endpoint: String,
    settings: Settings,
    next: Vec<Dealer>,
}

impl Server {
    /// Connects to the next tiers, then listens.
    ///
    /// # Errors
    /// When a next tier is not there, or the endpoint cannot be had.
    pub async fn bind(settings: Settings) -> Result<Self, EndpointError> {
        let mut next = Vec::new();
        for endpoint in &settings.next {
            next.push(Dealer::connect(endpoint, settings.patience).await?);
        }
        let mut front = RouterSocket::new();
        let endpoint = endpoint::bind(&mut front, &settings.listen).await?;
        Ok(Server { front, endpoint, settings, next })
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Serves until it is dropped.
    pub async fn serve(self, mut observe: impl FnMut(Event)) {
        let Server { mut front, settings, next, .. } = self;
        let mut tier = Tier::new(&settings.name, next.len());
        // Ends with this future: no task outlives its tier.
        let mut tasks = JoinSet::new();
        let (told, mut behind) = channel(WAITING);
        let (done, mut worked) = channel::<Frames>(WAITING);
        let mut orders = Vec::new();
        for (number, dealer) in next.into_iter().enumerate() {
            let (order, ordered) = channel(WAITING);
            tasks.spawn(link(number, dealer, ordered, told.clone()));
            orders.push(order);
        }
        loop {
            let request = tokio::select! {
                asked = front.recv() => match asked {
                    Ok(message) if settings.work.is_zero() => attach::frames(message),
                    Ok(message) => {
                        let (done, work) = (done.clone(), settings.work);
                        tasks.spawn(async move {
                            sleep(work).await;
                            let _ = done.send(attach::frames(message)).await;
                        });
                        continue;
                    }
                    Err(_) => continue,
                },
                Some(request) = worked.recv() => request,
                Some(behind) = behind.recv() => match behind {
                    Behind::Arrival(_, Arrival::Message(reply)) => {
                        let text = last(&reply);
                        let sent = front.send(attach::message(reply)).await;
                        observe(if sent.is_ok() { Event::Replied(text) } else { Event::NobodyAsks });
                        continue;
                    }
                    Behind::Arrival(number, Arrival::Lost) => {
                        tier.next.lost(number);
                        observe(Event::Lost(number));
                        continue;
                    }
                    Behind::Arrival(number, Arrival::Back) => {
                        tier.next.back(number);
                        observe(Event::Back(number));
                        continue;
                    }
                    Behind::Away(number, frames) => {
                        tier.next.lost(number);
                        match tier.next.turn() {
                            Some(to) => _ = orders[to].send(frames).await,
                            None => observe(Event::Refused(Refused::NobodyNext { count: orders.len() })),
                        }
                        continue;
                    }
                },
                // Tasks that have worked are done with.
                Some(_) = tasks.join_next() => continue,
            };
            match tier.request(request) {
                Ok(Step::Reply(frames)) => {
                    let text = last(&frames);
                    let sent = front.send(attach::message(frames)).await;
                    observe(if sent.is_ok() { Event::Answered(text) } else { Event::NobodyAsks });
                }
                Ok(Step::Forward(to, frames)) => {
                    let text = last(&frames);
                    let _ = orders[to].send(frames).await;
                    observe(Event::Forwarded(to, text));
                }
                Err(refused) => observe(Event::Refused(refused)),
            }
        }
    }
}

/// Sends what is ordered, and tells what arrives.
async fn link(number: usize, mut dealer: Dealer, mut ordered: Receiver<Frames>, told: Sender<Behind>) {
    loop {
        let tell = tokio::select! {
            order = ordered.recv() => match order {
                None => return,
                Some(frames) => match dealer.send(frames).await {
                    Ok(()) => continue,
                    Err(Away(frames)) => Behind::Away(number, frames),
                },
            },
            arrival = dealer.recv() => Behind::Arrival(number, arrival),
        };
        if told.send(tell).await.is_err() {
            return;
        }
    }
}

fn last(frames: &Frames) -> String {
    frames.last().map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default()
}
