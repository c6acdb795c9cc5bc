//! The `zmq` transport: each node has a ROUTER that listens, and a DEALER for each peer that it speaks to.
//!
//! Two things about the crate `zeromq` 0.7 shape this file. A DEALER that has lost its peer does not connect again, and goes on to answer `Ok` to
//! whatever it is given; but while a receive is pending its monitor reports the loss. So there is always a receive pending, the monitor is watched, and
//! after a loss the socket is thrown away: the next letter gets a new one. And the crate reads whatever length a ZMTP frame announces:
//! a hostile peer can make it use memory, which no setting prevents. Our own limits hold for what it hands over.

use super::frame::{Frame, Letter};
use super::transport::{
    Addresses, FIRST_PAUSE, LONGEST_PAUSE, Parcel, Place, QUEUE, Stranger, Transport, Wire, WireCounts,
    address_of, moved,
};
use crate::node::NodeId;
use futures_util::StreamExt;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time;
use zeromq::{DealerSocket, RouterSocket, Socket, SocketEvent, SocketRecv, SocketSend, ZmqMessage};

/// How long one attempt to connect may take; the crate itself would try for half a minute, also where nobody is any more.
const PATIENCE: Duration = Duration::from_secs(1);

/// A listening ROUTER.
pub struct Zmq {
    router: RouterSocket,
    address: SocketAddr,
}

impl fmt::Debug for Zmq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zmq({})", self.address)
    }
}

impl Transport for Zmq {
    async fn bind(address: SocketAddr) -> io::Result<Self> {
        // Bound by ourselves, so that the address is known and its error is the system's.
        let listener = std::net::TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let mut router = RouterSocket::new();
        router.bind_listener(listener).await.map_err(io::Error::other)?;
        Ok(Zmq { router, address })
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn start(self, place: Place, addresses: Addresses) -> Wire {
        let counts = Arc::new(WireCounts::default());
        let (arrived, letters) = mpsc::channel(QUEUE);
        let mut tasks = JoinSet::new();
        let mut queues = Vec::new();
        for peer in (0..place.nodes).map(NodeId) {
            let (queue, parcels) = mpsc::channel(QUEUE);
            queues.push(queue);
            let dialer =
                Dialer { place, peer, addresses: addresses.clone(), parcels, counts: counts.clone() };
            tasks.spawn(dialer.run());
        }
        tasks.spawn(listen(self.router, place, arrived, counts.clone()));
        Wire { queues, letters, counts, _tasks: tasks }
    }
}

/// Who speaks under which ZeroMQ identity. The crate does not say when one is gone, so a node's new identity replaces its old one.
#[derive(Default)]
struct Speakers(BTreeMap<NodeId, Vec<u8>>);

impl Speakers {
    fn find(&self, identity: &[u8]) -> Option<NodeId> {
        self.0.iter().find(|(_, known)| *known == identity).map(|(node, _)| *node)
    }

    /// The letter in a message, if it holds one.
    fn hear(&mut self, place: &Place, identity: &[u8], body: &[u8]) -> Result<Option<Letter>, Stranger> {
        match (Frame::decode(body)?, self.find(identity)) {
            (Frame::Hello(hello), _) => {
                self.0.insert(place.admit(&hello)?, identity.to_vec());
                Ok(None)
            }
            (frame, Some(from)) => place.letter(from, frame).map(Some),
            (_, None) => Err(Stranger::Unknown),
        }
    }
}

/// Reads the ROUTER for ever.
async fn listen(
    mut router: RouterSocket,
    place: Place,
    arrived: mpsc::Sender<Letter>,
    counts: Arc<WireCounts>,
) {
    let mut speakers = Speakers::default();
    loop {
        let Ok(message) = router.recv().await else {
            // The crate calls that impossible; if it comes nevertheless, it must not spin.
            time::sleep(LONGEST_PAUSE).await;
            continue;
        };
        counts.received(message.iter().map(|part| part.len()).sum());
        let (identity, body) = match (message.get(0), message.get(1), message.len()) {
            (Some(identity), Some(body), 2) => (&identity[..], &body[..]),
            _ => (&[][..], &[][..]),
        };
        match speakers.hear(&place, identity, body) {
            Ok(None) => {}
            Ok(Some(letter)) => {
                if arrived.send(letter).await.is_err() {
                    return;
                }
            }
            Err(why) => counts.refuse(place.me, &"a ZeroMQ peer", &why),
        }
    }
}

/// Brings parcels to one peer.
struct Dialer {
    place: Place,
    peer: NodeId,
    addresses: Addresses,
    parcels: mpsc::Receiver<Parcel>,
    counts: Arc<WireCounts>,
}

impl Dialer {
    async fn run(mut self) {
        while let Some((_, first)) = self.parcels.recv().await {
            let (dealer, address) = self.connect().await;
            self.converse(dealer, address, first).await;
        }
    }

    /// Connects, however long it takes.
    async fn connect(&mut self) -> (DealerSocket, SocketAddr) {
        let mut pause = FIRST_PAUSE;
        loop {
            let address = address_of(self.peer, &mut self.addresses).await;
            let mut dealer = DealerSocket::new();
            let endpoint = format!("tcp://{address}");
            tokio::select! {
                connected = time::timeout(PATIENCE, dealer.connect(&endpoint)) => {
                    if matches!(connected, Ok(Ok(()))) {
                        return (dealer, address);
                    }
                }
                () = moved(self.peer, address, &mut self.addresses) => continue,
            }
            tokio::select! {
                () = time::sleep(pause) => {}
                () = moved(self.peer, address, &mut self.addresses) => {}
            }
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// Sends until the connection breaks, the peer moves, or nothing can come any more.
    async fn converse(&mut self, mut dealer: DealerSocket, address: SocketAddr, first: Vec<u8>) {
        let mut events = dealer.monitor();
        let (mut sender, mut receiver) = dealer.split();
        let hello = self.place.hello(self.peer).encode();
        for bytes in [hello, first] {
            if !self.send(&mut sender, bytes).await {
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
                () = moved(self.peer, address, &mut self.addresses) => return,
                parcel = self.parcels.recv() => {
                    let Some((_, frame)) = parcel else { return };
                    if !self.send(&mut sender, frame).await {
                        return;
                    }
                }
            }
        }
    }

    async fn send(&self, sender: &mut zeromq::DealerSendHalf, frame: Vec<u8>) -> bool {
        let length = frame.len();
        let sent = sender.send(ZmqMessage::from(frame)).await.is_ok();
        if sent {
            self.counts.sent(length);
        } else {
            self.counts.dropped(1);
        }
        sent
    }
}
