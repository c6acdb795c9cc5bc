//! A client that survives its server, a server that dies, and two that listen for each other's heartbeat: `server`, `client`, `watch`.

use super::options::{Listen, Patience};
use super::terminal::{run, say};
use anyhow::Result;
use clap::{Args, Subcommand};
use simnet::delay::Micros;
use std::process::ExitCode;
use std::time::Duration;
use zmq::heartbeat::heart::Pace;
use zmq::heartbeat::watch::{self, End};
use zmq::pirate::attempts::Verdict;
use zmq::pirate::client::{Client, Event};
use zmq::pirate::server::{self, Settings};

/// The port of the server.
const PORT: u16 = 5555;

/// The arguments of `zmq pirate`.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// A server, which may die and come back.
    Server(ServerArguments),
    /// A client that asks again, with a new socket each time, and gives up in the end.
    Client(ClientArguments),
    /// One of two that listen for each other's heartbeat.
    Watch(WatchArguments),
}

#[derive(Args)]
struct ServerArguments {
    #[command(flatten)]
    listen: Listen,
    /// How long a request takes.
    #[arg(long, default_value = "0ms")]
    work: Micros,
    /// It dies after so many answers, with the next request in its hands.
    #[arg(long)]
    dies_after: Option<u64>,
    /// How long it is dead; without, for ever.
    #[arg(long, requires = "dies_after")]
    returns_after: Option<Micros>,
}

#[derive(Args)]
struct ClientArguments {
    /// The server: `host:port`, `tcp://host:port` or `ipc://path`.
    #[arg(short = 'u', long, default_value = "127.0.0.1:5555")]
    url: String,
    /// How many requests.
    #[arg(short, long, default_value_t = 10)]
    iters: u64,
    /// How long a try is.
    #[arg(long, default_value = "1s")]
    patience: Micros,
    /// How often a request is tried.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    tries: u32,
}

#[derive(Args)]
struct WatchArguments {
    #[command(flatten)]
    listen: Listen,
    /// The one that listens, when this is the one that connects.
    #[arg(short = 'u', long)]
    url: Option<String>,
    /// A beat at least so often.
    #[arg(long, default_value = "200ms")]
    interval: Micros,
    /// So many intervals without a word, and the other is taken for gone.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    liveness: u32,
    #[command(flatten)]
    patience: Patience,
}

/// Runs a server, a client, or one of two that watch each other.
pub fn pirate(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.role {
        Role::Server(arguments) => run(server(arguments)),
        Role::Client(arguments) => run(client(arguments)),
        Role::Watch(arguments) => run(watch(arguments)),
    }
}

async fn server(arguments: &ServerArguments) -> Result<ExitCode> {
    let settings = Settings {
        listen: arguments.listen.endpoint(PORT),
        work: arguments.work.into(),
        dies_after: arguments.dies_after,
        returns_after: arguments.returns_after.map(Duration::from),
    };
    let tell = |event| match event {
        server::Event::Listens(at) => say(&format!("listening on {at}")),
        server::Event::Answered(number) => say(&format!("answered request {number}")),
        server::Event::Refused(frames) => {
            say(&format!("read a request of {frames} frames, expected 2: a number and a text"));
        }
        server::Event::Died(number) => say(&format!("dies with request {number} in its hands")),
    };
    server::serve(&settings, tell).await?;
    Ok(ExitCode::SUCCESS)
}

async fn client(arguments: &ClientArguments) -> Result<ExitCode> {
    let mut client = Client::new(&arguments.url, arguments.patience.into(), arguments.tries)?;
    for number in 1..=arguments.iters {
        let tell = |event| match event {
            Event::Asked(..) => {}
            Event::Silent(number, tried) => say(&format!("request {number}: try {tried} was not answered")),
            Event::Ignored(Verdict::Stale(other)) => {
                say(&format!("a late reply to request {other} is ignored"))
            }
            Event::Ignored(_) => say("a message that is no reply is ignored"),
        };
        say(&client.ask(&format!("request {number}"), tell).await?);
    }
    Ok(ExitCode::SUCCESS)
}

async fn watch(arguments: &WatchArguments) -> Result<ExitCode> {
    let interval = Duration::from(arguments.interval).max(Duration::from_millis(1));
    let pace = Pace { interval, liveness: arguments.liveness };
    let end = match &arguments.url {
        Some(url) => {
            let end = End::connect(url, arguments.patience.patience.into()).await?;
            say(&format!("connected to {url}"));
            end
        }
        None => {
            let (end, at) = End::bind(&arguments.listen.endpoint(PORT)).await?;
            say(&format!("listening on {at}"));
            end
        }
    };
    let silence = interval * arguments.liveness;
    watch::watch(end, pace, |event| match event {
        watch::Event::There => say("the other side is there"),
        watch::Event::Lost => say(&format!("the other side is silent for {silence:?}: taken for gone")),
    })
    .await;
    Ok(ExitCode::SUCCESS)
}
