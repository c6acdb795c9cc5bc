//! Requests through a broker, many in flight: `broker`, `server`, `client`.

use super::options::{Listen, LogLevel, Patience};
use super::terminal::{run, say};
use anyhow::Result;
use clap::{Args, Subcommand};
use simnet::delay::Delay;
use std::process::ExitCode;
use zmq::broker::client::Client;
use zmq::broker::serve::{Broker, Event};
use zmq::broker::server::{self, Server, Settings};

/// Where clients connect to.
const CLIENTS: u16 = 5559;
/// Where servers connect to.
const SERVERS: &str = "127.0.0.1:5560";

/// The arguments of `zmq broker`.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// The broker: ROUTER to clients, DEALER to servers.
    Broker(BrokerArguments),
    /// A server: many requests at once, each answered when it is done.
    Server(ServerArguments),
    /// A client with many requests in flight.
    Client(ClientArguments),
}

#[derive(Args)]
struct BrokerArguments {
    #[command(flatten)]
    listen: Listen,
    /// Where servers connect to: `host:port`, `tcp://host:port` or `ipc://path`.
    #[arg(long, default_value = SERVERS)]
    servers: String,
    /// How many requests may wait for a server; then no more are read.
    #[arg(long, default_value_t = 1000)]
    limit: usize,
}

#[derive(Args)]
struct ServerArguments {
    /// The server's name.
    #[arg(short, long, default_value = "S1")]
    name: String,
    /// The broker: where its servers connect to.
    #[arg(short = 'u', long, default_value = SERVERS)]
    url: String,
    /// How long a request takes, as `5ms` or `1ms..20ms`.
    #[arg(long, default_value = "0ms")]
    work: Delay,
    /// What the lengths are drawn from.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    #[command(flatten)]
    patience: Patience,
    /// How much it tells.
    #[arg(short, long, value_enum, default_value_t = LogLevel::Warning)]
    loglevel: LogLevel,
}

#[derive(Args)]
struct ClientArguments {
    /// The client's name.
    #[arg(short, long, default_value = "C1")]
    name: String,
    /// How many requests.
    #[arg(short, long, default_value_t = 100)]
    iters: u64,
    /// How many at once, at most.
    #[arg(short, long, default_value_t = 10)]
    window: usize,
    /// The broker: where its clients connect to.
    #[arg(short = 'u', long, default_value = "127.0.0.1:5559")]
    url: String,
    #[command(flatten)]
    patience: Patience,
    /// How much it tells.
    #[arg(short, long, value_enum, default_value_t = LogLevel::Warning)]
    loglevel: LogLevel,
}

/// Runs a broker, a server or a client.
pub fn broker(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.role {
        Role::Broker(arguments) => run(between(arguments)),
        Role::Server(arguments) => run(server(arguments)),
        Role::Client(arguments) => run(client(arguments)),
    }
}

async fn between(arguments: &BrokerArguments) -> Result<ExitCode> {
    let clients = arguments.listen.endpoint(CLIENTS);
    let broker = Broker::bind(&clients, &arguments.servers, arguments.limit.max(1)).await?;
    say(&format!("listening on {} (clients) and {} (servers)", broker.clients_at, broker.servers_at));
    broker
        .serve(|event| match event {
            Event::Refused(why) => say(&format!("a request is dropped: {why}")),
            Event::NobodyAsks => say("a reply is dropped: who asked has gone"),
            Event::Joined(count) => say(&format!("a server has come: {count} now")),
            Event::Left(count) => say(&format!("a server has gone: {count} now")),
            Event::Full(count) => say(&format!("{count} requests wait for a server; no more are read")),
        })
        .await;
    Ok(ExitCode::SUCCESS)
}

async fn server(arguments: &ServerArguments) -> Result<ExitCode> {
    let settings = Settings {
        name: arguments.name.clone(),
        broker: arguments.url.clone(),
        work: arguments.work,
        seed: arguments.seed,
        patience: arguments.patience.patience.into(),
    };
    let server = Server::connect(settings).await?;
    say(&format!("{} serves the broker at {}", arguments.name, arguments.url));
    let level = arguments.loglevel;
    server
        .serve(|event| match event {
            server::Event::Answered(text) if level >= LogLevel::Info => say(&format!("answered {text}")),
            server::Event::Answered(_) => {}
            server::Event::Refused(why) => say(&format!("a request is dropped: {why}")),
            server::Event::Lost => say("the broker has gone"),
            server::Event::Back => say("the broker has come back"),
        })
        .await;
    Ok(ExitCode::SUCCESS)
}

async fn client(arguments: &ClientArguments) -> Result<ExitCode> {
    let mut client = Client::connect(&arguments.url, arguments.patience.patience.into()).await?;
    let requests = (1..=arguments.iters).map(|number| format!("{} request# {number}", arguments.name));
    let level = arguments.loglevel;
    let tell = |reply: &zmq::broker::client::Reply| {
        if level >= LogLevel::Info {
            say(&reply.text);
        }
    };
    let summary = client.ask_all(requests, arguments.window.max(1), tell).await?;
    say(&format!("{} answered, up to {} in flight", summary.answered, summary.most_in_flight));
    say(&format!(
        "{} replies overtook an earlier one, {} sent again, {} ignored",
        summary.overtakings, summary.again, summary.ignored
    ));
    Ok(ExitCode::SUCCESS)
}
