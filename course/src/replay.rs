//! `cargo course replay`: a recorded run drawn again, or one seed of one test run again; both make a page too.

use crate::graded::{Order, Report, Verdict};
use crate::picture::Size;
use crate::workspace::Workspace;
use crate::{lab, picture, seed, show};
use anyhow::{Context, Result, bail};
use simnet::page::Explained;
use simnet::trace::Trace;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The command line of `replay`.
#[derive(clap::Args)]
pub struct Args {
    /// A trace, or with --test a lab
    #[arg(value_name = "FILE|LAB")]
    what: String,
    /// The graded test to run again
    #[arg(long, value_name = "NAME")]
    test: Option<String>,
    /// The seed to run it with, decimal or 0x…
    #[arg(long, value_name = "SEED", value_parser = seed::parse, allow_hyphen_values = true, requires = "test")]
    seed: Option<u64>,
    #[command(flatten)]
    size: Size,
}

/// Draws a trace, or runs a test again and draws that.
pub fn run(args: &Args, workspace: &Workspace) -> Result<u8> {
    if let Some(test) = &args.test {
        return again(args, workspace, test);
    }
    let path = PathBuf::from(&args.what);
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
            "read `{}`, expected a trace (target/course/runs/….jsonl) or a lab with --test; next: cargo course run LAB",
            args.what
        );
    }
    let trace = picture::read(&path)?;
    let command = format!("cargo course replay {}", workspace.shown(&path));
    show::out(&drawn(&trace, &args.size));
    show::out(&paged(&Explained::of(&trace).replayed_by(&command), &path, workspace)?);
    Ok(0)
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
    let mut order = Order::all(&workspace.root, &lab);
    order.tests = BTreeSet::from([name]);
    let mut trace = None;
    if let Some(seed) = args.seed {
        let path = workspace
            .target()
            .join("course/runs")
            .join(format!("{}-{}-{seed}.jsonl", lab.folder.name, test.name));
        fs::create_dir_all(path.parent().expect("it lies in a folder"))
            .with_context(|| format!("the folder of {} cannot be made", path.display()))?;
        // An old trace of this seed must not pass for this run's.
        let _ = fs::remove_file(&path);
        order.variables.push(("SIMNET_SEED", seed.to_string()));
        order.variables.push(("SIMNET_TRACE", path.display().to_string()));
        order.variables.extend(workspace.commit().map(|commit| ("COURSE_COMMIT", commit)));
        trace = Some(path);
    }
    let tests = match order.run()? {
        Report::Ran { tests, .. } => tests,
        Report::NotBuilt(_) => {
            bail!("{} does not build; what the compiler says stands above", lab.folder.name)
        }
    };
    let verdict = tests.into_iter().next().map(|test| test.verdict).context("the test did not run")?;
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
    show::out(&page);
    Ok(u8::from(verdict != Verdict::Passed))
}
