//! Several publishers, one subscriber with up-calls: `publisher`, `subscriber`.

use super::terminal::{run, say};
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use simnet::campaign::parse_seed;
use simnet::delay::Micros;
use std::process::ExitCode;
use std::time::Duration;
use zeromq::{PubSocket, Socket};
use zmq::door::Door;
use zmq::endpoint;
use zmq::sensors::publisher::publish;
use zmq::sensors::reading::{Reading, Station, Wanted};
use zmq::sensors::subscriber;
use zmq::sensors::upcall::Upcalls;

/// The usual port.
const PORT: u16 = 5555;

/// How long a proxy is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The arguments of `zmq sensors`.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Measure, and publish.
    Publisher {
        /// The port; with 0 the system chooses a free one, and the first line says which.
        #[arg(short, long, default_value_t = PORT)]
        port: u16,
        /// The address to listen on, with port or path, instead of this machine's at --port.
        #[arg(long)]
        bind: Option<String>,
        /// Connect there instead of listening: to the port of a proxy for publishers.
        #[arg(long, conflicts_with_all = ["bind", "port"])]
        connect: Option<String>,
        /// The station's name, a word.
        #[arg(long, default_value = "s1", value_parser = word)]
        station: String,
        /// What it measures: any 64-bit number, decimal or 0x….
        #[arg(long, value_parser = parse_seed, default_value = "7")]
        seed: u64,
        /// The pause after each reading; 0us is as fast as possible.
        #[arg(long, default_value = "100us")]
        every: Micros,
        /// How many readings; without it, until the program is ended. A PUB that ends does not wait until the last have left.
        #[arg(long)]
        readings: Option<usize>,
    },
    /// Be called with the readings that are wanted, of all publishers.
    Subscriber(Listener),
}

/// The arguments of `zmq sensors subscriber`.
#[derive(Args)]
struct Listener {
    /// The publishers, with a comma between: hosts with a port, or endpoints.
    #[arg(
        short,
        long = "address",
        value_name = "HOST:PORT",
        value_delimiter = ',',
        default_value = "127.0.0.1:5555"
    )]
    addresses: Vec<String>,
    /// What a temperature is called, and which ones are wanted.
    #[arg(short, num_args = 2, value_names = ["NAME", "VALUE"], default_values = ["temp", "70"])]
    temperature: Vec<String>,
    /// What a pressure is called, and which ones are wanted.
    #[arg(short, num_args = 2, value_names = ["NAME", "VALUE"], default_values = ["pressure", "30"])]
    pressure: Vec<String>,
    /// What a humidity is called, and which ones are wanted.
    #[arg(short = 'm', num_args = 2, value_names = ["NAME", "VALUE"], default_values = ["humidity", "50"])]
    humidity: Vec<String>,
    /// Take the values as they are; without it they are beginnings: 30 also means 300 to 309.
    #[arg(long)]
    exactly: bool,
    /// End after so many readings.
    #[arg(long, default_value_t = 10)]
    readings: u64,
    /// How long to wait for a connection, and for a reading.
    #[arg(long, default_value = "30s")]
    patience: Micros,
}

fn word(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err(format!("read the name `{text}`, expected a word without spaces"));
    }
    Ok(text.to_string())
}

/// Publishes, or subscribes.
pub fn sensors(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.role {
        Role::Publisher { port, bind, connect, station, seed, every, readings } => {
            let at = endpoint::endpoint(bind.as_deref().unwrap_or("127.0.0.1"), *port)?;
            let readings = Station::new(station, *seed).take(readings.unwrap_or(usize::MAX));
            run(publisher(&at, connect.as_deref(), readings, (*every).into()))
        }
        Role::Subscriber(listener) => run(listen(listener)),
    }
}

/// Publishes at `at`, or to whoever listens at `proxy`.
async fn publisher(
    at: &str,
    proxy: Option<&str>,
    readings: impl Iterator<Item = Reading>,
    every: Duration,
) -> Result<ExitCode> {
    let mut socket = PubSocket::new();
    let _door = match proxy {
        Some(proxy) => {
            endpoint::connect(&mut socket, proxy, PATIENCE).await?;
            say(&format!("publishing to {proxy}"));
            None
        }
        None => {
            let door = Door::open(at, &mut socket).await?;
            say(&format!("listening on {} (PUB)", door.address));
            Some(door)
        }
    };
    let published = publish(&mut socket, readings, every).await?;
    say(&format!("{published} readings published"));
    Ok(ExitCode::SUCCESS)
}

/// The application: says what it is called with.
struct Application;

impl Upcalls for Application {
    fn temperature(&mut self, reading: &Reading) {
        say(&format!("temperature {} from {}", reading.value, reading.station));
    }

    fn pressure(&mut self, reading: &Reading) {
        say(&format!("pressure {} from {}", reading.value, reading.station));
    }

    fn humidity(&mut self, reading: &Reading) {
        say(&format!("humidity {} from {}", reading.value, reading.station));
    }

    fn unexpected(&mut self, why: String) {
        say(&format!("passed over: {why}"));
    }
}

async fn listen(listener: &Listener) -> Result<ExitCode> {
    let mut publishers = Vec::new();
    for address in &listener.addresses {
        // `host:port` is what the flag takes; an endpoint has its port already.
        let whole = if address.contains("://") { address.clone() } else { format!("tcp://{address}") };
        publishers.push(endpoint::endpoint(&whole, PORT)?);
    }
    let [temperature, pressure, humidity] = [&listener.temperature, &listener.pressure, &listener.humidity]
        .map(|flag| wanted(flag, listener.exactly));
    let wanted = [temperature?, pressure?, humidity?];
    let patience = listener.patience.into();
    let mut sockets = subscriber::open(&publishers, &wanted, patience).await?;
    subscriber::run(&mut sockets, &wanted, listener.readings, patience, &mut Application).await?;
    Ok(ExitCode::SUCCESS)
}

fn wanted(flag: &[String], exactly: bool) -> Result<Wanted> {
    let [name, value] = flag else { bail!("read {flag:?}, expected a name and a value, such as temp 70") };
    match value.parse() {
        Ok(value) => Ok(Wanted { name: name.clone(), value, exactly }),
        Err(_) => bail!("read the value `{value}` of {name}, expected a whole number, such as 70"),
    }
}
