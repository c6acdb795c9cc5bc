//! Where the course lies: the folder that holds the workspace's `Cargo.toml`.

use crate::{lab, manifest};
use anyhow::{Context, Result, bail};
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the root's manifest of a starter says, and that of the course does not.
pub const STARTER: &str = "[workspace.metadata.course]\nstarter = true\n";

/// The workspace that a command works on.
pub struct Workspace {
    /// The folder of the workspace's `Cargo.toml`, absolute.
    pub root: PathBuf,
}

impl Workspace {
    /// Finds the workspace: what `COURSE_ROOT` names, else the nearest one above the current folder, else the one
    /// that `cargo course` was started from.
    pub fn find() -> Result<Self> {
        if let Some(named) = env::var_os("COURSE_ROOT") {
            let root = PathBuf::from(named);
            if !is_workspace(&root) {
                bail!(
                    "read COURSE_ROOT={}, expected a folder whose Cargo.toml has a [workspace]; correct it, or: unset COURSE_ROOT",
                    root.display()
                );
            }
            return Self::at(&root);
        }
        let here = env::current_dir().context("the current folder cannot be read")?;
        // `cargo run` tells where the package lies, which serves a call with --manifest-path from elsewhere.
        let started = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        for start in [Some(here.clone()), started].into_iter().flatten() {
            for folder in start.ancestors() {
                if is_workspace(folder) && folder.join("course").is_dir() {
                    return Self::at(folder);
                }
            }
        }
        bail!(
            "looked from {} upwards, expected a Cargo.toml with a [workspace] beside a folder course/; next: cd to the course's folder",
            here.display()
        )
    }

    /// The workspace at a known place.
    pub fn at(root: &Path) -> Result<Self> {
        let root = root.canonicalize().with_context(|| format!("{} cannot be read", root.display()))?;
        Ok(Workspace { root })
    }

    /// Whether this is a starter: a workspace that `cargo course starter` wrote.
    fn is_starter(&self) -> bool {
        let text = std::fs::read_to_string(self.root.join("Cargo.toml")).unwrap_or_default();
        let says = manifest::parse(&text, "Cargo.toml").ok();
        let says = says
            .as_ref()
            .and_then(|says| says.get("workspace")?.get("metadata")?.get("course")?.get("starter"));
        says.and_then(toml::Value::as_bool) == Some(true)
    }

    /// Refuses a command that needs what a starter does not have.
    pub fn not_in_a_starter(&self, command: &str) -> Result<()> {
        if !self.is_starter() {
            return Ok(());
        }
        let lab =
            lab::folders(self)?.first().map_or("LAB".to_owned(), |folder| format!("{:02}", folder.number));
        bail!(
            "`cargo course {command}` is for the course's own repository: it needs the solutions and the folders bugs/, and \
             this starter has neither; next: cargo course test {lab}"
        )
    }

    /// The commit of the source, with `-dirty` where files differ from it; none outside of git.
    fn commit(&self) -> Option<String> {
        let told = Command::new("git")
            .current_dir(&self.root)
            .args(["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()
            .filter(|told| told.status.success())?;
        Some(String::from_utf8(told.stdout).ok()?.trim().to_owned()).filter(|commit| !commit.is_empty())
    }

    /// The variable by which a run learns the commit, for the header of its trace; none outside of git.
    pub fn commit_variable(&self) -> Option<(&'static str, String)> {
        self.commit().map(|commit| ("COURSE_COMMIT", commit))
    }

    /// The folder for what the tool makes, which git ignores.
    pub fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// A path as a person at the prompt would type it: relative when it lies below the current folder.
    pub fn shown(&self, path: &Path) -> String {
        let here = env::current_dir().and_then(|here| here.canonicalize()).unwrap_or_default();
        path.strip_prefix(&here).unwrap_or(path).display().to_string()
    }
}

fn is_workspace(folder: &Path) -> bool {
    std::fs::read_to_string(folder.join("Cargo.toml"))
        .is_ok_and(|text| text.lines().any(|line| line.trim() == "[workspace]"))
}
