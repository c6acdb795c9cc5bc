//! The same state machines with ZeroMQ's sockets: DEALER and ROUTER between a participant and the discovery, XPUB and SUB for what is
//! published. Given whole.

mod discovery;
mod participant;

pub use discovery::Desk;
pub use participant::{Sockets, take_part};

use super::message::Endpoint;
use crate::door::Door;
use crate::endpoint::EndpointError;
use std::time::Duration;
use zeromq::{Socket, ZmqError};

/// Why a program of the middleware cannot go on. Each is one line for a person.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// The port is taken, or the address is not of this machine.
    #[error(
        "could not listen on {endpoint}: {error}; choose another address with -a, or port with -p (0: any)"
    )]
    Bind {
        /// Where.
        endpoint: Endpoint,
        /// What the system said.
        error: String,
    },
    /// Nobody is there.
    #[error(
        "no discovery answers at {endpoint}: {error}; start `zmq middleware discovery` there, or say where it is with -d"
    )]
    NoDiscovery {
        /// Where it should be.
        endpoint: Endpoint,
        /// What was tried.
        error: String,
    },
    /// The discovery was there, and is no more.
    #[error("the discovery at {0} has gone before all were done")]
    DiscoveryGone(Endpoint),
    /// A publisher or the broker cannot be heard where it said.
    #[error(
        "could not subscribe at {endpoint}: {error}; is it the address that others can reach? It is given there with -a"
    )]
    NoPublisher {
        /// Where.
        endpoint: Endpoint,
        /// What was tried.
        error: String,
    },
    /// A subscriber that takes nothing any more.
    #[error("a subscriber has taken nothing for {0:?}, and keeps all others waiting")]
    SlowSubscriber(Duration),
    /// The discovery refuses.
    #[error("the discovery refuses: {0}")]
    Refused(String),
    /// The time was over.
    #[error("not done within {within:?}; it waits for {what}")]
    TimedOut {
        /// The time.
        within: Duration,
        /// What it waits for.
        what: String,
    },
    /// A participant has gone.
    #[error("{0}")]
    Failed(String),
    /// A socket fails.
    #[error("a socket has failed: {0}")]
    Socket(#[from] ZmqError),
}

/// Binds a socket behind a door; returns the port, too, which the system chooses for 0.
async fn bind(socket: &mut impl Socket, endpoint: &Endpoint) -> Result<(Door, u16), ShellError> {
    match Door::open(&format!("tcp://{endpoint}"), socket).await {
        Ok(door) => {
            let port = door.address.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
            Ok((door, port.unwrap_or(endpoint.port)))
        }
        Err(EndpointError::Busy(_, error)) => Err(ShellError::Bind { endpoint: endpoint.clone(), error }),
        Err(error) => Err(ShellError::Bind { endpoint: endpoint.clone(), error: error.to_string() }),
    }
}

/// Connects a socket. Whoever is not there yet is waited for, so long.
async fn connect(socket: &mut impl Socket, endpoint: &Endpoint, within: Duration) -> Result<(), String> {
    match tokio::time::timeout(within, socket.connect(&format!("tcp://{endpoint}"))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("nobody there within {within:?}")),
    }
}

/// The wall clock, in microseconds since 1970: a sample's age is told by two programs of one machine, or of machines whose clocks agree.
#[allow(clippy::disallowed_types, reason = "latencies are reported, nothing depends on them")]
fn now_us() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
