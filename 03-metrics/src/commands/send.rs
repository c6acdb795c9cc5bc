//! `metrics send`: what an earlier program has left in its spool.

use super::options::{Database, Sending};
use super::terminal::say;
use anyhow::{Result, bail};
use clap::Args;
use metrics::Sink;
use metrics::influx::sink::InfluxSink;
use simnet::delay::Micros;
use std::path::PathBuf;
use std::process::ExitCode;

/// The arguments of `metrics send`.
#[derive(Args)]
pub struct Arguments {
    /// The spool. It is empty afterwards.
    #[arg(value_name = "SPOOL")]
    spool: PathBuf,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    sending: Sending,
    /// How long it may take.
    #[arg(long, default_value = "60s")]
    patience: Micros,
}

/// Sends. Status 1 when something is left, or was put aside.
pub fn send(arguments: &Arguments) -> Result<ExitCode> {
    let target = arguments.database.needed()?;
    if !arguments.spool.is_file() {
        bail!("there is no spool {}; name the file that was given with --spool", arguments.spool.display());
    }
    let options = arguments.sending.options(arguments.spool.clone());
    let mut sink = InfluxSink::start(target, options)?;
    let earlier = sink.earlier();
    let delivered = sink.close(arguments.patience.into())?;
    let (left, aside) = (sink.left()?, sink.put_aside());
    let reason = delivered.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let put = if aside > 0 {
        format!(", {aside} put aside in {}.rejected", arguments.spool.display())
    } else {
        String::new()
    };
    say(&format!(
        "{} of {earlier} lines sent{put}, {left} left{reason}",
        earlier.saturating_sub(left + aside)
    ));
    Ok(if left + aside == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
