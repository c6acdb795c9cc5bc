//! The `datagram` transport: each message is a UDP datagram, and that is all.
//!
//! Nothing is sent again, nothing is put in order, and what comes twice is delivered twice. It is for protocols that see to that by themselves: a student's
//! own link, or any that bears the network of the papers. A wire as bad as one likes can be put [below](BadWire) it.
//!
//! A datagram holds two [frames](super::frame): a hello, since no connection says who speaks, and a letter.

use super::datagram_socket::DatagramSocket;
use super::frame::{Decoder, Frame, Letter};
#[cfg(doc)]
use super::mischief::BadWire;
use super::mischief::Mischief;
use super::transport::{Addresses, Parcel, Place, QUEUE, Stranger, Transport, Wire, WireCounts, address_of};
use crate::node::NodeId;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// The most bytes that a UDP datagram over IPv4 may carry.
pub const MAX_DATAGRAM: usize = 65_507;

/// A bound socket.
#[derive(Debug)]
pub struct Datagram {
    socket: DatagramSocket,
}

impl Datagram {
    /// Lets `mischief` decide what becomes of each datagram that is sent.
    pub fn over(self, mischief: Mischief) -> Self {
        Datagram { socket: self.socket.over(mischief) }
    }
}

impl Transport for Datagram {
    async fn bind(address: SocketAddr) -> io::Result<Self> {
        Ok(Datagram { socket: DatagramSocket::bind(address).await? })
    }

    fn address(&self) -> SocketAddr {
        self.socket.address()
    }

    fn start(self, place: Place, addresses: Addresses) -> Wire {
        let counts = Arc::new(WireCounts::default());
        let (arrived, letters) = mpsc::channel(QUEUE);
        let (queue, parcels) = mpsc::channel(QUEUE);
        let post = Post { socket: self.socket, place, addresses, arrived, counts: counts.clone() };
        let mut tasks = JoinSet::new();
        tasks.spawn(post.run(parcels));
        Wire { queues: vec![queue; place.nodes as usize], letters, counts, _tasks: tasks }
    }
}

struct Post {
    socket: DatagramSocket,
    place: Place,
    addresses: Addresses,
    arrived: mpsc::Sender<Letter>,
    counts: Arc<WireCounts>,
}

impl Post {
    async fn run(mut self, mut parcels: mpsc::Receiver<Parcel>) {
        // What is said before it is known where the others are waits in the queue: that is no fault of the network.
        for peer in (0..self.place.nodes).map(NodeId) {
            address_of(peer, &mut self.addresses).await;
        }
        // One more byte, so that one that is too long is seen to be.
        let mut buffer = vec![0; MAX_DATAGRAM + 1];
        loop {
            tokio::select! {
                parcel = parcels.recv() => match parcel {
                    Some((to, letter)) => self.send(to, &letter).await,
                    None => return,
                },
                (length, who) = self.socket.receive(&mut buffer, &self.counts) => match self.read(&buffer[..length]) {
                    Ok(letter) => if self.arrived.send(letter).await.is_err() {
                        return;
                    },
                    Err(why) => self.counts.refuse(self.place.me, &who, &why),
                }
            }
        }
    }

    async fn send(&mut self, to: NodeId, letter: &[u8]) {
        let datagram = [&self.place.hello(to).encode()[..], letter].concat();
        let address = self.addresses.borrow()[to.index()];
        match address {
            Some(address) if datagram.len() <= MAX_DATAGRAM => {
                self.socket.send(datagram, address, &self.counts).await;
            }
            _ => {
                self.counts.dropped(1);
                self.counts.say(format_args!(
                    "{}: dropped a message to {to}: it makes a datagram of {} bytes, and at most {MAX_DATAGRAM} fit",
                    self.place.me,
                    datagram.len()
                ));
            }
        }
    }

    fn read(&self, datagram: &[u8]) -> Result<Letter, Stranger> {
        let mut decoder = Decoder::default();
        decoder.push(datagram);
        match (decoder.next()?, decoder.next()?) {
            (Some(Frame::Hello(hello)), Some(frame)) if decoder.is_empty() => {
                self.place.letter(self.place.admit(&hello)?, frame)
            }
            _ => Err(Stranger::Datagram(datagram.len())),
        }
    }
}
