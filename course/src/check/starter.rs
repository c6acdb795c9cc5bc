//! The starter as a student gets it: it builds without warnings, and the tests that must be red are red for the right
//! reason.

use crate::cargo::Build;
use crate::finding::Finding;
use crate::graded::{Order, Report, Verdict};
use crate::lab::{Folder, Lab, Light};
use crate::manifest::line_of;
use crate::workspace::Workspace;
use crate::{show, starter, tree};
use anyhow::Result;
use std::path::Path;
use std::time::Duration;

/// How long the tests of one lab may take together.
const LIMIT: Duration = Duration::from_secs(600);

/// Derives the starter of these labs, builds it and runs its tests.
pub fn check(workspace: &Workspace, labs: &[Lab], findings: &mut Vec<Finding>) -> Result<()> {
    let folders: Vec<Folder> = labs.iter().map(|lab| lab.folder.clone()).collect();
    let (labs, files) = match starter::derive(workspace, &folders) {
        Ok(derived) => derived,
        Err(error) => {
            findings.push(Finding::new(
                "Cargo.toml",
                1,
                format!("{error:#}"),
                "a starter that can be derived",
                "correct it; then: cargo course check --starter",
            ));
            return Ok(());
        }
    };
    let base = workspace.target().join("starter-check");
    let (root, target) = (base.join("ws"), base.join("target"));
    tree::write(&root, &files)?;
    for lab in &labs {
        eprintln!("{:>12} {} in {}", "Starter", lab.folder.name, workspace.shown(&root));
        check_lab(lab, &root, &target, findings)?;
    }
    Ok(())
}

fn check_lab(lab: &Lab, root: &Path, target: &Path, findings: &mut Vec<Finding>) -> Result<()> {
    let file = format!("{}/lab.toml", lab.folder.name);
    let arguments = ["build", "--all-targets", "--package", &lab.package()].map(str::to_owned).to_vec();
    let built = Build { root, arguments, target: Some(target), talk: false }.run()?;
    if !built.ok {
        findings.push(Finding::new(
            &file,
            1,
            format!("the starter does not build:\n{}", built.errors),
            "a starter that builds",
            "look at the regions of the files it names",
        ));
        return Ok(());
    }
    if !built.warnings.is_empty() {
        findings.push(Finding::new(
            &file,
            1,
            format!(
                "the starter builds with {}:\n{}",
                show::count(built.warnings.len(), "warning", "warnings"),
                built.warnings.join("\n")
            ),
            "no warnings",
            "look at the regions of the files they name, or at the `allow` of course/src/regions.rs",
        ));
    }
    let order =
        Order { target: Some(target), alone: true, limit: Some(LIMIT), talk: false, ..Order::all(root, lab) };
    let tests = match order.run()? {
        Report::Ran { tests, .. } => tests,
        Report::NotBuilt(errors) => {
            findings.push(Finding::new(
                &file,
                1,
                format!("the starter's tests do not build:\n{errors}"),
                "tests that build before anything is written",
                "look at the regions of the files it names",
            ));
            return Ok(());
        }
    };
    let sheet = super::text(&lab.folder.path.join("lab.toml")).unwrap_or_default();
    for graded in tests {
        let light = lab.test(&graded.name)?.starter;
        let (read, expected, next) = match (light, &graded.verdict) {
            (Light::Green, Verdict::Passed) => continue,
            (Light::Red, Verdict::Failed(failure)) if failure.unwritten.is_some() => continue,
            (Light::Green, Verdict::Failed(failure)) => (
                format!("red: {}", failure.headline()),
                "green in a fresh starter",
                "say starter = \"red\", or do not let it need a region",
            ),
            (Light::Red, Verdict::Passed) => (
                "green".to_owned(),
                "red in a fresh starter",
                "say starter = \"green\", or let the test ask for what is not written",
            ),
            (Light::Red, Verdict::Failed(failure)) => (
                format!("red with other words: {}", failure.headline()),
                "red with `not yet implemented: Part …`",
                "let the panic of the region reach the test",
            ),
            (_, Verdict::Hung) => (
                "it does not end".to_owned(),
                "a test that ends in a fresh starter",
                "let a panic in a task or a thread fail the test at once",
            ),
        };
        findings.push(Finding::new(
            &file,
            line_of(&sheet, &graded.name),
            format!("`{}` is {read}", graded.name),
            expected,
            next,
        ));
    }
    Ok(())
}
