//! A recorded run as a person sees it in a terminal.

use anyhow::{Context, Result};
use simnet::diagram::{self, Options};
use simnet::trace::Trace;
use std::fs::File;
use std::io::{BufReader, IsTerminal, stdout};
use std::path::Path;

/// Reads a trace.
pub fn read(path: &Path) -> Result<Trace> {
    let file = File::open(path).with_context(|| {
        format!("{} cannot be opened; expected a trace, as `cargo course run` writes one", path.display())
    })?;
    Trace::read(BufReader::new(file)).with_context(|| path.display().to_string())
}

/// Draws a trace. Without a width it takes the terminal's, as far as the shell tells it.
pub fn draw(trace: &Trace, width: Option<usize>) -> String {
    let told = || std::env::var("COLUMNS").ok()?.parse::<usize>().ok();
    let width = width.or_else(told).unwrap_or(usize::from(crate::table::WIDTH)).clamp(40, 400);
    let color = stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut picture = diagram::render(trace, &Options { width, color, ..Options::default() });
    if !picture.ends_with('\n') {
        picture.push('\n');
    }
    picture
}
