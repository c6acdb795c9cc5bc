//! A wrong solution: `bugs/<name>.patch`, a header and a diff.

use anyhow::{Context, Result, anyhow, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A patch that makes a lab's solution wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bug {
    /// Its short name, `S3`.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What is wrong.
    pub wrong: String,
    /// The tests that must fail.
    pub caught_by: Vec<String>,
    /// The words that the failure of one of them must hold.
    pub rule: Option<String>,
    /// The arguments of the lab's `check` with which it is found too, or why there are none.
    pub check: Option<Check>,
    /// The files that the diff changes, relative to the workspace.
    pub files: Vec<String>,
    /// Where the patch lies.
    pub path: PathBuf,
}

/// What `check`, which explores every schedule within bounds, makes of a wrong solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// It is found within the bounds that these arguments set.
    Finds(Vec<String>),
    /// It is not found, for this reason.
    Misses(String),
}

/// What is wrong with a patch's header.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// What was read and what was expected.
    pub what: String,
}

const KEYS: [&str; 6] = ["Bug", "Title", "Wrong", "Caught-by", "Rule", "Check"];

/// How the reason begins why `check` does not find a wrong solution.
const MISSES: &str = "no, ";

impl Bug {
    /// Reads a patch.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Fault> {
        let mut values: [Option<String>; 6] = Default::default();
        let mut last: Option<usize> = None;
        let mut diff_at = None;
        for (index, line) in text.lines().enumerate() {
            let fault = |what: String| Fault { line: index + 1, what };
            if line.starts_with("diff --git ") {
                diff_at = Some(index);
                break;
            }
            if line.trim().is_empty() {
                last = None;
            } else if line.starts_with([' ', '\t']) {
                let Some(key) = last else {
                    return Err(fault(format!(
                        "read `{}`, expected a `Key: value` line before it",
                        line.trim()
                    )));
                };
                let value = values[key].get_or_insert_default();
                value.push(' ');
                value.push_str(line.trim());
            } else {
                let known = line
                    .split_once(':')
                    .and_then(|(key, value)| Some((KEYS.iter().position(|known| *known == key)?, value)));
                let Some((key, value)) = known else {
                    return Err(fault(format!(
                        "read `{line}`, expected one of: {}, then a blank line and `diff --git`",
                        KEYS.map(|key| format!("`{key}: …`")).join(", ")
                    )));
                };
                if values[key].is_some() {
                    return Err(fault(format!("read a second `{}:`, expected one", KEYS[key])));
                }
                values[key] = Some(value.trim().to_owned());
                last = Some(key);
            }
        }
        let Some(diff_at) = diff_at else {
            return Err(Fault {
                line: text.lines().count().max(1),
                what: "read no `diff --git` line, expected the output of `git diff` after the header"
                    .to_owned(),
            });
        };
        let [id, title, wrong, caught_by, rule, check] = values;
        let needed = |value: Option<String>, key: &str| {
            value.filter(|value| !value.trim().is_empty()).ok_or_else(|| Fault {
                line: diff_at.max(1),
                what: format!("read a header without `{key}: …`, expected one before the diff"),
            })
        };
        let caught_by = needed(caught_by, "Caught-by")?
            .split(',')
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        let mut files: Vec<String> = text
            .lines()
            .skip(diff_at)
            .filter_map(|line| line.strip_prefix("--- a/").or_else(|| line.strip_prefix("+++ b/")))
            .map(|file| file.split('\t').next().unwrap_or(file).to_owned())
            .collect();
        files.sort();
        files.dedup();
        Ok(Bug {
            id: needed(id, "Bug")?,
            title: needed(title, "Title")?,
            wrong: needed(wrong, "Wrong")?,
            caught_by,
            rule: rule.filter(|rule| !rule.is_empty()),
            check: check.map(|check| match check.strip_prefix(MISSES) {
                Some(why) => Check::Misses(why.to_owned()),
                None => Check::Finds(check.split_whitespace().map(str::to_owned).collect()),
            }),
            files,
            path: path.to_owned(),
        })
    }

    /// Applies the patch to the workspace at `root`, or only tries to.
    pub fn apply(&self, root: &Path, only_try: bool) -> Result<()> {
        let mut git = Command::new("git");
        git.current_dir(root).arg("apply").arg("--whitespace=nowarn");
        if only_try {
            git.arg("--check");
        }
        git.arg(&self.path);
        // Within a repository `git apply` silently skips what lies outside of the current folder's path in it. A scratch
        // copy under `target/` is no part of the repository around it, so git is kept from finding that.
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
            git.env_remove(variable);
        }
        if let Some(parent) = root.parent() {
            git.env("GIT_CEILING_DIRECTORIES", parent);
        }
        let done = git
            .stdin(Stdio::null())
            .output()
            .context("`git` could not be started, and patches are applied with it; next: install git")?;
        if !done.status.success() {
            bail!("{}", String::from_utf8_lossy(&done.stderr).trim());
        }
        Ok(())
    }

    /// `S10` after `S9`.
    pub fn order(&self) -> (String, u64, String) {
        let letters: String = self.id.chars().take_while(|c| !c.is_ascii_digit()).collect();
        let number = self.id[letters.len()..].parse().unwrap_or(u64::MAX);
        (letters, number, self.id.clone())
    }
}

/// The patches of a lab's folder `bugs`, unread, in the order of their names.
pub fn paths(lab: &Path) -> Result<Vec<PathBuf>> {
    let folder = lab.join("bugs");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "patch") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// All bugs of a lab, by their short names.
pub fn all(lab: &Path) -> Result<Vec<Bug>> {
    let mut bugs = Vec::new();
    for path in paths(lab)? {
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        bugs.push(
            Bug::parse(&text, &path)
                .map_err(|fault| anyhow!("{}:{}: {}", path.display(), fault.line, fault.what))?,
        );
    }
    bugs.sort_by_key(Bug::order);
    Ok(bugs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "\
Bug: S3
Title: an Accept is not checked
Wrong: The acceptor takes any Accept,
  also one below its promise.
Caught-by: part_a_x, part_c_y,
  part_c_z
Rule: below its promise

diff --git a/07-paxos/src/acceptor.rs b/07-paxos/src/acceptor.rs
--- a/07-paxos/src/acceptor.rs
+++ b/07-paxos/src/acceptor.rs
@@ -1 +1 @@
-a
+b
";

    fn parse(text: &str) -> Result<Bug, Fault> {
        Bug::parse(text, Path::new("s3.patch"))
    }

    #[test]
    fn a_header_is_read() {
        let bug = parse(PATCH).unwrap();
        assert_eq!(bug.id, "S3");
        assert_eq!(bug.wrong, "The acceptor takes any Accept, also one below its promise.");
        assert_eq!(bug.caught_by, ["part_a_x", "part_c_y", "part_c_z"]);
        assert_eq!(bug.rule.as_deref(), Some("below its promise"));
        assert_eq!(bug.files, ["07-paxos/src/acceptor.rs"]);
    }

    #[test]
    fn the_rule_is_optional_and_the_rest_is_not() {
        assert_eq!(parse(&PATCH.replace("Rule: below its promise\n", "")).unwrap().rule, None);
        for line in ["Bug: S3\n", "Title: an Accept is not checked\n"] {
            let fault = parse(&PATCH.replace(line, "")).unwrap_err();
            let key = line.split(':').next().unwrap();
            assert!(fault.what.contains(&format!("without `{key}: …`")), "{fault:?}");
        }
    }

    #[test]
    fn what_check_makes_of_it_is_read() {
        assert_eq!(parse(PATCH).unwrap().check, None);
        let with = |line: &str| {
            parse(&PATCH.replace("Rule: below", &format!("Check: {line}\nRule: below"))).unwrap().check
        };
        let arguments = ["--ballots", "2", "--crashes", "1"].map(str::to_owned).to_vec();
        assert_eq!(with("--ballots 2\n  --crashes 1"), Some(Check::Finds(arguments)));
        assert_eq!(with("no, it only waits"), Some(Check::Misses("it only waits".to_owned())));
    }

    #[test]
    fn what_is_no_header_is_named_with_its_line() {
        let fault = parse(&PATCH.replace("Rule:", "Rules:")).unwrap_err();
        assert_eq!(fault.line, 7);
        assert!(
            fault.what.contains("read `Rules: below its promise`, expected one of: `Bug: …`"),
            "{fault:?}"
        );
        let fault = parse(&PATCH.replace("Rule: below its promise", "Title: again")).unwrap_err();
        assert!(fault.what.contains("a second `Title:`"), "{fault:?}");
        let fault = parse("Bug: S3\nTitle: x\n").unwrap_err();
        assert!(fault.what.contains("no `diff --git` line"), "{fault:?}");
    }

    #[test]
    fn ten_comes_after_nine() {
        let named = |id: &str| parse(&PATCH.replace("S3", id)).unwrap().order();
        assert!(named("S9") < named("S10"));
        assert!(named("S21") < named("V1"));
    }
}
