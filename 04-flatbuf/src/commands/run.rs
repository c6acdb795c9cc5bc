//! `flatbuf run`: a publisher and its subscribers on this machine, reported as one JSON object (the contract between the course's tool and a
//! lab).

use super::terminal::now;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use flatbuf::limits::Limits;
use flatbuf::pubsub::publisher::{Plan, Publisher};
use flatbuf::pubsub::stream::Stream;
use flatbuf::pubsub::subscriber::{Subscriber, Told};
use flatbuf::sample::Sample;
use flatbuf::topic::write::Writer;
use metrics::{MemorySink, Options, Recorder};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use simnet::campaign::parse_seed;
use simnet::delay::Micros;
use simnet::experiment::Experiment;
use simnet::report::{BROKEN, real_us_since, wall_clock};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The lab's folder.
const LAB: &str = "04-flatbuf";
/// What must hold.
const RULE: &str =
    "a subscriber that was there before the first sample hears every sample, once, and the end";

/// The arguments of `flatbuf run`.
#[derive(Args)]
pub struct Arguments {
    /// The world to run in: local.
    #[arg(long, value_name = "WORLD")]
    on: String,
    /// What to run, as JSON: roles, limit. `cargo course run` makes it from an experiment file.
    #[arg(long, value_name = "FILE")]
    experiment: Option<PathBuf>,
    /// The seed. Nothing is drawn here; it is reported.
    #[arg(long, value_parser = parse_seed, default_value = "7", allow_hyphen_values = true)]
    seed: u64,
    /// Taken, and not written: real sockets have no trace.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Print one JSON object on the last line.
    #[arg(long)]
    json: bool,
}

/// Who takes part.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Roles {
    subscribers: usize,
    samples: u32,
    length: u32,
    interval: Micros,
}

impl Default for Roles {
    fn default() -> Self {
        Roles { subscribers: 2, samples: 200, length: 5, interval: Micros(1000) }
    }
}

/// Runs, and reports.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.on != "local" {
        bail!(
            "read the world `{}`, expected one that this lab runs in: local; next: cargo course run 04 --on local. Each program by itself: flatbuf publish, flatbuf subscribe",
            arguments.on
        );
    }
    let experiment = read(arguments)?;
    let (roles, limit) = (experiment.roles, Duration::from(experiment.limit));
    let begun = wall_clock();
    // Each subscriber is a task; two threads, so that the publisher and somebody else run at once.
    let runtime =
        Builder::new_multi_thread().worker_threads(2).enable_all().build().context("could not start")?;
    let played = runtime.block_on(async { timeout(limit, play(&roles, limit)).await });
    let streams = match played {
        Ok(streams) => streams?,
        Err(_) => bail!(
            "not done within {limit:?}: 1000 samples with a pause of 50ms take 50 s; give the experiment a greater limit"
        ),
    };
    let real_us = real_us_since(begun);
    let report = report(arguments, &roles, &streams, real_us);
    println!("{}", if arguments.json { report.to_string() } else { format!("{report:#}") });
    let held = streams.iter().all(|(stream, _)| has_all(stream, &roles));
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::from(BROKEN) })
}

/// Reads the experiment of the command line, or the default one.
fn read(arguments: &Arguments) -> Result<Experiment<Roles>> {
    let experiment: Experiment<Roles> = match &arguments.experiment {
        None => Experiment::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("could not read {}", path.display()))?;
            serde_json::from_str(&text).with_context(|| format!("{} is not an experiment", path.display()))?
        }
    };
    let roles = &experiment.roles;
    ensure!(
        (1..=100).contains(&roles.subscribers),
        "read subscribers = {}, expected 1 to 100",
        roles.subscribers
    );
    ensure!(roles.samples <= 10_000_000, "read samples = {}, expected at most 10000000", roles.samples);
    ensure!(roles.length <= 100_000, "read length = {}, expected at most 100000", roles.length);
    ensure!(
        experiment.faults.faults.is_empty(),
        "the experiment has faults, and this lab's network is loopback: take them away"
    );
    Ok(experiment)
}

type Followed = (Stream, Vec<u64>);

async fn play(roles: &Roles, patience: Duration) -> Result<Vec<Followed>> {
    let mut publisher = Publisher::bind("tcp://127.0.0.1:0", patience).await?;
    let mut tasks = JoinSet::new();
    for _ in 0..roles.subscribers {
        let endpoint = publisher.endpoint.clone();
        tasks.spawn(async move {
            let mut subscriber = Subscriber::connect(&endpoint, Limits::default(), patience).await?;
            let mut latencies = Vec::new();
            let told = |told: Told<'_>| {
                if let Told::Sample { latency: Some(latency), .. } = told {
                    latencies.push(latency);
                }
            };
            let stream = subscriber.follow(now, told).await?;
            anyhow::Ok((stream, latencies))
        });
    }
    publisher.wait_for(roles.subscribers).await?;
    let plan = Plan {
        samples: roles.samples,
        length: roles.length,
        name: "DATA".to_string(),
        interval: roles.interval.into(),
    };
    publisher.publish(&plan, now, |_| {}).await?;
    let mut followed = Vec::new();
    while let Some(done) = tasks.join_next().await {
        followed.push(done.context("a subscriber panicked")??);
    }
    Ok(followed)
}

fn has_all(stream: &Stream, roles: &Roles) -> bool {
    stream.ended
        && stream.received == u64::from(roles.samples)
        && (stream.missed, stream.again, stream.refused) == (0, 0, 0)
}

fn report(arguments: &Arguments, roles: &Roles, followed: &[Followed], real_us: u64) -> Value {
    let (recorder, drain) =
        Recorder::start(MemorySink::default(), Options { capacity: 1 << 20, ..Options::default() });
    if let Ok(latency) = recorder.latency("latency", &[]) {
        followed.iter().flat_map(|(_, latencies)| latencies).for_each(|ns| {
            latency.record_ns(*ns);
        });
    }
    let summary = drain.finish(Duration::from_secs(10));
    let latency = summary.latencies.first().map(|(_, of)| of);
    let micros = |pick: fn(&metrics::Percentiles) -> f64| latency.map(|of| pick(of) as u64 / 1000);
    let (samples, subscribers) = (u64::from(roles.samples), roles.subscribers as u64);
    let sum = |of: fn(&Stream) -> u64| -> u64 { followed.iter().map(|(stream, _)| of(stream)).sum() };
    let length = |sample: &Sample| Writer::default().write(sample).len() as u64;
    // What differs from sample to sample does not change its length, but that a zero is not written.
    let sample = |seq_no| Sample { ts: 1.0, ..Sample::numbered(seq_no, "DATA", roles.length) };
    let bytes = if samples == 0 { 0 } else { length(&sample(0)) + (samples - 1) * length(&sample(1)) };
    let end = Sample { ts: 1.0, ..Sample::end(roles.samples) };
    let violations: Vec<Value> = followed
        .iter()
        .filter(|(stream, _)| !has_all(stream, roles))
        .map(|(stream, _)| {
            json!({
                "rule": RULE,
                "expected": format!("{samples} samples and the end"),
                "got": format!("{} samples, {} missed, {} again, {} refused, ended: {}", stream.received, stream.missed, stream.again, stream.refused, stream.ended),
            })
        })
        .collect();
    let mut nodes = vec!["publisher".to_string()];
    nodes.extend((1..=subscribers).map(|number| format!("s{number}")));
    json!({
        "lab": LAB,
        "world": "local",
        "seed": arguments.seed,
        "nodes": nodes,
        "outcome": {
            "samples": samples,
            "received": sum(|stream| stream.received),
            "missed": sum(|stream| stream.missed),
            "latency_p50_us": micros(|of| of.p50),
            "latency_p99_us": micros(|of| of.p99),
            "latency_max_us": micros(|of| of.max),
        },
        "violations": violations,
        "messages": {
            "Topic": { "count": samples * subscribers, "bytes": bytes * subscribers },
            "END": { "count": subscribers, "bytes": length(&end) * subscribers },
        },
        "faults": {},
        "trace_hash": "none: real sockets",
        "virtual_us": real_us,
        "real_us": real_us,
        "trace": Value::Null,
    })
}
