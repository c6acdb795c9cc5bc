//! `cargo course bugs --check`: the lab's own `check`, which explores every schedule within the bounds of a patch's header, must find each
//! wrong solution, and within the same bounds nothing in the solution.

use crate::bug::{Bug, Check};
use crate::bugs::Copy;
use crate::lab::Lab;
use crate::limits::{self, Clock};
use crate::{show, tree};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What came of one search, or why there was none.
#[derive(Clone, Debug, Serialize)]
struct Search {
    /// The wrong solution; none for the solution itself.
    bug: Option<String>,
    title: String,
    /// Whether all is as it should be.
    ok: bool,
    /// What is not as it should be.
    problem: Option<String>,
    /// The arguments of `check`, which are the bounds.
    arguments: Vec<String>,
    /// Why it is known that `check` does not find it; then nothing was searched.
    not_found: Option<String>,
    millis: u64,
}

/// Asks about the solution, and about each bug; with several copies, about several at one time.
pub fn run(lab: &Lab, copies: &[Copy<'_>], bugs: &[Bug], json: bool) -> Result<u8> {
    let bounds = bounds(bugs)?;
    let clock = Clock::start();
    // All ask the solution that the first has built; only then is it broken.
    copies.iter().try_for_each(|copy| tree::write(&copy.root, copy.tree))?;
    let program = copies[0].build()?;
    let mut searches = each(copies, &bounds, |copy, arguments| solution(copy, &program, arguments))?;
    searches.extend(each(copies, bugs, wrong_solution)?);

    let wrong = searches.iter().filter(|search| !search.ok).count();
    if json {
        show::out(&format!("{}\n", serde_json::to_string(&searches)?));
    } else {
        let mut page = format!("\nLab {}: {}\n\n", lab.short(), lab.sheet.title);
        searches.iter().for_each(|search| page.push_str(&search.lines()));
        page.push_str(&format!(
            "\n{} of {} as their headers say, in {}\n",
            searches.len() - wrong,
            show::count(searches.len(), "answer", "answers"),
            limits::shown(clock.elapsed())
        ));
        show::out(&page);
    }
    Ok(u8::from(wrong > 0))
}

/// The bounds that the headers name, each once.
fn bounds(bugs: &[Bug]) -> Result<Vec<&[String]>> {
    let mut bounds: Vec<&[String]> = Vec::new();
    for bug in bugs {
        match &bug.check {
            None => bail!(
                "{} has no `Check:`; expected one: the arguments with which `check` finds it, or `no, ` and why",
                bug.path.display()
            ),
            Some(Check::Misses(_)) => {}
            Some(Check::Finds(arguments)) => {
                if !bounds.contains(&&arguments[..]) {
                    bounds.push(arguments);
                }
            }
        }
    }
    Ok(bounds)
}

/// Does the work, on all copies at one time; the answers come in the order of the work.
fn each<'a, T: Sync>(
    copies: &[Copy<'_>],
    work: &'a [T],
    ask: impl Fn(&Copy<'_>, &'a T) -> Result<Search> + Sync,
) -> Result<Vec<Search>> {
    let next = AtomicUsize::new(0);
    let answers: Mutex<Vec<(usize, Result<Search>)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for copy in copies {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(one) = work.get(index) else { break };
                    let answer = ask(copy, one);
                    if let Ok(search) = &answer {
                        search.progress();
                    }
                    answers.lock().expect("no search panics").push((index, answer));
                }
            });
        }
    });
    let mut answers = answers.into_inner().expect("no search panics");
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn solution(copy: &Copy<'_>, program: &Path, arguments: &&[String]) -> Result<Search> {
    let (problem, took) = copy.ask(program, arguments, 0)?;
    Ok(Search {
        bug: None,
        title: "the solution".to_owned(),
        ok: problem.is_none(),
        problem,
        arguments: arguments.to_vec(),
        not_found: None,
        millis: millis(took),
    })
}

fn wrong_solution(copy: &Copy<'_>, bug: &Bug) -> Result<Search> {
    let mut search = Search {
        bug: Some(bug.id.clone()),
        title: bug.title.clone(),
        ok: true,
        problem: None,
        arguments: Vec::new(),
        not_found: None,
        millis: 0,
    };
    match bug.check.as_ref().expect("each has one, or there are no bounds") {
        Check::Misses(why) => search.not_found = Some(why.clone()),
        Check::Finds(arguments) => {
            // This also undoes the bug before.
            tree::write(&copy.root, copy.tree)?;
            bug.apply(&copy.root, false).with_context(|| format!("bug {}", bug.id))?;
            let program = copy.build().with_context(|| format!("bug {}", bug.id))?;
            let (problem, took) = copy.ask(&program, arguments, 1)?;
            search.ok = problem.is_none();
            search.problem = problem;
            search.arguments.clone_from(arguments);
            search.millis = millis(took);
        }
    }
    Ok(search)
}

fn millis(took: std::time::Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

impl Search {
    /// What came of it, in words.
    fn came(&self) -> String {
        let took = limits::shown(std::time::Duration::from_millis(self.millis));
        match (&self.problem, &self.not_found, &self.bug) {
            (Some(problem), _, _) => format!("WRONG: {problem} ({took})"),
            (None, Some(why), _) => format!("not found: {why}"),
            (None, None, Some(_)) => format!("found ({took})"),
            (None, None, None) => format!("no schedule breaks a rule ({took})"),
        }
    }

    fn progress(&self) {
        eprintln!("{:>12} {}", self.bug.as_deref().unwrap_or("solution"), self.came());
    }

    fn lines(&self) -> String {
        let bug = self.bug.as_deref().unwrap_or("-");
        let mut lines = format!("{bug:<4} {}\n     {}\n", self.title, self.came());
        if !self.arguments.is_empty() {
            lines.push_str(&format!("       {}\n", self.arguments.join(" ")));
        }
        lines
    }
}
