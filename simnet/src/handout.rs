//! For the tests of a lab's handout: its transcripts are run and must come out as they are printed, and its figures must be those of
//! `lab.toml` and of the sources.
//!
//! A transcript is a block of README.md marked `console`. `$ command` is typed, and the lines after it are what it prints. A command begins
//! with the program's name, with `cargo run … --`, which is the same program, or with `cargo course run`; `client$ command`
//! is the same where there are several terminals. `name$ command`, with any other name, is typed in a terminal of that name, where it goes
//! on until the block ends; `name:` says that the lines after it appear there. `echo $?` shows the exit status of the last command.
//!
//! | in the handout | stands for |
//! |---|---|
//! | a port of `127.0.0.1:` on the first line of a terminal that goes on | the port that it got, also in the commands after it |
//! | another port of `127.0.0.1` | any |
//! | a number before ns, µs, ms or s that has a point in it | any |
//! | the bars of a histogram | at least one, and any number of them |
//! | any number, in a block marked `console measured` | any |
//! | `…` | any lines where it stands alone, else any text |
//! | what follows a printed line after three spaces or more, and begins with a letter | a remark of the handout's |

#![allow(clippy::disallowed_methods, reason = "a program that hangs must not make its test hang")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// How long a command may take: a build of the course's tool may be in it, on a slow machine with other things to do.
const BUILD_BOUND: Duration = Duration::from_secs(1200);

/// How long a program that is built may take for a line.
const BOUND: Duration = Duration::from_secs(300);

/// A lab's handout, and the program that it speaks of.
#[derive(Clone, Debug)]
pub struct Handout {
    lab: PathBuf,
    name: String,
    program: PathBuf,
}

impl Handout {
    /// The handout in the folder `lab`, whose transcripts type `name` for the program `program`.
    pub fn new(lab: impl Into<PathBuf>, name: &str, program: impl Into<PathBuf>) -> Self {
        Handout { lab: lab.into(), name: name.to_string(), program: program.into() }
    }

    fn readme(&self) -> String {
        fs::read_to_string(self.lab.join("README.md")).expect("the lab has a handout")
    }

    /// Runs every transcript, and returns how many there were.
    ///
    /// # Panics
    /// When one does not come out as it is printed.
    pub fn play_transcripts(&self) -> usize {
        let text = self.readme();
        let found = transcripts(&text);
        for (at, measured, lines) in &found {
            self.play(*at, *measured, lines);
        }
        found.len()
    }

    fn play(&self, at: usize, measured: bool, lines: &[&str]) {
        let mut terminals: BTreeMap<&str, Terminal> = BTreeMap::new();
        let mut ports: Vec<(String, String)> = Vec::new();
        let mut status = 0;
        for step in steps(lines) {
            let typed = step.typed.map(|typed| put_ports(typed, &ports));
            let got = match (step.terminal, typed) {
                (Some(name), Some(typed)) => {
                    let started = Terminal::start(self.command(&typed));
                    let said = started.say(step.shown.len(), &typed);
                    let first =
                        |lines: &[String]| lines.first().map(|line| self::ports(line)).unwrap_or_default();
                    let shown: Vec<String> = step.shown.iter().map(ToString::to_string).collect();
                    ports.extend(first(&shown).into_iter().zip(first(&said)));
                    terminals.insert(name, started);
                    said
                }
                (Some(name), None) => match terminals.get(name) {
                    Some(terminal) => terminal.say(step.shown.len(), name),
                    None => {
                        panic!("README.md, line {at}: the terminal `{name}` is looked at and was not opened")
                    }
                },
                (None, Some(typed)) if typed == "echo $?" => vec![status.to_string()],
                (None, Some(typed)) => {
                    let (said, code) = self.run(&typed);
                    status = code;
                    said
                }
                (None, None) => unreachable!("a step is typed, or looks at a terminal"),
            };
            assert!(
                is_same(&step.shown.join("\n"), &got.join("\n"), measured),
                "README.md, the transcript at line {at}, `{}`\n  shows: {}\n  got: {}",
                step.typed.or(step.terminal).unwrap_or_default(),
                step.shown.join("\n    "),
                got.join("\n    ")
            );
        }
    }

    fn command(&self, typed: &str) -> Command {
        let words: Vec<&str> = typed.split(' ').collect();
        let mut command = match words[..] {
            [first, ..] if first == self.name => {
                let mut command = Command::new(&self.program);
                command.args(&words[1..]);
                command
            }
            ["cargo", "run", ..] => {
                let own = words.iter().position(|word| *word == "--").unwrap_or(words.len() - 1);
                let mut command = Command::new(&self.program);
                command.args(&words[own + 1..]);
                command
            }
            ["cargo", "course", "run", ..] => {
                let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
                command.args(&words[1..]).args(["--width", "100"]);
                command
            }
            _ => panic!(
                "the handout types `{typed}`, expected `{} …`, `cargo run … -- …`, `cargo course run …` or `echo $?`",
                self.name
            ),
        };
        for name in ["SIMNET_SEEDS", "SIMNET_SEED", "SIMNET_TRACE", "SIMNET_KEPT", "COURSE_ROOT"] {
            command.env_remove(name);
        }
        command.env("COURSE_PROGRAM", &self.program);
        command.current_dir(self.lab.parent().expect("a lab is in a workspace")).stdin(Stdio::null());
        command
    }

    /// What a command prints, and its exit status. What cargo says beside is about building, and passed over.
    fn run(&self, typed: &str) -> (Vec<String>, i32) {
        let mut command = self.command(typed);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it can be run");
        let out = read_all(child.stdout.take().expect("it was asked for"));
        let errors = read_all(child.stderr.take().expect("it was asked for"));
        let texts = (out.recv_timeout(BUILD_BOUND), errors.recv_timeout(BUILD_BOUND));
        let (Ok(mut text), Ok(errors)) = texts else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("`{typed}` is not done within {BUILD_BOUND:?}");
        };
        let status = child.wait().expect("it could be waited for");
        if typed.starts_with(&self.name) {
            text += &errors;
        }
        (text.lines().map(str::to_string).collect(), status.code().unwrap_or(-1))
    }

    /// The rows of the table of parts, and the lines under the parts' headings, have the points, the hours and the size that `lab.toml` and the
    /// sources have, and the first minute says how many tests pass in a fresh starter.
    ///
    /// # Panics
    /// When a figure is another one.
    pub fn check_figures(&self) {
        let text = self.readme();
        let sheet = fs::read_to_string(self.lab.join("lab.toml")).expect("the lab has a sheet");
        for (part, id) in sheet.split("[[part]]").skip(1).zip('A'..) {
            let of = |key: &str| total(part, key);
            // In the student's workspace the regions are gone.
            let lines = match source_lines(&self.lab.join("src"), id) {
                0 => String::new(),
                size => format!(" {size} lines"),
            };
            let size = if lines.is_empty() { String::new() } else { format!("{lines} |") };
            let ends = format!("| {} | {} |{size}", of("points"), of("hours"));
            let row =
                text.lines().find(|line| line.starts_with(&format!("| {id} | "))).expect("a row a part");
            assert!(row.contains(&ends), "README.md says `{row}`, expected `{ends}` in it");
            // The same figures stand once more under the part's heading, which may break its lines anywhere.
            let heading = format!("\n### Part {id}: ");
            let below =
                text.split(&heading).nth(1).and_then(|below| below.split("\n```").next()).unwrap_or("");
            let below = below.split_whitespace().collect::<Vec<_>>().join(" ");
            let said = format!("{} hours · {} points · our solution:{lines}", of("hours"), of("points"));
            let says_figures = below.contains(" points · our solution:");
            assert!(!says_figures || below.contains(&said), "README.md, Part {id}: expected `{said}`");
        }
        let all = format!("| | all | | {} | {} |", total(&sheet, "points"), total(&sheet, "hours"));
        let row = text.lines().find(|line| line.starts_with("| | all |"));
        assert!(row.is_none_or(|row| row.starts_with(&all)), "README.md says `{row:?}`, expected `{all}`");
        let count = |what: &str| sheet.lines().filter(|line| *line == what).count();
        let (green, all) = (count("starter = \"green\""), count("[[part.test]]"));
        let verb = if green == 1 { "passes" } else { "pass" };
        let words = format!("**{green} of {all} tests {verb}, and {} must be red**", all - green);
        assert!(text.contains(&words), "README.md, First minute: expected `{words}`");
    }
}

/// The sum of all values of this key in a part of a sheet.
fn total(sheet: &str, key: &str) -> f32 {
    let values = sheet.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
    values.filter_map(|value| value.parse::<f32>().ok()).sum()
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
    /// The terminal whose command goes on; none where a command is waited for.
    terminal: Option<&'a str>,
    typed: Option<&'a str>,
    shown: Vec<&'a str>,
}

fn steps<'a>(lines: &[&'a str]) -> Vec<Step<'a>> {
    let mut steps: Vec<Step<'a>> = Vec::new();
    let mut opened: Vec<&str> = Vec::new();
    for line in lines {
        let is_name = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        match (line.split_once("$ "), line.strip_suffix(':')) {
            (Some((name, typed)), _) if is_name(name) => {
                let terminal = (!["", "client"].contains(&name)).then_some(name);
                opened.extend(terminal);
                steps.push(Step { terminal, typed: Some(typed), shown: Vec::new() });
            }
            (_, Some(name)) if opened.contains(&name) => {
                steps.push(Step { terminal: Some(name), typed: None, shown: Vec::new() });
            }
            _ => steps.last_mut().expect("a transcript begins with a command").shown.push(line),
        }
    }
    steps
}

fn read_all(mut from: impl Read + Send + 'static) -> Receiver<String> {
    let (tell, told) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        tell.send(String::from_utf8_lossy(&bytes).into_owned())
    });
    told
}

/// A program in its terminal; it ends with the block.
struct Terminal {
    child: Child,
    lines: Receiver<String>,
}

impl Terminal {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it can be run");
        let out = BufReader::new(child.stdout.take().expect("it was asked for"));
        let (tell, lines) = channel();
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Terminal { child, lines }
    }

    /// As many lines as the handout has; fewer, when the program says no more.
    fn say(&self, count: usize, what: &str) -> Vec<String> {
        let mut said = Vec::new();
        while said.len() < count {
            match self.lines.recv_timeout(BOUND) {
                Ok(line) => said.push(line),
                Err(why) => {
                    said.push(format!("({what}: {why})"));
                    break;
                }
            }
        }
        said
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This machine's address, before a port.
const HERE: &str = "127.0.0.1:";

/// The ports of this machine's address in a line.
fn ports(line: &str) -> Vec<String> {
    let digits = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect();
    line.split(HERE).skip(1).map(digits).collect()
}

/// A command with the ports that were got instead of those that are shown.
fn put_ports(typed: &str, ports: &[(String, String)]) -> String {
    let word = |word: &str| {
        let mut word = word.to_string();
        for (shown, got) in ports.iter().filter(|(shown, _)| !shown.is_empty()) {
            if word == *shown {
                return got.clone();
            }
            word = word.replace(&format!("{HERE}{shown}"), &format!("{HERE}{got}"));
        }
        word
    };
    typed.split(' ').map(word).collect::<Vec<_>>().join(" ")
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
        let bare = word.trim_end_matches([',', ':']);
        plain.push(if is_number(bare) && (measured || time) {
            word.replace(bare, "(number)")
        } else {
            let mut pieces = word.split(HERE);
            let first = pieces.next().unwrap_or_default().to_string();
            let rest = |piece: &str| piece.trim_start_matches(|c: char| c.is_ascii_digit()).to_string();
            pieces.fold(first, |whole, piece| format!("{whole}{HERE}(port){}", rest(piece)))
        });
    }
    plain.join(" ")
}

/// A line as it is printed, and without what differs from run to run.
struct Line<'a> {
    printed: &'a str,
    plain: String,
    /// Whether nothing in it differs from run to run: then its spaces count, too. Beside what differs, columns may have other widths.
    is_fixed: bool,
}

impl<'a> Line<'a> {
    fn read(printed: &'a str, measured: bool) -> Self {
        let plain = plain(printed, measured);
        let folded = printed.split_whitespace().collect::<Vec<_>>().join(" ");
        Line { printed, is_fixed: !measured && !printed.contains('…') && plain == folded, plain }
    }
}

fn lines(text: &str, measured: bool) -> Vec<Line<'_>> {
    let lines = text.lines().map(str::trim_end);
    let mut lines: Vec<Line> = lines.map(|printed| Line::read(printed, measured)).collect();
    lines.dedup_by(|next, last| next.plain == last.plain && last.plain == "(bars)");
    while lines.last().is_some_and(|line| line.plain.is_empty()) {
        lines.pop();
    }
    lines
}

/// Whether `got` is `shown` but for a remark.
fn is_remarked(shown: &Line, got: &Line) -> bool {
    let is_remark =
        |rest: &str| rest.starts_with("   ") && rest.trim_start().starts_with(char::is_alphanumeric);
    !got.printed.is_empty() && shown.printed.strip_prefix(got.printed).is_some_and(is_remark)
}

/// Whether `got` is `shown`, where `…` in it stands for any text.
fn text_matches(shown: &str, got: &str) -> bool {
    let Some((before, after)) = shown.split_once('…') else { return shown == got };
    let Some(rest) = got.strip_prefix(before) else { return false };
    let mut starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    starts.any(|at| text_matches(after, &rest[at..]))
}

/// Whether `got` is `shown`, where a line `…` stands for any lines.
fn matches(shown: &[Line], got: &[Line]) -> bool {
    let same = |shown: &Line, got: &Line| {
        let spaces = !(shown.is_fixed && got.is_fixed) || text_matches(shown.printed, got.printed);
        (text_matches(&shown.plain, &got.plain) && spaces) || is_remarked(shown, got)
    };
    match shown.split_first() {
        None => got.is_empty(),
        Some((first, rest)) if first.plain == "…" => {
            (0..=got.len()).any(|skip| matches(rest, &got[skip..]))
        }
        Some((first, rest)) => {
            got.split_first().is_some_and(|(line, later)| same(first, line) && matches(rest, later))
        }
    }
}

/// Whether what came is what is shown, but for what may differ from run to run; where it is `measured`, numbers may.
pub fn is_same(shown: &str, got: &str, measured: bool) -> bool {
    matches(&lines(shown, measured), &lines(got, measured))
}

/// How many lines the solution has in the regions of a part, without empty ones and comments.
fn source_lines(folder: &Path, part: char) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("a folder of sources").map(Result::unwrap) {
        if entry.path().is_dir() {
            count += source_lines(&entry.path(), part);
            continue;
        }
        let mut counts = false;
        for line in fs::read_to_string(entry.path()).expect("a source").lines().map(str::trim) {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a wildcard stands for, it stands for; and nothing else.
    #[test]
    fn a_transcript_that_differs_is_noticed() {
        let same = is_same;
        assert!(same("20! = 24\n1 round trips: min 1.5 µs", "20! = 24\n1 round trips: min 27.0 µs", false));
        assert!(!same("20! = 24", "20! = 25", false));
        assert!(!same("2 round trips: min 1.5 µs", "1 round trips: min 1.5 µs", false));
        assert!(same("a\n   4 µs  7  ██\n   8 µs  0", "a\n  16 µs  9  █", false));
        assert!(!same("a\n   4 µs  7  ██", "a", false));
        assert!(same("127.0.0.1:1 done", "127.0.0.1:22 done", false));
        assert!(!same("127.0.0.1:1 done", "127.0.0.1:22 gone", false));
        assert!(same("on tcp://127.0.0.1:1, (REP)", "on tcp://127.0.0.1:22, (REP)", false));
        assert!(!same("on tcp://127.0.0.1:1 (REP)", "on ipc://127.0.0.1:1 (REP)", false));
        assert!(same("poll  5 ms  1.0", "poll  17 ms  2.5", true));
        assert!(!same("poll  5 ms  1.0", "threads  17 ms  2.5", true));
        assert!(same("speed-up 3.9, at best 4:", "speed-up 3.8, at best 5:", true));
        assert!(same("…\nb\n…", "a\nb\nc\nd", false) && !same("…\nx\n…", "a\nb", false));
        assert!(same("why: …", "why: this", false) && !same("why: …!", "why: this", false));
        assert!(!same("a\nb", "a", false) && !same("a", "a\nb", false));
        assert!(!same("  s   │  x", "  s  │  x", false) && same("a   b", "a b", true));
        assert!(same("  s   p1 Yes → c      p1 is prepared", "  s   p1 Yes → c", false));
        assert!(!same("  s   p1 Yes → c      p1 is prepared", "  s   p1 No → c", false));
        assert!(
            !same("  s   p1 Yes → c p2", "  s   p1 Yes → c", false) && !same("  s       │", "  s", false)
        );
    }

    #[test]
    fn a_port_that_was_got_stands_where_it_was_shown() {
        let shown = ports("up tcp://127.0.0.1:11, down tcp://127.0.0.1:12 (x)");
        assert_eq!(shown, ["11", "12"]);
        let ports: Vec<_> = shown.into_iter().zip(["7".to_string(), "8".to_string()]).collect();
        assert_eq!(
            put_ports("x --port 11 tcp://127.0.0.1:12 110", &ports),
            "x --port 7 tcp://127.0.0.1:8 110"
        );
    }

    #[test]
    fn a_block_is_cut_into_what_is_typed_and_looked_at() {
        let lines = ["sink$ a --b", "first:", "$ c", "why: no", "sink:", "last", "client$ d"];
        let steps = steps(&lines);
        let cut: Vec<_> = steps.iter().map(|step| (step.terminal, step.typed, &step.shown[..])).collect();
        let expected = [
            (Some("sink"), Some("a --b"), &["first:"][..]),
            (None, Some("c"), &["why: no"][..]),
            (Some("sink"), None, &["last"][..]),
            (None, Some("d"), &[][..]),
        ];
        assert_eq!(cut, expected);
    }
}
