//! A program tells its time to whoever asks (REP), and one asks another (REQ). A shell.

#![allow(
    clippy::disallowed_methods,
    reason = "a thread of its own: to wait for other work would lengthen the delay"
)]

use super::message::{NoMessage, Reply, Request};
use super::offset::{Offset, best};
use super::{same, wall};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use thiserror::Error;
use tokio::runtime::Builder;
use tokio::time::timeout;
use zeromq::{RepSocket, ReqSocket, Socket, SocketRecv, SocketSend, ZmqError, ZmqMessage};
use zmq::attach;
use zmq::endpoint::{self, EndpointError};

/// How far a clock may be from ours. Times are counted for 292 years on either side of 1970, and differences must fit.
const MOST_YEARS: u64 = 100;
const YEAR_NS: u64 = 31_556_952_000_000_000;

/// Why a clock cannot be asked.
#[derive(Debug, Error)]
pub enum ClockError {
    /// Nobody is there.
    #[error(transparent)]
    Attach(#[from] EndpointError),
    /// The socket cannot go on.
    #[error("could not ask for the time: {0}")]
    Broken(#[from] ZmqError),
    /// What answers is no clock.
    #[error(transparent)]
    NoMessage(#[from] NoMessage),
    /// Nobody answers.
    #[error("no clock answers at {0} within {1:?}; is the publisher still running?")]
    Silent(String, Duration),
    /// No exchange could be used.
    #[error("of {0} answers none was possible: a clock was set meanwhile; try again")]
    Impossible(usize),
    /// Its time is none.
    #[error(
        "the clock at {0} is {1} years away from ours, expected less than {MOST_YEARS}; set it (NTP), or is it no clock?"
    )]
    Absurd(String, u64),
    /// The thread could not start.
    #[error("could not start: {0}")]
    Start(#[from] std::io::Error),
}

/// A clock that others may ask. Its thread ends with the program.
pub struct Clock {
    /// Where it is asked.
    pub endpoint: String,
    done: Receiver<()>,
}

impl Clock {
    /// Tells the time at this endpoint.
    ///
    /// # Errors
    /// When the endpoint cannot be had.
    pub fn tell(at: &str) -> Result<Self, ClockError> {
        let (tell, told) = channel();
        let (is_done, done) = channel();
        let at = at.to_string();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || {
            runtime.block_on(async {
                let mut socket = RepSocket::new();
                let bound = endpoint::bind(&mut socket, &at).await;
                let is_bound = bound.is_ok();
                if tell.send(bound).is_err() || !is_bound {
                    return;
                }
                loop {
                    let Ok(message) = socket.recv().await else { continue };
                    let t2 = wall::now_ns();
                    let request = Request::read(&attach::frames(message).concat());
                    let reply = match &request {
                        Ok(Request::Time(t1)) => {
                            let machine = same::machine();
                            Reply { t1: *t1, t2, t3: wall::now_ns(), machine }.to_bytes()
                        }
                        Ok(Request::Done) => b"bye".to_vec(),
                        Err(error) => error.to_string().into_bytes(),
                    };
                    // Who asked may have gone.
                    let _ = socket.send(ZmqMessage::from(reply)).await;
                    // Only now: the program may end when it hears of it, and the reply with it.
                    if request == Ok(Request::Done) {
                        let _ = is_done.send(());
                    }
                }
            });
        });
        let endpoint = told.recv().map_err(|_| ClockError::Impossible(0))??;
        Ok(Clock { endpoint, done })
    }

    /// Waits until so many clients need no more. How many have said so in time.
    pub fn wait_for(&self, clients: usize, patience: Duration) -> usize {
        (0..clients).take_while(|_| self.done.recv_timeout(patience).is_ok()).count()
    }
}

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The best estimate.
    pub offset: Offset,
    /// Whether it is the same clock; then the true offset is 0.
    pub same: bool,
}

/// Who asks a clock.
pub struct Asker {
    socket: ReqSocket,
    endpoint: String,
    patience: Duration,
}

impl Asker {
    /// Connects to a clock.
    ///
    /// # Errors
    /// When nobody is there.
    pub async fn connect(at: &str, patience: Duration) -> Result<Self, ClockError> {
        let mut socket = ReqSocket::new();
        endpoint::connect(&mut socket, at, patience).await?;
        Ok(Asker { socket, endpoint: at.to_string(), patience })
    }

    async fn say(&mut self, request: &Request) -> Result<Vec<u8>, ClockError> {
        self.socket.send(ZmqMessage::from(request.to_bytes())).await?;
        match timeout(self.patience, self.socket.recv()).await {
            Ok(message) => Ok(attach::frames(message?).concat()),
            Err(_) => Err(ClockError::Silent(self.endpoint.clone(), self.patience)),
        }
    }

    /// Asks so many times, and takes the best.
    ///
    /// # Errors
    /// When no answer comes, or none can be.
    pub async fn ask(&mut self, times: usize) -> Result<Answer, ClockError> {
        let (ours, mut theirs) = (same::machine(), String::new());
        let mut exchanges = Vec::new();
        for _ in 0..times.max(1) {
            let t1 = wall::now_ns();
            let reply = self.say(&Request::Time(t1)).await?;
            let t4 = wall::now_ns();
            let reply = Reply::read(&reply)?;
            exchanges.extend(reply.exchange(t1, t4));
            theirs = reply.machine;
        }
        let offset = best(&exchanges).ok_or(ClockError::Impossible(exchanges.len()))?;
        let years = offset.offset_ns.unsigned_abs() / YEAR_NS;
        if years >= MOST_YEARS {
            return Err(ClockError::Absurd(self.endpoint.clone(), years));
        }
        Ok(Answer { offset, same: same::same_clock(&ours, &theirs) })
    }

    /// Says that no more is needed.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn done(mut self) -> Result<(), ClockError> {
        self.say(&Request::Done).await.map(|_| ())
    }
}
