//! `cargo course test`: the graded tests, the points, and for what failed the rule that was broken.

use crate::failure::Failure;
use crate::graded::{Graded, Order, Report, Verdict};
use crate::lab::{Lab, Part};
use crate::limits;
use crate::standing::Standing;
use crate::workspace::Workspace;
use crate::{lab, show, table};
use anyhow::Result;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// The command line of `test`.
#[derive(clap::Args)]
pub struct Args {
    /// The lab: `7`, `07-paxos` or `paxos`
    lab: String,
    /// Only this part, `b`
    #[arg(long, value_name = "LETTER")]
    part: Option<String>,
    /// How many seeds each simulated test tries, instead of its own number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
}

/// How many lines of the first failure with a picture are shown, the picture included.
const FIRST: usize = 100;

/// How many lines of each other are shown, beside its rule: one picture is understood at a time.
const OTHERS: usize = 8;

/// Runs the tests and prints the points.
pub fn run(args: &Args, workspace: &Workspace) -> Result<u8> {
    let lab = lab::find(workspace, &args.lab)?;
    let part = args.part.as_deref().map(|id| lab.part(id)).transpose()?;
    let mut order = Order::of_commit(workspace, &lab);
    if let Some(part) = part {
        order.tests = part.tests.iter().map(|test| test.name.as_str()).collect();
    }
    if let Some(seeds) = args.seeds {
        order.variables.push(("SIMNET_SEEDS", seeds.to_string()));
    }
    if order.tests.is_empty() {
        show::out(&format!("lab {} has no graded tests there\n", lab.folder.name));
        return Ok(0);
    }
    let (tests, took) = match order.run()? {
        Report::Ran { tests, took, .. } => (tests, took),
        Report::NotBuilt(_) => {
            show::out(&format!(
                "\n{} does not build, so no test ran. What the compiler says stands above; its first error comes first.\n",
                lab.folder.name
            ));
            return Ok(1);
        }
    };
    let ran = tests.iter().map(|test| (test.name.clone(), test.verdict == Verdict::Passed));
    let standing = Standing::update(workspace, &lab, ran)?;
    show::out(&page(&lab, part, &tests, &standing, took));
    Ok(u8::from(tests.iter().any(|test| test.verdict != Verdict::Passed)))
}

/// The whole page.
fn page(lab: &Lab, part: Option<&Part>, tests: &[Graded], standing: &Standing, took: Duration) -> String {
    let mut page = format!("\nLab {}: {}\n\n", lab.short(), lab.sheet.title);
    let parts = || lab.sheet.parts.iter().filter(|one| part.is_none_or(|only| only.id == one.id));
    let verdicts: BTreeMap<&str, &Verdict> =
        tests.iter().map(|test| (test.name.as_str(), &test.verdict)).collect();

    let mut table = table::headed(&["part", "test", ">points", ""]);
    let (mut reached, mut possible) = (0, 0);
    for part in parts() {
        for (index, test) in part.tests.iter().enumerate() {
            let verdict = verdicts[test.name.as_str()];
            let points = if *verdict == Verdict::Passed { test.points } else { 0 };
            reached += points;
            possible += test.points;
            table.add_row([
                if index == 0 { part.id.to_uppercase() } else { String::new() },
                test.name.clone(),
                format!("{points}/{}", test.points),
                word(verdict).to_owned(),
            ]);
        }
    }
    table.add_row([
        String::new(),
        format!("{} in {}", show::count(tests.len(), "test", "tests"), limits::shown(took)),
        format!("{reached}/{possible}"),
        String::new(),
    ]);
    page.push_str(&table::text(&table));
    page.push_str(&unwritten(lab, tests));
    page.push_str(&failures(lab, tests));
    page.push_str(&format!("\n{}\n", next(lab, standing)));
    page
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "ok",
        Verdict::Failed(Failure { unwritten: Some(_), .. }) => "to do",
        Verdict::Failed(_) | Verdict::Hung => "FAIL",
    }
}

/// What is not written yet, each once, with the place to write it.
fn unwritten(lab: &Lab, tests: &[Graded]) -> String {
    let mut waiting: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for test in tests {
        if let Verdict::Failed(Failure { unwritten: Some(task), place, .. }) = &test.verdict {
            let place = place_of(lab, task).or_else(|| place.clone()).unwrap_or_default();
            *waiting.entry((task, place)).or_default() += 1;
        }
    }
    if waiting.is_empty() {
        return String::new();
    }
    let mut out = "\nTo do first, and how many tests stop there:\n".to_owned();
    for ((task, place), tests) in waiting {
        out.push_str(&format!("  {task}\n      {place}   {}\n", show::count(tests, "test", "tests")));
    }
    out
}

/// Where the `todo!` of a task stands. A simulation reports where it noticed the panic, which is elsewhere.
fn place_of(lab: &Lab, task: &str) -> Option<String> {
    lab.sheet.student_files.iter().find_map(|file| {
        let text = fs::read_to_string(lab.folder.path.join(file)).ok()?;
        let line = text.lines().position(|line| line.contains("todo!(") && line.contains(task))?;
        Some(format!("{}/{file}:{}", lab.folder.name, line + 1))
    })
}

/// The failures of what is written.
fn failures(lab: &Lab, tests: &[Graded]) -> String {
    let mut out = String::new();
    let told =
        |test: &&Graded| matches!(&test.verdict, Verdict::Failed(failure) if failure.unwritten.is_none());
    let is_drawn = |test: &&Graded| matches!(&test.verdict, Verdict::Failed(failure) if failure.drawn);
    let first = tests.iter().filter(told).find(is_drawn).or_else(|| tests.iter().find(told));
    for test in tests {
        let most = if first.is_some_and(|first| first.name == test.name) { FIRST } else { OTHERS };
        let Ok(graded) = lab.test(&test.name) else { continue };
        let lines = match &test.verdict {
            Verdict::Failed(failure) if failure.unwritten.is_none() => failure.rule_first(most),
            Verdict::Hung => vec!["it had not ended when its time was up".to_owned()],
            _ => continue,
        };
        out.push_str(&format!("\nFAIL {} ({}/tests/{}.rs)\n", test.name, lab.folder.name, graded.file));
        out.push_str(&show::wrap(&format!("A pass proves: {}", graded.proves), 2, usize::from(table::WIDTH)));
        for line in lines {
            out.push_str(format!("  {line}").trim_end());
            out.push('\n');
        }
    }
    out
}

/// What to do now: the first part that is not done.
fn next(lab: &Lab, standing: &Standing) -> String {
    let undone = lab
        .sheet
        .parts
        .iter()
        .find(|part| part.tests.iter().any(|test| standing.tests.get(&test.name) != Some(&true)));
    match undone {
        None => format!("all {} points; next: cargo course run {}", lab.points(), lab.short()),
        Some(part) => format!(
            "next: {} ({}), open {}; then: cargo course test {} --part {}",
            part.name(),
            part.title,
            part.files
                .iter()
                .map(|file| format!("{}/{file}", lab.folder.name))
                .collect::<Vec<_>>()
                .join(", "),
            lab.short(),
            part.id
        ),
    }
}
