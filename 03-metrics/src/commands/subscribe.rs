//! `metrics subscribe`: how long messages were on the way.

use super::options::Sinks;
use super::terminal::{progress, run, say};
use anyhow::{Result, bail};
use clap::Args;
use metrics::Point;
use metrics::clock::offset::{Offset, one_way_ns, throughout};
use metrics::clock::service::{Answer, Asker, ClockError};
use metrics::clock::wall;
use metrics::sample::Sample;
use simnet::delay::Micros;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;
use zmq::endpoint;
use zmq::joiner::subscriber::Subscriber;

/// The arguments of `metrics subscribe`.
#[derive(Args)]
pub struct Arguments {
    /// The publisher: a host, or tcp://HOST:PORT.
    #[arg(short, long, default_value = "127.0.0.1")]
    publisher: String,
    /// The publisher's clock: a host, or tcp://HOST:PORT.
    #[arg(short, long, default_value = "127.0.0.1")]
    clock: String,
    /// What to subscribe to, by how it begins; everything, where nothing is said.
    #[arg(short, long = "topic")]
    topics: Vec<String>,
    /// How often to ask for the time, before and after; the quickest answer counts.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    exchanges: u32,
    /// Estimate the offset even where both programs have the same clock.
    #[arg(long)]
    estimate: bool,
    /// How long anything is waited for.
    #[arg(long, default_value = "30s")]
    patience: Micros,
    #[command(flatten)]
    sinks: Sinks,
}

/// Subscribes.
pub fn subscribe(arguments: &Arguments) -> Result<ExitCode> {
    run(subscribe_all(arguments))
}

async fn subscribe_all(arguments: &Arguments) -> Result<ExitCode> {
    let patience: Duration = arguments.patience.into();
    let mut asker = Asker::connect(&endpoint::endpoint(&arguments.clock, 5557)?, patience).await?;
    let before = asker.ask(arguments.exchanges as usize).await?;
    let used = offset(before, arguments.estimate);
    let recorders = arguments.sinks.start()?;
    let everything = [String::new()];
    let topics = if arguments.topics.is_empty() { &everything[..] } else { &arguments.topics };
    let mut subscriber =
        Subscriber::join(&endpoint::endpoint(&arguments.publisher, 5556)?, topics, patience).await?;
    say("joined");
    let bar = progress(0, "received");
    let mut heard: BTreeMap<String, u64> = BTreeMap::new();
    let mut passed_over = 0_u64;
    let sent = loop {
        let frames = subscriber.recv().await?;
        let received_ns = wall::now_ns();
        let (topic, sample) = match &frames[..] {
            [topic, sample] => (String::from_utf8_lossy(topic).into_owned(), Sample::read(sample)),
            _ => {
                passed_over += 1;
                continue;
            }
        };
        let Ok(sample) = sample else {
            passed_over += 1;
            continue;
        };
        if sample.end {
            break sample.number;
        }
        recorders.point(&delivery(&topic, &sample, received_ns, used));
        *heard.entry(topic).or_default() += 1;
        bar.set_length(sample.number);
        bar.set_position(sample.number);
    };
    bar.finish_and_clear();
    // Whatever the clock says now: what was recorded is written first.
    let after = ask_again(asker, arguments.exchanges as usize).await;
    for (topic, count) in &heard {
        say(&format!("{topic}: {count} messages"));
    }
    if let Ok(after) = &after {
        say(&clocks(before, *after, arguments.estimate));
    }
    if passed_over > 0 {
        say(&format!("{passed_over} messages were none of `metrics publish`, and were passed over"));
    }
    let complete = recorders.finish();
    after?;
    let all: u64 = heard.values().sum();
    if arguments.topics.is_empty() && all != sent {
        bail!("{all} of {sent} messages came; were they published before all had joined?");
    }
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// How far apart the clocks are after the run; then the publisher may end.
async fn ask_again(mut asker: Asker, exchanges: usize) -> Result<Answer, ClockError> {
    let answer = asker.ask(exchanges).await?;
    asker.done().await?;
    Ok(answer)
}

/// What is added to our clock to get the publisher's.
fn offset(answer: Answer, estimate: bool) -> Offset {
    if answer.same && !estimate { Offset { offset_ns: 0, error_ns: 0 } } else { answer.offset }
}

/// What is recorded of a message. Its moment is that of its sending, which no other message of this publisher has.
fn delivery(topic: &str, sample: &Sample, received_ns: i64, offset: Offset) -> Point {
    Point::new("delivery")
        .tag("topic", topic)
        .tag("publisher", sample.publisher.as_str())
        .field("seq", sample.number)
        .field("latency_ns", one_way_ns(sample.sent_ns, received_ns, offset))
        .field("error_ns", offset.error_ns)
        .field("size", sample.size as u64)
        .at(sample.sent_ns)
}

/// What the latencies are worth.
fn clocks(before: Answer, after: Answer, estimate: bool) -> String {
    if before.same && !estimate {
        return "clocks: one machine, one clock; one-way latencies have no error from offsets".to_string();
    }
    let whole = throughout(before.offset, after.offset);
    let same = if before.same { " (one machine, one clock: the truth is 0)" } else { "" };
    format!(
        "clocks: before {}; after {}; throughout {whole}{same}: each one-way latency is known no better",
        before.offset, after.offset
    )
}
