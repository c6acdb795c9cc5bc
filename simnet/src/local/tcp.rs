//! The `tcp` transport: for each pair of nodes two connections, one for each direction.
//!
//! Who has something to say connects, says hello, and then sends its letters. A connection is made when there is something to
//! send, not before: an idle node does nothing. What is in the queue when a connection breaks waits for the next one; what was handed to the broken one
//! is lost or has arrived, and nobody knows which, so it is not sent again: nothing comes twice.

use super::frame::{Decoder, Frame, Letter};
use super::transport::{
    Addresses, FIRST_PAUSE, LONGEST_PAUSE, Parcel, Place, QUEUE, Stranger, Transport, Wire, WireCounts,
    address_of, moved,
};
use crate::node::NodeId;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time;

/// How long a stranger may take to say hello.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many connections may be open beside one for each peer: room for those that are being replaced.
const SPARE: usize = 16;
/// How many bytes are handed to the system at once, and read at once: many small messages make one packet.
const BATCH: usize = 64 << 10;

/// A listening TCP socket.
#[derive(Debug)]
pub struct Tcp {
    listener: TcpListener,
    address: SocketAddr,
}

impl Transport for Tcp {
    async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Tcp { address: listener.local_addr()?, listener })
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
        tasks.spawn(listen(self.listener, place, arrived, counts.clone()));
        Wire { queues, letters, counts, _tasks: tasks }
    }
}

/// Takes connections for ever; each has a task of its own.
async fn listen(listener: TcpListener, place: Place, arrived: mpsc::Sender<Letter>, counts: Arc<WireCounts>) {
    let most = place.nodes as usize + SPARE;
    let room = Arc::new(Semaphore::new(most));
    let mut readers = JoinSet::new();
    loop {
        let (stream, who) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(_) => {
                // Mostly too many open files: it does not get better at once, and must not spin.
                time::sleep(LONGEST_PAUSE).await;
                continue;
            }
        };
        while readers.try_join_next().is_some() {}
        let Ok(permit) = room.clone().try_acquire_owned() else {
            counts.refuse(place.me, &who, &Stranger::TooMany(most));
            continue;
        };
        let (arrived, counts) = (arrived.clone(), counts.clone());
        readers.spawn(async move {
            if let Err(why) = read(stream, place, arrived, &counts).await {
                counts.refuse(place.me, &who, &why);
            }
            drop(permit);
        });
    }
}

/// Reads one connection to its end. A peer that dies is no stranger: its connection just ends.
async fn read(
    mut stream: TcpStream,
    place: Place,
    arrived: mpsc::Sender<Letter>,
    counts: &WireCounts,
) -> Result<(), Stranger> {
    let (mut decoder, mut buffer, mut peer) = (Decoder::default(), vec![0; BATCH], None);
    loop {
        let reads = stream.read(&mut buffer);
        let read = match peer {
            Some(_) => reads.await,
            None => time::timeout(PATIENCE, reads).await.map_err(|_| Stranger::Silent(PATIENCE))?,
        };
        let Some(read) = read.ok().filter(|read| *read > 0) else { return Ok(()) };
        counts.received(read);
        decoder.push(&buffer[..read]);
        while let Some(frame) = decoder.next()? {
            match peer {
                None => match frame {
                    Frame::Hello(hello) => peer = Some(place.admit(&hello)?),
                    Frame::Letter(_) => return Err(Stranger::Unknown),
                },
                Some(from) => {
                    let letter = place.letter(from, frame)?;
                    if arrived.send(letter).await.is_err() {
                        return Ok(());
                    }
                }
            }
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
        // The first parcel waits here until there is a connection, and is handed to it first.
        while let Some((_, first)) = self.parcels.recv().await {
            let (stream, address) = self.connect().await;
            self.converse(stream, address, first).await;
        }
    }

    /// Connects, however long it takes.
    async fn connect(&mut self) -> (TcpStream, SocketAddr) {
        let mut pause = FIRST_PAUSE;
        loop {
            let address = address_of(self.peer, &mut self.addresses).await;
            if let Ok(stream) = TcpStream::connect(address).await
                // A port that nobody listens on may be handed to the very socket that knocks there: it then talks to itself.
                && stream.local_addr().ok() != Some(address)
                && stream.set_nodelay(true).is_ok()
            {
                return (stream, address);
            }
            tokio::select! {
                () = time::sleep(pause) => {}
                () = moved(self.peer, address, &mut self.addresses) => {}
            }
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// Sends until the connection breaks, the peer moves, or nothing can come any more.
    async fn converse(&mut self, mut stream: TcpStream, address: SocketAddr, first: Vec<u8>) {
        let (mut reader, mut writer) = stream.split();
        let mut batch = self.place.hello(self.peer).encode();
        batch.extend(first);
        let mut messages = 1;
        let mut unexpected = [0];
        loop {
            while batch.len() < BATCH
                && let Ok((_, more)) = self.parcels.try_recv()
            {
                batch.extend(more);
                messages += 1;
            }
            if writer.write_all(&batch).await.is_err() {
                return self.counts.dropped(messages);
            }
            self.counts.sent(batch.len());
            let next = tokio::select! {
                next = self.parcels.recv() => next,
                // The peer says nothing here: whatever there is to read is the connection's end. So it is noticed
                // before the next letter is lost to it.
                _ = reader.read(&mut unexpected) => return,
                () = moved(self.peer, address, &mut self.addresses) => return,
            };
            let Some((_, next)) = next else { return };
            (batch, messages) = (next, 1);
        }
    }
}
