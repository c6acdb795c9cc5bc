//! Publish and subscribe: `publisher`, `subscriber`.

use super::terminal::{run, say};
use anyhow::Result;
use clap::{Args, Subcommand};
use simnet::campaign::parse_seed;
use simnet::delay::Micros;
use std::process::ExitCode;
use std::time::Duration;
use zeromq::{Socket, SubSocket, XPubSocket};
use zmq::door::Door;
use zmq::endpoint;
use zmq::weather::average::Average;
use zmq::weather::publisher::{Heard, Pace, publish};
use zmq::weather::stations::Stations;
use zmq::weather::subscriber::average;

/// The usual port.
const PORT: u16 = 5556;

/// How long what was published may take to leave.
const LINGER: Duration = Duration::from_secs(5);

/// The arguments of `zmq weather`.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Publish the weather of 99,999 zips.
    Publisher {
        /// The port; with 0 the system chooses a free one, and the first line says which.
        #[arg(long, default_value_t = PORT)]
        port: u16,
        /// The address to listen on, with port or path, instead of this machine's at --port.
        #[arg(long)]
        bind: Option<String>,
        #[command(flatten)]
        reports: Reports,
    },
    /// Average the temperatures of the zips that begin so.
    Subscriber {
        #[command(flatten)]
        wanted: Wanted,
        /// The publisher's port, where only a host is given.
        #[arg(long, default_value_t = PORT)]
        port: u16,
        /// How many temperatures to average.
        #[arg(long, default_value_t = 10)]
        samples: u32,
    },
}

/// What is published.
#[derive(Args)]
pub struct Reports {
    /// Which weather: any 64-bit number, decimal or 0x….
    #[arg(long, value_parser = parse_seed, default_value = "7")]
    seed: u64,
    /// The pause after each report; without one, as fast as possible.
    #[arg(long, default_value = "0us")]
    every: Micros,
    /// How many reports; without it, until the program is ended.
    #[arg(long)]
    reports: Option<usize>,
    /// Publish nothing before so many subscriptions have arrived.
    #[arg(long, default_value_t = 0)]
    subscribers: usize,
}

/// What is subscribed to, and where.
#[derive(Args)]
pub struct Wanted {
    /// Where it is published: a host, tcp://HOST:PORT or ipc://PATH.
    #[arg(default_value = "127.0.0.1")]
    pub ip: String,
    /// How the zips begin.
    #[arg(default_value = "10001")]
    pub zip: String,
    /// How long to wait for a connection, and for each report.
    #[arg(long, default_value = "30s")]
    pub patience: Micros,
}

/// Publishes, or subscribes.
pub fn weather(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.role {
        Role::Publisher { port, bind, reports } => {
            let at = endpoint::endpoint(bind.as_deref().unwrap_or("127.0.0.1"), *port)?;
            run(async {
                let mut socket = XPubSocket::new();
                let door = Door::open(&at, &mut socket).await?;
                say(&format!("listening on {} (XPUB)", door.address));
                let done = publish_reports(&mut socket, reports).await;
                // What was published may still be on its way through the door.
                drop(socket);
                door.finish(LINGER).await?;
                done
            })
        }
        Role::Subscriber { wanted, port, samples } => {
            let at = endpoint::endpoint(&wanted.ip, *port)?;
            run(async {
                let average = subscribe(&at, &wanted.zip, *samples, wanted.patience.into()).await?;
                say(&format!(
                    "the average temperature of {samples} reports of zips that begin with {} is {average} F",
                    wanted.zip
                ));
                Ok(ExitCode::SUCCESS)
            })
        }
    }
}

/// Publishes through a socket that is bound or connected, until there are no more reports.
pub async fn publish_reports(socket: &mut XPubSocket, reports: &Reports) -> Result<ExitCode> {
    let pace = Pace { every: reports.every.into(), subscribers: reports.subscribers };
    let weather = Stations::new(reports.seed).take(reports.reports.unwrap_or(usize::MAX));
    let told = |heard| match heard {
        Heard::Subscription(subscription) => say(&subscription.to_string()),
        Heard::Malformed(why) => say(&format!("passed over: {why}")),
        Heard::Broken(why) => say(&format!("a connection broke: {why}")),
    };
    let published = publish(socket, weather, pace, told).await?;
    say(&format!("{published} reports published"));
    Ok(ExitCode::SUCCESS)
}

/// Averages what begins with `zip`.
pub async fn subscribe(at: &str, zip: &str, samples: u32, patience: Duration) -> Result<Average> {
    let mut socket = SubSocket::new();
    endpoint::connect(&mut socket, at, patience).await?;
    Ok(average(&mut socket, zip, samples, patience).await?)
}
