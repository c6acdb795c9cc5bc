//! Ventilator, worker, sink: `source`, `worker`, `sink`.

use super::terminal::{run, say};
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use futures_util::{Stream, StreamExt};
use simnet::campaign::parse_seed;
use simnet::delay::Micros;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::Instant;
use zeromq::{PullSocket, PushSocket, Socket, SocketEvent};
use zmq::attach;
use zmq::door::{Door, Rules};
use zmq::endpoint;
use zmq::linger;
use zmq::monitor::ledger::Event;
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
    /// How long to wait for the first connection. When the source ends, the next one is waited for.
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
    let patience: Duration = source.patience.into();
    let mut to_sink = PushSocket::new();
    let at = endpoint::endpoint(source.bind.as_deref().unwrap_or("127.0.0.1"), source.port)?;
    let mut workers = Workers::listen(&at).await?;
    say(&format!("listening on {} (PUSH)", workers.door.address));
    endpoint::connect(&mut to_sink, &endpoint::endpoint(&source.sink, RESULTS)?, patience).await?;
    let until = Instant::now() + patience;
    loop {
        let patience = until.saturating_duration_since(Instant::now());
        wait_for_workers(&mut workers.events, source.workers as usize, patience).await?;
        if workers.door.gone() == 0 {
            break;
        }
        say("a worker has gone: the others connect again");
        workers = workers.anew().await?;
    }
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
    let Workers { mut socket, door, .. } = workers;
    send_batch(&mut socket, &mut to_sink, source.seed, batch, source.workers).await?;
    if linger::close(to_sink, LINGER).await.is_err()
        || linger::close(socket, LINGER).await.is_err()
        || door.finish(LINGER).await.is_err()
    {
        bail!("some tasks could not be sent within {LINGER:?}; has a worker stopped reading?");
    }
    say("all sent");
    Ok(ExitCode::SUCCESS)
}

/// Where workers connect.
struct Workers {
    socket: PushSocket,
    events: Box<dyn Stream<Item = (Event, usize)> + Unpin>,
    door: Door,
}

impl Workers {
    async fn listen(at: &str) -> Result<Self> {
        let mut socket = PushSocket::new();
        let events = Box::new(watch(&mut socket));
        // Who works reads nothing meanwhile.
        let door = Door::with(at, &mut socket, Rules { stalled: None, ..Rules::default() }).await?;
        Ok(Workers { socket, events, door })
    }

    /// A new socket at the same place, to which all connect again. A PUSH never reads, so it would deal to those that have gone, too.
    async fn anew(self) -> Result<Self> {
        let at = self.door.address.clone();
        drop(self.socket);
        self.door.close().await;
        Self::listen(&at).await
    }
}

async fn labour(worker: &Worker) -> Result<ExitCode> {
    let length = 1..=LONGEST_NAME;
    if !length.contains(&worker.name.len()) || worker.name.contains(char::is_whitespace) {
        bail!("read the name `{}`, expected a word of at most {LONGEST_NAME} bytes", worker.name);
    }
    let patience = worker.patience.into();
    let (source, sink) =
        (endpoint::endpoint(&worker.source, TASKS)?, endpoint::endpoint(&worker.sink, RESULTS)?);
    let (mut tasks, mut results) = (PullSocket::new(), PushSocket::new());
    let mut events = attach::watch(&mut tasks);
    // The sink first: the source takes a worker that has connected for one that is ready.
    endpoint::connect(&mut results, &sink, patience).await?;
    endpoint::connect(&mut tasks, &source, patience).await?;
    say(&format!("{} is ready", worker.name));
    let mut batches = 0;
    while worker.batches.is_none_or(|all| batches < all) {
        let odd = |why| say(&format!("passed over: {why}"));
        tokio::select! {
            // The source's end is seen only when all that came before it is done.
            biased;
            worked = work(&mut tasks, &mut results, &worker.name, odd) => {
                let worked = worked?;
                say(&format!("{} tasks, {} ms", worked.tasks, worked.ms));
                batches += 1;
            }
            () = lost(&mut events) => {
                // A PULL does not connect again. The next source has connected to its sink before it waits for workers.
                let done = std::mem::replace(&mut results, PushSocket::new());
                let _ = linger::close(done, LINGER).await;
                attach::connect_again(&mut tasks, &source).await;
                endpoint::connect(&mut results, &sink, patience).await?;
                say(&format!("{} is ready", worker.name));
            }
        }
    }
    if linger::close(results, LINGER).await.is_err() {
        bail!("some results could not be sent within {LINGER:?}; has the sink stopped reading?");
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits until the connection is lost.
async fn lost(events: &mut attach::Events) {
    while let Some(event) = events.next().await {
        if matches!(event, SocketEvent::Disconnected(_)) {
            return;
        }
    }
}

async fn gather(sink: &Sink) -> Result<ExitCode> {
    let mut socket = PullSocket::new();
    let at = endpoint::endpoint(sink.bind.as_deref().unwrap_or("127.0.0.1"), sink.port)?;
    let door = Door::open(&at, &mut socket).await?;
    say(&format!("listening on {} (PULL)", door.address));
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
    Ok(ExitCode::SUCCESS)
}
