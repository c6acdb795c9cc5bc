//! The `tcp` transport: for each pair of nodes two connections, one for each direction, each made when there is something to say.

use super::dial::{self, Dialer, Line};
use super::door;
use super::frame::{Decoder, Frame, Letter};
use super::transport::{Addresses, PATIENCE, Place, Stranger, Transport, Wire, WireCounts};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time;

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
        let listener = self.listener;
        dial::start::<Stream, _>(place, &addresses, move |arrived, counts| async move {
            let attend = |stream, _| read(stream, place, arrived.clone(), counts.clone());
            door::keep(listener, place, counts.clone(), attend).await;
        })
    }
}

/// Reads one connection to its end. A peer that dies is no stranger: its connection just ends.
async fn read(
    mut stream: TcpStream,
    place: Place,
    arrived: mpsc::Sender<Letter>,
    counts: Arc<WireCounts>,
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

/// A connection of ours to a peer.
struct Stream(TcpStream);

impl Line for Stream {
    async fn connect(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).await.ok()?;
        // A port that nobody listens on may be handed to the very socket that knocks there: it then talks to itself.
        let to_itself = stream.local_addr().ok() == Some(address);
        (!to_itself && stream.set_nodelay(true).is_ok()).then_some(Stream(stream))
    }

    async fn converse(mut self, dialer: &mut Dialer, first: Vec<u8>) {
        let (mut reader, mut writer) = self.0.split();
        let mut batch = dialer.hello();
        batch.extend(first);
        let mut messages = 1;
        let mut unexpected = [0];
        loop {
            while batch.len() < BATCH
                && let Ok((_, more)) = dialer.parcels.try_recv()
            {
                batch.extend(more);
                messages += 1;
            }
            if writer.write_all(&batch).await.is_err() {
                return dialer.counts.dropped(messages);
            }
            dialer.counts.sent(batch.len());
            let next = tokio::select! {
                next = dialer.next() => next,
                // The peer says nothing here: whatever there is to read is the connection's end. So it is noticed
                // before the next letter is lost to it.
                _ = reader.read(&mut unexpected) => return,
            };
            let Some(next) = next else { return };
            (batch, messages) = (next, 1);
        }
    }
}
