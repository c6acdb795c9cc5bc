//! A door before a socket that listens.
//!
//! The crate makes room for whatever length a stranger's frame announces, so nine bytes would end the program. It has no limit to set, and
//! takes no connection that is already made. So the socket listens on a port of loopback that nobody is told, and peers come to this door: it
//! brings each of them to the socket, looks at the [`lengths`] that it announces, and hangs up on it when one is too long.
//!
//! It also hangs up on a peer that reads nothing for [`STALLED`] while something waits for it: the crate's XPUB and REP write to the
//! connection themselves, and one such peer would stop all others.
//!
//! And it answers the [`heartbeats`] of a libzmq peer, which the crate's sockets take for an error.
//!
//! What the door costs is one more copy over loopback in each direction; and what a socket has sent may still be in the door's hands. A
//! program that ends drops its socket and waits for [`Door::finish`].
//!
//! [`Door::for_subscribers`] does more, for an XPUB: it says goodbye for subscribers that vanish. An XPUB of libzmq receives the end of each
//! subscription of a subscriber that has gone; the crate's forgets them without a word, and a proxy would keep publications coming that
//! nobody wants.

pub mod heartbeats;
pub mod lengths;

use crate::endpoint::{EndpointError, bind, listen_ipc};
use crate::linger::Lingering;
use crate::proxy::gate::Gate;
use heartbeats::Messages;
use lengths::{GateError, Lengths};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use zeromq::{Endpoint, Host, Socket, XPubSocket};

/// A peer that reads nothing for so long is hung up on.
pub const STALLED: Duration = Duration::from_secs(5);
/// How long the socket may take to hang up after its peer has.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long it may take where something was said for the peer that must not be lost.
const GOODBYE: Duration = Duration::from_secs(5);
/// How many bytes are read at once.
const CHUNK: usize = 16 << 10;
/// How many answers to heartbeats wait for the end of a message. Who asks for more has been told already.
const MOST_PONGS: usize = 4;

/// Is told why a peer was sent away.
pub type SentAway = Arc<dyn Fn(String) + Send + Sync>;

/// Says on the standard error why a peer was sent away. Nobody may read that any more: that is no error.
pub fn told_on_stderr() -> SentAway {
    Arc::new(|why| _ = writeln!(io::stderr(), "sent a peer away: {why}"))
}

/// What a door does with those that it does not like.
#[derive(Clone)]
pub struct Rules {
    /// Is told why a peer was sent away.
    pub sent_away: SentAway,
    /// A peer that reads nothing for so long is sent away. None: where each peer has a queue of its own, and work that takes its time.
    pub stalled: Option<Duration>,
}

impl Default for Rules {
    fn default() -> Self {
        Rules { sent_away: told_on_stderr(), stalled: Some(STALLED) }
    }
}

/// A door. When it is dropped nobody comes in any more; those that are in stay until the socket, or they, hang up.
#[derive(Debug)]
pub struct Door {
    /// Where peers connect.
    pub address: String,
    visits: Arc<Visits>,
    /// Dropped, it tells the keeper to let in nobody any more.
    open: Option<oneshot::Sender<()>>,
    keeper: JoinHandle<()>,
}

/// What the door knows of those that have come.
#[derive(Debug, Default)]
struct Visits {
    /// Where a peer has come from, by the port from which the door has brought it to the socket. There are only so many ports.
    from: Mutex<BTreeMap<u16, String>>,
    /// How many have gone again that had shaken hands.
    gone: AtomicUsize,
}

/// Looks at the bytes of one peer, on their way to the socket.
trait Guard: Default + Send + 'static {
    /// Those of them that may pass.
    fn pass(&mut self, bytes: &[u8]) -> Result<Vec<u8>, GateError>;
    /// Whether the peer has shaken hands.
    fn is_ready(&self) -> bool;
    /// What to answer its last heartbeat, if there has been one since this was asked.
    fn pong(&mut self) -> Option<Vec<u8>>;
    /// What to tell the socket when the peer has gone.
    fn goodbye(&mut self) -> Vec<u8>;
}

impl Guard for Lengths {
    fn pass(&mut self, bytes: &[u8]) -> Result<Vec<u8>, GateError> {
        Lengths::pass(self, bytes)
    }

    fn is_ready(&self) -> bool {
        Lengths::is_ready(self)
    }

    fn pong(&mut self) -> Option<Vec<u8>> {
        Lengths::pong(self)
    }

    fn goodbye(&mut self) -> Vec<u8> {
        Vec::new()
    }
}

impl Guard for Gate {
    fn pass(&mut self, bytes: &[u8]) -> Result<Vec<u8>, GateError> {
        Gate::pass(self, bytes)
    }

    fn is_ready(&self) -> bool {
        Gate::is_ready(self)
    }

    fn pong(&mut self) -> Option<Vec<u8>> {
        Gate::pong(self)
    }

    fn goodbye(&mut self) -> Vec<u8> {
        Gate::goodbye(self)
    }
}

enum Listener {
    Tcp(TcpListener),
    Ipc(UnixListener),
}

impl Door {
    /// Opens a door at the address `text`, and binds `socket` behind it. Who is sent away, and why, is told on the standard error.
    ///
    /// # Errors
    /// When the text is no address, somebody else listens there, or the system says no.
    pub async fn open(text: &str, socket: &mut impl Socket) -> Result<Self, EndpointError> {
        Self::with(text, socket, Rules::default()).await
    }

    /// Opens a door with rules of its own.
    ///
    /// # Errors
    /// As [`Door::open`].
    pub async fn with(text: &str, socket: &mut impl Socket, rules: Rules) -> Result<Self, EndpointError> {
        Self::guarded::<Lengths>(text, socket, rules).await
    }

    /// Opens a door that lets subscriptions pass, counts them, and takes those back that a subscriber leaves behind.
    ///
    /// # Errors
    /// As [`Door::open`].
    pub async fn for_subscribers(
        text: &str,
        socket: &mut XPubSocket,
        sent_away: SentAway,
    ) -> Result<Self, EndpointError> {
        Self::guarded::<Gate>(text, socket, Rules { sent_away, ..Rules::default() }).await
    }

    async fn guarded<G: Guard>(
        text: &str,
        socket: &mut impl Socket,
        rules: Rules,
    ) -> Result<Self, EndpointError> {
        let endpoint = crate::endpoint::endpoint(text, None)?;
        let busy = |error: io::Error| EndpointError::Busy(endpoint.clone(), error.to_string());
        let (listener, address) = listen(&endpoint).await.map_err(busy)?;
        let behind = bind(socket, "tcp://127.0.0.1:0").await?;
        let behind = behind.trim_start_matches("tcp://").to_string();
        let visits = Arc::new(Visits::default());
        let house = House { behind, visits: visits.clone(), rules };
        let (open, closed) = oneshot::channel();
        let keeper = tokio::spawn(keep::<G>(listener, house, closed));
        Ok(Door { address, visits, open: Some(open), keeper })
    }

    /// How many peers have gone again that had shaken hands.
    pub fn gone(&self) -> usize {
        self.visits.gone.load(Ordering::SeqCst)
    }

    /// What the socket calls `inside`, as it is called on this side: the door's own address, or that of a peer.
    pub fn outside(&self, inside: &str) -> String {
        let port = inside.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let from = self.visits.from.lock().unwrap_or_else(PoisonError::into_inner);
        port.and_then(|port: u16| from.get(&port).cloned()).unwrap_or_else(|| self.address.clone())
    }

    /// Closes the door at once, and all connections with it: after that its address is free.
    pub async fn close(mut self) {
        self.keeper.abort();
        let _ = (&mut self.keeper).await;
    }

    /// Closes the door once all that the socket has sent has left. The socket must have been dropped before.
    ///
    /// # Errors
    /// When that takes longer than `bound`.
    pub async fn finish(mut self, bound: Duration) -> Result<(), Lingering> {
        self.open = None;
        timeout(bound, &mut self.keeper).await.map(|_| ()).map_err(|_| Lingering(bound))
    }
}

async fn listen(endpoint: &str) -> io::Result<(Listener, String)> {
    match endpoint.parse() {
        Ok(Endpoint::Tcp(host, port)) => {
            let listener = match host {
                Host::Ipv4(ip) => TcpListener::bind((ip, port)).await?,
                Host::Ipv6(ip) => TcpListener::bind((ip, port)).await?,
                Host::Domain(name) => TcpListener::bind((name.as_str(), port)).await?,
            };
            let address = address_of(listener.local_addr()?);
            Ok((Listener::Tcp(listener), address))
        }
        Ok(Endpoint::Ipc(Some(path))) => {
            let listener = listen_ipc(Path::new(&path))?;
            listener.set_nonblocking(true)?;
            Ok((Listener::Ipc(UnixListener::from_std(listener)?), endpoint.to_string()))
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "expected tcp:// or ipc://")),
    }
}

fn address_of(address: std::net::SocketAddr) -> String {
    Endpoint::Tcp(Host::from(address.ip()), address.port()).to_string()
}

/// What each connection is given.
#[derive(Clone)]
struct House {
    behind: String,
    visits: Arc<Visits>,
    rules: Rules,
}

/// Lets in whoever comes until the door is closed, then stays until all have gone.
async fn keep<G: Guard>(listener: Listener, house: House, closed: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    tokio::select! {
        () = let_in::<G>(&listener, &house, &mut connections) => {}
        _ = closed => {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Lets in whoever comes, for ever.
async fn let_in<G: Guard>(listener: &Listener, house: &House, connections: &mut JoinSet<()>) {
    loop {
        while connections.try_join_next().is_some() {}
        let house = house.clone();
        let accepted = match listener {
            Listener::Tcp(listener) => listener.accept().await.map(|(stream, from)| {
                let _ = stream.set_nodelay(true);
                connections.spawn(attend::<G>(stream, address_of(from), house));
            }),
            Listener::Ipc(listener) => listener.accept().await.map(|(stream, _)| {
                connections.spawn(attend::<G>(stream, "ipc://".to_string(), house));
            }),
        };
        if accepted.is_err() {
            // Out of files, say: what waits is still there, and is asked again; but not at once.
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Brings one peer to the socket, until either hangs up.
async fn attend<G: Guard>(stream: impl AsyncRead + AsyncWrite, from: String, house: House) {
    let House { behind, visits, rules } = house;
    let Ok(mut socket) = TcpStream::connect(behind).await else { return };
    let _ = socket.set_nodelay(true);
    if let Ok(own) = socket.local_addr() {
        visits.from.lock().unwrap_or_else(PoisonError::into_inner).insert(own.port(), from);
    }
    let (mut from_peer, mut to_peer) = tokio::io::split(stream);
    let (mut from_socket, mut to_socket) = socket.split();
    let mut guard = G::default();
    let (tell, mut pongs) = mpsc::channel(MOST_PONGS);
    let inward = async {
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = match from_peer.read(&mut buffer).await {
                Ok(read) if read > 0 => read,
                _ => return,
            };
            match guard.pass(&buffer[..read]) {
                Ok(passed) if to_socket.write_all(&passed).await.is_ok() => {}
                Ok(_) => return,
                Err(why) => return (rules.sent_away)(why.to_string()),
            }
            // Where there is no room those before it say that the connection lives.
            let _ = guard.pong().map(|pong| tell.try_send(pong));
        }
    };
    let outward = async {
        let (mut buffer, mut messages) = (vec![0; CHUNK], Messages::default());
        loop {
            let said = tokio::select! {
                read = from_socket.read(&mut buffer) => match read {
                    Ok(read) if read > 0 => {
                        let bytes = &buffer[..read];
                        // A heartbeat must not wait for a socket that never pauses.
                        match messages.follow(bytes).and_then(|place| Some((place, pongs.try_recv().ok()?))) {
                            Some((place, pong)) => {
                                let all = [&bytes[..place], &pong, &bytes[place..]].concat();
                                say(&mut to_peer, &all, &rules).await
                            }
                            None => say(&mut to_peer, bytes, &rules).await,
                        }
                    }
                    _ => return,
                },
                Some(pong) = pongs.recv(), if messages.is_between() => say(&mut to_peer, &pong, &rules).await,
            };
            if said.is_none() {
                return;
            }
        }
    };
    tokio::select! {
        () = inward => {}
        () = outward => {}
    }
    visits.gone.fetch_add(usize::from(guard.is_ready()), Ordering::SeqCst);
    let goodbye = guard.goodbye();
    let patience = if goodbye.is_empty() { PATIENCE } else { GOODBYE };
    let farewell = async {
        to_socket.write_all(&goodbye).await?;
        to_socket.shutdown().await?;
        // To close with something unread would be a reset, and might take back what was said last.
        tokio::io::copy(&mut from_socket, &mut tokio::io::sink()).await
    };
    let _ = timeout(patience, farewell).await;
}

/// Writes all of this to a peer. None when it has gone, or is sent away since it reads nothing.
async fn say(to_peer: &mut (impl AsyncWrite + Unpin), mut bytes: &[u8], rules: &Rules) -> Option<()> {
    while !bytes.is_empty() {
        match timeout(rules.stalled.unwrap_or(Duration::MAX), to_peer.write(bytes)).await {
            Ok(Ok(written)) if written > 0 => bytes = &bytes[written..],
            Ok(_) => return None,
            Err(_) => {
                (rules.sent_away)("it reads nothing, and others wait".to_string());
                return None;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::connect;
    use zeromq::{PullSocket, PushSocket, SocketRecv, SocketSend, SubSocket, ZmqMessage};

    const BOUND: Duration = Duration::from_secs(20);
    const ANYWHERE: &str = "tcp://127.0.0.1:0";

    /// An XPUB of the crate writes to each subscriber in turn, and waits for it.
    #[tokio::test]
    async fn who_reads_nothing_stops_the_others_for_so_long_and_no_longer() {
        let mut publisher = XPubSocket::new();
        let rules = Rules { stalled: Some(Duration::from_millis(50)), ..Rules::default() };
        let door = Door::with(ANYWHERE, &mut publisher, rules).await.unwrap();
        let mut subscribers = [SubSocket::new(), SubSocket::new()];
        for subscriber in &mut subscribers {
            connect(subscriber, &door.address, BOUND).await.unwrap();
            subscriber.subscribe("").await.unwrap();
            publisher.recv().await.unwrap();
        }
        let [_stalled, mut reader] = subscribers;
        let large = ZmqMessage::from(vec![7_u8; 60_000]);
        let publishing = async {
            for _ in 0..500 {
                publisher.send(large.clone()).await.unwrap();
            }
        };
        let reading = async {
            for _ in 0..500 {
                reader.recv().await.unwrap();
            }
        };
        let all = timeout(BOUND, async { tokio::join!(publishing, reading) }).await;
        assert!(all.is_ok(), "the publisher waits for a subscriber that reads nothing");
        assert_eq!(door.gone(), 1, "it has been sent away");
    }

    /// Nothing is lost in the door when a program ends after its last word.
    #[tokio::test]
    async fn a_door_that_is_finished_has_passed_on_everything() {
        let mut push = PushSocket::new();
        let door = Door::open(ANYWHERE, &mut push).await.unwrap();
        let mut pull = PullSocket::new();
        connect(&mut pull, &door.address, BOUND).await.unwrap();
        for _ in 0..100 {
            while push.send(ZmqMessage::from(vec![7_u8; 60_000])).await.is_err() {
                tokio::task::yield_now().await;
            }
        }
        let reading = tokio::spawn(async move {
            for _ in 0..100 {
                pull.recv().await.unwrap();
            }
        });
        crate::linger::close(push, BOUND).await.unwrap();
        door.finish(BOUND).await.unwrap();
        timeout(BOUND, reading).await.expect("all of it arrives").unwrap();
    }
}
