//! Show what happens to a socket.

use super::terminal::{run, say};
use anyhow::Result;
use clap::{Args, ValueEnum};
use futures_util::{Stream, StreamExt};
use simnet::delay::Micros;
use std::process::ExitCode;
use std::sync::Arc;
use zeromq::{PullSocket, RepSocket, RouterSocket, Socket, SocketRecv, SubSocket};
use zmq::door::{Door, Rules};
use zmq::endpoint;
use zmq::monitor::ledger::Event;
use zmq::monitor::watch::watch;

/// The usual port.
const PORT: u16 = 5555;

/// The arguments of `zmq monitor`.
#[derive(Args)]
pub struct Arguments {
    /// The kind of socket.
    #[arg(long, value_enum, default_value_t = Kind::Rep)]
    kind: Kind,
    /// The port to listen on; with 0 the system chooses a free one.
    #[arg(long, default_value_t = PORT)]
    port: u16,
    /// The address to listen on, with port or path, instead of this machine's at --port.
    #[arg(long)]
    bind: Option<String>,
    /// Connect there instead of listening.
    #[arg(long, conflicts_with = "bind")]
    connect: Option<String>,
    /// End after so many events.
    #[arg(long)]
    events: Option<usize>,
    /// How long to wait for a connection.
    #[arg(long, default_value = "5s")]
    patience: Micros,
}

/// A kind of socket that receives: only so are losses noticed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// What answers requests.
    Rep,
    /// What takes tasks.
    Pull,
    /// What knows its peers by name.
    Router,
    /// What receives publications; after a loss it connects again.
    Sub,
}

/// Opens a socket, and shows what happens to it. What it receives is thrown away.
pub fn monitor(arguments: &Arguments) -> Result<ExitCode> {
    match arguments.kind {
        Kind::Rep => run(show(RepSocket::new(), arguments)),
        Kind::Pull => run(show(PullSocket::new(), arguments)),
        Kind::Router => run(show(RouterSocket::new(), arguments)),
        Kind::Sub => run(show(SubSocket::new(), arguments)),
    }
}

async fn show(mut socket: impl Socket + SocketRecv, arguments: &Arguments) -> Result<ExitCode> {
    let mut events = watch(&mut socket);
    let door = match &arguments.connect {
        Some(at) => {
            let at = endpoint::endpoint(at, arguments.port)?;
            endpoint::connect(&mut socket, &at, arguments.patience.into()).await?;
            None
        }
        None => {
            let at = arguments.bind.as_deref().unwrap_or("127.0.0.1");
            let at = endpoint::endpoint(at, arguments.port)?;
            let sent_away = Arc::new(|why| say(&format!("sent away: {why}")));
            Some(Door::with(&at, &mut socket, Rules { sent_away, ..Rules::default() }).await?)
        }
    };
    tell(&mut socket, &mut events, door.as_ref(), arguments.events.unwrap_or(usize::MAX)).await;
    Ok(ExitCode::SUCCESS)
}

/// The socket knows the door's connections; what is told are those of the peers.
fn seen_from_outside(event: Event, door: &Door) -> Event {
    match event {
        Event::Listening(at) => Event::Listening(door.outside(&at)),
        Event::Accepted(connection, from) => Event::Accepted(connection, door.outside(&from)),
        Event::Disconnected(connection, from) => Event::Disconnected(connection, door.outside(&from)),
        event => event,
    }
}

async fn tell(
    socket: &mut impl SocketRecv,
    events: &mut (impl Stream<Item = (Event, usize)> + Unpin),
    door: Option<&Door>,
    most: usize,
) {
    let mut told = 0;
    while told < most {
        tokio::select! {
            event = events.next() => {
                let Some((event, connected)) = event else { return };
                let event = match door {
                    Some(door) => seen_from_outside(event, door),
                    None => event,
                };
                let open = if connected == 1 { "connection" } else { "connections" };
                say(&format!("{event} ({connected} {open} open)"));
                told += 1;
            }
            // While this is pending a loss is noticed; what comes is not ours to use.
            _ = socket.recv() => {}
        }
    }
}
