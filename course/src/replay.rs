//! `cargo course replay`: a recorded run drawn again, one seed of one test run again, or a schedule that broke a rule tried again.
//!
//! After a change there are three answers: the rule is still broken; it is not broken any more; or the schedule does not apply, because the
//! processes do something else now.

use crate::graded::{Order, Report, Verdict};
use crate::lab::Lab;
use crate::picture::Size;
use crate::workspace::Workspace;
use crate::{lab, picture, seed, show};
use anyhow::{Context, Result, bail};
use simnet::Scenario;
use simnet::page::Explained;
use simnet::trace::Trace;
use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The command line of `replay`.
#[derive(clap::Args)]
pub struct Args {
    /// A trace, a scenario, or with --test a lab
    #[arg(value_name = "FILE|LAB")]
    what: String,
    /// The graded test to run again
    #[arg(long, value_name = "NAME")]
    test: Option<String>,
    /// The seed to run it with, decimal or 0x…
    #[arg(long, value_name = "SEED", value_parser = seed::parse, allow_hyphen_values = true, requires = "test")]
    seed: Option<u64>,
    /// Where to save the shortest schedule that breaks the rule, as a scenario
    #[arg(long, value_name = "FILE", requires = "test")]
    save: Option<PathBuf>,
    #[command(flatten)]
    size: Size,
}

/// Exit status: the schedule does not apply, so it says nothing of the rule.
const UNDECIDED: u8 = 3;

/// Draws a trace, or runs a test again and draws that.
pub fn run(args: &Args, workspace: &Workspace) -> Result<u8> {
    let path = PathBuf::from(&args.what);
    if path.is_file() && !is_trace(&path)? {
        return scheduled(args, workspace, &path);
    }
    if let Some(test) = &args.test {
        return again(args, workspace, test);
    }
    if !path.is_file() {
        if let Ok(lab) = lab::find_folder(workspace, &args.what) {
            bail!(
                "read the lab {} without a test, expected: cargo course replay {:02} --test NAME --seed N (a failing test \
                 prints the whole command)",
                lab.name,
                lab.number
            );
        }
        bail!(
            "read `{}`, expected a trace (target/course/runs/….jsonl), a scenario (target/failures/…/….txt) or a lab with \
             --test; next: cargo course run LAB",
            args.what
        );
    }
    let trace = picture::read(&path)?;
    let command = format!("cargo course replay {}", workspace.shown(&path));
    show::out(&drawn(&trace, &args.size));
    show::out(&paged(&Explained::of(&trace).replayed_by(&command), &path, workspace)?);
    Ok(0)
}

/// Whether a file is a trace: its first line is JSON. A scenario is not.
fn is_trace(path: &Path) -> Result<bool> {
    if path.extension().is_some_and(|extension| extension == "jsonl") {
        return Ok(true);
    }
    let mut first = [0];
    let mut file = fs::File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    let read = file.read(&mut first).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(read == 0 || first[0] == b'{')
}

/// What has become of a schedule that broke a rule.
enum Answer {
    /// It breaks a rule; its lines.
    Broken(Vec<String>),
    /// Every step was taken, no rule was broken.
    Held,
    /// A step could not be taken: what was expected, and what came.
    Deviated(Vec<String>),
}

/// Runs a scenario in the place of the seeds of its test.
fn try_schedule(
    workspace: &Workspace,
    lab: &Lab,
    test: &str,
    scenario: &Path,
    trace: &Path,
) -> Result<Answer> {
    let absolute = scenario.canonicalize().with_context(|| format!("{} is not there", scenario.display()))?;
    let mut order = Order::of_commit(workspace, lab);
    order.tests = BTreeSet::from([lab.test(test)?.name.as_str()]);
    // An old trace must not pass for this run's.
    let _ = fs::remove_file(trace);
    order.variables.push(("SIMNET_SCENARIO", absolute.display().to_string()));
    order.variables.push(("SIMNET_TRACE", trace.display().to_string()));
    let lines = |lines: Vec<&str>| lines.into_iter().map(str::to_owned).collect();
    match verdict_of(&order, lab)? {
        Verdict::Passed if trace.is_file() => Ok(Answer::Held),
        Verdict::Passed => bail!(
            "{} was not run: its nodes are not those that {test} has under its seed; next: leave `nodes` and `seed` as they \
             were written",
            scenario.display()
        ),
        Verdict::Hung => bail!("{test} did not end"),
        Verdict::Failed(failure) => match (failure.deviation(), &failure.rule) {
            (Some(deviation), _) => Ok(Answer::Deviated(lines(deviation))),
            (None, Some(_)) => Ok(Answer::Broken(lines(failure.rule_lines()))),
            (None, None) => {
                bail!("{test} fails without a broken rule:\n{}", failure.rule_first(20).join("\n"))
            }
        },
    }
}

/// The verdict of an order for one test.
fn verdict_of(order: &Order<'_>, lab: &Lab) -> Result<Verdict> {
    match order.run()? {
        Report::Ran { tests, .. } => {
            tests.into_iter().next().map(|test| test.verdict).context("the test did not run")
        }
        Report::NotBuilt(_) => {
            bail!("{} does not build; what the compiler says stands above", lab.folder.name)
        }
    }
}

/// Where the trace of this run goes.
fn trace_path(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let path = workspace.target().join("course/runs").join(format!("{name}.jsonl"));
    fs::create_dir_all(path.parent().expect("it lies in a folder"))
        .with_context(|| format!("the folder of {} cannot be made", path.display()))?;
    Ok(path)
}

/// Says whether a schedule still breaks its rule.
fn scheduled(args: &Args, workspace: &Workspace, path: &Path) -> Result<u8> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let scenario = Scenario::read(&text).with_context(|| path.display().to_string())?;
    let named = |what: Option<&str>, word: &str| {
        what.map(str::to_owned).with_context(|| {
            format!(
                "{} has no line `{word} …`, expected the one that a failing test wrote; a scenario without it is run by a test \
                 of the lab's own (tests/scenarios.rs)",
                path.display()
            )
        })
    };
    let lab = lab::find(workspace, &named(scenario.lab(), "lab")?)?;
    let test = named(args.test.as_deref().or(scenario.test()), "test")?;
    let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let trace = trace_path(workspace, &format!("{}-{name}-schedule", lab.folder.name))?;
    let answer = try_schedule(workspace, &lab, &test, path, &trace)?;
    let (said, status) = told(&answer);
    show::out(&format!("\n{}: {said}\n", workspace.shown(path)));
    if trace.is_file() {
        let recorded = picture::read(&trace)?;
        show::out(&drawn(&recorded, &args.size));
        let command = format!("cargo course replay {}", workspace.shown(path));
        show::out(&paged(&Explained::of(&recorded).in_test(&test).replayed_by(&command), &trace, workspace)?);
    }
    Ok(status)
}

/// An answer in words, and as an exit status.
fn told(answer: &Answer) -> (String, u8) {
    match answer {
        Answer::Broken(rule) => (format!("this schedule still breaks the rule\n\n{}", rule.join("\n")), 1),
        Answer::Held => ("this schedule no longer breaks the rule: every step was taken".to_owned(), 0),
        Answer::Deviated(lines) => (
            format!(
                "this schedule no longer applies: the processes do something else now, first here\n{}",
                lines.join("\n")
            ),
            UNDECIDED,
        ),
    }
}

/// A trace's picture, whose title is the header, and what the title leaves out.
fn drawn(trace: &Trace, size: &Size) -> String {
    let commit = &trace.header.commit;
    let commit = if commit.is_empty() { String::new() } else { format!(", commit {commit}") };
    format!(
        "\n{}\n{}, {}{commit}\n",
        picture::draw(trace, size),
        show::count(trace.header.nodes.len(), "node", "nodes"),
        show::count(trace.events.len(), "event", "events"),
    )
}

/// Writes the page of a trace among what the tool makes, and says where.
fn paged(run: &Explained<'_>, trace: &Path, workspace: &Workspace) -> Result<String> {
    let name = trace.file_stem().unwrap_or(trace.as_os_str());
    let mut path = workspace.target().join("course/runs").join(name).into_os_string();
    path.push(".html");
    let path = PathBuf::from(path);
    picture::write_page(run, &path)?;
    Ok(format!("page: {}\n", workspace.shown(&path)))
}

fn again(args: &Args, workspace: &Workspace, name: &str) -> Result<u8> {
    let lab = lab::find(workspace, &args.what)?;
    let test = lab.test(name)?;
    let mut order = Order::of_commit(workspace, &lab);
    order.tests = BTreeSet::from([name]);
    let mut trace = None;
    if let Some(seed) = args.seed {
        let path = trace_path(workspace, &format!("{}-{}-{seed}", lab.folder.name, test.name))?;
        // An old trace of this seed must not pass for this run's.
        let _ = fs::remove_file(&path);
        order.variables.push(("SIMNET_SEED", seed.to_string()));
        order.variables.push(("SIMNET_TRACE", path.display().to_string()));
        trace = Some(path);
    }
    let verdict = verdict_of(&order, &lab)?;
    let with = args.seed.map(|seed| format!(" with seed {seed}")).unwrap_or_default();
    let trace = trace.filter(|path| path.is_file());
    let mut page = match &verdict {
        Verdict::Passed => format!("\n{name}{with}: ok, no rule is broken\n"),
        Verdict::Hung => format!("\n{name}{with}: it did not end\n"),
        Verdict::Failed(failure) => {
            let what = match (&failure.unwritten, &failure.rule) {
                (Some(_), _) => "it is not written yet",
                (None, Some(_)) => "the rule is still broken",
                (None, None) => "it still fails",
            };
            let rule = failure.rule_lines();
            // The picture of the whole trace follows; the test's own would be a second one.
            let lines = if trace.is_some() && !rule.is_empty() {
                rule.join("\n")
            } else {
                failure.rule_first(usize::MAX).join("\n")
            };
            format!("\n{name}{with}: {what}\n\n{lines}\n")
        }
    };
    if let Some(path) = trace {
        let trace = picture::read(&path)?;
        page.push_str(&drawn(&trace, &args.size));
        page.push_str(&format!("trace: {}\n", workspace.shown(&path)));
        let command = format!(
            "cargo course replay {} --test {name} --seed {}",
            lab.short(),
            args.seed.unwrap_or(trace.header.seed)
        );
        let run = Explained::of(&trace).in_test(name).replayed_by(&command);
        page.push_str(&paged(&run, &path, workspace)?);
    } else if args.seed.is_some() {
        page.push_str("\nno trace was written: this test does not simulate, or stopped before it began to\n");
    }
    let mut status = u8::from(verdict != Verdict::Passed);
    if let (Verdict::Passed, Some(seed)) = (&verdict, args.seed)
        && let Some((said, schedules)) = kept_schedule(workspace, &lab, name, seed)?
    {
        page.push_str(&said);
        // That the schedule does not apply any more is no failure: the seed itself has passed.
        status = u8::from(schedules == 1);
    }
    show::out(&page);
    if let Some(file) = &args.save {
        show::out(&save(&verdict, file)?);
    }
    Ok(status)
}

/// What has become of the schedule that was kept when this seed failed, and its exit status.
fn kept_schedule(workspace: &Workspace, lab: &Lab, test: &str, seed: u64) -> Result<Option<(String, u8)>> {
    let kept = workspace.target().join("failures").join(&lab.folder.name).join(format!("{test}-{seed}.txt"));
    if !kept.is_file() {
        return Ok(None);
    }
    let trace = trace_path(workspace, &format!("{}-{test}-{seed}-schedule", lab.folder.name))?;
    let (said, status) = told(&try_schedule(workspace, lab, test, &kept, &trace)?);
    Ok(Some((format!("{}, kept when this seed failed: {said}\n", workspace.shown(&kept)), status)))
}

/// Saves the schedule that a failing test has written.
fn save(verdict: &Verdict, file: &Path) -> Result<String> {
    let Verdict::Failed(failure) = verdict else {
        bail!(
            "nothing is saved: the test passes; next: name a seed that fails, or keep the scenario that an earlier failure wrote"
        );
    };
    let scenario = failure.scenario().context(
        "nothing is saved: no schedule alone breaks this rule, it asks for something to happen in the end; next: keep the seed",
    )?;
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)
            .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    }
    fs::copy(scenario, file).with_context(|| format!("{scenario} cannot be copied to {}", file.display()))?;
    Ok(format!("saved: {}\n", file.display()))
}
