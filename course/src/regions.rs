//! The regions of a source file that a student must write.
//!
//! ```text
//! // solution: begin — Part B: answer a Prepare
//! …
//! // solution: end
//! ```
//!
//! A region is whole statements within one function body. In the starter it becomes
//! `todo!("Part B: answer a Prepare")`, so that a run which reaches it says what is missing.

use std::fmt;

/// A region of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// The line of its begin, from 1.
    pub begin: usize,
    /// The line of its end.
    pub end: usize,
    /// The part's letter, `b`.
    pub part: String,
    /// `Part B: answer a Prepare`.
    pub task: String,
}

/// What is wrong with the regions of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// What was read.
    pub read: String,
    /// What was expected.
    pub expected: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: read {}; expected {}", self.line, self.read, self.expected)
    }
}

const BEGIN: &str = "`// solution: begin — Part B: what is to be written`";

enum Marker {
    Begin { part: String, task: String },
    End,
}

/// Reads a line as a marker: `None` when it is none, an error when it is nearly one.
fn marker(line: &str) -> Option<Result<Marker, String>> {
    let comment = line.trim().strip_prefix("//")?;
    let said = comment.trim_start_matches(['/', '!']).trim();
    let rest = said.strip_prefix("solution")?.trim_start().strip_prefix(':')?.trim();
    let is_begin = rest.starts_with("begin");
    // Only a begin or an end is meant as a marker; a sentence may speak of a solution.
    if !is_begin && !rest.starts_with("end") {
        return None;
    }
    if !is_begin {
        return Some(match line.trim() {
            "// solution: end" => Ok(Marker::End),
            _ => Err("`// solution: end`".to_owned()),
        });
    }
    let task = line.trim().strip_prefix("// solution: begin — ");
    let read = task.and_then(|task| {
        let (part, what) = task.strip_prefix("Part ")?.split_once(": ")?;
        let letter = part.len() == 1 && part.bytes().all(|b| b.is_ascii_uppercase());
        (letter && !what.trim().is_empty())
            .then(|| Marker::Begin { part: part.to_lowercase(), task: task.to_owned() })
    });
    Some(read.ok_or_else(|| match rest.trim_start_matches("begin").trim_start().chars().next() {
        Some('-' | '–' | ':') => format!("{BEGIN}, with an em dash (—)"),
        _ => BEGIN.to_owned(),
    }))
}

/// Whether a file has a line that is, or nearly is, a marker.
pub fn any(text: &str) -> bool {
    text.lines().any(|line| marker(line).is_some())
}

/// Reads the regions of a file, or all that is wrong with them.
pub fn read(text: &str) -> Result<Vec<Region>, Vec<Fault>> {
    let mut regions = Vec::new();
    let mut faults = Vec::new();
    let mut open: Option<(usize, String, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let fault =
            |read: String, expected: &str| Fault { line: number, read, expected: expected.to_owned() };
        match marker(line) {
            None => {}
            Some(Err(expected)) => faults.push(fault(format!("`{}`", line.trim()), &expected)),
            Some(Ok(Marker::Begin { part, task })) => {
                if let Some((begun, ..)) = &open {
                    faults.push(fault(
                        format!("a begin inside the region that begins at line {begun}"),
                        "`// solution: end` before it: regions do not nest",
                    ));
                }
                open = Some((number, part, task));
            }
            Some(Ok(Marker::End)) => match open.take() {
                None => faults.push(fault(
                    "an end without a begin".to_owned(),
                    &format!("{BEGIN} on a line before it"),
                )),
                Some((begin, part, task)) => {
                    let region = Region { begin, end: number, part, task };
                    faults.extend(unbalanced(text, &region));
                    regions.push(region);
                }
            },
        }
    }
    if let Some((line, ..)) = open {
        faults.push(Fault {
            line,
            read: "a begin without an end".to_owned(),
            expected: "`// solution: end` on a line after it".to_owned(),
        });
    }
    if faults.is_empty() { Ok(regions) } else { Err(faults) }
}

/// A region that opens a brace it does not close, or the other way round, is not whole statements.
fn unbalanced(text: &str, region: &Region) -> Option<Fault> {
    let mut depth = 0_i64;
    let mut inside = 0_i64;
    for (line, c) in code(text) {
        let step = match c {
            '{' | '(' | '[' => 1,
            '}' | ')' | ']' => -1,
            _ => continue,
        };
        if line < region.begin {
            depth += step;
        } else if line < region.end {
            inside += step;
            if inside < 0 {
                return Some(Fault {
                    line,
                    read: format!("a `{c}` that closes what stands before the region"),
                    expected: "whole statements within one function body".to_owned(),
                });
            }
        }
    }
    if depth < 1 {
        return Some(Fault {
            line: region.begin,
            read: "a region outside of every function".to_owned(),
            expected: "whole statements within one function body".to_owned(),
        });
    }
    (inside > 0).then(|| Fault {
        line: region.end,
        read: "an end before what the region opened is closed".to_owned(),
        expected: "whole statements within one function body".to_owned(),
    })
}

/// The letters of a Rust file that are code, with their lines: no comments, no strings, no characters.
fn code(text: &str) -> Vec<(usize, char)> {
    let letters: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut line = 1;
    let mut at = 0;
    let starts =
        |at: usize, with: &str| with.chars().enumerate().all(|(i, c)| letters.get(at + i) == Some(&c));
    while at < letters.len() {
        let from = at;
        let c = letters[at];
        if starts(at, "//") {
            while at < letters.len() && letters[at] != '\n' {
                at += 1;
            }
        } else if starts(at, "/*") {
            let mut depth = 0;
            while at < letters.len() {
                if starts(at, "/*") {
                    depth += 1;
                    at += 2;
                } else if starts(at, "*/") {
                    depth -= 1;
                    at += 2;
                    if depth == 0 {
                        break;
                    }
                } else {
                    at += 1;
                }
            }
        } else if let Some(hashes) = raw_string(&letters, at) {
            let close: String = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
            at += 2 + hashes;
            while at < letters.len() && !starts(at, &close) {
                at += 1;
            }
            at += close.len();
        } else if c == '"' {
            at += 1;
            while at < letters.len() && letters[at] != '"' {
                at += if letters[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if c == '\'' && letters.get(at + 1) == Some(&'\\') {
            // An escaped character: '\'' or '\u{1F600}'.
            at += 3;
            while at < letters.len() && letters[at] != '\'' {
                at += 1;
            }
            at += 1;
        } else if c == '\'' && letters.get(at + 2) == Some(&'\'') {
            at += 3;
        } else {
            found.push((line, c));
            at += 1;
        }
        at = at.min(letters.len());
        line += letters[from..at].iter().filter(|c| **c == '\n').count();
    }
    found
}

/// How many hashes a raw string that begins here has; `None` when none begins here.
fn raw_string(letters: &[char], at: usize) -> Option<usize> {
    let before = at.checked_sub(1).map(|i| letters[i]);
    // An `r` that ends a name begins no string; one after a `b` or `c` prefix does.
    if letters[at] != 'r'
        || before.is_some_and(|c| (c.is_alphanumeric() || c == '_') && !matches!(c, 'b' | 'c'))
    {
        return None;
    }
    let hashes = letters[at + 1..].iter().take_while(|c| **c == '#').count();
    (letters.get(at + 1 + hashes) == Some(&'"')).then_some(hashes)
}

/// The file as a student gets it: each region is a `todo!`.
pub fn starter(text: &str) -> Result<String, Vec<Fault>> {
    let regions = read(text)?;
    let lines: Vec<&str> = text.lines().collect();
    let letters = code(text);
    let mut out = String::new();
    let mut next = 0;
    for region in &regions {
        for line in &lines[next..region.begin - 1] {
            out.push_str(line);
            out.push('\n');
        }
        let begin = lines[region.begin - 1];
        let indent = &begin[..begin.len() - begin.trim_start().len()];
        // The last thing in a block may be its value, which a semicolon would throw away.
        let after = letters.iter().find(|(line, c)| *line > region.end && !c.is_whitespace());
        let end = if after.is_some_and(|(_, c)| *c == '}') { "" } else { ";" };
        // The task is a format string there.
        let task =
            region.task.replace('\\', "\\\\").replace('"', "\\\"").replace('{', "{{").replace('}', "}}");
        out.push_str(&format!("{indent}todo!(\"{task}\"){end}\n"));
        next = region.end;
    }
    for line in &lines[next..] {
        out.push_str(line);
        out.push('\n');
    }
    Ok(out)
}

/// Keeps the starter of a crate free of warnings: what `todo!` leaves unused or unreached is not the student's fault.
const ALLOW: &str = "\
// A `todo!()` leaves variables, imports and functions unused until it is written. Delete this when nothing is left
// to write: the compiler's warnings are worth reading then.
#![allow(unused_variables, unused_mut, unused_imports, unused_assignments, unused_labels, unused_must_use)]
#![allow(unreachable_code, dead_code)]
#![allow(clippy::diverging_sub_expression, clippy::never_loop, clippy::needless_return, clippy::let_unit_value)]
#![allow(clippy::new_without_default, clippy::ptr_arg, clippy::needless_pass_by_value, clippy::match_single_binding)]
";

/// Puts the `allow` into a crate's root, after its documentation.
pub fn allow(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let docs = lines.iter().take_while(|line| line.trim().is_empty() || line.starts_with("//!")).count();
    // Blank lines after the documentation stay after it.
    let docs = lines[..docs].iter().rposition(|line| line.starts_with("//!")).map_or(0, |last| last + 1);
    let mut out = String::new();
    for line in &lines[..docs] {
        out.push_str(line);
        out.push('\n');
    }
    if docs > 0 {
        out.push('\n');
    }
    out.push_str(ALLOW);
    if lines.get(docs).is_some_and(|line| !line.trim().is_empty()) {
        out.push('\n');
    }
    for line in &lines[docs..] {
        out.push_str(line);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
//! An acceptor.

impl Acceptor {
    /// Answers a Prepare.
    fn prepare(&mut self, ballot: u64) -> bool {
        // solution: begin — Part A: answer a Prepare
        if ballot > self.promised { // an unmatched { in a comment
            self.promised = ballot; let _ = ('{', '\\'', \"}\", r#\"\"}\"#);
        }
        ballot >= self.promised
        // solution: end
    }

    fn accept<'a>(&'a mut self) -> u64 {
        // solution: begin — Part B: accept a \"value\" {x}
        self.n += 1;
        // solution: end
        self.n
    }
}
";

    #[test]
    fn regions_are_found_with_their_parts() {
        let regions = read(FILE).unwrap();
        let seen: Vec<_> =
            regions.iter().map(|r| (r.begin, r.end, r.part.as_str(), r.task.as_str())).collect();
        assert_eq!(
            seen,
            [(6, 11, "a", "Part A: answer a Prepare"), (15, 17, "b", "Part B: accept a \"value\" {x}"),]
        );
    }

    #[test]
    fn a_starter_has_a_todo_for_each_region() {
        let starter = starter(FILE).unwrap();
        assert_eq!(
            starter,
            "\
//! An acceptor.

impl Acceptor {
    /// Answers a Prepare.
    fn prepare(&mut self, ballot: u64) -> bool {
        todo!(\"Part A: answer a Prepare\")
    }

    fn accept<'a>(&'a mut self) -> u64 {
        todo!(\"Part B: accept a \\\"value\\\" {{x}}\");
        self.n
    }
}
"
        );
        assert!(!any(&starter));
    }

    /// Wraps `body` in a function that begins at line 1, and gives the faults.
    fn faults(body: &str) -> Vec<Fault> {
        read(&format!("fn f() {{\n{body}\n}}\n")).unwrap_err()
    }

    #[test]
    fn markers_must_pair() {
        let found = faults("// solution: begin — Part A: x");
        assert_eq!((found[0].line, found[0].read.as_str()), (2, "a begin without an end"));
        let found = faults("// solution: end");
        assert_eq!((found[0].line, found[0].read.as_str()), (2, "an end without a begin"));
        let found =
            faults("// solution: begin — Part A: x\n// solution: begin — Part A: y\n// solution: end");
        assert_eq!(
            (found[0].line, found[0].read.as_str()),
            (3, "a begin inside the region that begins at line 2")
        );
    }

    #[test]
    fn a_begin_names_its_part_and_its_task_after_an_em_dash() {
        for begin in [
            "// solution: begin",
            "// solution: begin - Part A: x",
            "// solution: begin – Part A: x",
            "// solution: begin — Part: x",
            "// solution: begin — Part A",
            "// solution: begin — Part A: ",
            "// solution: begin — Part AB: x",
            "// solution: begin — part a: x",
            "//solution: begin — Part A: x",
            "/// solution: begin — Part A: x",
        ] {
            let found = read(&format!("fn f() {{\n{begin}\n// solution: end\n}}")).unwrap_err();
            assert_eq!(found[0].line, 2, "{begin}");
            assert!(found[0].read.contains("solution: begin"), "{begin}: {found:?}");
            assert!(found[0].expected.contains("begin — Part B: "), "{begin}: {found:?}");
        }
        let found = faults("// solution: begin - Part A: x");
        assert!(found[0].expected.contains("em dash"), "{found:?}");
    }

    #[test]
    fn a_sentence_may_speak_of_a_solution() {
        assert_eq!(read("// solution: beyond this file\n// the solution: begin with it\n"), Ok(vec![]));
    }

    #[test]
    fn a_region_is_whole_statements_within_a_function() {
        let found = faults("// solution: begin — Part A: x\n}\nfn g() {\n// solution: end");
        assert!(found[0].read.contains("closes what stands before"), "{found:?}");
        let found = faults("// solution: begin — Part A: x\nif a {\n// solution: end\n}");
        assert!(found[0].read.contains("an end before"), "{found:?}");
        let found = read("// solution: begin — Part A: x\nfn f() {}\n// solution: end\n").unwrap_err();
        assert!(found[0].read.contains("outside of every function"), "{found:?}");
    }

    #[test]
    fn a_comment_after_a_region_does_not_hide_the_end_of_the_block() {
        let text =
            "fn f() -> u8 {\n    // solution: begin — Part A: x\n    1\n    // solution: end\n    // }\n}\n";
        assert!(starter(text).unwrap().contains("todo!(\"Part A: x\")\n"));
    }

    #[test]
    fn the_allow_stands_between_documentation_and_items() {
        let out = allow("//! A lab.\n//!\n//! More.\n\nmod a;\n");
        assert!(out.starts_with("//! A lab.\n//!\n//! More.\n\n// A `todo!()`"), "{out}");
        assert!(out.ends_with("clippy::match_single_binding)]\n\nmod a;\n"), "{out}");
        assert!(allow("mod a;\n").starts_with("// A `todo!()`"));
        let bare = allow("mod a;\n");
        assert!(bare.ends_with(")]\n\nmod a;\n"), "{bare}");
    }
}
