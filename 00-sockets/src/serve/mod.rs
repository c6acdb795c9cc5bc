//! The server, in four models. All speak the same protocol; they differ in whom a slow client keeps waiting.
//!
//! | model | a connection has | a slow client keeps waiting |
//! |---|---|---|
//! | [`iterative`] | the whole server, until it is over | everybody |
//! | [`threads`] | a thread | its thread |
//! | [`poll`] | a place in a table | nobody |
//! | [`asynchronous`] | a task | nobody |
//!
//! This is a shell: it has sockets, threads and a clock.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a server of real sockets has threads and a clock"
)]

pub mod asynchronous;
pub mod iterative;
pub mod poll;
pub mod session;
pub mod threads;

use crate::stream::StreamError;
use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How connections are served side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Model {
    /// One after the other.
    Iterative,
    /// A thread each.
    Threads,
    /// One thread that asks the operating system which of them are ready.
    Poll,
    /// A task each, on tokio.
    Async,
}

impl Model {
    /// All models.
    pub const ALL: [Model; 4] = [Model::Iterative, Model::Threads, Model::Poll, Model::Async];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Model::Iterative => "iterative",
            Model::Threads => "threads",
            Model::Poll => "poll",
            Model::Async => "async",
        }
    }
}

impl FromStr for Model {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Model::ALL.into_iter().find(|model| model.name() == text).ok_or_else(|| {
            format!("read the model `{text}`, expected one of: {}", Model::ALL.map(Model::name).join(", "))
        })
    }
}

impl std::fmt::Display for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What a server allows its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The longest payload of a frame, in bytes.
    pub longest_frame: usize,
    /// How long a connection may be silent, or not take what is written to it, before it is closed.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { longest_frame: 1024, patience: Duration::from_secs(30) }
    }
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client said that it was the last request, by closing its side.
    Done,
    /// The client broke the protocol; it was told so.
    Refused(String),
    /// The client was silent for too long.
    Silent,
    /// The client vanished, or what it sent ended within a frame.
    Gone(String),
}

impl Ending {
    /// What a session that ended so means.
    pub fn of(result: &Result<(), StreamError>) -> Self {
        use io::ErrorKind::{TimedOut, WouldBlock};
        match result {
            Ok(()) => Ending::Done,
            Err(StreamError::TooLong(why)) => Ending::Refused(why.to_string()),
            // A blocking socket whose time is up says `WouldBlock` on Linux, `TimedOut` elsewhere.
            Err(StreamError::Io(error)) if matches!(error.kind(), TimedOut | WouldBlock) => Ending::Silent,
            Err(error) => Ending::Gone(error.to_string()),
        }
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ending::Done => f.write_str("done"),
            Ending::Refused(why) => write!(f, "refused: {why}"),
            Ending::Silent => f.write_str("silent for too long, closed"),
            Ending::Gone(why) => write!(f, "gone: {why}"),
        }
    }
}

/// What happens at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A connection was taken from the backlog.
    Accepted(SocketAddr),
    /// A request was answered.
    Answered(SocketAddr),
    /// A connection is over.
    Closed(SocketAddr, Ending),
    /// A connection could not be taken; the server goes on.
    NotAccepted(String),
}

/// Is told what happens.
pub type Observer = Arc<dyn Fn(Event) + Send + Sync>;

/// A server's surroundings: what each model is given beside its listener.
#[derive(Clone)]
pub struct House {
    /// What clients may do.
    pub settings: Settings,
    /// Who is told what happens.
    pub observer: Observer,
    /// Whether to stop. It is looked at after each accepted connection.
    pub stop: Arc<AtomicBool>,
}

impl House {
    /// Tells the observer.
    pub fn tell(&self, event: Event) {
        (self.observer)(event);
    }

    /// Whether to stop.
    pub fn is_closing(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

/// A socket that listens on `address`, with a backlog of `backlog` connections that nobody has accepted yet.
///
/// `SO_REUSEADDR` lets a server start again at once on its port: without it, connections of its former life that are still in
/// `TIME_WAIT` keep the port for a minute.
///
/// # Errors
/// When the port is taken, or the operating system says no.
pub fn listen(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    // solution: begin — Part C: a socket that listens
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    Ok(socket.into())
    // solution: end
}

/// Serves until the house closes.
///
/// # Errors
/// When the listener fails for good.
pub fn serve(model: Model, listener: TcpListener, house: &House) -> io::Result<()> {
    match model {
        Model::Iterative => iterative::serve(&listener, house),
        Model::Threads => threads::serve(&listener, house),
        Model::Poll => poll::serve(&listener, house),
        Model::Async => asynchronous::serve(listener, house),
    }
}

/// Takes connections from the backlog and hands each to `take`, until the house closes.
///
/// # Errors
/// When the listener fails for good.
fn accept_each(
    listener: &TcpListener,
    house: &House,
    mut take: impl FnMut(TcpStream, SocketAddr),
) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok(_) if house.is_closing() => return Ok(()),
            Ok((stream, peer)) => {
                house.tell(Event::Accepted(peer));
                take(stream, peer);
            }
            Err(error) => not_accepted(error, house)?,
        }
    }
}

/// Goes on after a connection that was lost before it was accepted, and while there are too many open files; fails otherwise.
fn not_accepted(error: io::Error, house: &House) -> io::Result<()> {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    let out_of_files =
        [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE].map(|errno| Some(errno.raw_os_error()));
    if out_of_files.contains(&error.raw_os_error()) {
        house
            .tell(Event::NotAccepted(format!("{error}; raise the limit (ulimit -n) or serve fewer clients")));
        // The connection stays in the backlog, so accept would fail again at once.
        std::thread::sleep(Duration::from_millis(10));
        return Ok(());
    }
    match error.kind() {
        ConnectionAborted | ConnectionReset | Interrupted => Ok(()),
        _ => Err(error),
    }
}

/// A server in the background, for tests and comparisons. It ends when this is dropped.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    /// Starts a server on a free port of this machine.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn start(model: Model, settings: Settings, observer: Observer) -> io::Result<Self> {
        Self::on(listen((Ipv4Addr::LOCALHOST, 0).into(), 128)?, model, settings, observer)
    }

    /// Starts a server on this listener.
    ///
    /// # Errors
    /// When the listener does not say where it listens.
    pub fn on(
        listener: TcpListener,
        model: Model,
        settings: Settings,
        observer: Observer,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let house = House { settings, observer, stop: Arc::clone(&stop) };
        let thread = std::thread::spawn(move || serve(model, listener, &house));
        Ok(Running { address, stop, thread: Some(thread) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Whoever waits for a connection wakes up with this one.
        drop(TcpStream::connect(self.address));
        let ended = self.thread.take().and_then(|thread| thread.join().ok());
        if !matches!(ended, Some(Ok(()))) && !std::thread::panicking() {
            panic!("the server at {} did not end well: {ended:?}", self.address);
        }
    }
}
