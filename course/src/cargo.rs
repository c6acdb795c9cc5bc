//! Building with cargo: which programs it made, and what it said.

use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, IsTerminal, Read, Seek, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What to build.
pub struct Build<'a> {
    /// The workspace.
    pub root: &'a Path,
    /// `build` or `test --no-run`, and what follows.
    pub arguments: Vec<String>,
    /// Where to build, when not in the workspace's own place.
    pub target: Option<&'a Path>,
    /// Whether cargo's progress and the compiler's words are shown as they come.
    pub talk: bool,
}

/// What came of it.
#[derive(Default)]
pub struct Built {
    /// Whether all of it was built.
    pub ok: bool,
    /// The programs, by kind (`bin`, `test`) and name.
    pub programs: BTreeMap<(String, String), PathBuf>,
    /// The compiler's warnings about the workspace's own packages.
    pub warnings: Vec<String>,
    /// What cargo and the compiler said of what went wrong, when it was not shown as it came.
    pub errors: String,
}

/// A line of `cargo --message-format=json`, as far as it matters here.
#[derive(Deserialize)]
struct Line {
    reason: String,
    target: Option<Target>,
    executable: Option<PathBuf>,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    rendered: Option<String>,
}

/// The cargo that started this program, so that one toolchain does all.
pub fn program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

impl Build<'_> {
    /// Builds.
    pub fn run(&self) -> Result<Built> {
        let colour = self.talk && stderr().is_terminal();
        let format = if colour { "json-diagnostic-rendered-ansi" } else { "json" };
        let mut cargo = Command::new(program());
        cargo.current_dir(self.root).args(&self.arguments).arg(format!("--message-format={format}"));
        if let Some(target) = self.target {
            cargo.env("CARGO_TARGET_DIR", target);
        }
        let mut said = tempfile::tempfile()?;
        if !self.talk {
            cargo.stderr(said.try_clone()?);
        }
        let mut child = cargo
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("`cargo` could not be started; next: install Rust from https://rustup.rs")?;
        let mut built = Built::default();
        let mut shown = String::new();
        let mut said_before = BTreeSet::new();
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        for line in lines.lines() {
            // What is not a message of cargo's is a build script's own output.
            let Ok(line) = serde_json::from_str::<Line>(&line?) else { continue };
            match line.reason.as_str() {
                "compiler-artifact" => {
                    if let (Some(target), Some(program)) = (line.target, line.executable) {
                        let kind = target.kind.into_iter().next().unwrap_or_default();
                        built.programs.insert((kind, target.name), program);
                    }
                }
                "compiler-message" => {
                    let Some(message) = line.message else { continue };
                    let rendered = message.rendered.unwrap_or_default();
                    // A library is compiled once for itself and once for its own tests; to say it once is enough.
                    if !said_before.insert(rendered.clone()) {
                        continue;
                    }
                    if self.talk {
                        eprint!("{rendered}");
                    }
                    if message.level == "warning" {
                        built.warnings.push(rendered);
                    } else {
                        shown.push_str(&rendered);
                    }
                }
                _ => {}
            }
        }
        built.ok = child.wait()?.success();
        if !built.ok && !self.talk {
            said.rewind()?;
            let mut bytes = Vec::new();
            said.read_to_end(&mut bytes)?;
            let said = String::from_utf8_lossy(&bytes);
            // Progress is of no interest once it has failed.
            let progress =
                ["Compiling", "Checking", "Locking", "Updating", "Downloading", "Downloaded", "Blocking"];
            for line in
                said.lines().filter(|line| !progress.iter().any(|word| line.trim_start().starts_with(word)))
            {
                shown.push_str(line);
                shown.push('\n');
            }
        }
        built.errors = shown.trim_end().to_owned();
        Ok(built)
    }
}
