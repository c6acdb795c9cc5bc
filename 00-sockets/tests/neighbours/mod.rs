//! A server of this process, what happens at it, and clients that speak to it by hand.

#![allow(dead_code, reason = "each test file uses its own part")]

use crate::rule::expect_ok;
use socket2::{Domain, Socket, Type};
use sockets::frame;
use sockets::message::{Reply, Request};
use sockets::serve::{Ending, Event, Model, Running, Settings};
use sockets::stream::read_frame;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a test waits before it is sure that nothing comes. It passes long before; a failure waits so long.
pub const BOUND: Duration = Duration::from_secs(20);

/// A running server and its events.
pub struct Watched {
    /// First, so that it ends first.
    pub server: Running,
    events: Receiver<Event>,
}

impl Watched {
    pub fn start(model: Model, settings: Settings) -> Self {
        let (tell, events) = channel();
        let tell = Mutex::new(tell);
        let observer = Arc::new(move |event| _ = tell.lock().unwrap().send(event));
        Watched { server: Running::start(model, settings, observer).expect("a free port"), events }
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

    pub fn connect(&self) -> Peer {
        Self::peer(TcpStream::connect(self.server.address).expect("the server listens"))
    }

    /// A client whose buffers are soon full. They are made small before it connects: a sender that has once seen a large window waits for the
    /// half of it to open, and with a small buffer it never does.
    pub fn connect_with_small_buffers(&self) -> Peer {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        socket.set_send_buffer_size(16 * 1024).unwrap();
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
        let frame = read_frame(&mut self.stream, 1024);
        let expected = format!("a whole frame, or the end of the stream, within {BOUND:?}");
        let payload = expect_ok("a server answers each request, and closes in order", &expected, frame)?;
        Some(expect_ok("a server's answer is a reply", "a reply", Reply::from_bytes(&payload)))
    }
}

/// The frame of a request.
pub fn request(number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(&Request { number }.to_bytes(), &mut bytes);
    bytes
}
