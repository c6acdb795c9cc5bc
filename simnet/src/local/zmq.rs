//! The `zmq` transport: each node has a ROUTER that listens, and a DEALER for each peer that it speaks to.
//!
//! Three things about the crate `zeromq` 0.7 shape this file.
//! - A DEALER that has lost its peer does not connect again, and goes on to answer `Ok` to whatever it is given; but while a receive is
//!   pending its monitor reports the loss. So there is always a receive pending, the monitor is watched, and after a loss the socket is thrown away:
//!   the next letter gets a new one.
//! - It sets aside whatever length a frame announces: nine bytes of a stranger would end the process. So the ROUTER listens on a port of loopback that nobody
//!   is told. The node's own port is kept by a door that lets pass what ZMTP and our own limits [allow](super::zmtp).
//! - It neither says who is connected nor lets anyone be sent away. The door does both: it gives each caller a number as its ZeroMQ identity, whatever the
//!   caller wanted to be called, and hangs up on those that are refused.
//!
//! What a stranger can do who runs programs on this machine: find the ROUTER's port of loopback, and pass by the door. He is not heard: with its number a
//! caller bears a secret of this process, and he knows neither. But he can announce a frame without end there, which ends the process. So can whoever takes
//! the port of a node that has ended, since a DEALER of ours believes what answers it; the transport `tcp` reads nothing from the peers that it dials. The
//! crate has no limit to set, and takes no connection that is already made. Messages are in clear in every transport of this world: it is one for machines
//! whose users trust each other.

use super::dial::{self, Dialer, Line};
use super::door;
use super::frame::{Frame, Letter};
use super::transport::{Addresses, LONGEST_PAUSE, PATIENCE, Place, Stranger, Transport, Wire, WireCounts};
use super::zmtp::Gate;
use crate::node::NodeId;
use futures_util::StreamExt;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time;
use zeromq::{DealerSocket, RouterSocket, Socket, SocketEvent, SocketRecv, SocketSend, ZmqMessage};

/// How long one attempt to connect may take; the crate itself would try for half a minute, also where nobody is any more.
const ATTEMPT: Duration = Duration::from_secs(1);
/// How many bytes are read from a caller at once.
const BATCH: usize = 64 << 10;
/// How many callers are remembered after they have hung up: what they said last may still come.
const REMEMBERED: usize = 64;

/// A listening ROUTER, and the door before it.
pub struct Zmq {
    router: RouterSocket,
    /// Where the ROUTER listens.
    inner: SocketAddr,
    listener: TcpListener,
    address: SocketAddr,
}

impl fmt::Debug for Zmq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zmq({})", self.address)
    }
}

impl Transport for Zmq {
    async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let behind = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let inner = behind.local_addr()?;
        let mut router = RouterSocket::new();
        router.bind_listener(behind).await.map_err(io::Error::other)?;
        Ok(Zmq { router, inner, address: listener.local_addr()?, listener })
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn start(self, place: Place, addresses: Addresses) -> Wire {
        let Zmq { router, inner, listener, .. } = self;
        let callers = Arc::new(Callers::new());
        dial::start::<Dealer, _>(place, &addresses, move |arrived, counts| async move {
            let attend = |stream, who| attend(stream, who, inner, callers.clone(), counts.clone());
            tokio::select! {
                () = door::keep(listener, place, counts.clone(), attend) => {}
                () = listen(router, place, arrived, &counts, &callers) => {}
            }
        })
    }
}

/// 128 bits that nobody can guess. The keys of a `RandomState` are the system's randomness, and no hash under them tells what they are.
#[allow(clippy::disallowed_methods, reason = "a secret of the shell's: no process sees it")]
fn secret() -> String {
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}

/// Someone who has connected.
struct Caller {
    address: SocketAddr,
    /// Dropped, it hangs up. None after that, whoever hung up.
    line: Option<oneshot::Sender<()>>,
    /// The node that it has said to be.
    node: Option<NodeId>,
    /// It was refused: what else it has said is passed over.
    refused: bool,
}

/// Who has connected, by number.
struct Callers {
    /// The last number, and the callers.
    known: Mutex<(u64, BTreeMap<u64, Caller>)>,
    /// What only this process knows. Who bears it has come by the door.
    secret: String,
}

impl Callers {
    fn new() -> Self {
        Callers { known: Mutex::default(), secret: secret() }
    }

    fn lock(&self) -> MutexGuard<'_, (u64, BTreeMap<u64, Caller>)> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ZeroMQ identity of a caller.
    fn identity(&self, number: u64) -> String {
        format!("{number} {}", self.secret)
    }

    /// The number in an identity that the door has given.
    fn number(&self, identity: &[u8]) -> Option<u64> {
        let (number, secret) = std::str::from_utf8(identity).ok()?.split_once(' ')?;
        if secret == self.secret { number.parse().ok() } else { None }
    }

    /// A new caller: its number, and what is done when it is to be hung up on.
    fn enter(&self, address: SocketAddr) -> (u64, oneshot::Receiver<()>) {
        let (line, cut) = oneshot::channel();
        let (last, callers) = &mut *self.lock();
        *last += 1;
        callers.insert(*last, Caller { address, line: Some(line), node: None, refused: false });
        (*last, cut)
    }

    /// A caller has hung up.
    fn leave(&self, number: u64) {
        let (_, callers) = &mut *self.lock();
        if let Some(caller) = callers.get_mut(&number) {
            caller.line = None;
        }
        let gone: Vec<u64> =
            callers.iter().filter(|(_, caller)| caller.line.is_none()).map(|(number, _)| *number).collect();
        for number in gone.iter().take(gone.len().saturating_sub(REMEMBERED)) {
            callers.remove(number);
        }
    }

    fn is_admitted(&self, number: u64) -> bool {
        self.lock().1.get(&number).is_some_and(|caller| caller.node.is_some())
    }

    /// The letter in a message, if it holds one. Who is refused is hung up on.
    fn hear(
        &self,
        place: &Place,
        number: u64,
        body: &[u8],
    ) -> Result<Option<Letter>, (SocketAddr, Stranger)> {
        let (_, callers) = &mut *self.lock();
        let Some(caller) = callers.get_mut(&number).filter(|caller| !caller.refused) else { return Ok(None) };
        caller.hear(place, body).map_err(|why| {
            caller.refused = true;
            caller.line = None;
            (caller.address, why)
        })
    }
}

impl Caller {
    fn hear(&mut self, place: &Place, body: &[u8]) -> Result<Option<Letter>, Stranger> {
        match (Frame::decode(body)?, self.node) {
            (Frame::Hello(hello), None) => {
                self.node = Some(place.admit(&hello)?);
                Ok(None)
            }
            (frame, Some(from)) => place.letter(from, frame).map(Some),
            (Frame::Letter(_), None) => Err(Stranger::Unknown),
        }
    }
}

/// Brings one caller to the ROUTER, until one of them hangs up or the caller is refused.
async fn attend(
    stream: TcpStream,
    who: SocketAddr,
    inner: SocketAddr,
    callers: Arc<Callers>,
    counts: Arc<WireCounts>,
) -> Result<(), Stranger> {
    let (number, cut) = callers.enter(who);
    let attended = tokio::select! {
        attended = join(stream, inner, number, &callers, &counts) => attended,
        // The refusal was told where it was decided.
        _ = cut => Ok(()),
    };
    callers.leave(number);
    attended
}

async fn join(
    mut stream: TcpStream,
    inner: SocketAddr,
    number: u64,
    callers: &Callers,
    counts: &WireCounts,
) -> Result<(), Stranger> {
    let mut router = TcpStream::connect(inner).await?;
    let _ = (stream.set_nodelay(true), router.set_nodelay(true));
    let (mut from_caller, mut to_caller) = stream.split();
    let (mut from_router, mut to_router) = router.split();
    let inward = async {
        let (mut gate, mut buffer) = (Gate::new(callers.identity(number).as_bytes()), vec![0; BATCH]);
        loop {
            let read = match time::timeout(PATIENCE, from_caller.read(&mut buffer)).await {
                Ok(read) => read,
                Err(_) if callers.is_admitted(number) => from_caller.read(&mut buffer).await,
                Err(_) => return Err(Stranger::Silent(PATIENCE)),
            };
            let Some(read) = read.ok().filter(|read| *read > 0) else { break };
            counts.received(read);
            let may_pass = gate.pass(&buffer[..read])?;
            if to_router.write_all(&may_pass).await.is_err() {
                return Ok(());
            }
        }
        // The ROUTER reads what it has been given, and then hangs up: to close at once might take it back.
        let _ = to_router.shutdown().await;
        time::sleep(PATIENCE).await;
        Ok(())
    };
    tokio::select! {
        attended = inward => attended,
        _ = tokio::io::copy(&mut from_router, &mut to_caller) => Ok(()),
    }
}

/// Reads the ROUTER for ever.
async fn listen(
    mut router: RouterSocket,
    place: Place,
    arrived: mpsc::Sender<Letter>,
    counts: &WireCounts,
    callers: &Callers,
) {
    loop {
        let Ok(message) = router.recv().await else {
            // The crate calls that impossible; if it comes nevertheless, it must not spin.
            time::sleep(LONGEST_PAUSE).await;
            continue;
        };
        // The door lets pass one part, and numbers its callers: who bears no number of its has found another way in, and is not heard.
        let (Some(identity), Some(body), 2) = (message.get(0), message.get(1), message.len()) else {
            continue;
        };
        let Some(number) = callers.number(identity) else { continue };
        match callers.hear(&place, number, body) {
            Ok(None) => {}
            Ok(Some(letter)) => {
                if arrived.send(letter).await.is_err() {
                    return;
                }
            }
            Err((who, why)) => counts.refuse(place.me, &who, &why),
        }
    }
}

/// A DEALER of ours, connected to a peer.
struct Dealer(DealerSocket);

impl Line for Dealer {
    async fn connect(address: SocketAddr) -> Option<Self> {
        let mut dealer = DealerSocket::new();
        let connected = time::timeout(ATTEMPT, dealer.connect(&format!("tcp://{address}"))).await;
        matches!(connected, Ok(Ok(()))).then_some(Dealer(dealer))
    }

    async fn converse(mut self, dialer: &mut Dialer, first: Vec<u8>) {
        let mut events = self.0.monitor();
        let (mut sender, mut receiver) = self.0.split();
        for bytes in [dialer.hello(), first] {
            if !send(&mut sender, bytes, &dialer.counts).await {
                return;
            }
        }
        loop {
            tokio::select! {
                event = events.next() => {
                    if matches!(event, None | Some(SocketEvent::Disconnected(_) | SocketEvent::Closed)) {
                        return;
                    }
                }
                // A ROUTER of ours never answers; but only while this is pending is a loss noticed.
                received = receiver.recv() => {
                    if received.is_err() {
                        return;
                    }
                }
                frame = dialer.next() => {
                    let Some(frame) = frame else { return };
                    if !send(&mut sender, frame, &dialer.counts).await {
                        return;
                    }
                }
            }
        }
    }
}

async fn send(sender: &mut zeromq::DealerSendHalf, frame: Vec<u8>, counts: &WireCounts) -> bool {
    let length = frame.len();
    let sent = sender.send(ZmqMessage::from(frame)).await.is_ok();
    if sent {
        counts.sent(length);
    } else {
        counts.dropped(1);
    }
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_not_come_by_the_door_has_no_number() {
        let (callers, others) = (Callers::new(), Callers::new());
        let (number, _cut) = callers.enter(SocketAddr::from(([127, 0, 0, 1], 1)));
        assert_eq!(callers.number(callers.identity(number).as_bytes()), Some(number));
        // What a stranger may try: the number alone, a secret of his own, none, and bytes that are no text.
        let guesses = [number.to_string(), others.identity(number), format!("{number} ")];
        for guess in guesses.iter().map(String::as_bytes).chain([&b""[..], b"\xFF \xFF"]) {
            assert_eq!(callers.number(guess), None, "{guess:?}");
        }
        assert_eq!(callers.secret.len(), 32);
    }
}
