//! Say whether a schema may follow another.

use super::{file, terminal::say};
use anyhow::Result;
use clap::Args;
use flatbuf::evolution::compatibility::{Change, changes};
use simnet::report::BROKEN;
use std::path::PathBuf;
use std::process::ExitCode;

/// The arguments of `flatbuf compatible`.
#[derive(Args)]
pub struct Arguments {
    /// The schema that programs have, as `flatc --binary --schema` writes it.
    old: PathBuf,
    /// The schema that they are to have.
    new: PathBuf,
}

/// Compares.
pub fn compatible(arguments: &Arguments) -> Result<ExitCode> {
    let found = changes(&file::schema(&arguments.old)?, &file::schema(&arguments.new)?);
    for change in &found {
        say(&format!("{} {change}", if change.breaks() { "breaks" } else { "note  " }));
    }
    if found.iter().any(Change::breaks) {
        return Ok(ExitCode::from(BROKEN));
    }
    say("compatible: whoever has the one reads what whoever has the other has written");
    Ok(ExitCode::SUCCESS)
}
