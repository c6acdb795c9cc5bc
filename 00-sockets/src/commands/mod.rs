//! The subcommands of `sockets`, a file each.

pub mod client;
pub mod compare;
mod round_trips;
pub mod run;
pub mod serve;
pub mod simulate;
pub mod stream;

use clap::ValueEnum;
use simnet::delay::Micros;
use std::io::{self, Write};

/// Says something, and minds no reader that has gone: `| head -1` is no reason to panic, nor for a server to end.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// A time to wait. None at all would end every connection at once.
fn some_time(text: &str) -> Result<Micros, String> {
    match text.parse()? {
        Micros(0) => Err(format!("read `{text}`, expected a time that is longer than none, such as 1ms")),
        time => Ok(time),
    }
}

/// Which service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Service {
    /// Factorials, over TCP.
    Factorial,
    /// Bytes counted, over UDP.
    Count,
}
