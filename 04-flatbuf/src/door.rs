//! Between a program of ours and a stranger stands a door with a [`Gate`]. A shell: it has sockets.
//!
//! - [`Door::open`] stands before a publisher. Our SUB connects to a port of loopback that nobody is told, and the door connects to the publisher.
//! - [`Door::before`] stands before our XPUB, which listens on a port of loopback that nobody is told. Subscribers come to the door, and the door
//!   connects to the XPUB.
//!
//! The door carries bytes both ways as long as the gate lets those of the stranger pass. It costs one copy through the kernel; what it buys is that
//! no announced length reaches the crate. Who runs programs on this machine can find the port of loopback, and pass by the door.

use crate::gate::{Gate, GateError};
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout_at};
use zeromq::Endpoint;
use zmq::endpoint::{EndpointError, endpoint, listen_ipc};

/// How many bytes are read at once.
const CHUNK: usize = 64 << 10;
/// The pause between two tries to connect.
const PAUSE: Duration = Duration::from_millis(50);

/// A connection of any kind.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Those whom the gate did not let pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentAway {
    /// How many they are.
    pub count: u64,
    /// Why the last of them was sent away.
    pub last: Option<GateError>,
}

/// A door. It closes, and all connections with it, when this is dropped.
#[derive(Debug)]
pub struct Door {
    /// Where whoever is to come in connects.
    pub address: String,
    sent_away: watch::Receiver<SentAway>,
    /// Nobody comes in any more once this is dropped.
    open: Option<watch::Sender<()>>,
    keeper: JoinHandle<()>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Door {
    /// Connects to the publisher at `text`, and opens a door before it that lets frames of at most `longest` bytes pass.
    ///
    /// # Errors
    /// When the text is no address, or nobody answers there within `patience`.
    pub async fn open(text: &str, longest: usize, patience: Duration) -> Result<Self, EndpointError> {
        let publisher = endpoint(text, None)?;
        let first = reach(&publisher, Instant::now() + patience)
            .await
            .map_err(|_| EndpointError::Unreachable(publisher.clone(), patience))?;
        let (entrance, address) = Entrance::listen("tcp://127.0.0.1:0").await?;
        let behind = Behind { address: publisher, reached: Some(first), stranger: Stranger::Behind };
        Ok(Door::start(entrance, address, behind, longest))
    }

    /// Opens a door at `text` before the XPUB that listens at `behind`: frames of at most `longest` bytes pass to it.
    ///
    /// # Errors
    /// When the text is no address, or cannot be had.
    pub async fn before(behind: SocketAddr, text: &str, longest: usize) -> Result<Self, EndpointError> {
        let (entrance, address) = Entrance::listen(text).await?;
        let address_behind = format!("tcp://{behind}");
        let behind = Behind { address: address_behind, reached: None, stranger: Stranger::Caller };
        Ok(Door::start(entrance, address, behind, longest))
    }

    fn start(entrance: Entrance, address: String, behind: Behind, longest: usize) -> Self {
        let (tell, sent_away) = watch::channel(SentAway::default());
        let (open, closing) = watch::channel(());
        let keeper = tokio::spawn(keep(entrance, behind, longest, tell, closing));
        Door { address, sent_away, open: Some(open), keeper }
    }

    /// Whom the gate has sent away so far.
    pub fn sent_away(&self) -> SentAway {
        self.sent_away.borrow().clone()
    }

    /// Waits until somebody is sent away, and says why. May be given up at any await.
    ///
    /// # Panics
    /// When the gate has.
    pub async fn sends_away(&mut self) -> GateError {
        let somebody = self.sent_away.wait_for(|away| away.last.is_some()).await;
        match somebody.ok().and_then(|away| away.last.clone()) {
            Some(why) => why,
            // Nobody keeps the door any more: nothing will come, and whoever waits should know why.
            None => self.breaks().await,
        }
    }

    /// Never comes back. May be given up at any await.
    ///
    /// # Panics
    /// When the gate has.
    pub async fn breaks<T>(&mut self) -> T {
        match (&mut self.keeper).await {
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            _ => pending().await,
        }
    }

    /// Lets nobody in any more, tells ours that all have hung up, and waits until all that ours has said is with them. For that, ours must
    /// go on, and hang up when it is told.
    ///
    /// # Panics
    /// When the gate has.
    pub async fn close(&mut self) {
        self.open = None;
        if let Err(error) = (&mut self.keeper).await
            && error.is_panic()
        {
            resume_unwind(error.into_panic());
        }
    }
}

/// Where connections come in.
enum Entrance {
    Tcp(TcpListener),
    Ipc(UnixListener, PathBuf),
}

impl Drop for Entrance {
    fn drop(&mut self) {
        if let Entrance::Ipc(_, path) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Entrance {
    /// Listens, and says where: with port 0 the system chooses.
    async fn listen(text: &str) -> Result<(Self, String), EndpointError> {
        let text = endpoint(text, None)?;
        let busy = |error: io::Error| EndpointError::Busy(text.clone(), error.to_string());
        Entrance::at(&text).await.map_err(busy)
    }

    async fn at(text: &str) -> io::Result<(Self, String)> {
        match text.parse() {
            Ok(Endpoint::Tcp(host, port)) => {
                let listener = TcpListener::bind((host.to_string().as_str(), port)).await?;
                let port = listener.local_addr()?.port();
                Ok((Entrance::Tcp(listener), Endpoint::Tcp(host, port).to_string()))
            }
            Ok(Endpoint::Ipc(Some(path))) => {
                let listener = listen_ipc(Path::new(&path))?;
                listener.set_nonblocking(true)?;
                Ok((Entrance::Ipc(UnixListener::from_std(listener)?, path), text.to_string()))
            }
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    async fn accept(&self) -> io::Result<Box<dyn Wire>> {
        match self {
            Entrance::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                let _ = stream.set_nodelay(true);
                Ok(Box::new(stream))
            }
            Entrance::Ipc(listener, _) => Ok(Box::new(listener.accept().await?.0)),
        }
    }
}

/// Which side of the door is not trusted.
#[derive(Clone, Copy)]
enum Stranger {
    Caller,
    Behind,
}

/// What a door leads to.
struct Behind {
    address: String,
    /// A connection that has been made before anybody has come in.
    reached: Option<Box<dyn Wire>>,
    stranger: Stranger,
}

impl Behind {
    /// What the next caller is brought to.
    fn next(&mut self) -> Self {
        Behind { address: self.address.clone(), reached: self.reached.take(), stranger: self.stranger }
    }
}

/// Lets in whoever comes, until the door is closed; then until the last has gone. When it is aborted, so are the connections.
async fn keep(
    entrance: Entrance,
    mut behind: Behind,
    longest: usize,
    tell: watch::Sender<SentAway>,
    mut closing: watch::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            Some(ended) = connections.join_next() => {
                ended_well(ended);
                continue;
            }
            _ = closing.changed() => break,
            accepted = entrance.accept() => accepted,
        };
        let Ok(caller) = accepted else {
            // Out of files, say: what waits is still there, and is asked again; but not at once.
            sleep(PAUSE).await;
            continue;
        };
        let (behind, gate) = (behind.next(), Gate::new(longest));
        let (tell, closing) = (tell.clone(), closing.clone());
        connections.spawn(async move {
            if let Some(why) = attend(caller, behind, gate, closing).await {
                tell.send_modify(|away| *away = SentAway { count: away.count + 1, last: Some(why) });
            }
        });
    }
    drop(entrance);
    while let Some(ended) = connections.join_next().await {
        ended_well(ended);
    }
}

/// A gate that panics takes the door with it: whoever waits at the door is to know.
fn ended_well(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        resume_unwind(error.into_panic());
    }
}

/// Brings a caller to what is behind the door.
async fn attend(
    caller: Box<dyn Wire>,
    behind: Behind,
    gate: Gate,
    closing: watch::Receiver<()>,
) -> Option<GateError> {
    let reached = match behind.reached {
        Some(reached) => reached,
        None => reach(&behind.address, Instant::now() + Duration::from_secs(1)).await.ok()?,
    };
    match behind.stranger {
        Stranger::Caller => carry(caller, reached, gate, closing).await,
        Stranger::Behind => carry(reached, caller, gate, closing).await,
    }
}

/// Connects, again and again, until somebody answers or the time is over.
async fn reach(address: &str, until: Instant) -> io::Result<Box<dyn Wire>> {
    let tries = async {
        loop {
            match connect(address).await {
                Ok(wire) => return wire,
                Err(_) => sleep(PAUSE).await,
            }
        }
    };
    timeout_at(until, tries).await.map_err(|_| io::ErrorKind::TimedOut.into())
}

async fn connect(address: &str) -> io::Result<Box<dyn Wire>> {
    match address.parse() {
        Ok(Endpoint::Tcp(host, port)) => {
            let stream = TcpStream::connect((host.to_string().as_str(), port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
        Ok(Endpoint::Ipc(Some(path))) => Ok(Box::new(UnixStream::connect(path).await?)),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// Carries bytes both ways, until either side hangs up, or the gate says stop: then why.
async fn carry(
    stranger: Box<dyn Wire>,
    ours: Box<dyn Wire>,
    mut gate: Gate,
    mut closing: watch::Receiver<()>,
) -> Option<GateError> {
    let (mut from_stranger, mut to_stranger) = tokio::io::split(stranger);
    let (mut from_us, mut to_us) = tokio::io::split(ours);
    let inward = async {
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = tokio::select! {
                read = from_stranger.read(&mut buffer) => read,
                _ = closing.changed() => {
                    // Ours takes it for the end of the stranger, and hangs up; what it has said before that is still carried.
                    let _ = to_us.shutdown().await;
                    return pending().await;
                }
            };
            let read = match read {
                Ok(read) if read > 0 => read,
                _ => return None,
            };
            let (passed, stop) = match gate.pass(&buffer[..read]) {
                Ok(()) => (read, None),
                Err(stop) => (stop.before, Some(stop.why)),
            };
            if to_us.write_all(&buffer[..passed]).await.is_err() {
                return None;
            }
            if stop.is_some() {
                return stop;
            }
        }
    };
    tokio::select! {
        why = inward => why,
        _ = tokio::io::copy(&mut from_us, &mut to_stranger) => None,
    }
}
