//! The client of the factorial service. A shell: it has a socket and a clock.

#![allow(clippy::disallowed_types, reason = "a client of real sockets measures real time")]

use crate::message::{NoMessage, Reply, Request};
use crate::stream::{self, StreamError};
use hdrhistogram::Histogram;
use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};
use thiserror::Error;

/// The longest reply: 16 bytes and a kind, or a sentence.
const LONGEST_REPLY: usize = 1024;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The name means no address.
    #[error("read the server `{0}`, expected a name or an address that can be resolved: {1}")]
    Unknown(String, io::Error),
    /// Nobody answers there.
    #[error("no server at {0}: {1}; is `sockets serve` running, and on this port?")]
    Unreachable(SocketAddr, io::Error),
    /// The server has closed the connection instead of answering.
    #[error("the server closed the connection after {0} answers; it says why in its own output")]
    Closed(u64),
    /// The server did not answer in time.
    #[error("no answer within {0:?}; is the server busy with another client?")]
    Silent(Duration),
    /// The server has answered with something else.
    #[error("the server does not speak this protocol: {0}")]
    NoReply(#[from] NoMessage),
    /// The connection broke.
    #[error("the connection broke after {0} answers: {1}")]
    Broken(u64, StreamError),
}

/// A connection to a server.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    patience: Duration,
    answers: u64,
}

impl Client {
    /// Connects to the first address of `host` that answers. Nothing here waits longer than `patience`.
    ///
    /// # Errors
    /// When the name means nothing, or nobody answers at any of its addresses.
    pub fn connect(host: &str, port: u16, patience: Duration) -> Result<Self, ClientError> {
        let unknown = |error| ClientError::Unknown(host.to_string(), error);
        let addresses: Vec<SocketAddr> = (host, port).to_socket_addrs().map_err(unknown)?.collect();
        // solution: begin — Part C: try every address
        let mut refused = unknown(io::Error::new(ErrorKind::NotFound, "no address"));
        for address in addresses {
            match Self::connect_to(address, patience) {
                Ok(client) => return Ok(client),
                Err(error) => refused = ClientError::Unreachable(address, error),
            }
        }
        Err(refused)
        // solution: end
    }

    fn connect_to(address: SocketAddr, patience: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, patience)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, patience, answers: 0 })
    }

    /// Asks for one factorial, and waits for the answer.
    ///
    /// # Errors
    /// When none comes in time, or none at all.
    pub fn ask(&mut self, number: u64) -> Result<Reply, ClientError> {
        // solution: begin — Part C: ask once
        let sent = stream::write_frame(&mut self.stream, &Request { number }.to_bytes());
        sent.map_err(|error| self.explain(error.into()))?;
        let reply = stream::read_frame(&mut self.stream, LONGEST_REPLY);
        match reply.map_err(|error| self.explain(error))? {
            None => Err(ClientError::Closed(self.answers)),
            Some(payload) => {
                self.answers += 1;
                Ok(Reply::from_bytes(&payload)?)
            }
        }
        // solution: end
    }

    /// Asks `iterations` times. The round trips are in nanoseconds.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn ask_often(
        &mut self,
        number: u64,
        iterations: u64,
    ) -> Result<(Reply, Histogram<u64>), ClientError> {
        let mut round_trips = crate::round_trips();
        let mut reply = None;
        for _ in 0..iterations {
            let begun = Instant::now();
            reply = Some(self.ask(number)?);
            round_trips.saturating_record(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
        Ok((reply.unwrap_or(Reply::TooLarge(number)), round_trips))
    }

    /// Says that no request follows, and waits until the server has closed as well.
    ///
    /// # Errors
    /// When the connection breaks instead.
    pub fn finish(mut self) -> Result<(), ClientError> {
        let closed = self.stream.shutdown(Shutdown::Write);
        closed.map_err(|error| self.explain(error.into()))?;
        match stream::read_frame(&mut self.stream, LONGEST_REPLY) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.explain(error)),
        }
    }

    /// Errors of the operating system in the words of this service.
    fn explain(&self, error: StreamError) -> ClientError {
        use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut, WouldBlock};
        // solution: begin — Part C: what an error means
        match &error {
            StreamError::Io(cause) => match cause.kind() {
                // Which of the three one sees depends on what the system has noticed so far.
                BrokenPipe | ConnectionReset | ConnectionAborted => ClientError::Closed(self.answers),
                TimedOut | WouldBlock => ClientError::Silent(self.patience),
                _ => ClientError::Broken(self.answers, error),
            },
            _ => ClientError::Broken(self.answers, error),
        }
        // solution: end
    }
}
