//! A UDP socket, with the mischief that is done below it.

use super::mischief::{BadWire, Mischief};
use super::transport::WireCounts;
use std::io;
use std::net::SocketAddr;
use tokio::net::UdpSocket;

/// A bound UDP socket over a wire that may be bad.
#[derive(Debug)]
pub(crate) struct DatagramSocket {
    socket: UdpSocket,
    address: SocketAddr,
    mischief: Mischief,
}

impl DatagramSocket {
    pub(crate) async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(address).await?;
        Ok(DatagramSocket {
            address: socket.local_addr()?,
            socket,
            mischief: Mischief::new(0, BadWire::NONE),
        })
    }

    pub(crate) fn over(mut self, mischief: Mischief) -> Self {
        self.mischief = mischief;
        self
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends what the wire makes of a datagram.
    pub(crate) async fn send(&mut self, datagram: Vec<u8>, to: SocketAddr, counts: &WireCounts) {
        counts.sent(datagram.len());
        let datagrams = self.mischief.pass(datagram);
        counts.mischief(self.mischief.done());
        for datagram in datagrams {
            // What the system refuses is as good as lost.
            let _ = self.socket.send_to(&datagram, to).await;
        }
    }

    /// The next datagram. It may be dropped while it waits: no datagram is lost by that.
    pub(crate) async fn receive(&self, buffer: &mut [u8], counts: &WireCounts) -> (usize, SocketAddr) {
        loop {
            // An error here is the echo of an earlier send to a closed port.
            if let Ok((length, who)) = self.socket.recv_from(buffer).await {
                counts.received(length);
                return (length, who);
            }
        }
    }
}
