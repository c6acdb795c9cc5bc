//! Who is connected, and what an event means.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use zeromq::SocketEvent;

/// A connection, by the order in which connections were made: 1, 2, …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Connection(pub u32);

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The socket listens here.
    Listening(String),
    /// Somebody has connected, from this address, and has shaken hands.
    Accepted(Connection, String),
    /// The socket has connected to this address.
    Connected(Connection, String),
    /// A connection is over; this was its address.
    Disconnected(Connection, String),
    /// Somebody came who is no peer for this socket, or does not speak ZeroMQ.
    Refused(String),
    /// The socket tries to connect.
    Trying,
    /// The socket is closed.
    Closed,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Listening(at) => write!(f, "listening on {at}"),
            Event::Accepted(Connection(number), from) => {
                write!(f, "accepted connection {number} from {from}")
            }
            Event::Connected(Connection(number), to) => write!(f, "connected, connection {number} to {to}"),
            Event::Disconnected(Connection(number), address) => {
                write!(f, "disconnected connection {number}, {address}")
            }
            Event::Refused(why) => write!(f, "refused: {why}"),
            Event::Trying => f.write_str("trying to connect"),
            Event::Closed => f.write_str("closed"),
        }
    }
}

/// So many identities are remembered for each reason; then the oldest is forgotten.
const MOST_REMEMBERED: usize = 1000;

/// Identities, the oldest first.
#[derive(Clone, Debug, Default)]
struct Remembered(VecDeque<Vec<u8>>);

impl Remembered {
    fn insert(&mut self, identity: Vec<u8>) {
        if self.0.len() == MOST_REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(identity);
    }

    fn contains(&self, identity: &[u8]) -> bool {
        self.0.iter().any(|remembered| remembered == identity)
    }

    /// Forgets an identity. Returns whether it was there.
    fn remove(&mut self, identity: &[u8]) -> bool {
        let before = self.0.len();
        self.0.retain(|remembered| remembered != identity);
        self.0.len() < before
    }
}

/// The connections of one socket.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// How many connections there have been.
    made: u32,
    /// Those that are open, by the peer's identity.
    open: BTreeMap<Vec<u8>, (Connection, String)>,
    /// Those that were lost before they were told to have come: the crate's tasks may be so quick.
    lost_early: Remembered,
    /// Those whose end was told, and who have not come again: the crate's REP tells an end twice.
    over: Remembered,
}

impl Ledger {
    /// How many connections are open.
    pub fn connected(&self) -> usize {
        self.open.len()
    }

    /// What the crate's event means: none when there is nothing to tell, two when a connection was over before it was told to have begun.
    pub fn record(&mut self, event: SocketEvent) -> Vec<Event> {
        match event {
            SocketEvent::Listening(at) => vec![Event::Listening(at.to_string())],
            SocketEvent::Accepted(from, identity) => {
                self.begin(identity.to_vec(), from.to_string(), Event::Accepted)
            }
            SocketEvent::Connected(to, identity) => {
                self.begin(identity.to_vec(), to.to_string(), Event::Connected)
            }
            SocketEvent::Disconnected(identity) => self.end(identity.to_vec()),
            SocketEvent::AcceptFailed(error) => vec![Event::Refused(error.to_string())],
            SocketEvent::ConnectDelayed | SocketEvent::ConnectRetried => vec![Event::Trying],
            SocketEvent::Closed => vec![Event::Closed],
            SocketEvent::CloseFailed => vec![],
        }
    }

    /// A connection with this identity has begun: it gets the next number. Where it was lost before, its end is told at once.
    fn begin(
        &mut self,
        identity: Vec<u8>,
        address: String,
        event: fn(Connection, String) -> Event,
    ) -> Vec<Event> {
        // solution: begin — Part A: a connection begins
        self.made += 1;
        let connection = Connection(self.made);
        let begun = event(connection, address.clone());
        if self.lost_early.remove(&identity) {
            self.over.insert(identity);
            return vec![begun, Event::Disconnected(connection, address)];
        }
        self.over.remove(&identity);
        // Who comes again under the same identity takes its own place: the crate has dropped the former connection.
        let former = self.open.insert(identity, (connection, address));
        former
            .map(|(connection, address)| Event::Disconnected(connection, address))
            .into_iter()
            .chain([begun])
            .collect()
        // solution: end
    }

    /// The connection with this identity is over.
    fn end(&mut self, identity: Vec<u8>) -> Vec<Event> {
        // solution: begin — Part A: a connection ends
        if let Some((connection, address)) = self.open.remove(&identity) {
            self.over.insert(identity);
            return vec![Event::Disconnected(connection, address)];
        }
        if !self.over.contains(&identity) && !self.lost_early.contains(&identity) {
            self.lost_early.insert(identity);
        }
        vec![]
        // solution: end
    }
}
