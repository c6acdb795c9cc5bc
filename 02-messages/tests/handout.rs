//! The handout's transcripts are run, and must come out as they are printed; its figures are those of `lab.toml` and of the sources.
//!
//! A transcript is a block of README.md marked `console`: `$ command` is typed, and the lines after it are what it prints. `cargo run … -p
//! lab-messages --` is the program that was built with this test, and `cargo course run` gets `--profile dev`, so that nothing is built for
//! release here: a simulated run is the same in both.
//!
//! | in the handout | stands for |
//! |---|---|
//! | a line `…` | any lines |
//! | `…` within a line | any text |
//! | what follows a printed line after three spaces or more | a remark of the handout's, if it does not begin with a sign of the picture |

#![allow(clippy::disallowed_methods, reason = "a program that hangs must not make this test hang")]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// How long a command may take: a build of the course's tool is in it, on a slow machine with other things to do.
const BOUND: Duration = Duration::from_secs(1200);

fn lab() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(lab().join("README.md")).expect("the lab has a handout")
}

/// A command, where it is typed, and the lines that are shown after it.
struct Step<'a> {
    at: usize,
    typed: &'a str,
    shown: Vec<&'a str>,
}

/// What is typed in blocks that are transcripts.
fn steps(text: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    let mut inside = None;
    for (number, line) in text.lines().enumerate() {
        match (inside, line.strip_prefix("```")) {
            (None, Some(kind)) => inside = Some(kind == "console"),
            (Some(_), Some(_)) => inside = None,
            (Some(true), None) => match line.strip_prefix("$ ") {
                Some(typed) => steps.push(Step { at: number + 1, typed, shown: Vec::new() }),
                None => steps.last_mut().expect("a transcript begins with a command").shown.push(line),
            },
            _ => {}
        }
    }
    steps
}

fn program(typed: &str) -> Command {
    let words: Vec<&str> = typed.split(' ').collect();
    let own = words.iter().position(|word| *word == "--");
    let mut command = match (&words[..], own) {
        (["cargo", "run", ..], Some(own)) if words.contains(&"lab-messages") => {
            let mut command = Command::new(env!("CARGO_BIN_EXE_messages"));
            command.args(&words[own + 1..]);
            command
        }
        (["cargo", "course", "run", rest @ ..], None) => {
            let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
            command.args(["course", "run"]).args(rest).args(["--profile", "dev", "--width", "100"]);
            command
        }
        _ => panic!(
            "the handout types `{typed}`, expected `cargo run -p lab-messages -- …` or `cargo course run …`"
        ),
    };
    for name in ["SIMNET_SEEDS", "SIMNET_SEED", "SIMNET_TRACE", "SIMNET_KEPT", "COURSE_ROOT"] {
        command.env_remove(name);
    }
    command.env("COURSE_PROGRAM", env!("CARGO_BIN_EXE_messages"));
    command.current_dir(lab().parent().expect("a lab is in a workspace")).stdin(Stdio::null());
    command
}

/// What a command prints on standard output.
fn run(typed: &str) -> Vec<String> {
    let mut command = program(typed);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it can be run");
    let mut out = child.stdout.take().expect("it was asked for");
    let (tell, told) = channel();
    thread::spawn(move || {
        let mut text = String::new();
        tell.send(out.read_to_string(&mut text).map(|_| text))
    });
    let text = told.recv_timeout(BOUND);
    if text.is_err() {
        let _ = child.kill();
    }
    let _ = child.wait();
    let text = text.unwrap_or_else(|_| panic!("`{typed}` is not done within {BOUND:?}"));
    text.expect("it prints text").lines().map(|line| line.trim_end().to_string()).collect()
}

/// Whether `got` is `shown`, but for a remark, and for `…` in it.
fn line_matches(shown: &str, got: &str) -> bool {
    if let Some((before, after)) = shown.split_once('…') {
        let Some(rest) = got.strip_prefix(before) else { return shown == got };
        let mut starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
        return shown == got || starts.any(|at| line_matches(after, &rest[at..]));
    }
    let remark = |rest: &str| rest.starts_with("   ") && rest.trim_start().starts_with(char::is_alphanumeric);
    shown == got || (!got.is_empty() && shown.strip_prefix(got).is_some_and(remark))
}

/// Whether `got` is `shown`, where a line `…` stands for any lines.
fn matches(shown: &[&str], got: &[String]) -> bool {
    match shown.split_first() {
        None => got.is_empty(),
        Some((first, rest)) if first.trim() == "…" => {
            (0..=got.len()).any(|skip| matches(rest, &got[skip..]))
        }
        Some((first, rest)) => got
            .split_first()
            .is_some_and(|(line, later)| line_matches(first.trim_end(), line) && matches(rest, later)),
    }
}

#[test]
fn every_transcript_comes_out_as_it_is_printed() {
    let text = readme();
    let found = steps(&text);
    assert!(found.len() >= 6, "the handout has transcripts, found {}", found.len());
    for Step { at, typed, shown } in found {
        let got = run(typed);
        assert!(
            matches(&shown, &got),
            "README.md, line {at}, `{typed}`\n  shows: {}\n  got: {}",
            shown.join("\n    "),
            got.join("\n    ")
        );
    }
}

/// What a wildcard stands for, it stands for; and nothing else.
#[test]
fn a_transcript_that_differs_is_noticed() {
    let same = |shown: &str, got: &str| {
        let got: Vec<String> = got.lines().map(str::to_string).collect();
        matches(&shown.lines().collect::<Vec<_>>(), &got)
    };
    assert!(same("a\nb", "a\nb") && !same("a\nb", "a") && !same("a", "a\nb") && !same("a\nb", "a\nc"));
    assert!(same("…\nb\n…", "a\nb\nc\nd") && !same("…\nx\n…", "a\nb"));
    assert!(same("why: …", "why: this") && !same("why: …!", "why: this"));
    assert!(same("  s   p1 Yes → c      p1 is prepared", "  s   p1 Yes → c"));
    assert!(!same("  s   p1 Yes → c      p1 is prepared", "  s   p1 No → c"));
    assert!(!same("  s   p1 Yes → c p2", "  s   p1 Yes → c") && !same("  s       │", "  s"));
}

fn source_lines(folder: &Path, part: char) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("a folder of sources").map(Result::unwrap) {
        if entry.path().is_dir() {
            count += source_lines(&entry.path(), part);
            continue;
        }
        let mut counts = false;
        for line in fs::read_to_string(entry.path()).unwrap().lines().map(str::trim) {
            if let Some(task) = line.strip_prefix("// solution: begin — Part ") {
                counts = task.starts_with(part);
            } else if line == "// solution: end" {
                counts = false;
            } else if counts && !line.is_empty() && !line.starts_with("//") {
                count += 1;
            }
        }
    }
    count
}

/// The table of parts and the first minute say what the sheet and the sources say.
#[test]
fn the_handouts_figures_are_those_of_the_sheet() {
    let text = readme();
    let sheet = fs::read_to_string(lab().join("lab.toml")).unwrap();
    let number = |line: &str| line.split(" = ").nth(1).and_then(|value| value.parse::<usize>().ok());
    for (part, id) in sheet.split("[[part]]").skip(1).zip('A'..) {
        let of =
            |key: &str| part.lines().filter(|line| line.starts_with(key)).filter_map(number).sum::<usize>();
        // In the student's workspace the regions are gone.
        let size = match source_lines(&lab().join("src"), id) {
            0 => String::new(),
            size => format!(" {size} lines |"),
        };
        let ends = format!("| {} | {} |{size}", of("points"), of("hours"));
        let row = text.lines().find(|line| line.starts_with(&format!("| {id} | "))).expect("a row a part");
        assert!(row.contains(&ends), "README.md says `{row}`, expected `{ends}` in it");
    }
    let count = |what: &str| sheet.lines().filter(|line| *line == what).count();
    let (green, all) = (count("starter = \"green\""), count("[[part.test]]"));
    let words = format!("**{green} of {all} tests pass, and {} must be red**", all - green);
    assert!(text.contains(&words), "README.md, First minute: expected `{words}`");
}
