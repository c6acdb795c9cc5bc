//! A program tells its time to whoever asks (REP), and one asks another (REQ). A shell.

#![allow(
    clippy::disallowed_methods,
    reason = "a thread of its own: to wait for other work would lengthen the delay"
)]

use super::message::{NoMessage, Reply, Request};
use super::offset::{Offset, best};
use super::{same, wall};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use thiserror::Error;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::timeout;
use zeromq::{RepSocket, ReqSocket, Socket, SocketRecv, SocketSend, ZmqError, ZmqMessage};
use zmq::attach;
use zmq::door::Door;
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

/// A clock that others may ask, until it is dropped.
pub struct Clock {
    /// Where it is asked.
    pub endpoint: String,
    done: Receiver<()>,
    /// Dropped, it tells the thread to end.
    open: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// How long the last replies may take to leave.
const LEAVING: Duration = Duration::from_secs(1);

impl Clock {
    /// Tells the time at this endpoint.
    ///
    /// # Errors
    /// When the endpoint cannot be had.
    pub fn tell(at: &str) -> Result<Self, ClockError> {
        let (tell, told) = channel();
        let (is_done, done) = channel();
        let (open, mut closed) = oneshot::channel();
        let at = at.to_string();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let mut socket = RepSocket::new();
                // Strangers may come: the door does not believe the lengths that they announce.
                let door = match Door::open(&at, &mut socket).await {
                    Ok(door) => door,
                    Err(error) => {
                        let _ = tell.send(Err(error));
                        return;
                    }
                };
                let _ = tell.send(Ok(door.address.clone()));
                loop {
                    let message = tokio::select! {
                        message = socket.recv() => message,
                        _ = &mut closed => break,
                    };
                    let Ok(message) = message else { continue };
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
                drop(socket);
                // What does not leave in time is a reply to someone who does not read it.
                let _ = door.finish(LEAVING).await;
            });
        });
        let endpoint = told.recv().map_err(|_| ClockError::Impossible(0))??;
        Ok(Clock { endpoint, done, open, thread })
    }

    /// Waits until so many clients need no more, and ends. How many have said so in time.
    pub fn wait_for(self, clients: usize, patience: Duration) -> usize {
        let count = (0..clients).take_while(|_| self.done.recv_timeout(patience).is_ok()).count();
        drop(self.open);
        // The last replies may still be on their way out.
        let _ = self.thread.join();
        count
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
