//! The slice of the workspace that some labs need: they, what they import, and the files at the root.

use crate::lab::{self, Folder};
use crate::manifest;
use crate::tree::{self, Tree};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs;

/// The files at the root that every copy has, as far as they exist.
const AT_THE_ROOT: [&str; 8] = [
    ".cargo/config.toml",
    ".gitignore",
    "Cargo.lock",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "clippy.toml",
    "rustfmt.toml",
    "rust-toolchain.toml",
];

/// The labs asked for and those they import, in the order of the ladder.
pub fn with_imports(workspace: &Workspace, asked: &[Folder]) -> Result<Vec<Folder>> {
    let folders = lab::folders(workspace)?;
    let mut wanted: BTreeSet<Folder> = BTreeSet::new();
    let mut open: Vec<Folder> = asked.to_vec();
    while let Some(folder) = open.pop() {
        if !wanted.insert(folder.clone()) {
            continue;
        }
        let path = folder.path.join("Cargo.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let asked_for =
            manifest::dependencies(&manifest::parse(&text, &format!("{}/Cargo.toml", folder.name))?);
        open.extend(folders.iter().filter(|other| asked_for.contains(&other.package())).cloned());
    }
    Ok(wanted.into_iter().collect())
}

/// The files of `folders` (`simnet`, `07-paxos`) and of the root, with a manifest that names no others.
pub fn read(workspace: &Workspace, folders: &[String]) -> Result<Tree> {
    let mut tree = Tree::new();
    for folder in folders {
        tree::read_folder(&workspace.root, folder, &mut tree)?;
    }
    for name in AT_THE_ROOT {
        let path = workspace.root.join(name);
        if path.is_file() {
            tree.insert(name.to_owned(), tree::read_file(&path)?);
        }
    }
    let path = workspace.root.join("Cargo.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    tree.insert("Cargo.toml".to_owned(), manifest::with_members(&text, folders)?.into());
    Ok(tree)
}
