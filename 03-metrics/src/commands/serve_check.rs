//! `metrics serve-check`: what is wrong with a database's address, token, bucket, clock.

use super::options::Database;
use super::terminal::say;
use anyhow::Result;
use clap::Args;
use metrics::influx::check::check;
use simnet::delay::Micros;
use simnet::report::BROKEN;
use std::process::ExitCode;

/// The arguments of `metrics serve-check`.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    database: Database,
    /// How long each question may take.
    #[arg(long, default_value = "5s")]
    patience: Micros,
}

/// Checks. Status 1 when something is wrong.
pub fn serve_check(arguments: &Arguments) -> Result<ExitCode> {
    let target = arguments.database.needed()?;
    let findings = check(&target, arguments.patience.into());
    for finding in &findings {
        let word = if finding.wrong { "WRONG" } else { "ok" };
        say(&format!("{:<8} {word:<6} {}", finding.what, finding.says));
    }
    let wrong = findings.iter().any(|finding| finding.wrong);
    Ok(if wrong { ExitCode::from(BROKEN) } else { ExitCode::SUCCESS })
}
