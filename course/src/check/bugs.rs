//! The wrong solutions: headers that can be read, tests that there are, diffs that apply.

use crate::bug::{self, Bug};
use crate::finding::Finding;
use crate::lab::Lab;
use crate::workspace::Workspace;
use anyhow::Result;
use simnet::nearest;
use std::collections::BTreeMap;

/// How many wrong solutions these labs have.
pub fn count(labs: &[Lab]) -> Result<usize> {
    labs.iter().map(|lab| Ok(bug::paths(&lab.folder.path)?.len())).sum()
}

/// Checks the wrong solutions of a lab.
pub fn check(workspace: &Workspace, lab: &Lab, findings: &mut Vec<Finding>) -> Result<()> {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for path in bug::paths(&lab.folder.path)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let file = format!("{}/bugs/{name}", lab.folder.name);
        let Some(text) = super::text(&path) else { continue };
        let bug = match Bug::parse(&text, &path) {
            Ok(bug) => bug,
            Err(fault) => {
                let (read, expected) =
                    fault.what.split_once(", expected ").unwrap_or((&fault.what, "a header"));
                findings.push(Finding::new(
                    &file,
                    fault.line,
                    read.trim_start_matches("read "),
                    expected,
                    "correct it (course/README.md, \"Wrong solutions\")",
                ));
                continue;
            }
        };
        let line = |key: &str| text.lines().position(|line| line.starts_with(key)).map_or(1, |at| at + 1);
        if let Some(other) = seen.insert(bug.id.clone(), file.clone()) {
            findings.push(Finding::new(
                &file,
                line("Bug:"),
                format!("`Bug: {}`, as {other} has it", bug.id),
                "a short name of its own",
                "choose another",
            ));
        }
        let names = || lab.tests().map(|(_, test)| test.name.as_str());
        for test in &bug.caught_by {
            if !names().any(|name| name == test) {
                findings.push(Finding::new(
                    &file,
                    line("Caught-by:"),
                    format!("`{test}`{}", nearest::hint(test, names())),
                    format!("graded tests of {}/lab.toml", lab.folder.name),
                    "correct the name",
                ));
            }
        }
        let inside = format!("{}/src/", lab.folder.name);
        for changed in bug.files.iter().filter(|changed| !changed.starts_with(&inside)) {
            findings.push(Finding::new(
                &file,
                line("diff --git"),
                format!("a change of {changed}"),
                format!("changes below {inside} only: a wrong solution is a solution"),
                "make the patch anew: git diff > the patch, with the header before it",
            ));
        }
        if let Err(error) = bug.apply(&workspace.root, true) {
            findings.push(Finding::new(
                &file,
                line("diff --git"),
                format!("{error:#}"),
                "a diff that applies to the present solution",
                "make the change by hand, then: git diff > the patch, with the header before it",
            ));
        }
    }
    Ok(())
}
