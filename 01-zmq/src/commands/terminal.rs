//! What all programs do at a terminal: say lines, run until done.

use anyhow::{Context, Result};
use std::io::{self, Write};
use tokio::runtime::Builder;

/// Says something, and minds no reader that has gone: a server does not end because nobody reads its output any more.
pub fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Runs a program to its end, on one thread. One that waits for messages most of the time is faster so than on several.
pub fn run<T>(program: impl Future<Output = Result<T>>) -> Result<T> {
    Builder::new_current_thread().enable_all().build().context("could not start")?.block_on(program)
}
