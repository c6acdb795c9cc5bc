//! Files in memory: a folder read whole, changed, and written elsewhere.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The files of a folder by their paths in it, with `/` between the names.
pub type Tree = BTreeMap<String, File>;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Whether it may be run.
    pub executable: bool,
}

impl From<String> for File {
    fn from(text: String) -> Self {
        File { bytes: text.into_bytes(), executable: false }
    }
}

impl File {
    /// Its text; `None` when it is not text.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }
}

/// What is never copied: what programs make, and what editors leave behind.
fn skipped(name: &str) -> bool {
    let made = ["target", ".git", "__pycache__", "node_modules", ".DS_Store"];
    let left = ["~", ".orig", ".rej", ".swp"];
    made.contains(&name) || left.iter().any(|end| name.ends_with(end))
}

/// Reads one file.
pub fn read_file(path: &Path) -> Result<File> {
    let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(File { bytes, executable: executable(path) })
}

/// Reads the folder `name` of `root` with all that is below it into `tree`.
pub fn read_folder(root: &Path, name: &str, tree: &mut Tree) -> Result<()> {
    let folder = root.join(name);
    let entries = fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let Some(own) = entry.file_name().to_str().map(str::to_owned) else { continue };
        if skipped(&own) {
            continue;
        }
        let path = format!("{name}/{own}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            read_folder(root, &path, tree)?;
        } else if kind.is_file() {
            tree.insert(path, read_file(&entry.path())?);
        }
    }
    Ok(())
}

/// Makes the folder `root` hold `tree` and nothing else, but its `target`. A file that holds the right bytes already is
/// left alone, so that cargo does not build it again.
pub fn write(root: &Path, tree: &Tree) -> Result<()> {
    fs::create_dir_all(root).with_context(|| format!("{} cannot be made", root.display()))?;
    remove_others(root, "", tree)?;
    for (name, file) in tree {
        write_file(&root.join(name), file)?;
    }
    Ok(())
}

/// Writes one file, unless it is as it should be.
pub fn write_file(path: &Path, file: &File) -> Result<()> {
    if fs::read(path).is_ok_and(|bytes| bytes == file.bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    fs::write(path, &file.bytes).with_context(|| format!("{} cannot be written", path.display()))?;
    if file.executable {
        make_executable(path)?;
    }
    Ok(())
}

fn remove_others(root: &Path, inside: &str, tree: &Tree) -> Result<()> {
    for entry in fs::read_dir(root.join(inside))? {
        let entry = entry?;
        let Some(own) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let path = if inside.is_empty() { own.clone() } else { format!("{inside}/{own}") };
        if entry.file_type()?.is_dir() {
            if path == "target" {
                continue;
            }
            let below = format!("{path}/");
            if tree.range(below.clone()..).next().is_some_and(|(name, _)| name.starts_with(&below)) {
                remove_others(root, &path, tree)?;
            } else {
                fs::remove_dir_all(entry.path())?;
            }
        } else if !tree.contains_key(&path) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o100 != 0)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}

#[cfg(not(unix))]
fn executable(_path: &Path) -> bool {
    false
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File::from(text.to_owned())
    }

    #[test]
    fn a_tree_is_written_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree::from([("a/b/c.rs".to_owned(), file("c")), ("a/d.rs".to_owned(), file("d"))]);
        write(folder.path(), &tree).unwrap();
        fs::create_dir(folder.path().join("a/target")).unwrap();
        fs::write(folder.path().join("a/target/x"), "made").unwrap();
        fs::write(folder.path().join("a/d.rs~"), "left").unwrap();
        let mut read = Tree::new();
        read_folder(folder.path(), "a", &mut read).unwrap();
        assert_eq!(read, tree);
    }

    #[test]
    fn what_is_not_in_the_tree_goes_and_what_is_right_stays() {
        let folder = tempfile::tempdir().unwrap();
        let old = Tree::from([
            ("same".to_owned(), file("1")),
            ("gone/x".to_owned(), file("2")),
            ("kept/old".to_owned(), file("3")),
            ("target/x".to_owned(), file("4")),
        ]);
        write(folder.path(), &old).unwrap();
        let before = fs::metadata(folder.path().join("same")).unwrap().modified().unwrap();
        let new = Tree::from([("same".to_owned(), file("1")), ("kept/new".to_owned(), file("5"))]);
        write(folder.path(), &new).unwrap();
        assert!(!folder.path().join("gone").exists());
        assert!(!folder.path().join("kept/old").exists());
        assert!(folder.path().join("target/x").exists());
        assert_eq!(fs::read(folder.path().join("kept/new")).unwrap(), b"5");
        assert_eq!(fs::metadata(folder.path().join("same")).unwrap().modified().unwrap(), before);
    }
}
