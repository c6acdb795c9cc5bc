//! `cargo course bugs`: the kill matrix. Every wrong solution must be caught by the tests that its header names.

use crate::bug::{self, Bug};
use crate::cargo::Build;
use crate::failure::Failure;
use crate::graded::{Graded, Order, Report, Verdict};
use crate::lab::{self, Lab, Light};
use crate::limits::{self, Clock};
use crate::tree::{self, Tree};
use crate::workspace::Workspace;
use crate::{exhaustive, manifest, show, slice, table};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use simnet::nearest;
use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The command line of `bugs`.
#[derive(clap::Args)]
pub struct Args {
    /// The lab: `7`, `07-paxos` or `paxos`
    lab: String,
    /// Only these bugs: `S3,S7`
    #[arg(long, value_name = "BUG", value_delimiter = ',')]
    only: Vec<String>,
    /// How many bugs are tried at one time, each in a copy of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    jobs: u32,
    /// How many seconds the tests of one bug may take together
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    limit: u64,
    /// Build and run only those files of tests that have a test which the bug's header names: quicker, and the others are not asked
    #[arg(long, conflicts_with = "check")]
    named: bool,
    /// Instead of the tests, ask the lab's `check`, which explores every schedule within the bounds of the patch's header
    #[arg(long)]
    check: bool,
    /// Print the matrix as JSON
    #[arg(long)]
    json: bool,
}

/// What came of a bug.
#[derive(Clone, Debug, Serialize)]
struct Trial {
    bug: String,
    title: String,
    /// Whether all is as the header says.
    ok: bool,
    /// What is not as it should be.
    problem: Option<String>,
    /// The smallest number of seeds that a test needed.
    seeds: Option<u64>,
    /// The tests that failed, those that the header names first.
    caught_by: Vec<Catch>,
    millis: u64,
}

/// A test that caught a bug.
#[derive(Clone, Debug, Serialize)]
struct Catch {
    test: String,
    /// Whether the bug's header names it.
    named: bool,
    /// How many seeds it tried; none when it needs no seeds.
    seeds: Option<u64>,
    /// The rule that it names, or what else it says.
    rule: String,
}

/// A copy of the lab to break, with the folder it is built in.
pub struct Copy<'a> {
    /// Where it lies.
    pub root: PathBuf,
    target: PathBuf,
    lab: &'a Lab,
    /// What it is a copy of.
    pub tree: &'a Tree,
    /// The same without the lab's program, which would be built again for each bug.
    bare: &'a Tree,
    /// The files of tests that start the program all the same.
    uses_program: &'a BTreeSet<&'a str>,
    /// Whether only the files of the tests that headers name are built.
    named: bool,
    limit: Duration,
}

/// Tries every bug and prints the matrix.
pub fn run(args: &Args, workspace: &Workspace) -> Result<u8> {
    let lab = lab::find(workspace, &args.lab)?;
    let bugs = chosen(&lab, &args.only)?;
    let mut folders = vec!["simnet".to_owned()];
    let imports = slice::with_imports(workspace, std::slice::from_ref(&lab.folder))?;
    folders.extend(imports.into_iter().map(|folder| folder.name));
    let mut tree = slice::read(workspace, &folders)?;
    edit(&mut tree, "Cargo.toml", manifest::without_debug_information)?;
    let uses_program = uses_program(&tree, &lab);
    let mut bare = tree.clone();
    edit(&mut bare, &format!("{}/Cargo.toml", lab.folder.name), manifest::without_programs)?;
    let copies: Vec<Copy> = (0..args.jobs.min(u32::try_from(bugs.len()).unwrap_or(u32::MAX)))
        .map(|index| {
            let numbered = |name: &str| if index == 0 { name.to_owned() } else { format!("{name}-{index}") };
            let base = workspace.target().join("bugs");
            Copy {
                root: base.join(&lab.folder.name).join(numbered("ws")),
                target: base.join(numbered("target")),
                lab: &lab,
                tree: &tree,
                bare: &bare,
                uses_program: &uses_program,
                named: args.named,
                limit: Duration::from_secs(args.limit),
            }
        })
        .collect();

    let _lock = lock(&workspace.target().join("bugs"))?;
    eprintln!(
        "{:>12} the solution itself, in {} (first it is built)",
        "Testing",
        workspace.shown(&copies[0].root)
    );
    if args.check {
        return exhaustive::run(&lab, &copies, &bugs, args.json);
    }
    copies[0].check_solution(&bugs)?;

    let clock = Clock::start();
    let next = AtomicUsize::new(0);
    let trials: Mutex<Vec<(usize, Result<Trial>)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for copy in &copies {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(bug) = bugs.get(index) else { break };
                    let trial = copy.try_bug(bug);
                    if let Ok(trial) = &trial {
                        progress(trial);
                    }
                    trials.lock().expect("no trial panics").push((index, trial));
                }
            });
        }
    });
    let mut trials = trials.into_inner().expect("no trial panics");
    trials.sort_by_key(|(index, _)| *index);
    let trials: Vec<Trial> = trials.into_iter().map(|(_, trial)| trial).collect::<Result<_>>()?;

    let wrong = trials.iter().filter(|trial| !trial.ok).count();
    if args.json {
        show::out(&format!("{}\n", serde_json::to_string(&trials)?));
    } else {
        let mut page = matrix(&lab, &trials);
        if args.only.is_empty() && !args.named {
            page.push_str(&idle_tests(&lab, &trials));
        }
        page.push_str(&format!(
            "\n{} of {} caught as their headers say, in {}\n",
            trials.len() - wrong,
            show::count(trials.len(), "wrong solution", "wrong solutions"),
            limits::shown(clock.elapsed())
        ));
        show::out(&page);
    }
    Ok(u8::from(wrong > 0))
}

/// A manifest of the tree, changed.
fn edit(tree: &mut Tree, name: &str, change: fn(&mut toml::Table)) -> Result<()> {
    let text = tree.get(name).and_then(tree::File::text).with_context(|| format!("{name} is no text"))?;
    let mut manifest = manifest::parse(text, name)?;
    change(&mut manifest);
    tree.insert(name.to_owned(), toml::to_string(&manifest)?.into());
    Ok(())
}

/// The files of graded tests that start the lab's program.
fn uses_program<'a>(tree: &Tree, lab: &'a Lab) -> BTreeSet<&'a str> {
    let starts = |path: &str| {
        let text = tree.get(path).and_then(tree::File::text);
        text.is_some_and(|text| text.contains("CARGO_BIN_EXE_"))
    };
    let inside = format!("{}/tests/", lab.folder.name);
    // What a module in a folder starts, each file starts that has it.
    let modules: Vec<&str> = tree
        .keys()
        .filter(|path| starts(path))
        .filter_map(|path| path.strip_prefix(&inside)?.strip_suffix("/mod.rs"))
        .collect();
    let has = |file: &str, module: &str| {
        let text = tree.get(&format!("{inside}{file}.rs")).and_then(tree::File::text);
        text.is_some_and(|text| text.lines().any(|line| line == format!("mod {module};")))
    };
    let files = lab.tests().map(|(_, test)| test.file.as_str());
    files
        .filter(|file| {
            starts(&format!("{inside}{file}.rs")) || modules.iter().any(|module| has(file, module))
        })
        .collect()
}

/// Keeps a second run out of the copies. The lock ends with the process, however it ends.
fn lock(folder: &Path) -> Result<File> {
    let path = folder.join("lock");
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let file = File::create(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!(
                "another `cargo course bugs` is running in {}; next: wait for it, then try again",
                folder.display()
            )
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{} cannot be locked", path.display()))
        }
    }
}

/// The bugs that are asked for.
fn chosen(lab: &Lab, only: &[String]) -> Result<Vec<Bug>> {
    let bugs = bug::all(&lab.folder.path)?;
    if bugs.is_empty() {
        bail!(
            "{0}/bugs has no patches; expected {0}/bugs/<name>.patch (course/README.md, \"Wrong solutions\")",
            lab.folder.name
        );
    }
    for read in only {
        if !bugs.iter().any(|bug| bug.id.eq_ignore_ascii_case(read)) {
            let known: Vec<&str> = bugs.iter().map(|bug| bug.id.as_str()).collect();
            let hint = nearest::hint(read, known.iter().copied());
            bail!("read --only {read}, expected some of: {}{hint}", known.join(", "));
        }
    }
    let wanted = |bug: &Bug| only.is_empty() || only.iter().any(|read| bug.id.eq_ignore_ascii_case(read));
    Ok(bugs.into_iter().filter(wanted).collect())
}

impl Copy<'_> {
    /// The tests to run where these bugs are tried.
    fn order(&self, bugs: &[&Bug]) -> Order<'_> {
        let names: BTreeSet<&str> = bugs.iter().flat_map(|bug| &bug.caught_by).map(String::as_str).collect();
        let tests = || self.lab.tests().map(|(_, test)| test);
        let files: BTreeSet<&str> = tests()
            .filter(|test| !self.named || names.contains(test.name.as_str()))
            .map(|test| test.file.as_str())
            .collect();
        Order {
            tests: tests()
                .filter(|test| files.contains(test.file.as_str()))
                .map(|test| test.name.as_str())
                .collect(),
            target: Some(&self.target),
            alone: true,
            limit: Some(self.limit),
            talk: false,
            ..Order::all(&self.root, self.lab)
        }
    }

    /// Writes the copy that these tests need. This also undoes the bug before.
    fn write(&self, order: &Order) -> Result<()> {
        let asked = |file: &str| {
            self.lab.tests().any(|(_, test)| test.file == file && order.tests.contains(test.name.as_str()))
        };
        let program = self.uses_program.iter().any(|file| asked(file));
        tree::write(&self.root, if program { self.tree } else { self.bare })
    }

    /// Builds the lab's program. Not for release: to build that takes longer than what is gained in a search within small bounds.
    pub fn build(&self) -> Result<PathBuf> {
        let package = format!("lab-{}", self.lab.sheet.topic);
        let arguments = ["build", "-p", &package, "--bin", &self.lab.sheet.topic];
        let built = Build {
            root: &self.root,
            arguments: arguments.map(str::to_owned).to_vec(),
            target: Some(&self.target),
            talk: false,
        }
        .run()?;
        if !built.ok {
            bail!("{package} does not build:\n{}", built.errors);
        }
        let key = ("bin".to_owned(), self.lab.sheet.topic.clone());
        built.programs.get(&key).cloned().with_context(|| format!("{package} has no program `{}`", key.1))
    }

    /// Runs `check` with these arguments; says what is not as expected, and how long it took.
    pub fn ask(
        &self,
        program: &Path,
        arguments: &[String],
        expected: i32,
    ) -> Result<(Option<String>, Duration)> {
        let mut command = std::process::Command::new(program);
        command.current_dir(&self.root).arg("check").args(arguments);
        let done = limits::run(&mut command, Some(self.limit))?;
        let problem = match done.status.map(|status| status.code()) {
            Some(Some(status)) if status == expected => None,
            None => Some(format!("it had not ended after {}", limits::shown(self.limit))),
            Some(status) => Some(format!(
                "read status {status:?}, expected {expected}; its last words: {}",
                done.stdout.lines().chain(done.stderr.lines()).last().unwrap_or_default()
            )),
        };
        Ok((problem, done.took))
    }

    /// A matrix means something only when the solution passes.
    fn check_solution(&self, bugs: &[Bug]) -> Result<()> {
        let order = self.order(&bugs.iter().collect::<Vec<_>>());
        self.write(&order)?;
        match order.run()? {
            Report::NotBuilt(errors) => bail!("the solution itself does not build:\n{errors}"),
            Report::Ran { tests, .. } => {
                let failing: Vec<String> = tests
                    .iter()
                    .filter_map(|test| match &test.verdict {
                        Verdict::Passed => None,
                        Verdict::Failed(failure) => Some(format!("  {}: {}", test.name, failure.headline())),
                        Verdict::Hung => {
                            Some(format!("  {}: it did not end in {}", test.name, limits::shown(self.limit)))
                        }
                    })
                    .collect();
                if !failing.is_empty() {
                    bail!(
                        "the solution itself fails, so nothing can be learnt from wrong ones; next: cargo course test {}\n{}",
                        self.lab.short(),
                        failing.join("\n")
                    );
                }
                Ok(())
            }
        }
    }

    fn try_bug(&self, bug: &Bug) -> Result<Trial> {
        let clock = Clock::start();
        let order = self.order(&[bug]);
        self.write(&order)?;
        let mut trial = Trial {
            bug: bug.id.clone(),
            title: bug.title.clone(),
            ok: false,
            problem: None,
            seeds: None,
            caught_by: Vec::new(),
            millis: 0,
        };
        trial.problem = match bug.apply(&self.root, false) {
            Err(error) => Some(format!("the patch does not apply: {error:#}")),
            Ok(()) => match order.run().with_context(|| format!("bug {}", bug.id))? {
                Report::NotBuilt(errors) => Some(format!("it does not build:\n{errors}")),
                Report::Ran { tests, .. } => judge(bug, &tests, &mut trial, self.limit),
            },
        };
        trial.ok = trial.problem.is_none();
        trial.millis = u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(trial)
    }
}

/// Notes what caught the bug, and says what is not as its header promises.
fn judge(bug: &Bug, tests: &[Graded], trial: &mut Trial, limit: Duration) -> Option<String> {
    let named = |name: &str| bug.caught_by.iter().any(|named| named == name);
    let failures: Vec<(&str, &Failure)> = tests
        .iter()
        .filter_map(|test| match &test.verdict {
            Verdict::Failed(failure) => Some((test.name.as_str(), failure)),
            _ => None,
        })
        .collect();
    trial.caught_by = failures
        .iter()
        .map(|(name, failure)| Catch {
            test: (*name).to_owned(),
            named: named(name),
            seeds: failure.tried,
            rule: failure.headline().to_owned(),
        })
        .collect();
    // After the named ones, those that many seeds stand behind.
    trial.caught_by.sort_by_key(|catch| (!catch.named, catch.seeds.is_none()));
    trial.seeds = trial.caught_by.iter().filter_map(|catch| catch.seeds).min();

    let hung: Vec<&str> =
        tests.iter().filter(|test| test.verdict == Verdict::Hung).map(|test| test.name.as_str()).collect();
    if !hung.is_empty() {
        return Some(format!(
            "these had not ended after {}: {}; a test must fail, not hang",
            limits::shown(limit),
            hung.join(", ")
        ));
    }
    if failures.is_empty() {
        return Some("it survives: every test passes".to_owned());
    }
    let silent: Vec<&str> = bug
        .caught_by
        .iter()
        .map(String::as_str)
        .filter(|name| !failures.iter().any(|(failed, _)| failed == name))
        .collect();
    if !silent.is_empty() {
        return Some(format!("its header names tests that passed: {}", silent.join(", ")));
    }
    if let Some(rule) = &bug.rule {
        let said = failures.iter().any(|(name, failure)| named(name) && failure.text.contains(rule.as_str()));
        if !said {
            return Some(format!("no test that its header names says \"{rule}\""));
        }
    }
    None
}

fn progress(trial: &Trial) {
    let took = limits::shown(Duration::from_millis(trial.millis));
    let came = match &trial.problem {
        None => format!("caught by {}", show::count(trial.caught_by.len(), "test", "tests")),
        Some(problem) => format!("WRONG: {}", problem.lines().next().unwrap_or_default()),
    };
    eprintln!("{:>12} {came} ({took})", trial.bug);
}

/// Tests beyond those that the header names, as far as they are shown.
const OTHERS: usize = 3;

/// The matrix: a bug, and below it each rule that it was seen to break, with the tests that saw it and the seeds each tried.
fn matrix(lab: &Lab, trials: &[Trial]) -> String {
    let mut page = format!("\nLab {}: {}\n\n", lab.short(), lab.sheet.title);
    page.push_str("bug, the rule it breaks, caught by (* named in the patch), seeds tried\n");
    for trial in trials {
        page.push_str(&format!("\n{:<4} {}\n", trial.bug, trial.title));
        let named = trial.caught_by.iter().filter(|catch| catch.named).count();
        let shown: Vec<&Catch> = trial.caught_by.iter().take(named + OTHERS).collect();
        let mut rules: Vec<&str> = Vec::new();
        for catch in &shown {
            if !rules.contains(&catch.rule.as_str()) {
                rules.push(&catch.rule);
            }
        }
        for rule in rules {
            page.push_str(&shorten(&format!("     {rule}"), usize::from(table::WIDTH)));
            page.push('\n');
            for catch in shown.iter().filter(|catch| catch.rule == rule) {
                let seeds = catch.seeds.map_or("-".to_owned(), |seeds| seeds.to_string());
                let mark = if catch.named { '*' } else { ' ' };
                page.push_str(&format!("     {mark} {:<80} {seeds:>5}\n", catch.test));
            }
        }
        let more = trial.caught_by.len().saturating_sub(named + OTHERS);
        if more > 0 {
            page.push_str(&format!("       and {}\n", show::count(more, "more test", "more tests")));
        }
        if let Some(problem) = &trial.problem {
            page.push_str(&format!("   WRONG: {}\n", problem.replace('\n', "\n     ")));
        }
    }
    page
}

/// The tests that have caught nothing: each may be too weak, or there is no wrong solution for it yet. One that is green in the
/// starter proves that what is given works, before anything is written: no wrong solution is asked of it.
fn idle_tests(lab: &Lab, trials: &[Trial]) -> String {
    let caught =
        |name: &str| trials.iter().flat_map(|trial| &trial.caught_by).any(|catch| catch.test == name);
    let idle = |light: Light| -> Vec<&str> {
        let tests = lab.tests().map(|(_, test)| test).filter(|test| test.starter == light);
        tests.map(|test| test.name.as_str()).filter(|name| !caught(name)).collect()
    };
    let list = |title: &str, tests: Vec<&str>| {
        if tests.is_empty() { String::new() } else { format!("\n{title}:\n  {}\n", tests.join("\n  ")) }
    };
    list("tests that caught none of them", idle(Light::Red))
        + &list("tests of what is given, green in the starter; none of them is to catch", idle(Light::Green))
}

fn shorten(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let kept: String = line.chars().take(width - 1).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bug() -> Bug {
        Bug {
            id: "S1".to_owned(),
            title: "t".to_owned(),
            wrong: "w".to_owned(),
            caught_by: vec!["part_a_x".to_owned()],
            rule: Some("one value".to_owned()),
            check: None,
            files: Vec::new(),
            path: PathBuf::from("s1.patch"),
        }
    }

    fn test(name: &str, verdict: Verdict) -> Graded {
        Graded { name: name.to_owned(), verdict }
    }

    fn failed(text: &str) -> Verdict {
        Verdict::Failed(Failure::read(text))
    }

    fn judged(tests: &[Graded]) -> (Trial, Option<String>) {
        let mut trial = Trial {
            bug: String::new(),
            title: String::new(),
            ok: false,
            problem: None,
            seeds: None,
            caught_by: Vec::new(),
            millis: 0,
        };
        let problem = judge(&bug(), tests, &mut trial, Duration::from_secs(1));
        (trial, problem)
    }

    #[test]
    fn a_bug_is_caught_when_its_tests_fail_and_name_the_rule() {
        let (trial, problem) = judged(&[
            test("part_a_w", failed("rule broken: another\n  seed: 3 (tried 4 of 200)")),
            test("part_a_x", failed("rule broken: at most one value\n  seed: 8 (tried 9 of 200)")),
            test("part_a_y", Verdict::Passed),
        ]);
        assert_eq!(problem, None);
        assert_eq!(trial.seeds, Some(4));
        assert_eq!(trial.caught_by[0].test, "part_a_x");
        assert!(trial.caught_by[0].named && !trial.caught_by[1].named);
    }

    #[test]
    fn everything_else_is_a_problem() {
        let problem = |tests: &[Graded]| judged(tests).1.unwrap();
        let passed = || test("part_a_x", Verdict::Passed);
        assert!(problem(&[passed()]).starts_with("it survives"));
        let other = problem(&[passed(), test("part_a_y", failed("rule broken: one value"))]);
        assert_eq!(other, "its header names tests that passed: part_a_x");
        let symptom = problem(&[test("part_a_x", failed("assertion failed"))]);
        assert_eq!(symptom, "no test that its header names says \"one value\"");
        let hung = problem(&[test("part_a_x", failed("one value")), test("part_a_y", Verdict::Hung)]);
        assert!(hung.contains("had not ended after 1.0 s: part_a_y"), "{hung}");
    }
}
