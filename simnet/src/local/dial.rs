//! Dialing: how a transport of connections brings parcels to a peer.
//!
//! Who has something to say connects, says hello, and then sends its letters. A line is made when there is something to send, not before: an idle
//! node does nothing. What is in the queue when a line breaks waits for the next one; what was handed to the broken one is lost or has arrived, and
//! nobody knows which, so it is not sent again: nothing comes twice.

use super::frame::Letter;
use super::transport::{
    Addresses, FIRST_PAUSE, LONGEST_PAUSE, Parcel, Place, QUEUE, Wire, WireCounts, address_of, moved,
};
use crate::node::NodeId;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time;

/// A connection to a peer, on which only this side speaks.
pub(crate) trait Line: Sized + Send + 'static {
    /// Connects. `None` when nobody answers there, for now.
    fn connect(address: SocketAddr) -> impl Future<Output = Option<Self>> + Send;

    /// Says hello, sends `first`, and then what comes into the queue, until the line breaks or nothing can come any more. It may be dropped
    /// while it waits for the queue.
    fn converse(self, dialer: &mut Dialer, first: Vec<u8>) -> impl Future<Output = ()> + Send;
}

/// Brings parcels to one peer.
pub(crate) struct Dialer {
    pub(crate) place: Place,
    pub(crate) peer: NodeId,
    pub(crate) parcels: mpsc::Receiver<Parcel>,
    pub(crate) counts: Arc<WireCounts>,
    addresses: Addresses,
    /// Where the line leads.
    address: Option<SocketAddr>,
}

/// A transport at work: a dialer for each peer, and a task that listens.
pub(crate) fn start<L: Line, F: Future<Output = ()> + Send + 'static>(
    place: Place,
    addresses: &Addresses,
    listen: impl FnOnce(mpsc::Sender<Letter>, Arc<WireCounts>) -> F,
) -> Wire {
    let counts = Arc::new(WireCounts::default());
    let (arrived, letters) = mpsc::channel(QUEUE);
    let mut tasks = JoinSet::new();
    let mut queues = Vec::new();
    for peer in (0..place.nodes).map(NodeId) {
        let (queue, parcels) = mpsc::channel(QUEUE);
        queues.push(queue);
        let (addresses, counts) = (addresses.clone(), counts.clone());
        tasks.spawn(Dialer { place, peer, parcels, counts, addresses, address: None }.run::<L>());
    }
    tasks.spawn(listen(arrived, counts.clone()));
    Wire { queues, letters, counts, _tasks: tasks }
}

impl Dialer {
    async fn run<L: Line>(mut self) {
        // The first parcel waits here until there is a line, and is handed to it first.
        while let Some((_, first)) = self.parcels.recv().await {
            let line: L = self.connect().await;
            line.converse(&mut self, first).await;
        }
    }

    /// Connects, however long it takes: with pauses that grow, and at once when the peer moves.
    async fn connect<L: Line>(&mut self) -> L {
        let mut pause = FIRST_PAUSE;
        loop {
            let address = address_of(self.peer, &mut self.addresses).await;
            self.address = Some(address);
            tokio::select! {
                line = L::connect(address) => if let Some(line) = line {
                    return line;
                },
                () = moved(self.peer, address, &mut self.addresses) => continue,
            }
            tokio::select! {
                () = time::sleep(pause) => {}
                () = moved(self.peer, address, &mut self.addresses) => {}
            }
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// The next parcel. `None` when the peer has moved, or nothing can come any more: either way this line has served.
    pub(crate) async fn next(&mut self) -> Option<Vec<u8>> {
        let address = self.address?;
        tokio::select! {
            parcel = self.parcels.recv() => parcel.map(|(_, frame)| frame),
            () = moved(self.peer, address, &mut self.addresses) => None,
        }
    }

    /// What this node says first.
    pub(crate) fn hello(&self) -> Vec<u8> {
        self.place.hello(self.peer).encode()
    }
}
