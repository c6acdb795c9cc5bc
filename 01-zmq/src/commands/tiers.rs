//! A chain of tiers: `server`, `client`.

use super::options::{Listen, LogLevel, Patience};
use super::terminal::{run, say};
use anyhow::Result;
use clap::{Args, Subcommand};
use simnet::delay::Micros;
use std::process::ExitCode;
use zmq::tiers::client::Client;
use zmq::tiers::serve::{Event, Server, Settings};

/// The port of a tier.
const PORT: u16 = 4444;

/// The arguments of `zmq tiers`.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// A tier: asks the next ones, or answers when it has none.
    Server(ServerArguments),
    /// A client of the first tiers.
    Client(ClientArguments),
}

#[derive(Args)]
struct ServerArguments {
    /// The tier's name.
    #[arg(short, long, default_value = "tier")]
    name: String,
    #[command(flatten)]
    listen: Listen,
    /// The next tiers, in turn: `host:port`, `tcp://host:port` or `ipc://path`, with commas between. None: this tier is the last.
    #[arg(short = 'u', long, value_delimiter = ',')]
    next: Vec<String>,
    /// How long a request takes here.
    #[arg(long, default_value = "0ms")]
    work: Micros,
    #[command(flatten)]
    patience: Patience,
    /// How much it tells.
    #[arg(short, long, value_enum, default_value_t = LogLevel::Info)]
    loglevel: LogLevel,
}

#[derive(Args)]
struct ClientArguments {
    /// The client's name.
    #[arg(short, long, default_value = "C1")]
    name: String,
    /// How many requests.
    #[arg(short, long, default_value_t = 25)]
    iters: u64,
    /// The first tiers, in turn: `host:port`, `tcp://host:port` or `ipc://path`, with commas between.
    #[arg(short = 'u', long, value_delimiter = ',', default_value = "127.0.0.1:4444")]
    url: Vec<String>,
    #[command(flatten)]
    patience: Patience,
    /// How much it tells.
    #[arg(short, long, value_enum, default_value_t = LogLevel::Info)]
    loglevel: LogLevel,
}

/// Runs a tier or a client.
pub fn tiers(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.role {
        Role::Server(arguments) => run(server(arguments)),
        Role::Client(arguments) => run(client(arguments)),
    }
}

async fn server(arguments: &ServerArguments) -> Result<ExitCode> {
    let settings = Settings {
        name: arguments.name.clone(),
        listen: arguments.listen.endpoint(PORT),
        next: arguments.next.clone(),
        work: arguments.work.into(),
        patience: arguments.patience.patience.into(),
    };
    let next = arguments.next.clone();
    let level = arguments.loglevel;
    let server = Server::bind(settings).await?;
    say(&format!("listening on {} (tier {})", server.endpoint(), arguments.name));
    server
        .serve(move |event| {
            let (at, line) = match event {
                Event::Forwarded(to, text) => (LogLevel::Info, format!("{text} goes on to {}", next[to])),
                Event::Answered(text) => (LogLevel::Info, format!("{text} is answered")),
                Event::Replied(text) => (LogLevel::Debug, format!("{text} goes back")),
                Event::Refused(why) => (LogLevel::Warning, format!("a request is refused: {why}")),
                Event::NobodyAsks => (LogLevel::Warning, "a reply is dropped: who asked has gone".into()),
                Event::Lost(to) => (LogLevel::Warning, format!("{} has gone", next[to])),
                Event::Back(to) => (LogLevel::Warning, format!("{} has come back", next[to])),
            };
            if at <= level {
                say(&line);
            }
        })
        .await;
    Ok(ExitCode::SUCCESS)
}

async fn client(arguments: &ClientArguments) -> Result<ExitCode> {
    let patience = arguments.patience.patience.into();
    let mut client = Client::connect(&arguments.name, &arguments.url, patience).await?;
    for number in 1..=arguments.iters {
        let reply = client.ask(number).await?;
        if arguments.loglevel >= LogLevel::Info {
            say(&reply);
        }
    }
    Ok(ExitCode::SUCCESS)
}
