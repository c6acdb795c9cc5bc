//! What a person has reached: the last result of each graded test, kept under `target/course/`.

use crate::lab::Lab;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// The tests of a lab that have been run, by name: whether each passed when it last ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The lab's folder.
    pub lab: String,
    /// Whether each test passed.
    pub tests: BTreeMap<String, bool>,
}

fn path(workspace: &Workspace, lab: &Lab) -> PathBuf {
    workspace.target().join("course").join(format!("{}.json", lab.folder.name))
}

impl Standing {
    /// What is known of a lab; `None` when its tests never ran. A file that cannot be understood counts as none.
    pub fn read(workspace: &Workspace, lab: &Lab) -> Option<Self> {
        serde_json::from_str(&fs::read_to_string(path(workspace, lab)).ok()?).ok()
    }

    /// Keeps what these tests came to, beside what is known of others.
    pub fn update(
        workspace: &Workspace,
        lab: &Lab,
        ran: impl Iterator<Item = (String, bool)>,
    ) -> Result<Self> {
        let mut standing = Self::read(workspace, lab).unwrap_or_default();
        standing.lab = lab.folder.name.clone();
        standing.tests.extend(ran);
        // A test that the lab has no longer is forgotten.
        standing.tests.retain(|name, _| lab.tests().any(|(_, test)| test.name == *name));
        let path = path(workspace, lab);
        let keep = || {
            fs::create_dir_all(path.parent().expect("it lies in a folder"))?;
            fs::write(&path, serde_json::to_string_pretty(&standing).expect("it is plain data") + "\n")
        };
        keep().with_context(|| format!("the result could not be kept in {}", path.display()))?;
        Ok(standing)
    }

    /// The points reached.
    pub fn points(&self, lab: &Lab) -> u32 {
        lab.tests()
            .filter(|(_, test)| self.tests.get(&test.name) == Some(&true))
            .map(|(_, test)| test.points)
            .sum()
    }
}
