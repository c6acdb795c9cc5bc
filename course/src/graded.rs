//! Running the graded tests of a lab, and what each came to.

use crate::cargo::Build;
use crate::failure::Failure;
use crate::lab::Lab;
use crate::libtest::{self, Ended};
use crate::limits::{self, Clock};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::Duration;

/// Which tests to run, where and how.
pub struct Order<'a> {
    /// The workspace: the repository, or a copy of it.
    pub root: &'a Path,
    /// The lab.
    pub lab: &'a Lab,
    /// The names of the tests to run.
    pub tests: BTreeSet<&'a str>,
    /// Where to build, when not in the workspace's own place.
    pub target: Option<&'a Path>,
    /// Variables that the tests read, `SIMNET_SEEDS` and its kin. Those not named are taken away when `alone`.
    pub variables: Vec<(&'a str, String)>,
    /// Whether variables of the person's own shell are kept from the tests.
    pub alone: bool,
    /// How long the tests may take together.
    pub limit: Option<Duration>,
    /// Whether progress is shown as it comes.
    pub talk: bool,
}

/// What a test came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It passed.
    Passed,
    /// It failed.
    Failed(Failure),
    /// It had not ended when the time was up.
    Hung,
}

/// A graded test and what it came to.
#[derive(Clone, Debug)]
pub struct Graded {
    /// The test's name.
    pub name: String,
    /// What it came to.
    pub verdict: Verdict,
}

/// What came of an order.
pub enum Report {
    /// It does not build; what cargo and the compiler said, when it was not shown as it came.
    NotBuilt(String),
    /// The tests ran.
    Ran {
        /// In the order of the lab's sheet.
        tests: Vec<Graded>,
        /// How long the tests took, the build apart.
        took: Duration,
    },
}

/// The variables by which tests are told what to explore.
const VARIABLES: [&str; 5] =
    ["SIMNET_SEEDS", "SIMNET_SEED", "SIMNET_TRACE", "SIMNET_SCENARIO", "SIMNET_KEPT"];

impl<'a> Order<'a> {
    /// An order for all graded tests of a lab in the repository itself.
    pub fn all(root: &'a Path, lab: &'a Lab) -> Self {
        Order {
            root,
            lab,
            tests: lab.tests().map(|(_, test)| test.name.as_str()).collect(),
            target: None,
            variables: Vec::new(),
            alone: false,
            limit: None,
            talk: true,
        }
    }

    /// The same, and what the tests record names the commit.
    pub fn of_commit(workspace: &'a Workspace, lab: &'a Lab) -> Self {
        let variables = workspace.commit_variable().into_iter().collect();
        Order { variables, ..Order::all(&workspace.root, lab) }
    }

    /// Builds and runs.
    pub fn run(&self) -> Result<Report> {
        let wanted =
            || self.lab.tests().map(|(_, test)| test).filter(|test| self.tests.contains(test.name.as_str()));
        let files: BTreeSet<&str> = wanted().map(|test| test.file.as_str()).collect();
        let mut arguments: Vec<String> =
            ["test", "--no-run", "--package", &self.lab.package()].map(str::to_owned).to_vec();
        for file in &files {
            arguments.extend(["--test".to_owned(), (*file).to_owned()]);
        }
        let built = Build { root: self.root, arguments, target: self.target, talk: self.talk }.run()?;
        if !built.ok {
            return Ok(Report::NotBuilt(built.errors));
        }
        let clock = Clock::start();
        let mut tests = Vec::new();
        for file in files {
            let program = built
                .programs
                .get(&("test".to_owned(), file.to_owned()))
                .with_context(|| format!("cargo built no test program `{file}`"))?;
            let names: BTreeSet<&str> =
                wanted().filter(|test| test.file == file).map(|test| test.name.as_str()).collect();
            tests.extend(self.run_file(file, program, &names, &clock)?);
        }
        let place = |name: &str| wanted().position(|test| test.name == name);
        tests.sort_by_key(|test| place(&test.name));
        Ok(Report::Ran { tests, took: clock.elapsed() })
    }

    /// Runs one test program as cargo would: in its package's folder.
    fn run_file(
        &self,
        file: &str,
        program: &Path,
        names: &BTreeSet<&str>,
        clock: &Clock,
    ) -> Result<Vec<Graded>> {
        let folder = self.root.join(&self.lab.folder.name);
        let mut command = Command::new(program);
        command
            .current_dir(&folder)
            .env("CARGO_MANIFEST_DIR", &folder)
            .env("CARGO_PKG_NAME", self.lab.package())
            // Where Rust stood when a test failed is of no use to someone who reads which rule was broken.
            .env("RUST_BACKTRACE", "0")
            .args(["--color", "never", "--exact"])
            .args(names);
        if self.alone {
            for variable in VARIABLES {
                command.env_remove(variable);
            }
            // Seeds that failed before are not tried first: how many seeds a test needs must not depend on runs before.
            command.env("SIMNET_KEPT", "0");
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let left = self.limit.map(|limit| limit.saturating_sub(clock.elapsed()));
        let done = limits::run(&mut command, left)
            .with_context(|| format!("the test program {} could not be started", program.display()))?;
        let ended = libtest::read(&done.stdout);
        let graded: Vec<Graded> = names
            .iter()
            .map(|name| {
                let verdict = match ended.get(*name) {
                    Some(Ended::Passed) => Verdict::Passed,
                    Some(Ended::Failed(text)) => Verdict::Failed(Failure::read(text)),
                    Some(Ended::Ignored) => Verdict::Failed(Failure::read(
                        "the test is marked #[ignore], so it did not run; next: take the mark away",
                    )),
                    None => missing(file, name, done.status, &done.stderr),
                };
                Graded { name: (*name).to_owned(), verdict }
            })
            .collect();
        if self.talk {
            let passed = graded.iter().filter(|test| test.verdict == Verdict::Passed).count();
            eprintln!(
                "{:>12} {file}: {passed} of {} in {}",
                "Tested",
                graded.len(),
                limits::shown(done.took)
            );
        }
        Ok(graded)
    }
}

/// Why a test did not report.
fn missing(file: &str, name: &str, status: Option<ExitStatus>, stderr: &str) -> Verdict {
    let Some(status) = status else { return Verdict::Hung };
    // 0 and 101 are how the harness itself ends.
    let text = if matches!(status.code(), Some(0 | 101)) {
        format!("tests/{file}.rs has no test `{name}`; next: restore that file, students do not change it")
    } else {
        let tail: Vec<&str> = stderr.lines().rev().take(12).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        format!("the test program ended ({status}) before this test did; it said:\n{}", tail.join("\n"))
    };
    Verdict::Failed(Failure::read(&text))
}
