//! The graded tests of `lab.toml` and the functions of `tests/part_*.rs` must be the same.

use crate::finding::Finding;
use crate::lab::Lab;
use crate::manifest::line_of;
use anyhow::Result;
use std::collections::BTreeMap;
use std::fs;

/// A test function.
#[derive(Debug, PartialEq, Eq)]
struct Function {
    name: String,
    /// The line of its `fn`, from 1.
    line: usize,
    ignored: bool,
}

/// Checks the tests of a lab.
pub fn check(lab: &Lab, findings: &mut Vec<Finding>) -> Result<()> {
    let sheet = format!("{}/lab.toml", lab.folder.name);
    let sheet_text = super::text(&lab.folder.path.join("lab.toml")).unwrap_or_default();
    let mut files: BTreeMap<String, Vec<Function>> = BTreeMap::new();
    let folder = lab.folder.path.join("tests");
    if folder.is_dir() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            if path.extension().is_some_and(|extension| extension == "rs") && stem.starts_with("part_") {
                files.insert(stem, functions(&super::text(&path).unwrap_or_default()));
            }
        }
    }
    for (_, test) in lab.tests() {
        let line = line_of(&sheet_text, &test.name);
        let Some(functions) = files.get(&test.file) else {
            findings.push(Finding::new(
                &sheet,
                line,
                format!("file = \"{}\" for the test `{}`", test.file, test.name),
                format!("a file {}/tests/{}.rs", lab.folder.name, test.file),
                "correct the name (without tests/ and .rs), or write the file",
            ));
            continue;
        };
        match functions.iter().find(|function| function.name == test.name) {
            None => findings.push(Finding::new(
                &sheet,
                line,
                format!("the graded test `{}`", test.name),
                format!("a #[test] of this name in {}/tests/{}.rs", lab.folder.name, test.file),
                "write the test, or correct the name",
            )),
            Some(function) if function.ignored => findings.push(Finding::new(
                format!("{}/tests/{}.rs", lab.folder.name, test.file),
                function.line,
                format!("the graded test `{}` is marked #[ignore]", test.name),
                "graded tests run everywhere",
                "take the mark away, or do not grade it",
            )),
            Some(_) => {}
        }
    }
    for (file, functions) in &files {
        for function in functions {
            if !lab.tests().any(|(_, test)| test.name == function.name && test.file == *file) {
                findings.push(Finding::new(
                    format!("{}/tests/{file}.rs", lab.folder.name),
                    function.line,
                    format!("the test `{}`, which {sheet} does not list", function.name),
                    "each #[test] of tests/part_*.rs graded",
                    "add a [[part.test]] for it, or move it to another file",
                ));
            }
        }
    }
    Ok(())
}

/// The test functions of a file.
fn functions(text: &str) -> Vec<Function> {
    let mut found = Vec::new();
    let (mut is_test, mut ignored) = (false, false);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(attribute) = line.strip_prefix("#[") {
            let path = attribute.split(['(', ']', ' ', '=']).next().unwrap_or_default();
            // `#[test]`, and what other crates make of it: `#[tokio::test]`.
            is_test |= path.rsplit("::").next() == Some("test");
            ignored |= path == "ignore";
            if !attribute.ends_with(']') {
                continue;
            }
        }
        let declared = line
            .strip_prefix("pub ")
            .unwrap_or(line)
            .trim_start_matches("async ")
            .strip_prefix("fn ")
            .and_then(|rest| rest.split(['(', '<', ' ']).next());
        if let Some(name) = declared {
            if is_test {
                found.push(Function { name: name.to_owned(), line: index + 1, ignored });
            }
            (is_test, ignored) = (false, false);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_functions_are_found() {
        let text = "\
fn helper() {}

/// A story.
#[test]
fn part_a_one() {
    fn inner() {}
}

#[tokio::test(flavor = \"current_thread\")]
#[ignore = \"needs a peer\"]
async fn part_a_two() {}

#[cfg(test)]
fn not_one() {}
";
        let found = functions(text);
        let seen: Vec<_> = found.iter().map(|f| (f.name.as_str(), f.line, f.ignored)).collect();
        assert_eq!(seen, [("part_a_one", 5, false), ("part_a_two", 11, true)]);
    }
}
