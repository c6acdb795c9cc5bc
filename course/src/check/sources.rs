//! Files are named for what is in them, and begin with a line that says so.

use crate::finding::Finding;
use crate::tree::{self, Tree};
use crate::workspace::Workspace;
use anyhow::Result;

/// Names that say nothing.
const EMPTY_NAMES: [&str; 8] = ["utils", "util", "common", "helpers", "helper", "manager", "misc", "shared"];

/// Checks the Rust files of a folder of the workspace.
pub fn check(workspace: &Workspace, folder: &str, findings: &mut Vec<Finding>) -> Result<()> {
    if !workspace.root.join(folder).is_dir() {
        return Ok(());
    }
    let mut tree = Tree::new();
    tree::read_folder(&workspace.root, folder, &mut tree)?;
    for (path, file) in tree.iter().filter(|(path, _)| path.ends_with(".rs")) {
        let mut names = path.trim_end_matches(".rs").split('/').skip(1);
        if let Some(name) = names.find(|name| EMPTY_NAMES.contains(name)) {
            findings.push(Finding::new(
                path,
                1,
                format!("the name `{name}`"),
                "a name that says what is in it, with the paper's word for it",
                "rename it after its one idea, or split it",
            ));
        }
        let first = file.text().and_then(|text| text.lines().next()).unwrap_or_default();
        let in_source = path.starts_with(&format!("{folder}/src/"));
        if in_source && !first.starts_with("//!") && !first.contains("@generated") {
            findings.push(Finding::new(
                path,
                1,
                format!("`{first}`"),
                "a first line `//! …` that says what the file is",
                "write it",
            ));
        }
    }
    Ok(())
}
