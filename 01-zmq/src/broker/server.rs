//! A server behind the broker: many requests at once, each answered when it is done. A shell.

use crate::endpoint::EndpointError;
use crate::envelope::{Envelope, Frames, NoEnvelope};
use crate::reconnect::{Arrival, Dealer};
use simnet::delay::Delay;
use simnet::random::{Purpose, Random};
use std::time::Duration;
use tokio::sync::mpsc::channel;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How many answers may wait to be sent.
const WAITING: usize = 1000;

/// What a server is told at its start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name, which stands in its answers.
    pub name: String,
    /// Where the broker's servers connect to.
    pub broker: String,
    /// How long a request takes.
    pub work: Delay,
    /// What the lengths are drawn from.
    pub seed: u64,
    /// How long it waits for the broker at its start.
    pub patience: Duration,
}

/// What happens at a server.
#[derive(Debug)]
pub enum Event {
    /// An answer was sent.
    Answered(String),
    /// A request was dropped.
    Refused(NoEnvelope),
    /// The broker has gone; answers to what it asked are lost with it.
    Lost,
    /// The broker has come back.
    Back,
}

/// A server, connected.
pub struct Server {
    dealer: Dealer,
    settings: Settings,
}

impl Server {
    /// Connects to the broker.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn connect(settings: Settings) -> Result<Self, EndpointError> {
        let dealer = Dealer::connect(&settings.broker, settings.patience).await?;
        Ok(Server { dealer, settings })
    }

    /// Serves until it is dropped.
    pub async fn serve(self, mut observe: impl FnMut(Event)) {
        let Server { mut dealer, settings } = self;
        let mut random = Random::new(settings.seed, Purpose::Workload);
        let mut tasks = JoinSet::new();
        let (done, mut worked) = channel::<Frames>(WAITING);
        loop {
            tokio::select! {
                arrival = dealer.recv() => match arrival {
                    Arrival::Message(request) => match answer(&settings.name, request) {
                        Ok(reply) => {
                            let work = Duration::from_micros(settings.work.draw_us(&mut random));
                            let done = done.clone();
                            tasks.spawn(async move {
                                sleep(work).await;
                                let _ = done.send(reply).await;
                            });
                        }
                        Err(refused) => observe(Event::Refused(refused)),
                    },
                    Arrival::Lost => observe(Event::Lost),
                    Arrival::Back => observe(Event::Back),
                },
                Some(reply) = worked.recv() => {
                    let text = reply.last().map(|text| String::from_utf8_lossy(text).into_owned());
                    if dealer.send(reply).await.is_ok() {
                        observe(Event::Answered(text.unwrap_or_default()));
                    }
                },
                Some(_) = tasks.join_next() => {}
            }
        }
    }
}

/// The reply to a request: the same way back, another body.
fn answer(name: &str, request: Frames) -> Result<Frames, NoEnvelope> {
    let mut envelope = Envelope::open(request)?;
    let text = envelope.body.concat();
    envelope.body = vec![[name.as_bytes(), b"->", &text].concat()];
    Ok(envelope.seal())
}
