//! Between a publisher and the SUB stands a door with a [`Gate`]. A shell: it has sockets.
//!
//! The SUB connects to a port of loopback that nobody is told, the door connects to the publisher, and carries bytes both ways as long as the
//! gate lets them pass. It costs one copy through the kernel; what it buys is that no announced length reaches the crate.

use crate::gate::{Gate, GateError};
use std::io;
use std::panic::resume_unwind;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout_at};
use zeromq::Endpoint;
use zmq::endpoint::{EndpointError, endpoint};

/// How many bytes are read at once.
const CHUNK: usize = 64 << 10;
/// The pause between two tries to connect.
const PAUSE: Duration = Duration::from_millis(50);

/// A connection of any kind.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A door before a publisher. It closes, and all connections with it, when this is dropped.
#[derive(Debug)]
pub struct Door {
    /// Where the SUB connects.
    pub address: String,
    refused: Receiver<GateError>,
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
        let busy = |error: io::Error| EndpointError::Busy("tcp://127.0.0.1:0".to_string(), error.to_string());
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(busy)?;
        let address = format!("tcp://{}", listener.local_addr().map_err(busy)?);
        let (refuse, refused) = channel(1);
        let keeper = tokio::spawn(keep(listener, publisher, first, longest, refuse));
        Ok(Door { address, refused, keeper })
    }

    /// Waits until a connection is ended by the gate, and says why. May be given up at any await.
    ///
    /// # Panics
    /// When the gate has.
    pub async fn sent_away(&mut self) -> GateError {
        match self.refused.recv().await {
            Some(why) => why,
            // Nobody keeps the door any more: nothing will come, and whoever waits should know why.
            None => match (&mut self.keeper).await {
                Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                _ => std::future::pending().await,
            },
        }
    }
}

/// Lets in whoever comes, until it is aborted; the connections are aborted with it.
async fn keep(
    listener: TcpListener,
    publisher: String,
    first: Box<dyn Wire>,
    longest: usize,
    refuse: Sender<GateError>,
) {
    let mut connections = JoinSet::new();
    let mut first = Some(first);
    loop {
        let accepted = tokio::select! {
            Some(ended) = connections.join_next() => match ended {
                Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                _ => continue,
            },
            accepted = listener.accept() => accepted,
        };
        let Ok((subscriber, _)) = accepted else {
            // Out of files, say: what waits is still there, and is asked again; but not at once.
            sleep(PAUSE).await;
            continue;
        };
        let _ = subscriber.set_nodelay(true);
        let (publisher, reached, refuse) = (publisher.clone(), first.take(), refuse.clone());
        connections.spawn(async move {
            let reached = match reached {
                Some(reached) => reached,
                // The SUB has come again: its connection has broken.
                None => match reach(&publisher, Instant::now() + Duration::from_secs(1)).await {
                    Ok(reached) => reached,
                    Err(_) => return,
                },
            };
            if let Some(why) = carry(reached, subscriber, Gate::new(longest)).await {
                // One reason is enough.
                let _ = refuse.try_send(why);
            }
        });
    }
}

/// Connects to the publisher, again and again, until somebody answers or the time is over.
async fn reach(publisher: &str, until: Instant) -> io::Result<Box<dyn Wire>> {
    let tries = async {
        loop {
            match connect(publisher).await {
                Ok(wire) => return wire,
                Err(_) => sleep(PAUSE).await,
            }
        }
    };
    timeout_at(until, tries).await.map_err(|_| io::ErrorKind::TimedOut.into())
}

async fn connect(publisher: &str) -> io::Result<Box<dyn Wire>> {
    match publisher.parse() {
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
async fn carry(publisher: Box<dyn Wire>, mut subscriber: TcpStream, mut gate: Gate) -> Option<GateError> {
    let (mut from_publisher, mut to_publisher) = tokio::io::split(publisher);
    let (mut from_subscriber, mut to_subscriber) = subscriber.split();
    let inward = async {
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = match from_publisher.read(&mut buffer).await {
                Ok(read) if read > 0 => read,
                _ => return None,
            };
            let (passed, stop) = match gate.pass(&buffer[..read]) {
                Ok(()) => (read, None),
                Err(stop) => (stop.before, Some(stop.why)),
            };
            if to_subscriber.write_all(&buffer[..passed]).await.is_err() {
                return None;
            }
            if stop.is_some() {
                return stop;
            }
        }
    };
    tokio::select! {
        why = inward => why,
        _ = tokio::io::copy(&mut from_subscriber, &mut to_publisher) => None,
    }
}
