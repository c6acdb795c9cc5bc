//! `metrics run`: a publisher and a subscriber in one process, reported as one JSON object (the contract with the course's tool).

use super::terminal;
use anyhow::{Context, Result, bail};
use clap::Args;
use metrics::clock::wall;
use metrics::query::{Groups, Query, figures};
use metrics::sample::{LONGEST, Sample};
use metrics::stamp::Stamps;
use metrics::{MemorySink, Options, Point, Recorder};
use serde::Deserialize;
use serde_json::{Value, json};
use simnet::campaign::parse_seed;
use simnet::report::{BROKEN, real_us_since, wall_clock};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use zmq::joiner::publisher::Publisher;
use zmq::joiner::subscriber::Subscriber;

/// The lab's folder.
const LAB: &str = "03-metrics";
/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The arguments of `metrics run`.
#[derive(Args)]
pub struct Arguments {
    /// The world to run in: local.
    #[arg(long, value_name = "WORLD")]
    on: String,
    /// What to run, as JSON: messages, topics, size. `cargo course run` makes it from an experiment file.
    #[arg(long, value_name = "FILE")]
    experiment: Option<PathBuf>,
    /// The seed. Real clocks heed none.
    #[arg(long, value_parser = parse_seed, default_value = "7", allow_hyphen_values = true)]
    seed: u64,
    /// What carries the messages: zmq.
    #[arg(long, default_value = "zmq")]
    transport: String,
    /// Not there: runs of this lab have no trace.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Print one JSON object on the last line.
    #[arg(long)]
    json: bool,
}

/// An experiment.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Scene {
    /// What it shows; for readers.
    title: String,
    messages: u64,
    topics: Vec<String>,
    size: usize,
}

impl Default for Scene {
    fn default() -> Self {
        let topics = vec!["humidity".to_string(), "temperature".to_string()];
        Scene { title: String::new(), messages: 10_000, topics, size: 64 }
    }
}

/// Runs, and reports.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.on != "local" {
        bail!(
            "read the world `{}`, expected one that this lab runs in: local. It measures real clocks; next: cargo course run 03 --on local",
            arguments.on
        );
    }
    if arguments.transport != "zmq" {
        bail!("read the transport `{}`, expected zmq", arguments.transport);
    }
    let scene = match &arguments.experiment {
        None => Scene::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("could not read {}", path.display()))?;
            serde_json::from_str(&text).with_context(|| format!("{} is not an experiment", path.display()))?
        }
    };
    let known = (1..=1_000_000).contains(&scene.messages) && (1..=100).contains(&scene.topics.len());
    if !known || scene.topics.contains(&String::new()) || scene.size > LONGEST {
        bail!(
            "read {} messages of {} bytes on {} topics, expected 1 to 1000000, at most {LONGEST}, 1 to 100",
            scene.messages,
            scene.size,
            scene.topics.len()
        );
    }
    let begun = wall_clock();
    let points = terminal::run(measure(&scene))?;
    let real_us = real_us_since(begun);
    let report = as_json(arguments, &scene, &points, real_us);
    let broken = report["violations"].as_array().is_some_and(|violations| !violations.is_empty());
    terminal::say(&if arguments.json { report.to_string() } else { format!("{report:#}") });
    Ok(if broken { ExitCode::from(BROKEN) } else { ExitCode::SUCCESS })
}

/// Publishes and subscribes in one process, and returns what was recorded.
async fn measure(scene: &Scene) -> Result<Vec<Point>> {
    let mut publisher = Publisher::bind("tcp://127.0.0.1:0", PATIENCE).await?;
    let (at, everything) = (publisher.endpoint.clone(), [String::new()]);
    let (joined, waited) = tokio::join!(Subscriber::join(&at, &everything, PATIENCE), publisher.wait_for(1));
    waited?;
    let mut subscriber = joined?;
    let sink = MemorySink::default();
    let capacity = usize::try_from(scene.messages)?;
    let (recorder, drain) = Recorder::start(sink.clone(), Options { capacity, ..Options::default() });
    let publish = async {
        let stamps = Stamps::default();
        for number in 1..=scene.messages {
            let topic = scene.topics[((number - 1) % scene.topics.len() as u64) as usize].clone();
            let sent_ns = stamps.next(wall::now_ns());
            let sample =
                Sample { end: false, number, sent_ns, publisher: "pub1".to_string(), size: scene.size };
            publisher.publish(vec![topic.into_bytes(), sample.to_bytes()]).await?;
        }
        anyhow::Ok(())
    };
    let receive = async {
        for _ in 0..scene.messages {
            let frames = subscriber.recv().await?;
            let received_ns = wall::now_ns();
            let [topic, sample] = &frames[..] else { bail!("a message of {} frames came", frames.len()) };
            let sample = Sample::read(sample)?;
            let point = Point::new("delivery").tag("topic", String::from_utf8_lossy(topic));
            let latency_ns = received_ns.saturating_sub(sample.sent_ns);
            recorder
                .point(point.field("seq", sample.number).field("latency_ns", latency_ns).at(sample.sent_ns));
        }
        anyhow::Ok(())
    };
    let (published, received) = tokio::join!(publish, receive);
    published?;
    received?;
    let summary = drain.finish(PATIENCE);
    if !summary.is_complete() {
        bail!("not all was recorded: {summary}");
    }
    Ok(sink.points())
}

fn as_json(arguments: &Arguments, scene: &Scene, points: &[Point], real_us: u64) -> Value {
    let query = Query { field: "latency_ns".to_string(), by: vec!["topic".to_string()], ..Query::default() };
    let mut groups = Groups::default();
    points.iter().for_each(|point| query.add(point, &mut groups));
    let mut outcome = serde_json::Map::new();
    for (topic, samples) in &groups.samples {
        let of = figures(samples).expect("a group has samples").values;
        let figures = json!({"count": of.count, "p50_ns": of.p50, "p99_ns": of.p99, "max_ns": of.max});
        outcome.insert(topic.concat(), figures);
    }
    outcome.insert("clocks".to_string(), json!("one process, one clock"));
    let mut violations = Vec::new();
    if points.len() as u64 != scene.messages {
        let rule = "each message that was sent is recorded once";
        violations.push(
            json!({"rule": rule, "expected": scene.messages.to_string(), "got": points.len().to_string()}),
        );
    }
    let bytes = scene.messages * scene.size as u64;
    json!({
        "lab": LAB, "world": "local", "seed": arguments.seed, "nodes": ["pub1", "sub1"], "outcome": outcome,
        "violations": violations, "messages": {"Sample": {"count": scene.messages, "bytes": bytes}}, "faults": {},
        "trace_hash": "0x0000000000000000", "virtual_us": real_us, "real_us": real_us, "trace": Value::Null,
        "transport": arguments.transport,
    })
}
