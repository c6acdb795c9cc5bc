//! Lab 01's sockets (the crate `zeromq`) beside libzmq's, at the same patterns, in the same run.
//!
//! ```text
//! cargo bench -p peers --bench patterns              # the tables
//! cargo bench -p peers --bench patterns -- --test    # one tiny round: does it work?
//! ```
//!
//! - **REQ/REP**: the median round trip of 8 bytes.
//! - **DEALER/ROUTER**: answers a second, with 100 requests of 8 bytes in flight.
//! - **PUSH/PULL**: messages a second, of 64 bytes and of 1 KiB.
//! - **PUB/SUB**: the same; after each 1000 the publisher waits until they are heard, since a PUB that is not waited for drops.
//! - **Batches**: samples of 64 bytes by PUSH/PULL, 1, 10 or 100 of them in one frame.
//!
//! `zeromq` is measured on tokio's current-thread runtime, as it is and behind lab 01's door (as the programs of that lab listen), and on the
//! multi-thread runtime with two workers. Fair: either end is a thread of this
//! process with a runtime, or a context, of its own; TCP on loopback; no high-water mark is reached on purpose; each round measures all four.
//! Different: libzmq has an I/O thread besides at either end.

#![allow(missing_docs, reason = "a benchmark")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic,
    reason = "real time is measured"
)]

mod on_libzmq;
mod on_zeromq;
#[path = "../echo/spread.rs"]
mod spread;

use comfy_table::{CellAlignment, Table, TableStyle};
use on_zeromq::Flavour;
use spread::Rounds;
use std::time::Duration;

/// So many requests are in flight from DEALER to ROUTER.
pub const IN_FLIGHT: usize = 100;
/// After so many publications the publisher waits.
pub const BURST: usize = 1000;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// So many round trips.
    RoundTrips(usize),
    /// So many requests, a hundred in flight.
    InFlight(usize),
    /// So many messages, each of `batch` samples of this length in one frame.
    Push { messages: usize, bytes: usize, batch: usize },
    /// So many publications of this length.
    Publish { messages: usize, bytes: usize },
}

impl Task {
    fn name(self) -> String {
        match self {
            Task::RoundTrips(_) => "REQ/REP round trip, µs".to_string(),
            Task::InFlight(_) => "DEALER/ROUTER, k answers/s".to_string(),
            Task::Push { bytes, batch: 1, .. } => format!("PUSH/PULL {bytes} B, k messages/s"),
            Task::Push { bytes, batch, .. } => format!("PUSH/PULL {batch} × {bytes} B, k samples/s"),
            Task::Publish { bytes, .. } => format!("PUB/SUB {bytes} B, k messages/s"),
        }
    }

    fn is_time(self) -> bool {
        matches!(self, Task::RoundTrips(_))
    }
}

/// The tasks, at a `scale` of 1 or less.
fn tasks(part: usize) -> Vec<Task> {
    let push = |messages: usize, bytes, batch| Task::Push { messages: messages / part, bytes, batch };
    vec![
        Task::RoundTrips(10_000 / part),
        Task::InFlight(100_000 / part),
        push(300_000, 64, 1),
        push(100_000, 1024, 1),
        Task::Publish { messages: 200_000 / part, bytes: 64 },
        push(60_000, 64, 10),
        push(10_000, 64, 100),
    ]
}

/// `cargo bench` passes `--bench`. Under `cargo test`, and with `--test`, a tiny round only shows that all runs.
fn is_measured() -> bool {
    let has = |flag: &str| std::env::args().any(|argument| argument == flag);
    has("--bench") && !has("--test")
}

fn main() {
    let tiny = !is_measured();
    let (rounds, tasks) = if tiny { (1, tasks(100)) } else { (7, tasks(1)) };
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    let flavours = [
        ("zeromq", Flavour::CurrentThread),
        ("behind a door", Flavour::Door),
        ("multi-thread", Flavour::MultiThread),
    ];
    let named = flavours.iter().flat_map(|(name, _)| [*name, "in libzmq's"]);
    table.set_header(["pattern", "libzmq"].into_iter().chain(named));
    for task in tasks {
        let mut theirs = Rounds::default();
        let mut ours = flavours.map(|_| Rounds::default());
        for _ in 0..rounds {
            theirs.0.push(on_libzmq::measure(task));
            for (rounds, (_, flavour)) in ours.iter_mut().zip(flavours) {
                rounds.0.push(on_zeromq::measure(task, flavour));
            }
        }
        let show = |value: f64| if task.is_time() { format!("{value:.1}") } else { format!("{value:.0}") };
        let mut row = vec![task.name(), show(theirs.median())];
        for rounds in &ours {
            row.extend([show(rounds.median()), rounds.over(&theirs).to_string()]);
        }
        table.add_row(row);
    }
    for column in 1..8 {
        table.column_mut(column).expect("eight columns").set_cell_alignment(CellAlignment::Right);
    }
    println!(
        "Medians of {rounds} rounds; ratios within a round (least to most). Of a time less is better, of a rate more."
    );
    println!("{table}");
}

/// The time in the middle, in microseconds.
pub fn median_us(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_nanos() as f64 / 1000.0
}

/// Thousands a second.
pub fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64() / 1000.0
}
