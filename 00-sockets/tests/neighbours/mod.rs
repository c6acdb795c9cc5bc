//! A server of this process, what happens at it, and clients that speak to it by hand.

#![allow(dead_code, reason = "each test file uses its own part")]

use simnet::rule::expect_ok;
use socket2::{Domain, Socket, Type};
use sockets::frame;
use sockets::message::{Reply, Request};
use sockets::serve::{Ending, Event, Model, Observer, Running, Settings};
use sockets::stream::read_frame;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a test waits before it is sure that nothing comes. It passes long before; a failure waits so long.
pub const BOUND: Duration = Duration::from_secs(20);

/// A small buffer of a socket, in bytes. The system may double it.
pub const SMALL: usize = 16 * 1024;

/// A running server and its events.
pub struct Watched {
    /// First, so that it ends first.
    pub server: Running,
    events: Receiver<Event>,
}

/// An observer, and what it is told.
fn observer() -> (Observer, Receiver<Event>) {
    let (tell, events) = channel();
    let tell = Mutex::new(tell);
    (Arc::new(move |event| _ = tell.lock().unwrap().send(event)), events)
}

impl Watched {
    pub fn start(model: Model, settings: Settings) -> Self {
        let (observer, events) = observer();
        Watched { server: Running::start(model, settings, observer).expect("a free port"), events }
    }

    /// A server whose system holds little for it in either direction: connections have the buffers of their listener. What is on its way
    /// between two programs is then soon full, and it is the server's own memory that a test sees grow.
    pub fn start_with_small_buffers(model: Model) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(SMALL).unwrap();
        socket.set_send_buffer_size(SMALL).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        socket.listen(128).unwrap();
        let (observer, events) = observer();
        let server = Running::on(socket.into(), model, Settings::default(), observer);
        Watched { server: server.expect("it listens"), events }
    }

    /// The next event but for answers.
    #[track_caller]
    pub fn next(&self) -> Event {
        loop {
            let event = self.events.recv_timeout(BOUND);
            match expect_ok(
                "a server notices what its clients do",
                &format!("an event within {BOUND:?}"),
                event,
            ) {
                Event::Answered(_) => {}
                event => return event,
            }
        }
    }

    /// How the connection from `peer` ended.
    #[track_caller]
    pub fn ending(&self, peer: SocketAddr) -> Ending {
        loop {
            match self.next() {
                Event::Closed(who, ending) if who == peer => return ending,
                _ => {}
            }
        }
    }

    /// How the connection from `peer` ended, if that is told before nothing has happened for this time.
    pub fn ending_within(&self, peer: SocketAddr, time: Duration) -> Option<Ending> {
        loop {
            match self.events.recv_timeout(time).ok()? {
                Event::Closed(who, ending) if who == peer => return Some(ending),
                _ => {}
            }
        }
    }

    pub fn connect(&self) -> Peer {
        Self::peer(TcpStream::connect(self.server.address).expect("the server listens"))
    }

    /// A client whose buffers are soon full. They are made small before it connects: a sender that has once seen a large window waits for the
    /// half of it to open, and with a small buffer it never does.
    pub fn connect_with_small_buffers(&self) -> Peer {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(SMALL).unwrap();
        socket.set_send_buffer_size(SMALL).unwrap();
        socket.connect(&self.server.address.into()).expect("the server listens");
        Self::peer(socket.into())
    }

    fn peer(stream: TcpStream) -> Peer {
        stream.set_read_timeout(Some(BOUND)).unwrap();
        stream.set_write_timeout(Some(BOUND)).unwrap();
        stream.set_nodelay(true).unwrap();
        Peer { stream }
    }
}

/// A client by hand.
pub struct Peer {
    pub stream: TcpStream,
}

impl Peer {
    pub fn address(&self) -> SocketAddr {
        self.stream.local_addr().unwrap()
    }

    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        expect_ok("a server reads what its clients send", "that it is taken", self.stream.write_all(bytes));
    }

    /// The next reply; `None` when the server has closed.
    #[track_caller]
    pub fn reply(&mut self) -> Option<Reply> {
        next_reply(&mut self.stream)
    }
}

/// The next reply in a stream; `None` at its end.
#[track_caller]
pub fn next_reply(stream: &mut impl Read) -> Option<Reply> {
    let frame = read_frame(stream, 1024);
    let expected = format!("a whole frame, or the end of the stream, within {BOUND:?}");
    let payload = expect_ok("a server answers each request, and closes in order", &expected, frame)?;
    Some(expect_ok("a server's answer is a reply", "a reply", Reply::from_bytes(&payload)))
}

/// The frame of a request.
pub fn request(number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(&Request { number }.to_bytes(), &mut bytes);
    bytes
}
