//! Show what happens to a socket.

use super::terminal::{run, say};
use anyhow::Result;
use clap::{Args, ValueEnum};
use futures_util::{Stream, StreamExt};
use simnet::delay::Micros;
use std::future::pending;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::task::yield_now;
use zeromq::{PubSocket, PullSocket, RepSocket, RouterSocket, Socket, SocketRecv, SubSocket};
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

/// A kind of socket. A loss is noticed while the socket receives; by a PUB, which does not, at once.
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
    /// What publishes.
    Pub,
}

/// Opens a socket, and shows what happens to it. What it receives is thrown away.
pub fn monitor(arguments: &Arguments) -> Result<ExitCode> {
    match arguments.kind {
        Kind::Rep => run(show::<RepSocket>(throw_away, arguments)),
        Kind::Pull => run(show::<PullSocket>(throw_away, arguments)),
        Kind::Router => run(show::<RouterSocket>(throw_away, arguments)),
        Kind::Sub => run(show::<SubSocket>(throw_away, arguments)),
        Kind::Pub => run(show::<PubSocket>(async |_| pending().await, arguments)),
    }
}

/// While this is pending a loss is noticed; what comes is not ours to use.
async fn throw_away(socket: &mut impl SocketRecv) {
    let _ = socket.recv().await;
}

async fn show<S: Socket>(receive: impl AsyncFn(&mut S), arguments: &Arguments) -> Result<ExitCode> {
    let mut socket = S::new();
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
    let receiving = async {
        loop {
            receive(&mut socket).await;
            // A socket that has an error at once each time keeps nobody else from his turn.
            yield_now().await;
        }
    };
    tokio::select! {
        () = tell(&mut events, door.as_ref(), arguments.events.unwrap_or(usize::MAX)) => {}
        () = receiving => {}
    }
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

async fn tell(events: &mut (impl Stream<Item = (Event, usize)> + Unpin), door: Option<&Door>, most: usize) {
    let mut told = 0;
    while told < most {
        let Some((event, connected)) = events.next().await else { return };
        let event = match door {
            Some(door) => seen_from_outside(event, door),
            None => event,
        };
        let open = if connected == 1 { "connection" } else { "connections" };
        say(&format!("{event} ({connected} {open} open)"));
        told += 1;
    }
}
