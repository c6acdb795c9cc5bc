//! `zmq middleware`: discovery, publisher, subscriber and broker, a program each.

use super::terminal::say;
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use hdrhistogram::Histogram;
use simnet::Random;
use simnet::campaign::parse_seed;
use simnet::random::Purpose;
use simnet::report::UNDECIDED;
use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;
use zmq::middleware::application::{Publisher, Subscriber};
use zmq::middleware::config::Config;
use zmq::middleware::discovery::Expected;
use zmq::middleware::frequency::Frequency;
use zmq::middleware::message::{Endpoint, Role};
use zmq::middleware::participant::{AnyApplication, Identity, Participant};
use zmq::middleware::scene::{in_words, latency_histogram};
use zmq::middleware::shell::{Desk, ShellError, Sockets, take_part};
use zmq::middleware::topic::Topic;
use zmq::middleware::turn::Output;

/// The arguments of `zmq middleware`.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    role: Program,
}

#[derive(Subcommand)]
enum Program {
    /// Knows who takes part, and lets all begin and end together
    Discovery(DiscoveryArguments),
    /// Measures so often, so many times
    Publisher(PublisherArguments),
    /// Hears everything about its topics
    Subscriber(SubscriberArguments),
    /// Passes all samples on, with `Strategy=Broker`
    Broker(BrokerArguments),
}

/// What all programs take.
#[derive(Args)]
struct Common {
    /// The configuration; all programs must be given the same
    #[arg(short, long, default_value = "config.ini")]
    config: PathBuf,
    /// 10 or debug: each sample; 20 or info: each state; 30 or warning, 40 or error, 50 or critical: only what is wrong
    #[arg(short, long, default_value = "info")]
    loglevel: LogLevel,
    /// End with status 3 when not all is done after so many seconds
    #[arg(long, value_name = "SECONDS")]
    within: Option<u64>,
}

#[derive(Args)]
struct DiscoveryArguments {
    /// So many publishers are waited for
    #[arg(short = 'P', long = "publishers", value_name = "numPubs", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    publishers: u32,
    /// So many subscribers are waited for
    #[arg(short = 'S', long = "subscribers", value_name = "numSubs", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    subscribers: u32,
    /// The address to listen at
    #[arg(short, long, default_value = "127.0.0.1")]
    address: String,
    /// The port; 0 for any that is free
    #[arg(short, long, default_value_t = 5555)]
    port: u16,
    #[command(flatten)]
    common: Common,
}

/// What all participants take.
#[derive(Args)]
struct Membership {
    /// Where the discovery is
    #[arg(short, long, default_value = "localhost:5555", value_name = "HOST:PORT", value_parser = parse_endpoint)]
    discovery: Endpoint,
    /// The seed of what is drawn: topics and measurements. Each name draws its own
    #[arg(long, value_parser = parse_seed, default_value = "7")]
    seed: u64,
    /// So many seconds somebody who is not there yet is waited for
    #[arg(long, default_value_t = 5, value_name = "SECONDS")]
    patience: u64,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct PublisherArguments {
    /// Its name
    #[arg(short, long, default_value = "pub")]
    name: String,
    /// The address that it listens at, and that others are told
    #[arg(short, long, default_value = "127.0.0.1")]
    address: String,
    /// The port; 0 for any that is free
    #[arg(short, long, default_value_t = 5577)]
    port: u16,
    /// So many topics, drawn from nine
    #[arg(short = 'T', long = "num_topics", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=9))]
    num_topics: u8,
    /// So often a second it measures each of them; less than once is possible, such as 0.25
    #[arg(short, long, default_value = "1", allow_hyphen_values = true)]
    frequency: Frequency,
    /// So many times
    #[arg(short, long, default_value_t = 1000)]
    iters: u64,
    #[command(flatten)]
    membership: Membership,
}

#[derive(Args)]
struct SubscriberArguments {
    /// Its name
    #[arg(short, long, default_value = "sub")]
    name: String,
    /// So many topics, drawn from nine
    #[arg(short = 'T', long = "num_topics", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=9))]
    num_topics: u8,
    #[command(flatten)]
    membership: Membership,
}

#[derive(Args)]
struct BrokerArguments {
    /// Its name
    #[arg(short, long, default_value = "broker")]
    name: String,
    /// The address that it listens at, and that others are told
    #[arg(short, long, default_value = "127.0.0.1")]
    address: String,
    /// The port; 0 for any that is free
    #[arg(short, long, default_value_t = 5578)]
    port: u16,
    #[command(flatten)]
    membership: Membership,
}

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum LogLevel {
    Debug,
    Info,
    Warning,
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "10" | "debug" => Ok(LogLevel::Debug),
            "20" | "info" => Ok(LogLevel::Info),
            "30" | "warning" | "40" | "error" | "50" | "critical" => Ok(LogLevel::Warning),
            _ => Err(format!(
                "read the level `{text}`, expected 10 to 50 in tens, or debug, info, warning, error, critical"
            )),
        }
    }
}

/// `HOST:PORT`.
fn parse_endpoint(text: &str) -> Result<Endpoint, String> {
    let wrong = || format!("read `{text}`, expected HOST:PORT, such as localhost:5555");
    let (address, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().map_err(|_| wrong())?;
    if address.is_empty() { Err(wrong()) } else { Ok(Endpoint { address: address.to_string(), port }) }
}

/// Runs one of the programs.
pub fn middleware(arguments: &Arguments) -> Result<ExitCode> {
    let done = match &arguments.role {
        Program::Discovery(arguments) => discovery(arguments)?,
        Program::Publisher(arguments) => {
            let application =
                Publisher::new(arguments.num_topics.into(), arguments.frequency, arguments.iters);
            let listen = Endpoint { address: arguments.address.clone(), port: arguments.port };
            let application = AnyApplication::Publisher(application);
            participant(&arguments.name, Role::Publisher, application, Some(listen), &arguments.membership)?
        }
        Program::Subscriber(arguments) => {
            let application = AnyApplication::Subscriber(Subscriber::new(arguments.num_topics.into()));
            participant(&arguments.name, Role::Subscriber, application, None, &arguments.membership)?
        }
        Program::Broker(arguments) => {
            let application = AnyApplication::Subscriber(Subscriber::broker());
            let listen = Endpoint { address: arguments.address.clone(), port: arguments.port };
            participant(&arguments.name, Role::Broker, application, Some(listen), &arguments.membership)?
        }
    };
    match done {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error @ ShellError::TimedOut { .. }) => {
            eprintln!("error: {error}");
            Ok(ExitCode::from(UNDECIDED))
        }
        Err(error) => Err(error.into()),
    }
}

fn read_config(common: &Common) -> Result<Config> {
    let path = common.config.display();
    let text = std::fs::read_to_string(&common.config)
        .with_context(|| format!("could not read the configuration {path}; say where it is with -c"))?;
    Config::read(&text).map_err(|why| anyhow::anyhow!("{path}, {why}"))
}

/// One thread is enough for what mostly waits.
fn block_on<T>(future: impl Future<Output = T>) -> Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future))
}

fn discovery(arguments: &DiscoveryArguments) -> Result<Result<(), ShellError>> {
    let config = read_config(&arguments.common)?;
    let expected = Expected {
        publishers: arguments.publishers,
        subscribers: arguments.subscribers,
        dissemination: config.dissemination,
    };
    let endpoint = Endpoint { address: arguments.address.clone(), port: arguments.port };
    let quiet = arguments.common.loglevel >= LogLevel::Warning;
    block_on(async {
        let (desk, port) = Desk::open(&endpoint, expected).await?;
        let (address, dissemination) = (&endpoint.address, config.dissemination);
        say(&format!("discovery listens on {address}:{port}, dissemination {dissemination}"));
        let tell = |line: String| {
            if !quiet {
                say(&line);
            }
        };
        desk.serve(arguments.common.within.map(Duration::from_secs), tell).await
    })
}

fn participant(
    name: &str,
    role: Role,
    application: AnyApplication,
    mut endpoint: Option<Endpoint>,
    membership: &Membership,
) -> Result<Result<(), ShellError>> {
    let Membership { discovery, seed, patience, common } = membership;
    let config = read_config(common)?;
    let mut voice = Voice::new(name, role, common.loglevel);
    block_on(async {
        let patience = Duration::from_secs(*patience);
        let (sockets, port) = Sockets::open(discovery, endpoint.as_ref(), patience).await?;
        if let Some(endpoint) = &mut endpoint {
            endpoint.port = port;
            say(&format!("{name} can be heard at {endpoint}"));
        }
        let session = u64::from(std::process::id()) << 32 | u64::from(port);
        let identity =
            Identity { name: name.to_string(), endpoint, dissemination: config.dissemination, session };
        // TCP loses nothing while the connection lasts, so nothing is said twice.
        let participant = Participant::new(identity, application, None);
        let random = Random::new(*seed, Purpose::Node(stream_of(name)));
        let odd = |line: String| {
            if common.loglevel <= LogLevel::Debug {
                eprintln!("{name}: {line}");
            }
        };
        let within = common.within.map(Duration::from_secs);
        take_part(participant, sockets, random, within, |output| voice.say(output), odd).await
    })
}

/// The stream of random numbers of a name (FNV-1a): other names draw other topics under the same seed.
fn stream_of(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// What a participant says on its terminal.
struct Voice<'a> {
    name: &'a str,
    role: Role,
    level: LogLevel,
    published: u64,
    latencies: BTreeMap<Topic, Histogram<u64>>,
}

impl<'a> Voice<'a> {
    fn new(name: &'a str, role: Role, level: LogLevel) -> Self {
        Voice { name, role, level, published: 0, latencies: BTreeMap::new() }
    }

    fn say(&mut self, output: &Output) {
        let (name, debug, info) = (self.name, self.level <= LogLevel::Debug, self.level <= LogLevel::Info);
        match output {
            Output::Topics(topics) if info && self.role != Role::Broker => {
                let topics: Vec<&str> = topics.iter().map(|topic| topic.name()).collect();
                let does = if self.role == Role::Publisher { "publishes" } else { "wants" };
                say(&format!("{name} {does} {}", topics.join(", ")));
            }
            Output::Entered(state) if info => say(&format!("{name} {state}")),
            Output::Published { topic, number, value } => {
                self.published += 1;
                if debug {
                    say(&format!("{name} publishes {topic} {number}: {value}"));
                }
            }
            Output::Received { topic, publisher, number, value, latency_us } => {
                self.latencies.entry(*topic).or_insert_with(latency_histogram).saturating_record(*latency_us);
                if debug {
                    say(&format!("{name} hears {topic} {number} of {publisher}: {value} ({latency_us} µs)"));
                }
            }
            Output::Heard { received, missed } => {
                say(&format!("{name} has heard {received} samples and missed {missed}"));
                for (topic, times) in &self.latencies {
                    say(&format!("  {topic}: {}", in_words(times)));
                }
            }
            Output::Released if self.role == Role::Publisher => {
                say(&format!("{name} has published {} samples, and all are done", self.published));
            }
            Output::Released if info => say(&format!("{name} is released: all are done")),
            Output::Topics(_) | Output::Entered(_) | Output::Released | Output::Refused(_) => {}
        }
    }
}
