//! What Rust's test harness prints, read back: which test passed, which failed, and what it said.

use std::collections::BTreeMap;

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It passed.
    Passed,
    /// It failed; this is what it printed.
    Failed(String),
    /// It is marked `#[ignore]`.
    Ignored,
}

/// Reads the harness's output: the tests that ended, by name. A test that hung or took the process down is absent.
pub fn read(output: &str) -> BTreeMap<String, Ended> {
    let mut ended = BTreeMap::new();
    for line in output.lines() {
        let Some((name, how)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) else {
            continue;
        };
        let name = name.strip_suffix(" - should panic").unwrap_or(name);
        let how = match how.split([' ', ',']).next().unwrap_or_default() {
            "ok" => Ended::Passed,
            "FAILED" => Ended::Failed(String::new()),
            "ignored" => Ended::Ignored,
            _ => continue,
        };
        ended.insert(name.to_owned(), how);
    }
    let lines: Vec<&str> = output.lines().collect();
    // The blocks stand between the first and the last `failures:`; a test may print that line too.
    let first = lines.iter().position(|line| *line == "failures:");
    let last = lines.iter().rposition(|line| *line == "failures:");
    if let (Some(first), Some(last)) = (first, last) {
        let mut open: Option<String> = None;
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        for line in &lines[first + 1..last.max(first + 1)] {
            let begins = line
                .strip_prefix("---- ")
                .and_then(|rest| rest.strip_suffix(" ----"))
                .and_then(|rest| rest.strip_suffix(" stdout").or_else(|| rest.strip_suffix(" stderr")))
                .filter(|name| matches!(ended.get(*name), Some(Ended::Failed(_))));
            if let Some(name) = begins {
                open = Some(name.to_owned());
            } else if let Some(name) = &open {
                let text = texts.entry(name.clone()).or_default();
                text.push_str(line);
                text.push('\n');
            }
        }
        for (name, text) in texts {
            ended.insert(name, Ended::Failed(text.trim_end().to_owned()));
        }
    }
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "
running 4 tests
test part_a_passes ... ok
test part_a_later ... ignored, needs a peer
test part_a_panics - should panic ... ok
test part_a_fails ... FAILED
test part_a_also_fails ... FAILED

failures:

---- part_a_fails stdout ----
a line
failures:
---- not a test stdout ----

thread 'part_a_fails' (12) panicked at tests/a.rs:3:5:
rule broken: x
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace

---- part_a_also_fails stdout ----
second


failures:
    part_a_also_fails
    part_a_fails

test result: FAILED. 2 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    #[test]
    fn every_test_is_found() {
        let ended = read(OUTPUT);
        assert_eq!(ended.len(), 5);
        assert_eq!(ended["part_a_passes"], Ended::Passed);
        assert_eq!(ended["part_a_panics"], Ended::Passed);
        assert_eq!(ended["part_a_later"], Ended::Ignored);
    }

    #[test]
    fn a_failures_text_is_its_own() {
        let ended = read(OUTPUT);
        let Ended::Failed(text) = &ended["part_a_fails"] else { panic!("it failed") };
        assert!(text.starts_with("a line\nfailures:\n---- not a test stdout ----\n"), "{text}");
        assert!(text.contains("rule broken: x"), "{text}");
        assert!(!text.contains("second"), "{text}");
        assert_eq!(ended["part_a_also_fails"], Ended::Failed("second".to_owned()));
    }

    #[test]
    fn output_that_breaks_off_gives_what_it_has() {
        let ended = read("running 2 tests\ntest a ... ok\ntest b ... ");
        assert_eq!(ended.len(), 1);
        assert_eq!(read("not a harness at all"), BTreeMap::new());
        assert_eq!(read("test a ... FAILED\nfailures:\n")["a"], Ended::Failed(String::new()));
    }
}
