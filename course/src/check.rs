//! `cargo course check`: the course's own linter. It says where the house's rules are not kept, and what to do.

mod bugs;
mod graded;
mod handout;
mod packages;
mod sheet;
mod solution;
mod sources;
mod starter;

use crate::finding::Finding;
use crate::lab::{self, Folder, Lab};
use crate::show;
use crate::workspace::Workspace;
use anyhow::{Result, bail};
use std::fs;
use std::path::Path;

/// The command line of `check`.
#[derive(clap::Args)]
pub struct Args {
    /// Also derive the starter, build it, and see that the right tests are red; this takes minutes
    #[arg(long)]
    starter: bool,
}

/// Checks everything and prints what is found.
pub fn run(args: &Args, workspace: &Workspace) -> Result<u8> {
    let folders = lab::folders(workspace)?;
    let mut findings = Vec::new();
    let mut labs = Vec::new();
    packages::check(workspace, &folders, &mut findings)?;
    for folder in ["simnet", "course"] {
        sources::check(workspace, folder, &mut findings)?;
    }
    for folder in &folders {
        sources::check(workspace, &folder.name, &mut findings)?;
        handout::check(folder, &mut findings);
        let Some(lab) = load(folder, &mut findings) else { continue };
        sheet::check(&lab, &mut findings);
        graded::check(&lab, &mut findings)?;
        solution::check(&lab, &mut findings)?;
        bugs::check(workspace, &lab, &mut findings)?;
        labs.push(lab);
    }
    if args.starter {
        if labs.is_empty() {
            bail!("{} has no labs to make a starter of", workspace.root.display());
        }
        starter::check(workspace, &labs, &mut findings)?;
    }
    findings.sort();
    findings.dedup();
    let mut page: String = findings.iter().map(|finding| format!("{finding}\n")).collect();
    page.push_str(&format!(
        "checked {} with {} and {}{}: {}\n",
        show::count(folders.len(), "lab", "labs"),
        show::count(labs.iter().map(|lab| lab.tests().count()).sum(), "graded test", "graded tests"),
        show::count(bugs::count(&labs)?, "wrong solution", "wrong solutions"),
        if args.starter { ", and the starter" } else { "" },
        match findings.len() {
            0 => "nothing found".to_owned(),
            n => show::count(n, "finding", "findings"),
        }
    ));
    show::out(&page);
    Ok(u8::from(!findings.is_empty()))
}

/// A lab whose sheet can be read.
fn load(folder: &Folder, findings: &mut Vec<Finding>) -> Option<Lab> {
    let file = format!("{}/lab.toml", folder.name);
    if !folder.path.join("lab.toml").exists() {
        findings.push(Finding::new(
            file,
            1,
            "no such file",
            "the lab's sheet: number, topic, title, parts, graded tests",
            "write it as course/README.md, \"lab.toml\", says",
        ));
        return None;
    }
    match Lab::load(folder.clone()) {
        Ok(lab) => Some(lab),
        Err(error) => {
            let whole = format!("{:#}", error.root_cause());
            // The toml crate begins with "TOML parse error at line 5, column 1".
            let line = whole
                .split_once("at line ")
                .and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
                .unwrap_or(1);
            let shown = whole.split("\nnext:").next().unwrap_or(&whole);
            findings.push(Finding::new(
                file,
                line,
                shown,
                "the keys of course/README.md, \"lab.toml\"",
                "correct the line; then: cargo course check",
            ));
            None
        }
    }
}

/// The text of a file of a lab; `None` when there is none, which another rule reports.
fn text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}
