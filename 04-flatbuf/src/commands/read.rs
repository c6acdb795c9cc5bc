//! Verify a buffer, and say what is in it, or why it is refused.

use super::{file, terminal::say};
use anyhow::Result;
use clap::Args;
use flatbuf::limits::Limits;
use flatbuf::{station, topic, wire};
use simnet::report::BROKEN;
use std::path::PathBuf;
use std::process::ExitCode;

/// The arguments of `flatbuf read`.
#[derive(Args)]
pub struct Arguments {
    /// The buffer: a station's, where it says so, else a topic's.
    file: PathBuf,
    /// Read it by hand, without generated code; only a topic's.
    #[arg(long)]
    by_hand: bool,
    /// The longest buffer, in bytes.
    #[arg(long, default_value_t = Limits::default().longest)]
    longest: usize,
}

/// Reads.
pub fn read(arguments: &Arguments) -> Result<ExitCode> {
    let bytes = file::buffer(&arguments.file, arguments.longest)?;
    let limits = Limits { longest: arguments.longest, ..Limits::default() };
    let read = match (arguments.by_hand, file::is_station(&bytes)) {
        (true, _) => wire::reader::Topic::read(&bytes)
            .map(|topic| topic.to_sample().to_string())
            .map_err(|why| why.to_string()),
        (false, true) => station::read::read(&bytes, &limits)
            .map(|message| format!("{message:#?}"))
            .map_err(|why| why.to_string()),
        (false, false) => topic::read::read(&bytes, &limits)
            .map(|topic| topic::read::to_sample(&topic).to_string())
            .map_err(|why| why.to_string()),
    };
    match read {
        Ok(text) => {
            say(&text);
            Ok(ExitCode::SUCCESS)
        }
        Err(why) => {
            say(&format!("refused: {why}"));
            Ok(ExitCode::from(BROKEN))
        }
    }
}
