//! A server of this process, what happens at it, and clients that speak to it by hand.

#![allow(dead_code, reason = "each test file uses its own part")]

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
    pub fn next(&self) -> Event {
        loop {
            match self.events.recv_timeout(BOUND).expect("the server does something") {
                Event::Answered(_) => {}
                event => return event,
            }
        }
    }

    /// How the connection from `peer` ended.
    pub fn ending(&self, peer: SocketAddr) -> Ending {
        loop {
            match self.next() {
                Event::Closed(who, ending) if who == peer => return ending,
                _ => {}
            }
        }
    }

    pub fn connect(&self) -> Peer {
        let stream = TcpStream::connect(self.server.address).expect("the server listens");
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

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// The next reply; `None` when the server has closed.
    pub fn reply(&mut self) -> Option<Reply> {
        let payload = read_frame(&mut self.stream, 1024).expect("a whole frame, in time")?;
        Some(Reply::from_bytes(&payload).expect("a reply"))
    }
}

/// The frame of a request.
pub fn request(number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(&Request { number }.to_bytes(), &mut bytes);
    bytes
}
