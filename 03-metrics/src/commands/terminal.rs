//! What all programs do at a terminal: say lines, show progress, run until done.

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use tokio::runtime::Builder;

/// Says something, and minds no reader that has gone.
pub fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{}", printable(line)).and_then(|()| out.flush());
}

/// Says what is not right, beside what was asked for.
pub fn warn(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", printable(line));
}

/// Strangers choose tags, topics and the words of errors: none of them is to steer the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() && letter != '\n' { '\u{fffd}' } else { letter })
        .collect()
}

/// Runs a program to its end, on one thread.
pub fn run<T>(program: impl Future<Output = Result<T>>) -> Result<T> {
    Builder::new_current_thread().enable_all().build().context("could not start")?.block_on(program)
}

/// A bar that moves, on a terminal and nowhere else.
pub fn progress(length: u64, what: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{msg} {wide_bar} {human_pos} of {human_len}, {per_sec}, {eta} left");
    let bar = ProgressBar::new(length).with_message(what.to_string());
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
