//! What a failing graded test says: the rule that was broken, the seed that broke it, how to see it again.
//!
//! ```text
//! rule broken: at most one value is chosen
//!   expected: …
//!   got: …
//!   seed: 17 (tried 18 of 200)
//!   replay: cargo course replay 07 --test part_c_x --seed 17
//!   trace: target/failures/….jsonl
//!   page: target/failures/….html
//! ```

use crate::seed;
use serde::Serialize;

/// A failing test's output, understood as far as it can be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The rule, in words.
    pub rule: Option<String>,
    /// The seed that broke it.
    pub seed: Option<u64>,
    /// How many seeds were tried until then.
    pub tried: Option<u64>,
    /// What is not written yet, `Part B: answer a Prepare`.
    pub unwritten: Option<String>,
    /// Where the test panicked, `src/acceptor.rs:42`.
    pub place: Option<String>,
    /// Whether a picture of the run follows the rule: what has a page is drawn in the terminal too.
    pub drawn: bool,
    /// All that the test printed, without the frame that the test harness puts around it.
    pub text: String,
}

const UNWRITTEN: &str = "not yet implemented: ";
const RULE: &str = "rule broken: ";

impl Failure {
    /// Reads what a failing test printed.
    pub fn read(captured: &str) -> Self {
        let mut failure = Failure::default();
        let mut kept = Vec::new();
        let mut in_rule = false;
        for line in captured.lines() {
            if let Some(place) = panicked_at(line) {
                failure.place.get_or_insert(place);
                continue;
            }
            if line.starts_with("note: run with `RUST_BACKTRACE") {
                continue;
            }
            kept.push(line);
            if let Some((_, what)) = line.split_once(UNWRITTEN) {
                // Also as a broken rule, which is how a simulation reports a panic of a node.
                failure.unwritten.get_or_insert(what.trim().to_owned());
            } else if let Some((_, rule)) = line.split_once(RULE) {
                in_rule = failure.rule.is_none();
                failure.rule.get_or_insert(rule.trim().to_owned());
            } else if in_rule && line.starts_with(' ') {
                let fact = line.trim_start();
                failure.drawn |= fact.starts_with("page: ");
                if let Some(said) = fact.strip_prefix("seed: ") {
                    let (seed, rest) = said.split_once(' ').unwrap_or((said, ""));
                    failure.seed = seed::parse(seed).ok();
                    failure.tried = rest
                        .strip_prefix("(tried ")
                        .and_then(|rest| rest.split(|letter: char| !letter.is_ascii_digit()).next())
                        .and_then(|tried| tried.parse().ok());
                }
            } else if !line.is_empty() {
                in_rule = false;
            }
        }
        while kept.last().is_some_and(|line| line.trim().is_empty()) {
            kept.pop();
        }
        while kept.first().is_some_and(|line| line.trim().is_empty()) {
            kept.remove(0);
        }
        failure.text = kept.join("\n");
        failure
    }

    /// The lines of the broken rule: the rule and what is indented below it.
    pub fn rule_lines(&self) -> Vec<&str> {
        let lines = self.text.lines().skip_while(|line| !line.contains(RULE));
        lines
            .enumerate()
            .take_while(|(index, line)| *index == 0 || line.starts_with(' '))
            .map(|(_, line)| line)
            .collect()
    }

    /// The file of the schedule that breaks the rule, when one was written.
    pub fn scenario(&self) -> Option<&str> {
        self.text.lines().find_map(|line| line.strip_prefix("  scenario: "))
    }

    /// What was expected and what came instead, when the failure is that a schedule does not apply any more.
    pub fn deviation(&self) -> Option<Vec<&str>> {
        let mut lines = self.text.lines().skip_while(|line| *line != simnet::scenario::NO_LONGER);
        lines.next()?;
        Some(lines.take_while(|line| line.starts_with("  ") && !line.starts_with("  scenario: ")).collect())
    }

    /// The text with the lines of the broken rule first, then what follows them, then what stands before, at most `most`
    /// lines; but all lines of the rule, since its last ones say how to see the failure again.
    pub fn rule_first(&self, most: usize) -> Vec<String> {
        let lines: Vec<&str> = self.text.lines().collect();
        let start = lines.iter().position(|line| line.contains(RULE)).unwrap_or_default();
        let mut ordered = lines[start..].to_vec();
        if start > 0 {
            ordered.push("");
            ordered.extend(&lines[..start]);
        }
        while ordered.last().is_some_and(|line| line.trim().is_empty()) {
            ordered.pop();
        }
        cut(ordered, most.max(self.rule_lines().len()))
    }

    /// One line that says what went wrong.
    pub fn headline(&self) -> &str {
        self.rule.as_deref().or(self.unwritten.as_deref()).unwrap_or_else(|| {
            self.text.lines().find(|line| !line.trim().is_empty()).unwrap_or("no message").trim()
        })
    }
}

fn cut(lines: Vec<&str>, most: usize) -> Vec<String> {
    let more = lines.len().saturating_sub(most);
    let mut kept: Vec<String> = lines.into_iter().take(most).map(str::to_owned).collect();
    if more > 0 {
        kept.push(format!("… and {}", crate::show::count(more, "more line", "more lines")));
    }
    kept
}

/// `thread 'x' (123) panicked at src/a.rs:4:5:` gives `src/a.rs:4`.
fn panicked_at(line: &str) -> Option<String> {
    let rest = line.strip_prefix("thread '")?;
    let (_, place) = rest.split_once(" panicked at ")?;
    let mut parts = place.trim_end_matches(':').rsplitn(2, ':');
    let (_column, place) = (parts.next()?, parts.next()?);
    Some(place.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_rule_is_understood() {
        let failure = Failure::read(
            "\
some output

thread 'part_c_x' (77) panicked at 07-paxos/tests/part_c.rs:31:9:
rule broken: at most one value is chosen
  expected: one value
  got: `a` and `b`
  seed: 0x11 (tried 18 of 200)
  replay: cargo course replay 07 --test part_c_x --seed 17
  trace: target/failures/x.jsonl
  page: target/failures/x.html
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
",
        );
        assert_eq!(failure.rule.as_deref(), Some("at most one value is chosen"));
        assert_eq!((failure.seed, failure.tried), (Some(17), Some(18)));
        assert_eq!(failure.place.as_deref(), Some("07-paxos/tests/part_c.rs:31"));
        let lines = failure.rule_first(10);
        assert_eq!(lines[0], "rule broken: at most one value is chosen");
        assert_eq!(lines[6], "  page: target/failures/x.html");
        assert_eq!(lines[7..], ["", "some output"]);
        assert_eq!(failure.rule_lines(), lines[..7]);
        assert!(failure.drawn);
        assert_eq!(failure.rule_first(7)[7], "… and 2 more lines");
        assert_eq!(failure.rule_first(2), failure.rule_first(7), "the rule is never cut");
    }

    #[test]
    fn a_seed_without_its_count_is_enough() {
        let failure = Failure::read("rule broken: x\n  seed: 4\n");
        assert_eq!((failure.seed, failure.tried, failure.drawn), (Some(4), None, false));
    }

    #[test]
    fn seeds_of_earlier_campaigns_are_counted() {
        let failure =
            Failure::read("rule broken: x\n  seed: 4 (tried 45: after 40 of earlier campaigns, 5 of 20)\n");
        assert_eq!((failure.seed, failure.tried), (Some(4), Some(45)));
    }

    #[test]
    fn what_is_not_written_is_named() {
        let failure = Failure::read(
            "thread 'x' panicked at 07-paxos/src/acceptor.rs:9:5:\nnot yet implemented: Part B: answer a Prepare\n",
        );
        assert_eq!(failure.unwritten.as_deref(), Some("Part B: answer a Prepare"));
        assert_eq!(failure.place.as_deref(), Some("07-paxos/src/acceptor.rs:9"));
        assert_eq!(failure.headline(), "Part B: answer a Prepare");
        // In a simulation it is told in one line, and then as a broken rule.
        let failure = Failure::read(
            "07-paxos/src/acceptor.rs:9: not yet implemented: Part B: answer a Prepare\n\
             rule broken: not yet implemented: Part B: answer a Prepare\n  expected: a solution\n",
        );
        assert_eq!((failure.unwritten.as_deref(), failure.rule), (Some("Part B: answer a Prepare"), None));
    }

    #[test]
    fn any_other_text_is_kept() {
        let failure = Failure::read("\nassertion failed: x\n\n");
        assert_eq!(failure.headline(), "assertion failed: x");
        assert_eq!(failure.rule, None);
        assert_eq!(Failure::read("").headline(), "no message");
    }
}
