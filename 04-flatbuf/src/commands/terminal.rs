//! What all programs do at a terminal: say lines, run until done, look at the clock.

use anyhow::{Context, Result};
use metrics::clock::wall;
use std::io::{self, Write};
use tokio::runtime::Builder;

/// The usual port.
pub const PORT: u16 = 5556;

/// Says something, and minds no reader that has gone: a publisher does not end because nobody reads its output any more.
pub fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Runs a program to its end, on one thread. One that waits for messages most of the time is faster so than on several.
pub fn run<T>(program: impl Future<Output = Result<T>>) -> Result<T> {
    Builder::new_current_thread().enable_all().build().context("could not start")?.block_on(program)
}

/// Now, in nanoseconds since 1970.
pub fn now() -> u64 {
    u64::try_from(wall::now_ns()).unwrap_or(0)
}
