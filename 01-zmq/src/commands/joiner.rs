//! Show the slow joiner losing, and the confirmed subscription that does not: `show`, `publisher`, `subscriber`.

use super::options::{Listen, Patience};
use super::terminal::{run, say};
use anyhow::Result;
use clap::{Args, Subcommand};
use std::process::ExitCode;
use std::time::Duration;
use zmq::joiner::at_once;
use zmq::joiner::publisher::Publisher;
use zmq::joiner::subscriber::Subscriber;

/// The port of the publisher.
const PORT: u16 = 5556;

/// The arguments of `zmq joiner`.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Starts many publishers and subscribers, both ways, and counts what is lost.
    Show(ShowArguments),
    /// A publisher that waits for its subscribers.
    Publisher(PublisherArguments),
    /// A subscriber that begins when the publisher knows it.
    Subscriber(SubscriberArguments),
}

#[derive(Args)]
struct ShowArguments {
    /// How often.
    #[arg(short, long, default_value_t = 100)]
    start_ups: u64,
    /// How many messages each time.
    #[arg(short, long, default_value_t = 10)]
    messages: u64,
    #[command(flatten)]
    patience: Patience,
}

#[derive(Args)]
struct PublisherArguments {
    #[command(flatten)]
    listen: Listen,
    /// How many subscribers to wait for.
    #[arg(short = 'n', long, default_value_t = 1)]
    subscribers: usize,
    /// How many messages.
    #[arg(short, long, default_value_t = 10)]
    messages: u64,
    /// How long anything is waited for.
    #[arg(long, default_value = "60s")]
    patience: simnet::delay::Micros,
}

#[derive(Args)]
struct SubscriberArguments {
    /// The publisher: `host:port`, `tcp://host:port` or `ipc://path`.
    #[arg(short = 'u', long, default_value = "127.0.0.1:5556")]
    url: String,
    /// How many messages to receive.
    #[arg(short, long, default_value_t = 10)]
    messages: u64,
    #[command(flatten)]
    patience: Patience,
}

/// Runs the show, a publisher or a subscriber.
pub fn joiner(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.role {
        Role::Show(arguments) => run(show(arguments)),
        Role::Publisher(arguments) => run(publisher(arguments)),
        Role::Subscriber(arguments) => run(subscriber(arguments)),
    }
}

fn message(number: u64) -> Vec<Vec<u8>> {
    vec![format!("number {number}").into_bytes()]
}

async fn show(arguments: &ShowArguments) -> Result<ExitCode> {
    let patience: Duration = arguments.patience.patience.into();
    let (mut first, mut all) = (0, 0);
    for _ in 0..arguments.start_ups {
        let got = at_once::start_up(arguments.messages, patience).await?;
        first += u64::from(got.first() == Some(&1));
        all += got.len() as u64;
    }
    let table = |way: &str, first: u64, all: u64| {
        let (starts, sent) = (arguments.start_ups, arguments.start_ups * arguments.messages);
        say(&format!(
            "{way}: {} of {sent} messages lost, the first came in {first} of {starts} start-ups",
            sent - all
        ));
    };
    table("published at once  ", first, all);
    let (mut first, mut all) = (0, 0);
    for _ in 0..arguments.start_ups {
        let mut publisher = Publisher::bind("tcp://127.0.0.1:0", patience).await?;
        let endpoint = publisher.endpoint.clone();
        let topics = [String::new()];
        let (joined, waited) =
            tokio::join!(Subscriber::join(&endpoint, &topics, patience), publisher.wait_for(1));
        let mut subscriber = joined?;
        waited?;
        for number in 1..=arguments.messages {
            publisher.publish(message(number)).await?;
        }
        for number in 1..=arguments.messages {
            let came = subscriber.recv().await? == message(number);
            all += u64::from(came);
            first += u64::from(came && number == 1);
        }
    }
    table("after the handshake", first, all);
    Ok(ExitCode::SUCCESS)
}

async fn publisher(arguments: &PublisherArguments) -> Result<ExitCode> {
    let patience = arguments.patience.into();
    let mut publisher = Publisher::bind(&arguments.listen.endpoint(PORT), patience).await?;
    say(&format!("listening on {}", publisher.endpoint));
    publisher.wait_for(arguments.subscribers).await?;
    say(&format!("{} joined", publisher.joined()));
    for number in 1..=arguments.messages {
        publisher.publish(message(number)).await?;
    }
    publisher.close().await?;
    say(&format!("published {} messages", arguments.messages));
    Ok(ExitCode::SUCCESS)
}

async fn subscriber(arguments: &SubscriberArguments) -> Result<ExitCode> {
    let patience = arguments.patience.patience.into();
    let mut subscriber = Subscriber::join(&arguments.url, &["number".to_string()], patience).await?;
    say("joined");
    for _ in 0..arguments.messages {
        let frames = subscriber.recv().await?;
        say(&String::from_utf8_lossy(&frames.concat()));
    }
    Ok(ExitCode::SUCCESS)
}
