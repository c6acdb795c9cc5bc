//! The regions that a student writes: valid, only in his files, in each of his files, and of a part that there is.

use crate::finding::Finding;
use crate::lab::Lab;
use crate::regions;
use crate::tree::{self, Tree};
use anyhow::Result;

/// Checks the regions of a lab.
pub fn check(lab: &Lab, findings: &mut Vec<Finding>) -> Result<()> {
    let mut tree = Tree::new();
    let root = lab.folder.path.parent().unwrap_or(&lab.folder.path);
    tree::read_folder(root, &lab.folder.name, &mut tree)?;
    let sources = tree.iter().filter(|(path, _)| path.ends_with(".rs"));
    for (path, file) in sources {
        let Some(text) = file.text() else { continue };
        let own = &path[lab.folder.name.len() + 1..];
        let students = lab.sheet.student_files.iter().any(|file| file == own);
        let regions = match regions::read(text) {
            Ok(regions) => regions,
            Err(faults) => {
                findings.extend(faults.into_iter().map(|fault| {
                    Finding::new(
                        path,
                        fault.line,
                        fault.read,
                        fault.expected,
                        "correct it (course/README.md, \"Regions\")",
                    )
                }));
                continue;
            }
        };
        if students && regions.is_empty() {
            findings.push(Finding::new(
                path,
                1,
                "a file of the student's without a region",
                "at least one `// solution: begin — Part …` … `// solution: end`",
                format!(
                    "mark what the student writes, or take it out of student_files of {}/lab.toml",
                    lab.folder.name
                ),
            ));
        }
        for region in regions {
            if !students {
                findings.push(Finding::new(
                    path,
                    region.begin,
                    "a region in a file that a student may not change",
                    "regions in student_files only",
                    format!(
                        "add \"{own}\" to student_files of {}/lab.toml, or take the markers away",
                        lab.folder.name
                    ),
                ));
            } else if !lab
                .sheet
                .parts
                .iter()
                .any(|part| part.id == region.part && part.files.iter().any(|f| f == own))
            {
                findings.push(Finding::new(
                    path,
                    region.begin,
                    format!("\"{}\"", region.task),
                    "a part of lab.toml that has this file among its `files`",
                    "correct the letter, or the part's files",
                ));
            }
        }
    }
    Ok(())
}
