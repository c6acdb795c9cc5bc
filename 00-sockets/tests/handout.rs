//! The handout's transcripts are run, and must come out as they are printed; its figures are those of `lab.toml` and of the sources.
//!
//! A transcript is a block of README.md marked `console`. `$ command` is typed, and the lines after it are what it prints.
//! `server$ command` is typed in another terminal, where it goes on until the block ends; `server:` says that the lines after it appear
//! there. `sockets` is the program that was built with this test. `cargo course run` gets `--profile dev`, so that nothing is built for
//! release here: a simulated run is the same in both.
//!
//! | in the handout | stands for |
//! |---|---|
//! | the port of `127.0.0.1:` on a server's first line | the port that it got, also in the commands after it |
//! | another port of `127.0.0.1` | any |
//! | a number before ns, µs, ms or s that has a point in it | any |
//! | the bars of a histogram | at least one, and any number of them |
//! | any number, in a block marked `console measured` | any |
//! | `…` | any lines where it stands alone, else any text |

#![allow(clippy::disallowed_methods, reason = "a program that hangs must not make this test hang")]

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// How long a command may take; a build of the course's tool is in it.
const BOUND: Duration = Duration::from_secs(300);

fn lab() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(lab().join("README.md")).expect("the lab has a handout")
}

/// The blocks that are transcripts: where each begins, whether its numbers are measured, its lines.
fn transcripts(text: &str) -> Vec<(usize, bool, Vec<&str>)> {
    let mut found: Vec<(usize, bool, Vec<&str>)> = Vec::new();
    let mut inside = None;
    for (number, line) in text.lines().enumerate() {
        match (inside, line.strip_prefix("```")) {
            (None, Some(kind)) => {
                inside = Some(kind.starts_with("console"));
                if kind.starts_with("console") {
                    found.push((number + 1, kind == "console measured", Vec::new()));
                }
            }
            (Some(_), Some(_)) => inside = None,
            (Some(true), None) => found.last_mut().expect("a block has begun").2.push(line),
            _ => {}
        }
    }
    found
}

/// One thing that is typed, or looked at, and what is to be seen then.
struct Step<'a> {
    server: bool,
    typed: Option<&'a str>,
    shown: Vec<&'a str>,
}

fn steps<'a>(lines: &[&'a str]) -> Vec<Step<'a>> {
    let mut steps: Vec<Step<'a>> = Vec::new();
    for line in lines {
        let step = |server, typed| Step { server, typed, shown: Vec::new() };
        if *line == "server:" {
            steps.push(step(true, None));
        } else if let Some(command) = line.strip_prefix("server$ ") {
            steps.push(step(true, Some(command)));
        } else if let Some(command) = line.strip_prefix("client$ ").or(line.strip_prefix("$ ")) {
            steps.push(step(false, Some(command)));
        } else {
            steps.last_mut().expect("a transcript begins with a command").shown.push(line);
        }
    }
    steps
}

fn program(typed: &str) -> Command {
    let words: Vec<&str> = typed.split(' ').collect();
    let mut command = match words[..] {
        ["sockets", ..] => {
            let mut command = Command::new(env!("CARGO_BIN_EXE_sockets"));
            command.args(&words[1..]);
            command
        }
        ["cargo", "course", "run", ..] => {
            let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
            command.args(&words[1..]).args(["--profile", "dev", "--width", "100"]);
            command
        }
        _ => panic!("the handout types `{typed}`, expected `sockets …`, `cargo course run …` or `echo $?`"),
    };
    for name in ["SIMNET_SEEDS", "SIMNET_SEED", "SIMNET_TRACE", "SIMNET_KEPT", "COURSE_ROOT"] {
        command.env_remove(name);
    }
    command.current_dir(lab().parent().expect("a lab is in a workspace")).stdin(Stdio::null());
    command
}

/// What a command prints, and its exit status.
fn run(typed: &str) -> (Vec<String>, i32) {
    let child = program(typed).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it can be run");
    let id = Pid::from_child(&child);
    let (tell, told) = channel();
    thread::spawn(move || tell.send(child.wait_with_output()));
    let Ok(output) = told.recv_timeout(BOUND) else {
        let _ = kill_process(id, Signal::KILL);
        panic!("`{typed}` is not done within {BOUND:?}");
    };
    let output = output.expect("it could be waited for");
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    // What cargo says there is about building.
    if typed.starts_with("sockets") {
        text += &String::from_utf8_lossy(&output.stderr);
    }
    (text.lines().map(str::to_string).collect(), output.status.code().unwrap_or(-1))
}

/// A server in its terminal; it ends with the block.
struct Server {
    child: Child,
    lines: Receiver<String>,
}

impl Server {
    fn start(typed: &str) -> Self {
        let mut child = program(typed).stdout(Stdio::piped()).spawn().expect("it can be run");
        let out = BufReader::new(child.stdout.take().expect("it was asked for"));
        let (tell, lines) = channel();
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Server { child, lines }
    }

    fn say(&self, count: usize) -> Vec<String> {
        let line =
            || self.lines.recv_timeout(BOUND).expect("the server says as many lines as the handout has");
        (0..count).map(|_| line()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The port after `127.0.0.1:`.
fn port(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("127.0.0.1:")?;
    Some(&rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())])
}

fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit()) && word.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// A line with all that differs from run to run taken out.
fn plain(line: &str, measured: bool) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    // A histogram's bar: from, unit, how many, perhaps a bar.
    if let [from, "µs", count, rest @ ..] = &words[..]
        && is_number(from)
        && is_number(count)
        && rest.iter().all(|bar| bar.chars().all(|c| c == '█'))
    {
        return "(bars)".to_string();
    }
    let unit = |word: Option<&&str>| {
        word.is_some_and(|word| ["ns", "µs", "ms", "s"].contains(&word.trim_end_matches(',')))
    };
    let mut plain: Vec<String> = Vec::new();
    for (place, word) in words.iter().enumerate() {
        let time = word.contains('.') && unit(words.get(place + 1));
        plain.push(match word {
            word if is_number(word) && (measured || time) => "(number)".to_string(),
            word if word.starts_with("127.0.0.1:") => "127.0.0.1:(port)".to_string(),
            word => word.to_string(),
        });
    }
    plain.join(" ")
}

fn plain_lines<'a>(lines: impl IntoIterator<Item = &'a str>, measured: bool) -> Vec<String> {
    let mut lines: Vec<String> = lines.into_iter().map(|line| plain(line, measured)).collect();
    lines.dedup_by(|next, last| next == last && last == "(bars)");
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// Whether `got` is `shown`, where `…` in it stands for any text.
fn line_matches(shown: &str, got: &str) -> bool {
    let Some((before, after)) = shown.split_once('…') else { return shown == got };
    let Some(rest) = got.strip_prefix(before) else { return false };
    let mut starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    starts.any(|at| line_matches(after, &rest[at..]))
}

/// Whether `got` is `shown`, where a line `…` stands for any lines.
fn matches(shown: &[String], got: &[String]) -> bool {
    match shown.split_first() {
        None => got.is_empty(),
        Some((first, rest)) if first == "…" => (0..=got.len()).any(|skip| matches(rest, &got[skip..])),
        Some((first, rest)) => {
            got.split_first().is_some_and(|(line, later)| line_matches(first, line) && matches(rest, later))
        }
    }
}

fn play(at: usize, measured: bool, lines: &[&str]) {
    let mut server: Option<Server> = None;
    let mut ports: Option<(String, String)> = None;
    let mut status = 0;
    for step in steps(lines) {
        let typed = step.typed.map(|typed| match &ports {
            Some((shown, got)) => typed.replace(shown, got),
            None => typed.to_string(),
        });
        let got = match (step.server, typed) {
            (true, Some(typed)) => {
                let started = Server::start(&typed);
                let said = started.say(step.shown.len());
                let pair = (port(step.shown[0]), port(&said[0]));
                ports = Some((pair.0.expect("a port").to_string(), pair.1.expect("a port").to_string()));
                server = Some(started);
                said
            }
            (true, None) => server.as_ref().expect("a server was started").say(step.shown.len()),
            (false, Some(typed)) if typed == "echo $?" => vec![status.to_string()],
            (false, Some(typed)) => {
                let (said, code) = run(&typed);
                status = code;
                said
            }
            (false, None) => unreachable!("only a server's terminal is looked at again"),
        };
        let shown = plain_lines(step.shown.iter().copied(), measured);
        let plain = plain_lines(got.iter().map(String::as_str), measured);
        assert!(
            matches(&shown, &plain),
            "README.md, the transcript at line {at}, `{}`\n  shows: {}\n  got: {}",
            step.typed.unwrap_or("server:"),
            step.shown.join("\n    "),
            got.join("\n    ")
        );
    }
}

#[test]
fn every_transcript_comes_out_as_it_is_printed() {
    let text = readme();
    let found = transcripts(&text);
    assert!(found.len() >= 7, "the handout has transcripts, found {}", found.len());
    for (at, measured, lines) in found {
        play(at, measured, &lines);
    }
}

/// What a wildcard stands for, it stands for; and nothing else.
#[test]
fn a_transcript_that_differs_is_noticed() {
    let lines = |text: &str, measured| plain_lines(text.lines(), measured);
    let same = |shown, got, measured| matches(&lines(shown, measured), &lines(got, measured));
    assert!(same("20! = 24\n1 round trips: min 1.5 µs", "20! = 24\n1 round trips: min 27.0 µs", false));
    assert!(!same("20! = 24", "20! = 25", false));
    assert!(!same("2 round trips: min 1.5 µs", "1 round trips: min 1.5 µs", false));
    assert!(same("a\n   4 µs  7  ██\n   8 µs  0", "a\n  16 µs  9  █", false));
    assert!(!same("a\n   4 µs  7  ██", "a", false));
    assert!(same("127.0.0.1:1 done", "127.0.0.1:22 done", false));
    assert!(!same("127.0.0.1:1 done", "127.0.0.1:22 gone", false));
    assert!(same("poll  5 ms  1.0", "poll  17 ms  2.5", true));
    assert!(!same("poll  5 ms  1.0", "threads  17 ms  2.5", true));
    assert!(same("…\nb\n…", "a\nb\nc\nd", false) && !same("…\nx\n…", "a\nb", false));
    assert!(same("why: …", "why: this", false) && !same("why: …!", "why: this", false));
    assert!(!same("a\nb", "a", false) && !same("a", "a\nb", false));
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
    let words = format!("**{green} of {all} tests passes, and {} must be red**", all - green);
    assert!(text.contains(&words), "README.md, First minute: expected `{words}`");
}
