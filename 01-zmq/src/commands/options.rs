//! Options that several programs have: where to listen, how long to wait, how much to tell.

use clap::Args;
use simnet::delay::Micros;

/// Where a program listens.
#[derive(Args)]
pub struct Listen {
    /// The endpoint to listen on, `tcp://host:port` or `ipc://path`; instead of `--host` and `--port`.
    #[arg(long, conflicts_with_all = ["host", "port"])]
    listen: Option<String>,
    /// The address to listen on. Others than this machine reach it only with one of theirs, or 0.0.0.0.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// The port; with 0 the system chooses a free one, and the first line says which.
    #[arg(short, long)]
    port: Option<u16>,
}

impl Listen {
    /// The endpoint; `port` where none is given.
    pub fn endpoint(&self, port: u16) -> String {
        match &self.listen {
            Some(endpoint) => endpoint.clone(),
            None => format!("tcp://{}:{}", self.host, self.port.unwrap_or(port)),
        }
    }
}

/// How long anything is waited for.
#[derive(Args)]
pub struct Patience {
    /// How long anything is waited for.
    #[arg(long, default_value = "5s")]
    pub patience: Micros,
}

/// How much a program tells: a word, or the number that Python's `logging` has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum LogLevel {
    /// Only what goes wrong.
    #[value(aliases = ["30", "error", "40", "critical", "50"])]
    Warning,
    /// Also each request.
    #[value(alias = "20")]
    Info,
    /// Also each step of it.
    #[value(alias = "10")]
    Debug,
}
