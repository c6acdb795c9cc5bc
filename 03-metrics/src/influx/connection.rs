//! A connection to the server, and one request after the other on it. A shell: it has the socket. No wait is without a bound.

#![allow(clippy::disallowed_types, reason = "a shell: it bounds real waits")]

use super::address::Address;
use super::response::{Body, Head, NotHttp, head};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};
use thiserror::Error;

/// The most bytes of a body that are kept; what is longer is not read.
pub const MOST_BODY: usize = 64 * 1024;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum NoAnswer {
    /// There is no such host.
    #[error("there is no host `{0}`: {1}; is it spelt right, and is this machine's name service working?")]
    NoHost(String, io::Error),
    /// The host is there, and nobody listens.
    #[error("nobody listens at {0}: connection refused; is the database running, and at this port?")]
    RefusedConnection(String),
    /// No answer at all.
    #[error("no answer from {0} within {1:?}; is a firewall in between, or is it another host?")]
    TimedOut(String, Duration),
    /// It ended in the middle.
    #[error("the connection to {0} broke: {1}")]
    Broken(String, io::Error),
    /// It ended before an answer.
    #[error("{0} closed the connection without an answer; does it speak HTTP?")]
    Silent(String),
    /// It answers with something else.
    #[error("what answers at {0} is no such database: {1}; is it the right port?")]
    NotHttp(String, NotHttp),
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status and headers.
    pub head: Head,
    /// The beginning of the body.
    pub body: String,
}

/// A server, and the connection to it if there is one.
#[derive(Debug)]
pub struct Connection {
    address: Address,
    stream: Option<TcpStream>,
}

impl Connection {
    /// To this server; it connects when it is first asked.
    pub fn new(address: Address) -> Self {
        Connection { address, stream: None }
    }

    /// Sends a request, and reads the answer, all within `bound`.
    ///
    /// A connection that was used before may have been closed meanwhile. That is an error, and not mended here by a new one: the server may have
    /// been killed in between, and whoever asks must know.
    ///
    /// # Errors
    /// When there is no answer. The next request goes over a new connection.
    pub fn ask(&mut self, request: &[u8], bound: Duration) -> Result<Answer, NoAnswer> {
        let until = Instant::now() + bound;
        let stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect(until, bound)?,
        };
        self.exchange(stream, request, until, bound)
    }

    /// Looks, without waiting, whether the connection has been closed since the last answer. Once it has, there is none.
    pub fn broke(&mut self) -> bool {
        let broke = self.stream.as_ref().is_some_and(|stream| !is_quiet(stream));
        if broke {
            self.stream = None;
        }
        broke
    }

    fn name(&self) -> String {
        self.address.authority()
    }

    fn connect(&self, until: Instant, bound: Duration) -> Result<TcpStream, NoAnswer> {
        let at: Vec<SocketAddr> = (self.address.host.as_str(), self.address.port)
            .to_socket_addrs()
            .map_err(|why| NoAnswer::NoHost(self.address.host.clone(), why))?
            .collect();
        let mut failed = NoAnswer::NoHost(self.address.host.clone(), ErrorKind::NotFound.into());
        for at in at {
            match TcpStream::connect_timeout(&at, left(until)) {
                Ok(stream) => {
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(why) => failed = self.failed(why, bound),
            }
        }
        Err(failed)
    }

    fn failed(&self, why: io::Error, bound: Duration) -> NoAnswer {
        match why.kind() {
            ErrorKind::ConnectionRefused => NoAnswer::RefusedConnection(self.name()),
            ErrorKind::TimedOut | ErrorKind::WouldBlock => NoAnswer::TimedOut(self.name(), bound),
            _ => NoAnswer::Broken(self.name(), why),
        }
    }

    fn exchange(
        &mut self,
        mut stream: TcpStream,
        request: &[u8],
        until: Instant,
        bound: Duration,
    ) -> Result<Answer, NoAnswer> {
        let failed = |why| self.failed(why, bound);
        let mut sent = 0;
        let mut broken = None;
        while sent < request.len() {
            stream.set_write_timeout(Some(left(until))).map_err(failed)?;
            match stream.write(&request[sent..]) {
                Ok(0) => break,
                Ok(more) => sent += more,
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                // A server that refuses a body may answer and close before it has read all of it.
                Err(why) => {
                    broken = Some(why);
                    break;
                }
            }
        }
        let mut reader = Incoming { stream: &mut stream, bytes: Vec::new(), until };
        let head = loop {
            match head(&reader.bytes) {
                Ok(Some(head)) if head.status < 200 => {
                    reader.bytes.drain(..head.length);
                }
                Ok(Some(head)) => break head,
                Ok(None) => match reader.more() {
                    Ok(0) if reader.bytes.is_empty() => {
                        return Err(broken.map_or_else(|| NoAnswer::Silent(self.name()), failed));
                    }
                    // So far it was HTTP.
                    Ok(0) => return Err(failed(ErrorKind::UnexpectedEof.into())),
                    Ok(_) => {}
                    Err(why) => return Err(failed(broken.unwrap_or(why))),
                },
                Err(not) => return Err(NoAnswer::NotHttp(self.name(), not)),
            }
        };
        reader.bytes.drain(..head.length);
        let (body, whole) = reader.body(head.body).map_err(failed)?;
        let body = String::from_utf8_lossy(&body).into_owned();
        if speaks_tls(head.status, &body) {
            return Err(NoAnswer::NotHttp(self.name(), NotHttp::Tls));
        }
        if head.keep && whole && sent == request.len() {
            self.stream = Some(stream);
        }
        Ok(Answer { head, body })
    }
}

/// Whether nothing has come on this connection, not even its end. Between two requests nothing else is in order.
fn is_quiet(stream: &TcpStream) -> bool {
    let looked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0]));
    let quiet = looked.is_err_and(|why| why.kind() == ErrorKind::WouldBlock);
    quiet && stream.set_nonblocking(false).is_ok()
}

/// Servers that expect TLS say so in plain text to those who do not speak it.
fn speaks_tls(status: u16, body: &str) -> bool {
    status == 400 && body.contains("HTTP request") && body.contains("HTTPS")
}

/// What is left until then; never nothing, which a socket takes for no bound at all.
fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

struct Incoming<'a> {
    stream: &'a mut TcpStream,
    bytes: Vec<u8>,
    until: Instant,
}

impl Incoming<'_> {
    /// Reads some more; 0 at the end.
    fn more(&mut self) -> io::Result<usize> {
        let mut some = [0; 4096];
        loop {
            if Instant::now() >= self.until {
                return Err(ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(Some(left(self.until)))?;
            match self.stream.read(&mut some) {
                Ok(length) => {
                    self.bytes.extend_from_slice(&some[..length]);
                    return Ok(length);
                }
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(why) => return Err(why),
            }
        }
    }

    /// The beginning of the body, and whether it has been read to its end.
    fn body(&mut self, body: Body) -> io::Result<(Vec<u8>, bool)> {
        match body {
            Body::Length(length) => {
                let most = usize::try_from(length).unwrap_or(usize::MAX).min(MOST_BODY);
                while self.bytes.len() < most && self.more()? > 0 {}
                let whole = self.bytes.len() as u64 == length;
                self.bytes.truncate(most);
                Ok((std::mem::take(&mut self.bytes), whole))
            }
            Body::ToTheEnd => {
                while self.bytes.len() < MOST_BODY && self.more()? > 0 {}
                Ok((std::mem::take(&mut self.bytes), false))
            }
            Body::Chunked => self.chunks(),
        }
    }

    fn chunks(&mut self) -> io::Result<(Vec<u8>, bool)> {
        let mut body = Vec::new();
        loop {
            let Some(end) = self.bytes.windows(2).position(|window| window == b"\r\n") else {
                if self.bytes.len() > 1024 || self.more()? == 0 {
                    return Ok((body, false));
                }
                continue;
            };
            let text = String::from_utf8_lossy(&self.bytes[..end]).into_owned();
            let size = text.split(';').next().and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
            self.bytes.drain(..end + 2);
            let Some(size) = size.filter(|size| *size > 0 && *size <= MOST_BODY - body.len()) else {
                // The last piece, one that is none, or one too many. The connection is not used again.
                return Ok((body, false));
            };
            while self.bytes.len() < size + 2 {
                if self.more()? == 0 {
                    return Ok((body, false));
                }
            }
            body.extend_from_slice(&self.bytes[..size]);
            self.bytes.drain(..size + 2);
        }
    }
}
