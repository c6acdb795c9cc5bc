//! Print a buffer byte by byte, with what each of them is.

use super::{file, terminal::say};
use anyhow::Result;
use clap::Args;
use flatbuf::anatomy::{dissect::dissect, print::lines};
use flatbuf::limits::Limits;
use simnet::report::BROKEN;
use std::path::PathBuf;
use std::process::ExitCode;

/// The arguments of `flatbuf show`.
#[derive(Args)]
pub struct Arguments {
    /// The buffer.
    file: PathBuf,
    /// Its schema, as `flatc --binary --schema` writes it. Without one it is that of `Topic`, or where the buffer says so, that of a station.
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// The longest buffer, in bytes.
    #[arg(long, default_value_t = Limits::default().longest)]
    longest: usize,
}

/// Shows. Where a buffer cannot be followed, all that can is shown, and then what cannot.
pub fn show(arguments: &Arguments) -> Result<ExitCode> {
    let bytes = file::buffer(&arguments.file, arguments.longest)?;
    let schema = match &arguments.schema {
        Some(path) => file::schema(path)?,
        None => file::own_schema(&bytes)?,
    };
    let anatomy = dissect(&schema, &bytes);
    for line in lines(&bytes, &anatomy) {
        say(&line);
    }
    for trouble in &anatomy.trouble {
        say(&format!("trouble: {trouble}"));
    }
    Ok(if anatomy.trouble.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(BROKEN) })
}
