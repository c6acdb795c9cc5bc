//! The promise that a seed is a run, checked: twice in one thread, and once in a new one.

use crate::process::Process;
use crate::sim::Sim;
use crate::trace::{Event, Trace};
use std::fmt;

/// Two runs of one seed, and the first place where they differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Where the second run ran.
    pub second_run: &'static str,
    /// The event of the first run; `None` when it had ended.
    pub first: Option<Event>,
    /// The event of the second run; `None` when it had ended.
    pub second: Option<Event>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |event: &Option<Event>| match event {
            Some(event) => serde_json::to_string(event).unwrap_or_else(|error| error.to_string()),
            None => "the run has ended".to_string(),
        };
        write!(
            f,
            "rule broken: one seed is one run\n  expected: {}\n  got: {} (in {})\n  \
             look for the order of a HashMap, a clock, a thread, a random source other than the context's, or a `static`",
            line(&self.first),
            line(&self.second),
            self.second_run
        )
    }
}

/// Runs `run` three times with recording on, and compares.
///
/// A new thread counts apart: some sources of chance, such as the keys of `HashMap`s, differ within a thread and start alike in
/// each new one, and others the other way round.
///
/// # Errors
/// The first event in which two of the runs differ.
pub fn check<P: Process>(lab: &str, run: impl Fn() -> Sim<P> + Sync) -> Result<Trace, Box<Difference>> {
    let record = || {
        let sim = run();
        let trace =
            sim.trace(lab).expect("a run whose determinism is checked is recorded: call `.recording(true)`");
        (sim.hash(), trace)
    };
    let (hash, first) = record();
    let again = record();
    let elsewhere = std::thread::scope(|scope| scope.spawn(record).join())
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    for (second_run, (other_hash, second)) in [("the same thread", again), ("a new thread", elsewhere)] {
        if let Some(difference) = compare(second_run, &first, &second) {
            return Err(Box::new(difference));
        }
        assert!(hash == other_hash, "equal traces have equal hashes: {hash} and {other_hash}");
    }
    Ok(first)
}

fn compare(second_run: &'static str, first: &Trace, second: &Trace) -> Option<Difference> {
    let length = first.events.len().max(second.events.len());
    (0..length).find_map(|index| {
        let (first, second) = (first.events.get(index), second.events.get(index));
        let differ = first != second;
        differ.then(|| Difference { second_run, first: first.cloned(), second: second.cloned() })
    })
}
