//! Ventilator, worker, sink: `source`, `worker`, `sink`.

use super::terminal::{run, say};
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use simnet::campaign::parse_seed;
use simnet::delay::Micros;
use simnet::report::BROKEN;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;
use zeromq::{PullSocket, PushSocket, Socket};
use zmq::endpoint;
use zmq::linger;
use zmq::monitor::watch::watch;
use zmq::pipeline::batch::Step;
use zmq::pipeline::message::LONGEST_NAME;
use zmq::pipeline::sink::collect;
use zmq::pipeline::source::{send_batch, wait_for_workers};
use zmq::pipeline::task::{Cost, tasks};
use zmq::pipeline::worker::work;

/// The usual port of the source.
const TASKS: u16 = 5557;
/// The usual port of the sink.
const RESULTS: u16 = 5558;
/// How long what was sent may take to leave.
const LINGER: Duration = Duration::from_secs(5);

/// The arguments of `zmq pipeline`.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Push a batch of tasks to the workers, once they are there.
    Source(Source),
    /// Do tasks, and push their results to the sink.
    Worker(Worker),
    /// Pull the results of a batch, and say how long it took.
    Sink(Sink),
}

#[derive(Args)]
struct Source {
    /// The sink: a host, tcp://HOST:PORT or ipc://PATH.
    #[arg(default_value = "127.0.0.1")]
    sink: String,
    /// The port that workers connect to; with 0 the system chooses a free one, and the first line says which.
    #[arg(long, default_value_t = TASKS)]
    port: u16,
    /// The address to listen on, with port or path, instead of this machine's at --port.
    #[arg(long)]
    bind: Option<String>,
    /// How many workers to wait for.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1000))]
    workers: u32,
    /// Wait also until Enter is pressed.
    #[arg(long)]
    enter: bool,
    /// How many tasks.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    tasks: u32,
    /// How long the longest may take, in milliseconds.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    longest: u32,
    /// Which tasks, and the number of the batch: any 64-bit number, decimal or 0x….
    #[arg(long, value_parser = parse_seed, default_value = "7")]
    seed: u64,
    /// How long to wait for the sink, and for the workers.
    #[arg(long, default_value = "60s")]
    patience: Micros,
}

#[derive(Args)]
struct Worker {
    /// The source: a host, tcp://HOST:PORT or ipc://PATH.
    #[arg(default_value = "127.0.0.1", requires = "sink")]
    source: String,
    /// The sink: a host, tcp://HOST:PORT or ipc://PATH. Name both, or neither.
    #[arg(default_value = "127.0.0.1")]
    sink: String,
    /// What it is called, a word.
    #[arg(long, default_value = "worker")]
    name: String,
    /// End after so many batches; without it, work on until ended.
    #[arg(long)]
    batches: Option<u64>,
    /// How long to wait for a connection.
    #[arg(long, default_value = "60s")]
    patience: Micros,
}

#[derive(Args)]
struct Sink {
    /// The port; with 0 the system chooses a free one, and the first line says which.
    #[arg(long, default_value_t = RESULTS)]
    port: u16,
    /// The address to listen on, with port or path, instead of this machine's at --port.
    #[arg(long)]
    bind: Option<String>,
    /// How long to wait for each message.
    #[arg(long, default_value = "60s")]
    patience: Micros,
}

/// Deals, works or collects.
pub fn pipeline(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.role {
        Role::Source(source) => run(deal_out(source)),
        Role::Worker(worker) => run(labour(worker)),
        Role::Sink(sink) => run(gather(sink)),
    }
}

async fn deal_out(source: &Source) -> Result<ExitCode> {
    let patience = source.patience.into();
    let (mut to_workers, mut to_sink) = (PushSocket::new(), PushSocket::new());
    let mut events = watch(&mut to_workers);
    let at = endpoint::endpoint(source.bind.as_deref().unwrap_or("127.0.0.1"), source.port)?;
    let at = endpoint::bind(&mut to_workers, &at).await?;
    say(&format!("listening on {at} (PUSH)"));
    endpoint::connect(&mut to_sink, &endpoint::endpoint(&source.sink, RESULTS)?, patience).await?;
    wait_for_workers(&mut events, source.workers as usize, patience).await?;
    let batch = tasks(source.seed, source.tasks, source.longest);
    let cost = Cost::of(&batch);
    say(&format!(
        "{} workers; {} tasks, expected cost {} ms, the longest {} ms",
        source.workers, source.tasks, cost.total_ms, cost.longest_ms
    ));
    if source.enter {
        say("press Enter to begin");
        tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    }
    send_batch(&mut to_workers, &mut to_sink, source.seed, batch, source.workers).await?;
    if linger::close(to_sink, LINGER).await.is_err() || linger::close(to_workers, LINGER).await.is_err() {
        bail!("some tasks could not be sent within {LINGER:?}; has a worker stopped reading?");
    }
    say("all sent");
    Ok(ExitCode::SUCCESS)
}

async fn labour(worker: &Worker) -> Result<ExitCode> {
    let length = 1..=LONGEST_NAME;
    if !length.contains(&worker.name.len()) || worker.name.contains(char::is_whitespace) {
        bail!("read the name `{}`, expected a word of at most {LONGEST_NAME} bytes", worker.name);
    }
    let patience = worker.patience.into();
    let (mut tasks, mut results) = (PullSocket::new(), PushSocket::new());
    // The sink first: the source takes a worker that has connected for one that is ready.
    endpoint::connect(&mut results, &endpoint::endpoint(&worker.sink, RESULTS)?, patience).await?;
    endpoint::connect(&mut tasks, &endpoint::endpoint(&worker.source, TASKS)?, patience).await?;
    say(&format!("{} is ready", worker.name));
    for _ in 0..worker.batches.unwrap_or(u64::MAX) {
        let odd = |why| say(&format!("passed over: {why}"));
        let worked = work(&mut tasks, &mut results, &worker.name, odd).await?;
        say(&format!("{} tasks, {} ms", worked.tasks, worked.ms));
    }
    if linger::close(results, LINGER).await.is_err() {
        bail!("some results could not be sent within {LINGER:?}; has the sink stopped reading?");
    }
    Ok(ExitCode::SUCCESS)
}

async fn gather(sink: &Sink) -> Result<ExitCode> {
    let mut socket = PullSocket::new();
    let at = endpoint::endpoint(sink.bind.as_deref().unwrap_or("127.0.0.1"), sink.port)?;
    let at = endpoint::bind(&mut socket, &at).await?;
    say(&format!("listening on {at} (PULL)"));
    let mut results = 0;
    let told = |step: &Step| {
        if matches!(step, Step::Result | Step::Complete) {
            results += 1;
            let mut out = std::io::stdout().lock();
            let _ = write!(out, "{}", if results % 10 == 1 { ':' } else { '.' }).and_then(|()| out.flush());
        }
    };
    let odd = |why| say(&format!("passed over: {why}"));
    let report = collect(&mut socket, sink.patience.into(), told, odd).await;
    say("");
    let report = report?;
    for (worker, tasks) in &report.by_worker {
        say(&format!("{worker}: {tasks} results"));
    }
    say(&format!(
        "elapsed {} ms for {} ms of work: speed-up {}, at best {}",
        report.elapsed_us / 1000,
        report.cost.total_ms,
        report.speed_up,
        report.best
    ));
    if report.speed_up.is_near(report.best) {
        return Ok(ExitCode::SUCCESS);
    }
    say("that is not within 15 percent of the best");
    Ok(ExitCode::from(BROKEN))
}
