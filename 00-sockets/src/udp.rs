//! The byte-counting service's sockets: see [`datagram`](crate::datagram) for what they say. A shell: it has sockets and a clock.

#![allow(clippy::disallowed_types, reason = "a client of real sockets measures real time")]

use crate::datagram::{Counted, Counter, LONGEST, NoDatagram, SHORTEST, request};
use hdrhistogram::Histogram;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant};
use thiserror::Error;

/// Serves until `stop` says so; it is asked after each datagram.
///
/// # Errors
/// When the socket fails for good.
pub fn serve(
    socket: &UdpSocket,
    mut told: impl FnMut(SocketAddr, Result<Counted, NoDatagram>),
    mut stop: impl FnMut() -> bool,
) -> io::Result<()> {
    let mut counter = Counter::default();
    // A datagram that does not fit into the buffer is cut off without a word: so the buffer holds the longest.
    let mut buffer = vec![0; LONGEST];
    while !stop() {
        let (length, peer) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            // Somebody whom we answered has gone; the system tells us so here, though it is none of our business.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::Interrupted) => {
                continue;
            }
            Err(error) => return Err(error),
        };
        let counted = counter.count(&buffer[..length]);
        if let Ok(counted) = &counted {
            // A reply that cannot leave is lost, as it may be at any later place; the client asks again.
            let _ = socket.send_to(&counted.to_bytes(), peer);
        }
        told(peer, counted);
    }
    Ok(())
}

/// Why nothing was counted.
#[derive(Debug, Error)]
pub enum CountError {
    /// The name means no address.
    #[error("read the server `{0}`, expected a name or an address that can be resolved: {1}")]
    Unknown(String, io::Error),
    /// A length that no datagram has.
    #[error("read a length of {0} bytes, expected {SHORTEST} to {LONGEST}: what a datagram holds")]
    Length(usize),
    /// Nobody listens there.
    #[error("no server at {0}: {1}; is `sockets serve --service count` running, and on this port?")]
    Unreachable(SocketAddr, io::Error),
    /// Nobody answers.
    #[error(
        "no answer from {0} to {1} datagrams, each awaited for {2:?}; is `sockets serve --service count` running?"
    )]
    Silent(SocketAddr, u32, Duration),
    /// The operating system says no.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A client of the service.
#[derive(Debug)]
pub struct CountClient {
    socket: UdpSocket,
    server: SocketAddr,
    patience: Duration,
    tries: u32,
    sequence: u32,
    /// How many datagrams were sent again.
    pub resent: u64,
}

impl CountClient {
    /// A client of the server at `host`. It waits for each answer for `patience`, and asks at most `tries` times.
    ///
    /// # Errors
    /// When the name means nothing, or there is no socket to be had.
    pub fn new(host: &str, port: u16, patience: Duration, tries: u32) -> Result<Self, CountError> {
        let unknown = |error| CountError::Unknown(host.to_string(), error);
        let none = || unknown(io::Error::new(ErrorKind::NotFound, "no address"));
        let server = (host, port).to_socket_addrs().map_err(unknown)?.next().ok_or_else(none)?;
        let any: SocketAddr = if server.is_ipv4() { ([0; 4], 0).into() } else { ([0_u16; 8], 0).into() };
        let socket = UdpSocket::bind(any)?;
        // A connected socket hears only this server, and is told when nobody listens there.
        socket.connect(server)?;
        Ok(CountClient { socket, server, patience, tries, sequence: 0, resent: 0 })
    }

    /// Has a datagram of `length` bytes counted.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn count(&mut self, length: usize) -> Result<Counted, CountError> {
        if !(SHORTEST..=LONGEST).contains(&length) {
            return Err(CountError::Length(length));
        }
        self.sequence = self.sequence.wrapping_add(1);
        let request = request(self.sequence, length);
        for again in 0..self.tries {
            self.resent += u64::from(again > 0);
            match self.socket.send(&request) {
                // No room in the socket: as good as lost.
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => return Err(self.explain(error)),
                Ok(_) => {}
            }
            if let Some(counted) = self.await_reply()? {
                return Ok(counted);
            }
        }
        Err(CountError::Silent(self.server, self.tries, self.patience))
    }

    /// The reply to the last request, or `None` when the time is up. Replies to earlier ones are late, and ignored.
    fn await_reply(&self) -> Result<Option<Counted>, CountError> {
        // solution: begin — Part C: wait for the right reply
        let deadline = Instant::now() + self.patience;
        let mut buffer = [0; 64];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.socket.set_read_timeout(Some(left))?;
            match self.socket.recv(&mut buffer) {
                Ok(length) => match Counted::from_bytes(&buffer[..length]) {
                    Ok(counted) if counted.sequence == self.sequence => return Ok(Some(counted)),
                    _ => {}
                },
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => return Ok(None),
                    ErrorKind::Interrupted => {}
                    _ => return Err(self.explain(error)),
                },
            }
        }
        // solution: end
    }

    fn explain(&self, error: io::Error) -> CountError {
        match error.kind() {
            ErrorKind::ConnectionRefused => CountError::Unreachable(self.server, error),
            _ => CountError::Io(error),
        }
    }

    /// Has `iterations` datagrams counted. The round trips are in nanoseconds, time lost to lost datagrams included.
    ///
    /// # Errors
    /// As [`count`](Self::count).
    pub fn count_often(
        &mut self,
        length: usize,
        iterations: u64,
    ) -> Result<(Option<Counted>, Histogram<u64>), CountError> {
        let mut round_trips = crate::round_trips();
        let mut last = None;
        for _ in 0..iterations {
            let begun = Instant::now();
            last = Some(self.count(length)?);
            round_trips.saturating_record(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
        Ok((last, round_trips))
    }
}
