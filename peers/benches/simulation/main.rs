//! How many messages a second simnet, turmoil and madsim deliver when they carry the same work.
//!
//! ```text
//! cargo bench -p peers --bench simulation              the table
//! cargo bench -p peers --bench simulation -- --check   fails when simnet is not as much faster as is claimed
//! cargo bench -p peers --bench simulation -- --test    one tiny round: does it work?
//! ```
//!
//! What makes the comparison fair:
//! - **The same work.** All three compile `workload.rs`: 24 bytes a message, each message passed on to the next node in turn, so that the
//!   number in flight stays the same (turmoil and simnet check that nothing was lost).
//! - **The same count.** A message counts when its reader has it in hand; each program is timed over the same number of them, after a
//!   warm-up of equal length that is not timed. Building the world is not timed either.
//! - **The same range of delays**, 1 to 10 ms: even in simnet (by microseconds) and madsim, leaning to the short end in turmoil, whole
//!   milliseconds (see `on_turmoil.rs`).
//! - **The same moment.** Rounds interleave: in each, every workload runs on each program in turn, so a busy machine slows all of them. The
//!   ratio is taken within a round, then its median over the rounds.
//! - **The same compiler and optimisation**, one thread each, fixed seeds.
//!
//! What differs, because each is used as it is meant to be: simnet's and madsim's messages are typed values, turmoil's are bytes. simnet keeps
//! its rolling trace hash, of which the others have none. A node is a state machine in simnet and an asynchronous task in the others.
//! The price of running code that was not written for a simulation is what these numbers show; they do not say that the others waste time.

#![allow(clippy::float_arithmetic, reason = "speeds and ratios are printed, nothing depends on them")]
#![allow(clippy::disallowed_types, reason = "a benchmark reads the real clock")]
#![allow(clippy::disallowed_methods, reason = "it waits for another process")]

mod on_madsim;
mod on_simnet;
mod on_turmoil;
mod report;
mod workload;

use on_madsim::Madsim;
use report::Rates;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const ROUNDS: usize = 11;
/// No round begins later than this, so a slow machine ends in time too.
const ROUNDS_BEGIN_WITHIN: Duration = Duration::from_secs(140);

const WARM_UP: Duration = Duration::from_millis(200);
/// The warm-up looks at the clock after so many messages.
const WARM_UP_MESSAGES: u64 = 1_000;

/// Rumours that go round.
pub struct Workload {
    name: &'static str,
    nodes: u32,
    in_flight: u64,
    /// For at least how long it runs before it is timed: caches, branch predictors and clock rates settle.
    warm_up: Duration,
    /// How many deliveries are timed.
    messages: u64,
    /// How many times as many messages a second as the faster peer simnet is claimed to deliver.
    claimed: Option<f64>,
}

const WORKLOADS: [Workload; 3] = [
    Workload {
        name: "ping-pong",
        nodes: 2,
        in_flight: 1,
        warm_up: WARM_UP,
        messages: 300_000,
        claimed: None,
    },
    Workload {
        name: "gossip",
        nodes: 5,
        in_flight: 20,
        warm_up: WARM_UP,
        messages: 1_000_000,
        claimed: Some(10.0),
    },
    Workload {
        name: "gossip",
        nodes: 5,
        in_flight: 1_000,
        warm_up: WARM_UP,
        messages: 2_000_000,
        claimed: Some(5.0),
    },
];

impl Workload {
    /// Lets a program deliver for as long as it is not timed.
    fn warm_up(&self, mut deliver: impl FnMut(u64)) {
        let start = Instant::now();
        loop {
            deliver(WARM_UP_MESSAGES);
            if start.elapsed() >= self.warm_up {
                return;
            }
        }
    }
}

/// One timed stretch of a run.
pub struct Measured {
    delivered: u64,
    took: Duration,
}

impl Measured {
    fn per_second(&self) -> f64 {
        self.delivered as f64 * 1e9 / self.took.as_nanos() as f64
    }
}

#[derive(Default)]
struct Options {
    test: bool,
    check: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Options::default();
        // `cargo bench` says so; `cargo test` does not, and hands every target flags that only its own harness knows.
        let benchmarks = arguments.iter().any(|argument| argument == "--bench");
        for argument in arguments {
            match argument.as_str() {
                "--bench" => {}
                "--test" => options.test = true,
                "--check" => options.check = true,
                other if benchmarks => {
                    return Err(format!("{other} is unknown; there are --check and --test"));
                }
                _ => {}
            }
        }
        options.test |= !benchmarks;
        if options.test && options.check {
            return Err("a tiny round says nothing about speed: --check or --test, not both".to_owned());
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = match Options::parse(&arguments) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    let (workloads, rounds) = if options.test {
        (WORKLOADS.map(|work| Workload { warm_up: Duration::ZERO, messages: 1_000, ..work }), 1)
    } else {
        (WORKLOADS, ROUNDS)
    };
    let mut madsim = Madsim::build();
    let results = measure(&workloads, rounds, &mut madsim);
    if options.test {
        println!("{}", report::who_works(&results, &madsim));
        return ExitCode::SUCCESS;
    }
    print!("{}", report::table(&workloads, &results, &madsim));
    let holds = report::claims_hold(&workloads, &results);
    if options.check && !holds { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// All rounds, or as many as begin in time. When madsim fails, the others go on without it.
fn measure(workloads: &[Workload; 3], rounds: usize, madsim: &mut Result<Madsim, String>) -> [Rates; 3] {
    let begin = Instant::now();
    let mut results: [Rates; 3] = Default::default();
    for round in 1..=rounds {
        if begin.elapsed() > ROUNDS_BEGIN_WITHIN {
            break;
        }
        eprintln!("round {round} of {rounds}");
        for (work, rates) in workloads.iter().zip(&mut results) {
            rates.simnet.push(on_simnet::run(work).per_second());
            rates.turmoil.push(on_turmoil::run(work).per_second());
            if let Ok(built) = madsim {
                match built.run(work) {
                    Ok(measured) => rates.madsim.push(measured.per_second()),
                    Err(why) => *madsim = Err(why),
                }
            }
        }
    }
    results
}
