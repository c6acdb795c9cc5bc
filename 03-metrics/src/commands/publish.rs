//! `metrics publish`: messages that say when they were sent.

use super::options::Sinks;
use super::terminal::{progress, run, say};
use anyhow::{Result, bail};
use clap::Args;
use metrics::Point;
use metrics::clock::service::Clock;
use metrics::clock::wall;
use metrics::sample::{LONGEST, Sample};
use metrics::stamp::Stamps;
use simnet::delay::Micros;
use std::process::ExitCode;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};
use zmq::endpoint;
use zmq::joiner::gate::is_welcome;
use zmq::joiner::publisher::Publisher;

/// The arguments of `metrics publish`.
#[derive(Args)]
pub struct Arguments {
    /// The port to publish on; with 0 the system chooses a free one, and the first line says which.
    #[arg(short, long, default_value_t = 5556)]
    port: u16,
    /// The port at which subscribers ask for the time; with 0 the system chooses.
    #[arg(long, default_value_t = 5557)]
    clock_port: u16,
    /// The address to listen on. Others than this machine reach it only with one of theirs, or 0.0.0.0.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// What to publish about, in turn.
    #[arg(short, long = "topic", default_values_t = [String::from("humidity"), String::from("temperature")])]
    topics: Vec<String>,
    /// The publisher's name.
    #[arg(short, long, default_value = "pub1")]
    name: String,
    /// How many messages.
    #[arg(short, long, default_value_t = 1000)]
    messages: u64,
    /// The pause between two messages; without one, as fast as possible.
    #[arg(long, default_value = "0us")]
    every: Micros,
    /// How long each message is, in bytes.
    #[arg(long, default_value_t = 64)]
    size: usize,
    /// How many subscribers to wait for, before the first message and after the last.
    #[arg(long, default_value_t = 1)]
    subscribers: usize,
    /// How long anything is waited for.
    #[arg(long, default_value = "60s")]
    patience: Micros,
    #[command(flatten)]
    sinks: Sinks,
}

/// Publishes.
pub fn publish(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.topics.iter().any(|topic| topic.is_empty() || is_welcome(topic.as_bytes())) {
        bail!("read the topics {:?}, expected none that is empty or begins with `join/`", arguments.topics);
    }
    if arguments.size > LONGEST {
        bail!("read the size {}, expected at most {LONGEST} bytes", arguments.size);
    }
    if arguments.name.is_empty() || arguments.name.len() > 255 {
        bail!("read a name of {} bytes, expected 1 to 255", arguments.name.len());
    }
    run(publish_all(arguments))
}

async fn publish_all(arguments: &Arguments) -> Result<ExitCode> {
    let patience: Duration = arguments.patience.into();
    let mut publisher =
        Publisher::bind(&endpoint::endpoint(&arguments.host, arguments.port)?, patience).await?;
    let clock = Clock::tell(&endpoint::endpoint(&arguments.host, arguments.clock_port)?)?;
    say(&format!("publishing on {}, clock on {}", publisher.endpoint, clock.endpoint));
    let recorders = arguments.sinks.start()?;
    let took = recorders.latency("publish_ns", &[("publisher", &arguments.name)])?;
    publisher.wait_for(arguments.subscribers).await?;
    say(&format!("{} joined", publisher.joined()));
    let bar = progress(arguments.messages, "published");
    let stamps = Stamps::default();
    let sample = |number, end| Sample {
        end,
        number,
        sent_ns: stamps.next(wall::now_ns()),
        publisher: arguments.name.clone(),
        size: arguments.size,
    };
    let mut next = Instant::now();
    for number in 1..=arguments.messages {
        let topic = &arguments.topics[((number - 1) % arguments.topics.len() as u64) as usize];
        if arguments.every.0 > 0 {
            next += Duration::from(arguments.every);
            sleep_until(next).await;
        }
        let sample = sample(number, false);
        let sent_ns = sample.sent_ns;
        publisher.publish(vec![topic.clone().into_bytes(), sample.to_bytes()]).await?;
        let took_ns = wall::now_ns().saturating_sub(sent_ns).max(0).unsigned_abs();
        took.iter().for_each(|took| {
            took.record_ns(took_ns);
        });
        bar.inc(1);
    }
    for topic in &arguments.topics {
        let end = sample(arguments.messages, true);
        publisher.publish(vec![topic.clone().into_bytes(), end.to_bytes()]).await?;
    }
    bar.finish_and_clear();
    say(&format!("published {} messages on {} topics", arguments.messages, arguments.topics.len()));
    recorders.point(
        &Point::new("published").tag("publisher", arguments.name.as_str()).field("count", arguments.messages),
    );
    let subscribers = arguments.subscribers;
    // Not on this thread: the publisher's door has its work here.
    let done = spawn_blocking(move || clock.wait_for(subscribers, patience)).await?;
    let complete = recorders.finish();
    if done < arguments.subscribers {
        bail!(
            "{done} of {} subscribers have said that they are done within {patience:?}; are the others running?",
            arguments.subscribers
        );
    }
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
