//! Subscribe to samples, and look at each where it lies, until the end.

use super::terminal::{PORT, now, run, say};
use anyhow::{Context, Result};
use clap::Args;
use flatbuf::limits::Limits;
use flatbuf::pubsub::stream::Heard;
use flatbuf::pubsub::subscriber::{Subscriber, Told};
use metrics::{Drain, FileSink, MemorySink, Options, Percentiles, Point, Recorder, Summary};
use simnet::delay::Micros;
use simnet::report::BROKEN;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use zmq::endpoint::endpoint;

/// How long the file of metrics is waited for in the end.
const BOUND: Duration = Duration::from_secs(10);
/// How many numbers of a sample are shown.
const MOST_NUMBERS: usize = 8;

/// The arguments of `flatbuf subscribe`.
#[derive(Args)]
pub struct Arguments {
    /// Where it is published: a host, tcp://HOST:PORT or ipc://PATH.
    #[arg(default_value = "127.0.0.1")]
    ip: String,
    /// The publisher's port, where only a host is given.
    #[arg(short, long, default_value_t = PORT)]
    port: u16,
    /// The longest buffer, in bytes: what announces more is refused before there is room for it.
    #[arg(long, default_value_t = Limits::default().longest)]
    longest: usize,
    /// How long to wait for the publisher, and for each sample.
    #[arg(long, default_value = "60s")]
    patience: Micros,
    /// Write a point for each sample to this file, as lab 03 does; `metrics report FILE` reads it.
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// Say nothing of each sample.
    #[arg(short, long)]
    quiet: bool,
}

/// Subscribes.
pub fn subscribe(arguments: &Arguments) -> Result<ExitCode> {
    let at = endpoint(&arguments.ip, arguments.port)?;
    let limits = Limits { longest: arguments.longest, ..Limits::default() };
    run(async {
        let mut subscriber = Subscriber::connect(&at, limits, arguments.patience.into()).await?;
        let (recorder, drain) = recorder(arguments)?;
        let latency = recorder.latency("latency", &[])?;
        say(&format!("subscribed to {at}"));
        let mut without = 0_u64;
        let told = |told: Told<'_>| match told {
            Told::Sample { heard: Heard::End { .. }, topic, .. } => {
                if !arguments.quiet {
                    say(&format!("{} {}", topic.seq_no(), topic.name().unwrap_or_default()));
                }
            }
            Told::Sample { topic, latency: took, .. } => {
                match took {
                    Some(took) => {
                        latency.record_ns(took);
                        if arguments.metrics.is_some() {
                            let name = topic.name().filter(|name| !name.is_empty()).unwrap_or("none");
                            let point = Point::new("sample").tag("topic", name);
                            recorder.point(
                                point.field("seq_no", u64::from(topic.seq_no())).field("latency_ns", took),
                            );
                        }
                    }
                    None => without += 1,
                }
                if !arguments.quiet {
                    say(&line(&topic, took));
                }
            }
            Told::Refused(why) => say(&format!("refused: {why}")),
        };
        let followed = subscriber.follow(now, told).await;
        // However it has ended, what was recorded is written.
        let summary = drain.finish(BOUND);
        if let Ok(stream) = &followed {
            let counted =
                |count: u64, what| if count > 0 { format!(", {count} {what}") } else { String::new() };
            let (again, refused) = (counted(stream.again, "again"), counted(stream.refused, "refused"));
            say(&format!("{} samples, {} missed{again}{refused}", stream.received, stream.missed));
        }
        report(&summary, without);
        let is_asked_for = arguments.metrics.is_some();
        if is_asked_for || !summary.is_complete() {
            say(&format!("metrics: {summary}"));
        }
        followed?;
        // Whoever asks for the points relies on all of them.
        let lacks = is_asked_for && !summary.is_complete();
        Ok(if lacks { ExitCode::from(BROKEN) } else { ExitCode::SUCCESS })
    })
}

/// A recorder into the file that was asked for, or into memory.
fn recorder(arguments: &Arguments) -> Result<(Recorder, Drain)> {
    Ok(match &arguments.metrics {
        Some(path) => {
            let sink =
                FileSink::create(path).with_context(|| format!("could not write {}", path.display()))?;
            Recorder::start(sink, Options::default())
        }
        None => Recorder::start(MemorySink::default(), Options::default()),
    })
}

/// A sample in one line. What a stranger has written is shown so that a terminal takes it for text.
fn line(topic: &flatbuf::topic::Topic<'_>, latency: Option<u64>) -> String {
    let data = topic.data().unwrap_or_default();
    let mut shown: Vec<String> = data.iter().take(MOST_NUMBERS).map(|number| number.to_string()).collect();
    if data.len() > MOST_NUMBERS {
        shown.push(format!("… {} numbers", data.len()));
    }
    let latency =
        latency.map_or("no latency: its stamp is no time, or later than now".to_string(), milliseconds);
    let name = topic.name().unwrap_or_default().escape_debug();
    format!("{} {name} [{}] {latency}", topic.seq_no(), shown.join(", "))
}

/// What the recorder has measured.
fn report(summary: &Summary, without: u64) {
    for (_, Percentiles { p50, p90, p99, max, .. }) in &summary.latencies {
        let [p50, p90, p99, max] = [p50, p90, p99, max].map(|ns| milliseconds(*ns as u64));
        say(&format!(
            "latency: p50 {p50}, p90 {p90}, p99 {p99}, max {max}, by this clock and the publisher's"
        ));
    }
    if without > 0 {
        say(&format!("{without} samples were stamped later than they came, or not: the two clocks differ"));
    }
}

/// `0.213 ms`, from whole numbers.
fn milliseconds(ns: u64) -> String {
    format!("{}.{:03} ms", ns / 1_000_000, ns / 1000 % 1000)
}
