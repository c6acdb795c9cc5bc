//! The subcommands of `sockets`, a file each.

pub mod client;
pub mod compare;
mod round_trips;
pub mod run;
pub mod serve;
pub mod simulate;
pub mod stream;

use clap::ValueEnum;

/// Which service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Service {
    /// Factorials, over TCP.
    Factorial,
    /// Bytes counted, over UDP.
    Count,
}
