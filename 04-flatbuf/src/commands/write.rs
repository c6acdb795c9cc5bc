//! Write the buffer of a sample to a file.

use super::terminal::say;
use anyhow::{Context, Result};
use clap::Args;
use flatbuf::sample::Sample;
use flatbuf::topic::write::Writer;
use flatbuf::wire;
use std::path::PathBuf;
use std::process::ExitCode;

/// The arguments of `flatbuf write`.
#[derive(Args)]
pub struct Arguments {
    /// Where to write it.
    file: PathBuf,
    /// Which one it is.
    #[arg(long, default_value_t = 7)]
    seq_no: u32,
    /// When it was sent, in seconds since 1970.
    #[arg(long, default_value_t = 1.5)]
    ts: f64,
    /// What it is called.
    #[arg(long, default_value = "DATA")]
    name: String,
    /// The numbers, with commas between.
    #[arg(long, default_value = "0,1,2,3,4", value_delimiter = ',')]
    data: Vec<u32>,
    /// Write it by hand, without generated code: the bytes are the same.
    #[arg(long)]
    by_hand: bool,
}

/// Writes.
pub fn write(arguments: &Arguments) -> Result<ExitCode> {
    let Arguments { file, seq_no, ts, name, data, by_hand } = arguments;
    let sample = Sample { seq_no: *seq_no, ts: *ts, name: name.clone(), data: data.clone() };
    let bytes =
        if *by_hand { wire::writer::write(&sample) } else { Writer::default().write(&sample).to_vec() };
    std::fs::write(file, &bytes).with_context(|| format!("could not write {}", file.display()))?;
    say(&format!("{} bytes in {}", bytes.len(), file.display()));
    Ok(ExitCode::SUCCESS)
}
