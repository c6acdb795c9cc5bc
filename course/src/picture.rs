//! A recorded run as a person sees it: in a terminal, and as a page for a browser.

use anyhow::{Context, Result};
use simnet::diagram::{self, Options};
use simnet::page::{self, Explained};
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

/// How large a picture may be.
#[derive(clap::Args)]
pub struct Size {
    /// The diagram's width in letters [default: the terminal's, else 100]
    #[arg(long, value_name = "N")]
    width: Option<usize>,
    /// About how many lines the diagram may have; 0 for all. The middle is left out, never a violation
    #[arg(long, value_name = "N", default_value_t = 200)]
    lines: usize,
}

/// Draws a trace.
pub fn draw(trace: &Trace, size: &Size) -> String {
    let told = || std::env::var("COLUMNS").ok()?.parse::<usize>().ok();
    let width = size.width.or_else(told).unwrap_or(usize::from(crate::table::WIDTH));
    let color = stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let max_lines = (size.lines > 0).then_some(size.lines);
    diagram::render(trace, &Options { width, color, max_lines })
}

/// Writes a run's page.
pub fn write_page(run: &Explained<'_>, path: &Path) -> Result<()> {
    page::write(run, path)
        .with_context(|| format!("the page {} cannot be written; name another file", path.display()))
}
