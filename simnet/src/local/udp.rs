//! The `udp` transport: the socket and the clock around the pure [`Link`]s, one for each peer.

use super::datagram_socket::DatagramSocket;
use super::frame::{Frame, Letter};
use super::mischief::Mischief;
use super::packet::{Envelope, HEAD, MAX_FRAGMENT, Segment};
use super::reliable::{Link, Settings};
use super::transport::{Addresses, Parcel, Place, QUEUE, Stranger, Transport, Wire, WireCounts};
use crate::node::NodeId;
use crate::time::micros;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// A bound UDP socket.
#[derive(Debug)]
pub struct Udp {
    socket: DatagramSocket,
}

impl Udp {
    /// Lets `mischief` decide what becomes of each datagram that is sent.
    pub fn over(self, mischief: Mischief) -> Self {
        Udp { socket: self.socket.over(mischief) }
    }
}

impl Transport for Udp {
    async fn bind(address: SocketAddr) -> io::Result<Self> {
        Ok(Udp { socket: DatagramSocket::bind(address).await? })
    }

    fn address(&self) -> SocketAddr {
        self.socket.address()
    }

    fn start(self, place: Place, addresses: Addresses) -> Wire {
        let counts = Arc::new(WireCounts::default());
        let (arrived, letters) = mpsc::channel(QUEUE);
        let (queue, parcels) = mpsc::channel(QUEUE);
        let post = Post {
            socket: self.socket,
            place,
            addresses,
            links: (0..place.nodes).map(|_| Link::new(place.life, Settings::default())).collect(),
            epoch: Instant::now(),
            arrived,
            counts: counts.clone(),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(post.run(parcels));
        Wire { queues: vec![queue; place.nodes as usize], letters, counts, _tasks: tasks }
    }
}

/// The socket, and what is known of each peer.
struct Post {
    socket: DatagramSocket,
    place: Place,
    addresses: Addresses,
    links: Vec<Link>,
    epoch: Instant,
    arrived: mpsc::Sender<Letter>,
    counts: Arc<WireCounts>,
}

impl Post {
    async fn run(mut self, mut parcels: mpsc::Receiver<Parcel>) {
        let mut buffer = vec![0; HEAD + MAX_FRAGMENT + 1];
        let mut book_is_open = true;
        loop {
            self.flush().await;
            let wakes = self.wakes_at();
            let slumber = async {
                match wakes {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                parcel = parcels.recv() => match parcel {
                    Some(parcel) => self.accept(parcel),
                    None => return,
                },
                (length, who) = self.socket.receive(&mut buffer, &self.counts) => {
                    if let Err(why) = self.read(&buffer[..length]) {
                        self.counts.refuse(self.place.me, &who, &why);
                    }
                    if self.hand_over().await.is_err() {
                        return;
                    }
                }
                changed = self.addresses.changed(), if book_is_open => book_is_open = changed.is_ok(),
                () = slumber => {}
            }
        }
    }

    fn now_us(&self) -> u64 {
        micros(self.epoch.elapsed())
    }

    /// When the first link wants to be asked again. Links to nodes whose address is not known wait for that.
    fn wakes_at(&self) -> Option<Instant> {
        let addresses = self.addresses.borrow();
        let peers = self.links.iter().zip(addresses.iter()).enumerate();
        let reachable =
            peers.filter(|(peer, (_, address))| *peer != self.place.me.index() && address.is_some());
        let at = reachable.filter_map(|(_, (link, _))| link.wakes_at()).min()?;
        Some(self.epoch + Duration::from_micros(at))
    }

    fn accept(&mut self, (to, frame): Parcel) {
        if self.links[to.index()].send(frame).is_err() {
            self.counts.dropped(1);
        }
    }

    fn read(&mut self, datagram: &[u8]) -> Result<(), Stranger> {
        let (envelope, segment) = Segment::decode(datagram)?;
        let Envelope { run, from, to } = envelope;
        let hello = super::frame::Hello { run, from, to, nodes: self.place.nodes };
        let peer = self.place.admit(&hello)?;
        let now_us = self.now_us();
        self.links[peer.index()].receive(segment, now_us);
        Ok(())
    }

    /// Gives what the links have joined to the node. Err when the node is gone.
    async fn hand_over(&mut self) -> Result<(), mpsc::error::SendError<Letter>> {
        for peer in 0..self.links.len() {
            while let Some(message) = self.links[peer].take() {
                let from = NodeId(peer as u32);
                let letter = Frame::decode(&message).map_err(Stranger::from);
                match letter.and_then(|frame| self.place.letter(from, frame)) {
                    Ok(letter) => self.arrived.send(letter).await?,
                    Err(why) => self.counts.refuse(self.place.me, &from, &why),
                }
            }
        }
        Ok(())
    }

    /// Sends what the links want to send.
    async fn flush(&mut self) {
        let Place { run, me, nodes, .. } = self.place;
        for peer in (0..nodes).map(NodeId).filter(|peer| *peer != me) {
            let Some(address) = self.addresses.borrow()[peer.index()] else { continue };
            let now_us = self.now_us();
            while let Some(segment) = self.links[peer.index()].poll(now_us) {
                let envelope = Envelope { run, from: me, to: peer };
                // What is lost is sent again.
                self.socket.send(segment.encode(envelope), address, &self.counts).await;
            }
        }
    }
}
