//! `cargo course labs`: the ladder.

use crate::standing::Standing;
use crate::workspace::Workspace;
use crate::{lab, show, table};
use anyhow::Result;

/// The command line of `labs`.
#[derive(clap::Args)]
pub struct Args {}

/// Prints the ladder.
pub fn run(_args: &Args, workspace: &Workspace) -> Result<u8> {
    let labs = lab::all(workspace)?;
    if labs.is_empty() {
        show::out(&format!(
            "no labs in {} (folders like 07-paxos with a lab.toml)\n",
            workspace.root.display()
        ));
        return Ok(0);
    }
    let mut table = table::headed(&["lab", "title", ">parts", ">hours", ">points", "done"]);
    let mut next = None;
    for lab in &labs {
        let standing = Standing::read(workspace, lab);
        let reached = standing.as_ref().map(|standing| standing.points(lab));
        let done = match reached {
            None => "not begun".to_owned(),
            Some(points) if points == lab.points() => "all".to_owned(),
            Some(points) => format!("{points} of {}", lab.points()),
        };
        if reached != Some(lab.points()) && next.is_none() {
            next = Some(lab);
        }
        let hours: f64 = lab.sheet.parts.iter().map(|part| part.hours).sum();
        table.add_row([
            lab.folder.name.clone(),
            lab.sheet.title.clone(),
            lab.sheet.parts.len().to_string(),
            hours.to_string(),
            lab.points().to_string(),
            done,
        ]);
    }
    let mut page = table::text(&table);
    if let Some(lab) = next {
        page.push_str(&format!(
            "\nnext: read {}/README.md, then: cargo course test {}\n",
            lab.folder.name,
            lab.short()
        ));
    }
    show::out(&page);
    Ok(0)
}
