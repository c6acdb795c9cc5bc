//! A tier with its sockets: ROUTER in front, a DEALER for each next tier. A shell.

use super::flight::InFlight;
use super::tier::{Refused, Step, Tier, refusal};
use crate::attach;
use crate::door::Door;
use crate::endpoint::EndpointError;
use crate::envelope::{Envelope, Frames};
use crate::reconnect::{Arrival, Away, Dealer};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use zeromq::{RouterSocket, Socket, SocketRecv, SocketSend};

/// How many requests may be in this tier, or on their way behind it. The others wait where they come from.
const MOST: usize = 1000;
/// After so long a request without a reply makes room for another. Should its reply still come, it is passed on.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(10);

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
    /// A request was refused; who asked was told, where there was a way back.
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
    /// Not handed over; it goes to another, if there is one.
    Away(usize, Frames),
}

/// A tier that listens.
pub struct Server {
    front: RouterSocket,
    door: Door,
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
        let door = Door::open(&settings.listen, &mut front).await?;
        Ok(Server { front, door, settings, next })
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &str {
        &self.door.address
    }

    /// Serves until it is dropped.
    ///
    /// This loop empties the channel that the tasks of the next tiers fill, so it must never wait for one that they empty: it takes in no more
    /// requests than those hold. What does not come in waits at the clients, and they feel it.
    pub async fn serve(self, mut observe: impl FnMut(Event)) {
        let Server { mut front, settings, next, door: _door } = self;
        let mut tier = Tier::new(&settings.name, next.len());
        let (start, mut flight) = (Instant::now(), InFlight::new(next.len(), GIVEN_UP_AFTER));
        // Ends with this future: no task outlives its tier.
        let mut tasks = JoinSet::new();
        let (told, mut behind) = channel(MOST);
        let mut orders = Vec::new();
        for (number, dealer) in next.into_iter().enumerate() {
            let (order, ordered) = channel(MOST);
            tasks.spawn(link(number, dealer, ordered, told.clone()));
            orders.push(order);
        }
        let mut working = FuturesUnordered::new();
        loop {
            let has_room = flight.count(start.elapsed()) + working.len() < MOST;
            let given_up = flight.next_given_up().unwrap_or_default();
            let step = tokio::select! {
                asked = front.recv(), if has_room => match asked {
                    Ok(message) if settings.work.is_zero() => tier.request(attach::frames(message)),
                    Ok(message) => {
                        working.push(work(settings.work, attach::frames(message)));
                        continue;
                    }
                    Err(_) => continue,
                },
                // Somebody never answers: that makes room, too.
                () = sleep_until(start + given_up), if !has_room && !given_up.is_zero() => continue,
                Some(request) = working.next() => tier.request(request),
                Some(behind) = behind.recv() => match behind {
                    Behind::Arrival(number, Arrival::Message(reply)) => {
                        flight.ended(number);
                        let text = last(&reply);
                        let sent = front.send(attach::message(reply)).await;
                        observe(if sent.is_ok() { Event::Replied(text) } else { Event::NobodyAsks });
                        continue;
                    }
                    Behind::Arrival(number, Arrival::Lost) => {
                        tier.next.lost(number);
                        flight.lost(number);
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
                        flight.ended(number);
                        tier.again(frames)
                    }
                },
            };
            match step {
                Ok(Step::Reply(frames)) => {
                    let text = last(&frames);
                    let sent = front.send(attach::message(frames)).await;
                    observe(if sent.is_ok() { Event::Answered(text) } else { Event::NobodyAsks });
                }
                Ok(Step::Forward(to, frames)) => {
                    let text = last(&frames);
                    match hand_over(&orders[to], to, frames) {
                        Ok(()) => {
                            flight.sent(to, start.elapsed());
                            observe(Event::Forwarded(to, text));
                        }
                        Err((why, frames)) => {
                            let _ = front.send(attach::message(frames)).await;
                            observe(Event::Refused(why));
                        }
                    }
                }
                Ok(Step::Refuse(why, frames)) => {
                    let _ = front.send(attach::message(frames)).await;
                    observe(Event::Refused(why));
                }
                Err(why) => observe(Event::Refused(why.into())),
            }
        }
    }
}

/// Hands a request to the task of next tier `to`. Those that were given up count no more, and may still stand in its channel: what has no room
/// comes back as a refusal.
fn hand_over(order: &Sender<Frames>, to: usize, request: Frames) -> Result<(), (Refused, Frames)> {
    order.try_send(request).map_err(|full| {
        let why = Refused::TakesNoMore { next: to };
        let request = Envelope::open(full.into_inner()).expect("what goes on has a way back");
        let told = refusal(request, &why);
        (why, told)
    })
}

/// A request that takes its time.
async fn work(time: Duration, request: Frames) -> Frames {
    sleep(time).await;
    request
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asked_is_told_when_the_next_tier_takes_no_more() {
        let sealed = |text: &str| Envelope { path: vec![b"id".into()], body: vec![text.into()] }.seal();
        let (order, mut ordered) = channel(1);
        assert_eq!(hand_over(&order, 3, sealed("first")), Ok(()));
        let why = Refused::TakesNoMore { next: 3 };
        let told = sealed("error: next tier 3 takes no more; the client asks again, or ends");
        assert_eq!(hand_over(&order, 3, sealed("second")), Err((why, told)));
        assert_eq!(ordered.try_recv(), Ok(sealed("first")));
        assert_eq!(hand_over(&order, 3, sealed("third")), Ok(()), "there is room again");
    }
}
