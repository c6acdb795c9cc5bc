//! What a transport is: a way to bring frames to other processes.
//!
//! | transport | what it promises |
//! |---|---|
//! | [`tcp`](super::tcp) | in order; what was under way when a connection breaks is lost; nothing comes twice |
//! | [`udp`](super::udp) | in order, exactly once between two lives, by our own [`reliable`](super::reliable) link |
//! | [`datagram`](super::datagram) | nothing: lost, doubled and out of order as the network likes |
//! | `zmq` | as ZeroMQ's DEALER and ROUTER: in order; what was under way when a connection breaks is lost |
//!
//! **What does not fit is dropped.** A process never waits for its network. For each peer at most [`QUEUE`] messages wait; the newest that does not fit is
//! dropped and counted. A protocol of this course bears that: messages may be lost.

use super::frame::{Frame, FrameError, Hello, Letter};
use super::mischief::{BadWire, Done, Mischief};
use crate::node::NodeId;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// How many messages may wait for one peer, and how many may wait to be read.
pub const QUEUE: usize = 4096;

/// After the first failure to reach a peer, how long to wait; each further failure doubles it up to the second.
pub const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest wait between two attempts to reach a peer.
pub const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How long a stranger may take to say hello.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// How many connections may be open beside one for each peer: room for those that are being replaced.
pub(crate) const MOST_SPARE: usize = 16;

/// Where each node listens; `None` while it is not known. It changes when a node starts again elsewhere.
pub type Addresses = watch::Receiver<Vec<Option<SocketAddr>>>;

/// Which transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransportKind {
    /// TCP streams.
    #[default]
    Tcp,
    /// UDP datagrams with our own retransmission.
    Udp,
    /// ZeroMQ sockets.
    #[cfg(feature = "zmq")]
    Zmq,
    /// UDP datagrams, each a message, and nothing more.
    Datagram,
}

impl TransportKind {
    /// All that this build has.
    pub const ALL: &'static [TransportKind] = &[
        TransportKind::Tcp,
        TransportKind::Udp,
        #[cfg(feature = "zmq")]
        TransportKind::Zmq,
        TransportKind::Datagram,
    ];

    /// Whether messages travel as datagrams, so that a [`BadWire`] can be put below it.
    pub fn has_datagrams(self) -> bool {
        matches!(self, TransportKind::Udp | TransportKind::Datagram)
    }

    fn as_str(self) -> &'static str {
        match self {
            TransportKind::Tcp => "tcp",
            TransportKind::Udp => "udp",
            #[cfg(feature = "zmq")]
            TransportKind::Zmq => "zmq",
            TransportKind::Datagram => "datagram",
        }
    }
}

impl fmt::Display for TransportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TransportKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        TransportKind::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let known: Vec<&str> = TransportKind::ALL.iter().map(|kind| kind.as_str()).collect();
            format!("read the transport `{text}`, expected one of: {}", known.join(" "))
        })
    }
}

/// Which node of which run a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The run. Who belongs to another is refused.
    pub run: u64,
    /// The node.
    pub me: NodeId,
    /// How many nodes there are.
    pub nodes: u32,
    /// Which of the node's lives: above 0, and higher with each start.
    pub life: u64,
}

impl Place {
    /// What this node says first to `to`.
    pub(crate) fn hello(&self, to: NodeId) -> Frame {
        Frame::Hello(Hello { run: self.run, from: self.me, to, nodes: self.nodes })
    }

    /// Whether whoever says this is a peer.
    pub(crate) fn admit(&self, hello: &Hello) -> Result<NodeId, Stranger> {
        let expected = Hello { run: self.run, from: hello.from, to: self.me, nodes: self.nodes };
        let known = hello.from.0 < self.nodes && hello.from != self.me;
        if known && *hello == expected { Ok(hello.from) } else { Err(Stranger::Hello(hello.clone())) }
    }

    /// The letter of a peer that has said hello.
    pub(crate) fn letter(&self, from: NodeId, frame: Frame) -> Result<Letter, Stranger> {
        match frame {
            Frame::Letter(letter) if letter.from == from && letter.clock.len() == self.nodes as usize => {
                Ok(letter)
            }
            Frame::Letter(letter) => Err(Stranger::Letter { from, letter }),
            Frame::Hello(hello) => Err(Stranger::Hello(hello)),
        }
    }
}

/// Why someone who speaks is not listened to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stranger {
    #[error("{0}")]
    Frame(#[from] FrameError),
    #[error("it says it is node {} of {} of run {:#x} and speaks to node {}: that is not a peer", .0.from.0, .0.nodes, .0.run, .0.to.0)]
    Hello(Hello),
    #[error("{from} sent a letter of {} with a clock of {} entries", .letter.from, .letter.clock.len())]
    Letter { from: NodeId, letter: Letter },
    #[error("it sent a letter before its hello")]
    #[cfg_attr(not(feature = "zmq"), allow(dead_code, reason = "streams begin with a hello"))]
    Unknown,
    #[error("read nothing for {0:?}, expected a hello")]
    Silent(Duration),
    #[error("read a datagram of {0} bytes, expected a hello and one letter")]
    Datagram(usize),
    #[error("{0} connections are open already, as many as nodes may need")]
    TooMany(usize),
    #[error("{0}")]
    #[cfg(feature = "zmq")]
    Zmtp(#[from] super::zmtp::ZmtpError),
    #[error("{0}")]
    Packet(#[from] super::packet::PacketError),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// What a transport has counted: at the sockets, so with all heads, and what was sent again.
#[derive(Debug, Default)]
pub struct WireCounts {
    sent: AtomicU64,
    received: AtomicU64,
    dropped: AtomicU64,
    refused: AtomicU64,
    lines: AtomicU64,
    mischief: Mutex<Done>,
}

/// How many lines a node writes about strangers and about what it cannot send; what comes after is only counted.
const MOST_LINES: u64 = 10;

impl WireCounts {
    pub(crate) fn sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self, messages: u64) {
        self.dropped.fetch_add(messages, Ordering::Relaxed);
    }

    pub(crate) fn mischief(&self, done: Done) {
        *self.mischief.lock().unwrap_or_else(PoisonError::into_inner) = done;
    }

    /// Says in one line who was refused and why.
    pub(crate) fn refuse(&self, me: NodeId, who: &dyn fmt::Display, why: &Stranger) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.say(format_args!("{me}: refused {who}: {why}"));
    }

    /// Writes a line, unless too many have been written.
    pub(crate) fn say(&self, line: fmt::Arguments<'_>) {
        let before = self.lines.fetch_add(1, Ordering::Relaxed);
        if before < MOST_LINES {
            let more = if before + 1 == MOST_LINES {
                "; what more there is of this kind is only counted"
            } else {
                ""
            };
            eprintln!("{line}{more}");
        }
    }

    /// Bytes that were handed to the sockets.
    pub fn bytes_sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Bytes that came from the sockets.
    pub fn bytes_received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Messages that did not fit a queue, or were under way when a connection broke.
    pub fn messages_dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// What was done to datagrams on purpose.
    pub fn mischief_done(&self) -> Done {
        *self.mischief.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often someone was refused.
    pub fn refusals(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// A message on its way to a node: a whole frame.
pub(crate) type Parcel = (NodeId, Vec<u8>);

/// A transport at work. Dropped, it closes its sockets.
#[derive(Debug)]
pub struct Wire {
    /// For each node the queue that leads there.
    pub(crate) queues: Vec<mpsc::Sender<Parcel>>,
    pub(crate) letters: mpsc::Receiver<Letter>,
    pub(crate) counts: Arc<WireCounts>,
    pub(crate) _tasks: JoinSet<()>,
}

impl Wire {
    /// Sends a letter. What does not fit its queue is dropped; returns whether it was taken.
    ///
    /// # Panics
    /// When there is no node `to`.
    pub fn send(&self, to: NodeId, letter: Letter) -> bool {
        let taken = self.queues[to.index()].try_send((to, Frame::Letter(letter).encode())).is_ok();
        if !taken {
            self.counts.dropped(1);
        }
        taken
    }

    /// The next letter that arrives. It may be dropped while it waits: no letter is lost by that.
    pub async fn receive(&mut self) -> Letter {
        match self.letters.recv().await {
            Some(letter) => letter,
            // The transport's tasks have ended, as at a shutdown: nothing comes any more.
            None => std::future::pending().await,
        }
    }

    /// What was counted.
    pub fn counts(&self) -> &WireCounts {
        &self.counts
    }
}

/// A way to bring frames to other processes.
pub trait Transport: Sized {
    /// Takes an address; port 0 is any free one.
    ///
    /// # Errors
    /// When it cannot be had. The message names it.
    fn bind(address: SocketAddr) -> impl Future<Output = io::Result<Self>>;

    /// Where it listens.
    fn address(&self) -> SocketAddr;

    /// Begins to send and to listen, as tasks of the current tokio runtime.
    fn start(self, place: Place, addresses: Addresses) -> Wire;
}

/// A transport of any kind, bound to its address.
#[derive(Debug)]
pub enum Bound {
    /// TCP.
    Tcp(super::tcp::Tcp),
    /// UDP.
    Udp(super::udp::Udp),
    /// ZeroMQ.
    #[cfg(feature = "zmq")]
    Zmq(super::zmq::Zmq),
    /// Datagrams.
    Datagram(super::datagram::Datagram),
}

impl Bound {
    /// Takes an address for a transport of this kind.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn bind(kind: TransportKind, address: SocketAddr) -> io::Result<Self> {
        let bound = match kind {
            TransportKind::Tcp => super::tcp::Tcp::bind(address).await.map(Bound::Tcp),
            TransportKind::Udp => super::udp::Udp::bind(address).await.map(Bound::Udp),
            #[cfg(feature = "zmq")]
            TransportKind::Zmq => super::zmq::Zmq::bind(address).await.map(Bound::Zmq),
            TransportKind::Datagram => super::datagram::Datagram::bind(address).await.map(Bound::Datagram),
        };
        bound.map_err(|error| {
            io::Error::new(error.kind(), format!("could not listen on {address} by {kind}: {error}"))
        })
    }

    /// Puts a bad wire of this seed below datagrams. What has none stays as it is.
    pub fn over(self, seed: u64, wire: BadWire) -> Self {
        match self {
            Bound::Udp(udp) => Bound::Udp(udp.over(Mischief::new(seed, wire))),
            Bound::Datagram(datagram) => Bound::Datagram(datagram.over(Mischief::new(seed, wire))),
            other => other,
        }
    }

    /// Whether messages of one node to another arrive in the order of sending.
    pub fn keeps_order(&self) -> bool {
        !matches!(self, Bound::Datagram(_))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        match self {
            Bound::Tcp(tcp) => tcp.address(),
            Bound::Udp(udp) => udp.address(),
            #[cfg(feature = "zmq")]
            Bound::Zmq(zmq) => zmq.address(),
            Bound::Datagram(datagram) => datagram.address(),
        }
    }

    /// Begins to send and to listen.
    pub fn start(self, place: Place, addresses: Addresses) -> Wire {
        match self {
            Bound::Tcp(tcp) => tcp.start(place, addresses),
            Bound::Udp(udp) => udp.start(place, addresses),
            #[cfg(feature = "zmq")]
            Bound::Zmq(zmq) => zmq.start(place, addresses),
            Bound::Datagram(datagram) => datagram.start(place, addresses),
        }
    }
}

/// Waits until the address of `peer` is known, and returns it.
pub(crate) async fn address_of(peer: NodeId, addresses: &mut Addresses) -> SocketAddr {
    loop {
        if let Some(address) = addresses.borrow_and_update()[peer.index()] {
            return address;
        }
        if addresses.changed().await.is_err() {
            // Nobody will ever say where it is.
            std::future::pending::<()>().await;
        }
    }
}

/// Waits until the address of `peer` is another one than `address`.
pub(crate) async fn moved(peer: NodeId, address: SocketAddr, addresses: &mut Addresses) {
    loop {
        if addresses.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        if addresses.borrow_and_update()[peer.index()] != Some(address) {
            return;
        }
    }
}
